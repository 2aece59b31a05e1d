"""BaseImagePreprocessingLayer: what layers that augment images share."""

from __future__ import annotations

from typing import Any

from chainrule import ops, random
from chainrule.base import tree
from chainrule.base.errors import ShapeError
from chainrule.layers.layer import Layer
from chainrule.layers.options import standardize_data_format
from chainrule.layers.preprocessing.image.box_moves import dense_boxes
from chainrule.layers.preprocessing.image.compiled_calls import CompiledCalls, can_compile
from chainrule.utils.box_layouts import LAYOUTS

Factor = tuple[float, float]

# What a dict of data may hold -> what one of it is called.
_PARTS = {
    "images": "image",
    "labels": "label",
    "bounding_boxes": "bounding_box",
    "segmentation_masks": "segmentation_mask",
}
_MANY = {one: many for many, one in _PARTS.items()}


class BaseImagePreprocessingLayer(Layer):
    """A layer that changes images while training: parameters are drawn, then applied.

    Called on images (N, H, W, C), one image (H, W, C), or a dict with the key "images" and
    optionally "labels", "bounding_boxes" (a dict of "boxes" and "labels") and "segmentation_masks".
    `get_random_transformation` draws the parameters of a batch inside the graph, from the layer's
    own seed generator; `transform_images`, `transform_labels`, `transform_bounding_boxes` and
    `transform_segmentation_masks` apply them. `training` defaults to True; `fit` sets it,
    `evaluate` and `predict` clear it.

    On arrays a layer of this package is traced once for each shape, and the compiled program runs.

    Parameters
    ----------
    data_format : str, optional
        ``channels_last`` or ``channels_first``. Default: the configured one.
    bounding_box_format : str, optional
        The layout of boxes, one of those of `utils.bounding_boxes.convert_format`. Needed where there
        are boxes in the data.

    Raises
    ------
    ValueError
        For bounding boxes without a format, or without "boxes" and "labels".
    ShapeError
        For images without 3 or 4 axes.
    """

    _FACTOR_BOUNDS: Factor = (-1, 1)
    _acts_at_inference = False
    _compiled_calls: CompiledCalls

    def __init__(
        self, data_format: Any = None, bounding_box_format: str | None = None, **kwargs: Any
    ) -> None:
        super().__init__(**kwargs)
        self.bounding_box_format = bounding_box_format
        self.data_format = standardize_data_format(data_format)
        self.__dict__["_compiled_calls"] = CompiledCalls()

    def _seed_with(self, seed: int | None) -> None:
        self.seed = seed
        self.generator = random.SeedGenerator(seed)

    def _seed(self, seed: Any) -> Any:
        return self.generator if seed is None else seed

    @property
    def _spatial_axes(self) -> tuple[int, int]:
        """Height's and width's axis, counted from the end."""
        return (-2, -1) if self.data_format == "channels_first" else (-3, -2)

    @property
    def _channel_axis(self) -> int:
        return -3 if self.data_format == "channels_first" else -1

    def _shape(self, data: Any) -> tuple[int, ...]:
        """The images' shape, checked."""
        shape = tuple(images_of(data).shape)
        if len(shape) not in (3, 4):
            raise ShapeError(
                f"Layer '{self.path or self.name}' expected images with 3 axes (one image) or 4 "
                f"(a batch), but received shape {shape}."
            )
        return shape

    def _batch_size(self, data: Any) -> int:
        shape = self._shape(data)
        return shape[0] if len(shape) == 4 else 1

    def _uniform(self, shape: Any, bounds: Any, seed: Any) -> Any:
        return random.uniform(shape, bounds[0], bounds[1], dtype="float32", seed=seed)

    def _chance(self, data: Any, probability: Factor, seed: Any) -> Any:
        """(N,) bools: true with a probability that is itself drawn from an interval."""
        batch = self._batch_size(data)
        drawn = self._uniform((batch,), probability, seed)
        return ops.less(self._uniform((batch,), (0.0, 1.0), seed), drawn)

    def _per_image(self, x: Any) -> Any:
        """(N,) or (N, 1, ...) as (N, 1, 1, 1) in the dtype of the computation, bools as they are."""
        x = ops.convert_to_tensor(x)
        x = ops.reshape(x, (-1, 1, 1, 1))
        return x if str(x.dtype) == "bool" else ops.cast(x, self.compute_dtype)

    def get_random_transformation(self, data: Any, training: bool = True, seed: Any = None) -> Any:
        """The parameters of one call: a dict of tensors, one row an image; None for none."""
        return None

    def transform_images(self, images: Any, transformation: Any, training: bool = True) -> Any:
        """Images (N, H, W, C) under the drawn parameters."""
        raise NotImplementedError(f"{type(self).__name__} has no `transform_images`")

    def transform_labels(self, labels: Any, transformation: Any, training: bool = True) -> Any:
        """Labels under the drawn parameters: unchanged, where a layer does not say otherwise."""
        return labels

    def transform_segmentation_masks(
        self, segmentation_masks: Any, transformation: Any, training: bool = True
    ) -> Any:
        """Masks under the drawn parameters: unchanged by layers that change colours only."""
        return segmentation_masks

    def transform_bounding_boxes(
        self, bounding_boxes: Any, transformation: Any, training: bool = True
    ) -> Any:
        """Boxes under the drawn parameters: unchanged by layers that change colours only."""
        return bounding_boxes

    def transform_single_image(self, image: Any, transformation: Any, training: bool = True) -> Any:
        """As `transform_images`, for one image (H, W, C)."""
        return _singly(self.transform_images, image, transformation, training)

    def transform_single_label(self, label: Any, transformation: Any, training: bool = True) -> Any:
        """As `transform_labels`, for the label of one image."""
        return _singly(self.transform_labels, label, transformation, training)

    def transform_single_segmentation_mask(
        self, segmentation_mask: Any, transformation: Any, training: bool = True
    ) -> Any:
        """As `transform_segmentation_masks`, for one mask."""
        function = self.transform_segmentation_masks
        return _singly(function, segmentation_mask, transformation, training)

    def transform_single_bounding_box(
        self, bounding_box: Any, transformation: Any, training: bool = True
    ) -> Any:
        """As `transform_bounding_boxes`, for the boxes of one image."""
        return _singly(self.transform_bounding_boxes, bounding_box, transformation, training)

    def __call__(self, data: Any, *args: Any, **kwargs: Any) -> Any:
        """As any layer; lists of boxes become arrays first."""
        if isinstance(data, dict) and "bounding_boxes" in data:
            data = {**data, "bounding_boxes": self._dense_boxes(data["bounding_boxes"])}
        return super().__call__(data, *args, **kwargs)

    def call(self, data: Any, training: bool = True) -> Any:
        training = bool(training)
        self._shape(data)
        ours = type(self).__module__.startswith("chainrule.")
        if ours and (training or self._acts_at_inference) and can_compile(data):
            key = (training, repr(self.get_config()))
            return self._compiled_calls.run(key, lambda x: self._transform(x, training), data)
        return self._transform(data, training)

    def _transform(self, data: Any, training: bool) -> Any:
        transformation = self.get_random_transformation(data, training=training)
        if not isinstance(data, dict):
            return self._apply("image", data, transformation, training, len(data.shape) == 4)
        batched = len(data["images"].shape) == 4
        result = dict(data)
        for key, one in _PARTS.items():
            if key in data:
                result[key] = self._apply(one, data[key], transformation, training, batched)
        return result

    def _dense_boxes(self, bounding_boxes: Any) -> dict[str, Any]:
        place = f"Layer '{self.path or self.name}'"
        if not self.bounding_box_format:
            raise ValueError(
                f"{place}: You passed an input with a 'bounding_boxes' key, but you didn't specify a "
                "bounding box format: expected `bounding_box_format` to be one of "
                f"{LAYOUTS}, got {self.bounding_box_format!r}"
            )
        return dense_boxes(bounding_boxes, place)

    def _apply(
        self, name: str, x: Any, transformation: Any, training: bool, batched: bool
    ) -> Any:
        function = getattr(self, f"transform_single_{name}")
        if batched:
            function = getattr(self, f"transform_{_MANY[name]}")
        x = tree.map_structure(ops.convert_to_tensor, x)
        return function(x, transformation, training=training)

    def compute_output_shape(self, input_shape: Any) -> Any:
        """The input's."""
        return input_shape

    def get_config(self) -> dict[str, Any]:
        config = {**super().get_config(), "data_format": self.data_format}
        if self.bounding_box_format is not None:
            config["bounding_box_format"] = self.bounding_box_format
        return config

    def _check_factor(self, factor: Any, name: str = "factor") -> Factor:
        """The interval of a factor: a pair, or a number f for [-f, f] cut at the bounds."""
        low, high = self._FACTOR_BOUNDS
        message = (
            f"The `{name}` argument should be a number (or a list of two numbers) in the range "
            f"[{low}, {high}]. Received: {name}={factor}"
        )
        if isinstance(factor, (tuple, list)):
            if len(factor) != 2 or factor[0] > high or factor[1] < low:
                raise ValueError(message)
            lower, upper = sorted(factor)
            return lower, upper
        if isinstance(factor, bool) or not isinstance(factor, (int, float)):
            raise ValueError(message)
        if not low <= factor <= high:
            raise ValueError(message)
        factor = abs(factor)
        return max(-factor, low), factor


