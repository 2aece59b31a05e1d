from __future__ import annotations

import numpy as np
from hypothesis import strategies as st

from tests.rows import (
    Bad,
    Draw,
    Drawn,
    Row,
    Spec,
    coins,
    distinct,
    draw_array,
    draw_shape,
    exactly,
    integers,
    normal,
    uniform,
)

# Every differentiable function and where it is smooth and well-conditioned.
SMOOTH: dict[str, Draw] = {
    "neg": normal,
    "abs": distinct(),
    "sign": distinct(),
    "exp": uniform(-4, 4),
    "expm1": uniform(-4, 4),
    "log": uniform(0.1, 9),
    "log1p": uniform(-0.9, 9),
    "sqrt": uniform(0.1, 9),
    "rsqrt": uniform(0.1, 9),
    "square": normal,
    "reciprocal": uniform(0.2, 5),
    "sin": uniform(-9, 9),
    "cos": uniform(-9, 9),
    "tan": uniform(-1.3, 1.3),
    "asin": uniform(-0.95, 0.95),
    "acos": uniform(-0.95, 0.95),
    "atan": uniform(-5, 5),
    "sinh": uniform(-4, 4),
    "cosh": uniform(-4, 4),
    "tanh": uniform(-3, 3),
    "asinh": uniform(-9, 9),
    "acosh": uniform(1.1, 9),
    "atanh": uniform(-0.95, 0.95),
    "sigmoid": uniform(-6, 6),
    "log_sigmoid": uniform(-6, 6),
    "silu": uniform(-6, 6),
    "softplus": uniform(-6, 6),
    "relu": distinct(),
    "gelu": uniform(-2, 6),
    "gelu_slope": uniform(-5, 5),
    "erf": uniform(-3, 3),
    "erfinv": uniform(-0.95, 0.95),
    "lgamma": uniform(0.2, 12),
    "floor": distinct(),
    "ceil": distinct(),
    "round": distinct(0.3),
    "trunc": distinct(),
}
QUESTIONS = ("is_nan", "is_inf", "is_finite")
INTEGER = ("neg", "abs", "sign", "square", "floor", "ceil", "round", "trunc", "relu")

inf, nan = np.inf, np.nan
# Where the value saturates, leaves the range, or is special: forward only.
EXTREME: dict[str, list[float]] = {
    "exp": [-inf, -1000, -103, -87.3, -0.0, 1e-9, 88, 710, 1000, inf, nan],
    "expm1": [-inf, -1000, -50, -1e-9, 0, 1e-9, 89, 1000, inf, nan],
    "log": [-1, -0.0, 0, 1e-30, 1, 1e30, inf, nan],
    "log1p": [-2, -1, -1e-9, 0, 1e-9, 1e30, inf, nan],
    "sqrt": [-1, 0, 1e-30, 4, 1e30, inf, nan],
    "rsqrt": [-1, 0, 4, 1e30, inf, nan],
    "reciprocal": [-inf, -2, -0.0, 0, 1e30, inf, nan],
    "square": [-1e30, -3, 0, 1e-30, 1e10, inf, nan],
    "sin": [-3e4, -1000, 0, 1e-9, 100.5, 1e4, 1e5, inf, nan],
    "cos": [-3e4, -1000, 0, 1e-9, 100.5, 1e4, 1e5, inf, nan],
    "tan": [-1000, 0, 1e-9, 100.5, 1e4, inf, nan],
    "asin": [-1.5, -1, 0, 1, 2, nan],
    "acos": [-1.5, -1, 0, 1, 2, nan],
    "sinh": [-inf, -100, -20, 0, 1e-9, 20, 89, 1000, inf, nan],
    "cosh": [-inf, -100, -20, 0, 1e-9, 20, 89, 1000, inf, nan],
    "asinh": [-inf, -1e30, -1e-9, 0, 1e-9, 1e30, inf, nan],
    "acosh": [0.5, 1, 1.0000001, 1e30, inf, nan],
    "atanh": [-2, -1, -0.5, 0, 1e-9, 1, nan],
    "gelu": [-inf, -1000, -41, -40, -0.0, 0, 1e-9, 6, 1000, inf, nan],
    "gelu_slope": [-inf, -1000, -41, -14, -0.0, 0, 1e-9, 6, 1000, inf, nan],
    "erfinv": [-2, -1, -0.999999, -1e-9, 0, 1e-9, 0.9999, 1, 2, nan],
    "lgamma": [-2.5, -2, -0.5, 0, 1e-5, 1, 2, 1e4, inf, nan],
    "digamma": [-2.5, -0.5, 1e-3, 1, 1.4616321, 2, 1e4, inf, nan],
    "floor": [-inf, -1.5, -1, -0.5, -0.0, 0.5, 1.5, 8388609, 1e20, inf, nan],
    "ceil": [-inf, -1.5, -1, -0.5, 0, 0.5, 1.5, 8388609, 1e20, inf, nan],
    "round": [-inf, -2.5, -1.5, -0.5, 0, 0.5, 1.5, 2.5, 8388609, 1e20, inf, nan],
    "trunc": [-inf, -1.5, -1, -0.5, 0, 0.5, 1.5, 8388609, 1e20, inf, nan],
    "is_nan": [-inf, -1, 0, 1e38, inf, nan],
    "is_inf": [-inf, -1, 0, 1e38, inf, nan],
    "is_finite": [-inf, -1, 0, 1e38, inf, nan],
    "sign": [-inf, -1e-30, -0.0, 0, 1e-30, inf, nan],
    "abs": [-inf, -1e-30, -0.0, 0, inf, nan],
    "relu": [-inf, -1e-30, 0, 1e-30, inf],
}
# Where the function is flat but its gradient is still finite.
FLAT = [-1e4, -700, -100, -40, -17, 0, 1e-9, 17, 40, 100, 700, 1e4]
FLAT_FUNCTIONS = ("sigmoid", "log_sigmoid", "softplus", "silu", "gelu", "gelu_slope", "tanh", "erf", "atan")
KINK = "at the kink the derivative is 0 by convention"


