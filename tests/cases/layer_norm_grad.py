from __future__ import annotations

from hypothesis import strategies as st

from tests.rows import (
    Bad,
    Drawn,
    Row,
    Spec,
    draw_array,
    draw_shape,
    exactly,
    integers,
    normal,
    uniform,
)


def _row(
    name: str, x: Spec, trailing: int, grad=(0, 1, 2), epsilon: float = 1e-3, **exception
) -> Row:
    rank = len(x.shape)
    axes = list(range(rank - trailing, rank))
    inputs = (x, Spec(x.shape[rank - trailing :], uniform(0.5, 2)), Spec(x.shape, layout=x.layout))
    attrs = {"epsilon": epsilon, "axes": axes}
    return Row("layer_norm_grad", name, attrs, inputs, grad, **exception)


def _bad(name: str, inputs: tuple[Spec, ...], axes: list[int], error: str, *match: str) -> Bad:
    return Bad("layer_norm_grad", name, {"epsilon": 1e-3, "axes": axes}, inputs, error, match)


ROWS = [
    _row("last", Spec((3, 5)), 1),
    _row("two-axes", Spec((2, 3, 4)), 2),
    _row("all-axes", Spec((3, 4)), 2),
    _row("vector", Spec((7,)), 1),
    _row("deep", Spec((2, 3, 6)), 1),
    _row("one-wide", Spec((4, 1)), 1),
    _row("small-epsilon", Spec((3, 5)), 1, epsilon=1e-6),
    _row("long", Spec((2, 1003)), 1),
    _row("many", Spec((259, 5)), 1),
    _row("empty", Spec((0, 5)), 1),
    _row("equal", Spec((2, 4), exactly([[1.0] * 4, [-7.0] * 4])), 1),
    _row("shifted", Spec((3, 8), lambda rng, shape: 100 + 10 * rng.standard_normal(shape)), 1),
    *(_row(layout, Spec((4, 6), layout=layout), 1) for layout in ("F", "every_other", "backwards")),
]

_X, _W = Spec((2, 3)), Spec((3,))
BAD = [
    _bad("two-inputs", (_X, _W), [1], "ShapeError", "3 inputs", "2"),
    _bad("gamma", (_X, Spec((2,)), _X), [1], "ShapeError", "(3,)", "(2,)"),
    _bad("dout", (_X, _W, Spec((3, 2))), [1], "ShapeError", "(2, 3)", "(3, 2)"),
    _bad("not-trailing", (Spec((3, 2)), _W, Spec((3, 2))), [0], "ShapeError", "(3, 2)"),
    _bad("axis", (_X, _W, _X), [2], "ShapeError", "2"),
    _bad("dtype", (_X, _W, Spec((2, 3), dtype="float64")), [1], "DTypeError", "float64"),
    _bad("of-ints", (Spec((2, 3), integers(0, 3), "int32"), _W, _X), [1], "DTypeError", "int32"),
]


def draw(data: st.DataObject) -> Drawn:
    # Two elements or more in a group: one alone has no variance, its gradient cancels to nothing.
    x = draw_array(data, draw_shape(data, least=1, smallest=2), normal)
    trailing = data.draw(st.integers(1, x.ndim), label="trailing")
    gamma = draw_array(data, x.shape[x.ndim - trailing :], uniform(0.5, 2))
    dout = draw_array(data, x.shape, normal)
    return Drawn(
        {"epsilon": 1e-3, "axes": list(range(x.ndim - trailing, x.ndim))},
        [x, gamma, dout],
        (0, 1, 2),
    )
