"""Integers of 64 bits are exact: nothing on their way is a float."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import chainrule as keras
from chainrule import ops

SIGNED = (
    np.array([2**53 + 1, -(2**62) - 3, 2**62 + 5, 7], "int64"),
    np.array([2**53, -(2**62) - 2, 2**62 + 4, -2], "int64"),
)
UNSIGNED = (
    np.array([2**63 + 1, 2**64 - 3, 7, 2**53 + 1], "uint64"),
    np.array([2**63, 5, 2**64 - 1, 2**53], "uint64"),
)
ROWS: dict[str, tuple[Callable[..., Any], Callable[..., Any]]] = {
    "add": (ops.add, np.add),
    "subtract": (ops.subtract, np.subtract),
    "multiply": (ops.multiply, np.multiply),
    "floor_divide": (ops.floor_divide, np.floor_divide),
    "mod": (ops.mod, np.mod),
    "maximum": (ops.maximum, np.maximum),
    "minimum": (ops.minimum, np.minimum),
    "greater": (ops.greater, np.greater),
    "less_equal": (ops.less_equal, np.less_equal),
    "equal": (ops.equal, np.equal),
    "where": (lambda x, y: ops.where(ops.greater(x, y), x, y), np.maximum),
    "sum": (lambda x, y: ops.sum(x), lambda x, y: x.sum()),
    "prod": (lambda x, y: ops.prod(y), lambda x, y: np.prod(y)),
    "cumsum": (lambda x, y: ops.cumsum(x), lambda x, y: x.cumsum()),
    "max": (lambda x, y: ops.max(x), lambda x, y: x.max()),
    "min": (lambda x, y: ops.min(x), lambda x, y: x.min()),
    "argmax": (lambda x, y: ops.argmax(x), lambda x, y: x.argmax()),
    "sort": (lambda x, y: ops.sort(x), lambda x, y: np.sort(x)),
    "argsort": (lambda x, y: ops.argsort(x), lambda x, y: np.argsort(x)),
    "top_k": (lambda x, y: ops.top_k(x, 3)[0], lambda x, y: np.sort(x)[:0:-1]),
    "square": (lambda x, y: ops.square(x), lambda x, y: x * x),
    "power": (lambda x, y: ops.power(x, x[3:] * 0 + 3), lambda x, y: x * x * x),
    "outer": (ops.outer, np.outer),
    "matmul": (
        lambda x, y: ops.matmul(ops.reshape(x, (2, 2)), ops.reshape(y, (2, 2))),
        lambda x, y: x.reshape(2, 2) @ y.reshape(2, 2),
    ),
    "dot": (ops.dot, np.dot),
    "einsum": (lambda x, y: ops.einsum("i,i->", x, y), np.dot),
    "take": (lambda x, y: ops.take(x, [1, 0]), lambda x, y: x[[1, 0]]),
    "scatter": (
        lambda x, y: ops.scatter_update(x, [[0]], y[1:2]),
        lambda x, y: np.concatenate([y[1:2], x[1:]]),
    ),
}


@pytest.mark.parametrize("pair", [SIGNED, UNSIGNED], ids=["int64", "uint64"])
@pytest.mark.parametrize("name", ROWS)
def test_64_bits(name: str, pair: Any) -> None:
    ours, numpys = ROWS[name]
    with np.errstate(all="ignore"):
        want = np.asarray(numpys(*pair))
    for found in (ours(*pair), keras.function(ours)(*pair)):
        assert found.dtype.kind == want.dtype.kind or name in ("argmax", "argsort")
        assert (np.asarray(found) == want).all(), (found, want)


@pytest.mark.parametrize("dtype", ["int32", "uint32"])
def test_products_of_32_bits_wrap(dtype: str) -> None:
    info = np.iinfo(dtype)
    rng = np.random.default_rng(0)
    a, b = (rng.integers(info.min, info.max, (5, 5), dtype, endpoint=True) for _ in range(2))
    assert (ops.matmul(a, b) == a @ b).all()
    assert (keras.function(ops.matmul)(a, b) == a @ b).all()


def test_variables_hold_64_bits() -> None:
    for value in (2**64 - 1, 2**63):
        v = keras.Variable(np.array([value], "uint64"))
        assert v.dtype == "uint64" and int(v.numpy()[0]) == value
        v.assign_sub(np.array([1], "uint64"))
        assert int(v.numpy()[0]) == value - 1


def test_to_floats_and_back() -> None:
    x = UNSIGNED[0]
    for dtype in ("float32", "float64", "int64", "uint8"):
        assert (ops.cast(x, dtype) == x.astype(dtype)).all()
    assert (ops.cast(np.array([2.0**63, 3.9]), "uint64") == np.array([2**63, 3], "uint64")).all()
