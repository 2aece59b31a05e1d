from __future__ import annotations

from hypothesis import strategies as st

from tests.rows import Bad, Drawn, Row, Spec, draw_array, draw_shape, exactly, uniform

_ATTRS = {"beta_1": 0.9, "beta_2": 0.999, "epsilon": 1e-7}


def _specs(*shape: int) -> tuple[Spec, ...]:
    """w, g, m, v, alpha"""
    return (
        Spec(shape),
        Spec(shape),
        Spec(shape),
        Spec(shape, uniform(0.0, 2.0)),
        Spec((), uniform(1e-3, 1e-1)),
    )


def _row(name: str, attrs: dict[str, float], inputs: tuple[Spec, ...]) -> Row:
    return Row("adam", name, attrs, inputs, ())


ROWS = [
    _row("matrix", _ATTRS, _specs(7, 13)),
    _row("scalar", _ATTRS, _specs()),
    _row("long", _ATTRS, _specs(70_001)),
    _row("empty", _ATTRS, _specs(0, 3)),
    _row("betas", {"beta_1": 0.0, "beta_2": 0.5, "epsilon": 1e-3}, _specs(33)),
    _row(
        "first-step",
        _ATTRS,
        (
            Spec((5,)),
            Spec((5,)),
            Spec((5,), exactly([0.0] * 5)),
            Spec((5,), exactly([0.0] * 5)),
            Spec((), exactly(1e-3)),
        ),
    ),
]

BAD = [
    Bad("adam", "gradient-shape", _ATTRS, (*_specs(3)[:1], Spec((4,)), *_specs(3)[2:]), "ShapeError", ("(3,)", "(4,)")),
    Bad("adam", "alpha-shape", _ATTRS, (*_specs(3)[:4], Spec((1,))), "ShapeError", ("()", "(1,)")),
    Bad("adam", "four-inputs", _ATTRS, _specs(3)[:4], "ShapeError", ("5", "4")),
]


def draw(data: st.DataObject) -> Drawn:
    shape = draw_shape(data)
    w, g, m = (draw_array(data, shape) for _ in range(3))
    v = draw_array(data, shape, uniform(0.0, 2.0))
    alpha = draw_array(data, (), uniform(1e-3, 1e-1))
    return Drawn(dict(_ATTRS), [w, g, m, v, alpha], ())
