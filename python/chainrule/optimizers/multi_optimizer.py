"""A different optimizer for different variables."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, MutableMapping, Sequence
from typing import Any

from chainrule.base import serialization
from chainrule.base.name_scopes import layer_scope
from chainrule.optimizers.loss_scale_optimizer import LossScaleOptimizer
from chainrule.optimizers.optimizer import Optimizer
from chainrule.tracing.variable import Variable


class OptimizerMap(MutableMapping[str, Optimizer]):
    """``variable -> optimizer``: that of the pattern which matches the variable's path.

    Parameters
    ----------
    default_optimizer : Optimizer
        The optimizer of variables that no pattern matches.
    optimizer_map : dict of str to Optimizer, optional
        Optimizers by regular expression, which has to match the whole path.

    Raises
    ------
    TypeError
        For arguments of another type.
    ValueError
        For a pattern that is there already, and for a variable that two patterns match.

    Examples
    --------
    >>> import chainrule as keras
    >>> sgd, adam = keras.optimizers.SGD(), keras.optimizers.Adam()
    >>> choose = keras.optimizers.OptimizerMap(sgd, {".*kernel": adam})
    >>> choose["dense/kernel"] is adam, choose["dense/bias"] is sgd
    (True, True)
    """

    def __init__(
        self, default_optimizer: Optimizer, optimizer_map: dict[str, Optimizer] | None = None
    ) -> None:
        if not isinstance(default_optimizer, Optimizer):
            raise TypeError(
                "default_optimizer must be a Keras Optimizer instance. "
                f"Received: {default_optimizer}"
            )
        if optimizer_map is not None and not isinstance(optimizer_map, dict):
            raise TypeError(f"optimizer_map must be a dictionary. Received: {optimizer_map}")
        self.default_optimizer = default_optimizer
        self._optimizer_map = dict(optimizer_map or {})

    def __getitem__(self, key: str) -> Optimizer:
        if key in self._optimizer_map:
            return self._optimizer_map[key]
        matching = [pattern for pattern in self._optimizer_map if re.fullmatch(pattern, key)]
        if len(matching) > 1:
            raise ValueError(f"Multiple optimizers assigned to variable {key}: {matching}.")
        return self._optimizer_map[matching[0]] if matching else self.default_optimizer

    def __setitem__(self, key: str, optimizer: Optimizer) -> None:
        if not isinstance(key, str):
            raise ValueError(f"key must be a string. Received: {key}")
        if key in self._optimizer_map:
            raise ValueError(
                f"'{key}' already exists in the OptimizerMap with value "
                f"{self._optimizer_map[key]}. Please make sure to not use duplicated keys."
            )
        if not isinstance(optimizer, Optimizer):
            raise ValueError(f"optimizer must be a Keras Optimizer instance. Received: {optimizer}")
        if isinstance(optimizer, (LossScaleOptimizer, MultiOptimizer)):
            raise ValueError(f"optimizer cannot be {type(optimizer).__name__}.")
        self._optimizer_map[key] = optimizer

    def __delitem__(self, key: str) -> None:
        del self._optimizer_map[key]

    def __len__(self) -> int:
        return len(self._optimizer_map)

    def __iter__(self) -> Iterator[str]:
        return iter(self._optimizer_map)

    def __call__(self, variable: Variable) -> Optimizer:
        """The optimizer of a variable."""
        return self[variable.path]

    def get_config(self) -> dict[str, Any]:
        """The constructor's arguments."""
        return {
            "default_optimizer": serialization.serialize_keras_object(self.default_optimizer),
            "optimizer_map": serialization.serialize_keras_object(self._optimizer_map),
        }

    @classmethod
    def from_config(
        cls, config: dict[str, Any], custom_objects: dict[str, Any] | None = None
    ) -> OptimizerMap:
        """The map of a `get_config`."""
        arguments = {
            key: serialization.deserialize_keras_object(value, custom_objects=custom_objects)
            for key, value in config.items()
        }
        return cls(**arguments)


