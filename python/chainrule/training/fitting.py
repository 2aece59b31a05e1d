"""`fit`, `evaluate`, `predict` and their forms for one batch: arguments checked, loops called."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Sequence
from typing import Any

from chainrule.base import config
from chainrule.base.errors import DataError, NotCompiledError
from chainrule.base.frames import check_order
from chainrule.base.suggestions import did_you_mean, helpful
from chainrule.callbacks import CallbackList, History
from chainrule.training import loop
from chainrule.training.batches import IteratorSource, is_batch_iterable
from chainrule.training.data import (
    ArraySource,
    check_finite,
    split_validation,
    to_arrays,
    weigh_classes,
)
from chainrule.training.feeds import make_feed
from chainrule.training.loaded import batch_loader, inputs_of
from chainrule.training.mapped import to_rows
from chainrule.training.predictor import Predictor
from chainrule.training.runner import Runner
from chainrule.training.state import TrainingState

BATCH_SIZE = 32


class Fitting:
    """The public methods that run data through a model; what they need of it is in `Trainer`."""

    name: str
    optimizer: Any
    non_finite: str
    steps_per_execution: int
    metrics: Any
    _training: TrainingState
    _check_compiled: Callable[[str], None]
    _ensure_ready: Callable[[str, ArraySource], None]
    _check_targets: Callable[..., None]
    _has_own_step: Callable[[str], bool]
    reset_metrics: Callable[[], None]

    @property
    def _column_names(self) -> Sequence[str] | None:
        """The inputs that a table's columns are matched to by name; None where it is one array."""
        return None

    @helpful
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
            Tables of pandas, polars and pyarrow, and their columns, are taken as they stand. A
            model with inputs by name takes a table with a column for each.
            Arrays may be `np.memmap`s larger than memory: only the rows of a step are copied,
            and, where dtype or order are not the core's (float16, int8, int16, uint16, bool,
            Fortran order, another byte order), converted, on a thread, while the core computes.
            Batches of a generator, an iterable, a `Dataset` or a `PyDataset` are made while the
            core computes, on a thread, up to two ahead or as the `PyDataset` says.
        batch_size : int, optional
            Rows a step: 1 is stochastic, `len(x)` batch gradient descent. The last, shorter batch
            counts. Default: ``ceil(len(x) / steps_per_epoch)`` of arrays with `steps_per_epoch`,
            else 32.
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
            Draw a new order of the rows each epoch, or of the batches of a `PyDataset`.
        class_weight : dict, optional
            Weight by class number; classes that are not named count 1. Validation takes no part
            in it.
        sample_weight : array, optional
            Weight by row, multiplied with the class's.
        initial_epoch : int
            Where to begin counting, to go on with a former run.
        steps_per_epoch : int, optional
            Batches an epoch, rounded up to a multiple of `steps_per_execution`; of arrays, the
            next epoch goes on where this one stopped.
        validation_steps, validation_batch_size : int, optional
            The same for validation, which begins anew each time. The batch size defaults to
            `batch_size`.
        validation_freq : int or list of int
            Validate every so many epochs, or after the epochs listed, counted from 1.

        Returns
        -------
        History
            `history.history["loss"]` and so on, a value an epoch.

        Raises
        ------
        NotCompiledError, ShapeError, DTypeError, DataError, NonFiniteError
            Before any weight changes.
        RuntimeError
            While another thread trains or evaluates this model, and within one of its callbacks;
            what runs there goes on undisturbed. `predict` may run in any number of threads.
        """
        self._check_compiled("fit")
        if self.optimizer is None and not self._has_own_step("train"):
            raise NotCompiledError(
                f"model '{self.name}': fit() expected an optimizer from compile(), got None"
            )
        _check_count("batch_size", batch_size)
        _check_count("steps_per_epoch", steps_per_epoch)
        _check_count("validation_steps", validation_steps)
        _check_count("validation_batch_size", validation_batch_size)
        if not isinstance(validation_freq, (int, list, tuple, set)) or validation_freq == 0:
            raise ValueError(
                f"fit: expected validation_freq to be an int or a list, got {validation_freq!r}"
            )
        with self._training.activity.running(self.name, "fit"):
            source = self._source(x, y, sample_weight, bool(shuffle))
            held_out: Any = None
            if validation_data is not None:
                held_out = self._validation_source(validation_data)
            elif validation_split:
                if not isinstance(source, ArraySource):
                    raise ValueError(
                        "fit: expected arrays with validation_split, got a generator; pass "
                        "validation_data"
                    )
                source, held_out = split_validation(source, validation_split)
            if isinstance(source, ArraySource):
                if class_weight is not None:
                    source.sample_weight = weigh_classes(
                        source.y, source.sample_weight, class_weight
                    )
                self._ensure_ready("train", source)
                self._check_targets("train", source)
            if isinstance(held_out, ArraySource):
                self._ensure_ready("test", held_out)
                self._check_targets("test", held_out, "validation data: ")
            size = _rows_a_step(source, batch_size, steps_per_epoch)
            steps_per_epoch = _limited(source, size, steps_per_epoch, self.steps_per_execution)
            epochs = min(epochs, initial_epoch + (config.max_epochs() or epochs))
            feed = make_feed(source, size, steps_per_epoch, bool(shuffle))
            whole = isinstance(source, ArraySource)
            self._training.fitted = {
                "shuffle": bool(shuffle) if whole else None,
                "batch_size": size if whole else None,
            }
            validation = None
            if held_out is not None:
                given = batch_size if validation_batch_size is None else validation_batch_size
                held_out_size = _rows_a_step(held_out, given, validation_steps)
                stride = self.steps_per_execution
                validation_steps = _limited(held_out, held_out_size, validation_steps, stride)
                validation = make_feed(held_out, held_out_size, validation_steps)
            if not isinstance(callbacks, CallbackList):
                verbose = 1 if verbose == "auto" else verbose
                callbacks = CallbackList(
                    callbacks,
                    add_history=True,
                    add_progbar=verbose != 0,
                    model=self,
                    verbose=verbose,
                    epochs=epochs,
                    steps=_steps(source, size, steps_per_epoch),
                )
            return loop.fit(
                self,
                feed,
                callbacks,
                epochs=epochs,
                initial_epoch=initial_epoch,
                validation=validation,
                validation_freq=validation_freq,
                class_weight=class_weight,
            )

    def _source(
        self, x: Any, y: Any, sample_weight: Any = None, shuffle: bool = False
    ) -> ArraySource | IteratorSource:
        """Arrays or batches, checked.

        Raises
        ------
        DataError, ShapeError, DTypeError, NonFiniteError
            Empty or mismatched arrays, arrays that are not numbers; NaN and infinity where
            `compile(non_finite="raise")` asked for an error.
        """
        if is_batch_iterable(x):
            if y is not None or sample_weight is not None:
                raise DataError(
                    "data: expected y and sample_weight to come from the generator, got them as "
                    "arguments"
                )
            return IteratorSource(x, shuffle, batch_loader(self))
        if x is None:
            raise DataError(
                f"model '{self.name}': expected x to be an array or a generator, got None"
            )
        given = {"x": x, "y": y, "sample_weight": sample_weight}
        check_order(given)
        x = inputs_of(self, x)
        y = to_arrays(y, "y", to_rows)
        weight = to_arrays(sample_weight, "sample_weight")
        for (name, table), part in zip(given.items(), (x, y, weight)):
            check_finite(part, name, self.non_finite, table)
        return ArraySource(x, y, weight)

    def _validation_source(self, data: Any) -> ArraySource | IteratorSource:
        if not isinstance(data, (tuple, list)):
            return self._source(data, None)
        if not 1 <= len(data) <= 3:
            raise DataError(
                "validation_data: expected (x, y) or (x, y, sample_weight), got "
                f"{len(data)} values"
            )
        x, y, weight = (*data, None, None)[:3]
        return self._source(x, y, weight)

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

        Parameters
        ----------
        x, y, sample_weight
            As for `fit`.
        batch_size : int, optional
            Rows a step. Default: ``ceil(len(x) / steps)`` of arrays with `steps`, else 32.
        verbose, callbacks
            As for `fit`.
        steps : int, optional
            Batches to take.
        return_dict : bool
            Default False.

        Returns
        -------
        float, list of float, or dict
            A dict by name with `return_dict=True`; a single number when there is only the loss.
        """
        if kwargs:
            known = inspect.signature(self.evaluate).parameters
            meant = "".join(did_you_mean(name, known) for name in kwargs)
            raise ValueError(f"Arguments not recognized: {sorted(kwargs)}.{meant}")
        self._check_compiled("evaluate")
        _check_count("batch_size", batch_size)
        _check_count("steps", steps)
        with self._training.activity.running(self.name, "evaluate"):
            source = self._source(x, y, sample_weight)
            size = _rows_a_step(source, batch_size, steps)
            steps = _limited(source, size, steps, self.steps_per_execution)
            if isinstance(source, ArraySource):
                self._ensure_ready("test", source)
                self._check_targets("test", source)
            container = self._callback_list(callbacks, verbose, source, size, steps)
            logs = loop.evaluate(self, make_feed(source, size, steps), container)
            return logs if return_dict else self._flat_logs(logs)

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
            steps=_steps(source, batch_size, steps),
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

        Parameters
        ----------
        x
            As for `fit`.
        batch_size : int, optional
            Rows a step. Default: ``ceil(len(x) / steps)`` of arrays with `steps`, else 32.
        verbose, callbacks
            As for `fit`.
        steps : int, optional
            Batches to take: with `batch_size`, ``steps * batch_size`` rows are predicted.

        Examples
        --------
        >>> import numpy as np, chainrule as keras
        >>> model = keras.Sequential([keras.layers.Dense(2, kernel_initializer="ones")])
        >>> model.predict(np.ones((1, 3)), verbose=0)
        array([[3., 3.]], dtype=float32)
        """
        _check_count("batch_size", batch_size)
        _check_count("steps", steps)
        is_whole = steps is None and config.max_steps_per_epoch() is None
        if verbose == 0 and callbacks is None and is_whole:
            quiet = self._training.answers.joined(self, x, int(batch_size or BATCH_SIZE))
            if quiet is not None:
                return quiet
        source = self._source(x, None)
        size = _rows_a_step(source, batch_size, steps)
        steps = _limited(source, size, steps, self.steps_per_execution)
        if isinstance(source, ArraySource):
            self._ensure_ready("predict", source)
        container = self._callback_list(callbacks, verbose, source, size, steps)
        return loop.predict(self, make_feed(source, size, steps), container)

    def train_on_batch(
        self,
        x: Any,
        y: Any = None,
        sample_weight: Any = None,
        class_weight: dict[int, float] | None = None,
        return_dict: bool = False,
    ) -> Any:
        """One gradient step on one batch; returns the batch's loss and metrics."""
        self._check_compiled("train_on_batch")
        return self._on_batch("train", x, y, sample_weight, class_weight, return_dict)

    def test_on_batch(
        self, x: Any, y: Any = None, sample_weight: Any = None, return_dict: bool = False
    ) -> Any:
        """Loss and metrics of one batch."""
        self._check_compiled("test_on_batch")
        return self._on_batch("test", x, y, sample_weight, None, return_dict)

    def _array_source(self, x: Any, y: Any, sample_weight: Any, class_weight: Any) -> ArraySource:
        source = self._source(x, y, sample_weight)
        if not isinstance(source, ArraySource):
            raise DataError(f"model '{self.name}': expected one batch of arrays, got a generator")
        if class_weight is not None:
            source.sample_weight = weigh_classes(source.y, source.sample_weight, class_weight)
        return ArraySource(*source.batch(slice(None)))

    def _on_batch(
        self, mode: str, x: Any, y: Any, sample_weight: Any, class_weight: Any, return_dict: bool
    ) -> Any:
        with self._training.activity.running(self.name, f"{mode}_on_batch"):
            source = self._array_source(x, y, sample_weight, class_weight)
            self._ensure_ready(mode, source)
            self._check_targets(mode, source)
            self.reset_metrics()
            runner = Runner(self, mode)
            runner.one(source.x, source.y, source.sample_weight)
            logs = runner.logs()
        return logs if return_dict else self._flat_logs(logs)

    def predict_on_batch(self, x: Any) -> Any:
        """The outputs for one batch."""
        return self._training.answers(self, x)

    def predictor(self, batch_size: int | None = None) -> Predictor:
        """The model as it is served: a function of a batch, by compiled programs.

        Parameters
        ----------
        batch_size : int, optional
            The only number of rows that is taken. Default: any.

        Returns
        -------
        Predictor
            Gives what `predict_on_batch` gives; for any number of threads, and to be pickled.

        Examples
        --------
        >>> import numpy as np, chainrule as keras
        >>> model = keras.Sequential([keras.layers.Dense(2, kernel_initializer="ones")])
        >>> ask = model.predictor(batch_size=1)
        >>> ask(np.ones((1, 3), "float32"))
        array([[3., 3.]], dtype=float32)
        """
        _check_count("batch_size", batch_size)
        return Predictor(self, batch_size)

    def _flat_logs(self, logs: dict[str, Any]) -> Any:
        """The values in the order of the metrics; a single one by itself."""
        names: list[str] = []
        for metric in self.metrics:
            names.extend(m.name for m in getattr(metric, "metrics", None) or [metric])
        values = [logs[name] for name in names if name in logs]
        values.extend(logs[name] for name in sorted(logs) if name not in names)
        return values[0] if len(values) == 1 else values


