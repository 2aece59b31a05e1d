"""The condition of inputs and targets, before any question of weights."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
from numpy.typing import NDArray

from chainrule.diagnosis import remedies
from chainrule.diagnosis.case import Case, Target
from chainrule.diagnosis.finding import Finding, finding
from chainrule.diagnosis.measured import InputStatistics
from chainrule.training.data import flat

__all__ = ["finite_rows", "imbalance", "inputs", "leaks", "not_finite", "order", "scale_of_targets"]

Array = NDArray[Any]

_LARGE, _SMALL = 10.0, 0.01
_UNEQUAL = 100.0
_LARGE_TARGETS = 100.0
_RARE = 0.1
_WITHIN = 0.5
_LEAK = 0.01


def finite_rows(x: Any, y: Any) -> Array:
    """(rows,): whether inputs and targets of a row are all finite."""
    leaves = [np.asarray(a[:]) for part in (x, y) for a in flat(part) if a is not None]
    good = np.ones(len(leaves[0]), bool)
    for a in leaves:
        if a.dtype.kind == "f":
            good &= np.isfinite(a).reshape(len(a), -1).all(axis=1)
    return good


def not_finite(good: Array) -> Iterator[Finding]:
    """NaN and infinities."""
    bad = int((~good).sum())
    if bad:
        yield finding(
            "not_finite_data",
            "",
            bad,
            0,
            f"{bad} of {len(good)} rows hold NaN or infinity (first: row {int(np.argmin(good))})",
            "goodfellow",
            "good = np.isfinite(x).reshape(len(x), -1).all(axis=1)\n"
            "good &= np.isfinite(y).reshape(len(y), -1).all(axis=1)\n"
            "x, y = x[good], y[good]",
            "one NaN makes every weight NaN",
        )


def inputs(case: Case) -> Iterator[Finding]:
    """Scales and constants of what enters the first weights."""
    assert case.measured is not None
    for entry in case.measured.inputs:
        sizes, spread = entry.sizes, entry.deviation
        alive = sizes > 0
        if not alive.any():
            continue
        largest = float(sizes.max())
        if largest > _LARGE or largest < _SMALL:
            which = int(sizes.argmax())
            yield _unscaled(
                entry,
                largest,
                _LARGE if largest > _LARGE else _SMALL,
                f"the root mean square of feature {which} is {largest:.3g}",
            )
            continue
        if entry.rank != 2:
            continue
        dense = (spread > 0) & (entry.zeros < 0.5)
        if dense.any() and spread[dense].max() > _UNEQUAL * spread[dense].min():
            ratio = float(spread[dense].max() / spread[dense].min())
            yield _unscaled(
                entry, ratio, _UNEQUAL, f"features' standard deviations differ by {ratio:.3g}"
            )
        constant = np.flatnonzero((spread <= 1e-6 * sizes) & alive)
        if len(constant) and len(constant) < len(sizes) / 2:
            yield finding(
                "constant_features",
                entry.layer,
                len(constant),
                0,
                f"{len(constant)} of {len(sizes)} features are constant and not 0 "
                f"(first: number {int(constant[0])})",
                "lecun",
                "x = np.delete(x, np.flatnonzero(x.std(axis=0) == 0), axis=1)\n"
                "# the model is built anew for x.shape[1] features",
                "a constant says nothing, and doubles the bias",
            )


def _unscaled(entry: InputStatistics, number: float, limit: float, what: str) -> Finding:
    axes = "0" if entry.rank == 2 else "tuple(range(x.ndim - 1))"
    return finding(
        "unscaled_inputs",
        entry.layer,
        number,
        limit,
        f"{what}; weights are drawn for inputs of mean 0 and standard deviation 1",
        "lecun",
        f"mean, deviation = x.mean(axis={axes}), x.std(axis={axes})\n"
        "x = (x - mean) / np.where(deviation > 0, deviation, 1)  # and the same for new data",
        "ten times off, and a hundred times between features, is far from that",
    )


def scale_of_targets(case: Case) -> Iterator[Finding]:
    """Numbers too large for outputs of about 1."""
    for target in case.targets:
        y = target.values
        if target.kind not in ("mean_squared_error", "mean_absolute_error", "huber", "log_cosh"):
            continue
        size = float(np.sqrt(np.square(y, dtype="float64").mean()))
        if size > _LARGE_TARGETS and case.learnt < 0.5:
            yield finding(
                "unscaled_targets",
                "",
                size,
                _LARGE_TARGETS,
                f"the targets' root mean square is {size:.3g}, that of first outputs about 1",
                "lecun",
                "mean, deviation = y.mean(axis=0), y.std(axis=0)\n"
                "y = (y - mean) / deviation  # predictions are model.predict(x) * deviation + mean",
                "a hundred times the size of what a new network gives",
            )


def imbalance(case: Case) -> Iterator[Finding]:
    """A class of which there are few rows."""
    for target in case.targets:
        labels = target.labels
        if labels is None:
            continue
        classes = int(target.shape[-1] or 1) if target.shape[-1] != 1 else 2
        counts = np.bincount(labels, minlength=classes)
        share = float(counts.min() * classes / counts.sum())
        fair = len(labels) >= 20 * classes
        if share < _RARE and fair and len(counts) <= 50:
            rare = int(counts.argmin())
            yield finding(
                "class_imbalance",
                "",
                share,
                _RARE,
                f"class {rare} has {counts[rare]} of {len(labels)} rows, {share:.2g} of its share",
                "garcia",
                "labels = np.asarray(y).reshape(len(y), -1)\n"
                "labels = labels.argmax(1) if labels.shape[1] > 1 else labels[:, 0].astype(int)\n"
                "counts = np.bincount(labels)\n"
                "weights = {c: len(labels) / (len(counts) * n) for c, n in enumerate(counts) if n}\n"
                "model.fit(x, y, class_weight=weights)",
                "ten times rarer than with classes of equal size",
            )


def order(case: Case) -> Iterator[Finding]:
    """Rows sorted by their targets, and no shuffling."""
    stateful = any(getattr(layer, "stateful", False) for layer in case.model._flatten_layers())
    if case.fitted.shuffle is not False or stateful:
        return
    for target in case.targets:
        share = _within_batches(target, case.batch_size)
        if share is not None and share < _WITHIN:
            yield finding(
                "sorted_data",
                "",
                share,
                _WITHIN,
                f"a batch of {case.batch_size} has {share:.0%} of the targets' variance: the rows are "
                "sorted, and `fit` was told not to shuffle",
                "lecun",
                "order = np.random.default_rng(0).permutation(len(x))\n"
                "x, y = x[order], y[order]\n"
                f"{remedies.anew(case.model)}\n"
                "# and model.fit(x, y), which shuffles by itself",
                "with rows in random order it is all of it",
            )
            return


def _within_batches(target: Target, size: int) -> float | None:
    """The mean variance of a batch's targets over that of all, 1 for a random order."""
    y = target.values
    labels = target.labels
    if labels is not None:
        y = np.eye(int(labels.max()) + 1)[labels]
    y = y.reshape(len(y), -1).astype("float64")
    full = len(y) // size
    whole = y.var(axis=0).sum()
    if size < 2 or full < 2 or whole == 0:
        return None
    within = y[: full * size].reshape(full, size, -1).var(axis=1, ddof=1).sum(axis=1).mean()
    return float(within / whole)


