"""Loops.

Outside a trace they run as written. Inside, `scan`, `map` and `fori_loop` are one op, whose body is traced
and compiled once for any number of steps. They are unrolled there, as `while_loop` and `associative_scan`
are, where one body does not do: the carry changes its structure, shapes or dtypes from step to step, a step
adds a loss, or it needs the number of the step as a Python int.
"""

from __future__ import annotations

import builtins
from collections.abc import Callable
from typing import Any

from chainrule.base import tree
from chainrule.base.errors import ShapeError
from chainrule.base.sizes import Size, may_be
from chainrule.ops._common import block, normalize_axis
from chainrule.ops.arranging import flip
from chainrule.ops.conversion import convert_to_tensor
from chainrule.ops.creation import arange, zeros
from chainrule.ops.joining import concatenate, stack
from chainrule.ops.shaping import broadcast_to
from chainrule.tracing.body import NoBodyError, looped
from chainrule.tracing.casting import as_tensor, is_traced
from chainrule.tracing.recording import operation
from chainrule.tracing.specs import compute_output_spec
from chainrule.tracing.tensor import KerasTensor
from chainrule.tracing.trace import current_trace

__all__ = ["associative_scan", "fori_loop", "map", "scan", "vectorized_map", "while_loop"]


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
    """`loop_vars = body(*loop_vars)` as long as `cond(*loop_vars)` holds; as Keras's
    `ops.while_loop`.

    Parameters
    ----------
    cond : callable
        Of the loop variables, gives a scalar bool.
    body : callable
        Of the loop variables, gives them anew: a tensor, or a tuple or list of as many.
    loop_vars : tensor, or a tuple or list of tensors
        What the loop begins with.
    maximum_iterations : int, optional
        After as many steps the loop ends.

    Returns
    -------
    tensor or tuple
        The last loop variables, of the shapes and dtypes that `body` gives.

    Raises
    ------
    TypeError
        A condition whose value is not known while tracing.
    ValueError
        A condition that is no scalar.
    DTypeError
        A loop variable that holds no numbers.

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
    """`val = body_fun(i, val)` for i from lower up to, not including, upper; as
    `jax.lax.fori_loop`.

    Parameters
    ----------
    lower, upper : int
        Known while tracing.
    body_fun : callable
        Of an int and the value, gives the next value. While tracing, the int is a traced int32.
    init_val : tensor or structure
        What the loop begins with, of any shape.

    Returns
    -------
    tensor or structure
        The last value, of the shape and dtype that `body_fun` gives.

    Raises
    ------
    TypeError
        Traced bounds.

    Examples
    --------
    >>> fori_loop(0, 4, lambda i, total: total + i, 0)
    6
    """
    if is_traced(lower) or is_traced(upper):
        raise TypeError("fori_loop: the bounds must be known while tracing")
    steps = range(int(lower), int(upper))
    if _is_one_op(len(steps)):
        numbers = arange(steps.start, steps.stop, dtype="int32")
        init = tree.map_structure(convert_to_tensor, init_val)
        try:
            return looped(lambda value, x: (body_fun(x[0], value), ()), init, [numbers], len(steps))[0]
        except (NoBodyError, TypeError):
            # Where the type is wrong in itself, the steps below say so.
            pass
    value = init_val
    for i in steps:
        value = body_fun(i, value)
    return value


def _is_one_op(steps: Any) -> bool:
    """Whether a loop here is traced once for all of its steps, which are more than one."""
    return current_trace() is not None and (isinstance(steps, Size) or steps > 1)


def _slice_spec(xs: Any) -> Any:
    return tree.map_structure(lambda x: KerasTensor(x.shape[1:], x.dtype), xs)


def _stacked(size: int | None, spec: Any) -> Any:
    return tree.map_structure(lambda y: KerasTensor((size, *y.shape), y.dtype), spec)


def _map_spec(f: Callable[[Any], Any], xs: Any) -> Any:
    size = _steps("map", tree.flatten(xs), None)
    return _stacked(size, compute_output_spec(f, _slice_spec(xs)))


@operation(spec=_map_spec)
def map(f: Callable[[Any], Any], xs: Any) -> Any:
    """f of every slice of xs along its first axis, stacked; as `jax.lax.map`.

    Parameters
    ----------
    f : callable
        Of a slice, or of a structure of slices; gives tensors of one shape.
    xs : tensor (n, ...), or a structure of them
        What is cut into n slices.

    Returns
    -------
    tensor or structure
        (n, ...) with the shape and dtype of what f gives.

    Raises
    ------
    TypeError
        `f` is not callable.
    ShapeError
        Results of different shapes, or a tensor without axes.
    DTypeError
        `xs` holds no numbers.

    Examples
    --------
    >>> import numpy as np
    >>> map(lambda row: row * 2, np.array([1, 2])).tolist()
    [2, 4]
    """
    return _scan("map", lambda carry, x: (carry, f(x)), (), xs)[1]


def _scan_spec(
    f: Callable[[Any, Any], Any],
    init: Any,
    xs: Any = None,
    length: int | None = None,
    reverse: bool = False,
    unroll: Any = 1,
) -> Any:
    size = _steps("scan", [] if xs is None else tree.flatten(xs), length)
    first = None if xs is None else _slice_spec(xs)
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
    """`carry, y[i] = f(carry, x[i])` for every slice of xs, as `jax.lax.scan`.

    Where f gives None for y, the result holds zeros of the shape of the carry.

    Parameters
    ----------
    f : callable
        Of the carry and a slice of xs, gives the next carry and y.
    init : tensor or structure
        The first carry, of any shape.
    xs : tensor (n, ...), or a structure of them, optional
        None passes None to f, `length` times.
    length : int, optional
        The number of steps. Default: the first size of xs.
    reverse : bool
        Whether to begin with the last slice; y keeps the order of xs. Default False.
    unroll : int or bool
        True, or as many steps as there are: while tracing, the steps follow one another in the graph,
        which takes as long to compile as there are many. Else it has no effect. Default 1.

    Returns
    -------
    tuple
        The last carry, and all y as (n, ...) in their dtype.

    Raises
    ------
    TypeError
        `f` is not callable.
    ValueError
        Neither xs nor length, or a bad `unroll`.
    ShapeError
        Results of different shapes, a tensor without axes, or another number of slices than
        `length`.
    DTypeError
        An argument that holds no numbers.

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
    return _scan("scan", f, init, xs, length, reverse, unroll)


