from __future__ import annotations

from hypothesis import strategies as st

from tests.rows import (
    Bad,
    Drawn,
    Row,
    Spec,
    coins,
    distinct,
    draw_array,
    draw_shape,
    exactly,
    integers,
    uniform,
)

NARROW = "the result has 24 bits, so steps of 1e-5 vanish in its rounding"


def _row(name: str, dtype: str, x: Spec, grad: tuple[int, ...] = (), **exception) -> Row:
    return Row("cast", name, {"dtype": dtype}, (x,), grad, **exception)


ROWS = [
    _row("to-itself", "float", Spec((3, 5)), (0,)),
    _row("scalar", "float", Spec(()), (0,)),
    _row("empty", "float64", Spec((0, 3)), (0,)),
    _row("to-float64", "float64", Spec((1003,), distinct()), (0,)),
    _row("to-float32", "float32", Spec((4, 6), layout="F"), (0,), differences=False, reason=NARROW),
    *(_row(f"float-to-{d}", d, Spec((3, 7), uniform(-9, 9))) for d in ("int32", "int64")),
    *(_row(f"float-to-{d}", d, Spec((1003,), uniform(0, 250))) for d in ("uint8", "uint32")),
    _row(
        "float-to-bool",
        "bool",
        Spec((6,), exactly([0.0, -0.0, 0.5, -1, float("nan"), float("inf")])),
    ),
    *(
        _row(f"{a}-to-{b}", b, Spec((3, 7), integers(0, 100), a))
        for a in ("int32", "int64", "uint8", "uint32")
        for b in ("float", "int32", "int64", "uint8", "uint32", "bool")
    ),
    *(
        _row(f"bool-to-{d}", d, Spec((19,), coins, "bool"))
        for d in ("float", "int32", "uint8", "bool")
    ),
    _row("int64-cut", "int32", Spec((2,), exactly([2**32 + 5, -1]), "int64")),
    _row("big-int64", "float", Spec((3,), exactly([2**53 + 1, -(2**62), 16777217]), "int64")),
    _row("strided", "int32", Spec((4, 6), uniform(-9, 9), layout="every_other")),
]

BAD = [
    Bad("cast", "unknown", {"dtype": "complex64"}, (Spec((2,)),), "ValueError", ("complex64",)),
    Bad(
        "cast", "two-inputs", {"dtype": "int32"}, (Spec((2,)), Spec((2,))), "ShapeError", ("1", "2")
    ),
]


def draw(data: st.DataObject) -> Drawn:
    dtype = data.draw(
        st.sampled_from(["float", "float64", "int32", "int64", "bool"]), label="dtype"
    )
    x = draw_array(data, draw_shape(data))
    return Drawn({"dtype": dtype}, [x], (0,) if dtype.startswith("float") else ())
