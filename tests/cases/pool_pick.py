from __future__ import annotations

import zlib

import numpy as np
from hypothesis import strategies as st

from chainrule.reference import pool
from tests.cases.pool import SHAPES, Form, attrs_of, draw_form
from tests.rows import Array, Bad, Drawn, Row, Spec, distinct, draw_array, exactly, normal

Inputs = tuple[Spec, Spec, Spec]


def _inputs(attrs: dict, x: Array) -> Inputs:
    p = pool.forward(attrs, x)
    return Spec(x.shape, exactly(x)), Spec(p.shape, exactly(p)), Spec(x.shape)


def _row(name: str, shape: tuple[int, ...], form: Form) -> Row:
    """x of multiples of 1/8, so that its maxima are the same numbers in float32."""
    attrs = attrs_of("max", form)
    rng = np.random.default_rng(zlib.crc32(name.encode()))
    return Row("pool_pick", name, attrs, _inputs(attrs, distinct()(rng, shape)), (2,))


def _given(name: str, x: list[float], form: Form) -> Row:
    """Given numbers of one image with one channel."""
    attrs = attrs_of("max", form)
    return Row("pool_pick", name, attrs, _inputs(attrs, np.array(x).reshape(1, -1, 1)), (2,))


def _bad(
    name: str, inputs: tuple[Spec, ...], form: Form, error: str, *match: str, f: str = "max"
) -> Bad:
    return Bad("pool_pick", name, attrs_of(f, form), inputs, error, match)


ROWS = [
    *(_row(name, shape, form) for name, (shape, form) in SHAPES.items()),
    _given("ties", [2.0] * 6, ([3], [1], [1, 1])),
    _given("zeros", [0.0, -0.0, -0.0, 0.0, 0.0], ([2], [2], [0, 0])),
    _given("nan", [1.0, np.nan, 3.0, np.nan, 2.0, 5.0], ([4], [2], [0, 0])),
]

_X, _Y = Spec((2, 4, 4, 3)), Spec((2, 2, 2, 3))
_2X2: Form = ([2, 2], [2, 2], [0, 0, 0, 0])
BAD = [
    _bad("two-inputs", (_X, _Y), _2X2, "ShapeError", "3 inputs", "2"),
    _bad("maxima", (_X, _X, _X), _2X2, "ShapeError", "(2, 2, 2, 3)", "(2, 4, 4, 3)"),
    _bad("values", (_X, _Y, _Y), _2X2, "ShapeError", "(2, 4, 4, 3)", "(2, 2, 2, 3)"),
    _bad("dtype", (_X, _Y, Spec((2, 4, 4, 3), dtype="float64")), _2X2, "DTypeError", "float64"),
    _bad("mean", (_X, _Y, _X), _2X2, "ValueError", "max", "mean", f="mean"),
    _bad("stride-0", (_X, _Y, _X), ([2, 2], [0, 2], [0, 0, 0, 0]), "ValueError", "strides"),
]


def draw(data: st.DataObject) -> Drawn:
    shape, form = draw_form(data)
    attrs = attrs_of("max", form)
    x = draw_array(data, shape)
    p = pool.forward(attrs, np.asarray(x))
    return Drawn(attrs, [x, p, draw_array(data, x.shape, normal)], (2,))
