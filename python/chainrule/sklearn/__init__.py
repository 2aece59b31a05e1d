"""Estimators for scikit-learn: multi-layer perceptrons with its own arguments, trained in the core."""

from __future__ import annotations

from typing import TYPE_CHECKING

from chainrule.base.namespace import late, publish

if TYPE_CHECKING or not late(globals()):
    from chainrule.sklearn.mlp_classifier import MLPClassifier as MLPClassifier
    from chainrule.sklearn.mlp_regressor import MLPRegressor as MLPRegressor

publish(globals())