def leaks(case: Case) -> Iterator[Finding]:
    """Rows of the validation data that are rows of the training data too."""
    if case.held_out is None:
        return
    train, held = _hashed(case.x), _hashed(case.held_out.x)
    if len(held) == 0 or train.dtype != held.dtype:
        return
    both = np.isin(held, train)
    _, counts = np.unique(train, return_counts=True)
    natural = float(counts[counts > 1].sum() / len(train))
    share = float(both.mean())
    limit = max(_LEAK, natural + 3 * np.sqrt(max(natural * (1 - natural), 0.0) / len(held)))
    if share > limit and both.sum() > 1:
        yield finding(
            "leaking_validation_data",
            "",
            share,
            limit,
            f"{int(both.sum())} of {len(held)} rows of validation_data are rows of x: its loss says "
            "little about new data",
            "barz",
            "seen = {row.tobytes() for row in x}\n"
            "new = np.array([row.tobytes() not in seen for row in validation_data[0]])\n"
            "validation_data = tuple(part[new] for part in validation_data)\n"
            "if not new.any():\n"
            "    _, first = np.unique(x.reshape(len(x), -1), axis=0, return_index=True)\n"
            "    order = np.random.default_rng(0).permutation(first)\n"
            "    held, kept = np.split(order, [len(order) // 5])\n"
            "    validation_data, x, y = (x[held], y[held]), x[kept], y[kept]",
            "one in a hundred, and more than the training data repeat themselves",
        )


def _hashed(x: Any) -> Array:
    """(rows,): the bytes of each row."""
    leaves = [np.asarray(a[:]) for a in flat(x) if a is not None]
    plain = [a.astype("float32" if a.dtype.kind == "f" else "int64") for a in leaves]
    raw = np.concatenate([a.reshape(len(a), -1).view("uint8") for a in plain], axis=1)
    return np.ascontiguousarray(raw).view(f"V{raw.shape[1]}")[:, 0]
