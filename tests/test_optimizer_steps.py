"""Ten steps of every optimizer against a trainer written in NumPy, traced, and against Keras."""

from __future__ import annotations

import os
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import chainrule as cr
from chainrule import optimizers
from chainrule.tracing.trace import Trace

STEPS = 10
RATE = 2.0**-5
Array = np.ndarray


def sgd(w, g, lr, t, s, momentum=0.0, nesterov=False):
    if momentum == 0:
        return w - lr * g
    s["v"] = momentum * s.get("v", 0.0) - lr * g
    return w + (momentum * s["v"] - lr * g if nesterov else s["v"])


def rmsprop(w, g, lr, t, s, rho=0.9, momentum=0.0, epsilon=1e-7, centered=False):
    s["v"] = rho * s.get("v", 0.0) + (1 - rho) * g**2
    s["a"] = rho * s.get("a", 0.0) + (1 - rho) * g
    power = s["v"] - s["a"] ** 2 if centered else s["v"]
    step = lr * g / np.sqrt(power + epsilon)
    s["u"] = momentum * s.get("u", 0.0) + step
    return w - s["u"]


def adagrad(w, g, lr, t, s, initial_accumulator_value=0.1, epsilon=1e-7):
    s["s"] = s.get("s", initial_accumulator_value) + g**2
    return w - lr * g / np.sqrt(s["s"] + epsilon)


def adadelta(w, g, lr, t, s, rho=0.95, epsilon=1e-7):
    s["s"] = rho * s.get("s", 0.0) + (1 - rho) * g**2
    d = -g * np.sqrt(s.get("x", 0.0) + epsilon) / np.sqrt(s["s"] + epsilon)
    s["x"] = rho * s.get("x", 0.0) + (1 - rho) * d**2
    return w + lr * d


def adam(w, g, lr, t, s, beta_1=0.9, beta_2=0.999, epsilon=1e-7, amsgrad=False):
    s["m"] = beta_1 * s.get("m", 0.0) + (1 - beta_1) * g
    s["v"] = beta_2 * s.get("v", 0.0) + (1 - beta_2) * g**2
    s["h"] = np.maximum(s.get("h", 0.0), s["v"])
    v = s["h"] if amsgrad else s["v"]
    alpha = lr * np.sqrt(1 - beta_2**t) / (1 - beta_1**t)
    return w - alpha * s["m"] / (np.sqrt(v) + epsilon)


def adamax(w, g, lr, t, s, beta_1=0.9, beta_2=0.999, epsilon=1e-7):
    s["m"] = beta_1 * s.get("m", 0.0) + (1 - beta_1) * g
    s["u"] = np.maximum(beta_2 * s.get("u", 0.0), np.abs(g))
    return w - lr / (1 - beta_1**t) * s["m"] / (s["u"] + epsilon)


def nadam(w, g, lr, t, s, beta_1=0.9, beta_2=0.999, epsilon=1e-7):
    def u(step):
        return beta_1 * (1 - 0.5 * 0.96**step)

    product = np.prod([u(step) for step in range(1, t + 1)])
    s["m"] = beta_1 * s.get("m", 0.0) + (1 - beta_1) * g
    s["v"] = beta_2 * s.get("v", 0.0) + (1 - beta_2) * g**2
    ahead = u(t + 1) * s["m"] / (1 - product * u(t + 1))
    m_hat = ahead + (1 - u(t)) * g / (1 - product)
    return w - lr * m_hat / (np.sqrt(s["v"] / (1 - beta_2**t)) + epsilon)


def lion(w, g, lr, t, s, beta_1=0.9, beta_2=0.99):
    m = s.get("m", 0.0)
    s["m"] = beta_2 * m + (1 - beta_2) * g
    return w - lr * np.sign(beta_1 * m + (1 - beta_1) * g)


def ftrl(w, g, lr, t, s, power=0.5, start=0.1, l1=0.0, l2=0.0, shrinkage=0.0, beta=0.0):
    n = s.get("n", start)
    s["n"] = n + g**2
    sigma = (s["n"] ** power - n**power) / lr
    s["z"] = s.get("z", 0.0) + g + 2 * shrinkage * w - sigma * w
    quadratic = s["n"] ** power / lr + 2 * (l2 + beta / (2 * lr))
    return (np.clip(s["z"], -l1, l1) - s["z"]) / quadratic


