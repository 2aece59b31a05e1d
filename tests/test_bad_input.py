"""Bad input: one clear exception with place, expected and given; no weight moves."""

from __future__ import annotations

import warnings
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import chainrule as cr
from chainrule import layers
from chainrule.errors import (
    DataError,
    DTypeError,
    NonFiniteError,
    NotBuiltError,
    NotCompiledError,
    ShapeError,
)

X = np.random.default_rng(0).normal(size=(20, 4)).astype("float32")
Y = np.arange(20) % 3


def make(**options: Any) -> Any:
    model = cr.Sequential(
        [
            cr.Input((4,), name="pixels"),
            layers.Dense(5, activation="relu", name="hidden"),
            layers.BatchNormalization(name="norm"),
            layers.Dropout(0.5, name="drop"),
            layers.Dense(3, activation="softmax", name="out"),
        ],
        name="net",
    )
    model.compile(**{"optimizer": "adam", "loss": "sparse_categorical_crossentropy", **options})
    model.fit(X, Y, verbose=0)
    return model


def state(model: Any) -> list[bytes]:
    found = [*model.variables, *model.optimizer.variables]
    return [np.asarray(v.numpy()).tobytes() for v in found]


def with_value(array: Any, value: float) -> Any:
    changed = array.astype("float64")
    changed.reshape(-1)[7] = value
    return changed


def fit_images(loss: str, units: int, y: Any) -> Any:
    model = cr.Sequential([cr.Input((28, 28)), layers.Dense(units, activation="sigmoid")])
    model.compile(optimizer="sgd", loss=loss)
    return model.fit(np.ones((8, 28, 28)), y, verbose=0)


