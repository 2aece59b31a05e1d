"""`compare_gradients`: what gradients from elsewhere differ by is said rightly."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import chainrule as keras
from chainrule import layers, ops
from chainrule.checks.gradients import _traced
from chainrule.errors import NotCompiledError
from chainrule.testing import GradientComparison, compare_gradients

ROWS, OUTPUTS = 6, 3
RNG = np.random.default_rng(0)
X, Y = RNG.normal(size=(ROWS, 7, 2)).astype("float32"), RNG.normal(size=(ROWS, OUTPUTS))


class Added(layers.Layer):
    def call(self, x: Any) -> Any:
        self.add_loss(0.3 * ops.mean(ops.square(x)))
        return x


@pytest.fixture(scope="module")
def model() -> Any:
    keras.utils.set_random_seed(0)
    model = keras.Sequential(
        [
            keras.Input((7, 2)),
            layers.Conv1D(4, 3, activation="tanh", name="conv", bias_initializer="uniform"),
            Added(),
            layers.GRU(4, name="gru", reset_after=False),
            layers.Dense(4, activation="tanh", name="square", kernel_regularizer=keras.regularizers.L2(0.1)),
            layers.Dense(OUTPUTS, name="head"),
        ]
    )
    model.compile("sgd", "mse")
    return model


@pytest.fixture(scope="module")
def ours(model: Any) -> dict[str, np.ndarray]:
    """The reference's gradients by the ends of paths."""
    from chainrule.checks.network import Point

    traced = _traced(model, X, Y, None, ROWS)
    point = Point(traced.nodes, traced.leaves, traced.loss, traced.weights)
    names = [v.path.split("/", 1)[1] for v in traced.variables]
    return dict(zip(names, point.gradients))


def one(model: Any, name: str, gradient: Any) -> Any:
    report = compare_gradients(model, {name: gradient}, X, Y)
    (row,) = report.rows
    assert not row.ok and not report.ok, str(report)
    return row


def test_the_same_gradients_pass(model: Any, ours: Any) -> None:
    report = compare_gradients(model, ours, X, Y)
    assert report.ok and report and not report.missing, str(report)
    assert [row.what for row in report.rows] == [""] * len(ours)
    as_list = compare_gradients(model, list(ours.values()), X, Y)
    assert as_list.ok
    whole = {v.path: g for v, g in zip(model.trainable_variables, ours.values())}
    assert compare_gradients(model, whole, X, Y).ok
    part = compare_gradients(model, {"head/kernel": ours["head/kernel"]}, X, Y)
    assert part.ok and len(part.missing) == len(ours) - 1
    assert "not given: " in str(part)


FACTORS: list[tuple[float, str]] = [
    (-1, "with the other sign"),
    (2, "2 times ours"),
    (0.5, "0.5 times ours"),
    (ROWS, "6 times ours: the batch size, a sum over rows for a mean"),
    (1 / ROWS, "0.166667 times ours: the batch size"),
    (-ROWS, "a sum over rows for a mean, with the other sign"),
    (OUTPUTS, "3 times ours: the number of outputs of a row"),
    (ROWS * OUTPUTS, "18 times ours: the number of all outputs"),
    (0.7, "0.7 times ours"),
]


@pytest.mark.parametrize("name", ["head/kernel", "head/bias", "conv/kernel"])
@pytest.mark.parametrize("factor, words", FACTORS, ids=lambda x: str(x)[:6])
def test_factors(model: Any, ours: Any, name: str, factor: float, words: str) -> None:
    assert words in one(model, name, factor * ours[name]).what


def test_orders_of_axes(model: Any, ours: Any) -> None:
    head, conv, gru = ours["head/kernel"], ours["conv/kernel"], ours["gru/gru_cell/recurrent_kernel"]
    assert one(model, "head/kernel", head.T).what == "transposed"
    assert one(model, "square/kernel", ours["square/kernel"].T).what == "transposed"
    turned = one(model, "head/kernel", 6 * head.T).what
    assert turned.startswith("transposed, 6 times ours: the batch size")
    assert one(model, "conv/kernel", conv.transpose(2, 1, 0)).what == "transposed by axes [2, 1, 0]"
    assert "flipped along axes [0]" in one(model, "conv/kernel", conv[::-1]).what
    z, r, h = np.split(gru, 3, axis=1)
    swapped = one(model, "recurrent_kernel", np.concatenate([r, z, h], axis=1)).what
    assert swapped == "the 3 parts of its last axis in the order [1, 0, 2]"
    torch_like = np.concatenate([r, z, h], axis=1).T
    assert one(model, "recurrent_kernel", torch_like).what.startswith("transposed, the 3 parts")
    assert "reshaped from (24,)" in one(model, "conv/kernel", conv.ravel()).what


def test_terms(model: Any, ours: Any) -> None:
    kernel = next(v for v in model.trainable_variables if v.path.endswith("square/kernel"))
    penalty = 0.2 * kernel.numpy()
    whole = ours["square/kernel"]
    missing = one(model, "square/kernel", whole - penalty).what
    assert missing.startswith("the regularizer of '") and missing.endswith("square/kernel' is missing")
    halved = one(model, "square/kernel", whole - penalty / 2).what
    assert "the regularizer of" in halved and halved.endswith("counts 0.5 times")
    only = one(model, "square/kernel", penalty).what
    assert only == "the loss of the targets is missing"
    turned = one(model, "square/kernel", (whole - penalty).T).what
    assert turned.startswith("transposed, the regularizer of")


