"""Whole models and weights in Keras 3's files: `.keras` and `.weights.h5`."""

from __future__ import annotations

import io
import tempfile
from collections.abc import Iterable
from typing import Any

from chainrule.base.errors import FileFormatError
from chainrule.base.loading import read_json
from chainrule.base.serialization import (
    ObjectSharingScope,
    deserialize_keras_object,
    serialize_keras_object,
    sharing,
)
from chainrule.saving.keras_files.archive import opened_archive, write_archive
from chainrule.saving.keras_files.hdf5 import h5py, opened
from chainrule.saving.keras_files.state import load_state, save_state
from chainrule.saving.making import Making
from chainrule.utils.reading import damage
from chainrule.utils.writing import replacing

__all__ = [
    "load_keras_model",
    "load_keras_weights",
    "save_keras_model",
    "save_keras_weights",
]


def save_keras_model(model: Any, path: str, include_optimizer: bool = True) -> None:
    """Write a `.keras` file: what `load_model`, here and in Keras 3, opens.

    Raises
    ------
    TypeError
        Something in the model that has no `get_config`.
    ImportError
        h5py is not installed.
    """
    file = io.BytesIO()
    skip = [] if include_optimizer else [model.optimizer]
    with sharing() as shared:
        description = shared.finish(serialize_keras_object(model))
    if description.get("compile_config"):
        description["compile_config"].pop("non_finite", None)  # of which Keras knows nothing
    with tempfile.TemporaryDirectory() as assets:
        with h5py().File(file, "w") as root:
            save_state(model, root, assets, skip)
        write_archive(path, description, file.getvalue(), assets)


def save_keras_weights(model: Any, path: str, skip: Iterable[Any] = ()) -> None:
    """Write a `.weights.h5` file: the weights, and of a compiled model its optimizer's state.

    Raises
    ------
    ImportError
        h5py is not installed.
    """
    package = h5py()
    with replacing(path) as temporary, package.File(temporary, "w") as root:
        save_state(model, root, skip=skip)


def load_keras_model(
    path: str, custom_objects: Any, compile: bool, memory_limit: int | None
) -> Any:
    """The model of a `.keras` file.

    Raises
    ------
    FileFormatError
        A file that is truncated, corrupt, of another format, names what is not known, or whose
        configuration asks for more than its arrays are.
    """
    with opened_archive(path, memory_limit) as archive:
        text = archive.config
        with damage(path, "a configuration of JSON"):
            description = read_json(text)
        if not isinstance(description, dict):
            raise FileFormatError(f"file '{path}': expected the configuration of a model")
        if not compile:
            description.pop("compile_config", None)
        if not archive.is_own:
            _drop_defaults_of_calls(description)
        weights = archive.weights()
        with opened(f"{path}/model.weights.h5", weights, memory_limit) as root:
            with damage(path, "the weights of a model"):
                shapes = root.shapes()

            def make() -> Any:
                with ObjectSharingScope():
                    return deserialize_keras_object(description)

            making = Making(path, custom_objects, memory_limit, len(text), shapes, root.size)
            model = making.model(make)
            with archive.assets() as assets:
                load_state(model, root, assets)
    return model


def _drop_defaults_of_calls(description: Any) -> None:
    """Forget `training` in the calls of a graph.

    Keras notes what it was when the graph was made, often a default, and replaces it by what the
    model is called with.
    """
    pending = [description]
    while pending:
        x = pending.pop()
        inner = x.values() if isinstance(x, dict) else x
        pending.extend(y for y in inner if isinstance(y, (dict, list)))
        if isinstance(x, dict) and isinstance(x.get("inbound_nodes"), list):
            for call in x["inbound_nodes"]:
                if isinstance(call, dict) and isinstance(call.get("kwargs"), dict):
                    call["kwargs"].pop("training", None)


def load_keras_weights(
    model: Any, path: str, skip_mismatch: bool, memory_limit: int | None, skip: Iterable[Any] = ()
) -> None:
    """Read the weights of a `.weights.h5` or a `.keras` file into a built model.

    Raises
    ------
    FileFormatError, ShapeError
        As `load_state`; no weight has changed.
    """

    if path.lower().endswith(".keras"):
        with opened_archive(path, memory_limit) as archive:
            with opened(f"{path}/model.weights.h5", archive.weights(), memory_limit) as root:
                load_state(model, root, skip_mismatch=skip_mismatch, skip=skip)
    else:
        with opened(path, memory_limit=memory_limit) as root:
            load_state(model, root, skip_mismatch=skip_mismatch, skip=skip)