CASES: dict[str, tuple[type[Exception], list[str], Callable[[Any], Any]]] = {
    "width": (ShapeError, ["net", "pixels", "(None, 4)", "5"],
              lambda m: m.fit(np.ones((20, 5)), Y, verbose=0)),
    "rank 3": (ShapeError, ["net", "(None, 4)", "2, 4)"],
               lambda m: m.fit(np.ones((20, 2, 4)), Y, verbose=0)),
    "rank 1": (ShapeError, ["net", "(None, 4)"], lambda m: m.fit(np.ones(20), Y, verbose=0)),
    "scalar x": (ShapeError, ["x", "scalar"], lambda m: m.fit(np.float32(1), Y, verbose=0)),
    "lengths": (ShapeError, ["x has 20", "y has 19"], lambda m: m.fit(X, Y[:19], verbose=0)),
    "weight length": (ShapeError, ["x has 20", "sample_weight has 3"],
                      lambda m: m.fit(X, Y, sample_weight=np.ones(3), verbose=0)),
    "empty": (DataError, ["at least one row", "empty"],
              lambda m: m.fit(X[:0], Y[:0], verbose=0)),
    "empty list": (Exception, ["empty"], lambda m: m.fit([], [], verbose=0)),
    "no x": (DataError, ["net", "x", "None"], lambda m: m.fit(verbose=0)),
    "no y": (ValueError, ["target", "None"], lambda m: m.fit(X, verbose=0)),
    "label too high": (DataError, ["out", "[0, 3)", "3", "row 2"],
                       lambda m: m.fit(X, np.where(np.arange(20) == 2, 3, Y), verbose=0)),
    "label negative": (DataError, ["out", "[0, 3)", "-1", "row 0"],
                       lambda m: m.fit(X, Y - 1, verbose=0)),
    "label broken": (DataError, ["out", "[0, 3)", "0.5"], lambda m: m.fit(X, Y + 0.5, verbose=0)),
    "one-hot for sparse": (ShapeError, ["out", "class number", "categorical_crossentropy"],
                           lambda m: m.fit(X, np.eye(3)[Y], verbose=0)),
    "no Flatten": (ShapeError, ["(rows, 28)", "`Flatten`"],
                   lambda m: fit_images("sparse_categorical_crossentropy", 10, np.arange(8))),
    "no Flatten, columns": (ShapeError, ["(rows, 28)", "`Flatten`"],
                            lambda m: fit_images("sparse_categorical_crossentropy", 10,
                                                 np.arange(8)[:, None])),
    "no Flatten, one-hot": (ShapeError, ["(rows, 28, 10)", "`Flatten`"],
                            lambda m: fit_images("categorical_crossentropy", 10, np.eye(10)[:8])),
    "no Flatten, two classes": (ShapeError, ["(rows, 28, 1)", "`Flatten`"],
                                lambda m: fit_images("binary_crossentropy", 1, np.ones(8))),
    "no Flatten, regression": (ShapeError, ["(rows, 28, 1)", "`Flatten`"],
                               lambda m: fit_images("mse", 1, np.ones((8, 1)))),
    "label in validation": (DataError, ["validation data", "out", "[0, 3)", "9"],
                            lambda m: m.fit(X, Y, validation_data=(X, Y + 9), verbose=0)),
    "width in validation": (ShapeError, ["pixels", "(None, 4)"],
                            lambda m: m.fit(X, Y, validation_data=(X[:, :2], Y), verbose=0)),
    "objects": (DTypeError, ["x", "numbers", "object", "such as {}"],
                lambda m: m.fit(np.full((20, 4), {}), Y, verbose=0)),
    "strings": (DTypeError, ["x", "numbers", "<U"],
                lambda m: m.fit(np.array([["a"] * 4] * 20), Y, verbose=0)),
    "string labels": (DTypeError, ["y", "numbers", "<U"],
                      lambda m: m.fit(X, np.array(["cat"] * 20), verbose=0)),
    "dates": (DTypeError, ["x", "datetime64"],
              lambda m: m.fit(np.zeros((20, 4), "datetime64[s]"), Y, verbose=0)),
    "complex": (DTypeError, ["x", "complex64"],
                lambda m: m.fit(X.astype("complex64"), Y, verbose=0)),
    "ragged": (ShapeError, ["x", "one shape"],
               lambda m: m.fit([[1.0, 2.0], [3.0]] * 10, Y, verbose=0)),
    "batch size 0": (ValueError, ["batch_size", "1 or more", "0"],
                     lambda m: m.fit(X, Y, batch_size=0, verbose=0)),
    "batch size 2.5": (ValueError, ["batch_size", "2.5"],
                       lambda m: m.fit(X, Y, batch_size=2.5, verbose=0)),
    "split 1": (DataError, ["validation_split", "(0, 1)", "1.0"],
                lambda m: m.fit(X, Y, validation_split=1.0, verbose=0)),
    "split of a row": (DataError, ["validation_split", "both sides"],
                       lambda m: m.fit(X[:1], Y[:1], validation_split=0.5, verbose=0)),
    "class weight": (DataError, ["class_weight", "class numbers"],
                     lambda m: m.fit(X, Y, class_weight={-1: 2.0}, verbose=0)),
    "callback": (TypeError, ["Callback", "int"],
                 lambda m: m.fit(X, Y, callbacks=[3], verbose=0)),
    "generator of wrong width": (ShapeError, ["pixels", "(None, 4)"],
                                 lambda m: m.fit(iter([(X[:, :2], Y)]), verbose=0)),
    "generator of wrong labels": (DataError, ["out", "[0, 3)", "7"],
                                  lambda m: m.fit(iter([(X, Y + 7)]), verbose=0)),
    "generator of four": (DataError, ["generator", "4"],
                          lambda m: m.fit(iter([(X, Y, Y, Y)]), verbose=0)),
    "empty generator": (DataError, ["empty generator"], lambda m: m.fit(iter([]), verbose=0)),
    "y beside a generator": (DataError, ["generator", "arguments"],
                             lambda m: m.fit(iter([(X, Y)]), Y, verbose=0)),
    "train_on_batch labels": (DataError, ["[0, 3)"], lambda m: m.train_on_batch(X, Y + 2)),
    "evaluate labels": (DataError, ["[0, 3)"], lambda m: m.evaluate(X, Y + 2, verbose=0)),
    "evaluate width": (ShapeError, ["pixels"], lambda m: m.evaluate(X[:, :3], Y, verbose=0)),
    "predict width": (ShapeError, ["net", "(None, 4)"], lambda m: m.predict(X[:, :3], verbose=0)),
    "predict objects": (DTypeError, ["object"],
                        lambda m: m.predict(np.full((20, 4), {}), verbose=0)),
    "call width": (ShapeError, ["net", "(None, 4)"], lambda m: m(X[:, :3])),
    "weights of another shape": (ShapeError, ["hidden", "(4, 5)", "(1, 5)"],
                                 lambda m: m.set_weights([w[:1] for w in m.get_weights()])),
    "number of weights": (ValueError, ["net", "8", "1"],
                          lambda m: m.set_weights(m.get_weights()[:1])),
    "unknown argument": (TypeError, ["epoch"], lambda m: m.fit(X, Y, epoch=3)),
}


