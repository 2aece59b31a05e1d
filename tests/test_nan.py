"""NaN stays NaN through a product and the activation that joins it."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from chainrule import _core

# op, shapes of x, w and b, groups, stride
FORMS: dict[str, tuple[str, list[tuple[int, ...]], int, int]] = {
    "dense": ("dense", [(7, 37), (37, 19), (19,)], 1, 1),
    "conv": ("conv", [(2, 7, 6, 5), (3, 3, 5, 19), (19,)], 1, 1),
    "strided": ("conv", [(2, 7, 6, 5), (3, 3, 5, 33), (33,)], 1, 2),
    "grouped": ("conv", [(2, 7, 6, 8), (3, 3, 2, 20), (20,)], 4, 1),
    "channel by channel": ("conv", [(2, 7, 6, 37), (3, 3, 1, 37), (37,)], 37, 1),
    "a product": ("conv", [(2, 7, 6, 8), (1, 1, 8, 19), (19,)], 1, 1),
}


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("activation", ["relu", "sigmoid", "tanh"])
@pytest.mark.parametrize("name", FORMS)
def test_activations_keep_nan(name: str, activation: str, dtype: str) -> None:
    op, shapes, groups, stride = FORMS[name]
    rng = np.random.default_rng(1)
    x, w, b = (rng.standard_normal(shape).astype(dtype) for shape in shapes)
    x[1, ..., 0] = np.nan
    w[..., -1] *= np.nan
    attrs: dict[str, Any] = {}
    if op == "conv":
        before = (w.shape[0] - 1) // 2
        attrs = {"strides": [stride] * 2, "padding": [before] * 4, "dilations": [1, 1]}
        attrs["groups"] = groups
    for inputs in ([x, w, b], [x, w]):
        if op == "dense" and len(inputs) == 2:
            continue
        (linear,) = _core.eager(op, {**attrs, "activation": "linear"}, inputs)
        (want,) = _core.eager("unary", {"function": activation}, [linear])
        assert np.isnan(linear).any() and not np.isnan(linear).all()
        graph = _core.Graph()
        values = [graph.input("", a.shape, dtype) for a in inputs]
        outputs = graph.push(op, {**attrs, "activation": activation}, values)
        for got in (
            _core.eager(op, {**attrs, "activation": activation}, inputs)[0],
            graph.compile(outputs).run(inputs)[0],
        ):
            np.testing.assert_array_equal(got, want)
