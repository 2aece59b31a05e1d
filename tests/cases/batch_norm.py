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


def _row(name: str, x: Spec, grad=(0, 1, 2), epsilon: float = 1e-3) -> Row:
    channels = x.shape[-1:]
    inputs = (x, Spec(channels, uniform(0.5, 2)), Spec(channels))
    return Row("batch_norm", name, {"epsilon": epsilon}, inputs, grad)


def _bad(name: str, inputs: tuple[Spec, ...], error: str, *match: str) -> Bad:
    return Bad("batch_norm", name, {"epsilon": 1e-3}, inputs, error, match)


ROWS = [
    _row("matrix", Spec((7, 5))),
    _row("image", Spec((2, 3, 4, 5))),
    _row("one-channel", Spec((9, 1))),
    _row("one-row", Spec((1, 4))),
    _row("small-epsilon", Spec((7, 5)), epsilon=1e-6),
    _row("long", Spec((1003, 3))),
    _row("wide", Spec((9, 259))),
    _row("no-channels", Spec((4, 0))),
    _row("equal", Spec((4, 2), exactly([[1.0, -7.0]] * 4))),
    _row("shifted", Spec((16, 3), lambda rng, shape: 100 + 10 * rng.standard_normal(shape))),
    *(_row(layout, Spec((6, 4), layout=layout)) for layout in ("F", "every_other", "backwards")),
]

_W = Spec((3,))
BAD = [
    _bad("gamma", (Spec((2, 3)), Spec((2,)), _W), "ShapeError", "(3,)", "(2,)"),
    _bad("beta", (Spec((2, 3)), _W, Spec((1, 3))), "ShapeError", "(3,)", "(1, 3)"),
    _bad("scalar", (Spec(()), _W, _W), "ShapeError", "()"),
    _bad("no-rows", (Spec((0, 3)), _W, _W), "ShapeError", "(0, 3)"),
    _bad("of-ints", (Spec((2, 3), integers(0, 3), "int32"), _W, _W), "DTypeError", "int32"),
]


def draw(data: st.DataObject) -> Drawn:
    x = draw_array(data, draw_shape(data, least=2, smallest=2), normal)
    channels = x.shape[-1:]
    gamma, beta = draw_array(data, channels, uniform(0.5, 2)), draw_array(data, channels, normal)
    return Drawn({"epsilon": 1e-3}, [x, gamma, beta], (0, 1, 2))
