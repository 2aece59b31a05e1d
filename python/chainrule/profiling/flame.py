"""A profiled step as a flame picture: boxes as wide as what they take, in SVG."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from html import escape

from chainrule.profiling.task import OTHER, Task, places
from chainrule.utils.drawing.picture import INK, PAPER, text_width

__all__ = ["draw"]

_WIDTH, _BAND, _MARGIN, _SIZE = 1000.0, 22.0, 10.0, 12.0
# Boxes of less are left out.
_THINNEST = 0.3
_COLORS = {
    "forward": "#8fbcd4",
    "backward": "#e9b18f",
    "update": "#b5cf9b",
    OTHER: "#d5d9de",
}
_STEP = "#c9d3de"


@dataclass
class Box:
    """A place: what it takes, and the places within it by name."""

    seconds: float = 0.0
    inner: dict[str, Box] = field(default_factory=dict)


def _tree(seconds: float, tasks: Sequence[Task], model: str) -> Box:
    top = Box(seconds)
    for task in tasks:
        box = top
        for name in [*places(task, model), task.op]:
            box = box.inner.setdefault(name, Box())
            box.seconds += task.seconds
    top.inner[OTHER] = Box(max(seconds - sum(task.seconds for task in tasks), 0.0))
    return top


def _depth(box: Box) -> int:
    return 1 + max(map(_depth, box.inner.values()), default=0)


def draw(title: str, seconds: float, tasks: Sequence[Task], model: str) -> str:
    """The SVG document of a step of the model that takes so many seconds.

    Examples
    --------
    >>> task = Task("dense", ("dense",), "net/out", (), "forward", 2e-6, 8, 16, (), ())
    >>> draw("step", 3e-6, [task], "net").count("<rect")
    6
    """
    top = _tree(seconds, tasks, model)
    width, height = _WIDTH + 2 * _MARGIN, _BAND * _depth(top) + 2 * _MARGIN
    lines = [
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{width:.0f}" height="{height:.0f}" '
        f'viewBox="0 0 {width:.0f} {height:.0f}" font-family="Helvetica, Arial, sans-serif" '
        f'font-size="{_SIZE:.0f}">',
        f'<rect width="{width:.0f}" height="{height:.0f}" fill="{PAPER}"/>',
        *_boxes(title, top, (_MARGIN, 0), (seconds, _STEP)),
        "</svg>\n",
    ]
    return "\n".join(lines)


def _boxes(
    name: str, box: Box, place: tuple[float, int], whole: tuple[float, str]
) -> Iterator[str]:
    """A box at `place`, left side and depth, and those within it; `whole` is the step and the color."""
    (x, depth), (step, color) = place, whole
    share = box.seconds / step if step else 0.0
    width = share * _WIDTH
    if width < _THINNEST:
        return
    y = _MARGIN + depth * _BAND
    label = _fitted(f"{name}  {1e3 * box.seconds:.3g} ms", name, width - 8.0)
    shown = f'<text x="{x + 4.0:.2f}" y="{y + 15.0:.2f}" fill="{INK}">{escape(label)}</text>'
    yield (
        f"<g><title>{escape(name)}: {1e3 * box.seconds:.4g} ms, {share:.1%}</title>"
        f'<rect x="{x:.2f}" y="{y:.2f}" width="{width:.2f}" height="{_BAND:.2f}" fill="{color}" '
        f'stroke="{PAPER}" stroke-width="{min(1.0, width / 4):.2f}"/>{shown if label else ""}</g>'
    )
    for inner, part in box.inner.items():
        yield from _boxes(inner, part, (x, depth + 1), (step, _COLORS.get(inner, color)))
        x += part.seconds / step * _WIDTH if step else 0.0


def _fitted(label: str, name: str, width: float) -> str:
    """The label, or the name alone, or its begin, or nothing: what has room."""
    for text in (label, name):
        if text_width(text, _SIZE) <= width:
            return text
    kept = len(name)
    while kept > 2 and text_width(f"{name[:kept]}…", _SIZE) > width:
        kept -= 1
    return f"{name[:kept]}…" if kept > 2 else ""
