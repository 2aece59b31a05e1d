"""Folders of models as Hugging Face writes them: configurations and tensors, checked whole."""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from chainrule import _core, activations
from chainrule.base.errors import FileFormatError
from chainrule.base.loading import read_json
from chainrule.nlp.gelu_approximate import gelu_approximate
from chainrule.saving import tensor_files
from chainrule.saving.torch_weights.layouts import apart, together
from chainrule.utils.writing import replacing

Array = NDArray[Any]

_WEIGHTS = "model.safetensors"
_INDEX = "model.safetensors.index.json"
_PICKLES = ("pytorch_model.bin", "pytorch_model.bin.index.json")
# Name of an activation in config.json -> the function; the first name of a function is written.
ACTIVATIONS = {
    "gelu": activations.gelu,
    "gelu_new": gelu_approximate,
    "gelu_pytorch_tanh": gelu_approximate,
    "gelu_fast": gelu_approximate,
    "relu": activations.relu,
    "silu": activations.silu,
    "swish": activations.silu,
    "tanh": activations.tanh,
}


class Part(NamedTuple):
    """A tensor of a folder, and the variables of a model whose numbers it holds.

    Attributes
    ----------
    name : str
    shape : tuple of int
        In the file.
    find : callable
        The variables of a model, which lie side by side along the last axis.
    is_transposed : bool
        Whether the file has (outputs, inputs), as PyTorch's `Linear`.
    skip : int
        Rows at the start of the file's tensor that no variable has.
    """

    name: str
    shape: tuple[int, ...]
    find: Callable[[Any], Sequence[Any]]
    is_transposed: bool = False
    skip: int = 0

    def assign(self, model: Any, array: Array) -> None:
        """Give the variables their numbers."""
        variables = self.find(model)
        array = (array.T if self.is_transposed else array)[self.skip :]
        pieces = apart(array, [tuple(variable.shape) for variable in variables])
        for variable, piece in zip(variables, pieces):
            variable.assign(piece)

    def array(self, model: Any) -> Array:
        """The file's tensor of the variables' numbers; rows that none has are 0."""
        shape = self.shape[::-1] if self.is_transposed else self.shape
        rows = None if len(shape) == 1 else shape[0] - self.skip
        array = together([np.asarray(variable) for variable in self.find(model)], rows)
        if self.skip:
            array = np.concatenate([np.zeros((self.skip, *shape[1:]), array.dtype), array])
        return np.ascontiguousarray(array.T if self.is_transposed else array)


def norm(name: str, width: int, find: Any) -> Iterator[Part]:
    """The scale and the shift of a normalisation."""
    yield Part(f"{name}.weight", (width,), lambda model: [find(model).gamma])
    yield Part(f"{name}.bias", (width,), lambda model: [find(model).beta])


def activation_name(function: Any, place: str) -> str:
    """What config.json calls an activation.

    Raises
    ------
    ValueError
        For one that it has no name for.
    """
    for name, known in ACTIVATIONS.items():
        if known is function:
            return name
    raise ValueError(f"{place}: expected an activation of {list(ACTIVATIONS)}, got {function}")


