"""What happens to signals on their way: gradients over depth, flat activations, units that are dead."""

from __future__ import annotations

import math
import statistics
from collections.abc import Iterator

from chainrule.diagnosis import remedies
from chainrule.diagnosis.case import Case
from chainrule.diagnosis.finding import Finding, finding
from chainrule.diagnosis.sites import layers_by_path
from chainrule.diagnosis.measured import ActivationStatistics, Measured, WeightStatistics

__all__ = ["dead", "depth", "saturated"]

# Over all levels where each takes its part, and over all however it comes about.
_DECLINE, _COLLAPSE = 1e-2, 1e-4
_GROWTH = 1e3
# Of what a level gets, the share that it passes on where it takes its part.
_PASSED = 0.5
_FLAT = 0.5
# Of the loss of a constant output, and of He's gain.
_LARGE_LOSS = 3.0
_LARGE_GAIN = 3.0
_SMALL_GAIN = 0.3
_LEARNT = 0.5
_SQUASHING = ("sigmoid", "tanh", "hard_sigmoid", "hard_tanh", "softsign")


def hidden(measured: Measured) -> list[ActivationStatistics]:
    """The activations that are no outputs."""
    return [a for a in measured.activations if not a.is_output]


def levels(measured: Measured) -> list[tuple[str, float]]:
    """Layer and gradient norm at each depth, that of the outputs last; of several the largest."""
    found: dict[int, ActivationStatistics] = {}
    for a in hidden(measured):
        known = found.get(a.depth)
        if known is None or not a.gradient_norm <= known.gradient_norm:
            found[a.depth] = a
    rows = [(found[d].layer, found[d].gradient_norm) for d in sorted(found)]
    ends = [(o.layer, o.gradient_norm) for o in measured.outputs]
    return [*rows, max(ends, key=lambda row: row[1])] if ends else rows


def kernels(measured: Measured) -> list[WeightStatistics]:
    """The weights that multiply, of a layer's input."""
    return [w for w in measured.weights if w.weight in ("kernel", "depthwise_kernel")]


def depth(case: Case) -> Iterator[Finding]:
    """Gradients that vanish or explode from the outputs to the first layer."""
    measured = case.measured
    assert measured is not None
    rows = levels(measured)
    if len(rows) < 2:
        return
    (first, start), (_, end) = rows[0], rows[-1]
    if not math.isfinite(start) or not math.isfinite(measured.loss):
        if not case.is_trained or math.isfinite(measured.loss):
            yield _exploding(case, first, math.inf, "gradients or activations overflow")
        return
    if case.learnt > _LEARNT:
        return
    ratio = start / end if end else 1.0
    shares = [a / b if b else 1.0 for (_, a), (_, b) in zip(rows, rows[1:])]
    passed = statistics.median(shares)
    limit = _DECLINE if passed < _PASSED else _COLLAPSE
    widest = _widest(measured)
    lost = case.baseline > 0 and case.loss > _LARGE_LOSS * case.baseline
    if ratio > _GROWTH or _growth(measured) > _GROWTH:
        worst = max(ratio, _growth(measured))
        yield _exploding(case, first, worst, f"signals grow by {worst:.2g} over {len(rows)} levels")
    elif lost and not case.is_trained and widest is not None and widest.gain > _LARGE_GAIN:
        if any(a.saturated > _FLAT for a in hidden(measured)):
            return
        yield _large(case, widest)
    elif ratio < limit and not (start == 0 and _is_cut(measured)) and not _is_penalised(case):
        yield _vanishing(case, first, ratio, limit)


def _widest(measured: Measured) -> WeightStatistics | None:
    found = [w for w in kernels(measured) if w.trainable]
    return max(found, key=lambda w: w.gain, default=None)


def _growth(measured: Measured) -> float:
    """How many times larger the last hidden activations are than the first."""
    rows = sorted(hidden(measured), key=lambda a: a.depth)
    if len(rows) < 2 or rows[0].deviation == 0:
        return 0.0
    return rows[-1].deviation / rows[0].deviation


def _is_cut(measured: Measured) -> bool:
    """Whether a layer without a living unit lies on the way."""
    return any(a.units and a.dead == a.units for a in hidden(measured))


def _is_penalised(case: Case) -> bool:
    """Whether weights are small because a penalty has made them so."""
    penalised = any(getattr(v, "regularizer", None) for v in case.model.trainable_variables)
    return case.is_trained and penalised


def _chain(case: Case) -> list[str]:
    """The layers with kernels that feed hidden activations."""
    assert case.measured is not None
    layers = layers_by_path(case.model)
    paths = []
    for a in hidden(case.measured):
        if getattr(layers.get(a.layer), "kernel", None) is not None and a.layer not in paths:
            paths.append(a.layer)
    if paths:
        return paths
    ends = {o.layer for o in case.measured.outputs}
    return [w.layer for w in kernels(case.measured) if w.layer not in ends]


def _squashing(case: Case) -> list[str]:
    """The layers that apply sigmoids and the like inside."""
    assert case.measured is not None
    layers = layers_by_path(case.model)
    return [
        a.layer
        for a in hidden(case.measured)
        if a.activation in _SQUASHING and hasattr(layers.get(a.layer), "activation")
    ]


