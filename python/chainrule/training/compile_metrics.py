"""The metrics that `compile` was given, matched to the outputs of a model."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable, Iterator
from typing import Any, NamedTuple

from chainrule import metrics as metrics_module
from chainrule.base import tree
from chainrule.base.name_scopes import layer_scope
from chainrule.metrics import Metric
from chainrule.training.targets import check_shapes

__all__ = ["CompileMetrics", "resolve_metric", "target_kind"]


def target_kind(y_true: Any, y_pred: Any) -> str:
    """Which of "binary", "sparse" and "categorical" the shapes of target and output speak for."""
    if len(y_pred.shape) == 0 or y_pred.shape[-1] == 1:
        return "binary"
    if len(y_true.shape) < len(y_pred.shape) or y_true.shape[-1] == 1:
        return "sparse"
    return "categorical"


_ACCURACY: dict[str, Callable[..., Metric]] = {
    "binary": metrics_module.BinaryAccuracy,
    "sparse": metrics_module.SparseCategoricalAccuracy,
    "categorical": metrics_module.CategoricalAccuracy,
}


def resolve_metric(identifier: Any, y_true: Any, y_pred: Any) -> Metric:
    """A Metric from a name, a config, a Metric or a function of (y_true, y_pred).

    "accuracy" (or "acc") is chosen by the shapes of target and output.

    Raises
    ------
    ValueError
        An unknown name, or None.
    """
    if identifier is None:
        raise ValueError("Expected metric, received `None`")
    if isinstance(identifier, Metric):
        return identifier
    if isinstance(identifier, str) and identifier.lower() in ("accuracy", "acc"):
        return _ACCURACY[target_kind(y_true, y_pred)](name=identifier)
    found = metrics_module.get(identifier)
    if isinstance(found, Metric):
        if isinstance(identifier, str):
            found.name = identifier
        return found
    name = identifier if isinstance(identifier, str) else object_name(found)
    return metrics_module.MeanMetricWrapper(fn=found, name=name)


def object_name(x: Any) -> str:
    """The name of an object, a function, or the function inside a `functools.partial`."""
    for candidate in (x, getattr(x, "func", None)):
        for attribute in ("name", "__name__"):
            name = getattr(candidate, attribute, None)
            if isinstance(name, str):
                return name
    return type(x).__name__


class _Entry(NamedTuple):
    """A metric of output number `number`."""

    number: int
    metric: Metric
    output: str | None


class CompileMetrics(Metric):
    """All metrics of a compiled model; `result` is a dict by name.

    Parameters
    ----------
    metrics, weighted_metrics : list, tuple or dict, optional
        For one output: any of these. For several: one entry (a metric or a list of them) an
        output, as a list or a dict by output name, or in the nested structure of the outputs.
        Only the weighted ones use the sample weights.
    output_names : list of str, optional
        The model's names of its outputs, flat.

    Raises
    ------
    ValueError
        An argument of another type; when built, one that does not match the outputs.

    Examples
    --------
    >>> import numpy as np
    >>> metrics = CompileMetrics(["mse"], None)
    >>> metrics.update_state(np.zeros((2, 1)), np.ones((2, 1)))
    >>> {name: float(value) for name, value in metrics.result().items()}
    {'mse': 1.0}
    """

    output_names: list[str] | None

    def __init__(
        self,
        metrics: Any,
        weighted_metrics: Any,
        name: str = "compile_metrics",
        output_names: list[str] | None = None,
    ) -> None:
        super().__init__(name=name)
        for argument, given in (("metrics", metrics), ("weighted_metrics", weighted_metrics)):
            if given and not isinstance(given, (list, tuple, dict)):
                raise ValueError(
                    f"Expected `{argument}` argument to be a list, tuple, or dict. "
                    f"Received instead: {argument}={given} of type {type(given)}"
                )
        values = self.__dict__
        values["_given"] = {"metrics": metrics, "weighted_metrics": weighted_metrics}
        values["output_names"] = output_names
        values["_order"] = None
        values["_entries"] = {"metrics": [], "weighted_metrics": []}
        self.built = False

    @property
    def metrics(self) -> list[Metric]:
        """The metric objects, unweighted first; none before `build`."""
        entries = self.__dict__["_entries"]
        return [e.metric for argument in ("metrics", "weighted_metrics") for e in entries[argument]]

    @property
    def variables(self) -> list[Any]:
        """The state of all metrics."""
        return [v for metric in self.metrics for v in metric.variables]

    def build(self, y_true: Any, y_pred: Any) -> None:
        """Make the metric objects for targets and outputs of these structures and shapes."""
        count = len(tree.flatten(y_pred))
        is_flat = tree.is_nested(y_pred) and len(y_pred) == count
        names = self.output_names
        if is_flat and isinstance(y_pred, dict):
            if not names or set(names) != set(y_pred):
                names = list(y_pred) if isinstance(y_pred, OrderedDict) else sorted(y_pred)
        self.__dict__["_order"] = names if count > 1 and is_flat else None
        for argument, given in self.__dict__["_given"].items():
            entries = list(self._match(argument, given, names, y_true, y_pred, is_flat))
            self.__dict__["_entries"][argument] = entries
        self.built = True

    def _match(
        self, argument: str, given: Any, names: Any, y_true: Any, y_pred: Any, is_flat: bool
    ) -> Iterator[_Entry]:
        """The entries of one argument of `compile`."""
        predictions, targets = self._leaves(y_pred), self._leaves(y_true)
        count = len(predictions)
        if not given:
            return
        if count == 1:
            for item in tree.flatten(given):
                yield _Entry(0, resolve_metric(item, targets[0], predictions[0]), None)
            return
        by_output: list[Any] | None = None
        if is_flat and isinstance(given, (list, tuple)) and len(given) == count:
            by_output = list(given)
        elif is_flat and names and isinstance(given, dict) and set(given) <= set(names):
            by_output = [given.get(name) for name in names]
        try:
            if by_output is None:
                shape = tree.lists_to_tuples(y_pred)
                numbers = tree.pack_sequence_as(shape, list(range(count)))
                found: list[Any] = [None] * count

                def put(number: int, item: Any) -> None:
                    found[number] = item

                tree.map_structure_up_to(shape, put, numbers, tree.lists_to_tuples(given))
                by_output = found
            for i, items in enumerate(by_output):
                for item in items if isinstance(items, (list, tuple)) else [items]:
                    if items is not None:
                        metric = resolve_metric(item, targets[i], predictions[i])
                        yield _Entry(i, metric, names[i] if names else None)
        except (ValueError, TypeError) as error:
            of_model = f"the output names of the model {self.output_names} or " if names else ""
            raise ValueError(
                f"{error}\nInvalid `{argument}`. `{argument}` should contain metrics objects and "
                f"match {of_model}the output structure of the model: "
                f"{tree.map_structure(lambda _: 'X', y_pred)}.\nReceived: {argument}={given}"
            ) from error

    def _leaves(self, y: Any) -> list[Any]:
        order = self.__dict__["_order"]
        if order is not None and isinstance(y, dict):
            return [y[name] for name in order]
        return [] if y is None else list(tree.flatten(y))

    def update_state(self, y_true: Any, y_pred: Any, sample_weight: Any = None) -> None:
        """Add a batch to every metric; one sample weight serves all outputs."""
        if not self.built:
            self.build(y_true, y_pred)
        targets, predictions = self._leaves(y_true), self._leaves(y_pred)
        if len(targets) != len(predictions):
            raise ValueError(
                f"metrics: expected targets for {len(predictions)} outputs, got {len(targets)}"
            )
        weights = self._leaves(sample_weight) or [None]
        if len(weights) < len(predictions):
            weights = weights[:1] * len(predictions)
        entries = self.__dict__["_entries"]
        for i, metric, output in (*entries["metrics"], *entries["weighted_metrics"]):
            place = f"metric '{metric.name}'" + (f" of output '{output}'" if output else "")
            if hasattr(targets[i], "shape") and hasattr(predictions[i], "shape"):
                check_shapes(metric, tuple(targets[i].shape), tuple(predictions[i].shape), place)
        for i, metric, _ in entries["metrics"]:
            with layer_scope(metric.name):
                metric.update_state(targets[i], predictions[i])
        for i, metric, _ in entries["weighted_metrics"]:
            with layer_scope(metric.name):
                metric.update_state(targets[i], predictions[i], sample_weight=weights[i])

    def reset_state(self) -> None:
        """Set every metric to its start."""
        for metric in self.metrics:
            metric.reset_state()

    def named(self) -> list[tuple[str, Metric]]:
        """Every metric with the name of its value, made unique."""
        counts: dict[str, int] = {}
        found = []
        entries = self.__dict__["_entries"]
        for weighted, argument in enumerate(("metrics", "weighted_metrics")):
            for _, metric, output in entries[argument]:
                prefix = f"{output}_" if output else ""
                name = f"{prefix}{metric.name}"
                if weighted and name in counts:
                    name = f"{prefix}weighted_{metric.name}"
                number = counts.get(name, 0)
                counts[name] = number + 1
                found.append((f"{name}_{number}" if number else name, metric))
        return found

    def result(self) -> dict[str, Any]:
        """Every metric's value by its name.

        Raises
        ------
        ValueError
            Before the first update.
        """
        if not self.built:
            raise ValueError("Cannot get result() since the metric has not yet been built.")
        return {name: metric.result() for name, metric in self.named()}

    def get_config(self) -> dict[str, Any]:
        """Not there: `compile` serializes its own arguments."""
        raise NotImplementedError
