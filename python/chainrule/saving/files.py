"""Models and weights in files.

A `.chainrule` file is a safetensors file: the weights and the optimizer's state are its tensors,
the configuration is JSON in its metadata. Loading reads numbers and names; it runs no code. Tensors
are named by their place in the model (`dense/kernel`, `dense_1/bias`), so two models of the same
architecture exchange weights whatever their layers are called.
"""

from __future__ import annotations

import json
import os
import warnings
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
from numpy.typing import NDArray

from chainrule import _core
from chainrule.base import config
from chainrule.base.errors import FileFormatError, NotBuiltError, ShapeError
from chainrule.base.loading import bounded, limit_of, read_json
from chainrule.base.naming import to_snake_case
from chainrule.base.registry import CustomObjectScope
from chainrule.base.serialization import (
    deserialize_keras_object,
    serialize_keras_object,
    sharing,
)
from chainrule.saving.foreign import MODEL_ENDINGS, WEIGHTS_ENDINGS, check_ending, kind_of
from chainrule.saving.tensor_files import read_tensors
from chainrule.tracing.arrays import HALVES, engine_array, engine_dtype
from chainrule.utils.writing import replacing

__all__ = ["load_model", "load_weights", "save_model", "save_weights"]

Array = NDArray[Any]
Tensors = dict[str, Array]

_KEY = "chainrule"
_FORMAT = 1
_OPTIMIZER = "optimizer/"
# Bytes of variables that a file need not account for: slots of an optimizer that was not saved, and
# the states of metrics.
_BESIDE = 1 << 27


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


def _check_target(what: str, filepath: Any, endings: tuple[str, ...], overwrite: bool) -> str:
    path = str(os.fspath(filepath))
    check_ending(what, path, endings)
    if os.path.exists(path) and not overwrite:
        raise FileExistsError(f"save: expected a new file with overwrite=False, got '{path}'")
    folder = os.path.dirname(os.path.abspath(path))
    if not os.path.isdir(folder):
        raise FileNotFoundError(f"save: expected an existing folder, got '{folder}'")
    return path


def save_weights(model: Any, filepath: Any, overwrite: bool = True) -> None:
    """Write the weights to a `.safetensors` file, those of LoRA merged into their kernels.

    Raises
    ------
    NotBuiltError
        A model that has no weights yet.
    ValueError
        A file name with another ending.
    FileExistsError
        When the file is there and `overwrite` is False.
    OSError
        As `chainrule.utils.writing.replacing`.
    """
    path = _check_target("save_weights", filepath, WEIGHTS_ENDINGS, overwrite)
    variables = _unique_variables(model)
    if not model.built or not (variables or all(inner.built for inner in model._flatten_layers())):
        raise NotBuiltError(
            f"model '{model.name}': expected a model that is built before its weights are saved; "
            "call it on data, `build(input_shape)` it, or begin it with an Input"
        )
    merged = {k: v for inner in model._flatten_layers() for k, v in inner._merged_values().items()}
    arrays = {name: merged.get(id(v), v.numpy()) for name, v in variables.items()}
    kept = {name: array for name, array in arrays.items() if array is not None}
    _write(path, kept, variables, {"format": "np"})


def _write(
    path: str, arrays: dict[str, Array], variables: dict[str, Any], metadata: dict[str, str]
) -> None:
    """The arrays of variables, those of halves in 16 bits."""
    dtypes = {name: variables[name].stored_dtype for name in arrays}
    halves = {name: dtype for name, dtype in dtypes.items() if dtype in HALVES}
    numbers = {name: engine_array(array) for name, array in arrays.items()}
    with replacing(path) as temporary:
        _core.save_safetensors(temporary, numbers, metadata, halves)


