"""The steps of a sequence, one after the other, and what masks make of their results."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from chainrule import ops
from chainrule.base import tree
from chainrule.base.sizes import Size
from chainrule.tracing.tensor import shape_equal

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

    Where the mask is false, the states stay, and the output is the first of them (of the last cell, where
    there are several), or, with `zero_output_for_mask`, zeros. Where no state is like the output, it is the
    output before, zeros at first.
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
            state = states[-1][0] if tree.is_nested(states[0]) else states[0]
            if zero_output_for_mask or (previous is None and not _alike(state, output)):
                previous = tree.map_structure(ops.zeros_like, output)
            elif _alike(state, output):
                previous = state
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


def _alike(state: Any, output: Any) -> bool:
    return not tree.is_nested(output) and shape_equal(state.shape, output.shape)


def _where(seen: Any, new: Any, old: Any) -> Any:
    return ops.where(ops.reshape(seen, (-1, *[1] * (len(new.shape) - 1))), new, old)