def lamb(w, g, lr, t, s, beta_1=0.9, beta_2=0.999, epsilon=1e-7):
    s["m"] = beta_1 * s.get("m", 0.0) + (1 - beta_1) * g
    s["v"] = beta_2 * s.get("v", 0.0) + (1 - beta_2) * g**2
    d = s["m"] / (1 - beta_1**t) / (np.sqrt(s["v"] / (1 - beta_2**t)) + epsilon)
    return w - lr * np.linalg.norm(w) / np.linalg.norm(d) * d


def adafactor(w, g, lr, t, s, decay=-0.8, epsilon_1=1e-30, epsilon_2=1e-3, threshold=1.0):
    def rms(x):
        return np.sqrt(np.mean(x**2))

    rate = max(epsilon_2, rms(w)) * min(lr, 1 / np.sqrt(t))
    beta = 1 - float(t) ** decay
    square = g**2 + epsilon_1
    if w.ndim < 2:
        s["v"] = v = beta * s.get("v", 0.0) + (1 - beta) * square
    else:
        s["r"] = beta * s.get("r", 0.0) + (1 - beta) * square.mean(-1)
        s["c"] = beta * s.get("c", 0.0) + (1 - beta) * square.mean(-2)
        v = np.outer(s["r"] / s["r"].mean(), s["c"])
    d = g / np.sqrt(v)
    return w - rate * d / max(1.0, rms(d) / threshold)


def muon(w, g, lr, t, s, momentum=0.95, nesterov=True):
    if w.ndim != 2:
        return adam(w, g, lr, t, s)
    s["m"] = momentum * s.get("m", 0.0) + g
    x = g + momentum * s["m"] if nesterov else s["m"]
    wide = x.T if x.shape[0] > x.shape[1] else x
    wide = wide / (np.linalg.norm(wide) + 1e-7)
    for _ in range(5):
        a = wide @ wide.T
        wide = 3.4445 * wide + (-4.7750 * a + 2.0315 * a @ a) @ wide
    d = wide.T if x.shape[0] > x.shape[1] else wide
    return w - lr * 0.2 * np.sqrt(max(w.shape)) * d


def schedule_free(w, g, lr, t, s, beta_1=0.9, beta_2=0.999, epsilon=1e-8, warmup=0):
    z = s.get("z", s["start"])
    x = (w - (1 - beta_1) * z) / beta_1
    lr = lr * min(1.0, t / warmup) if warmup else lr
    s["v"] = beta_2 * s.get("v", 0.0) + (1 - beta_2) * g**2
    s["z"] = z - lr * g / (np.sqrt(s["v"] / (1 - beta_2**t)) + epsilon)
    return (1 - beta_1) * s["z"] + beta_1 * ((1 - 1 / t) * x + s["z"] / t)


