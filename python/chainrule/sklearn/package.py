"""What is used of scikit-learn; without it, an error that names the extra."""

from __future__ import annotations

try:
    from sklearn import get_config
    from sklearn.base import (
        BaseEstimator,
        ClassifierMixin,
        ClassNamePrefixFeaturesOutMixin,
        RegressorMixin,
        TransformerMixin,
    )
    from sklearn.exceptions import ConvergenceWarning
    from sklearn.metrics import accuracy_score, r2_score
    from sklearn.model_selection import train_test_split
    from sklearn.preprocessing import LabelBinarizer
    from sklearn.utils import check_random_state, column_or_1d
    from sklearn.utils.metaestimators import available_if
    from sklearn.utils.multiclass import type_of_target, unique_labels
    from sklearn.utils.validation import (
        _check_sample_weight as check_sample_weight,
    )
    from sklearn.utils.validation import check_is_fitted, validate_data
except ImportError as error:
    raise ImportError(
        "chainrule.sklearn and chainrule.wrappers need scikit-learn 1.6 or newer: "
        "pip install 'chainrule[sklearn]'"
    ) from error

__all__ = [
    "BaseEstimator",
    "ClassNamePrefixFeaturesOutMixin",
    "ClassifierMixin",
    "ConvergenceWarning",
    "LabelBinarizer",
    "RegressorMixin",
    "TransformerMixin",
    "accuracy_score",
    "available_if",
    "check_is_fitted",
    "check_random_state",
    "check_sample_weight",
    "column_or_1d",
    "get_config",
    "r2_score",
    "train_test_split",
    "type_of_target",
    "unique_labels",
    "validate_data",
]
