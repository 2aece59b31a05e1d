"""RotaryEmbedding: features turned by angles that grow with the place."""

from __future__ import annotations

from typing import Any

import numpy as np

from chainrule import ops
from chainrule.base.errors import ShapeError
from chainrule.layers.layer import Layer
from chainrule.nlp.places import places_of


class RotaryEmbedding(Layer):
    """``y = x cos(a) + r(x) sin(a)``: pairs of features, turned by angles a that grow with the place.

    With features x = (u, v) in two halves, ``r(x) = (-v, u)`` and the angle of pair i at place t is
    ``a = t / s * W^(-2 i / C)``. So the product of a query and a key depends on how far they are
    apart, not on where they are.

    Shapes: x any, with a sequence along `sequence_axis` and C features along `feature_axis`; y the
    same. W is `max_wavelength` and s is `scaling_factor`.

    Parameters
    ----------
    max_wavelength : float
        Of the slowest angle, over 2 pi. Default 10000.
    scaling_factor : float
        By which places are divided. Default 1.
    sequence_axis, feature_axis : int
        Default 1 and -1.

    Raises
    ------
    ShapeError
        (at a call) for an odd number of features, or axes that are not there.

    Notes
    -----
    At a call, `start_index` (an int or a scalar tensor, default 0) is the place of the first
    element; `positions` (T,) or (B, T) name all places in its stead. Arguments as in KerasHub.
    Su et al. 2021, arXiv 2104.09864; halves instead of neighbours, as GPT-NeoX has them.

    Examples
    --------
    >>> import numpy as np
    >>> from chainrule import nlp
    >>> nlp.RotaryEmbedding()(np.array([[[1.0, 0.0], [1.0, 0.0]]])).round(2).tolist()
    [[[1.0, 0.0], [0.5400000214576721, 0.8399999737739563]]]
    """

    def __init__(
        self,
        max_wavelength: float = 10000,
        scaling_factor: float = 1.0,
        sequence_axis: int = 1,
        feature_axis: int = -1,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        for name, value in (("max_wavelength", max_wavelength), ("scaling_factor", scaling_factor)):
            if not value > 0:
                raise ValueError(f"`{name}` must be positive. Received: {name}={value}")
        self.max_wavelength = max_wavelength
        self.scaling_factor = scaling_factor
        self.sequence_axis = sequence_axis
        self.feature_axis = feature_axis
        self.supports_masking = True
        self._build_at_init()

    def call(self, inputs: Any, start_index: Any = 0, positions: Any = None) -> Any:
        rank = len(inputs.shape)
        sequence, feature = self._axes(tuple(inputs.shape))
        depth = inputs.shape[feature]
        if depth % 2:
            raise ShapeError(
                f"layer '{self.path or self.name}': expected an even number of features along "
                f"axis {self.feature_axis}, got {tuple(inputs.shape)}"
            )
        rates = np.power(self.max_wavelength, -np.arange(0, depth, 2) / depth)
        rates = np.concatenate([rates, rates]) / self.scaling_factor
        places = places_of(inputs.shape[sequence], start_index, positions)
        shape: list[Any] = [1] * rank
        shape[sequence] = inputs.shape[sequence]
        if len(places.shape) > 1:
            shape[0] = places.shape[0]
        places = ops.reshape(ops.cast(places, self.compute_dtype), shape)
        line = [depth if axis == feature else 1 for axis in range(rank)]
        angles = places * ops.reshape(ops.cast(rates, self.compute_dtype), line)
        first, second = ops.split(inputs, 2, axis=feature)
        turned = ops.concatenate([ops.negative(second), first], axis=feature)
        return inputs * ops.cos(angles) + turned * ops.sin(angles)

    def _axes(self, shape: tuple[Any, ...]) -> tuple[int, int]:
        """The axes of places and of features, counted from the first."""
        rank, axes = len(shape), (self.sequence_axis, self.feature_axis)
        inside = all(-rank <= axis < rank for axis in axes)
        if not inside or axes[0] % rank == axes[1] % rank:
            raise ShapeError(
                f"layer '{self.path or self.name}': expected an axis of places {axes[0]} and another "
                f"of features {axes[1]}, got an input of {shape}"
            )
        return axes[0] % rank, axes[1] % rank

    def compute_output_shape(self, inputs_shape: Any) -> Any:
        return inputs_shape

    def get_config(self) -> dict[str, Any]:
        return {
            **super().get_config(),
            "max_wavelength": self.max_wavelength,
            "scaling_factor": self.scaling_factor,
            "sequence_axis": self.sequence_axis,
            "feature_axis": self.feature_axis,
        }
