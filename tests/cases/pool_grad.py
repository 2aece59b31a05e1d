from __future__ import annotations

import zlib

import numpy as np
from hypothesis import strategies as st

from chainrule.reference import pool
from tests.cases.pool import FUNCTIONS, SHAPES, Form, attrs_of, draw_form
from tests.rows import Array, Bad, Drawn, Row, Spec, distinct, draw_array, exactly, normal

Inputs = tuple[Spec, Spec, Spec]


def _inputs(attrs: dict, x: Array) -> Inputs:
    y = pool.forward(attrs, x)
    return Spec(x.shape, exactly(x)), Spec(y.shape, exactly(y)), Spec(y.shape)


def _row(f: str, name: str, shape: tuple[int, ...], form: Form) -> Row:
    """x of multiples of 1/8, so that its maxima are the same numbers in float32."""
    attrs = attrs_of(f, form)
    rng = np.random.default_rng(zlib.crc32(name.encode()))
    return Row("pool_grad", f"{f}-{name}", attrs, _inputs(attrs, distinct()(rng, shape)), (2,))


def _given(name: str, x: list[float], form: Form, y: list[float] | None = None) -> Row:
    """Given numbers of one image with one channel; also maxima that are none of them."""
    attrs = attrs_of("max", form)
    image = np.array(x).reshape(1, -1, 1)
    xs, ys, dys = _inputs(attrs, image)
    tops = ys if y is None else Spec(ys.shape, exactly(y))
    return Row("pool_grad", name, attrs, (xs, tops, dys), (2,))


def _bad(name: str, inputs: tuple[Spec, ...], form: Form, error: str, *match: str) -> Bad:
    return Bad("pool_grad", name, attrs_of("max", form), inputs, error, match)


_OVERLAPPING: Form = ([3], [1], [1, 1])
ROWS = [
    *(_row(f, name, shape, form) for f in FUNCTIONS for name, (shape, form) in SHAPES.items()),
    _given("max-ties", [2.0] * 6, _OVERLAPPING),
    _given("max-zeros", [0.0, -0.0, -0.0, 0.0, 0.0], ([2], [2], [0, 0])),
    _given("max-nan", [1.0, np.nan, 3.0, np.nan, 2.0, 5.0], ([4], [2], [0, 0])),
    _given("max-infinite", [-np.inf, -np.inf, np.inf, 1.0], ([2], [2], [0, 0])),
    _given("max-of-another-x", [1.0, 2.0, 3.0, 4.0], ([2], [2], [0, 0]), [2.0, 9.0]),
]

_X, _Y = Spec((2, 4, 4, 3)), Spec((2, 2, 2, 3))
_2X2: Form = ([2, 2], [2, 2], [0, 0, 0, 0])
BAD = [
    _bad("two-inputs", (_X, _Y), _2X2, "ShapeError", "3 inputs", "2"),
    _bad("y", (_X, _X, _Y), _2X2, "ShapeError", "(2, 2, 2, 3)", "(2, 4, 4, 3)"),
    _bad("dy", (_X, _Y, Spec((2, 2, 3))), _2X2, "ShapeError", "(2, 2, 2, 3)", "(2, 2, 3)"),
    _bad("dtype", (_X, _Y, Spec((2, 2, 2, 3), dtype="float64")), _2X2, "DTypeError", "float64"),
    _bad("rank", (Spec((4, 3)), _Y, _Y), _2X2, "ShapeError", "rank 4", "(4, 3)"),
    _bad("stride-0", (_X, _Y, _Y), ([2, 2], [0, 2], [0, 0, 0, 0]), "ValueError", "strides"),
    _bad("padding", (_X, _Y, _Y), ([2, 2], [2, 2], [0, 3, 0, 0]), "ValueError", "padding"),
]


def draw(data: st.DataObject) -> Drawn:
    function = data.draw(st.sampled_from(FUNCTIONS), label="function")
    shape, form = draw_form(data)
    attrs = attrs_of(function, form)
    x = draw_array(data, shape)
    y = pool.forward(attrs, np.asarray(x))
    return Drawn(attrs, [x, y, draw_array(data, y.shape, normal)], (2,))
