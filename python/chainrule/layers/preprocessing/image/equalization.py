"""Equalization."""

from __future__ import annotations

from typing import Any

from chainrule import ops
from chainrule.layers.preprocessing.image.base_image_preprocessing_layer import (
    BaseImagePreprocessingLayer,
    check_value_range,
    rescale,
)
from chainrule.tracing.dispatch import apply


class Equalization(BaseImagePreprocessingLayer):
    """``y = round(255 (c(x) - c0) / (n - c0))``, c the cumulated histogram of a channel's n values.

    c0 is the count of the lowest occupied bin. As in Keras the histogram of a channel is that of
    the whole batch; equalize images one by one to keep them apart.

    Parameters
    ----------
    value_range : pair of floats
        Default (0, 255).
    bins : int
        Bins of the histogram. Default 256.
    data_format : str, optional

    Raises
    ------
    ValueError
        For fewer than two bins, or a value range that is no pair.

    Examples
    --------
    >>> import numpy as np
    >>> from chainrule import layers
    >>> layers.Equalization()(np.array([[[[10.0], [11.0], [12.0]]]])).ravel().tolist()
    [0.0, 128.0, 255.0]
    """

    def __init__(
        self,
        value_range: Any = (0, 255),
        bins: int = 256,
        data_format: Any = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(data_format=data_format, **kwargs)
        if bins < 2:
            raise ValueError(f"Equalization: expected at least two `bins`, got {bins}")
        self.bins = bins
        self.value_range = check_value_range(value_range)
        self._build_at_init()

    def transform_images(
        self, images: Any, transformation: Any = None, training: bool = True
    ) -> Any:
        images = ops.cast(images, self.compute_dtype)
        if not training:
            return images
        axis = self._channel_axis + 4
        images = rescale(images, self.value_range, (0, 255))
        planes = [self._equalize(plane) for plane in ops.unstack(images, axis=axis)]
        return rescale(ops.stack(planes, axis=axis), (0, 255), self.value_range)

    def _equalize(self, plane: Any) -> Any:
        last = self.bins - 1
        bin_of = ops.cast(ops.clip(plane / 255 * last, 0, last), "int32")
        flat = ops.reshape(bin_of, (-1,))
        attrs = {"axis": 0, "size": self.bins}
        counts = apply("scatter_add", attrs, [ops.ones_like(flat), flat])
        # Counts times 255 pass 2^31 for large batches; a double holds them.
        cumulated = ops.cumsum(ops.cast(counts, "float64"))
        lowest = ops.min(ops.where(cumulated > 0, cumulated, cumulated[-1]))
        spread = cumulated[-1] - lowest
        table = (cumulated - lowest) * 255 / ops.where(spread > 0, spread, 1.0)
        table = ops.cast(ops.clip(ops.round(table), 0, 255), plane.dtype)
        return ops.where(spread > 0, ops.take(table, bin_of), plane)

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), "bins": self.bins, "value_range": self.value_range}
