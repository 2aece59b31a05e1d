"""Model, loss, optimizer and metrics traced to one graph and compiled: a whole step in the core."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

from chainrule import _core
from chainrule.base import tree
from chainrule.base.dtypes import is_float_dtype
from chainrule.base.errors import DTypeError
from chainrule.tracing.trace import Trace
from chainrule.tracing.turns import tracing
from chainrule.training.data import flat
from chainrule.training.own_steps import StepLogs, run_own_step

Spec = tuple[tuple[int, ...], Any]

# How often a step of a model's own may be traced until it makes nothing new.
_TRACES = 4


class OutputSpec:
    """Shape and dtype of one output of a program; a leaf of the structure of outputs."""

    def __init__(self, shape: tuple[int, ...], dtype: str) -> None:
        self.shape = shape
        self.dtype = dtype


@dataclass(frozen=True)
class Signature:
    """Structure, shapes and dtypes of a batch: what a program is compiled for."""

    structure: Any
    specs: tuple[Spec, ...]

    @staticmethod
    def of(batch: tuple[Any, Any, Any], rows: int) -> Signature:
        """The signature of a batch of `rows` rows of these arrays."""
        leaves = [a for part in batch for a in flat(part) if a is not None]
        return Signature(
            _skeleton(batch), tuple([((rows, *a.shape[1:]), a.dtype) for a in leaves])
        )


def _skeleton(structure: Any) -> Any:
    """A hashable picture of a structure: `"*"` for each array."""
    if type(structure) is np.ndarray:
        return "*"
    if isinstance(structure, dict):
        return ("dict", *((k, _skeleton(structure[k])) for k in sorted(structure)))
    if isinstance(structure, (list, tuple)):
        return (type(structure).__name__, *map(_skeleton, structure))
    return None if structure is None else "*"


def traced_inputs(
    trace: Trace, batch: tuple[Any, Any, Any], signature: Signature
) -> list[Any]:
    """The batch's structures with a traced input for each array."""
    specs = iter(signature.specs)
    parts: list[Any] = []
    for name, part in zip(("x", "y", "sample_weight"), batch):
        if part is None:
            parts.append(None)
            continue
        tensors: list[Any] = []
        for i, array in enumerate(flat(part)):
            if array is None:
                tensors.append(None)
                continue
            shape, dtype = next(specs)
            tensors.append(trace.input(name if i == 0 else f"{name}[{i}]", shape, dtype.name))
        parts.append(tree.pack_sequence_as(part, tensors))
    return parts


def compile_step(
    model: Any, mode: str, batch: tuple[Any, Any, Any], signature: Signature
) -> tuple[_core.Program, Any]:
    """The program of one step and the structure of its outputs (of predictions only), or the
    `StepLogs` of a step of the model's own.

    Parameters
    ----------
    mode : {"train", "test", "predict"}

    Raises
    ------
    MemoryError
        The step needs more memory than there is; the model is as it was.
    """
    try:
        if model._has_own_step(mode):
            return _compile_own_step(model, mode, batch, signature)
        with Trace() as trace:
            x, y, sample_weight = traced_inputs(trace, batch, signature)
            if mode == "predict":
                return _predicting(trace, model._forward(x, training=False))
            if mode == "test":
                found = test_step(model, x, y, sample_weight)
            else:
                found = train_step(model, trace, x, y, sample_weight)
            logs = None
            if isinstance(found, dict):  # what a `compute_metrics` of the model's own returned
                logs = StepLogs(mode, found, trace, model._training.log_cells)
            return trace.compile([]), logs
    except MemoryError as error:
        sizes = ", ".join(str(shape) for shape, _ in signature.specs)
        raise MemoryError(
            f"model '{model.name}': {mode} step for arrays of {sizes}: {error}; a smaller "
            "batch_size takes less"
        ) from error
    finally:
        model._clear_losses()


