"""AugMix."""

from __future__ import annotations

from typing import Any

from chainrule import ops, random
from chainrule.layers.preprocessing.image.choices import ChoosingLayer
from chainrule.layers.preprocessing.image.base_image_preprocessing_layer import (
    check_value_range,
    images_of,
)


_SOME = (
    "random_shear",
    "random_translation",
    "random_rotation",
    "random_posterization",
    "solarization",
    "auto_contrast",
    "equalization",
)
_ALL = (
    *_SOME,
    "random_brightness",
    "random_color_degeneration",
    "random_contrast",
    "random_sharpness",
)


class AugMix(ChoosingLayer):
    """``y = clip(m x + (1 - m) sum_c w_c g_c(x))``: images mixed with chains of augmentations.

    m ~ Beta(alpha, alpha) and (w_c) ~ Dirichlet(alpha) are drawn for the batch; each step of a
    chain g_c is one of the augmentations, or none.

    Parameters
    ----------
    value_range : pair of floats
        Default (0, 255).
    num_chains, chain_depth : int
        Chains, and steps of each. Default 3 and 3.
    factor : float or pair of floats
        The interval in [0, 1] of the strengths; a number f stands for (0, f). Default 0.3.
    alpha : float
        Above 0. Default 1.0.
    all_ops : bool
        Whether brightness, colour degeneration, contrast and sharpness are among the steps,
        beside shear, translation, rotation, posterization, solarization, auto-contrast and
        equalization. Default True.
    interpolation : str
        ``bilinear`` (the default) or ``nearest``.
    seed : int, optional
    data_format : str, optional

    Raises
    ------
    ValueError
        For a factor outside [0, 1], an alpha that is not above 0, fewer than one chain or step,
        or a value range that is no pair.

    Notes
    -----
    Hendrycks et al. 2020, AugMix: a simple data processing method to improve robustness and
    uncertainty, ICLR.

    Examples
    --------
    >>> import numpy as np
    >>> from chainrule import layers
    >>> layers.AugMix(num_chains=2, chain_depth=1, seed=1)(np.full((2, 8, 8, 3), 100.0)).shape
    (2, 8, 8, 3)
    """

    _FACTOR_BOUNDS = (0, 1)

    def __init__(
        self,
        value_range: Any = (0, 255),
        num_chains: int = 3,
        chain_depth: int = 3,
        factor: Any = 0.3,
        alpha: float = 1.0,
        all_ops: bool = True,
        interpolation: str = "bilinear",
        seed: int | None = None,
        data_format: Any = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(data_format=data_format, **kwargs)
        if min(num_chains, chain_depth) < 1:
            raise ValueError(
                "AugMix: expected at least one chain of one step, got "
                f"num_chains={num_chains}, chain_depth={chain_depth}"
            )
        if not alpha > 0:
            raise ValueError(f"AugMix: expected `alpha` above 0, got {alpha}")
        self.value_range = check_value_range(value_range)
        self.num_chains = num_chains
        self.chain_depth = chain_depth
        self.factor = self._check_factor(factor)
        self.alpha = alpha
        self.all_ops = all_ops
        self.interpolation = interpolation
        self._seed_with(seed)
        self._make_layers(_ALL if all_ops else _SOME)
        self._build_at_init()

    def get_random_transformation(self, data: Any, training: bool = True, seed: Any = None) -> Any:
        if not training:
            return None
        seed = self._seed(seed)
        weights = random.gamma((self.num_chains,), self.alpha, "float32", seed=seed)
        # One number more than there are layers: none.
        count = len(self._names) + 1
        numbers = random.randint((self.num_chains, self.chain_depth), 0, count, seed=seed)
        chains = range(self.num_chains)
        return {
            "chain_mixing_weights": weights / ops.sum(weights),
            "weight_sample": random.beta((), self.alpha, self.alpha, "float32", seed=seed),
            "layer_idxes": numbers,
            "chain_transforms": [
                [self._draw_all(images_of(data), seed) for _ in range(self.chain_depth)]
                for _ in chains
            ],
        }

    def transform_images(self, images: Any, transformation: Any, training: bool = True) -> Any:
        images = ops.cast(images, self.compute_dtype)
        if not training:
            return images
        return ops.clip(self._mix(images, transformation, False), *self.value_range)

    def transform_segmentation_masks(
        self, segmentation_masks: Any, transformation: Any, training: bool = True
    ) -> Any:
        masks = ops.cast(segmentation_masks, self.compute_dtype)
        return self._mix(masks, transformation, True) if training else masks

    def _mix(self, x: Any, transformation: Any, masks: bool) -> Any:
        weights, share = (
            ops.cast(transformation[key], self.compute_dtype)
            for key in ("chain_mixing_weights", "weight_sample")
        )
        numbers = ops.convert_to_tensor(transformation["layer_idxes"])
        mixed: Any = 0.0
        for c, steps in enumerate(transformation["chain_transforms"]):
            chain = x
            for d, drawn in enumerate(steps):
                chain = self._choose(chain, drawn, numbers[c, d], masks)
            mixed = mixed + chain * weights[c]
        return share * x + (1.0 - share) * mixed

    def get_config(self) -> dict[str, Any]:
        return {
            **super().get_config(),
            "value_range": self.value_range,
            "num_chains": self.num_chains,
            "chain_depth": self.chain_depth,
            "factor": self.factor,
            "alpha": self.alpha,
            "all_ops": self.all_ops,
            "interpolation": self.interpolation,
            "seed": self.seed,
        }
