"""What is measured of a step: of each activation, weight, recurrence and input."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

__all__ = [
    "ActivationStatistics",
    "InputStatistics",
    "Measured",
    "OutputStatistics",
    "TimeStatistics",
    "WeightStatistics",
]

Array = NDArray[Any]


@dataclass(frozen=True)
class ActivationStatistics:
    """The outputs of one activation over the rows looked at, and the loss's gradient by them.

    Attributes
    ----------
    layer : str
        Path of the layer that applies it.
    activation : str
    depth : int
        Its place on the longest way from the inputs, counted from 1.
    is_output : bool
        Whether the model gives it.
    mean, deviation : float
        Over rows, places and units, of at most about 65,536 elements a batch, as the shares are.
    zeros : float
        The share of zeros.
    saturated : float
        The share of outputs where the activation is flat: for a sigmoid within 0.01 of 0 or 1,
        for tanh within 0.02 of -1 or 1 (there the slope is below 4% of its largest); NaN
        for other activations.
    units, dead : int
        How many there are, and how many give 0 for every row and place; of those that give 0
        below 0.
    gradient_norm : float
        ``||dL/da||`` over a batch, root mean square over the batches.
    values, gradients : ndarray
        A few hundred elements of both, for pictures.
    """

    layer: str
    activation: str
    depth: int
    is_output: bool
    mean: float
    deviation: float
    zeros: float
    saturated: float
    units: int
    dead: int
    gradient_norm: float
    values: Array = field(repr=False)
    gradients: Array = field(repr=False)


@dataclass(frozen=True)
class WeightStatistics:
    """One weight, the loss's gradient by it, and what the optimizer would do.

    Attributes
    ----------
    layer, weight : str
        Path of the layer and name of the weight.
    shape : tuple of int
    trainable : bool
    untouched : bool
        Whether it is what its initializer draws, to the last bit.
    norm, gradient_norm : float
        ``||w||`` and ``||dL/dw||``, the latter as root mean square over the batches; NaN for the
        gradient of a weight that is not trained.
    update_ratio : float
        ``||dw|| / ||w||`` for the change ``dw`` of the optimizer's next step; NaN without one.
    gain : float
        ``sqrt(fan_in mean(w^2))``, about 1 for LeCun's and Glorot's initialisations and
        ``sqrt(2)`` for He's; NaN for vectors.
    """

    layer: str
    weight: str
    shape: tuple[int, ...]
    trainable: bool
    untouched: bool
    norm: float
    gradient_norm: float
    update_ratio: float
    gain: float


@dataclass(frozen=True)
class TimeStatistics:
    """The gradient that a recurrence gets at each step of its sequence.

    Attributes
    ----------
    layer, kind : str
        Path of the layer; "lstm", "gru", "simple_rnn", or "scan" for a cell of one's own.
    gradient_norms : ndarray
        ``||dL/dx_t||`` for each step t in the order of the data, of what enters the recurrence.
    state_norms : ndarray
        ``||h_t||`` of what leaves it.
    masked, reverse : bool
        Whether steps may be left out, and whether it runs from the last to the first.
    """

    layer: str
    kind: str
    gradient_norms: Array
    state_norms: Array
    masked: bool
    reverse: bool


@dataclass(frozen=True)
class InputStatistics:
    """What the first weights are multiplied with, feature by feature.

    Attributes
    ----------
    layer, op : str
        The layer, and the op, as "dense", that takes it.
    mean, deviation, zeros : ndarray
        (features,); `zeros` are shares.
    rank : int
        Of the array, rows included.
    """

    layer: str
    op: str
    mean: Array
    deviation: Array
    zeros: Array
    rank: int

    @property
    def sizes(self) -> Array:
        """(features,): root mean squares."""
        return np.asarray(np.hypot(self.mean, self.deviation))


@dataclass(frozen=True)
class OutputStatistics:
    """One output of the model.

    Attributes
    ----------
    layer, activation : str
    low, high : float
        The smallest and the largest number.
    low_sum, high_sum : float
        The smallest and the largest sum over the last axis.
    size : float
        Root mean square.
    units : int
        The size of the last axis.
    gradient_norm : float
        Of the gradient by what comes before the activation.
    """

    layer: str
    activation: str
    low: float
    high: float
    low_sum: float
    high_sum: float
    size: float
    units: int
    gradient_norm: float


@dataclass(frozen=True)
class Measured:
    """All that was measured.

    Attributes
    ----------
    loss : float
        The mean over the batches, with all of its terms.
    penalty : float
        What of it layers and weights add.
    loss_after : float
        The loss of the same batches, each after the optimizer's next step on it; NaN without one.
    descent : float
        ``-<dL/dw, dw>``: how much the next step should lower the loss by its slope.
    activations, weights, recurrences, inputs, outputs : lists of statistics
    rows, batches : int
        How many were looked at.
    """

    loss: float
    penalty: float
    loss_after: float
    descent: float
    activations: list[ActivationStatistics]
    weights: list[WeightStatistics]
    recurrences: list[TimeStatistics]
    inputs: list[InputStatistics]
    outputs: list[OutputStatistics]
    rows: int
    batches: int
