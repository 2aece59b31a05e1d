"""Networks with one sickness each: what `diagnose` should call it, and how well they do when cured."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import numpy as np

import chainrule as keras
from tests import made_data

__all__ = ["SICK", "Sick", "State"]

L = keras.layers
SPARSE = "sparse_categorical_crossentropy"


@dataclass
class State:
    """A model and its data before it is diagnosed, and how it is trained and judged.

    Attributes
    ----------
    before : dict
        Arguments of the `fit` before the diagnosis; empty for a fresh network.
    after : dict
        Arguments of the `fit` that sick and cured get.
    score : callable
        Of a model and its data, smaller is better; default: the training loss.
    """

    model: Any
    x: Any
    y: Any
    before: dict[str, Any] = field(default_factory=dict)
    after: dict[str, Any] = field(default_factory=lambda: {"epochs": 10})
    validation_data: Any = None
    test: Any = None
    score: Callable[..., float] | None = None


@dataclass(frozen=True)
class Sick:
    """A sickness: its name, the kind of finding that names it, and how to make one from a seed."""

    name: str
    kind: str
    make: Callable[[np.random.Generator], State]


def stack(
    widths: Any, activation: Any, last: Any, initializer: Any = "glorot_uniform", **options: Any
) -> Any:
    """A Sequential network of dense layers."""
    hidden = [
        L.Dense(w, activation=activation, kernel_initializer=clone(initializer), **options)
        for w in widths
    ]
    return keras.Sequential([*hidden, last])


def clone(initializer: Any) -> Any:
    """Another initializer of the same settings, with other numbers."""
    return initializer if isinstance(initializer, str) else initializer.clone()


def widths(rng: np.random.Generator, low: int, high: int) -> list[int]:
    """As many layers as drawn, of one drawn width."""
    return [int(rng.choice([32, 48, 64, 96]))] * int(rng.integers(low, high + 1))


def _classes(rng: np.random.Generator, hidden: Any, optimizer: Any = "adam", **options: Any) -> State:
    x, y = made_data.blobs(rng, 384, features=8, classes=3)
    model = hidden(L.Dense(3, activation="softmax"))
    model.compile(optimizer=optimizer, loss=SPARSE)
    return State(model, x, y, **options)


def sigmoid_stack(rng: np.random.Generator) -> State:
    """Six to twelve layers of sigmoids."""
    return _classes(rng, lambda last: stack(widths(rng, 6, 12), "sigmoid", last))


def sigmoid_stack_regression(rng: np.random.Generator) -> State:
    """The same for numbers."""
    x, y = made_data.waves(rng, 384)
    model = stack(widths(rng, 6, 12), "sigmoid", L.Dense(1))
    model.compile(optimizer="adam", loss="mse")
    return State(model, x, y)


def small_weights(rng: np.random.Generator, activation: str = "relu") -> State:
    """Deep, of weights far below He's."""
    small = keras.initializers.RandomNormal(stddev=float(rng.choice([0.003, 0.01])))
    return _classes(
        rng, lambda last: stack(widths(rng, 4, 8), activation, last, small)
    )


def penalised(rng: np.random.Generator) -> State:
    """A penalty that leaves no weights."""
    strong = keras.regularizers.L2(float(rng.uniform(0.5, 1.5)))
    x, y = made_data.blobs(rng, 384, features=8, classes=3)
    last = L.Dense(3, activation="softmax", kernel_regularizer=strong)
    model = stack(widths(rng, 1, 2), "relu", last, kernel_regularizer=strong)
    model.compile(optimizer="adam", loss=SPARSE)
    return State(model, x, y, before={"epochs": 15}, score=_surprise)


def small_weights_tanh(rng: np.random.Generator) -> State:
    """The same with tanh."""
    return small_weights(rng, "tanh")


def large_weights(rng: np.random.Generator) -> State:
    """Deep, of weights far above He's."""
    large = keras.initializers.RandomNormal(stddev=float(rng.choice([1.0, 2.0])))
    return _classes(rng, lambda last: stack(widths(rng, 4, 7), "relu", last, large))


