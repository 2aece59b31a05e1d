from __future__ import annotations

from hypothesis import strategies as st

from tests.cases import warp
from tests.rows import Bad, Drawn, Row, Spec, exactly, integers


def _row(
    name: str, x: Spec, maps: list[list[float]], fill: str = "constant", method: str = "bilinear"
) -> Row:
    attrs = {"method": method, "fill": fill}
    return Row("warp_grad", name, attrs, (x, Spec((len(maps), 8), exactly(maps))), (0,))


def _bad(name: str, inputs: tuple[Spec, ...], error: str, *match: str, **attrs: object) -> Bad:
    options = {"method": "bilinear", "fill": "constant", **attrs}
    return Bad("warp_grad", name, options, inputs, error, match)


ROWS = [
    _row("same", Spec((1, 5, 6, 3)), [warp.SAME]),
    _row("all-outside", Spec((1, 5, 6, 3)), [warp.FAR]),
    *(
        _row(f"{method}-{fill}", Spec((8, 6, 7, channels)), warp.transforms(8), fill, method)
        for method, channels in (("bilinear", 3), ("nearest", 1))
        for fill in warp.FILLS
    ),
    _row("wide", Spec((2, 67, 131, 3)), [warp.TURN, warp.ZOOM], "reflect"),
    _row("channels", Spec((2, 4, 5, 33)), [warp.SHIFT, warp.TURN], "mirror"),
    _row("no-images", Spec((0, 4, 5, 3)), []),
    _row("no-channels", Spec((2, 4, 5, 0)), [warp.SHIFT, warp.TURN]),
    *(
        _row(layout, Spec((2, 4, 6, 3), layout=layout), [warp.SHIFT, warp.TURN])
        for layout in ("F", "every_other", "backwards")
    ),
]

_X, _MAPS = Spec((2, 4, 5, 3)), Spec((2, 8))
BAD = [
    _bad("rank", (Spec((4, 5, 3)), _MAPS), "ShapeError", "(4, 5, 3)"),
    _bad("count", (_X, Spec((3, 8))), "ShapeError", "(2, 8)", "(3, 8)"),
    _bad("ints", (Spec((2, 4, 5, 3), integers(0, 9), "uint8"), _MAPS), "DTypeError", "uint8"),
    _bad("method", (_X, _MAPS), "ValueError", "bilinear", "cubic", method="cubic"),
    _bad("fill", (_X, _MAPS), "ValueError", "reflect", "edge", fill="edge"),
]


def draw(data: st.DataObject) -> Drawn:
    drawn = warp.draw(data)
    attrs = {key: drawn.attrs[key] for key in ("method", "fill")}
    return Drawn(attrs, drawn.inputs, (0,))
