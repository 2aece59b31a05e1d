"""A loss scale that follows the gradients, around any optimizer."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

from chainrule import initializers, ops
from chainrule.base import serialization
from chainrule.base.name_scopes import layer_scope
from chainrule.optimizers.optimizer import Optimizer
from chainrule.optimizers.options import DEFAULTS, checked
from chainrule.optimizers.state import is_overwritten
from chainrule.tracing.variable import Variable


class LossScaleOptimizer(Optimizer):
    """``w <- inner step with g / s`` where all ``g`` are finite; else nothing moves and ``s / 2``.

    The loss is multiplied by the scale ``s``, so that small gradients do not underflow. The scale
    doubles after `dynamic_growth_steps` steps with finite gradients.

    Parameters
    ----------
    inner_optimizer : Optimizer
        The optimizer that makes the steps.
    initial_scale : float
        The first scale; rather too high, because it falls faster than it rises.
    dynamic_growth_steps : int
        Steps with finite gradients until the scale doubles.
    name : str, optional
        The optimizer's name.

    Raises
    ------
    ValueError
        For a setting that belongs to the inner optimizer.

    References
    ----------
    Micikevicius et al. (2018), "Mixed precision training".
    """

    def __init__(
        self,
        inner_optimizer: Optimizer,
        initial_scale: float = 2.0**15,
        dynamic_growth_steps: int = 2000,
        name: str | None = None,
        **kwargs: Any,
    ) -> None:
        if not kwargs.pop("dynamic", True):
            raise ValueError(
                "LossScaleOptimizer no longer supports `dynamic=False`. Instead, simply set "
                "`loss_scale_factor` directly on the `inner_optimizer`."
            )
        for option, default in DEFAULTS.items():
            if kwargs.pop(option, default) != default:
                raise ValueError(
                    f"LossScaleOptimizer does not support `{option}`. Instead, set `{option}` on "
                    "the `inner_optimizer`."
                )
        if kwargs:
            raise ValueError(
                f"LossScaleOptimizer does not support arguments: `{'`, `'.join(kwargs)}`."
            )
        super().__init__(learning_rate=0.0, name=name)
        self.inner_optimizer = inner_optimizer
        self.initial_scale = checked("initial_scale", initial_scale)
        self.dynamic_growth_steps = checked("dynamic_growth_steps", dynamic_growth_steps)
        self.inner_optimizer.loss_scale_factor = None

    def build(self, variables: Sequence[Variable]) -> None:
        """Add the scale and the count of finite steps, and build the inner optimizer."""
        if self.built:
            return
        self.step_counter = self.add_variable((), dtype="int32", name="step_counter")
        self.dynamic_scale = self.add_variable(
            (), initializers.Constant(self.initial_scale), dtype="float32", name="dynamic_scale"
        )
        self.inner_optimizer.build(variables)
        super().build(variables)

    @property
    def variables(self) -> list[Variable]:
        """The optimizer's own variables, then the inner optimizer's."""
        return self._variables + self.inner_optimizer.variables

    @property
    def iterations(self) -> Any:
        """How many updates the inner optimizer made."""
        return self.inner_optimizer.iterations

    @property
    def learning_rate(self) -> Any:
        """The inner optimizer's learning rate."""
        return self.inner_optimizer.learning_rate

    @learning_rate.setter
    def learning_rate(self, learning_rate: Any) -> None:
        self.inner_optimizer.learning_rate = learning_rate

    def _trace_key(self) -> tuple[Any, ...]:
        return (*super()._trace_key(), *self.inner_optimizer._trace_key())

    def apply(
        self, grads: Sequence[Any], trainable_variables: Iterable[Variable] | None = None
    ) -> None:
        """Update with unscaled gradients if all are finite, and adapt the scale.

        Parameters
        ----------
        grads
            Gradients of the scaled loss, one a variable.
        trainable_variables
            The variables; at the first call they build the optimizer.
        """
        grads = list(grads)
        if not grads:
            return
        variables = self._variables_to_update(grads, trainable_variables)
        with layer_scope(self.name):
            finite = self.check_finite(grads)
            unscaled = [
                g if g is None or is_overwritten(v) else ops.divide(g, self.dynamic_scale)
                for g, v in zip(grads, variables)
            ]
            self._update_where(
                finite,
                [*variables, *self.inner_optimizer.variables],
                lambda: self.inner_optimizer.apply(unscaled, variables),
            )
            self._adapt(finite)

    def _adapt(self, finite: Any) -> None:
        grow = ops.equal(self.step_counter, self.dynamic_growth_steps - 1)
        counted = ops.where(grow, 0, ops.add(self.step_counter, 1))
        scale = self.dynamic_scale
        grown = ops.where(grow, ops.multiply(scale, 2.0), scale)
        self.step_counter.assign(ops.where(finite, counted, ops.zeros_like(counted)))
        self.dynamic_scale.assign(ops.where(finite, grown, ops.multiply(scale, 0.5)))

    def check_finite(self, grads: Sequence[Any]) -> Any:
        """Whether all elements of all gradients are finite (a scalar bool tensor)."""
        checks = [ops.all(ops.isfinite(g)) for g in grads if g is not None]
        finite = checks[0]
        for check in checks[1:]:
            finite = ops.logical_and(finite, check)
        return finite

    def scale_loss(self, loss: Any) -> Any:
        """``loss * s``."""
        return ops.multiply(loss, self.dynamic_scale if self.built else self.initial_scale)

    def finalize_variable_values(self, var_list: Sequence[Variable]) -> None:
        """Do what the inner optimizer does at the end of training."""
        self.inner_optimizer.finalize_variable_values(var_list)

    def get_config(self) -> dict[str, Any]:
        """The constructor's arguments."""
        return {
            "name": self.name,
            "inner_optimizer": serialization.serialize_keras_object(self.inner_optimizer),
            "initial_scale": self.initial_scale,
            "dynamic_growth_steps": self.dynamic_growth_steps,
        }

    @classmethod
    def from_config(
        cls, config: dict[str, Any], custom_objects: dict[str, Any] | None = None
    ) -> LossScaleOptimizer:
        """The optimizer of a `get_config`."""
        config = dict(config)
        inner = serialization.deserialize_keras_object(
            config.pop("inner_optimizer"), custom_objects=custom_objects
        )
        return cls(inner, **config)
