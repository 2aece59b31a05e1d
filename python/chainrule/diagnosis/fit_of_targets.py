"""Whether outputs, loss and targets belong together."""

from __future__ import annotations

import math
from collections.abc import Iterator

import numpy as np

from chainrule.base.errors import DataError, ShapeError
from chainrule.diagnosis import remedies
from chainrule.diagnosis.case import OF_NUMBERS, Case, Target
from chainrule.diagnosis.finding import Finding, finding
from chainrule.diagnosis.sites import layers_by_path
from chainrule.diagnosis.measured import OutputStatistics

__all__ = ["refused", "targets"]

_PROBABILITIES = frozenset(
    "binary_crossentropy binary_focal_crossentropy categorical_crossentropy "
    "categorical_focal_crossentropy sparse_categorical_crossentropy kl_divergence".split()
)
_RANGES = {
    "sigmoid": (0.0, 1.0),
    "hard_sigmoid": (0.0, 1.0),
    "softmax": (0.0, 1.0),
    "tanh": (-1.0, 1.0),
    "hard_tanh": (-1.0, 1.0),
    "softsign": (-1.0, 1.0),
    "relu": (0.0, math.inf),
    "relu6": (0.0, 6.0),
    "softplus": (0.0, math.inf),
    "exponential": (0.0, math.inf),
}
# What gives numbers that are no probabilities, though the first ones may lie in [0, 1].
_ANY_NUMBERS = frozenset(
    "linear relu relu6 leaky_relu prelu elu selu gelu silu softplus tanh softsign".split()
)
_ROUNDING = 1e-3
# Of the targets: one number in a thousand may be out of range.
_OUTSIDE = 1e-3


def refused(error: DataError | ShapeError) -> Finding:
    """Targets that `fit` would not take."""
    return finding(
        "unfit_targets",
        "",
        math.nan,
        math.nan,
        str(error),
        "goodfellow",
        "# make the targets, the number of outputs and the loss fit each other:\n"
        "# class numbers from 0 up: sparse_categorical_crossentropy and a softmax over the classes\n"
        "# one-hot rows: categorical_crossentropy; 0 or 1: binary_crossentropy and a sigmoid",
    )


def targets(case: Case) -> Iterator[Finding]:
    """What is wrong between the outputs and their losses."""
    assert case.measured is not None
    for target in case.targets:
        if target.number >= len(case.measured.outputs):
            continue
        output = case.measured.outputs[target.number]
        if not math.isfinite(output.size):
            continue
        if output.activation == "softmax" and output.units == 1:
            yield _single_softmax(case, output)
        elif target.kind in _PROBABILITIES:
            yield from _probabilities(case, target, output)
        else:
            yield from _range(case, target, output)


def _single_softmax(case: Case, output: OutputStatistics) -> Finding:
    layer = remedies.getting(case.model, output.layer)
    return finding(
        "single_softmax",
        output.layer,
        output.low,
        1.0,
        "softmax over one output is 1 whatever the input: nothing can be learnt",
        "goodfellow",
        f"{layer}.activation = keras.activations.sigmoid\n"
        + remedies.compiled(case.model, loss="'binary_crossentropy'"),
        "exp(z) / exp(z) = 1",
    )


def _probabilities(case: Case, target: Target, output: OutputStatistics) -> Iterator[Finding]:
    """Cross-entropies are of probabilities, or, if so told, of logits."""
    outside = max(-output.low, output.high - 1.0, 0.0)
    apart = 0.0
    if not target.kind.startswith("binary"):
        apart = max(abs(output.low_sum - 1), abs(output.high_sum - 1))
    any_number = output.activation in _ANY_NUMBERS
    if not target.from_logits and (any_number or max(outside, apart) > _ROUNDING):
        what = (
            f"outputs go from {output.low:.3g} to {output.high:.3g}"
            if any_number or outside > _ROUNDING
            else f"the sums of the outputs go from {output.low_sum:.3g} to {output.high_sum:.3g}"
        )
        yield finding(
            "logits_as_probabilities",
            output.layer,
            max(outside, apart),
            _ROUNDING,
            f"{what}, but the loss takes them for probabilities",
            "goodfellow",
            _as_probabilities(case, target, output),
            "probabilities are in [0, 1] and add up to 1 over the classes",
        )
    is_probability = output.activation in ("softmax", "sigmoid") and outside <= _ROUNDING
    if target.from_logits and is_probability:
        layer = remedies.getting(case.model, output.layer)
        yield finding(
            "probabilities_as_logits",
            output.layer,
            output.high,
            1.0,
            f"{output.activation} gives probabilities, but the loss was told that it gets logits, "
            "and squashes them again",
            "goodfellow",
            f"{layer}.activation = keras.activations.linear\n{remedies.compiled(case.model)}"
            if hasattr(layers_by_path(case.model).get(output.layer), "activation")
            else _without_logits(case, target),
            "logits are any numbers",
        )


def _without_logits(case: Case, target: Target) -> str:
    name = type(target.loss).__name__
    return remedies.compiled(case.model, loss=f"keras.losses.{name}()")


def _as_probabilities(case: Case, target: Target, output: OutputStatistics) -> str:
    """Code that tells the loss, or, where outputs were squashed, squashes them rightly."""
    if output.activation == "linear" and target.kind != "kl_divergence" and _is_alone(case):
        names = {
            "binary_crossentropy": "BinaryCrossentropy",
            "categorical_crossentropy": "CategoricalCrossentropy",
            "sparse_categorical_crossentropy": "SparseCategoricalCrossentropy",
            "binary_focal_crossentropy": "BinaryFocalCrossentropy",
            "categorical_focal_crossentropy": "CategoricalFocalCrossentropy",
        }
        loss = f"keras.losses.{names[target.kind]}(from_logits=True)"
        return remedies.compiled(case.model, loss=loss)
    wanted = "sigmoid" if target.kind.startswith("binary") else "softmax"
    layer = remedies.getting(case.model, output.layer)
    return f"{layer}.activation = keras.activations.{wanted}\n{remedies.compiled(case.model)}"


def _is_alone(case: Case) -> bool:
    return len(case.targets) == 1


def _range(case: Case, target: Target, output: OutputStatistics) -> Iterator[Finding]:
    """Targets that the last activation cannot give."""
    if target.kind not in OF_NUMBERS:
        return
    low, high = _RANGES.get(output.activation, (-math.inf, math.inf))
    y = target.values
    outside = float(np.mean((y < low - _ROUNDING) | (y > high + _ROUNDING)))
    if outside > _OUTSIDE:
        layer = remedies.getting(case.model, output.layer)
        yield finding(
            "targets_out_of_range",
            output.layer,
            outside,
            _OUTSIDE,
            f"{outside:.0%} of the targets ({y.min():.3g} to {y.max():.3g}) lie outside of "
            f"[{low:g}, {high:g}], all that {output.activation} gives",
            "goodfellow",
            f"{layer}.activation = keras.activations.linear\n{remedies.compiled(case.model)}",
            "no weights can give them",
        )
