"""A callback made of functions."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from chainrule.callbacks.callback import Callback

__all__ = ["LambdaCallback"]

Hook = Callable[..., Any] | None


class LambdaCallback(Callback):
    """Calls the given functions at the hooks of their names.

    Parameters
    ----------
    on_epoch_begin, on_epoch_end, on_train_begin, on_train_end, on_train_batch_begin, \
on_train_batch_end : callable, optional
        Take what the hook takes: `(epoch, logs)`, `(logs)`, `(batch, logs)`.
    **kwargs : callable
        Any other hook of `Callback`, or a method to give the callback.

    Raises
    ------
    TypeError
        When a name that begins with `on_` is no hook.

    Examples
    --------
    >>> callback = LambdaCallback(on_epoch_end=lambda epoch, logs: print(epoch, logs["loss"]))
    >>> callback.on_epoch_end(0, {"loss": 0.25})
    0 0.25
    """

    def __init__(
        self,
        on_epoch_begin: Hook = None,
        on_epoch_end: Hook = None,
        on_train_begin: Hook = None,
        on_train_end: Hook = None,
        on_train_batch_begin: Hook = None,
        on_train_batch_end: Hook = None,
        **kwargs: Hook,
    ) -> None:
        super().__init__()
        hooks = {
            "on_epoch_begin": on_epoch_begin,
            "on_epoch_end": on_epoch_end,
            "on_train_begin": on_train_begin,
            "on_train_end": on_train_end,
            "on_train_batch_begin": on_train_batch_begin,
            "on_train_batch_end": on_train_batch_end,
            **kwargs,
        }
        for name, function in hooks.items():
            if name.startswith("on_") and not hasattr(Callback, name):
                raise TypeError(f"LambdaCallback: {name!r} is not a hook of Callback.")
            if function is not None:
                setattr(self, name, function)
