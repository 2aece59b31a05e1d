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
    draw_part,
    draw_shape,
    exactly,
    integers,
    normal,
    uniform,
)

# Every differentiable function, with values of a and of b where it is smooth.
SMOOTH: dict[str, tuple[Draw, Draw]] = {
    "add": (normal, normal),
    "sub": (normal, normal),
    "mul": (normal, normal),
    "div": (normal, uniform(0.5, 3)),
    "pow": (uniform(0.3, 2), uniform(-2, 3)),
    "maximum": (distinct(), distinct(0.25)),
    "minimum": (distinct(), distinct(0.25)),
    "atan2": (uniform(0.2, 3), uniform(-3, 3)),
    "floor_div": (uniform(-9, 9), uniform(0.7, 3)),
    "mod": (uniform(-9, 9), uniform(0.7, 3)),
}
COMPARE = ("eq", "ne", "lt", "le", "gt", "ge")
LOGICAL = ("logical_and", "logical_or", "logical_xor")
BITS = ("bit_and", "bit_or", "bit_xor", "left_shift", "right_shift", "gcd", "lcm")
INTEGER = ("add", "sub", "mul", "maximum", "minimum", "floor_div", "mod", *COMPARE)
BROADCAST = {
    "same": ((3, 5), (3, 5)),
    "long": ((1003,), (1003,)),
    "row": ((67, 19), (19,)),
    "column": ((4, 7), (4, 1)),
    "outer": ((5, 1), (1, 3)),
    "scalar": ((), (2, 3)),
    "scalars": ((), ()),
    "middle": ((2, 3, 4), (2, 1, 4)),
    "empty": ((0, 3), (1, 3)),
}
inf, nan = np.inf, np.nan
SIDES = (
    [-inf, -2, -0.0, 0, 0, 1, 2, inf, nan, 7, -7, 7, -7],
    [1, inf, 0, 0, 3, nan, -inf, 2, 1, 3, 3, -3, -3],
)
SIGNED = ([7, -7, -1, 0, 12, -12, 5, -5, 1], [3, 2, 1, 0, 18, 9, 70, 64, 0])
OF_DTYPE = "the next float is that of the dtype, and steps are too small for differences"
SHARED = "at a tie both sides get half, but moving both at once is no derivative"


def _row(f: str, name: str, a: Spec, b: Spec, grad: tuple[int, ...] = (0, 1), **exception) -> Row:
    return Row("binary", f"{f}-{name}", {"function": f}, (a, b), grad, **exception)


def _bad(f: str, name: str, inputs: tuple[Spec, ...], error: str, *match: str) -> Bad:
    return Bad("binary", f"{f}-{name}", {"function": f}, inputs, error, match)


def _pair(a: list, b: list, dtype: str = "float") -> tuple[Spec, Spec]:
    return Spec((len(a),), exactly(a), dtype), Spec((len(b),), exactly(b), dtype)


