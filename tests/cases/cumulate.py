from __future__ import annotations

from hypothesis import strategies as st

from tests.rows import (
    Bad,
    Draw,
    Drawn,
    Row,
    Spec,
    coins,
    draw_array,
    draw_axis,
    draw_shape,
    exactly,
    integers,
    normal,
    uniform,
)

VALUES: dict[str, Draw] = {"cumsum": normal, "cumprod": uniform(0.6, 1.5)}
WAYS = [(reverse, exclusive) for reverse in (False, True) for exclusive in (False, True)]


def _attrs(f: str, axis: int, reverse: bool = False, exclusive: bool = False) -> dict:
    return {"function": f, "axis": axis, "reverse": reverse, "exclusive": exclusive}


def _row(f: str, name: str, x: Spec, axis: int, reverse: bool, exclusive: bool, grad=(0,)) -> Row:
    way = ("-reverse" if reverse else "") + ("-exclusive" if exclusive else "")
    return Row("cumulate", f"{f}-{name}{way}", _attrs(f, axis, reverse, exclusive), (x,), grad)


def _bad(f: str, name: str, x: Spec, axis: int, error: str, *match: str) -> Bad:
    return Bad("cumulate", f"{f}-{name}", _attrs(f, axis), (x,), error, match)


SHAPES = {
    "last": ((3, 5), 1),
    "first": ((3, 5), 0),
    "middle": ((2, 4, 3), 1),
    "one": ((4, 1), 1),
    "empty": ((0, 3), 0),
    "empty-axis": ((3, 0), 1),
}

ROWS = [
    *(
        _row(f, name, Spec(shape, v), axis, reverse, exclusive)
        for f, v in VALUES.items()
        for name, (shape, axis) in SHAPES.items()
        for reverse, exclusive in WAYS
    ),
    *(
        _row(
            f,
            "long",
            Spec((1003,), normal if f == "cumsum" else uniform(0.99, 1.01)),
            0,
            reverse,
            exclusive,
        )
        for f in VALUES
        for reverse, exclusive in WAYS
    ),
    *(
        _row(f, f"{layout}", Spec((4, 6), v, layout=layout), axis, False, True)
        for f, v in VALUES.items()
        for axis, layout in ((0, "F"), (1, "every_other"), (1, "backwards"))
    ),
    *(
        _row("cumprod", "zeros", Spec((2, 4), exactly([[2, 0, 3, 4], [0, 2, 0, 5]])), 1, r, e)
        for r, e in WAYS
    ),
    *(
        _row(f, "int", Spec((9,), integers(-3, 4), "int32"), 0, r, e, ())
        for f in VALUES
        for r, e in WAYS
    ),
]

BAD = [
    _bad("cumsum", "axis", Spec((2, 3)), 2, "ShapeError", "2", "(2, 3)"),
    _bad("cumprod", "scalar", Spec(()), 0, "ShapeError", "()"),
    _bad("cumsum", "of-bools", Spec((3,), coins, "bool"), 0, "DTypeError", "bool"),
    _bad("nosuch", "unknown", Spec((3,)), 0, "ValueError", "nosuch"),
]


def draw(data: st.DataObject) -> Drawn:
    function = data.draw(st.sampled_from(sorted(VALUES)), label="function")
    x = draw_array(data, draw_shape(data, least=1), VALUES[function])
    way = data.draw(st.sampled_from(WAYS), label="reverse, exclusive")
    return Drawn(_attrs(function, draw_axis(data, x.shape), *way), [x], (0,))
