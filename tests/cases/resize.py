from __future__ import annotations

from hypothesis import strategies as st

from tests.rows import Bad, Drawn, Row, Spec, coins, draw_array, draw_shape, integers

METHODS = ("nearest", "bilinear", "bicubic", "lanczos3", "lanczos5")


def attributes(size: list[int], method: str, antialias: bool = False) -> dict[str, object]:
    return {"size": size, "method": method, "antialias": antialias}


def _row(
    name: str, x: Spec, size: list[int], method: str = "bilinear", antialias: bool = False,
    grad: tuple[int, ...] = (0,),
) -> Row:  # fmt: skip
    return Row("resize", name, attributes(size, method, antialias), (x,), grad)


def _bad(name: str, x: Spec, size: list[int], error: str, *match: str, **attrs: object) -> Bad:
    return Bad("resize", name, {**attributes(size, "bilinear"), **attrs}, (x,), error, match)


ROWS = [
    *(
        _row(f"{method}-{kind}-{channels}", Spec((2, 6, 5, channels)), size, method)
        for method in METHODS
        for kind, size in (("up", [9, 13]), ("down", [4, 2]), ("mixed", [3, 11]))
        for channels in (1, 3, 4)
    ),
    *(
        _row(f"{method}-antialias", Spec((2, 11, 9, 3)), [4, 2], method, True)
        for method in METHODS
    ),
    *(_row(f"{method}-same", Spec((2, 3, 4, 3)), [3, 4], method, True) for method in METHODS),
    *(_row(f"{method}-to-one", Spec((2, 7, 4, 3)), [1, 1], method) for method in METHODS),
    *(_row(f"{method}-from-one", Spec((2, 1, 1, 3)), [3, 2], method) for method in METHODS),
    _row("rows-only", Spec((2, 6, 5, 3)), [4, 5]),
    _row("columns-only", Spec((2, 6, 5, 3)), [6, 8], "bicubic"),
    _row("double", Spec((2, 6, 5, 3)), [12, 10], "bilinear"),
    _row("half", Spec((2, 8, 6, 1)), [4, 3], "bicubic", True),
    _row("many-channels", Spec((2, 4, 3, 37)), [5, 7], "bicubic"),
    _row("wide", Spec((2, 67, 131, 3)), [50, 203], "lanczos3", True),
    _row("wide-nearest", Spec((3, 67, 131, 3)), [134, 262], "nearest"),
    _row("no-images", Spec((0, 4, 5, 3)), [2, 3]),
    _row("no-channels", Spec((2, 4, 5, 0)), [2, 3]),
    _row("uint8", Spec((2, 4, 5, 3), integers(0, 256), "uint8"), [7, 3], "nearest", grad=()),
    _row("bool", Spec((2, 4, 5, 1), coins, "bool"), [7, 3], "nearest", grad=()),
    _row("int64", Spec((2, 4, 5, 2), integers(-9, 9), "int64"), [2, 9], "nearest", grad=()),
    *(
        _row(layout, Spec((2, 4, 6, 3), layout=layout), [3, 7])
        for layout in ("F", "every_other", "backwards")
    ),
]

_X = Spec((2, 4, 5, 3))
BAD = [
    _bad("rank", Spec((4, 5, 3)), [2, 2], "ShapeError", "(4, 5, 3)"),
    _bad("empty-images", Spec((2, 4, 0, 3)), [2, 2], "ShapeError", "(2, 4, 0, 3)"),
    _bad("no-size", _X, [2, 0], "ValueError", "size", "(2, 0)"),
    _bad("negative-size", _X, [2, -1], "ValueError", "size", "-1"),
    _bad("three-sizes", _X, [2, 2, 3], "ValueError", "size", "[2, 2, 3]"),
    _bad("method", _X, [2, 2], "ValueError", "bicubic", "area", method="area"),
    _bad("ints", Spec((2, 4, 5, 3), integers(0, 9), "int32"), [2, 2], "DTypeError", "int32"),
]


def draw(data: st.DataObject) -> Drawn:
    x = draw_array(data, draw_shape(data, least=4, most=4, side=6))
    size = [data.draw(st.integers(1, 9), label="size") for _ in range(2)]
    method = data.draw(st.sampled_from(METHODS), label="method")
    return Drawn(attributes(size, method, data.draw(st.booleans(), label="antialias")), [x], (0,))