def test_a_loss_that_a_layer_adds(model: Any) -> None:
    plain = keras.Sequential([keras.Input((7, 2)), model.layers[0], *model.layers[2:]])
    plain.compile("sgd", "mse")
    traced = _traced(plain, X, Y, None, ROWS)
    number = [v.path.endswith("conv/kernel") for v in traced.variables].index(True)
    row = one(model, "conv/kernel", traced.computed[1 + number])
    assert row.what == f"a loss added by '{model.layers[1].path}' is missing"


def test_other_weights_zeros_and_nonsense(model: Any, ours: Any) -> None:
    assert one(model, "head/bias", np.zeros(OUTPUTS)).what.startswith("all zeros")
    assert "NaN" in one(model, "head/bias", [np.nan, 1, 2]).what
    swapped = one(model, "square/bias", ours["conv/bias"]).what
    assert swapped == "the gradient of 'conv/bias'" or "conv/bias" in swapped
    other = one(model, "head/kernel", RNG.normal(size=(4, OUTPUTS))).what
    assert other.startswith("no factor, order or term explains it: at [")
    assert "expected shape (4, 3), got (5,)" in one(model, "head/kernel", np.arange(1.0, 6)).what


def test_several_outputs() -> None:
    x = keras.Input((4,))
    h = layers.Dense(3, name="h")(x)
    model = keras.Model(x, {"a": layers.Dense(1, name="a")(h), "b": layers.Dense(2, name="b")(h)})
    model.compile("sgd", {"a": "mse", "b": "mae"}, loss_weights={"a": 1.0, "b": 0.5})
    data = RNG.normal(size=(5, 4)).astype("float32")
    y = {"a": RNG.normal(size=(5, 1)), "b": RNG.normal(size=(5, 2))}
    traced = _traced(model, data, y, None, 5)
    whole = dict(zip((v.path for v in traced.variables), traced.computed[1:]))
    assert compare_gradients(model, whole, data, y).ok
    part = keras.Model(x, {"a": model.output["a"]})
    part.compile("sgd", {"a": "mse"})
    alone = _traced(part, data, {"a": y["a"]}, None, 5)
    gradient = alone.computed[1 + [v.path for v in alone.variables].index("h/kernel")]
    (row,) = compare_gradients(model, {"h/kernel": gradient}, data, y).rows
    assert row.what == "the loss of output 'b' is missing"


def test_dropout_can_be_left_out() -> None:
    model = keras.Sequential([keras.Input((6,)), layers.Dropout(0.5), layers.Dense(1)])
    model.compile("sgd", "mse")
    x, y = RNG.normal(size=(4, 6)).astype("float32"), RNG.normal(size=(4, 1))
    w, b = model.get_weights()
    by_hand = 2 * x.T @ (x @ w + b - y) / 4
    assert compare_gradients(model, {"kernel": by_hand}, x, y, training=False).ok
    assert not compare_gradients(model, {"kernel": by_hand}, x, y).ok


def test_pytorch() -> None:
    torch = pytest.importorskip("torch")
    model = keras.Sequential([keras.Input((6,)), layers.Dense(4, activation="tanh"), layers.Dense(1)])
    model.compile("sgd", "mse")
    x, y = RNG.normal(size=(4, 6)).astype("float32"), RNG.normal(size=(4, 1)).astype("float32")
    net = torch.nn.Sequential(torch.nn.Linear(6, 4), torch.nn.Tanh(), torch.nn.Linear(4, 1))
    with torch.no_grad():
        for p, w in zip(net.parameters(), model.get_weights()):
            p.copy_(torch.tensor(w.T))
    torch.nn.functional.mse_loss(net(torch.tensor(x)), torch.tensor(y), reduction="sum").backward()
    report = compare_gradients(model, [p.grad for p in net.parameters()], x, y)
    assert [row.what for row in report.rows[::2]] == [
        "transposed, 4 times ours: the batch size, a sum over rows for a mean"
    ] * 2, str(report)


def test_reports(model: Any, ours: Any) -> None:
    report = compare_gradients(model, {**ours, "head/kernel": 2 * ours["head/kernel"]}, X, Y)
    text = str(report)
    assert text.splitlines()[0].split() == ["layer", "weight", "error", "verdict", "what", "differs"]
    assert text.splitlines()[-1].endswith("1 DIFFER") and text.count("DIFFERS") == 1
    assert repr(report) == text and isinstance(report, GradientComparison)
    assert report._repr_html_().count("<tr>") == len(ours) + 1


@pytest.mark.parametrize(
    "call, error, words",
    [
        (lambda m: compare_gradients(m, {"kern": 1.0}, X, Y), ValueError, "'kern': no weight has it"),
        (lambda m: compare_gradients(m, {"kernel": 1.0}, X, Y), ValueError, "several weights end"),
        (lambda m: compare_gradients(m, [1.0], X, Y), ValueError, "expected 9 gradients"),
        (lambda m: compare_gradients(m, {}, X, Y), ValueError, "expected a gradient, got none"),
        (
            lambda m: compare_gradients(keras.Sequential([layers.Dense(1)]), [], X, Y),
            NotCompiledError,
            "compare_gradients",
        ),
    ],
)
def test_bad_arguments_are_refused(
    model: Any, call: Callable[[Any], Any], error: Any, words: str
) -> None:
    with pytest.raises(error, match=words):
        call(model)