class MultiOptimizer(Optimizer):
    """``w_i <- step of optimizer_map(w_i)``: each variable is updated by an optimizer of its own.

    The learning rates, clipping, decay and averages are those of the inner optimizers.

    Parameters
    ----------
    optimizer_map : OptimizerMap or callable
        An `OptimizerMap`, or a function from a variable to its optimizer.
    loss_scale_factor : float, optional
        The loss scale of all inner optimizers.
    name : str, optional
        The optimizer's name.

    Raises
    ------
    ValueError
        At `build`, when a variable's optimizer is none, or is itself made of others.
    """

    def __init__(
        self,
        optimizer_map: OptimizerMap | Callable[[Variable], Optimizer],
        loss_scale_factor: float | None = None,
        name: str | None = None,
    ) -> None:
        self._inner_optimizers: list[Optimizer] = []
        super().__init__(learning_rate=0.0, loss_scale_factor=loss_scale_factor, name=name)
        self._optimizer_map = optimizer_map
        self._var_to_optimizer_idx: dict[int, int] = {}
        if isinstance(optimizer_map, OptimizerMap):
            for optimizer in (*optimizer_map.values(), optimizer_map.default_optimizer):
                self._index(optimizer)

    def _index(self, optimizer: Optimizer) -> int:
        """The place of an inner optimizer, which is added where it is new."""
        if optimizer not in self._inner_optimizers:
            optimizer.loss_scale_factor = self.loss_scale_factor
            self._inner_optimizers.append(optimizer)
        return self._inner_optimizers.index(optimizer)

    def build(self, variables: Sequence[Variable]) -> None:
        """Find the optimizer of every variable, and build each for its own."""
        if self.built:
            return
        for variable in variables:
            optimizer = self._optimizer_map(variable)
            if not isinstance(optimizer, Optimizer):
                raise ValueError(f"Optimizer for variable {variable} is not an Optimizer instance.")
            if isinstance(optimizer, (LossScaleOptimizer, MultiOptimizer)):
                raise ValueError(
                    f"{type(optimizer).__name__} cannot be used inside an MultiOptimizer."
                )
            self._var_to_optimizer_idx[id(variable)] = self._index(optimizer)
        for optimizer, _, own in self._shares(variables, variables):
            optimizer.build(own)
        super().build(variables)

    def _shares(
        self, values: Iterable[Any], variables: Iterable[Variable]
    ) -> list[tuple[Optimizer, list[Any], list[Variable]]]:
        """For each inner optimizer that has variables: it, their values, and they."""
        shares: list[tuple[Optimizer, list[Any], list[Variable]]] = [
            (optimizer, [], []) for optimizer in self._inner_optimizers
        ]
        for value, variable in zip(values, variables):
            _, own_values, own = shares[self._var_to_optimizer_idx[id(variable)]]
            own_values.append(value)
            own.append(variable)
        return [share for share in shares if share[2]]

    @property
    def optimizers(self) -> list[Optimizer]:
        """The inner optimizers."""
        return self._inner_optimizers

    @property
    def variables(self) -> list[Variable]:
        """The optimizer's own variables, then the inner optimizers'."""
        inner = [v for optimizer in self._inner_optimizers for v in optimizer.variables]
        return self._variables + inner

    @property
    def learning_rate(self) -> Any:
        """Not there: each inner optimizer has its own."""
        raise AttributeError(
            "Learning rate cannot be accessed on a MultiOptimizer. Access the learning rate on "
            "the individual sub-optimizers instead."
        )

    @learning_rate.setter
    def learning_rate(self, value: Any) -> None:
        raise AttributeError(
            "Learning rate cannot be set on a MultiOptimizer. Set the learning rate on the "
            "individual sub-optimizers instead."
        )

    @property
    def loss_scale_factor(self) -> float | None:
        """The loss scale of all inner optimizers."""
        return self._loss_scale_factor

    @loss_scale_factor.setter
    def loss_scale_factor(self, value: float | None) -> None:
        self._loss_scale_factor = value
        for optimizer in self._inner_optimizers:
            optimizer.loss_scale_factor = value

    def _trace_key(self) -> tuple[Any, ...]:
        inner = [optimizer._trace_key() for optimizer in self._inner_optimizers]
        return (*super()._trace_key(), *inner)

    def apply(
        self, grads: Sequence[Any], trainable_variables: Iterable[Variable] | None = None
    ) -> None:
        """Update each variable with its own optimizer, and count an iteration.

        Parameters
        ----------
        grads
            Gradients, one a variable.
        trainable_variables
            The variables; at the first call they build the optimizer.
        """
        grads = list(grads)
        if not grads:
            return
        variables = self._variables_to_update(grads, trainable_variables)
        with layer_scope(self.name):
            for optimizer, own_grads, own in self._shares(grads, variables):
                optimizer.apply(own_grads, own)
            self._iterations.assign_add(1)

    def finalize_variable_values(self, var_list: Sequence[Variable]) -> None:
        """Do what the inner optimizers do at the end of training."""
        for optimizer, _, own in self._shares(var_list, var_list):
            optimizer.finalize_variable_values(own)

    def get_config(self) -> dict[str, Any]:
        """The constructor's arguments."""
        return {
            "optimizer_map": serialization.serialize_keras_object(self._optimizer_map),
            "loss_scale_factor": self.loss_scale_factor,
            "name": self.name,
        }

    @classmethod
    def from_config(
        cls, config: dict[str, Any], custom_objects: dict[str, Any] | None = None
    ) -> MultiOptimizer:
        """The optimizer of a `get_config`."""
        optimizer_map = serialization.deserialize_keras_object(
            config["optimizer_map"], custom_objects=custom_objects
        )
        return cls(**{**config, "optimizer_map": optimizer_map})

    def __setstate__(self, state: dict[str, Any]) -> None:
        places = [
            state["_var_to_optimizer_idx"][key] for key in state["_trainable_variables_indices"]
        ]
        super().__setstate__(state)
        self._var_to_optimizer_idx = dict(zip(self._trainable_variables_indices, places))
