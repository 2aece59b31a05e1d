"""What a check of gradients found: rows, faults, kinks, as text and as a table of a notebook."""

from __future__ import annotations

from dataclasses import dataclass, field
from html import escape
from math import isfinite

from chainrule.utils.tables import html_table, text_table

__all__ = ["GradientCheck", "GradientFault", "GradientKink", "GradientReport"]

_HEAD = ("layer", "weight", "vs reference", "vs differences", "verdict")
_MOST_LINES = 4


@dataclass(frozen=True)
class GradientCheck:
    """The check of one weight.

    Attributes
    ----------
    layer, weight : str
        Path of the layer and name of the weight.
    shape : tuple of int
    error : float
        ``max |core - reference| / scale`` over the weight's elements, where the scale is the
        weight's largest ``|reference|``, but at least a hundredth of the largest over all
        weights: the gradient of a bias in front of a batch normalisation is 0, and what both
        sides compute for it is the rounding of a sum that cancels. Where float32 rounds a value to
        the other side of a kink, the reference is given the core's values.
    difference_error : float
        ``|<dx, d> - finite difference| / sum |dx d|``, the largest over the ops between the weight
        and the loss and over the directions ``d``, where ``dx`` is an op's gradient by the
        reference; NaN where finite differences were not asked for.
    ok : bool
        Whether both are within their tolerances.
    """

    layer: str
    weight: str
    shape: tuple[int, ...]
    error: float
    difference_error: float
    ok: bool


@dataclass(frozen=True)
class GradientFault:
    """An op whose gradient or value is wrong.

    Attributes
    ----------
    layer : str
        Path of the layer that the op belongs to; empty outside all layers, as in the loss.
    op : str
        Name of the op, as in `chainrule.reference`; empty where only the layer is known.
    what : str
        Which of the core, the reference and the differences disagree, and how.
    error : float
        The relative error; NaN where what is wrong is not finite.
    """

    layer: str
    op: str
    what: str
    error: float

    def __str__(self) -> str:
        error = f" (error {self.error:.1e})" if isfinite(self.error) else ""
        return f"{place(self.layer, self.op)}: {self.what}{error}"


@dataclass(frozen=True)
class GradientKink:
    """Outputs of an op at which no derivative is there to compare with.

    Attributes
    ----------
    layer, op : str
        As in `GradientFault`.
    count : int
        How many outputs that carry a gradient have two slopes. The op was judged by its other
        outputs, and once more beside this point.
    """

    layer: str
    op: str
    count: int

    def __str__(self) -> str:
        values = "value" if self.count == 1 else "values"
        return f"{place(self.layer, self.op)}, {self.count} {values}"


def place(layer: str, op: str) -> str:
    """The words for an op of a layer."""
    where = layer or "outside the layers"
    return f"{where} (op {op})" if op else where


@dataclass(frozen=True)
class GradientReport:
    """What `check_gradients` found; prints as a table, and shows as one in a notebook.

    Attributes
    ----------
    loss, reference_loss : float
        The loss by the core and by the reference.
    rows : list of GradientCheck
        One a weight.
    tolerance : float
        Largest relative error against the reference.
    loss_ok : bool
        Whether the losses agree.
    faults : list of GradientFault
        The ops at fault, the one next to the loss first.
    kinks : list of GradientKink
        The ops that lie at a kink; none of them is a fault.
    slopes : tuple of three floats, optional
        Where the loss itself has a kink: its slopes to both sides along one direction of all
        weights, and what the gradient gives for it, one of the convention's choices.
    """

    loss: float
    reference_loss: float
    rows: list[GradientCheck]
    tolerance: float
    loss_ok: bool = True
    faults: list[GradientFault] = field(default_factory=list)
    kinks: list[GradientKink] = field(default_factory=list)
    slopes: tuple[float, float, float] | None = None

    @property
    def loss_error(self) -> float:
        """``|loss - reference loss| / max(|reference loss|, 1e-8)``."""
        return abs(self.loss - self.reference_loss) / max(abs(self.reference_loss), 1e-8)

    @property
    def ok(self) -> bool:
        """Whether the loss and every weight passed."""
        return bool(self.loss_ok and not self.faults and all(row.ok for row in self.rows))

    def _cells(self) -> list[tuple[str, str, str, str, str]]:
        return [
            (
                row.layer,
                row.weight,
                f"{row.error:.1e}",
                f"{row.difference_error:.1e}",
                "ok" if row.ok else "WRONG",
            )
            for row in self.rows
        ]

    def _remarks(self) -> list[str]:
        lines = []
        if self.faults:
            lines.append(f"first wrong: {self.faults[0]}")
        lines += [f"at a kink: {kink}; judged beside it" for kink in self.kinks[:_MOST_LINES]]
        if len(self.kinks) > _MOST_LINES:
            lines.append(f"at a kink: {len(self.kinks) - _MOST_LINES} more")
        if self.slopes is not None:
            left, right, chosen = self.slopes
            lines.append(
                f"the loss has a kink here: slopes {left:.6g} and {right:.6g} to the two sides, "
                f"the gradient gives {chosen:.6g}"
            )
        verdict = "ok" if self.ok else "WRONG"
        lines.append(
            f"loss {self.loss:.6g}, by the reference {self.reference_loss:.6g}: gradients {verdict}"
        )
        return lines

    def __str__(self) -> str:
        return "\n".join([text_table(_HEAD, self._cells(), 2), *self._remarks()])

    __repr__ = __str__

    def _repr_html_(self) -> str:
        remarks = "".join(f"<p>{escape(line)}</p>" for line in self._remarks())
        return html_table(_HEAD, self._cells()) + remarks
