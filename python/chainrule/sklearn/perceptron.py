"""What both perceptrons have in common: arguments, the way from data to a solver, attributes."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from chainrule.sklearn.package import (
    BaseEstimator,
    check_is_fitted,
    check_random_state,
    check_sample_weight,
    train_test_split,
    validate_data,
)
from chainrule.sklearn.parameters import STOCHASTIC, check_parameters, layer_sizes
from chainrule.sklearn.programs import Descent, Predictions
from chainrule.sklearn.rows import Rows
from chainrule.sklearn.solvers import Held, descend, make_descent, quasi_newton
from chainrule.sklearn.threads import share_threads

__all__ = ["Perceptron", "is_stochastic"]

Array = NDArray[Any]

_FLOATS = (np.float64, np.float32)


def is_stochastic(estimator: Any) -> bool:
    """Whether the solver goes by epochs, so that there is a `partial_fit`.

    Raises
    ------
    AttributeError
        For "lbfgs".
    """
    if estimator.solver not in STOCHASTIC:
        raise AttributeError(
            f"partial_fit: expected a solver of {list(STOCHASTIC)}, got {estimator.solver!r}"
        )
    return True


class Perceptron(BaseEstimator):  # type: ignore[misc]
    """The estimator under both; see `MLPClassifier` for the arguments."""

    loss: str

    def __init__(
        self,
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
        self.hidden_layer_sizes = hidden_layer_sizes
        self.activation = activation
        self.solver = solver
        self.alpha = alpha
        self.batch_size = batch_size
        self.learning_rate = learning_rate
        self.learning_rate_init = learning_rate_init
        self.power_t = power_t
        self.max_iter = max_iter
        self.shuffle = shuffle
        self.random_state = random_state
        self.tol = tol
        self.verbose = verbose
        self.warm_start = warm_start
        self.momentum = momentum
        self.nesterovs_momentum = nesterovs_momentum
        self.early_stopping = early_stopping
        self.validation_fraction = validation_fraction
        self.beta_1 = beta_1
        self.beta_2 = beta_2
        self.epsilon = epsilon
        self.n_iter_no_change = n_iter_no_change
        self.max_fun = max_fun

    # What a perceptron of one kind says of its targets.

    def _targets(self, y: Any, is_new: bool) -> Array:
        """Targets as the core takes them: (N, C), or class numbers (N,)."""
        raise NotImplementedError

    def _out_activation(self) -> str:
        raise NotImplementedError

    def _number_of_outputs(self, targets: Array) -> int:
        raise NotImplementedError

    def _score_of(self, targets: Array, outputs: Array, weight: Array | None) -> float:
        """Of outputs beside targets of `_targets`."""
        raise NotImplementedError

    def _stratified(self) -> bool:
        """Whether what is held out has the shares of the classes."""
        return False

    # --- fitting -------------------------------------------------------------------------------

    def _fit(self, X: Any, y: Any, sample_weight: Any, once: bool) -> Any:
        name = type(self).__name__
        check_parameters(name, self.get_params(deep=False))
        if once and self.early_stopping:
            raise ValueError(f"{name}: partial_fit: expected early_stopping=False, got True")
        is_new = not hasattr(self, "coefs_") or not (self.warm_start or once)
        X, y = validate_data(
            self,
            X,
            y,
            accept_sparse="csr",
            multi_output=True,
            y_numeric=self._has_numbers,
            dtype=_FLOATS,
            order="C",
            reset=is_new,
        )
        if sample_weight is not None:
            sample_weight = check_sample_weight(sample_weight, X, dtype=X.dtype)
        targets = self._targets(y, is_new)
        random = check_random_state(self.random_state)
        if is_new:
            self._start(X, targets, random)
        dtype = self.coefs_[0].dtype
        kind = dtype if targets.dtype.kind == "f" else targets.dtype
        rows = Rows(X.astype(dtype, copy=False), np.ascontiguousarray(targets, kind), sample_weight)
        share_threads()
        if self.solver in STOCHASTIC:
            self._descend(rows, random, once)
        else:
            quasi_newton(self, rows)
        if not all(np.isfinite(w).all() for w in (*self.coefs_, *self.intercepts_)):
            raise ValueError(
                f"{name}: expected finite weights, got others: scale the data, or take a smaller "
                "learning_rate_init"
            )
        return self

    def _start(self, X: Any, targets: Array, random: Any) -> None:
        """New weights, uniform within Glorot & Bengio's bound, and empty records."""
        self.n_outputs_ = self._number_of_outputs(targets)
        sizes = layer_sizes(X.shape[1], self.hidden_layer_sizes, self.n_outputs_)
        self.n_layers_ = len(sizes)
        self.out_activation_ = self._out_activation()
        self.n_iter_ = self.t_ = 0
        self._predictions = Predictions()
        factor = 2.0 if self.activation == "logistic" else 6.0
        self.coefs_: list[Array] = []
        self.intercepts_: list[Array] = []
        for inputs, units in zip(sizes, sizes[1:]):
            bound = np.sqrt(factor / (inputs + units))
            kernel = random.uniform(-bound, bound, (inputs, units))
            self.coefs_.append(kernel.astype(X.dtype, copy=False))
            bias = random.uniform(-bound, bound, units)
            self.intercepts_.append(bias.astype(X.dtype, copy=False))
        if self.solver not in STOCHASTIC:
            return
        self.loss_curve_: list[float] = []
        self._no_improvement_count = 0
        self.validation_scores_: list[float] | None = [] if self.early_stopping else None
        self.best_validation_score_ = -np.inf if self.early_stopping else None
        self.best_loss_ = None if self.early_stopping else np.inf

    def _descend(self, rows: Rows, random: Any, once: bool) -> None:
        descent: Descent | None = getattr(self, "_descent", None)
        if not once or descent is None:
            self._descent = descent = make_descent(self)
        else:
            descent.write([*self.coefs_, *self.intercepts_])
        held = None
        if self.early_stopping:
            rows, held = self._held_out(rows, random)
        descend(self, descent, rows, held, random, once)

    def _held_out(self, rows: Rows, random: Any) -> tuple[Rows, Held]:
        """Rows for training, and the score of the others."""
        arrays = [rows.x, rows.y] if rows.weight is None else [rows.x, rows.y, rows.weight]
        found = train_test_split(
            *arrays,
            random_state=random,
            test_size=self.validation_fraction,
            stratify=rows.y if self._stratified() else None,
        )
        if found[1].shape[0] < 2:
            raise ValueError(
                f"{type(self).__name__}: validation_fraction: expected at least 2 rows to be held "
                f"out, got {found[1].shape[0]} of {len(rows)}"
            )
        weight, held_weight = found[4:] or (None, None)

        def score(coefs: list[Array], intercepts: list[Array]) -> float:
            outputs = self._outputs(found[1], coefs, intercepts)
            if not np.isfinite(outputs).all():
                return float("nan")
            return self._score_of(found[3], outputs, held_weight)

        return Rows(found[0], found[2], weight), Held(score)

    # --- predicting ----------------------------------------------------------------------------

    def _outputs(self, x: Any, coefs: list[Array], intercepts: list[Array]) -> Array:
        return self._predictions(x, coefs, intercepts, self.activation, self.out_activation_)

    def _predict_outputs(self, X: Any) -> Array:
        """(N, C) of the last layer's activation."""
        check_is_fitted(self)
        X = validate_data(self, X, accept_sparse="csr", dtype=_FLOATS, order="C", reset=False)
        share_threads()
        return self._outputs(X, self.coefs_, self.intercepts_)

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.input_tags.sparse = True
        return tags

    _has_numbers = False
