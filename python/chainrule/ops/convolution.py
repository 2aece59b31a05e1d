"""Convolutions of sequences, images and volumes: plain, depthwise, separable, transposed."""

from __future__ import annotations

import math
from typing import Any

from chainrule.base.config import floatx
from chainrule.base.dtypes import is_float_dtype, result_type
from chainrule.base.errors import ShapeError
from chainrule.base.sizes import Size, as_size, divides, may_be
from chainrule.ops._spatial import (
    channels_back,
    channels_last,
    check_padding,
    explicit_padding,
    per_axis,
    reach,
    spatial_rank,
)
from chainrule.ops.arithmetic import add
from chainrule.ops.shaping import reshape
from chainrule.tracing.casting import as_dtype, as_tensor
from chainrule.tracing.dispatch import apply
from chainrule.tracing.recording import operation

__all__ = ["conv", "conv_transpose", "depthwise_conv", "separable_conv"]

_TRANSPOSE = "conv_transpose"


def _one_float(*xs: Any) -> list[Any]:
    """All in their common dtype, integers in `floatx()`."""
    tensors = [as_tensor(x) for x in xs]
    dtype = result_type(*(x.dtype for x in tensors))
    return [as_dtype(x, dtype if is_float_dtype(dtype) else floatx()) for x in tensors]


def _check_rank(op: str, inputs: Any, kernel: Any) -> int:
    rank = spatial_rank(inputs, op)
    if kernel.ndim != rank + 2:
        raise ShapeError(
            f"{op}: expected a kernel with the {rank + 2} axes of `inputs`, got a kernel of shape "
            f"{tuple(kernel.shape)} for `inputs` of {tuple(inputs.shape)}"
        )
    return rank


def convolve(
    inputs: Any,
    kernel: Any,
    bias: Any = None,
    *,
    strides: Any = 1,
    padding: str = "valid",
    data_format: str | None = None,
    dilation_rate: Any = 1,
    activation: str = "linear",
    op: str = "conv",
) -> Any:
    """``activation(conv(inputs, kernel) + bias)`` as one op of the core.

    Parameters
    ----------
    inputs, kernel, strides, padding, data_format, dilation_rate
        As for `conv`; `padding` also "causal", on one spatial axis.
    bias : tensor, optional
        (C,)
    activation : {"linear", "relu", "sigmoid", "tanh"}
    op : str
        What messages name.

    Examples
    --------
    >>> import numpy as np
    >>> x, kernel = np.ones((1, 3, 1)), -np.ones((2, 1, 1))
    >>> convolve(x, kernel, [3.0], activation="relu").ravel().tolist()
    [1.0, 1.0]
    """
    inputs, first = channels_last(inputs, data_format)
    tensors = _one_float(inputs, kernel, *([] if bias is None else [bias]))
    inputs, kernel = tensors[:2]
    rank = _check_rank(op, inputs, kernel)
    strides = per_axis(op, "strides", strides, rank)
    dilations = per_axis(op, "dilation_rate", dilation_rate, rank)
    known = ("valid", "same", "causal") if rank == 1 else ("valid", "same")
    padding = check_padding(op, padding, known)
    channels, taken = inputs.shape[-1], kernel.shape[-2]
    if not divides(taken, channels):
        raise ShapeError(
            f"{op}: input channels must match the kernel's, or be a multiple of them, in groups, "
            f"got {channels} channels and a kernel of shape {tuple(kernel.shape)}"
        )
    sizes, window = inputs.shape[1:-1], kernel.shape[:-2]
    attrs = {
        "strides": strides,
        "padding": explicit_padding(padding, sizes, window, strides, dilations),
        "dilations": dilations,
        # Of channels that are not known: shapes are the same for any number of groups.
        "groups": 1 if isinstance(channels, Size) else channels // taken,
        "activation": activation,
    }
    return channels_back(apply("conv", attrs, tensors), first)


