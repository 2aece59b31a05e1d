"""LSTM and its cell."""

from __future__ import annotations

from typing import Any

from chainrule import activations, initializers, ops
from chainrule.layers.rnn.cell import GatedCell, products, steps_attrs, with_mask
from chainrule.layers.rnn.gated import GatedRNN
from chainrule.tracing.dispatch import apply


class LSTMCell(GatedCell):
    """``c' = f c + i g``, ``h' = o activation(c')``, one step of `LSTM`.

    ``(i, f, g, o) = x @ kernel + h @ recurrent_kernel + bias``; `i`, `f` and `o` through
    `recurrent_activation`, `g` through `activation`. (Hochreiter & Schmidhuber 1997; Gers,
    Schmidhuber & Cummins 2000.)

    Parameters
    ----------
    units : int
    activation, recurrent_activation : default "tanh", "sigmoid"
    use_bias : bool, default True
    unit_forget_bias : bool, default True
        Begin with a bias of 1 for the forget gate.
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
    Inputs (batch, features) and states of (batch, units) each, h and c; the output is the first state.

    Examples
    --------
    >>> import numpy as np
    >>> from chainrule import layers
    >>> cell = layers.LSTMCell(4)
    >>> output, states = cell(np.ones((2, 3)), cell.get_initial_state(2))
    >>> output.shape, len(states)
    ((2, 4), 2)
    """

    gates = 4

    def __init__(
        self,
        units: int,
        activation: Any = "tanh",
        recurrent_activation: Any = "sigmoid",
        use_bias: bool = True,
        kernel_initializer: Any = "glorot_uniform",
        recurrent_initializer: Any = "orthogonal",
        bias_initializer: Any = "zeros",
        unit_forget_bias: bool = True,
        **kwargs: Any,
    ) -> None:
        implementation = kwargs.pop("implementation", 2)
        super().__init__(
            units,
            activation,
            use_bias,
            kernel_initializer,
            recurrent_initializer,
            bias_initializer,
            **kwargs,
        )
        self.recurrent_activation = activations.get(recurrent_activation)
        self.unit_forget_bias = unit_forget_bias
        self.choose_implementation(implementation)
        self.state_size = [units, units]

    def bias_weights(self) -> Any:
        if not self.unit_forget_bias:
            return self.bias_initializer
        units, one = self.units, initializers.get("ones")

        def with_ones(shape: Any, dtype: Any = None, **kwargs: Any) -> Any:
            own = self.bias_initializer
            parts = [own((units,), dtype=dtype), one((units,), dtype=dtype)]
            return ops.concatenate([*parts, own((2 * units,), dtype=dtype)])

        return with_ones

    def call(self, inputs: Any, states: Any, training: Any = False) -> Any:
        h, c = states
        xs, hs = self.dropped(inputs, h, training)
        z = products(xs, self.kernel, 4) + products(hs, self.recurrent_kernel, 4)
        if self.bias is not None:
            z = z + self.bias
        i, f, g, o = ops.split(z, 4, axis=1)
        gate = self.recurrent_activation
        c = gate(f) * c + gate(i) * self.activation(g)
        h = gate(o) * self.activation(c)
        return h, [h, c]

    def is_fused(self, training: Any) -> bool:
        usual = self.activation is activations.tanh
        usual = usual and self.recurrent_activation is activations.sigmoid
        return usual and not (training and self.drops_by_step)

    def run_all(
        self, sequences: Any, states: list[Any], mask: Any, reverse: bool, training: Any
    ) -> list[Any]:
        x = self.given(sequences, self.bias, training)
        inputs = with_mask([x, self.recurrent_kernel, *states], mask)
        return list(apply("lstm", steps_attrs(mask, reverse), inputs, outputs=2))

    def get_config(self) -> dict[str, Any]:
        return {
            **super().get_config(),
            "recurrent_activation": activations.serialize(self.recurrent_activation),
            "unit_forget_bias": self.unit_forget_bias,
        }


class LSTM(GatedRNN):
    """Long short-term memory over the steps of sequences.

    ``c' = f c + i g``, ``h' = o tanh(c')`` with ``(i, f, g, o) = x @ kernel + h @ recurrent_kernel +
    bias`` through sigmoids, g through tanh. All steps run in one op of the core; with other activations or
    dropout of the state one step is compiled and run over the steps there.

    Parameters
    ----------
    units : int
    activation, recurrent_activation : default "tanh", "sigmoid"
    use_bias, unit_forget_bias : bool, default True
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
    use_cudnn : "auto" or bool
        Kept for Keras's signature; there is no CUDA here.

    Raises
    ------
    ValueError
        `units` that are no positive integer.

    Notes
    -----
    Inputs (batch, steps, features), a mask (batch, steps), `initial_state` [h, c]; outputs (batch,
    units) or (batch, steps, units). (Hochreiter & Schmidhuber 1997.)

    Examples
    --------
    >>> import numpy as np
    >>> from chainrule import layers
    >>> output, h, c = layers.LSTM(4, return_state=True)(np.ones((2, 3, 5)))
    >>> output.shape, bool((output == h).all()), c.shape
    ((2, 4), True, (2, 4))
    """

    cell_class = LSTMCell
    takes_cudnn = True