ROWS = [
    *(_row(f, "same", Spec((3, 5), a), Spec((3, 5), b)) for f, (a, b) in SMOOTH.items()),
    *(_row(f, "row", Spec((21, 19), a), Spec((19,), b)) for f, (a, b) in SMOOTH.items()),
    *(
        _row(f, name, Spec(left, SMOOTH[f][0]), Spec(right, SMOOTH[f][1]))
        for f in ("mul", "sub", "div")
        for name, (left, right) in BROADCAST.items()
        if name not in ("same", "row")
    ),
    *(
        _row("mul", f"{left}-{right}", Spec((4, 6), layout=left), Spec((4, 6), layout=right))
        for left, right in (("F", "C"), ("every_other", "backwards"), ("C", "read_only"))
    ),
    *(_row(f, "extreme", *_pair(*SIDES), grad=()) for f in (*SMOOTH, *COMPARE) if f != "pow"),
    _row(
        "pow",
        "extreme",
        *_pair(
            [0, 0, 0, 2, 2, -2, -2, -2, inf, 1, 1e20, nan],
            [0, 2, -1, 0, 0.5, 3, 2, 0.5, 2, nan, 3, 0],
        ),
        grad=(),
    ),
    _row("pow", "whole-powers", *_pair([-2.0, -1.5, 0.5, 3.0], [2.0, 3.0, -2.0, 0.0]), grad=(0,)),
    _row("pow", "to-the-zero", *_pair([0.0, 0.0, -2.0, 3.0], [0.0, 2.0, 0.0, 0.0]), grad=(0,),
         differences=False, reason="0 to a power near 0 is infinite or 0: no central difference"),
    _row(
        "pow",
        "of-zero",
        *_pair([0.0, 0.0, 2.0], [2.0, 1.0, 3.0]),
        differences=False,
        reason="powers of negative numbers are NaN, so there is no central difference at 0",
    ),
    *(
        _row(
            f,
            "ties",
            *_pair([1, 2, 3, 3, 0], [1, 2, 3, 4, -1]),
            differences=True,
        )
        for f in ("maximum", "minimum")
    ),
    *(
        _row(f, dtype, Spec((2, 9), integers(-9, 10), dtype), Spec((9,), integers(1, 5), dtype), ())
        for f in INTEGER
        for dtype in ("int32", "int64")
    ),
    *(
        _row(f, dtype, Spec((2, 37), integers(0, 200), dtype), Spec((37,), integers(0, 9), dtype), ())
        for f in BITS
        for dtype in ("int32", "int64", "uint8", "uint32")
    ),
    *(
        _row(f, f"signs-{dtype}", *_pair(*SIGNED, dtype), grad=())
        for f in BITS
        for dtype in ("int32", "int64")
    ),
    _row("next_after", "extreme", *_pair(*SIDES), grad=(), native=True, reason=OF_DTYPE),
    _row("next_after", "same", Spec((3, 5)), Spec((5,)), differences=False, native=True,
         reason=OF_DTYPE),
    *(
        _row(f, "int-signs", *_pair([7, -7, 7, -7, 6], [3, 3, -3, -3, -3], "int32"), grad=())
        for f in ("floor_div", "mod")
    ),
    *(
        _row(f, f"by-zero-{dtype}", *_pair([7, -7, 0], [0, 0, 0], dtype), grad=())
        for f in ("floor_div", "mod")
        for dtype in ("int32", "int64")
    ),
    _row("floor_div", "least-by-minus-one", *_pair([-(2**31)], [-1], "int32"), grad=()),
    _row("mod", "least-by-minus-one", *_pair([-(2**31)], [-1], "int32"), grad=()),
    _row("add", "int-wraps", *_pair([2**31 - 1], [1], "int32"), grad=()),
    _row("mul", "int-wraps", *_pair([2**62], [4], "int64"), grad=()),
    _row("sub", "uint8-wraps", *_pair([1], [2], "uint8"), grad=()),
    _row("pow", "int", *_pair([2, 3, -2, 0], [10, 0, 3, 0], "int32"), grad=()),
    *(
        _row(f, "ties", Spec((40,), integers(-2, 3)), Spec((40,), integers(-2, 3)), ())
        for f in COMPARE
    ),
    *(
        _row(f, "broadcast", Spec((67, 1), coins, "bool"), Spec((17,), coins, "bool"), ())
        for f in LOGICAL
    ),
]

_FLOAT, _INT, _BOOL = Spec((3,)), Spec((3,), integers(0, 9), "int32"), Spec((3,), coins, "bool")
BAD = [
    _bad("add", "shapes", (Spec((2, 3)), Spec((2, 4))), "ShapeError", "(2, 3)", "(2, 4)"),
    _bad("mul", "lengths", (Spec((3,)), Spec((4,))), "ShapeError", "(3,)", "(4,)"),
    _bad("lt", "shapes", (Spec((2, 3)), Spec((3, 3))), "ShapeError", "(2, 3)", "(3, 3)"),
    _bad("add", "dtypes", (_FLOAT, _INT), "DTypeError", "float32", "int32"),
    _bad("div", "of-ints", (_INT, _INT), "DTypeError", "int32"),
    _bad("atan2", "of-ints", (_INT, _INT), "DTypeError", "int32"),
    *(_bad(f, "of-floats", (_FLOAT, _FLOAT), "DTypeError", "float32") for f in BITS),
    _bad("next_after", "of-ints", (_INT, _INT), "DTypeError", "int32"),
    _bad("add", "of-bools", (_BOOL, _BOOL), "DTypeError", "bool"),
    _bad("logical_and", "of-floats", (_FLOAT, _FLOAT), "DTypeError", "bool", "float32"),
    _bad("add", "one-input", (_FLOAT,), "ShapeError", "2", "1"),
    _bad("nosuch", "unknown", (_FLOAT, _FLOAT), "ValueError", "nosuch"),
]


def draw(data: st.DataObject) -> Drawn:
    function = data.draw(st.sampled_from(sorted(SMOOTH)), label="function")
    shape = draw_shape(data)
    shapes = [shape, draw_part(data, shape)]
    if data.draw(st.booleans(), label="swapped"):
        shapes.reverse()
    a, b = (draw_array(data, s, v) for s, v in zip(shapes, SMOOTH[function]))
    smooth = function not in ("floor_div", "mod")
    return Drawn({"function": function}, [a, b], (0, 1), smooth)