def _scan(
    op: str,
    f: Callable[[Any, Any], Any],
    init: Any,
    xs: Any,
    length: int | None = None,
    reverse: bool = False,
    unroll: int | bool = 1,
) -> Any:
    slices = [] if xs is None else [convert_to_tensor(x) for x in tree.flatten(xs)]
    count = _steps(op, slices, length)
    carry = tree.map_structure(convert_to_tensor, init)
    if not isinstance(count, Size) and not count:
        return carry, _nothing(f, carry, None if xs is None else tree.pack_sequence_as(xs, slices))
    if _is_one_op(count) and (isinstance(count, Size) or unroll is not True and unroll < count):
        try:
            return _as_one_op(f, carry, xs, slices, count, reverse)
        except NoBodyError:
            if isinstance(count, Size):
                raise
    outputs = []
    for i in builtins.reversed(range(count)) if reverse else range(count):
        item = None if xs is None else tree.pack_sequence_as(xs, [x[i] for x in slices])
        carry, y = f(carry, item)
        outputs.append(tree.map_structure(lambda t: 0.0 * t, init) if y is None else y)
    if reverse:
        outputs.reverse()
    return carry, tree.map_structure(lambda *ys: stack(ys), *outputs)


def _as_one_op(
    f: Callable[[Any, Any], Any], init: Any, xs: Any, slices: list[Any], count: Any, reverse: bool
) -> Any:
    has_y = True

    def body(carry: Any, rows: list[Any]) -> Any:
        nonlocal has_y
        carry, y = f(carry, None if xs is None else tree.pack_sequence_as(xs, rows))
        has_y = y is not None
        return carry, y if has_y else ()

    carry, y = looped(body, init, slices, count, reverse)
    if not has_y:
        y = tree.map_structure(lambda t: broadcast_to(0.0 * t, (count, *t.shape)), init)
    return carry, y


def _steps(op: str, slices: list[Any], length: int | None) -> Any:
    """How many slices there are, which all tensors and `length` agree on; None where unknown."""
    sizes = [x.shape[0] for x in slices if x.ndim and x.shape[0] is not None]
    if length is not None:
        sizes.append(int(length))
    agree = all(may_be(size, sizes[0]) for size in sizes)
    if not agree or not all(x.ndim for x in slices) or not (slices or sizes):
        number = "slices" if length is None else f"{int(length)} slices"
        shapes = [tuple(x.shape) for x in slices]
        raise ShapeError(f"{op}: expected tensors of equally many {number}, got shapes {shapes}")
    numbers = [size for size in sizes if not isinstance(size, Size)]
    return next(iter([*numbers, *sizes]), None)


def _nothing(f: Callable[[Any, Any], Any], carry: Any, xs: Any) -> Any:
    """What no slices give: tensors of no rows, of the shapes and dtypes of f's results."""
    first = tree.map_structure(_like, carry), None if xs is None else _slice_spec(xs)
    _, y = compute_output_spec(f, *first)
    rows = _stacked(0, first[0] if y is None else y)
    return tree.map_structure(lambda row: zeros(row.shape, row.dtype), rows)


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
    """y[0] = x[0], y[i] = f(y[i - 1], x[i]) along `axis`, as `jax.lax.associative_scan`.

    Parameters
    ----------
    f : callable
        Associative, of two tensors (or structures) that have size 1 along `axis`; gives one like
        them.
    elems : tensor or structure of tensors
        Of one size n along `axis`.
    reverse : bool
        Whether to begin with the last element. Default False.
    axis : int
        Along which. Default 0.

    Returns
    -------
    tensor or structure
        The shape and dtype of `elems`.

    Raises
    ------
    TypeError
        `f` is not callable.
    ShapeError
        Sizes along `axis` that differ, or an axis that is not there.
    DTypeError
        `elems` holds no numbers.

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
    """`function` of every slice of `elements` along the first axis, stacked; as TensorFlow's
    `tf.vectorized_map`.

    Parameters
    ----------
    function : callable
        Of a slice, or of the list of slices where `elements` is a list; gives tensors of one shape.
    elements : tensor (n, ...), or a list of them
        What is cut into n slices.

    Returns
    -------
    tensor or structure
        (n, ...) with the shape and dtype of what the function gives.

    Raises
    ------
    ShapeError
        Results of different shapes.
    ValueError
        No slices.
    IndexError
        A tensor without axes.
    DTypeError
        `elements` holds no numbers.

    Examples
    --------
    >>> import numpy as np
    >>> vectorized_map(lambda row: row.sum(), np.array([[1, 2], [3, 4]])).tolist()
    [3, 7]
    """
    several = isinstance(elements, (list, tuple))
    tensors = [as_tensor(x) for x in (elements if several else [elements])]
    if _is_one_op(tensors[0].shape[0]) and len({x.shape[0] for x in tensors}) == 1:
        return map(function, list(elements) if several else elements)
    results = [
        function([t[i] for t in tensors] if several else tensors[0][i])
        for i in range(int(tensors[0].shape[0]))
    ]
    return tree.map_structure(lambda *parts: stack(parts), *results)
