"""Windows of images as columns, and back: unfold and fold."""

from __future__ import annotations

import itertools
from typing import Any

from chainrule.base.errors import ShapeError
from chainrule.ops._spatial import per_axis, reach
from chainrule.ops.arranging import pad
from chainrule.ops.joining import stack
from chainrule.ops.shaping import reshape
from chainrule.tracing.casting import as_tensor
from chainrule.tracing.dispatch import apply
from chainrule.tracing.recording import operation

__all__ = ["fold", "unfold"]


class _Windows:
    """Where the windows of both ops lie; sizes are of the padded image."""

    def __init__(
        self, op: str, size: Any, kernel: Any, dilation: Any, padding: Any, stride: Any
    ) -> None:
        self.kernel = per_axis(op, "kernel_size", kernel, 2)
        self.dilation = per_axis(op, "dilation", dilation, 2)
        self.padding = per_axis(op, "padding", padding, 2, 0)
        self.stride = per_axis(op, "stride", stride, 2)
        self.sizes = [n + 2 * p for n, p in zip(size, self.padding)]
        axes = zip(self.sizes, self.kernel, self.dilation, self.stride)
        self.counts = [(n - reach(k, d)) // s + 1 for n, k, d, s in axes]
        if min(self.counts) < 1:
            raise ShapeError(
                f"{op}: expected an image no smaller than the window, got {tuple(self.sizes)} with "
                f"its padding, kernel_size={tuple(self.kernel)}, dilation={tuple(self.dilation)}"
            )

    def starts(self) -> list[tuple[int, int]]:
        """For each place in the kernel, where the first window meets the padded image."""
        rows, columns = ([i * d for i in range(k)] for k, d in zip(self.kernel, self.dilation))
        return list(itertools.product(rows, columns))


@operation
def unfold(
    x: Any, kernel_size: Any, dilation: Any = 1, padding: Any = 0, stride: Any = 1
) -> Any:
    """y[n, (c, i, j), l] = x[n, c, row of window l + i dilation, column of l + j dilation], as
    PyTorch's `torch.nn.functional.unfold`.

    Parameters
    ----------
    x : tensor
        (N, C, H, W), channels first, of any dtype.
    kernel_size : int or pair of int
        (KH, KW) of the window.
    dilation : int or pair of int
        From one element of a window to the next. Default 1.
    padding : int or pair of int
        Zeros on both ends of both axes. Default 0.
    stride : int or pair of int
        From one window to the next. Default 1.

    Returns
    -------
    tensor
        (N, C * KH * KW, number of windows), in the dtype of x.

    Raises
    ------
    ShapeError
        `x` of another rank, or a window larger than the padded image.
    ValueError
        Sizes below 1, a padding below 0, or another number of them than one or two.
    DTypeError
        `x` holds no numbers.

    Examples
    --------
    >>> import numpy as np
    >>> unfold(np.arange(9.0).reshape(1, 1, 3, 3), 2)[0, :, 0].tolist()
    [0.0, 1.0, 3.0, 4.0]
    """
    x = as_tensor(x)
    if x.ndim != 4:
        raise ShapeError(f"unfold: expected a 4D x of (N, C, H, W), got shape {tuple(x.shape)}")
    windows = _Windows("unfold", x.shape[2:], kernel_size, dilation, padding, stride)
    (top, left), (down, right) = windows.padding, windows.stride
    x = pad(x, ((0, 0), (0, 0), (top, top), (left, left)))
    rows, columns = windows.counts
    parts = [
        x[:, :, i : i + (rows - 1) * down + 1 : down, j : j + (columns - 1) * right + 1 : right]
        for i, j in windows.starts()
    ]  # KH * KW times (N, C, rows, columns)
    n, c = x.shape[:2]
    return reshape(stack(parts, axis=2), (n, c * len(parts), rows * columns))


@operation
def fold(
    x: Any,
    output_size: Any,
    kernel_size: Any,
    dilation: Any = 1,
    padding: Any = 0,
    stride: Any = 1,
) -> Any:
    """The transpose of `unfold`, as PyTorch's `torch.nn.functional.fold`: every column is added
    into its window of an image of zeros.

    Parameters
    ----------
    x : tensor
        (N, C * KH * KW, number of windows), of numbers.
    output_size : int or pair of int
        (H, W) of the image that was unfolded.
    kernel_size : int or pair of int
        (KH, KW) of the window.
    dilation : int or pair of int
        From one element of a window to the next. Default 1.
    padding : int or pair of int
        Zeros on both ends of both axes, which are cut off again. Default 0.
    stride : int or pair of int
        From one window to the next. Default 1.

    Returns
    -------
    tensor
        (N, C, H, W), in the dtype of x.

    Raises
    ------
    ShapeError
        `x` of another rank, or with another number of columns or rows than the windows have.
    ValueError
        Sizes below 1, a padding below 0, or another number of them than one or two.
    DTypeError
        `x` holds no numbers.

    Examples
    --------
    >>> import numpy as np
    >>> columns = unfold(np.ones((1, 1, 3, 3)), 2)
    >>> fold(columns, 3, 2)[0, 0].tolist()
    [[1.0, 2.0, 1.0], [2.0, 4.0, 2.0], [1.0, 2.0, 1.0]]
    """
    x = as_tensor(x)
    if x.ndim != 3:
        raise ShapeError(f"fold: expected a 3D x of (N, C * KH * KW, L), got {tuple(x.shape)}")
    size = per_axis("fold", "output_size", output_size, 2)
    windows = _Windows("fold", size, kernel_size, dilation, padding, stride)
    starts, (rows, columns) = windows.starts(), windows.counts
    n, channels, length = x.shape
    if channels % len(starts) or length != rows * columns:
        raise ShapeError(
            f"fold: expected x of (N, C * {len(starts)}, {rows * columns}) for output_size="
            f"{tuple(size)}, got shape {tuple(x.shape)}"
        )
    c = channels // len(starts)
    parts = reshape(x, (n, c, len(starts), rows, columns))
    image: Any = None
    for k, (i, j) in enumerate(starts):
        attrs = {
            "shape": [n, c, *windows.sizes],
            "start": [0, 0, i, j],
            "step": [1, 1, *windows.stride],
        }
        spread = apply("slice_grad", attrs, [parts[:, :, k]])
        image = spread if image is None else image + spread
    (top, left), (height, width) = windows.padding, size
    return image[:, :, top : top + height, left : left + width]
