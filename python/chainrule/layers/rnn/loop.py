"""The steps of a sequence, one after the other, and what masks make of their results."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from chainrule import ops
from chainrule.base import tree
from chainrule.base.sizes import Size
from chainrule.tracing.dispatch import apply

Step = Callable[[Any, list[Any]], tuple[Any, list[Any]]]


def unrolled(
    step: Step,
    sequences: Any,
    states: list[Any],
    go_backwards: bool,
    mask: Any,
    zero_output_for_mask: bool,
) -> tuple[Any, Any, list[Any]]:
    """The last output, all outputs (N, T, ...) in the order of the steps, and the last states.

    Where the mask is false, the states stay, and the output is the one before, zeros at first, or,
    with `zero_output_for_mask`, zeros.
    """
    steps = tree.flatten(sequences)[0].shape[1]
    if isinstance(steps, Size) or not steps:
        return _without_steps(step, sequences, states, steps)
    outputs: list[Any] = []
    previous: Any = None
    for t in reversed(range(steps)) if go_backwards else range(steps):
        output, new_states = step(tree.map_structure(lambda x, t=t: x[:, t], sequences), states)
        if mask is not None:
            seen = mask[:, t]
            if previous is None or zero_output_for_mask:
                previous = tree.map_structure(ops.zeros_like, output)
            output = tree.map_structure(lambda a, b, s=seen: _where(s, a, b), output, previous)
            new_states = tree.map_structure(
                lambda a, b, s=seen: _where(s, a, b), new_states, states
            )
        previous, states = output, new_states
        outputs.append(output)
    return outputs[-1], tree.map_structure(lambda *xs: ops.stack(xs, 1), *outputs), states


def _without_steps(
    step: Step, sequences: Any, states: list[Any], steps: Any
) -> tuple[Any, Any, list[Any]]:
    """Shapes alone: of a number of steps that is not known, or of none, where states stay."""
    row = tree.map_structure(lambda x: ops.zeros((x.shape[0], *x.shape[2:]), x.dtype), sequences)
    output, _ = step(row, states)

    def repeated(x: Any) -> Any:
        return ops.zeros((x.shape[0], steps, *x.shape[1:]), x.dtype)

    last = tree.map_structure(ops.zeros_like, output)
    return last, tree.map_structure(repeated, output), states


def _where(seen: Any, new: Any, old: Any) -> Any:
    return ops.where(ops.reshape(seen, (-1, *[1] * (len(new.shape) - 1))), new, old)


def masked_outputs(states: Any, mask: Any, reverse: bool, zero_output_for_mask: bool) -> Any:
    """States (N, T, H) as outputs: zeros until the first step that the mask lets pass, or at all
    that it does not."""
    if mask is None:
        return states
    seen = ops.cast(mask, "bool")
    if not zero_output_for_mask:
        attrs = {"function": "cumsum", "axis": 1, "reverse": bool(reverse), "exclusive": False}
        seen = apply("cumulate", attrs, [ops.cast(seen, "int32")]) > 0
    return ops.where(ops.expand_dims(seen, -1), states, ops.zeros((), states.dtype))
