"""Branches and loops.

Outside a trace they run as written. Inside, a loop is unrolled (its length must be known), and a
branch on a traced condition computes both sides and selects.
"""

from __future__ import annotations

import builtins
from collections.abc import Callable
from typing import Any

from chainrule import scopes, tree
from chainrule.dispatch import compute_output_spec, operation
from chainrule.errors import ShapeError
from chainrule.ops._common import as_tensor, is_traced, normalize_axis
from chainrule.ops.arithmetic import where
from chainrule.ops.core import convert_to_tensor
from chainrule.ops.joining import concatenate, stack
from chainrule.ops.shaping import block, flip
from chainrule.tensor import KerasTensor

__all__ = [
    "associative_scan", "cond", "fori_loop", "map", "scan", "switch", "vectorized_map",
    "while_loop",
]  # fmt: skip


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
    """`true_fn()` if pred holds, else `false_fn()`.

    With a traced `pred` both are traced; results and assignments of variables are selected, so
    both must give the same structure and shapes.

    Raises
    ------
    ValueError
        Results of different structure or shape under a traced condition.
    TypeError
        A branch that is not callable.

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
    trace = scopes.current_trace()
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
    trace = scopes.current_trace()
    if trace is None:
        return function(), {}
    before = dict(trace.variables)
    result = function()
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
    if tuple(a.shape) != tuple(b.shape):
        raise ShapeError(
            "cond: both branches must give the same shapes under a traced condition, got "
            f"{tuple(a.shape)} and {tuple(b.shape)}"
        )
    return where(pred, a, b)


def _switch_spec(index: Any, branches: Any, *operands: Any) -> Any:
    return compute_output_spec(branches[0], *operands)


@operation(spec=_switch_spec)
def switch(index: Any, branches: Any, *operands: Any) -> Any:
    """`branches[index](*operands)`, with the index moved into range.

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


def _while_spec(
    cond: Callable[..., Any],
    body: Callable[..., Any],
    loop_vars: Any,
    maximum_iterations: int | None = None,
) -> Any:
    return tree.map_structure(_like, loop_vars)


def _like(x: Any) -> KerasTensor:
    x = x if isinstance(x, KerasTensor) else as_tensor(x)
    return KerasTensor(tuple(x.shape), x.dtype)


@operation(spec=_while_spec)
def while_loop(
    cond: Callable[..., Any],
    body: Callable[..., Any],
    loop_vars: Any,
    maximum_iterations: int | None = None,
) -> Any:
    """`loop_vars = body(*loop_vars)` as long as `cond(*loop_vars)` holds.

    Raises
    ------
    TypeError
        A condition whose value is not known while tracing.

    Examples
    --------
    >>> while_loop(lambda i: i < 3, lambda i: i + 1, 0).item()
    3
    """
    is_sequence = isinstance(loop_vars, (tuple, list))
    values = tuple(loop_vars) if is_sequence else (loop_vars,)
    values = tree.map_structure(convert_to_tensor, values)
    count = 0
    while maximum_iterations is None or count < maximum_iterations:
        holds = as_tensor(cond(*values))
        if is_traced(holds):
            raise TypeError(
                "while_loop: inside a trace the condition must not depend on traced values, since "
                "the loop is unrolled. Use `fori_loop` with a known number of steps and `where`."
            )
        if not bool(holds):
            break
        result = body(*values)
        values = tuple(result) if isinstance(result, (tuple, list)) else (result,)
        count += 1
    return values if is_sequence else values[0]


def _fori_spec(
    lower: Any, upper: Any, body_fun: Callable[[Any, Any], Any], init_val: Any
) -> Any:
    return compute_output_spec(body_fun, KerasTensor((), "int32"), init_val)


@operation(spec=_fori_spec)
def fori_loop(lower: Any, upper: Any, body_fun: Callable[[Any, Any], Any], init_val: Any) -> Any:
    """`val = body_fun(i, val)` for i from lower up to, not including, upper.

    Examples
    --------
    >>> fori_loop(0, 4, lambda i, total: total + i, 0)
    6
    """
    if is_traced(lower) or is_traced(upper):
        raise TypeError("fori_loop: the bounds must be known while tracing")
    value = init_val
    for i in range(int(lower), int(upper)):
        value = body_fun(i, value)
    return value


def _slice_spec(xs: Any) -> Any:
    return tree.map_structure(lambda x: KerasTensor(x.shape[1:], x.dtype), xs)


def _stacked(size: int | None, spec: Any) -> Any:
    return tree.map_structure(lambda y: KerasTensor((size, *y.shape), y.dtype), spec)


def _map_spec(f: Callable[[Any], Any], xs: Any) -> Any:
    return _stacked(tree.flatten(xs)[0].shape[0], compute_output_spec(f, _slice_spec(xs)))


@operation(spec=_map_spec)
def map(f: Callable[[Any], Any], xs: Any) -> Any:
    """f of every slice of xs along its first axis, stacked.

    Examples
    --------
    >>> import numpy as np
    >>> map(lambda row: row * 2, np.array([1, 2])).tolist()
    [2, 4]
    """
    return scan(lambda carry, x: (carry, f(x)), (), xs)[1]


