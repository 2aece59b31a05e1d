"""Shapes and dtypes of results, before there are numbers: a function traced with unknown sizes."""

from __future__ import annotations

import itertools
from collections.abc import Callable
from typing import Any

from chainrule.base import tree
from chainrule.base.dtypes import standardize_dtype
from chainrule.base.sizes import Size
from chainrule.tracing.scopes import SymbolicScope
from chainrule.tracing.tensor import KerasTensor
from chainrule.tracing.trace import Trace

__all__ = ["compute_output_spec"]


def compute_output_spec(function: Callable[..., Any], *args: Any, **kwargs: Any) -> Any:
    """The outputs of `function` on symbolic tensors: KerasTensors with shape and dtype.

    The function is traced into a scratch graph, in which each unknown size is a symbol and the shape
    rules of the ops give expressions of symbols; what no number comes out of is unknown. Unknown sizes
    of first axes are one symbol, that of the batch, unless they turn out to be different.

    Examples
    --------
    >>> from chainrule import ops
    >>> compute_output_spec(ops.transpose, KerasTensor((None, 2, 3))).shape
    (3, 2, None)
    """
    batches = sum(x.shape[:1] == (None,) for x in tree.flatten((args, kwargs)) if _is_symbolic(x))
    try:
        return _infer(function, args, kwargs, itertools.repeat(Size.symbol(0)))
    except ValueError as error:
        if batches < 2:
            raise
        try:
            return _infer(function, args, kwargs, map(Size.symbol, itertools.count(0, 2)))
        except ValueError:
            # What is wrong is wrong for one batch size too, and said better.
            raise error from None


def _is_symbolic(x: Any) -> bool:
    return isinstance(x, KerasTensor) and x.is_symbolic


def _infer(function: Callable[..., Any], args: Any, kwargs: Any, batches: Any) -> Any:
    others = map(Size.symbol, itertools.count(1, 2))

    def symbol(axis: int) -> Size:
        return next(others if axis else batches)

    with Trace() as trace, SymbolicScope():

        def enter(x: Any) -> Any:
            if not _is_symbolic(x):
                return x
            shape = [symbol(i) if n is None else n for i, n in enumerate(x.shape)]
            return trace.input("", shape, x.dtype)

        args, kwargs = tree.map_structure(enter, (args, kwargs))
        outputs = function(*args, **kwargs)

        def leave(x: Any) -> Any:
            if hasattr(x, "dtype"):
                return KerasTensor(tuple(x.shape), standardize_dtype(x.dtype))
            return None if isinstance(x, Size) else x

        return tree.map_structure(leave, outputs)
