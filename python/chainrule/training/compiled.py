"""The losses and metrics that `compile` was given, matched to the outputs of the model."""

from __future__ import annotations

from typing import Any

from chainrule import losses as losses_module
from chainrule import metrics as metrics_module
from chainrule import ops, tree
from chainrule.losses.loss import Loss

Tensor = Any


def _leaves(structure: Any) -> list[Any]:
    return [] if structure is None else list(tree.flatten(structure))


def output_names(y_pred: Any, names: list[str] | None) -> list[str]:
    """A name for each output: dictionary keys, else the model's output names, else numbers."""
    if isinstance(y_pred, dict):
        return list(sorted(y_pred))
    count = len(_leaves(y_pred))
    if names is not None and len(names) == count:
        return list(names)
    return [f"output_{i}" for i in range(count)]


def align(spec: Any, names: list[str], what: str) -> list[Any]:
    """What `compile` was given for each output: one for all, a list, or a dict by output name.

    Raises
    ------
    ValueError
        A list of the wrong length or an unknown output name.
    """
    if isinstance(spec, dict):
        unknown = sorted(set(spec) - set(names))
        if unknown:
            raise ValueError(f"compile: expected {what} for outputs {names}, got names {unknown}")
        return [spec.get(name) for name in names]
    if isinstance(spec, (list, tuple)):
        if len(spec) != len(names):
            raise ValueError(
                f"compile: expected {len(names)} {what} for outputs {names}, got {len(spec)}"
            )
        return list(spec)
    return [spec] * len(names)


def _per_output(structure: Any, count: int) -> list[Any]:
    leaves = _leaves(structure)
    if not leaves:
        return [None] * count
    return leaves * count if len(leaves) == 1 else leaves


def to_loss(identifier: Any) -> Loss | None:
    """A Loss from a name, a config, a Loss or a function of (y_true, y_pred)."""
    if identifier is None or isinstance(identifier, Loss):
        return identifier
    found = losses_module.get(identifier)
    if isinstance(found, Loss):
        return found
    name = getattr(found, "__name__", type(found).__name__)
    return losses_module.LossFunctionWrapper(found, name=name)


class CompiledLoss:
    """``sum_i loss_weights[i] * losses[i](y_true_i, y_pred_i, sample_weight_i)``.

    Parameters
    ----------
    loss : str, Loss, callable, or a list or dict of them by output
    loss_weights : float, list or dict, optional
    names : list of str, optional
        The model's output names.
    """

    def __init__(self, loss: Any, loss_weights: Any, names: list[str] | None) -> None:
        self.loss = loss
        self.loss_weights = loss_weights
        self.names = names
        self.losses: list[Loss | None] | None = None
        self.weights: list[float | None] = []
        self.trackers: list[Any] = []
        if not isinstance(loss, (list, tuple, dict)):
            self.single = to_loss(loss)
        else:
            self.single = None
            tree.map_structure(to_loss, loss)

    def build(self, y_pred: Any) -> None:
        """Match losses and weights to the outputs."""
        if self.losses is not None:
            return
        names = output_names(y_pred, self.names)
        if self.single is not None:
            self.losses = [self.single] * len(names)
        else:
            self.losses = [to_loss(x) for x in align(self.loss, names, "losses")]
        self.weights = align(self.loss_weights, names, "loss_weights")
        if len(names) > 1:
            self.trackers = [metrics_module.Mean(name=f"{name}_loss") for name in names]

    def __call__(self, y_true: Any, y_pred: Any, sample_weight: Any, rows: int) -> Tensor | None:
        """The weighted sum, a scalar; None when no output has a loss."""
        self.build(y_pred)
        assert self.losses is not None
        predictions = _leaves(y_pred)
        targets = _per_output(y_true, len(predictions))
        if len(targets) != len(predictions):
            raise ValueError(
                f"loss: expected targets for {len(predictions)} outputs, got {len(targets)}"
            )
        weights = _per_output(sample_weight, len(predictions))
        total = None
        for i, loss in enumerate(self.losses):
            if loss is None:
                continue
            if targets[i] is None:
                raise ValueError(f"loss '{loss.name}': expected a target y, got None")
            value = loss(targets[i], predictions[i], weights[i])
            if self.trackers:
                self.trackers[i].update_state(value, sample_weight=rows)
            factor = self.weights[i]
            value = value if factor is None else value * factor
            total = value if total is None else total + value
        return total


