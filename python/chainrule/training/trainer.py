"""The part of a model that trains it: `compile`, `fit`, `evaluate`, `predict` and the batch forms."""

from __future__ import annotations

from typing import Any

import numpy as np

from chainrule import metrics as metrics_module
from chainrule import ops, optimizers, tree
from chainrule.callbacks import CallbackList, History
from chainrule.errors import NotCompiledError
from chainrule.training import loop
from chainrule.training.compiled import CompiledLoss, CompiledMetrics, total_loss
from chainrule.training.data import ArraySource, IteratorSource, split_validation, to_arrays
from chainrule.training.trace import Programs

BATCH_SIZE = 32


class Trainer:
    """Mixed into `Model`. A subclass may override `compute_loss` and `compute_metrics`."""

    def _init_trainer(self) -> None:
        values = self.__dict__
        values["_programs"] = Programs()
        values["_compile_loss"] = None
        values["_compile_metrics"] = None
        values["_loss_tracker"] = None
        values["_compile_config"] = None
        values["_compile_count"] = 0
        values["_initial_epoch"] = None
        self.optimizer: Any = None
        self.loss: Any = None
        self.compiled = False
        self.stop_training = False
        self.history: Any = None
        self.non_finite = "warn"
        self.run_eagerly = False

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
        run_eagerly, steps_per_execution, jit_compile, auto_scale_loss
            Taken for Keras's sake: every step runs compiled.
        non_finite : {"warn", "raise", "ignore"}
            What NaN or infinity in the training data does. Default "warn".

        Raises
        ------
        ValueError
            An unknown name.

        Examples
        --------
        >>> import numpy as np, chainrule as keras
        >>> model = keras.Sequential([keras.layers.Dense(1, kernel_initializer="zeros")])
        >>> model.compile(optimizer="sgd", loss="mse")
        >>> history = model.fit(np.ones((4, 2)), np.ones(4), verbose=0)
        >>> history.history["loss"]
        [1.0]
        """
        if non_finite not in ("warn", "raise", "ignore"):
            raise ValueError(
                f"compile: expected non_finite 'warn', 'raise' or 'ignore', got {non_finite!r}"
            )
        names = getattr(self, "output_names", None)
        found = optimizers.get(optimizer) if optimizer is not None else None
        compile_loss = None if loss is None else CompiledLoss(loss, loss_weights, names)
        compile_metrics = None
        if metrics is not None or weighted_metrics is not None:
            compile_metrics = CompiledMetrics(metrics, weighted_metrics, names)
        self.optimizer = found
        self.loss = loss
        values = self.__dict__
        values["_compile_loss"] = compile_loss
        values["_compile_metrics"] = compile_metrics
        values["_loss_tracker"] = metrics_module.Mean(name="loss")
        values["_compile_config"] = {
            "optimizer": optimizer,
            "loss": loss,
            "loss_weights": loss_weights,
            "metrics": metrics,
            "weighted_metrics": weighted_metrics,
            "non_finite": non_finite,
        }
        values["_compile_count"] += 1
        self._programs.clear()
        self.stop_training = False
        self.non_finite = non_finite
        self.run_eagerly = run_eagerly
        self.compiled = True

    def _trace_key(self, mode: str) -> tuple[Any, ...]:
        """What a compiled step depends on beside the batch."""
        trainable = tuple(id(v) for v in self.trainable_variables)
        flags = tuple(layer.trainable for layer in self._flatten_layers())
        step = self.optimizer._trace_key() if mode == "train" and self.optimizer else ()
        return (self._compile_count, trainable, flags, step)

    def _check_compiled(self, method: str) -> None:
        if not self.compiled:
            raise NotCompiledError(
                f"model '{self.name}': {method}() needs a loss and an optimizer; expected "
                "compile(optimizer, loss) to have been called, got a model that is not compiled"
            )

    def _ensure_ready(self, mode: str, source: Any) -> None:
        """Build layers, metrics and optimizer on the first rows, outside any trace."""
        x, y, weight = source.batch(slice(0, 1))
        if not self.built or any(not layer.built for layer in self._flatten_layers()):
            self._build_on(x)
        if mode == "predict":
            return
        if mode == "train" and self.optimizer is not None and not self.optimizer.built:
            self.optimizer.build(self.trainable_variables)
        metrics = self.__dict__["_compile_metrics"]
        compile_loss = self.__dict__["_compile_loss"]
        unbuilt = metrics is not None and metrics.entries is None
        if unbuilt or (compile_loss is not None and compile_loss.losses is None):
            y_pred = self._output_spec_of(x)
            if compile_loss is not None:
                compile_loss.build(y_pred)
            if metrics is not None:
                metrics.build(y, y_pred)

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
        compile_loss = self.__dict__["_compile_loss"]
        if compile_loss is not None:
            rows = int(tree.flatten(y_pred)[0].shape[0])
            value = compile_loss(y, y_pred, sample_weight, rows)
            if value is not None:
                parts.append(value)
        parts.extend(self.losses)
        if not parts:
            raise ValueError(
                f"model '{self.name}': expected a loss, from compile(loss=...) or add_loss(), "
                "got none"
            )
        return total_loss(parts)

    def compute_metrics(self, x: Any, y: Any, y_pred: Any, sample_weight: Any = None) -> Any:
        """Add a batch to the metrics and return their values."""
        metrics = self.__dict__["_compile_metrics"]
        if metrics is not None and y is not None:
            metrics.update(y, y_pred, sample_weight)

    @property
    def metrics(self) -> list[Any]:
        """The loss tracker, the metrics of `compile`, and those that layers hold."""
        found: list[Any] = []
        values = self.__dict__
        if values["_loss_tracker"] is not None:
            found.append(values["_loss_tracker"])
        if values["_compile_loss"] is not None:
            found.extend(values["_compile_loss"].trackers)
        if values["_compile_metrics"] is not None:
            found.extend(values["_compile_metrics"].metrics)
        for layer in self._flatten_layers():
            for metric in layer._metrics:
                if all(metric is not known for known in found):
                    found.append(metric)
        return found

    @property
    def metrics_names(self) -> list[str]:
        """The names of the metrics."""
        return [metric.name for metric in self.metrics]

    def reset_metrics(self) -> None:
        """Set every metric to its start."""
        for metric in self.metrics:
            metric.reset_state()

    def get_metrics_result(self) -> dict[str, Any]:
        """Every metric's value by name, as Python numbers where they are scalars."""
        values = self.__dict__
        own = values["_compile_metrics"]
        shown = {id(m) for m in own.metrics} if own is not None else set()
        logs: dict[str, Any] = {}
        for metric in self.metrics:
            if id(metric) in shown:
                continue
            value = metric.result()
            logs.update(value if isinstance(value, dict) else {metric.name: value})
        if own is not None:
            logs.update(own.result())
        return {name: _python(value) for name, value in logs.items()}

    def fit(
        self,
        x: Any = None,
        y: Any = None,
        batch_size: int | None = None,
        epochs: int = 1,
        verbose: Any = "auto",
        callbacks: Any = None,
        validation_split: float = 0.0,
        validation_data: Any = None,
        shuffle: bool = True,
        class_weight: dict[int, float] | None = None,
        sample_weight: Any = None,
        initial_epoch: int = 0,
        steps_per_epoch: int | None = None,
        validation_steps: int | None = None,
        validation_batch_size: int | None = None,
        validation_freq: Any = 1,
    ) -> History:
        """Train on data for a number of epochs.

        Parameters
        ----------
        x, y : array, list, dict of arrays, or for x a generator of (x, y[, sample_weight])
        batch_size : int, optional
            Rows a step, default 32: 1 is stochastic, `len(x)` batch gradient descent. The last,
            shorter batch counts.
        epochs : int
            Number of the last epoch.
        verbose : {"auto", 0, 1, 2}
            0 silent, 1 a progress bar, 2 a line an epoch.
        callbacks : list of Callback, optional
        validation_split : float
            Fraction of the last rows, kept out of training.
        validation_data : tuple, optional
            (x, y) or (x, y, sample_weight), or a generator.
        shuffle : bool
            Draw a new order of the rows each epoch.
        class_weight : dict, optional
            Weight by class number.
        sample_weight : array, optional
            Weight by row.
        initial_epoch, steps_per_epoch, validation_steps, validation_batch_size, validation_freq
            As in Keras.

        Returns
        -------
        History
            `history.history["loss"]` and so on, a value an epoch.

        Raises
        ------
        NotCompiledError, ShapeError, DTypeError, DataError, NonFiniteError
            Before any weight changes.
        """
        self._check_compiled("fit")
        if self.optimizer is None:
            raise NotCompiledError(f"model '{self.name}': fit() needs an optimizer, got None")
        batch_size = _batch_size(batch_size)
        source = loop.make_source(self, x, y, sample_weight, class_weight)
        validation = None
        if validation_split and validation_data is None:
            if not isinstance(source, ArraySource):
                raise ValueError("fit: expected arrays with validation_split, got a generator")
            source, held_out = split_validation(source, validation_split)
            validation = (held_out, _batch_size(validation_batch_size or batch_size), validation_steps)
        elif validation_data is not None:
            parts = validation_data
            if isinstance(parts, (tuple, list)):
                vx, vy, vw = (*parts, None, None)[:3]
                held_out = loop.make_source(self, vx, vy, vw)
            else:
                held_out = loop.make_source(self, parts, None, None)
            validation = (held_out, _batch_size(validation_batch_size or batch_size), validation_steps)
        if isinstance(source, ArraySource):
            self._ensure_ready("train", source)
            self._check_targets(source)
        if validation is not None and isinstance(validation[0], ArraySource) and self.built:
            self._check_targets(validation[0])
        weights_in_iterator = class_weight if isinstance(source, IteratorSource) else None
        return loop.fit(
            self,
            source,
            batch_size=batch_size,
            epochs=epochs,
            verbose=1 if verbose == "auto" else verbose,
            callbacks=callbacks,
            validation=validation,
            validation_freq=validation_freq,
            shuffle=shuffle,
            initial_epoch=initial_epoch,
            steps_per_epoch=steps_per_epoch,
            class_weight=weights_in_iterator,
        )

    def _check_targets(self, source: ArraySource) -> None:
        """Labels within the classes and targets of the outputs' shapes, before a weight changes."""
        compile_loss = self.__dict__["_compile_loss"]
        if compile_loss is None or compile_loss.losses is None or source.y is None:
            return
        x, _, _ = source.batch(slice(0, 1))
        outputs = tree.flatten(self._output_spec_of(x))
        for loss, y, output in zip(compile_loss.losses, tree.flatten(source.y), outputs):
            check = getattr(loss, "check_targets", None)
            if check is not None:
                check(y, tuple(output.shape))

    def evaluate(
        self,
        x: Any = None,
        y: Any = None,
        batch_size: int | None = None,
        verbose: Any = "auto",
        sample_weight: Any = None,
        steps: int | None = None,
        callbacks: Any = None,
        return_dict: bool = False,
        **kwargs: Any,
    ) -> Any:
        """Loss and metrics on data; no weight changes.

        Returns
        -------
        float, list of float, or dict
            A dict by name with `return_dict=True`; a single number when there is only the loss.
        """
        if kwargs:
            raise ValueError(f"Arguments not recognized: {sorted(kwargs)}")
        self._check_compiled("evaluate")
        source = loop.make_source(self, x, y, sample_weight)
        batch_size = _batch_size(batch_size)
        if isinstance(source, ArraySource):
            self._ensure_ready("test", source)
            self._check_targets(source)
        container = self._callback_list(callbacks, verbose, source, batch_size, steps)
        logs = loop.evaluate(self, source, batch_size=batch_size, steps=steps, callbacks=container)
        return logs if return_dict else _flat_logs(logs)

    def _callback_list(
        self, callbacks: Any, verbose: Any, source: Any, batch_size: int, steps: int | None
    ) -> CallbackList:
        if isinstance(callbacks, CallbackList):
            return callbacks
        verbose = 1 if verbose == "auto" else verbose
        return CallbackList(
            callbacks,
            add_progbar=verbose != 0,
            model=self,
            verbose=verbose,
            epochs=1,
            steps=loop._steps(source, batch_size, steps),
        )

    def predict(
        self,
        x: Any,
        batch_size: int | None = None,
        verbose: Any = "auto",
        steps: int | None = None,
        callbacks: Any = None,
    ) -> Any:
        """The outputs for each row of `x`, as arrays; computed batch by batch.

        Examples
        --------
        >>> import numpy as np, chainrule as keras
        >>> model = keras.Sequential([keras.layers.Dense(2, kernel_initializer="ones")])
        >>> model.predict(np.ones((1, 3)), verbose=0)
        array([[3., 3.]], dtype=float32)
        """
        source: Any
        if loop.is_batch_iterable(x):
            source = IteratorSource(x)
        else:
            source = ArraySource(to_arrays(x, "x"), None, None)
            self._ensure_ready("predict", source)
        batch_size = _batch_size(batch_size)
        container = self._callback_list(callbacks, verbose, source, batch_size, steps)
        return loop.predict(self, source, batch_size=batch_size, steps=steps, callbacks=container)

    def train_on_batch(
        self,
        x: Any,
        y: Any = None,
        sample_weight: Any = None,
        class_weight: dict[int, float] | None = None,
        return_dict: bool = False,
    ) -> Any:
        """One gradient step on one batch; returns the running loss and metrics."""
        self._check_compiled("train_on_batch")
        return self._on_batch("train", x, y, sample_weight, class_weight, return_dict)

    def test_on_batch(
        self, x: Any, y: Any = None, sample_weight: Any = None, return_dict: bool = False
    ) -> Any:
        """Loss and metrics of one batch; returns the running values."""
        self._check_compiled("test_on_batch")
        return self._on_batch("test", x, y, sample_weight, None, return_dict)

    def _on_batch(
        self, mode: str, x: Any, y: Any, sample_weight: Any, class_weight: Any, return_dict: bool
    ) -> Any:
        source = loop.make_source(self, x, y, sample_weight, class_weight)
        self._ensure_ready(mode, source)
        self._check_targets(source)
        loop.Runner(self, mode).one(source.x, source.y, source.sample_weight)
        logs = self.get_metrics_result()
        return logs if return_dict else _flat_logs(logs)

    def predict_on_batch(self, x: Any) -> Any:
        """The outputs for one batch."""
        source = ArraySource(to_arrays(x, "x"), None, None)
        self._ensure_ready("predict", source)
        runner = loop.Runner(self, "predict")
        _, structure = runner.program((source.x, None, None), source.rows)
        return tree.pack_sequence_as(structure, runner.one(source.x, None, None))

    def get_compile_config(self) -> dict[str, Any] | None:
        """What `compile` was given, in serializable form; None where it cannot be."""
        from chainrule.saving import serialize_keras_object

        given = self.__dict__["_compile_config"]
        if given is None:
            return None
        return {key: serialize_keras_object(value) for key, value in given.items()}

    def compile_from_config(self, config: dict[str, Any]) -> None:
        """Compile with what `get_compile_config` returned, and build the optimizer."""
        from chainrule.saving import deserialize_keras_object

        self.compile(**{key: deserialize_keras_object(value) for key, value in config.items()})
        if self.optimizer is not None and self.built:
            self.optimizer.build(self.trainable_variables)


def _python(value: Any) -> Any:
    array = np.asarray(ops.convert_to_numpy(value) if not np.isscalar(value) else value)
    return float(array) if array.ndim == 0 else array


def _flat_logs(logs: dict[str, Any]) -> Any:
    values = list(logs.values())
    return values[0] if len(values) == 1 else values


def _batch_size(batch_size: int | None) -> int:
    if batch_size is None:
        return BATCH_SIZE
    if isinstance(batch_size, (bool, float)) or int(batch_size) < 1:
        raise ValueError(f"batch_size: expected an integer of 1 or more, got {batch_size!r}")
    return int(batch_size)
