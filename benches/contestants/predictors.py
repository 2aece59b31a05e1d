"""Trained networks as they are asked: the same weights in every library, one call a batch."""

from __future__ import annotations

import tempfile
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from contestants.image_task import CLASSES, ImageTask
from contestants.image_task import TASKS as IMAGE_TASKS
from contestants.sequence_task import TASKS as SEQUENCE_TASKS
from contestants.sequence_task import SequenceTask
from contestants.task import TASKS, Array, Task

NETWORKS: dict[str, Task | ImageTask | SequenceTask] = {
    "dense": TASKS["small"],
    "mnist_convnet": IMAGE_TASKS["mnist_convnet"],
    "text_lstm": replace(SEQUENCE_TASKS["text_lstm"], rows=5 * 256),
}

Call = Callable[[Array], Array]


class Predictor:
    """A network that answers; one class a library.

    Parameters
    ----------
    network : str
        Of `NETWORKS`.
    """

    def __init__(self, network: str) -> None:
        self.network = network
        self.task = NETWORKS[network]
        self.inputs = self.task.data()[0]
        self.calls: dict[str, Call] = self._calls()

    def _calls(self) -> dict[str, Call]:
        """What is called, by its name in the table."""
        raise NotImplementedError

    def logits(self, form: str, rows: int) -> Array:
        """What is predicted for the first rows."""
        return np.asarray(self.calls[form](self.inputs[:rows]))

    def times(self, form: str, rows: int, count: int) -> Array:
        """Nanoseconds of each of `count` calls with `rows` rows, other rows each time."""
        call, clock = self.calls[form], time.perf_counter_ns
        batches = [self.inputs[at : at + rows] for at in range(0, 5 * rows, rows)]
        times = np.empty(count, np.int64)
        for _ in range(min(count, 20)):
            call(batches[0])
        for at in range(count):
            x = batches[at % 5]
            start = clock()
            call(x)
            times[at] = clock() - start
        return times


class KerasPredictor(Predictor):
    """The Keras script: by chainrule, and by Keras on JAX."""

    library = "keras"

    def _model(self) -> Any:
        from contestants.image_keras import ImageKerasTrainer
        from contestants.keras_trainer import KerasTrainer
        from contestants.sequence_keras import SequenceKerasTrainer

        trainer: Any = {
            Task: KerasTrainer, ImageTask: ImageKerasTrainer, SequenceTask: SequenceKerasTrainer
        }[type(self.task)]
        return trainer(self.task, False, self.library).model

    def _calls(self) -> dict[str, Call]:
        return {"predict_on_batch": self._model().predict_on_batch}


class ChainrulePredictor(KerasPredictor):
    """Each way to ask."""

    library = "chainrule"

    def _calls(self) -> dict[str, Call]:
        model = self._model()
        return {
            "predictor()": model.predictor(),
            "predict_on_batch": model.predict_on_batch,
            "predict": lambda x: model.predict(x, verbose=0),
            "model(x)": model,
        }


def onnx_session(model: bytes) -> Any:
    """ONNX Runtime with its own optimizations, on two threads."""
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads, options.inter_op_num_threads = 2, 1
    return onnxruntime.InferenceSession(model, options, providers=["CPUExecutionProvider"])


class ExportedPredictor(KerasPredictor):
    """ONNX Runtime: the file of chainrule's `Model.export`."""

    library = "chainrule"

    def _calls(self) -> dict[str, Call]:
        model = self._model()
        model.predict_on_batch(self.inputs[:1])
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder) / "model.onnx"
            model.export(path, verbose=False)
            session = onnx_session(path.read_bytes())
        name = session.get_inputs()[0].name
        return {"exported": lambda x: session.run(None, {name: x})[0]}


