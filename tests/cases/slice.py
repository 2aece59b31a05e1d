from __future__ import annotations

from hypothesis import strategies as st

from tests.rows import Bad, Drawn, Row, Spec, coins, draw_array, draw_shape, integers

Window = tuple[list[int], list[int], list[int]]


def _attrs(window: Window) -> dict[str, list[int]]:
    return dict(zip(("start", "stop", "step"), window))


def _row(name: str, x: Spec, window: Window, grad: tuple[int, ...] = (0,)) -> Row:
    return Row("slice", name, _attrs(window), (x,), grad)


def _bad(
    name: str, shape: tuple[int, ...], window: Window, *match: str, error: str = "ShapeError"
) -> Bad:
    return Bad("slice", name, _attrs(window), (Spec(shape),), error, match)


ROWS = [
    _row("all", Spec((3, 5)), ([0, 0], [3, 5], [1, 1])),
    _row("part", Spec((4, 7)), ([1, 2], [3, 7], [1, 1])),
    _row("steps", Spec((9, 10)), ([0, 1], [9, 10], [2, 3])),
    _row("uneven-steps", Spec((9, 10)), ([1, 0], [8, 9], [3, 4])),
    _row("reversed", Spec((5,)), ([4], [-1], [-1])),
    _row("reversed-steps", Spec((9, 4)), ([8, 2], [0, -1], [-3, -2])),
    _row("one-element", Spec((4, 7)), ([2, 6], [3, 7], [1, 1])),
    _row("nothing", Spec((4, 7)), ([2, 0], [2, 7], [1, 1])),
    _row("nothing-at-the-end", Spec((4,)), ([4], [4], [1])),
    _row("empty-input", Spec((0, 3)), ([0, 1], [0, 3], [1, 1])),
    _row("scalar", Spec(()), ([], [], [])),
    _row("middle", Spec((2, 5, 3)), ([0, 1, 0], [2, 4, 3], [1, 2, 1])),
    _row("long", Spec((1003,)), ([5], [1000], [7])),
    _row("long-rows", Spec((67, 131)), ([3, 1], [66, 130], [2, 1])),
    _row("int", Spec((9,), integers(-9, 9), "int64"), ([1], [8], [2]), ()),
    _row("bool", Spec((9,), coins, "bool"), ([8], [-1], [-2]), ()),
    *(
        _row(layout, Spec((4, 6), layout=layout), ([1, 5], [4, -1], [1, -2]))
        for layout in ("F", "every_other", "backwards")
    ),
]

BAD = [
    _bad("entries", (3, 5), ([0], [3], [1]), "(3, 5)"),
    _bad("stop", (3, 5), ([0, 0], [3, 6], [1, 1]), "5", "6"),
    _bad("start", (3, 5), ([4, 0], [5, 5], [1, 1]), "3", "4"),
    _bad("step", (3,), ([0], [3], [0]), "0", error="ValueError"),
]


def draw(data: st.DataObject) -> Drawn:
    x = draw_array(data, draw_shape(data, side=6))
    starts, stops, steps = [], [], []
    for n in x.shape:
        step = data.draw(st.sampled_from([1, 2, 3, -1, -2]), label="step")
        low, high = sorted((data.draw(st.integers(0, n)), data.draw(st.integers(0, n))))
        start, stop = (low, high) if step > 0 else (max(high - 1, 0), low - 1)
        starts.append(start)
        stops.append(stop if step > 0 else min(stop, start))
        steps.append(step)
    return Drawn(_attrs((starts, stops, steps)), [x], (0,))
