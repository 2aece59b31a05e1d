"""Stop when the loss is no longer a number."""

from __future__ import annotations

import math

from chainrule.callbacks.callback import Callback, Logs
from chainrule.utils.io import print_msg

__all__ = ["TerminateOnNaN"]


class TerminateOnNaN(Callback):
    """Ends training at the first batch whose loss is NaN or infinite.

    Parameters
    ----------
    raise_error : bool
        Raise a `RuntimeError` instead of ending training in the ordinary way, so that
        `on_train_end` of other callbacks does not run. Default: False.

    Examples
    --------
    >>> TerminateOnNaN(raise_error=True).on_batch_end(3, {"loss": float("nan")})
    Traceback (most recent call last):
        ...
    RuntimeError: NaN or Inf loss encountered at batch 3: nan. Training is terminated.
    """

    def __init__(self, raise_error: bool = False) -> None:
        super().__init__()
        self.raise_error = raise_error

    def on_batch_end(self, batch: int, logs: Logs = None) -> None:
        loss = (logs or {}).get("loss")
        if loss is None or math.isfinite(loss):
            return
        if self.raise_error:
            raise RuntimeError(
                f"NaN or Inf loss encountered at batch {batch}: {loss}. Training is terminated."
            )
        print_msg(f"Batch {batch}: Invalid loss, terminating training")
        self.model.stop_training = True
