"""Models as estimators of scikit-learn, as Keras wraps them."""

from __future__ import annotations

import pickle
from typing import Any

import numpy as np
import pytest

from tests.extras import need

need("sklearn", "1.6")
from sklearn import config_context
from sklearn.base import clone
from sklearn.datasets import load_iris
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import GridSearchCV
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.utils.estimator_checks import check_estimator

import chainrule as keras
from chainrule.wrappers import SKLearnClassifier, SKLearnRegressor, SKLearnTransformer

X, Y = load_iris(return_X_y=True)
X = (X - X.mean(axis=0)) / X.std(axis=0)
NAMES = np.array(["setosa", "versicolor", "virginica"])[Y]


def make(X: Any, y: Any, loss: str = "mse", activation: str = "linear", units: int = 10) -> Any:
    """A small model, the same for each fit."""
    keras.utils.set_random_seed(1)
    inputs = keras.Input(shape=(X.shape[1],))
    hidden = keras.layers.Dense(units, activation="relu")(inputs)
    model = keras.Model(inputs, keras.layers.Dense(y.shape[1], activation=activation)(hidden))
    model.compile(keras.optimizers.Adam(0.02), loss)
    return model


def classifier(epochs: int = 5, **options: Any) -> Any:
    kwargs = {"loss": "categorical_crossentropy", "activation": "softmax", **options}
    fit_kwargs = {"epochs": epochs, "verbose": 0}
    return SKLearnClassifier(make, model_kwargs=kwargs, fit_kwargs=fit_kwargs)


def regressor() -> Any:
    return SKLearnRegressor(make, fit_kwargs={"epochs": 2, "verbose": 0})


def transformer() -> Any:
    return SKLearnTransformer(make, fit_kwargs={"epochs": 2, "verbose": 0})


# Of the checks that Keras expects its classifier to fail, those that remain: its decision function
# gives two numbers for two classes, and weights of 0 do not keep rows out of the batches.
EXPECTED = {
    "check_classifiers_train": "the decision function gives what the model gives",
    "check_classifiers_classes": "the decision function gives what the model gives",
    "check_classifiers_one_label_sample_weights": "rows of weight 0 are part of batches",
}


@pytest.mark.parametrize("wrapped", [classifier(), regressor(), transformer()], ids=str)
def test_checks_of_scikit_learn_pass(wrapped: Any) -> None:
    expected = EXPECTED if isinstance(wrapped, SKLearnClassifier) else {}
    found = check_estimator(wrapped, expected_failed_checks=expected, on_skip=None, on_fail="raise")
    assert len(found) > 40


def test_labels_go_there_and_back() -> None:
    model = classifier(epochs=60).fit(X, NAMES)
    assert model.score(X, NAMES) > 0.9
    assert model.predict(X[:5]).dtype == NAMES.dtype
    outputs = model.decision_function(X)
    np.testing.assert_array_equal(NAMES, np.array(sorted(set(NAMES)))[Y])
    np.testing.assert_array_equal(model.predict(X), model.classes_[outputs.argmax(axis=1)])
    np.testing.assert_allclose(outputs.sum(axis=1), 1, atol=1e-5)
    assert model.epoch_ == 60 == len(model.history_.history["loss"])


def test_a_model_is_copied_unless_it_is_warm() -> None:
    model = make(X, Y[:, None])
    before = [w.copy() for w in model.get_weights()]
    cold = SKLearnRegressor(model, fit_kwargs={"epochs": 3, "verbose": 0}).fit(X, Y)
    assert cold.model_ is not model
    for a, b in zip(before, model.get_weights()):
        np.testing.assert_array_equal(a, b)
    warm = SKLearnRegressor(model, warm_start=True, fit_kwargs={"epochs": 3, "verbose": 0})
    first = warm.fit(X, Y).history_.history["loss"]
    assert warm.model_ is model
    second = warm.fit(X, Y).history_.history["loss"]
    assert max(second) < min(first)


def test_arguments_of_fit_go_first_and_leave_no_trace() -> None:
    model = regressor()
    model.fit(X, Y, epochs=1)
    assert model.epoch_ == 1 and model.fit_kwargs == {"epochs": 2, "verbose": 0}
    assert model.fit(X, Y).epoch_ == 2


def test_clones_and_pickles() -> None:
    model = classifier().fit(X, NAMES)
    copy = pickle.loads(pickle.dumps(model))
    np.testing.assert_array_equal(copy.decision_function(X), model.decision_function(X))
    fresh = clone(model)
    assert fresh.get_params() == model.get_params() and not hasattr(fresh, "model_")
    own = SKLearnRegressor(make(X, Y[:, None]))
    assert clone(own).model is not own.model


def test_searches_in_several_processes() -> None:
    grid = {"model_kwargs": [{"units": 1}, {"units": 16}]}
    search = GridSearchCV(regressor(), grid, cv=3, n_jobs=2).fit(X, Y)
    here = GridSearchCV(regressor(), grid, cv=3).fit(X, Y)
    np.testing.assert_array_equal(
        search.cv_results_["mean_test_score"], here.cv_results_["mean_test_score"]
    )


def test_a_transformer_in_a_pipeline_names_its_columns() -> None:
    pandas = need("pandas")
    pipe = make_pipeline(StandardScaler(), transformer(), LogisticRegression())
    assert pipe.fit(X, Y).score(X, Y) > 0.3
    table = transformer().set_output(transform="pandas").fit(X, Y).transform(X)
    assert isinstance(table, pandas.DataFrame)
    assert list(table.columns) == ["sklearntransformer0"]


def test_weights_are_routed() -> None:
    weight = np.where(Y == 0, 5.0, 0.1)
    plain = regressor().fit(X, Y, sample_weight=weight)
    with pytest.raises(RuntimeError, match="enable_metadata_routing"):
        regressor().set_fit_request(sample_weight=True)
    with config_context(enable_metadata_routing=True):
        model = regressor().set_fit_request(sample_weight="w")
        routed = make_pipeline(clone(model)).fit(X, Y, w=weight)
    np.testing.assert_array_equal(routed.predict(X), plain.predict(X))


def test_what_cannot_be_wrapped_is_named() -> None:
    with pytest.raises(TypeError, match="model: expected a Model, or a function"):
        SKLearnRegressor("mlp").fit(X, Y)
    with pytest.raises(TypeError, match="expected a function that returns a Model"):
        SKLearnRegressor(lambda X, y: None).fit(X, Y)
    with pytest.raises(RuntimeError, match="expected a compiled model"):
        SKLearnRegressor(keras.Sequential([keras.layers.Dense(1)])).fit(X, Y)
    with pytest.raises(ValueError, match="only one class"):
        classifier().fit(X, np.zeros(len(X)))
    with pytest.raises(ValueError, match="expected a model with 3 outputs"):
        one = keras.Sequential([keras.Input((4,)), keras.layers.Dense(1)])
        one.compile("sgd", lambda y_true, y_pred: y_pred[:, 0])
        SKLearnClassifier(one, fit_kwargs={"verbose": 0}).fit(X, Y).predict(X)
