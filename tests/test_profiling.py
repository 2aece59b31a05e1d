"""`model.profile`: times that add up, operations counted by hand, nothing changed, files that open."""

from __future__ import annotations

import json
import math
import xml.etree.ElementTree as ElementTree
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import chainrule as keras
from chainrule.profiling import ProfileReport
from chainrule.profiling.operations import FORMULAS, operations

L = keras.layers
RNG = np.random.default_rng(0)
X, Y = RNG.normal(size=(64, 12, 12, 1)).astype("float32"), RNG.integers(0, 5, 64)


def network() -> Any:
    keras.utils.set_random_seed(1)
    model = keras.Sequential(
        [
            L.Conv2D(4, 3, activation="relu", name="conv"),
            L.MaxPooling2D(name="pool"),
            L.BatchNormalization(name="norm"),
            L.Flatten(name="flat"),
            L.Dropout(0.5, name="drop"),
            L.Dense(5, activation="softmax", name="out"),
        ],
        name="net",
    )
    adam = keras.optimizers.Adam(name="adam")
    model.compile(adam, "sparse_categorical_crossentropy", metrics=["accuracy"])
    return model


def everything(model: Any) -> list[bytes]:
    """All that training changes."""
    optimizer = model.optimizer.variables if model.optimizer is not None else []
    found = [*model.weights, *model.non_trainable_variables, *optimizer, *model.metrics_variables]
    return [np.asarray(v.numpy()).tobytes() for v in found]


@pytest.mark.parametrize("mode", ["fit", "evaluate", "predict"])
def test_the_parts_add_up_to_the_step(mode: str) -> None:
    report = network().profile(X, Y, batch_size=16, steps=6, mode=mode)
    assert isinstance(report, ProfileReport) and report.rows == 16 and report.mode == mode
    tasks = sum(task.seconds for task in report.tasks)
    assert 0 < tasks < report.seconds and math.isclose(tasks + report.other, report.seconds)
    for rows in (report.by_layer(), report.by_op(), report.by_op(shapes=True)):
        assert math.isclose(sum(row.total for row in rows), tasks)
        assert sum(row.count for row in rows) == len(report.tasks)
    parts = {task.part for task in report.tasks}
    assert parts == ({"forward", "backward", "update"} if mode == "fit" else {"forward"})


def test_ops_belong_to_layers_losses_metrics_and_the_optimizer() -> None:
    rows = {row.name: row for row in network().profile(X, Y, steps=2).by_layer()}
    loss, metric = "sparse_categorical_crossentropy", "accuracy"
    assert {"net/conv", "net/norm", "net/drop", "net/out", loss, metric, "adam"} <= set(rows)
    for name in ("net/conv", "net/norm", "net/out", loss):
        assert {"forward", "backward"} <= set(rows[name].seconds), name
    assert set(rows["adam"].seconds) == {"update"} and set(rows[metric].seconds) == {"forward"}


def test_a_task_of_several_layers_names_them() -> None:
    model = keras.Sequential([L.Dense(8, name="a"), L.Activation("tanh", name="b")], name="net")
    tasks = model.profile(np.ones((4, 3), "float32"), mode="predict", steps=1).tasks
    assert [(t.layer, t.others) for t in tasks] in (
        [("net/a", ("net/b",))],
        [("net/a", ()), ("net/b", ())],
    )
    x = keras.Input((4,), name="x")
    y = L.Activation("tanh", name="second")(L.Activation("exponential", name="first")(x))
    model = keras.Model(x, y, name="net")
    (task,) = model.profile(np.ones((4, 4), "float32"), mode="predict", steps=1).tasks
    assert (task.op, task.ops) == ("elementwise", ("unary", "unary"))
    assert (task.layer, task.others) == ("net/second", ("net/first",))


def test_nothing_of_the_model_changes() -> None:
    def trained(*modes: str) -> tuple[Any, list[bytes]]:
        model = network()
        model.fit(X, Y, epochs=1, batch_size=16, verbose=0)
        before, history = everything(model), model.history
        for mode in modes:
            model.profile(X, Y, steps=2, mode=mode)
        assert everything(model) == before and model.history is history
        return model.fit(X, Y, epochs=2, batch_size=16, verbose=0).history, everything(model)

    assert trained("fit", "evaluate", "predict") == trained()


