from __future__ import annotations

from hypothesis import strategies as st

from tests.rows import Bad, Drawn, Row, Spec, coins, draw_array, draw_shape, exactly, integers


def _row(name: str, depth: int, labels: Spec, dtype: str = "float") -> Row:
    return Row("one_hot", name, {"depth": depth, "dtype": dtype}, (labels,))


def _ids(*shape: int, high: int = 5, dtype: str = "int32", layout: str = "C") -> Spec:
    return Spec(shape, integers(0, high), dtype, layout)


ROWS = [
    _row("vector", 5, _ids(7)),
    _row("matrix", 5, _ids(2, 3)),
    _row("scalar", 5, _ids()),
    _row("one-class", 1, _ids(4, high=1)),
    _row("no-classes", 0, _ids(4)),
    _row("empty", 5, _ids(0)),
    _row("long", 1003, _ids(9, high=1003)),
    _row("many", 10, _ids(1029, high=10)),
    _row("outside", 3, Spec((6,), exactly([-1, -3, 0, 2, 3, 100]), "int64")),
    *(_row(f"from-{d}", 5, _ids(7, dtype=d)) for d in ("int64", "uint8", "uint32")),
    *(_row(f"to-{d}", 5, _ids(7), d) for d in ("int32", "uint8", "bool")),
    _row("strided", 5, _ids(4, 6, layout="every_other")),
]

_ATTRS = {"depth": 5, "dtype": "float"}
BAD = [
    Bad("one_hot", "of-floats", _ATTRS, (Spec((3,)),), "DTypeError", ("float32",)),
    Bad("one_hot", "of-bools", _ATTRS, (Spec((3,), coins, "bool"),), "DTypeError", ("bool",)),
    Bad("one_hot", "depth", {"depth": -1, "dtype": "float"}, (_ids(3),), "ValueError", ("-1",)),
]


def draw(data: st.DataObject) -> Drawn:
    depth = data.draw(st.integers(1, 6), label="depth")
    labels = draw_array(data, draw_shape(data, most=2), integers(-2, 8), "int32")
    dtype = data.draw(st.sampled_from(["float", "int32", "bool"]), label="dtype")
    return Drawn({"depth": depth, "dtype": dtype}, [labels])
