"""A picture as a list of marks (rectangles, curves, texts), which both writers draw."""

from __future__ import annotations

from dataclasses import dataclass

from chainrule.utils.drawing.arrange import (
    PAD,
    ROW,
    SMALL,
    TITLE,
    Frame,
    Line,
    Picture,
    PlacedBox,
    text_width,
)

__all__ = ["Curve", "Mark", "Rectangle", "Text", "marks"]

Point = tuple[float, float]

COLORS = {
    "activations": "#b4690e",
    "convolutional": "#1f5fa8",
    "core": "#2f4b7c",
    "input": "#4a5560",
    "merging": "#6a4c93",
    "model": "#0f766e",
    "normalization": "#3f7d3a",
    "op": "#7a7f87",
    "own": "#a23b72",
    "pooling": "#0e7490",
    "preprocessing": "#8a5a2b",
    "regularization": "#a14a3b",
    "reshaping": "#64748b",
    "rnn": "#8a3ffc",
}
INK, PALE, WIRE, PAPER = "#1f2933", "#66727f", "#5b6672", "#ffffff"
FRAMES = ("#f1f5f9", "#e6edf4", "#dbe5ee", "#d0dce8")
FRAME_EDGE = "#9fb0c0"
ARROW = 7.0
RADIUS = 6.0


@dataclass(frozen=True)
class Rectangle:
    """A filled rectangle with round corners; `square` names the side whose corners are square."""

    x: float
    y: float
    width: float
    height: float
    fill: str
    stroke: str
    square_bottom: bool = False


@dataclass(frozen=True)
class Curve:
    """A path: a start, then points to go to straight (1 point) or by a Bezier curve (3 points)."""

    start: Point
    steps: tuple[tuple[Point, ...], ...]
    stroke: str
    fill: str = "none"


@dataclass(frozen=True)
class Text:
    """A line of text; `anchor` is "start", "middle" or "end", y the base line."""

    x: float
    y: float
    text: str
    size: float
    color: str
    anchor: str = "start"
    bold: bool = False


Mark = Rectangle | Curve | Text


def marks(picture: Picture) -> list[Mark]:
    """All marks, those behind first."""
    found: list[Mark] = []
    for frame in sorted(picture.frames, key=lambda f: f.depth):
        found += _frame(frame, picture)
    for line in picture.lines:
        found += _line(line, picture.horizontal)
    for box in picture.boxes:
        found += _box(box)
    return found


def _frame(frame: Frame, picture: Picture) -> list[Mark]:
    fill = FRAMES[min(frame.depth, len(FRAMES) - 1)]
    base = frame.y + 18.0
    if picture.backwards and not picture.horizontal:
        base = frame.y + frame.height - 26.0
    return [
        Rectangle(frame.x, frame.y, frame.width, frame.height, fill, FRAME_EDGE),
        Text(frame.x + PAD, base, frame.group.title, SMALL, INK, bold=True),
        Text(frame.x + PAD, base + 16.0, frame.group.subtitle, SMALL, PALE),
    ]


def _line(line: Line, horizontal: bool) -> list[Mark]:
    """Straight along the direction of reading, an S from one band to the next."""
    points = list(line.points)
    found: list[Mark] = []
    along = 0 if horizontal else 1
    if line.arrow:
        (x, y), before = points[-1], points[-2]
        sign = 1.0 if points[-1][along] >= before[along] else -1.0
        back = sign * ARROW
        tip = [(x, y), (x - back, y - 4), (x - back, y + 4)]
        if not horizontal:
            tip = [(x, y), (x - 4, y - back), (x + 4, y - back)]
        found.append(Curve(tip[0], ((tip[1],), (tip[2],), (tip[0],)), WIRE, WIRE))
        points[-1] = (x - back, y) if horizontal else (x, y - back)
    steps: list[tuple[Point, ...]] = []
    for a, b in zip(points, points[1:]):
        if abs(a[1 - along] - b[1 - along]) < 1.0:
            steps.append((b,))
            continue
        middle = (a[along] + b[along]) / 2
        if horizontal:
            steps.append(((middle, a[1]), (middle, b[1]), b))
        else:
            steps.append(((a[0], middle), (b[0], middle), b))
    return [Curve(points[0], tuple(steps), WIRE), *found]


def _box(placed: PlacedBox) -> list[Mark]:
    box = placed.box
    color = COLORS[box.family]
    middle = placed.x + placed.width / 2
    found: list[Mark] = []
    if box.rows:
        found.append(
            Rectangle(placed.x, placed.y, placed.width, placed.height, PAPER, color)
        )
    found += [
        Rectangle(
            placed.x, placed.y, placed.width, placed.head, color, color, bool(box.rows)
        ),
        Text(middle, placed.y + 20.0, box.title, TITLE, PAPER, "middle", bold=True),
    ]
    if box.subtitle:
        found.append(Text(middle, placed.y + 38.0, box.subtitle, SMALL, "#e5ebf0", "middle"))
    labels = max((text_width(label, SMALL) for label, _ in box.rows), default=0.0)
    for n, (label, text) in enumerate(box.rows):
        base = placed.y + placed.head + 4.0 + ROW * n + 15.0
        found.append(Text(placed.x + PAD, base, label, SMALL, PALE))
        found.append(Text(placed.x + 2 * PAD + labels, base, text, SMALL, INK))
    return found