def _initializer(case: Case) -> str:
    return "GlorotUniform()" if _squashing(case) else "HeNormal()"


def _vanishing(case: Case, layer: str, ratio: float, limit: float) -> Finding:
    assert case.measured is not None
    chain = _chain(case)
    gains = [w.gain for w in kernels(case.measured) if w.layer in chain]
    squashing = list(dict.fromkeys(_squashing(case)))
    gain = statistics.median(gains) if gains else 1.0
    small = gain < _SMALL_GAIN
    if small:
        why = f"the weights are small: sqrt(fan_in mean(w^2)) is {gain:.2g}, not about 1"
        code = remedies.initialized(case.model, chain, _initializer(case))
    elif squashing:
        why = f"{len(squashing)} layers of sigmoids or the like stand on each other"
        both = list(dict.fromkeys([*chain, *squashing]))
        code = _unsquashed(case, both, squashing)
    else:
        why = "each layer passes on less than it gets"
        code = remedies.initialized(case.model, chain, "HeNormal()")
    return finding(
        "vanishing_gradients",
        layer,
        ratio,
        limit,
        f"the gradient that reaches it is {ratio:.1e} of the last layer's; {why}",
        "he" if small else "glorot",
        code,
        "a hundredth where every level takes half or more, else a ten-thousandth: at one rate for "
        "all, it learns as much slower",
    )


def _unsquashed(case: Case, paths: list[str], squashing: list[str]) -> str:
    """Code that puts ReLU in place of sigmoids, with He's initialisation."""
    with_kernel = [p for p in squashing if p in _chain(case)]
    others = [p for p in squashing if p not in with_kernel]
    lines = []
    if others:
        head = remedies.each(case.model, others)
        lines.append(f"{head}\n    layer.activation = keras.activations.relu")
    if with_kernel:
        lines.append(remedies.initialized(case.model, with_kernel, "HeNormal()", "relu"))
    else:
        lines.append(remedies.compiled(case.model))
    return "\n".join(lines)


def _exploding(case: Case, layer: str, number: float, what: str) -> Finding:
    code = remedies.initialized(case.model, _chain(case), _initializer(case))
    return finding(
        "exploding_gradients",
        layer,
        number,
        _GROWTH,
        what,
        "he",
        code,
        "a thousand: at one rate for all, layers move a thousand times faster than others",
    )


def _large(case: Case, weight: WeightStatistics) -> Finding:
    return finding(
        "exploding_gradients",
        weight.layer,
        weight.gain,
        _LARGE_GAIN,
        f"the weights are large: sqrt(fan_in mean(w^2)) is {weight.gain:.2g}, and the loss "
        f"{case.loss:.3g}, where a constant output has {case.baseline:.3g}",
        "he",
        remedies.initialized(case.model, _chain(case), _initializer(case)),
        "twice He's sqrt(2), about, and a loss three times that of a constant",
    )


def saturated(case: Case) -> Iterator[Finding]:
    """Hidden sigmoids and tanhs where they are flat."""
    assert case.measured is not None
    if case.learnt > _LEARNT:
        return
    for a in hidden(case.measured):
        if a.saturated > _FLAT:
            yield finding(
                "saturated_units",
                a.layer,
                a.saturated,
                _FLAT,
                f"{a.saturated:.0%} of the outputs of {a.activation} lie where it is flat",
                "glorot",
                remedies.initialized(case.model, _chain(case), "GlorotUniform()"),
                "more than half of the signal stops there",
            )
            return


def dead(case: Case) -> Iterator[Finding]:
    """ReLU units that no row activates."""
    assert case.measured is not None
    for a in hidden(case.measured):
        if not a.units:
            continue
        share = a.dead / a.units
        # By symmetry a unit of zero bias is dead for all rows at most half the time.
        limit = min(0.5 + 1.5 / math.sqrt(a.units), 1.0) if case.learnt < 0.9 else 1.0
        if share > limit or (share == 1 and a.units > 1):
            yield finding(
                "dead_units",
                a.layer,
                share,
                limit,
                f"{a.dead} of {a.units} ReLU units give 0 for every row",
                "lu",
                _revived(case),
                "half, and three standard errors: more than symmetric weights and zero biases "
                "can make",
            )
            return


def _revived(case: Case) -> str:
    """Code that begins again, with leaky units, zero biases, and, after steps, a smaller rate."""
    chain = _chain(case)
    layers = layers_by_path(case.model)
    biased = [p for p in chain if getattr(layers[p], "bias", None) is not None]
    lines = remedies.initialized(case.model, chain, "HeNormal()", "leaky_relu").splitlines()
    if biased:
        head = remedies.each(case.model, biased)
        zeros = f"{head}\n    layer.bias.assign(np.zeros(layer.bias.shape))"
        lines.insert(-1, zeros)
    rate, usual = remedies.rate_of(case.model), remedies.default_rate(case.model)
    if case.is_trained:
        slower = remedies.optimizer_of(case.model, None if rate is None else min(rate / 10, usual))
        lines = [remedies.anew(case.model, slower), *lines[:-1]]
    return "\n".join(lines)
