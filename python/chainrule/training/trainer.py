"""The part of a model that trains it: `compile`, the loss, the metrics, and what steps need."""

from __future__ import annotations

import inspect
import warnings
from collections.abc import Callable
from typing import Any

import numpy as np

from chainrule import metrics as metrics_module
from chainrule import ops, optimizers
from chainrule.base import tree
from chainrule.base.errors import NotCompiledError
from chainrule.base.name_scopes import layer_scope
from chainrule.base.serialization import deserialize_keras_object, serialize_keras_object
from chainrule.base.suggestions import helpful
from chainrule.base.tracking import changes
from chainrule.layers.layer import Layer
from chainrule.metrics.metric import Metric
from chainrule.tracing.arrays import engine_dtype
from chainrule.tracing.scopes import is_any_open
from chainrule.tracing.specs import compute_output_spec
from chainrule.tracing.tensor import KerasTensor
from chainrule.tracing.turns import tracing
from chainrule.training.compile_loss import CompileLoss
from chainrule.training.compile_metrics import CompileMetrics
from chainrule.training.data import ArraySource
from chainrule.training.fitting import Fitting
from chainrule.training.mapped import MappedRows
from chainrule.training.own_steps import check_steps, takes_state
from chainrule.training.state import TrainingState
from chainrule.training.steps import Steps
from chainrule.training.targets import check_target

__all__ = ["Trainer"]

_NO_OVERRIDES = ("make_train_function", "make_test_function", "make_predict_function")


