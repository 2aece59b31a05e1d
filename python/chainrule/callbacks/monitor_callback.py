"""The base of callbacks that watch one metric."""

from __future__ import annotations

import warnings
from collections.abc import Callable
from typing import Any

from chainrule import ops
from chainrule.callbacks.callback import Callback

__all__ = ["MonitorCallback"]


class MonitorCallback(Callback):
    """Decides whether a monitored metric has improved: a number always beats NaN.

    Parameters
    ----------
    monitor : str
        The metric's name in the logs.
    mode : {"auto", "min", "max"}
        Which way is better. `"auto"` asks the metric; a loss is better when smaller.
    baseline : float, optional
        The first value to beat. Default: the first value is an improvement.
    min_delta : float
        By how much a value has to be better.
    """

    def __init__(
        self,
        monitor: str = "val_loss",
        mode: str = "auto",
        baseline: float | None = None,
        min_delta: float = 0,
    ) -> None:
        super().__init__()
        if mode not in ("auto", "min", "max"):
            warnings.warn(
                f"{type(self).__name__} mode '{mode}' is unknown, falling back to auto mode.",
                stacklevel=3,
            )
            mode = "auto"
        self.monitor = monitor
        self.mode = mode
        self.best: Any = baseline
        self.min_delta = abs(min_delta)
        self.monitor_op: Callable[[Any, Any], Any] | None = None

    def _set_monitor_op(self) -> None:
        """Find out which way is better; the model's metrics exist by now."""
        if self.mode == "auto":
            larger_is_better = self._direction() == "up"
        else:
            larger_is_better = self.mode == "max"
        self.monitor_op = ops.greater if larger_is_better else ops.less

    def _direction(self) -> str:
        name = self.monitor.removeprefix("val_")
        found = [m for m in _all_metrics(self.model) if m.name == name]
        for metric in found:
            direction = getattr(metric, "_direction", None)
            if direction is not None:
                return str(direction)
        if name == "loss":
            return "down"
        raise ValueError(
            f"{type(self).__name__} callback received monitor={self.monitor}, and it is not known "
            "whether that metric should be maximized or minimized. Pass `mode='max'` or "
            "`mode='min'`."
        )

    def _is_improvement(self, value: Any, reference: Any) -> bool:
        """Whether `value` beats `reference`; any number beats NaN, and NaN beats nothing."""
        if reference is None:
            return True
        if reference != reference:
            return bool(value == value)
        if self.monitor_op is None:
            self._set_monitor_op()
        assert self.monitor_op is not None
        delta = self.min_delta if self.monitor_op is ops.greater else -self.min_delta
        return bool(self.monitor_op(value - delta, reference))


def _all_metrics(model: Any) -> list[Any]:
    """The model's metrics, with those inside a container of metrics."""
    found: list[Any] = []
    for metric in getattr(model, "metrics", None) or []:
        found.append(metric)
        found.extend(getattr(metric, "metrics", None) or [])
    return found
