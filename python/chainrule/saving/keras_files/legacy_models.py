"""Whole models in the HDF5 files of Keras 2, which Keras 3 reads and writes too."""

from __future__ import annotations

import json
import warnings
from typing import Any

from chainrule import losses
from chainrule.base import tree
from chainrule.base.errors import FileFormatError
from chainrule.base.loading import read_json
from chainrule.base.registry import get_registered_object
from chainrule.base.serialization import (
    deserialize_keras_object,
    serialize_keras_object,
    sharing,
)
from chainrule.saving.keras_files.archive import KERAS_VERSION
from chainrule.saving.keras_files.hdf5 import Group, h5py, opened
from chainrule.saving.keras_files.legacy import arrays_of, put_arrays, put_weights, take_weights
from chainrule.saving.keras_files.legacy_configs import as_now, compile_config_as_now
from chainrule.saving.making import Making
from chainrule.utils.reading import damage
from chainrule.utils.writing import replacing

__all__ = ["load_legacy_model", "save_legacy_model"]

# Of `compile`'s arguments: written apart, and not known to Keras.
_NOT_THEN = ("optimizer", "non_finite")
_WEIGHTS, _STATE = "model_weights", "optimizer_weights"


def save_legacy_model(model: Any, path: str, include_optimizer: bool = True) -> None:
    """Write a model to an `.h5` file, which Keras 3 opens.

    Raises
    ------
    TypeError
        Something in the model that has no `get_config`.
    ImportError
        h5py is not installed.
    """
    package = h5py()
    with sharing() as shared:
        description = shared.finish(serialize_keras_object(model))
    optimizer = model.optimizer if include_optimizer else None
    compiled = description.get("compile_config") if optimizer is not None else None
    config = {key: description[key] for key in ("class_name", "config")}
    if description.get("registered_name") and description["module"] is None:
        config["class_name"] = description["registered_name"]
    with replacing(path) as temporary, package.File(temporary, "w") as root:
        root.attrs["keras_version"] = KERAS_VERSION.encode()
        root.attrs["backend"] = b"chainrule"
        root.attrs["model_config"] = json.dumps(config).encode()
        if compiled:
            training = {k: _as_then(v) for k, v in compiled.items() if k not in _NOT_THEN}
            training["loss"] = tree.map_structure(_long_name, training["loss"])
            training["optimizer_config"] = _as_then(compiled["optimizer"])
            root.attrs["training_config"] = json.dumps(training).encode()
        put_weights(root.create_group(_WEIGHTS), model)
        if optimizer is not None and optimizer.variables:
            put_arrays(root.create_group(_STATE), optimizer.variables)


def _long_name(loss: Any) -> Any:
    """The full name of a loss that is given by a short one: Keras reads none of those here."""
    if not isinstance(loss, str) or get_registered_object(loss) is not None:
        return loss
    return getattr(losses.get(loss), "__name__", loss)


def _as_then(config: Any) -> Any:
    """What `compile` was given, in the words of Keras 2: classes without modules, functions' names."""
    if isinstance(config, list):
        return [_as_then(x) for x in config]
    if not isinstance(config, dict):
        return config
    if config.get("class_name") == "function":
        return config["config"]
    if "class_name" in config and "config" in config:
        name = config.get("registered_name") or config["class_name"]
        return {"class_name": name, "config": config["config"]}
    return {key: _as_then(value) for key, value in config.items()}


def load_legacy_model(
    path: str, custom_objects: Any, compile: bool, memory_limit: int | None
) -> Any:
    """The model of an `.h5` file.

    Raises
    ------
    FileFormatError
        A file that is damaged, holds weights alone, or describes what chainrule does not have.
    """
    with opened(path, memory_limit=memory_limit) as root:
        with damage(path, "a whole HDF5 file"):
            text = root.attribute("model_config")
            training = root.attribute("training_config")
            shapes, held = root.shapes(), root.size
        if not isinstance(text, str):
            raise FileFormatError(
                f"file '{path}': expected a model with its configuration, got weights alone "
                "(`load_weights` reads them)"
            )
        with damage(path, "a configuration of JSON"):
            description = as_now(read_json(text))
        making = Making(path, custom_objects, memory_limit, len(text), shapes, held)
        with sharing():
            model = making.model(lambda: deserialize_keras_object(description))
        take_weights(root.group(_WEIGHTS), model, by_name=False, skip_mismatch=False)
        if compile and isinstance(training, str):
            with damage(path, "a configuration of JSON"):
                config = compile_config_as_now(read_json(training))
            making.part(
                "a compile configuration that can be read",
                lambda: model.compile_from_config(config),
            )
            _take_optimizer(root, model)
    return model


def _take_optimizer(root: Group, model: Any) -> None:
    if model.optimizer is None or _STATE not in root.keys():
        return
    arrays = arrays_of(root.group(_STATE))
    with damage(root.place, "the version of Keras"):
        version = str(root.attribute("keras_version") or 1)
    if not version.startswith("3"):
        warnings.warn(
            f"{root.place}: the optimizer's state is of Keras {version}, which orders it otherwise, "
            "and was not read: the optimizer begins anew",
            stacklevel=5,
        )
        return
    with damage(root.place, "the state of the optimizer"):
        model.optimizer.load_own_variables({str(i): array for i, array in enumerate(arrays)})
