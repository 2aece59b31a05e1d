"""Models and weights in chainrule's own files: `.chainrule` and `.safetensors`.

A `.chainrule` file is a safetensors file: the weights and the optimizer's state are its tensors,
the configuration is JSON in its metadata. Loading reads numbers and names; it runs no code. Tensors
are named by their place in the model (`dense/kernel`, `dense_1/bias`), so two models of the same
architecture exchange weights whatever their layers are called.
"""

from __future__ import annotations

import json
import os
import warnings
from collections.abc import Iterator
from typing import Any

import numpy as np
from numpy.typing import NDArray

from chainrule import _core
from chainrule.base.errors import FileFormatError, ShapeError
from chainrule.base.loading import limit_of, read_json
from chainrule.base.naming import to_snake_case
from chainrule.base.serialization import (
    deserialize_keras_object,
    serialize_keras_object,
    sharing,
)
from chainrule.saving.foreign import kind_of
from chainrule.saving.making import Making
from chainrule.saving.tensor_files import read_tensors
from chainrule.tracing.arrays import HALVES, engine_array, engine_dtype
from chainrule.utils.reading import damage
from chainrule.utils.writing import replacing

__all__ = [
    "load_own_model",
    "load_own_weights",
    "named_variables",
    "save_own_model",
    "save_own_weights",
]

Array = NDArray[Any]
Tensors = dict[str, Array]

_KEY = "chainrule"
_FORMAT = 1
_OPTIMIZER = "optimizer/"


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


def merged_values(model: Any) -> dict[int, Array | None]:
    """What stands for variables in a file of plain weights, by identity: with LoRA the sum in place of
    a kernel, None for the two factors."""
    return {k: v for inner in model._flatten_layers() for k, v in inner._merged_values().items()}


def save_own_weights(model: Any, path: str) -> None:
    """Write the weights to a `.safetensors` file, those of LoRA merged into their kernels."""
    merged = merged_values(model)
    variables = _unique_variables(model)
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


def save_own_model(model: Any, path: str, include_optimizer: bool = True) -> None:
    """Write configuration, weights and optimizer state to one `.chainrule` file.

    A layer that stands in several places is written once.
    """
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


def _read(path: str, what: str, memory_limit: int | None) -> tuple[Tensors, dict[str, str]]:
    if os.path.isfile(path):
        size, limit = os.path.getsize(path), limit_of(memory_limit)
        if size > limit:
            raise FileFormatError(
                f"file '{path}': expected at most {limit} bytes (`memory_limit`), got {size}"
            )
        try:
            return read_tensors(path)
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
            stacklevel=5,
        )
    return fitting


def _holds(variable: np.dtype[Any], array: np.dtype[Any]) -> bool:
    """Whether a variable of one dtype takes numbers of another: floats into floats, say."""
    return variable.kind == array.kind or {variable.kind, array.kind} <= {"i", "u"}


def _assign(values: dict[str, Array], variables: dict[str, Any]) -> None:
    for name, value in values.items():
        variables[name].assign(value)


def load_own_weights(
    model: Any, path: str, skip_mismatch: bool = False, memory_limit: int | None = None
) -> None:
    """Read weights from a `.safetensors` or `.chainrule` file into a built model.

    Where the file has no weights of a layer's LoRA, its kernel is read and the product set to zero.
    Halves (F16, BF16) are read as float32.

    Raises
    ------
    FileFormatError, ShapeError
        As `load_weights`; no weight has changed.
    """
    arrays, _ = _read(path, "weights (.safetensors or .chainrule)", memory_limit)
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


def load_own_model(
    path: str, custom_objects: Any, compile: bool = True, memory_limit: int | None = None
) -> Any:
    """The model of a `.chainrule` file.

    Raises
    ------
    FileFormatError
        As `load_model`.
    """
    arrays, metadata = _read(path, "a model (.chainrule)", memory_limit)
    if _KEY not in metadata:
        raise FileFormatError(f"file '{path}': expected a saved model, got plain tensors")
    with damage(path, "a document that can be read"):
        document = read_json(metadata[_KEY])
    if not isinstance(document, dict) or document.get("format") != _FORMAT:
        raise FileFormatError(f"file '{path}': expected model format {_FORMAT}")
    making = Making(
        path,
        custom_objects,
        memory_limit,
        len(metadata[_KEY]),
        {tuple(array.shape) for array in arrays.values()},
        sum(array.nbytes for array in arrays.values()),
    )

    def make() -> Any:
        with sharing():
            model = deserialize_keras_object(document.get("model"))
        if document.get("build") and not model.built:
            model.build_from_config(document["build"])
        return model

    model = making.model(make)
    weights = {name: a for name, a in arrays.items() if not name.startswith(_OPTIMIZER)}
    variables = _unique_variables(model)
    with damage(path, "the model's weights"):
        _assign(_fitting(path, weights, variables), variables)
    if compile and document.get("compile"):
        making.part(
            "a compile configuration that can be read",
            lambda: model.compile_from_config(document["compile"]),
        )
        making.part(
            "the state of an optimizer", lambda: _load_optimizer(path, model, arrays)
        )
    return model


def _load_optimizer(path: str, model: Any, arrays: Tensors) -> None:
    state = {name: a for name, a in arrays.items() if name.startswith(_OPTIMIZER)}
    if not state or model.optimizer is None:
        return
    if not model.optimizer.built:
        model.optimizer.build(model.trainable_variables)
    variables = {f"{_OPTIMIZER}{i}": v for i, v in enumerate(model.optimizer.variables)}
    _assign(_fitting(path, state, variables), variables)
