"""vectorize: a function of small tensors, called for each of many."""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Iterable
from typing import Any

from chainrule.base import tree
from chainrule.base.errors import ShapeError
from chainrule.base.sizes import broadcast, may_be
from chainrule.ops.creation import zeros
from chainrule.ops.joining import stack
from chainrule.ops.shaping import broadcast_to, reshape
from chainrule.tracing.casting import as_tensor
from chainrule.tracing.recording import operation
from chainrule.tracing.specs import compute_output_spec
from chainrule.tracing.tensor import KerasTensor

__all__ = ["vectorize"]

# "(m,n),(n)->(m)"
_CORE = re.compile(r"\(\s*(?:\w+\s*(?:,\s*\w+\s*)*)?\)")


def vectorize(
    pyfunc: Callable[..., Any],
    *,
    excluded: Iterable[int] | None = None,
    signature: str | None = None,
) -> Callable[..., Any]:
    """A function that calls `pyfunc` for each element, or each part, of arguments that broadcast;
    as NumPy's `np.vectorize`. In a trace the calls are unrolled.

    Parameters
    ----------
    pyfunc : callable
        Of tensors, gives a tensor or a structure of them, each time of one shape.
    excluded : iterable of int, optional
        Positions of arguments that are passed as they are, as arguments by name are anyway.
    signature : str, optional
        The last axes that `pyfunc` takes of each argument, as "(m,n),(n)->(m)". Default: none, it
        takes scalars.

    Returns
    -------
    callable
        Of the arguments of `pyfunc`, gives its results, of shape (\\*common shape of the other axes,
        \\*shape of a result).

    Raises
    ------
    ValueError
        A `pyfunc` that is not callable, or a signature that cannot be read.
    TypeError
        A position that is no int.

    Examples
    --------
    >>> import numpy as np
    >>> from chainrule import ops
    >>> vectorize(lambda a, b: a + b)([1, 2, 3], 2).tolist()
    [3, 4, 5]
    >>> vectorize(ops.trace, signature="(d,d)->()")(np.ones((2, 3, 3))).tolist()
    [3.0, 3.0]
    """
    if not callable(pyfunc):
        raise ValueError(
            f"Expected argument `pyfunc` to be a callable. Received: pyfunc={pyfunc}"
        )
    positions = frozenset(excluded or ())
    if not all(isinstance(i, int) for i in positions):
        raise TypeError(f"vectorize: expected `excluded` to hold ints, got {excluded}")
    cores = None if signature is None else _cores(signature)

    def vectorized(*args: Any, **kwargs: Any) -> Any:
        return _vectorized(pyfunc, cores, positions, args, kwargs)

    return vectorized


def _cores(signature: Any) -> list[list[str]]:
    """The names of the last axes of each argument."""
    sides = signature.split("->") if isinstance(signature, str) else []
    if len(sides) != 2 or any(_CORE.sub("", side).strip(" ,") for side in sides):
        raise ValueError(
            f"vectorize: expected a signature such as '(m,n),(n)->(m)', got {signature!r}"
        )
    return [re.findall(r"\w+", core) for core in _CORE.findall(sides[0])]


def _parts(cores: Any, positions: frozenset[int], args: Any) -> tuple[dict[int, Any], Any]:
    """The arguments that are cut, and the common shape of their axes before the last ones."""
    tensors = {i: as_tensor(x) for i, x in enumerate(args) if i not in positions}
    if not tensors:
        raise ValueError("vectorize: expected an argument that is not excluded")
    names = [[]] * len(tensors) if cores is None else cores
    shapes = [tuple(x.shape) for x in tensors.values()]
    if len(names) != len(tensors):
        raise ValueError(
            f"vectorize: the signature has {len(names)} arguments, got {len(tensors)}"
        )
    sizes: dict[str, Any] = {}
    for core, shape in zip(names, shapes):
        last = shape[len(shape) - len(core) :]
        if len(shape) < len(core) or not all(
            may_be(sizes.setdefault(name, n), n) for name, n in zip(core, last)
        ):
            raise ShapeError(f"vectorize: axes {names} do not fit arguments of shapes {shapes}")
    try:
        loops = broadcast(*(s[: len(s) - len(core)] for core, s in zip(names, shapes)))
    except ValueError:
        message = f"vectorize: expected shapes that broadcast together, got {shapes}"
        raise ShapeError(message) from None
    parts = {
        i: broadcast_to(x, (*loops, *x.shape[x.ndim - len(core) :]))
        for (i, x), core in zip(tensors.items(), names)
    }
    return parts, loops


def _spec(
    pyfunc: Callable[..., Any], cores: Any, positions: frozenset[int], args: Any, kwargs: Any
) -> Any:
    def results(*values: Any) -> Any:
        parts, loops = _parts(cores, positions, values)
        rank = len(loops)
        cuts = {i: zeros(x.shape[rank:], x.dtype) for i, x in parts.items()}
        given = [cuts.get(i, x) for i, x in enumerate(values)]
        outputs = pyfunc(*given, **kwargs)
        return tree.map_structure(
            lambda y: zeros((*loops, *as_tensor(y).shape), as_tensor(y).dtype), outputs
        )

    return compute_output_spec(results, *args)


@operation(spec=_spec)
def _vectorized(
    pyfunc: Callable[..., Any], cores: Any, positions: frozenset[int], args: Any, kwargs: Any
) -> Any:
    parts, loops = _parts(cores, positions, args)
    count = math.prod(loops)
    if not count:
        given = [_like(x) if i in parts else x for i, x in enumerate(args)]
        specs = _spec(pyfunc, cores, positions, given, kwargs)
        return tree.map_structure(lambda y: zeros(y.shape, y.dtype), specs)
    rows = {i: reshape(x, (count, *x.shape[len(loops) :])) for i, x in parts.items()}
    results = [
        pyfunc(*(rows[i][n] if i in rows else x for i, x in enumerate(args)), **kwargs)
        for n in range(count)
    ]
    return tree.map_structure(
        lambda *ys: reshape(stack(ys), (*loops, *as_tensor(ys[0]).shape)), *results
    )


def _like(x: Any) -> KerasTensor:
    x = as_tensor(x)
    return KerasTensor(tuple(x.shape), x.dtype)
