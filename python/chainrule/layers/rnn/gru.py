"""GRU and its cell."""

from __future__ import annotations

from typing import Any

import numpy as np

from chainrule import activations, ops
from chainrule.layers.rnn.cell import GatedCell, products, steps_attrs, with_mask
from chainrule.layers.rnn.gated import GatedRNN
from chainrule.tracing.dispatch import apply


class GRUCell(GatedCell):
    """``h' = z h + (1 - z) activation(x_h + r (h @ U + b))``, one step of `GRU`.

    z and r are the `recurrent_activation` of ``x @ kernel + h @ recurrent_kernel + bias``. With
    ``reset_after=False`` the gate r comes before the product, ``(r h) @ U``. (Cho et al. 2014.)

    Parameters
    ----------
    units : int
    activation, recurrent_activation : default "tanh", "sigmoid"
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
    reset_after : bool, default True

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
    >>> cell = layers.GRUCell(4)
    >>> cell(np.ones((2, 3)), cell.get_initial_state(2))[0].shape
    (2, 4)
    """

    gates = 3

    def __init__(
        self,
        units: int,
        activation: Any = "tanh",
        recurrent_activation: Any = "sigmoid",
        *args: Any,
        reset_after: bool = True,
        **kwargs: Any,
    ) -> None:
        implementation = kwargs.pop("implementation", 2)
        super().__init__(units, activation, *args, **kwargs)
        self.recurrent_activation = activations.get(recurrent_activation)
        self.reset_after = reset_after
        self.choose_implementation(implementation)

    def bias_shape(self) -> tuple[int, ...]:
        return (2, 3 * self.units) if self.reset_after else (3 * self.units,)

    def _biases(self) -> tuple[Any, Any]:
        """That of the inputs and that of the state; None where there is none."""
        if self.bias is None:
            return None, None
        if not self.reset_after:
            return self.bias, None
        bias = ops.convert_to_tensor(self.bias)
        return bias[0], bias[1]

    def call(self, inputs: Any, states: Any, training: Any = False) -> Any:
        h = states[0] if isinstance(states, (list, tuple)) else states
        xs, hs = self.dropped(inputs, h, training)
        given_bias, state_bias = self._biases()
        x = products(xs, self.kernel, 3)
        x = x if given_bias is None else x + given_bias
        x_z, x_r, x_h = ops.split(x, 3, axis=-1)
        gate, units = self.recurrent_activation, self.units
        if self.reset_after:
            p = products(hs, self.recurrent_kernel, 3)
            p = p if state_bias is None else p + state_bias
            p_z, p_r, p_h = ops.split(p, 3, axis=-1)
            z, r = gate(x_z + p_z), gate(x_r + p_r)
            candidate = self.activation(x_h + r * p_h)
        else:
            kernel = ops.convert_to_tensor(self.recurrent_kernel)
            p = products(hs[:2], kernel[:, : 2 * units], 2)
            p_z, p_r = ops.split(p, 2, axis=-1)
            z, r = gate(x_z + p_z), gate(x_r + p_r)
            candidate = self.activation(x_h + ops.matmul(r * hs[-1], kernel[:, 2 * units :]))
        h = z * h + (1 - z) * candidate
        return h, [h] if isinstance(states, (list, tuple)) else h

    def is_fused(self, training: Any) -> bool:
        usual = self.activation is activations.tanh and self.reset_after
        usual = usual and self.recurrent_activation is activations.sigmoid
        return usual and not (training and self.drops_by_step)

    def run_all(
        self, sequences: Any, states: list[Any], mask: Any, reverse: bool, training: Any
    ) -> list[Any]:
        given_bias, state_bias = self._biases()
        x = self.given(sequences, given_bias, training)
        if state_bias is None:
            state_bias = np.zeros(3 * self.units, x.dtype)
        inputs = with_mask([x, self.recurrent_kernel, states[0], state_bias], mask)
        return [apply("gru", steps_attrs(mask, reverse), inputs)]

    def get_config(self) -> dict[str, Any]:
        return {
            **super().get_config(),
            "recurrent_activation": activations.serialize(self.recurrent_activation),
            "reset_after": self.reset_after,
        }


class GRU(GatedRNN):
    """Gated recurrent units over the steps of sequences.

    ``h' = z h + (1 - z) tanh(x_h + r (h @ U + b))`` with z and r the sigmoid of ``x @ kernel + h @
    recurrent_kernel + bias``. All steps run in one op of the core; with other activations, dropout of the
    state or ``reset_after=False`` one step is compiled and run over the steps there.

    Parameters
    ----------
    units : int
    activation, recurrent_activation : default "tanh", "sigmoid"
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
    reset_after : bool, default True
        The gate r after the product with the state, not before.
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
    Inputs (batch, steps, features), a mask (batch, steps), `initial_state` h; outputs (batch, units)
    or (batch, steps, units). (Cho et al. 2014, arXiv 1406.1078.)

    Examples
    --------
    >>> import numpy as np
    >>> from chainrule import layers
    >>> layers.GRU(4, return_sequences=True)(np.ones((2, 3, 5))).shape
    (2, 3, 4)
    """

    cell_class = GRUCell
    takes_cudnn = True
