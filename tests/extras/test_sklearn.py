"""Perceptrons for scikit-learn beside scikit-learn's own, and in its tools."""

from __future__ import annotations

import os
import pickle
import subprocess
import sys
import warnings
from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest

from tests.extras import need

need("sklearn", "1.6")
from scipy import sparse
from sklearn import config_context, neural_network
from sklearn.base import clone
from sklearn.datasets import load_digits
from sklearn.exceptions import ConvergenceWarning, NotFittedError
from sklearn.model_selection import GridSearchCV, cross_val_score
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.utils.estimator_checks import check_estimator

from chainrule.sklearn import MLPClassifier, MLPRegressor
from chainrule.sklearn.programs import Descent

X, DIGITS = load_digits(return_X_y=True)
X, DIGITS = X[:300] / 16, DIGITS[:300]
WEIGHT = np.random.default_rng(0).uniform(0.5, 1.5, len(X))
TARGETS = {
    "classes": DIGITS,
    "two classes": np.where(DIGITS > 4, "high", "low"),
    "labels": np.stack([DIGITS > 4, DIGITS % 2 == 0, DIGITS % 3 == 0], axis=1).astype(int),
    "number": DIGITS / 10,
    "numbers": np.stack([DIGITS / 10, DIGITS / 5], axis=1),
}
SETTINGS: list[dict[str, Any]] = [
    {},
    {"activation": "logistic", "alpha": 0.1, "beta_1": 0.8, "epsilon": 1e-3},
    {"activation": "tanh", "hidden_layer_sizes": (12, 9), "shuffle": False},
    {"activation": "identity", "hidden_layer_sizes": 7, "batch_size": 64},
    {"solver": "sgd", "learning_rate_init": 0.1},
    {"solver": "sgd", "learning_rate_init": 0.1, "momentum": 0.5, "nesterovs_momentum": False},
    {"solver": "sgd", "learning_rate": "invscaling", "learning_rate_init": 0.5, "power_t": 0.2},
    {
        "solver": "sgd",
        "learning_rate": "adaptive",
        "learning_rate_init": 0.05,
        "tol": 0.1,
        "n_iter_no_change": 1,
    },
    {"early_stopping": True, "validation_fraction": 0.2, "tol": 0.05, "n_iter_no_change": 2},
    {"solver": "lbfgs", "max_iter": 8},
]


@pytest.fixture(autouse=True)
def _short() -> Iterator[None]:
    """Few epochs do not converge, and say so."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)
        yield


def pair(kind: str, **settings: Any) -> tuple[Any, Any]:
    """An estimator of ours and scikit-learn's, to be fitted to targets of a kind."""
    name = "MLPRegressor" if kind.startswith("number") else "MLPClassifier"
    settings = {"hidden_layer_sizes": (12,), "max_iter": 6, "random_state": 3, **settings}
    ours = MLPRegressor if kind.startswith("number") else MLPClassifier
    return ours(**settings), getattr(neural_network, name)(**settings)


def expect_same(ours: Any, theirs: Any, tolerance: float = 1e-9) -> None:
    """The same weights and records but for rounding."""
    for name in ("coefs_", "intercepts_"):
        for a, b in zip(getattr(ours, name), getattr(theirs, name), strict=True):
            assert a.dtype == b.dtype
            np.testing.assert_allclose(a, b, rtol=0, atol=tolerance)
    for name in ("loss_", "loss_curve_", "best_loss_", "validation_scores_"):
        mine, his = getattr(ours, name, None), getattr(theirs, name, None)
        assert (mine is None) == (his is None), name
        if his is not None:
            np.testing.assert_allclose(mine, his, rtol=tolerance, atol=tolerance, err_msg=name)
    for name in ("n_iter_", "t_", "n_layers_", "n_outputs_", "out_activation_"):
        assert getattr(ours, name) == getattr(theirs, name), name


