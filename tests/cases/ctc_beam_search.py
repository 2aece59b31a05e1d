from __future__ import annotations

from hypothesis import strategies as st

from tests.rows import Bad, Drawn, Row, Spec, draw_array, exactly, integers, normal


def _attrs(beam_width: int = 4, top_paths: int = 2, mask_index: int = 0) -> dict[str, int]:
    return {"mask_index": mask_index, "beam_width": beam_width, "top_paths": top_paths}


def _row(name: str, x: Spec, lengths: list[int], dtype: str = "int32", **attrs: int) -> Row:
    length = Spec((len(lengths),), exactly(lengths), dtype)
    return Row("ctc_beam_search", name, _attrs(**attrs), (x, length))


def _bad(name: str, given: tuple[Spec, ...], error: str, *match: str, **attrs: int) -> Bad:
    return Bad("ctc_beam_search", name, _attrs(**attrs), given, error, match)


def _equal(rng, shape):
    return 0.0 * normal(rng, shape)


ROWS = [
    _row("three", Spec((3, 6, 4)), [6, 4, 1]),
    _row("one-beam", Spec((3, 6, 4)), [6, 5, 6], beam_width=1, top_paths=1),
    _row("two-beams", Spec((3, 6, 4)), [6, 5, 6], beam_width=2),
    _row("all-beams", Spec((2, 4, 3)), [4, 3], beam_width=10**12, top_paths=40),
    _row("blank-last", Spec((2, 6, 4)), [6, 5], mask_index=3),
    _row("equal", Spec((1, 4, 3), _equal), [4], beam_width=5, top_paths=5),
    _row("no-frames", Spec((2, 3, 3)), [0, 3]),
    _row("nowhere-frames", Spec((2, 0, 3)), [0, 0]),
    _row("no-rows", Spec((0, 3, 3)), []),
    _row("blank-alone", Spec((1, 3, 1)), [3]),
    _row("never", Spec((1, 2, 3), exactly([[[0.0, 1.0, float("-inf")]] * 2])), [2], top_paths=9),
    _row("long", Spec((2, 60, 9)), [60, 55], beam_width=20, top_paths=3),
    _row("int64", Spec((2, 4, 3)), [4, 2], "int64"),
    *(
        _row(layout, Spec((2, 4, 3), layout=layout), [4, 2])
        for layout in ("F", "every_other", "backwards")
    ),
]

_X, _N = Spec((2, 4, 3)), Spec((2,), exactly([4, 2]), "int32")
BAD = [
    _bad("count", (_X,), "ShapeError", "2 inputs", "1"),
    _bad("above", (_X, Spec((2,), exactly([4, 5]), "int32")), "DataError", "0 to 4 frames", "5 in row 1"),
    _bad("below", (_X, Spec((2,), exactly([-1, 2]), "int32")), "DataError", "0 to 4 frames", "-1 in row 0"),
    _bad("nan", (Spec((2, 4, 3), exactly([0.0] * 23 + [float("nan")])), Spec((2,), exactly([4, 4]), "int32")), "DataError", "numbers", "NaN in row 1"),
    _bad("no-blank", (_X, _N), "ShapeError", "class 3", "(2, 4, 3)", mask_index=3),
    _bad("no-beam", (_X, _N), "ValueError", "beam_width of 1 or more", "0", beam_width=0),
    _bad("no-path", (_X, _N), "ValueError", "top_paths of 1 or more", "0", top_paths=0),
    _bad("below-nothing", (_X, _N), "ValueError", "beam_width", "-1", beam_width=-1),
    _bad("matrix", (Spec((2, 4)), _N), "ShapeError", "(N, T, C)", "(2, 4)"),
    _bad("lengths", (_X, Spec((3,), integers(0, 4), "int32")), "ShapeError", "(2,)", "(3,)"),
    _bad("float-lengths", (_X, Spec((2,))), "DTypeError", "output_length", "float32"),
    _bad("ints", (Spec((2, 4, 3), integers(0, 3), "int32"), _N), "DTypeError", "logits", "int32"),
]  # fmt: skip


def draw(data: st.DataObject) -> Drawn:
    rows, frames = data.draw(st.integers(0, 2)), data.draw(st.integers(0, 6))
    classes = data.draw(st.integers(1, 4))
    attrs = {
        "mask_index": data.draw(st.integers(0, classes - 1), label="blank"),
        "beam_width": data.draw(st.integers(1, 12), label="width"),
        "top_paths": data.draw(st.integers(1, 5), label="top"),
    }
    logits = draw_array(data, (rows, frames, classes), normal)
    return Drawn(attrs, [logits, draw_array(data, (rows,), integers(0, frames + 1), "int32")])
