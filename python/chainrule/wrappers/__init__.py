"""Models as estimators of scikit-learn."""

from __future__ import annotations

from typing import TYPE_CHECKING

from chainrule.base.namespace import late, publish

if TYPE_CHECKING or not late(globals()):
    from chainrule.wrappers.classifier import SKLearnClassifier as SKLearnClassifier
    from chainrule.wrappers.regressor import SKLearnRegressor as SKLearnRegressor
    from chainrule.wrappers.transformer import SKLearnTransformer as SKLearnTransformer

publish(globals())