def large_convolutions(rng: np.random.Generator) -> State:
    """Convolutions of large weights."""
    x, y = made_data.digits(rng, 384)
    large = keras.initializers.RandomNormal(stddev=1.0)
    model = keras.Sequential(
        [
            *(L.Conv2D(16, 3, padding="same", activation="relu", kernel_initializer=clone(large))
              for _ in range(4)),
            L.Flatten(),
            L.Dense(10, activation="softmax"),
        ]
    )  # fmt: skip
    model.compile(optimizer="adam", loss=SPARSE)
    return State(model, x, y, after={"epochs": 4})


def large_tanh(rng: np.random.Generator) -> State:
    """Weights so large that tanh is flat."""
    large = keras.initializers.RandomNormal(stddev=1.0)
    x, y = made_data.blobs(rng, 768, features=8, classes=3)
    model = stack(widths(rng, 3, 5), "tanh", L.Dense(3, activation="softmax"), large)
    model.compile(optimizer=keras.optimizers.SGD(0.05), loss=SPARSE)
    # Flat units keep the training rows apart as random features do, and others badly.
    test = (x[384:], y[384:])
    return State(model, x[:384], y[:384], after={"epochs": 20}, test=test)


def _recurrent(rng: np.random.Generator, layer: Any, **options: Any) -> State:
    x, y = made_data.first_step(rng, 256, steps=200)
    model = keras.Sequential([layer, L.Dense(1, activation="sigmoid")])
    model.compile(optimizer=keras.optimizers.Adam(2e-3), loss="binary_crossentropy")
    return State(model, x, y, after={"epochs": 12}, **options)


def forgetful_rnn(rng: np.random.Generator) -> State:
    """200 steps of tanh, of which the first one counts."""
    return _recurrent(rng, L.SimpleRNN(int(rng.choice([16, 32]))))


def exploding_rnn(rng: np.random.Generator) -> State:
    """200 steps that each make the state larger."""
    x, y = made_data.first_step(rng, 256, steps=200)
    activation = str(rng.choice(["relu", "linear"]))
    # ReLU halves the squares.
    gain = float(rng.uniform(1.1, 1.2)) * (1.6 if activation == "relu" else 1.0)
    initializer = keras.initializers.Orthogonal(gain=gain)
    layer = L.SimpleRNN(24, activation=activation, recurrent_initializer=initializer)
    model = keras.Sequential([layer, L.Dense(1)])
    model.compile(optimizer="adam", loss="mse")
    return State(model, x, y.astype("float32"), after={"epochs": 12})


def dead_by_bias(rng: np.random.Generator) -> State:
    """ReLU units that begin far below 0."""
    low = keras.initializers.Constant(float(rng.uniform(-20, -8)))
    return _classes(
        rng, lambda last: stack(widths(rng, 2, 3), "relu", last, bias_initializer=low)
    )


def dead_by_rate(rng: np.random.Generator) -> State:
    """ReLU units that a first epoch of long steps has pushed below 0."""
    x, y = made_data.waves(rng, 384)
    model = stack(widths(rng, 2, 3), "relu", L.Dense(1), "he_normal")
    model.compile(optimizer=keras.optimizers.SGD(0.8, clipnorm=20.0), loss="mse")
    return State(model, x, y + 3.0, before={"epochs": 6})


def unscaled_table(rng: np.random.Generator) -> State:
    """Columns of grams beside columns of years."""
    state = _classes(rng, lambda last: stack(widths(rng, 1, 2), "relu", last), "sgd")
    state.x = (state.x * np.geomspace(1, 1e4, state.x.shape[1]) + 50).astype("float32")
    return state


def unscaled_images(rng: np.random.Generator) -> State:
    """Grey values up to 255."""
    x, y = made_data.digits(rng, 384)
    model = keras.Sequential(
        [L.Flatten(), L.Dense(64, activation="relu"), L.Dense(10, activation="softmax")]
    )
    model.compile(optimizer="adam", loss=SPARSE)
    return State(model, x * 255, y)


