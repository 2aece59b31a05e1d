"""How many words, characters or other tokens have to change: the error rate of what was recognised."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from chainrule import ops
from chainrule.base.errors import DataError
from chainrule.metrics.metric import Metric
from chainrule.tracing.policies import DTypePolicy
from chainrule.tracing.tensor import KerasTensor

__all__ = ["EditDistance", "edit_distance"]


def edit_distance(y_true: Sequence[Any], y_pred: Sequence[Any]) -> int:
    """The fewest insertions, deletions and substitutions that make `y_pred` of `y_true`.

    Parameters
    ----------
    y_true, y_pred : sequence
        Tokens that can be compared: words, numbers, or the characters of a string.

    Returns
    -------
    int
        From 0 to the length of the longer one.

    References
    ----------
    Levenshtein (1966), "Binary codes capable of correcting deletions, insertions, and reversals";
    Wagner & Fischer (1974), "The String-to-String Correction Problem".

    Examples
    --------
    >>> edit_distance("kitten", "sitting")
    3
    >>> edit_distance([4, 7, 7, 1], [4, 7, 1])
    1
    """
    # Distances of the tokens of y_true so far to each beginning of y_pred.
    row = list(range(len(y_pred) + 1))
    for number, token in enumerate(y_true, 1):
        corner, row[0] = row[0], number
        for place, other in enumerate(y_pred, 1):
            least = min(row[place] + 1, row[place - 1] + 1, corner + bool(token != other))
            corner, row[place] = row[place], least
    return row[-1]


class EditDistance(Metric):
    """``sum_i d(y_true_i, y_pred_i) / sum_i len(y_true_i)``, d of :func:`edit_distance`: the word
    error rate where tokens are words, the character error rate where they are characters.

    Arguments as in KerasHub. It counts on the host: call it, or `update_state`, with the sequences
    themselves; in the compiled step of a model there are none.

    Parameters
    ----------
    normalize : bool
        Whether to divide by the tokens of all references, or by the number of sequences. Default
        True.
    dtype : str or DTypePolicy, optional
        As in :class:`Metric`.
    name : str
        Default "edit_distance".

    Raises
    ------
    DataError
        When called with other numbers of sequences, or with texts in their place.
    TypeError
        When called with tensors of a model.

    Notes
    -----
    `y_true` and `y_pred` of a call are a sequence of tokens each, or as many such sequences.

    Examples
    --------
    >>> from chainrule import nlp
    >>> metric = nlp.EditDistance()
    >>> metric.update_state("the cat sat".split(), "the hat sat down".split())
    >>> metric.update_state([[1, 2, 3, 4], [5]], [[1, 2, 3, 4], [5]])
    >>> float(metric.result())
    0.25
    """

    def __init__(
        self,
        normalize: bool = True,
        dtype: str | DTypePolicy | None = None,
        name: str | None = "edit_distance",
    ) -> None:
        super().__init__(name=name, dtype=dtype)
        self.normalize = normalize
        self.total = self.add_variable((), "zeros", dtype=self.dtype, name="total")
        self.count = self.add_variable((), "zeros", dtype=self.dtype, name="count")

    def update_state(self, y_true: Any, y_pred: Any, sample_weight: Any = None) -> None:
        """Add what the sequences need, weighted by a number for each where they are given."""
        pairs = self._pairs(y_true, y_pred)
        weights = np.broadcast_to(1.0 if sample_weight is None else sample_weight, (len(pairs),))
        errors = [edit_distance(true, pred) for true, pred in pairs]
        counts = [len(true) if self.normalize else 1 for true, _ in pairs]
        self.total.assign_add(float(np.dot(weights, errors)))
        self.count.assign_add(float(np.dot(weights, counts)))

    def result(self) -> Any:
        """The errors over the tokens, or over the sequences; 0 where there are none."""
        total, count = (ops.convert_to_tensor(v) for v in (self.total, self.count))
        return ops.divide_no_nan(total, count)

    def get_config(self) -> dict[str, Any]:
        """The arguments that rebuild the metric."""
        return {**super().get_config(), "normalize": self.normalize}

    def _pairs(self, y_true: Any, y_pred: Any) -> list[tuple[Any, Any]]:
        """The sequences that belong together."""
        batches = [self._is_batch(y) for y in (y_true, y_pred)]
        if True not in batches:
            return [(y_true, y_pred)]
        if False in batches or len(y_true) != len(y_pred):
            got = [
                "one" if batch is False else len(y) for batch, y in zip(batches, (y_true, y_pred))
            ]
            raise DataError(
                f"metric '{self.name}': expected as many sequences in y_true as in y_pred, got "
                f"{got[0]} and {got[1]}"
            )
        return list(zip(y_true, y_pred))

    def _is_batch(self, y: Any) -> bool | None:
        """Whether it holds sequences, or tokens; None where it is empty."""
        if isinstance(y, KerasTensor):
            raise TypeError(
                f"metric '{self.name}': expected sequences of tokens, got a tensor of a model; "
                "call the metric with what the model has predicted"
            )
        if isinstance(y, (str, bytes)) or not hasattr(y, "__len__"):
            raise DataError(
                f"metric '{self.name}': expected sequences of tokens, got {y!r}; a text has words "
                "(`text.split()`) and characters (`list(text)`)"
            )
        nested = {isinstance(t, (list, tuple)) or np.ndim(t) > 0 for t in y}
        if len(nested) == 2:
            raise DataError(
                f"metric '{self.name}': expected tokens or sequences of tokens, got both"
            )
        return nested.pop() if nested else None
