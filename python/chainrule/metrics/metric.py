"""The base of all metrics: variables that accumulate over batches, and a result."""

from __future__ import annotations

from typing import Any

from chainrule import initializers, ops
from chainrule.base import config as backend_config
from chainrule.base.name_scopes import name_scope
from chainrule.base.naming import auto_name
from chainrule.base.super_init import SuperInit, check_super_init
from chainrule.base.tracking import Tracker
from chainrule.tracing import policies
from chainrule.tracing.policies import DTypePolicy
from chainrule.tracing.stateless import StatelessScope
from chainrule.tracing.variable import Variable

Tensor = Any


class Metric(SuperInit):
    """State, an update per batch and a result: ``state = update(state, batch)``.

    Subclasses make their variables in ``__init__`` with :meth:`add_variable`, change them in
    :meth:`update_state` with ``variable.assign(...)``, and compute a scalar (or a dict of
    scalars) from them in :meth:`result`. Both run eagerly on arrays and inside a compiled
    training step, so they use ``chainrule.ops`` and no Python branch on values.

    Parameters
    ----------
    dtype : str or DTypePolicy, optional
        The dtype of the computation. Defaults to ``config.floatx()``.
    name : str, optional
        Defaults to the class name in snake case, made unique.

    Examples
    --------
    >>> import numpy as np
    >>> from chainrule import metrics, ops
    >>> class Largest(metrics.Metric):
    ...     def __init__(self, name="largest", **kwargs):
    ...         super().__init__(name=name, **kwargs)
    ...         self.value = self.add_variable(shape=(), initializer="zeros", name="value")
    ...     def update_state(self, y_true, y_pred, sample_weight=None):
    ...         self.value.assign(ops.maximum(self.value, ops.max(ops.abs(y_pred - y_true))))
    ...     def result(self):
    ...         return ops.convert_to_tensor(self.value)
    >>> metric = Largest()
    >>> metric.update_state(np.array([1.0, 2.0]), np.array([1.5, 2.0]))
    >>> float(metric.result())
    0.5
    """

    # Layers keep their metrics apart from what else they hold.
    _is_metric = True
    # Whether a compiled model refuses targets of another shape than the outputs.
    _one_shape = False
    _super_init = ("_tracker", "metric")

    def __init__(self, dtype: str | DTypePolicy | None = None, name: str | None = None) -> None:
        self.name = name or auto_name(type(self).__name__)
        self._dtype_policy = policies.get(dtype or backend_config.floatx())
        self._dtype = self._dtype_policy.compute_dtype
        self._metrics: list[Metric] = []
        self._variables: list[Variable] = []
        self._build_arguments: tuple[Any, ...] | None = None
        self._tracker = Tracker(
            {
                "variables": (_is_variable, self._variables),
                "metrics": (_is_metric, self._metrics),
            }
        )

    @property
    def dtype(self) -> str:
        """The dtype of the computation."""
        return self._dtype

    @property
    def variables(self) -> list[Variable]:
        """The variables of this metric, then those of the metrics it holds."""
        variables = list(self._variables)
        for metric in self._metrics:
            variables.extend(metric.variables)
        return variables

    def add_variable(
        self,
        shape: Any,
        initializer: Any,
        dtype: Any = None,
        aggregation: str = "sum",
        name: str | None = None,
    ) -> Variable:
        """Make a variable of this metric's state.

        ``dtype`` defaults to ``config.floatx()``; ``aggregation`` is accepted and unused, as
        there is one device.
        """
        self._check_super_called()
        with name_scope(self.name.replace("/", ">"), caller=self):
            variable = Variable(
                initializer=initializers.get(initializer),
                shape=tuple(shape),
                dtype=dtype,
                trainable=False,
                aggregation=aggregation,
                name=name,
            )
        self._tracker.add_to_store("variables", variable)
        return variable

    def add_weight(
        self,
        shape: Any = (),
        initializer: Any = "zeros",
        dtype: Any = None,
        name: str | None = None,
    ) -> Variable:
        """Make a variable: :meth:`add_variable` under its older name."""
        return self.add_variable(shape=shape, initializer=initializer, dtype=dtype, name=name)

    def update_state(self, *args: Any, **kwargs: Any) -> Any:
        """Accumulate a batch into the variables."""
        raise NotImplementedError(f"{type(self).__name__} must implement `update_state`.")

    def result(self) -> Any:
        """Return the metric's value, a scalar tensor or a dict of scalar tensors."""
        raise NotImplementedError(f"{type(self).__name__} must implement `result`.")

    def reset_state(self) -> None:
        """Set every variable to zero."""
        for variable in self.variables:
            variable.assign(ops.zeros(variable.shape, dtype=variable.dtype))

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        """Update with a batch and return the result so far."""
        self._check_super_called()
        self.update_state(*args, **kwargs)
        return self.result()

    def stateless_update_state(self, metric_variables: Any, *args: Any, **kwargs: Any) -> list[Any]:
        """Return the values that ``metric_variables`` become after an update, changing nothing."""
        with StatelessScope(state_mapping=self._mapping(metric_variables)) as scope:
            self.update_state(*args, **kwargs)
        return self._values_in(scope)

    def stateless_result(self, metric_variables: Any) -> Any:
        """Return the result for the given values of the variables."""
        with StatelessScope(state_mapping=self._mapping(metric_variables)):
            return self.result()

    def stateless_reset_state(self) -> list[Any]:
        """Return the values of the variables after a reset, changing nothing."""
        with StatelessScope() as scope:
            self.reset_state()
        return self._values_in(scope)

    def get_config(self) -> dict[str, Any]:
        """Return the arguments that rebuild this metric."""
        return {"name": self.name, "dtype": self.dtype}

    @classmethod
    def from_config(cls, config: dict[str, Any]) -> Metric:
        """Build a metric from the result of ``get_config``."""
        return cls(**config)

    def __setstate__(self, state: dict[str, Any]) -> None:
        self.__dict__.update(state)
        self._tracker.refresh()

    def _mapping(self, metric_variables: Any) -> list[tuple[Variable, Any]]:
        variables = self.variables
        if len(metric_variables) != len(variables):
            raise ValueError(
                "Argument `metric_variables` must be a list of tensors corresponding 1:1 to "
                f"{type(self).__name__}().variables. Received list with length "
                f"{len(metric_variables)}, but expected {len(variables)} variables."
            )
        return list(zip(variables, metric_variables, strict=True))

    def _values_in(self, scope: StatelessScope) -> list[Any]:
        values = []
        for variable in self.variables:
            value = scope.get_current_value(variable)
            values.append(variable if value is None else value)
        return values

    def _check_super_called(self) -> None:
        check_super_init(self, *self._super_init)

    def _build(self, *shapes: Any) -> None:
        """Make the variables whose shapes depend on the data, for metrics that have such."""
        raise NotImplementedError(f"{type(self).__name__} must implement `_build`.")

    def _ensure_built(self, *shapes: Any) -> None:
        """Call ``_build`` once, and remember its arguments."""
        if self._build_arguments is None:
            self._build(*shapes)
            self._build_arguments = shapes

    def _obj_type(self) -> str:
        return "Metric"

    def __setattr__(self, name: str, value: Any) -> None:
        if "_tracker" in self.__dict__:
            value = self._tracker.track(value)
        super().__setattr__(name, value)

    def __repr__(self) -> str:
        return f"<{type(self).__name__} name={self.name}>"


def _is_variable(x: object) -> bool:
    return isinstance(x, Variable)


def _is_metric(x: object) -> bool:
    return isinstance(x, Metric)
