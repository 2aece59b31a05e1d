"""DiagnosisReport: tables of what was measured, and the findings, as text and in a notebook."""

from __future__ import annotations

import math
from dataclasses import dataclass
from html import escape
from typing import Any

from chainrule.utils.tables import html_table, text_table
from chainrule.diagnosis.finding import Finding
from chainrule.diagnosis.measured import Measured

__all__ = ["DiagnosisReport"]

_ACTIVATIONS = ("layer", "activation", "mean", "deviation", "zeros", "saturated", "dead", "gradient")
_WEIGHTS = ("layer", "weight", "norm", "gradient", "of the last", "update/weight")

Row = tuple[str, ...]


@dataclass(frozen=True)
class DiagnosisReport:
    """What `diagnose` found; prints as text, and shows as tables in a notebook.

    Attributes
    ----------
    findings : list of Finding
        Causes first; empty where nothing is wrong.
    measured : Measured, optional
        The statistics by layer; None where the step could not be run.
    baseline : float
        The loss of the best constant output, NaN where it is not known.
    """

    findings: list[Finding]
    measured: Measured | None
    baseline: float

    @property
    def ok(self) -> bool:
        """Whether nothing was found."""
        return not self.findings

    def activation_rows(self) -> list[Row]:
        """The cells of the table of activations."""
        if self.measured is None:
            return []
        return [
            (
                a.layer,
                a.activation,
                f"{a.mean:.2g}",
                f"{a.deviation:.2g}",
                f"{a.zeros:.0%}",
                "" if math.isnan(a.saturated) else f"{a.saturated:.0%}",
                f"{a.dead}/{a.units}" if a.units else "",
                f"{a.gradient_norm:.1e}",
            )
            for a in self.measured.activations
        ]

    def weight_rows(self) -> list[Row]:
        """The cells of the table of weights."""
        if self.measured is None:
            return []
        kernels = [w for w in self.measured.weights if len(w.shape) >= 2]
        last = next((w.gradient_norm for w in reversed(kernels) if w.gradient_norm > 0), math.nan)
        return [
            (
                w.layer,
                w.weight,
                f"{w.norm:.3g}",
                _number(w.gradient_norm, "frozen"),
                _number(w.gradient_norm / last, ""),
                _number(w.update_ratio, ""),
            )
            for w in kernels
        ]

    def _tables(self) -> list[tuple[Row, list[Row]]]:
        """Head and rows of those tables that have any."""
        both = [(_ACTIVATIONS, self.activation_rows()), (_WEIGHTS, self.weight_rows())]
        return [(head, rows) for head, rows in both if rows]

    def _summary(self) -> str:
        if self.measured is None:
            return "the step was not run"
        m = self.measured
        known = "" if math.isnan(self.baseline) else f", of a constant output {self.baseline:.4g}"
        return f"loss {m.loss:.4g}{known}; {m.rows} rows in {m.batches} batches"

    def _verdict(self) -> str:
        count = len(self.findings)
        return "nothing found" if not count else f"{count} finding{'s' if count > 1 else ''}"

    def __str__(self) -> str:
        parts = [text_table(head, rows, 2) for head, rows in self._tables()]
        parts += [f"{self._summary()}: {self._verdict()}", *map(str, self.findings)]
        return "\n\n".join(parts)

    __repr__ = __str__

    def _repr_html_(self) -> str:
        found = "".join(
            f"<li><b>{escape(f.kind.replace('_', ' '))}</b> {escape(f.layer)}: {escape(f.what)} "
            f"(measured {f.number:.3g}, threshold {f.threshold:.3g}; {escape(f.source)})"
            f"<pre>{escape(f.remedy)}</pre></li>"
            for f in self.findings
        )
        tables = "".join(html_table(head, rows) for head, rows in self._tables())
        return f"<p>{escape(self._summary())}: {self._verdict()}</p><ul>{found}</ul>{tables}"

    def plot(self, path: Any = None) -> Any:
        """Activations and gradients by layer as ridges: how often each value comes.

        Parameters
        ----------
        path : str or path, optional
            Where the picture is written; the end of the name gives the format.

        Returns
        -------
        matplotlib.figure.Figure
            Shown by a notebook.

        Raises
        ------
        ImportError
            Without matplotlib (``pip install matplotlib``).
        ValueError
            No activation was measured.
        """
        from chainrule.diagnosis.plots import draw

        return draw(self.measured, self.findings, path)


def _number(x: float, otherwise: str) -> str:
    return otherwise if math.isnan(x) else f"{x:.1e}"
