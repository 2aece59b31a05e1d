"""One of several augmentations, chosen by a number in the graph."""

from __future__ import annotations

from typing import Any

import numpy as np

from chainrule import ops
from chainrule.layers.preprocessing.image.auto_contrast import AutoContrast
from chainrule.layers.preprocessing.image.base_image_preprocessing_layer import (
    BaseImagePreprocessingLayer,
    Factor,
)
from chainrule.layers.preprocessing.image.base_warp import BaseWarp
from chainrule.layers.preprocessing.image.equalization import Equalization
from chainrule.layers.preprocessing.image.random_brightness import RandomBrightness
from chainrule.layers.preprocessing.image.random_color_degeneration import RandomColorDegeneration
from chainrule.layers.preprocessing.image.random_contrast import RandomContrast
from chainrule.layers.preprocessing.image.random_posterization import RandomPosterization
from chainrule.layers.preprocessing.image.random_rotation import RandomRotation
from chainrule.layers.preprocessing.image.random_sharpness import RandomSharpness
from chainrule.layers.preprocessing.image.random_shear import RandomShear
from chainrule.layers.preprocessing.image.random_translation import RandomTranslation
from chainrule.layers.preprocessing.image.solarization import Solarization

_IDENTITY = np.array([[1, 0, 0, 0, 1, 0, 0, 0]], "float32")


class ChoosingLayer(BaseImagePreprocessingLayer):
    """A layer that applies others of its own, named attributes, by numbers drawn in the graph.

    All of them are computed and one is selected, except that those which move pixels are one
    warp, whose map is selected.
    """

    value_range: Any
    interpolation: str
    factor: Factor
    _names: tuple[str, ...]

    def _make_layers(self, names: tuple[str, ...]) -> None:
        """Make the layers of these names, from `factor`, `value_range` and `interpolation`."""
        self._names = names
        f = self.factor
        colours = {"value_range": self.value_range}
        maps = {"interpolation": self.interpolation}
        choices: dict[str, tuple[Any, dict[str, Any]]] = {
            "random_shear": (RandomShear, {"x_factor": f, "y_factor": f, **maps}),
            "random_translation": (
                RandomTranslation,
                {"height_factor": f, "width_factor": f, **maps},
            ),
            "random_rotation": (RandomRotation, {"factor": f, **maps}),
            "random_brightness": (RandomBrightness, {"factor": f, **colours}),
            "random_color_degeneration": (RandomColorDegeneration, {"factor": f, **colours}),
            "random_contrast": (RandomContrast, {"factor": f, **colours}),
            "random_sharpness": (RandomSharpness, {"factor": f, **colours}),
            "random_posterization": (
                RandomPosterization,
                {"factor": max(1, int(8 * f[1])), **colours},
            ),
            "solarization": (
                Solarization,
                {"addition_factor": f, "threshold_factor": f, **colours},
            ),
            "auto_contrast": (AutoContrast, colours),
            "equalization": (Equalization, colours),
        }
        for name in names:
            layer, arguments = choices[name]
            if name not in ("auto_contrast", "equalization"):
                arguments = {**arguments, "seed": self.seed}
            shared = {
                "data_format": self.data_format,
                "dtype": self.dtype_policy,
                "bounding_box_format": self.bounding_box_format,
            }
            setattr(self, name, layer(**arguments, **shared))

    def _draw_all(self, data: Any, seed: Any) -> dict[str, Any]:
        """The parameters of every layer, by its name."""
        return {
            name: getattr(self, name).get_random_transformation(data, training=True, seed=seed)
            for name in self._names
        }

    def _choose(self, images: Any, drawn: dict[str, Any], number: Any, masks: bool = False) -> Any:
        """The images under layer number `number`; unchanged where there is none of it."""
        height, width = (images.shape[axis] for axis in self._spatial_axes)
        maps, others = _IDENTITY, []
        for i, name in enumerate(self._names):
            layer = getattr(self, name)
            chosen = ops.equal(number, i)
            if isinstance(layer, BaseWarp):
                maps = ops.where(chosen, layer._transforms(drawn[name], height, width), maps)
            else:
                others.append((chosen, layer, drawn[name]))
        images = ops.image.affine_transform(
            images,
            maps,
            interpolation="nearest" if masks else self.interpolation,
            fill_mode="reflect",
            data_format=self.data_format,
        )
        for chosen, layer, transformation in () if masks else others:
            images = ops.where(chosen, layer.transform_images(images, transformation), images)
        return images

    def _choose_boxes(self, bounding_boxes: Any, drawn: dict[str, Any], number: Any) -> Any:
        """The boxes under layer number `number`; unchanged where there is none of it."""
        result = dict(bounding_boxes)
        for i, name in enumerate(self._names):
            layer = getattr(self, name)
            if not isinstance(layer, BaseWarp):
                continue
            moved = layer.transform_bounding_boxes(bounding_boxes, drawn[name])
            for key in ("boxes", "labels"):
                result[key] = ops.where(ops.equal(number, i), moved[key], result[key])
        return result
