"""Dropout of cells: one mask for all steps of a batch."""

from __future__ import annotations

from typing import Any

from chainrule import ops, random
from chainrule.tracing.body import around_loops


class DropoutRNNCell:
    """Masks that a cell draws at the first step of a batch, and keeps for the others.

    A class that inherits from it has `dropout` and `recurrent_dropout`, rates in [0, 1], and a
    `seed_generator`. With `dropout_mask_count`, as many masks are drawn, one a gate.
    """

    dropout: float
    recurrent_dropout: float
    seed_generator: Any
    dropout_mask_count: int | None = None
    _dropout_mask: Any = None
    _recurrent_dropout_mask: Any = None

    def _create_dropout_mask(self, step_input: Any, dropout_rate: float) -> Any:
        with around_loops():
            ones = ops.ones(step_input.shape, step_input.dtype)
            masks = [
                random.dropout(ones, rate=dropout_rate, seed=self.seed_generator)
                for _ in range(self.dropout_mask_count or 1)
            ]
        return masks if self.dropout_mask_count else masks[0]

    def get_dropout_mask(self, step_input: Any) -> Any:
        """The factors of the inputs, or None without dropout."""
        if self._dropout_mask is None and self.dropout > 0:
            self._dropout_mask = self._create_dropout_mask(step_input, self.dropout)
        return self._dropout_mask

    def get_recurrent_dropout_mask(self, step_input: Any) -> Any:
        """The factors of the states, or None without dropout."""
        if self._recurrent_dropout_mask is None and self.recurrent_dropout > 0:
            self._recurrent_dropout_mask = self._create_dropout_mask(
                step_input, self.recurrent_dropout
            )
        return self._recurrent_dropout_mask

    def reset_dropout_mask(self) -> None:
        """Forget the mask of the inputs."""
        self._dropout_mask = None

    def reset_recurrent_dropout_mask(self) -> None:
        """Forget the mask of the states."""
        self._recurrent_dropout_mask = None
