"""Steps too long or too short, and layers that take none."""

from __future__ import annotations

import math
from collections.abc import Iterator

import numpy as np

from chainrule.diagnosis import remedies
from chainrule.diagnosis.case import Case
from chainrule.diagnosis.finding import Finding, finding
from chainrule.diagnosis.sites import layers_by_path

__all__ = ["frozen", "rate_too_high", "rate_too_low"]

# Of the loss before, and of a constant output's.
_OVERSHOT = 3.0
_WORSE = 1.5
_RESTLESS = 0.08
# Of the weight: a hundred times Karpathy's 1e-3.
_HUGE = 0.1
_RATIO = 1e-4
_STEPS = 1e4
_LEARNT = 0.5
_EPOCHS = 100
_STEADY = 0.5


def rate_too_high(case: Case) -> Iterator[Finding]:
    """Losses that are not finite or go up: in the history, or by the next step on its own batch."""
    assert case.measured is not None
    losses = np.array(case.curves.get("loss", ()), "float64")
    measured = case.measured
    if case.is_trained and not (math.isfinite(measured.loss) and np.isfinite(losses).all()):
        yield _too_high(case, math.inf, 1.0, "the loss is no number any more: training diverged")
        return
    if case.baseline > 0 and case.learnt < _LEARNT:
        largest = max(case.loss, case.baseline)
        over = (measured.loss_after - measured.penalty) / largest
        if measured.loss_after == measured.loss_after and not over < _OVERSHOT:
            yield _too_high(
                case,
                over,
                _OVERSHOT,
                f"one more step takes the loss of its own batch from {measured.loss:.3g} to "
                f"{measured.loss_after:.3g}",
            )
            return
    yield from _swinging(case, losses)


