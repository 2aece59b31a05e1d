"""Metrics, weights and the model in event files, which TensorBoard shows."""

from __future__ import annotations

import json
import os
import time
import warnings
from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np

from chainrule.base import config
from chainrule.callbacks.callback import Callback, Logs
from chainrule.utils.event_file import EventFile
from chainrule.utils.remembered import checked, count
from chainrule.utils.writing import replacing

__all__ = ["TensorBoard"]

_FOLDERS = {"train": "train", "val": "validation"}


class TensorBoard(Callback):
    """Writes what TensorBoard shows: metrics, histograms and pictures of the weights, the model's graph.

    Metrics of an epoch are "epoch_loss" and so on, in `log_dir`/train and `log_dir`/validation; those of
    batches "batch_loss"; those of each evaluation "evaluation_loss_vs_iterations".

    Parameters
    ----------
    log_dir : str or path
        The folder. Default "logs".
    histogram_freq : int
        Every so many epochs, the weights' histograms. Default 0: none.
    write_graph : bool
        Write the graph of the layers, where the model has a configuration. Default True.
    write_images : bool
        Write the weights as pictures too, with the histograms. Default False.
    write_steps_per_second : bool
        Of each epoch, and of the batches that are written. Default False.
    update_freq : int or {"batch", "epoch"}
        Write metrics of every so many batches too; "batch" is 1. Default "epoch": those of epochs alone,
        and `fit` need not come back to Python between batches.
    profile_batch : int or (int, int)
        Before this batch, counted from 1, `model.profile` times a step, of a pair as many as there are between
        them; the trace is `log_dir`/train/batch_N.trace.json, for chrome://tracing. Default 0: none.
    embeddings_freq : int
        Every so many epochs, the tables of `Embedding` layers for TensorBoard's projector. Default 0: none.
    embeddings_metadata : str or dict of str to str, optional
        A file of the labels of all tables, or of each by the layer's name.

    Raises
    ------
    ImportError
        Without tensorboardX (``pip install 'chainrule[tensorboard]'``); with `write_images` without Pillow.
    ValueError
        A number that is none of these; metadata for a layer that is not there.

    Notes
    -----
    `tensorboard --logdir logs` (``pip install tensorboard``) shows them.

    Examples
    --------
    >>> callback = TensorBoard("logs", histogram_freq=1)
    >>> callback.wants_batch_events
    False
    """

    def __init__(
        self,
        log_dir: Any = "logs",
        histogram_freq: int = 0,
        write_graph: bool = True,
        write_images: bool = False,
        write_steps_per_second: bool = False,
        update_freq: int | str = "epoch",
        profile_batch: Any = 0,
        embeddings_freq: int = 0,
        embeddings_metadata: str | Mapping[str, str] | None = None,
    ) -> None:
        super().__init__()
        self.log_dir = os.fspath(log_dir)
        self.histogram_freq = _count("histogram_freq", histogram_freq)
        self.write_graph = write_graph
        self.write_images = write_images
        self.write_steps_per_second = write_steps_per_second
        self.embeddings_freq = _count("embeddings_freq", embeddings_freq)
        self.embeddings_metadata = embeddings_metadata
        # Batches between two that are written; 0 where none is.
        self.update_freq = 1 if update_freq == "batch" else update_freq
        self._stride = 0 if update_freq == "epoch" else _count("update_freq", self.update_freq, 1)
        self._profiled = _batches(profile_batch)
        self._files: dict[str, EventFile] = {}
        self._batch = self._first = 0
        self._began = self._batch_began = 0.0

    @property
    def wants_batch_events(self) -> bool:
        """Whether batches are written or profiled."""
        return bool(self._stride or self._profiled[0])

    def set_model(self, model: Any) -> None:
        super().set_model(model)
        self._close()

    def _file(self, which: str) -> EventFile:
        """The event file of "train" or "val", made when something is written."""
        if which not in self._files:
            self._files[which] = EventFile(os.path.join(self.log_dir, _FOLDERS[which]))
        return self._files[which]

    def _close(self) -> None:
        for file in self._files.values():
            file.close()
        self._files = {}

    def _write_graph(self) -> None:
        """The layers' calls as the run's graph, and the configuration as a conceptual one; of a model
        with a `call` of its own there is neither."""
        model = self.model
        functional = model if hasattr(model, "_nodes") else getattr(model, "_functional", None)
        if functional is None:
            return
        file = self._file("train")
        file.graph(_calls(functional))
        try:
            text = model.to_json()
        except (NotImplementedError, TypeError, ValueError) as error:  # a layer without `get_config`
            warnings.warn(f"TensorBoard: no conceptual graph is written: {error}", stacklevel=2)
            return
        file.tensor("keras", [text.encode()], "graph_keras_model", b"1", 0)

    def on_train_begin(self, logs: Logs = None) -> None:
        self._batch = 0
        if self.write_graph:
            self._write_graph()
        if self.embeddings_freq:
            self._check_metadata()

    def on_train_end(self, logs: Logs = None) -> None:
        self._close()

    def backup_state(self) -> dict[str, Any]:
        return {"batch": self._batch}

    def restore_state(self, state: dict[str, Any]) -> None:
        self._batch = checked(type(self).__name__, state, {"batch": count})["batch"]

    def on_epoch_begin(self, epoch: int, logs: Logs = None) -> None:
        self._began, self._first = time.monotonic(), self._steps()

    def on_epoch_end(self, epoch: int, logs: Logs = None) -> None:
        numbers = {**(logs or {}), **self._rates()}
        if self.write_steps_per_second:
            passed = time.monotonic() - self._began
            numbers["steps_per_second"] = (self._steps() - self._first) / passed
        for name, value in numbers.items():
            held_out = name.startswith("val_")
            tag = f"epoch_{name.removeprefix('val_')}"
            self._scalar("val" if held_out else "train", tag, value, epoch)
        if self.histogram_freq and epoch % self.histogram_freq == 0:
            self._write_weights(epoch)
        if self.embeddings_freq and epoch % self.embeddings_freq == 0:
            self._write_embeddings(epoch)
        for file in self._files.values():
            file.flush()

    def on_train_batch_begin(self, batch: int, logs: Logs = None) -> None:
        self._batch += 1
        if self._batch == self._profiled[0]:
            self._profile()
        self._batch_began = time.monotonic()

    def on_train_batch_end(self, batch: int, logs: Logs = None) -> None:
        if not self._stride or self._batch % self._stride:
            return
        if self.write_steps_per_second:
            passed = time.monotonic() - self._batch_began
            self._scalar("train", "batch_steps_per_second", 1.0 / passed, self._batch)
        for name, value in (logs or {}).items():
            self._scalar("train", f"batch_{name}", value, self._batch)

    def on_test_end(self, logs: Logs = None) -> None:
        if self.model.optimizer is None:
            return
        for name, value in (logs or {}).items():
            self._scalar("val", f"evaluation_{name}_vs_iterations", value, self._steps())
        if not self.model._training.feeds:  # no `fit` runs that would end and close it
            self._close()

    def _scalar(self, which: str, tag: str, value: Any, step: int) -> None:
        """Of an array the mean, as there is one number a step."""
        self._file(which).scalar(tag, float(np.mean(value)), step)

    def _steps(self) -> int:
        optimizer = self.model.optimizer
        return 0 if optimizer is None else int(optimizer.iterations)

    def _rates(self) -> dict[str, float]:
        """The learning rate, or that of each of several optimizers."""
        optimizer = self.model.optimizer
        optimizer = getattr(optimizer, "inner_optimizer", optimizer)
        if optimizer is None:
            return {}
        several = getattr(optimizer, "optimizers", None)
        if several is not None:
            return {f"learning_rate_{one.name}": float(one.learning_rate) for one in several}
        return {"learning_rate": float(optimizer.learning_rate)}

    def _write_weights(self, epoch: int) -> None:
        file = self._file("train")
        for weight in self.model.weights:
            values = weight.numpy()
            file.histogram(f"{weight.path}/histogram", values, epoch)
            if self.write_images:
                pictures = _pictures(values)
                if pictures is not None:
                    file.pictures(f"{weight.path}/image", pictures, epoch)

    def _profile(self) -> None:
        first, last = self._profiled
        feed = self.model._training.feeds["train"]
        batch = feed.batch if hasattr(feed, "batch") else feed.source.peek()
        report = self.model.profile(*batch, steps=last - first + 1)
        folder = os.path.join(self.log_dir, _FOLDERS["train"])
        os.makedirs(folder, exist_ok=True)
        report.save_trace(os.path.join(folder, f"batch_{first}.trace.json"))

    def _tables(self) -> list[Any]:
        """The model's `Embedding` layers."""
        return [layer for layer in self.model._flatten_layers() if hasattr(layer, "embeddings")]

    def _check_metadata(self) -> None:
        given = self.embeddings_metadata
        if given is None or isinstance(given, str):
            return
        names = [layer.name for layer in self._tables()]
        unknown = sorted(set(given) - set(names))
        if unknown:
            raise ValueError(
                f"TensorBoard: expected embeddings_metadata for layers of {names}, got {unknown}"
            )

    def _write_embeddings(self, epoch: int) -> None:
        """The tables, a row a line, and the projector's configuration, which names them."""
        entries = []
        for layer in self._tables():
            name = f"{layer.name}-{epoch}.tsv"
            os.makedirs(self.log_dir, exist_ok=True)
            with replacing(os.path.join(self.log_dir, name)) as temporary:
                np.savetxt(temporary, np.asarray(layer.embeddings), fmt="%.8g", delimiter="\t")
            given = self.embeddings_metadata
            labels = given if given is None or isinstance(given, str) else given.get(layer.name)
            words = {"tensor_name": layer.name, "tensor_path": name, "metadata_path": labels}
            lines = [f"  {key}: {json.dumps(word)}" for key, word in words.items() if word]
            entries.append("\n".join(["embeddings {", *lines, "}\n"]))
        path = os.path.join(self.log_dir, "projector_config.pbtxt")
        if entries:
            with replacing(path) as temporary, open(temporary, "w", encoding="utf-8") as file:
                file.write("".join(entries))


