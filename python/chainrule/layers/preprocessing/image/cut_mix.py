"""CutMix."""

from __future__ import annotations

from typing import Any

from chainrule import ops, random
from chainrule.layers.preprocessing.image.boxes import box_mask, random_span
from chainrule.layers.preprocessing.image.base_image_preprocessing_layer import (
    BaseImagePreprocessingLayer,
    Factor,
)


class CutMix(BaseImagePreprocessingLayer):
    """Puts a rectangle of another image of the batch into each image.

    The rectangle has ``1 - w`` of the area, w ~ Beta(a, a) for each image and a drawn for the
    batch. Labels (N, classes) are mixed as the areas: ``w l + (1 - w) l'``. One image by itself
    stays as it is.

    Parameters
    ----------
    factor : float or pair of floats
        The interval of a, in [0, 1]; a number f stands for (0, f). Default 1.0.
    seed : int, optional
    data_format : str, optional

    Raises
    ------
    ValueError
        For a factor outside [0, 1].

    Notes
    -----
    Yun et al. 2019, CutMix: regularization strategy to train strong classifiers, ICCV.

    Examples
    --------
    >>> import numpy as np
    >>> from chainrule import layers
    >>> x = np.arange(4.0).reshape(4, 1, 1, 1) * np.ones((1, 8, 8, 3))
    >>> y = layers.CutMix(seed=1)({"images": x, "labels": np.eye(4)})
    >>> y["labels"].sum(axis=1).round(4).tolist()
    [1.0, 1.0, 1.0, 1.0]
    """

    _FACTOR_BOUNDS = (0, 1)

    def __init__(
        self,
        factor: Any = 1.0,
        seed: int | None = None,
        data_format: Any = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(data_format=data_format, **kwargs)
        self.factor: Factor = self._check_factor(factor)
        self._seed_with(seed)
        self._build_at_init()

    def get_random_transformation(self, data: Any, training: bool = True, seed: Any = None) -> Any:
        shape = self._shape(data)
        if not training or len(shape) == 3:
            return None
        seed = self._seed(seed)
        batch = shape[0]
        height, width = (shape[axis] for axis in self._spatial_axes)
        alpha = self._uniform((), self.factor, seed) + 1e-6
        weight = random.beta((batch,), alpha, alpha, "float32", seed=seed)
        ratio = ops.sqrt(1.0 - weight)

        def uniform(sizes: tuple[int, ...]) -> Any:
            return self._uniform(sizes, (0.0, 1.0), seed)

        x = random_span(uniform, batch, width, ratio)
        y = random_span(uniform, batch, height, ratio)
        area = (x[1] - x[0]) * (y[1] - y[0]) / (width * height)
        return {
            "permutation_order": random.shuffle(ops.arange(batch, dtype="int32"), seed=seed),
            "batch_masks": box_mask(x, y, height, width, self._channel_axis),
            "mix_weight": ops.reshape(1.0 - area, (batch, 1, 1, 1)),
        }

    def transform_images(self, images: Any, transformation: Any, training: bool = True) -> Any:
        images = ops.cast(images, self.compute_dtype)
        if not training or transformation is None:
            return images
        others = ops.take(images, transformation["permutation_order"], 0)
        return ops.where(transformation["batch_masks"], others, images)

    def transform_labels(self, labels: Any, transformation: Any, training: bool = True) -> Any:
        if not training or transformation is None:
            return labels
        labels = ops.cast(labels, self.compute_dtype)
        weight = ops.cast(transformation["mix_weight"], labels.dtype)
        weight = ops.reshape(weight, (-1, *(1,) * (len(labels.shape) - 1)))
        others = ops.take(labels, transformation["permutation_order"], 0)
        return weight * labels + (1.0 - weight) * others

    def transform_bounding_boxes(
        self, bounding_boxes: Any, transformation: Any, training: bool = True
    ) -> Any:
        """Not to be had: a box may be cut in pieces.

        Raises
        ------
        NotImplementedError
            Always.
        """
        raise NotImplementedError(
            f"{type(self).__name__} has no bounding boxes: a box may be cut in pieces"
        )

    def transform_segmentation_masks(
        self, segmentation_masks: Any, transformation: Any, training: bool = True
    ) -> Any:
        return self.transform_images(segmentation_masks, transformation, training)

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), "factor": self.factor, "seed": self.seed}
