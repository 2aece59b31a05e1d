"""BaseSizing: what layers that give images another size share."""

from __future__ import annotations

from typing import Any

from chainrule.layers.preprocessing.image.base_image_preprocessing_layer import (
    BaseImagePreprocessingLayer,
)


class BaseSizing(BaseImagePreprocessingLayer):
    """A layer whose images have `height` and `width`, while training and not.

    Parameters
    ----------
    height, width : int
        The size of the result.
    data_format : str, optional

    Raises
    ------
    ValueError
        For a size below 1.
    """

    _acts_at_inference = True

    def __init__(self, height: int, width: int, data_format: Any = None, **kwargs: Any) -> None:
        super().__init__(data_format=data_format, **kwargs)
        if height < 1 or width < 1:
            raise ValueError(
                f"{type(self).__name__}: expected a size of at least 1 x 1, got height={height}, "
                f"width={width}"
            )
        self.height = height
        self.width = width
        self._build_at_init()

    def compute_output_shape(self, input_shape: Any) -> Any:
        """The input's, with the new height and width."""
        if isinstance(input_shape, dict):
            sized = ("images", "segmentation_masks")
            return {k: self._sized(s) if k in sized else s for k, s in input_shape.items()}
        return self._sized(input_shape)

    def _sized(self, shape: Any) -> tuple[Any, ...]:
        sizes = list(shape)
        for axis, size in zip(self._spatial_axes, (self.height, self.width)):
            sizes[axis] = size
        return tuple(sizes)

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), "height": self.height, "width": self.width}
