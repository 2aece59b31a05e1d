"""SeparableConv1D and SeparableConv2D."""

from __future__ import annotations

from typing import Any

from chainrule.layers.convolutional.base import Convolution, check_positive, described
from chainrule.ops.convolution import convolve, flat_depthwise
from chainrule.tracing.variable import Variable


class BaseSeparableConv(Convolution):
    """Separable convolution over `rank` spatial axes; `rank` is that of a subclass.

    A depthwise convolution, then one of size 1 that mixes its channels.

    Shapes: x (N, *S, I), depthwise_kernel (*kernel_size, I, depth_multiplier), pointwise_kernel
    (*ones, I * depth_multiplier, filters), bias (filters), y (N, *O, filters); O as for `Conv2D`.

    Parameters
    ----------
    filters : int
        Channels of the output.
    kernel_size : int or tuple of int
        For each spatial axis.
    strides, dilation_rate : int or tuple of int
        Default 1.
    padding : str
        "valid" (default) or "same".
    data_format : {"channels_last", "channels_first"}, optional
    depth_multiplier : int
        Channels between the two convolutions for each of the input. Default 1.
    activation : str or callable, optional
        Default: none (linear).
    use_bias : bool
        Default True.
    depthwise_initializer, pointwise_initializer, bias_initializer : Initializer or str
        Default ``"glorot_uniform"`` twice and ``"zeros"``.
    depthwise_regularizer, pointwise_regularizer, bias_regularizer : Regularizer or str, optional
    activity_regularizer : Regularizer or str, optional
    depthwise_constraint, pointwise_constraint, bias_constraint : Constraint or str, optional

    Raises
    ------
    ValueError
        For sizes that are not positive; ShapeError when an image is smaller than the window.
    """

    def __init__(
        self,
        filters: int,
        kernel_size: Any,
        strides: Any = 1,
        padding: str = "valid",
        data_format: str | None = None,
        dilation_rate: Any = 1,
        depth_multiplier: int = 1,
        activation: Any = None,
        use_bias: bool = True,
        depthwise_initializer: Any = "glorot_uniform",
        pointwise_initializer: Any = "glorot_uniform",
        bias_initializer: Any = "zeros",
        depthwise_regularizer: Any = None,
        pointwise_regularizer: Any = None,
        bias_regularizer: Any = None,
        activity_regularizer: Any = None,
        depthwise_constraint: Any = None,
        pointwise_constraint: Any = None,
        bias_constraint: Any = None,
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
            activity_regularizer=activity_regularizer,
            options={
                "depthwise_initializer": depthwise_initializer,
                "pointwise_initializer": pointwise_initializer,
                "bias_initializer": bias_initializer,
                "depthwise_regularizer": depthwise_regularizer,
                "pointwise_regularizer": pointwise_regularizer,
                "bias_regularizer": bias_regularizer,
                "depthwise_constraint": depthwise_constraint,
                "pointwise_constraint": pointwise_constraint,
                "bias_constraint": bias_constraint,
            },
            **kwargs,
        )
        self.filters = check_positive(filters, "filters")
        self.depth_multiplier = check_positive(depth_multiplier, "depth_multiplier")

    def build(self, input_shape: Any) -> None:
        channels = self._take_channels(input_shape)
        self.compute_output_shape(input_shape)
        inner = channels * self.depth_multiplier
        depthwise = (*self.kernel_size, channels, self.depth_multiplier)
        pointwise = (*(1,) * self.rank, inner, self.filters)
        self.depthwise_kernel: Variable = self._add("depthwise_kernel", "depthwise", depthwise)
        self.pointwise_kernel: Variable = self._add("pointwise_kernel", "pointwise", pointwise)
        self._add_bias(self.filters)
        self.built = True

    def call(self, inputs: Any) -> Any:
        channels = inputs.shape[self._channel_axis]
        kernel = flat_depthwise(self.depthwise_kernel, channels, "separable_conv")
        inner = convolve(inputs, kernel, op="separable_conv", **self._window_options())
        return self._finish(
            convolve(
                inner,
                self.pointwise_kernel,
                self.bias,
                data_format=self.data_format,
                activation=self._fused(),
                op="separable_conv",
            )
        )

    def compute_output_shape(self, input_shape: Any) -> Any:
        return self._output_shape(input_shape, self.filters)

    def get_config(self) -> dict[str, Any]:
        config = {"filters": self.filters, "depth_multiplier": self.depth_multiplier}
        return {**super().get_config(), **config}


@described
class SeparableConv1D(BaseSeparableConv):
    """Separable convolution of sequences.

    Examples
    --------
    >>> import numpy as np
    >>> from chainrule import layers
    >>> layers.SeparableConv1D(6, 3)(np.ones((1, 10, 4))).shape
    (1, 8, 6)
    """

    rank = 1


@described
class SeparableConv2D(BaseSeparableConv):
    """Separable convolution of images.

    Examples
    --------
    >>> import numpy as np
    >>> from chainrule import layers
    >>> layers.SeparableConv2D(6, 3, padding="same")(np.ones((1, 5, 5, 4))).shape
    (1, 5, 5, 6)
    """

    rank = 2
