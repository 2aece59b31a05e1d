"""The compiled programs of a perceptron: steps of descent, sums of gradients, predictions."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from chainrule import _core, ops
from chainrule.optimizers import Optimizer
from chainrule.sklearn import network
from chainrule.sklearn.rows import Rows
from chainrule.tracing.function import function
from chainrule.tracing.trace import Trace
from chainrule.tracing.turns import tracing
from chainrule.tracing.variable import Variable

__all__ = ["Descent", "Gradients", "Predictions"]

Array = NDArray[Any]

# Rows of a block in which gradients are summed, or predictions made.
_BLOCK = 1024


class _Held:
    """The numbers of a perceptron in the core, and programs that read rows of data.

    Parameters
    ----------
    coefs, intercepts : sequence of array
    activation, out : str
        scikit-learn's names.
    """

    def __init__(
        self, coefs: Sequence[Array], intercepts: Sequence[Array], activation: str, out: str
    ) -> None:
        self.activation = activation
        self.out = out
        self.coefs = [Variable(w, dtype=w.dtype.name) for w in coefs]
        self.intercepts = [Variable(b, dtype=b.dtype.name) for b in intercepts]
        self.dtype = self.coefs[0].dtype
        # In float64, as the losses of many batches are added up.
        self.total = Variable(0.0, dtype="float64")
        self._programs: dict[Any, _core.Program] = {}

    def __getstate__(self) -> dict[str, Any]:
        return {**self.__dict__, "_programs": {}}

    @property
    def variables(self) -> list[Variable]:
        """Matrices, then biases."""
        return [*self.coefs, *self.intercepts]

    def write(self, values: Sequence[Array]) -> None:
        """Take these numbers, in the order of `variables`."""
        for variable, value in zip(self.variables, values):
            variable.assign(value)

    def read(self) -> tuple[list[Array], list[Array]]:
        """Copies of the matrices and of the biases."""
        return [w.numpy() for w in self.coefs], [b.numpy() for b in self.intercepts]

    def run(self, rows: Rows, size: int, order: Array | None, alpha: float) -> float:
        """All batches through the program; what it adds to `total`."""
        self.total.assign(0.0)
        for piece in rows.pieces(size, order):
            self._program(rows, piece.size, alpha).epoch(*piece, [])
        return float(self.total.numpy())

    def _program(self, rows: Rows, size: int, alpha: float) -> _core.Program:
        kind = (size, rows.y.shape[1:], rows.y.dtype, rows.weight is None, alpha)
        with tracing:
            if kind not in self._programs:
                self._programs[kind] = self._compile(rows, size, alpha)
            return self._programs[kind]

    def _compile(self, rows: Rows, size: int, alpha: float) -> _core.Program:
        with Trace() as trace:
            x = trace.input("X", (size, self.coefs[0].shape[0]), self.dtype)
            y = trace.input("y", (size, *rows.y.shape[1:]), rows.y.dtype.name)
            weight = None
            if rows.weight is not None:
                weight = trace.input("sample_weight", (size,), self.dtype)
            parameters = [trace.lift(v.value) for v in self.variables]
            coefs = parameters[: len(self.coefs)]
            z = network.forward(x, coefs, parameters[len(coefs) :], self.activation)
            minimised, told = network.loss(z, y, weight, self.out)
            if alpha:
                decay = network.penalty(coefs, alpha)
                minimised, told = ops.add(minimised, decay), ops.add(told, decay)
            self._update(trace, parameters, minimised, told, size if weight is None else weight)
            return trace.compile([])

    def _update(
        self, trace: Trace, parameters: list[Any], minimised: Any, told: Any, weight: Any
    ) -> None:
        raise NotImplementedError

    def _count(self, told: Any) -> None:
        self.total.assign_add(ops.cast(told, "float64"))


class Descent(_Held):
    """Stochastic gradient descent: a batch is a step.

    Parameters
    ----------
    coefs, intercepts, activation, out
        As of the base.
    make : callable
        Gives an optimizer of a learning rate, which is a function of nothing.
    rate : float
        The learning rate at first.
    """

    def __init__(
        self,
        coefs: Sequence[Array],
        intercepts: Sequence[Array],
        activation: str,
        out: str,
        make: Callable[[Callable[[], Variable]], Optimizer],
        rate: float,
    ) -> None:
        super().__init__(coefs, intercepts, activation, out)
        self.rate = Variable(rate, dtype=self.dtype)
        self.optimizer = make(self._current_rate)
        self.optimizer.build(self.variables)

    def _current_rate(self) -> Variable:
        return self.rate

    def epoch(self, rows: Rows, size: int, order: Array | None, alpha: float) -> float:
        """Steps through all rows; the mean loss of a row."""
        return self.run(rows, size, order, alpha) / len(rows)

    def _update(
        self, trace: Trace, parameters: list[Any], minimised: Any, told: Any, weight: Any
    ) -> None:
        """``w <- step(d minimised / d w / sum(weight))``."""
        rows = weight if isinstance(weight, int) else weight.shape[0]
        total = weight if isinstance(weight, int) else ops.sum(weight)
        gradients = trace.gradients(ops.divide(minimised, total), parameters)
        self.optimizer.apply(gradients, self.variables)
        self._count(ops.multiply(ops.divide(told, total), rows))


class Gradients(_Held):
    """Loss and gradients over all rows, summed block by block."""

    def __init__(
        self, coefs: Sequence[Array], intercepts: Sequence[Array], activation: str, out: str
    ) -> None:
        super().__init__(coefs, intercepts, activation, out)
        self.sums = [Variable(np.zeros(v.shape, v.dtype)) for v in self.variables]

    def __call__(self, rows: Rows, alpha: float) -> tuple[float, list[Array]]:
        """``(sum of losses + penalty) / sum of weights``, and its gradients."""
        for total in self.sums:
            total.assign(np.zeros(total.shape, total.dtype))
        weight = float(len(rows) if rows.weight is None else rows.weight.sum())
        # The penalty is counted once, not a time for each block.
        told = self.run(rows, min(_BLOCK, len(rows)), None, 0.0)
        gradients = [total.numpy() for total in self.sums]
        for i, kernel in enumerate(self.coefs):
            values = kernel.numpy()
            told += 0.5 * alpha * float(np.vdot(values, values))
            gradients[i] = gradients[i] + alpha * values
        return told / weight, [g / weight for g in gradients]

    def _update(
        self, trace: Trace, parameters: list[Any], minimised: Any, told: Any, weight: Any
    ) -> None:
        for total, gradient in zip(self.sums, trace.gradients(minimised, parameters)):
            total.assign_add(gradient)
        self._count(told)


class Predictions:
    """The outputs for rows of data, block by block.

    Blocks are powers of two, so that few programs serve any number of rows.
    """

    def __init__(self) -> None:
        self._outputs = function(network.outputs)

    def __reduce__(self) -> Any:
        """A copy compiles its programs anew."""
        return Predictions, ()

    def __call__(
        self, x: Any, coefs: Sequence[Array], intercepts: Sequence[Array], activation: str, out: str
    ) -> Array:
        """(N, C) for an array or a sparse matrix (N, K)."""
        rows = x.shape[0]
        result = np.empty((rows, intercepts[-1].shape[0]), coefs[0].dtype)
        start = 0
        while start < rows:
            end = start + min(_BLOCK, 1 << ((rows - start).bit_length() - 1))
            block = x[start:end] if isinstance(x, np.ndarray) else x[start:end].toarray()
            block = block.astype(result.dtype, copy=False)
            result[start:end] = self._outputs(
                block, tuple(coefs), tuple(intercepts), activation, out
            )
            start = end
        return result
