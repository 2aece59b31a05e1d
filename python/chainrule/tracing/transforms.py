"""jacobian, hessian_vector_product and vmap: functions made of a user's own function."""

from __future__ import annotations

import functools
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from chainrule.base import tree
from chainrule.base.errors import ShapeError
from chainrule.tracing.arrays import constant
from chainrule.tracing.autodiff import by_argument, check_argnums, grad, name_of, targets_of
from chainrule.tracing.body import NoBodyError, looped
from chainrule.tracing.compiled_function import Compiled
from chainrule.tracing.jacobians import nothing, pulled
from chainrule.tracing.operators import call_op
from chainrule.tracing.recorder import observed
from chainrule.tracing.trace import current_trace

__all__ = ["hessian_vector_product", "jacobian", "vmap"]


def jacobian(f: Callable[..., Any], argnums: int | Sequence[int] = 0) -> Callable[..., Any]:
    """A function that returns J[i, j] = df[i]/dx[j] by the arguments `argnums`.

    As `jax.jacrev`: one backward pass for each element of f's value, each after the other in a loop of the
    compiled program, which shares the forward pass. `jacobian(jacobian(f))` is the Hessian of a scalar f.

    Parameters
    ----------
    f : callable
        Written in `chainrule.ops`; gives a float tensor, or a structure of them.
    argnums : int or ints
        Positions of the arguments to differentiate by: arrays, Variables, or structures of them.

    Returns
    -------
    callable
        Of the arguments of f. Gives for each tensor of f's value, in that structure, the derivatives in
        the structure of the argument (a tuple of such for several `argnums`), each of the shape of the
        value followed by the shape of the argument.

    Raises
    ------
    TypeError
        f is not callable.
    DTypeError
        An argument to differentiate by, or a value of f, is not float.

    Examples
    --------
    >>> import numpy as np
    >>> jacobian(lambda x: x**2)(np.array([1.0, 3.0])).tolist()
    [[2.0, 0.0], [0.0, 6.0]]
    >>> jacobian(jacobian(lambda x: x[0] * x[1] ** 2))(np.array([2.0, 5.0])).tolist()
    [[0.0, 10.0], [10.0, 4.0]]
    """
    if not callable(f):
        raise TypeError(f"jacobian: expected a function, got {f!r}")

    def inside(*args: Any, **kwargs: Any) -> Any:
        trace = current_trace()
        assert trace is not None, "functions are differentiated inside a trace"
        values, targets = targets_of(trace, argnums, args)
        result = f(*values, **kwargs)
        flat = tree.flatten(targets)

        def of_one(y: Any) -> Any:
            y = trace.lift(y)
            found = pulled("rows", trace, [y], [], flat)
            whole = [
                trace.lift(nothing((*y.shape, *w.shape), w.dtype)) if rows is None else rows
                for rows, w in zip(found, flat)
            ]
            observed(None, [y, *flat], whole)
            return by_argument(argnums, targets, whole)

        return tree.map_structure(of_one, result)

    compiled = Compiled(inside, name_of(f))

    @functools.wraps(f)
    def call(*args: Any, **kwargs: Any) -> Any:
        check_argnums("jacobian", argnums, args)
        return compiled(*args, **kwargs)

    return call


def hessian_vector_product(f: Callable[..., Any], primals: Any, vector: Any) -> Any:
    """H v, where H[i, j] = d^2 f / dx[i] dx[j]: the gradient of (df/dx . v), without H.

    Two backward passes, one through the other (Pearlmutter, Fast exact multiplication by the Hessian,
    1994), whatever the size of x. The program is kept for the last functions f, so that a call with the
    same f and shapes compiles nothing.

    Parameters
    ----------
    f : callable
        Written in `chainrule.ops`; of `primals`, gives a float scalar.
    primals : tensor, Variable or structure
        x, of floats: the one argument of f.
    vector : tensor or structure
        v, in the structure and shapes of x.

    Returns
    -------
    tensor or structure
        H v, as x.

    Raises
    ------
    ShapeError
        f gives no scalar, or v has other shapes than x.
    DTypeError
        x, or what f gives, is not float.
    ValueError
        v has another structure than x.

    Examples
    --------
    >>> import numpy as np
    >>> f = lambda x: x[0] * x[1] ** 2
    >>> hessian_vector_product(f, np.array([2.0, 5.0]), np.array([1.0, 0.0])).tolist()
    [0.0, 10.0]
    """
    check_argnums("hessian_vector_product", 0, (primals,))
    tree.assert_same_structure(primals, vector)
    for x, v in zip(tree.flatten(primals), tree.flatten(vector)):
        if _shape(x) != _shape(v):
            raise ShapeError(
                f"hessian_vector_product: expected a vector of shape {_shape(x)}, as x, got {_shape(v)}"
            )
    return _product(f)(primals, vector)


@functools.lru_cache(32)
def _product(f: Callable[..., Any]) -> Compiled:
    slope = grad(f)

    def directional(primals: Any, vector: Any) -> Any:
        pairs = zip(tree.flatten(slope(primals)), tree.flatten(vector))
        products = [call_op("sum", call_op("multiply", g, v)) for g, v in pairs]
        return functools.reduce(lambda a, b: call_op("add", a, b), products)

    return Compiled(grad(directional), name_of(f))


