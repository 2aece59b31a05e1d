"""Function: what lies between symbolic tensors, called again on other values."""

from __future__ import annotations

from typing import Any

from chainrule.base import tree
from chainrule.base.errors import ShapeError
from chainrule.base.sizes import may_be
from chainrule.models.graph import map_graph, replay
from chainrule.tracing.casting import as_tensor
from chainrule.tracing.node import Node
from chainrule.tracing.operation import Operation
from chainrule.tracing.tensor import KerasTensor

__all__ = ["Function"]


class Function(Operation):
    """The operations between `inputs` and `outputs` as one operation, as Keras's `keras.Function`.

    A `Model` of the same tensors besides tracks weights, is trained and saved.

    Parameters
    ----------
    inputs : KerasTensor or structure of them
        Of an `Input`, of a call, or made by hand; what lies before them does not take part.
    outputs : KerasTensor or structure of them
    name : str, optional

    Attributes
    ----------
    inputs, outputs : list of KerasTensor
        Flat.
    operations : list of Operation
        Those far from the outputs first.

    Raises
    ------
    ValueError
        No inputs, no outputs, or an output that depends on more than the inputs; in a call
        another structure than that of `inputs`.
    ShapeError
        In a call: a tensor of another rank, or of other sizes than those that are known.

    Examples
    --------
    >>> import chainrule as keras
    >>> import numpy as np
    >>> x = keras.Input((2,))
    >>> hidden = x + 1.0
    >>> function = Function(hidden, {"square": hidden * hidden})
    >>> function(np.array([[1.0, 3.0]]))["square"].tolist()
    [[1.0, 9.0]]
    """

    def __init__(self, inputs: Any, outputs: Any, name: str | None = None) -> None:
        super().__init__(name=name)
        for what, structure in (("inputs", inputs), ("outputs", outputs)):
            leaves = tree.flatten(structure)
            if not leaves:
                raise ValueError(f"Function '{self.name}': `{what}` argument cannot be empty")
            for leaf in leaves:
                if not isinstance(leaf, KerasTensor):
                    raise ValueError(
                        f"Function '{self.name}': expected KerasTensors as `{what}`, got {leaf!r}"
                    )
        self._inputs_struct = inputs
        self._outputs_struct = outputs
        self.inputs: list[KerasTensor] = tree.flatten(inputs)
        self.outputs: list[KerasTensor] = tree.flatten(outputs)
        self._nodes: list[Node]
        self.operations: list[Any]
        self._nodes, self.operations = map_graph(self.inputs, self.outputs, self.name)

    def call(self, inputs: Any) -> Any:
        """The outputs, in their structure, for inputs in theirs."""
        given = zip(self.inputs, self._checked(inputs))
        values = replay(self._nodes, {id(t): x for t, x in given})
        return tree.map_structure(lambda t: values[id(t)], self._outputs_struct)

    def compute_output_shape(self, input_shape: Any) -> Any:
        """The shapes of the outputs for inputs of these shapes, both in their structures."""
        structure = tree.map_shape_structure(KerasTensor, input_shape)
        given = zip(tree.flatten(structure), self.inputs)
        symbols = [KerasTensor(symbol.shape, t.dtype) for symbol, t in given]
        outputs = self.compute_output_spec(tree.pack_sequence_as(structure, symbols))
        return tree.map_structure(lambda t: tuple(t.shape), outputs)

    def _checked(self, inputs: Any) -> list[Any]:
        try:
            tree.assert_same_structure(inputs, self._inputs_struct)
        except ValueError as error:
            raise ValueError(
                f"Function '{self.name}' got an invalid input structure: {error}"
            ) from error
        given = [as_tensor(x) for x in tree.flatten(inputs)]
        for x, t in zip(given, self.inputs):
            expected, found = tuple(t.shape), tuple(x.shape)
            if len(expected) != len(found) or not all(
                m is None or may_be(m, n) for m, n in zip(expected, found)
            ):
                raise ShapeError(
                    f"Function '{self.name}' got incompatible inputs: expected shape {expected} "
                    f"for '{t.name}', found {found}"
                )
        return given