def _row(function: str, name: str, *inputs: Spec, grad: tuple[int, ...] = (0,)) -> Row:
    return Row("unary", f"{function}-{name}", {"function": function}, inputs, grad)


def _bad(function: str, name: str, inputs: tuple[Spec, ...], error: str, *match: str) -> Bad:
    return Bad("unary", f"{function}-{name}", {"function": function}, inputs, error, match)


ROWS = [
    *(_row(f, "matrix", Spec((3, 5), v)) for f, v in SMOOTH.items()),
    *(_row(f, "long", Spec((1003,), v)) for f, v in SMOOTH.items()),
    *(
        _row(f, f"{name}", Spec(shape, SMOOTH[f]))
        for f in ("exp", "tanh", "relu", "log", "lgamma")
        for name, shape in {"scalar": (), "one": (1,), "empty": (0,), "empty-axis": (4, 0)}.items()
    ),
    *(
        _row(f, layout, Spec((4, 3, 5), SMOOTH[f], layout=layout))
        for f in ("exp", "sigmoid")
        for layout in ("F", "every_other", "backwards", "read_only")
    ),
    *(_row(f, "extreme", Spec((len(v),), exactly(v)), grad=()) for f, v in EXTREME.items()),
    *(_row(f, "flat", Spec((len(FLAT),), exactly(FLAT))) for f in FLAT_FUNCTIONS),
    *(
        _row(f, dtype, Spec((2, 9), integers(-9, 10), dtype), grad=())
        for f in INTEGER
        for dtype in ("int32", "int64")
    ),
    _row("square", "uint8", Spec((4,), exactly([0, 1, 15, 16]), "uint8"), grad=()),
    _row("relu", "uint32", Spec((3,), exactly([0, 1, 2**32 - 1]), "uint32"), grad=()),
    _row("digamma", "matrix", Spec((3, 5), uniform(0.1, 12)), grad=()),
    _row("digamma", "negative", Spec((30,), uniform(-3.9, -3.1)), grad=()),
    _row("lgamma", "negative", Spec((30,), uniform(-3.9, -3.1))),
    *(_row(f, "matrix", Spec((3, 5)), grad=()) for f in QUESTIONS),
    _row("logical_not", "matrix", Spec((3, 5), coins, "bool"), grad=()),
    _row("logical_not", "long", Spec((1003,), coins, "bool"), grad=()),
    *(
        Row(
            "unary",
            f"{f}-kink",
            {"function": f},
            (Spec((5,), exactly([-2, 0, 0, -0.0, 2])),),
            (0,),
            differences=False,
            reason=KINK,
        )
        for f in ("abs", "relu", "sign")
    ),
    Row(
        "unary",
        "round-ties",
        {"function": "round"},
        (Spec((6,), exactly([-2.5, -1.5, -0.5, 0.5, 1.5, 2.5])),),
        (0,),
        differences=False,
        reason="the function jumps here; its derivative is 0 by convention",
    ),
]

BAD = [
    *(
        _bad(f, "of-int", (Spec((2,), integers(0, 9), "int32"),), "DTypeError", "int32")
        for f in ("exp", "log", "sqrt", "sigmoid", "erf", "is_nan")
    ),
    _bad("neg", "of-bool", (Spec((2,), coins, "bool"),), "DTypeError", "bool"),
    _bad("logical_not", "of-float", (Spec((2,)),), "DTypeError", "bool", "float32"),
    _bad("exp", "no-inputs", (), "ShapeError", "1", "0"),
    _bad("exp", "two-inputs", (Spec((2,)), Spec((2,))), "ShapeError", "1", "2"),
    _bad("nosuch", "unknown", (Spec((2,)),), "ValueError", "nosuch"),
]


def draw(data: st.DataObject) -> Drawn:
    function = data.draw(st.sampled_from(sorted(SMOOTH)), label="function")
    x = draw_array(data, draw_shape(data), SMOOTH[function])
    return Drawn({"function": function}, [x], (0,))