@pytest.mark.parametrize("estimator", [MLPClassifier, MLPRegressor])
def test_every_check_of_scikit_learn_passes(estimator: Any) -> None:
    found = check_estimator(estimator(), on_fail="raise", on_skip=None)
    skipped = {row["check_name"] for row in found if row["status"] != "passed"}
    # Of arrays of other libraries, switched off by default; of a method that is not there.
    assert skipped <= {
        "check_array_api_input",
        "check_classifiers_multilabel_output_format_decision_function",
    }


@pytest.mark.parametrize("settings", SETTINGS, ids=lambda s: ",".join(map(str, s.values())))
@pytest.mark.parametrize("kind", TARGETS)
def test_training_is_scikit_learn_s(kind: str, settings: dict[str, Any]) -> None:
    ours, theirs = pair(kind, **settings)
    y = TARGETS[kind]
    weight = None if kind == "classes" else WEIGHT
    expect_same(ours.fit(X, y, weight), theirs.fit(X, y, weight))
    if kind.startswith("number"):
        np.testing.assert_allclose(ours.predict(X), theirs.predict(X), atol=1e-9)
    else:
        np.testing.assert_array_equal(ours.predict(X), theirs.predict(X))
        np.testing.assert_array_equal(ours.classes_, theirs.classes_)
        np.testing.assert_allclose(ours.predict_proba(X), theirs.predict_proba(X), atol=1e-9)
        np.testing.assert_allclose(
            ours.predict_log_proba(X), theirs.predict_log_proba(X), atol=1e-7
        )


@pytest.mark.parametrize("kind", ["number", "numbers"])
def test_poisson(kind: str) -> None:
    ours, theirs = pair(kind, loss="poisson")
    expect_same(ours.fit(X, TARGETS[kind]), theirs.fit(X, TARGETS[kind]))
    with pytest.raises(ValueError, match="y: expected no negative number"):
        ours.fit(X, -TARGETS[kind])


def test_float32_stays_float32() -> None:
    ours, theirs = pair("classes")
    x = X.astype("float32")
    expect_same(ours.fit(x, DIGITS), theirs.fit(x, DIGITS), 2e-4)
    assert ours.predict_proba(x).dtype == np.float32


@pytest.mark.parametrize("solver", ["adam", "lbfgs"])
@pytest.mark.parametrize("make", [sparse.csr_matrix, sparse.csc_array])
def test_sparse_data_give_the_same(make: Any, solver: str, monkeypatch: pytest.MonkeyPatch) -> None:
    ours, _ = pair("classes", solver=solver)
    whole = clone(ours).fit(X, DIGITS)
    largest = 0
    written = sparse.csr_matrix.toarray

    def toarray(self: Any, *args: Any) -> Any:
        nonlocal largest
        if self.shape[1] == X.shape[1]:
            largest = max(largest, self.shape[0])
        return written(self, *args)

    for kind in (sparse.csr_matrix, sparse.csr_array):
        monkeypatch.setattr(kind, "toarray", toarray)
    monkeypatch.setattr("chainrule.sklearn.rows._BYTES", 1)
    monkeypatch.setattr("chainrule.sklearn.programs._BLOCK", 128)
    ours.set_params(batch_size=50)
    whole.set_params(batch_size=50).fit(X, DIGITS)
    ours.fit(make(X), DIGITS)
    for a, b in zip(ours.coefs_, whole.coefs_):
        np.testing.assert_allclose(a, b, atol=1e-12)
    np.testing.assert_allclose(ours.predict_proba(make(X)), whole.predict_proba(X), atol=1e-12)
    assert 0 < largest <= 128


@pytest.mark.parametrize("kind", ["classes", "labels", "numbers"])
def test_partial_fit_goes_on(kind: str) -> None:
    ours, theirs = pair(kind, learning_rate_init=0.01)
    y = TARGETS[kind]
    classes = {"classes": np.unique(y)} if kind == "classes" else {}
    if kind == "labels":
        classes = {"classes": np.arange(3)}
    for start in (0, 100, 200):
        for model in (ours, theirs):
            model.partial_fit(X[start : start + 100], y[start : start + 100], **classes)
        classes = {}
        # The optimizer's state travels along.
        ours = pickle.loads(pickle.dumps(ours))
    expect_same(ours, theirs)