def images_of(data: Any) -> Any:
    """The images of a layer's input: of a dict the entry "images"."""
    return data["images"] if isinstance(data, dict) else data


def check_value_range(value_range: Any) -> list[float]:
    """The range of pixel values as [low, high].

    Raises
    ------
    ValueError
        For anything but two numbers.

    Examples
    --------
    >>> check_value_range((0, 255))
    [0, 255]
    """
    if not isinstance(value_range, (tuple, list)) or len(value_range) != 2:
        raise ValueError(
            "The `value_range` argument should be a list of two numbers. "
            f"Received: value_range={value_range}"
        )
    return sorted(value_range)


def rescale(images: Any, old: Any, new: Any) -> Any:
    """Values of the range `old` moved to the range `new`.

    Examples
    --------
    >>> import numpy as np
    >>> rescale(np.array([0.0, 0.5]), (0, 1), (0, 255)).tolist()
    [0.0, 127.5]
    """
    if tuple(old) == tuple(new):
        return images
    return (images - old[0]) / (old[1] - old[0]) * (new[1] - new[0]) + new[0]


def _singly(function: Any, x: Any, transformation: Any, training: bool) -> Any:
    one = tree.map_structure(lambda y: ops.expand_dims(y, 0), x)
    result = function(one, transformation, training=training)
    return tree.map_structure(lambda y: ops.squeeze(y, 0), result)
