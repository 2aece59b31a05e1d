"""Memory-mapped arrays of every dtype and order: the bits of the arrays, and little memory."""

from __future__ import annotations

import os
import subprocess
import sys
import tracemalloc
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import chainrule as cr
from chainrule import layers
from chainrule.errors import DataError, DTypeError
from chainrule.training.mapped import MappedRows, to_rows

ROWS, WIDTH = 1003, 12
RNG = np.random.default_rng(0)
INTEGERS = RNG.integers(0, 100, (ROWS, WIDTH))
VALUES: dict[str, Any] = {
    "float16": RNG.standard_normal((ROWS, WIDTH)).astype("float16"),
    "int8": (INTEGERS - 50).astype("int8"),
    "int16": (300 * INTEGERS - 9000).astype("int16"),
    "uint16": (600 * INTEGERS).astype("uint16"),
    "bool": INTEGERS > 40,
    ">f4": RNG.standard_normal((ROWS, WIDTH)).astype(">f4"),
    ">i4": INTEGERS.astype(">i4"),
    "float32": RNG.standard_normal((ROWS, WIDTH)).astype("float32"),
    "uint8": INTEGERS.astype("uint8"),
}
CASES = [
    (dtype, order)
    for dtype in VALUES
    for order in "CF"
    if order == "F" or dtype not in ("float32", "uint8")
]
TARGETS = RNG.standard_normal((ROWS, 2)).astype("float32")


def mapped(path: Path, values: Any, order: str = "C") -> Any:
    x = np.memmap(path, dtype=values.dtype, mode="w+", shape=values.shape, order=order)
    x[:] = values
    x.flush()
    return np.memmap(path, dtype=values.dtype, mode="r", shape=values.shape, order=order)


def make() -> Any:
    cr.utils.set_random_seed(3)
    model = cr.Sequential([cr.Input((WIDTH,)), layers.Rescaling(1e-3), layers.Dense(2)])
    model.compile(cr.optimizers.Adam(0.01), "mse", metrics=["mae"])
    return model


def results(x: Any, y: Any, **options: Any) -> list[Any]:
    """Everything that fit, evaluate and predict give."""
    model = make()
    given = {"batch_size": 32, "epochs": 3, "validation_split": 0.2, "verbose": 0, **options}
    history = model.fit(x, y, **given)
    return [
        *(np.asarray(v).tobytes() for v in [*model.variables, *model.optimizer.variables]),
        history.history,
        model.evaluate(x, y, batch_size=50, verbose=0),
        model.predict(x, batch_size=50, verbose=0).tobytes(),
        model.predict(x[:7], verbose=0).tobytes(),
        model.train_on_batch(x[:9], y[:9]),
        model.predict_on_batch(x[:9]).tobytes(),
    ]


@pytest.fixture(autouse=True)
def small_blocks(monkeypatch: Any) -> None:
    """Several blocks an epoch, of several batches."""
    monkeypatch.setattr("chainrule.training.mapped._BLOCK", 10_000)


@pytest.mark.parametrize(("dtype", "order"), CASES)
def test_the_bits_of_the_array_in_memory(dtype: str, order: str, tmp_path: Path) -> None:
    x = mapped(tmp_path / "x.bin", VALUES[dtype], order)
    assert isinstance(to_rows(x, "x"), MappedRows)
    expected = results(VALUES[dtype].astype("float32"), TARGETS)
    assert results(x, TARGETS) == expected


@pytest.mark.filterwarnings("ignore:Your input ran out of data")
@pytest.mark.parametrize(
    "options",
    [
        {"shuffle": False},
        {"steps_per_epoch": 11, "epochs": 4},
        {"validation_split": 0.0, "epochs": 2},
        {"batch_size": 2000},
        {"callbacks": [cr.callbacks.LambdaCallback(on_train_batch_end=lambda batch, logs: None)]},
        {"sample_weight": np.linspace(0, 1, ROWS)},
    ],
    ids=lambda options: next(iter(options)),
)
def test_options(options: dict[str, Any], tmp_path: Path) -> None:
    values = VALUES["float16"]
    x = mapped(tmp_path / "x.bin", values, "F")
    y = mapped(tmp_path / "y.bin", TARGETS.astype("float16"))
    expected = results(values.astype("float32"), np.asarray(y).astype("float32"), **options)
    assert results(x, y, **options) == expected


def test_batch_events_are_those_of_an_array(tmp_path: Path) -> None:
    seen: list[Any] = []
    for x in (VALUES["int8"], mapped(tmp_path / "x.bin", VALUES["int8"])):
        events: list[Any] = []

        class Log(cr.callbacks.Callback):
            def on_train_batch_begin(self, batch: int, logs: Any = None) -> None:
                events.append(("begin", batch))

            def on_train_batch_end(self, batch: int, logs: Any = None) -> None:
                events.append((batch, logs))
                if batch == 20:
                    self.model.stop_training = True

        make().fit(x, TARGETS, epochs=2, verbose=0, callbacks=[Log()])
        assert len(events) == 42
        seen.append(events)
    assert seen[0] == seen[1]


def test_structures_and_views(tmp_path: Path) -> None:
    values = VALUES["float16"]
    whole = mapped(tmp_path / "x.bin", np.ascontiguousarray(values.T))
    a, b = cr.Input((WIDTH,), name="a"), cr.Input((WIDTH,), name="b")
    outputs = layers.Dense(2, kernel_initializer="ones")(layers.Concatenate()([a, b]))
    model = cr.Model({"a": a, "b": b}, outputs)
    given = {"a": whole.T, "b": np.asarray(whole).T[:]}
    assert all(isinstance(to_rows(x, "x"), MappedRows) for x in given.values())
    expected = model.predict({"a": values, "b": values}, verbose=0)
    assert np.array_equal(model.predict(given, verbose=0), expected)


