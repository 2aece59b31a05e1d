"""Where everything in a picture stands, in pixels, and how it is written: SVG, or matplotlib."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from html import escape
from itertools import pairwise
from typing import Any, NamedTuple

from chainrule.utils.drawing.diagram import Item
from chainrule.utils.drawing.layered import Edge, Point, layered

__all__ = ["Mark", "Picture", "Placed", "arrange", "save_with_matplotlib", "svg", "text_width"]

INK, PALE, WIRE, PAPER, FRAME_EDGE = "#1f2933", "#66727f", "#5b6672", "#ffffff", "#9fb0c0"
FRAMES = ("#f1f5f9", "#e6edf4", "#dbe5ee", "#d0dce8")
_TITLE, _SMALL = 14.0, 12.0  # font sizes
_PAD, _ROW, _MARGIN, _FRAME_PAD, _FRAME_TITLE, _PORT = 10.0, 21.0, 20.0, 18.0, 36.0, 8.0
_ARROW, _RADIUS, _STROKE, _INCH = 7.0, 6.0, 1.3, 96.0
_FONT = "Helvetica Neue, Helvetica, Arial, DejaVu Sans, sans-serif"
_NARROW, _WIDE = "fijlrtI.,:;|!'()[] ", "mwMW@%—"


def text_width(text: str, size: float = _SMALL, bold: bool = False) -> float:
    """Pixels that a text takes at most in the usual sans-serif fonts."""
    usual = (0.40 if c in _NARROW else 0.98 if c in _WIDE else 0.64 for c in text)
    capital = 0.08 * sum(c.isupper() and c not in _NARROW + _WIDE for c in text)
    return (sum(usual) + capital) * size * (1.08 if bold else 1.0)


class Mark(NamedTuple):
    """A path of steps, straight (one point) or Bezier curves, or a text at its only point."""

    steps: list[tuple[Point, ...]]
    color: str
    fill: str = "none"
    text: str = ""
    size: float = _SMALL
    bold: bool = False
    middle: bool = False

    def moved(self, to: Callable[[Point], Point]) -> Mark:
        """With every point where `to` puts it."""
        return self._replace(steps=[tuple(map(to, step)) for step in self.steps])


class Placed(NamedTuple):
    """A box or the frame of a group: left upper corner, size, and marks as from that corner."""

    item: Item
    x: float
    y: float
    width: float
    height: float
    marks: list[Mark]


@dataclass
class Picture:
    """All that is drawn, frames before what is in them, and the size of the whole."""

    width: float
    height: float
    placed: list[Placed] = field(default_factory=list)
    lines: list[Mark] = field(default_factory=list)
    # How far from the middle lines of a box come in from outside (True), or go out.
    ports: dict[tuple[int, bool], float] = field(default_factory=dict)

    def add(self, other: Picture, to: Callable[[Point], Point]) -> None:
        """Put in what is in another picture, with every point where `to` puts it."""
        for item in other.placed:
            corners = to((item.x, item.y)), to((item.x + item.width, item.y + item.height))
            (x, right), (y, bottom) = map(sorted, zip(*corners))
            self.placed.append(item._replace(x=x, y=y, width=right - x, height=bottom - y))
        self.lines += [line.moved(to) for line in other.lines]

    def marks(self) -> Iterator[Mark]:
        """All outlines and texts, those behind first."""
        for item in self.placed:
            yield from (mark.moved(_by(item.x, item.y)) for mark in item.marks)
        yield from self.lines


def _by(x: float, y: float) -> Callable[[Point], Point]:
    return lambda point: (point[0] + x, point[1] + y)


def arrange(group: Item, edges: list[tuple[int, int]], rankdir: str = "TB") -> Picture:
    """Lay a group out from top to bottom ("TB"), from left to right ("LR"), "BT" or "RL"."""
    if rankdir not in ("TB", "LR", "BT", "RL"):
        raise ValueError(f"expected rankdir 'TB', 'LR', 'BT' or 'RL', got {rankdir!r}")
    horizontal, backwards = rankdir in ("LR", "RL"), rankdir in ("BT", "RL")
    flat = _group(group, edges, rankdir, 0)

    def turned(point: Point) -> Point:
        u, v = point[0], flat.height - point[1] if backwards else point[1]
        return (v + _MARGIN, u + _MARGIN) if horizontal else (u + _MARGIN, v + _MARGIN)

    size = flat.width + 2 * _MARGIN, flat.height + 2 * _MARGIN
    found = Picture(*(size[::-1] if horizontal else size))
    found.add(flat, turned)
    return found


def _group(group: Item, edges: list[tuple[int, int]], rankdir: str, depth: int) -> Picture:
    """The items of a group, inner groups first; x and y are `u` and `v` of `layered`.

    Where lines come from boxes outside or go there, a port stands in the first or the last band.
    """
    parts: list[Picture] = []
    places: dict[int, int] = {}
    for place, item in enumerate(group.items):
        places.update((box.number, place) for box in item.boxes())
        whole = item.number < 0
        parts.append(_framed(item, edges, rankdir, depth) if whole else _box(item, rankdir))
    ports: dict[tuple[int, bool], int] = {}

    def place_of(number: int, port: tuple[int, bool]) -> int:
        if number not in places and port not in ports:
            ports[port] = len(parts)
            parts.append(Picture(_PORT, 0.0))
        return places[number] if number in places else ports[port]

    arrows: dict[tuple[int, int, int], Edge] = {}
    for source, target in edges:
        if source in places or target in places:
            enter, leave = (source, True), (source, False)
            a, b = place_of(source, enter), place_of(target, leave)
            if a != b:
                offsets = parts[a].ports.get(leave, 0.0), parts[b].ports.get(enter, 0.0)
                arrows[source, a, b] = (a, b, *offsets)
    sizes = [(part.width, part.height) for part in parts]
    middles, routes, size = layered(sizes, [*arrows.values()], {*ports.values()})
    found = Picture(*size, ports={port: middles[n][0] - size[0] / 2 for port, n in ports.items()})
    for part, (u, v) in zip(parts, middles):
        found.add(part, _by(u - part.width / 2, v - part.height / 2))
    for (_, _, b), route in zip(arrows, routes):
        found.lines += _line(route, arrow=b < len(group.items) and group.items[b].number >= 0)
    return found


def _line(route: list[Point], arrow: bool) -> Iterator[Mark]:
    """Straight along `v`, an S from band to band."""
    bends = [((a, (v + w) / 2), (b, (v + w) / 2), (b, w)) for (a, v), (b, w) in pairwise(route)]
    yield Mark([(route[0],), *bends], WIRE)
    if arrow:
        u, v = route[-1]
        corners = (u, v), (u - 4.0, v - _ARROW), (u + 4.0, v - _ARROW), (u, v)
        yield Mark([(corner,) for corner in corners], WIRE, WIRE)


def _text(x: float, y: float, text: str, color: str, **style: Any) -> Mark:
    return Mark([((x, y),)], color, text=text, **style)


def _box(box: Item, rankdir: str) -> Picture:
    head = 48.0 if box.subtitle else 30.0
    height = head + (_ROW * len(box.rows) + 8.0 if box.rows else 0.0)
    column = _PAD + max((text_width(label) for label, _ in box.rows), default=0.0)
    widths = [text_width(box.title, _TITLE, bold=True), text_width(box.subtitle)]
    widths += [column + text_width(text) for _, text in box.rows]
    width = max(96.0, max(widths) + 2 * _PAD)
    marks = [
        _rectangle(width, height, box.color, PAPER),
        _rectangle(width, head, box.color, box.color, flat=bool(box.rows)),
        _text(width / 2, 20.0, box.title, PAPER, size=_TITLE, bold=True, middle=True),
    ]
    if box.subtitle:
        marks.append(_text(width / 2, 38.0, box.subtitle, "#e5ebf0", middle=True))
    for n, (label, text) in enumerate(box.rows):
        base = head + _ROW * n + 19.0
        marks.append(_text(_PAD, base, label, PALE))
        marks.append(_text(_PAD + column, base, text, INK))
    size = (height, width) if rankdir in ("LR", "RL") else (width, height)
    return Picture(*size, [Placed(box, 0.0, 0.0, *size, marks)])


def _framed(group: Item, edges: list[tuple[int, int]], rankdir: str, depth: int) -> Picture:
    """A group in a frame with a title; lines reach the frame, beside the title."""
    inner = _group(group, edges, rankdir, depth + 1)
    title = max(text_width(group.title, bold=True), text_width(group.subtitle)) + 2 * _PAD
    left = right = before = after = _FRAME_PAD  # along u, and along v
    if rankdir in ("LR", "RL"):
        left += _FRAME_TITLE
        before = after = max(_FRAME_PAD, (title - inner.height) / 2)
    else:
        entries = [offset for (_, enters), offset in inner.ports.items() if enters]
        first = inner.width / 2 + min(entries, default=title / 2)
        left = right = max(_FRAME_PAD, title + _PAD - first)
        before += 0.0 if entries else _FRAME_TITLE
    width, height = inner.width + left + right, inner.height + before + after
    size = (height, width) if rankdir in ("LR", "RL") else (width, height)
    base = height - 26.0 if rankdir == "BT" else 18.0
    marks = [
        _rectangle(*size, FRAME_EDGE, FRAMES[min(depth, len(FRAMES) - 1)]),
        _text(_PAD, base, group.title, INK, bold=True),
        _text(_PAD, base + 16.0, group.subtitle, PALE),
    ]
    framed = Picture(width, height, [Placed(group, 0.0, 0.0, width, height, marks)])
    framed.add(inner, _by(left, before))
    for port, offset in inner.ports.items():
        framed.ports[port] = offset + (left - right) / 2
        u = width / 2 + framed.ports[port]
        start, end = (0.0, before) if port[1] else (height - after, height)
        framed.lines += _line([(u, start), (u, end)], arrow=False)
    return framed


def _rectangle(width: float, height: float, stroke: str, fill: str, flat: bool = False) -> Mark:
    """With round corners, but for the lower ones if `flat`."""
    steps: list[tuple[Point, ...]] = [((_RADIUS, 0.0),)]
    # Around each corner, behind which the outline goes on in the direction (a, b).
    for right, low, a, b in ((1, 0, 0, 1), (1, 1, -1, 0), (0, 1, 0, -1), (0, 0, 1, 0)):
        r = 0.0 if flat and low else _RADIUS
        x, y = right * width, low * height
        steps += [((x - b * r, y + a * r),), ((x, y), (x + a * r, y + b * r))]
    return Mark(steps, stroke, fill)


def svg(picture: Picture) -> str:
    """The picture as an SVG document."""
    width, height = f"{picture.width:.2f}", f"{picture.height:.2f}"
    lines = [
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{width}" height="{height}" '
        f'viewBox="0 0 {width} {height}" font-family="{_FONT}">',
        f'<rect width="{width}" height="{height}" fill="{PAPER}"/>',
        *map(_svg_mark, picture.marks()),
        "</svg>\n",
    ]
    return "\n".join(lines)


def _svg_mark(mark: Mark) -> str:
    if mark.text:
        ((x, y),) = mark.steps[0]
        weight, anchor = "bold" if mark.bold else "normal", "middle" if mark.middle else "start"
        return (
            f'<text x="{x:.2f}" y="{y:.2f}" font-size="{mark.size}" fill="{mark.color}" '
            f'font-weight="{weight}" text-anchor="{anchor}">{escape(mark.text, quote=False)}</text>'
        )
    path = ""
    for step in mark.steps:
        letter = " LQC"[len(step)] if path else "M"
        path += letter + ",".join(f"{x:.2f} {y:.2f}" for x, y in step)
    return f'<path d="{path}" fill="{mark.fill}" stroke="{mark.color}" stroke-width="{_STROKE}"/>'


def save_with_matplotlib(picture: Picture, path: str, file_format: str, dpi: int) -> None:
    """Write the picture in one of matplotlib's formats, such as "png"; others are a ValueError."""
    try:
        from matplotlib.figure import Figure
        from matplotlib.patches import PathPatch
        from matplotlib.path import Path
    except ImportError:
        raise ImportError(
            f"plot_model: a .{file_format} file needs matplotlib (`pip install matplotlib`) or "
            "graphviz with pydot; without them, give a file name that ends in .svg"
        ) from None
    figure = Figure(figsize=(picture.width / _INCH, picture.height / _INCH), dpi=dpi)
    axes = figure.add_axes((0.0, 0.0, 1.0, 1.0))
    axes.set(xlim=(0, picture.width), ylim=(picture.height, 0))
    axes.axis("off")
    points = 72.0 / _INCH
    for order, mark in enumerate(picture.marks()):
        if mark.text:
            style: dict[str, Any] = {"color": mark.color, "size": mark.size * points * 0.94}
            style["weight"] = "bold" if mark.bold else "normal"
            style["ha"] = "center" if mark.middle else "left"
            axes.text(*mark.steps[0][0], mark.text.replace("$", r"\$"), zorder=order, **style)
            continue
        # The code of a step to n points is n + 1, once for each point; that of the start is 1.
        codes = [1, *(len(step) + 1 for step in mark.steps[1:] for _ in step)]
        outline = Path([point for step in mark.steps for point in step], codes)
        style = {"fc": mark.fill, "ec": mark.color, "lw": _STROKE * points}
        axes.add_patch(PathPatch(outline, zorder=order, **style))
    figure.savefig(path, format=file_format, dpi=dpi)
