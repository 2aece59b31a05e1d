"""Models and weights in files.

A `.chainrule` file is a safetensors file: the weights and the optimizer's state are its tensors,
the configuration is JSON in its metadata. Loading reads numbers and names; it runs no code. Tensors
are named by their place in the model (`dense/kernel`, `dense_1/bias`), so two models of the same
architecture exchange weights whatever their layers are called.
"""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np
from numpy.typing import NDArray

from chainrule import _core
from chainrule.errors import FileFormatError, NotBuiltError, ShapeError
from chainrule.global_state import set_global_attribute
from chainrule.saving.registration import CustomObjectScope
from chainrule.saving.serialization import deserialize_keras_object, serialize_keras_object
from chainrule.utils.naming import to_snake_case

__all__ = ["load_model", "load_weights", "save_model", "save_weights"]

Array = NDArray[Any]

_KEY = "chainrule"
_FORMAT = 1
_OPTIMIZER = "optimizer/"
_SMALL = 1 << 16


def _unique(name: str, taken: set[str]) -> str:
    candidate, number = name, 1
    while candidate in taken:
        candidate, number = f"{name}_{number}", number + 1
    taken.add(candidate)
    return candidate


def named_variables(layer: Any, prefix: str = "") -> Iterator[tuple[str, Any]]:
    """Each variable of a layer and of those inside it, with a name by its place."""
    taken: set[str] = set()
    own = [*layer._trainable_variables, *layer._non_trainable_variables]
    own.extend(generator.state for generator in getattr(layer, "_seed_generators", ()))
    for variable in own:
        name = variable.name if variable.is_named else "variable"
        yield prefix + _unique(name, taken), variable
    for inner in layer._layers:
        name = _unique(to_snake_case(type(inner).__name__), taken)
        yield from named_variables(inner, f"{prefix}{name}/")


def _unique_variables(model: Any) -> dict[str, Any]:
    found: dict[str, Any] = {}
    seen: set[int] = set()
    for name, variable in named_variables(model):
        if id(variable) not in seen:
            seen.add(id(variable))
            found[name] = variable
    return found


def _check_target(filepath: Any, overwrite: bool) -> str:
    path = str(os.fspath(filepath))
    if os.path.exists(path) and not overwrite:
        raise FileExistsError(f"save: expected a new file with overwrite=False, got '{path}'")
    folder = os.path.dirname(os.path.abspath(path))
    if not os.path.isdir(folder):
        raise FileNotFoundError(f"save: expected an existing folder, got '{folder}'")
    return path


def save_weights(model: Any, filepath: Any, overwrite: bool = True) -> None:
    """Write the weights to a `.safetensors` file.

    Raises
    ------
    FileExistsError
        When the file is there and `overwrite` is False.
    """
    path = _check_target(filepath, overwrite)
    arrays = {name: variable.numpy() for name, variable in _unique_variables(model).items()}
    _core.save_safetensors(path, arrays, {"format": "np"})


def save_model(
    model: Any, filepath: Any, overwrite: bool = True, include_optimizer: bool = True
) -> None:
    """Write configuration, weights and optimizer state to one `.chainrule` file.

    Raises
    ------
    FileExistsError
        When the file is there and `overwrite` is False.
    """
    path = _check_target(filepath, overwrite)
    arrays = {name: variable.numpy() for name, variable in _unique_variables(model).items()}
    compile_config = None
    if model.compiled:
        compile_config = model.get_compile_config()
        if include_optimizer and model.optimizer is not None and model.optimizer.built:
            for i, variable in enumerate(model.optimizer.variables):
                arrays[f"{_OPTIMIZER}{i}"] = np.asarray(variable.numpy())
    description = serialize_keras_object(model)
    for key in ("compile_config", "build_config"):
        description.pop(key, None)
    document = {
        "format": _FORMAT,
        "model": description,
        "build": model.get_build_config(),
        "compile": compile_config,
    }
    _core.save_safetensors(path, arrays, {_KEY: json.dumps(document)})


def _read(filepath: Any) -> tuple[str, dict[str, Array], dict[str, str]]:
    path = str(os.fspath(filepath))
    if not os.path.isfile(path):
        raise FileNotFoundError(f"load: expected a file, got '{path}'")
    arrays, metadata = _core.load_safetensors(path)
    return path, arrays, metadata


def _assign(
    path: str, arrays: dict[str, Array], variables: dict[str, Any], skip_mismatch: bool
) -> None:
    """Check every name and shape, then assign; nothing changes when something does not fit."""
    missing = [name for name in variables if name not in arrays]
    extra = [name for name in arrays if name not in variables]
    if (missing or extra) and not skip_mismatch:
        raise FileFormatError(
            f"file '{path}': expected tensors {sorted(variables)}, "
            f"got none for {sorted(missing)} and unknown {sorted(extra)}"
        )
    fitting = {}
    for name, variable in variables.items():
        if name not in arrays:
            continue
        if tuple(arrays[name].shape) == tuple(variable.shape):
            fitting[name] = arrays[name]
        elif not skip_mismatch:
            raise ShapeError(
                f"file '{path}': variable '{variable.path}' expected shape "
                f"{tuple(variable.shape)}, got {tuple(arrays[name].shape)} for tensor '{name}'"
            )
    for name, value in fitting.items():
        variables[name].assign(value)


