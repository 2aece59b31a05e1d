from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from hypothesis import strategies as st

from chainrule import _core
from chainrule.reference import numpy_function
from tests.rows import Array, Bad, Drawn, Row, Spec, draw_array, draw_shape, integers

# Callbacks are registered as long as they are kept.
KEPT: list[_core.Callback] = []


class Code:
    """A function of a list of arrays that gives a list, as the core and the reference call it."""

    def __init__(self, function: Callable[[list[Array]], list[Array]]) -> None:
        self.run = function

    def __call__(self, arrays: list[Array]) -> list[Array]:
        return [np.asarray(y) for y in self.run(arrays)]


def number(function: Callable[[list[Array]], list[Array]]) -> int:
    code = Code(function)
    KEPT.append(_core.Callback(code))
    numpy_function.CODES[KEPT[-1].number] = code
    return KEPT[-1].number


CUBE = number(lambda a: [a[0] ** 3])
CUBE_BACK = number(lambda a: [3 * a[0] ** 2 * a[2]])
# y, n = w * sum(x), the number of positive x; of x, w
SUM = number(lambda a: [a[1] * a[0].sum(), np.asarray((a[0] > 0).sum(), "int32")])
SUM_BACK = number(lambda a: [np.full_like(a[0], (a[1] * a[4]).sum()), a[0].sum() * a[4]])
TAKE = number(lambda a: [a[0][a[1]]])
TAKE_BACK = number(lambda a: [np.bincount(a[1], a[3], len(a[0])).astype(a[0].dtype)])


def cube(shape: tuple[int, ...]) -> dict[str, Any]:
    return {
        "forward": CUBE,
        "backward": CUBE_BACK,
        "outputs": [{"shape": list(shape), "dtype": "float"}],
    }


def _row(name: str, shape: tuple[int, ...], layout: str = "C") -> Row:
    return Row("numpy_function", name, cube(shape), (Spec(shape, layout=layout),), (0,))


TWO = {
    "forward": SUM,
    "backward": SUM_BACK,
    "outputs": [{"shape": [3], "dtype": "float"}, {"shape": [], "dtype": "int32"}],
}
PICK = {
    "forward": TAKE,
    "backward": TAKE_BACK,
    "outputs": [{"shape": [4], "dtype": "float"}],
}

ROWS = [
    _row("matrix", (3, 5)),
    _row("scalar", ()),
    _row("empty", (0, 3)),
    _row("long", (1003,)),
    Row("numpy_function", "two-results", TWO, (Spec((2, 2)), Spec((3,))), (0, 1)),
    Row("numpy_function", "int", PICK, (Spec((5,)), Spec((4,), integers(0, 5), "int32")), (0,)),
    *(_row(layout, (4, 6), layout) for layout in ("F", "every_other", "backwards")),
]


def _bad(name: str, attrs: dict[str, Any], error: str, *match: str) -> Bad:
    return Bad("numpy_function", name, attrs, (Spec((2,)),), error, match)


def _raising(arrays: list[Array]) -> list[Array]:
    raise ValueError("no such thing")


BAD = [
    _bad("unknown", {**cube((2,)), "forward": 2**40}, "ValueError", "a function that is kept"),
    _bad("no-outputs", {**cube((2,)), "outputs": []}, "ValueError", "outputs", "none"),
    _bad("shape", cube((3,)), "ShapeError", "(3,)", "(2,)"),
    _bad("count", {**TWO, "forward": CUBE}, "ShapeError", "2 results", "1"),
    _bad("raises", {**cube((2,)), "forward": number(_raising)}, "ValueError", "no such thing"),
]


def draw(data: st.DataObject) -> Drawn:
    shape = draw_shape(data)
    return Drawn(cube(shape), [draw_array(data, shape)], (0,))
