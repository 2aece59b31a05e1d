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
_LEFT = 0.25
_PENALTY, _LITTLE = 0.01, 0.1
_EPOCHS = 10
_ROWS = 256
_FEATURES = 4096
_NOISES = (0.01, 0.1, 1.0)


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
    last = own = math.nan
    if case.held_out is not None:
        last, own = case.held_out.loss, case.held_out.own_loss
    elif len(held):
        last, own = float(statistics.median(held[-3:])), float(losses[-1])
    if case.is_trained and math.isfinite(last) and start > own > 0 and last > own:
        share = (last - own) / (start - own)
        if share > _GAP and 1 - own / start > 0.2:
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
    """A training loss that no longer falls, above what the other rows say of each row."""
    losses = _epochs(case.curves.get("loss", ()))
    if len(losses) < _EPOCHS or not case.baseline > 0 or not math.isfinite(case.loss):
        return
    assert case.measured is not None
    penalty = case.measured.penalty
    if penalty > _PENALTY * case.loss and case.learnt < _LITTLE:
        yield finding(
            "underfitting",
            "",
            penalty / case.loss,
            _PENALTY,
            f"penalties on weights and activations add {penalty:.3g} to a loss of {case.loss:.3g}, "
            "and leave nothing to learn with",
            "goodfellow",
            _larger(case),
            "a hundredth of the loss, where less than a tenth was learnt",
        )
        return
    third = max(2, len(losses) // 3)
    gained = (losses[-third - 1] - losses[-1]) / case.baseline
    if gained > _STALLED or len(case.targets) != 1 or case.learnt > 1 - _LEFT:
        return
    own = case.predicted / case.baseline
    near = _neighbours(case) if own > _LEFT else None
    if near is None or not near < own / 2:
        return
    yield finding(
        "underfitting",
        "",
        own,
        2 * near,
        f"the training loss stalls at {own:.0%} of a constant output's; a smooth curve through "
        f"the other rows leaves {near:.0%} of the variance of a row's target",
        "rasmussen",
        _larger(case),
        "twice what a prediction of each row by the others leaves",
    )


def _neighbours(case: Case) -> float | None:
    """The share of the targets' variance that is left when each row is predicted by the others.

    By a Gaussian process (kernel ridge regression) with all but one row, in closed form: for
    ``A = (K + s I)^-1`` the error of row i is ``(A y)_i / A_ii``. For classes it is the share of a
    constant's squared distances to the one-hot targets.
    """
    x = case.rows(_ROWS).astype("float64")
    if x.shape[1] > _FEATURES or len(x) < 50:
        return None
    y = case.targets[0].values
    labels = case.targets[0].labels
    if labels is not None:
        y = np.eye(int(labels.max()) + 1)[labels]
    y = y[:: max(1, -(-len(y) // _ROWS))].reshape(len(x), -1).astype("float64")
    y = y - y.mean(axis=0)
    whole = float((y**2).sum())
    spread = x.std(axis=0)
    x = (x - x.mean(axis=0)) / np.where(spread > 0, spread, 1)
    squares = (x * x).sum(axis=1)
    apart = np.maximum(squares[:, None] + squares - 2 * x @ x.T, 0.0)
    if whole == 0 or not apart.any():
        return None
    kernel = np.exp(-apart / apart.mean())
    left = []
    for noise in _NOISES:
        inverse = np.linalg.inv(kernel + noise * np.eye(len(x)))
        errors = inverse @ y / np.diag(inverse)[:, None]
        left.append(float((errors**2).sum()) / whole)
    return min(left)


def _larger(case: Case) -> str:
    """Code for a larger network of the same ends: layers added before the last."""
    compiled = remedies.compiled(case.model, "keras.optimizers.Adam()")
    return (
        "wide = keras.Sequential([\n"
        "    keras.Input(x.shape[1:]),\n"
        "    keras.layers.Flatten(),\n"
        "    keras.layers.Dense(128, activation='relu', kernel_initializer='he_normal'),\n"
        "    keras.layers.Dense(128, activation='relu', kernel_initializer='he_normal'),\n"
        f"    keras.layers.Dense({_units(case)}, activation={_last(case)!r}),\n"
        "])\n"
        f"{compiled.replace('model.compile', 'wide.compile')}\n"
        "model = wide"
    )


def _units(case: Case) -> int:
    assert case.measured is not None
    return case.measured.outputs[0].units


def _last(case: Case) -> str:
    assert case.measured is not None
    return case.measured.outputs[0].activation
