"""The solvers: epochs of descent that stop as scikit-learn's do, and L-BFGS of SciPy."""

from __future__ import annotations

import importlib
import warnings
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np
from numpy.typing import NDArray

from chainrule.optimizers import SGD, Adam, Optimizer
from chainrule.sklearn.package import ConvergenceWarning
from chainrule.sklearn.programs import Descent, Gradients
from chainrule.sklearn.rows import Rows

__all__ = ["Held", "descend", "make_descent", "quasi_newton"]

Array = NDArray[Any]

# An adaptive rate is divided until it is as small as that.
_SMALLEST_RATE = 1e-6
_DIVISOR = 5.0


@dataclass(frozen=True)
class Held:
    """What is held out of training, and how its score is found of (coefs, intercepts)."""

    score: Callable[[list[Array], list[Array]], float]


def make_descent(estimator: Any) -> Descent:
    """The descent of an estimator's solver, from its weights."""
    make: Callable[..., Optimizer]
    if estimator.solver == "sgd":
        momentum, nesterov = float(estimator.momentum), bool(estimator.nesterovs_momentum)
        make = partial(SGD, momentum=momentum, nesterov=nesterov)
    else:
        make = partial(
            Adam,
            beta_1=float(estimator.beta_1),
            beta_2=float(estimator.beta_2),
            epsilon=float(estimator.epsilon),
        )
    return Descent(
        estimator.coefs_,
        estimator.intercepts_,
        estimator.activation,
        estimator.out_activation_,
        make,
        float(estimator.learning_rate_init),
    )


def descend(
    estimator: Any, descent: Descent, rows: Rows, held: Held | None, random: Any, once: bool
) -> None:
    """Train epoch by epoch, until the loss, or the score of what is held out, no longer improves.

    Sets what changes from epoch to epoch: `n_iter_`, `t_`, `loss_`, `loss_curve_`, the best values,
    and at the end `coefs_` and `intercepts_`. Ctrl-C ends training with a warning.

    Parameters
    ----------
    random : RandomState
        Gives the order of the rows.
    once : bool
        A single epoch, of `partial_fit`.
    """
    size = _batch_size(estimator, len(rows))
    order = np.arange(len(rows), dtype=np.int64)
    best = None if held is None else descent.read()
    estimator.n_iter_ = 0
    try:
        for _ in range(1 if once else estimator.max_iter):
            if estimator.shuffle:
                # As `sklearn.utils.shuffle` draws, which takes longer than a small epoch.
                drawn = np.arange(len(rows))
                random.shuffle(drawn)
                order = order[drawn]
            chosen = order if estimator.shuffle else None
            loss = descent.epoch(rows, size, chosen, float(estimator.alpha))
            _note_epoch(estimator, loss, len(rows))
            if held is None:
                _note_loss(estimator, loss)
            else:
                weights = descent.read()
                if _note_score(estimator, held.score(*weights)):
                    best = weights
            if estimator.solver == "sgd" and estimator.learning_rate == "invscaling":
                rate = estimator.learning_rate_init / (estimator.t_ + 1) ** estimator.power_t
                descent.rate.assign(rate)
            if estimator._no_improvement_count > estimator.n_iter_no_change:
                if _is_over(estimator, descent, held is not None):
                    break
                estimator._no_improvement_count = 0
        else:
            if not once:
                _warn(
                    f"{type(estimator).__name__}: max_iter={estimator.max_iter} iterations are over, "
                    "and the optimization has not converged yet.",
                    ConvergenceWarning,
                )
    except KeyboardInterrupt:
        _warn("Training interrupted by user.", UserWarning)
    estimator.coefs_, estimator.intercepts_ = descent.read() if best is None else best


def _batch_size(estimator: Any, rows: int) -> int:
    if estimator.batch_size == "auto":
        return min(200, rows)
    if estimator.batch_size > rows:
        _warn(
            f"batch_size={estimator.batch_size}: {rows} are taken, as many as there are rows",
            UserWarning,
        )
    return min(int(estimator.batch_size), rows)


