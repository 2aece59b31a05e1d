"""Branches.

Outside a trace they run as written. Inside, a branch on a traced condition computes both sides
and selects, results as well as assignments of variables.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from chainrule.base import tree
from chainrule.base.errors import ShapeError
from chainrule.ops.comparison import where
from chainrule.tracing.casting import as_tensor, is_traced
from chainrule.tracing.recording import operation
from chainrule.tracing.specs import compute_output_spec
from chainrule.tracing.tensor import KerasTensor, shape_equal
from chainrule.tracing.trace import current_trace

__all__ = ["cond", "switch"]


def _cond_spec(pred: Any, true_fn: Callable[[], Any], false_fn: Callable[[], Any]) -> Any:
    yes, no = compute_output_spec(true_fn), compute_output_spec(false_fn)
    tree.assert_same_structure(yes, no)
    for a, b in zip(tree.flatten(yes), tree.flatten(no)):
        if isinstance(a, KerasTensor) and (a.shape, a.dtype) != (b.shape, b.dtype):
            raise ShapeError(
                "cond: both branches must give the same shapes and dtypes for a symbolic "
                f"condition, got {a.shape} {a.dtype} and {b.shape} {b.dtype}"
            )
    return yes


@operation(spec=_cond_spec)
def cond(pred: Any, true_fn: Callable[[], Any], false_fn: Callable[[], Any]) -> Any:
    """`true_fn()` if pred holds, else `false_fn()`; as `jax.lax.cond` without operands.

    With a traced `pred` both are traced; results and assignments of variables are selected, so both
    must give the same structure and shapes.

    Parameters
    ----------
    pred : bool tensor
        A scalar; a number counts as True unless 0.
    true_fn, false_fn : callable
        Of no arguments; give tensors, or nested structures of them.

    Returns
    -------
    tensor or structure
        What the branch gives, of whatever shape and dtype.

    Raises
    ------
    ShapeError
        Results of different shapes, or a condition that is no scalar, inside a trace.
    ValueError
        Results of different structure inside a trace, or a condition with several elements.
    TypeError
        A branch that is not callable.
    DTypeError
        `pred` holds no numbers.

    Examples
    --------
    >>> cond(True, lambda: 1, lambda: 2)
    1
    """
    if not callable(true_fn) or not callable(false_fn):
        raise TypeError(
            f"cond: expected two callables as branches, got {true_fn!r} and {false_fn!r}"
        )
    pred = as_tensor(pred)
    if not is_traced(pred):
        return true_fn() if bool(pred) else false_fn()
    if pred.ndim:
        raise ShapeError(f"cond: expected a scalar condition, got shape {pred.shape}")
    yes, assigned_yes = _branch(true_fn)
    no, assigned_no = _branch(false_fn)
    trace = current_trace()
    for key in {**assigned_yes, **assigned_no}:
        variable = (assigned_yes.get(key) or assigned_no[key])[0]
        now = (variable, variable.value)
        chosen = where(pred, assigned_yes.get(key, now)[1], assigned_no.get(key, now)[1])
        if trace is not None:
            trace.assign(variable, chosen)
    tree.assert_same_structure(yes, no)
    return tree.map_structure(lambda a, b: _select(pred, a, b), yes, no)


def _branch(function: Callable[[], Any]) -> tuple[Any, dict[int, Any]]:
    """The result of a branch, and the variables it assigned, which are set back."""
    trace = current_trace()
    if trace is None:
        return function(), {}
    before = dict(trace.variables)
    trace.branches += 1
    try:
        result = function()
    finally:
        trace.branches -= 1
    originals = {id(variable): (variable, tensor) for variable, tensor in trace.reads}
    assigned = {
        key: entry
        for key, entry in trace.variables.items()
        if entry[1] is not before.get(key, originals.get(key, entry))[1]
    }
    for key in assigned:
        trace.variables[key] = before.get(key, originals[key])
    return result, assigned


def _select(pred: Any, a: Any, b: Any) -> Any:
    if a is None and b is None:
        return None
    a, b = as_tensor(a), as_tensor(b)
    if not shape_equal(a.shape, b.shape):
        raise ShapeError(
            "cond: both branches must give the same shapes under a traced condition, got "
            f"{tuple(a.shape)} and {tuple(b.shape)}"
        )
    return where(pred, a, b)


def _switch_spec(index: Any, branches: Any, *operands: Any) -> Any:
    return compute_output_spec(branches[0], *operands)


@operation(spec=_switch_spec)
def switch(index: Any, branches: Any, *operands: Any) -> Any:
    """`branches[index](*operands)`, as `jax.lax.switch`.

    With a traced index all branches are traced, and their results selected.

    Parameters
    ----------
    index : int or integer tensor
        A scalar; moved into 0 to len(branches) - 1.
    branches : sequence of callables
        Of the operands; inside a trace they give one structure and shapes.
    *operands : tensors or structures
        What the branch is called with.

    Returns
    -------
    tensor or structure
        What the branch gives, of whatever shape and dtype.

    Raises
    ------
    ShapeError
        Results of different shapes inside a trace.
    TypeError
        An index that is no scalar.
    DTypeError
        `index` holds no numbers.

    Examples
    --------
    >>> switch(1, [lambda x: x, lambda x: 2 * x], 3)
    6
    """
    index = as_tensor(index)
    if not is_traced(index):
        return branches[max(0, min(int(index), len(branches) - 1))](*operands)
    result = branches[-1](*operands)
    for number in reversed(range(len(branches) - 1)):
        other = branches[number](*operands)
        result = tree.map_structure(
            lambda a, b, n=number: _select(index <= n, a, b), other, result
        )
    return result
