"""Where everything in a diagram stands, in pixels: boxes, frames around groups, and lines."""

from __future__ import annotations

from dataclasses import dataclass, field

from chainrule.utils.drawing.diagram import Box, Diagram, Group
from chainrule.utils.drawing.layered import Edge, layered

__all__ = ["Frame", "Line", "Picture", "PlacedBox", "arrange", "text_width"]

Point = tuple[float, float]

TITLE, SMALL = 14.0, 12.0  # font sizes
PAD = 10.0
HEAD, HEAD_NAMED, ROW = 30.0, 48.0, 21.0
MARGIN = 20.0
FRAME_PAD, FRAME_TITLE = 18.0, 36.0
_PORT = 8.0
_NARROW, _WIDE = "fijlrtI.,:;|!'()[] ", "mwMW@%—"


def text_width(text: str, size: float, bold: bool = False) -> float:
    """Pixels that a text takes at most in the usual sans-serif fonts.

    Examples
    --------
    >>> text_width("il", 10.0) < text_width("MW", 10.0)
    True
    """
    ems = 0.0
    for c in text:
        if c in _NARROW:
            ems += 0.40
        elif c in _WIDE:
            ems += 0.98
        else:
            ems += 0.72 if c.isupper() else 0.64
    return ems * size * (1.08 if bold else 1.0)


@dataclass
class PlacedBox:
    """A box, its left upper corner and its size."""

    box: Box
    x: float
    y: float
    width: float
    height: float
    head: float


@dataclass
class Frame:
    """The rectangle around a group."""

    group: Group
    x: float
    y: float
    width: float
    height: float
    depth: int


@dataclass
class Line:
    """Corner points of an edge; `arrow` where it ends at a box."""

    points: list[Point]
    arrow: bool


@dataclass
class Picture:
    """All that is drawn, and the size of the whole."""

    width: float
    height: float
    horizontal: bool
    backwards: bool
    boxes: list[PlacedBox] = field(default_factory=list)
    frames: list[Frame] = field(default_factory=list)
    lines: list[Line] = field(default_factory=list)


def arrange(diagram: Diagram, rankdir: str = "TB") -> Picture:
    """Lay a diagram out.

    Parameters
    ----------
    rankdir : {"TB", "LR", "BT", "RL"}
        From top to bottom, left to right, and their opposites.

    Raises
    ------
    ValueError
        Another direction.
    """
    if rankdir not in ("TB", "LR", "BT", "RL"):
        raise ValueError(f"expected rankdir 'TB', 'LR', 'BT' or 'RL', got {rankdir!r}")
    horizontal = rankdir in ("LR", "RL")
    block = _arrange_group(diagram.group, diagram.edges, horizontal, (), (), 0)
    u, v = block.size
    width, height = (v, u) if horizontal else (u, v)
    backwards = rankdir in ("BT", "RL")
    picture = Picture(width + 2 * MARGIN, height + 2 * MARGIN, horizontal, backwards)

    def at(point: Point) -> Point:
        a, b = point
        b = v - b if backwards else b
        return (b + MARGIN, a + MARGIN) if horizontal else (a + MARGIN, b + MARGIN)

    def corner(a: float, b: float, size: Point) -> tuple[float, float, float, float]:
        (x0, y0), (x1, y1) = at((a, b)), at((a + size[0], b + size[1]))
        return min(x0, x1), min(y0, y1), abs(x1 - x0), abs(y1 - y0)

    for box, (a, b), size in block.boxes:
        picture.boxes.append(PlacedBox(box, *corner(a, b, size), head=_head(box)))
    for group, (a, b), size, depth in block.frames:
        picture.frames.append(Frame(group, *corner(a, b, size), depth=depth))
    for points, arrow in block.lines:
        picture.lines.append(Line([at(p) for p in points], arrow))
    return picture


@dataclass
class _Block:
    """A laid-out group in coordinates of its own; ports by the number of the box they serve."""

    size: Point
    boxes: list[tuple[Box, Point, Point]] = field(default_factory=list)
    frames: list[tuple[Group, Point, Point, int]] = field(default_factory=list)
    lines: list[tuple[list[Point], bool]] = field(default_factory=list)
    entries: dict[int, float] = field(default_factory=dict)
    exits: dict[int, float] = field(default_factory=dict)


def _head(box: Box) -> float:
    return HEAD_NAMED if box.subtitle else HEAD


def _box_size(box: Box) -> Point:
    widths = [text_width(box.title, TITLE, bold=True), text_width(box.subtitle, SMALL)]
    if box.rows:
        labels = max(text_width(label, SMALL) for label, _ in box.rows)
        widths.append(labels + PAD + max(text_width(text, SMALL) for _, text in box.rows))
    rows = ROW * len(box.rows) + (8.0 if box.rows else 0.0)
    return max(96.0, max(widths) + 2 * PAD), _head(box) + rows