def read_value(file: Path) -> Any:
    """What a file of JSON says.

    Raises
    ------
    FileNotFoundError, FileFormatError
    """
    try:
        return read_json(file.read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise FileNotFoundError(f"{file}: expected a file of JSON, got none") from None
    except ValueError as error:
        raise FileFormatError(f"{file}: expected JSON, got: {error}") from error


def read_object(file: Path) -> dict[str, Any]:
    """What a file of JSON says, which is to be an object.

    Raises
    ------
    FileNotFoundError, FileFormatError
    """
    found = read_value(file)
    if not isinstance(found, dict):
        raise FileFormatError(f"{file}: expected a JSON object, got {type(found).__name__}")
    return found


def read_sizes(config: dict[str, Any], keys: Mapping[str, str], place: Any) -> dict[str, Any]:
    """By argument, the positive ints that a configuration has by these keys.

    Raises
    ------
    FileFormatError
    """
    wrong = {
        key: config.get(key)
        for key in keys.values()
        if not isinstance(config.get(key), int) or isinstance(config[key], bool) or config[key] <= 0
    }
    if wrong:
        raise FileFormatError(f"{place}: expected positive ints for {list(wrong)}, got {wrong}")
    return {name: config[key] for name, key in keys.items()}


def read_number(config: dict[str, Any], key: str, default: float, place: Any) -> float:
    """A number from 0 to 1 that a configuration has, or the default.

    Raises
    ------
    FileFormatError
    """
    found = config.get(key, default)
    if not isinstance(found, (int, float)) or isinstance(found, bool) or not 0 <= found <= 1:
        raise FileFormatError(f"{place}: expected a number from 0 to 1 for '{key}', got {found!r}")
    return float(found)


def read_choice(
    config: dict[str, Any], key: str, default: Any, choices: Iterable[Any], place: Any
) -> Any:
    """What a configuration has by a key, or the default, if it is one of the choices.

    Raises
    ------
    FileFormatError
    """
    found = config.get(key, default)
    known = list(choices)
    if not any(found == choice and type(found) is type(choice) for choice in known):
        raise FileFormatError(f"{place}: expected {key} of {known}, got {found!r}")
    return found


def read_tensors(folder: Path) -> tuple[Path, dict[str, Array]]:
    """The file that says what there is, and all tensors by name: of one file, or of its shards.

    Halves (F16, BF16) are read as float32.

    Raises
    ------
    FileNotFoundError
        No file of weights, or shards that are missing.
    FileFormatError
        Weights as a pickle only, a damaged file, or an index that its shards do not fit.
    """
    whole, index = folder / _WEIGHTS, folder / _INDEX
    if whole.exists():
        return whole, tensor_files.read_tensors(str(whole))[0]
    if index.exists():
        return index, _shards(folder, index)
    for name in _PICKLES:
        if (folder / name).exists():
            raise FileFormatError(
                f"{folder / name}: expected {_WEIGHTS}, got a pickle, whose loading can run any code: "
                "convert it by `save_pretrained` of a recent transformers"
            )
    raise FileNotFoundError(f"{whole}: expected the weights of the model, got no such file")


def _shards(folder: Path, index: Path) -> dict[str, Array]:
    """The tensors of the files that an index names."""
    told = read_object(index).get("weight_map")
    if not isinstance(told, dict) or not told:
        raise FileFormatError(f"{index}: expected a 'weight_map' of names of files, got {told!r}")
    names = sorted({str(name) for name in told.values()})
    outside = [name for name in names if Path(name).name != name or name in (".", "..")]
    if outside:
        raise FileFormatError(f"{index}: expected files of the same folder, got {outside}")
    missing = [name for name in names if not (folder / name).exists()]
    if missing:
        raise FileNotFoundError(f"{index}: expected the files {missing} beside it, got none")
    found: dict[str, Array] = {}
    for name in names:
        arrays = tensor_files.read_tensors(str(folder / name))[0]
        expected = {tensor for tensor, file in told.items() if file == name}
        if set(arrays) != expected:
            raise FileFormatError(
                f"{folder / name}: expected the tensors that {_INDEX} names, got "
                f"{sorted(set(arrays) - expected)} too, and not {sorted(expected - set(arrays))}"
            )
        found.update(arrays)
    return found


def without_prefix(tensors: dict[str, Array], prefix: str) -> tuple[str, dict[str, Array]]:
    """The prefix, if the names have it, and the tensors whose names have it, without it.

    What stands beside a prefix are the heads of a larger model.
    """
    inner = {n.removeprefix(prefix): a for n, a in tensors.items() if n.startswith(prefix)}
    return (prefix, inner) if inner else ("", tensors)


def check_tensors(
    tensors: dict[str, Array], parts: Sequence[Part], file: Path, prefix: str = ""
) -> None:
    """Refuse tensors that are not those of a model.

    Raises
    ------
    FileFormatError
        With every tensor that is missing, too much, or of another shape or dtype.
    """
    expected = {part.name: part.shape for part in parts}
    problems = [
        f"'{prefix}{name}': expected {shape} floats, got "
        + ("none" if name not in tensors else f"{tensors[name].shape} {tensors[name].dtype}")
        for name, shape in expected.items()
        if name not in tensors or tensors[name].shape != shape or tensors[name].dtype.kind != "f"
    ]
    problems += [
        f"'{prefix}{name}': expected no such tensor, got {tensors[name].shape}"
        for name in sorted(set(tensors) - set(expected))
    ]
    if problems:
        listed = "\n".join(problems)
        raise FileFormatError(f"{file}: expected the tensors that config.json says:\n{listed}")


def write_folder(
    path: Any, config: dict[str, Any], tensors: dict[str, Array], tokenizer: Any = None
) -> None:
    """Write a configuration, tensors, and the files of a tokenizer that has them."""
    folder = Path(path)
    folder.mkdir(parents=True, exist_ok=True)
    # transformers reads weights only where the metadata say whose they are.
    with replacing(folder / _WEIGHTS) as temporary:
        _core.save_safetensors(temporary, tensors, {"format": "pt"})
    write_object(folder / "config.json", config)
    if hasattr(tokenizer, "save_to_folder"):
        tokenizer.save_to_folder(folder)


def write_object(file: str | os.PathLike[str], content: dict[str, Any]) -> None:
    """Write a file of JSON."""
    with replacing(file) as temporary, open(temporary, "w", encoding="utf-8") as opened:
        opened.write(json.dumps(content, indent=2, ensure_ascii=False) + "\n")
