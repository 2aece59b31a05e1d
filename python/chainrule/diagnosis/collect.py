"""What the program gave, put together by activation, weight, recurrence, input and output."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from chainrule.base.dtypes import is_float_dtype
from chainrule.diagnosis.sites import Sites, layers_by_path
from chainrule.diagnosis.measured import (
    ActivationStatistics,
    InputStatistics,
    Measured,
    OutputStatistics,
    TimeStatistics,
    WeightStatistics,
)
from chainrule.initializers.random_initializers import RandomInitializer, compute_fans
from chainrule.training.data import ArraySource

__all__ = ["FLAT", "RECTIFIERS", "Plan", "put_together"]

Array = NDArray[Any]

# Those that give 0 for whatever is below 0.
RECTIFIERS = ("relu", "relu6")
# Where the slope is below 4% of its largest.
FLAT = {"sigmoid": (0.01, 0.99), "tanh": (-0.98, 0.98)}


@dataclass(frozen=True)
class Plan:
    """A compiled program, the names of what it gives, its places, and the weights that it trains."""

    program: Any
    names: list[str]
    sites: Sites
    variables: list[Any]


def put_together(
    model: Any, plan: Plan, found: dict[str, Array], batches: Sequence[ArraySource]
) -> Measured:
    """The statistics; `found` has for each name the results of all batches, stacked."""
    layers = layers_by_path(model)
    rest = [v for v in model.weights if not v.trainable or all(v is not t for t in plan.variables)]
    return Measured(
        loss=float(found["loss"].mean()),
        penalty=float(found["penalty"].mean()),
        loss_after=float(found["loss_after"].mean()) if "loss_after" in found else math.nan,
        descent=-sum(_mean(found, f"descent {i}") for i in range(len(plan.variables))),
        activations=[_activation(plan, found, i) for i in range(len(plan.sites.activations))],
        weights=_weights(plan.variables, rest, layers, found),
        recurrences=[
            TimeStatistics(
                r.layer,
                r.kind,
                np.sqrt(found[f"steps {i}"].mean(axis=0)),
                np.sqrt(found[f"states {i}"].mean(axis=0)),
                r.masked,
                r.reverse,
            )
            for i, r in enumerate(plan.sites.recurrences)
        ],
        inputs=[
            _input(plan, found, i)
            for i in range(len(plan.sites.entries))
            if f"mean {i}" in found
        ],
        outputs=[_output(plan, found, i) for i in range(len(plan.sites.outputs))],
        rows=sum(b.rows for b in batches),
        batches=len(batches),
    )


def _mean(found: dict[str, Array], name: str, otherwise: float = math.nan) -> float:
    """Over the batches, of what may not be there."""
    return float(found[name].mean()) if name in found else otherwise


def _pooled(means: Array, variances: Array) -> tuple[Array, Array]:
    """Mean and variance over all batches from those of each."""
    return means.mean(axis=0), variances.mean(axis=0) + means.var(axis=0)


def _activation(plan: Plan, found: dict[str, Array], i: int) -> ActivationStatistics:
    site = plan.sites.activations[i]
    mean, variance = _pooled(found[f"activation {i}"], found[f"variance {i}"])
    dead = units = 0
    if site.kind in RECTIFIERS:
        peaks = found[f"peaks {i}"].max(axis=0)
        dead, units = int((peaks <= 0).sum()), peaks.size
    return ActivationStatistics(
        layer=site.layer,
        activation=site.kind,
        depth=site.depth,
        is_output=site.is_output,
        mean=float(mean),
        deviation=float(np.sqrt(variance)),
        zeros=_mean(found, f"zero {i}", 0.0),
        saturated=_mean(found, f"flat {i}"),
        units=units,
        dead=dead,
        gradient_norm=math.sqrt(_mean(found, f"slope {i}")),
        values=found[f"values {i}"].ravel(),
        gradients=found[f"slopes {i}"].ravel(),
    )


def _weights(
    trained: Sequence[Any], rest: Sequence[Any], layers: dict[str, Any], found: dict[str, Array]
) -> list[WeightStatistics]:
    owners = {id(v): path for path, layer in layers.items() for v in _own(layer)}
    rows = []
    for i, variable in enumerate(trained):
        square, gradient, change = (
            _mean(found, f"{name} {i}") for name in ("weight", "gradient", "change")
        )
        ratio = math.sqrt(change / square) if square else math.nan
        rows.append(_weight(variable, owners, layers, (square, gradient, ratio)))
    for variable in rest:
        if len(variable.shape) >= 2 and is_float_dtype(variable.dtype):
            square = float(np.square(variable.numpy(), dtype="float64").sum())
            rows.append(_weight(variable, owners, layers, (square, math.nan, math.nan)))
    return rows


def _own(layer: Any) -> list[Any]:
    """The variables of a layer itself."""
    return [*layer._trainable_variables, *layer._non_trainable_variables]


def _weight(
    variable: Any,
    owners: dict[int, str],
    layers: dict[str, Any],
    measured: tuple[float, float, float],
) -> WeightStatistics:
    square, gradient, ratio = measured
    within, _, name = variable.path.rpartition("/")
    layer = owners.get(id(variable), within)
    shape = tuple(variable.shape)
    gain = math.nan
    if len(shape) >= 2:
        gain = math.sqrt(square / math.prod(shape) * compute_fans(shape)[0])
    return WeightStatistics(
        layer=layer,
        weight=name,
        shape=shape,
        trainable=not math.isnan(gradient) or bool(variable.trainable),
        untouched=_is_untouched(layers.get(layer), variable),
        norm=math.sqrt(square),
        gradient_norm=math.sqrt(gradient),
        update_ratio=ratio,
        gain=gain,
    )


def _is_untouched(layer: Any, variable: Any) -> bool:
    """Whether a weight is what its initializer, which draws the same each time, gives."""
    for name, value in vars(layer).items() if layer is not None else ():
        if not isinstance(value, RandomInitializer) or not isinstance(value.seed, int):
            continue
        held: Any = getattr(layer, name.removesuffix("_initializer"), None)
        if held is variable:
            return bool(np.array_equal(value(held.shape, held.dtype), held.numpy()))
    return False


def _input(plan: Plan, found: dict[str, Array], i: int) -> InputStatistics:
    entry = plan.sites.entries[i]
    mean, variance = _pooled(found[f"mean {i}"], found[f"spread {i}"])
    return InputStatistics(
        layer=entry.layer,
        op=entry.op,
        mean=mean,
        deviation=np.sqrt(variance),
        zeros=found[f"zeros {i}"].mean(axis=0),
        rank=entry.rank,
    )


def _output(plan: Plan, found: dict[str, Array], i: int) -> OutputStatistics:
    output = plan.sites.outputs[i]
    return OutputStatistics(
        layer=output.layer,
        activation=output.kind,
        low=float(found[f"low {i}"].min()),
        high=float(found[f"high {i}"].max()),
        low_sum=float(found[f"low sum {i}"].min()),
        high_sum=float(found[f"high sum {i}"].max()),
        size=math.sqrt(_mean(found, f"size {i}")),
        units=output.units,
        gradient_norm=math.sqrt(_mean(found, f"gate {i}")),
    )