# (class, arguments, formula, the formula's arguments)
METHODS: dict[str, tuple[str, dict[str, Any], Callable[..., Array], dict[str, Any]]] = {
    "sgd": ("SGD", {}, sgd, {}),
    "sgd-momentum": ("SGD", {"momentum": 0.9}, sgd, {"momentum": 0.9}),
    "sgd-nesterov": (
        "SGD",
        {"momentum": 0.9, "nesterov": True},
        sgd,
        {"momentum": 0.9, "nesterov": True},
    ),
    "rmsprop": ("RMSprop", {}, rmsprop, {}),
    "rmsprop-centered": (
        "RMSprop",
        {"centered": True, "momentum": 0.5, "rho": 0.8},
        rmsprop,
        {"centered": True, "momentum": 0.5, "rho": 0.8},
    ),
    "adagrad": ("Adagrad", {}, adagrad, {}),
    "adadelta": ("Adadelta", {"epsilon": 1e-3}, adadelta, {"epsilon": 1e-3}),
    "adam": ("Adam", {}, adam, {}),
    "adam-amsgrad": (
        "Adam",
        {"amsgrad": True, "beta_2": 0.5},
        adam,
        {"amsgrad": True, "beta_2": 0.5},
    ),
    "adamw": ("AdamW", {"weight_decay": 0.0}, adam, {}),
    "adamax": ("Adamax", {}, adamax, {}),
    "nadam": ("Nadam", {}, nadam, {}),
    "lion": ("Lion", {}, lion, {}),
    "ftrl": (
        "Ftrl",
        {
            "l1_regularization_strength": 0.05,
            "l2_regularization_strength": 0.15,
            "l2_shrinkage_regularization_strength": 0.01,
            "beta": 0.3,
        },
        ftrl,
        {"l1": 0.05, "l2": 0.15, "shrinkage": 0.01, "beta": 0.3},
    ),
    "lamb": ("Lamb", {}, lamb, {}),
    "adafactor": ("Adafactor", {}, adafactor, {}),
    "muon": ("Muon", {"weight_decay": None, "adam_weight_decay": None}, muon, {}),
    "schedule-free": ("ScheduleFreeAdamW", {"warmup_steps": 4}, schedule_free, {"warmup": 4}),
}
OPTIONS: dict[str, dict[str, Any]] = {
    "plain": {},
    "clipnorm": {"clipnorm": 0.5},
    "clipvalue": {"clipvalue": 0.25},
    "global_clipnorm": {"global_clipnorm": 0.5},
    "weight_decay": {"weight_decay": 0.5},
    "ema": {"use_ema": True, "ema_momentum": 0.75},
    "ema-overwrite": {"use_ema": True, "ema_momentum": 0.75, "ema_overwrite_frequency": 3},
    "accumulation": {"gradient_accumulation_steps": 3},
    "loss-scale": {"loss_scale_factor": 8.0},
    "schedule": {"schedule": 0.5},
}


def weights_and_pulls() -> tuple[list[Array], Callable[[list[Array], int], list[Array]]]:
    """First weights, and gradients that depend on the weights and on the step."""
    rng = np.random.default_rng(7)
    shapes = [(4, 3), (3,), (2, 5)]
    weights = [rng.normal(size=shape) for shape in shapes]
    centers = [rng.normal(size=shape) for shape in shapes]
    noise = [[rng.normal(size=shape) for shape in shapes] for _ in range(STEPS)]

    def gradients(values: list[Array], step: int) -> list[Array]:
        return [v - c + 0.5 * n for v, c, n in zip(values, centers, noise[step])]

    return weights, gradients


def clip(grads: list[Array], options: dict[str, Any]) -> list[Array]:
    norms = [np.sqrt(np.sum(g**2)) for g in grads]
    if "clipnorm" in options:
        c = options["clipnorm"]
        return [g * min(1.0, c / n) for g, n in zip(grads, norms)]
    if "global_clipnorm" in options:
        c = options["global_clipnorm"]
        return [g * min(1.0, c / np.sqrt(np.sum(np.square(norms)))) for g in grads]
    if "clipvalue" in options:
        return [np.clip(g, -options["clipvalue"], options["clipvalue"]) for g in grads]
    return grads


def numpy_steps(method: str, option: str) -> tuple[list[Array], list[Array]]:
    """The weights after ten steps, and their averages, by the formulas above."""
    _, _, formula, arguments = METHODS[method]
    options = OPTIONS[option]
    weights, gradients = weights_and_pulls()
    slots: list[dict[str, Any]] = [{"start": w} for w in weights]
    averages = [np.zeros_like(w) for w in weights]
    every = options.get("gradient_accumulation_steps", 1)
    waiting: list[list[Array]] = []
    updates = 0
    for step in range(STEPS):
        waiting.append(gradients(weights, step))
        if len(waiting) == every:
            grads = clip([np.mean(g, axis=0) for g in zip(*waiting)], options)
            waiting = []
            updates += 1
            lr = RATE * options["schedule"] ** (step / 4) if "schedule" in options else RATE
            decay = options.get("weight_decay", 0.0)
            weights = [w - w * decay * lr for w in weights]
            weights = [
                formula(w, g, lr, updates, s, **arguments) for w, g, s in zip(weights, grads, slots)
            ]
        m = options.get("ema_momentum", 0.0) if step > 0 else 0.0
        averages = [m * a + (1 - m) * w for a, w in zip(averages, weights)]
        if "ema_overwrite_frequency" in options:
            if (step + 1) % options["ema_overwrite_frequency"] == 0:
                weights = [a.copy() for a in averages]
    return weights, averages


