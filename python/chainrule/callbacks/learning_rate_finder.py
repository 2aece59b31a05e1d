"""The range test: which learning rates make the loss fall, and from which on it rises."""

from __future__ import annotations

import math
import random as python_random
import warnings
from typing import Any

import numpy as np

from chainrule.callbacks.callback import Callback, Logs
from chainrule.callbacks.learning_rate_scheduler import with_learning_rate
from chainrule.tracing.seeds import used_seed_generator
from chainrule.utils.drawing.figure import new_figure

__all__ = ["LearningRateFinder"]

_SMOOTHING = 0.8
_FEWEST = 5


class LearningRateFinder(Callback):
    """``rate_i = min_rate (max_rate / min_rate) ** (i / (steps - 1))`` in step i, and the loss of each.

    `fit` with this callback is a test: it ends after `steps` batches, or when the loss explodes.
    Weights, optimizer and seeds are then what they were, to the last bit, and the history that it returns is
    empty. The loss falls at useful rates, fastest near `suggestion`, and rises at those too high.

    Parameters
    ----------
    min_rate, max_rate : float
        The first and the last learning rate. Default 1e-6 and 10.0.
    steps : int
        How many batches; `fit` needs enough epochs for them. Default 100.
    factor : float
        The test ends when the smoothed loss is this many times its smallest. Default 4.0.

    Attributes
    ----------
    rates, losses, smoothed : list of float
        For each step, its learning rate, the loss of its batch, and a mean of the losses so far, the
        older the less.
    suggestion : float or None
        The rate at which the smoothed loss falls fastest; None where it does not fall.

    Raises
    ------
    ValueError
        Rates that are not ``0 < min_rate < max_rate``, or fewer than 5 steps; during training, an
        optimizer whose rate is a schedule's.

    References
    ----------
    Smith, Cyclical Learning Rates for Training Neural Networks, 2015 (arXiv:1506.01186), section 3.3;
    there the rate grows linearly.

    Examples
    --------
    >>> import numpy as np, chainrule as keras
    >>> model = keras.Sequential([keras.layers.Dense(1, kernel_initializer="zeros")])
    >>> model.compile(optimizer="sgd", loss="mse")
    >>> x = np.random.default_rng(0).normal(size=(256, 4))
    >>> finder = LearningRateFinder(steps=50)
    >>> history = model.fit(x, x @ [1, 2, 3, 4], epochs=10, verbose=0, callbacks=[finder])
    >>> 0.01 < finder.suggestion < 1
    True
    >>> bool(model.layers[0].kernel.numpy().any())
    False
    """

    def __init__(
        self,
        min_rate: float = 1e-6,
        max_rate: float = 10.0,
        steps: int = 100,
        factor: float = 4.0,
    ) -> None:
        super().__init__()
        if not 0 < min_rate < max_rate < math.inf:
            raise ValueError(
                "LearningRateFinder: expected 0 < min_rate < max_rate, got "
                f"min_rate={min_rate!r} and max_rate={max_rate!r}"
            )
        if not isinstance(steps, int) or steps < _FEWEST:
            raise ValueError(
                f"LearningRateFinder: expected steps to be {_FEWEST} or more, got {steps!r}"
            )
        if not factor > 1:
            raise ValueError(f"LearningRateFinder: expected factor to be above 1, got {factor!r}")
        self.min_rate = min_rate
        self.max_rate = max_rate
        self.steps = steps
        self.factor = factor
        self.rates: list[float] = []
        self.losses: list[float] = []
        self.smoothed: list[float] = []
        self._kept: list[tuple[Any, Any]] = []
        self._random: Any = None
        self._sums = (0.0, 0.0)
        self._mean = 0.0

    def on_train_begin(self, logs: Logs = None) -> None:
        for _, optimizer in with_learning_rate(self.model.optimizer):
            if callable(getattr(optimizer, "_learning_rate", None)) and not hasattr(
                optimizer._learning_rate, "assign"
            ):
                raise ValueError(
                    "LearningRateFinder: expected an optimizer whose learning_rate is a number, got "
                    f"{type(optimizer._learning_rate).__name__}"
                )
        self.rates, self.losses, self.smoothed, self._mean = [], [], [], 0.0
        held = [*self.model.variables, *self.model.optimizer.variables]
        generator = used_seed_generator()
        if generator is not None:
            held.append(generator.state)
        self._kept = [(v, np.array(v.numpy())) for v in held]
        self._random = python_random.getstate()

    def on_epoch_begin(self, epoch: int, logs: Logs = None) -> None:
        self._sums = (0.0, 0.0)

    def on_train_batch_begin(self, batch: int, logs: Logs = None) -> None:
        share = min(len(self.rates), self.steps - 1) / (self.steps - 1)
        rate = self.min_rate * (self.max_rate / self.min_rate) ** share
        self.rates.append(rate)
        for _, optimizer in with_learning_rate(self.model.optimizer):
            optimizer.learning_rate = rate

    def on_train_batch_end(self, batch: int, logs: Logs = None) -> None:
        tracker = self.model._training.tracker
        total, count = float(tracker.total), float(tracker.count)
        rows = count - self._sums[1]
        self.losses.append((total - self._sums[0]) / rows if rows else math.nan)
        self._sums = (total, count)
        self._mean = _SMOOTHING * self._mean + (1 - _SMOOTHING) * self.losses[-1]
        self.smoothed.append(self._mean / (1 - _SMOOTHING ** len(self.losses)))
        best = min(self.smoothed)
        exploded = not math.isfinite(self.losses[-1]) or (
            len(self.losses) > _FEWEST and self.smoothed[-1] > self.factor * best > 0
        )
        if exploded or len(self.losses) >= self.steps:
            self.model.stop_training = True

    def on_train_end(self, logs: Logs = None) -> None:
        if len(self.losses) < self.steps and not self.model.stop_training:
            warnings.warn(
                f"LearningRateFinder: fit ended after {len(self.losses)} of {self.steps} steps; the "
                "highest rates were not tried. More epochs have more batches.",
                stacklevel=2,
            )
        for variable, value in self._kept:
            variable.assign(value)
        self._kept = []
        python_random.setstate(self._random)
        recorded = getattr(self.model.history, "history", None)
        if recorded is not None:
            recorded.clear()

    @property
    def suggestion(self) -> float | None:
        """The rate at which the smoothed loss falls fastest over the logarithm of the rate."""
        smooth = np.array(self.smoothed, "float64")
        known = int(np.isfinite(smooth).sum())
        if known < _FEWEST:
            return None
        last = int(smooth[:known].argmin())
        # Over a tenth of the steps, so that one batch's luck is no slope.
        reach = max(2, self.steps // 10)
        falls = smooth[reach : last + 1] - smooth[: max(0, last + 1 - reach)]
        if not falls.size or falls.min() >= 0:
            return None
        return self.rates[int(falls.argmin()) + reach // 2]

    def plot(self, path: Any = None) -> Any:
        """The loss over the learning rate, and the suggestion.

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
            Before the test has run.
        """
        if not self.losses:
            raise ValueError("LearningRateFinder.plot: expected a test that has run, got no steps")
        figure = new_figure("LearningRateFinder.plot", (7, 4))
        axis = figure.subplots()
        rates = self.rates[: len(self.losses)]
        axis.plot(rates, self.losses, ".", color="#9dbad0", markersize=4, label="of a batch")
        axis.plot(rates, self.smoothed, color="#2a6f97", linewidth=2, label="smoothed")
        # What was before the fall is seen, the explosion only as far as that.
        finite = [x for x in self.smoothed if math.isfinite(x)] or [0.0]
        before = finite[: finite.index(min(finite)) + 1]
        low = min(x for x in (*finite, *self.losses) if math.isfinite(x))
        high = max(before) + 0.2 * (max(before) - low)
        pad = 0.08 * (high - low) or 0.1
        axis.set(xscale="log", xlabel="learning rate", ylabel="loss", ylim=(low - pad, high + pad))
        axis.set_title("range test")
        if self.suggestion is not None:
            text = f"falls fastest at {self.suggestion:.1e}"
            axis.axvline(self.suggestion, color="#bc4b32", linestyle="--", label=text)
        axis.grid(alpha=0.25)
        for side in ("top", "right"):
            axis.spines[side].set_visible(False)
        axis.legend(frameon=False)
        if path is not None:
            figure.savefig(path, dpi=130)
        return figure
