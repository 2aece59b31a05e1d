"""Eager calls of augmentation layers, run as compiled programs."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from chainrule._core import Program
from chainrule.base import tree
from chainrule.base.dtypes import standardize_dtype
from chainrule.tracing.arrays import constant, engine_array, storage_dtype
from chainrule.tracing.recorder import is_followed
from chainrule.tracing.stateless import in_stateless_scope
from chainrule.tracing.trace import Trace, current_trace

_LIMIT = 8


def can_compile(data: Any) -> bool:
    """Whether `data` holds arrays only and no scope around gives variables other values."""
    if current_trace() is not None or in_stateless_scope():
        return False
    return all(isinstance(x, np.ndarray) and not is_followed(x) for x in tree.flatten(data))


class CompiledCalls:
    """The programs of one layer, by what they were traced from; the last eight are kept.

    A call traces the function once for each `key`, structure, shapes and dtypes, and then runs the
    program: fused, in parallel, and without a Python call for each op. Variables are read and
    assigned at each run, so seeds move on as in an op-by-op call, and the bits are the same.
    """

    def __init__(self) -> None:
        self._programs: dict[Any, tuple[Program, Any, list[str]]] = {}

    def run(self, key: Any, function: Callable[[Any], Any], data: Any) -> Any:
        """`function(data)` for a structure of arrays; `key` says what else it depends on."""
        leaves = [constant(x) for x in tree.flatten(data)]
        skeleton = tree.map_structure(lambda x: (x.shape, standardize_dtype(x.dtype)), data)
        key = (key, repr(skeleton))
        entry = self._programs.pop(key, None) or _trace(function, data)
        while len(self._programs) >= _LIMIT:
            self._programs.pop(next(iter(self._programs)))
        self._programs[key] = entry
        program, structure, dtypes = entry
        values = program.run([engine_array(x) for x in leaves])
        stored = [v.astype(storage_dtype(d), copy=False) for v, d in zip(values, dtypes)]
        return tree.pack_sequence_as(structure, stored)


def _trace(function: Callable[[Any], Any], data: Any) -> tuple[Program, Any, list[str]]:
    with Trace() as trace:
        inside = tree.map_structure(
            lambda x: trace.input("images", x.shape, standardize_dtype(x.dtype)), data
        )
        structure = function(inside)
        outputs = [trace.lift(x) for x in tree.flatten(structure)]
        return trace.compile(outputs), structure, [x.dtype for x in outputs]
