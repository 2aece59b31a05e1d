"""Calls of ops in functional models as Keras writes them: a class for each op.

Keras has a class `keras.src.ops.numpy.ExpandDims`, say: what the call takes are tensors (`x`), and what
its constructor takes is the rest (`axis`). Here an op is a function of all of it.
"""

from __future__ import annotations

import functools
import importlib
import inspect
from collections.abc import Callable
from typing import Any

from chainrule.base.serialization import serialize_keras_object
from chainrule.tracing.recording import recorded_operation
from chainrule.tracing.tensor import any_symbolic_tensors

__all__ = ["call_from_keras", "call_to_keras"]

# Modules of Keras below `keras.src.ops`, each with the names of `chainrule.ops` of the same.
_MODULES = ("numpy", "nn", "image", "math", "linalg", "core")
_HOME = "keras.src.ops"
# What a call takes, where that is more than the first argument.
_TENSORS = {
    "x1 x2": """Add Allclose Append Arctan2 Correlate Cross Divide DivideNoNan Dot Equal
        FloorDivide Fmax Fmin Fmod Gcd Greater GreaterEqual Heaviside Hypot Inner Isin Kron Lcm
        Ldexp Less LessEqual Logaddexp Logaddexp2 LogicalAnd LogicalOr LogicalXor Matmul Maximum
        Minimum Mod Multiply Nextafter NotEqual Outer Power Subtract Tensordot TrueDivide Vdot
        Psnr""",
    "x y": """BitwiseAnd BitwiseLeftShift BitwiseOr BitwiseRightShift BitwiseXor LeftShift
        RightShift Cdist""",
    "a b": "Lstsq Solve SolveTriangular",
    "*operands": "Einsum",
    "*x": "Meshgrid",
    "condition x1 x2": "Where",
    "condlist choicelist default": "Select",
    "data segment_ids": "SegmentMax SegmentMin SegmentProd SegmentSum",
    "image1 image2": "Ssim",
    "fill_value": "Full",
    "images output_shape scale translation": "ScaleAndTranslate",
    "images start_points end_points": "PerspectiveTransform",
    "images transform": "AffineTransform",
    "indices values": "Scatter",
    "inputs coordinates": "MapCoordinates",
    "inputs depthwise_kernel pointwise_kernel": "SeparableConv",
    "inputs indices updates": "ScatterUpdate",
    "inputs kernel": "Conv ConvTranspose DepthwiseConv",
    "inputs sequence_lengths": "CtcDecode",
    "inputs start_indices": "Slice",
    "inputs start_indices updates": "SliceUpdate",
    "query key value bias mask scale": "DotProductAttention",
    "sorted_sequence values": "Searchsorted",
    "start stop": "Geomspace Linspace Logspace",
    "target output": """BinaryCrossentropy CategoricalCrossentropy
        SparseCategoricalCrossentropy""",
    "target output target_length output_length": "CtcLoss",
    "targets predictions": "InTopK",
    "x bins": "Digitize",
    "x constant_values": "Pad",
    "x fill_value": "FullLike",
    "x gamma beta": "LayerNormalization",
    "x indices": "Take TakeAlongAxis",
    "x key": "GetItem",
    "x mean variance offset scale": "BatchNormalization",
    "x q": "Nanpercentile Nanquantile Percentile Quantile",
    "x scale": "RmsNormalization",
    "x weights": "Average",
    "x1 x2 rtol atol": "Isclose",
}
_TAKEN = {op: names.split() for names, ops in _TENSORS.items() for op in ops.split()}
# Keras's class -> the name that calls are recorded by, where they differ.
_RENAMED = {
    "AllClose": "Allclose",
    "BatchNorm": "BatchNormalization",
    "CDist": "Cdist",
    "CTCDecode": "CtcDecode",
    "CTCLoss": "CtcLoss",
    "FFT": "Fft",
    "FFT2": "Fft2",
    "HSVToRGB": "HsvToRgb",
    "IFFT2": "Ifft2",
    "IRFFT": "Irfft",
    "ISTFT": "Istft",
    "IsIn": "Isin",
    "LayerNorm": "LayerNormalization",
    "PSNR": "Psnr",
    "RFFT": "Rfft",
    "RGBToGrayscale": "RgbToGrayscale",
    "RGBToHSV": "RgbToHsv",
    "RMSNorm": "RmsNormalization",
    "SSIM": "Ssim",
    "STFT": "Stft",
    "SVD": "Svd",
    "SearchSorted": "Searchsorted",
}
_CLASSES = {name: cls for cls, name in _RENAMED.items()}
# Ops whose arguments are functions, which no file holds.
_OF_FUNCTIONS = (
    *("AssociativeScan", "Cond", "ForiLoop", "Map", "Scan", "Switch", "VectorizedMap"),
    "WhileLoop",
)


