from __future__ import annotations

import numpy as np
from hypothesis import strategies as st

from tests.rows import Bad, Drawn, Row, Spec, draw_array, exactly, integers, normal, uniform


def least_frames(labels: list[int]) -> int:
    """One a label, and a blank between equal ones."""
    return len(labels) + sum(a == b for a, b in zip(labels, labels[1:]))


def inputs(
    shape: tuple[int, int, int],
    targets: list[list[int]],
    frames: list[int],
    values=normal,
    dtype: str = "int32",
    layout: str = "C",
) -> tuple[Spec, ...]:
    """Logits of a shape, targets padded with a label that is none, and both lengths."""
    most = max(map(len, targets), default=0)
    padded = [[*labels, *[-1] * (most - len(labels))] for labels in targets]
    counts = exactly([len(labels) for labels in targets])
    rows = len(targets)
    return (
        Spec(shape, values, layout=layout),
        Spec((rows, most), exactly(padded), dtype, layout),
        Spec((rows,), counts, dtype, layout),
        Spec((rows,), exactly(frames), dtype, layout),
    )


def _row(name: str, given: tuple[Spec, ...], mask_index: int = 0) -> Row:
    return Row("ctc_loss", name, {"mask_index": mask_index}, given, (0,))


def _labels(seed: int, rows: int, length: int, classes: int) -> list[list[int]]:
    rng = np.random.default_rng(seed)
    return [list(map(int, rng.integers(1, classes, length))) for _ in range(rows)]


LONG = _labels(1, 3, 30, 12)
MANY = _labels(2, 40, 4, 5)
THREE = [[1, 2], [2, 2], [1]]

ROWS = [
    _row("three", inputs((3, 5, 3), THREE, [5, 5, 5])),
    _row("shorter", inputs((3, 5, 3), THREE, [4, 3, 1])),
    _row("blank-last", inputs((3, 5, 4), [[1, 0], [0, 0], [2, 1]], [5, 4, 2]), 3),
    _row("no-labels", inputs((2, 3, 2), [[], []], [3, 2])),
    _row("one-without-labels", inputs((2, 3, 3), [[], [1, 1]], [2, 3])),
    _row("no-frames", inputs((2, 3, 3), [[], [1]], [0, 3])),
    _row("nowhere-frames", inputs((2, 0, 3), [[], []], [0, 0])),
    _row("just-enough", inputs((2, 5, 3), [[1, 2, 1, 2, 1], [1, 1, 1]], [5, 5])),
    _row("blanks-alone", inputs((1, 4, 1), [[]], [4])),
    _row("no-rows", inputs((0, 3, 3), [], [])),
    _row("a-blank-among-labels", inputs((1, 6, 3), [[1, 2, 0]], [6])),
    _row("long", inputs((3, 101, 12), LONG, [101, 77, 90])),
    _row("many", inputs((40, 9, 5), MANY, [9 - i % 2 for i in range(40)])),
    _row("certain", inputs((2, 8, 3), [[1, 2], [2, 1]], [8, 8], uniform(-1e3, 1e3))),
    *(_row(d, inputs((3, 5, 3), THREE, [5, 5, 5], dtype=d)) for d in ("int64",)),
    *(
        _row(layout, inputs((3, 5, 3), THREE, [5, 5, 5], layout=layout))
        for layout in ("F", "every_other", "backwards")
    ),
]


