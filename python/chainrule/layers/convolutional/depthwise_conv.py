"""DepthwiseConv1D and DepthwiseConv2D."""

from __future__ import annotations

from typing import Any

from chainrule.layers.convolutional.base import Convolution, check_positive, described
from chainrule.ops.convolution import convolve, flat_depthwise
from chainrule.tracing.variable import Variable


class BaseDepthwiseConv(Convolution):
    """Depthwise convolution over `rank` spatial axes; `rank` is that of a subclass.

    Every channel is convolved on its own with `depth_multiplier` kernels.

    Shapes: x (N, *S, I), kernel (*kernel_size, I, depth_multiplier), bias (I * depth_multiplier),
    y (N, *O, I * depth_multiplier); O as for `Conv2D`.

    Parameters
    ----------
    kernel_size : int or tuple of int
        For each spatial axis.
    strides, dilation_rate : int or tuple of int
        Default 1.
    padding : str
        "valid" (default) or "same".
    depth_multiplier : int
        Channels of the output for each of the input. Default 1.
    data_format : {"channels_last", "channels_first"}, optional
    activation : str or callable, optional
        Default: none (linear).
    use_bias : bool
        Default True.
    depthwise_initializer, bias_initializer : Initializer or str
        Default ``"glorot_uniform"`` and ``"zeros"``.
    depthwise_regularizer, bias_regularizer, activity_regularizer : Regularizer or str, optional
    depthwise_constraint, bias_constraint : Constraint or str, optional

    Raises
    ------
    ValueError
        For sizes that are not positive; ShapeError when an image is smaller than the window.
    """

    def __init__(
        self,
        kernel_size: Any,
        strides: Any = 1,
        padding: str = "valid",
        depth_multiplier: int = 1,
        data_format: str | None = None,
        dilation_rate: Any = 1,
        activation: Any = None,
        use_bias: bool = True,
        depthwise_initializer: Any = "glorot_uniform",
        bias_initializer: Any = "zeros",
        depthwise_regularizer: Any = None,
        bias_regularizer: Any = None,
        activity_regularizer: Any = None,
        depthwise_constraint: Any = None,
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
                "bias_initializer": bias_initializer,
                "depthwise_regularizer": depthwise_regularizer,
                "bias_regularizer": bias_regularizer,
                "depthwise_constraint": depthwise_constraint,
                "bias_constraint": bias_constraint,
            },
            **kwargs,
        )
        self.depth_multiplier = check_positive(depth_multiplier, "depth_multiplier")

    def build(self, input_shape: Any) -> None:
        channels = self._take_channels(input_shape)
        self.compute_output_shape(input_shape)
        shape = (*self.kernel_size, channels, self.depth_multiplier)
        self.kernel: Variable = self._add("kernel", "depthwise", shape)
        self._add_bias(channels * self.depth_multiplier)
        self.built = True

    def call(self, inputs: Any) -> Any:
        channels = inputs.shape[self._channel_axis]
        return self._finish(
            convolve(
                inputs,
                flat_depthwise(self.kernel, channels),
                self.bias,
                activation=self._fused(),
                **self._window_options(),
            )
        )

    def compute_output_shape(self, input_shape: Any) -> Any:
        channels = self._checked(input_shape)[self._channel_axis]
        wide = None if channels is None else channels * self.depth_multiplier
        return self._output_shape(input_shape, wide)

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), "depth_multiplier": self.depth_multiplier}


@described
class DepthwiseConv1D(BaseDepthwiseConv):
    """Each channel of sequences convolved on its own.

    Examples
    --------
    >>> import numpy as np
    >>> from chainrule import layers
    >>> layers.DepthwiseConv1D(3, depth_multiplier=2)(np.ones((1, 10, 4))).shape
    (1, 8, 8)
    """

    rank = 1


@described
class DepthwiseConv2D(BaseDepthwiseConv):
    """Each channel of images convolved on its own.

    Examples
    --------
    >>> import numpy as np
    >>> from chainrule import layers
    >>> layers.DepthwiseConv2D(3, strides=2, padding="same")(np.ones((1, 7, 8, 4))).shape
    (1, 4, 4, 4)
    """

    rank = 2
