"""CenterCrop."""

from __future__ import annotations

from typing import Any

from chainrule import ops
from chainrule.layers.preprocessing.image.base_sizing import BaseSizing
from chainrule.ops._images import shown_part


class CenterCrop(BaseSizing):
    """The middle of the images, of a given size; while training and not.

    Where an image is smaller than that, the largest part of its middle that has the same
    proportions, resized (bilinear).

    Parameters
    ----------
    height, width : int
        The size of the result.
    data_format : str, optional

    Raises
    ------
    ValueError
        For a size below 1.

    Examples
    --------
    >>> import numpy as np
    >>> from chainrule import layers
    >>> layers.CenterCrop(1, 2)(np.arange(12.0).reshape(3, 4, 1)).ravel().tolist()
    [5.0, 6.0]
    """

    def _parts(self, own: tuple[Any, Any]) -> Any:
        size = (self.height, self.width)
        if any(length < part for length, part in zip(own, size)):
            return shown_part(own, size, cropped=True)
        return [((length - part) // 2, part) for length, part in zip(own, size)]

    def transform_images(self, images: Any, transformation: Any, training: bool = True) -> Any:
        images = ops.cast(images, self.compute_dtype)
        height, width = (images.shape[axis] for axis in self._spatial_axes)
        size = (self.height, self.width)
        if height < self.height or width < self.width:
            return ops.image.resize(
                images, size, crop_to_aspect_ratio=True, data_format=self.data_format
            )
        return ops.image.crop_images(
            images,
            top_cropping=(height - self.height) // 2,
            left_cropping=(width - self.width) // 2,
            target_height=self.height,
            target_width=self.width,
            data_format=self.data_format,
        )

    def transform_segmentation_masks(
        self, segmentation_masks: Any, transformation: Any, training: bool = True
    ) -> Any:
        return self.transform_images(segmentation_masks, transformation, training)
