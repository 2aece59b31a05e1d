"""What the selftest runs each op on: a few small rows, beside which the NumPy reference stands.

Numbers come from `Numbers`, whose stream is the same on every machine: uniform ones alone, made of
integers by exact arithmetic, so that the digests of results can be published.
"""

from __future__ import annotations

import zlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from chainrule import _core
from chainrule.reference import numpy_function

__all__ = ["Numbers", "Row", "covered", "rows"]

Array: TypeAlias = NDArray[Any]
Draw: TypeAlias = Callable[["Numbers"], Array]
Attrs: TypeAlias = dict[str, Any]

# Longer than two registers of the widest instruction set, and no multiple of them.
_LONG = 37


class Numbers:
    """A stream of numbers for one row.

    Parameters
    ----------
    name : str
        Of the row; it seeds the stream.
    dtype : str
        Of floats.
    """

    def __init__(self, name: str, dtype: str) -> None:
        self.dtype = dtype
        self._state = np.random.RandomState(zlib.crc32(name.encode()))

    def floats(self, shape: tuple[int, ...], low: float = -2.0, high: float = 2.0) -> Array:
        """Multiples of 2^-20 of the range, from `low` up to `high`."""
        steps = self._state.randint(0, 2**20, shape)
        return np.asarray(low + (high - low) * steps / 2**20).astype(self.dtype)

    def distinct(self, shape: tuple[int, ...]) -> Array:
        """Different odd multiples of 1/16, in a random order: no ties and no kink."""
        size = int(np.prod(shape))
        order = np.argsort(self._state.randint(0, 2**31, size), kind="stable")
        return ((2 * order - size + (size + 1) % 2) / 16).reshape(shape).astype(self.dtype)

    def ints(self, shape: tuple[int, ...], low: int, high: int, dtype: str = "int32") -> Array:
        """Whole numbers in [low, high)."""
        return self._state.randint(low, high, shape).astype(dtype)

    def coins(self, *shape: int) -> Array:
        """Booleans."""
        return self._state.randint(0, 2, shape).astype(bool)


@dataclass(frozen=True)
class Row:
    """One op with attributes on drawn inputs.

    Attributes
    ----------
    op : str
    attrs : dict
        ``dtype="float"`` stands for the dtype of the run.
    inputs : tuple of callables
        Of `Numbers`.
    by : tuple of int, optional
        The inputs by which gradients are compared too. Default: all that are floats.
    """

    op: str
    attrs: Attrs
    inputs: tuple[Draw, ...]
    by: tuple[int, ...] | None = None

    @property
    def function(self) -> str:
        """The entry of the op's table of functions; empty where it has none."""
        return str(self.attrs.get("function", self.attrs.get("distribution", "")))

    def __str__(self) -> str:
        given = {k: v for k, v in self.attrs.items() if k not in ("body", "forward", "backward")}
        return f"{self.op} {given}"


def _f(*shape: int, low: float = -2.0, high: float = 2.0) -> Draw:
    return lambda numbers: numbers.floats(shape, low, high)


def _d(*shape: int) -> Draw:
    return lambda numbers: numbers.distinct(shape)


def _i(*shape: int, high: int = 4, low: int = 0, dtype: str = "int32") -> Draw:
    return lambda numbers: numbers.ints(shape, low, high, dtype)


def _b(*shape: int) -> Draw:
    return lambda numbers: numbers.coins(*shape)


def _exactly(values: Any, dtype: str = "float") -> Draw:
    return lambda numbers: np.asarray(values, numbers.dtype if dtype == "float" else dtype)


_SEED = _exactly([12345, 67], "uint32")