def _scan_spec(
    f: Callable[[Any, Any], Any],
    init: Any,
    xs: Any = None,
    length: int | None = None,
    reverse: bool = False,
    unroll: Any = 1,
) -> Any:
    first = None if xs is None else _slice_spec(xs)
    size = tree.flatten(xs)[0].shape[0] if length is None else int(length)
    carry, y = compute_output_spec(f, init, first)
    if y is None:
        return carry, _stacked(size, tree.map_structure(_like, init))
    return carry, _stacked(size, y)


@operation(spec=_scan_spec)
def scan(
    f: Callable[[Any, Any], Any],
    init: Any,
    xs: Any = None,
    length: int | None = None,
    reverse: bool = False,
    unroll: Any = 1,
) -> Any:
    """`carry, y[i] = f(carry, x[i])` for every slice of xs; returns the last carry and all y.

    Raises
    ------
    TypeError
        When f is not callable.
    ValueError
        Neither xs nor length, or a bad `unroll`.

    Examples
    --------
    >>> import numpy as np
    >>> carry, sums = scan(lambda c, x: (c + x, c + x), np.int32(0), np.array([1, 2, 3], "int32"))
    >>> carry.item(), sums.tolist()
    (6, [1, 3, 6])
    """
    if not callable(f):
        raise TypeError(f"`f` should be a callable. Received: f={f}")
    if not isinstance(unroll, (bool, int)) or (unroll is not False and unroll < 1):
        raise ValueError(
            f"`unroll` must be an positive integer or boolean. Received: unroll={unroll}"
        )
    if xs is None and length is None:
        raise ValueError("Got no `xs` to scan over and `length` not provided.")
    slices = [] if xs is None else [convert_to_tensor(x) for x in tree.flatten(xs)]
    count = int(length) if length is not None else int(slices[0].shape[0])
    carry = tree.map_structure(convert_to_tensor, init)
    outputs = []
    for i in builtins.reversed(range(count)) if reverse else range(count):
        item = None if xs is None else tree.pack_sequence_as(xs, [x[i] for x in slices])
        carry, y = f(carry, item)
        outputs.append(tree.map_structure(lambda t: 0.0 * t, init) if y is None else y)
    if reverse:
        outputs.reverse()
    return carry, tree.map_structure(lambda *ys: stack(ys), *outputs)


def _associative_spec(
    f: Callable[[Any, Any], Any], elems: Any, reverse: bool = False, axis: int = 0
) -> Any:
    flat = tree.flatten(elems)
    if len({x.shape[axis] for x in flat}) != 1:
        raise ShapeError(
            "Array inputs to associative_scan must have the same first dimension. "
            f"(saw: {[x.shape for x in flat]})"
        )
    compute_output_spec(f, _unit(elems, axis), _unit(elems, axis))
    return tree.map_structure(_like, elems)


def _unit(elems: Any, axis: int) -> Any:
    def one(x: Any) -> KerasTensor:
        place = normalize_axis(axis, x.ndim, "associative_scan")
        return KerasTensor([1 if i == place else n for i, n in enumerate(x.shape)], x.dtype)

    return tree.map_structure(one, elems)


@operation(spec=_associative_spec)
def associative_scan(
    f: Callable[[Any, Any], Any], elems: Any, reverse: bool = False, axis: int = 0
) -> Any:
    """y[0] = x[0], y[i] = f(y[i - 1], x[i]) along `axis`, for an associative f.

    Examples
    --------
    >>> import numpy as np
    >>> associative_scan(lambda a, b: a + b, np.array([1, 2, 3])).tolist()
    [1, 3, 6]
    """
    if not callable(f):
        raise TypeError(f"`f` should be a callable. Received: f={f}")
    flat = [convert_to_tensor(x) for x in tree.flatten(elems)]
    axes = [normalize_axis(axis, x.ndim, "associative_scan") for x in flat]
    sizes = {x.shape[a] for x, a in zip(flat, axes)}
    if len(sizes) != 1:
        raise ShapeError(
            "Array inputs to associative_scan must have the same first dimension. "
            f"(saw: {[tuple(x.shape) for x in flat]})"
        )
    flat = [flip(x, a) for x, a in zip(flat, axes)] if reverse else flat
    total: Any = None
    found = []
    for i in range(sizes.pop()):
        here = tree.pack_sequence_as(elems, [block(x, a, i, i + 1) for x, a in zip(flat, axes)])
        total = here if total is None else f(total, here)
        found.append(tree.flatten(total))
    joined = [concatenate([part[n] for part in found], a) for n, a in enumerate(axes)]
    joined = [flip(x, a) for x, a in zip(joined, axes)] if reverse else joined
    return tree.pack_sequence_as(elems, joined)


def _vectorized_spec(function: Callable[[Any], Any], elements: Any) -> Any:
    return _map_spec(function, elements)


@operation(spec=_vectorized_spec)
def vectorized_map(function: Callable[[Any], Any], elements: Any) -> Any:
    """`function` of every slice of `elements` along the first axis, stacked.

    With several tensors in a list, the function gets the list of their slices.

    Examples
    --------
    >>> import numpy as np
    >>> vectorized_map(lambda row: row.sum(), np.array([[1, 2], [3, 4]])).tolist()
    [3, 7]
    """
    several = isinstance(elements, (list, tuple))
    tensors = [as_tensor(x) for x in (elements if several else [elements])]
    results = [
        function([t[i] for t in tensors] if several else tensors[0][i])
        for i in range(int(tensors[0].shape[0]))
    ]
    return tree.map_structure(lambda *parts: stack(parts), *results)
