"""RandomCrop."""

from __future__ import annotations

from typing import Any

from chainrule import ops, random
from chainrule.layers.preprocessing.image.base_image_preprocessing_layer import (
    BaseImagePreprocessingLayer,
)
from chainrule.ops._images import as_batch
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
        shape = self._shape(data)
        height, width = (shape[axis] for axis in self._spatial_axes)
        if training and height > self.height and width > self.width:
            seed = self._seed(seed)
            rows, columns = height - self.height + 1, width - self.width + 1
            return tuple(random.randint((), 0, count, seed=seed) for count in (rows, columns))
        part = self._middle(height, width)
        return (height - part[0]) // 2, (width - part[1]) // 2

    def _middle(self, height: int, width: int) -> tuple[int, int]:
        """The size of the largest part with the result's proportions."""
        return (
            max(min(height, width * self.height // self.width), 1),
            max(min(width, height * self.width // self.height), 1),
        )

    def transform_images(self, images: Any, transformation: Any, training: bool = True) -> Any:
        images = ops.cast(images, self.compute_dtype)
        axes = [axis + 4 for axis in self._spatial_axes]
        height, width = (images.shape[axis] for axis in axes)
        if training and height > self.height and width > self.width:
            for axis, start, count in zip(axes, transformation, (self.height, self.width)):
                images = ops.take(images, start + ops.arange(count, dtype="int32"), axis=axis)
            return images
        part = self._middle(height, width)
        index: list[Any] = [slice(None)] * 4
        for axis, start, count in zip(axes, transformation, part):
            index[axis] = slice(start, start + count)
        images = images[tuple(index)]
        if part == (self.height, self.width):
            return images
        batch, back = as_batch("random_crop", images, self.data_format)
        attrs = {"size": [self.height, self.width], "method": "bilinear", "antialias": False}
        return back(apply("resize", attrs, [batch]))

    def transform_segmentation_masks(
        self, segmentation_masks: Any, transformation: Any, training: bool = True
    ) -> Any:
        return self.transform_images(segmentation_masks, transformation, training)

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
