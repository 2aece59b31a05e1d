from __future__ import annotations

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
    draw_axes,
    draw_shape,
    exactly,
    integers,
    normal,
    uniform,
)

VALUES: dict[str, Draw] = {
    "sum": normal,
    "mean": normal,
    "max": distinct(),
    "min": distinct(),
    "prod": uniform(0.5, 1.6),
}
BOOLS = ("any", "all")
SHAPES: dict[str, tuple[tuple[int, ...], list[int]]] = {
    "all": ((3, 5), [0, 1]),
    "first": ((3, 5), [0]),
    "last": ((3, 5), [1]),
    "middle": ((4, 3, 5), [1]),
    "outer": ((4, 3, 5), [0, 2]),
    "none": ((3, 5), []),
    "scalar": ((), []),
    "ones": ((1, 3, 1), [0, 2]),
    "long": ((1003,), [0]),
    "long-rows": ((3, 1029), [1]),
    "long-columns": ((1029, 3), [0]),
    "wide-columns": ((67, 131), [0]),
}
nan, inf = float("nan"), float("inf")


def _row(
    f: str, name: str, x: Spec, axes: list[int], keepdims: bool = False, grad=(0,), **exception
) -> Row:
    attrs = {"function": f, "axes": axes, "keepdims": keepdims}
    return Row("reduce", f"{f}-{name}", attrs, (x,), grad, **exception)


def _bad(f: str, name: str, x: tuple[Spec, ...], axes: list[int], error: str, *match: str) -> Bad:
    return Bad(
        "reduce", f"{f}-{name}", {"function": f, "axes": axes, "keepdims": False}, x, error, match
    )


ROWS = [
    *(
        _row(
            f, name, Spec(shape, uniform(0.99, 1.01) if f == "prod" and "long" in name else v), axes
        )
        for f, v in VALUES.items()
        for name, (shape, axes) in SHAPES.items()
        if not (f == "prod" and name == "wide-columns")
    ),
    *(
        _row(f, f"{name}-kept", Spec(SHAPES[name][0], v), SHAPES[name][1], True)
        for f, v in VALUES.items()
        for name in ("all", "last", "outer")
    ),
    *(
        _row(f, f"{name}-bool", Spec(shape, coins, "bool"), axes, grad=())
        for f in BOOLS
        for name, (shape, axes) in SHAPES.items()
    ),
    _row("all", "true", Spec((67,), exactly([True] * 67), "bool"), [0], grad=()),
    _row("any", "false", Spec((67,), exactly([False] * 67), "bool"), [0], grad=()),
    *(
        _row(f, layout, Spec((4, 3, 6), v, layout=layout), [0, 2])
        for f, v in VALUES.items()
        for layout in ("F", "every_other", "backwards")
    ),
    *(_row(f, "empty", Spec((0, 3)), [0]) for f in ("sum", "prod")),
    _row("mean", "empty", Spec((0, 3)), [0], grad=()),
    *(_row(f, "empty-bool", Spec((0, 3), coins, "bool"), [0], grad=()) for f in BOOLS),
    *(_row(f, "empty-kept-axis", Spec((0, 3), v), [1]) for f, v in VALUES.items()),
    *(
        _row(f, dtype, Spec((5, 7), integers(-4, 5), dtype), [1], grad=())
        for f in ("sum", "max", "min", "prod")
        for dtype in ("int32", "int64")
    ),
    _row("sum", "int-wraps", Spec((2,), exactly([2**31 - 1, 1]), "int32"), [0], grad=()),
    _row("max", "uint8", Spec((300,), integers(0, 256), "uint8"), [0], grad=()),
    *(
        _row(
            f,
            "ties",
            Spec((3, 4), exactly([[1, 1, 0, 1], [2, 2, 2, 2], [0, 1, 0, 0]])),
            [1],
            differences=False,
            reason="equal elements share the gradient; moving one of three is one-sided",
        )
        for f in ("max", "min")
    ),
    *(
        _row(f, "nan", Spec((2, 3), exactly([[1, nan, 2], [inf, -inf, 0]])), [1], grad=())
        for f in ("sum", "mean", "max", "min")
    ),
    *(
        _row(f, "nan-long", Spec((67,), exactly([0.0] * 40 + [nan] + [1.0] * 26)), [0], grad=())
        for f in ("max", "min")
    ),
    *(
        _row(f, "all-infinite", Spec((2,), exactly([v, v])), [0], grad=())
        for f, v in (("max", -inf), ("min", inf))
    ),
    _row("prod", "one-zero", Spec((2, 3), exactly([[2, 0, 3], [1, 2, 3]])), [1]),
    *(
        _row("prod", f"turned-{axes}", Spec((2, 3, 4, 5), uniform(0.5, 1.6)), axes)
        for axes in ([0], [1], [0, 2], [1, 3])
    ),
    _row("prod", "two-zeros", Spec((4,), exactly([2, 0, 0, 3])), [0]),
    _row(
        "sum",
        "large-and-small",
        Spec((1000,), uniform(1e6, 1e6 + 1)),
        [0],
        differences=False,
        reason="the sum is 1e9, so a step of 1e-5 is lost in its rounding",
    ),
]

_FLOAT = (Spec((2, 3)),)
BAD = [
    _bad("sum", "axis", _FLOAT, [2], "ShapeError", "2", "(2, 3)"),
    _bad("sum", "axis-twice", _FLOAT, [1, 1], "ShapeError", "1"),
    _bad("max", "empty", (Spec((0, 3)),), [0], "ShapeError", "(0, 3)"),
    _bad("min", "empty", (Spec((2, 0)),), [0, 1], "ShapeError", "(2, 0)"),
    _bad("sum", "of-bools", (Spec((3,), coins, "bool"),), [0], "DTypeError", "bool"),
    _bad("any", "of-floats", _FLOAT, [0], "DTypeError", "bool", "float32"),
    _bad("nosuch", "unknown", _FLOAT, [0], "ValueError", "nosuch"),
]


def draw(data: st.DataObject) -> Drawn:
    function = data.draw(st.sampled_from(sorted(VALUES)), label="function")
    x = draw_array(data, draw_shape(data), VALUES[function])
    attrs = {
        "function": function,
        "axes": draw_axes(data, x.shape),
        "keepdims": data.draw(st.booleans()),
    }
    return Drawn(attrs, [x], (0,))