def _arrange_group(
    group: Group,
    edges: list[tuple[int, int]],
    horizontal: bool,
    entering: tuple[int, ...],
    leaving: tuple[int, ...],
    depth: int,
) -> _Block:
    """Lay out the items of a group, inner groups first.

    `entering` are the boxes outside that boxes inside take something from, `leaving` the boxes
    inside that are taken from outside; a port on the frame stands for each.
    """
    blocks, homes = [], {}
    for place, item in enumerate(group.items):
        inside = {item.number} if isinstance(item, Box) else {b.number for b in item.boxes()}
        homes.update(dict.fromkeys(inside, place))
        if isinstance(item, Box):
            w, h = _box_size(item)
            size = (h, w) if horizontal else (w, h)
            blocks.append(_Block(size, boxes=[(item, (0.0, 0.0), size)]))
            continue
        ins = dict.fromkeys(s for s, t in edges if t in inside and s not in inside)
        outs = dict.fromkeys(s for s, t in edges if s in inside and t not in inside)
        outs.update(dict.fromkeys(s for s in leaving if s in inside))
        blocks.append(
            _framed(
                _arrange_group(item, edges, horizontal, tuple(ins), tuple(outs), depth + 1),
                item,
                horizontal,
                depth,
            )
        )
    count = len(blocks)
    entry_of = {source: count + n for n, source in enumerate(entering)}
    exit_of = {source: count + len(entering) + n for n, source in enumerate(leaving)}
    sizes = [block.size for block in blocks] + [(_PORT, 0.0)] * (len(entry_of) + len(exit_of))
    wanted: dict[tuple[int, int], int] = {}
    for source, target in edges:
        if target not in homes or (source not in homes and source not in entry_of):
            continue
        a = homes[source] if source in homes else entry_of[source]
        if a != homes[target]:
            wanted[source, homes[target]] = a
    wanted.update({(source, port): homes[source] for source, port in exit_of.items()})
    arrows = []
    for (source, b), a in wanted.items():
        middle_a = blocks[a].size[0] / 2 if a < count else 0.0
        middle_b = blocks[b].size[0] / 2 if b < count else 0.0
        leave = blocks[a].exits.get(source, middle_a) if a < count else 0.0
        enter = blocks[b].entries.get(source, middle_b) if b < count else 0.0
        arrows.append(Edge(a, b, leave - middle_a, enter - middle_b))
    layout = layered(sizes, arrows, list(entry_of.values()), list(exit_of.values()))
    found = _Block(layout.size)
    for block, (u, v) in zip(blocks, layout.middles):
        _add(found, block, u - block.size[0] / 2, v - block.size[1] / 2)
    for edge, route in zip(arrows, layout.routes):
        to_box = edge.target < count and isinstance(group.items[edge.target], Box)
        found.lines.append((route, to_box))
    found.entries = {source: layout.middles[port][0] for source, port in entry_of.items()}
    found.exits = {source: layout.middles[port][0] for source, port in exit_of.items()}
    return found


def _add(to: _Block, block: _Block, u: float, v: float) -> None:
    """Put the contents of `block` into `to`, moved by (u, v)."""
    to.boxes += [(box, (a + u, b + v), size) for box, (a, b), size in block.boxes]
    to.frames += [(group, (a + u, b + v), size, d) for group, (a, b), size, d in block.frames]
    to.lines += [([(a + u, b + v) for a, b in points], arrow) for points, arrow in block.lines]


def _framed(block: _Block, group: Group, horizontal: bool, depth: int) -> _Block:
    """A frame with a title around a block; its lines reach the frame."""
    label = text_width(group.title, SMALL, bold=True)
    label = max(label, text_width(group.subtitle, SMALL)) + 2 * PAD
    if horizontal:
        left = FRAME_PAD + FRAME_TITLE
        before, after = FRAME_PAD, FRAME_PAD
        wide = max(0.0, label - block.size[1] - 2 * FRAME_PAD)
        before, after = before + wide / 2, after + wide / 2
        size = (block.size[0] + left + FRAME_PAD, block.size[1] + before + after)
    else:
        ports = [*block.entries.values()]
        left = max([FRAME_PAD, *(label + PAD - port for port in ports)])
        before, after = FRAME_PAD + FRAME_TITLE, FRAME_PAD
        if not ports:
            left = max(left, (label - block.size[0]) / 2)
        if block.entries:
            before = FRAME_TITLE - 18.0
        size = (block.size[0] + 2 * left, block.size[1] + before + after)
    framed = _Block(size)
    _add(framed, block, left, before)
    framed.frames.insert(0, (group, (0.0, 0.0), size, depth))
    framed.entries = {source: at + left for source, at in block.entries.items()}
    framed.exits = {source: at + left for source, at in block.exits.items()}
    framed.lines += [([(at, 0.0), (at, before)], False) for at in framed.entries.values()]
    end = size[1]
    framed.lines += [([(at, end - after), (at, end)], False) for at in framed.exits.values()]
    return framed
