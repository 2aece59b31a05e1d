"""Weights from PyTorch's files, and into them."""

from __future__ import annotations

import os
import warnings
from collections.abc import Mapping
from typing import Any

import numpy as np

from chainrule import _core
from chainrule.base.errors import FileFormatError, NotBuiltError, ShapeError
from chainrule.base.loading import limit_of
from chainrule.saving.foreign import WEIGHTS_ENDINGS, check_ending, kind_of
from chainrule.saving.own_files import merged_values
from chainrule.saving.tensor_files import read_tensors
from chainrule.saving.torch_weights.layouts import Array, Link
from chainrule.saving.torch_weights.matching import COUNTER, match, tensor_name
from chainrule.saving.torch_weights.places import Place, places_of
from chainrule.saving.torch_weights.report import Row, TorchReport
from chainrule.tracing.arrays import HALVES, engine_array
from chainrule.utils.writing import replacing

__all__ = ["load_torch_weights", "save_torch_weights"]


def load_torch_weights(
    model: Any,
    filepath: Any,
    mapping: Any,
    *,
    skip_mismatch: bool = False,
    dry_run: bool = False,
    memory_limit: int | None = None,
) -> TorchReport:
    """Read the weights of a PyTorch module from a `.safetensors` file into a built model.

    Parameters
    ----------
    model : Model
    filepath : str or path
    mapping : dict or "auto"
        Our place -> PyTorch's module, as ``{"dense": "fc1", "lstm_1": "rnn[1]"}``, where ``[1]`` is the
        second layer of a recurrent module. Places are named as in the files of `save_weights`, without the
        weight's own name. What stands above places, as ``{"sequential": "features"}``, maps all of them
        below: each layer, in order, takes the first module by number whose tensors have its shapes.
        "auto" does so with the whole model.
    skip_mismatch : bool
        Load what fits, and warn of the rest. Default False.
    dry_run : bool
        Only say what fits. Default False.
    memory_limit : int, optional
        The most bytes that the file may have. Default: `config.memory_limit()`.

    Returns
    -------
    TorchReport

    Raises
    ------
    FileFormatError
        A pickle, another format, or tensors that are missing, too many, or could belong to several
        layers; no weight has changed.
    ShapeError
        Tensors of other shapes; no weight has changed.
    NotBuiltError
        A model without weights yet.
    ValueError
        A mapping that the model does not have, layers that PyTorch has no counterpart of.
    """
    if not model.built:
        raise NotBuiltError(
            f"model '{model.name}': expected a model that is built before its weights are loaded; "
            "call it on data, `build(input_shape)` it, or begin it with an Input"
        )
    path = str(os.fspath(filepath))
    arrays = _read(path, memory_limit)
    places = places_of(model)
    found, unclear = match(places, mapping, arrays)
    rows, fitting = _compare(places, found, unclear, arrays)
    report = TorchReport(path, rows, found)
    if dry_run:
        return report
    if not report.fits:
        wrong = [row for row in rows if not row.fits]
        if not skip_mismatch:
            is_shape = all(row.verdict == "shape" for row in wrong)
            raise (ShapeError if is_shape else FileFormatError)(str(report))
        warnings.warn(f"load_weights(skip_mismatch=True): {report}", stacklevel=3)
    # All is computed before a variable changes.
    values = [
        (v, np.ascontiguousarray(array))
        for link, tensors in fitting
        for v, array in zip(link.variables, link.to_ours(tensors), strict=True)
    ]
    for variable, array in values:
        variable.assign(array)
    assigned = {id(variable) for variable, _ in values}
    for layer in model._flatten_layers():
        if assigned & layer._merged_values().keys():  # a kernel with LoRA beside it
            layer._after_merge()
    return report


def _read(path: str, memory_limit: int | None) -> dict[str, Array]:
    if not os.path.exists(path):
        raise FileNotFoundError(f"load: expected a file, got '{path}'")
    is_known = os.path.isfile(path) or os.path.isdir(path)
    kind = kind_of(path) if is_known else "a device or a pipe"
    if kind is not None:
        raise FileFormatError(f"file '{path}': expected weights (.safetensors), got {kind}")
    size, limit = os.path.getsize(path), limit_of(memory_limit)
    if size > limit:
        raise FileFormatError(
            f"file '{path}': expected at most {limit} bytes (`memory_limit`), got {size}"
        )
    return read_tensors(path)[0]


