"""What ops refuse: an exception that names the op, what it expected and what came."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from chainrule import KerasTensor, losses, ops
from chainrule.errors import DataError, DTypeError, ShapeError
from tests.tracing import run_traced

BOOLS = np.array([True, False])
FLOATS = np.array([1.0, 2.0], "float32")
MATRIX = np.ones((2, 3), "float32")
# NumPy 1 has it under its old name.
TRAPEZOID: Any = np.trapezoid if hasattr(np, "trapezoid") else np.trapz

# The call, its exception, and what the message says.
REFUSED: dict[str, tuple[Callable[[], Any], type[Exception], str]] = {
    "stack of nothing": (lambda: ops.stack([]), ShapeError, "stack: .*at least one.* none"),
    "hstack of nothing": (lambda: ops.hstack([]), ShapeError, "hstack: .*at least one.* none"),
    "vstack of nothing": (lambda: ops.vstack([]), ShapeError, "vstack: .*at least one.* none"),
    "dstack of nothing": (lambda: ops.dstack([]), ShapeError, "dstack: .*at least one.* none"),
    "tensordot over too many axes": (
        lambda: ops.tensordot(MATRIX, MATRIX, 3), ShapeError, "tensordot: .*from 0 to 2, got 3",
    ),
    "tensordot of an axis that is not there": (
        lambda: ops.tensordot(MATRIX, MATRIX, ([2], [0])), ShapeError, "tensordot: axis 2",
    ),
    "tensordot over lists of different lengths": (
        lambda: ops.tensordot(MATRIX, MATRIX, ([0, 1], [0])), ShapeError, r"tensordot: .*\[0, 1\]",
    ),
    "tensordot over one axis twice": (
        lambda: ops.tensordot(MATRIX, MATRIX, ([0, 0], [0, 0])), ShapeError, "tensordot: .*once",
    ),
    "tensordot over other than two lists": (
        lambda: ops.tensordot(MATRIX, MATRIX, [0, 1, 1]), ValueError, r"tensordot: .*\[0, 1, 1\]",
    ),
    "scatter at too many indices": (
        lambda: ops.scatter([[0, 1]], [1.0], (4,)), ShapeError, r"scatter: .*k up to 1.*\(1, 2\)",
    ),
    "scatter at a scalar": (
        lambda: ops.scatter(0, [1.0], (4,)), ShapeError, r"scatter: .*\(\.\.\., k\).*got \(\)",
    ),
    "scatter of other values": (
        lambda: ops.scatter([[0], [1]], [1.0], (4,)), ShapeError, r"scatter: .*\(2,\), got \(1,\)",
    ),
    "scatter at floats": (
        lambda: ops.scatter([[0.5]], [1.0], (4,)), DTypeError, "scatter: .*integers, got float32",
    ),
    "scatter outside of one axis": (
        lambda: ops.scatter([[0, 4]], [1.0], (2, 3)), DataError, r"scatter: .*\(2, 3\), got \[0, 4\]",
    ),
    **{
        f"segment_{name} of booleans": (
            lambda name=name: getattr(ops, f"segment_{name}")(BOOLS, [0, 1]),
            DTypeError,
            f"segment_{name}: .*numbers, got bool",
        )
        for name in ("sum", "max", "min", "prod")
    },
    **{
        f"{name} of floats": (
            lambda name=name: getattr(ops, name)(FLOATS, FLOATS),
            DTypeError,
            f"{name.removeprefix('bitwise_')}: expected integers, got .*float32",
        )
        for name in ("gcd", "lcm", "bitwise_left_shift", "bitwise_right_shift", "bitwise_and")
    },
    "gcd of booleans": (lambda: ops.gcd(BOOLS, BOOLS), DTypeError, "gcd: .*integers, got bool"),
    "gcd of shapes apart": (
        lambda: ops.gcd([1, 2], [1, 2, 3]), ShapeError, r"gcd: .*\(2,\) and \(3,\)",
    ),
    "bitwise_or of shapes apart": (
        lambda: ops.bitwise_or([1, 2], [1, 2, 3]), ShapeError, r"bitwise_or: .*\(2,\) and \(3,\)",
    ),
    "map over a symbolic scalar": (
        lambda: ops.map(ops.exp, KerasTensor(())), ShapeError, r"map: .*slices.*\(\)",
    ),
    "bitwise_invert of floats": (
        lambda: ops.bitwise_invert(FLOATS), DTypeError, "invert: expected integers, got .*float32",
    ),
    "left_shift of floats by an int": (
        lambda: ops.left_shift(FLOATS, 1), DTypeError, "left_shift: .*integers, got .*float32",
    ),
    "map over a scalar": (lambda: ops.map(ops.exp, 1.0), ShapeError, r"map: .*slices.*\(\)"),
    "map over different numbers": (
        lambda: ops.map(lambda x: x[0] + x[1], (MATRIX, np.ones(3))), ShapeError, "map: .*equally",
    ),
    "scan over too few": (
        lambda: ops.scan(lambda c, x: (c, x), 0.0, FLOATS, length=3), ShapeError, "scan: .*3 slices",
    ),
    "cross of other sizes": (
        lambda: ops.cross(np.ones((4, 2)), np.ones((2, 4)), axisa=0, axisb=1),
        ShapeError,
        "cross: .*`axis=0`.*`axis=1`.*got 4 and 4",
    ),
    **{
        f"pad by {mode}": (
            lambda mode=mode: ops.pad(MATRIX, 1, mode=mode), ValueError, f"pad: .*reflect.*'{mode}'",
        )
        for mode in ("mean", "maximum", "minimum", "median", "linear_ramp", "empty", "nonsense")
    },
    "pad of nothing by reflection": (
        lambda: ops.pad(np.ones((2, 0)), 1, mode="reflect"), ShapeError, r"pad: .*axis 1.*\(2, 0\)",
    ),
    "pad of other axes": (
        lambda: ops.pad(MATRIX, [[1, 1]] * 3), ShapeError, "pad: .*each of 2 axes",
    ),
    "searchsorted on no side": (
        lambda: ops.searchsorted(FLOATS, FLOATS, side="middle"), ValueError,
        "searchsorted: .*'left' or 'right', got 'middle'",
    ),
    **{
        f"{name} of nothing": (
            lambda name=name, q=q: getattr(ops, name)(np.zeros((0, 3)), *q, axis=0),
            ShapeError,
            rf"{name}: expected at least one element .*\(0, 3\)",
        )
        for name, q in (("quantile", (0.5,)), ("percentile", (50,)), ("median", ()))
    },
    "percentile above 100": (
        lambda: ops.percentile(FLOATS, 101), ValueError, r"percentile: .*\[0, 100\], got 101",
    ),
    **{
        f"trapezoid over points of shape {shape}": (
            lambda shape=shape, axis=axis: ops.trapezoid(MATRIX, np.ones(shape), axis=axis),
            ShapeError,
            rf"trapezoid: .*{MATRIX.shape[axis]} points .*got shape \({shape[0] if shape else ''}",
        )
        for shape, axis in (((1,), 1), ((2,), 1), ((4,), 1), ((3,), 0), ((2, 1), 1), ((), 1))
    },
    "correlate with nothing": (
        lambda: ops.correlate([], FLOATS), ShapeError, r"correlate: .*\(0,\) and \(2,\)",
    ),
    "correlate of nothing": (
        lambda: ops.correlate(FLOATS, []), ShapeError, r"correlate: .*\(2,\) and \(0,\)",
    ),
    "geomspace from 0": (lambda: ops.geomspace(0.0, 8.0, 4), DataError, "geomspace: .*0.0 and 8.0"),
    "geomspace across 0": (
        lambda: ops.geomspace(-1.0, 8.0, 4), DataError, "geomspace: .*-1.0 and 8.0",
    ),
    "take_slice along no axis": (
        lambda: ops.take_slice(MATRIX, 2, 0), ShapeError, "take_slice: axis 2",
    ),
    "take_slice of no element": (
        lambda: ops.take_slice(MATRIX, 1, 3), ShapeError, "take_slice: .*3 elements .*got 3",
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", REFUSED)
def test_refused(name: str) -> None:
    call, kind, words = REFUSED[name]
    with pytest.raises(kind, match=words):
        call()


def test_an_index_outside_is_found_while_traced() -> None:
    def scattered(indices: Any) -> Any:
        return ops.scatter(indices, np.ones(1, "float32"), (2, 3))

    (result,) = run_traced(scattered, np.array([[1, -1]], "int32"))
    np.testing.assert_array_equal(result, [[0, 0, 0], [0, 0, 1]])
    for place in ([0, 4], [2, 0], [0, -4]):
        with pytest.raises(DataError, match="scatter"):
            run_traced(scattered, np.array([place], "int32"))


@pytest.mark.parametrize("reverse", [False, True])
def test_a_scan_over_nothing_gives_no_rows(reverse: bool) -> None:
    nothing = np.zeros((0, 3), "float32")
    carry, rows = ops.scan(
        lambda c, x: (c + 1, {"a": ops.sum(x), "b": x > 0}), np.int32(5), nothing, reverse=reverse
    )
    assert carry == 5
    assert rows["a"].shape == (0,) and rows["a"].dtype == "float32"
    assert rows["b"].shape == (0, 3) and rows["b"].dtype == "bool"
    _, carries = ops.scan(lambda c, x: (c, None), np.zeros(2, "float32"), nothing)
    assert carries.shape == (0, 2)
    doubled = ops.map(lambda x: 2 * x, nothing)
    assert doubled.shape == (0, 3) and doubled.dtype == "float32"


@pytest.mark.parametrize("mode", ["reflect", "symmetric", "edge", "wrap"])
def test_pad_by_moving_elements(mode: Any) -> None:
    x = np.arange(6.0).reshape(2, 3)
    np.testing.assert_array_equal(ops.pad(x, [[1, 0], [2, 2]], mode), np.pad(x, [[1, 0], [2, 2]], mode))


@pytest.mark.parametrize("side", ["left", "right"])
@pytest.mark.parametrize("line", [[1.0, 2.0, 2.0], [1.0, np.nan, np.nan], [np.nan], []])
def test_nan_is_sorted_last(line: list[float], side: Any) -> None:
    values = np.array([np.nan, 0.0, 2.0, 3.0], "float32")
    place = ops.searchsorted(np.array(line, "float32"), values, side)
    np.testing.assert_array_equal(place, np.searchsorted(np.array(line, "float32"), values, side))
    assert place.dtype == "int32"
    bins = np.array([0.0, 1.0], "float32")
    np.testing.assert_array_equal(ops.digitize(values, bins), np.digitize(values, bins))


def test_trapezoid_takes_points_along_its_axis() -> None:
    y = np.random.default_rng(0).normal(size=(2, 3))
    for x, axis in (
        (np.array([0.0, 1.0, 3.0]), -1),
        (np.array([0.0, 2.0]), 0),
        (np.array([[0.0, 1.0, 3.0]]), 1),
        (y, 1),
    ):
        expected = TRAPEZOID(y, x, axis=axis)
        np.testing.assert_allclose(ops.trapezoid(y, x, axis=axis), expected)


def test_take_slice_counts_from_the_end_and_takes_lists() -> None:
    assert ops.take_slice([[1, 2], [3, 4]], -1, -1).tolist() == [2, 4]


@pytest.mark.parametrize("dtype", ["int32", "int64", "uint8", "bool"])
@pytest.mark.parametrize(
    "name",
    [
        "mean_squared_error", "mean_absolute_error", "mean_absolute_percentage_error",
        "mean_squared_logarithmic_error", "huber", "log_cosh", "cosine_similarity", "hinge",
        "squared_hinge", "categorical_hinge", "kl_divergence", "poisson", "dice", "tversky",
        "binary_crossentropy", "binary_focal_crossentropy", "categorical_crossentropy",
        "categorical_focal_crossentropy",
    ],
)  # fmt: skip
def test_losses_of_integers_are_floats(name: str, dtype: str) -> None:
    loss = getattr(losses, name)
    y_true = np.array([[0, 1, 1], [1, 0, 0]], dtype)
    y_pred = np.array([[1, 0, 1], [1, 1, 0]], dtype)
    result = loss(y_true, y_pred)
    assert result.dtype == "float32"
    np.testing.assert_array_equal(result, loss(y_true, y_pred.astype("float32")))


@pytest.mark.parametrize("dtype", ["int32", "int64", "bool"])
def test_losses_of_labels_and_integers_are_floats(dtype: str) -> None:
    y_pred = np.array([[1, 0], [1, 1]], dtype)
    labels = np.array([0, 1])
    assert losses.sparse_categorical_crossentropy(labels, y_pred).dtype == "float32"
    assert losses.categorical_generalized_cross_entropy(labels, y_pred, 0.5).dtype == "float32"
    assert losses.circle(labels, y_pred).dtype == "float32"
