"""What the curves of training and validation say: too much learnt by heart, or too little learnt."""

from __future__ import annotations

import math
import statistics
from collections.abc import Iterator
from typing import Any

import numpy as np
from numpy.typing import NDArray

from chainrule.diagnosis import remedies
from chainrule.diagnosis.case import Case
from chainrule.diagnosis.finding import Finding, finding

__all__ = ["overfitting", "underfitting"]

Array = NDArray[Any]

# Prechelt's largest threshold of the generalization loss, per cent.
_GENERAL = 5.0
_OF_LEARNT = 0.1
_GAP = 0.5
_STALLED = 0.02
_NEIGHBOURS = 5
_EPOCHS = 10
_ROWS = 400
_FEATURES = 4096


def _epochs(values: Any) -> Array:
    return np.asarray(values, "float64")


def overfitting(case: Case) -> Iterator[Finding]:
    """A validation loss that rises while the training loss falls, or that never followed it."""
    losses, held = _epochs(case.curves.get("loss", ())), _epochs(case.curves.get("val_loss", ()))
    start = case.baseline if case.baseline > 0 else (losses[0] if len(losses) else math.nan)
    if len(held) >= 4 and len(losses) >= len(held) and np.isfinite(held).all():
        trained = losses[-len(held) :]
        best = int(held.argmin())
        tail = held[-max(1, (len(held) - best) // 4) :]
        end = float(statistics.median(tail))
        rise = 100 * (end / held[best] - 1) if held[best] > 0 else 0.0
        noise = float(statistics.median(np.abs(np.diff(held)))) if len(held) > 2 else 0.0
        learnt = start - trained[-1]
        risen = end - held[best]
        if (
            rise > _GENERAL
            and risen > 3 * noise
            and risen > _OF_LEARNT * learnt > 0
            and trained[-1] < trained[best]
        ):
            yield _overfit(
                case,
                rise,
                _GENERAL,
                f"after epoch {best + 1} the validation loss rises from {held[best]:.3g} to "
                f"{end:.3g} (by {rise:.0f}%) while the training loss falls to {trained[-1]:.3g}",
                "the largest threshold tried there, in per cent",
                best + 1,
            )
            return
    last = case.held_out[2] if case.held_out is not None else math.nan
    if math.isnan(last) and len(held):
        last = float(statistics.median(held[-3:]))
    own = float(losses[-1]) if len(losses) else case.loss
    if case.is_trained and math.isfinite(last) and start > own > 0 and last > own:
        share = (last - own) / (start - own)
        if share > _GAP and case.learnt > 0.2:
            yield _overfit(
                case,
                share,
                _GAP,
                f"the training loss has fallen to {own:.3g}, the validation loss is {last:.3g}, that "
                f"of a constant output {start:.3g}: {share:.0%} of what was learnt is of the "
                "training rows alone",
                "half of it",
                None,
            )


def _overfit(
    case: Case, number: float, limit: float, what: str, reason: str, epochs: int | None
) -> Finding:
    """With early stopping as remedy; it needs nothing else to be known of the model."""
    begin = remedies.anew(case.model)
    stop = (
        "stop = keras.callbacks.EarlyStopping(patience=3, restore_best_weights=True)\n"
        "held = validation_data if 'validation_data' in globals() else None\n"
        "model.fit(x, y, epochs=100, validation_data=held, "
        "validation_split=0.0 if held else 0.2, callbacks=[stop], verbose=0)\n"
        "# or Dropout between the layers, kernel_regularizer='l2', augmentation, fewer units"
    )
    source = "prechelt" if epochs is not None else "goodfellow"
    return finding("overfitting", "", number, limit, what, source, f"{begin}\n{stop}", reason)


def underfitting(case: Case) -> Iterator[Finding]:
    """A training loss that no longer falls, above what the nearest neighbours of each row give."""
    losses = _epochs(case.curves.get("loss", ()))
    if len(losses) < _EPOCHS or not case.baseline > 0 or not math.isfinite(case.loss):
        return
    third = max(2, len(losses) // 3)
    gained = (losses[-third - 1] - losses[-1]) / case.baseline
    if gained > _STALLED or len(case.targets) != 1:
        return
    near = _neighbours(case)
    own = min(case.loss, float(losses[-1])) / case.baseline
    if near is None or not (1 - near) > 1.5 * (1 - own) + 0.1:
        return
    yield finding(
        "underfitting",
        "",
        own,
        near,
        f"the training loss stalls at {own:.0%} of a constant output's; the {_NEIGHBOURS} nearest "
        f"other rows predict a row better ({near:.0%})",
        "cover",
        _larger(case),
        "the share that the nearest neighbours leave: what learns nothing should not do better",
    )


def _neighbours(case: Case) -> float | None:
    """The share of the targets' variance that the mean of the nearest other rows leaves.

    For classes it is the share of a constant's errors in squared distance to the one-hot target.
    """
    x = case.rows(_ROWS).astype("float64")
    if x.shape[1] > _FEATURES or len(x) < 50:
        return None
    y = case.targets[0].values
    step = max(1, -(-len(y) // _ROWS))
    labels = case.targets[0].labels
    if labels is not None:
        y = np.eye(int(labels.max()) + 1)[labels]
    y = y[::step].reshape(len(x), -1).astype("float64")
    spread = x.std(axis=0)
    x = (x - x.mean(axis=0)) / np.where(spread > 0, spread, 1)
    squares = (x * x).sum(axis=1)
    apart = squares[:, None] + squares - 2 * x @ x.T
    np.fill_diagonal(apart, np.inf)
    nearest = np.argpartition(apart, _NEIGHBOURS, axis=1)[:, :_NEIGHBOURS]
    whole = ((y - y.mean(axis=0)) ** 2).sum()
    left = ((y - y[nearest].mean(axis=1)) ** 2).sum()
    return float(left / whole) if whole > 0 else None


def _larger(case: Case) -> str:
    """Code for a larger network of the same ends: layers added before the last."""
    return (
        "wide = keras.Sequential([\n"
        "    keras.Input(x.shape[1:]),\n"
        "    keras.layers.Flatten(),\n"
        "    keras.layers.Dense(128, activation='relu', kernel_initializer='he_normal'),\n"
        "    keras.layers.Dense(128, activation='relu', kernel_initializer='he_normal'),\n"
        f"    keras.layers.Dense({_units(case)}, activation={_last(case)!r}),\n"
        "])\n"
        f"{remedies.compiled(case.model, 'keras.optimizers.Adam()').replace('model.compile', 'wide.compile')}\n"
        "model = wide"
    )


def _units(case: Case) -> int:
    assert case.measured is not None
    return case.measured.outputs[0].units


def _last(case: Case) -> str:
    assert case.measured is not None
    return case.measured.outputs[0].activation
