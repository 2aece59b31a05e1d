from __future__ import annotations

from hypothesis import strategies as st

from tests.rows import Bad, Drawn, Row, Spec, draw_array, draw_shape, exactly, integers

# Multiples of 1/64: the places are the same numbers in float32 and float64.
SAME = [1, 0, 0, 0, 1, 0, 0, 0]
SHIFT = [1, 0, 1.5, 0, 1, -0.75, 0, 0]
FAR = [1, 0, -20.25, 0, 1, 31.5, 0, 0]
TURN = [55 / 64, 0.5, -2, -0.5, 55 / 64, 1.5, 0, 0]
FLIP = [-1, 0, 5, 0, 1, 0, 0, 0]
ZOOM = [0.375, 0, 1.625, 0, 0.5, 1.25, 0, 0]
SHRINK = [2.5, 0.25, -4.5, -0.125, 1.75, -2.25, 0, 0]
TILT = [0.9375, 0.125, 0.5, -0.0625, 1.125, 0.25, 0.015625, 0.03125]
LEAN = [0.9375, 0.125, 0.5, -0.0625, 1.125, 0.25, 0.015625, 0]
NOD = [0.9375, 0.125, 0.5, -0.0625, 1.125, 0.25, 0, 0.03125]
FILLS = ("constant", "nearest", "reflect", "wrap", "mirror")


def transforms(count: int) -> list[list[float]]:
    """One transform an image, in turn."""
    known = [SHIFT, TURN, SHRINK, ZOOM, TILT, FAR, FLIP, SAME]
    return [known[i % len(known)] for i in range(count)]


def _row(
    name: str, images: Spec, maps: list[list[float]], fill: str = "constant",
    method: str = "bilinear", value: float = 0.5,
) -> Row:  # fmt: skip
    attrs = {"method": method, "fill": fill, "value": value}
    return Row("warp", name, attrs, (images, Spec((len(maps), 8), exactly(maps))), (0,))


def _bad(name: str, inputs: tuple[Spec, ...], error: str, *match: str, **attrs: object) -> Bad:
    options = {"method": "bilinear", "fill": "constant", "value": 0.0, **attrs}
    return Bad("warp", name, options, inputs, error, match)


ROWS = [
    _row("same", Spec((1, 5, 6, 3)), [SAME]),
    _row("shift", Spec((1, 5, 6, 3)), [SHIFT]),
    _row("flip", Spec((1, 5, 6, 3)), [FLIP]),
    _row("projective-in-one-direction", Spec((2, 5, 6, 3)), [LEAN, NOD]),
    _row("all-outside", Spec((1, 5, 6, 3)), [FAR]),
    *(
        _row(f"{method}-{fill}-{channels}", Spec((8, 6, 7, channels)), transforms(8), fill, method)
        for method in ("bilinear", "nearest")
        for fill in FILLS
        for channels in (1, 3, 4, 5)
    ),
    *(_row(f"one-pixel-{fill}", Spec((2, 1, 1, 3)), [SHIFT, TURN], fill) for fill in FILLS),
    *(_row(f"one-row-{fill}", Spec((2, 1, 9, 1)), [TURN, ZOOM], fill) for fill in FILLS),
    _row("one-column", Spec((2, 9, 1, 3)), [TURN, SHIFT], "reflect"),
    _row("wide", Spec((2, 67, 131, 3)), [TURN, ZOOM], "reflect"),
    _row("wide-gray", Spec((2, 40, 300, 1)), [SHIFT, TILT]),
    _row("wide-nearest", Spec((2, 67, 131, 3)), [TURN, SHRINK], "wrap", "nearest"),
    _row("channels", Spec((2, 4, 5, 33)), [SHIFT, TURN], "mirror"),
    _row("no-images", Spec((0, 4, 5, 3)), []),
    _row("no-channels", Spec((2, 4, 5, 0)), [SHIFT, TURN]),
    *(
        _row(layout, Spec((2, 4, 6, 3), layout=layout), [SHIFT, TURN])
        for layout in ("F", "every_other", "backwards")
    ),
]

_IMAGES, _MAPS = Spec((2, 4, 5, 3)), Spec((2, 8))
BAD = [
    _bad("rank", (Spec((4, 5, 3)), _MAPS), "ShapeError", "(4, 5, 3)"),
    _bad("empty-images", (Spec((2, 0, 5, 3)), _MAPS), "ShapeError", "(2, 0, 5, 3)"),
    _bad("count", (_IMAGES, Spec((3, 8))), "ShapeError", "(2, 8)", "(3, 8)"),
    _bad("length", (_IMAGES, Spec((2, 6))), "ShapeError", "(2, 8)", "(2, 6)"),
    _bad("ints", (Spec((2, 4, 5, 3), integers(0, 9), "uint8"), _MAPS), "DTypeError", "uint8"),
    _bad("other-dtype", (_IMAGES, Spec((2, 8), integers(0, 2), "int32")), "DTypeError", "int32"),
    _bad("method", (_IMAGES, _MAPS), "ValueError", "bilinear", "cubic", method="cubic"),
    _bad("fill", (_IMAGES, _MAPS), "ValueError", "reflect", "edge", fill="edge"),
]


def draw(data: st.DataObject) -> Drawn:
    images = draw_array(data, draw_shape(data, least=4, most=4, side=5))
    steps = st.integers(-128, 128).map(lambda n: n / 64)
    affine = st.lists(steps, min_size=6, max_size=6).map(lambda a: [*a, 0.0, 0.0])
    maps = [data.draw(affine, label="transform") for _ in range(len(images))]
    attrs = {
        "method": data.draw(st.sampled_from(["nearest", "bilinear"]), label="method"),
        "fill": data.draw(st.sampled_from(FILLS), label="fill"),
        "value": data.draw(st.sampled_from([0.0, -1.5]), label="value"),
    }
    return Drawn(attrs, [images, draw_array(data, (len(images), 8), exactly(maps))], (0,))