def _surprise(model: Any, x: Any, y: Any) -> float:
    """The cross-entropy of the right class by what the outputs mean, of logits or probabilities."""
    out = model.predict(x, verbose=0).astype("float64")
    if getattr(model.loss, "get_config", dict)().get("from_logits", False):
        wide = out if out.shape[1] > 1 else np.concatenate([0 * out, out], axis=1)
        out = np.exp(wide - wide.max(-1, keepdims=True))
        out /= out.sum(-1, keepdims=True)
    elif out.shape[1] == 1:
        out = np.concatenate([1 - out, out], axis=1)
    p = np.clip(out, 1e-7, None)
    return float(-np.log(p[np.arange(len(y)), y] / p.sum(axis=1)).mean())


def logits(rng: np.random.Generator) -> State:
    """No softmax before a cross-entropy of probabilities."""
    x, y = made_data.blobs(rng, 384, features=8, classes=3, noise=0.15)
    model = stack(widths(rng, 1, 2), "relu", L.Dense(3))
    model.compile(optimizer="adam", loss=SPARSE)
    return State(model, x, y, score=_surprise)


def binary_logits(rng: np.random.Generator) -> State:
    """No sigmoid before a binary cross-entropy; ReLU instead."""
    x, y = made_data.blobs(rng, 384, features=8, classes=2, noise=0.15)
    model = stack(widths(rng, 1, 2), "relu", L.Dense(1, activation="relu"))
    model.compile(optimizer="adam", loss="binary_crossentropy")
    return State(model, x, y, score=_surprise)


def one_softmax(rng: np.random.Generator) -> State:
    """Softmax over a single output."""
    x, y = made_data.blobs(rng, 384, features=8, classes=2)
    model = stack(widths(rng, 1, 2), "relu", L.Dense(1, activation="softmax"))
    model.compile(optimizer="adam", loss="binary_crossentropy")
    return State(model, x, y, score=_surprise)


def out_of_range(rng: np.random.Generator) -> State:
    """Numbers that a sigmoid or tanh cannot give."""
    x, y = made_data.waves(rng, 384)
    activation = str(rng.choice(["sigmoid", "tanh"]))
    model = stack(widths(rng, 1, 2), "relu", L.Dense(1, activation=activation))
    model.compile(optimizer="adam", loss="mse")
    return State(model, x, 3 * y)


def high_rate_sgd(rng: np.random.Generator) -> State:
    """Steps of gradient descent that leap over the valley."""
    x, y = made_data.waves(rng, 384)
    model = stack(widths(rng, 1, 2), "tanh", L.Dense(1))
    model.compile(optimizer=keras.optimizers.SGD(float(rng.uniform(2, 5))), loss="mse")
    return State(model, x, y, before={"epochs": 5})


def high_rate_adam(rng: np.random.Generator) -> State:
    """Adam, a thousand times faster than usual."""
    rate = float(rng.uniform(0.5, 2))
    return _classes(
        rng,
        lambda last: stack(widths(rng, 1, 2), "relu", last),
        keras.optimizers.Adam(rate),
        before={"epochs": 6},
    )


def low_rate(rng: np.random.Generator) -> State:
    """Steps too short to get anywhere."""
    rate = float(rng.choice([1e-6, 1e-5]))
    return _classes(
        rng,
        lambda last: stack(widths(rng, 1, 2), "relu", last),
        keras.optimizers.SGD(rate),
        before={"epochs": 8},
    )


def overfit(rng: np.random.Generator) -> State:
    """Many weights, few rows, many wrong labels."""
    x, y = made_data.blobs(rng, 512, features=20, classes=2, noise=0.2)
    model = stack([256, 256], "relu", L.Dense(1, activation="sigmoid"))
    model.compile(optimizer="adam", loss="binary_crossentropy")
    held, test = (x[96:224], y[96:224]), (x[224:], y[224:])
    before = {"epochs": 40, "validation_data": held}
    return State(model, x[:96], y[:96], before, {"epochs": 1}, held, test)