def _predicting(trace: Trace, structure: Any) -> tuple[_core.Program, Any]:
    specs = tree.map_structure(lambda t: OutputSpec(tuple(t.shape), t.dtype), structure)
    return trace.compile(tree.flatten(structure)), specs


def _compile_own_step(
    model: Any, mode: str, batch: tuple[Any, Any, Any], signature: Signature
) -> tuple[_core.Program, Any]:
    """Of a step that the model's class defines; with the program, the outputs or `StepLogs`.

    A step that makes layers or variables is traced again, and finds them there.

    Raises
    ------
    RuntimeError
        It makes new ones each time.
    """
    key = None
    for _ in range(_TRACES):
        key, plain = model._trace_key(mode), model._plain_attributes()
        with Trace(cuts_assignments=True) as trace:
            x, y, sample_weight = traced_inputs(trace, batch, signature)
            result = run_own_step(model, mode, trace, (x, y, sample_weight))
        after = model._plain_attributes()
        changed = {name for name in plain if name in after and after[name] != plain[name]}
        model._training.changed_by_steps |= changed
        if model._trace_key(mode) == key:
            break
    else:
        raise RuntimeError(
            f"model '{model.name}': {mode}_step: expected layers and variables to be made once, got "
            f"new ones each of the {_TRACES} times that it was traced"
        )
    model._finish_building()
    return _predicting(trace, result) if mode == "predict" else (trace.compile([]), result)


def train_step(
    model: Any, trace: Trace, x: Any, y: Any, sample_weight: Any, wants_logs: bool = False
) -> Any:
    """Forward, loss, metrics, backward, clipping, update: in this order. Gives the metrics' results
    where they are wanted."""
    variables = model.trainable_variables
    for variable in variables:
        if not is_float_dtype(variable.dtype):
            raise DTypeError(
                f"variable '{variable.path}': expected a float dtype to be trainable, "
                f"got {variable.dtype}"
            )
    weights = [trace.lift(v.value) for v in variables]
    y_pred = model._forward(x, training=True)
    loss = model._traced_loss(x, y, y_pred, sample_weight, training=True)
    logs = model._traced_metrics(x, y, y_pred, sample_weight, wants_logs)
    if variables:
        gradients = trace.gradients(model.optimizer.scale_loss(loss), weights)
        model.optimizer.apply(gradients, variables)
    return logs


def test_step(model: Any, x: Any, y: Any, sample_weight: Any, wants_logs: bool = False) -> Any:
    """Forward without training behaviour, loss and metrics. Gives the metrics' results where they
    are wanted."""
    y_pred = model._forward(x, training=False)
    model._traced_loss(x, y, y_pred, sample_weight, training=False)
    return model._traced_metrics(x, y, y_pred, sample_weight, wants_logs)


class Programs:
    """The compiled steps of a model by mode and signature; the latest are kept, enough of them for
    sequences of some hundred lengths. They share the memory in which they run.

    Parameters
    ----------
    also : callable
        Called where all are forgotten: forgets the programs that others hold.
    """

    LIMIT = 512

    def __init__(self, also: Callable[[], None]) -> None:
        self._also = also
        self._programs: dict[Any, tuple[_core.Program, Any]] = {}

    def get(
        self, key: Any, make: Callable[[], tuple[_core.Program, Any]]
    ) -> tuple[_core.Program, Any]:
        """The program under `key`, compiled at the first call, in one thread at a time."""
        with tracing:
            found = self._programs.pop(key, None)
            if found is None:
                try:
                    found = make()
                except MemoryError:
                    if not self._programs:
                        raise
                    # The memory of the other steps may do.
                    self.clear()
                    found = make()
                while len(self._programs) >= self.LIMIT:
                    self._programs.pop(next(iter(self._programs)))
            self._programs[key] = found
            return found

    def clear(self) -> None:
        """Forget all: what they were traced from has changed."""
        with tracing:
            self._programs.clear()
            self._also()
