from __future__ import annotations

from hypothesis import strategies as st

from tests.rows import Bad, Drawn, Row, Spec, draw_array, draw_shape, exactly, integers

DISTRIBUTIONS = ("uniform", "normal", "truncated_normal", "bits")


def _attrs(distribution: str, shape: list[int]) -> dict:
    dtype = "uint32" if distribution == "bits" else "float"
    return {"distribution": distribution, "shape": shape, "dtype": dtype}


def _seed(a: int, b: int) -> Spec:
    return Spec((2,), exactly([a, b]), "uint32")


def _row(distribution: str, name: str, shape: list[int], seed: Spec) -> Row:
    return Row("random", f"{distribution}-{name}", _attrs(distribution, shape), (seed,))


def _bad(name: str, seed: Spec, error: str, *match: str, attrs: dict | None = None) -> Bad:
    return Bad("random", name, attrs or _attrs("uniform", [3]), (seed,), error, match)


CASES = {
    "scalar": ([], _seed(1, 2)),
    "empty": ([0, 3], _seed(1, 2)),
    "matrix": ([3, 5], _seed(0, 0)),
    "odd": ([1003], _seed(12345, 67)),
    "many": ([67, 131], _seed(2**32 - 1, 2**32 - 1)),
    "high-seed": ([4], _seed(2**31, 1)),
}

ROWS = [_row(d, name, shape, seed) for d in DISTRIBUTIONS for name, (shape, seed) in CASES.items()]

BAD = [
    _bad("seed-shape", Spec((3,), integers(0, 9), "uint32"), "ShapeError", "(2,)", "(3,)"),
    _bad("seed-dtype", Spec((2,), integers(0, 9), "int64"), "DTypeError", "uint32", "int64"),
    _bad("unknown", _seed(1, 2), "ValueError", "nosuch", attrs=_attrs("nosuch", [3])),
    _bad(
        "int-normal",
        _seed(1, 2),
        "DTypeError",
        "int32",
        attrs={"distribution": "normal", "shape": [3], "dtype": "int32"},
    ),
]


def draw(data: st.DataObject) -> Drawn:
    attrs = _attrs(data.draw(st.sampled_from(DISTRIBUTIONS)), list(draw_shape(data, side=9)))
    return Drawn(attrs, [draw_array(data, (2,), integers(0, 2**32), "uint32")])
