"""A progress bar with metrics, in Keras's words, drawn by tqdm."""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Iterable
from typing import Any

import numpy as np

from chainrule.base import config
from chainrule.utils.io import print_msg, write_text

__all__ = ["Progbar"]

TERMINAL_INTERVAL = 0.1
# Of the first line of a bar that goes to a file; the next ones take twice as long each.
FILE_INTERVAL = 10.0


class _Stdout:
    """The present `sys.stdout`, looked up at each write, so that redirection works."""

    encoding = "utf-8"

    def write(self, text: str) -> None:
        write_text(text)

    def flush(self) -> None:
        if sys.stdout is not None:
            sys.stdout.flush()

    def fileno(self) -> int:
        return sys.stdout.fileno()


class Progbar:
    """A bar, the time left and the metrics on one line.

    It is redrawn in place on a terminal and in a notebook. Elsewhere (a pipe, a file) it is a line
    at the end, and for what takes longer a few before.

    Parameters
    ----------
    target : int or None
        How many steps there will be; `None` when it is not known.
    width : int
        Characters of the bar.
    verbose : int
        0 draws nothing, 1 the bar, 2 one line at the end.
    interval : float, optional
        Seconds between two drawings, at least. Default: 0.1 on a terminal; elsewhere 10, then 20,
        40 and so on.
    stateful_metrics, stateless_metrics : iterable of str, optional
        Metrics shown as given, or averaged over the steps. One of the two at most: with
        `stateful_metrics` the rest is averaged, with `stateless_metrics` the rest is shown as
        given. With neither, all are averaged.
    unit_name : str
        What a step is called.

    Raises
    ------
    ValueError
        When both lists of metrics are given.

    Examples
    --------
    >>> bar = Progbar(target=2, verbose=2)
    >>> bar.update(1, [("loss", 1.0)])
    >>> bar.update(2, [("loss", 2.0)])  # doctest: +ELLIPSIS
    2/2 - 0s - ... - loss: 1.5000
    """

    def __init__(
        self,
        target: int | None,
        width: int = 20,
        verbose: int = 1,
        interval: float | None = None,
        stateful_metrics: Iterable[str] | None = None,
        stateless_metrics: Iterable[str] | None = None,
        unit_name: str = "step",
    ) -> None:
        if stateful_metrics is not None and stateless_metrics is not None:
            raise ValueError(
                "Only one of `stateful_metrics` and `stateless_metrics` can be provided: the "
                "metrics that it does not list are of the other kind."
            )
        self.target = target
        self.width = width
        self.verbose = verbose
        self.interval = interval
        self.unit_name = unit_name
        self.stateful_metrics = None if stateful_metrics is None else set(stateful_metrics)
        self.stateless_metrics = None if stateless_metrics is None else set(stateless_metrics)
        self._seen_so_far = 0
        self._sums: dict[str, tuple[Any, int]] = {}
        self._start = time.monotonic()
        self._first_step: float | None = None
        self._last_update = self._start
        self._bar: Any = None
        self._lines = 0

    def update(
        self,
        current: int,
        values: Iterable[tuple[str, Any]] | None = None,
        finalize: bool | None = None,
    ) -> None:
        """Go to step `current`, with these values of the metrics.

        Parameters
        ----------
        current : int
            Steps done.
        values : iterable of (str, number), optional
            The metrics of the steps since the last update.
        finalize : bool, optional
            Whether this is the last update. Default: when `current` reaches the target.
        """
        if finalize is None:
            finalize = self.target is not None and current >= self.target
        steps = max(current - self._seen_so_far, 1)
        for name, value in values or ():
            if self._is_averaged(name):
                total, count = self._sums.get(name, (0.0, 0))
                self._sums[name] = (total + np.mean(value) * steps, count + steps)
            else:
                self._sums[name] = (value, 1)
        self._seen_so_far = current
        now = time.monotonic()
        if self._first_step is None and current == 1:
            self._first_step = now
        if self.verbose == 1:
            self._draw(current, now, finalize)
        elif self.verbose == 2 and finalize:
            info = f"{now - self._start:.0f}s - {self._time_per_step(current, now)}"
            print_msg(f"{current}/{current} - {info}{self._metrics()}")

    def add(self, n: int, values: Iterable[tuple[str, Any]] | None = None) -> None:
        """Go `n` steps on."""
        self.update(self._seen_so_far + n, values)

    def _is_averaged(self, name: str) -> bool:
        if self.stateless_metrics is not None:
            return name in self.stateless_metrics
        return self.stateful_metrics is None or name not in self.stateful_metrics

    def _draw(self, current: int, now: float, finalize: bool) -> None:
        in_place = self._bar is not None or _is_redrawn()
        interval = self.interval
        if interval is None:
            interval = TERMINAL_INTERVAL if in_place else FILE_INTERVAL * 2**self._lines
        if not finalize and now - self._last_update < interval:
            return
        self._last_update = now
        self._lines += 1
        end = f"{now - self._start:.0f}s"
        if self.target and not finalize:
            end = self._eta(current, now)
        end += f" {self._time_per_step(current, now)}{self._metrics()}"
        if not config.is_interactive_logging_enabled():
            if finalize:
                print_msg(f"{current}/{self.target} {end}")
            return
        digits = len(str(self.target or 0))
        start = f"{current:>{digits}}/{self.target}" if self.target else f"{current}/Unknown"
        if not in_place:
            done = self.width * min(current, self.target) // self.target if self.target else 0
            drawing = f" {'━' * done:<{self.width}}" if self.target else ""
            print_msg(f"{start}{drawing} {end}")
            return
        if self._bar is None:
            self._bar = _new_bar(self.target or None)
        bar = self._bar
        drawing = f" {{bar:{self.width}}}" if self.target else ""
        bar.bar_format = f"{start}{drawing} {end.replace('{', '{{').replace('}', '}}')}"
        bar.total, bar.n = self.target or None, current
        if finalize:
            bar.ncols = bar.dynamic_ncols = None
            bar.close()
            self._bar = None
        else:
            bar.refresh(nolock=True)

    def _eta(self, current: int, now: float) -> str:
        assert self.target is not None
        seconds = int(self._seconds_per_step(current, now) * max(self.target - current, 0))
        if seconds >= 3600:
            return f"{seconds // 3600}:{seconds % 3600 // 60:02d}:{seconds % 60:02d}"
        if seconds >= 60:
            return f"{seconds // 60}:{seconds % 60:02d}"
        return f"{seconds}s"

    def _seconds_per_step(self, current: int, now: float) -> float:
        """The mean duration of a step, without the first where its end was seen."""
        if current < 1:
            return 0.0
        if current > 1 and self._first_step is not None and now > self._first_step:
            return (now - self._first_step) / (current - 1)
        return (now - self._start) / current

    def _time_per_step(self, current: int, now: float) -> str:
        seconds = self._seconds_per_step(current, now)
        if seconds >= 1 or seconds == 0:
            return f"{seconds:.0f}s/{self.unit_name}"
        if seconds >= 1e-3:
            return f"{seconds * 1e3:.0f}ms/{self.unit_name}"
        return f"{seconds * 1e6:.0f}us/{self.unit_name}"

    def _metrics(self) -> str:
        text = ""
        for name, (total, count) in self._sums.items():
            try:
                mean = float(np.mean(total)) / max(count, 1)
            except (TypeError, ValueError):
                text += f" - {name}: {total}"
                continue
            text += f" - {name}: {mean:.4f}" if abs(mean) > 1e-3 else f" - {name}: {mean:.4e}"
        return text


def _is_redrawn() -> bool:
    """Whether what is printed goes where a line can be drawn anew: a terminal or a notebook."""
    if "ipykernel" in sys.modules:
        return True
    if not getattr(sys.stdout, "isatty", bool)():
        return False
    try:
        return os.get_terminal_size(sys.stdout.fileno()).columns > 0
    except (OSError, ValueError, AttributeError):
        return True


def _new_bar(total: int | None) -> Any:
    from tqdm import tqdm

    class Bar(tqdm):  # type: ignore[misc, type-arg, unused-ignore]
        monitor_interval = 0

        def __del__(self) -> None:
            """An interrupted bar stays as it is."""

    bar = Bar(
        total=total,
        file=_Stdout(),
        ascii=" ━",
        bar_format="",
        dynamic_ncols=True,
        delay=1e9,
        position=0,
    )
    bar.delay = 0
    return bar
