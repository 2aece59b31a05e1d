"""RNN: a cell on every step of sequences."""

from __future__ import annotations

from typing import Any

from chainrule import ops
from chainrule.base import serialization, tree
from chainrule.base.errors import ShapeError
from chainrule.base.sizes import Size
from chainrule.base.tracking import no_automatic_dependency_tracking
from chainrule.layers.layer import Layer
from chainrule.layers.rnn.cell import GatedCell
from chainrule.layers.rnn.dropout_cell import DropoutRNNCell
from chainrule.layers.rnn.loop import step_by_step
from chainrule.layers.rnn.stacked_rnn_cells import StackedRNNCells
from chainrule.tracing.variable import Variable


class RNN(Layer):
    """``output, states = cell(x[:, t], states)`` for every step `t`.

    Parameters
    ----------
    cell : Layer, or list of them
        Has `state_size` (an int, or one for each state), `output_size` if that is another than the
        first state's, ``call(inputs, states) -> (output, states)``, and perhaps
        ``get_initial_state(batch_size)``. Several are stacked.
    return_sequences : bool, default False
        Give the outputs of all steps, not the last one only.
    return_state : bool, default False
        Give the last states too.
    go_backwards : bool, default False
        Begin with the last step; outputs are in the order of the steps.
    stateful : bool, default False
        Begin each batch with the states with which the one before ended, row by row.
    unroll : bool, default False
        Let the steps of a cell of a user's own follow one another in the graph, whose compilation takes as
        long as there are steps; else the cell is compiled once for any number of them. Those of LSTM, GRU
        and SimpleRNN run all steps in one op of the core.
    zero_output_for_mask : bool, default False
        Give zeros at the steps that the mask leaves out, not the output before.

    Raises
    ------
    ValueError
        A cell without `call` or `state_size`; a stateful layer without a known batch size, or fed
        another one.

    Notes
    -----
    Inputs (batch, steps, ...) and a mask (batch, steps); `initial_state` in `call`. Outputs (batch,
    units), or (batch, steps, units). Where the mask is false the states stay, and the output
    is the state before.

    Examples
    --------
    >>> import numpy as np
    >>> from chainrule import layers
    >>> layers.RNN(layers.LSTMCell(4), return_sequences=True)(np.ones((2, 3, 5))).shape
    (2, 3, 4)
    """

    def __init__(
        self,
        cell: Any,
        return_sequences: bool = False,
        return_state: bool = False,
        go_backwards: bool = False,
        stateful: bool = False,
        unroll: bool = False,
        zero_output_for_mask: bool = False,
        **kwargs: Any,
    ) -> None:
        if isinstance(cell, (list, tuple)):
            cell = StackedRNNCells(cell)
        if "call" not in dir(cell):
            raise ValueError(
                f"Argument `cell` should have a `call` method. Received: cell={cell}"
            )
        if "state_size" not in dir(cell):
            raise ValueError(
                "The RNN cell should have a `state_size` attribute (single integer or list of "
                f"integers, one integer per RNN state). Received: cell={cell}"
            )
        super().__init__(**kwargs)
        self.zero_output_for_mask = zero_output_for_mask
        self.cell = cell
        self.return_sequences = return_sequences
        self.return_state = return_state
        self.go_backwards = go_backwards
        self.stateful = stateful
        self.unroll = unroll
        self.supports_masking = True
        self.states: Any = None
        self._expected_batch_size: int | None = None
        size = cell.state_size
        if size is None:
            raise ValueError("state_size must be specified as property on the RNN cell.")
        if not isinstance(size, (list, tuple, int)):
            raise ValueError(
                "state_size must be an integer, or a list/tuple of integers "
                "(one for each state tensor)."
            )
        self.single_state = isinstance(size, int)
        self.state_size = [size] if isinstance(size, int) else list(size)

    def compute_output_shape(self, sequences_shape: Any, initial_state_shape: Any = None) -> Any:
        batch, steps = tuple(sequences_shape)[:2]
        size = getattr(self.cell, "output_size", None)
        size = self.state_size[0] if size is None else size
        if not isinstance(size, int):
            raise ValueError("output_size must be an integer.")
        output = (batch, steps, size) if self.return_sequences else (batch, size)
        if not self.return_state:
            return output
        states = [
            (batch, n) if isinstance(n, int) else [(batch, each) for each in n]
            for n in self.state_size
        ]
        return (output, *states)

    def compute_mask(self, _: Any, mask: Any) -> Any:
        mask = tree.flatten(mask)[0]
        own = mask if self.return_sequences else None
        return [own, *[None] * len(self.state_size)] if self.return_state else own

    def build(self, sequences_shape: Any, initial_state_shape: Any = None) -> None:
        shape = tuple(sequences_shape)
        if isinstance(self.cell, Layer) and not self.cell.built:
            self.cell.build((shape[0], *shape[2:]))
            self.cell.built = True
        if not self.stateful:
            return
        if self.states is not None:
            self.reset_state()
            return
        if shape[0] is None:
            raise ValueError(
                "When using `stateful=True` in a RNN, the batch size must be static. "
                f"Found dynamic batch size: sequence.shape={shape}"
            )
        self._create_state_variables(shape[0])
        self._expected_batch_size = shape[0]

    @no_automatic_dependency_tracking
    def _create_state_variables(self, batch_size: int) -> None:
        self.states = tree.map_structure(
            lambda value: Variable(
                value, trainable=False, dtype=self.variable_dtype, name="rnn_state"
            ),
            self.get_initial_state(batch_size),
        )

    def get_initial_state(self, batch_size: Any) -> list[Any]:
        """The states before the first step: what the cell says, else zeros."""
        own = getattr(self.cell, "get_initial_state", None)
        if own is None:
            dtype = self.cell.compute_dtype
            return [ops.zeros((batch_size, n), dtype=dtype) for n in self.state_size]
        states = own(batch_size=batch_size)
        return list(states) if tree.is_nested(states) else [states]

    def reset_states(self) -> None:
        """As `reset_state`."""
        self.reset_state()

    def reset_state(self) -> None:
        """Let a stateful layer begin with zeros again."""
        for variable in tree.flatten(self.states) if self.states is not None else []:
            variable.assign(ops.zeros_like(variable.value))

    def inner_loop(
        self, sequences: Any, initial_state: Any, mask: Any, training: Any = False
    ) -> tuple[Any, Any, list[Any]]:
        """The last output, all outputs, and the last states."""
        states = initial_state if tree.is_nested(initial_state) else [initial_state]
        mask = tree.flatten(mask)[0] if tree.is_nested(mask) else mask
        cell = self.cell
        if isinstance(cell, GatedCell) and cell.is_fused(training) and not _is_empty(sequences):
            return self._fused(cell, sequences, list(states), mask, training)
        kwargs = {}
        if isinstance(cell, Layer) and cell._call_has_training_arg:
            kwargs["training"] = training

        def step(inputs: Any, states: list[Any]) -> tuple[Any, list[Any]]:
            output, new = cell(inputs, states, **kwargs)
            return output, new if tree.is_nested(new) else [new]

        return step_by_step(
            step,
            sequences,
            states,
            self.go_backwards,
            mask,
            self.zero_output_for_mask,
            self.unroll,
        )

    def _fused(
        self, cell: GatedCell, sequences: Any, states: list[Any], mask: Any, training: Any
    ) -> tuple[Any, Any, list[Any]]:
        sequences = ops.convert_to_tensor(sequences, dtype=cell.compute_dtype)
        all_states = cell.run_all(sequences, states, mask, self.go_backwards, training)
        last = 0 if self.go_backwards else sequences.shape[1] - 1
        final = [state[:, last] for state in all_states]
        outputs = all_states[0]
        if mask is not None and self.zero_output_for_mask:
            seen = ops.expand_dims(ops.cast(mask, "bool"), -1)
            outputs = ops.where(seen, outputs, ops.zeros((), outputs.dtype))
        last_output = final[0] if outputs is all_states[0] else outputs[:, last]
        if self.go_backwards and self.return_sequences:
            outputs = ops.flip(outputs, axis=1)
        return last_output, outputs, final

    def call(
        self, sequences: Any, initial_state: Any = None, mask: Any = None, training: Any = False
    ) -> Any:
        batch = tree.flatten(sequences)[0].shape[0]
        if initial_state is None:
            initial_state = self.states if self.stateful else self.get_initial_state(batch)
        expected = self._expected_batch_size if self.stateful else None
        if expected is not None and not isinstance(batch, Size) and batch != expected:
            raise ShapeError(
                "If an RNN is stateful, the batch size of the input sequences must be the same as "
                f"the batch size of the initial state. \n- Expected batch size: {expected}\n"
                f"- Received batch size: {batch}"
            )
        states = initial_state if tree.is_nested(initial_state) else [initial_state]
        states = tree.map_structure(
            lambda x: ops.convert_to_tensor(x, dtype=self.cell.compute_dtype), list(states)
        )
        try:
            last_output, outputs, states = self.inner_loop(
                sequences=sequences, initial_state=states, mask=mask, training=training
            )
        finally:
            _reset_dropout(self.cell)
        output = outputs if self.return_sequences else last_output
        output = tree.map_structure(lambda x: ops.cast(x, self.compute_dtype), output)
        states = tree.map_structure(lambda x: ops.cast(x, self.compute_dtype), states)
        if self.stateful:
            for variable, state in zip(tree.flatten(self.states), tree.flatten(states)):
                variable.assign(state)
        return (output, *states) if self.return_state else output

    def get_config(self) -> dict[str, Any]:
        return {
            **super().get_config(),
            "return_sequences": self.return_sequences,
            "return_state": self.return_state,
            "go_backwards": self.go_backwards,
            "stateful": self.stateful,
            "unroll": self.unroll,
            "zero_output_for_mask": self.zero_output_for_mask,
            "cell": serialization.serialize_keras_object(self.cell),
        }

    @classmethod
    def from_config(
        cls, config: dict[str, Any], custom_objects: dict[str, Any] | None = None
    ) -> Any:
        config = dict(config)
        cell = serialization.deserialize_keras_object(
            config.pop("cell"), custom_objects=custom_objects
        )
        return cls(cell, **config)


def _is_empty(sequences: Any) -> bool:
    """Whether there is no step."""
    steps = sequences.shape[1]
    return not isinstance(steps, Size) and steps == 0


def _reset_dropout(cell: Any) -> None:
    """Let every cell draw new masks for the next batch."""
    for each in cell.cells if isinstance(cell, StackedRNNCells) else [cell]:
        if isinstance(each, DropoutRNNCell):
            each.reset_dropout_mask()
            each.reset_recurrent_dropout_mask()
