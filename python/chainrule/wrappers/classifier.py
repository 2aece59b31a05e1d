"""SKLearnClassifier: a model of classes as an estimator."""

from __future__ import annotations

from typing import Any

import numpy as np

from chainrule.sklearn.package import ClassifierMixin, type_of_target
from chainrule.wrappers.wrapper import Array, Wrapper

__all__ = ["SKLearnClassifier"]


class SKLearnClassifier(ClassifierMixin, Wrapper):  # type: ignore[misc]
    """A model as a classifier of scikit-learn.

    The model gets numbers (N, K), and for labels (N,) of C classes a row of 0 and 1 each, float64 (N, C);
    it gives a number for each class, and the class of the largest one is predicted.

    Parameters
    ----------
    model : Model or callable
        A compiled model, of which each `fit` trains a copy with new weights; or a function of ``X``, ``y``
        and `model_kwargs` by name that returns a compiled model.
    warm_start : bool
        Train the model itself, and go on with its weights in the next `fit`. Default False.
    model_kwargs : dict, optional
        For the function.
    fit_kwargs : dict, optional
        For `Model.fit`, as ``{"epochs": 5, "verbose": 0}``.

    Attributes
    ----------
    model_ : Model
        The fitted one.
    history_ : History
        What its `fit` returned.
    classes_ : array
        (C,), sorted.
    n_features_in_, feature_names_in_
        As scikit-learn's.

    Raises
    ------
    ImportError
        Without scikit-learn 1.6 (``pip install 'chainrule[sklearn]'``).

    References
    ----------
    Keras's `keras.wrappers.SKLearnClassifier`. Different from it, a clone keeps `fit_kwargs`, and
    `warm_start` does what Keras says of it.

    Examples
    --------
    >>> import numpy as np, chainrule as keras
    >>> def make(X, y, units=8):
    ...     model = keras.Sequential([
    ...         keras.layers.Dense(units, "relu"), keras.layers.Dense(y.shape[1], "softmax")
    ...     ])
    ...     model.compile("adam", "categorical_crossentropy")
    ...     return model
    >>> x = np.arange(40.0).reshape(20, 2) / 40
    >>> y = ["low"] * 10 + ["high"] * 10
    >>> options = {"epochs": 200, "verbose": 0}
    >>> model = keras.wrappers.SKLearnClassifier(make, model_kwargs={"units": 4}, fit_kwargs=options)
    >>> model.fit(x, y).predict(x[:2]).shape
    (2,)
    """

    def predict(self, X: Any) -> Array:
        """The labels (N,) with the largest output, for X (N, K)."""
        found = self._answers(X)
        if found.ndim != 2 or found.shape[1] != len(self.classes_):
            raise ValueError(
                f"SKLearnClassifier: expected a model with {len(self.classes_)} outputs, one for each of "
                f"the classes, got outputs of shape {found.shape}"
            )
        labels: Array = self.classes_[found.argmax(axis=1)]
        return labels

    def decision_function(self, X: Any) -> Array:
        """The model's outputs (N, C) for X (N, K)."""
        return self._answers(X)

    def _encoded(self, y: Array) -> Array:
        kind = type_of_target(y)
        if kind not in ("binary", "multiclass"):
            raise ValueError(
                "SKLearnClassifier: Unknown label type: Only binary and multiclass targets are "
                f"supported, got {kind}"
            )
        self.classes_ = np.unique(y)
        if len(self.classes_) == 1:
            raise ValueError(
                "SKLearnClassifier: Classifier can't train when only one class is present: "
                f"{self.classes_[0]!r}"
            )
        return np.asarray(y[:, None] == self.classes_, np.float64)

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.classifier_tags.poor_score = True
        return tags
