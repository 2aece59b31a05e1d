"""MLPClassifier: dense layers whose last one gives probabilities of classes."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from chainrule.sklearn.package import (
    ClassifierMixin,
    LabelBinarizer,
    accuracy_score,
    available_if,
    column_or_1d,
    type_of_target,
    unique_labels,
)
from chainrule.sklearn.perceptron import Perceptron, is_stochastic

__all__ = ["MLPClassifier"]

Array = NDArray[Any]


class MLPClassifier(ClassifierMixin, Perceptron):  # type: ignore[misc]
    """A multi-layer perceptron for classes: scikit-learn's arguments and numerics, trained in the core.

    Minimises ``sum(w * l) / sum(w) + alpha / (2 * sum(w)) * sum(coefs ** 2)`` of a batch, where l is the
    cross entropy: of a softmax for three classes or more, of a logistic function for two, and of
    one for each label where a row can have several.

    Parameters
    ----------
    hidden_layer_sizes : int or sequence of int
        Units of each layer between inputs and outputs. Default (100,).
    activation : {"identity", "logistic", "tanh", "relu"}
        Of these layers. Default "relu".
    solver : {"adam", "sgd", "lbfgs"}
        Default "adam". "lbfgs" is SciPy's, over all rows at once.
    alpha : float
        Weight of the penalty on the matrices. Default 1e-4.
    batch_size : int or "auto"
        Rows a step; "auto", the default, is ``min(200, N)``.
    learning_rate : {"constant", "invscaling", "adaptive"}
        Of "sgd": `learning_rate_init`; that by ``t ** power_t`` after t rows; or that, by 5 whenever
        nothing improves. Default "constant".
    learning_rate_init, power_t : float
        Default 0.001 and 0.5.
    max_iter : int
        The most epochs, or iterations of "lbfgs". Default 200.
    shuffle : bool
        Draw a new order of the rows each epoch. Default True.
    random_state : int, RandomState or None
        Of the first weights, the rows held out, and the orders.
    tol : float
        What counts as better. Default 1e-4.
    verbose : bool
        Print a line an epoch. Default False.
    warm_start : bool
        Begin `fit` with the weights of the last one. Default False.
    momentum, nesterovs_momentum
        Of "sgd". Default 0.9 and True.
    early_stopping : bool
        Hold rows out, stop when their score does not improve, and keep the best weights. Default
        False: the loss of training decides.
    validation_fraction : float
        The share held out. Default 0.1.
    beta_1, beta_2, epsilon : float
        Of "adam". Default 0.9, 0.999 and 1e-8.
    n_iter_no_change : int
        Epochs without improvement after which training stops. Default 10.
    max_fun : int
        The most evaluations of "lbfgs". Default 15000.

    Attributes
    ----------
    classes_ : array
        (C,).
    coefs_, intercepts_ : list of array
        The matrices (inputs, units) and biases (units,) of the layers.
    loss_, best_loss_, loss_curve_
        The last epoch's mean loss, the smallest, and all of them.
    validation_scores_, best_validation_score_
        With `early_stopping`: accuracy of the rows held out, an epoch each, and the best.
    n_iter_, t_ : int
        Epochs of the last fit, and rows seen.
    n_layers_, n_outputs_, out_activation_, n_features_in_, feature_names_in_
        As scikit-learn's.

    Raises
    ------
    ValueError
        Before anything is fitted: arguments out of range, X that is not of numbers, labels that are
        no classes or, later, not the known ones. After it: weights that are not finite.
    ImportError
        Without scikit-learn 1.6 (``pip install 'chainrule[sklearn]'``).

    References
    ----------
    scikit-learn's `sklearn.neural_network.MLPClassifier`, whose results for the same `random_state`
    these are but for rounding.
    Glorot & Bengio (2010), "Understanding the difficulty of training deep feedforward neural
    networks".

    Examples
    --------
    >>> import numpy as np
    >>> from chainrule.sklearn import MLPClassifier
    >>> x = np.array([[0.0, 0.0], [0.0, 1.0], [1.0, 0.0], [1.0, 1.0]])
    >>> model = MLPClassifier((8,), solver="lbfgs", random_state=1)
    >>> model.fit(x, ["same", "other", "other", "same"]).predict(x).tolist()
    ['same', 'other', 'other', 'same']
    """

    def fit(self, X: Any, y: Any, sample_weight: Any = None) -> MLPClassifier:
        """Train until it has converged, or for `max_iter` epochs.

        Parameters
        ----------
        X : array or sparse matrix
            (N, K). float32 trains in float32, all else in float64; a sparse matrix is written out some
            batches at a time.
        y : array
            Labels (N,): numbers or strings; or 0 and 1 (N, C), of several labels a row.
        sample_weight : array, optional
            (N,).

        Returns
        -------
        MLPClassifier
        """
        self._fit(X, y, sample_weight, once=False)
        return self

    @available_if(is_stochastic)  # type: ignore[untyped-decorator]
    def partial_fit(
        self, X: Any, y: Any, sample_weight: Any = None, classes: Any = None
    ) -> MLPClassifier:
        """Train one more epoch; arguments as of `fit`.

        Parameters
        ----------
        classes : array
            All labels that will come; needed at the first call only.
        """
        if classes is not None:
            known = unique_labels(classes)
            if not hasattr(self, "classes_"):
                is_several = type_of_target(y).startswith("multilabel")
                self._label_binarizer = LabelBinarizer().fit(y if is_several else known)
                self.classes_ = known
            elif not np.array_equal(self.classes_, known):
                raise ValueError(
                    f"MLPClassifier: classes: expected {self.classes_}, as before, got {known}"
                )
        elif not hasattr(self, "classes_"):
            raise ValueError(
                "MLPClassifier: classes must be passed on the first call to partial_fit."
            )
        self._fit(X, y, sample_weight, once=True)
        return self

    def predict(self, X: Any) -> Any:
        """The most probable labels for X (N, K): (N,), or 0 and 1 (N, C) of several a row."""
        return self._labels(self._predict_outputs(X))

    def predict_proba(self, X: Any) -> Array:
        """The probabilities (N, C) of `classes_`, for X (N, K)."""
        found = self._predict_outputs(X)
        return np.hstack([1 - found, found]) if self.n_outputs_ == 1 else found

    def predict_log_proba(self, X: Any) -> Array:
        """The logarithms of `predict_proba`."""
        with np.errstate(divide="ignore"):
            found: Array = np.log(self.predict_proba(X))
        return found

    def _labels(self, outputs: Array) -> Any:
        return self._label_binarizer.inverse_transform(
            outputs.ravel() if self.n_outputs_ == 1 else outputs
        )

    def _targets(self, y: Any, is_new: bool) -> Array:
        if y.ndim == 2 and y.shape[1] == 1:
            y = column_or_1d(y, warn=True)
        is_partial = not hasattr(self, "coefs_") and hasattr(self, "classes_")
        if is_new and not is_partial:
            self._label_binarizer = LabelBinarizer().fit(y)
            self.classes_ = self._label_binarizer.classes_
        else:
            self._check_labels(unique_labels(y))
        found = self._label_binarizer.transform(y)
        if hasattr(found, "toarray"):
            found = found.toarray()
        if self._label_binarizer.y_type_ == "multiclass":
            return np.asarray(np.argmax(found, axis=1), np.int32)
        return np.asarray(found, np.float64)

    def _check_labels(self, labels: Array) -> None:
        """Labels of a fit that goes on: with `warm_start` all of them, else none beside the known."""
        unknown = np.setdiff1d(labels, self.classes_)
        if len(unknown) or (self.warm_start and len(labels) != len(self.classes_)):
            raise ValueError(
                f"MLPClassifier: y: expected the classes {self.classes_} of the fit before, got {labels}"
            )

    def _number_of_outputs(self, targets: Array) -> int:
        return len(self.classes_) if targets.ndim == 1 else int(targets.shape[1])

    def _out_activation(self) -> str:
        return "softmax" if self._label_binarizer.y_type_ == "multiclass" else "logistic"

    def _stratified(self) -> bool:
        return self.n_outputs_ == 1

    def _score_of(self, targets: Array, outputs: Array, weight: Array | None) -> float:
        if targets.ndim == 1:
            found = outputs.argmax(axis=1)
        else:
            found, targets = outputs > 0.5, targets > 0.5
        return float(accuracy_score(targets, found, sample_weight=weight))

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.classifier_tags.multi_label = True
        return tags