class OnnxPredictor(Predictor):
    """ONNX Runtime: the graph written by hand, images and kernels channels first."""

    def _calls(self) -> dict[str, Call]:
        session = onnx_session(self._graph().SerializeToString())
        return {"run": lambda x: session.run(None, {"x": x})[0]}

    def _graph(self) -> Any:
        from onnx import TensorProto, checker, helper, numpy_helper

        nodes, tensors = self._nodes(helper.make_node)
        shape, read = self.inputs.shape[1:], helper.np_dtype_to_tensor_dtype(self.inputs.dtype)
        classes = self.task.classes if isinstance(self.task, SequenceTask) else CLASSES
        graph = helper.make_graph(
            nodes,
            self.network,
            [helper.make_tensor_value_info("x", read, ["n", *shape])],
            [helper.make_tensor_value_info("logits", TensorProto.FLOAT, ["n", classes])],
            [numpy_helper.from_array(array, name) for name, array in tensors.items()],
        )
        model = helper.make_model(
            graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8
        )
        checker.check_model(model)
        return model

    def _nodes(self, node: Callable[..., Any]) -> tuple[list[Any], dict[str, Array]]:
        if isinstance(self.task, SequenceTask):
            return self._lstm_nodes(node)
        nodes: list[Any] = []
        tensors: dict[str, Array] = {}
        if isinstance(self.task, Task):
            at, last = "x", len(self.task.sizes) - 2
            for i, (kernel, bias) in enumerate(self.task.weights()):
                tensors[f"w{i}"], tensors[f"b{i}"] = kernel, bias
                to = "logits" if i == last else f"z{i}"
                nodes.append(node("Gemm", [at, f"w{i}", f"b{i}"], [to]))
                at = to
                if i != last:
                    nodes.append(node("Relu", [at], [f"y{i}"]))
                    at = f"y{i}"
            return nodes, tensors
        weights = self.task.weights()
        nodes.append(node("Transpose", ["x"], ["images"], perm=[0, 3, 1, 2]))
        at = "images"
        for i in range(2):
            kernel = weights[f"conv{i}"]
            tensors[f"w{i}"] = np.ascontiguousarray(kernel.transpose(3, 2, 0, 1))
            tensors[f"b{i}"] = np.zeros(kernel.shape[-1], np.float32)
            nodes.append(node("Conv", [at, f"w{i}", f"b{i}"], [f"z{i}"], kernel_shape=[3, 3]))
            nodes.append(node("Relu", [f"z{i}"], [f"y{i}"]))
            window = {"kernel_shape": [2, 2], "strides": [2, 2]}
            nodes.append(node("MaxPool", [f"y{i}"], [f"p{i}"], **window))
            at = f"p{i}"
        # The rows of the last kernel in the order in which channels first are flattened.
        side, channels = 5, tensors["w1"].shape[0]
        rows = weights["logits"].reshape(side, side, channels, CLASSES).transpose(2, 0, 1, 3)
        tensors["w2"] = rows.reshape(-1, CLASSES)
        tensors["b2"] = np.zeros(CLASSES, np.float32)
        nodes.append(node("Flatten", [at], ["flat"]))
        nodes.append(node("Gemm", ["flat", "w2", "b2"], ["logits"]))
        return nodes, tensors


    def _lstm_nodes(self, node: Callable[..., Any]) -> tuple[list[Any], dict[str, Array]]:
        """Keras's gates are input, forget, cell, output; those of ONNX input, output, forget, cell."""
        weights, units = self.task.weights(), self.task.units

        def gates(array: Array) -> Array:
            i, f, c, o = np.split(array, 4, axis=-1)
            return np.ascontiguousarray(np.concatenate([i, o, f, c], axis=-1).T)[None]

        bias = gates(weights["forward_bias"])
        tensors = {
            "table": weights["table"],
            "w": gates(weights["forward_kernel"]),
            "r": gates(weights["forward_recurrent"]),
            "b": np.concatenate([bias, np.zeros_like(bias)], axis=-1),
            "first": np.array([0]),
            "kernel": weights["kernel"],
            "bias": weights["bias"],
        }
        nodes = [
            node("Gather", ["table", "x"], ["words"]),
            node("Transpose", ["words"], ["steps"], perm=[1, 0, 2]),
            node("LSTM", ["steps", "w", "r", "b"], ["", "last"], hidden_size=units),
            node("Squeeze", ["last", "first"], ["state"]),
            node("Gemm", ["state", "kernel", "bias"], ["logits"]),
        ]
        return nodes, tensors


class JaxPredictor(Predictor):
    """A jitted function of the batch, the weights its constants; the result as a NumPy array."""

    def _calls(self) -> dict[str, Call]:
        from contestants.image_jax import ImageJaxTrainer
        from contestants.jax_trainer import JaxTrainer
        from contestants.sequence_jax import SequenceJaxTrainer

        kind: Any = {
            Task: JaxTrainer, ImageTask: ImageJaxTrainer, SequenceTask: SequenceJaxTrainer
        }[type(self.task)]
        trainer = kind(self.task.short(), False)
        jax, jnp = trainer.jax, trainer.jax.numpy
        if isinstance(self.task, Task):
            layers = [(jnp.asarray(w), jnp.asarray(b)) for w, b in self.task.weights()]

            def forward(x: Any) -> Any:
                for w, b in layers[:-1]:
                    x = jnp.maximum(x @ w + b, 0)
                return x @ layers[-1][0] + layers[-1][1]
        elif isinstance(self.task, SequenceTask):
            weights = {name: jnp.asarray(array) for name, array in self.task.weights().items()}

            def forward(x: Any) -> Any:
                state = trainer._last(weights, "forward", weights["table"][x])
                return state @ weights["kernel"] + weights["bias"]
        else:
            weights = jax.tree.map(jnp.asarray, trainer._weights())

            def forward(x: Any) -> Any:
                features, _ = trainer._mnist_convnet(weights, {}, x, None)
                return features @ weights["logits"]["kernel"] + weights["logits"]["bias"]

        jitted = jax.jit(forward)
        return {"jitted": lambda x: np.asarray(jitted(x))}