# Where each function of one number is smooth.
_UNARY: dict[str, tuple[float, float]] = {
    **dict.fromkeys(("exp", "expm1", "sinh", "cosh"), (-4.0, 4.0)),
    **dict.fromkeys(("log", "sqrt", "rsqrt", "reciprocal", "lgamma", "digamma"), (0.2, 9.0)),
    **dict.fromkeys(("asin", "acos", "atanh", "erfinv"), (-0.95, 0.95)),
    **dict.fromkeys(("sin", "cos", "asinh"), (-9.0, 9.0)),
    **dict.fromkeys(("sigmoid", "log_sigmoid", "softplus", "silu", "gelu"), (-6.0, 6.0)),
    **dict.fromkeys(("tanh", "erf", "gelu_slope", "atan"), (-3.0, 3.0)),
    **dict.fromkeys(("neg", "square", "is_nan", "is_inf", "is_finite"), (-2.0, 2.0)),
    "log1p": (-0.9, 9.0),
    "tan": (-1.3, 1.3),
    "acosh": (1.1, 9.0),
}
_STEPPED = ("abs", "sign", "relu", "floor", "ceil", "round", "trunc")
_WITHOUT_GRADIENT = ("digamma", "is_nan", "is_inf", "is_finite")
_BINARY: dict[str, tuple[Draw, Draw]] = {
    **dict.fromkeys(("add", "sub", "mul"), (_f(7, 5), _f(5))),
    "div": (_f(7, 5), _f(5, low=0.5, high=3)),
    "pow": (_f(_LONG, low=0.3), _f(_LONG, high=3)),
    **dict.fromkeys(("maximum", "minimum"), (_d(_LONG), _f(_LONG))),
    "atan2": (_f(_LONG, low=0.2, high=3), _f(_LONG)),
    **dict.fromkeys(("floor_div", "mod"), (_f(_LONG, low=-9, high=9), _f(_LONG, low=0.7, high=3))),
    **dict.fromkeys(("bit_and", "bit_or", "bit_xor", "gcd", "lcm"), (_i(_LONG, high=99), _i(_LONG, high=9))),
    **dict.fromkeys(("left_shift", "right_shift"), (_i(_LONG, low=-99, high=99), _i(_LONG, high=9))),
    "next_after": (_f(_LONG), _f(_LONG)),
    **dict.fromkeys(("eq", "ne", "lt", "le", "gt", "ge"), (_i(_LONG), _i(_LONG))),
    **dict.fromkeys(("logical_and", "logical_or", "logical_xor"), (_b(_LONG), _b(_LONG))),
}


def _elementwise() -> Iterator[Row]:
    for function, (low, high) in _UNARY.items():
        by = () if function in _WITHOUT_GRADIENT else None
        yield Row("unary", {"function": function}, (_f(_LONG, low=low, high=high),), by)
    for function in _STEPPED:
        yield Row("unary", {"function": function}, (_d(_LONG),))
    yield Row("unary", {"function": "logical_not"}, (_b(_LONG),))
    for function, inputs in _BINARY.items():
        yield Row("binary", {"function": function}, inputs)
    yield Row("select", {}, (_b(7, 5), _f(7, 5), _f(5)))
    yield Row("cast", {"dtype": "float"}, (_f(_LONG),))
    yield Row("cast", {"dtype": "int32"}, (_f(_LONG, low=-9, high=9),))
    for half in ("float16", "bfloat16"):
        yield Row("narrow", {"format": half}, (_f(_LONG),), ())
    yield Row("narrow", {"format": "int8"}, (_i(_LONG, low=-999, high=999),))
    yield Row("bitcast", {"dtype": "uint8"}, (_i(_LONG, high=2**20),))
    yield Row("stop_gradient", {}, (_f(3, 5),))
    yield Row("dropout", {"rate": 0.3}, (_f(_LONG), _SEED))
    for distribution in ("uniform", "normal", "truncated_normal"):
        attrs = {"distribution": distribution, "shape": [_LONG], "dtype": "float"}
        yield Row("random", attrs, (_SEED,))
    yield Row("random", {"distribution": "bits", "shape": [_LONG], "dtype": "uint32"}, (_SEED,))