def save_model(
    model: Any, filepath: Any, overwrite: bool = True, include_optimizer: bool = True
) -> None:
    """Write configuration, weights and optimizer state to one `.chainrule` file.

    A layer that stands in several places is written once.

    Raises
    ------
    ValueError
        A file name with another ending.
    FileExistsError
        When the file is there and `overwrite` is False.
    OSError
        As `chainrule.utils.writing.replacing`.
    """
    path = _check_target("save", filepath, MODEL_ENDINGS, overwrite)
    variables = _unique_variables(model)
    compile_config = None
    if model.compiled:
        compile_config = model.get_compile_config()
        if include_optimizer and model.optimizer is not None and model.optimizer.built:
            state = enumerate(model.optimizer.variables)
            variables |= {f"{_OPTIMIZER}{i}": variable for i, variable in state}
    arrays = {name: variable.numpy() for name, variable in variables.items()}
    with sharing() as shared:
        description = shared.finish(serialize_keras_object(model))
    for key in ("compile_config", "build_config"):
        description.pop(key, None)
    document = {
        "format": _FORMAT,
        "model": description,
        "build": model.get_build_config(),
        "compile": compile_config,
    }
    _write(path, arrays, variables, {_KEY: json.dumps(document)})


def _read(filepath: Any, what: str, memory_limit: int | None) -> tuple[str, Tensors, dict[str, str]]:
    path = str(os.fspath(filepath))
    if not os.path.exists(path):
        raise FileNotFoundError(f"load: expected a file, got '{path}'")
    if os.path.isfile(path):
        size, limit = os.path.getsize(path), limit_of(memory_limit)
        if size > limit:
            raise FileFormatError(
                f"file '{path}': expected at most {limit} bytes (`memory_limit`), got {size}"
            )
        try:
            arrays, metadata = read_tensors(path)
            return path, arrays, metadata
        except FileFormatError as error:
            problem: FileFormatError | None = error
    else:
        problem = None
    kind = kind_of(path) if problem or os.path.isdir(path) else "a device or a pipe"
    if kind is None:
        assert problem is not None
        raise problem
    raise FileFormatError(f"file '{path}': expected {what}, got {kind}") from problem


def _fitting(
    path: str, arrays: Tensors, variables: dict[str, Any], skip_mismatch: bool = False
) -> dict[str, Array]:
    """The tensors for these variables, every name, shape and dtype checked.

    Raises
    ------
    FileFormatError
        Other names, or numbers of another kind (unless `skip_mismatch`).
    ShapeError
        Other shapes (unless `skip_mismatch`).
    """
    missing = sorted(name for name in variables if name not in arrays)
    extra = sorted(name for name in arrays if name not in variables)
    if (missing or extra) and not skip_mismatch:
        raise FileFormatError(
            f"file '{path}': expected tensors {sorted(variables)}, "
            f"got none for {missing} and unknown {extra}"
        )
    fitting, skipped = {}, [f"'{name}' (not in the file)" for name in missing]
    for name, variable in variables.items():
        if name not in arrays:
            continue
        array, place = arrays[name], f"file '{path}': variable '{variable.path}'"
        expected = np.dtype(engine_dtype(variable.stored_dtype))
        if tuple(array.shape) != tuple(variable.shape):
            found = f"shape {tuple(variable.shape)}, got {tuple(array.shape)}"
            error: type[ValueError] = ShapeError
        elif not _holds(expected, array.dtype):
            found = f"numbers of dtype {expected}, got {array.dtype}"
            error = FileFormatError
        else:
            fitting[name] = array
            continue
        if not skip_mismatch:
            raise error(f"{place} expected {found} for tensor '{name}'")
        skipped.append(f"'{name}' (expected {found})")
    skipped += [f"'{name}' (not in the model)" for name in extra]
    if skipped:
        done = f"{len(fitting)} of {len(variables)} weights"
        if not fitting:
            done = "no weight at all: nothing in the file fits to the model, which is as it was"
        warnings.warn(
            f"load_weights(skip_mismatch=True): '{path}' gave {done}. Skipped: "
            f"{', '.join(skipped)}",
            stacklevel=4,
        )
    return fitting


def _holds(variable: np.dtype[Any], array: np.dtype[Any]) -> bool:
    """Whether a variable of one dtype takes numbers of another: floats into floats, say."""
    return variable.kind == array.kind or {variable.kind, array.kind} <= {"i", "u"}


def _assign(values: dict[str, Array], variables: dict[str, Any]) -> None:
    for name, value in values.items():
        variables[name].assign(value)