def vmap(f: Callable[..., Any], in_axes: Any = 0, out_axes: Any = 0) -> Callable[..., Any]:
    """A function that maps f over an axis of its arguments: y[n] = f(x[n]), as `jax.vmap`.

    It is a loop of the compiled program over the axis: the time of n calls of the compiled f, without
    Python between them, and no more memory than one call and the results take. So it is for functions of
    one sample that are written without a batch; layers, which take batches, are faster without it.

    Parameters
    ----------
    f : callable
        Written in `chainrule.ops`; gives a tensor or a structure of them.
    in_axes : int, None, or a sequence with one for each positional argument
        The axis that f does not see; None for what is the same in every call. An argument that is a
        structure can have a structure of axes, or one for all its tensors. Default 0.
    out_axes : int or structure
        Where the axis stands in the results. Default 0.

    Returns
    -------
    callable
        Of the positional arguments of f; keyword arguments are mapped over their first axis.

    Raises
    ------
    TypeError
        f is not callable.
    ValueError
        No mapped argument, axes that do not fit the arguments' structures, or a size of the axis on which
        the arguments do not agree.
    ShapeError
        An axis that an argument does not have.

    Examples
    --------
    >>> import numpy as np
    >>> from chainrule import ops
    >>> dot = lambda a, b: ops.sum(a * b)
    >>> vmap(dot)(np.ones((3, 2)), np.array([[1.0, 2.0], [3.0, 4.0], [5.0, 6.0]])).tolist()
    [3.0, 7.0, 11.0]
    >>> vmap(dot, in_axes=(None, 1))(np.ones(2), np.array([[1.0, 2.0], [3.0, 4.0]])).tolist()
    [4.0, 6.0]
    """
    if not callable(f):
        raise TypeError(f"vmap: expected a function, got {f!r}")
    axes_of = list(in_axes) if isinstance(in_axes, (list, tuple)) else in_axes

    def inside(*args: Any, **kwargs: Any) -> Any:
        return _mapped(f, axes_of, out_axes, args, kwargs)

    compiled = Compiled(inside, name_of(f))

    @functools.wraps(f)
    def call(*args: Any, **kwargs: Any) -> Any:
        if isinstance(axes_of, list) and len(axes_of) != len(args):
            raise ValueError(
                f"vmap: in_axes has {len(axes_of)} entries, but {len(args)} positional arguments came"
            )
        return compiled(*args, **kwargs)

    return call


def _mapped(f: Callable[..., Any], in_axes: Any, out_axes: Any, args: Any, kwargs: Any) -> Any:
    structure = (list(args), kwargs)
    each = in_axes if isinstance(in_axes, list) else [in_axes] * len(args)
    axes = [a for axis, x in zip(each, args) for a in _spread("in_axes", axis, x)]
    axes += [0] * (len(tree.flatten(structure)) - len(axes))
    leaves = tree.flatten(structure)
    rows = [_first(constant(x), axis) for x, axis in zip(leaves, axes) if axis is not None]
    sizes = {x.shape[0] for x in rows}
    if len(sizes) != 1:
        raise ValueError(
            "vmap: expected mapped arguments of one size along their axes, got shapes "
            f"{[_shape(x) for x in leaves]} with axes {axes}"
        )
    count = sizes.pop()

    def call(slices: Sequence[Any]) -> Any:
        given = iter(slices)
        inner = [x if axis is None else next(given) for x, axis in zip(leaves, axes)]
        values, named = tree.pack_sequence_as(structure, inner)
        return f(*values, **named)

    try:
        _, stacked = looped(lambda carry, slices: ((), call(slices)), (), rows, count)
    except NoBodyError:
        calls = [call([x[i] for x in rows]) for i in range(int(count))]
        stacked = tree.map_structure(lambda *ys: call_op("stack", list(ys)), *calls)
    places = _spread("out_axes", out_axes, stacked)
    moved = [
        y if place in (0, None) else call_op("moveaxis", y, 0, place)
        for y, place in zip(tree.flatten(stacked), places)
    ]
    return tree.pack_sequence_as(stacked, moved)


def _shape(x: Any) -> tuple[Any, ...]:
    return tuple(x.shape) if hasattr(x, "shape") else np.shape(x)


def _first(x: Any, axis: int) -> Any:
    if not -x.ndim <= axis < x.ndim:
        raise ShapeError(f"vmap: axis {axis} is out of bounds for shape {tuple(x.shape)}")
    return x if axis in (0, -x.ndim) else call_op("moveaxis", x, axis, 0)


def _spread(name: str, axes: Any, structure: Any) -> list[Any]:
    """One axis for each leaf of a structure."""
    if axes is None or isinstance(axes, int):
        return [axes] * len(tree.flatten(structure))
    try:
        found = tree.map_structure_up_to(
            axes, lambda axis, part: [axis] * len(tree.flatten(part)), axes, structure
        )
    except (ValueError, TypeError) as error:
        raise ValueError(f"vmap: {name} does not fit the structure: {error}") from None
    return tree.flatten(found)
