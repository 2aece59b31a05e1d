"""`check_optimizer`: a user's optimizer."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import Any

import numpy as np

from chainrule import optimizers
from chainrule.optimizers import Optimizer
from chainrule.testing import common
from chainrule.testing.making import check_kind, global_floats, new, rebuilt
from chainrule.testing.report import CheckReport, LeftOut, Wrong, told
from chainrule.testing.runs import Array, State, Subject, bits
from chainrule.tracing.variable import Variable

__all__ = ["check_optimizer"]

_SHAPES = ((3, 4), (4,), (4,))
_STEPS = 4


def check_optimizer(
    optimizer: Optimizer | str | Callable[[], Optimizer],
    *,
    shapes: Sequence[tuple[int, ...]] = _SHAPES,
    by_variable: bool = True,
    dtypes: Iterable[str] = common.DTYPES,
    threads: Iterable[int] = common.THREADS,
    seed: int = 0,
) -> CheckReport:
    """Check an optimizer on variables and gradients drawn at random.

    The lines of the report: a step, twice, compiled and eagerly, gives the same bits in the variables
    and in the optimizer's own, and changes Variables alone, step after step; 100 steps down a
    quadratic bowl bring the loss down; twice the learning rate makes another step; gradients of zero
    leave finite numbers; each variable is updated as if it were alone; the optimizer that
    `from_config` makes goes on with the same bits from the saved state; the same bits for every number
    of threads; a gradient of a wrong shape is refused and changes nothing.

    Parameters
    ----------
    optimizer : Optimizer, str or callable
        An optimizer, of which copies are checked; a name; or a function without arguments that gives
        a new one.
    shapes : sequence of tuple of int
        Of the variables. Default: a matrix and two vectors of one length.
    by_variable : bool
        False where one variable's gradient counts for others, as with `global_clipnorm`. Default True.
    dtypes, threads, seed
        As in `check_layer`.

    Returns
    -------
    CheckReport
        ``assert report.ok, str(report)`` in a test.

    Raises
    ------
    TypeError
        `optimizer` is none of these.
    ValueError
        An unknown name, or no shape.

    Examples
    --------
    >>> from chainrule import ops, optimizers
    >>> class Ascent(optimizers.Optimizer):
    ...     def __init__(self, learning_rate=0.01, **kwargs):
    ...         super().__init__(learning_rate=learning_rate, **kwargs)
    ...     def update_step(self, gradient, variable, learning_rate):
    ...         self.assign_add(variable, gradient * ops.cast(learning_rate, variable.dtype))
    >>> check_optimizer(Ascent).wrong
    ['descent']
    """
    given: Any = optimizers.get(optimizer) if isinstance(optimizer, str) else optimizer
    check_kind(given, Optimizer, "check_optimizer")
    if not shapes:
        raise ValueError("check_optimizer: expected the shape of a variable, got none")
    name = optimizer if isinstance(optimizer, str) else _name(optimizer)
    report = CheckReport(name)
    for dtype in dtypes:
        with global_floats(dtype):
            checks = _OptimizerChecks(report, given, [tuple(s) for s in shapes], dtype, seed)
            if report.run("call", dtype, checks.begin):
                checks.run(by_variable, list(threads))
    return report


def _name(optimizer: Any) -> str:
    return getattr(optimizer, "__name__", type(optimizer).__name__)


class _OptimizerChecks:
    """The checks of an optimizer in one dtype."""

    def __init__(
        self, report: CheckReport, given: Any, shapes: list[tuple[int, ...]], dtype: str, seed: int
    ) -> None:
        self.report, self.given, self.shapes, self.dtype = report, given, shapes, dtype
        generator = np.random.default_rng(seed)
        self.start = [generator.standard_normal(shape).astype(dtype) for shape in shapes]
        self.gradients = [
            [generator.standard_normal(shape).astype(dtype) for shape in shapes]
            for _ in range(_STEPS)
        ]

    def _fresh(self) -> tuple[Optimizer, list[Variable]]:
        """A new optimizer, built for new variables."""
        return self._built(new(self.given, Optimizer, "check_optimizer"))

    def _built(self, optimizer: Optimizer) -> tuple[Optimizer, list[Variable]]:
        weights = [Variable(x, name=f"weight_{i}") for i, x in enumerate(self.start)]
        optimizer.build(weights)
        return optimizer, weights

    def begin(self) -> str:
        """Make the optimizer and take a first step."""
        optimizer, weights = self._fresh()
        self.optimizer, self.weights = self._fresh()
        optimizer.apply(self.gradients[0], weights)
        for weight, before in zip(weights, self.start):
            value = weight.numpy()
            if value.dtype != self.dtype or not np.isfinite(value).all():
                raise Wrong(f"expected finite numbers in {self.dtype}, got {value.dtype} {value}")
            if bits(value) == bits(before):
                raise Wrong(f"a step leaves the variable of shape {value.shape} as it was")
        self.state = State([*self.weights, *self.optimizer.variables])
        return f"{len(self.optimizer.variables)} variables of its own"

    def run(self, by_variable: bool, threads: list[int]) -> None:
        """Add all other lines."""
        optimizer, weights = self.optimizer, self.weights
        at = iter(self.gradients[1:])

        def step(*gradients: Any) -> list[Any]:
            optimizer.apply(list(gradients), weights)
            return []

        names = [f"gradient {i}" for i in range(len(weights))]
        subject = Subject(
            self.report.subject, step, names, weights, owners=[optimizer], fixed=frozenset(names)
        )
        standard = common.Standard(
            self.report,
            subject,
            self.state,
            self.gradients,
            self.dtype,
            nudge=lambda: optimizer.apply(next(at), weights),
        )
        if not standard.calls():
            return
        standard.line("descent", self._descent)
        standard.line("learning rate", self._learning_rate)
        standard.line("zero gradient", self._zero_gradient)
        standard.line("each variable", lambda: self._each(by_variable))
        standard.line("config", self._config)
        standard.threads(threads)
        standard.line("refusal", self._refusal)

    def _after(
        self, optimizer: Optimizer, weights: list[Variable], gradients: list[list[Array]]
    ) -> list[Array]:
        for batch in gradients:
            optimizer.apply(batch, weights)
        return [w.numpy() for w in weights]

    def _descent(self) -> str:
        """``sum |w|^2 / 2``, whose gradient is w."""
        optimizer, weights = self._fresh()
        losses = []
        for _ in range(101):
            values = [w.numpy() for w in weights]
            losses.append(sum(float(np.sum(np.square(x))) / 2 for x in values))
            optimizer.apply(values, weights)
        if not losses[-1] < losses[0]:
            raise Wrong(f"100 steps down a bowl take the loss from {losses[0]:.6g} to {losses[-1]:.6g}")
        return f"100 steps down a bowl: {losses[0]:.4g} to {losses[-1]:.4g}"

    def _learning_rate(self) -> str:
        optimizer, weights = self._fresh()
        if not isinstance(getattr(optimizer, "_learning_rate", None), Variable):
            raise LeftOut("the learning rate is a schedule")
        once = self._after(optimizer, weights, self.gradients[:1])
        optimizer, weights = self._fresh()
        optimizer.learning_rate = 2 * float(optimizer._learning_rate)
        twice = self._after(optimizer, weights, self.gradients[:1])
        if all(bits(a) == bits(b) for a, b in zip(once, twice)):
            raise Wrong("twice the learning rate makes the same step")
        return "counts"

    def _zero_gradient(self) -> str:
        optimizer, weights = self._fresh()
        zeros = [np.zeros(shape, self.dtype) for shape in self.shapes]
        for value in self._after(optimizer, weights, [zeros, zeros]):
            if not np.isfinite(value).all():
                raise Wrong("gradients of zero make NaN or infinity: is there an epsilon?")
        return "finite"

    def _each(self, by_variable: bool) -> str:
        if not by_variable:
            raise LeftOut("one variable's gradient counts for others")
        together = self._after(*self._fresh(), self.gradients)
        for number, (value, expected) in enumerate(zip(self.start, together)):
            optimizer = new(self.given, Optimizer, "check_optimizer")
            weight = Variable(value, name=f"weight_{number}")
            optimizer.build([weight])
            (alone,) = self._after(optimizer, [weight], [[g[number]] for g in self.gradients])
            if bits(alone) != bits(expected):
                apart = common.where(expected, alone, ("with others", "alone"))
                raise Wrong(f"variable {number} of shape {value.shape}: {apart}. Do variables share state?")
        return f"{len(together)} variables, each by itself"

    def _config(self) -> str:
        optimizer, weights = self._fresh()
        other, theirs = self._built(rebuilt(optimizer))
        ours, own = ([tuple(v.shape) for v in x.variables] for x in (optimizer, other))
        if ours != own:
            raise Wrong(f"expected variables of shapes {ours}, the configuration makes {own}")
        half = _STEPS // 2
        self._after(optimizer, weights, self.gradients[:half])
        store: dict[str, Any] = {}
        optimizer.save_own_variables(store)
        other.load_own_variables(store)
        for w, v in zip(theirs, weights):
            w.assign(v.numpy())
        a = self._after(optimizer, weights, self.gradients[half:])
        b = self._after(other, theirs, self.gradients[half:])
        for x, y in zip(a, b):
            if bits(x) != bits(y):
                apart = common.where(x, y, ("it gives", "the one of its configuration and state"))
                raise Wrong(f"after {half} steps and as many more: {apart}")
        return f"the same configuration, and the same bits from the state after {half} steps"

    def _refusal(self) -> str:
        wrong = [np.zeros((*shape, 2), self.dtype) for shape in self.shapes]
        for what, gradients in (
            ("gradients of another shape", [*self.gradients[0][:-1], wrong[-1]]),
            ("one gradient less", self.gradients[0][:-1]),
        ):
            before = self.state.read()
            try:
                self.optimizer.apply(gradients, self.weights)
            except Exception as error:
                for variable, a, b in zip(self.state.variables, before, self.state.read()):
                    if bits(a) != bits(b):
                        self.state.write(before)
                        raise Wrong(
                            f"{what} ({told(error)}): refused after '{variable.path}' has changed"
                        ) from error
            else:
                self.state.write(before)
                raise Wrong(f"{what}: expected an exception, got none")
        return "gradients of another shape, and too few"