@functools.cache
def _module_of(function_name: str) -> str | None:
    for module in _MODULES:
        if hasattr(importlib.import_module(f"chainrule.ops.{module}"), function_name):
            return f"{_HOME}.{module}"
    return None


def _taken(name: str, function: Callable[..., Any]) -> list[str]:
    """What the call of Keras's class takes; the rest goes to its constructor."""
    return _TAKEN.get(name) or list(inspect.signature(function).parameters)[:1]


def call_to_keras(operation: Any, args: Any, kwargs: Any) -> Any:
    """Keras's description of an op, and the arguments of its call; None where Keras has none.

    Parameters
    ----------
    operation : Operation
        What recorded the call.
    args, kwargs
        Of the call.

    Returns
    -------
    (dict, tuple, dict) or None
    """
    name = type(operation).__name__
    function = recorded_operation(name)
    module = None if function is None else _module_of(function.__name__)
    if function is None or module is None or name in _OF_FUNCTIONS:
        return None
    given = inspect.signature(function).bind(*args, **kwargs).arguments
    taken = _taken(name, function)
    tensors: list[Any] = []
    for i, argument in enumerate(taken):
        if argument.startswith("*"):
            tensors += given.pop(argument[1:], ())
        elif argument in given:
            if len(tensors) < i:
                return None
            tensors.append(given.pop(argument))
    is_list_index = name == "GetItem" and not isinstance(tensors[1], (tuple, int, slice))
    if is_list_index or any_symbolic_tensors(tuple(given.values()), {}):
        return None
    cls = _CLASSES.get(name, name)
    config = {"name": operation.name, **serialize_keras_object(dict(given))}
    entry = {"module": module, "class_name": cls, "config": config, "registered_name": cls}
    return entry, tuple(tensors), {}


def call_from_keras(entry: dict[str, Any], deserialize: Callable[[Any], Any]) -> Any:
    """A function of the tensors that Keras's class takes; None where the entry is of no such class.

    Raises
    ------
    ValueError
        A class of Keras's ops that is not here.
    """
    module, cls, config = (entry.get(key) for key in ("module", "class_name", "config"))
    if not (isinstance(module, str) and module.startswith(f"{_HOME}.") and isinstance(cls, str)):
        return None
    name = _RENAMED.get(cls, cls)
    function = recorded_operation(name)
    if function is None or name in _OF_FUNCTIONS or not isinstance(config, dict):
        raise ValueError(f"Functional.from_config: expected an op of chainrule, got {cls!r}")
    taken = _taken(name, function)
    known = inspect.signature(function).parameters
    options = {k: deserialize(v) for k, v in config.items() if k in known}

    def call(*args: Any, **kwargs: Any) -> Any:
        if name == "GetItem" and len(args) == 2 and isinstance(args[1], list):
            args = (args[0], tuple(args[1]))
        if taken[0].startswith("*"):
            before = [options.get(p.name) for p in known.values() if p.kind != p.VAR_POSITIONAL]
            return function(*before[: list(known).index(taken[0][1:])], *args, **kwargs)
        return function(**dict(zip(taken, args, strict=False)), **options, **kwargs)

    return call