class Trainer(Steps, Fitting):
    """Mixed into `Model`. A subclass may override `compute_loss`, `compute_metrics` and the steps."""

    built: bool
    compute_dtype: str
    dtype_policy: Any
    losses: list[Any]
    trainable_variables: list[Any]
    _layers: list[Any]
    _flatten_layers: Callable[..., list[Any]]
    _open_name_scope: Callable[[], Any]
    _clear_losses: Callable[[], None]
    __call__: Callable[..., Any]

    def __init__(self) -> None:
        self._training = TrainingState()
        self.optimizer: Any = None
        self.loss: Any = None
        self.compiled = False
        self.stop_training = False
        self.stop_evaluating = False
        self.stop_predicting = False
        self.history: Any = None
        self.non_finite = "warn"
        self.run_eagerly = False
        self.steps_per_execution = 1

    @helpful
    def compile(
        self,
        optimizer: Any = "rmsprop",
        loss: Any = None,
        loss_weights: Any = None,
        metrics: Any = None,
        weighted_metrics: Any = None,
        run_eagerly: bool = False,
        steps_per_execution: int = 1,
        jit_compile: Any = "auto",
        auto_scale_loss: bool = True,
        *,
        non_finite: str = "warn",
    ) -> None:
        """Choose how to train: optimizer, loss and metrics.

        Parameters
        ----------
        optimizer : str or Optimizer
            Default "rmsprop".
        loss : str, Loss, function of (y_true, y_pred), or a list or dict of them by output
        loss_weights : float, list or dict, optional
            Factors of the outputs' losses.
        metrics, weighted_metrics : list, optional
            Names, Metric objects or functions; the weighted ones use the sample weights.
        run_eagerly, steps_per_execution, jit_compile
            Taken for Keras's sake: every step runs compiled.
        auto_scale_loss : bool
            Whether a model of the policy "mixed_float16" gets its optimizer in a
            `LossScaleOptimizer`, so that small gradients do not become 0. Default True.
        non_finite : {"warn", "raise", "ignore"}
            What NaN or infinity in the data does. Default "warn".

        Raises
        ------
        ValueError
            An unknown name.
        TypeError
            A step of the model's own that takes other arguments than `data` or `state, data`.
        NotImplementedError
            The model overrides `make_train_function` or a sibling of it.
        RuntimeError
            While another thread trains or evaluates this model.

        Examples
        --------
        >>> import numpy as np, chainrule as keras
        >>> model = keras.Sequential([keras.layers.Dense(1, kernel_initializer="zeros")])
        >>> model.compile(optimizer="sgd", loss="mse")
        >>> history = model.fit(np.ones((4, 2)), np.ones(4), verbose=0)
        >>> history.history["loss"]
        [1.0]
        """
        for method in _NO_OVERRIDES:
            if hasattr(self, method):
                raise NotImplementedError(
                    f"model '{self.name}': chainrule runs whole epochs compiled and calls no "
                    f"`{method}`; override `train_step`, `test_step` or `predict_step`, or write a "
                    "loop with `chainrule.function`"
                )
        check_steps(self)
        if non_finite not in ("warn", "raise", "ignore"):
            raise ValueError(
                f"compile: expected non_finite 'warn', 'raise' or 'ignore', got {non_finite!r}"
            )
        names = getattr(self, "output_names", None)
        found = optimizers.get(optimizer) if optimizer is not None else None
        if auto_scale_loss and found is not None and self.dtype_policy.name == "mixed_float16":
            if not isinstance(found, optimizers.LossScaleOptimizer):
                found = optimizers.LossScaleOptimizer(found, name="loss_scale_optimizer")
        compile_loss = None
        if loss is not None:
            compile_loss = CompileLoss(loss, loss_weights, output_names=names)
        compile_metrics = None
        if metrics is not None or weighted_metrics is not None:
            compile_metrics = CompileMetrics(metrics, weighted_metrics, output_names=names)
        state = self._training
        with state.activity.running(self.name, "compile"):
            self.optimizer = found
            self.loss = loss
            state.loss = compile_loss
            state.metrics = compile_metrics
            state.tracker = metrics_module.Mean(name="loss")
            state.readers = None
            state.config = {
                "optimizer": optimizer,
                "loss": loss,
                "loss_weights": loss_weights,
                "metrics": metrics,
                "weighted_metrics": weighted_metrics,
                "run_eagerly": run_eagerly,
                "steps_per_execution": steps_per_execution,
                "jit_compile": jit_compile,
                "non_finite": non_finite,
            }
            state.compilations += 1
            state.forget_programs()
            self.stop_training = False
            self.non_finite = non_finite
            self.run_eagerly = run_eagerly
            self.steps_per_execution = steps_per_execution
            self.compiled = True

    @property
    def compiled_metrics(self) -> Any:
        """The metrics of `compile`, None where there are none."""
        return self._training.metrics

    def _trace_key(self, mode: str) -> tuple[Any, ...]:
        """What a compiled step depends on beside the batch."""
        count = self._training.compilations, changes.adaptations
        own = self._own_key() if self._has_own_step(mode) else ()
        if mode == "predict":
            layers = self._training.count_layers(self)
            return (self._training.generation, changes.adaptations, layers, *own)
        flags = tuple(layer.trainable for layer in self._flatten_layers())
        if mode == "test" or self.optimizer is None:
            return (count, flags, *own)
        trainable = tuple(id(v) for v in self.trainable_variables)
        return (count, flags, trainable, self.optimizer._trace_key(), *own)

    def _check_compiled(self, method: str) -> None:
        if not self.compiled:
            raise NotCompiledError(
                f"model '{self.name}': You must call `compile()` before calling `{method}()`: "
                "expected a loss and an optimizer, got a model that is not compiled"
            )

    def _symbolic_inputs(self, x: Any) -> Any:
        """KerasTensors of the shapes of these arrays with an open batch size."""

        def symbol(a: Any) -> Any:
            if a is None:
                return None
            dtype = a.dtype.name if isinstance(a, np.ndarray) else str(a.dtype)
            if dtype == "float64":
                dtype = self.compute_dtype
            return KerasTensor((None, *a.shape[1:]), dtype)

        return tree.map_structure(symbol, x)

    def _build_on(self, x: Any) -> None:
        """Build every layer for inputs like these."""
        with self._open_name_scope():
            compute_output_spec(self, self._symbolic_inputs(x))
        self._clear_losses()
        self.built = True

    def _output_spec_of(self, x: Any) -> Any:
        """The outputs for inputs like these, as KerasTensors with an open batch size."""
        symbols = self._symbolic_inputs(x)
        leaves = [s for s in tree.flatten(symbols) if s is not None]
        key = tuple((s.shape, s.dtype) for s in leaves)
        known = self._training.output_specs
        if key not in known:
            with tracing:
                known[key] = compute_output_spec(self, symbols)
                self._clear_losses()
        return known[key]

    def _forward(self, x: Any, training: bool) -> Any:
        """The model's outputs; every layer inside learns whether it trains."""
        return self(x, training=training)

    def _ensure_ready(self, mode: str, source: ArraySource) -> None:
        """Build layers, losses, metrics and optimizer on the first row, outside any trace."""
        with tracing:
            self._make_ready(mode, source)

    def _make_ready(self, mode: str, source: ArraySource) -> None:
        state = self._training
        if self._has_own_step(mode) and not (takes_state(self, mode) and self._is_callable()):
            # It makes what it lacks when it is traced; a state consists of what has been made.
            return
        if not (self.built and state.is_built(self)):
            self._build_on(source.batch(slice(0, 1))[0])
        if mode == "predict":
            return
        x, y, _ = source.batch(slice(0, 1))
        if mode == "train" and self.optimizer is not None and not self.optimizer.built:
            self.optimizer.build(self.trainable_variables)
        metrics, loss = state.metrics, state.loss
        unbuilt = [part for part in (loss, metrics) if part is not None and not part.built]
        if y is not None and unbuilt:
            y_pred = self._output_spec_of(x)
            for part in unbuilt:
                aligned = part.align(y, y_pred) if isinstance(part, CompileLoss) else y
                part.build(aligned, y_pred)
            state.readers = None

    def _is_callable(self) -> bool:
        """Whether the model has a `call` of its own, and not only steps."""
        return getattr(type(self), "call", None) is not Layer.call

    def _finish_building(self) -> None:
        """The model is built when all its layers are: one without `call` has no first call."""
        if not self.built and all(layer.built for layer in self._layers):
            self.built = True

    def _check_targets(self, mode: str, source: ArraySource, prefix: str = "") -> None:
        """Labels within the classes and targets of the outputs' shapes, before a weight changes.

        What targets mean to a step of the model's own, it knows alone.
        """
        loss = self._training.loss
        if self._has_own_step(mode) or loss is None or not loss.built or source.y is None:
            return
        x, _, _ = source.batch(slice(0, 1))
        y_pred = self._output_spec_of(x)
        y_true = loss.align(source.y, y_pred)
        names = getattr(self, "output_names", None) or []
        for number, (path, part, _, name) in enumerate(loss.parts):
            target, output = y_true, y_pred
            for key in path:
                target, output = target[key], output[key]
            known = isinstance(target, (np.ndarray, MappedRows))
            if not (known and isinstance(output, KerasTensor)):
                continue
            if len(loss.parts) == 1:
                name = names[0] if len(names) == 1 else self._last_layer_name()
            try:
                blocks = target.blocks() if isinstance(target, MappedRows) else [(0, target)]
                for row, block in blocks:
                    check_target(part, block, tuple(output.shape), name, row)
            except ValueError as error:
                raise type(error)(f"{prefix}model '{self.name}': {error}") from None

    def _last_layer_name(self) -> str:
        return str(self._layers[-1].name) if self._layers else self.name

    def compute_loss(
        self,
        x: Any = None,
        y: Any = None,
        y_pred: Any = None,
        sample_weight: Any = None,
        training: bool = True,
    ) -> Any:
        """The loss of a batch: what `compile` chose, plus the layers' own losses.

        Raises
        ------
        ValueError
            When there is neither.
        """
        parts = []
        compile_loss = self._training.loss
        if compile_loss is not None:
            value = compile_loss(y, y_pred, sample_weight)
            if value is not None:
                parts.append(value)
        parts.extend(self.losses)
        if not parts:
            raise ValueError(
                f"model '{self.name}': No loss to compute. Provide a `loss` argument in "
                "`compile()`, or use `add_loss()` in a layer."
            )
        total = ops.convert_to_tensor(parts[0])
        for part in parts[1:]:
            total = total + part
        return total

    def _traced_loss(
        self, x: Any, y: Any, y_pred: Any, sample_weight: Any, training: bool
    ) -> Any:
        """`compute_loss`, which a user may have overridden, and its tracker."""
        loss = self._loss_of(x, y, y_pred, sample_weight, training)
        rows = int(next(a.shape[0] for a in tree.flatten(x) if a is not None))
        tracker = self._training.tracker
        with layer_scope(tracker.name):
            tracker.update_state(loss, sample_weight=rows)
        return loss

    def _loss_of(self, x: Any, y: Any, y_pred: Any, sample_weight: Any, training: bool) -> Any:
        """`compute_loss` with the arguments that it takes."""
        given = {"x": x, "y": y, "y_pred": y_pred, "sample_weight": sample_weight}
        accepted = inspect.signature(self.compute_loss).parameters
        if "training" in accepted or any(p.kind is p.VAR_KEYWORD for p in accepted.values()):
            given["training"] = training
        return self.compute_loss(**given)

    def compute_metrics(self, x: Any, y: Any, y_pred: Any, sample_weight: Any = None) -> Any:
        """Add a batch to the metrics of `compile`, and give the results of all; traced with a step."""
        self._update_metrics(y, y_pred, sample_weight)
        return self.get_metrics_result()

    def _traced_metrics(
        self, x: Any, y: Any, y_pred: Any, sample_weight: Any, wants_logs: bool
    ) -> Any:
        """`compute_metrics`, which a user may have overridden; results only where they are wanted."""
        if type(self).compute_metrics is not Trainer.compute_metrics:
            return self.compute_metrics(x, y, y_pred, sample_weight=sample_weight)
        self._update_metrics(y, y_pred, sample_weight)
        return self.get_metrics_result() if wants_logs else None

    def _update_metrics(self, y: Any, y_pred: Any, sample_weight: Any) -> None:
        metrics = self._training.metrics
        if metrics is not None and y is not None:
            metrics.update_state(y, y_pred, sample_weight=sample_weight)

    @property
    def metrics(self) -> list[Any]:
        """The loss tracker, the metrics of `compile`, and those that layers hold."""
        state = self._training
        found: list[Any] = [m for m in (state.tracker, state.metrics) if m is not None]
        if state.loss is not None:
            found.extend(state.loss.metrics)
        for layer in self._flatten_layers():
            if layer is self or not hasattr(layer, "compute_metrics"):
                found.extend(m for m in layer._metrics if all(m is not k for k in found))
        return found

    @property
    def metrics_names(self) -> list[str]:
        """The names of the metrics."""
        return [metric.name for metric in self.metrics]

    @property
    def metrics_variables(self) -> list[Any]:
        """The state of all metrics."""
        return [v for metric in self.metrics for v in metric.variables]

    def reset_metrics(self) -> None:
        """Set every metric to its start."""
        self._training.readers = None
        for metric in self.metrics:
            for part in metric.metrics if isinstance(metric, CompileMetrics) else [metric]:
                if type(part).reset_state is Metric.reset_state:
                    for variable in part.variables:
                        cell: Any = variable._cell
                        cell.write(_zeros(variable.shape, variable.stored_dtype))
                else:
                    part.reset_state()

    def get_metrics_result(self) -> dict[str, Any]:
        """Every metric's value by name, as Python numbers where they are scalars; in a step that is
        traced, as tensors."""
        if is_any_open():
            return self._traced_results()
        readers = self._training.readers
        if readers is None:
            readers = self._training.readers = self._make_readers()
        logs: dict[str, Any] = {}
        for name, metric, plain in readers:
            if plain:
                total, count = metric.total._cell.read(), metric.count._cell.read()
                logs[name] = float(total / count) if count else 0.0
                continue
            value = metric.result()
            if isinstance(value, dict):
                logs.update({key: _python(item) for key, item in value.items()})
            else:
                logs[name] = _python(value)
        return logs

    def _traced_results(self) -> dict[str, Any]:
        logs: dict[str, Any] = {}
        for name, metric, _ in self._make_readers():
            value = metric.result()
            logs.update(value if isinstance(value, dict) else {name: value})
        return logs

    def _make_readers(self) -> list[tuple[str, Any, bool]]:
        """Name and metric of each result, and whether it is a plain mean, read from its cells."""
        found: list[tuple[str, Any]] = []
        for metric in self.metrics:
            if isinstance(metric, CompileMetrics):
                found.extend(metric.named() if metric.built else ())
            else:
                found.append((metric.name, metric))
        mean = metrics_module.Mean.result
        return [
            (name, m, type(m).result is mean and m.total._cell is not None) for name, m in found
        ]

    def get_compile_config(self) -> dict[str, Any] | None:
        """What `compile` was given, in serializable form; None where it was not called."""
        given = self._training.config
        if given is None:
            return None
        if self.optimizer is not None:
            given = {**given, "optimizer": self.optimizer}
        if given.get("non_finite") == "warn":  # Keras knows no such argument
            given = {key: value for key, value in given.items() if key != "non_finite"}
        return {key: serialize_keras_object(value) for key, value in given.items()}

    def compile_from_config(self, config: dict[str, Any]) -> None:
        """Compile with what `get_compile_config` returned, and build the optimizer.

        Of a model with a `compile` of its own it is not known what that takes: a warning says that
        it has to be called, unless the class overrides this method too.
        """
        if type(self).compile is not Trainer.compile:
            warnings.warn(
                f"model '{self.name}': `compile()` was not called as part of model loading because "
                "the model's `compile()` method is custom. Call it, or override "
                "`get_compile_config` and `compile_from_config`.",
                stacklevel=2,
            )
            return
        accepted = inspect.signature(Trainer.compile).parameters
        given = {k: deserialize_keras_object(v) for k, v in config.items() if k in accepted}
        self.compile(**given)
        if self.optimizer is not None and self.built:
            self.optimizer.build(self.trainable_variables)


def _zeros(shape: tuple[int, ...], dtype: str) -> np.ndarray[Any, Any]:
    return np.zeros(shape, engine_dtype(dtype))


def _python(value: Any) -> Any:
    array = np.asarray(value if np.isscalar(value) else ops.convert_to_numpy(value))
    return float(array) if array.ndim == 0 else array
