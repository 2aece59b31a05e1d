"""`check_metric`: a user's metric."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterable
from typing import Any

import numpy as np

from chainrule import metrics
from chainrule.base import tree
from chainrule.metrics import MeanMetricWrapper, Metric
from chainrule.testing import common
from chainrule.testing.function import shuffled
from chainrule.testing.making import check_kind, global_floats, makes_one, new, rebuilt
from chainrule.testing.report import CheckReport, LeftOut, Wrong, told
from chainrule.testing.runs import Array, State, Subject, bits

__all__ = ["check_metric"]

_CLOSE = {"float32": 1e-5, "float64": 1e-12}


def check_metric(
    metric: Metric | str | Callable[..., Any],
    *arrays: Any,
    by_batch: bool = True,
    dtypes: Iterable[str] = common.DTYPES,
    threads: Iterable[int] = common.THREADS,
    seed: int = 0,
) -> CheckReport:
    """Check a metric on one batch of what its `update_state` takes.

    The lines of the report: update and result, twice, compiled and eagerly, give the same bits, and
    change Variables alone; `reset_state` makes it as new; the result does not depend on how rows are
    cut into batches; weights of 1 change nothing, and a row of weight 0 does not count; a batch of 1;
    the same bits for every number of threads; the metric that `from_config` makes gives the same bits;
    what is refused changes no variable.

    Parameters
    ----------
    metric : Metric, str or callable
        A metric, of which copies are checked; a name; a function ``f(y_true, y_pred)``, of which the
        mean is taken; or a function without arguments that gives a new metric.
    *arrays : array-like (rows, ...)
        The arguments of `update_state`, as y_true and y_pred; three rows or more.
    by_batch : bool
        False for a metric whose result depends on the batches by its purpose. Default True.
    dtypes, threads, seed
        As in `check_layer`.

    Returns
    -------
    CheckReport
        ``assert report.ok, str(report)`` in a test.

    Raises
    ------
    TypeError
        `metric` is none of these.
    ValueError
        An unknown name, no array, or fewer than three rows.

    Examples
    --------
    >>> import numpy as np
    >>> from chainrule import metrics, ops
    >>> class LastMean(metrics.Metric):
    ...     def __init__(self, name="last_mean", **kwargs):
    ...         super().__init__(name=name, **kwargs)
    ...         self.mean = self.add_variable((), "zeros", name="mean")
    ...     def update_state(self, values):
    ...         self.mean.assign(ops.mean(values))
    ...     def result(self):
    ...         return ops.convert_to_tensor(self.mean)
    >>> check_metric(LastMean, np.array([1.0, 2.0, 6.0])).wrong
    ['batches']
    """
    given: Any = metrics.get(metric) if isinstance(metric, str) else metric
    name = metric if isinstance(metric, str) else getattr(metric, "__name__", type(metric).__name__)
    if callable(given) and not isinstance(given, Metric) and not makes_one(given):
        function = given
        given = lambda: MeanMetricWrapper(function, name=name.strip("<>"))
    check_kind(given, Metric, "check_metric")
    batch = [np.asarray(x) for x in arrays]
    rows = {x.shape[:1] for x in batch}
    if len(rows) != 1 or next(iter(rows)) in ((), (0,), (1,), (2,)):
        shapes = ", ".join(str(x.shape) for x in batch)
        raise ValueError(f"check_metric: expected arrays of three rows or more, got {shapes or 'none'}")
    report = CheckReport(name)
    for dtype in dtypes:
        with global_floats(dtype):
            cast = [x.astype(dtype) if x.dtype.kind == "f" else x for x in batch]
            checks = _MetricChecks(report, given, cast, dtype, seed)
            if report.run("call", dtype, checks.begin):
                checks.run(by_batch, list(threads))
    return report


class _MetricChecks:
    """The checks of a metric in one dtype."""

    metric: Metric

    def __init__(
        self, report: CheckReport, given: Any, arrays: list[Array], dtype: str, seed: int
    ) -> None:
        self.report, self.given, self.arrays, self.dtype = report, given, arrays, dtype
        self.others = shuffled(arrays, np.random.default_rng(seed))

    def begin(self) -> str:
        """Make the metric and its variables, and take a first result."""
        self.metric = new(self.given, Metric, "check_metric")
        self.metric(*self.arrays)
        self.metric.reset_state()
        self.state = State(self.metric.variables)
        self.fresh = self.state.read()
        result = self._result(self.metric, [self.arrays])
        return ", ".join(f"{x} {x.dtype}" if x.shape == () else f"{x.shape} {x.dtype}" for x in result)

    def run(self, by_batch: bool, threads: list[int]) -> None:
        """Add all other lines."""
        metric = self.metric

        def call(*tensors: Any) -> Any:
            metric.update_state(*tensors)
            return metric.result()

        names = [f"argument {i}" for i in range(len(self.arrays))]
        subject = Subject(
            self.report.subject, call, names, metric.variables, owners=[metric], fixed=frozenset(names)
        )
        standard = common.Standard(
            self.report,
            subject,
            self.state,
            [self.arrays, self.others, self.arrays],
            self.dtype,
            nudge=lambda: metric.update_state(*self.others),
        )
        if not standard.calls():
            return
        standard.line("reset_state", self._reset)
        standard.line("batches", lambda: self._batches(by_batch))
        standard.line("sample weights", lambda: self._sample_weights(by_batch))
        standard.line("batch of 1", self._batch_of_one)
        standard.threads(threads)
        standard.line("config", self._config)
        standard.line("refusal", self._refusal)

    def _result(self, metric: Metric, batches: Iterable[list[Array]], **more: Any) -> list[Array]:
        """The result over batches; the metric is as new before and behind."""
        state = State(metric.variables)
        with state.kept():
            for batch in batches:
                metric.update_state(*batch, **more)
            return [np.array(x) for x in tree.flatten(metric.result()) if x is not None]

    def _reset(self) -> str:
        new_one = new(self.given, Metric, "check_metric")
        with self.state.kept():
            self.metric.update_state(*self.others)
            self.metric.reset_state()
            for variable, value in zip(self.state.variables, self.state.read()):
                fresh = {v.name: v.numpy() for v in new_one.variables}.get(variable.name)
                if fresh is not None and bits(fresh) != bits(value):
                    raise Wrong(f"variable '{variable.path}' is {value} and was {fresh} when new")
            again = self._result(self.metric, [self.arrays])
        self._same(self._result(self.metric, [self.arrays]), again, "before", "after reset_state")
        return "as new"

    def _batches(self, by_batch: bool) -> str:
        if not by_batch:
            raise LeftOut("the result depends on the batches by its purpose")
        whole = self._result(self.metric, [self.arrays])
        parts = [[x[:1] for x in self.arrays], [x[1:] for x in self.arrays]]
        self._close(whole, self._result(self.metric, parts), "of one batch", "of a row and the rest")
        return "the same for one batch, and for a row and the rest"

    def _sample_weights(self, by_batch: bool) -> str:
        if "sample_weight" not in inspect.signature(self.metric.update_state).parameters:
            raise LeftOut("`update_state` takes no `sample_weight`")
        rows = len(self.arrays[0])
        plain = self._result(self.metric, [self.arrays])
        ones = np.ones(rows, self.dtype)
        weighed = self._result(self.metric, [self.arrays], sample_weight=ones)
        self._close(plain, weighed, "without weights", "with weights of 1")
        if not by_batch:
            return "weights of 1 change nothing"
        ones[0] = 0
        less = self._result(self.metric, [[x[1:] for x in self.arrays]])
        weighed = self._result(self.metric, [self.arrays], sample_weight=ones)
        self._close(less, weighed, "without a row", "with weight 0 for it")
        return "weights of 1 change nothing, and weight 0 leaves a row out"

    def _batch_of_one(self) -> str:
        one = self._result(self.metric, [[x[:1] for x in self.arrays]])
        return ", ".join(str(x) if x.shape == () else str(x.shape) for x in one)

    def _config(self) -> str:
        if type(self.metric) is MeanMetricWrapper:
            raise LeftOut("a function has no configuration")
        other = rebuilt(self.metric)
        other(*self.arrays)
        other.reset_state()
        ours, theirs = (self._result(m, [self.arrays, self.others]) for m in (self.metric, other))
        self._same(ours, theirs, "the metric", "the one of its configuration")
        return "the same configuration and bits"

    def _refusal(self) -> str:
        first, rest = self.arrays[0], self.arrays[1:]
        attempts: dict[str, list[Any]] = {"strings": [np.full(first.shape, "a"), *rest]}
        if rest:
            attempts["another number of rows"] = [np.concatenate([first, first[:2]]), *rest]
        for what, arrays in attempts.items():
            try:
                self.metric.update_state(*arrays)
            except Exception as error:
                for variable, value, before in zip(
                    self.state.variables, self.state.read(), self.fresh
                ):
                    if bits(value) != bits(before):
                        self.state.write(self.fresh)
                        raise Wrong(
                            f"{what} ({told(error)}): refused after variable '{variable.path}' has "
                            "changed"
                        ) from error
            else:
                self.state.write(self.fresh)
                raise Wrong(f"{what}: expected an exception, got none")
        return f"{' and '.join(attempts)}; nothing changed"

    def _same(self, a: list[Array], b: list[Array], one: str, other: str) -> None:
        for x, y in zip(a, b, strict=True):
            if bits(x) != bits(y):
                raise Wrong(f"the result: {common.where(x, y, (one, other))}")

    def _close(self, a: list[Array], b: list[Array], one: str, other: str) -> None:
        near = _CLOSE[self.dtype]
        for x, y in zip(a, b, strict=True):
            if not np.allclose(x, y, rtol=near, atol=near, equal_nan=True):
                raise Wrong(f"the result is {x} {one}, and {y} {other}")
