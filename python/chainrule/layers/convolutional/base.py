"""What all convolution layers share: arguments, channels, weights, shapes, the config."""

from __future__ import annotations

import inspect
from typing import Any, TypeVar

from chainrule import activations
from chainrule.base.errors import ShapeError
from chainrule.layers.input_spec import InputSpec
from chainrule.layers.layer import Layer
from chainrule.layers.options import (
    fused_name,
    known_size,
    serialize_options,
    set_options,
    standardize_data_format,
)
from chainrule.layers.reshaping.spatial import int_tuple
from chainrule.ops._spatial import output_size
from chainrule.tracing.variable import Variable

Shape = tuple[int | None, ...]
_Class = TypeVar("_Class", bound=type)


def described(cls: _Class) -> _Class:
    """Put into the docstring of a class what that of its base says of shapes, parameters, errors."""
    base = cls.__mro__[1]
    if cls.__doc__ and base.__doc__:  # neither with `python -OO`
        own, _, examples = inspect.cleandoc(cls.__doc__).partition("Examples\n")
        shared = inspect.cleandoc(base.__doc__).partition("\n\n")[2]
        cls.__doc__ = f"{own}{shared}\n\nExamples\n{examples}"
    return cls


class Convolution(Layer):
    """A layer of `rank` spatial axes with a window, strides, dilation and an activation.

    A subclass gives its weights' options by name; those of each weight start with the same word.
    """

    rank = 0
    paddings: tuple[str, ...] = ("valid", "same")
    strides_with_dilation = True

    def __init__(
        self,
        *,
        kernel_size: Any,
        strides: Any,
        padding: str,
        data_format: str | None,
        dilation_rate: Any,
        activation: Any,
        use_bias: bool,
        activity_regularizer: Any,
        options: dict[str, Any],
        **kwargs: Any,
    ) -> None:
        super().__init__(activity_regularizer=activity_regularizer, **kwargs)
        rank = self.rank
        self.kernel_size = int_tuple(kernel_size, rank, "kernel_size", smallest=1)
        self.strides = int_tuple(strides, rank, "strides", smallest=1)
        self.dilation_rate = int_tuple(dilation_rate, rank, "dilation_rate", smallest=1)
        self.padding = self._known_padding(padding)
        self.data_format = standardize_data_format(data_format)
        self.activation = activations.get(activation)
        self.use_bias = use_bias
        self._options = tuple(options)
        set_options(self, **options)
        self.input_spec = InputSpec(min_ndim=rank + 2, max_ndim=rank + 2)
        if not self.strides_with_dilation and max(self.strides) > 1 and max(self.dilation_rate) > 1:
            raise ValueError(
                "`strides > 1` not supported in conjunction with `dilation_rate > 1`. Received: "
                f"strides={self.strides} and dilation_rate={self.dilation_rate}"
            )

    def _known_padding(self, padding: Any) -> str:
        name = padding.lower() if isinstance(padding, str) else padding
        if name not in self.paddings:
            raise ValueError(
                f"The `padding` argument must be one of {self.paddings}. Received: {padding}"
            )
        return str(name)

    def _where(self) -> str:
        return f"Layer '{self.path or self.name}'"

    @property
    def _channel_axis(self) -> int:
        return -1 if self.data_format == "channels_last" else 1

    def _take_channels(self, input_shape: Any) -> int:
        """The number of input channels, from now on the only one that the layer accepts."""
        channels = known_size(self, self._checked(input_shape), self._channel_axis)
        ndim = self.rank + 2
        self.input_spec = InputSpec(
            min_ndim=ndim, max_ndim=ndim, axes={self._channel_axis: channels}
        )
        return channels

    def _checked(self, input_shape: Any) -> Shape:
        shape = tuple(input_shape)
        if len(shape) != self.rank + 2:
            raise ShapeError(
                f"{self._where()}: expected an input of {self.rank + 2} axes, got shape {shape}"
            )
        return shape

    def _add(self, name: str, option: str, shape: tuple[int, ...]) -> Variable:
        """A weight whose options are named `option`_initializer and so on."""
        return self.add_weight(
            name=name,
            shape=shape,
            initializer=getattr(self, f"{option}_initializer"),
            regularizer=getattr(self, f"{option}_regularizer"),
            constraint=getattr(self, f"{option}_constraint"),
        )

    def _add_bias(self, size: int) -> None:
        self.bias: Variable | None = self._add("bias", "bias", (size,)) if self.use_bias else None

    def _fused(self) -> str:
        """The activation that the core applies, "linear" where `_finish` must."""
        return fused_name(self.activation) or "linear"

    def _finish(self, outputs: Any) -> Any:
        return outputs if fused_name(self.activation) else self.activation(outputs)

    def _window_options(self) -> dict[str, Any]:
        return {
            "strides": self.strides,
            "padding": self.padding,
            "data_format": self.data_format,
            "dilation_rate": self.dilation_rate,
        }

    def _output_size(self, size: int | None, axis: int) -> int | None:
        """The size of a spatial axis of the output for that of the input."""
        window, stride = self.kernel_size[axis], self.strides[axis]
        return output_size(size, window, stride, self.dilation_rate[axis], self.padding)

    def _output_shape(self, input_shape: Any, channels: Any) -> Shape:
        shape = self._checked(input_shape)
        last = self.data_format == "channels_last"
        spatial = shape[1:-1] if last else shape[2:]
        sizes = tuple(self._output_size(size, axis) for axis, size in enumerate(spatial))
        if any(size is not None and size <= 0 for size in sizes):
            raise ShapeError(
                f"{self._where()}: Computed output size would be zero or negative. Received input "
                f"shape {shape} with kernel_size={self.kernel_size}, strides={self.strides}, "
                f"dilation_rate={self.dilation_rate}, padding='{self.padding}'"
            )
        return (shape[0], *sizes, channels) if last else (shape[0], channels, *sizes)

    def get_config(self) -> dict[str, Any]:
        config = {
            "kernel_size": self.kernel_size,
            **self._window_options(),
            "activation": activations.serialize(self.activation),
            "use_bias": self.use_bias,
        }
        return {**super().get_config(), **config, **serialize_options(self, *self._options)}


def check_positive(value: Any, name: str) -> int:
    """ValueError unless the argument is an int above 0."""
    if not isinstance(value, int) or value <= 0:
        raise ValueError(
            f"Invalid value for argument `{name}`. Expected a strictly positive value. "
            f"Received {name}={value}."
        )
    return value
