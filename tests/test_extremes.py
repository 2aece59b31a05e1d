"""No size and no attribute ends the process, hangs it, or comes back as anything but a plain error.

`CHAINRULE_SOAK=1` draws other calls each time, and twenty times as many.
"""

from __future__ import annotations

import os
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest

import chainrule as keras
from chainrule import _core, ops
from chainrule.errors import ShapeError

SOAK = os.environ.get("CHAINRULE_SOAK") == "1"
PARTS = 2
CALLS = 30_000 if SOAK else 1_500


def test_extreme_calls_end_with_a_result_or_a_plain_error(tmp_path: Path) -> None:
    seed = time.time_ns() % 2**32 if SOAK else 0
    command = [sys.executable, "-m", "tests.extremes"]
    logs = [tmp_path / f"{part}.txt" for part in range(PARTS)]
    parts = [
        subprocess.Popen(
            [*command, str(part), str(PARTS), str(seed), str(CALLS)],
            cwd=Path(__file__).resolve().parents[1],
            env={**os.environ, "CHAINRULE_NUM_THREADS": "1"},
            stdout=log.open("w"),
            stderr=subprocess.STDOUT,
        )
        for part, log in enumerate(logs)
    ]
    codes = [part.wait() for part in parts]
    for code, log in zip(codes, logs):
        text = log.read_text()
        found = text[text.find("FAULT") :][:2000] if "FAULT" in text else ""
        assert code == 0, f"seed {seed}: {found}; the end: {text[-2000:]}"
        assert text.endswith("done, 0 faults\n")


@pytest.mark.parametrize("size", [2**30, 2**45, 2**58 + 1, 2**62])
def test_sizes_that_memory_cannot_hold_are_refused_where_they_enter(size: int) -> None:
    expected = MemoryError if size < 2**58 else ShapeError
    with pytest.raises(expected, match="broadcast_to: expected"):
        ops.broadcast_to(np.ones((1, 2048), "float32"), (size, 2048))
    with pytest.raises(expected, match="expected"):
        keras.value_and_grad(lambda x: ops.sum(ops.broadcast_to(x, (size, 2048)) * 2.0))(
            np.ones(2048, "float32")
        )
    model = keras.Sequential(
        [keras.Input((2048,)), keras.layers.RepeatVector(size), keras.layers.GlobalMaxPooling1D()]
    )
    with pytest.raises(expected, match="expected"):
        model.predict(np.ones((1, 2048), "float32"), verbose=0)


def test_sizes_of_empty_shapes_are_checked_too() -> None:
    with pytest.raises(ShapeError, match="bytes"):
        ops.broadcast_to(np.ones((1, 1, 1)), (2**62, 0, 2**62))
    assert ops.broadcast_to(np.ones((1, 1)), (2**40, 0)).shape == (2**40, 0)


def test_ints_beyond_64_bits_are_refused_by_name() -> None:
    with pytest.raises(ValueError, match="iota: expected axis: ints of 64 bits, got"):
        _core.eager("iota", {"shape": [2], "axis": 2**64, "dtype": "int32"}, [])
    with pytest.raises(ShapeError, match=r"input 'x'.*\(-1,\)"):
        _core.Graph().input("x", (-1,), "float32")


@pytest.mark.skipif(sys.platform != "linux", reason="limits of memory are set")
def test_a_batch_that_memory_cannot_hold_leaves_the_model_as_it_was() -> None:
    code = """
import resource
import numpy as np
import chainrule as keras
resource.setrlimit(resource.RLIMIT_AS, (3 << 29, 3 << 29))
layers = keras.layers
model = keras.Sequential([keras.Input((64, 64, 3)), layers.Conv2D(32, 3, padding="same"), layers.BatchNormalization(), layers.Flatten(), layers.Dense(1)])
model.compile("adam", "mse")
x = np.zeros((2048, 64, 64, 3), "uint8")
y = np.zeros((2048, 1), "float32")
model.fit(x, y, batch_size=16, steps_per_epoch=1, verbose=0)
before = [w.copy() for w in model.get_weights()]
try:
    model.fit(x, y, batch_size=2048, epochs=1, verbose=0)
    print("fitted")
except MemoryError as error:
    print(error)
same = all((a == b).all() for a, b in zip(before, model.get_weights()))
model.fit(x, y, batch_size=16, steps_per_epoch=1, verbose=0)
print(same)
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    message, same = done.stdout.splitlines()
    assert "of memory, got" in message and "a smaller batch_size" in message, done.stderr
    assert same == "True"