def _warn(text: str, kind: type[Warning]) -> None:
    warnings.warn(text, kind, stacklevel=6)


def _note_epoch(estimator: Any, loss: float, rows: int) -> None:
    estimator.n_iter_ += 1
    estimator.t_ += rows
    estimator.loss_ = loss
    estimator.loss_curve_.append(loss)
    if estimator.verbose:
        print(f"Iteration {estimator.n_iter_}, loss = {loss:.8f}")


def _note_loss(estimator: Any, loss: float) -> None:
    if loss > estimator.best_loss_ - estimator.tol:
        estimator._no_improvement_count += 1
    else:
        estimator._no_improvement_count = 0
    estimator.best_loss_ = min(loss, estimator.best_loss_)


def _note_score(estimator: Any, score: float) -> bool:
    """Whether it is the best so far."""
    estimator.validation_scores_.append(score)
    if estimator.verbose:
        print(f"Validation score: {score:f}")
    if score < estimator.best_validation_score_ + estimator.tol:
        estimator._no_improvement_count += 1
    else:
        estimator._no_improvement_count = 0
    if not score > estimator.best_validation_score_:
        return False
    estimator.best_validation_score_ = score
    return True


def _is_over(estimator: Any, descent: Descent, has_scores: bool) -> bool:
    """Whether training stops, now that nothing improves: an adaptive rate is made smaller first."""
    what = "validation score" if has_scores else "training loss"
    text = f"No better {what} by more than tol={estimator.tol:f} in {estimator.n_iter_no_change} epochs."
    over, then = True, "Stopping."
    if estimator.solver == "sgd" and estimator.learning_rate == "adaptive":
        rate = float(descent.rate.numpy())
        over = rate <= _SMALLEST_RATE
        then = "The learning rate is too small. Stopping." if over else f"Rate: {rate / _DIVISOR:g}"
        if not over:
            descent.rate.assign(rate / _DIVISOR)
    if estimator.verbose:
        print(f"{text} {then}")
    return over


def quasi_newton(estimator: Any, rows: Rows) -> None:
    """L-BFGS (`scipy.optimize`), with loss and gradients of the core over all rows at once.

    Sets `n_iter_`, `loss_`, `coefs_` and `intercepts_`.
    """
    optimize: Any = importlib.import_module("scipy.optimize")
    gradients = Gradients(
        estimator.coefs_, estimator.intercepts_, estimator.activation, estimator.out_activation_
    )
    shapes = [v.shape for v in gradients.variables]
    ends = np.cumsum([int(np.prod(shape)) for shape in shapes])[:-1]
    alpha = float(estimator.alpha)

    def unpacked(vector: Array) -> list[Array]:
        parts = np.split(vector.astype(gradients.dtype), ends)
        return [part.reshape(shape) for part, shape in zip(parts, shapes)]

    def value_and_gradient(vector: Array) -> tuple[float, Array]:
        gradients.write(unpacked(vector))
        value, found = gradients(rows, alpha)
        return value, np.concatenate([g.ravel() for g in found]).astype(np.float64)

    def tell(intermediate_result: Any) -> None:
        print(f"loss = {intermediate_result.fun:.8f}")

    start = [*estimator.coefs_, *estimator.intercepts_]
    found = optimize.minimize(
        value_and_gradient,
        np.concatenate([w.ravel() for w in start]),
        method="L-BFGS-B",
        jac=True,
        callback=tell if estimator.verbose else None,
        options={
            "maxfun": estimator.max_fun,
            "maxiter": estimator.max_iter,
            "gtol": estimator.tol,
        },
    )
    if found.status != 0:
        _warn(
            f"{type(estimator).__name__}: lbfgs has not converged: {found.message}",
            ConvergenceWarning,
        )
    # Fortran counts one more where it stops for the count.
    estimator.n_iter_ = min(int(found.nit), estimator.max_iter)
    estimator.loss_ = float(found.fun)
    values = unpacked(found.x)
    count = len(estimator.coefs_)
    estimator.coefs_, estimator.intercepts_ = values[:count], values[count:]