def bads(op: str, *more: Spec) -> list[Bad]:
    """What `ctc_loss` and its gradient refuse alike."""
    blank = {"mask_index": 0}
    good = inputs((2, 4, 3), [[1, 2], [2]], [4, 4])
    x, target, counts, frames = good

    def bad(name: str, given: tuple[Spec, ...], error: str, *match: str, attrs=blank) -> Bad:
        return Bad(op, name, attrs, (*given, *more), error, match)

    def values(*numbers: int, dtype: str = "int32") -> Spec:
        return Spec((len(numbers),), exactly(list(numbers)), dtype)

    return [
        bad("too-long", inputs((2, 4, 3), [[1], [1, 2, 1]], [4, 2]), "DataError", "3 frames", "3 labels of row 1", "got 2"),
        bad("repeats", inputs((2, 4, 3), [[1], [1, 1, 1]], [4, 4]), "DataError", "5 frames", "2 of which", "got 4"),
        bad("too-few-frames", inputs((2, 4, 3), [[1], [2]], [0, 4]), "DataError", "1 frames", "row 0", "got 0"),
        bad("label-above", inputs((2, 4, 3), [[1], [3]], [4, 4]), "DataError", "[0, 3)", "3 in row 1"),
        bad("label-below", inputs((2, 4, 3), [[-1], [2]], [4, 4]), "DataError", "[0, 3)", "-1 in row 0"),
        bad("more-labels", (x, target, values(2, 3), frames), "DataError", "0 to 2 labels", "3 in row 1"),
        bad("labels-below", (x, target, values(-1, 1), frames), "DataError", "0 to 2 labels", "-1 in row 0"),
        bad("more-frames", (x, target, counts, values(4, 5)), "DataError", "0 to 4 frames", "5 in row 1"),
        bad("frames-below", (x, target, counts, values(4, -9, dtype="int64")), "DataError", "0 to 4 frames", "-9 in row 1"),
        bad("no-blank", good, "ShapeError", "class 3", "(2, 4, 3)", attrs={"mask_index": 3}),
        bad("blank-below", good, "ValueError", "mask_index", "-1", attrs={"mask_index": -1}),
        bad("matrix", (Spec((2, 4)), *good[1:]), "ShapeError", "(N, T, C)", "(2, 4)"),
        bad("flat-target", (x, values(1, 2), counts, frames), "ShapeError", "target (2, L)", "(2,)"),
        bad("rows", (x, Spec((3, 2), integers(1, 3), "int32"), counts, frames), "ShapeError", "target (2, L)", "(3, 2)"),
        bad("counts", (x, target, values(1, 1, 1), frames), "ShapeError", "(2,)", "(3,)"),
        bad("lengths", (x, target, counts, values(4)), "ShapeError", "(2,)", "(1,)"),
        bad("float-target", (x, Spec((2, 2)), counts, frames), "DTypeError", "target", "float32"),
        bad("float-counts", (x, target, Spec((2,)), frames), "DTypeError", "target_length", "float32"),
        bad("float-lengths", (x, target, counts, Spec((2,))), "DTypeError", "output_length", "float32"),
        bad("int-logits", (Spec((2, 4, 3), integers(0, 3), "int32"), *good[1:]), "DTypeError", "logits", "int32"),
    ]  # fmt: skip


BAD = [
    *bads("ctc_loss"),
    Bad("ctc_loss", "count", {"mask_index": 0}, (Spec((2, 4, 3)),), "ShapeError", ("4 inputs", "1")),
]


def draw(data: st.DataObject) -> Drawn:
    rows, classes = data.draw(st.integers(0, 3)), data.draw(st.integers(1, 4))
    blank = data.draw(st.integers(0, classes - 1), label="blank")
    others = [c for c in range(classes) if c != blank]
    one = st.lists(st.sampled_from(others), max_size=4) if others else st.just([])
    targets = [data.draw(one, label="labels") for _ in range(rows)]
    frames = [least_frames(t) + data.draw(st.integers(0, 3), label="spare") for t in targets]
    most = max(frames, default=0) + data.draw(st.integers(0, 2), label="unused")
    specs = inputs((rows, most, classes), targets, frames)
    logits = draw_array(data, specs[0].shape, normal)
    rest = [draw_array(data, s.shape, s.values, s.dtype) for s in specs[1:]]
    return Drawn({"mask_index": blank}, [logits, *rest], (0,))
