"""What is said of misspelt words and arguments, and what completion shows."""

from __future__ import annotations

import copy
import inspect
import pickle
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import chainrule as keras

L = keras.layers


def model() -> Any:
    return keras.Sequential([L.Input((3,)), L.Dense(1, name="out")])


def train(metric: str) -> None:
    made = model()
    made.compile("adam", "mse", metrics=[metric])
    made.fit(np.ones((1, 3)), np.ones((1, 1)), verbose=0)


@pytest.mark.parametrize(
    "make, meant",
    [
        (lambda: model().compile("addam"), "adam' or 'nadam"),
        (lambda: model().compile("adam", "mean_square_error"), "mean_squared_error"),
        (lambda: train("acuracy"), "accuracy"),
        (lambda: L.Dense(2, activation="rellu"), "relu' or 'relu6"),
        (lambda: L.Dense(2, kernel_initializer="glorot_unifrom"), "glorot_uniform"),
        (lambda: L.Dense(2, kernel_regularizer="l22"), "l2"),
        (lambda: L.Dense(2, kernel_constraint="maxnorm"), "max_norm"),
        (lambda: model().get_layer("ot"), "out"),
        (lambda: L.Dense(2, activaton="relu"), "activation"),
        (lambda: L.LSTM(2, return_sequence=True), "return_sequences"),
        (lambda: L.GRU(2, recurent_dropout=0.1), "recurrent_dropout"),
        (lambda: keras.optimizers.Adam(lr=0.1), "learning_rate"),
        (lambda: keras.optimizers.SGD(momentun=0.1), "momentum"),
        (lambda: model().evaluate(batchsize=3), "batch_size"),
    ],
)
def test_a_misspelt_word_or_argument(make: Callable[[], Any], meant: str) -> None:
    with pytest.raises(ValueError, match=f"Did you mean '{meant}'\\?"):
        make()


@pytest.mark.parametrize(
    "make, words",
    [
        (lambda: L.Dense(unit=2), r"Dense\(\) .*'unit'. Did you mean 'units'\?"),
        (lambda: L.Conv2D(3, kernal_size=3), r"Conv2D\(\) .* Did you mean 'kernel_size'\?"),
        (lambda: keras.losses.Huber(delt=1.0), r"Huber\(\) .* Did you mean 'delta'\?"),
        (lambda: keras.metrics.Mean(nam="x"), r"Mean\(\) .* Did you mean 'name'\?"),
        (lambda: keras.callbacks.EarlyStopping(patence=1), r".* Did you mean 'patience'\?"),
        (lambda: keras.initializers.Constant(valu=1), r"Constant\(\) .* Did you mean 'value'\?"),
        (lambda: keras.regularizers.L2(l_2=1), r"L2\(\) .* Did you mean 'l2'\?"),
        (lambda: model().compile("adam", metric=["mae"]), r"compile\(\) .* Did you mean 'metrics'\?"),
        (lambda: model().fit(epoch=3), r"fit\(\) .* Did you mean 'epochs'\?"),
    ],
)
def test_an_argument_that_python_refuses(make: Callable[[], Any], words: str) -> None:
    with pytest.raises(TypeError, match=words):
        make()


def test_what_looks_like_nothing_is_refused_as_ever() -> None:
    with pytest.raises(ValueError, match=r"passed to Dense: \{'xyzzy': 1\}\.$"):
        L.Dense(2, xyzzy=1)
    with pytest.raises(TypeError, match=r"unexpected keyword argument 'xyzzy'$"):
        keras.losses.Huber(xyzzy=1)


def test_a_class_of_the_users_takes_what_it_likes() -> None:
    class Own(L.Layer):
        def __init__(self, **kwargs: Any) -> None:
            self.unit = kwargs.pop("unit")
            super().__init__(**kwargs)

    class Open(keras.callbacks.Callback):
        def __init__(self, **options: Any) -> None:
            super().__init__()
            self.options = options

    assert Own(unit=3, name="own").unit == 3
    made = Open(param=1)
    assert made.options == {"param": 1}
    assert copy.deepcopy(made).options == made.options
    stopping = keras.callbacks.EarlyStopping(patience=3)
    assert pickle.loads(pickle.dumps(stopping)).patience == 3


@pytest.mark.parametrize(
    "thing",
    [
        model(),
        L.LSTM(2),
        keras.optimizers.Adam(),
        keras.optimizers.schedules.ExponentialDecay(0.1, 10, 0.9),
        keras.metrics.Mean(),
        keras.losses.Huber(),
        keras.callbacks.EarlyStopping(),
        keras.initializers.Constant(1.0),
        keras.regularizers.L2(),
        keras.constraints.MaxNorm(),
    ],
    ids=lambda x: type(x).__name__,
)
def test_completion_shows_public_names_alone(thing: Any) -> None:
    shown = dir(thing)
    assert not [name for name in shown if name.startswith("_") and not name.startswith("__")]
    assert {n for n in vars(thing) if not n.startswith("_")} <= set(shown)
    assert {n for n, _ in inspect.getmembers(type(thing)) if not n.startswith("_")} <= set(shown)