def load_weights(
    model: Any, filepath: Any, skip_mismatch: bool = False, memory_limit: int | None = None
) -> None:
    """Read weights from a `.safetensors` or `.chainrule` file into a built model.

    Where the file has no weights of a layer's LoRA, its kernel is read and the product set to zero.

    Halves (F16, BF16) are read as float32.

    Parameters
    ----------
    model : Model
    filepath : str or path
    skip_mismatch : bool
        Leave out, with a warning that lists them, what the file does not hold and what has another
        shape. Default: False, which refuses such a file.
    memory_limit : int, optional
        The most bytes that the file may have. Default: `config.memory_limit()`.

    Raises
    ------
    FileFormatError
        A file that is truncated, corrupt, of other tensors or of another format; no weight has
        changed.
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
    path, arrays, _ = _read(filepath, "weights (.safetensors or .chainrule)", memory_limit)
    weights = {name: a for name, a in arrays.items() if not name.startswith(_OPTIMIZER)}
    variables = _unique_variables(model)
    names = {id(variable): name for name, variable in variables.items()}
    merged = []
    for layer in model._flatten_layers():
        made = [names[id(variable)] for variable in layer._mergeable]
        if made and not any(name in weights for name in made):
            merged.append(layer)
            for name in made:
                del variables[name]
    _assign(_fitting(path, weights, variables, skip_mismatch), variables)
    for layer in merged:
        layer._after_merge()


def load_model(
    filepath: Any,
    custom_objects: dict[str, Any] | None = None,
    compile: bool = True,
    safe_mode: bool = True,
    memory_limit: int | None = None,
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
    memory_limit : int, optional
        The most bytes that the file, and the variables that are made for it, may have. Default:
        `config.memory_limit()`, and no more than the tensors in the file account for.

    Raises
    ------
    FileNotFoundError
        No file there.
    FileFormatError
        A file that is truncated, corrupt, of another format, or whose configuration asks for more
        than its tensors are.

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
    path, arrays, metadata = _read(filepath, "a model (.chainrule)", memory_limit)
    if _KEY not in metadata:
        raise FileFormatError(f"file '{path}': expected a saved model, got plain tensors")

    def from_file(what: str, make: Callable[[], Any]) -> Any:
        try:
            return make()
        except FileFormatError:
            raise
        except Exception as error:
            raise FileFormatError(
                f"file '{path}': expected a {what} that can be read, got: {error}"
            ) from error

    document = from_file("document", lambda: read_json(metadata[_KEY]))
    if not isinstance(document, dict) or document.get("format") != _FORMAT:
        raise FileFormatError(f"file '{path}': expected model format {_FORMAT}")
    if memory_limit is None:
        held = sum(array.nbytes for array in arrays.values())
        memory_limit = min(config.memory_limit(), 2 * held + _BESIDE)
    shapes = {tuple(array.shape) for array in arrays.values()}
    with bounded(memory_limit, len(metadata[_KEY]), shapes), CustomObjectScope(custom_objects):
        with sharing():
            model = from_file(
                "model configuration", lambda: deserialize_keras_object(document.get("model"))
            )
        if not hasattr(model, "compiled"):
            raise FileFormatError(f"file '{path}': expected a model, got {type(model).__name__}")
        if document.get("build") and not model.built:
            from_file("build configuration", lambda: model.build_from_config(document["build"]))
    weights = {name: a for name, a in arrays.items() if not name.startswith(_OPTIMIZER)}
    variables = _unique_variables(model)
    _assign(from_file("model's weights", lambda: _fitting(path, weights, variables)), variables)
    if compile and document.get("compile"):
        with bounded(memory_limit, len(metadata[_KEY])), CustomObjectScope(custom_objects):
            from_file(
                "compile configuration", lambda: model.compile_from_config(document["compile"])
            )
            from_file("state of an optimizer", lambda: _load_optimizer(path, model, arrays))
    return model


def _load_optimizer(path: str, model: Any, arrays: Tensors) -> None:
    state = {name: a for name, a in arrays.items() if name.startswith(_OPTIMIZER)}
    if not state or model.optimizer is None:
        return
    if not model.optimizer.built:
        model.optimizer.build(model.trainable_variables)
    variables = {f"{_OPTIMIZER}{i}": v for i, v in enumerate(model.optimizer.variables)}
    _assign(_fitting(path, state, variables), variables)
