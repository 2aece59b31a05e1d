"""ConvLSTM1D, ConvLSTM2D, ConvLSTM3D, and their cells."""

from __future__ import annotations

from typing import Any

from chainrule import activations, initializers, ops
from chainrule.layers.convolutional.base import Convolution, check_positive, described
from chainrule.layers.input_spec import InputSpec
from chainrule.layers.options import known_size
from chainrule.layers.rnn.cell import listed
from chainrule.layers.rnn.dropout_cell import DropoutRNNCell
from chainrule.layers.rnn.gated import GatedRNN
from chainrule.ops.convolution import convolve
from chainrule.tracing.seeds import SeedGenerator

_GATES = 4


class ConvLSTMCell(DropoutRNNCell, Convolution):
    """``c' = f c + i g``, ``h' = o activation(c')`` for images, one step of `ConvLSTM2D`.

    ``(i, f, g, o) = conv(x, kernel) + conv(h, recurrent_kernel) + bias``; the second convolution has
    neither strides nor dilation, and zeros around. (Shi et al. 2015.)
    """

    strides_with_dilation = False
    dropout_mask_count = _GATES
    bias_initializer: Any
    bias_regularizer: Any
    bias_constraint: Any

    def __init__(
        self,
        filters: int,
        kernel_size: Any,
        strides: Any = 1,
        padding: str = "valid",
        data_format: str | None = None,
        dilation_rate: Any = 1,
        activation: Any = "tanh",
        recurrent_activation: Any = "sigmoid",
        use_bias: bool = True,
        kernel_initializer: Any = "glorot_uniform",
        recurrent_initializer: Any = "orthogonal",
        bias_initializer: Any = "zeros",
        unit_forget_bias: bool = True,
        kernel_regularizer: Any = None,
        recurrent_regularizer: Any = None,
        bias_regularizer: Any = None,
        kernel_constraint: Any = None,
        recurrent_constraint: Any = None,
        bias_constraint: Any = None,
        dropout: float = 0.0,
        recurrent_dropout: float = 0.0,
        seed: int | None = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(
            kernel_size=kernel_size,
            strides=strides,
            padding=padding,
            data_format=data_format,
            dilation_rate=dilation_rate,
            activation=activation,
            use_bias=use_bias,
            activity_regularizer=None,
            options={
                "kernel_initializer": kernel_initializer,
                "recurrent_initializer": recurrent_initializer,
                "bias_initializer": bias_initializer,
                "kernel_regularizer": kernel_regularizer,
                "recurrent_regularizer": recurrent_regularizer,
                "bias_regularizer": bias_regularizer,
                "kernel_constraint": kernel_constraint,
                "recurrent_constraint": recurrent_constraint,
                "bias_constraint": bias_constraint,
            },
            **kwargs,
        )
        self.filters = check_positive(filters, "filters")
        self.recurrent_activation = activations.get(recurrent_activation)
        self.unit_forget_bias = unit_forget_bias
        self.dropout = min(1.0, max(0.0, dropout))
        self.recurrent_dropout = min(1.0, max(0.0, recurrent_dropout))
        self.seed = seed
        self.seed_generator = SeedGenerator(seed=seed)
        self.state_size = [filters, filters]

    def build(self, inputs_shape: Any, states_shape: Any = None) -> None:
        shape = self._checked(inputs_shape)
        first = self.data_format == "channels_first"
        if None in (shape[2:] if first else shape[1:-1]):
            raise ValueError(
                "ConvLSTM layers only support static input shapes for the spatial dimension. "
                f"Received invalid input shape: input_shape={shape}"
            )
        channels = known_size(self, shape, self._channel_axis)
        self._state_shape = self._output_shape(shape, self.filters)[1:]
        wide = _GATES * self.filters
        self.kernel = self._add("kernel", "kernel", (*self.kernel_size, channels, wide))
        self.recurrent_kernel = self._add(
            "recurrent_kernel", "recurrent", (*self.kernel_size, self.filters, wide)
        )
        self.bias: Any = None
        if self.use_bias:
            self.bias = self.add_weight(
                name="bias",
                shape=(wide,),
                initializer=self._bias_weights(),
                regularizer=self.bias_regularizer,
                constraint=self.bias_constraint,
            )
        self.built = True

    def _bias_weights(self) -> Any:
        """As the option says, but 1 for the forget gate."""
        own = self.bias_initializer
        if not self.unit_forget_bias:
            return own
        filters, one = self.filters, initializers.get("ones")

        def with_ones(shape: Any, dtype: Any = None, **kwargs: Any) -> Any:
            sizes = [(own, filters), (one, filters), (own, 2 * filters)]
            return ops.concatenate([make((size,), dtype=dtype) for make, size in sizes])

        return with_ones

    def call(self, inputs: Any, states: Any, training: Any = False) -> Any:
        h, c = states
        xs, hs = [inputs], [h]
        if training and 0.0 < self.dropout < 1.0:
            xs = [inputs * mask for mask in listed(self.get_dropout_mask(inputs))]
        if training and 0.0 < self.recurrent_dropout < 1.0:
            hs = [h * mask for mask in listed(self.get_recurrent_dropout_mask(h))]
        z = self._convolved(xs, self.kernel, self.bias, **self._window_options())
        z = z + self._convolved(hs, self.recurrent_kernel, None, padding="same")
        i, f, g, o = ops.split(z, _GATES, axis=self._channel_axis)
        gate = self.recurrent_activation
        c = gate(f) * c + gate(i) * self.activation(g)
        h = gate(o) * self.activation(c)
        return h, [h, c]

    def _convolved(self, xs: list[Any], kernel: Any, bias: Any, **options: Any) -> Any:
        """The convolution for all gates; of one x a gate, each with its part of the weights."""
        options.setdefault("data_format", self.data_format)
        if len(xs) == 1:
            return convolve(xs[0], kernel, bias, **options)
        kernels = ops.split(ops.convert_to_tensor(kernel), _GATES, axis=-1)
        biases = [None] * _GATES if bias is None else ops.split(ops.convert_to_tensor(bias), _GATES)
        parts = [convolve(x, k, b, **options) for x, k, b in zip(xs, kernels, biases)]
        return ops.concatenate(parts, axis=self._channel_axis)

    def compute_output_shape(self, inputs_shape: Any, states_shape: Any = None) -> Any:
        shape = self._output_shape(inputs_shape, self.filters)
        return shape, [shape, shape]

    def get_initial_state(self, batch_size: Any = None) -> list[Any]:
        """Zeros, one tensor a state."""
        shape = (batch_size, *self._state_shape)
        return [ops.zeros(shape, dtype=self.compute_dtype) for _ in self.state_size]

    def get_config(self) -> dict[str, Any]:
        return {
            **super().get_config(),
            "filters": self.filters,
            "recurrent_activation": activations.serialize(self.recurrent_activation),
            "unit_forget_bias": self.unit_forget_bias,
            "dropout": self.dropout,
            "recurrent_dropout": self.recurrent_dropout,
            "seed": self.seed,
        }


class ConvLSTM1DCell(ConvLSTMCell):
    """A cell over one spatial axis."""

    rank = 1


class ConvLSTM2DCell(ConvLSTMCell):
    """A cell over two spatial axes."""

    rank = 2


class ConvLSTM3DCell(ConvLSTMCell):
    """A cell over three spatial axes."""

    rank = 3


class ConvLSTM(GatedRNN):
    """Long short-term memory of images: convolutions stand where `LSTM` has products.

    ``c' = f c + i g``, ``h' = o tanh(c')`` with ``(i, f, g, o) = conv(x, kernel) + conv(h,
    recurrent_kernel) + bias`` through sigmoids, g through tanh. (Shi et al., Convolutional LSTM Network,
    2015.) The step is compiled once and run over the steps in the core.

    Parameters
    ----------
    filters : int
        Channels of the state and of the output.
    kernel_size, strides, dilation_rate : int or tuple of int
        For each spatial axis; strides and dilation 1 by default, not both above 1. The convolution of
        the state has neither.
    padding : {"valid", "same"}
        Of the inputs' convolution. Default "valid".
    data_format : {"channels_last", "channels_first"}, optional
    activation, recurrent_activation : default "tanh", "sigmoid"
    use_bias, unit_forget_bias : bool, default True
        The second begins with a bias of 1 for the forget gate.
    kernel_initializer, recurrent_initializer, bias_initializer : optional
        Of the weights (*kernel_size, channels, 4 filters), (*kernel_size, filters, 4 filters), (4
        filters). Default "glorot_uniform", "orthogonal", "zeros".
    kernel_regularizer, recurrent_regularizer, bias_regularizer, activity_regularizer : optional
    kernel_constraint, recurrent_constraint, bias_constraint : optional
    dropout, recurrent_dropout : float, default 0
        Rates for the inputs and for the state, each with one mask a gate for all steps.
    seed : int, optional
        For the masks of dropout.
    return_sequences, return_state, go_backwards, stateful : bool, default False
        As in `RNN`.

    Raises
    ------
    ValueError
        Sizes that are not positive, strides together with dilation, images whose size is not known;
        ShapeError when an image is smaller than the window.

    Notes
    -----
    Inputs (batch, steps, *S, channels), or (batch, steps, channels, *S) with channels first, a mask
    (batch, steps), `initial_state` [h, c]; outputs (batch, *O, filters) or (batch, steps, *O, filters),
    likewise.
    """

    def __init__(self, filters: int, kernel_size: Any, *args: Any, **kwargs: Any) -> None:
        super().__init__(filters, kernel_size, *args, **kwargs)
        self.input_spec = InputSpec(ndim=self.cell_class.rank + 3)

    @property
    def _feature_axis(self) -> int:
        return -1 if self.cell.data_format == "channels_last" else 2

    @classmethod
    def cell_name(cls) -> str:
        return "conv_lstm_cell"

    def compute_output_shape(self, sequences_shape: Any, initial_state_shape: Any = None) -> Any:
        batch, steps, *rest = tuple(sequences_shape)
        state = self.cell.compute_output_shape((batch, *rest))[0]
        output = (batch, steps, *state[1:]) if self.return_sequences else state
        return (output, state, state) if self.return_state else output


@described
class ConvLSTM1D(ConvLSTM):
    """Long short-term memory of sequences of sequences, by convolutions along the second.

    Examples
    --------
    >>> import numpy as np
    >>> from chainrule import layers
    >>> layers.ConvLSTM1D(4, 3, padding="same")(np.ones((2, 5, 8, 3))).shape
    (2, 8, 4)
    """

    cell_class = ConvLSTM1DCell


@described
class ConvLSTM2D(ConvLSTM):
    """Long short-term memory of sequences of images, by convolutions.

    Examples
    --------
    >>> import numpy as np
    >>> from chainrule import layers
    >>> layer = layers.ConvLSTM2D(4, 3, return_sequences=True)
    >>> layer(np.ones((2, 5, 8, 8, 3))).shape
    (2, 5, 6, 6, 4)
    """

    cell_class = ConvLSTM2DCell


@described
class ConvLSTM3D(ConvLSTM):
    """Long short-term memory of sequences of volumes, by convolutions.

    Examples
    --------
    >>> import numpy as np
    >>> from chainrule import layers
    >>> layers.ConvLSTM3D(2, 2)(np.ones((1, 3, 4, 4, 4, 1))).shape
    (1, 3, 3, 3, 2)
    """

    cell_class = ConvLSTM3DCell