def test_partial_fit_knows_its_classes() -> None:
    ours, _ = pair("classes")
    with pytest.raises(ValueError, match="classes must be passed on the first call"):
        ours.partial_fit(X, DIGITS)
    ours.partial_fit(X[:50], DIGITS[:50], classes=range(10))
    with pytest.raises(ValueError, match="expected the classes"):
        ours.partial_fit(X, DIGITS + 5)
    with pytest.raises(ValueError, match=r"classes: expected \[0 1"):
        ours.partial_fit(X, DIGITS, classes=[1, 2])
    assert not hasattr(ours.set_params(solver="lbfgs"), "partial_fit")
    with pytest.raises(ValueError, match="early_stopping=False"):
        ours.set_params(solver="adam", early_stopping=True).partial_fit(X, DIGITS)


@pytest.mark.parametrize("kind", ["classes", "number"])
def test_warm_start_goes_on(kind: str) -> None:
    ours, theirs = pair(kind, warm_start=True)
    for model in (ours, theirs):
        model.fit(X, TARGETS[kind]).fit(X, TARGETS[kind])
    expect_same(ours, theirs)
    if kind == "classes":
        with pytest.raises(ValueError, match="expected the classes"):
            ours.fit(X, DIGITS % 3)


def test_weights_that_the_user_sets_count() -> None:
    ours, _ = pair("number")
    ours.fit(X, TARGETS["number"])
    ours.coefs_[-1][:] = 0
    ours.intercepts_[-1][:] = 2.5
    assert set(ours.predict(X)) == {2.5}


@pytest.mark.parametrize(
    ("settings", "words"),
    [
        ({"activation": "gelu"}, "activation: expected one of"),
        ({"solver": "newton"}, "solver: expected one of"),
        ({"alpha": -1.0}, r"alpha: expected a number in \[0, inf\), got -1.0"),
        ({"learning_rate_init": 0}, r"learning_rate_init: expected a number in \(0, inf\)"),
        ({"momentum": 1.5}, r"momentum: expected a number in \[0, 1\], got 1.5"),
        ({"beta_1": 1.0}, r"beta_1: expected a number in \[0, 1\), got 1.0"),
        ({"max_iter": 0}, "max_iter: expected an integer of 1 or more, got 0"),
        ({"batch_size": "all"}, "batch_size: expected 'auto' or an integer"),
        ({"hidden_layer_sizes": (4, 0)}, "hidden_layer_sizes: expected integers of 1 or more"),
        ({"n_iter_no_change": 1.5}, "n_iter_no_change: expected an integer"),
        ({"shuffle": "yes"}, "shuffle: expected a bool"),
        ({"early_stopping": True, "validation_fraction": 0.001}, "validation_fraction"),
    ],
)
def test_arguments_are_checked(settings: dict[str, Any], words: str) -> None:
    ours, _ = pair("classes", **settings)
    with pytest.raises(ValueError, match=words):
        ours.fit(X, DIGITS)
    assert not hasattr(ours, "loss_")


def test_data_are_checked() -> None:
    ours, _ = pair("classes")
    with pytest.raises(NotFittedError):
        ours.predict(X)
    with pytest.raises(ValueError, match="NaN"):
        ours.fit(np.where(X > 0.9, np.nan, X), DIGITS)
    ours.fit(X, DIGITS)
    with pytest.raises(ValueError, match="63 features"):
        ours.predict(X[:, 1:])
    ours, _ = pair("number", solver="sgd", learning_rate_init=1e300)
    with pytest.raises(ValueError, match="expected finite weights"):
        ours.fit(X, TARGETS["number"])


