"""What an exported model takes: names, shapes and dtypes of its inputs, from the model or as given."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from chainrule.base import tree
from chainrule.base.dtypes import is_float_dtype, standardize_dtype
from chainrule.base.errors import NotBuiltError, ShapeError
from chainrule.tracing.arrays import ENGINE_DTYPES
from chainrule.tracing.tensor import KerasTensor

__all__ = ["InputOf", "Signature", "signature_of"]


@dataclass(frozen=True)
class InputOf:
    """An input; None in its shape stands for a size that is free."""

    name: str
    shape: tuple[int | None, ...]
    dtype: str


@dataclass(frozen=True)
class Signature:
    """The inputs, flat, and what the model is called with for a tensor of each."""

    inputs: list[InputOf]
    arguments: Callable[[list[Any]], list[Any]]


def signature_of(model: Any, given: Any = None) -> Signature:
    """The inputs that a model declares, or those of `given` in their place.

    Parameters
    ----------
    model : Model
    given : structure of InputSpec, KerasTensor or arrays, optional
        As Keras's `input_signature`: a list of the arguments of the model's call, or the only one. Of
        tensors and arrays the first axis is free.

    Raises
    ------
    NotBuiltError
        The model has not been built, and nothing is given.
    ShapeError
        Another number of inputs than the model has.
    TypeError, ValueError
        Something that is no description of an input, or lacks shape or dtype.
    """
    declared = _declared(model)
    if given is None:
        if declared is None:
            raise NotBuiltError(
                f"export: expected a model that has been built, got '{model.name}', which has seen no "
                "data: call it on some, or give `input_signature=[InputSpec(shape=..., dtype=...)]`"
            )
        names, structure = declared
        leaves = [_of_tensor(name, x, free=False) for name, x in zip(names, tree.flatten(structure))]
        return Signature(leaves, lambda tensors: [tree.pack_sequence_as(structure, tensors)])
    if isinstance(given, dict) or not tree.is_nested(given):
        given = [given]
    given = list(given)
    flat = tree.flatten(given)
    if declared is not None and declared[0]:
        names, structure = declared
        if len(names) != len(flat):
            raise ShapeError(
                f"export: expected an input_signature of the {len(names)} inputs {names} of model "
                f"'{model.name}', got {len(flat)}"
            )
        own = [_of_tensor(name, x, free=False) for name, x in zip(names, tree.flatten(structure))]
        leaves = [_of(i, x, like) for i, (x, like) in enumerate(zip(flat, own))]
        return Signature(leaves, lambda tensors: [tree.pack_sequence_as(structure, tensors)])
    leaves = [_of(i, x, None) for i, x in enumerate(flat)]
    return Signature(leaves, lambda tensors: list(tree.pack_sequence_as(given, tensors)))


def _declared(model: Any) -> tuple[list[str], Any] | None:
    """Names and symbolic tensors of the inputs; without names where a call has shown their shapes."""
    if hasattr(model, "_inputs_struct"):
        return list(model.input_names), model._inputs_struct
    first = getattr(model, "_input_layer", None)
    if first is not None and model.built:
        return [first.name], first.output
    shapes, dtypes = model._build_shapes_dict, model.__dict__.get("_first_dtypes")
    if not model.built or not shapes or dtypes is None:
        return None
    structure = next(iter(shapes.values()))
    symbols = tree.map_shape_structure(
        lambda shape: KerasTensor((None, *shape[1:]), model.input_dtype), structure
    )
    flat = tree.flatten(symbols)
    if len(dtypes) != len(flat):
        return None
    # Floats come in the model's dtype, as `predict` converts them; other numbers as they were given.
    kept = [
        KerasTensor(x.shape, dtype) if dtype in ENGINE_DTYPES and not is_float_dtype(dtype) else x
        for x, dtype in zip(flat, dtypes)
    ]
    symbols = tree.pack_sequence_as(symbols, kept)
    return [f"input_{i}" for i in range(len(flat))], symbols


def _of_tensor(name: str, x: Any, free: bool) -> InputOf:
    shape = tuple(x.shape)
    if free and shape:
        shape = (None, *shape[1:])
    return InputOf(name, shape, standardize_dtype(x.dtype))


def _of(number: int, x: Any, like: InputOf | None) -> InputOf:
    """An input as it is described, the rest as the model declares it."""
    name = getattr(x, "name", None) or (like.name if like else f"input_{number}")
    if not hasattr(x, "shape") or not hasattr(x, "dtype"):
        raise TypeError(
            "export: expected an input_signature of InputSpec, KerasTensor or arrays, got "
            f"{type(x).__name__} {x!r}"
        )
    if hasattr(x, "min_ndim"):
        dtype = x.dtype or (like.dtype if like else None)
        if x.shape is None or dtype is None:
            raise ValueError(f"export: expected `shape` and `dtype` in input_signature, got {x!r}")
        return InputOf(name, tuple(x.shape), dtype)
    return _of_tensor(name, x, free=True)