@operation
def conv(
    inputs: Any,
    kernel: Any,
    strides: Any = 1,
    padding: str = "valid",
    data_format: str | None = None,
    dilation_rate: Any = 1,
) -> Any:
    """y[n, o, c] = sum over k, i of x[n, o stride + k dilation - lo, i] kernel[k, i, c], as
    `jax.lax.conv_general_dilated`.

    Parameters
    ----------
    inputs : tensor
        (N, *S, I), or (N, I, *S) with channels first; 1 to 3 spatial axes. Integers become floats.
    kernel : tensor
        (*K, I / groups, C). The number of groups follows from the channels; both I and C are cut
        into that many parts, and each part of C sees its part of I.
    strides : int or sequence of int
        From one window to the next, for each spatial axis or one for all. Default 1.
    padding : str
        "valid", "same" (zeros around, so that O = ceil(S / strides)), or, on one spatial axis,
        "causal" (zeros before only). Default "valid".
    data_format : {"channels_last", "channels_first"}, optional
        Where the channels stand. Default: `config.image_data_format()`.
    dilation_rate : int or sequence of int
        From one element of a window to the next, for each spatial axis or one for all. Default 1.

    Returns
    -------
    tensor
        (N, *O, C), or (N, C, *O), in the common float dtype.

    Raises
    ------
    ShapeError
        Ranks or channels that do not fit, or a kernel larger than the padded image.
    ValueError
        Strides, dilations, padding or data format that are none.
    DTypeError
        An argument that holds no numbers.

    References
    ----------
    Goodfellow, Bengio and Courville, Deep Learning, section 9.5.

    Examples
    --------
    >>> import numpy as np
    >>> conv(np.ones((1, 4, 4, 3)), np.ones((3, 3, 3, 2)), padding="same").shape
    (1, 4, 4, 2)
    """
    return convolve(
        inputs,
        kernel,
        strides=strides,
        padding=padding,
        data_format=data_format,
        dilation_rate=dilation_rate,
    )


def flat_depthwise(kernel: Any, channels: int, op: str = "depthwise_conv") -> Any:
    """A depthwise kernel (*K, I, multiplier) as that of a convolution of I groups.

    Raises
    ------
    ShapeError
        When it is of another number of channels.

    Examples
    --------
    >>> import numpy as np
    >>> flat_depthwise(np.ones((3, 3, 8, 2)), 8).shape
    (3, 3, 1, 16)
    """
    kernel = as_tensor(kernel)
    if kernel.ndim < 3 or not may_be(kernel.shape[-2], channels):
        raise ShapeError(
            f"{op}: input channels must match the kernel's last axis but one, got {channels} "
            f"channels and a kernel of shape {tuple(kernel.shape)}"
        )
    return reshape(kernel, (*kernel.shape[:-2], 1, math.prod(kernel.shape[-2:])))


def _channels(inputs: Any, data_format: str | None, op: str) -> int:
    inputs, _ = channels_last(inputs, data_format)
    spatial_rank(inputs, op)
    channels: int = as_size(inputs.shape[-1])
    return channels


@operation
def depthwise_conv(
    inputs: Any,
    kernel: Any,
    strides: Any = 1,
    padding: str = "valid",
    data_format: str | None = None,
    dilation_rate: Any = 1,
) -> Any:
    """y[n, o, i m + j] = sum over k of x[n, o stride + k dilation - lo, i] kernel[k, i, j], as
    TensorFlow's `tf.nn.depthwise_conv2d`.

    Each channel is convolved on its own with m kernels.

    Parameters
    ----------
    inputs : tensor
        (N, *S, I), or (N, I, *S) with channels first; 1 to 3 spatial axes. Integers become floats.
    kernel : tensor
        (*K, I, m).
    strides : int or sequence of int
        From one window to the next, for each spatial axis or one for all. Default 1.
    padding : str
        "valid", "same" (zeros around, so that O = ceil(S / strides)), or, on one spatial axis,
        "causal" (zeros before only). Default "valid".
    data_format : {"channels_last", "channels_first"}, optional
        Where the channels stand. Default: `config.image_data_format()`.
    dilation_rate : int or sequence of int
        From one element of a window to the next, for each spatial axis or one for all. Default 1.

    Returns
    -------
    tensor
        (N, *O, I m), or (N, I m, *O), in the common float dtype.

    Raises
    ------
    ShapeError
        Ranks or channels that do not fit, or a kernel larger than the padded image.
    ValueError
        Strides, dilations, padding or data format that are none.
    DTypeError
        An argument that holds no numbers.

    Examples
    --------
    >>> import numpy as np
    >>> depthwise_conv(np.ones((1, 4, 4, 3)), np.ones((3, 3, 3, 2))).shape
    (1, 2, 2, 6)
    """
    kernel = flat_depthwise(kernel, _channels(inputs, data_format, "depthwise_conv"))
    return convolve(
        inputs,
        kernel,
        strides=strides,
        padding=padding,
        data_format=data_format,
        dilation_rate=dilation_rate,
        op="depthwise_conv",
    )


