"""Whether a graph traced for free sizes gives what the model gives for sizes that are numbers.

Some of the package's functions take a size that is not known as a question for shapes alone; a graph in which
one has done so is found here, and no file is written of it.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from chainrule import _core
from chainrule.base import tree
from chainrule.base.sizes import Size
from chainrule.exporting.words import WORDS
from chainrule.tracing.arrays import engine_dtype

__all__ = ["agree", "feeds_of"]

Array = NDArray[Any]

# Relative to the largest element: both graphs are run by the core, which may add up in another order.
_TOLERANCE = 1e-4


def _number(n: Any, symbols: Mapping[int, int]) -> int:
    """A size, where the symbols are these numbers."""
    if not isinstance(n, Size):
        return int(n)
    total = 0
    for count, factors in n.products():
        for kind, a, b in factors:
            if kind == "symbol":
                count *= symbols[int(a)]
                continue
            x, y = _number(a, symbols), _number(b, symbols)
            count *= max(x, y) if kind == "larger" else x // y if kind == "quotient" else x * y
        total += count
    return total


def _with_numbers(x: Any, symbols: Mapping[int, int]) -> Any:
    """Attributes, those of graphs inside too, with numbers for the words of sizes."""
    if isinstance(x, dict):
        return {key: _with_numbers(item, symbols) for key, item in x.items()}
    if isinstance(x, (list, tuple)):
        return [_with_numbers(item, symbols) for item in x]
    is_word = isinstance(x, int) and not isinstance(x, bool) and x < WORDS
    return _number(Size.of_word(x), symbols) if is_word else x


def _run(traced: Any, symbols: Mapping[int, int], feeds: Sequence[Array]) -> list[Array]:
    """The outputs of a traced graph, its symbols being these numbers."""
    cells = {int(tensor.value): variable.cell for variable, tensor in traced.variables}
    graph = _core.Graph()
    values: dict[int, int] = {}
    for node in traced.graph.nodes():
        (first, *_) = node["outputs"]
        if node["op"] == "input" and first in traced.sizes:
            size = _number(traced.sizes[first], symbols)
            values[first] = graph.constant(np.asarray(size, "int32"))
        elif node["op"] == "input":
            shape, dtype = traced.graph.spec(first)
            values[first] = graph.input("", [_number(n, symbols) for n in shape], dtype)
        elif node["op"] == "read":
            values[first] = graph.read(cells[first])
        elif node["op"] == "constant":
            values[first] = graph.constant(node["attrs"]["value"])
        else:
            attrs = _with_numbers(node["attrs"], symbols)
            made = graph.push(node["op"], attrs, [values[v] for v in node["inputs"]])
            values.update(zip(node["outputs"], made))
    outputs = [values[int(x.value)] for x in tree.flatten(traced.outputs) if x is not None]
    return graph.compile(outputs, assign=False).run(feeds)


def feeds_of(inputs: Sequence[Any], sizes: Callable[[int], int], fill: int) -> list[Array]:
    """Arrays for these inputs: floats drawn, integers all `fill`."""
    generator = np.random.default_rng(0)
    found = []
    for given in inputs:
        shape = [sizes(axis) if n is None else n for axis, n in enumerate(given.shape)]
        dtype = engine_dtype(given.dtype)
        is_float = dtype.startswith("float")
        drawn = generator.standard_normal(shape) if is_float else np.full(shape, fill)
        found.append(drawn.astype(dtype))
    return found


def agree(
    free: Any, fixed: Any, inputs: Sequence[Any], sizes: Callable[[int], int], symbols: Mapping[int, int]
) -> bool:
    """Whether two traces of a model, the first with free sizes, give the same for arrays of `sizes`.

    Raises
    ------
    ValueError
        The arrays are none that the model takes.
    """
    try:
        feeds = feeds_of(inputs, sizes, 1)
        expected = _run(fixed, {}, feeds)
    except ValueError:
        # Of integers 0 alone may be a place.
        feeds = feeds_of(inputs, sizes, 0)
        expected = _run(fixed, {}, feeds)
    try:
        found = _run(free, symbols, feeds)
    except ValueError:
        return False
    return len(found) == len(expected) and all(map(_are_close, found, expected))


def _are_close(a: Array, b: Array) -> bool:
    if a.shape != b.shape or a.dtype != b.dtype:
        return False
    if a.dtype.kind != "f":
        return bool((a == b).all())
    most = float(np.abs(b[np.isfinite(b)]).max(initial=0.0))
    return bool(np.allclose(a, b, rtol=0, atol=_TOLERANCE * most, equal_nan=True))
