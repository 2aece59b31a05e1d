"""One compiled program of a training step: loss, gradients and the optimizer's change, reduced.

Nothing is assigned: the program is compiled without its assignments.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np

from chainrule import ops
from chainrule.base import tree
from chainrule.diagnosis.collect import FLAT, RECTIFIERS, Plan, put_together
from chainrule.diagnosis.sites import Output, Sites, layers_by_path
from chainrule.diagnosis.measured import Measured
from chainrule.tracing.trace import Trace
from chainrule.training.data import ArraySource
from chainrule.training.trace import Signature, traced_inputs

__all__ = ["measure", "step_mode"]

# Elements of an activation for a picture, and for its mean, deviation and shares.
_SAMPLES, _MOST = 256, 1 << 16
_MOST_FEATURES = 4096


def step_mode(model: Any) -> str:
    """The mode "train", or "test" without an optimizer and with a step of the model's own."""
    is_own = model._has_own_step("train") or model._has_own_step("test")
    return "test" if model.optimizer is None or is_own else "train"


def measure(model: Any, batches: Sequence[ArraySource]) -> Measured:
    """Run the program on batches of one size and put together what it gives.

    Raises
    ------
    GradientError
        The loss needs a derivative that does not exist.
    """
    parts = [(b.x, b.y, b.sample_weight) for b in batches]
    signature = Signature.of(parts[0], batches[0].rows)
    key = ("diagnose", signature, model._trace_key(step_mode(model)))
    plan, _ = model._training.programs.get(
        key, lambda: (_compile(model, parts[0], signature), None)
    )
    results = [dict(zip(plan.names, plan.program.run(b.leaves()))) for b in batches]
    found = {name: np.stack([np.asarray(r[name], "float64") for r in results]) for name in plan.names}
    return put_together(model, plan, found, batches)


def _compile(model: Any, batch: Any, signature: Signature) -> Plan:
    try:
        with Trace() as trace:
            x, y, weight = traced_inputs(trace, batch, signature)
            variables = model.trainable_variables
            weights = [trace.read(v) for v in variables]
            y_pred = model._forward(x, training=True)
            loss = model.compute_loss(
                x=x, y=y, y_pred=y_pred, sample_weight=weight, training=True
            )
            loss = trace.lift(loss)
            penalty = sum((trace.lift(p) for p in model.losses), start=ops.zeros(()))
            ends = [trace.lift(t).value for t in tree.flatten(y_pred)]
            sites = Sites(trace.graph, layers_by_path(model), ends)
            found: dict[str, Any] = {"loss": loss, "penalty": penalty}
            gates = [s.value for s in sites.activations] + [r.value for r in sites.recurrences]
            gates += [_gate(o) for o in sites.outputs]
            slopes = trace.gradients(loss, [*weights, *map(trace.tensor, gates)])
            gradients = slopes[: len(weights)]
            _reduce(trace, sites, dict(zip(gates, slopes[len(weights) :])), found)
            for i, (w, g) in enumerate(zip(weights, gradients)):
                found[f"weight {i}"], found[f"gradient {i}"] = _square(w), _square(g)
            if step_mode(model) == "train" and variables:
                model._clear_losses()
                _step(model, trace, (x, y, weight), (variables, weights, gradients), found)
            names = list(found)
            values = [trace.lift(found[name]).value for name in names]
            program = trace.graph.compile(values, assign=False)
            return Plan(program, names, sites, list(variables))
    finally:
        model._clear_losses()


