from __future__ import annotations

from hypothesis import strategies as st

from tests.rows import Bad, Drawn, Row, Spec, draw_array, draw_shape, integers

Place = tuple[list[int], list[int], list[int]]


def _attrs(place: Place) -> dict[str, list[int]]:
    return dict(zip(("shape", "start", "step"), place))


def _row(name: str, x: Spec, place: Place, grad: tuple[int, ...] = (0,)) -> Row:
    return Row("slice_grad", name, _attrs(place), (x,), grad)


def _bad(name: str, shape: tuple[int, ...], place: Place, *match: str) -> Bad:
    return Bad("slice_grad", name, _attrs(place), (Spec(shape),), "ShapeError", match)


ROWS = [
    _row("same", Spec((3, 5)), ([3, 5], [0, 0], [1, 1])),
    _row("pad", Spec((3, 5)), ([6, 9], [1, 2], [1, 1])),
    _row("steps", Spec((5, 3)), ([9, 10], [0, 1], [2, 3])),
    _row("reversed", Spec((5,)), ([5], [4], [-1])),
    _row("reversed-steps", Spec((3, 2)), ([9, 4], [8, 2], [-3, -2])),
    _row("nothing", Spec((0, 7)), ([4, 7], [2, 0], [1, 1])),
    _row("nothing-at-the-end", Spec((0,)), ([4], [4], [1])),
    _row("scalar", Spec(()), ([], [], [])),
    _row("long", Spec((143,)), ([1003], [5], [7])),
    _row("int", Spec((4,), integers(-9, 9), "int32"), ([9], [1], [2]), ()),
    *(
        _row(layout, Spec((4, 6), layout=layout), ([6, 12], [1, 11], [1, -2]))
        for layout in ("F", "every_other", "backwards")
    ),
]

BAD = [
    _bad("entries", (3, 5), ([3], [0], [1]), "(3, 5)"),
    _bad("too-far", (3,), ([4], [2], [1]), "3", "4"),
    _bad("too-far-back", (3,), ([4], [1], [-1]), "3", "4"),
]


def draw(data: st.DataObject) -> Drawn:
    x = draw_array(data, draw_shape(data))
    shape, starts, steps = [], [], []
    for n in x.shape:
        step = data.draw(st.sampled_from([1, 2, 3, -1, -2]), label="step")
        before, after = data.draw(st.integers(0, 2)), data.draw(st.integers(0, 2))
        reach = (n - 1) * abs(step)
        shape.append(before + reach + 1 + after)
        starts.append(before if step > 0 else before + reach)
        steps.append(step)
    return Drawn(_attrs((shape, starts, steps)), [x], (0,))