@operation
def separable_conv(
    inputs: Any,
    depthwise_kernel: Any,
    pointwise_kernel: Any,
    strides: Any = 1,
    padding: str = "valid",
    data_format: str | None = None,
    dilation_rate: Any = 1,
) -> Any:
    """A depthwise convolution, then one with a kernel of size 1 that mixes its channels; as
    TensorFlow's `tf.nn.separable_conv2d`.

    Parameters
    ----------
    inputs : tensor
        (N, *S, I), or (N, I, *S) with channels first; 1 to 3 spatial axes. Integers become floats.
    depthwise_kernel : tensor
        (*K, I, m).
    pointwise_kernel : tensor
        (*ones, I m, C).
    strides : int or sequence of int
        From one window to the next, for each spatial axis or one for all. Default 1.
    padding : str
        "valid", "same" (zeros around, so that O = ceil(S / strides)), or, on one spatial axis,
        "causal" (zeros before only). Default "valid".
    data_format : {"channels_last", "channels_first"}, optional
        Where the channels stand. Default: `config.image_data_format()`.
    dilation_rate : int or sequence of int
        From one element of a window to the next, for each spatial axis or one for all. Default 1.

    Returns
    -------
    tensor
        (N, *O, C), or (N, C, *O), in the common float dtype.

    Raises
    ------
    ShapeError
        Ranks or channels that do not fit, or a kernel larger than the padded image.
    ValueError
        Strides, dilations, padding or data format that are none.
    DTypeError
        An argument that holds no numbers.

    References
    ----------
    Chollet, Xception: Deep Learning with Depthwise Separable Convolutions, 2016.

    Examples
    --------
    >>> import numpy as np
    >>> x = np.ones((1, 4, 4, 3))
    >>> separable_conv(x, np.ones((3, 3, 3, 2)), np.ones((1, 1, 6, 5))).shape
    (1, 2, 2, 5)
    """
    kernel = flat_depthwise(
        depthwise_kernel, _channels(inputs, data_format, "separable_conv"), "separable_conv"
    )
    inner = convolve(
        inputs,
        kernel,
        strides=strides,
        padding=padding,
        data_format=data_format,
        dilation_rate=dilation_rate,
        op="separable_conv",
    )
    return convolve(inner, pointwise_kernel, data_format=data_format, op="separable_conv")


