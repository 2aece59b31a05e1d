"""The steps of a sequence, one after the other, and what masks make of their results."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from chainrule import ops
from chainrule.base import tree
from chainrule.base.sizes import Size
from chainrule.tracing.body import NoBodyError
from chainrule.tracing.tensor import shape_equal

Step = Callable[[Any, list[Any]], tuple[Any, list[Any]]]


def step_by_step(
    step: Step,
    sequences: Any,
    states: list[Any],
    go_backwards: bool,
    mask: Any,
    zero_output_for_mask: bool,
    unroll: bool = False,
) -> tuple[Any, Any, list[Any]]:
    """The last output, all outputs (N, T, ...) in the order in which the steps run, and the last states.

    Where the mask is false, the states stay, and the output is the first of them (of the last cell, where
    there are several), or, with `zero_output_for_mask`, zeros. Where no state is like the output, it is the
    output before, zeros at first.
    """
    steps = tree.flatten(sequences)[0].shape[1]
    if not isinstance(steps, Size) and not steps:
        return _without_steps(step, sequences, states, steps)
    options = (go_backwards, mask, zero_output_for_mask, unroll)
    try:
        return _stepped(step, sequences, states, steps, *options)
    except NoBodyError:
        return _without_steps(step, sequences, states, steps)


def _stepped(
    step: Step,
    sequences: Any,
    states: list[Any],
    steps: Any,
    go_backwards: bool,
    mask: Any,
    zero_output_for_mask: bool,
    unroll: bool,
) -> tuple[Any, Any, list[Any]]:
    """As `step_by_step`, of one step or more.

    Raises
    ------
    NoBodyError
        The number of steps is not known, and one graph for all cannot express them.
    """
    is_filled = False

    def masked(states: list[Any], rows: Any) -> tuple[list[Any], Any]:
        nonlocal is_filled
        inputs, seen = rows if mask is not None else (rows, None)
        output, new_states = step(inputs, states)
        new_states = tree.pack_sequence_as(states, tree.flatten(new_states))
        if mask is None:
            return new_states, output
        state = states[-1][0] if tree.is_nested(states[0]) else states[0]
        if zero_output_for_mask:
            output = tree.map_structure(lambda x: _where(seen, x, ops.zeros_like(x)), output)
        elif _alike(state, output):
            output = _where(seen, output, state)
        else:
            is_filled = True
        return tree.map_structure(lambda a, b: _where(seen, a, b), new_states, states), output

    rows = tree.map_structure(_time_first, sequences)
    rows = rows if mask is None else (rows, _time_first(mask))
    states, outputs = ops.scan(
        masked, states, rows, reverse=go_backwards, unroll=True if unroll else 1
    )
    outputs = tree.map_structure(_time_first, outputs)
    if is_filled:
        order = _last_seen(mask, steps, go_backwards)
        outputs = tree.map_structure(lambda x: _filled(x, order), outputs)
    if go_backwards:
        outputs = tree.map_structure(lambda x: ops.flip(x, 1), outputs)
    return tree.map_structure(lambda x: x[:, steps - 1], outputs), outputs, states


def _time_first(x: Any) -> Any:
    """(T, N, ...) of (N, T, ...), or the other way."""
    return ops.swapaxes(x, 0, 1)


def _last_seen(mask: Any, steps: Any, go_backwards: bool) -> Any:
    """For every step (N, T), the number of the last step up to it that the mask shows; -1 for none."""
    shown = ops.cast(_time_first(mask), "bool")
    numbers = ops.where(shown, ops.expand_dims(ops.arange(steps, dtype="int32"), 1), -1)

    def later(last: Any, number: Any) -> tuple[Any, Any]:
        last = ops.where(number < 0, last, number)
        return last, last

    none = ops.full(shown.shape[1:], -1, "int32")
    return _time_first(ops.scan(later, none, numbers, reverse=go_backwards)[1])


def _filled(outputs: Any, order: Any) -> Any:
    """The outputs (N, T, ...) of the steps of these numbers; zeros for -1."""
    order = ops.reshape(order, (*order.shape, *[1] * (len(outputs.shape) - 2)))
    place = ops.broadcast_to(ops.maximum(order, 0), outputs.shape)
    there = ops.take_along_axis(outputs, place, axis=1)
    return ops.where(order < 0, ops.zeros((), outputs.dtype), there)


def _without_steps(
    step: Step, sequences: Any, states: list[Any], steps: Any
) -> tuple[Any, Any, list[Any]]:
    """Of no steps, where states stay; of a number that is not known shapes alone."""
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
