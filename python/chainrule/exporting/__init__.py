"""Models as files of open formats, for other runtimes: `Model.export`."""

from __future__ import annotations

import importlib.util
import os
from typing import Any

from chainrule.base import tree
from chainrule.exporting.signature import signature_of
from chainrule.exporting.traced import trace_predictions
from chainrule.utils.io import print_msg
from chainrule.utils.writing import replacing

__all__ = ["DEFAULT_OPSET", "FORMATS", "export_model"]

FORMATS = ("onnx",)
# Versions of ONNX's operators: the nodes that are written mean the same from the lowest on.
LOWEST_OPSET = 20
DEFAULT_OPSET = 21


def export_model(
    model: Any,
    filepath: Any,
    format: str = "onnx",
    verbose: bool | None = None,
    input_signature: Any = None,
    opset_version: int | None = None,
) -> None:
    """Write what a model predicts as a file that other programs run; `Model.export` calls it.

    Parameters
    ----------
    model : Model
    filepath : str or path
        Ends in `.onnx`; written under a temporary name and renamed.
    format : {"onnx"}
    verbose : bool, optional
        Whether to print where the file is. Default True.
    input_signature : structure of InputSpec, KerasTensor or arrays, optional
        Shapes and dtypes of the inputs. Default: those of the model, whose unknown sizes stay free.
    opset_version : int, optional
        The version of ONNX's operators, 20 or more. Default 21.

    Raises
    ------
    ValueError
        Another format or file name, a model that has not been built, one with an op or a layer that the
        format cannot hold, or with more than 2 GB of weights.
    ImportError
        Without the package onnx.

    Examples
    --------
    >>> import chainrule as keras
    >>> export_model(keras.Sequential([keras.Input((3,)), keras.layers.Dense(2)]), "m.pb")
    Traceback (most recent call last):
    ValueError: export: expected a file name that ends in '.onnx', got 'm.pb'
    """
    if format not in FORMATS:
        raise ValueError(
            f"export: expected a format that is built, {', '.join(map(repr, FORMATS))}, got {format!r}"
        )
    path = os.fspath(filepath)
    if not str(path).endswith(".onnx"):
        raise ValueError(f"export: expected a file name that ends in '.onnx', got {path!r}")
    _check_layers(model)
    signature = signature_of(model, input_signature)
    if importlib.util.find_spec("onnx") is None:
        raise ImportError(
            "export: the format 'onnx' needs the package onnx: pip install 'chainrule[onnx]'"
        )
    opset = _checked_opset(opset_version)

    def call(tensors: list[Any]) -> Any:
        return model(*signature.arguments(tensors), training=False)

    traced = trace_predictions(model, signature.inputs, call)
    from chainrule.exporting.onnx._file import model_of

    made = model_of(traced, model.name, _output_names(model, traced.outputs), opset)
    with replacing(path) as temporary, open(temporary, "wb") as file:
        file.write(made.SerializeToString())
    if verbose or verbose is None:
        print_msg(f"Saved artifact at '{path}'.")


def _checked_opset(version: int | None) -> int:
    from onnx.defs import onnx_opset_version

    version, newest = DEFAULT_OPSET if version is None else version, onnx_opset_version()
    if not isinstance(version, int) or not LOWEST_OPSET <= version <= newest:
        raise ValueError(
            f"export: expected an opset_version from {LOWEST_OPSET} to {newest}, the newest of the "
            f"installed onnx, got {version!r}"
        )
    return version


def _check_layers(model: Any) -> None:
    """Refuse layers that compute in Python, on texts mostly."""
    hosts = [x for x in model._flatten_layers() if getattr(x, "runs_before_steps", False)]
    if hosts:
        named = ", ".join(f"'{x.name}' ({type(x).__name__})" for x in hosts)
        raise ValueError(
            f"export: model '{model.name}' holds {named}, which run before the compiled step, in "
            "Python: expected the model of the layers behind, which takes what they give"
        )


def _output_names(model: Any, outputs: Any) -> list[str]:
    """The keys of a dict, the names of the layers that give them, or numbers."""
    paths = [path for path, x in tree.flatten_with_path(outputs) if x is not None]
    known = getattr(getattr(model, "_functional", None) or model, "output_names", None) or []
    if any(isinstance(key, str) for path in paths for key in path):
        return ["/".join(map(str, path)) for path in paths]
    if len(known) == len(paths):
        return list(known)
    return [f"output_{i}" for i in range(len(paths))]