def _reductions() -> Iterator[Row]:
    for function in ("sum", "mean", "max", "min"):
        for axes in ([0], [1], [0, 1]):
            yield Row("reduce", {"function": function, "axes": axes, "keepdims": False}, (_d(19, 23),))
    product = {"function": "prod", "axes": [1], "keepdims": True}
    yield Row("reduce", product, (_f(5, 7, low=0.5, high=1.5),))
    for function in ("any", "all"):
        yield Row("reduce", {"function": function, "axes": [1], "keepdims": False}, (_b(9, 3),))
    for function in ("argmax", "argmin"):
        yield Row("arg_reduce", {"function": function, "axis": 1}, (_d(5, 19),))
    for op in ("softmax", "log_softmax"):
        for axis in (0, 1):
            yield Row(op, {"axis": axis}, (_f(7, 19),))
    yield Row("logsumexp", {"axes": [0, 2], "keepdims": True}, (_f(4, 3, 5),))
    for function, low, high in (("cumsum", -2.0, 2.0), ("cumprod", 0.6, 1.5)):
        attrs = {"function": function, "axis": 1, "reverse": False, "exclusive": False}
        yield Row("cumulate", attrs, (_f(3, 9, low=low, high=high),))
        yield Row("cumulate", {**attrs, "reverse": True, "exclusive": True}, (_f(3, 9, low=low, high=high),))
    for reverse in (False, True):
        factors = _f(3, 9, low=-1.2, high=1.2)
        yield Row("linear_recurrence", {"axis": 1, "reverse": reverse}, (factors, _f(3, 9)))
    yield Row("sort", {"axis": 1}, (_d(4, 19),))
    yield Row("argsort", {"axis": 0}, (_d(19, 3),))
    yield Row("top_k", {"k": 3}, (_d(4, 19),))
    scale = _f(19, low=0.5, high=2)
    yield Row("layer_norm", {"epsilon": 1e-3, "axes": [1]}, (_f(5, 19), scale, _f(19)))
    yield Row("layer_norm_grad", {"epsilon": 1e-3, "axes": [1]}, (_f(5, 19), scale, _f(5, 19)))
    yield Row("batch_norm", {"epsilon": 1e-3}, (_f(9, 5), _f(5, low=0.5), _f(5)))


