"""SKLearnRegressor: a model of numbers as an estimator."""

from __future__ import annotations

from typing import Any

from chainrule.sklearn.package import RegressorMixin
from chainrule.wrappers.wrapper import Array, Wrapper, squeezed

__all__ = ["SKLearnRegressor"]


class SKLearnRegressor(RegressorMixin, Wrapper):  # type: ignore[misc]
    """A model as a regressor of scikit-learn: y (N,) is given to it as (N, 1).

    Parameters
    ----------
    model, warm_start, model_kwargs, fit_kwargs
        As of `SKLearnClassifier`.

    Attributes
    ----------
    model_, history_
        As of `SKLearnClassifier`.

    Raises
    ------
    ImportError
        Without scikit-learn 1.6 (``pip install 'chainrule[sklearn]'``).

    References
    ----------
    Keras's `keras.wrappers.SKLearnRegressor`.

    Examples
    --------
    >>> import numpy as np, chainrule as keras
    >>> model = keras.Sequential([keras.Input((2,)), keras.layers.Dense(1)])
    >>> model.compile("adam", "mse")
    >>> x = np.ones((8, 2))
    >>> wrapped = keras.wrappers.SKLearnRegressor(model, fit_kwargs={"verbose": 0})
    >>> wrapped.fit(x, x[:, 0]).predict(x).shape
    (8,)
    """

    def predict(self, X: Any) -> Array:
        """What the model gives for X (N, K): (N,) of one output."""
        return squeezed(self._answers(X))

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.regressor_tags.poor_score = True
        return tags
