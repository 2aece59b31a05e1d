"""The part of a model that runs before the compiled step: layers of texts, and what they stand on."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from chainrule.base import tree
from chainrule.base.errors import DTypeError
from chainrule.models.graph import replay
from chainrule.tracing.node import Node
from chainrule.training.data import to_array
from chainrule.training.loaded import Loaded, LoadedRows

__all__ = ["HostPart", "runs_before_steps"]

Array = NDArray[Any]

# Bytes up to which what a whole data set becomes is made at once, and kept while it is trained on.
_AT_ONCE = 1 << 28


def runs_before_steps(layer: Any) -> bool:
    """Whether a layer, or one inside it, runs before the compiled step."""
    if getattr(layer, "runs_before_steps", False):
        return True
    return any(runs_before_steps(inner) for inner in getattr(layer, "_layers", ()))


class HostPart:
    """The calls of a functional model that are made before the compiled step.

    Attributes
    ----------
    nodes : list of Node
        The calls of layers of texts, and those whose outputs they need.
    rest : list of Node
        The calls of the compiled step.
    tensors : list of KerasTensor
        What the rest, and the outputs, take of the inputs and of the first part.
    """

    def __init__(self, model: Any, nodes: list[Node], rest: list[Node]) -> None:
        self._model = model
        self.nodes = nodes
        self.rest = rest
        inputs = tree.flatten(model._inputs_struct)
        made = [t for node in nodes for t in node.outputs]
        wanted = {id(t) for node in rest for t in node.input_tensors}
        wanted |= {id(t) for t in tree.flatten(model._outputs_struct)}
        self.tensors = [t for t in [*inputs, *made] if id(t) in wanted]

    @classmethod
    def of(cls, model: Any) -> HostPart | None:
        """The part of a functional model; None where no layer runs before the step.

        Raises
        ------
        ValueError
            A layer with weights before one of texts, or around it: it could not be trained.
        """
        needed: set[int] = set()
        nodes: list[Node] = []
        rest: list[Node] = []
        for node in reversed(model._nodes):
            here = any(id(t) in needed for t in node.outputs)
            if not (here or runs_before_steps(node.operation)):
                rest.append(node)
                continue
            if getattr(node.operation, "trainable_weights", ()):
                raise ValueError(
                    f"model '{model.name}': layer '{node.operation.name}' has weights, and stands "
                    "before a layer that runs before the compiled step, or holds one: it could not "
                    "be trained. Make one model of its layers, layers of texts first"
                )
            nodes.append(node)
            needed.update(id(t) for t in node.input_tensors)
        return cls(model, nodes[::-1], rest[::-1]) if nodes else None

    def named(self, loaded: Loaded) -> dict[int, Any]:
        """The values of `tensors` by their ids."""
        return {id(t): value for t, value in zip(self.tensors, loaded, strict=True)}

    def load(self, x: Any) -> Loaded:
        """What the compiled step begins with, for data in the structure of the model's inputs.

        Of a data set that would become large, the rows are made as they are taken.

        Raises
        ------
        DTypeError
            For a model that gives texts, which only a call of it can.
        ShapeError, DTypeError, DataError
            What a layer does not take.
        """
        for t in self.tensors:
            if t.dtype == "string":
                name = t._keras_history.operation.name
                raise DTypeError(
                    f"model '{self._model.name}': the compiled step expected numbers, got the texts "
                    f"of '{name}'; call the model itself, `model(x)`"
                )
        given = {key: v[:] if hasattr(v, "blocks") else v for key, v in self._values(x).items()}
        count = len(next(iter(given.values())))
        sample = self._run({key: value[:1] for key, value in given.items()}) if count else []
        is_open = any(None in t.shape[1:] for t in self.tensors)
        size = count * sum(array.nbytes for array in sample)
        if is_open or size <= _AT_ONCE:
            return Loaded(self._run(given))
        rows = _Rows(self, given)
        return Loaded(LoadedRows(rows, i, count, a) for i, a in enumerate(sample))

    def _values(self, x: Any) -> dict[int, Any]:
        given: dict[int, Any] = self._model._given(x)
        return given

    def _run(self, given: dict[int, Any]) -> list[Array]:
        values = replay(self.nodes, given)
        return [to_array(values[id(t)], t.name) for t in self.tensors]


class _Rows:
    """Makes arrays of some rows of data; those of the last rows are kept, for each array asks."""

    def __init__(self, part: HostPart, given: dict[int, Array]) -> None:
        self._part = part
        self._given = given
        self._last: tuple[Any, list[Array]] = (None, [])

    def __call__(self, rows: Any) -> list[Array]:
        last, made = self._last
        if last is rows:
            return made
        made = self._part._run({key: value[rows] for key, value in self._given.items()})
        self._last = (rows, made)
        return made
