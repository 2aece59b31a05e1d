"""MaxNumBoundingBoxes."""

from __future__ import annotations

from typing import Any

from chainrule import ops
from chainrule.base.errors import ShapeError
from chainrule.layers.preprocessing.image.base_image_preprocessing_layer import (
    BaseImagePreprocessingLayer,
)


class MaxNumBoundingBoxes(BaseImagePreprocessingLayer):
    """As many boxes for each image as there are for any: the first ones, then padding.

    Images, labels and masks stay as they are.

    Parameters
    ----------
    max_number : int
        How many boxes.
    fill_value : int
        What padding is filled with, boxes and labels. Default -1.
    data_format, bounding_box_format : str, optional

    Raises
    ------
    ShapeError
        For a number below 1.

    Examples
    --------
    >>> import numpy as np
    >>> from chainrule import layers
    >>> layer = layers.MaxNumBoundingBoxes(3, bounding_box_format="xyxy")
    >>> boxes = {"boxes": np.ones((1, 2, 4)), "labels": np.array([[5, 6]])}
    >>> layer({"images": np.zeros((1, 4, 4, 3)), "bounding_boxes": boxes})["bounding_boxes"]["labels"]
    array([[ 5,  6, -1]])
    """

    _acts_at_inference = True

    def __init__(self, max_number: int, fill_value: int = -1, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.max_number = int(max_number)
        self.fill_value = int(fill_value)
        if self.max_number < 1:
            raise ShapeError(
                f"MaxNumBoundingBoxes: expected `max_number` of at least 1, got {max_number}"
            )
        self._build_at_init()

    def transform_images(self, images: Any, transformation: Any, training: bool = True) -> Any:
        return images

    def transform_bounding_boxes(
        self, bounding_boxes: Any, transformation: Any, training: bool = True
    ) -> Any:
        """`max_number` boxes and labels for each image."""
        return {key: self._as_many(x) for key, x in bounding_boxes.items()}

    def _as_many(self, x: Any) -> Any:
        x = x[:, : self.max_number]
        widths = [[0, 0] for _ in x.shape]
        widths[1][1] = self.max_number - x.shape[1]
        return ops.pad(x, widths, constant_values=self.fill_value)

    def compute_output_shape(self, input_shape: Any) -> Any:
        """The input's, but for the number of boxes."""
        if not isinstance(input_shape, dict) or "bounding_boxes" not in input_shape:
            return input_shape
        boxes = {
            key: (shape[0], self.max_number, *shape[2:])
            for key, shape in input_shape["bounding_boxes"].items()
        }
        return {**input_shape, "bounding_boxes": boxes}

    def get_config(self) -> dict[str, Any]:
        own = {"max_number": self.max_number, "fill_value": self.fill_value}
        return {**super().get_config(), **own}
