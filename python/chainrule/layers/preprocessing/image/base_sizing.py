"""BaseSizing: what layers that give images another size share."""

from __future__ import annotations

from typing import Any

from chainrule.layers.preprocessing.image.base_image_preprocessing_layer import (
    BaseImagePreprocessingLayer,
)
from chainrule.layers.preprocessing.image.box_moves import shown_boxes


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

    def get_random_transformation(self, data: Any, training: bool = True, seed: Any = None) -> Any:
        """Which part of the images is seen; nothing is drawn."""
        shape = self._shape(data)
        own = shape[self._spatial_axes[0]], shape[self._spatial_axes[1]]
        return {"parts": self._parts(own), "input_size": own}

    def _parts(self, own: tuple[Any, Any]) -> Any:
        """(begin, length) along height and width of what is seen of images."""
        raise NotImplementedError(f"{type(self).__name__} has no `_parts`")

    def transform_bounding_boxes(
        self, bounding_boxes: Any, transformation: Any, training: bool = True
    ) -> Any:
        """Boxes as they lie in the part that is seen, cut at its borders."""
        return shown_boxes(bounding_boxes, self, transformation)

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
