"""How features change over the frames."""

from __future__ import annotations

from typing import Any

from chainrule import ops

__all__ = ["deltas"]


def deltas(x: Any, width: int = 9) -> Any:
    """The slope of the line that fits the `width` frames around each best:
    ``d_t = sum_k k (x_{t+k} - x_{t-k}) / (2 sum_k k^2)``, k from 1 to K = (width - 1) / 2, where the
    first and last frame go on; as `librosa.feature.delta` with ``mode="nearest"``.

    Parameters
    ----------
    x : tensor (..., frames)
        Features, such as `mfcc` gives them. Traced tensors too.
    width : int
        Odd, from 3 up. Default 9.

    Returns
    -------
    tensor (..., frames)
        The change from a frame to the next; of `deltas` again, how that changes.

    Raises
    ------
    ValueError
        A width that is even or below 3.

    Examples
    --------
    >>> import numpy as np
    >>> deltas(np.array([0.0, 1.0, 2.0, 4.0, 6.0]), 3).tolist()
    [0.5, 1.0, 1.5, 2.0, 1.0]
    """
    if width < 3 or width % 2 == 0:
        raise ValueError(f"deltas: expected an odd width of 3 or more, got {width}")
    x = ops.convert_to_tensor(x)
    reach, frames = width // 2, x.shape[-1]
    padded = ops.pad(x, [(0, 0)] * (x.ndim - 1) + [(reach, reach)], mode="edge")
    total = sum(
        k * (padded[..., reach + k : reach + k + frames] - padded[..., reach - k :][..., :frames])
        for k in range(1, reach + 1)
    )
    return total / (2 * sum(k * k for k in range(1, reach + 1)))
