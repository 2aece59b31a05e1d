"""Dense: a matrix product, a bias and an activation."""

from __future__ import annotations

from typing import Any

from chainrule import activations, constraints, initializers, ops, regularizers
from chainrule.base.dtypes import result_type
from chainrule.layers.core.lora import LoRA
from chainrule.layers.input_spec import InputSpec
from chainrule.layers.options import fused_name, known_size, serialize_options
from chainrule.tracing import dispatch
from chainrule.tracing.variable import Variable


class Dense(LoRA):
    """``y = activation(x @ kernel + bias)`` over the last axis.

    Shapes: x (N, ..., K), kernel (K, units), bias (units), y (N, ..., units).

    Parameters
    ----------
    units : int
        Size of the last axis of the output.
    activation : str or callable, optional
        Default: none (linear).
    use_bias : bool
        Default True.
    kernel_initializer, bias_initializer : Initializer or str
        Default ``"glorot_uniform"`` and ``"zeros"``.
    kernel_regularizer, bias_regularizer, activity_regularizer : Regularizer or str, optional
    kernel_constraint, bias_constraint : Constraint or str, optional
    lora_rank : int, optional
        Freeze the kernel and train a change of this rank: see `enable_lora`.
    lora_alpha : float, optional
        The change counts `lora_alpha / lora_rank` times. Default: `lora_rank`.
    quantization_config : None
        In Keras's signature; only `None` is accepted.

    Raises
    ------
    ValueError
        When `units` is no positive int; when the last axis of the input has no known size.

    Examples
    --------
    >>> import numpy as np
    >>> from chainrule import layers
    >>> layer = layers.Dense(2, activation="relu", kernel_initializer="ones")
    >>> layer(np.array([[1.0, 2.0], [-1.0, -2.0]])).tolist()
    [[3.0, 3.0], [0.0, 0.0]]
    """

    def __init__(
        self,
        units: int,
        activation: Any = None,
        use_bias: bool = True,
        kernel_initializer: Any = "glorot_uniform",
        bias_initializer: Any = "zeros",
        kernel_regularizer: Any = None,
        bias_regularizer: Any = None,
        activity_regularizer: Any = None,
        kernel_constraint: Any = None,
        bias_constraint: Any = None,
        lora_rank: int | None = None,
        lora_alpha: float | None = None,
        quantization_config: None = None,
        **kwargs: Any,
    ) -> None:
        if not isinstance(units, int) or units <= 0:
            raise ValueError(
                "Received an invalid value for `units`, expected a positive integer. "
                f"Received: units={units}"
            )
        if quantization_config is not None:
            raise ValueError("chainrule has no quantization: `quantization_config` must be None.")
        super().__init__(activity_regularizer=activity_regularizer, **kwargs)
        self.units = units
        self.activation = activations.get(activation)
        self.use_bias = use_bias
        self.kernel_initializer = initializers.get(kernel_initializer)
        self.bias_initializer = initializers.get(bias_initializer)
        self.kernel_regularizer = regularizers.get(kernel_regularizer)
        self.bias_regularizer = regularizers.get(bias_regularizer)
        self.kernel_constraint = constraints.get(kernel_constraint)
        self.bias_constraint = constraints.get(bias_constraint)
        self._set_lora(lora_rank, lora_alpha)
        self.input_spec = InputSpec(min_ndim=2)
        self.supports_masking = True

    def build(self, input_shape: Any) -> None:
        width = known_size(self, input_shape, -1)
        self._kernel = self.add_weight(
            name="kernel",
            shape=(width, self.units),
            initializer=self.kernel_initializer,
            regularizer=self.kernel_regularizer,
            constraint=self.kernel_constraint,
        )
        self.bias: Variable | None = None
        if self.use_bias:
            self.bias = self.add_weight(
                name="bias",
                shape=(self.units,),
                initializer=self.bias_initializer,
                regularizer=self.bias_regularizer,
                constraint=self.bias_constraint,
            )
        self.input_spec = InputSpec(min_ndim=2, axes={-1: width})
        self._build_lora()

    @property
    def kernel(self) -> Any:
        """The (K, units) matrix, with LoRA's change; AttributeError before the layer is built."""
        return self._effective()

    def call(self, inputs: Any, training: bool | None = None) -> Any:
        kernel = self.kernel  # (K, units)
        fused = fused_name(self.activation)
        if self.bias is not None:
            dtype = result_type(inputs.dtype, kernel.dtype, self.bias.dtype)
            outputs = dispatch.apply(
                "dense",
                {"activation": fused or "linear"},
                [ops.cast(inputs, dtype), ops.cast(kernel, dtype), ops.cast(self.bias, dtype)],
            )
            return outputs if fused else self.activation(outputs)
        outputs = ops.matmul(inputs, kernel)
        return outputs if fused == "linear" else self.activation(outputs)

    def compute_output_shape(self, input_shape: Any) -> Any:
        return (*input_shape[:-1], self.units)

    def get_config(self) -> dict[str, Any]:
        config = {
            "units": self.units,
            "activation": activations.serialize(self.activation),
            "use_bias": self.use_bias,
            "quantization_config": None,
        }
        options = serialize_options(
            self,
            "kernel_initializer",
            "bias_initializer",
            "kernel_regularizer",
            "bias_regularizer",
            "kernel_constraint",
            "bias_constraint",
        )
        return {**super().get_config(), **config, **options, **self._lora_config()}
