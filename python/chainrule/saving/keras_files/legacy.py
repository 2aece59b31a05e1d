"""Weights in the HDF5 files of Keras 2, which Keras 3 reads and writes too.

Each layer of the model has a group of its name, whose attribute `weight_names` lists its arrays: the
trainable ones first. The attribute `layer_names` lists the layers, in order. In a file of a whole
model, all that is in the group `model_weights`.
"""

from __future__ import annotations

import warnings
from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from chainrule.base.errors import FileFormatError, ShapeError
from chainrule.saving.keras_files.archive import KERAS_VERSION
from chainrule.saving.keras_files.hdf5 import Group, h5py, opened, put_array
from chainrule.utils.reading import damage
from chainrule.utils.writing import replacing

__all__ = [
    "arrays_of",
    "is_legacy_file",
    "load_legacy_weights",
    "put_arrays",
    "put_weights",
    "save_legacy_weights",
    "take_weights",
]

Array = NDArray[Any]
Values = list[tuple[Any, Array]]

_LAYERS, _ARRAYS, _OWN = "layer_names", "weight_names", "top_level_model_weights"
_WHOLE = "model_weights"
# Bytes of an attribute that an HDF5 header can hold.
_LONGEST = 64_512


def is_legacy_file(path: str) -> bool:
    """Whether an HDF5 file holds layers by name, as Keras 2 has them.

    Raises
    ------
    FileFormatError
        A damaged file.
    """
    with opened(path) as root, damage(path, "a whole HDF5 file"):
        return _WHOLE in root.keys() or _has_layers(root)


def _has_layers(group: Group) -> bool:
    return any(group.attribute(name) is not None for name in (_LAYERS, f"{_LAYERS}0"))


def save_legacy_weights(model: Any, path: str) -> None:
    """Write the weights of a model to an `.h5` file.

    Raises
    ------
    ImportError
        h5py is not installed.
    """
    package = h5py()
    with replacing(path) as temporary, package.File(temporary, "w") as root:
        put_weights(root, model)


def put_weights(group: Any, model: Any) -> None:
    """Write the weights of a model into an open file or group."""
    _put_texts(group, _LAYERS, [layer.name for layer in model.layers])
    group.attrs["backend"] = b"chainrule"
    group.attrs["keras_version"] = KERAS_VERSION.encode()
    # A group's name may begin with that of another.
    for layer in sorted(model.layers, key=lambda layer: str(layer.name)):
        put_arrays(group.create_group(layer.name), _in_order(layer))
    put_arrays(group.create_group(_OWN), _own(model))


def put_arrays(group: Any, variables: Sequence[Any]) -> None:
    """Write the values of variables into a group, by their paths."""
    names: list[str] = []
    for variable in variables:
        name, number = variable.path, 1
        while name in names:
            name, number = f"{variable.path}_{number}", number + 1
        names.append(name)
        put_array(group, name, variable)
    _put_texts(group, _ARRAYS, names)


def _put_texts(group: Any, name: str, texts: list[str]) -> None:
    encoded = np.asarray([text.encode() for text in texts], dtype="S") if texts else np.zeros(0)
    parts = [encoded]
    while any(part.nbytes > _LONGEST for part in parts):
        parts = list(np.array_split(encoded, len(parts) + 1))
    for i, part in enumerate(parts):
        group.attrs[name if len(parts) == 1 else f"{name}{i}"] = part


def _in_order(layer: Any) -> list[Any]:
    """The weights in Keras 2's order."""
    return [*layer.trainable_weights, *layer.non_trainable_weights]


def _own(model: Any) -> list[Any]:
    """The weights of the model itself, in none of its layers."""
    return [*model._trainable_variables, *model._non_trainable_variables]


def load_legacy_weights(
    model: Any, path: str, by_name: bool, skip_mismatch: bool, memory_limit: int | None
) -> None:
    """Read the weights of an `.h5` file into a built model; nothing changes unless all fits.

    Raises
    ------
    FileFormatError
        A file of other layers, or one that is damaged.
    ShapeError
        Weights of other shapes, unless `skip_mismatch`.
    """
    with opened(path, memory_limit=memory_limit) as root:
        with damage(path, "a whole HDF5 file"):
            is_whole = not _has_layers(root) and _WHOLE in root.keys()
            group = root.group(_WHOLE) if is_whole else root
        take_weights(group, model, by_name, skip_mismatch)


def take_weights(group: Group, model: Any, by_name: bool, skip_mismatch: bool) -> None:
    """As `load_legacy_weights`, of an open file or group."""
    matches = _by_name if by_name else _by_order
    values: Values = []
    for place, variables, arrays in matches(group, model):
        values += _fitting(f"{group.place}: {place}", variables, arrays, skip_mismatch)
    for variable, value in values:
        variable.assign(value)


def arrays_of(group: Group) -> list[Array]:
    """The arrays of a layer's group, in order."""
    with damage(group.place, "arrays of numbers"):
        return [group.array(name) for name in group.texts(_ARRAYS)]


Match = tuple[str, list[Any], list[Array]]


def _layers_in(group: Group) -> list[tuple[str, Group]]:
    with damage(group.place, "groups of layers"):
        return [(name, group.group(name)) for name in group.texts(_LAYERS)]


def _by_order(group: Group, model: Any) -> Iterator[Match]:
    with damage(group.place, "groups of layers"):
        stored = [(name, inner) for name, inner in _layers_in(group) if inner.texts(_ARRAYS)]
    layers = [layer for layer in model.layers if layer.weights]
    if len(stored) != len(layers):
        raise FileFormatError(
            f"{group.place}: expected weights of {len(layers)} layers, "
            f"{[layer.name for layer in layers]}, got {len(stored)}: {[name for name, _ in stored]}"
        )
    for layer, (name, inner) in zip(layers, stored, strict=True):
        yield f"layer '{layer.name}' ('{name}' in the file)", _in_order(layer), arrays_of(inner)
    yield from _beside_layers(group, model)


def _by_name(group: Group, model: Any) -> Iterator[Match]:
    for name, inner in _layers_in(group):
        for layer in model.layers:
            if layer.name == name:
                yield f"layer '{name}'", _in_order(layer), arrays_of(inner)
    yield from _beside_layers(group, model)


def _beside_layers(group: Group, model: Any) -> Iterator[Match]:
    if _OWN in group.keys():
        yield f"model '{model.name}' itself", _own(model), arrays_of(group.group(_OWN))


def _fitting(place: str, variables: list[Any], arrays: list[Array], skip_mismatch: bool) -> Values:
    """Each variable with its array, shapes checked."""
    if len(variables) != len(arrays):
        message = f"{place}: expected {len(variables)} weights, got {len(arrays)}"
        if not skip_mismatch:
            raise FileFormatError(message)
        warnings.warn(f"load_weights(skip_mismatch=True): skipped {message}", stacklevel=6)
        return []
    found = []
    for variable, array in zip(variables, arrays, strict=True):
        if tuple(variable.shape) == array.shape:
            found.append((variable, array))
            continue
        message = (
            f"{place}: expected shape {tuple(variable.shape)} for '{variable.path}', "
            f"got {array.shape}"
        )
        if not skip_mismatch:
            raise ShapeError(message)
        warnings.warn(f"load_weights(skip_mismatch=True): skipped {message}", stacklevel=6)
    return found