def _compare(
    places: list[Place],
    found: Mapping[str, str],
    unclear: Mapping[str, list[str]],
    arrays: Mapping[str, Array],
) -> tuple[list[Row], list[tuple[Link, list[Array]]]]:
    """A row for each tensor, and the links whose tensors are all as expected."""
    rows, fitting, used = [], [], set()
    for place in places:
        note = place.note
        module = found.get(place.path)
        lacking = f"one of {unclear[place.path]}" if place.path in unclear else "no module"
        for link in place.links:
            weights = ", ".join(f"{v.name} {tuple(v.shape)}" for v in link.variables)
            verdicts = []
            for name, shape in zip(link.names, link.shapes):
                full = f"? {name}" if module is None else tensor_name(module, name)
                array = arrays.get(full)
                used.add(full)
                verdicts.append(lacking if module is None else _verdict(array, shape))
                shown = "" if array is None else str(array.shape)
                rows.append(Row(place.path, weights, full, str(shape), shown, verdicts[-1], note))
                note = ""
            if set(verdicts) == {"fits"}:
                tensors = [arrays[tensor_name(found[place.path], n)] for n in link.names]
                fitting.append((link, tensors))
    for name, array in arrays.items():
        if name not in used and name.rpartition(".")[2] != COUNTER:
            rows.append(Row("", "", name, "", str(array.shape), "no layer takes it"))
    return rows, fitting


def _verdict(array: Array | None, shape: tuple[int, ...]) -> str:
    if array is None:
        return "missing"
    if array.shape != shape:
        return "shape"
    return "fits" if array.dtype.kind == "f" else f"{array.dtype}, not floats"


def save_torch_weights(model: Any, filepath: Any, mapping: Any, overwrite: bool = True) -> None:
    """Write the weights as `load_state_dict` of a PyTorch module takes them.

    Parameters
    ----------
    model : Model
    filepath : str or path
        Ends in `.safetensors`; read by `safetensors.torch.load_file`.
    mapping : dict or "auto"
        As of `load_torch_weights`, whose report has one. Below what stands above places, and with "auto",
        modules are called as the places are, with dots.
    overwrite : bool
        Default True.

    Raises
    ------
    ValueError
        A file name with another ending, a mapping that leaves layers out or gives two the same module,
        layers that PyTorch has no counterpart of.
    FileExistsError
        When the file is there and `overwrite` is False.
    OSError
        As `chainrule.utils.writing.replacing`.
    """
    path = str(os.fspath(filepath))
    check_ending("save_weights", path, WEIGHTS_ENDINGS[:1])
    if os.path.exists(path) and not overwrite:
        raise FileExistsError(f"save: expected a new file with overwrite=False, got '{path}'")
    arrays: dict[str, Array] = {}
    merged = {k: v for k, v in merged_values(model).items() if v is not None}
    halves: dict[str, str] = {}
    for place in places_of(model):
        module = _module_of(place.path, mapping)
        for link in place.links:
            ours = [engine_array(merged.get(id(v), v.numpy())) for v in link.variables]
            for name, array in zip(link.names, link.to_theirs(ours), strict=True):
                full = tensor_name(module, name)
                if full in arrays:
                    raise ValueError(
                        f"mapping: expected a module for each layer, got {module!r} twice"
                    )
                arrays[full] = np.ascontiguousarray(array)
                if link.variables[0].stored_dtype in HALVES:
                    halves[full] = link.variables[0].stored_dtype
        if any(link.names == ("running_mean",) for link in place.links):
            arrays[tensor_name(module, COUNTER)] = np.zeros((), np.int64)
    with replacing(path) as temporary:
        _core.save_safetensors(temporary, arrays, {"format": "pt"}, halves)


def _module_of(path: str, mapping: Any) -> str:
    """What a place's module is called."""
    if mapping == "auto":
        mapping = {"": ""}
    if not isinstance(mapping, Mapping) or not all(isinstance(v, str) for v in mapping.values()):
        raise ValueError(f"mapping: expected 'auto', or a dict of str to str, got {mapping!r}")
    above = path
    while above not in mapping:
        if not above:
            raise ValueError(f"mapping: expected a module for the layer at '{path}', got none")
        above = above.rpartition("/")[0]
    rest = path.removeprefix(above).strip("/").replace("/", ".")
    return ".".join(part for part in (mapping[above], rest) if part)
