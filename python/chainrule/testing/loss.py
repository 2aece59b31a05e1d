"""`check_loss`: a user's loss."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

import numpy as np

from chainrule import losses
from chainrule.losses import Loss, LossFunctionWrapper
from chainrule.losses.loss import squeeze_or_expand_to_same_rank
from chainrule.testing import common
from chainrule.testing.function import shuffled
from chainrule.testing.making import check_kind, global_floats, makes_one, new, rebuilt
from chainrule.testing.report import CheckReport, LeftOut, Wrong
from chainrule.testing.runs import Array, State, Subject, bits, traced_loss

__all__ = ["check_loss"]

# Losses in float32 and in another order of summation.
_CLOSE = {"float32": 1e-5, "float64": 1e-12}


def check_loss(
    loss: Loss | str | Callable[..., Any],
    y_true: Any,
    y_pred: Any,
    *,
    by_row: bool = True,
    dtypes: Iterable[str] = common.DTYPES,
    threads: Iterable[int] = common.THREADS,
    tolerance: float | None = None,
    seed: int = 0,
) -> CheckReport:
    """Check a loss at given targets and predictions.

    The lines of the report: the value is one finite number; the same call twice, compiled and eagerly,
    gives the same bits; the gradient by the predictions against the NumPy reference and, in float64,
    against finite differences; value and gradient are finite where the predictions are the targets;
    one value a row, which depends on that row alone and is weighed by `sample_weight`; a batch of 1;
    the same bits for every number of threads; the loss that `from_config` makes gives the same bits;
    strings and targets of another number of rows are refused.

    Parameters
    ----------
    loss : Loss, str or callable
        A loss; a name; a function ``f(y_true, y_pred)``; or a function without arguments that gives a
        new loss (a class, or ``lambda: Mine(3)``).
    y_true, y_pred : array-like (rows, ...)
        Two rows or more. Floats are cast to each of `dtypes`.
    by_row : bool
        False for a loss that compares rows with each other, which the line `rows` then leaves out.
        Default True.
    dtypes, threads, tolerance, seed
        As in `check_layer`.

    Returns
    -------
    CheckReport
        ``assert report.ok, str(report)`` in a test.

    Raises
    ------
    TypeError
        `loss` is none of these.
    ValueError
        An unknown name, or fewer than two rows.

    Examples
    --------
    >>> import numpy as np
    >>> from chainrule import ops
    >>> def distance(y_true, y_pred):
    ...     return ops.sqrt(ops.sum(ops.square(y_true - y_pred), axis=-1))
    >>> report = check_loss(distance, np.zeros((3, 2)), np.ones((3, 2)))
    >>> print(next(check for check in report.checks if check.verdict == "WRONG"))
    at the target (float32): the gradient is not finite where the predictions are the targets
    """
    if isinstance(loss, str) or (isinstance(loss, type) and issubclass(loss, Loss)):
        given: Any = losses.get(loss)
    else:
        given = loss
    if callable(given) and not isinstance(given, Loss) and not makes_one(given):
        function = given
        given = lambda: LossFunctionWrapper(function, name=getattr(function, "__name__", None))
    true, pred = np.asarray(y_true), np.asarray(y_pred)
    if true.ndim == 0 or pred.ndim == 0 or len(pred) < 2:
        raise ValueError(
            f"check_loss: expected two rows or more, got y_true {true.shape}, y_pred {pred.shape}"
        )
    check_kind(given, Loss, "check_loss")
    report = CheckReport(_name(loss))
    for dtype in dtypes:
        with global_floats(dtype):
            arrays = [x.astype(dtype) if x.dtype.kind == "f" else x for x in (true, pred)]
            checks = _LossChecks(report, new(given, Loss, "check_loss"), arrays, dtype, seed)
            checks.run(by_row, list(threads), tolerance)
    return report


def _name(loss: Any) -> str:
    return loss if isinstance(loss, str) else getattr(loss, "__name__", type(loss).__name__)


class _LossChecks:
    """The checks of a loss in one dtype."""

    def __init__(
        self, report: CheckReport, loss: Loss, arrays: list[Array], dtype: str, seed: int
    ) -> None:
        self.report, self.loss, self.arrays, self.dtype = report, loss, arrays, dtype
        self.generator = np.random.default_rng(seed)
        self.state = State([])
        self.subject = Subject(
            report.subject, loss, ["y_true", "y_pred"], owners=[loss], fixed=frozenset({"y_true"})
        )

    def run(self, by_row: bool, threads: list[int], tolerance: float | None) -> None:
        """Add all lines."""
        others = shuffled(self.arrays, self.generator)
        standard = common.Standard(
            self.report, self.subject, self.state, [self.arrays, others], self.dtype
        )
        if not standard.line("call", self._call) or not standard.calls():
            return
        standard.gradient(tolerance)
        standard.line("at the target", self._at_the_target)
        standard.line("rows", lambda: self._rows(by_row))
        standard.line("sample weights", lambda: self._sample_weights(by_row))
        standard.line("batch of 1", self._batch_of_one)
        standard.threads(threads)
        standard.line("config", self._config)
        standard.line("refusal", self._refusal)

    def _value(self, *arrays: Any, **more: Any) -> Array:
        return np.asarray(self.loss(*arrays, **more))

    def _call(self) -> str:
        value = self._value(*self.arrays)
        if value.dtype != self.dtype:
            raise Wrong(f"expected a value in {self.dtype}, got {value.dtype}")
        if self.loss.reduction not in (None, "none") and value.shape != ():
            raise Wrong(f"expected one number, got the shape {value.shape}")
        if not np.isfinite(value).all():
            raise Wrong(f"expected a finite value, got {value}")
        return f"{value}" if value.shape == () else f"{value.shape} {value.dtype}"

    def _values(self, true: Any, pred: Any) -> Array:
        """What the loss gives before weights and reduction."""
        return np.asarray(self.loss.call(true, pred))

    def _at_the_target(self) -> str:
        true, pred = self.arrays
        if true.shape != pred.shape or true.dtype != pred.dtype:
            raise LeftOut("targets are no predictions")
        traced = traced_loss(self.subject, [true, true], np.random.default_rng(1))
        if traced is None:
            raise LeftOut("nothing to differentiate by")
        for what, found in zip(("value", "gradient"), traced.computed):
            if not np.isfinite(found).all():
                raise Wrong(f"the {what} is not finite where the predictions are the targets")
        return "value and gradient are finite"

    def _rows(self, by_row: bool) -> str:
        true, pred = self.arrays
        values = self._values(true, pred)
        if values.shape[:1] != (len(pred),):
            raise LeftOut("one number for all rows, which `sample_weight` cannot tell apart")
        if not by_row:
            raise LeftOut("rows are compared with each other")
        for i in range(len(pred)):
            alone = self._values(true[i : i + 1], pred[i : i + 1])
            if alone.shape != (1, *values.shape[1:]):
                raise Wrong(
                    f"expected values of shape {(1, *values.shape[1:])} for a row, got {alone.shape}"
                )
            if not self._close(alone[0], values[i]):
                raise Wrong(
                    f"the value of row {i} is {values[i]} among the others and {alone[0]} alone: "
                    "`call` gives a value for each row, and the reduction comes after it"
                )
        return f"{len(pred)} rows, each by itself"

    def _sample_weights(self, by_row: bool) -> str:
        true, pred = self.arrays
        plain = self._value(true, pred)
        ones = self._value(true, pred, sample_weight=np.ones(len(pred), self.dtype))
        if not self._close(plain, ones):
            raise Wrong(f"weights of 1 change the value from {plain} to {ones}")
        values = self._values(true, pred)
        is_mean = self.loss.reduction in ("sum_over_batch_size", "mean")
        if not (by_row and is_mean) or values.shape[:1] != (len(pred),):
            return "weights of 1 change nothing"
        weights = np.arange(len(pred)).astype(self.dtype)
        spread, factors = squeeze_or_expand_to_same_rank(values, weights)
        expected = np.mean(np.asarray(spread) * _like(np.asarray(factors), np.asarray(spread)))
        got = self._value(true, pred, sample_weight=weights)
        if not self._close(expected, got):
            raise Wrong(f"expected the mean of weight times value {expected}, got {got}")
        return "the mean of weight times value"

    def _batch_of_one(self) -> str:
        one = [x[:1] for x in self.arrays]
        return f"{common.same_compiled(self.subject, one, self.state).outputs[0]}"

    def _config(self) -> str:
        if type(self.loss) is LossFunctionWrapper:
            raise LeftOut("a function has no configuration")
        other = rebuilt(self.loss)
        ours, theirs = self._value(*self.arrays), np.asarray(other(*self.arrays))
        if bits(ours) != bits(theirs):
            raise Wrong(f"the loss gives {ours}, the one of its configuration {theirs}")
        return "the same configuration and bits"

    def _refusal(self) -> str:
        true, pred = self.arrays
        more = np.concatenate([true, true[: 1 if len(pred) == 2 else 2]])
        for what, targets in (
            ("strings", np.full(true.shape, "a")),
            (f"{len(more)} rows of targets for {len(pred)} of predictions", more),
        ):
            try:
                value = self._value(targets, pred)
            except Exception:
                continue
            raise Wrong(f"{what}: expected an exception, got {value}")
        return "strings and another number of rows"

    def _close(self, a: Any, b: Any) -> bool:
        return bool(np.allclose(a, b, rtol=_CLOSE[self.dtype], atol=_CLOSE[self.dtype]))


def _like(weights: Array, values: Array) -> Array:
    return weights.reshape(weights.shape + (1,) * (values.ndim - weights.ndim))
