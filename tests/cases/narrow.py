from __future__ import annotations

from hypothesis import strategies as st

from tests.rows import Bad, Drawn, Row, Spec, draw_array, draw_shape, exactly, integers, uniform

STEPS = "the result goes in steps, of which differences see nothing"
HALVES = ("float16", "bfloat16")
SMALL = ("int8", "int16", "uint16")
# Ties, the least and the largest numbers of both formats and what lies beyond, and neither number.
EDGES = [
    *(1.0, 1 + 2**-11, 1 + 3 * 2**-11, 1 + 2**-8, 1 + 3 * 2**-8, 2049.0, 2051.0, 257.0, 259.0),
    *(65504.0, 65519.0, 65520.0, 3.3895314e38, 3.4e38, float("inf"), float("nan"), 0.0, -0.0),
    *(2**-14, 2**-24, 2**-25, 3 * 2**-25, 2**-26, 6.1e-5, 2.0**-126, 2.0**-133, 2.0**-134, 1e-45),
]


def _row(name: str, dtype: str, x: Spec, grad: tuple[int, ...] = ()) -> Row:
    exception = {"differences": False, "reason": STEPS} if grad else {}
    return Row("narrow", name, {"format": dtype}, (x,), grad, **exception)


ROWS = [
    *(_row(f"long-{d}", d, Spec((1003,), uniform(-9, 9)), (0,)) for d in HALVES),
    *(_row(f"tiny-{d}", d, Spec((67,), uniform(-1e-4, 1e-4)), (0,)) for d in HALVES),
    *(_row(f"scalar-{d}", d, Spec(()), (0,)) for d in HALVES),
    *(_row(f"empty-{d}", d, Spec((0, 3)), (0,)) for d in HALVES),
    *(_row(f"strided-{d}", d, Spec((4, 6), layout="every_other"), (0,)) for d in HALVES),
    *(_row(f"edges-{d}", d, Spec((len(EDGES),), exactly(EDGES))) for d in HALVES),
    *(_row(f"less-{d}", d, Spec((len(EDGES),), exactly([-x for x in EDGES]))) for d in HALVES),
    *(_row(f"whole-{d}", d, Spec((3, 7), integers(-70000, 70000), "int32")) for d in SMALL),
    *(_row(f"few-{d}", d, Spec((19,), exactly(range(120, 139)), "int32")) for d in SMALL),
]

BAD = [
    Bad("narrow", "unknown", {"format": "int32"}, (Spec((2,)),), "ValueError", ("float16", "int32")),
    Bad(
        "narrow", "floats", {"format": "int8"}, (Spec((2,)),), "DTypeError", ("x of int32", "float")
    ),
    Bad(
        "narrow",
        "integers",
        {"format": "float16"},
        (Spec((2,), integers(0, 9), "int32"),),
        "DTypeError",
        ("x of float32 or float64", "int32"),
    ),
    Bad(
        "narrow",
        "two-inputs",
        {"format": "float16"},
        (Spec((2,)), Spec((2,))),
        "ShapeError",
        ("1", "2"),
    ),
]


def draw(data: st.DataObject) -> Drawn:
    dtype = data.draw(st.sampled_from(HALVES), label="dtype")
    return Drawn({"format": dtype}, [draw_array(data, draw_shape(data))], ())
