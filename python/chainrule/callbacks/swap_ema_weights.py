"""The averaged weights in the model's place while it is evaluated."""

from __future__ import annotations

from typing import Any

import numpy as np

from chainrule.callbacks.callback import Callback, Logs
from chainrule.utils.remembered import checked, flag

__all__ = ["SwapEMAWeights"]

_REMEMBERED = {"_ema_weights_in_model": flag}


class SwapEMAWeights(Callback):
    """Evaluates with the exponential moving average of the weights (Polyak averaging).

    The optimizer has to keep the average: `use_ema=True`.

    Parameters
    ----------
    swap_on_epoch : bool
        Leave the averaged weights in the model from the end of an epoch to the beginning of the
        next, so that a `ModelCheckpoint` that follows saves them. Default: False.

    Raises
    ------
    ValueError
        During training, when the optimizer keeps no average.

    Examples
    --------
    >>> SwapEMAWeights(swap_on_epoch=True).swap_on_epoch
    True
    """

    def __init__(self, swap_on_epoch: bool = False) -> None:
        super().__init__()
        self.swap_on_epoch = swap_on_epoch
        self._ema_weights_in_model = False

    def backup_state(self) -> dict[str, Any]:
        return {name: getattr(self, name) for name in _REMEMBERED}

    def restore_state(self, state: dict[str, Any]) -> None:
        for name, value in checked(type(self).__name__, state, _REMEMBERED).items():
            setattr(self, name, value)

    def on_epoch_begin(self, epoch: int, logs: Logs = None) -> None:
        if self.swap_on_epoch:
            self._put(averaged=False)

    def on_epoch_end(self, epoch: int, logs: Logs = None) -> None:
        if self.swap_on_epoch and not self._ema_weights_in_model:
            self._put(averaged=True)
            if self.params is not None and epoch == self.params["epochs"] - 1:
                for variable, average in self._pairs():
                    average.assign(variable)

    def on_test_begin(self, logs: Logs = None) -> None:
        self._put(averaged=True)

    def on_test_end(self, logs: Logs = None) -> None:
        self._put(averaged=False)

    def on_predict_begin(self, logs: Logs = None) -> None:
        self._put(averaged=True)

    def on_predict_end(self, logs: Logs = None) -> None:
        self._put(averaged=False)

    def _put(self, averaged: bool) -> None:
        """Have the averaged or the trained weights in the model; the others wait."""
        if averaged == self._ema_weights_in_model:
            return
        for variable, average in self._pairs():
            waiting = np.array(variable)
            variable.assign(average)
            average.assign(waiting)
        self._ema_weights_in_model = averaged

    def _pairs(self) -> list[tuple[Any, Any]]:
        """The weights and their averages, of every optimizer that keeps averages."""
        outer = self.model.optimizer
        outer = getattr(outer, "inner_optimizer", outer)
        optimizers = [
            optimizer
            for optimizer in getattr(outer, "optimizers", [outer])
            if getattr(optimizer, "use_ema", False)
        ]
        if not optimizers:
            raise ValueError(
                "SwapEMAWeights must be used when `use_ema=True` is set on the optimizer. "
                f"Received: use_ema=False on {outer}"
            )
        return [
            pair
            for optimizer in optimizers
            for pair in zip(
                optimizer._trainable_variables,
                optimizer._model_variables_moving_average,
                strict=True,
            )
        ]
