"""The NumPy reference: every op of the core once more, forward and backward, one file an op.

It shares no code with the Rust core: the same mathematics written afresh, in the order a textbook
gives it, so that the two can be checked against each other. `chainrule.reference.walk` runs a whole
traced graph on it.

Each file holds ``forward(attrs, *inputs)`` and ``backward(attrs, inputs, outputs, douts)``;
`forward` and `backward` here call them by the op's name.
"""

from __future__ import annotations

import importlib
import pkgutil
from collections.abc import Sequence
from types import ModuleType

from chainrule.reference._arrays import Array, Attrs

__all__ = ["backward", "forward", "load", "names"]


def names() -> list[str]:
    """The ops that have a reference file, sorted.

    Examples
    --------
    >>> from chainrule import reference
    >>> "softmax" in reference.names()
    True
    """
    found = (module.name for module in pkgutil.iter_modules(__path__))
    return sorted(name for name in found if not name.startswith("_") and name != "walk")


def load(op: str) -> ModuleType:
    """The module that holds the reference of one op.

    Raises
    ------
    KeyError
        No reference file has this name.
    """
    name = f"{__name__}.{op}"
    try:
        return importlib.import_module(name)
    except ModuleNotFoundError as error:
        if error.name != name:
            raise
        raise KeyError(f"no reference for the op {op!r}; there are: {', '.join(names())}") from None


def forward(op: str, attrs: Attrs, *inputs: Array) -> tuple[Array, ...]:
    """outputs = op(inputs), always as a tuple.

    Examples
    --------
    >>> import numpy as np
    >>> from chainrule import reference
    >>> reference.forward("unary", {"function": "square"}, np.array([1.0, 2.0]))
    (array([1., 4.]),)
    """
    outputs = load(op).forward(attrs, *inputs)
    if isinstance(outputs, tuple):
        return outputs
    return (outputs,)


def backward(
    op: str,
    attrs: Attrs,
    inputs: Sequence[Array],
    outputs: Sequence[Array],
    douts: Sequence[Array | None],
) -> tuple[Array | None, ...]:
    """d loss / d inputs from d loss / d outputs; None where no gradient flows.

    Parameters
    ----------
    op, attrs, inputs
        What `forward` was given.
    outputs
        What `forward` gave.
    douts
        One array an output; None for integer and bool outputs.

    Examples
    --------
    >>> import numpy as np
    >>> from chainrule import reference
    >>> x = np.array([1.0, 2.0])
    >>> attrs = {"function": "square"}
    >>> y = reference.forward("unary", attrs, x)
    >>> reference.backward("unary", attrs, (x,), y, (np.ones(2),))
    (array([2., 4.]),)
    """
    gradients: tuple[Array | None, ...] = load(op).backward(attrs, inputs, outputs, douts)
    return gradients
