"""The losses that `compile` was given, matched to the outputs of a model."""

from __future__ import annotations

from functools import reduce
from operator import getitem
from typing import Any, NamedTuple

from chainrule import losses as losses_module
from chainrule import metrics as metrics_module
from chainrule import ops
from chainrule.base import tree
from chainrule.base.name_scopes import name_scope
from chainrule.losses.loss import Loss
from chainrule.training.compile_metrics import object_name, target_kind
from chainrule.training.targets import check_shapes

__all__ = ["CompileLoss", "resolve_loss"]

Path = tuple[Any, ...]

_CROSSENTROPY = {
    "binary": "binary_crossentropy",
    "sparse": "sparse_categorical_crossentropy",
    "categorical": "categorical_crossentropy",
}


def resolve_loss(identifier: Any, y_true: Any = None, y_pred: Any = None) -> Loss | None:
    """A Loss from a name, a config, a Loss or a function of (y_true, y_pred).

    "crossentropy" (or "ce") is chosen by the shapes of target and output.

    Raises
    ------
    ValueError
        An unknown name.
    """
    if identifier is None or isinstance(identifier, Loss):
        return identifier
    by_shape = isinstance(identifier, str) and identifier.lower() in ("crossentropy", "ce")
    if by_shape:
        found = losses_module.get(_CROSSENTROPY[target_kind(y_true, y_pred)])
    else:
        found = losses_module.get(identifier)
    if isinstance(found, Loss):
        return found
    name = identifier if isinstance(identifier, str) else object_name(found)
    return losses_module.LossFunctionWrapper(found, name=name)


class Part(NamedTuple):
    """The loss of the output at `path` in the structure of outputs."""

    path: Path
    loss: Loss
    weight: Any
    name: str


class _Given:
    """A loss as given with its weight: one leaf of the structure of losses."""

    def __init__(self, loss: Any, weight: Any) -> None:
        self.loss = loss
        self.weight = weight


