"""Configurations of Keras 2, in the words of Keras 3.

They name classes without modules, shapes as `batch_input_shape`, and the inputs of a call as lists
`[layer, call, output, options]`.
"""

from __future__ import annotations

from typing import Any

from chainrule.base.registry import get_registered_object
from chainrule.base.serialization import public_class
from chainrule.tracing.recording import recorded_operation

__all__ = ["as_now", "compile_config_as_now"]

_OLD_NAMES = {"Model": "Functional", "Policy": "DTypePolicy", "BatchNormalizationV1": "BatchNormalization"}
# Where a class without a module is looked for, by what its key ends with.
_BY_KEY = {
    "_initializer": ("initializers",),
    "_regularizer": ("regularizers",),
    "_constraint": ("constraints",),
    "learning_rate": ("optimizers.schedules",),
    "dtype": ("dtype_policies",),
}
_LAYERS = ("layers", "models")
_COMPILED = {"optimizer": ("optimizers",), "loss": ("losses",)}
_METRICS = ("metrics", "losses")
# Keras's ops are in modules of their own, which need not be known to find them.
_OPS = "numpy"
# What layers of Keras 2 were given and those of Keras 3 do not take.
_DROPPED = {
    "BatchNormalization": ("virtual_batch_size", "fused", "adjustment"),
    "DepthwiseConv2D": ("groups", "filters"),
    "SeparableConv1D": ("groups", "kernel_initializer", "kernel_regularizer", "kernel_constraint"),
    "SeparableConv2D": ("groups", "kernel_initializer", "kernel_regularizer", "kernel_constraint"),
    "Conv2DTranspose": ("groups",),
    "GRU": ("implementation", "time_major"),
    "LSTM": ("implementation", "time_major"),
    "SimpleRNN": ("implementation", "time_major"),
    "GRUCell": ("implementation",),
    "LSTMCell": ("implementation",),
    "ReLU": (),
}
_OLD_OPTIONS = ("decay", "jit_compile", "is_legacy_optimizer", "lr")


def as_now(description: Any) -> Any:
    """The description of a model, or of a part of one, as Keras 3 has it."""
    return _as_now(description, _LAYERS)


def _as_now(x: Any, places: tuple[str, ...]) -> Any:
    if isinstance(x, list):
        return [_as_now(item, places) for item in x]
    if not isinstance(x, dict):
        return x
    if not ("class_name" in x and "config" in x):
        return {key: _as_now(value, _places(key, places)) for key, value in x.items()}
    found = {**x, "class_name": _OLD_NAMES.get(str(x["class_name"]), x["class_name"])}
    if "module" not in x and not str(x["class_name"]).startswith("__"):
        module = _module_of(found["class_name"], places)
        if module is None and "inbound_nodes" in x and _is_op(found["class_name"]):
            module = f"keras.src.ops.{_OPS}"
        found["module"] = module
        found["registered_name"] = None if module else found["class_name"]
        if isinstance(x["config"], dict):
            found["config"] = _options_now(found["class_name"], x["config"])
    if isinstance(x["config"], list):  # of a Sequential in the first versions of Keras 2
        found["config"] = {"name": None, "layers": x["config"]}
    if isinstance(found["config"], dict):
        inner = found["config"]
        found["config"] = {k: _as_now(v, _places(k, _LAYERS)) for k, v in inner.items()}
    if isinstance(x.get("inbound_nodes"), list):
        found["inbound_nodes"] = [_call_now(call) for call in x["inbound_nodes"]]
    return found


def _is_op(name: Any) -> bool:
    """Whether a call of an op is recorded by this name, and no class of a user has it."""
    return recorded_operation(name) is not None and get_registered_object(name) is None


def _places(key: str, otherwise: tuple[str, ...]) -> tuple[str, ...]:
    return next((places for end, places in _BY_KEY.items() if key.endswith(end)), otherwise)


def _module_of(name: Any, places: tuple[str, ...]) -> str | None:
    for place in places:
        found = public_class(place, name)
        if found is not None:
            return found
    return None


def _options_now(name: str, config: dict[str, Any]) -> dict[str, Any]:
    options = {k: v for k, v in config.items() if k not in _DROPPED.get(name, ())}
    shape = options.pop("batch_input_shape", None)
    if shape is not None:
        if name == "InputLayer":
            options["batch_shape"] = shape
        else:
            options["input_shape"] = shape[1:]
    axis = options.get("axis")
    if name == "BatchNormalization" and isinstance(axis, list) and len(axis) == 1:
        options["axis"] = axis[0]
    if options.get("ragged") is False and name != "InputLayer":
        del options["ragged"]
    return options


def _call_now(call: Any) -> Any:
    """A call `[[layer, call, output, options], ...]` as `{"args": ..., "kwargs": ...}`."""
    if isinstance(call, dict):
        return _as_now(call, _LAYERS)
    if not isinstance(call, list):
        raise ValueError(f"expected the inputs of a call, got {call!r:.80}")
    if _is_place(call):
        call = [call]
    tensors, options = [], {}
    for entry in call:
        if not _is_place(entry):
            raise ValueError(f"expected [layer, call, output], got {entry!r:.80}")
        tensors.append(_tensor(entry))
        options = entry[3] if len(entry) > 3 and isinstance(entry[3], dict) else {}
    kwargs = {k: _tensor(v) if _is_place(v) else v for k, v in options.items()}
    kwargs.pop("training", None)
    return {"args": [tensors[0] if len(tensors) == 1 else tensors], "kwargs": kwargs}


def _is_place(x: Any) -> bool:
    is_list = isinstance(x, list) and len(x) in (3, 4)
    return is_list and isinstance(x[0], str) and all(isinstance(n, int) for n in x[1:3])


def _tensor(place: list[Any]) -> dict[str, Any]:
    config = {"shape": [], "dtype": "float32", "keras_history": place[:3]}
    return {"class_name": "__keras_tensor__", "config": config}


def compile_config_as_now(config: Any) -> dict[str, Any]:
    """What `compile` was given, for `compile_from_config`.

    Raises
    ------
    ValueError
        No such configuration.
    """
    if not isinstance(config, dict) or not isinstance(config.get("optimizer_config"), dict):
        raise ValueError("expected the arguments of compile, got none")
    optimizer = _as_now(config["optimizer_config"], _COMPILED["optimizer"])
    if isinstance(optimizer.get("config"), dict):
        inner = optimizer["config"]
        if "learning_rate" not in inner and "lr" in inner:
            inner["learning_rate"] = inner["lr"]
        optimizer["config"] = {k: v for k, v in inner.items() if k not in _OLD_OPTIONS}
    return {
        "optimizer": optimizer,
        "loss": _as_now(config.get("loss"), _COMPILED["loss"]),
        "loss_weights": config.get("loss_weights"),
        "metrics": _metrics_now(config.get("metrics")),
        "weighted_metrics": _metrics_now(config.get("weighted_metrics")),
    }


def _metrics_now(x: Any) -> Any:
    """Metrics, of which Keras 2 wraps functions: their names."""
    if isinstance(x, list):
        return [_metrics_now(item) for item in x]
    if not isinstance(x, dict):
        return x
    config = x.get("config")
    if x.get("class_name") == "MeanMetricWrapper" and isinstance(config, dict):
        return config.get("fn") or config.get("name")
    if "class_name" in x:
        return _as_now(x, _METRICS)
    return {key: _metrics_now(value) for key, value in x.items()}
