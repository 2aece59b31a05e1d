"""Arguments of `fit`, `evaluate` and `predict`: steps, class weights, data that end, batch logs."""

from __future__ import annotations

import warnings
from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import chainrule as cr
from chainrule import callbacks, layers
from chainrule.errors import DataError

X = np.arange(40, dtype="float32").reshape(10, 4) / 40
Y = X[:, :1] * 2 - 1
LABELS = np.array([0, 1, 2, 0, 1, 2, 0, 1, 2, 2])


def model_of(units: int = 1, loss: Any = "mse", rate: float = 0.1, **options: Any) -> Any:
    model = cr.Sequential([cr.Input((4,)), layers.Dense(units, kernel_initializer="ones")])
    model.compile(cr.optimizers.SGD(rate), loss, **options)
    return model


def weights(model: Any) -> list[bytes]:
    return [w.tobytes() for w in model.get_weights()]


class Sizes(callbacks.Callback):
    """The rows of each predicted batch."""

    def __init__(self) -> None:
        super().__init__()
        self.rows: list[int] = []

    def on_predict_batch_end(self, batch: int, logs: Any = None) -> None:
        self.rows.append(len(logs["outputs"]))


class TestSteps:
    @settings(max_examples=25, deadline=None)
    @given(st.integers(1, 10), st.integers(1, 13))
    def test_rows_a_step_without_a_batch_size(self, rows: int, steps: int) -> None:
        x, y = X[:rows], Y[:rows]
        size = -(-rows // steps)
        plain, stepped = model_of(), model_of()
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            a = plain.fit(x, y, batch_size=size, epochs=2, shuffle=False, verbose=0)
            b = stepped.fit(x, y, steps_per_epoch=steps, epochs=2, shuffle=False, verbose=0)
            assert a.history == b.history and weights(plain) == weights(stepped)
            assert int(stepped.optimizer.iterations.numpy()) == 2 * -(-rows // size)
            found = [plain.evaluate(x, y, batch_size=size, verbose=0)]
            found.append(stepped.evaluate(x, y, steps=steps, verbose=0))
            assert found[0] == found[1]
            sizes = Sizes()
            out = stepped.predict(x, steps=steps, verbose=0, callbacks=[sizes])
        assert out.tobytes() == plain.predict(x, verbose=0, batch_size=size).tobytes()
        assert sum(sizes.rows) == rows and set(sizes.rows[:-1]) <= {size}

    def test_a_batch_size_with_steps_takes_some_rows(self) -> None:
        model = model_of()
        assert len(model.predict(X, batch_size=3, steps=2, verbose=0)) == 6
        first = model.evaluate(X[:6], Y[:6], batch_size=3, verbose=0)
        assert model.evaluate(X, Y, batch_size=3, steps=2, verbose=0) == first

    def test_steps_of_training_do_not_cut_validation(self) -> None:
        a, b = model_of(), model_of()
        given = {"validation_data": (X, Y), "shuffle": False, "verbose": 0}
        a.fit(X, Y, steps_per_epoch=5, validation_steps=2, **given)
        b.fit(X, Y, batch_size=2, validation_batch_size=5, **given)
        assert a.history.history == b.history.history
        c = model_of()
        c.fit(X, Y, batch_size=2, validation_steps=2, **given)
        assert c.history.history["val_loss"] == [c.evaluate(X[:4], Y[:4], verbose=0)]

    def test_steps_of_what_a_validation_split_leaves(self) -> None:
        a, b = model_of(), model_of()
        a.fit(X, Y, steps_per_epoch=2, validation_split=0.3, shuffle=False, verbose=0)
        b.fit(X[:7], Y[:7], batch_size=4, shuffle=False, verbose=0)
        assert weights(a) == weights(b)

    def test_a_later_first_epoch(self) -> None:
        a, b = model_of(), model_of()
        a.fit(X, Y, steps_per_epoch=3, initial_epoch=2, epochs=4, shuffle=False, verbose=0)
        b.fit(X, Y, batch_size=4, epochs=2, shuffle=False, verbose=0)
        assert weights(a) == weights(b) and a.history.epoch == [2, 3]

    def test_class_weights_with_steps(self) -> None:
        a, b = (model_of(3, "sparse_categorical_crossentropy") for _ in range(2))
        given = {"class_weight": {1: 3.0}, "shuffle": False, "verbose": 0}
        a.fit(X, LABELS, steps_per_epoch=3, **given)
        b.fit(X, LABELS, batch_size=4, **given)
        assert weights(a) == weights(b)

    @pytest.mark.parametrize("name", ["batch_size", "steps_per_epoch", "validation_steps"])
    @pytest.mark.parametrize("value", [0, -1, 2.0, True, "3"])
    def test_counts_are_integers(self, name: str, value: Any) -> None:
        with pytest.raises(ValueError, match=f"{name}: expected an integer of 1 or more"):
            model_of().fit(X, Y, verbose=0, **{name: value})


class TestClassWeight:
    @pytest.mark.parametrize("with_sample_weight", [False, True])
    @pytest.mark.parametrize("generator", [False, True])
    def test_validation_is_not_weighed(self, with_sample_weight: bool, generator: bool) -> None:
        given = np.linspace(0.5, 2, 10).astype("float32") if with_sample_weight else None
        model = model_of(3, "sparse_categorical_crossentropy", rate=0.0)
        data: tuple[Any, ...] = (X, LABELS) if given is None else (X, LABELS, given)
        if generator:
            batch = tuple(part[:7] for part in data)
            held_out = tuple(part[7:] for part in data)
            options: dict[str, Any] = {"validation_data": held_out}
            args: tuple[Any, ...] = (iter([batch]),)
        else:
            options = {"validation_split": 0.3, "sample_weight": given}
            args = (X, LABELS)
        options |= {"class_weight": {2: 10.0}, "shuffle": False, "verbose": 0}
        found = model.fit(*args, **options).history
        rest = None if given is None else given[7:]
        plain = model.evaluate(X[7:], LABELS[7:], sample_weight=rest, verbose=0)
        assert found["val_loss"] == [plain]
        by_row = np.where(LABELS[:7] == 2, 10, 1).astype("float32")
        by_row = by_row if given is None else by_row * given[:7]
        weighed = model.evaluate(X[:7], LABELS[:7], sample_weight=by_row, verbose=0)
        assert found["loss"] == [weighed]

    @pytest.mark.parametrize("column", [False, True])
    def test_weights_by_row_are_multiplied(self, column: bool) -> None:
        given = np.linspace(0, 2, 10).astype("float32")
        a, b = (model_of(3, "sparse_categorical_crossentropy") for _ in range(2))
        by_class = np.where(LABELS == 1, 4, 1).astype("float32")
        a.fit(X, LABELS, sample_weight=given[:, None] if column else given,
              class_weight={1: 4.0}, shuffle=False, verbose=0)
        b.fit(X, LABELS, sample_weight=given * by_class, shuffle=False, verbose=0)
        assert weights(a) == weights(b)

    @pytest.mark.parametrize(
        ("y", "class_weight", "message"),
        [
            (np.zeros((10, 2, 3)), {0: 1.0}, "one label a row, got targets of shape"),
            (LABELS - 1, {0: 2.0}, "labels of 0 or more, got -1 in row 0"),
            (LABELS, {"a": 2.0}, "class numbers as keys"),
            (LABELS, {-1: 2.0}, "class numbers as keys"),
            (LABELS, [1.0, 2.0, 3.0], "expected a dict of weights by class number, got list"),
        ],
    )
    def test_labels_that_are_none(self, y: Any, class_weight: Any, message: str) -> None:
        for generator in (False, True):
            args = (iter([(X, y)]),) if generator else (X, y)
            with pytest.raises(DataError, match=message):
                model_of(3).fit(*args, class_weight=class_weight, verbose=0)

    def test_one_target(self) -> None:
        x = cr.Input((4,))
        model = cr.Model(x, [layers.Dense(1, name="a")(x), layers.Dense(1, name="b")(x)])
        model.compile("sgd", "mse")
        for args in ((X, [Y, Y]), (iter([(X, (Y, Y))]),)):
            with pytest.raises(DataError, match="one target, got 2"):
                model.fit(*args, class_weight={0: 1.0}, verbose=0)


def batches(count: int, error: Exception | None = None) -> Iterator[Any]:
    for _ in range(count):
        yield X, Y
    if error is not None:
        raise error


class TestDataThatEnd:
    @pytest.mark.parametrize("steps", [None, 2])
    def test_validation_ends(self, steps: int | None) -> None:
        model, plain = model_of(), model_of()
        with pytest.warns(UserWarning, match="validation data ran out: .* from epoch 2 on"):
            history = model.fit(
                X, Y, epochs=3, verbose=0, shuffle=False,
                validation_data=batches(2), validation_steps=steps,
            )
        plain.fit(X, Y, epochs=3, verbose=0, shuffle=False)
        assert weights(model) == weights(plain)
        assert len(history.history["loss"]) == 3 and len(history.history["val_loss"]) == 1
        assert model.history is history

    def test_validation_that_is_empty_is_an_error_before_training(self) -> None:
        model = model_of()
        before = weights(model)
        with pytest.raises(DataError, match="validation_data: expected at least one batch"):
            model.fit(X, Y, verbose=0, validation_data=batches(0))
        assert weights(model) == before

    def test_validation_that_starts_again(self) -> None:
        class Data:
            def __iter__(self) -> Iterator[Any]:
                return batches(2)

        history = model_of().fit(X, Y, epochs=3, verbose=0, validation_data=Data())
        assert len(history.history["val_loss"]) == 3

    @pytest.mark.parametrize("where", ["training", "validation"])
    def test_an_error_of_a_generator_comes_through(self, where: str) -> None:
        model = model_of()
        failing = batches(3, KeyError("mine"))
        with pytest.raises(KeyError, match="mine"):
            if where == "training":
                model.fit(failing, epochs=3, steps_per_epoch=2, verbose=0)
            else:
                model.fit(
                    X, Y, epochs=3, verbose=0, validation_data=failing, validation_steps=2
                )
        assert model.history.epoch == [0] and len(model.history.history["loss"]) == 1
        model.fit(X, Y, verbose=0)

    @pytest.mark.parametrize("method", ["evaluate", "predict"])
    def test_other_loops(self, method: str) -> None:
        call = getattr(model_of(), method)
        with pytest.raises(DataError, match=f"{method}: expected at least one batch"):
            call(batches(0), steps=3, verbose=0)
        with pytest.raises(KeyError, match="mine"):
            call(batches(1, KeyError("mine")), steps=3, verbose=0)
        with pytest.warns(UserWarning, match="ran out of data after 2 of 3 steps"):
            found = call(batches(2), steps=3, verbose=0)
        assert np.size(found) == (1 if method == "evaluate" else 20)


class Logs(callbacks.Callback):
    """The logs at the end of each batch."""

    def __init__(self) -> None:
        super().__init__()
        self.seen: list[tuple[int, Any]] = []

    def on_predict_batch_end(self, batch: int, logs: Any = None) -> None:
        self.seen.append((batch, logs))

    on_test_batch_end = on_predict_batch_end


class TestBatchLogs:
    @pytest.mark.parametrize("generator", [False, True])
    @pytest.mark.parametrize("stride", [1, 2])
    def test_outputs_of_a_prediction(self, generator: bool, stride: int) -> None:
        logs = Logs()
        model = model_of(2, steps_per_execution=stride)
        x = (X[i : i + 4] for i in (0, 4, 8)) if generator else X
        whole = model.predict(x, batch_size=4, verbose=0, callbacks=[logs])
        parts = [part["outputs"] for _, part in logs.seen]
        assert [number for number, _ in logs.seen] == ([0, 1, 2] if stride == 1 else [1, 3])
        assert [len(p) for p in parts] == ([4, 4, 2] if stride == 1 else [8, 2])
        np.testing.assert_array_equal(np.concatenate(parts), whole)

    def test_outputs_keep_their_structure(self) -> None:
        x = cr.Input((4,))
        outputs = {"a": layers.Dense(1)(x), "b": x > 0.5}
        logs = Logs()
        whole = cr.Model(x, outputs).predict(X, batch_size=6, verbose=0, callbacks=[logs])
        for name, dtype in (("a", "float32"), ("b", "bool")):
            parts = [part["outputs"][name] for _, part in logs.seen]
            assert {p.dtype.name for p in parts} == {dtype}
            np.testing.assert_array_equal(np.concatenate(parts), whole[name])

    def test_an_evaluation_tells_loss_and_metrics(self) -> None:
        logs = Logs()
        model = model_of(metrics=["mae"])
        last = model.evaluate(X, Y, batch_size=4, verbose=0, callbacks=[logs], return_dict=True)
        assert [number for number, _ in logs.seen] == [0, 1, 2]
        first = model.evaluate(X[:4], Y[:4], verbose=0, return_dict=True)
        assert logs.seen[0][1] == first and logs.seen[-1][1] == last


def test_config_limits_epochs_and_steps() -> None:
    model = model_of()
    try:
        cr.config.set_max_epochs(2)
        cr.config.set_max_steps_per_epoch(2)
        history = model.fit(X, Y, batch_size=2, epochs=5, validation_data=(X, Y), verbose=0)
        assert len(history.history["loss"]) == 2
        assert int(model.optimizer.iterations) == 4
        assert len(model.fit(X, Y, epochs=9, initial_epoch=6, verbose=0).history["loss"]) == 2
        assert model.predict(X, batch_size=2, verbose=0).shape == (4, 1)
        assert model.predict(X, batch_size=2, steps=1, verbose=0).shape == (2, 1)
        first = model.evaluate(X, Y, batch_size=2, verbose=0)
        assert first == pytest.approx(model.evaluate(X[:4], Y[:4], batch_size=4, verbose=0))
        with pytest.raises(ValueError, match="`max_epochs`: expected None or an integer from 1"):
            cr.config.set_max_epochs(0)
        assert (cr.config.max_epochs(), cr.config.max_steps_per_epoch()) == (2, 2)
    finally:
        cr.config.set_max_epochs(None)
        cr.config.set_max_steps_per_epoch(None)
    assert len(model.fit(X, Y, epochs=3, verbose=0).history["loss"]) == 3
