"""Small helpers that several layers share: configs of weight options, axes, data formats."""

from __future__ import annotations

from typing import Any

from chainrule import activations, constraints, initializers, regularizers
from chainrule.base import config
from chainrule.initializers import Initializer

_OPTIONS: dict[str, Any] = {
    "initializer": initializers,
    "regularizer": regularizers,
    "constraint": constraints,
}
_FUSED = ("linear", "relu", "sigmoid", "tanh")


def serialize_options(layer: Any, *names: str) -> dict[str, Any]:
    """Configs of attributes named ``..._initializer``, ``..._regularizer``, ``..._constraint``."""
    return {
        name: _OPTIONS[name.rsplit("_", 1)[1]].serialize(getattr(layer, name)) for name in names
    }


def set_options(layer: Any, **options: Any) -> None:
    """Attributes as `serialize_options` reads them, from objects, names or configs."""
    for name, value in options.items():
        setattr(layer, name, _OPTIONS[name.rsplit("_", 1)[1]].get(value))


def another_initializer(initializer: Any) -> Any:
    """A fresh initializer with the same settings, which draws other numbers."""
    return initializer.clone() if isinstance(initializer, Initializer) else initializer


def fused_name(activation: Any) -> str | None:
    """The name under which the core's `dense` and `conv` apply the activation, if they do."""
    if activation is None:
        return "linear"
    for name in _FUSED:
        if activation is getattr(activations, name):
            return name
    return None


def check_axes(axis: Any, input_shape: tuple[int | None, ...]) -> None:
    """ValueError unless every axis lies in the shape."""
    for a in axis if isinstance(axis, (list, tuple)) else [axis]:
        if not -len(input_shape) <= a < len(input_shape):
            raise ValueError(
                f"Axis {a} is out of bounds for input shape {input_shape}. Received: axis={axis}"
            )


def int_or_list(axis: Any) -> int | list[int]:
    """The `axis` argument: an int, or a list of them; TypeError for anything else."""
    if isinstance(axis, (list, tuple)):
        return list(axis)
    if isinstance(axis, int):
        return axis
    raise TypeError(
        "Invalid value for `axis` argument: expected an int or a list/tuple of ints. "
        f"Received: axis={axis!r}"
    )


def known_size(layer: Any, input_shape: tuple[int | None, ...], axis: int) -> int:
    """The size of an axis; ValueError naming the layer when it is `None`."""
    size = input_shape[axis]
    if size is None:
        raise ValueError(
            f"Layer '{layer.path or layer.name}' expected axis {axis} of its input to have a "
            f"known size, but received an input with shape {tuple(input_shape)}."
        )
    return int(size)


def standardize_data_format(data_format: str | None) -> str:
    """``channels_last`` or ``channels_first``; `None` is the configured one."""
    if data_format is None:
        return config.image_data_format()
    value = str(data_format).lower()
    if value not in ("channels_first", "channels_last"):
        raise ValueError(
            "The `data_format` argument must be one of ('channels_first', 'channels_last'). "
            f"Received: data_format={value}"
        )
    return value


def check_rate(rate: float, name: str = "rate") -> None:
    """ValueError unless ``0 <= rate <= 1``."""
    if not 0 <= rate <= 1:
        raise ValueError(
            f"Invalid value received for argument `{name}`. Expected a float value between 0 and "
            f"1. Received: {name}={rate}"
        )
