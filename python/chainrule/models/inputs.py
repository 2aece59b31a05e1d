"""What a model is given against what its `Input` declares."""

from __future__ import annotations

import warnings
from typing import Any

import numpy as np

from chainrule import ops
from chainrule.base import tree
from chainrule.base.errors import ShapeError
from chainrule.base.texts import is_text_list
from chainrule.tracing.scopes import in_symbolic_scope
from chainrule.tracing.tensor import KerasTensor

__all__ = ["fit_to_shape", "in_order"]

_MISMATCH = "The structure of `inputs` doesn't match the expected structure."


def in_order(inputs: Any, struct: Any, names: list[str], model: str) -> list[Any]:
    """What a functional model is called on, in the order of its inputs: by key or name from a dict,
    else flat.

    A warning says so where a dict holds more, or a model of a dict gets something else.

    Parameters
    ----------
    inputs : structure of tensors
    struct : structure of KerasTensors
        What the model was made of.
    names : list of str
        Of the model's inputs, flat.
    model : str
        Its name, for messages.

    Raises
    ------
    ValueError
        Keys are missing, there are more or fewer tensors, or their order is not that of the names.
    """
    keys = sorted(struct) if isinstance(struct, dict) else None
    if len(names) == 1 and is_text_list(inputs):
        return [inputs]
    expects = f"model '{model}' expects {len(names)} input(s)"
    if keys is not None:
        expects = f"model '{model}' expects {len(names)} named input(s) with keys {keys}"
    if isinstance(inputs, dict) and not any(
        tree.is_nested(v) and not is_text_list(v) for v in inputs.values()
    ):
        for chosen in (keys or names, names):
            if set(chosen) <= set(inputs):
                if keys is not None and len(inputs) > len(chosen):
                    _warn(inputs, f"Expected keys {chosen}, got {sorted(inputs)}")
                return [inputs[name] for name in chosen]
        raise ValueError(
            f"{expects}: {_MISMATCH} Expected keys {keys or names}, got {sorted(inputs)}"
        )
    given: list[Any] = tree.flatten(inputs)
    if len(given) != len(names):
        raise ValueError(
            f"{expects}: {_MISMATCH} Expected {len(names)} inputs {names}, got {len(given)}"
        )
    if keys is not None and not isinstance(inputs, dict):
        kind = type(inputs).__name__
        if list(struct) != keys:
            raise ValueError(
                f"{expects}: {_MISMATCH} Expected a dict, since the keys {list(struct)} are in another "
                f"order than their names, got {kind}"
            )
        _warn(inputs, f"Expected a dict with keys {keys}, got {kind}")
    return given


def _warn(inputs: Any, text: str) -> None:
    """Say it of data, eager or in a step that is traced; not of symbols."""
    tensors = [x for x in tree.flatten(inputs) if isinstance(x, KerasTensor)]
    if not in_symbolic_scope() and not any(x.is_symbolic for x in tensors):
        warnings.warn(f"{_MISMATCH} {text}", stacklevel=2)


def fit_to_shape(x: Any, shape: tuple[int | None, ...], model: str, name: str, sizes: bool) -> Any:
    """`x` with a last axis of size 1 added or taken away where `shape` has one more or less.

    Parameters
    ----------
    x : tensor
    shape : tuple
        What is declared, the batch first, None for sizes that are open.
    model, name : str
        Of the model and of its input, for the message.
    sizes : bool
        Whether the sizes must agree too, beside the rank.

    Raises
    ------
    ShapeError
        Another rank, or another size.
    """
    found = tuple(x.shape)
    texts = isinstance(x, np.ndarray) and x.dtype.kind in "OUST"
    if len(found) == len(shape) + 1 and found[-1] == 1:
        x = x[..., 0] if texts else ops.squeeze(x, axis=-1)
    elif len(found) == len(shape) - 1 and shape[-1] == 1:
        x = x[..., None] if texts else ops.expand_dims(x, axis=-1)
    given = tuple(x.shape)
    fits = len(given) == len(shape)
    if fits and sizes:
        fits = all(a is None or b is None or a == b for a, b in zip(given[1:], shape[1:]))
    if not fits:
        raise ShapeError(
            f"layer '{model}': input '{name}' expected shape={shape}, found shape={found}"
        )
    return x
