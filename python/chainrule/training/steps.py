"""The standard steps of a model as methods, which a class may define anew."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NoReturn

from chainrule.base.errors import NotCompiledError
from chainrule.optimizers import Optimizer
from chainrule.tracing.stateless import StatelessScope
from chainrule.tracing.trace import Trace, current_trace
from chainrule.training import trace as standard
from chainrule.training.calls import ASIDE, PLAIN
from chainrule.training.state import TrainingState
from chainrule.utils.packing import unpack_x_y_sample_weight

__all__ = ["Steps"]

State = tuple[list[Any], ...]


class Steps:
    """`train_step`, `test_step`, `predict_step`, in both forms that Keras's guides use.

    `step(data)` reads and assigns the model's variables; `step(state, data)` gets their values and
    returns the new ones. Either is traced once for each kind of batch, and runs compiled: what Python
    does in it, as printing, is done at tracing. Numbers and words among the model's attributes are
    fixed then; a step is traced anew, from the next epoch on, when they have changed.
    """

    name: str
    metrics: Any
    optimizer: Any
    trainable_variables: list[Any]
    non_trainable_variables: list[Any]
    _training: TrainingState
    _forward: Callable[..., Any]
    _traced_loss: Callable[..., Any]
    _loss_of: Callable[..., Any]

    def train_step(self, *args: Any) -> Any:
        """One step of training: forward, loss, metrics, backward, update.

        Parameters
        ----------
        state : tuple of lists, optional
            The values of the trainable, the other, the optimizer's and the metrics' variables.
        data : tensors
            x, (x, y) or (x, y, sample_weight).

        Returns
        -------
        dict, or (dict, tuple)
            The logs: `fit` reports those of an epoch's last batch, where metrics have their results
            over the epoch. With `state`, also the new one.

        Raises
        ------
        RuntimeError
            Outside of `fit` and `train_on_batch`.

        Examples
        --------
        >>> import numpy as np, chainrule as keras
        >>> class Halved(keras.Sequential):
        ...     def train_step(self, data):
        ...         x, y = data
        ...         logs = super().train_step((x / 2, y))
        ...         return {**logs, "largest": keras.ops.max(x)}
        >>> model = Halved([keras.layers.Dense(1, kernel_initializer="ones")])
        >>> model.compile(optimizer="sgd", loss="mse")
        >>> history = model.fit(np.ones((4, 2)), np.ones(4), verbose=0)
        >>> history.history
        {'largest': [1.0], 'loss': [0.0]}
        """
        return self._run_standard("train", args)

    def test_step(self, *args: Any) -> Any:
        """One step of evaluation: forward, loss, metrics. As `train_step`; the state has no
        optimizer's variables.

        Raises
        ------
        RuntimeError
            Outside of `evaluate`, of validation in `fit`, and of `test_on_batch`.
        """
        return self._run_standard("test", args)

    def predict_step(self, *args: Any) -> Any:
        """The model's outputs for a batch; `data` is x.

        With a state, of trainable and other variables' values: the outputs, and the other
        variables' new values.

        Raises
        ------
        RuntimeError
            Outside of `predict` and its siblings.
        """
        return self._run_standard("predict", args)

    def _run_standard(self, mode: str, args: tuple[Any, ...]) -> Any:
        trace = current_trace()
        if trace is None:
            self._refuse_eager(mode)
        if len(args) == 1:
            return self._standard(mode, trace, args[0])
        if len(args) != 2:
            raise TypeError(
                f"model '{self.name}': {mode}_step: expected (data) or (state, data), got "
                f"{len(args)} arguments"
            )
        state, data = args
        groups = self._state_variables(mode)
        if [len(values) for values in state] != [len(v) for v in groups.values()]:
            expected = ", ".join(f"{len(v)} {label}" for label, v in groups.items())
            raise ValueError(
                f"model '{self.name}': {mode}_step: expected a state of {expected}, got "
                f"{[len(values) for values in state]}"
            )
        pairs = [pair for group, values in zip(groups.values(), state) for pair in zip(group, values)]
        with StatelessScope(pairs, collect_losses=True) as scope:
            found = self._standard(mode, trace, data)
        after = tuple([scope.get_current_value(v) for v in group] for group in groups.values())
        return (found, after[1]) if mode == "predict" else (found, after)

    def _standard(self, mode: str, trace: Trace, data: Any) -> Any:
        x, y, sample_weight = unpack_x_y_sample_weight(data)
        if mode == "predict":
            return self._forward(x, training=False)
        if mode == "test":
            return standard.test_step(self, x, y, sample_weight, wants_logs=True)
        if self.optimizer is None:
            raise NotCompiledError(
                f"model '{self.name}': train_step() expected an optimizer from compile(), got None"
            )
        return standard.train_step(self, trace, x, y, sample_weight, wants_logs=True)

    def _refuse_eager(self, mode: str) -> NoReturn:
        callers = {
            "train": "`fit` and `train_on_batch` trace",
            "test": "`evaluate` and `test_on_batch` trace",
            "predict": "`predict` and `predict_on_batch` trace",
        }
        raise RuntimeError(
            f"model '{self.name}': {mode}_step() is what {callers[mode]} and run compiled; call these"
        )

    def _has_own_step(self, mode: str) -> bool:
        """Whether the model's class, or the model, defines this step."""
        name = f"{mode}_step"
        return getattr(type(self), name) is not getattr(Steps, name) or name in self.__dict__

    def _state_variables(self, mode: str) -> dict[str, list[Any]]:
        """The variables whose values make the state of a step, by kind."""
        groups = {
            "trainable_variables": self.trainable_variables,
            "non_trainable_variables": self.non_trainable_variables,
        }
        if mode == "train":
            optimizer = self.optimizer
            groups["optimizer_variables"] = [] if optimizer is None else optimizer.variables
        if mode != "predict":
            groups["metrics_variables"] = self._state_of_metrics()
        return groups

    def _state_of_metrics(self) -> list[Any]:
        return [v for metric in self.metrics for v in metric.variables]

    def _plain_attributes(self) -> dict[str, Any]:
        """The model's numbers and words, which a step of its own may use."""
        own = vars(self).items()
        return {name: v for name, v in own if isinstance(v, PLAIN) and name not in ASIDE}

    def _own_key(self) -> tuple[Any, ...]:
        """What a step of the model's own depends on, beside what every step does."""
        changing = self._training.changed_by_steps
        plain = [item for item in self._plain_attributes().items() if item[0] not in changing]
        return (*plain, *[optimizer._trace_key() for optimizer in self._more_optimizers()])

    def _more_optimizers(self) -> list[Optimizer]:
        """Those among the attributes, beside that of `compile`."""
        found = []
        for value in vars(self).values():
            inner = list(value.values()) if isinstance(value, dict) else value
            for part in inner if isinstance(inner, (list, tuple)) else [value]:
                if isinstance(part, Optimizer) and part is not self.optimizer:
                    found.append(part)
        return found

    def stateless_compute_loss(
        self,
        trainable_variables: Any,
        non_trainable_variables: Any,
        metrics_variables: Any,
        x: Any = None,
        y: Any = None,
        y_pred: Any = None,
        sample_weight: Any = None,
        training: bool = True,
    ) -> tuple[Any, tuple[Any, list[Any], list[Any]]]:
        """`compute_loss` for given values of the variables, changing none.

        Parameters
        ----------
        trainable_variables, non_trainable_variables, metrics_variables : list
            Values, one for each of the model's variables of that kind.
        x, y, y_pred, sample_weight, training
            As of `compute_loss`.

        Returns
        -------
        (loss, (list, list, list))
            The loss, and the variables' values after it, by kind.

        Raises
        ------
        ValueError
            Lists of other lengths than the model has variables.
        """
        given = {
            "trainable_variables": (self.trainable_variables, trainable_variables),
            "non_trainable_variables": (self.non_trainable_variables, non_trainable_variables),
            "metrics_variables": (self._state_of_metrics(), metrics_variables),
        }
        for label, (variables, values) in given.items():
            if len(variables) != len(values):
                raise ValueError(
                    f"model '{self.name}': stateless_compute_loss: expected {len(variables)} values "
                    f"of {label}, got {len(values)}"
                )
        pairs = [pair for variables, values in given.values() for pair in zip(variables, values)]
        with StatelessScope(pairs) as scope:
            loss = self._loss_of(x, y, y_pred, sample_weight, training)
        trainable, other, metrics = (
            [scope.get_current_value(v) for v in variables] for variables, _ in given.values()
        )
        return loss, (trainable, other, metrics)
