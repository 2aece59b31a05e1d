"""What an optimizer keeps: its variables, its learning rate, and how both are saved."""

from __future__ import annotations

import numbers
import warnings
from collections.abc import Iterable, Mapping, MutableMapping, Sequence
from typing import Any

import numpy as np

from chainrule import initializers, ops
from chainrule.base import config as settings
from chainrule.base.errors import ShapeError
from chainrule.base.name_scopes import name_scope
from chainrule.base.super_init import SuperInit, check_super_init
from chainrule.optimizers.options import checked
from chainrule.optimizers.schedules.learning_rate_schedule import LearningRateSchedule
from chainrule.tracing.stateless import StatelessScope
from chainrule.tracing.variable import Variable


class OptimizerState(SuperInit):
    """The variables of an optimizer, and its learning rate; `Optimizer` builds on it."""

    name: str
    gradient_accumulation_steps: int | None
    _iterations: Variable
    _super_init = ("_variables", "optimizer")
    _learning_rate: Any

    def __init__(self) -> None:
        self._variables: list[Variable] = []
        self._trainable_variables: list[Variable] = []
        self._trainable_variables_indices: dict[int, int] = {}
        self._replaced = 0  # how often another schedule, function or variable was set
        self.built = False

    def __setattr__(self, name: str, value: Any) -> None:
        if isinstance(value, Variable):
            self._check_initialized()
            self._track(value)
        super().__setattr__(name, value)

    def _check_initialized(self) -> None:
        check_super_init(self, *self._super_init)

    def _track(self, variable: Variable) -> None:
        if not any(variable is known for known in self._variables):
            self._variables.append(variable)

    def _untrack(self, variable: Variable) -> None:
        self._variables[:] = [known for known in self._variables if known is not variable]

    @property
    def variables(self) -> list[Variable]:
        """The optimizer's own variables, in the order of their creation."""
        return self._variables[:]

    @property
    def iterations(self) -> Any:
        """How many updates were made (a tensor, or the variable that counts)."""
        if self.gradient_accumulation_steps:
            return ops.floor_divide(self._iterations, self.gradient_accumulation_steps)
        return self._iterations

    def add_variable(
        self,
        shape: Sequence[int],
        initializer: Any = "zeros",
        dtype: Any = None,
        aggregation: str = "none",
        layout: Any = None,
        name: str | None = None,
    ) -> Variable:
        """Add a variable of the optimizer's own.

        Parameters
        ----------
        shape
            Its shape.
        initializer
            An initializer, or its name.
        dtype
            Defaults to `config.floatx()`.
        aggregation, layout
            Kept for Keras's signatures; there is one device.
        name
            Its name.
        """
        self._check_initialized()
        with name_scope(self.name, caller=self):
            variable = Variable(
                initializer=initializers.get(initializer),
                shape=tuple(shape),
                dtype=dtype,
                trainable=False,
                aggregation=aggregation,
                layout=layout,
                name=name,
            )
        self._track(variable)
        return variable

    def add_variable_from_reference(
        self, reference_variable: Variable, name: str | None = None, initializer: Any = "zeros"
    ) -> Variable:
        """Add a variable with the shape and dtype of a model's variable.

        Parameters
        ----------
        reference_variable
            The model's variable.
        name
            Suffix of its name, after the path of `reference_variable`. Defaults to ``"var"``.
        initializer
            An initializer, or its name.
        """
        path = getattr(reference_variable, "path", reference_variable.name)
        return self.add_variable(
            shape=reference_variable.shape,
            initializer=initializer,
            dtype=reference_variable.dtype,
            name=f"{path.replace('/', '_')}_{name or 'var'}",
        )

    def add_optimizer_variables(
        self, trainable_variables: Iterable[Variable], name: Any, initializer: Any = "zeros"
    ) -> Any:
        """Add one variable, or one of each name, for every one of the model's variables.

        Parameters
        ----------
        trainable_variables
            The model's variables. Those marked ``overwrite_with_gradient`` get None.
        name
            A name, or a list of names.
        initializer
            One for all names, or a list with one for each.

        Returns
        -------
        list, or tuple of lists
            For each name, the variables in the order of `trainable_variables`.

        Raises
        ------
        ValueError
            For a different number of names and initializers.
        """
        names = [name] if isinstance(name, str) else list(name)
        many = isinstance(initializer, (list, tuple)) and not isinstance(name, str)
        each = list(initializer) if many else [initializer] * len(names)
        if len(names) != len(each):
            raise ValueError(
                "The number of provided names must match the number of provided initializers. "
                f"Received name='{name}', initializer='{initializer}'"
            )
        added: tuple[list[Variable | None], ...] = tuple([] for _ in names)
        for variable in trainable_variables:
            overwritten = is_overwritten(variable)
            for slots, slot_name, slot_initializer in zip(added, names, each):
                slots.append(
                    None
                    if overwritten
                    else self.add_variable_from_reference(variable, slot_name, slot_initializer)
                )
        return added[0] if isinstance(name, str) else added

    def _var_key(self, variable: Variable) -> int:
        return id(variable)

    def _get_variable_index(self, variable: Variable) -> int:
        return self._trainable_variables_indices[self._var_key(variable)]

    def _check_variables_are_known(self, variables: Iterable[Variable]) -> None:
        for variable in variables:
            if id(variable) not in self._trainable_variables_indices:
                raise ValueError(
                    f"Unknown variable: {variable}. This optimizer can only be called for the "
                    "variables it was originally built with. When working with a new set of "
                    "variables, you should recreate a new optimizer instance."
                )

    def _as_learning_rate(self, value: Any) -> Any:
        if callable(value):
            return value
        if isinstance(value, bool) or not isinstance(value, (numbers.Real, Variable, np.ndarray)):
            raise ValueError(
                "Argument `learning_rate` should be float, or an instance of LearningRateSchedule, "
                "or a callable (that takes in the current iteration value and returns the "
                "corresponding learning rate value). "
                f"Received instead: learning_rate={value}"
            )
        return self.add_variable(
            (),
            initializers.Constant(checked("learning_rate", float(value))),
            dtype=settings.floatx(),
            name="learning_rate",
        )

    @property
    def learning_rate(self) -> Any:
        """The current learning rate: the variable, or what the schedule or function gives."""
        if isinstance(self._learning_rate, LearningRateSchedule):
            return self._learning_rate(self._iterations)
        if isinstance(self._learning_rate, Variable):
            return self._learning_rate
        return self._learning_rate()

    @learning_rate.setter
    def learning_rate(self, learning_rate: Any) -> None:
        previous = self._learning_rate
        if callable(learning_rate):
            self._learning_rate = learning_rate
            self._replaced += 1
            if isinstance(previous, Variable):
                self._untrack(previous)
        elif isinstance(previous, LearningRateSchedule):
            raise TypeError(
                "This optimizer was created with a `LearningRateSchedule` object as its "
                "`learning_rate` constructor argument, hence its learning rate is not settable. "
                "If you need the learning rate to be settable, you should instantiate the "
                "optimizer with a float `learning_rate` argument."
            )
        elif isinstance(previous, Variable):
            if isinstance(learning_rate, (numbers.Real, np.ndarray)):
                checked("learning_rate", learning_rate)
            previous.assign(learning_rate)
        else:
            self._learning_rate = self._as_learning_rate(learning_rate)
            self._replaced += 1

    def apply(
        self, grads: Sequence[Any], trainable_variables: Iterable[Variable] | None = None
    ) -> None:
        """Update the variables from their gradients."""
        raise NotImplementedError(f"Optimizer '{type(self).__name__}' must override `apply`.")

    def stateless_apply(
        self,
        optimizer_variables: Sequence[Any],
        grads: Sequence[Any],
        trainable_variables: Sequence[Any],
    ) -> tuple[list[Any], list[Any]]:
        """Return the values after an update, and change no variable.

        Parameters
        ----------
        optimizer_variables
            Values of `variables`, in their order.
        grads
            Gradients, one a variable that the optimizer was built with.
        trainable_variables
            Values of those variables.

        Returns
        -------
        (list, list)
            The new values of the trainable variables and of the optimizer's.

        Raises
        ------
        ValueError
            Before `build`, or for lists of the wrong length.
        """
        self._check_initialized()
        if not self.built:
            raise ValueError(
                f"To call `stateless_apply`, {type(self).__name__} must be built (i.e. its "
                "variables must have been created). You can build it via "
                "`optimizer.build(trainable_variables)`."
            )
        if len(optimizer_variables) != len(self.variables):
            raise ValueError(
                "Argument `optimizer_variables` must be a list of tensors corresponding 1:1 to "
                f"{type(self).__name__}().variables. Received list with length "
                f"{len(optimizer_variables)}, but expected {len(self.variables)} variables."
            )
        if len(trainable_variables) != len(self._trainable_variables):
            raise ValueError(
                "Argument `trainable_variables` must be a list of tensors corresponding 1:1 to "
                "the trainable variables list that the optimizer was built with. Received "
                f"len(trainable_variables) == {len(trainable_variables)} whereas the optimizer "
                f"was built with {len(self._trainable_variables)} variables."
            )
        mapping = [
            *zip(self._trainable_variables, trainable_variables),
            *zip(self.variables, optimizer_variables),
        ]
        with StatelessScope(state_mapping=mapping) as scope:
            self.apply(grads)
        return (
            [scope.get_current_value(variable) for variable in self._trainable_variables],
            [scope.get_current_value(variable) for variable in self.variables],
        )

    def set_weights(self, weights: Sequence[Any]) -> None:
        """Set the values of `variables`.

        Raises
        ------
        ValueError
            Before `build`, for a wrong number of values, or for a wrong shape.
        """
        if not self.built:
            raise ValueError(
                "You are calling `set_weights()` on an optimizer that has not yet been built. "
                "Please call `optimizer.build(trainable_variables)` to create the optimizer "
                "weights before calling `set_weights()`."
            )
        if len(weights) != len(self.variables):
            raise ValueError(
                f"Optimizer '{self.name}' has {len(self.variables)} variables. "
                f"Received {len(weights)} weights."
            )
        for variable, weight in zip(self.variables, weights):
            if tuple(variable.shape) != tuple(np.shape(weight)):
                raise ValueError(
                    f"Optimizer variable {variable.name} has shape {tuple(variable.shape)} not "
                    f"compatible with provided weight shape {tuple(np.shape(weight))}."
                )
            variable.assign(weight)

    def save_own_variables(self, store: MutableMapping[str, Any]) -> None:
        """Write the values of `variables` into `store`, under "0", "1", and so on."""
        for index, variable in enumerate(self.variables):
            store[str(index)] = variable.numpy()

    def load_own_variables(self, store: Mapping[str, Any]) -> None:
        """Read the values of `variables` from `store`; warns, and reads none, when they differ.

        What was saved before the optimizer was built, its count and its rate, is read alone.

        Raises
        ------
        ShapeError
            For other shapes; nothing has changed.
        """
        variables, rate = self.variables, self._learning_rate
        at_first = [self._iterations, *([rate] if isinstance(rate, Variable) else [])]
        if len(store.keys()) == len(at_first):
            variables = at_first
        if len(store.keys()) != len(variables):
            warnings.warn(
                f"Skipping variable loading for optimizer '{self.name}', because it has "
                f"{len(self.variables)} variables whereas the saved optimizer has "
                f"{len(store.keys())} variables.",
                stacklevel=2,
            )
            return
        values = [store[str(index)] for index in range(len(variables))]
        for variable, value in zip(variables, values):
            if tuple(variable.shape) != tuple(np.shape(value)):
                raise ShapeError(
                    f"optimizer '{self.name}': expected shape {tuple(variable.shape)} for "
                    f"'{variable.path}', got {tuple(np.shape(value))}"
                )
        for variable, value in zip(variables, values):
            variable.assign(value)

    def __setstate__(self, state: dict[str, Any]) -> None:
        vars(self).update(state)
        variables = enumerate(self._trainable_variables)
        self._trainable_variables_indices = {id(variable): index for index, variable in variables}


def is_overwritten(variable: Any) -> bool:
    """Whether an update replaces the variable by its gradient."""
    return bool(getattr(variable, "overwrite_with_gradient", False))
