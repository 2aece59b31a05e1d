"""RandomCrop."""

from __future__ import annotations

from typing import Any

from chainrule import ops, random
from chainrule.layers.preprocessing.image.base_image_preprocessing_layer import (
    BaseImagePreprocessingLayer,
)
from chainrule.layers.preprocessing.image.box_moves import shown_boxes
from chainrule.ops._images import as_batch, shown_part
from chainrule.tracing.dispatch import apply


class RandomCrop(BaseImagePreprocessingLayer):
    """A part of the images of a given size, at one random place for the whole batch.

    Without training, and where an image is not larger than the part in both directions, the
    largest part of its middle that has the same proportions, resized (bilinear).

    Parameters
    ----------
    height, width : int
        The size of the result.
    seed : int, optional
        Default: drawn from Python's `random`.
    data_format : str, optional

    Raises
    ------
    ValueError
        For a size below 1.

    Examples
    --------
    >>> import numpy as np
    >>> from chainrule import layers
    >>> layer = layers.RandomCrop(1, 2, seed=1)
    >>> x = np.arange(8.0).reshape(1, 2, 4, 1)
    >>> sorted({tuple(layer(x).ravel().tolist()) for _ in range(50)})
    [(0.0, 1.0), (1.0, 2.0), (2.0, 3.0), (4.0, 5.0), (5.0, 6.0), (6.0, 7.0)]
    """

    _acts_at_inference = True

    def __init__(
        self,
        height: int,
        width: int,
        seed: int | None = None,
        data_format: Any = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(data_format=data_format, **kwargs)
        if height < 1 or width < 1:
            raise ValueError(
                f"RandomCrop: expected a size of at least 1 x 1, got height={height}, width={width}"
            )
        self.height = height
        self.width = width
        self._seed_with(random.make_default_seed() if seed is None else seed)
        self._build_at_init()

    def get_random_transformation(self, data: Any, training: bool = True, seed: Any = None) -> Any:
        """Where the part begins, and the size of the images."""
        shape = self._shape(data)
        own = shape[self._spatial_axes[0]], shape[self._spatial_axes[1]]
        starts = [start for start, _ in shown_part(own, self._size, cropped=True)]
        if self._is_drawn(own, training):
            seed = self._seed(seed)
            places = [length - part + 1 for length, part in zip(own, self._size)]
            starts = [random.randint((), 0, count, seed=seed) for count in places]
        return (*starts, own)

    @property
    def _size(self) -> tuple[int, int]:
        return self.height, self.width

    def _is_drawn(self, own: tuple[Any, Any], training: bool) -> bool:
        return training and own[0] > self.height and own[1] > self.width

    def _parts(self, starts: Any, own: tuple[Any, Any], training: bool) -> list[tuple[Any, int]]:
        """(begin, length) along height and width of the part of images of the size `own`."""
        lengths = self._size
        if not self._is_drawn(own, training):
            lengths = tuple(k for _, k in shown_part(own, self._size, cropped=True))
        return list(zip(starts, lengths))

    def transform_images(self, images: Any, transformation: Any, training: bool = True) -> Any:
        images = ops.cast(images, self.compute_dtype)
        axes = [axis + 4 for axis in self._spatial_axes]
        own = images.shape[axes[0]], images.shape[axes[1]]
        for axis, (start, count) in zip(axes, self._parts(transformation, own, training)):
            if self._is_drawn(own, training):
                images = ops.take(images, start + ops.arange(count, dtype="int32"), axis=axis)
            else:
                index: list[Any] = [slice(None)] * 4
                index[axis] = slice(start, start + count)
                images = images[tuple(index)]
        if (images.shape[axes[0]], images.shape[axes[1]]) == self._size:
            return images
        batch, back = as_batch("random_crop", images, self.data_format)
        attrs = {"size": [self.height, self.width], "method": "bilinear", "antialias": False}
        return back(apply("resize", attrs, [batch]))

    def transform_segmentation_masks(
        self, segmentation_masks: Any, transformation: Any, training: bool = True
    ) -> Any:
        return self.transform_images(segmentation_masks, transformation, training)

    def transform_bounding_boxes(
        self, bounding_boxes: Any, transformation: Any, training: bool = True
    ) -> Any:
        """Boxes as they lie in the part, cut at its borders."""
        *starts, own = transformation
        drawn = {"parts": self._parts(starts, own, training), "input_size": own}
        return shown_boxes(bounding_boxes, self, drawn)

    def compute_output_shape(self, input_shape: Any) -> Any:
        """The input's, with the new height and width."""
        if isinstance(input_shape, dict):
            cut = ("images", "segmentation_masks")
            return {k: self._cut(s) if k in cut else s for k, s in input_shape.items()}
        return self._cut(input_shape)

    def _cut(self, shape: Any) -> tuple[Any, ...]:
        sizes = list(shape)
        for axis, size in zip(self._spatial_axes, (self.height, self.width)):
            sizes[axis] = size
        return tuple(sizes)

    def get_config(self) -> dict[str, Any]:
        return {
            **super().get_config(),
            "height": self.height,
            "width": self.width,
            "seed": self.seed,
        }
