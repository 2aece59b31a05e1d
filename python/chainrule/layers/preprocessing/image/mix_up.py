"""MixUp."""

from __future__ import annotations

from typing import Any

from chainrule import ops, random
from chainrule.layers.preprocessing.image.base_image_preprocessing_layer import (
    BaseImagePreprocessingLayer,
)


class MixUp(BaseImagePreprocessingLayer):
    """``y = w x + (1 - w) x'``, x' another image of the batch, w ~ Beta(alpha, alpha) for each.

    Labels (N, classes), as one-hot or probabilities, and masks are mixed with the same weights.

    Parameters
    ----------
    alpha : float
        Above 0. Default 0.2.
    data_format : str, optional
    seed : int, optional

    Raises
    ------
    ValueError
        For an alpha that is not above 0.

    Notes
    -----
    Zhang et al. 2018, mixup: beyond empirical risk minimization, ICLR.

    Examples
    --------
    >>> import numpy as np
    >>> from chainrule import layers
    >>> x, labels = np.ones((4, 8, 8, 3)), np.eye(4)
    >>> y = layers.MixUp(seed=1)({"images": x, "labels": labels})
    >>> y["labels"].sum(axis=1).round(4).tolist()
    [1.0, 1.0, 1.0, 1.0]
    """

    def __init__(
        self,
        alpha: float = 0.2,
        data_format: Any = None,
        seed: int | None = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(data_format=data_format, **kwargs)
        if not alpha > 0:
            raise ValueError(f"MixUp: expected `alpha` above 0, got {alpha}")
        self.alpha = alpha
        self._seed_with(seed)
        self._build_at_init()

    def get_random_transformation(self, data: Any, training: bool = True, seed: Any = None) -> Any:
        if not training:
            return None
        seed = self._seed(seed)
        batch = self._batch_size(data)
        return {
            "permutation_order": random.shuffle(ops.arange(batch, dtype="int32"), seed=seed),
            "mix_weight": random.beta((batch,), self.alpha, self.alpha, "float32", seed=seed),
        }

    def transform_images(self, images: Any, transformation: Any, training: bool = True) -> Any:
        images = ops.cast(images, self.compute_dtype)
        return self._mix(images, transformation) if training else images

    def transform_labels(self, labels: Any, transformation: Any, training: bool = True) -> Any:
        return self._mix(labels, transformation) if training else labels

    def transform_segmentation_masks(
        self, segmentation_masks: Any, transformation: Any, training: bool = True
    ) -> Any:
        return self._mix(segmentation_masks, transformation) if training else segmentation_masks

    def transform_bounding_boxes(
        self, bounding_boxes: Any, transformation: Any, training: bool = True
    ) -> Any:
        """The boxes and labels of both images, (N, M, ...) and (N, M, ...) as (N, 2 M, ...)."""
        if not training:
            return bounding_boxes
        order = transformation["permutation_order"]
        both = {key: bounding_boxes[key] for key in ("boxes", "labels")}
        return {
            **bounding_boxes,
            **{key: ops.concatenate([x, ops.take(x, order, 0)], 1) for key, x in both.items()},
        }

    def _mix(self, x: Any, transformation: Any) -> Any:
        x = ops.cast(x, self.compute_dtype)
        weight = ops.cast(transformation["mix_weight"], x.dtype)
        weight = ops.reshape(weight, (-1, *(1,) * (len(x.shape) - 1)))
        return weight * x + (1.0 - weight) * ops.take(x, transformation["permutation_order"], 0)

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), "alpha": self.alpha, "seed": self.seed}
