"""SpecAugment: stretches of time and of frequency that a network has to do without."""

from __future__ import annotations

import operator
from typing import Any

from chainrule import ops, random
from chainrule.base.errors import ShapeError
from chainrule.layers.layer import Layer
from chainrule.layers.options import check_rate
from chainrule.ops._sized import numbers


class SpecAugment(Layer):
    """``y = fill_value`` in random stretches of time and of frequency while training, else ``y = x``.

    Of each row, `time_masks` stretches over all bands and `frequency_masks` over all frames are
    drawn; they may overlap. The width of a stretch is one of 0, 1, ..., W, each as likely, and so is
    each place where it fits. W is `frequency_width`, at most all bands; in time it is `time_width`,
    at most `max_share` of the row's frames, of which those that a mask of frames leaves out are
    none: it has to leave out the last ones. The warping of time in the paper is not done.

    Shapes: x and y (N, T, F) or (N, T, F, C), with `time_axis` 2 (N, F, T) or (N, F, T, C).

    Parameters
    ----------
    time_masks : int
        Stretches of time of a row. Default 2.
    time_width : int
        The widest, in frames. Default 10.
    frequency_masks : int
        Stretches of frequency of a row. Default 2.
    frequency_width : int
        The widest, in bands. Default 8.
    max_share : float
        The largest part of a row's frames that one stretch may take, in [0, 1]. Default 0.2.
    fill_value : float
        What stands there: 0, the mean of standardised bands, is the default; for decibels name a
        loudness.
    time_axis : {1, 2}
        1 for frames of bands, as recurrent layers take them, 2 for what `layers.MelSpectrogram`
        gives. Default 1.
    seed : int, optional

    Raises
    ------
    ValueError
        Numbers or widths that are below 0, a share outside [0, 1], another axis.
    TypeError
        Numbers or widths that are no integers.
    ShapeError
        When called with other than 3 or 4 axes.

    Notes
    -----
    Park et al. 2019, "SpecAugment: A Simple Data Augmentation Method for Automatic Speech
    Recognition", arXiv:1904.08779. W there is F - 1 and T - 1.

    Examples
    --------
    >>> import numpy as np
    >>> from chainrule import audio
    >>> layer = audio.SpecAugment(1, 4, 1, 3, fill_value=-1.0, seed=3)
    >>> y = layer(np.ones((1, 20, 8)), training=True)
    >>> int((y[0, :, :] == -1).all(axis=1).sum()), int((y[0] == -1).all(axis=0).sum())
    (4, 1)
    >>> bool((layer(np.ones((1, 20, 8))) == 1).all())
    True
    """

    def __init__(
        self,
        time_masks: int = 2,
        time_width: int = 10,
        frequency_masks: int = 2,
        frequency_width: int = 8,
        max_share: float = 0.2,
        fill_value: float = 0.0,
        time_axis: int = 1,
        seed: int | None = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        self.time_masks = _count("time_masks", time_masks)
        self.time_width = _count("time_width", time_width)
        self.frequency_masks = _count("frequency_masks", frequency_masks)
        self.frequency_width = _count("frequency_width", frequency_width)
        check_rate(max_share, "max_share")
        if time_axis not in (1, 2):
            raise ValueError(f"SpecAugment: expected `time_axis` 1 or 2, got {time_axis}")
        self.max_share = max_share
        self.fill_value = float(fill_value)
        self.time_axis = time_axis
        self.seed = seed
        self.seed_generator = random.SeedGenerator(seed)
        self.supports_masking = True
        self._build_at_init()

    def call(self, inputs: Any, training: bool = False, mask: Any = None) -> Any:
        self._check(inputs.shape)
        if not training:
            return inputs
        rows, lead = inputs.shape[0], inputs.shape[1:3]
        hidden = None
        for axis, masks, width in (
            (self.time_axis, self.time_masks, self.time_width),
            (3 - self.time_axis, self.frequency_masks, self.frequency_width),
        ):
            if masks and width:
                size, widest = ops.cast(lead[axis - 1], "float32"), width
                if axis == self.time_axis:
                    if mask is not None:
                        size = ops.sum(ops.cast(mask, "float32"), axis=1)
                    widest = ops.minimum(ops.floor(self.max_share * size), width)
                inside = self._stretches(rows, masks, lead[axis - 1], size, widest)
                inside = ops.expand_dims(inside, 3 - axis)
                hidden = inside if hidden is None else ops.logical_or(hidden, inside)
        if hidden is None:
            return inputs
        if len(inputs.shape) == 4:
            hidden = ops.expand_dims(hidden, -1)
        return ops.where(hidden, ops.cast(self.fill_value, inputs.dtype), inputs)

    def _stretches(self, rows: Any, masks: int, places: Any, size: Any, widest: Any) -> Any:
        """(N, places) bools: which places one of a row's stretches takes.

        `size` and `widest` are numbers, or (N,).
        """
        size, widest = (ops.reshape(ops.cast(x, "float32"), (-1, 1)) for x in (size, widest))
        widest = ops.minimum(widest, size)
        drawn = random.uniform((2, rows, masks), dtype="float32", seed=self.seed_generator)
        # (N, masks). A product may round up to the number that it has to stay below.
        width = ops.minimum(ops.floor(drawn[0] * (widest + 1.0)), widest)
        start = ops.minimum(ops.floor(drawn[1] * (size - width + 1.0)), size - width)
        start, end = (ops.expand_dims(x, -1) for x in (start, start + width))
        place = ops.cast(numbers(places), "float32")
        return ops.any(ops.logical_and(place >= start, place < end), axis=1)

    def compute_output_shape(self, input_shape: Any) -> Any:
        self._check(input_shape)
        return input_shape

    def _check(self, shape: Any) -> None:
        if len(shape) not in (3, 4):
            raise ShapeError(
                f"Layer '{self.path or self.name}' expected a batch of frames of bands, with 3 or "
                f"4 axes, but received shape {tuple(shape)}."
            )

    def get_config(self) -> dict[str, Any]:
        return {
            **super().get_config(),
            "time_masks": self.time_masks,
            "time_width": self.time_width,
            "frequency_masks": self.frequency_masks,
            "frequency_width": self.frequency_width,
            "max_share": self.max_share,
            "fill_value": self.fill_value,
            "time_axis": self.time_axis,
            "seed": self.seed,
        }


def _count(name: str, value: Any) -> int:
    number = operator.index(value)
    if number < 0:
        raise ValueError(f"SpecAugment: expected `{name}` of 0 or more, got {value}")
    return number