_BY_SHAPE = {
    "accuracy": ("BinaryAccuracy", "CategoricalAccuracy", "SparseCategoricalAccuracy"),
    "acc": ("BinaryAccuracy", "CategoricalAccuracy", "SparseCategoricalAccuracy"),
    "crossentropy": ("BinaryCrossentropy", "CategoricalCrossentropy", "SparseCategoricalCrossentropy"),
    "ce": ("BinaryCrossentropy", "CategoricalCrossentropy", "SparseCategoricalCrossentropy"),
}


def to_metric(identifier: Any, y_true: Any, y_pred: Any) -> Any:
    """A Metric; "accuracy" and "crossentropy" are chosen by the shapes of target and output."""
    if isinstance(identifier, metrics_module.Metric):
        return identifier
    if isinstance(identifier, str) and identifier.lower() in _BY_SHAPE:
        binary, categorical, sparse = _BY_SHAPE[identifier.lower()]
        if y_pred.shape[-1] == 1 or len(y_pred.shape) == 0:
            kind = binary
        elif len(y_true.shape) < len(y_pred.shape) or y_true.shape[-1] == 1:
            kind = sparse
        else:
            kind = categorical
        return getattr(metrics_module, kind)(name=identifier)
    found = metrics_module.get(identifier)
    if isinstance(found, metrics_module.Metric):
        if isinstance(identifier, str):
            found.name = identifier
        return found
    name = identifier if isinstance(identifier, str) else getattr(found, "__name__", "metric")
    return metrics_module.MeanMetricWrapper(fn=found, name=name)


class CompiledMetrics:
    """The metrics of each output, with and without sample weights."""

    def __init__(self, metrics: Any, weighted_metrics: Any, names: list[str] | None) -> None:
        self.given = (metrics, weighted_metrics)
        self.names = names
        self.entries: list[tuple[int, Any, bool, str]] | None = None

    def build(self, y_true: Any, y_pred: Any) -> None:
        """Make the metric objects; output `i` of several prefixes its metrics with its name."""
        if self.entries is not None:
            return
        entries: list[tuple[int, Any, bool, str]] = []
        names = output_names(y_pred, self.names)
        predictions = _leaves(y_pred)
        targets = _per_output(y_true, len(predictions))
        for given, weighted in zip(self.given, (False, True)):
            if given is None:
                continue
            if isinstance(given, dict):
                by_output = align(given, names, "metrics")
            elif isinstance(given, (list, tuple)):
                nested = len(given) == len(names) and any(isinstance(m, (list, tuple)) for m in given)
                by_output = list(given) if nested else [list(given)] * len(names)
            else:
                by_output = [[given]] * len(names)
            for i, found in enumerate(by_output):
                for item in found if isinstance(found, (list, tuple)) else [found]:
                    if item is None:
                        continue
                    metric = to_metric(item, targets[i], predictions[i])
                    label = metric.name if len(names) == 1 else f"{names[i]}_{metric.name}"
                    entries.append((i, metric, weighted, label))
        self.entries = entries

    @property
    def metrics(self) -> list[Any]:
        """The metric objects."""
        return [metric for _, metric, _, _ in self.entries or ()]

    def update(self, y_true: Any, y_pred: Any, sample_weight: Any) -> None:
        """Add a batch to every metric."""
        self.build(y_true, y_pred)
        predictions = _leaves(y_pred)
        targets = _per_output(y_true, len(predictions))
        weights = _per_output(sample_weight, len(predictions))
        for i, metric, weighted, _ in self.entries or ():
            metric.update_state(
                targets[i], predictions[i], sample_weight=weights[i] if weighted else None
            )

    def result(self) -> dict[str, Any]:
        """Every metric's value by its label."""
        out: dict[str, Any] = {}
        for _, metric, _, label in self.entries or ():
            value = metric.result()
            if isinstance(value, dict):
                out.update(value)
            else:
                out[label] = value
        return out


def total_loss(parts: list[Any]) -> Tensor:
    """The sum of scalars, of float dtype."""
    total = ops.convert_to_tensor(parts[0])
    for part in parts[1:]:
        total = total + part
    return total
