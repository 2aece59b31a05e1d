"""Gradients over the steps of a sequence."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np

from chainrule.diagnosis import remedies
from chainrule.diagnosis.case import Case
from chainrule.diagnosis.finding import Finding, finding
from chainrule.diagnosis.signals import depth
from chainrule.diagnosis.sites import layers_by_path
from chainrule.diagnosis.measured import TimeStatistics

__all__ = ["gradients", "through_time"]

_LOST = float(np.finfo("float32").eps)
_GROWTH = 1e3
_LEARNT = 0.5
_LITTLE = 0.05
_STALLED = 0.01
_EPOCHS = 8
_GATED = ("lstm", "gru")


def gradients(case: Case) -> Iterator[Finding]:
    """What becomes of gradients over time, or else over depth."""
    found = list(through_time(case))
    yield from found or depth(case)


def through_time(case: Case) -> Iterator[Finding]:
    """Gradients that vanish or explode from the last step to the first."""
    assert case.measured is not None
    for times in case.measured.recurrences:
        norms = times.gradient_norms[:: -1 if times.reverse else 1]
        if times.masked:
            there = np.flatnonzero(norms)
            norms = norms[there[0] : there[-1] + 1] if there.size else norms
        states = times.state_norms[:: -1 if times.reverse else 1]
        if len(norms) < 2:
            continue
        if not (np.isfinite(norms).all() and np.isfinite(states).all()):
            yield _exploding(case, times, np.inf, len(norms))
            return
        if case.learnt < _LEARNT and states[-1] > _GROWTH * states[0] > 0:
            yield _exploding(case, times, states[-1] / states[0], len(norms))
            return
        if not norms.any():
            continue
        first, last = norms[0], norms[-1]
        if first > _GROWTH * last and case.learnt < _LEARNT:
            yield _exploding(case, times, first / last, len(norms))
            return
        # The gates of an LSTM or GRU open while it learns: only the outcome can be judged.
        can_tell = times.kind not in _GATED or _learns_nothing(case)
        if first < _LOST * norms.max() and can_tell and case.learnt < _LEARNT:
            yield _vanishing(case, times, first / norms.max(), len(norms))
            return


def _learns_nothing(case: Case) -> bool:
    """Whether epochs of training have changed nothing, and the last ones neither."""
    losses = case.curves.get("loss", ())
    if len(losses) < _EPOCHS or case.learnt > _LITTLE:
        return False
    return losses[-len(losses) // 3 - 1] - losses[-1] < _STALLED * abs(losses[0])


def _exploding(case: Case, times: TimeStatistics, ratio: float, steps: int) -> Finding:
    paths = [p for p in layers_by_path(case.model) if p.startswith(times.layer)]
    lines = []
    for path in paths:
        if getattr(layers_by_path(case.model)[path], "recurrent_kernel", None) is not None:
            layer = remedies.getting(case.model, path)
            lines = [
                f"layer = {layer}",
                "layer.recurrent_kernel.assign("
                "keras.initializers.Orthogonal()(layer.recurrent_kernel.shape))",
            ]
    return finding(
        "exploding_gradients",
        times.layer,
        ratio,
        _GROWTH,
        f"signals grow by {ratio:.1e} over {steps} steps",
        "pascanu",
        "\n".join([*lines, remedies.clipped(case.model)]),
        "a thousand: steps long past outweigh all others",
    )


def _vanishing(case: Case, times: TimeStatistics, ratio: float, steps: int) -> Finding:
    return finding(
        "vanishing_gradients",
        times.layer,
        ratio,
        _LOST,
        f"the gradient at the first of {steps} steps is {ratio:.1e} of the largest: what they "
        "say cannot be learnt",
        "pascanu" if times.kind not in _GATED else "hochreiter",
        _remembering(case, times, steps),
        "the rounding of float32: beside the last step's the first step's gradient is lost",
    )


def _remembering(case: Case, times: TimeStatistics, steps: int) -> str:
    """Code that lets states stay: an LSTM whose gates begin open, or ReLU on the identity.

    The gates open for 1 to T steps (Tallec and Ollivier 2018, Can recurrent neural networks warp
    time?); the identity is of Le, Jaitly and Hinton 2015, A simple way to initialize recurrent
    networks of rectified linear units.
    """
    layers = layers_by_path(case.model)
    layer = layers[times.layer]
    place = remedies.getting(case.model, times.layer)
    last = remedies.clipped(case.model)
    if times.kind in _GATED:
        gate = "bias[units : 2 * units]" if times.kind == "lstm" else "bias[0, :units]"
        lines = [
            f"cell = {place}.cell",
            "bias, units = cell.bias.numpy(), cell.units",
            f"{gate} = np.log(np.linspace(1, {steps - 1}, units))",
            "cell.bias.assign(bias)",
        ]
        return "\n".join([*lines, last])
    if type(layer).__name__ == "SimpleRNN" and layer in case.model.layers and _is_cloned(case):
        return "\n".join([_with_lstm(case, layer, place, steps), last])
    cells = [p for p in layers if p.startswith(times.layer) and hasattr(layers[p], "recurrent_kernel")]
    rate = remedies.rate_of(case.model)
    slow = remedies.optimizer_of(case.model, None if rate is None else rate / 4, 1.0)
    lines = [
        f"cell = {remedies.getting(case.model, cells[-1] if cells else times.layer)}",
        "cell.activation = keras.activations.relu",
        "cell.recurrent_kernel.assign(np.eye(cell.units))",
        "cell.kernel.assign(keras.initializers.HeNormal()(cell.kernel.shape) / 10)",
    ]
    return "\n".join([*lines, remedies.compiled(case.model, slow)])


def _is_cloned(case: Case) -> bool:
    """Whether `clone_model` takes a function for this model's layers."""
    return hasattr(case.model, "inputs") and type(case.model).__name__ in (
        "Sequential",
        "Functional",
    )


def _with_lstm(case: Case, layer: Any, place: str, steps: int) -> str:
    """Code that makes the model with an LSTM in place of a SimpleRNN."""
    return f"""def gated(layer):
    config = layer.get_config()
    if layer.name != {layer.name!r}:
        return type(layer).from_config(config)
    kept = ("units", "return_sequences", "return_state", "go_backwards", "name")
    return keras.layers.LSTM(**{{name: config[name] for name in kept}})
optimizer, loss = model.optimizer, model.loss
model = keras.models.clone_model(model, clone_function=gated)
model.optimizer, model.loss = optimizer, loss
if not model.built:
    model.build((None, *x.shape[1:]))
cell = {place}.cell
bias, units = cell.bias.numpy(), cell.units
bias[units : 2 * units] = np.log(np.linspace(1, {steps - 1}, units))  # forgets after 1 to {steps} steps
bias[:units] = -bias[units : 2 * units]
cell.bias.assign(bias)"""
