"""What a layer cannot take is refused, and a call that fails changes nothing."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np

from chainrule.layers import Layer
from chainrule.models.host import runs_before_steps
from chainrule.testing import common
from chainrule.testing.inputs import Inputs
from chainrule.testing.making import Maker
from chainrule.testing.report import Wrong, told
from chainrule.testing.runs import Array, State, bits

__all__ = ["check"]


def check(
    layer: Layer, maker: Maker, inputs: Inputs, arrays: Sequence[Array], state: State
) -> str:
    """Call a built layer on inputs that do not fit.

    Raises
    ------
    Wrong
        Strings are taken, or an input for which a new layer would have made other weights; or a call
        that fails has changed a variable or an attribute.
    """
    refused = tried = 0
    for what, given, must in _attempts(layer, maker, inputs, arrays):
        tried += 1
        before, plain = state.read(), common.attributes(layer._flatten_layers())
        args, kwargs = inputs.pack(given)
        try:
            layer(*args, **kwargs, training=True)
        except Exception as error:
            refused += 1
            _unchanged(layer, state, before, plain, f"{what} ({told(error)})")
        else:
            state.write(before)
            if must:
                raise Wrong(f"{what}: expected an exception, got an output. {must}")
    return f"{refused} of {tried} refused, nothing changed"


def _attempts(
    layer: Layer, maker: Maker, inputs: Inputs, arrays: Sequence[Array]
) -> Iterator[tuple[str, list[Any], str]]:
    """(what is wrong with it, the arrays, why it must be refused or nothing)"""
    first, rest = arrays[0], list(arrays[1:])
    if not layer._takes_texts and not runs_before_steps(layer):
        yield "strings", [np.full(first.shape, "a"), *rest], "A layer computes with numbers."
    changed = [
        ("one axis more", np.stack([first, first], axis=-1)),
        ("one feature more", np.concatenate([first, first[..., :1]], axis=-1)),
        ("one axis less", first[..., 0]),
    ]
    for what, array in changed if first.ndim > 1 and first.size else ():
        given = [array, *rest]
        yield f"{what}, shape {array.shape}", given, _why(layer, maker, inputs, given)


def _why(layer: Layer, maker: Maker, inputs: Inputs, given: list[Any]) -> str:
    """Why these inputs do not fit the weights, where a new layer makes others for them."""
    args, kwargs = inputs.pack(given)
    try:
        other = maker(layer.compute_dtype)
        other(*args, **kwargs)
    except Exception:
        # No layer takes them: whether this one refuses them is for the call to say.
        return ""
    ours, theirs = ([tuple(w.shape) for w in x.weights] for x in (layer, other))
    return "" if ours == theirs else f"The weights have shapes {ours}; it would need {theirs}."


def _unchanged(
    layer: Layer, state: State, before: list[Array], plain: dict[str, Any], what: str
) -> None:
    for variable, value in zip(state.variables, before):
        if bits(variable.numpy()) != bits(value):
            state.write(before)
            raise Wrong(f"{what} is refused after variable '{variable.path}' has changed")
    for name in common.changed(plain, common.attributes(layer._flatten_layers())):
        raise Wrong(f"{what} is refused after attribute `{name}` has changed")
