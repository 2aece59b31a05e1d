from __future__ import annotations

from typing import Any

import numpy as np
from hypothesis import strategies as st

from tests.cases.scan import Step
from tests.rows import Bad, Drawn, Row, Spec, draw_array, draw_shape, exactly, integers


def square_plus(shape: tuple[int, ...], dtype: str = "float", tag: int = 1) -> dict[str, Any]:
    """y = x^2 + x"""
    step = Step(Spec(shape, dtype=dtype))
    y = step.binary("add", step.unary("square", step.inputs[0]), step.inputs[0])
    return {"body": step.graph.body(step.inputs, [y]), "tag": tag}


def _row(name: str, shape: tuple[int, ...], layout: str = "C") -> Row:
    x = np.arange(np.prod(shape, dtype=int)).reshape(shape) % 7 - 3.0
    inputs = (Spec(shape, exactly(x**2 + x), layout=layout), Spec(shape, exactly(x), layout=layout))
    return Row("remat", name, square_plus(shape), inputs, (1,))


def of_integers() -> Row:
    x = np.array([[1, -2, 5]])
    inputs = tuple(Spec((1, 3), exactly(v), "int32") for v in (x**2 + x, x))
    return Row("remat", "int", square_plus((1, 3), "int32"), inputs)


def two_values() -> Row:
    """y, z, z = x w, max(x, w), of which z counts twice; n goes through"""
    x, w, n = Spec((3,)), Spec((3,)), Spec((2,), exactly([4, 5]), "int32")
    step = Step(x, w, n)
    product, largest = (step.binary(f, *step.inputs[:2]) for f in ("mul", "maximum"))
    body = step.graph.body(step.inputs, [product, largest, largest, step.inputs[2]])
    a, b = np.array([1.0, 2.0, -3.0]), np.array([0.5, -2.0, 4.0])
    given = [Spec((3,), exactly(v)) for v in (a * b, np.maximum(a, b), np.maximum(a, b))]
    inputs = (*given, n, Spec((3,), exactly(a)), Spec((3,), exactly(b)), n)
    return Row("remat", "two-values", {"body": body, "tag": 3}, inputs, (4, 5))


ROWS = [
    _row("matrix", (3, 5)),
    _row("scalar", ()),
    _row("empty", (0, 3)),
    _row("long", (1003,)),
    of_integers(),
    two_values(),
    *(_row(layout, (4, 6), layout) for layout in ("F", "every_other", "backwards")),
]

TWO = (Spec((2,)),) * 2
BAD = [
    Bad("remat", "inputs", square_plus((2,)), (Spec((2,)),), "ValueError", ("2 inputs", "1")),
    Bad("remat", "value", square_plus((2,)), (Spec((3,)), Spec((2,))), "ShapeError", ("(2,)", "(3,)")),
    Bad("remat", "dtype", square_plus((2,)), (Spec((2,), integers(0, 3), "int32"), Spec((2,))),
        "ShapeError", ("int32",)),
    Bad("remat", "tag", square_plus((2,), tag=-1), TWO, "ValueError", ("-1",)),
]  # fmt: skip


def draw(data: st.DataObject) -> Drawn:
    shape = draw_shape(data)
    x = draw_array(data, shape)
    return Drawn(square_plus(shape), [np.asarray(np.square(x) + x), x], (1,))
