"""What of a file of PyTorch's weights fits to a model, as a table."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from chainrule.utils.tables import html_table, text_table

__all__ = ["Row", "TorchReport"]

_HEAD = ("layer", "weights here", "tensor in the file", "expected", "found", "verdict")
_FITS = "fits"


@dataclass(frozen=True)
class Row:
    """A tensor.

    Attributes
    ----------
    place : str
        The layer's, as in the files of `save_weights`; "" of a tensor that no layer takes.
    weights : str
        Names and shapes of the layer's variables.
    name : str
        Of the tensor.
    expected, found : str
        Shapes, in PyTorch's layout.
    verdict : str
        "fits", or what is wrong.
    note : str
        What tensors do not say, as another epsilon.
    """

    place: str
    weights: str
    name: str
    expected: str
    found: str
    verdict: str
    note: str = ""

    @property
    def fits(self) -> bool:
        """Whether nothing is wrong."""
        return self.verdict == _FITS


@dataclass(frozen=True)
class TorchReport:
    """A table, printed by `print(report)`; in a notebook it shows itself.

    Attributes
    ----------
    path : str
        Of the file.
    rows : list of Row
    mapping : dict
        Place of a layer -> name of its module, as it was found; for `save_weights` too.

    Examples
    --------
    >>> row = Row("dense", "kernel (2, 3)", "fc.weight", "(3, 2)", "(3, 2)", "fits")
    >>> print(TorchReport("m.safetensors", [row], {"dense": "fc"}))
    m.safetensors: all of 1 tensors fit
    layer  weights here   tensor in the file  expected  found   verdict
    -----  -------------  ------------------  --------  ------  -------
    dense  kernel (2, 3)  fc.weight           (3, 2)    (3, 2)  fits
    """

    path: str
    rows: list[Row]
    mapping: dict[str, str] = field(default_factory=dict)

    @property
    def fits(self) -> bool:
        """Whether the whole file fits to the whole model."""
        return all(row.fits for row in self.rows)

    def __str__(self) -> str:
        wrong = sum(not row.fits for row in self.rows)
        told = f"all of {len(self.rows)} tensors fit"
        if wrong:
            told = f"{wrong} of {len(self.rows)} tensors do not fit"
        return f"{self.path}: {told}\n{text_table(_HEAD, self._cells(), len(_HEAD), is_open=True)}"

    def _cells(self) -> list[tuple[Any, ...]]:
        return [
            (
                row.place,
                row.weights,
                row.name,
                row.expected,
                row.found,
                f"{row.verdict} ({row.note})" if row.note else row.verdict,
            )
            for row in self.rows
        ]

    def _repr_html_(self) -> str:
        return html_table(_HEAD, self._cells())