@pytest.mark.parametrize("name", CASES)
def test_one_clear_exception_and_no_weight_moves(name: str) -> None:
    kind, parts, call = CASES[name]
    model = make()
    before = state(model)
    with pytest.raises(kind) as caught:
        call(model)
    message = str(caught.value)
    for part in parts:
        assert part in message, message
    assert state(model) == before
    model.fit(X, Y, verbose=0)
    assert state(model) != before


@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf])
@pytest.mark.parametrize("where", ["x", "y", "sample_weight"])
def test_non_finite_data_warn_or_raise(value: float, where: str) -> None:
    def data() -> dict[str, Any]:
        arrays: dict[str, Any] = {"x": X, "y": X[:, :3], "sample_weight": np.ones(20)}
        arrays[where] = with_value(arrays[where], value)
        return arrays

    with pytest.warns(RuntimeWarning, match=f"{where}: expected finite numbers, .* row"):
        model = cr.Sequential([cr.Input((4,)), layers.Dense(3)])
        model.compile("sgd", "mse")
        model.fit(**data(), verbose=0)
    strict = cr.Sequential([cr.Input((4,)), layers.Dense(3)])
    strict.compile("sgd", "mse", non_finite="raise")
    strict.fit(X, X[:, :3], verbose=0)
    before = state(strict)
    with pytest.raises(NonFiniteError, match=f"{where}: expected finite numbers"):
        strict.fit(**data(), verbose=0)
    batch = data()
    with pytest.raises(NonFiniteError, match=where):
        strict.fit(iter([(batch["x"], batch["y"], batch["sample_weight"])]), verbose=0)
    assert state(strict) == before
    quiet = cr.Sequential([cr.Input((4,)), layers.Dense(3)])
    quiet.compile("sgd", "mse", non_finite="ignore")
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        quiet.fit(**data(), verbose=0)


class TestTargets:
    @pytest.mark.parametrize(
        ("loss", "y", "kind", "parts"),
        [
            ("mse", np.ones((20, 2)), ShapeError, ["out", "(rows, 3)", "(rows, 2)"]),
            ("mae", np.ones(20), ShapeError, ["out", "(rows, 3)", "(rows,)"]),
            ("categorical_crossentropy", Y, ShapeError, ["out", "(rows, 3)",
                                                         "sparse_categorical_crossentropy"]),
            ("binary_crossentropy", 2 * np.eye(3)[Y], DataError, ["out", "[0, 1]", "2.0", "row 0"]),
            ("huber", np.ones((20, 3, 3)), ShapeError, ["out", "(rows, 3)", "(rows, 3, 3)"]),
        ],
    )
    def test_shapes_and_values(self, loss: str, y: Any, kind: Any, parts: list[str]) -> None:
        model = make()
        model.compile("adam", loss)
        before = state(model)
        with pytest.raises(kind) as caught:
            model.fit(X, y, verbose=0)
        assert all(part in str(caught.value) for part in parts), str(caught.value)
        assert state(model)[: len(before)] == before[: len(state(model))]

    def test_an_ignored_class_may_lie_outside(self) -> None:
        model = make(loss=cr.losses.SparseCategoricalCrossentropy(ignore_class=-1))
        labels = np.where(Y == 0, -1, Y)
        model.fit(X, labels, verbose=0)
        with pytest.raises(DataError, match="-2"):
            model.fit(X, labels - (labels == -1), verbose=0)

    def test_number_of_targets(self) -> None:
        x = cr.Input((4,))
        model = cr.Model(x, [layers.Dense(2)(x), layers.Dense(1)(x)])
        model.compile("sgd", "mse")
        with pytest.raises(ValueError, match="different structures"):
            model.fit(X, [X[:, :2], X[:, :1], X[:, :1]], verbose=0)


