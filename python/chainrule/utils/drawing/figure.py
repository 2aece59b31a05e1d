"""Figures of matplotlib that a notebook shows, whether `pyplot` is in use or not."""

from __future__ import annotations

import functools
import io
from typing import Any

__all__ = ["new_figure"]


def new_figure(what: str, size: tuple[float, float]) -> Any:
    """An empty figure.

    Parameters
    ----------
    what : str
        What draws, for the message.
    size : (float, float)
        Width and height in inches.

    Returns
    -------
    matplotlib.figure.Figure

    Raises
    ------
    ImportError
        Without matplotlib.
    """
    try:
        from matplotlib.figure import Figure
    except ImportError as error:
        raise ImportError(f"{what} needs matplotlib: pip install 'chainrule[plot]'") from error
    figure: Any = Figure(figsize=size, layout="constrained")
    figure._repr_png_ = functools.partial(_png, figure)
    return figure


def _png(figure: Any) -> bytes:
    file = io.BytesIO()
    figure.savefig(file, format="png")
    return file.getvalue()
