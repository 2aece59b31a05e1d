"""`diagnose`: why a network does not learn, from a few batches and what is known of its training."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Any

import numpy as np

from chainrule.base.errors import DataError, ShapeError
from chainrule.diagnosis import data, fit_of_targets, history, rates, sequences, signals
from chainrule.diagnosis.case import (
    Case,
    Fitted,
    HeldOut,
    curves_of,
    predicted_loss,
    targets_of,
)
from chainrule.diagnosis.finding import EXPLAINS, KINDS, Finding
from chainrule.diagnosis.measure import measure, step_mode
from chainrule.diagnosis.report import DiagnosisReport
from chainrule.training.data import ArraySource, to_array, to_arrays
from chainrule.training.loaded import inputs_of

__all__ = ["diagnose"]

_BATCH_SIZE = 32

_JUDGES: tuple[Callable[[Case], Iterator[Finding]], ...] = (
    fit_of_targets.targets,
    data.inputs,
    data.scale_of_targets,
    data.leaks,
    data.order,
    data.imbalance,
    rates.frozen,
    sequences.gradients,
    signals.saturated,
    signals.dead,
    rates.rate_too_high,
    rates.rate_too_low,
    history.overfitting,
    history.underfitting,
)


def diagnose(
    model: Any,
    x: Any,
    y: Any = None,
    sample_weight: Any = None,
    *,
    validation_data: Any = None,
    history: Any = None,
    shuffle: bool | None = None,
    batch_size: int | None = None,
    batches: int = 8,
    seed: int = 0,
) -> DiagnosisReport:
    """Look for what keeps a compiled model, fresh or trained, from learning.

    Parameters
    ----------
    model : Model
        Compiled with a loss. Without an optimizer, nothing is said of steps.
    x, y, sample_weight : arrays, or structures of them
        The training data.
    validation_data : tuple, optional
        (x, y), whose rows should not be among those of the training data.
    history : History or dict of lists, optional
        The metrics by epoch; default: those of the model's last `fit`.
    shuffle : bool, optional
        Whether `fit` draws a new order each epoch; default: whether the last one did.
    batch_size : int, optional
        Rows of a step; default: that of the last `fit`, else 32.
    batches : int
        How many steps are looked at, with rows from all over the data. Default 8.
    seed : int
        Of the choice of rows. Default 0.

    Returns
    -------
    DiagnosisReport
        ``report.findings``, tables when printed, ``report.plot()``.

    Raises
    ------
    NotCompiledError
        The model has no loss.
    ShapeError, DTypeError, DataError
        Inputs that the model cannot take. Targets that do not fit are a finding.
    TypeError
        A history that is none.
    ValueError
        `batches` or `batch_size` below 1.

    Notes
    -----
    The step is the training step, traced and compiled once: forward, loss, gradients by every
    weight and activation, the optimizer's change, and the loss after it. It is not carried out: no
    weight, seed or moving statistic changes. What is kept of it is reduced in the program. Of a model
    with a `train_step` of its own it is forward, loss (`compute_loss`) and gradients alone.

    Every finding has its source. Where that names no threshold, the finding says why it is this one.

    Examples
    --------
    >>> import numpy as np, chainrule as keras
    >>> model = keras.Sequential(
    ...     [keras.layers.Dense(32, activation="sigmoid") for _ in range(8)] + [keras.layers.Dense(1)]
    ... )
    >>> model.compile(optimizer="adam", loss="mse")
    >>> x = np.random.default_rng(0).normal(size=(256, 4))
    >>> [finding.kind for finding in model.diagnose(x, x.sum(axis=1)).findings]
    ['vanishing_gradients']
    """
    for name, value in (("batches", batches), ("batch_size", batch_size)):
        if value is not None and (not isinstance(value, (int, np.integer)) or value < 1):
            raise ValueError(f"diagnose: expected {name} to be 1 or more, got {value!r}")
    model._check_compiled("diagnose")
    curves = curves_of(history, model)
    known = model._training.fitted
    fitted = Fitted(known.get("shuffle") if shuffle is None else bool(shuffle))
    source = _source(model, x, y, sample_weight)
    size = min(batch_size or known.get("batch_size") or _BATCH_SIZE, source.rows)
    good = data.finite_rows(source.x, source.y)
    found = list(data.not_finite(good))
    case, refusal = _case(model, source, good, (curves, fitted, size), batches, seed)
    if refusal is not None:
        found.append(refusal)
    if case is not None:
        if validation_data is not None:
            case = _with_held_out(case, validation_data)
        for judge in _JUDGES:
            found += judge(case)
    return DiagnosisReport(
        _causes(found),
        None if case is None else case.measured,
        math.nan if case is None else case.baseline,
    )


def _source(model: Any, x: Any, y: Any, sample_weight: Any = None) -> ArraySource:
    x = inputs_of(model, x, to_array)
    return ArraySource(x, to_arrays(y, "y"), to_arrays(sample_weight, "weight"))


def _case(
    model: Any, source: ArraySource, good: Any, known: Any, batches: int, seed: int
) -> tuple[Case | None, Finding | None]:
    """The model and its data, measured; or why the targets are refused."""
    curves, fitted, size = known
    rows = np.flatnonzero(good)
    if len(rows) < size:
        return None, None
    kept = source if len(rows) == len(good) else _at(source, rows)
    mode = step_mode(model)
    model._ensure_ready(mode, kept)
    try:
        model._check_targets(mode, kept)
    except (DataError, ShapeError) as error:
        return None, fit_of_targets.refused(error)
    loss = model._training.loss
    targets = []
    if loss is not None and source.y is not None:
        outputs = model._output_spec_of(source.batch(slice(0, 1))[0])
        targets = targets_of(loss, kept.y, outputs)
    count = min(batches, len(rows) // size)
    order = np.random.default_rng(seed).permutation(len(rows))[: count * size]
    chosen = [_at(kept, part) for part in np.split(order, count)]
    measured = measure(model, chosen)
    return Case(model, kept.x, targets, measured, curves, fitted, size, None), None


def _at(source: ArraySource, rows: Any) -> ArraySource:
    """These rows, in memory."""
    return ArraySource(*source._map(lambda a: np.ascontiguousarray(np.asarray(a[rows]))))


def _with_held_out(case: Case, validation_data: Any) -> Case:
    """With the validation data, and the losses of some of their rows and of training rows."""
    parts = tuple(validation_data)
    held = _source(case.model, parts[0], parts[1] if len(parts) > 1 else None)
    losses = math.nan, math.nan
    if case.is_trained and len(case.targets) == 1 and held.y is not None:
        outputs = case.model._output_spec_of(held.batch(slice(0, 1))[0])
        other = targets_of(case.model._training.loss, held.y, outputs)[0]
        losses = predicted_loss(case.model, held.x, other), case.predicted
    return replace(case, held_out=HeldOut(held.x, *losses))


def _causes(found: list[Finding]) -> list[Finding]:
    """Without what follows from others, causes first, one of a kind and layer."""
    kinds = {f.kind for f in found}
    explained = {effect for kind in kinds for effect in EXPLAINS.get(kind, ())}
    left = [f for f in found if f.kind not in explained]
    return sorted(left, key=lambda f: KINDS.index(f.kind))