class TestNames:
    @pytest.mark.parametrize(
        "options",
        [{"optimizer": "adm"}, {"loss": "mean_sqared_error"}, {"loss": 3}, {"optimizer": 3}],
    )
    def test_unknown_names_in_compile(self, options: dict[str, Any]) -> None:
        model = make()
        before = state(model)
        with pytest.raises(ValueError, match=str(next(iter(options.values())))):
            model.compile(**{"optimizer": "adam", "loss": "mse", **options})
        assert state(model) == before
        model.fit(X, Y, verbose=0)

    def test_unknown_metric(self) -> None:
        model = cr.Sequential([cr.Input((4,)), layers.Dense(3)])
        model.compile("sgd", "mse", metrics=["acuracy"])
        before = model.get_weights()
        with pytest.raises(ValueError, match="acuracy"):
            model.fit(X, X[:, :3], verbose=0)
        assert all(np.array_equal(a, b) for a, b in zip(before, model.get_weights()))

    def test_unknown_activation(self) -> None:
        with pytest.raises(ValueError, match="rellu"):
            layers.Dense(3, activation="rellu")

    def test_metrics_must_be_listed(self) -> None:
        with pytest.raises(ValueError, match="list, tuple, or dict"):
            make().compile("sgd", "mse", metrics="mae")

    def test_unknown_non_finite(self) -> None:
        with pytest.raises(ValueError, match="non_finite 'warn', 'raise' or 'ignore', got 'stop'"):
            make().compile("sgd", "mse", non_finite="stop")


class TestOrder:
    @pytest.mark.parametrize("method", ["fit", "evaluate", "train_on_batch", "test_on_batch"])
    def test_before_compile(self, method: str) -> None:
        model = cr.Sequential([cr.Input((4,)), layers.Dense(3)], name="raw")
        with pytest.raises(NotCompiledError, match=rf"'raw'.*compile\(\).*{method}\(\)"):
            getattr(model, method)(X, Y)

    def test_without_an_optimizer(self) -> None:
        model = cr.Sequential([cr.Input((4,)), layers.Dense(3)], name="raw")
        model.compile(optimizer=None, loss="mse")
        with pytest.raises(NotCompiledError, match="optimizer"):
            model.fit(X, X[:, :3])

    def test_without_a_loss(self) -> None:
        model = cr.Sequential([cr.Input((4,)), layers.Dense(3)], name="raw")
        model.compile("sgd")
        with pytest.raises(ValueError, match="'raw': No loss"):
            model.fit(X, X[:, :3], verbose=0)

    def test_unbuilt(self) -> None:
        model = cr.Sequential([layers.Dense(3)], name="raw")
        with pytest.raises(NotBuiltError, match="raw"):
            model.count_params()
        with pytest.raises(NotBuiltError, match="raw"):
            model.set_weights([np.ones((4, 3)), np.ones(3)])
        with pytest.raises(AttributeError, match=r"'raw' has no defined inputs .* built first"):
            _ = model.input_shape
        with pytest.raises(NotBuiltError, match="raw"):
            model.load_weights("nowhere.safetensors")

    def test_empty_model(self) -> None:
        with pytest.raises(ValueError, match="no layers"):
            cr.Sequential(name="raw").build((None, 4))

    def test_own_train_function_is_refused(self) -> None:
        class Own(cr.Model):
            def make_train_function(self) -> Any:
                return None

        with pytest.raises(NotImplementedError, match="'own': .* calls no `make_train_function`"):
            Own(name="own").compile("sgd", "mse")

    def test_a_layer_that_is_none(self) -> None:
        with pytest.raises(ValueError, match="Only instances of"):
            cr.Sequential([layers.Dense])

    def test_an_output_from_elsewhere(self) -> None:
        a, b = cr.Input((4,)), cr.Input((4,))
        with pytest.raises(ValueError, match="not connected"):
            cr.Model(a, layers.Dense(1)(b))


def test_an_error_in_a_layer_names_the_layer() -> None:
    class Odd(layers.Layer):
        def call(self, x: Any) -> Any:
            return cr.ops.matmul(x, np.ones((7, 2), "float32"))

    model = cr.Sequential([layers.Dense(3), Odd(name="odd")], name="net")
    model.compile("sgd", "mse")
    with pytest.raises(ShapeError, match="odd"):
        model.fit(X, X[:, :2], verbose=0)