def _products() -> Iterator[Row]:
    for a, b in ((False, False), (True, False), (False, True)):
        shapes = [_f(*((13, 7) if a else (7, 13))), _f(*((9, 13) if b else (13, 9)))]
        yield Row("matmul", {"transpose_a": a, "transpose_b": b}, tuple(shapes))
    panels = (_f(35, 67), _f(67, 34))
    yield Row("matmul", {"transpose_a": False, "transpose_b": False}, panels)
    yield Row("matmul", {"transpose_a": False, "transpose_b": False}, (_f(2, 4, 5), _f(2, 5, 6)))
    small = {"low": -0.6, "high": 0.6}
    for activation in ("linear", "relu", "sigmoid", "tanh"):
        inputs = (_f(9, 19), _f(19, 5, **small), _f(5, **small))
        yield Row("dense", {"activation": activation}, inputs)
    window = {"strides": [2, 1], "padding": [1, 0, 0, 1], "dilations": [1, 2], "groups": 1}
    plain = {"strides": [1, 1], "padding": [1, 1, 1, 1], "dilations": [1, 1], "groups": 1}
    for attrs, groups in ((window, 1), (plain, 1), ({**plain, "groups": 2}, 2)):
        kernel = _f(3, 3, 4 // groups, 6, **small)
        image = _f(2, 7, 8, 4)
        yield Row("conv", {**attrs, "activation": "tanh"}, (image, kernel, _f(6, **small)))
    yield Row("conv", {**_one_axis(), "activation": "linear"}, (_f(2, 9, 3), _f(3, 3, 5)))
    yield Row("conv_transpose", {**plain, "sizes": [7, 8]}, (_f(2, 7, 8, 6), _f(3, 3, 4, 6)))
    yield Row("conv_kernel_grad", {**plain, "kernel": [3, 3]}, (_f(2, 7, 8, 4), _f(2, 7, 8, 6)))


def _one_axis() -> Attrs:
    return {"strides": [1], "padding": [1, 1], "dilations": [1], "groups": 1}


def _matrices() -> Iterator[Row]:
    def near_one(numbers: Numbers) -> Array:
        return np.asarray(np.eye(6) * 3 + numbers.floats((2, 6, 6), -0.5, 0.5), numbers.dtype)

    def positive(numbers: Numbers) -> Array:
        x = numbers.floats((2, 6, 6), -0.4, 0.4)
        return np.asarray(np.eye(6) * 3 + x + np.swapaxes(x, 1, 2), numbers.dtype)

    yield Row("cholesky", {}, (positive,))
    yield Row("lu", {}, (near_one,))
    yield Row("qr", {"complete": False}, (_f(2, 7, 5),))
    yield Row("svd", {"full": False}, (_f(7, 5),), ())
    yield Row("eigh", {}, (positive,), ())
    yield Row("pinv", {"rcond": 1e-6}, (near_one,))
    right = _f(2, 6, 3)
    yield Row("solve", {"transpose": False}, (near_one, right))
    yield Row("solve_triangular", {"lower": True, "transpose": True, "unit": False}, (near_one, right))
    for log in (False, True):
        yield Row("determinant", {"log": log}, (near_one,))
    yield Row("cofactors", {}, (near_one,))


def _moves() -> Iterator[Row]:
    yield Row("reshape", {"shape": [5, 3]}, (_f(3, 5),))
    yield Row("transpose", {"axes": [2, 0, 1]}, (_f(3, 4, 5),))
    yield Row("broadcast_to", {"shape": [4, 3, 5]}, (_f(3, 1),))
    yield Row("concat", {"axis": 1}, (_f(3, 2), _f(3, 5)))
    yield Row("slice", {"start": [1, 6], "stop": [4, 0], "step": [1, -2]}, (_f(5, 7),))
    yield Row("slice_grad", {"shape": [6, 9], "start": [1, 2], "step": [2, 1]}, (_f(2, 5),))
    yield Row("gather", {"axis": 0}, (_f(4, 3), _i(6)))
    yield Row("scatter_add", {"axis": 0, "size": 4}, (_f(6, 3), _i(6)))
    yield Row("gather_along", {"axis": 1}, (_f(3, 4), _i(3, 6)))
    yield Row("scatter_along", {"axis": 1, "size": 4}, (_f(3, 6), _i(3, 6)))
    yield Row("one_hot", {"depth": 5, "dtype": "float"}, (_i(7, high=5),))
    yield Row("iota", {"shape": [3, 7], "axis": 1, "dtype": "float"}, ())
    yield Row("frame", {"length": 4, "stride": 2}, (_f(2, 9),))
    yield Row("overlap_add", {"stride": 2, "size": 9}, (_f(2, 3, 4),))


def _images() -> Iterator[Row]:
    pooling = {"window": [3, 2], "strides": [2, 2], "padding": [1, 1, 0, 0]}
    for function in ("max", "mean"):
        yield Row("pool", {**pooling, "function": function}, (_d(2, 5, 6, 3),))
    for function in ("max", "mean"):
        yield from _pool_grads({**pooling, "function": function})
    for method in ("nearest", "bilinear", "bicubic", "lanczos3"):
        attrs = {"size": [7, 4], "method": method, "antialias": method == "bilinear"}
        yield Row("resize", attrs, (_f(2, 5, 6, 3),))
        yield Row("resize_grad", {**attrs, "size": [5, 6]}, (_f(2, 7, 4, 3),))
    # Multiples of 1/64, so that places are the same numbers in both dtypes.
    maps = _exactly([[0.9375, 0.125, 0.5, -0.0625, 1.125, 0.25, 0.015625, 0.03125],
                     [1, 0, 1.5, 0, 1, -0.75, 0, 0]])  # fmt: skip
    for method in ("nearest", "bilinear"):
        attrs = {"method": method, "fill": "reflect"}
        yield Row("warp", {**attrs, "value": 0.5}, (_f(2, 6, 7, 3), maps))
        yield Row("warp_grad", attrs, (_f(2, 6, 7, 3), maps))


def _pool_grads(attrs: Attrs) -> Iterator[Row]:
    """Of an image and what pooling makes of it."""
    image = _d(2, 5, 6, 3)

    def pooled(numbers: Numbers) -> Array:
        x = image(Numbers("image", numbers.dtype))
        return _core.eager("pool", attrs, [x])[0]

    def same(numbers: Numbers) -> Array:
        return image(Numbers("image", numbers.dtype))

    yield Row("pool_grad", attrs, (same, pooled, _f(2, 3, 3, 3)), ())
    if attrs["function"] == "max":
        yield Row("pool_pick", attrs, (same, pooled, _f(2, 5, 6, 3)), ())


def _losses() -> Iterator[Row]:
    for logits in (True, False):
        for sparse in (True, False):
            attrs = {"from_logits": logits, "epsilon": 1e-7, "sparse": sparse}
            target = _i(7, high=5) if sparse else _f(7, 5, low=0.1, high=1)
            pred = _f(7, 5) if logits else _f(7, 5, low=0.1, high=2)
            yield Row("cross_entropy", attrs, (pred, target))
            yield Row("cross_entropy_grad", attrs, (pred, target, _f(7)))
        share = _f(_LONG) if logits else _f(_LONG, low=0.05, high=0.95)
        attrs = {"from_logits": logits, "epsilon": 1e-7}
        yield Row("binary_cross_entropy", attrs, (share, _f(_LONG, low=0.05, high=0.95)))
    words = (
        _f(3, 6, 4),
        _exactly([[1, 2], [2, 2], [1, -1]], "int32"),
        _exactly([2, 2, 1], "int32"),
        _exactly([6, 5, 4], "int32"),
    )
    yield Row("ctc_loss", {"mask_index": 0}, words)
    yield Row("ctc_loss_grad", {"mask_index": 0}, (*words, _f(3)), ())
    attrs = {"mask_index": 0, "beam_width": 4, "top_paths": 2}
    yield Row("ctc_beam_search", attrs, (_f(3, 6, 4), words[3]), ())
    moments = (_f(_LONG), _f(_LONG), _f(_LONG), _f(_LONG, low=0.1, high=1), _exactly(1e-3))
    yield Row("adam", {"beta_1": 0.9, "beta_2": 0.999, "epsilon": 1e-7}, moments, ())


def _sequences() -> Iterator[Row]:
    units, small = 5, {"low": -0.7, "high": 0.7}
    for op, gates, own in (("lstm", 4, "carry"), ("gru", 3, "bias"), ("simple_rnn", 1, "")):
        more: Attrs = {"activation": "tanh"} if op == "simple_rnn" else {}
        first = [_f(3, 6, gates * units), _f(units, gates * units, **small), _f(3, units)]
        if own:
            first.append(_f(3, units) if own == "carry" else _f(gates * units))
        for reverse in (False, True):
            attrs = {"reverse": reverse, "masked": reverse, **more}
            mask = [_b(3, 6)] if reverse else []
            yield Row(op, attrs, (*first, *mask))
        given = {"by_carries": True} if own == "carry" else {}
        states = [_f(3, 6, units)] * (4 if own == "carry" else 2)
        attrs = {"reverse": False, "masked": False, **more, **given}
        yield Row(f"{op}_grad", attrs, (*first, *states), ())
    heads = (_f(2, 5, 2, 4), _f(2, 7, 2, 4), _f(2, 7, 2, 3))
    usual = {"scale": 0.5, "rate": 0.0, "mask": False, "bias": False, "zero_masked": False}
    for causal in (False, True):
        yield Row("attention", {**usual, "causal": causal}, heads)
    whole = {**usual, "causal": True, "bias_grad": False}
    yield Row("attention_grad", whole, (*heads, _f(2, 5, 2, 3)))
    yield _scan()
    for n in (12, 13, 37):
        yield Row("fft", {"inverse": n == 13, "mean": n == 13}, (_f(3, n), _f(3, n)))
        yield Row("rfft", {"both": False, "mean": False}, (_f(3, n),))
        half = _f(3, n // 2 + 1)
        yield Row("irfft", {"length": n, "both": False, "mean": True}, (half, half))


def _scan() -> Row:
    """``h = tanh(x w + h u)``, step by step."""
    graph = _core.Graph()
    h, x, w, u = (graph.input("", shape, "float32") for shape in ((2, 3), (2, 4), (4, 3), (3, 3)))
    product = {"transpose_a": False, "transpose_b": False}
    terms = [graph.push("matmul", product, pair)[0] for pair in ([x, w], [h, u])]
    total = graph.push("binary", {"function": "add"}, terms)
    (new,) = graph.push("unary", {"function": "tanh"}, total)
    body = graph.body([h, x, w, u], [new, new])
    attrs = {"body": body, "length": 6, "carries": 1, "sequences": 1, "reverse": False}
    return Row("scan", attrs, (_f(2, 3), _f(6, 2, 4), _f(4, 3), _f(3, 3)))


def _square() -> tuple[_core.Graph, list[int], list[int]]:
    """``y = x * x`` as the body of another op: its graph, inputs and outputs."""
    graph = _core.Graph()
    x = graph.input("", (3, 5), "float32")
    return graph, [x], graph.push("unary", {"function": "square"}, [x])


class _Code:
    """NumPy code as the core and the reference call it."""

    def __init__(self, function: Callable[[list[Array]], Array]) -> None:
        self._function = function
        self._callback = _core.Callback(self)
        self.number = self._callback.number
        numpy_function.CODES[self.number] = self

    def __call__(self, arrays: list[Array]) -> list[Array]:
        return [np.asarray(self._function(arrays))]

    run = __call__


# Products alone: NumPy's powers have other bits on other processors.
_CUBE = _Code(lambda arrays: arrays[0] * arrays[0] * arrays[0])
_CUBE_BACK = _Code(lambda arrays: 3 * arrays[0] * arrays[0] * arrays[2])


def _own() -> Iterator[Row]:
    """Ops that hold graphs or code of the user's; the first inputs of two are values of the graph."""
    squares: Draw = lambda numbers: np.square(Numbers("x", numbers.dtype).floats((3, 5)))  # noqa: E731
    x: Draw = lambda numbers: Numbers("x", numbers.dtype).floats((3, 5))  # noqa: E731
    yield Row("identity", {"tag": 1}, (_f(3, 5),))
    graph, inputs, outputs = _square()
    yield Row("remat", {"body": graph.body(inputs, outputs), "tag": 1}, (squares, x), (1,))
    back = _core.Graph()
    a, dy = (back.input("", (3, 5), "float32") for _ in range(2))
    (product,) = back.push("binary", {"function": "mul"}, [a, dy])
    twice = back.push("binary", {"function": "add"}, [product, product])
    bodies = {"forward": graph.body(inputs, outputs), "backward": back.body([a, dy], twice)}
    yield Row("custom_gradient", {**bodies, "wrt": [0]}, (squares, x), (1,))
    numbers = {"forward": _CUBE.number, "backward": _CUBE_BACK.number}
    shape = [{"shape": [3, 5], "dtype": "float"}]
    yield Row("numpy_function", {**numbers, "outputs": shape}, (_f(3, 5),))


def rows() -> list[Row]:
    """Every row, op after op."""
    parts = (_elementwise, _reductions, _products, _matrices, _moves, _images, _losses, _sequences, _own)
    return [row for part in parts for row in part()]


def covered() -> dict[str, set[str]]:
    """The ops that have rows, with the functions of each."""
    found: dict[str, set[str]] = {}
    for row in rows():
        found.setdefault(row.op, set()).update({row.function} - {""})
    return found
