"""The augmentation layers and arguments that the tests of augmentation go through."""

from __future__ import annotations

from typing import Any

import numpy as np

LAYERS: dict[str, list[dict[str, Any]]] = {
    "AutoContrast": [{}, {"value_range": (0, 1)}],
    "CutMix": [{}, {"factor": (0.5, 0.9)}],
    "Equalization": [{}, {"bins": 64}, {"value_range": (0, 1)}],
    "MixUp": [{}, {"alpha": 1.5}],
    "RandomBrightness": [{"factor": 0.3}, {"factor": (0.1, 0.4), "value_range": (0, 1)}],
    "RandomColorDegeneration": [{"factor": 0.5}],
    "RandomContrast": [{"factor": 0.5}, {"factor": (0.2, 0.9), "value_range": (0, 1)}],
    "RandomErasing": [
        {"factor": (0.5, 1.0)},
        {"fill_value": 3.0},
        {"fill_value": [9.0, 8.0, 7.0], "factor": (1.0, 1.0)},
    ],
    "RandomFlip": [{}, {"mode": "horizontal"}, {"mode": "vertical"}],
    "RandomGaussianBlur": [
        {},
        {"factor": (1.0, 1.0), "kernel_size": (3, 5), "sigma": (0.4, 0.9), "value_range": (0, 1)},
    ],
    "RandomGrayscale": [{}, {"factor": 1.0}],
    "RandomHue": [{"factor": 0.7}, {"factor": (0.1, 0.9), "value_range": (0, 1)}],
    "RandomInvert": [{}, {"factor": (0.2, 0.8), "value_range": (0, 1)}],
    "RandomPerspective": [{}, {"factor": (1.0, 1.0), "scale": 0.3, "interpolation": "nearest"}],
    "RandomPosterization": [{"factor": 6}, {"factor": (3, 3), "value_range": (0, 1)}],
    "RandomRotation": [
        {"factor": 0.2},
        {"factor": (0.1, 0.4), "fill_mode": "constant", "fill_value": 9.0},
        {"factor": 0.3, "fill_mode": "wrap"},
    ],
    "RandomSaturation": [{"factor": (0.2, 0.8)}, {"factor": 0.4}],
    "RandomSharpness": [{"factor": 1.0}, {"factor": (0.1, 0.4), "value_range": (0, 1)}],
    "RandomShear": [{"x_factor": 0.4}, {"y_factor": (0.1, 0.5), "fill_mode": "nearest"}],
    "RandomTranslation": [
        {"height_factor": 0.3, "width_factor": (-0.5, 0.1)},
        {"height_factor": 0.2, "width_factor": 0.2, "fill_mode": "constant"},
    ],
    "RandomZoom": [{"height_factor": 0.4}, {"height_factor": (-0.5, 0.2), "width_factor": 0.3}],
    "Solarization": [
        {},
        {"addition_factor": 0.3, "threshold_factor": (0.2, 0.8)},
        {"threshold_factor": 0.5, "value_range": (0, 1)},
    ],
}

# Layers that draw their parameters while they transform, so that they cannot be given any.
NESTED: dict[str, list[dict[str, Any]]] = {
    "AugMix": [{}, {"num_chains": 2, "chain_depth": 2, "all_ops": False, "value_range": (0, 1)}],
    "RandAugment": [{}, {"num_ops": 3, "factor": (0.2, 0.9), "value_range": (0, 1)}],
    "RandomColorJitter": [
        {"brightness_factor": 0.3, "contrast_factor": 0.5},
        {"saturation_factor": (0.2, 0.8), "hue_factor": 0.3, "value_range": (0, 1)},
    ],
    "RandomElasticTransform": [
        {"factor": (1.0, 1.0)},
        {"scale": (0.5, 1.0), "fill_mode": "constant", "interpolation": "nearest"},
    ],
}

CASES = [
    (name, arguments)
    for table in (LAYERS, NESTED)
    for name, several in table.items()
    for arguments in several
]
GIVEN = [(name, arguments) for name, arguments in CASES if name in LAYERS]


def case_id(value: Any) -> str:
    """A short name of a layer or of its arguments."""
    if isinstance(value, dict):
        return ",".join(f"{k}={v}" for k, v in value.items()) or "default"
    return str(value)


def images(arguments: dict[str, Any], shape: Any = (6, 12, 15, 3), seed: int = 0) -> Any:
    """Images of float32 whole numbers in [0, 255], or numbers in [0, 1] where that is the range."""
    x = np.random.default_rng(seed).integers(0, 256, shape).astype("float32")
    return x / np.float32(255) if arguments.get("value_range") == (0, 1) else x
