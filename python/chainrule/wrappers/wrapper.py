"""What the three wrappers have in common: the model that is fitted, and its arguments."""

from __future__ import annotations

import copy
from typing import Any

import numpy as np
from numpy.typing import NDArray

from chainrule.models import Model, clone_model
from chainrule.sklearn.package import (
    BaseEstimator,
    check_is_fitted,
    get_config,
    type_of_target,
    validate_data,
)
from chainrule.sklearn.threads import share_threads

__all__ = ["Wrapper"]

Array = NDArray[Any]


class Wrapper(BaseEstimator):  # type: ignore[misc]
    """A model as an estimator; see `SKLearnClassifier` for the arguments."""

    def __init__(
        self,
        model: Any,
        warm_start: bool = False,
        model_kwargs: dict[str, Any] | None = None,
        fit_kwargs: dict[str, Any] | None = None,
    ) -> None:
        self.model = model
        self.warm_start = warm_start
        self.model_kwargs = model_kwargs
        self.fit_kwargs = fit_kwargs

    def fit(self, X: Any, y: Any, **kwargs: Any) -> Any:
        """Train a model on numbers X (N, K) and targets y (N,).

        Parameters
        ----------
        X, y : array-like
        **kwargs
            Of `Model.fit`; they go before `fit_kwargs`.

        Returns
        -------
        The estimator.

        Raises
        ------
        ValueError
            Data that scikit-learn's checks refuse.
        TypeError
            Neither a model nor a function as `model`, or a function that returns something else.
        RuntimeError
            A model that is not compiled with a loss and an optimizer.
        """
        X, y = validate_data(self, X, y)
        y = self._encoded(y)
        model = self._model_for(X, y)
        share_threads()
        self.history_ = model.fit(X, y, **{**(self.fit_kwargs or {}), **kwargs})
        self.model_ = model
        return self

    def _model_for(self, X: Array, y: Array) -> Model:
        """The model to fit: a new one, or with `warm_start` the one of the fit before."""
        name = type(self).__name__
        if self.warm_start and hasattr(self, "model_"):
            return self._compiled(self.model_)
        if isinstance(self.model, Model):
            model = self._compiled(self.model)
            if self.warm_start:
                return model
            return clone_model(model)
        if not callable(self.model):
            raise TypeError(
                f"{name}: model: expected a Model, or a function that returns one, got {self.model!r}"
            )
        made = self.model(X=X, y=y, **(self.model_kwargs or {}))
        if not isinstance(made, Model):
            raise TypeError(
                f"{name}: model: expected a function that returns a Model, got {made!r}"
            )
        return self._compiled(made)

    def _compiled(self, model: Model) -> Model:
        if not model.compiled or not model.loss or not model.optimizer:
            raise RuntimeError(
                f"{type(self).__name__}: expected a compiled model with a loss and an optimizer, got "
                f"model '{model.name}' with loss={getattr(model, 'loss', None)!r} and "
                f"optimizer={model.optimizer!r}"
            )
        return model

    def _encoded(self, y: Array) -> Array:
        """Targets as the model gets them: (N, 1)."""
        if type_of_target(y) == "unknown":
            raise ValueError(
                f"{type(self).__name__}: Unknown label type: expected numbers, got {y!r}"
            )
        return y.reshape(-1, 1)

    def _answers(self, X: Any) -> Array:
        """What the fitted model predicts."""
        check_is_fitted(self)
        X = validate_data(self, X, reset=False)
        share_threads()
        found: Array = self.model_.predict(X, verbose=0)
        return found

    @property
    def epoch_(self) -> int:
        """Epochs of the last fit."""
        return len(self.history_.epoch) if hasattr(self, "history_") else 0

    def set_fit_request(self, **kwargs: Any) -> Any:
        """Say which metadata `fit` takes: True, False, None, or the name by which they come.

        Raises
        ------
        RuntimeError
            Unless ``sklearn.set_config(enable_metadata_routing=True)``.
        """
        if not get_config().get("enable_metadata_routing"):
            raise RuntimeError(
                f"{type(self).__name__}.set_fit_request: expected "
                "sklearn.set_config(enable_metadata_routing=True), got the default"
            )
        requests = self.get_metadata_routing()
        for name, alias in kwargs.items():
            requests.fit.add_request(param=name, alias=alias)
        self._metadata_request = requests
        return self

    def __sklearn_clone__(self) -> Any:
        """The same arguments: copies, but for functions."""
        is_model = isinstance(self.model, Model)
        copied = type(self)(
            model=copy.deepcopy(self.model) if is_model else self.model,
            warm_start=self.warm_start,
            model_kwargs=copy.deepcopy(self.model_kwargs),
            fit_kwargs=copy.deepcopy(self.fit_kwargs),
        )
        if hasattr(self, "_metadata_request"):
            copied._metadata_request = copy.deepcopy(self._metadata_request)
        return copied

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.non_deterministic = True
        return tags


def squeezed(found: Array) -> Array:
    """(N, 1) as (N,), the rest as it is."""
    return np.squeeze(found, axis=1) if found.ndim == 2 and found.shape[1] == 1 else found