def test_a_step_of_the_models_own_a_generator_and_an_error() -> None:
    class Own(keras.Model):
        def __init__(self) -> None:
            super().__init__(name="own")
            self.dense = L.Dense(1, name="dense")
            self.count = keras.Variable(np.zeros(()), name="count", trainable=False)

        def call(self, x: Any) -> Any:
            return self.dense(x)

        def train_step(self, data: Any) -> Any:
            x, y = data
            self.count.assign_add(1.0)
            with keras.GradientTape() as tape:
                loss = keras.ops.mean((self(x)[:, 0] - y) ** 2)
            weights = self.trainable_variables
            self.optimizer.apply(tape.gradient(loss, weights), weights)
            return {"loss": loss}

    model = Own()
    model.compile("sgd")
    x, y = np.ones((8, 3), "float32"), np.ones(8, "float32")
    batches: Iterator[Any] = iter([(x, y), (x, y)])
    report = model.profile(batches, steps=3)
    assert report.rows == 8 and float(model.count) == 0
    assert {task.part for task in report.tasks} == {"forward", "backward", "update"}
    with pytest.raises(keras.errors.DataError, match="^profile: expected at least one batch"):
        model.profile(iter([]))
    with pytest.raises(ValueError, match="^profile: expected mode 'fit', 'evaluate' or 'predict'"):
        model.profile(x, y, mode="train")
    with pytest.raises(ValueError, match="^profile: expected steps to be 1 or more, got 0"):
        model.profile(x, y, steps=0)
    with pytest.raises(keras.errors.NotCompiledError):
        keras.Sequential([L.Dense(1)]).profile(x, y)


def counted(model: Any, x: Any, y: Any, *ops: str) -> int:
    """The operations of those tasks of a training step whose ops are products."""
    model.compile("sgd", "mse")
    tasks = model.profile(x, y, batch_size=len(x), steps=1).tasks
    return sum(t.operations or 0 for t in tasks if set(t.ops) & set(ops))


def test_operations_of_dense_layers_are_those_of_three_products() -> None:
    model = keras.Sequential([L.Input((32,)), L.Dense(16, use_bias=False), L.Dense(8)])
    x, y = np.ones((64, 32), "float32"), np.ones((64, 8), "float32")
    # Forward, by the weights, and, but for the first layer, by the inputs.
    expected = 2 * 64 * (2 * 32 * 16 + 3 * 16 * 8) + 0
    products = counted(model, x, y, "dense", "matmul")
    assert expected <= products <= expected + 64 * (16 + 8)  # a bias's sums may be joined


def test_operations_of_convolutions() -> None:
    model = keras.Sequential(
        [
            L.Input((10, 10, 4)),
            L.Conv2D(8, 3, use_bias=False),
            L.Conv2D(6, 3, groups=2, strides=2, use_bias=False),
            L.Conv2DTranspose(2, 2, use_bias=False),
        ]
    )
    x = np.ones((2, 10, 10, 4), "float32")
    y = np.ones((2, *model.output_shape[1:]), "float32")
    first, second, third = 8 * 8 * 8 * 9 * 4, 3 * 3 * 6 * 9 * 4, 3 * 3 * 6 * 4 * 2
    expected = 2 * 2 * (2 * first + 3 * second + 3 * third)
    products = ("conv", "conv_kernel_grad", "conv_transpose")
    # A few of the loss's ops go on with the tiles of the last one.
    assert expected <= counted(model, x, y, *products) <= expected + 4 * y.size


def test_operations_of_pooled_images_are_those_of_whole_ones() -> None:
    model = keras.Sequential(
        [L.Input((10, 10, 4)), L.Conv2D(8, 3, activation="relu"), L.MaxPooling2D()]
    )
    model.compile("sgd", "mse")
    y = np.ones((2, 4, 4, 8), "float32")
    tasks = model.profile(np.ones((2, 10, 10, 4)), y, steps=1).tasks
    kernel = [t for t in tasks if "conv_kernel_grad_of_unpool" in t.ops]
    assert [t.operations for t in kernel] == [2 * 2 * 8 * 8 * 8 * 9 * 4]


