"""SKLearnTransformer: what a model makes of data, as a step of a pipeline."""

from __future__ import annotations

from typing import Any

import numpy as np

from chainrule.sklearn.package import ClassNamePrefixFeaturesOutMixin, TransformerMixin
from chainrule.wrappers.wrapper import Array, Wrapper

__all__ = ["SKLearnTransformer"]


class SKLearnTransformer(
    ClassNamePrefixFeaturesOutMixin,  # type: ignore[misc]
    TransformerMixin,  # type: ignore[misc]
    Wrapper,
):
    """A model as a transformer of scikit-learn (not one of attention).

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
    Keras's `keras.wrappers.SKLearnTransformer`. Different from it, the columns have names
    (`get_feature_names_out`), so that ``set_output(transform="pandas")`` gives tables.

    Examples
    --------
    >>> import numpy as np, chainrule as keras
    >>> model = keras.Sequential([keras.Input((2,)), keras.layers.Dense(1)])
    >>> model.compile("adam", "mse")
    >>> x = np.ones((8, 2))
    >>> wrapped = keras.wrappers.SKLearnTransformer(model, fit_kwargs={"verbose": 0})
    >>> wrapped.fit(x, x[:, 0]).transform(x).shape
    (8, 1)
    """

    def transform(self, X: Any) -> Array:
        """What the model gives for X (N, K)."""
        return self._answers(X)

    @property
    def _n_features_out(self) -> int:
        """Numbers a row, for the names of columns."""
        return int(np.prod(self.model_.compute_output_shape((1, self.n_features_in_))[1:]))

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.transformer_tags.preserves_dtype = []
        return tags
