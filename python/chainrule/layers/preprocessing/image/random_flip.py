"""RandomFlip."""

from __future__ import annotations

from typing import Any

import numpy as np

from chainrule import ops
from chainrule.layers.preprocessing.image.base_image_preprocessing_layer import (
    BaseImagePreprocessingLayer,
)
from chainrule.layers.preprocessing.image.box_moves import moved_boxes
from chainrule.utils.box_layouts import coordinates, joined

_MODES = ("horizontal", "vertical", "horizontal_and_vertical")


class RandomFlip(BaseImagePreprocessingLayer):
    """Mirrors half of the images: ``y[h, w] = x[h, W - 1 - w]`` and the like.

    Parameters
    ----------
    mode : str
        ``horizontal``, ``vertical``, or ``horizontal_and_vertical`` (the default), which mirrors an
        image in both directions at once, or not at all.
    seed : int, optional
    data_format : str, optional

    Raises
    ------
    ValueError
        For another mode.

    Examples
    --------
    >>> import numpy as np
    >>> from chainrule import layers
    >>> layer = layers.RandomFlip("horizontal", seed=1)
    >>> x = np.arange(4.0).reshape(1, 1, 4, 1)
    >>> sorted({tuple(layer(x).ravel().tolist()) for _ in range(20)})
    [(0.0, 1.0, 2.0, 3.0), (3.0, 2.0, 1.0, 0.0)]
    """

    def __init__(
        self,
        mode: str = "horizontal_and_vertical",
        seed: int | None = None,
        data_format: Any = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(data_format=data_format, **kwargs)
        if mode not in _MODES:
            raise ValueError(f"RandomFlip: expected `mode` to be one of {_MODES}, got {mode!r}")
        self.mode = mode
        self._seed_with(seed)
        self._build_at_init()

    def get_random_transformation(self, data: Any, training: bool = True, seed: Any = None) -> Any:
        if not training:
            return None
        shape = self._shape(data)
        drawn = self._uniform((self._batch_size(data), *(1,) * 3), (0.0, 1.0), self._seed(seed))
        return {"flips": ops.less_equal(drawn, 0.5), "input_shape": shape}

    def transform_images(self, images: Any, transformation: Any, training: bool = True) -> Any:
        images = ops.cast(images, self.compute_dtype)
        return self._flip(images, transformation) if training else images

    def transform_segmentation_masks(
        self, segmentation_masks: Any, transformation: Any, training: bool = True
    ) -> Any:
        return self.transform_images(segmentation_masks, transformation, training=training)

    def transform_bounding_boxes(
        self, bounding_boxes: Any, transformation: Any, training: bool = True
    ) -> Any:
        """Boxes mirrored with the images."""
        if not training or transformation is None:
            return bounding_boxes
        height, width = (transformation["input_shape"][axis] for axis in self._spatial_axes)
        flips = ops.squeeze(transformation["flips"], axis=-1)  # (N, 1, 1)
        vertical, horizontal = self._mirrored

        def flip(boxes: Any) -> Any:
            left, top, right, bottom = coordinates(boxes)
            if horizontal:
                left, right = width - right, width - left
            if vertical:
                top, bottom = height - bottom, height - top
            return ops.where(flips, joined(left, top, right, bottom), boxes)

        return moved_boxes(bounding_boxes, self.bounding_box_format, (height, width), flip)

    @property
    def _mirrored(self) -> tuple[bool, bool]:
        """Whether rows and columns change their order."""
        return {"horizontal": (False, True), "vertical": (True, False)}.get(self.mode, (True, True))

    def _flip(self, images: Any, transformation: Any) -> Any:
        if transformation is None:
            return images
        flips = self._per_image(transformation["flips"])
        axes = self._mirrored
        if self.data_format == "channels_first":
            turned = [axis + 4 for axis, mirrored in zip(self._spatial_axes, axes) if mirrored]
            return ops.where(flips, ops.flip(images, turned), images)
        # A warp by whole pixels reads and writes the images once.
        _, height, width, _ = images.shape
        vertical, horizontal = axes
        mirror = [-1, 0, width - 1] if horizontal else [1, 0, 0]
        mirror += [0, -1, height - 1] if vertical else [0, 1, 0]
        maps = np.array([[*mirror, 0, 0], [1, 0, 0, 0, 1, 0, 0, 0]], "float32")
        maps = ops.where(ops.reshape(flips, (-1, 1)), maps[:1], maps[1:])
        return ops.image.affine_transform(
            images, maps, interpolation="nearest", data_format=self.data_format
        )

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), "seed": self.seed, "mode": self.mode}
