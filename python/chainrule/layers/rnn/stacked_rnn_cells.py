"""StackedRNNCells: several cells, one after the other, as one."""

from __future__ import annotations

from typing import Any

from chainrule import ops
from chainrule.base import serialization, tree
from chainrule.layers.layer import Layer


class StackedRNNCells(Layer):
    """At every step, each cell reads what the one before gives.

    Parameters
    ----------
    cells : list of layers
        Each with `call` and `state_size`.

    Raises
    ------
    ValueError
        A cell without `call` or `state_size`.

    Examples
    --------
    >>> import numpy as np
    >>> from chainrule import layers
    >>> cells = layers.StackedRNNCells([layers.LSTMCell(8), layers.GRUCell(4)])
    >>> layers.RNN(cells)(np.ones((2, 3, 5))).shape
    (2, 4)
    """

    def __init__(self, cells: Any, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        for cell in cells:
            for name in ("call", "state_size"):
                if name not in dir(cell):
                    kind = "method" if name == "call" else "attribute"
                    raise ValueError(
                        f"All cells must have a `{name}` {kind}. "
                        f"Received cell without a `{name}`: {cell}"
                    )
        self.cells = list(cells)

    @property
    def state_size(self) -> list[Any]:
        """Of every cell."""
        return [cell.state_size for cell in self.cells]

    @property
    def output_size(self) -> Any:
        """Of the last cell."""
        return _output_size(self.cells[-1])

    def get_initial_state(self, batch_size: Any = None) -> list[Any]:
        """Of every cell: what it says, else zeros."""
        return [self._initial_state(cell, batch_size) for cell in self.cells]

    def _initial_state(self, cell: Any, batch_size: Any) -> Any:
        own = getattr(cell, "get_initial_state", None)
        if own is not None:
            return own(batch_size=batch_size)
        return tree.map_structure(
            lambda n: ops.zeros((batch_size, n), dtype=self.compute_dtype), cell.state_size
        )

    def call(self, inputs: Any, states: Any, training: Any = False, **kwargs: Any) -> Any:
        new_states = []
        for cell, state in zip(self.cells, states):
            is_list = tree.is_nested(state)
            takes_training = isinstance(cell, Layer) and cell._call_has_training_arg
            more = {**kwargs, "training": training} if takes_training else kwargs
            run = cell if callable(cell) else cell.call
            inputs, new = run(inputs, list(state) if is_list else [state], **more)
            if tree.is_nested(new) and len(new) == 1 and not is_list:
                new = new[0]
            new_states.append(new)
        return inputs, new_states[0] if len(new_states) == 1 else new_states

    def build(self, input_shape: Any) -> None:
        for cell in self.cells:
            if isinstance(cell, Layer) and not cell.built:
                cell.build(input_shape)
                cell.built = True
            input_shape = (input_shape[0], _output_size(cell))
        self.built = True

    def get_config(self) -> dict[str, Any]:
        cells = [serialization.serialize_keras_object(cell) for cell in self.cells]
        return {**super().get_config(), "cells": cells}

    @classmethod
    def from_config(
        cls, config: dict[str, Any], custom_objects: dict[str, Any] | None = None
    ) -> Any:
        config = dict(config)
        cells = [
            serialization.deserialize_keras_object(cell, custom_objects=custom_objects)
            for cell in config.pop("cells")
        ]
        return cls(cells, **config)


def _output_size(cell: Any) -> Any:
    size = getattr(cell, "output_size", None)
    if size is not None:
        return size
    return cell.state_size[0] if isinstance(cell.state_size, (list, tuple)) else cell.state_size