def _swinging(case: Case, losses: np.ndarray[tuple[int], np.dtype[np.float64]]) -> Iterator[Finding]:
    """A training loss that ends where it began, or goes up and down by as much as it has fallen."""
    if len(losses) < 4:
        return
    if losses[-1] > losses[0] * 1.05 and losses[-1] > 1.05 * losses.min():
        yield _too_high(
            case,
            float(losses[-1] / losses[0]),
            1.05,
            f"the training loss has gone up, from {losses[0]:.3g} to {losses[-1]:.3g}",
        )
        return
    worse = case.baseline > 0 and case.loss > _WORSE * case.baseline
    unsteady = float((np.diff(losses) > 0).mean()) >= 0.2
    # A loss that began high and falls in every epoch, however slowly, was not driven there.
    stays = losses[-1] > 0.9 * losses[0] and not bool((np.diff(losses) < 0).all())
    if worse and (stays or unsteady or _largest_change(case) > _HUGE):
        yield _too_high(
            case,
            case.loss / case.baseline,
            _WORSE,
            f"after {len(losses)} epochs the loss is {case.loss:.3g}, where a constant output has "
            f"{case.baseline:.3g}",
        )
        return
    late = losses[len(losses) // 2 :]
    ups = np.diff(late)
    fallen = losses[0] - losses.min()
    swing = float(np.abs(ups).mean())
    back = float((ups > 0).mean())
    if fallen > 0 and back >= 0.3 and swing > 0.25 * fallen:
        yield _too_high(
            case,
            swing / fallen,
            0.25,
            f"the training loss goes up and down by {swing:.3g} an epoch, and has fallen by "
            f"{fallen:.3g} in all",
        )
        return
    level = float(late.mean())
    if len(late) >= 4 and back >= 0.3 and case.learnt < 0.75 and late[0] - late[-1] < swing:
        if swing > _RESTLESS * level:
            yield _too_high(
                case,
                swing / level,
                _RESTLESS,
                f"the training loss no longer falls, but goes up and down by {swing:.3g} around "
                f"{level:.3g}",
            )


def _too_high(case: Case, number: float, limit: float, what: str) -> Finding:
    rate, usual = remedies.rate_of(case.model), remedies.default_rate(case.model)
    smaller = usual if rate is None or rate > 2 * usual else rate / 10
    optimizer = remedies.optimizer_of(case.model, smaller)
    shown = "" if rate is None else f" (learning rate {rate:.2g})"
    return finding(
        "rate_too_high",
        "",
        number,
        limit,
        f"{what}{shown}",
        "lecun",
        remedies.anew(case.model, optimizer),
        "a step longer than twice the best one goes uphill",
    )


def rate_too_low(case: Case) -> Iterator[Finding]:
    """Changes too small to get anywhere."""
    assert case.measured is not None
    measured = case.measured
    largest = _largest_change(case)
    losses = np.array(case.curves.get("loss", ()), "float64")
    seen = len(losses) >= 4
    limit = 2 * _RATIO if seen else _RATIO
    if not largest < limit or case.learnt > _LEARNT or measured.descent <= 0:
        return
    steps = case.loss / measured.descent
    slow = _is_slow(losses) if seen else steps > _STEPS
    if slow:
        rate, usual = remedies.rate_of(case.model), remedies.default_rate(case.model)
        faster = usual if rate is None or rate < usual / 2 else 100 * rate
        shown = "" if rate is None else f" (learning rate {rate:.2g})"
        yield finding(
            "rate_too_low",
            "",
            largest,
            limit,
            f"a step changes no kernel by more than {largest:.1e} of itself, and at this pace the "
            f"loss takes {steps:.0e} steps{shown}",
            "karpathy",
            remedies.compiled(case.model, remedies.optimizer_of(case.model, faster)),
            "there about 1e-3 is called healthy, a tenth of that is the limit here",
        )


def _largest_change(case: Case) -> float:
    """The largest of the kernels' ratios of update to weight; NaN where there is none."""
    assert case.measured is not None
    ratios = [w.update_ratio for w in case.measured.weights if len(w.shape) >= 2]
    return max((r for r in ratios if math.isfinite(r)), default=math.nan)


def _is_slow(losses: np.ndarray[tuple[int], np.dtype[np.float64]]) -> bool:
    """At the pace seen all of the loss takes hundreds of epochs, and the pace does not slacken."""
    half = len(losses) // 2
    first, second = losses[0] - losses[half], losses[half] - losses[-1]
    gained = losses[0] - losses[-1]
    return bool(gained * _EPOCHS < len(losses) * losses[0] and second > _STEADY * max(first, 0.0))


def frozen(case: Case) -> Iterator[Finding]:
    """Layers that are not trained and never were; or none that is."""
    assert case.measured is not None
    weights = [w for w in case.measured.weights if len(w.shape) >= 2]
    if not weights:
        return
    held = [w for w in weights if not w.trainable]
    raw = [w for w in held if w.untouched]
    if len(held) == len(weights) or (not raw and held and _has_stopped(case)):
        raw = held
    if not raw:
        return
    paths = _frozen_paths(layers_by_path(case.model))
    lines = [f"{remedies.getting(case.model, path)}.trainable = True" for path in paths]
    size = sum(math.prod(w.shape) for w in raw)
    whole = sum(math.prod(w.shape) for w in weights)
    never = "has its first, random weights" if raw[0].untouched else "is not trained"
    yield finding(
        "frozen_layer",
        raw[0].layer,
        size / whole,
        0.0,
        f"it is frozen and {never}: {size} of {whole} weights do not learn",
        "yosinski",
        "\n".join([*lines, remedies.compiled(case.model)]),
        "layers are frozen that were trained elsewhere",
    )


def _frozen_paths(layers: dict[str, object]) -> Iterator[str]:
    """The layers whose own flag is off; those inside follow it."""
    for path, layer in layers.items():
        if not getattr(layer, "_trainable", True) and getattr(layer, "weights", None):
            yield path


def _has_stopped(case: Case) -> bool:
    """Whether the rest no longer gains and has gained little."""
    losses = np.array(case.curves.get("loss", ()), "float64")
    if len(losses) < 6 or case.learnt > _LEARNT:
        return False
    third = max(2, len(losses) // 3)
    return bool(losses[-third] - losses[-1] < 0.02 * abs(losses[-1]))