def transposed_size(
    size: int, window: int, stride: int, dilation: int, padding: str, output_padding: int | None
) -> tuple[int, int, int]:
    """The output size of a transposed convolution, and the zeros lo, hi of the convolution back.

    Without `output_padding` the size is (n - 1) s + max(r, s) for "valid", where r is the reach of
    the window, and n s for "same"; with it, (n - 1) s + r + output_padding, or
    (n - 1) s + r % 2 + output_padding.

    Examples
    --------
    >>> transposed_size(4, 3, 2, 1, "same", None), transposed_size(4, 3, 2, 1, "valid", 1)
    ((8, 0, 1), (10, 0, 0))
    """
    r, s = reach(window, dilation), stride
    if padding == "valid":
        more = max(r, s) - r if output_padding is None else output_padding
        return (size - 1) * s + r + more, 0, 0
    more = s - r % 2 if output_padding is None else output_padding
    # Zeros around the inputs spread by the stride, as though a plain convolution followed.
    around = r + r % 2 - 2 + more
    before = min(around - around // 2, r - 1)
    after = around - before
    return (size - 1) * s + r % 2 + more, r - 1 - before, max(r - 1 - after, 0)


def check_output_padding(value: Any, strides: list[int]) -> list[int | None]:
    """`output_padding` for each axis; `None` where the output size is to be inferred.

    Raises
    ------
    ValueError
        When it is not below the stride.
    """
    if value is None:
        return [None] * len(strides)
    values = per_axis(_TRANSPOSE, "output_padding", value, len(strides), 0)
    if any(v >= s for v, s in zip(values, strides)):
        raise ValueError(
            f"{_TRANSPOSE}: `output_padding` must be strictly less than `strides` for all dimensions, got "
            f"output_padding={value} for strides={tuple(strides)}"
        )
    return list(values)


def convolve_transpose(
    inputs: Any,
    kernel: Any,
    bias: Any = None,
    *,
    strides: Any = 1,
    padding: str = "valid",
    output_padding: Any = None,
    data_format: str | None = None,
    dilation_rate: Any = 1,
) -> Any:
    """``conv_transpose(inputs, kernel) + bias``, with parameters as for `conv_transpose`.

    Examples
    --------
    >>> import numpy as np
    >>> convolve_transpose(np.ones((1, 2, 1)), np.ones((2, 1, 1)), [0.5]).ravel().tolist()
    [1.5, 2.5, 1.5]
    """
    inputs, first = channels_last(inputs, data_format)
    inputs, kernel = _one_float(inputs, kernel)
    rank = _check_rank(_TRANSPOSE, inputs, kernel)
    if not may_be(kernel.shape[-1], inputs.shape[-1]):
        raise ShapeError(
            "conv_transpose: input channels must match the kernel's last axis, got "
            f"{inputs.shape[-1]} channels and a kernel of shape {tuple(kernel.shape)}"
        )
    strides = per_axis(_TRANSPOSE, "strides", strides, rank)
    dilations = per_axis(_TRANSPOSE, "dilation_rate", dilation_rate, rank)
    padding = check_padding(_TRANSPOSE, padding, ("valid", "same"))
    outputs = check_output_padding(output_padding, strides)
    axes = zip(inputs.shape[1:-1], kernel.shape[:-2], strides, dilations, outputs)
    found = [transposed_size(n, k, s, d, padding, more) for n, k, s, d, more in axes]
    attrs = {
        "strides": strides,
        "padding": [end for _, lo, hi in found for end in (lo, hi)],
        "dilations": dilations,
        "groups": 1,
        "sizes": [size for size, _, _ in found],
    }
    result = apply("conv_transpose", attrs, [inputs, kernel])
    return channels_back(result if bias is None else add(result, bias), first)


@operation
def conv_transpose(
    inputs: Any,
    kernel: Any,
    strides: Any = 1,
    padding: str = "valid",
    output_padding: Any = None,
    data_format: str | None = None,
    dilation_rate: Any = 1,
) -> Any:
    """y[n, o stride + k dilation - lo, c] sums x[n, o, i] kernel[k, c, i] over i and all such o, k;
    as Keras's `ops.conv_transpose`.

    The transpose of a convolution of (N, *O, C) by the same kernel: what its gradient computes.

    Parameters
    ----------
    inputs : tensor
        (N, *S, I), or (N, I, *S) with channels first; 1 to 3 spatial axes. Integers become floats.
    kernel : tensor
        (*K, C, I).
    strides : int or sequence of int
        From one window to the next, for each spatial axis or one for all. Default 1.
    padding : str
        "valid" or "same", of the convolution that is transposed. Default "valid".
    output_padding : int or sequence of int, optional
        Chooses among the sizes that the convolution takes to S; below the stride. Default: S times
        the stride for "same", and for "valid" (S - 1) times the stride plus the larger of the
        dilated kernel and the stride.
    data_format : {"channels_last", "channels_first"}, optional
        Where the channels stand. Default: `config.image_data_format()`.
    dilation_rate : int or sequence of int
        From one element of a window to the next, for each spatial axis or one for all. Default 1.

    Returns
    -------
    tensor
        (N, *O, C), or (N, C, *O), in the common float dtype.

    Raises
    ------
    ShapeError
        Ranks or channels that do not fit, or an output without elements.
    ValueError
        Strides, dilations, padding, output padding or data format that are none.
    DTypeError
        An argument that holds no numbers.

    References
    ----------
    Dumoulin and Visin, A Guide to Convolution Arithmetic for Deep Learning, 2016.

    Examples
    --------
    >>> import numpy as np
    >>> conv_transpose(np.ones((1, 4, 4, 3)), np.ones((3, 3, 2, 3)), 2, "same").shape
    (1, 8, 8, 2)
    """
    return convolve_transpose(
        inputs,
        kernel,
        strides=strides,
        padding=padding,
        output_padding=output_padding,
        data_format=data_format,
        dilation_rate=dilation_rate,
    )
