"""SimpleRNN and its cell."""

from __future__ import annotations

from typing import Any

from chainrule import ops
from chainrule.layers.options import fused_name
from chainrule.layers.rnn.cell import GatedCell, steps_attrs, with_mask
from chainrule.layers.rnn.gated import GatedRNN
from chainrule.tracing.dispatch import apply


class SimpleRNNCell(GatedCell):
    """``h' = activation(x @ kernel + h @ recurrent_kernel + bias)``, one step of `SimpleRNN`.

    (Elman 1990.)

    Parameters
    ----------
    units : int
    activation : default "tanh"
    use_bias : bool, default True
    dropout, recurrent_dropout : float, default 0
        Rates for the inputs and for the state, with one mask for all steps.
    kernel_initializer, recurrent_initializer, bias_initializer : optional
        Of the weights (features, G units), (units, G units) and the bias, for G gates. Default
        "glorot_uniform", "orthogonal", "zeros".
    kernel_regularizer, recurrent_regularizer, bias_regularizer : optional
    kernel_constraint, recurrent_constraint, bias_constraint : optional
    seed : int, optional
        For the masks of dropout.

    Raises
    ------
    ValueError
        `units` that are no positive integer.

    Notes
    -----
    Inputs (batch, features) and states of (batch, units) each; the output is the first state.

    Examples
    --------
    >>> import numpy as np
    >>> from chainrule import layers
    >>> cell = layers.SimpleRNNCell(4)
    >>> cell(np.ones((2, 3)), cell.get_initial_state(2))[0].shape
    (2, 4)
    """

    def call(self, sequence: Any, states: Any, training: Any = False) -> Any:
        h = states[0] if isinstance(states, (list, tuple)) else states
        (sequence,), (h,) = self.dropped(sequence, h, training)
        x = ops.matmul(sequence, self.kernel)
        x = x if self.bias is None else x + self.bias
        h = x + ops.matmul(h, self.recurrent_kernel)
        h = h if self.activation is None else self.activation(h)
        return h, [h] if isinstance(states, (list, tuple)) else h

    def is_fused(self, training: Any) -> bool:
        usual = fused_name(self.activation) is not None
        return usual and not (training and self.drops_by_step)

    def run_all(
        self, sequences: Any, states: list[Any], mask: Any, reverse: bool, training: Any
    ) -> list[Any]:
        x = self.given(sequences, self.bias, training)
        inputs = with_mask([x, self.recurrent_kernel, states[0]], mask)
        attrs = {**steps_attrs(mask, reverse), "activation": fused_name(self.activation)}
        return [apply("simple_rnn", attrs, inputs)]


class SimpleRNN(GatedRNN):
    """``h' = activation(x @ kernel + h @ recurrent_kernel + bias)`` over the steps of sequences.

    All steps run in one op of the core; with another activation than linear, relu, sigmoid or tanh, or
    dropout of the state, one step is compiled and run over the steps there.

    Parameters
    ----------
    units : int
    activation : default "tanh"
    use_bias : bool, default True
    dropout, recurrent_dropout : float, default 0
        Rates for the inputs and for the state, with one mask for all steps.
    kernel_initializer, recurrent_initializer, bias_initializer : optional
        Of the weights (features, G units), (units, G units) and the bias, for G gates. Default
        "glorot_uniform", "orthogonal", "zeros".
    kernel_regularizer, recurrent_regularizer, bias_regularizer : optional
    kernel_constraint, recurrent_constraint, bias_constraint : optional
    seed : int, optional
        For the masks of dropout.
    return_sequences, return_state, go_backwards, stateful, unroll : bool, default False
        As in `RNN`.

    Raises
    ------
    ValueError
        `units` that are no positive integer.

    Notes
    -----
    Inputs (batch, steps, features), a mask (batch, steps), `initial_state` h; outputs (batch, units)
    or (batch, steps, units). (Elman 1990.)

    Examples
    --------
    >>> import numpy as np
    >>> from chainrule import layers
    >>> layers.SimpleRNN(4)(np.ones((2, 3, 5))).shape
    (2, 4)
    """

    cell_class = SimpleRNNCell