def load_weights(model: Any, filepath: Any, skip_mismatch: bool = False) -> None:
    """Read weights from a `.safetensors` or `.chainrule` file into a built model.

    Raises
    ------
    FileFormatError
        A file that is truncated, corrupt, or of other tensors; no weight has changed.
    NotBuiltError
        A model without weights yet.
    ShapeError
        Weights of other shapes, unless `skip_mismatch`; no weight has changed.
    """
    if not model.built:
        raise NotBuiltError(
            f"model '{model.name}': expected a model that is built before its weights are loaded; "
            "call it on data, `build(input_shape)` it, or begin it with an Input"
        )
    path, arrays, _ = _read(filepath)
    weights = {name: a for name, a in arrays.items() if not name.startswith(_OPTIMIZER)}
    _assign(path, weights, _unique_variables(model), skip_mismatch)


def load_model(
    filepath: Any,
    custom_objects: dict[str, Any] | None = None,
    compile: bool = True,
    safe_mode: bool = True,
) -> Any:
    """A model as it was saved: architecture, weights, and, compiled, its optimizer's state.

    Parameters
    ----------
    filepath : str or path
    custom_objects : dict, optional
        Classes and functions by name that are neither chainrule's nor registered.
    compile : bool
        Compile as the saved model was. Default True.
    safe_mode : bool
        For Keras's signature: loading never runs code.

    Raises
    ------
    FileNotFoundError
        No file there.
    FileFormatError
        A file that is truncated, corrupt, or not a model of this format.

    Examples
    --------
    >>> import os, tempfile, numpy as np, chainrule as keras
    >>> model = keras.Sequential([keras.Input((3,)), keras.layers.Dense(2)])
    >>> path = os.path.join(tempfile.mkdtemp(), "m.chainrule")
    >>> model.save(path)
    >>> x = np.ones((1, 3), "float32")
    >>> same = keras.saving.load_model(path).predict(x, verbose=0) == model.predict(x, verbose=0)
    >>> bool(same.all())
    True
    """
    path, arrays, metadata = _read(filepath)
    if _KEY not in metadata:
        raise FileFormatError(f"file '{path}': expected a saved model, got plain tensors")

    def from_file(what: str, make: Callable[[], Any]) -> Any:
        try:
            return make()
        except Exception as error:
            raise FileFormatError(
                f"file '{path}': expected a {what} that can be read, got: {error}"
            ) from error

    document = from_file("document", lambda: json.loads(metadata[_KEY]))
    if not isinstance(document, dict) or document.get("format") != _FORMAT:
        raise FileFormatError(f"file '{path}': expected model format {_FORMAT}")
    with _variables_up_to(arrays):
        model = from_file(
            "model configuration",
            lambda: deserialize_keras_object(document["model"], custom_objects=custom_objects),
        )
        if not hasattr(model, "compile_from_config"):
            raise FileFormatError(f"file '{path}': expected a model, got {type(model).__name__}")
        if document.get("build") and not model.built:
            from_file("build configuration", lambda: model.build_from_config(document["build"]))
    weights = {name: a for name, a in arrays.items() if not name.startswith(_OPTIMIZER)}
    _assign(path, weights, _unique_variables(model), skip_mismatch=False)
    if compile and document.get("compile"):
        with CustomObjectScope(custom_objects or {}), _variables_up_to(arrays):
            from_file(
                "compile configuration", lambda: model.compile_from_config(document["compile"])
            )
        _load_optimizer(path, model, arrays)
    return model


@contextmanager
def _variables_up_to(arrays: dict[str, Array]) -> Iterator[None]:
    """Inside, no variable may be larger than the largest tensor of the file.

    A configuration of a few bytes that asks for a layer of a billion units fails before it takes
    the memory.
    """
    limit = max([_SMALL, *(array.size for array in arrays.values())])
    set_global_attribute("largest_variable", limit)
    try:
        yield
    finally:
        set_global_attribute("largest_variable", None)


def _load_optimizer(path: str, model: Any, arrays: dict[str, Array]) -> None:
    state = {name: a for name, a in arrays.items() if name.startswith(_OPTIMIZER)}
    if not state or model.optimizer is None:
        return
    if not model.optimizer.built:
        model.optimizer.build(model.trainable_variables)
    variables = {f"{_OPTIMIZER}{i}": v for i, v in enumerate(model.optimizer.variables)}
    _assign(path, state, variables, skip_mismatch=False)
