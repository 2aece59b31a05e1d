"""BaseWarp: what layers that move pixels share."""

from __future__ import annotations

from typing import Any

from chainrule import ops
from chainrule.layers.preprocessing.image.base_image_preprocessing_layer import (
    BaseImagePreprocessingLayer,
    Factor,
)
from chainrule.layers.preprocessing.image.box_moves import moved_boxes, warp

INTERPOLATIONS = ("nearest", "bilinear")
FILL_MODES = ("reflect", "wrap", "constant", "nearest")


class BaseWarp(BaseImagePreprocessingLayer):
    """A layer whose images are ``y[h, w] = x[v, u]`` with (u, v) an affine map of (w, h).

    A subclass draws parameters and gives their maps, (N, 8) or (8,), in `_transforms`; see
    `ops.image.affine_transform`. Masks take the nearest pixel's value.

    Parameters
    ----------
    fill_mode : str
        What stands outside the image: ``reflect`` (the default), ``wrap``, ``constant`` or
        ``nearest``.
    interpolation : str
        ``bilinear`` (the default) or ``nearest``.
    fill_value : float
        The constant. Default 0.0.
    seed : int, optional
    data_format : str, optional
    """

    def __init__(
        self,
        fill_mode: str = "reflect",
        interpolation: str = "bilinear",
        seed: int | None = None,
        fill_value: float = 0.0,
        data_format: Any = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(data_format=data_format, **kwargs)
        check_choice(self, "fill_mode", fill_mode, FILL_MODES)
        check_choice(self, "interpolation", interpolation, INTERPOLATIONS)
        self.fill_mode = fill_mode
        self.interpolation = interpolation
        self.fill_value = fill_value
        self._seed_with(seed)

    def _size(self, data: Any) -> tuple[int, int]:
        """Height and width of the images."""
        shape = self._shape(data)
        height, width = (shape[axis] for axis in self._spatial_axes)
        return height, width

    def _transforms(self, transformation: Any, height: int, width: int) -> Any:
        raise NotImplementedError(f"{type(self).__name__} has no `_transforms`")

    def transform_images(self, images: Any, transformation: Any, training: bool = True) -> Any:
        images = ops.cast(images, self.compute_dtype)
        if not training or transformation is None:
            return images
        return self._warp(images, transformation, self.interpolation)

    def transform_segmentation_masks(
        self, segmentation_masks: Any, transformation: Any, training: bool = True
    ) -> Any:
        """Masks under the drawn parameters, with the nearest pixel's value."""
        masks = ops.cast(segmentation_masks, self.compute_dtype)
        if not training or transformation is None:
            return masks
        return self._warp(masks, transformation, "nearest")

    def transform_bounding_boxes(
        self, bounding_boxes: Any, transformation: Any, training: bool = True
    ) -> Any:
        """The upright boxes around where the corners go, cut at the image's borders."""
        if not training or transformation is None:
            return bounding_boxes
        size = self._drawn_size(transformation)
        maps = self._transforms(transformation, *size)
        return moved_boxes(bounding_boxes, self.bounding_box_format, size, lambda x: warp(x, maps))

    def _drawn_size(self, transformation: Any) -> tuple[int, int]:
        """Height and width of the images that the parameters were drawn for."""
        height, width = (transformation["input_shape"][axis] for axis in self._spatial_axes)
        return int(height), int(width)

    def _warp(self, images: Any, transformation: Any, interpolation: str) -> Any:
        return ops.image.affine_transform(
            images,
            self._transforms(transformation, *self._size(images)),
            interpolation=interpolation,
            fill_mode=self.fill_mode,
            fill_value=self.fill_value,
            data_format=self.data_format,
        )

    def get_config(self) -> dict[str, Any]:
        return {
            **super().get_config(),
            "fill_mode": self.fill_mode,
            "interpolation": self.interpolation,
            "seed": self.seed,
            "fill_value": self.fill_value,
        }


def check_choice(layer: Any, name: str, value: Any, choices: tuple[str, ...]) -> None:
    """ValueError unless `value` is one of the choices."""
    if value not in choices:
        raise ValueError(
            f"{type(layer).__name__}: Unknown `{name}` {value}. Expected one of {choices}."
        )


def shift_interval(factor: Any, name: str, low: float = -1.0, open_low: bool = False) -> Factor:
    """The interval of a factor: a pair, or a number f for [-f, f]; both ends in [low, 1].

    Raises
    ------
    ValueError
        For anything else; with `open_low` for `low` itself too.

    Examples
    --------
    >>> shift_interval(-0.2, "height_factor"), shift_interval((0.3, 0), "height_factor")
    ((-0.2, 0.2), (0, 0.3))
    """
    numbers = factor if isinstance(factor, (tuple, list)) else (factor,)
    fits = len(numbers) == (2 if isinstance(factor, (tuple, list)) else 1) and all(
        isinstance(x, (int, float)) and low <= x <= 1.0 and not (open_low and x == low)
        for x in numbers
    )
    if not fits:
        raise ValueError(
            f"The `{name}` argument should be a number (or a list of two numbers) in the range "
            f"{'(' if open_low else '['}{low}, 1.0]. Received: {name}={factor}"
        )
    if len(numbers) == 1:
        return -abs(numbers[0]), abs(numbers[0])
    first, second = sorted(numbers)
    return first, second


def affine_rows(*columns: Any) -> Any:
    """(N, 8) transforms from the six numbers of each affine map, (N,) each or Python numbers.

    Examples
    --------
    >>> import numpy as np
    >>> affine_rows(1.0, 0.0, np.array([2.0]), 0.0, 1.0, 0.0).tolist()
    [[1.0, 0.0, 2.0, 0.0, 1.0, 0.0, 0.0, 0.0]]
    """
    known = next(column for column in columns if hasattr(column, "shape"))
    full = [c if hasattr(c, "shape") else ops.full_like(known, c) for c in (*columns, 0.0, 0.0)]
    return ops.stack(full, axis=1)