def underfit(rng: np.random.Generator) -> State:
    """A straight line through what is no line."""
    x, y = made_data.rings(rng, 384)
    model = keras.Sequential([L.Dense(1, activation="sigmoid")])
    model.compile(optimizer=keras.optimizers.Adam(0.05), loss="binary_crossentropy")
    return State(model, x, y, before={"epochs": 15})


def sorted_rows(rng: np.random.Generator) -> State:
    """Class after class, not shuffled."""
    x, y = made_data.blobs(rng, 384, features=8, classes=4)
    order = np.argsort(y, kind="stable")
    model = stack(widths(rng, 1, 2), "relu", L.Dense(4, activation="softmax"))
    model.compile(optimizer=keras.optimizers.Adam(0.02), loss=SPARSE)
    return State(
        model, x[order], y[order], {"epochs": 2, "shuffle": False}, {"epochs": 1, "shuffle": False}
    )


def frozen(rng: np.random.Generator) -> State:
    """A first layer that stays as it was drawn."""
    x, y = made_data.rings(rng, 384)
    model = keras.Sequential(
        [L.Dense(3, activation="relu"), L.Dense(3, activation="relu"), L.Dense(1, activation="sigmoid")]
    )
    model.layers[0].trainable = model.layers[1].trainable = False
    model.compile(optimizer=keras.optimizers.Adam(0.02), loss="binary_crossentropy")
    return State(model, x, y, {"epochs": 10}, {"epochs": 30})


def leaking(rng: np.random.Generator) -> State:
    """Validation rows that were trained on: early stopping sees no end."""
    x, y = made_data.blobs(rng, 512, features=20, classes=2, noise=0.2)
    model = stack([256, 256], "relu", L.Dense(1, activation="sigmoid"))
    model.compile(optimizer="adam", loss="binary_crossentropy")
    held = (x[20:80].copy(), y[20:80].copy())
    stop = keras.callbacks.EarlyStopping(patience=3, restore_best_weights=True)
    after = {"epochs": 60, "callbacks": [stop]}
    return State(model, x[:96], y[:96], {}, after, held, (x[224:], y[224:]))


SICK = [
    Sick("vanishing by a stack of sigmoids", "vanishing_gradients", sigmoid_stack),
    Sick("the same, of numbers", "vanishing_gradients", sigmoid_stack_regression),
    Sick("vanishing by small weights, ReLU", "vanishing_gradients", small_weights),
    Sick("vanishing by small weights, tanh", "vanishing_gradients", small_weights_tanh),
    Sick("exploding by large weights", "exploding_gradients", large_weights),
    Sick("exploding by large convolutions", "exploding_gradients", large_convolutions),
    Sick("saturated by large weights", "saturated_units", large_tanh),
    Sick("vanishing over 200 steps", "vanishing_gradients", forgetful_rnn),
    Sick("exploding over 200 steps", "exploding_gradients", exploding_rnn),
    Sick("dead ReLUs by bias", "dead_units", dead_by_bias),
    Sick("dead ReLUs by rate", "dead_units", dead_by_rate),
    Sick("unscaled columns", "unscaled_inputs", unscaled_table),
    Sick("unscaled images", "unscaled_inputs", unscaled_images),
    Sick("logits for probabilities", "logits_as_probabilities", logits),
    Sick("the same of two classes", "logits_as_probabilities", binary_logits),
    Sick("softmax over one output", "single_softmax", one_softmax),
    Sick("targets out of the output's range", "targets_out_of_range", out_of_range),
    Sick("rate too high, SGD", "rate_too_high", high_rate_sgd),
    Sick("rate too high, Adam", "rate_too_high", high_rate_adam),
    Sick("rate too low", "rate_too_low", low_rate),
    Sick("overfitting", "overfitting", overfit),
    Sick("underfitting, a straight line", "underfitting", underfit),
    Sick("underfitting, a strong penalty", "underfitting", penalised),
    Sick("sorted rows, no shuffling", "sorted_data", sorted_rows),
    Sick("a layer left frozen", "frozen_layer", frozen),
    Sick("validation data of training rows", "leaking_validation_data", leaking),
]