def test_ctrl_c_keeps_what_is_learnt(monkeypatch: pytest.MonkeyPatch) -> None:
    ours, _ = pair("classes", max_iter=100)
    epoch = Descent.epoch

    def interrupted(self: Any, *args: Any) -> float:
        if getattr(ours, "n_iter_", 0) == 4:
            raise KeyboardInterrupt
        return epoch(self, *args)

    monkeypatch.setattr(Descent, "epoch", interrupted)
    with pytest.warns(UserWarning, match="interrupted"):
        ours.fit(X, DIGITS)
    assert ours.n_iter_ == 4 == len(ours.loss_curve_)
    assert ours.predict(X).shape == DIGITS.shape


def test_verbose_prints_a_line_an_epoch(capsys: pytest.CaptureFixture[str]) -> None:
    ours, _ = pair("classes", verbose=True, early_stopping=True, max_iter=3)
    ours.fit(X, DIGITS)
    lines = capsys.readouterr().out.splitlines()
    assert lines[0] == f"Iteration 1, loss = {ours.loss_curve_[0]:.8f}"
    assert lines[1] == f"Validation score: {ours.validation_scores_[0]:f}"
    assert len(lines) == 6


def test_in_pipelines_and_searches() -> None:
    perceptron = MLPClassifier((16,), max_iter=60, learning_rate_init=0.02, random_state=0)
    model = make_pipeline(StandardScaler(), perceptron)
    assert cross_val_score(model, X, DIGITS, cv=3).mean() > 0.85
    grid = {"mlpclassifier__alpha": [1e-4, 1.0], "mlpclassifier__solver": ["adam", "lbfgs"]}
    here = GridSearchCV(model, grid, cv=2).fit(X, DIGITS)
    beside = GridSearchCV(model, grid, cv=2, n_jobs=2).fit(X, DIGITS)
    np.testing.assert_array_equal(
        here.cv_results_["mean_test_score"], beside.cv_results_["mean_test_score"]
    )
    assert here.best_params_ == beside.best_params_


def test_workers_divide_the_threads() -> None:
    joblib = need("joblib")
    from chainrule import _core

    def threads(number: int) -> int:
        MLPRegressor(max_iter=1).fit(X[:9], DIGITS[:9])
        return _core.num_threads()

    with joblib.parallel_config("loky", inner_max_num_threads=1):
        assert set(joblib.Parallel(n_jobs=2)(joblib.delayed(threads)(i) for i in range(4))) == {1}


def test_weights_are_routed() -> None:
    weight = np.where(DIGITS < 3, 5.0, 0.1)
    with config_context(enable_metadata_routing=True):
        model = MLPClassifier((8,), max_iter=4, random_state=0).set_fit_request(sample_weight=True)
        scaler = StandardScaler().set_fit_request(sample_weight=False)
        routed = make_pipeline(scaler, model).fit(X, DIGITS, sample_weight=weight)
    scaled = routed[0].transform(X)
    plain = clone(model).fit(scaled, DIGITS, weight)
    np.testing.assert_array_equal(routed[-1].coefs_[0], plain.coefs_[0])


def test_names_of_columns_are_known() -> None:
    pandas = need("pandas")
    frame = pandas.DataFrame(X[:, :3], columns=["a", "b", "c"])
    model = MLPRegressor(max_iter=2).fit(frame, TARGETS["number"])
    assert list(model.feature_names_in_) == ["a", "b", "c"]
    with pytest.raises(ValueError, match="feature names"):
        model.predict(frame[["c", "b", "a"]])


def test_without_scikit_learn_the_extra_is_named() -> None:
    code = (
        "import sys; sys.modules['sklearn'] = sys.modules['sklearn.base'] = None\n"
        "import chainrule, chainrule.sklearn\n"
        "try: chainrule.sklearn.MLPClassifier\n"
        "except ImportError as error: print(error)"
    )
    found = subprocess.run(
        [sys.executable, "-c", code], env=os.environ, capture_output=True, text=True, check=True
    )
    assert "pip install 'chainrule[sklearn]'" in found.stdout