def make_optimizer(package: Any, method: str, option: str) -> Any:
    name, arguments, _, _ = METHODS[method]
    options = dict(OPTIONS[option])
    rate: Any = RATE
    if options.pop("schedule", None):
        rate = package.schedules.ExponentialDecay(RATE, decay_steps=4, decay_rate=0.5)
    if method == "muon" and "weight_decay" in options:
        options["adam_weight_decay"] = options["weight_decay"]
    return getattr(package, name)(learning_rate=rate, **{**arguments, **options})


ROWS = [(method, option) for method in METHODS for option in OPTIONS]


@pytest.mark.parametrize(("method", "option"), ROWS)
@pytest.mark.parametrize(("dtype", "tolerance"), [("float64", 1e-10), ("float32", 2e-5)])
def test_ten_steps_equal_numpy(method: str, option: str, dtype: str, tolerance: float) -> None:
    if option == "schedule":
        tolerance = 2e-5  # the schedule computes in float32
    optimizer = make_optimizer(optimizers, method, option)
    start, gradients = weights_and_pulls()
    variables = [cr.Variable(w.astype(dtype)) for w in start]
    for step in range(STEPS):
        grads = gradients([v.numpy().astype("float64") for v in variables], step)
        scale = optimizer.loss_scale_factor or 1.0
        optimizer.apply([(g * scale).astype(dtype) for g in grads], variables)
    weights, averages = numpy_steps(method, option)
    for variable, expected in zip(variables, weights):
        np.testing.assert_allclose(variable.numpy(), expected, rtol=tolerance, atol=tolerance)
    if optimizer.use_ema:
        optimizer.finalize_variable_values(variables)
        for variable, expected in zip(variables, averages):
            np.testing.assert_allclose(variable.numpy(), expected, rtol=tolerance, atol=tolerance)


@pytest.mark.parametrize(("method", "option"), ROWS)
def test_a_compiled_step_equals_the_eager_step_bit_for_bit(method: str, option: str) -> None:
    start, gradients = weights_and_pulls()
    start = [w.astype("float32") for w in start]
    eager = [cr.Variable(w) for w in start]
    compiled = [cr.Variable(w) for w in start]
    one, other = (make_optimizer(optimizers, method, option) for _ in range(2))
    other.build(compiled)
    with Trace() as trace:
        inputs = [trace.input(f"g{i}", w.shape, "float32") for i, w in enumerate(start)]
        other.apply(inputs, compiled)
    program = trace.compile([])
    for step in range(4):
        grads = [g.astype("float32") for g in gradients([v.numpy() for v in eager], step)]
        one.apply(grads, eager)
        program.run(grads)
    for a, b in zip([*eager, *one.variables], [*compiled, *other.variables]):
        assert a.numpy().tobytes() == b.numpy().tobytes(), a.path


@pytest.mark.parametrize(("method", "option"), ROWS)
def test_ten_steps_equal_keras(method: str, option: str) -> None:
    os.environ.setdefault("KERAS_BACKEND", "jax")
    keras = pytest.importorskip("keras", minversion="3.15")
    start, gradients = weights_and_pulls()
    ours = [cr.Variable(w.astype("float32")) for w in start]
    theirs = [keras.Variable(w.astype("float32")) for w in start]
    one = make_optimizer(optimizers, method, option)
    other = make_optimizer(keras.optimizers, method, option)
    for step in range(STEPS):
        grads = gradients([v.numpy() for v in theirs], step)
        grads = [g.astype("float32") for g in grads]
        one.apply(grads, ours)
        other.apply([keras.ops.convert_to_tensor(g) for g in grads], theirs)
    for a, b in zip(ours, theirs):
        np.testing.assert_allclose(a.numpy(), b.numpy(), rtol=2e-5, atol=2e-5)
