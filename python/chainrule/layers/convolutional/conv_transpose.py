"""Conv1DTranspose, Conv2DTranspose and Conv3DTranspose."""

from __future__ import annotations

from typing import Any

from chainrule.layers.convolutional.base import Convolution, check_positive, described
from chainrule.layers.reshaping.spatial import int_tuple
from chainrule.ops.convolution import convolve_transpose, transposed_size
from chainrule.tracing.variable import Variable


class BaseConvTranspose(Convolution):
    """Transposed convolution over `rank` spatial axes; `rank` is that of a subclass.

    ``y = activation(conv_transpose(x, kernel) + bias)``: the sizes go from S to O as those of a
    convolution go from O to S.

    Shapes: x (N, *S, I), kernel (*kernel_size, filters, I), bias (filters), y (N, *O, filters);
    O = S strides for "same" and (S - 1) strides + max(strides, (kernel_size - 1) dilation_rate + 1)
    for "valid", where `output_padding` does not say otherwise.

    Parameters
    ----------
    filters : int
        Channels of the output.
    kernel_size : int or tuple of int
        For each spatial axis.
    strides, dilation_rate : int or tuple of int
        Default 1; not both above 1.
    padding : str
        "valid" (default) or "same".
    output_padding : int or tuple of int, optional
        Below the strides; see `chainrule.ops.conv_transpose`.
    data_format : {"channels_last", "channels_first"}, optional
    activation : str or callable, optional
        Default: none (linear).
    use_bias : bool
        Default True.
    kernel_initializer, bias_initializer : Initializer or str
        Default ``"glorot_uniform"`` and ``"zeros"``.
    kernel_regularizer, bias_regularizer, activity_regularizer : Regularizer or str, optional
    kernel_constraint, bias_constraint : Constraint or str, optional

    Raises
    ------
    ValueError
        For sizes that are not positive, strides together with dilation, `output_padding` that is
        not below the strides.
    """

    strides_with_dilation = False

    def __init__(
        self,
        filters: int,
        kernel_size: Any,
        strides: Any = 1,
        padding: str = "valid",
        output_padding: Any = None,
        data_format: str | None = None,
        dilation_rate: Any = 1,
        activation: Any = None,
        use_bias: bool = True,
        kernel_initializer: Any = "glorot_uniform",
        bias_initializer: Any = "zeros",
        kernel_regularizer: Any = None,
        bias_regularizer: Any = None,
        activity_regularizer: Any = None,
        kernel_constraint: Any = None,
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
                "kernel_initializer": kernel_initializer,
                "bias_initializer": bias_initializer,
                "kernel_regularizer": kernel_regularizer,
                "bias_regularizer": bias_regularizer,
                "kernel_constraint": kernel_constraint,
                "bias_constraint": bias_constraint,
            },
            **kwargs,
        )
        self.filters = check_positive(filters, "filters")
        self.output_padding: tuple[int, ...] | None = None
        if output_padding is not None:
            self.output_padding = int_tuple(output_padding, self.rank, "output_padding")
            for axis, (more, stride) in enumerate(zip(self.output_padding, self.strides)):
                if more >= stride:
                    raise ValueError(
                        "`output_padding` must be strictly less than `strides` for all "
                        f"dimensions. At dimension {axis}, `output_padding` is {more} but "
                        f"`strides` is {stride}. Received: output_padding={self.output_padding}, "
                        f"strides={self.strides}"
                    )

    def build(self, input_shape: Any) -> None:
        channels = self._take_channels(input_shape)
        self.compute_output_shape(input_shape)
        shape = (*self.kernel_size, self.filters, channels)
        self.kernel: Variable = self._add("kernel", "kernel", shape)
        self._add_bias(self.filters)
        self.built = True

    def call(self, inputs: Any) -> Any:
        outputs = convolve_transpose(
            inputs,
            self.kernel,
            self.bias,
            output_padding=self.output_padding,
            **self._window_options(),
        )
        return outputs if self.activation is None else self.activation(outputs)

    def _output_size(self, size: int | None, axis: int) -> int | None:
        if size is None:
            return None
        more = None if self.output_padding is None else self.output_padding[axis]
        window, stride = self.kernel_size[axis], self.strides[axis]
        return transposed_size(
            size, window, stride, self.dilation_rate[axis], self.padding, more
        )[0]

    def compute_output_shape(self, input_shape: Any) -> Any:
        return self._output_shape(input_shape, self.filters)

    def get_config(self) -> dict[str, Any]:
        config = {"filters": self.filters, "output_padding": self.output_padding}
        return {**super().get_config(), **config}


@described
class Conv1DTranspose(BaseConvTranspose):
    """Transposed convolution of sequences.

    Examples
    --------
    >>> import numpy as np
    >>> from chainrule import layers
    >>> layers.Conv1DTranspose(6, 3, strides=2)(np.ones((1, 10, 4))).shape
    (1, 21, 6)
    """

    rank = 1


@described
class Conv2DTranspose(BaseConvTranspose):
    """Transposed convolution of images.

    Examples
    --------
    >>> import numpy as np
    >>> from chainrule import layers
    >>> layers.Conv2DTranspose(6, 3, strides=2, padding="same")(np.ones((1, 5, 4, 3))).shape
    (1, 10, 8, 6)
    """

    rank = 2


@described
class Conv3DTranspose(BaseConvTranspose):
    """Transposed convolution of volumes.

    By position, `data_format` comes before `output_padding`.

    Examples
    --------
    >>> import numpy as np
    >>> from chainrule import layers
    >>> layers.Conv3DTranspose(6, 2, strides=2)(np.ones((1, 2, 3, 4, 5))).shape
    (1, 4, 6, 8, 6)
    """

    rank = 3

    def __init__(
        self,
        filters: int,
        kernel_size: Any,
        strides: Any = 1,
        padding: str = "valid",
        data_format: str | None = None,
        output_padding: Any = None,
        *args: Any,
        **kwargs: Any,
    ) -> None:
        super().__init__(
            filters, kernel_size, strides, padding, output_padding, data_format, *args, **kwargs
        )
