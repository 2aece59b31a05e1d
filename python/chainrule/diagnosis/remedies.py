"""Remedies as code, in the names `keras`, `np`, `model`, `x`, `y` and `validation_data`."""

from __future__ import annotations

import inspect
from collections.abc import Sequence
from typing import Any

from chainrule.diagnosis.sites import layers_by_path
from chainrule.optimizers import Optimizer

__all__ = [
    "anew",
    "clipped",
    "compiled",
    "default_rate",
    "each",
    "getting",
    "initialized",
    "optimizer_of",
    "rate_of",
]


def getting(model: Any, path: str) -> str:
    """The expression for the layer at a path."""
    if path in ("", model.name):
        return "model"
    names = path.split("/")[1:]
    layers = layers_by_path(model)
    prefix, expression = model.name, "model"
    for name in names:
        owner = layers[prefix]
        prefix = f"{prefix}/{name}"
        if hasattr(owner, "get_layer") and any(inner.name == name for inner in owner.layers):
            expression += f".get_layer({name!r})"
            continue
        held = [key for key, value in vars(owner).items() if value is layers.get(prefix)]
        public = [key for key in held if not key.startswith("_")]
        if not public:
            index = next(i for i, inner in enumerate(owner._layers) if inner.name == name)
            expression += f"._layers[{index}]"
        else:
            expression += f".{public[0]}"
    return expression


def rate_of(model: Any) -> float | None:
    """The learning rate, None where there is none or it is a schedule's."""
    try:
        return float(model.optimizer.learning_rate)
    except (AttributeError, TypeError):
        return None


def default_rate(model: Any) -> float:
    """The rate that the optimizer's class has by itself."""
    taken = inspect.signature(type(model.optimizer)).parameters
    default = taken["learning_rate"].default if "learning_rate" in taken else 0.001
    return float(default) if isinstance(default, (int, float)) else 0.001


def optimizer_of(model: Any, rate: float | None = None, clipnorm: float | None = None) -> str:
    """The expression for an optimizer of the same class and settings, from its beginning."""
    optimizer = model.optimizer
    name, config = type(optimizer).__name__, optimizer.get_config()
    if rate is not None:
        config["learning_rate"] = float(f"{rate:.2g}")
    if clipnorm is not None:
        config.update(clipnorm=clipnorm, global_clipnorm=None, clipvalue=None)
    config.pop("name", None)
    taken = {
        **inspect.signature(Optimizer).parameters,
        **inspect.signature(type(optimizer)).parameters,
    }
    given = {
        key: float(f"{value:.6g}") if isinstance(value, float) else value
        for key, value in config.items()
        if key == "learning_rate" or key not in taken or value != taken[key].default
    }
    if not (set(given) <= set(taken) and all(_is_plain(v) for v in given.values())):
        changes = {"learning_rate": rate, "clipnorm": clipnorm}
        shown = "".join(f", {k!r}: {v!r}" for k, v in changes.items() if v is not None)
        return f"type(model.optimizer).from_config({{**model.optimizer.get_config(){shown}}})"
    return f"keras.optimizers.{name}({', '.join(f'{k}={v!r}' for k, v in given.items())})"


def _is_plain(value: Any) -> bool:
    return value is None or isinstance(value, (bool, int, float, str))


def compiled(model: Any, optimizer: str | None = None, loss: str | None = None) -> str:
    """The call that compiles the model again, with its metrics where they are names."""
    given = model._training.config or {}
    metrics = given.get("metrics")
    named = isinstance(metrics, (list, tuple)) and all(isinstance(m, str) for m in metrics)
    more = f", metrics={list(metrics)!r}" if named and metrics else ""
    if given.get("loss_weights") is not None:
        more = f", loss_weights={given['loss_weights']!r}{more}"
    first = "" if model.optimizer is None else f"{optimizer or optimizer_of(model)}, "
    return f"model.compile({first}loss={loss or 'model.loss'}{more})"


def anew(model: Any, optimizer: str | None = None, loss: str | None = None) -> str:
    """Code for the same model with new weights, compiled."""
    made = compiled(model, optimizer, loss).removeprefix("model.")
    made = made.replace("model.loss", "old.loss").replace("model.optimizer", "old.optimizer")
    return f"old, model = model, keras.models.clone_model(model)\nmodel.{made}"


def initialized(
    model: Any, paths: Sequence[str], initializer: str, activation: str | None = None
) -> str:
    """Code that draws new kernels for layers in place, perhaps with another activation."""
    layers = layers_by_path(model)
    there = [path for path in paths if path in layers]
    kernels = [p for p in there if getattr(layers[p], "kernel", None) is not None]
    lines = [each(model, there)]
    if activation is not None:
        lines.append(f"    layer.activation = keras.activations.{activation}")
    draw = [
        f"    layer.kernel_initializer = keras.initializers.{initializer}",
        "    layer.kernel.assign(layer.kernel_initializer(layer.kernel.shape))",
    ]
    if len(kernels) == len(there):
        lines += draw
    elif kernels:
        lines += [each(model, kernels), *draw]
    return "\n".join([*lines, compiled(model)])


def each(model: Any, paths: Sequence[str]) -> str:
    """The head of a loop over the layers at these paths."""
    found = [getting(model, path) for path in paths]
    inside = "model.get_layer("
    if all(f.startswith(inside) and f.count("(") == 1 for f in found):
        names = ", ".join(f.removeprefix(inside).removesuffix(")") for f in found)
        return f"for layer in map(model.get_layer, [{names}]):"
    return f"for layer in [{', '.join(found)}]:"


def clipped(model: Any, norm: float = 1.0) -> str:
    """Code that compiles the model with gradients clipped to a norm."""
    return compiled(model, optimizer_of(model, clipnorm=norm))
