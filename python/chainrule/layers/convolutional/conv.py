"""Conv1D, Conv2D and Conv3D."""

from __future__ import annotations

from typing import Any

from chainrule.base.errors import ShapeError
from chainrule.layers.convolutional.base import Convolution, check_positive, described
from chainrule.layers.core.lora import LoRA
from chainrule.ops.convolution import convolve


class BaseConv(Convolution, LoRA):
    """Convolution over `rank` spatial axes; `rank` is that of a subclass.

    ``y = activation(conv(x, kernel) + bias)``

    Shapes: x (N, *S, I), kernel (*kernel_size, I / groups, filters), bias (filters), y (N, *O,
    filters); channels first x (N, I, *S), y (N, filters, *O). O = ceil(S / strides) for "same" and
    "causal", floor((S - (kernel_size - 1) dilation_rate - 1) / strides) + 1 for "valid".

    Parameters
    ----------
    filters : int
        Channels of the output.
    kernel_size : int or tuple of int
        For each spatial axis.
    strides, dilation_rate : int or tuple of int
        Default 1; not both above 1.
    padding : str
        "valid" (default), "same", and for `Conv1D` "causal".
    data_format : {"channels_last", "channels_first"}, optional
    groups : int
        Channels of input and output are cut into so many parts, each convolved on its own.
        Default 1.
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

    Raises
    ------
    ValueError
        For sizes that are not positive, filters or channels that are not divisible by the groups,
        strides together with dilation; ShapeError when an image is smaller than the window.
    """

    strides_with_dilation = False

    def __init__(
        self,
        filters: int,
        kernel_size: Any,
        strides: Any = 1,
        padding: str = "valid",
        data_format: str | None = None,
        dilation_rate: Any = 1,
        groups: int = 1,
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
        if not isinstance(groups, int) or groups <= 0:
            raise ValueError(
                f"The number of groups must be a positive integer. Received: groups={groups}."
            )
        if filters % groups:
            raise ValueError(
                "The number of filters must be evenly divisible by the number of groups. "
                f"Received: groups={groups}, filters={filters}."
            )
        self.groups = groups
        self._set_lora(lora_rank, lora_alpha)

    def build(self, input_shape: Any) -> None:
        channels = self._take_channels(input_shape)
        if channels % self.groups:
            raise ShapeError(
                f"{self._where()}: The number of input channels must be evenly divisible by the "
                f"number of groups. Received groups={self.groups}, but the input has {channels} "
                f"channels (full input shape is {tuple(input_shape)})."
            )
        self.compute_output_shape(input_shape)
        shape = (*self.kernel_size, channels // self.groups, self.filters)
        self._kernel = self._add("kernel", "kernel", shape)
        self._add_bias(self.filters)
        self._build_lora()

    @property
    def kernel(self) -> Any:
        """(*kernel_size, I / groups, filters), with LoRA's change; AttributeError before `build`."""
        return self._effective()

    def call(self, inputs: Any) -> Any:
        return self._finish(
            convolve(
                inputs,
                self.kernel,
                self.bias,
                activation=self._fused(),
                **self._window_options(),
            )
        )

    def compute_output_shape(self, input_shape: Any) -> Any:
        return self._output_shape(input_shape, self.filters)

    def get_config(self) -> dict[str, Any]:
        config = {"filters": self.filters, "groups": self.groups}
        return {**super().get_config(), **config, **self._lora_config()}


@described
class Conv1D(BaseConv):
    """Convolution of sequences, (N, T, I) to (N, T', filters).

    With ``padding="causal"`` an output sees its own and earlier steps only.

    Examples
    --------
    >>> import numpy as np
    >>> from chainrule import layers
    >>> layer = layers.Conv1D(1, 2, padding="causal", kernel_initializer="ones")
    >>> layer(np.array([[[1.0], [2.0], [3.0]]])).ravel().tolist()
    [1.0, 3.0, 5.0]
    """

    rank = 1
    paddings = ("valid", "same", "causal")


@described
class Conv2D(BaseConv):
    """Convolution of images, (N, H, W, I) to (N, H', W', filters).

    Examples
    --------
    >>> import numpy as np
    >>> from chainrule import layers
    >>> layers.Conv2D(8, 3, activation="relu")(np.ones((2, 28, 28, 3))).shape
    (2, 26, 26, 8)
    """

    rank = 2


@described
class Conv3D(BaseConv):
    """Convolution of volumes, (N, D, H, W, I) to (N, D', H', W', filters).

    Examples
    --------
    >>> import numpy as np
    >>> from chainrule import layers
    >>> layers.Conv3D(8, 3, strides=2, padding="same")(np.ones((1, 4, 6, 6, 3))).shape
    (1, 2, 3, 3, 8)
    """

    rank = 3
