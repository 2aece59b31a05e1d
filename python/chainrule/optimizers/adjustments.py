"""What surrounds a step: loss scale, clipping, weight decay, moving averages."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

from chainrule import ops
from chainrule.optimizers.clipping import clip_by_global_norm, clip_by_norm, clip_by_value
from chainrule.optimizers.state import OptimizerState
from chainrule.optimizers.weight_decay import Exclusions
from chainrule.tracing.variable import Variable


class Adjustments(OptimizerState):
    """The settings of an optimizer that act before and after its formula."""

    weight_decay: float | None
    clipnorm: float | None
    clipvalue: float | None
    global_clipnorm: float | None
    loss_scale_factor: float | None
    use_ema: bool
    ema_momentum: float

    def __init__(self) -> None:
        super().__init__()
        self._model_variables_moving_average: list[Variable | None] = []
        self._not_decayed = Exclusions()

    def scale_loss(self, loss: Any) -> Any:
        """``loss * loss_scale_factor``; the gradients are divided by the factor later."""
        if self.loss_scale_factor is None:
            return loss
        return ops.multiply(loss, self.loss_scale_factor)

    def _clip_gradients(self, grads: Sequence[Any]) -> list[Any]:
        if self.clipnorm and self.clipnorm > 0:
            return [None if g is None else clip_by_norm(g, self.clipnorm) for g in grads]
        if self.global_clipnorm and self.global_clipnorm > 0:
            return clip_by_global_norm(grads, self.global_clipnorm)
        if self.clipvalue and self.clipvalue > 0:
            return clip_by_value(grads, self.clipvalue)
        return list(grads)

    def exclude_from_weight_decay(
        self,
        var_list: Iterable[Variable] | None = None,
        var_names: Iterable[str] | None = None,
    ) -> None:
        """Exclude variables from weight decay, before the optimizer is built.

        Parameters
        ----------
        var_list
            Variables to exclude.
        var_names
            Regular expressions: a variable is excluded when its name holds a match of one.

        Raises
        ------
        ValueError
            When the optimizer is built already.
        """
        if self.built:
            raise ValueError(
                "`exclude_from_weight_decay()` can only be configured before the optimizer is "
                "built."
            )
        self._not_decayed = Exclusions(var_list or (), var_names or ())

    def _use_weight_decay(self, variable: Variable) -> bool:
        return variable not in self._not_decayed

    def _apply_weight_decay(self, variables: Iterable[Variable]) -> None:
        if self.weight_decay is None:
            return
        for variable in variables:
            if self._use_weight_decay(variable):
                self._decay(variable, self.weight_decay)

    def _decay(self, variable: Variable, rate: float) -> None:
        learning_rate = ops.cast(self.learning_rate, variable.dtype)
        lost = ops.multiply(ops.multiply(variable, rate), learning_rate)
        variable.assign(ops.subtract(variable, lost))

    def _averages(self, variables: Sequence[Variable]) -> list[tuple[Variable, Variable]]:
        pairs = zip(variables, self._model_variables_moving_average)
        return [(variable, average) for variable, average in pairs if average is not None]

    def _update_model_variables_moving_average(self, variables: Sequence[Variable]) -> None:
        started = ops.not_equal(self.iterations, 0)
        for variable, average in self._averages(variables):
            momentum = ops.multiply(ops.cast(started, variable.dtype), self.ema_momentum)
            average.assign(
                ops.add(
                    ops.multiply(momentum, average),
                    ops.multiply(ops.subtract(1.0, momentum), variable),
                )
            )

    def finalize_variable_values(self, var_list: Sequence[Variable]) -> None:
        """Replace the variables by their moving averages, if the optimizer keeps them.

        Parameters
        ----------
        var_list
            The variables that the optimizer was built with.

        Raises
        ------
        ValueError
            For a different number of variables.
        """
        if not self.use_ema:
            return
        if len(var_list) != len(self._model_variables_moving_average):
            raise ValueError(
                f"The length of model variables ({len(var_list)}) to override does not match the "
                "length of model variables stored in the optimizer "
                f"({len(self._model_variables_moving_average)}). Please check if the optimizer "
                "was called on your model."
            )
        for variable, average in self._averages(var_list):
            variable.assign(average)