class CompileLoss(Loss):
    """``sum_i loss_weights[i] * losses[i](y_true_i, y_pred_i, sample_weight_i)``.

    Parameters
    ----------
    loss : str, Loss, callable, or a list or dict of them by output, nested as the outputs are
    loss_weights : float, list, tuple or dict, optional
    output_names : list of str, optional
        The model's names of its outputs, flat.

    Raises
    ------
    ValueError, KeyError
        When a call finds that the losses do not match the outputs.

    Examples
    --------
    >>> import numpy as np
    >>> loss = CompileLoss({"a": "mse", "b": "mae"}, loss_weights={"a": 1.0, "b": 0.5})
    >>> zeros, ones = np.zeros((2, 1)), np.ones((2, 1))
    >>> float(loss({"a": zeros, "b": zeros}, {"a": ones, "b": ones}))
    1.5
    """

    def __init__(
        self,
        loss: Any,
        loss_weights: Any = None,
        reduction: str = "sum_over_batch_size",
        output_names: list[str] | None = None,
    ) -> None:
        if loss_weights and not isinstance(loss_weights, (list, tuple, dict, float, int)):
            raise ValueError(
                "Expected `loss_weights` argument to be a float (single output case) or a list, "
                "tuple, or dict (multiple output case). Received instead: "
                f"loss_weights={loss_weights} of type {type(loss_weights)}"
            )
        for leaf in tree.flatten(loss_weights):
            if isinstance(leaf, (str, bytes)) or callable(leaf):
                raise ValueError(
                    f"compile: expected numbers as `loss_weights`, got {leaf!r} in {loss_weights!r}; "
                    "metrics are given by name, `metrics=[...]`"
                )
        super().__init__(name="compile_loss", reduction=reduction)
        self._user_loss = loss
        self._user_loss_weights = loss_weights
        self.output_names = output_names
        self.built = False
        self.parts: list[Part] = []
        self.metrics: list[Any] = []
        for leaf in tree.flatten(loss):
            if not (isinstance(leaf, str) and leaf.lower() in ("crossentropy", "ce")):
                resolve_loss(leaf)

    @property
    def variables(self) -> list[Any]:
        """The state of the trackers of each output's loss."""
        return [v for metric in self.metrics for v in metric.variables]

    def build(self, y_true: Any, y_pred: Any) -> None:
        """Match losses and weights to targets and outputs of these structures."""
        loss, weights, names = self._user_loss, self._user_loss_weights, self.output_names
        if names and isinstance(loss, dict) and not isinstance(y_pred, dict):
            if set(names) != set(loss):
                raise ValueError(
                    f"Expected keys {names} in loss dict, but found loss.keys()={list(loss)}"
                )
            loss = [loss[name] for name in names]
            if isinstance(weights, dict):
                weights = [weights[name] for name in names]
            if not tree.is_nested(y_pred):
                loss = loss[0]
        loss = _with_weights(loss, weights)
        flat = tree.flatten(y_pred)
        if not names or len(names) != len(flat):
            names = [_tensor_name(x) for x in flat]
        if not tree.is_nested(loss):
            given = loss
            loss = tree.map_structure(lambda _: given, y_pred)
        self.parts = []
        self._match(y_true, y_pred, loss, tree.pack_sequence_as(y_pred, names), ())
        if len(self.parts) > 1:
            self.metrics = [metrics_module.Mean(name=f"{part.name}_loss") for part in self.parts]
        self._structures = [tree.map_structure(lambda _: None, y) for y in (y_pred, y_true)]
        self.built = True

    def _match(self, y_true: Any, y_pred: Any, loss: Any, names: Any, path: Path) -> None:
        """Collect the parts of `loss` for the outputs at `path`."""
        if loss is None:
            return
        if not tree.is_nested(loss):
            self._add(y_true, y_pred, loss, names, path)
            return
        is_list = isinstance(loss, (list, tuple))
        plain = is_list and not any(tree.is_nested(x) for x in loss)
        if plain and len(loss) == len(tree.flatten(y_pred)):
            loss = tree.pack_sequence_as(y_pred, loss)
        elif is_list and not isinstance(y_pred, type(loss)):
            for item in loss:
                self._match(y_true, y_pred, item, names, path)
            return
        if not tree.is_nested(loss):
            self._add(y_true, y_pred, loss, names, path)
            return
        if isinstance(loss, dict) != isinstance(y_pred, dict) or not tree.is_nested(y_pred):
            raise KeyError(
                f"The path: {path} in the `loss` argument, can't be found in the model's output "
                "(`y_pred`)."
            )
        for key, item in loss.items() if isinstance(loss, dict) else enumerate(loss):
            if item is None or (isinstance(item, _Given) and item.loss is None):
                continue
            if not (_has(y_true, key) and _has(y_pred, key)):
                raise KeyError(
                    f"The path: {(*path, key)} in the `loss` argument, can't be found in either "
                    "the model's output (`y_pred`) or in the labels (`y_true`)."
                )
            self._match(y_true[key], y_pred[key], item, names[key], (*path, key))

    def _add(self, y_true: Any, y_pred: Any, given: Any, names: Any, path: Path) -> None:
        loss = resolve_loss(given.loss, y_true, y_pred)
        if loss is None:
            return
        labels = path
        if not tree.is_nested(names):
            label = names if names is not None else loss.name
            if not labels:
                labels = (label,)
            elif isinstance(labels[-1], int):
                labels = (*labels[:-1], label)
        name = "/".join(map(str, labels))
        if not name:
            flat = list(names) if isinstance(names, dict) else tree.flatten(names)
            name = "_".join(map(str, flat))
        self.parts.append(Part(path, loss, given.weight, name))

    def __call__(self, y_true: Any, y_pred: Any, sample_weight: Any = None) -> Any:
        """The weighted sum, a scalar; None when no output has a loss."""
        with name_scope(self.name):
            return self.call(y_true, y_pred, sample_weight)

    def call(self, y_true: Any, y_pred: Any, sample_weight: Any = None) -> Any:
        """The weighted sum; also updates the trackers of each output's loss."""
        y_true = self.align(y_true, y_pred)
        if not self.built:
            self.build(y_true, y_pred)
        y_pred = _repacked(self._structures[0], y_pred)
        y_true = _repacked(self._structures[1], y_true)
        total = None
        for i, (path, loss, weight, name) in enumerate(self.parts):
            target, output = _at(path, y_true), _at(path, y_pred)
            if target is None:
                raise ValueError(f"loss '{loss.name}': expected a target y, got None")
            if hasattr(target, "shape") and hasattr(output, "shape"):
                place = f"loss '{loss.name}'"
                if len(self.parts) > 1:
                    place = f"{place} of output '{name}'"
                check_shapes(loss, tuple(target.shape), tuple(output.shape), place)
            row_weight = sample_weight
            if tree.is_nested(sample_weight):
                row_weight = _at(path, sample_weight)
            value = ops.cast(loss(target, output, row_weight), self.dtype)
            if self.metrics:
                rows = tree.flatten(output)[0].shape[0]
                self.metrics[i].update_state(value, sample_weight=rows)
            if weight is not None:
                value = value * weight
            total = value if total is None else total + value
        return total

    def align(self, y_true: Any, y_pred: Any) -> Any:
        """Targets in the structure of the outputs.

        Raises
        ------
        ValueError
            Where neither names, nor order, nor the outputs that have a loss give one.
        """
        if not tree.is_nested(y_true) and not tree.is_nested(y_pred):
            return y_true
        if _same_structure(y_pred, y_true):
            return y_true
        if isinstance(y_pred, (list, tuple)) and isinstance(y_true, dict) and self.output_names:
            if set(self.output_names) == set(y_true):
                return tree.pack_sequence_as(y_pred, [y_true[n] for n in self.output_names])
        targets, count = tree.flatten(y_true), len(tree.flatten(y_pred))
        both_dicts = isinstance(y_true, dict) and isinstance(y_pred, dict)
        if len(targets) == count and not both_dicts:
            return tree.pack_sequence_as(y_pred, targets)
        given = tree.flatten(self._user_loss)
        used = [i for i, loss in enumerate(given) if loss is not None]
        if len(used) == len(targets) and len(given) > len(used) and not both_dicts:
            spread: list[Any] = [None] * len(given)
            for i, target in zip(used, targets):
                spread[i] = target
            return tree.pack_sequence_as(self._user_loss, spread)
        if both_dicts and set(y_true) <= set(y_pred):
            return y_true
        raise ValueError(
            "y_true and y_pred have different structures.\n"
            f"y_true: {tree.map_structure(lambda _: '*', y_true)}\n"
            f"y_pred: {tree.map_structure(lambda _: '*', y_pred)}\n"
        )

    def get_config(self) -> dict[str, Any]:
        """Not there: `compile` serializes its own arguments."""
        raise NotImplementedError


