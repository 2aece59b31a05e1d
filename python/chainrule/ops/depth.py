"""Channels as places of images, and back: depth_to_space and space_to_depth."""

from __future__ import annotations

from typing import Any

from chainrule.base import config
from chainrule.base.errors import ShapeError
from chainrule.base.sizes import divides
from chainrule.ops.shaping import reshape, transpose
from chainrule.tracing.casting import as_tensor
from chainrule.tracing.recording import operation

__all__ = ["depth_to_space", "space_to_depth"]


@operation
def depth_to_space(x: Any, block_size: int, data_format: str | None = "channels_last") -> Any:
    """y[n, h b + i, w b + j, c] = x[n, h, w, (i b + j) C + c], as Keras's `ops.depth_to_space`.

    With channels first the place in the block comes last: y[n, c, h b + i, w b + j] =
    x[n, (c b + i) b + j, h, w], as PyTorch's `pixel_shuffle`.

    Parameters
    ----------
    x : tensor
        (N, H, W, C * b * b), or (N, C * b * b, H, W) with channels first, of any dtype.
    block_size : int
        The side b of a block, at least 2.
    data_format : {"channels_last", "channels_first"} or None
        None takes `config.image_data_format()`. Default "channels_last".

    Returns
    -------
    tensor
        (N, H * b, W * b, C), or (N, C, H * b, W * b), in the dtype of x.

    Raises
    ------
    ShapeError
        `x` of another rank, or channels that b * b does not divide.
    ValueError
        A `block_size` below 2, or another data format.
    DTypeError
        `x` holds no numbers.

    Examples
    --------
    >>> depth_to_space([[[[1, 2, 3, 4]]]], 2)[0, :, :, 0].tolist()
    [[1, 2], [3, 4]]
    """
    x, b, first = _image("depth_to_space", x, block_size, data_format)
    n, h, w, c = _sizes(x, first)
    if not divides(b * b, c):
        raise ShapeError(
            f"depth_to_space: expected channels that block_size ** 2 = {b * b} divides, "
            f"got shape {tuple(x.shape)}"
        )
    c = c // (b * b)
    if first:
        x = transpose(reshape(x, (n, c, b, b, h, w)), (0, 1, 4, 2, 5, 3))  # (N, C, H, b, W, b)
        return reshape(x, (n, c, h * b, w * b))
    x = transpose(reshape(x, (n, h, w, b, b, c)), (0, 1, 3, 2, 4, 5))  # (N, H, b, W, b, C)
    return reshape(x, (n, h * b, w * b, c))


@operation
def space_to_depth(x: Any, block_size: int, data_format: str | None = "channels_last") -> Any:
    """The inverse of `depth_to_space`, as Keras's `ops.space_to_depth`: the elements of each block
    become channels.

    Parameters
    ----------
    x : tensor
        (N, H * b, W * b, C), or (N, C, H * b, W * b) with channels first, of any dtype.
    block_size : int
        The side b of a block, at least 2.
    data_format : {"channels_last", "channels_first"} or None
        None takes `config.image_data_format()`. Default "channels_last".

    Returns
    -------
    tensor
        (N, H, W, C * b * b), or (N, C * b * b, H, W), in the dtype of x.

    Raises
    ------
    ShapeError
        `x` of another rank, or a height or width that b does not divide.
    ValueError
        A `block_size` below 2, or another data format.
    DTypeError
        `x` holds no numbers.

    Examples
    --------
    >>> space_to_depth([[[[1], [2]], [[3], [4]]]], 2).tolist()
    [[[[1, 2, 3, 4]]]]
    """
    x, b, first = _image("space_to_depth", x, block_size, data_format)
    n, h, w, c = _sizes(x, first)
    if not (divides(b, h) and divides(b, w)):
        raise ShapeError(
            f"space_to_depth: expected a height and a width that block_size={b} divides, "
            f"got shape {tuple(x.shape)}"
        )
    h, w = h // b, w // b
    if first:
        x = transpose(reshape(x, (n, c, h, b, w, b)), (0, 1, 3, 5, 2, 4))  # (N, C, b, b, H, W)
        return reshape(x, (n, c * b * b, h, w))
    x = transpose(reshape(x, (n, h, b, w, b, c)), (0, 1, 3, 2, 4, 5))  # (N, H, W, b, b, C)
    return reshape(x, (n, h, w, b * b * c))


def _image(op: str, x: Any, block_size: Any, data_format: str | None) -> tuple[Any, int, bool]:
    """The tensor, the side of a block, and whether channels come first."""
    first = config.standardize_data_format(data_format) == "channels_first"
    if not isinstance(block_size, int) or block_size < 2:
        raise ValueError(f"{op}: `block_size` must be at least 2, an int, got {block_size!r}")
    x = as_tensor(x)
    if x.ndim != 4:
        raise ShapeError(f"{op}: expected x of 4 axes, got shape {tuple(x.shape)}")
    return x, block_size, first


def _sizes(x: Any, first: bool) -> tuple[Any, Any, Any, Any]:
    """Batch, height, width and channels."""
    n, *others = x.shape
    c, h, w = others if first else (others[2], *others[:2])
    return n, h, w, c