def _check_count(name: str, value: Any) -> None:
    """Raise where `value` is neither None nor an integer of 1 or more."""
    if value is None:
        return
    if isinstance(value, (bool, float)) or not hasattr(value, "__index__") or int(value) < 1:
        raise ValueError(f"{name}: expected an integer of 1 or more, got {value!r}")


def _rows_a_step(source: Any, batch_size: int | None, steps: int | None) -> int:
    """`batch_size`; without it, of arrays as many rows as make `steps` of them all, else 32."""
    if batch_size is not None:
        return int(batch_size)
    if steps is not None and isinstance(source, ArraySource):
        return -(-source.rows // int(steps))
    return BATCH_SIZE


def _steps(source: Any, batch_size: int, steps: int | None) -> int | None:
    if steps is not None or not isinstance(source, ArraySource):
        return steps if steps is not None else source.steps
    return -(-source.rows // batch_size)


def _limited(source: Any, batch_size: int, steps: int | None, stride: int) -> int | None:
    """`steps`, or what `config.set_max_steps_per_epoch` allows where that is less, rounded up to
    whole executions of `stride` steps, as Keras does them."""
    most = config.max_steps_per_epoch()
    if most is not None:
        there = _steps(source, batch_size, steps)
        steps = most if there is None or there > most else steps
    return None if steps is None else -(-int(steps) // stride) * stride
