"""Tables of reports, as text and as HTML for a notebook."""

from __future__ import annotations

from collections.abc import Sequence
from html import escape

__all__ = ["html_table", "text_table"]


def text_table(
    head: Sequence[str], rows: Sequence[Sequence[str]], left: int, *, is_open: bool = False
) -> str:
    """Columns as wide as their cells, a rule below the head.

    Parameters
    ----------
    head : sequence of str
        The columns' names.
    rows : sequence of sequences of str
        A cell for each column.
    left : int
        How many columns, from the first on, stand to the left; the others stand to the right.
    is_open : bool
        Whether the last column is free text, whose rule is as long as its name. Default False.

    Returns
    -------
    str
        Lines without blanks at their ends.

    Examples
    --------
    >>> print(text_table(("layer", "error"), [("dense", "1e-7"), ("out", "2e-7")], 1))
    layer  error
    -----  -----
    dense   1e-7
    out     2e-7
    """
    cells = [head, *rows]
    widths = [max(len(row[i]) for row in cells) for i in range(len(head))]
    if is_open:
        widths[-1] = len(head[-1])
    cells.insert(1, ["-" * width for width in widths])
    return "\n".join(
        "  ".join(
            cell.ljust(width) if i < left else cell.rjust(width)
            for i, (cell, width) in enumerate(zip(row, widths))
        ).rstrip()
        for row in cells
    )


def html_table(head: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """The same as a `<table>`.

    Parameters
    ----------
    head, rows
        As of `text_table`.

    Returns
    -------
    str

    Examples
    --------
    >>> html_table(("a",), [("1 < 2",)])
    '<table><tr><th>a</th></tr><tr><td>1 &lt; 2</td></tr></table>'
    """
    top = "".join(f"<th>{escape(name)}</th>" for name in head)
    body = "".join(
        "<tr>" + "".join(f"<td>{escape(cell)}</td>" for cell in row) + "</tr>" for row in rows
    )
    return f"<table><tr>{top}</tr>{body}</table>"