def _calls(functional: Any) -> Iterator[tuple[str, str, list[str]]]:
    """Name, class and sources of each call of a layer, and of the inputs."""

    def name_of(history: Any) -> str:
        again = f"_{history.node_index}" if history.node_index else ""
        return f"{history.operation.name}{again}"

    known = set()
    for node in functional._nodes:
        calls = [x._keras_history for x in (*node.input_tensors, node.outputs[0])]
        names = [name_of(call) for call in calls]
        for call, name in zip(calls[:-1], names):
            if name not in known:
                known.add(name)
                yield name, type(call.operation).__name__, []
        known.add(names[-1])
        yield names[-1], type(node.operation).__name__, list(dict.fromkeys(names[:-1]))


def _count(name: str, value: Any, least: int = 0) -> int:
    if isinstance(value, bool) or not isinstance(value, (int, np.integer)) or value < least:
        other = ', "batch" or "epoch"' if name == "update_freq" else ""
        raise ValueError(
            f"TensorBoard: expected {name} to be {least} or more{other}, got {value!r}"
        )
    return int(value)


def _batches(given: Any) -> tuple[int, int]:
    """The first and the last batch; (0, 0) of none."""
    pair = given.split(",") if isinstance(given, str) else given
    pair = pair if isinstance(pair, (tuple, list)) else [pair, pair]
    try:
        first, last = (int(number) for number in (pair if len(pair) == 2 else [*pair, *pair]))
    except (TypeError, ValueError):
        first, last = -1, -1
    if not 0 <= first <= last:
        raise ValueError(
            "TensorBoard: expected profile_batch to be a number of 0 or more, or a pair of such, the "
            f"second not below the first, got {given!r}"
        )
    return first, last


def _pictures(weight: Any) -> Any:
    """A weight as pictures (N, height, width, channels), or None: a vector is a row of pixels, a matrix
    one picture that lies, an array of rank 3 one for each of its channels."""
    values = np.squeeze(weight)
    if values.ndim == 1:
        return values[None, None, :, None]
    if values.ndim == 2:
        return (values.T if values.shape[0] > values.shape[1] else values)[None, :, :, None]
    if values.ndim == 3:
        last = config.image_data_format() == "channels_last"
        return (np.moveaxis(values, -1, 0) if last else values)[..., None]
    return values if values.ndim == 4 and values.shape[-1] in (1, 3, 4) else None