@pytest.mark.parametrize("layer, gates", [("LSTM", 4), ("GRU", 3), ("SimpleRNN", 1)])
def test_operations_of_recurrent_layers(layer: str, gates: int) -> None:
    model = keras.Sequential([L.Input((7, 3)), getattr(L, layer)(8)])
    model.compile("sgd", "mse")
    tasks = model.profile(np.ones((5, 7, 3)), np.ones((5, 8)), steps=1).tasks
    name = {"SimpleRNN": "simple_rnn"}.get(layer, layer.lower())
    cells = [t for t in tasks if any(op.startswith(name) for op in t.ops)]
    each = 2 * 5 * 7 * gates * 8 * 8
    counts = [t.operations for t in cells]
    assert len(cells) == 2 and counts[0] == each and counts[1] in (each, 2 * each)


def test_operations_of_attention() -> None:
    x = keras.Input((6, 8))
    model = keras.Model(x, L.MultiHeadAttention(2, 4)(x, x))
    model.compile("sgd", "mse")
    data = np.ones((3, 6, 8), "float32")
    tasks = model.profile(data, data, steps=1).tasks
    found = [t.operations for t in tasks if set(t.ops) & {"attention", "attention_grad"}]
    pairs = 2 * 3 * 2 * 6 * 6 * 4
    assert found == [2 * pairs, 5 * pairs]


def test_formulas_name_ops_that_there_are() -> None:
    known = set(keras._core.ops())
    of_fusions = {name for name in FORMULAS if name not in known}
    assert all("_with_products" in n or "_of_products" in n or "_of_unpool" in n for n in of_fusions)
    part = {"op": "nothing", "attrs": {}, "inputs": [], "outputs": []}
    assert operations(part) is None


def test_the_report_prints_and_shows() -> None:
    report = network().profile(X, Y, steps=2)
    text = str(report)
    assert "conv" in text and "net/conv" not in text and "GFLOP/s" in text and "rows/s" in text
    lines = text.splitlines()
    assert lines[0].split()[:4] == ["layer", "forward", "backward", "update"]
    assert any(line.startswith("other") for line in lines)
    assert any(line.startswith("step") and "100.0%" in line for line in lines)
    page = report._repr_html_()
    assert page.count("<table>") == 2 and "<svg" in page
    ElementTree.fromstring(f"<div>{page}</div>")
    assert len(report.text(top=3, shapes=True).splitlines()) < len(lines)


def test_the_trace_nests_and_covers_the_step(tmp_path: Path) -> None:
    report = network().profile(X, Y, steps=2)
    report.save_trace(tmp_path / "step.json")
    document = json.loads((tmp_path / "step.json").read_text())
    events = document["traceEvents"]
    assert all(e["ph"] == "X" and e["dur"] >= -1e-6 for e in events)
    step = events[0]
    leaves = [e for e in events if e["cat"] in ("op", "other")]
    assert len(leaves) == len(report.tasks) + 1
    assert math.isclose(sum(e["dur"] for e in leaves), step["dur"], rel_tol=1e-9)
    # Complete events of one thread lie one within the other or apart.
    open_until: list[float] = []
    for event in events:
        while open_until and open_until[-1] <= event["ts"] + 1e-6:
            open_until.pop()
        assert not open_until or event["ts"] + event["dur"] <= open_until[-1] + 1e-6
        open_until.append(event["ts"] + event["dur"])
    names = {e["name"] for e in events if e["cat"] == "layer"}
    assert {"conv", "norm", "out", "adam"} <= names


def test_the_picture_is_as_wide_as_the_step(tmp_path: Path) -> None:
    report = network().profile(X, Y, steps=2)
    assert report.flame(tmp_path / "step.svg") == (tmp_path / "step.svg").read_text()
    root = ElementTree.fromstring(report.flame())
    boxes = [g.find("{*}rect") for g in root.findall("{*}g")]
    by_row: dict[str, float] = {}
    for box in boxes:
        assert box is not None
        by_row[box.attrib["y"]] = by_row.get(box.attrib["y"], 0.0) + float(box.attrib["width"])
    widths = [by_row[y] for y in sorted(by_row, key=float)]
    assert math.isclose(widths[0], 1000) and all(w <= 1000.1 for w in widths)
    assert widths[1] > 990