def _reduce(trace: Trace, sites: Sites, given: dict[int, Any], found: dict[str, Any]) -> None:
    """What is kept of activations, recurrences, outputs and inputs; `given` are the gradients."""
    for i, site in enumerate(sites.activations):
        a, g = trace.tensor(site.value), given[site.value]
        part = _some(a, _MOST)
        found[f"activation {i}"] = mean = ops.mean(part)
        found[f"variance {i}"] = ops.mean(ops.square(part - mean))
        found[f"slope {i}"] = _square(g)
        if site.kind in FLAT:
            low, high = FLAT[site.kind]
            apart = ops.abs(part - (low + high) / 2)
            found[f"flat {i}"] = _share(ops.greater(apart, (high - low) / 2))
        else:
            found[f"zero {i}"] = _share(ops.equal(part, 0))
        if site.kind in RECTIFIERS:
            found[f"peaks {i}"] = ops.max(a, axis=_others(a, site.axis))
        found[f"values {i}"], found[f"slopes {i}"] = _some(a, _SAMPLES), _some(g, _SAMPLES)
    for i, recurrence in enumerate(sites.recurrences):
        g, h = given[recurrence.value], trace.tensor(recurrence.states)
        found[f"steps {i}"] = ops.sum(ops.square(g), axis=_others(g, recurrence.axis))
        found[f"states {i}"] = ops.sum(ops.square(h), axis=_others(h, recurrence.axis))
    for i, output in enumerate(sites.outputs):
        value, g = trace.tensor(output.value), given[_gate(output)]
        if output.before is None and output.kind in ("sigmoid", "tanh"):
            one = value * (1 - value) if output.kind == "sigmoid" else 1 - ops.square(value)
            g = g * one
        total = ops.sum(value, axis=-1)
        found[f"low {i}"], found[f"high {i}"] = ops.min(value), ops.max(value)
        found[f"low sum {i}"], found[f"high sum {i}"] = ops.min(total), ops.max(total)
        found[f"size {i}"], found[f"gate {i}"] = ops.mean(ops.square(value)), _square(g)
    for i, entry in enumerate(sites.entries):
        value = trace.tensor(entry.value)
        if value.shape[entry.axis] <= _MOST_FEATURES:
            axes = _others(value, entry.axis)
            found[f"mean {i}"] = ops.mean(value, axis=axes)
            apart = value - ops.mean(value, axis=axes, keepdims=True)
            found[f"spread {i}"] = ops.mean(ops.square(apart), axis=axes)
            found[f"zeros {i}"] = ops.mean(ops.cast(ops.equal(value, 0), value.dtype), axis=axes)


def _step(model: Any, trace: Trace, batch: Any, trained: Any, found: dict[str, Any]) -> None:
    """The optimizer's change, and the loss after it with the same draws of dropout."""
    x, y, weight = batch
    variables, weights, gradients = trained
    model.optimizer.apply(gradients, variables)
    changes = [trace.read(v) - w for v, w in zip(variables, weights)]
    for i, (change, gradient) in enumerate(zip(changes, gradients)):
        found[f"change {i}"] = _square(change)
        found[f"descent {i}"] = ops.sum(change * gradient)
    moved = {id(v) for v in variables}
    for variable, tensor in trace.reads:
        if id(variable) not in moved:
            trace.variables[id(variable)] = (variable, tensor)
    y_pred = model._forward(x, training=True)
    found["loss_after"] = model.compute_loss(
        x=x, y=y, y_pred=y_pred, sample_weight=weight, training=True
    )


def _gate(output: Output) -> int:
    """The value whose gradient stands for that of the output."""
    return output.value if output.before is None else output.before


def _square(x: Any) -> Any:
    return ops.sum(ops.square(x))


def _share(x: Any) -> Any:
    return ops.mean(ops.cast(x, "float32"))


def _others(x: Any, axis: int) -> tuple[int, ...]:
    return tuple(i for i in range(len(x.shape)) if i != axis)


def _some(x: Any, most: int) -> Any:
    """At most about so many of the elements, evenly over all rows and units."""
    flat = ops.reshape(x, (-1,))
    stride = max(1, flat.shape[0] // most)
    while math.gcd(stride, x.shape[-1]) > 1:
        stride -= 1
    return flat if stride == 1 and flat.shape[0] <= most else flat[: stride * most : stride]
