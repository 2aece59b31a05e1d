from __future__ import annotations

from hypothesis import strategies as st

from tests.rows import Bad, Drawn, Row, Spec, coins, draw_array, draw_shape, integers, normal

# No numbers whose bytes are NaN under the other dtype.
RANGES = {"int32": integers(-2**20, 2**20), "int64": integers(-2**40, 2**40),
          "uint8": integers(0, 120), "uint32": integers(0, 2**20)}  # fmt: skip
NATIVE = "the bytes are those of the dtype"


def _row(name: str, x: Spec, dtype: str) -> Row:
    return Row("bitcast", f"{name}-to-{dtype}", {"dtype": dtype}, (x,))


def _bad(name: str, x: Spec, dtype: str, error: str, *match: str) -> Bad:
    return Bad("bitcast", name, {"dtype": dtype}, (x,), error, match)


ROWS = [
    *(
        _row(kind, Spec((3, 8), RANGES[kind], kind), dtype)
        for kind in RANGES
        for dtype in ("int32", "int64", "uint8", "uint32")
    ),
    _row("ints", Spec((2, 4), integers(2**29, 2**30), "int32"), "float32"),
    _row("long-ints", Spec((2, 4), integers(2**61, 2**62), "int64"), "float64"),
    *(
        Row("bitcast", f"floats-to-{dtype}", {"dtype": dtype}, (Spec((2, 4), normal, kind),),
            native=True, reason=NATIVE)
        for kind, dtype in (("float32", "int32"), ("float32", "uint8"), ("float64", "int64"))
    ),
    _row("scalar", Spec((), integers(0, 9), "int32"), "uint32"),
    _row("empty", Spec((0, 4), integers(0, 9), "int32"), "int64"),
    *(
        Row("bitcast", layout, {"dtype": "uint8"}, (Spec((3, 4), RANGES["int32"], "int32", layout),))
        for layout in ("F", "every_other", "backwards")
    ),
]  # fmt: skip

BAD = [
    _bad("of-bools", Spec((3,), coins, "bool"), "uint8", "DTypeError", "bool"),
    _bad("to-bools", Spec((3,), integers(0, 2), "uint8"), "bool", "DTypeError", "bool"),
    _bad("rest", Spec((2, 3), integers(0, 9), "int32"), "int64", "ShapeError", "(2, 3)", "int64"),
    _bad("scalar", Spec((), integers(0, 9), "int32"), "uint8", "ShapeError", "()"),
    _bad("unknown", Spec((3,)), "int7", "ValueError", "int7"),
]


def draw(data: st.DataObject) -> Drawn:
    kind = data.draw(st.sampled_from(sorted(RANGES)), label="dtype of x")
    x = draw_array(data, (*draw_shape(data), 8), RANGES[kind], kind)
    dtype = data.draw(st.sampled_from(sorted(RANGES)), label="dtype of y")
    return Drawn({"dtype": dtype}, [x])
