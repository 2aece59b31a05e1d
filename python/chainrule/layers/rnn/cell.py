"""GatedCell: what SimpleRNNCell, LSTMCell and GRUCell share."""

from __future__ import annotations

from typing import Any

from chainrule import activations, ops
from chainrule.layers.layer import Layer
from chainrule.layers.options import serialize_options, set_options
from chainrule.layers.rnn.dropout_cell import DropoutRNNCell
from chainrule.tracing.dispatch import apply
from chainrule.tracing.seeds import SeedGenerator

OPTIONS = (
    "kernel_initializer",
    "recurrent_initializer",
    "bias_initializer",
    "kernel_regularizer",
    "recurrent_regularizer",
    "bias_regularizer",
    "kernel_constraint",
    "recurrent_constraint",
    "bias_constraint",
)


class GatedCell(DropoutRNNCell, Layer):
    """A kernel, a recurrent kernel and a bias, each as wide as `gates` times `units`."""

    gates = 1
    kernel_initializer: Any
    recurrent_initializer: Any
    bias_initializer: Any
    kernel_regularizer: Any
    recurrent_regularizer: Any
    bias_regularizer: Any
    kernel_constraint: Any
    recurrent_constraint: Any
    bias_constraint: Any

    def __init__(
        self,
        units: int,
        activation: Any = "tanh",
        use_bias: bool = True,
        kernel_initializer: Any = "glorot_uniform",
        recurrent_initializer: Any = "orthogonal",
        bias_initializer: Any = "zeros",
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
        if not isinstance(units, int) or units <= 0:
            raise ValueError(
                "Received an invalid value for argument `units`, expected a positive integer, "
                f"got {units}."
            )
        super().__init__(**kwargs)
        self.units = units
        self.activation = activations.get(activation)
        self.use_bias = use_bias
        set_options(
            self,
            kernel_initializer=kernel_initializer,
            recurrent_initializer=recurrent_initializer,
            bias_initializer=bias_initializer,
            kernel_regularizer=kernel_regularizer,
            recurrent_regularizer=recurrent_regularizer,
            bias_regularizer=bias_regularizer,
            kernel_constraint=kernel_constraint,
            recurrent_constraint=recurrent_constraint,
            bias_constraint=bias_constraint,
        )
        self.dropout = min(1.0, max(0.0, dropout))
        self.recurrent_dropout = min(1.0, max(0.0, recurrent_dropout))
        self.seed = seed
        self.seed_generator = SeedGenerator(seed=seed)
        self.state_size: Any = units
        self.output_size = units

    def choose_implementation(self, implementation: int) -> None:
        """With 1, which dropout of the state needs, each gate has masks of its own."""
        self.implementation = 1 if self.recurrent_dropout else implementation
        if self.implementation == 1:
            self.dropout_mask_count = self.gates

    @property
    def drops_by_step(self) -> bool:
        """Whether dropout in training is more than one mask of the inputs."""
        return bool(self.recurrent_dropout or (self.dropout and self.dropout_mask_count))

    def dropped(self, inputs: Any, h: Any, training: Any) -> tuple[list[Any], list[Any]]:
        """Inputs (N, F) and state (N, units) after dropout: one of each, or one a gate."""
        xs, hs = [inputs], [h]
        if training and self.dropout:
            xs = [inputs * mask for mask in listed(self.get_dropout_mask(inputs))]
        if training and self.recurrent_dropout:
            hs = [h * mask for mask in listed(self.get_recurrent_dropout_mask(h))]
        return xs, hs

    def bias_shape(self) -> tuple[int, ...]:
        """The shape of the bias."""
        return (self.gates * self.units,)

    def bias_weights(self) -> Any:
        """The initializer of the bias."""
        return self.bias_initializer

    def build(self, input_shape: Any) -> None:
        width = self.gates * self.units
        self.kernel = self.add_weight(
            shape=(input_shape[-1], width),
            name="kernel",
            initializer=self.kernel_initializer,
            regularizer=self.kernel_regularizer,
            constraint=self.kernel_constraint,
        )
        self.recurrent_kernel = self.add_weight(
            shape=(self.units, width),
            name="recurrent_kernel",
            initializer=self.recurrent_initializer,
            regularizer=self.recurrent_regularizer,
            constraint=self.recurrent_constraint,
        )
        self.bias: Any = None
        if self.use_bias:
            self.bias = self.add_weight(
                shape=self.bias_shape(),
                name="bias",
                initializer=self.bias_weights(),
                regularizer=self.bias_regularizer,
                constraint=self.bias_constraint,
            )
        self.built = True

    def is_fused(self, training: Any) -> bool:
        """Whether the core runs all steps at once; dropout of states is done step by step."""
        raise NotImplementedError

    def run_all(
        self, sequences: Any, states: list[Any], mask: Any, reverse: bool, training: Any
    ) -> list[Any]:
        """Every state after every step, (N, T, units), by one op of the core."""
        raise NotImplementedError

    def given(self, sequences: Any, bias: Any, training: Any) -> Any:
        """What the inputs give to every step at once: ``(x * dropout) @ kernel + bias``."""
        if training and self.dropout:
            sequences = sequences * ops.expand_dims(self.get_dropout_mask(sequences[:, 0]), 1)
        if bias is None:
            return ops.matmul(sequences, self.kernel)
        tensors = [ops.cast(x, self.compute_dtype) for x in (sequences, self.kernel, bias)]
        return apply("dense", {"activation": "linear"}, tensors)

    def get_initial_state(self, batch_size: Any = None) -> list[Any]:
        """Zeros, one tensor a state."""
        sizes = self.state_size if isinstance(self.state_size, list) else [self.state_size]
        return [ops.zeros((batch_size, size), dtype=self.compute_dtype) for size in sizes]

    def get_config(self) -> dict[str, Any]:
        return {
            **super().get_config(),
            "units": self.units,
            "activation": activations.serialize(self.activation),
            "use_bias": self.use_bias,
            **serialize_options(self, *OPTIONS),
            "dropout": self.dropout,
            "recurrent_dropout": self.recurrent_dropout,
            "seed": self.seed,
        }


def listed(masks: Any) -> list[Any]:
    """The masks of `DropoutRNNCell`, which may be one."""
    return masks if isinstance(masks, list) else [masks]


def products(xs: list[Any], kernel: Any, gates: int) -> Any:
    """``x @ kernel``, (N, gates * units); of one x a gate, each with its part of the kernel."""
    if len(xs) == 1:
        return ops.matmul(xs[0], kernel)
    parts = ops.split(ops.convert_to_tensor(kernel), gates, axis=1)
    return ops.concatenate([ops.matmul(x, part) for x, part in zip(xs, parts)], axis=-1)


def steps_attrs(mask: Any, reverse: bool) -> dict[str, Any]:
    """The attributes that the recurrent ops of the core share."""
    return {"reverse": bool(reverse), "masked": mask is not None}


def with_mask(inputs: list[Any], mask: Any) -> list[Any]:
    """The inputs of an op, and the mask as bools."""
    return inputs if mask is None else [*inputs, ops.cast(mask, "bool")]
