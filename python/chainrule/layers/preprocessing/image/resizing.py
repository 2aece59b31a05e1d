"""Resizing."""

from __future__ import annotations

from typing import Any

from chainrule import ops
from chainrule.layers.preprocessing.image.base_sizing import BaseSizing
from chainrule.ops._images import shown_part


class Resizing(BaseSizing):
    """Images at another size, as `ops.image.resize` makes them; while training and not.

    Parameters
    ----------
    height, width : int
        The size of the result.
    interpolation : {"bilinear", "nearest", "bicubic", "lanczos3", "lanczos5"}
        Segmentation masks always take the nearest pixel.
    crop_to_aspect_ratio : bool
        Whether the middle of the image with the result's aspect ratio is resized. Default False.
    pad_to_aspect_ratio : bool
        Whether the image is padded to the result's aspect ratio first. Default False.
    fill_mode : {"constant"}
    fill_value : float
        What is padded with. Default 0.
    antialias : bool
        Whether the kernel is widened where the image shrinks. Default False.
    data_format : str, optional

    Raises
    ------
    ValueError
        For an unknown option, crop and pad at once, or a size below 1.

    Notes
    -----
    Images of integers stay integers, rounded.

    Examples
    --------
    >>> import numpy as np
    >>> from chainrule import layers
    >>> layers.Resizing(1, 4)(np.array([[[0.0], [4.0]]])).ravel().tolist()
    [0.0, 1.0, 3.0, 4.0]
    """

    def __init__(
        self,
        height: int,
        width: int,
        interpolation: str = "bilinear",
        crop_to_aspect_ratio: bool = False,
        pad_to_aspect_ratio: bool = False,
        fill_mode: str = "constant",
        fill_value: float = 0.0,
        antialias: bool = False,
        data_format: Any = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(height, width, data_format=data_format, **kwargs)
        self.interpolation = interpolation
        self.crop_to_aspect_ratio = crop_to_aspect_ratio
        self.pad_to_aspect_ratio = pad_to_aspect_ratio
        self.fill_mode = fill_mode
        self.fill_value = fill_value
        self.antialias = bool(antialias)

    def _parts(self, own: tuple[Any, Any]) -> Any:
        size = (self.height, self.width)
        return shown_part(own, size, self.crop_to_aspect_ratio, self.pad_to_aspect_ratio)

    def _resized(self, images: Any, interpolation: str) -> Any:
        return ops.image.resize(
            images,
            (self.height, self.width),
            interpolation,
            self.antialias,
            self.crop_to_aspect_ratio,
            self.pad_to_aspect_ratio,
            self.fill_mode,
            self.fill_value,
            self.data_format,
        )

    def transform_images(self, images: Any, transformation: Any, training: bool = True) -> Any:
        return self._resized(images, self.interpolation)

    def transform_segmentation_masks(
        self, segmentation_masks: Any, transformation: Any, training: bool = True
    ) -> Any:
        return self._resized(segmentation_masks, "nearest")

    def get_config(self) -> dict[str, Any]:
        return {
            **super().get_config(),
            "interpolation": self.interpolation,
            "crop_to_aspect_ratio": self.crop_to_aspect_ratio,
            "pad_to_aspect_ratio": self.pad_to_aspect_ratio,
            "fill_mode": self.fill_mode,
            "fill_value": self.fill_value,
            "antialias": self.antialias,
        }
