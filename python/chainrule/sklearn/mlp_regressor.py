"""MLPRegressor: dense layers whose last one gives numbers."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from chainrule.sklearn.package import RegressorMixin, available_if, column_or_1d, r2_score
from chainrule.sklearn.perceptron import Perceptron, is_stochastic

__all__ = ["MLPRegressor"]

Array = NDArray[Any]


class MLPRegressor(RegressorMixin, Perceptron):  # type: ignore[misc]
    """A multi-layer perceptron for numbers: scikit-learn's arguments and numerics, trained in the core.

    Minimises ``sum(w * l) / sum(w) + alpha / (2 * sum(w)) * sum(coefs ** 2)`` of a batch, where l is
    ``(y - f(x)) ** 2 / 2``, or with "poisson" ``exp(z) - y * z`` of the last layer's z, whose output
    is ``exp(z)``.

    Parameters
    ----------
    loss : {"squared_error", "poisson"}
        Default "squared_error".
    hidden_layer_sizes, activation, solver, ...
        As of `MLPClassifier`.

    Attributes
    ----------
    validation_scores_, best_validation_score_
        R2 of the rows held out, an epoch each, and the best.
    coefs_, intercepts_, loss_curve_, ...
        As of `MLPClassifier`.

    Raises
    ------
    ValueError
        Before anything is fitted: arguments out of range, X and y that are not numbers or of different
        lengths, negative y with "poisson". After it: weights that are not finite.
    ImportError
        Without scikit-learn 1.6 (``pip install 'chainrule[sklearn]'``).

    References
    ----------
    scikit-learn's `sklearn.neural_network.MLPRegressor`, whose results for the same `random_state`
    these are but for rounding.

    Examples
    --------
    >>> import numpy as np
    >>> from chainrule.sklearn import MLPRegressor
    >>> x = np.linspace(-1, 1, 200)[:, None]
    >>> model = MLPRegressor(solver="lbfgs", random_state=0)
    >>> round(model.fit(x, x[:, 0] ** 2).score(x, x[:, 0] ** 2), 2)
    1.0
    """

    _has_numbers = True

    def __init__(
        self,
        loss: str = "squared_error",
        hidden_layer_sizes: Any = (100,),
        activation: str = "relu",
        *,
        solver: str = "adam",
        alpha: float = 0.0001,
        batch_size: Any = "auto",
        learning_rate: str = "constant",
        learning_rate_init: float = 0.001,
        power_t: float = 0.5,
        max_iter: int = 200,
        shuffle: bool = True,
        random_state: Any = None,
        tol: float = 1e-4,
        verbose: Any = False,
        warm_start: bool = False,
        momentum: float = 0.9,
        nesterovs_momentum: bool = True,
        early_stopping: bool = False,
        validation_fraction: float = 0.1,
        beta_1: float = 0.9,
        beta_2: float = 0.999,
        epsilon: float = 1e-8,
        n_iter_no_change: float = 10,
        max_fun: int = 15000,
    ) -> None:
        super().__init__(
            hidden_layer_sizes,
            activation,
            solver=solver,
            alpha=alpha,
            batch_size=batch_size,
            learning_rate=learning_rate,
            learning_rate_init=learning_rate_init,
            power_t=power_t,
            max_iter=max_iter,
            shuffle=shuffle,
            random_state=random_state,
            tol=tol,
            verbose=verbose,
            warm_start=warm_start,
            momentum=momentum,
            nesterovs_momentum=nesterovs_momentum,
            early_stopping=early_stopping,
            validation_fraction=validation_fraction,
            beta_1=beta_1,
            beta_2=beta_2,
            epsilon=epsilon,
            n_iter_no_change=n_iter_no_change,
            max_fun=max_fun,
        )
        self.loss = loss

    def fit(self, X: Any, y: Any, sample_weight: Any = None) -> MLPRegressor:
        """Train until it has converged, or for `max_iter` epochs.

        Parameters
        ----------
        X : array or sparse matrix
            (N, K). float32 trains in float32, all else in float64; a sparse matrix is written out some
            batches at a time.
        y : array
            (N,), or (N, C) for several targets.
        sample_weight : array, optional
            (N,).

        Returns
        -------
        MLPRegressor
        """
        return self._fitted(X, y, sample_weight, once=False)

    @available_if(is_stochastic)  # type: ignore[untyped-decorator]
    def partial_fit(self, X: Any, y: Any, sample_weight: Any = None) -> MLPRegressor:
        """Train one more epoch; arguments as of `fit`."""
        return self._fitted(X, y, sample_weight, once=True)

    def _fitted(self, X: Any, y: Any, sample_weight: Any, once: bool) -> MLPRegressor:
        self._fit(X, y, sample_weight, once)
        return self

    def predict(self, X: Any) -> Array:
        """Numbers (N,), or (N, C) of several targets, for X (N, K)."""
        found = self._predict_outputs(X)
        return found.ravel() if found.shape[1] == 1 else found

    def _targets(self, y: Any, is_new: bool) -> Array:
        if y.ndim == 2 and y.shape[1] == 1:
            y = column_or_1d(y, warn=True)
        found: Array = np.asarray(y, np.float64).reshape(len(y), -1)
        if self.loss == "poisson" and (found < 0).any():
            raise ValueError(
                f"MLPRegressor: y: expected no negative number with loss='poisson', got {found.min()}"
            )
        if not is_new and found.shape[1] != self.n_outputs_:
            raise ValueError(
                f"MLPRegressor: y: expected {self.n_outputs_} targets, as before, got {found.shape[1]}"
            )
        return found

    def _number_of_outputs(self, targets: Array) -> int:
        return int(targets.shape[1])

    def _out_activation(self) -> str:
        return "exp" if self.loss == "poisson" else "identity"

    def _score_of(self, targets: Array, outputs: Array, weight: Array | None) -> float:
        return float(r2_score(targets, outputs, sample_weight=weight))

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.target_tags.multi_output = True
        return tags