def _with_weights(loss: Any, weights: Any) -> Any:
    """The structure of losses with a `_Given` for each, None where there is none."""
    if weights is None:
        return tree.map_structure(lambda x: _Given(x, None), loss)
    if not _same_structure(loss, weights):
        flat = tree.flatten(weights)
        count = len(tree.flatten(loss))
        if count != len(flat):
            raise ValueError(
                f"`loss_weights` must match the number of losses, got {count} losses and "
                f"{len(flat)} weights."
            )
        weights = tree.pack_sequence_as(loss, flat)
    return tree.map_structure(_Given, loss, weights)


def _same_structure(a: Any, b: Any) -> bool:
    try:
        tree.assert_same_structure(a, b)
    except (ValueError, TypeError):
        return False
    return True


def _repacked(structure: Any, y: Any) -> Any:
    return y if _same_structure(structure, y) else tree.pack_sequence_as(structure, tree.flatten(y))


def _has(y: Any, key: Any) -> bool:
    if isinstance(y, dict):
        return key in y
    return isinstance(y, (list, tuple)) and isinstance(key, int) and key < len(y)


def _at(path: Path, structure: Any) -> Any:
    return reduce(getitem, path, structure)


def _tensor_name(x: Any) -> Any:
    history = getattr(x, "_keras_history", None)
    if history is not None and history.operation is not None:
        return str(history.operation.name)
    return getattr(x, "name", None) or None
