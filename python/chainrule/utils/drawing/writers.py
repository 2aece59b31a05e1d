"""Marks written as SVG text, or drawn by matplotlib into any of its formats."""

from __future__ import annotations

from typing import Any
from xml.sax.saxutils import escape, quoteattr

from chainrule.utils.drawing.arrange import Picture
from chainrule.utils.drawing.marks import RADIUS, Curve, Mark, Rectangle, Text, marks

__all__ = ["save_with_matplotlib", "svg"]

_FONT = "'Helvetica Neue', Helvetica, Arial, 'DejaVu Sans', sans-serif"
_STROKE = 1.3
_PIXELS_PER_INCH = 96.0


def svg(picture: Picture) -> str:
    """The picture as an SVG document.

    Examples
    --------
    >>> import chainrule as keras
    >>> from chainrule.utils.drawing.arrange import arrange
    >>> from chainrule.utils.drawing.diagram import Options, describe
    >>> model = keras.Sequential([keras.Input((3,)), keras.layers.Dense(2)])
    >>> svg(arrange(describe(model, Options())))[:4]
    '<svg'
    """
    width, height = _number(picture.width), _number(picture.height)
    lines = [
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{width}" height="{height}" '
        f'viewBox="0 0 {width} {height}" font-family={quoteattr(_FONT)}>',
        f'<rect width="{width}" height="{height}" fill="#ffffff"/>',
        *map(_svg_mark, marks(picture)),
        "</svg>",
    ]
    return "\n".join(lines) + "\n"


def _number(x: float) -> str:
    return f"{x:.2f}".rstrip("0").rstrip(".")


def _svg_mark(mark: Mark) -> str:
    if isinstance(mark, Rectangle):
        return (
            f'<path d="{_svg_path(_outline(mark))}" fill="{mark.fill}" '
            f'stroke="{mark.stroke}" stroke-width="{_STROKE}"/>'
        )
    if isinstance(mark, Curve):
        return (
            f'<path d="{_svg_path(mark)}" fill="{mark.fill}" stroke="{mark.stroke}" '
            f'stroke-width="{_STROKE}"/>'
        )
    weight = ' font-weight="bold"' if mark.bold else ""
    return (
        f'<text x="{_number(mark.x)}" y="{_number(mark.y)}" font-size="{_number(mark.size)}" '
        f'fill="{mark.color}" text-anchor="{mark.anchor}"{weight}>{escape(mark.text)}</text>'
    )


def _outline(box: Rectangle) -> Curve:
    """The rectangle as a closed curve."""
    x, y, right, bottom = box.x, box.y, box.x + box.width, box.y + box.height
    r = min(RADIUS, box.width / 2, box.height / 2)
    low = 0.0 if box.square_bottom else r
    return Curve(
        (x + r, y),
        (
            ((right - r, y),),
            ((right - r / 2, y), (right, y + r / 2), (right, y + r)),
            ((right, bottom - low),),
            ((right, bottom - low / 2), (right - low / 2, bottom), (right - low, bottom)),
            ((x + low, bottom),),
            ((x + low / 2, bottom), (x, bottom - low / 2), (x, bottom - low)),
            ((x, y + r),),
            ((x, y + r / 2), (x + r / 2, y), (x + r, y)),
        ),
        box.stroke,
        box.fill,
    )


def _svg_path(curve: Curve) -> str:
    def text(point: tuple[float, float]) -> str:
        return f"{_number(point[0])} {_number(point[1])}"

    steps = [("L " if len(s) == 1 else "C ") + ", ".join(map(text, s)) for s in curve.steps]
    return " ".join([f"M {text(curve.start)}", *steps])


def save_with_matplotlib(picture: Picture, path: str, file_format: str, dpi: int) -> None:
    """Write the picture in one of matplotlib's formats, such as "png".

    Raises
    ------
    ImportError
        matplotlib is not installed.
    ValueError
        A format that matplotlib does not know.
    """
    try:
        from matplotlib.backends.backend_agg import FigureCanvasAgg
        from matplotlib.figure import Figure
    except ImportError:
        raise ImportError(
            f"plot_model: a .{file_format} file needs matplotlib (`pip install matplotlib`) or "
            "graphviz with pydot; without them, give a file name that ends in .svg"
        ) from None
    inches = (picture.width / _PIXELS_PER_INCH, picture.height / _PIXELS_PER_INCH)
    figure = Figure(figsize=inches, dpi=dpi)
    FigureCanvasAgg(figure)
    axes = figure.add_axes((0.0, 0.0, 1.0, 1.0))
    axes.set(xlim=(0, picture.width), ylim=(picture.height, 0))
    axes.axis("off")
    for order, mark in enumerate(marks(picture)):
        axes.add_artist(_artist(mark, order))
    figure.savefig(path, format=file_format, dpi=dpi)


def _artist(mark: Mark, order: int) -> Any:
    from matplotlib.patches import PathPatch
    from matplotlib.path import Path as Outline
    from matplotlib.text import Text as Label

    points = 72.0 / _PIXELS_PER_INCH
    if isinstance(mark, Text):
        align: Any = {"start": "left", "middle": "center", "end": "right"}[mark.anchor]
        return Label(
            mark.x,
            mark.y,
            mark.text.replace("$", r"\$"),
            color=mark.color,
            fontsize=mark.size * points * 0.94,
            fontweight="bold" if mark.bold else "normal",
            horizontalalignment=align,
            verticalalignment="baseline",
            zorder=order,
        )
    curve = _outline(mark) if isinstance(mark, Rectangle) else mark
    vertices = [curve.start, *(point for step in curve.steps for point in step)]
    codes = [Outline.MOVETO]
    for step in curve.steps:
        codes += [Outline.LINETO] if len(step) == 1 else [Outline.CURVE4] * 3
    return PathPatch(
        Outline(vertices, codes),
        facecolor=curve.fill,
        edgecolor=curve.stroke,
        linewidth=_STROKE * points,
        zorder=order,
    )