def test_what_the_core_reads_is_not_touched(tmp_path: Path) -> None:
    for dtype in ("float32", "uint8"):
        x = mapped(tmp_path / dtype, VALUES[dtype])
        assert np.shares_memory(to_rows(x, "x"), x)
    labels = mapped(tmp_path / "labels", np.arange(5, dtype="int16"))
    assert to_rows(labels, "y").dtype == np.int32
    assert to_rows(np.ones((2, 2), "float16"), "x").dtype == np.float32


def test_bad_values_are_found_before_a_weight_changes(tmp_path: Path) -> None:
    values = VALUES["float16"].copy()
    values[777, 3] = np.inf
    x = mapped(tmp_path / "x.bin", values, "F")
    with pytest.warns(RuntimeWarning, match=r"x: expected finite .* \(first in row 777\)"):
        make().predict(x, verbose=0)
    model = cr.Sequential([cr.Input((WIDTH,)), layers.Reshape((WIDTH, 1)), layers.Dense(5)])
    model.compile("sgd", cr.losses.SparseCategoricalCrossentropy(from_logits=True))
    labels = (INTEGERS % 5).astype("int8")
    labels[901, 2] = 5
    with pytest.raises(DataError, match=r"labels in \[0, 5\), got 5 in row 901"):
        model.fit(VALUES["float32"], mapped(tmp_path / "y.bin", labels), verbose=0)
    for name, dtype in (("complex", "complex64"), ("times", "datetime64[s]")):
        with pytest.raises(DTypeError, match="expected an array of numbers or booleans"):
            make().predict(mapped(tmp_path / name, np.zeros((4, WIDTH), dtype)), verbose=0)
    large = np.full((4, WIDTH), 2**63, "uint64")
    found = make().predict(mapped(tmp_path / "large", large), verbose=0)
    assert (found == make().predict(large.astype("float32"), verbose=0)).all()


def test_class_weights_of_mapped_labels(tmp_path: Path) -> None:
    y = np.eye(2, dtype="int8")[INTEGERS[:, 0] % 2]
    options = {"class_weight": {0: 1.0, 1: 3.0}}
    expected = results(VALUES["float32"], y.astype("float32"), **options)
    assert results(VALUES["float32"], mapped(tmp_path / "y.bin", y), **options) == expected


@pytest.mark.parametrize(("dtype", "order"), [("float16", "C"), ("bool", "C"), ("int16", "F")])
def test_python_keeps_a_small_part(
    dtype: str, order: str, tmp_path: Path, monkeypatch: Any
) -> None:
    monkeypatch.undo()
    shape = (100_000, 200)
    x = np.memmap(tmp_path / "x.bin", dtype=dtype, mode="w+", shape=shape, order=order)
    y = np.zeros((len(x), 2), "float32")
    model = cr.Sequential([cr.Input((200,)), layers.Dense(2)])
    model.compile("sgd", "mse")
    model.fit(x[:320], y[:320], batch_size=256, verbose=0)
    tracemalloc.start()
    model.fit(x, y, batch_size=256, verbose=0)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    # Blocks of 4 MiB: one that is made, before and after its conversion, and two that wait.
    converted = (1 if dtype == "bool" else 4) * x.size
    assert peak < 4.5 * (1 << 22) < converted


LIMITED = """
import resource, sys
import numpy as np
import chainrule as cr
from chainrule import layers

path, dtype, order, copies = sys.argv[1], sys.argv[2], sys.argv[3], sys.argv[4] == "copy"
x = np.memmap(path, dtype=dtype, mode="r", shape=(50_000, 1000), order=order)
y = np.zeros((50_000, 1), "float32")
model = cr.Sequential([cr.Input((1000,)), layers.Dense(1)])
model.compile("sgd", "mse", metrics=["mae"])
model.fit(x[:256], y[:256], batch_size=64, verbose=0, validation_split=0.25)
used = int(next(l for l in open("/proc/self/status") if l.startswith("VmData")).split()[1]) << 10
limit = used + (90 << 20)
resource.setrlimit(resource.RLIMIT_DATA, (limit, limit))
if copies:
    x.astype("float32")
model.fit(x, y, batch_size=64, verbose=0, validation_split=0.25, shuffle=True)
model.evaluate(x, y, batch_size=64, verbose=0)
print(model.predict(x, batch_size=64, verbose=0).shape)
"""


@pytest.mark.skipif(sys.platform != "linux", reason="limits the memory as Linux does")
@pytest.mark.parametrize(
    ("dtype", "order", "what"),
    [
        ("float32", "C", "train"),
        ("float16", "C", "train"),
        ("float32", "F", "train"),
        ("float32", "C", "copy"),
        ("float16", "C", "copy"),
    ],
)
def test_one_larger_than_the_memory(dtype: str, order: str, what: str, tmp_path: Path) -> None:
    """200 MB as float32 with 90 MB to spare; copied whole, as a control, it does not fit."""
    path = tmp_path / "x.bin"
    np.memmap(path, dtype=dtype, mode="w+", shape=(50_000, 1000), order=order)[::1000] = 1.0
    package = str(Path(cr.__file__).resolve().parents[1])
    done = subprocess.run(
        [sys.executable, "-c", LIMITED, str(path), dtype, order, what],
        env={**os.environ, "PYTHONPATH": os.pathsep.join([package, os.environ.get("PYTHONPATH", "")])},
        capture_output=True,
        text=True,
        timeout=300,
    )
    if what == "copy":
        assert done.returncode != 0 and "MemoryError" in done.stderr, done.stderr
    else:
        assert done.returncode == 0, done.stderr
        assert done.stdout.strip() == "(50000, 1)"
