"""The base of all optimizers: their state, and what surrounds a step's formula."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Iterable, Sequence
from contextlib import nullcontext
from typing import Any

from chainrule import ops
from chainrule.base import serialization
from chainrule.base.dtypes import result_type
from chainrule.base.errors import ShapeError
from chainrule.base.name_scopes import layer_scope, name_scope
from chainrule.base.suggestions import unknown_arguments
from chainrule.base.naming import auto_name
from chainrule.optimizers.adjustments import Adjustments
from chainrule.optimizers.options import check_one_clipping, checked
from chainrule.optimizers.state import is_overwritten
from chainrule.tracing.scopes import eager_scope
from chainrule.tracing.trace import current_trace
from chainrule.tracing.variable import Variable


class Optimizer(Adjustments):
    """``w <- constraint(step(decay(w), clip(g)))``: one update of every variable a call.

    In order, `apply` unscales the gradients, clips them, decays the variables
    (``w <- w - w * weight_decay * learning_rate``), runs `update_step` for each variable, updates
    the moving averages, applies the variables' constraints, and counts an iteration. All of it
    is written in `chainrule.ops`, so that it runs on arrays and inside a compiled training step.

    A subclass overrides `update_step`, `build` (its own variables) and `get_config`.

    Parameters
    ----------
    learning_rate : float, LearningRateSchedule or callable
        A number, kept in a variable, which can change at any time without recompiling; or a
        `LearningRateSchedule`, or a function without arguments.
    weight_decay : float, optional
        Rate of decoupled weight decay (Loshchilov & Hutter 2019).
    clipnorm : float, optional
        Largest norm of each gradient.
    clipvalue : float, optional
        Largest magnitude of each element of a gradient.
    global_clipnorm : float, optional
        Largest norm of all gradients together. Only one kind of clipping can be set.
    use_ema : bool
        Keeps ``a <- ema_momentum * a + (1 - ema_momentum) * w`` for every variable; training
        ends by replacing the variables by their averages.
    ema_momentum : float
        The momentum of these averages, in [0, 1]. The first step sets ``a = w``.
    ema_overwrite_frequency : int, optional
        Replace the variables by their averages every so many iterations, also while training.
    loss_scale_factor : float, optional
        The loss is multiplied by it (`scale_loss`), the gradients are divided by it.
    gradient_accumulation_steps : int, optional
        Update once in so many calls, with the mean of their gradients. At least 2.
    name : str, optional
        Defaults to the class's name in snake case, numbered.

    Raises
    ------
    ValueError
        For a learning rate that is not one of the above, two kinds of clipping, a number outside
        its range, or an argument that does not exist.

    Examples
    --------
    >>> import chainrule as keras
    >>> class SignDescent(keras.optimizers.Optimizer):
    ...     def update_step(self, gradient, variable, learning_rate):
    ...         self.assign_sub(variable, keras.ops.sign(gradient) * learning_rate)
    >>> w = keras.Variable([1.0, -2.0])
    >>> SignDescent(learning_rate=0.5).apply([keras.ops.array([3.0, -0.1])], [w])
    >>> w.numpy()
    array([ 0.5, -1.5], dtype=float32)
    """

    def __init__(
        self,
        learning_rate: Any,
        weight_decay: float | None = None,
        clipnorm: float | None = None,
        clipvalue: float | None = None,
        global_clipnorm: float | None = None,
        use_ema: bool = False,
        ema_momentum: float = 0.99,
        ema_overwrite_frequency: int | None = None,
        loss_scale_factor: float | None = None,
        gradient_accumulation_steps: int | None = None,
        name: str | None = None,
        **kwargs: Any,
    ) -> None:
        if kwargs.pop("decay", None) is not None:
            warnings.warn(
                "Argument `decay` is no longer supported and will be ignored.", stacklevel=2
            )
        if kwargs:
            meant = unknown_arguments(type(self), kwargs)
            raise ValueError(f"Argument(s) not recognized: {kwargs}.{meant}")
        check_one_clipping(clipnorm, clipvalue, global_clipnorm)
        super().__init__()
        self._accumulated_gradients: list[Variable] = []
        self._shared: dict[Any, Any] | None = None

        self.name = auto_name(type(self).__name__) if name is None else name
        self.weight_decay = checked("weight_decay", weight_decay)
        self.clipnorm = checked("clipnorm", clipnorm)
        self.global_clipnorm = checked("global_clipnorm", global_clipnorm)
        self.clipvalue = checked("clipvalue", clipvalue)
        self.use_ema = use_ema
        self.ema_momentum = checked("ema_momentum", ema_momentum)
        self.ema_overwrite_frequency = checked(
            "ema_overwrite_frequency", ema_overwrite_frequency
        )
        self.loss_scale_factor = checked("loss_scale_factor", loss_scale_factor)
        self.gradient_accumulation_steps = checked(
            "gradient_accumulation_steps", gradient_accumulation_steps
        )

        self._iterations = self.add_variable((), dtype="int32", name="iteration")
        self._learning_rate = self._as_learning_rate(learning_rate)

    def build(self, variables: Sequence[Variable]) -> None:
        """Create the optimizer's variables for `variables`, the ones it will update.

        A subclass calls ``super().build(variables)`` first, then adds its own.
        """
        self._check_initialized()
        if self.use_ema:
            self._model_variables_moving_average = self.add_optimizer_variables(
                variables, "average"
            )
        for index, variable in enumerate(variables):
            self._trainable_variables_indices[id(variable)] = index
            if self.gradient_accumulation_steps:
                self._accumulated_gradients.append(
                    self.add_variable_from_reference(variable, name="gradient_accumulator")
                )
        self._trainable_variables = list(variables)
        self.built = True

    def _trace_key(self) -> tuple[Any, ...]:
        """What a compiled step depends on; the value of a learning rate variable is not in it."""
        plain = (bool, int, float, str, type(None))
        return tuple(item for item in vars(self).items() if isinstance(item[1], plain))

    # --- one update ----------------------------------------------------------------------------

    def update_step(self, gradient: Any, variable: Variable, learning_rate: Any) -> None:
        """Update `variable` from its gradient: the optimizer's formula.

        Parameters
        ----------
        gradient
            A tensor of the variable's shape.
        variable
            The variable to update, with `assign`, `assign_add` or `assign_sub`.
        learning_rate
            A scalar tensor.
        """
        raise NotImplementedError(
            f"Optimizer '{type(self).__name__}' must override "
            "`update_step(self, gradient, variable, learning_rate)`."
        )

    def assign(self, variable: Variable, value: Any) -> None:
        """``variable <- value``, for a variable of the model or of the optimizer."""
        variable.assign(value)

    def assign_add(self, variable: Variable, value: Any) -> None:
        """``variable <- variable + value``, for a variable of the model or of the optimizer."""
        variable.assign_add(value)

    def assign_sub(self, variable: Variable, value: Any) -> None:
        """``variable <- variable - value``, for a variable of the model or of the optimizer."""
        variable.assign_sub(value)

    def apply_gradients(self, grads_and_vars: Iterable[tuple[Any, Variable]]) -> Any:
        """Update from pairs (gradient, variable); returns the variable that counts the calls."""
        pairs = list(grads_and_vars)
        self.apply([gradient for gradient, _ in pairs], [variable for _, variable in pairs])
        return self._iterations

    def apply(
        self, grads: Sequence[Any], trainable_variables: Iterable[Variable] | None = None
    ) -> None:
        """Update the variables from their gradients, and count an iteration.

        Parameters
        ----------
        grads
            Gradients, one a variable; None for a variable that the loss does not depend on.
        trainable_variables
            The variables; at the first call they build the optimizer. Defaults to the variables
            it was built with.

        Raises
        ------
        ValueError
            Without variables before `build`, for a different number of gradients and variables,
            for unknown variables, and when all gradients are None.
        ShapeError
            For a gradient whose shape is not its variable's.
        """
        grads = list(grads)
        if not grads:
            return
        variables = self._variables_to_update(grads, trainable_variables)
        with name_scope(self.name, caller=self), layer_scope(self.name):
            grads, variables = self._filter_empty_gradients(grads, variables)
            grads, variables = self._overwrite_with_gradients(grads, variables)
            if grads:
                scale = self.loss_scale_factor
                if scale is not None:
                    grads = [ops.divide(gradient, scale) for gradient in grads]
                self._backend_apply_gradients(grads, variables)
                for variable in variables:
                    constraint = getattr(variable, "constraint", None)
                    if constraint is not None:
                        variable.assign(constraint(variable))
            self._iterations.assign_add(1)

    def _variables_to_update(
        self, grads: Sequence[Any], trainable_variables: Iterable[Variable] | None
    ) -> list[Variable]:
        if trainable_variables is None:
            if not self.built:
                raise ValueError(
                    "When passing `grads` without `variables`, the optimizer must already be "
                    "built on a list of variables. Call `optimizer.build(trainable_variables)` "
                    "first."
                )
            variables = self._trainable_variables
        else:
            variables = list(trainable_variables)
            if not self.built:
                # What it makes has numbers at once, also where a step is being traced.
                scope = nullcontext() if current_trace() is None else eager_scope()
                with scope, name_scope(self.name, caller=self):
                    self.build(variables)
                self.built = True
            self._check_variables_are_known(variables)
        if len(grads) != len(variables):
            raise ValueError(
                "There must be one gradient for every variable of the optimizer. "
                f"Received {len(grads)} gradients for {len(variables)} trainable variables."
            )
        for gradient, variable in zip(grads, variables):
            if gradient is not None and tuple(ops.shape(gradient)) != tuple(variable.shape):
                raise ShapeError(
                    f"optimizer '{self.name}': expected a gradient of shape "
                    f"{tuple(variable.shape)} for the variable '{variable.path}', got shape "
                    f"{tuple(ops.shape(gradient))}"
                )
        return variables

    def _filter_empty_gradients(
        self, grads: Sequence[Any], variables: Sequence[Variable]
    ) -> tuple[list[Any], list[Variable]]:
        pairs = [(g, v) for g, v in zip(grads, variables) if g is not None]
        if not pairs:
            raise ValueError("No gradients provided for any variable.")
        if len(pairs) < len(grads):
            missing = [v.path for g, v in zip(grads, variables) if g is None]
            warnings.warn(
                f"Gradients do not exist for variables {missing} when minimizing the loss. If "
                "using `model.compile()`, did you forget to provide a `loss` argument?",
                stacklevel=4,
            )
        return [g for g, _ in pairs], [v for _, v in pairs]

    def _overwrite_with_gradients(
        self, grads: list[Any], variables: list[Variable]
    ) -> tuple[list[Any], list[Variable]]:
        """Give the variables marked ``overwrite_with_gradient`` their gradient; keep the others."""
        for gradient, variable in zip(grads, variables):
            if not is_overwritten(variable):
                continue
            if self.gradient_accumulation_steps:
                is_update = self._is_update_step()
                total = self._accumulated_gradients[self._get_variable_index(variable)]
                largest = ops.maximum(gradient, total)
                variable.assign(ops.where(is_update, largest, variable))
                total.assign(ops.where(is_update, ops.zeros_like(largest), largest))
            else:
                variable.assign(gradient)
        kept = [(g, v) for g, v in zip(grads, variables) if not is_overwritten(v)]
        return [g for g, _ in kept], [v for _, v in kept]

    def _backend_apply_gradients(
        self, grads: Sequence[Any], trainable_variables: Sequence[Variable]
    ) -> None:
        if self.gradient_accumulation_steps:
            self._accumulate(grads, trainable_variables)
        else:
            self._update(grads, trainable_variables)
        if self.use_ema:
            self._update_model_variables_moving_average(self._trainable_variables)
            if self.ema_overwrite_frequency:
                count = ops.add(self.iterations, 1)
                overwrite = ops.equal(ops.mod(count, self.ema_overwrite_frequency), 0)
                for variable, average in self._averages(self._trainable_variables):
                    variable.assign(ops.where(overwrite, average, variable))

    def _update(self, grads: Sequence[Any], variables: Sequence[Variable]) -> None:
        grads = self._clip_gradients(grads)
        self._apply_weight_decay(variables)
        self._backend_update_step(grads, variables, self.learning_rate)

    def _backend_update_step(
        self, grads: Sequence[Any], trainable_variables: Sequence[Variable], learning_rate: Any
    ) -> None:
        self._shared = {}
        try:
            for gradient, variable in zip(grads, trainable_variables):
                self.update_step(gradient, variable, learning_rate)
        finally:
            self._shared = None

    def _once(self, key: tuple[Any, ...], compute: Callable[[], Any]) -> Any:
        """``compute()``, a scalar that the variables of one update share under `key`."""
        if self._shared is None:
            return compute()
        if key not in self._shared:
            self._shared[key] = compute()
        return self._shared[key]

    def _step(self, dtype: str) -> Any:
        """The number ``t`` of this update, counted from 1."""
        return self._once(("t", dtype), lambda: ops.cast(ops.add(self.iterations, 1), dtype))

    def _unbiased(self, beta: float, dtype: str) -> Any:
        """``1 - beta ** t``: the sum of the weights of an average that started at 0."""

        def compute() -> Any:
            # In halves 0.999 would be 1.
            steps = self._step(result_type(dtype, "float32"))
            return ops.cast(ops.subtract(1.0, ops.power(beta, steps)), dtype)

        return self._once(("1 - beta ** t", beta, dtype), compute)

    def _is_update_step(self) -> Any:
        count = ops.add(self._iterations, 1)
        return ops.equal(ops.mod(count, self.gradient_accumulation_steps), 0)

    def _accumulate(self, grads: Sequence[Any], variables: Sequence[Variable]) -> None:
        """Update with the mean gradient of the last calls, in the last of them only."""
        is_update = self._is_update_step()
        totals = [self._accumulated_gradients[self._get_variable_index(v)] for v in variables]
        sums = [ops.add(gradient, total) for gradient, total in zip(grads, totals)]
        untouched = {id(v) for v in (self._iterations, *self._accumulated_gradients)}
        untouched.add(id(self._learning_rate))
        slots = [v for v in self._variables if id(v) not in untouched]
        means = [ops.divide(total, self.gradient_accumulation_steps) for total in sums]
        self._update_where(is_update, [*variables, *slots], lambda: self._update(means, variables))
        for total, value in zip(totals, sums):
            total.assign(ops.where(is_update, ops.zeros_like(value), value))

    def _update_where(
        self, condition: Any, variables: Sequence[Variable], update: Callable[[], None]
    ) -> None:
        """Run `update`, and take back what it did to `variables` unless `condition` is true."""
        before = [variable.value for variable in variables]
        update()
        for variable, value in zip(variables, before):
            variable.assign(ops.where(condition, variable, value))

    # --- saving --------------------------------------------------------------------------------

    def _obj_type(self) -> str:
        return "Optimizer"

    def get_config(self) -> dict[str, Any]:
        """The constructor's arguments, as plain values; without the optimizer's variables."""
        learning_rate: Any
        if isinstance(self._learning_rate, Variable):
            learning_rate = float(self._learning_rate.numpy())
        else:
            learning_rate = serialization.serialize_keras_object(self._learning_rate)
        return {
            "name": self.name,
            "learning_rate": learning_rate,
            "weight_decay": self.weight_decay,
            "clipnorm": self.clipnorm,
            "global_clipnorm": self.global_clipnorm,
            "clipvalue": self.clipvalue,
            "use_ema": self.use_ema,
            "ema_momentum": self.ema_momentum,
            "ema_overwrite_frequency": self.ema_overwrite_frequency,
            "loss_scale_factor": self.loss_scale_factor,
            "gradient_accumulation_steps": self.gradient_accumulation_steps,
        }

    @classmethod
    def from_config(
        cls, config: dict[str, Any], custom_objects: dict[str, Any] | None = None
    ) -> Optimizer:
        """The optimizer of a `get_config`.

        Parameters
        ----------
        config
            The constructor's arguments.
        custom_objects
            Names of the user's own classes and functions in `config`.
        """
        config = dict(config)
        if isinstance(config.get("learning_rate"), dict):
            config["learning_rate"] = serialization.deserialize_keras_object(
                config["learning_rate"], custom_objects=custom_objects
            )
        return cls(**config)
