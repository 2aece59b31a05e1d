"""`callbacks.TensorBoard`: what TensorBoard's own reader finds in the event files."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import chainrule as keras
from tests.extras import need

need("tensorboardX")
need("tensorboard")
need("PIL")

from tensorboard.backend.event_processing.event_accumulator import EventAccumulator  # noqa: E402
from tensorboard.util.tensor_util import make_ndarray  # noqa: E402

L = keras.layers
RNG = np.random.default_rng(0)
X, Y = RNG.normal(size=(32, 6, 6, 1)).astype("float32"), RNG.integers(0, 3, 32)


def network() -> Any:
    keras.utils.set_random_seed(1)
    model = keras.Sequential(
        [L.Conv2D(2, 3, name="conv"), L.Flatten(name="flat"), L.Dense(3, name="out")], name="net"
    )
    loss = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
    model.compile(keras.optimizers.SGD(0.25), loss, metrics=["accuracy"])
    return model


def fit(folder: Path, model: Any = None, epochs: int = 2, **options: Any) -> Any:
    """The model, trained with the callback, and its history."""
    model = network() if model is None else model
    callback = keras.callbacks.TensorBoard(folder, **options)
    validation = (X[:8], Y[:8])
    return model, model.fit(
        X, Y, batch_size=8, epochs=epochs, verbose=0, callbacks=[callback], validation_data=validation
    )


def read(folder: Path) -> EventAccumulator:
    found = EventAccumulator(str(folder), {"histograms": 0, "scalars": 0, "tensors": 0})  # all
    found.Reload()
    return found


def numbers(found: EventAccumulator, tag: str) -> list[tuple[int, float]]:
    return [(event.step, event.value) for event in found.Scalars(tag)]


def test_epochs_are_written_as_keras_names_them(tmp_path: Path) -> None:
    model, history = fit(tmp_path)
    assert sorted(p.name for p in tmp_path.iterdir()) == ["train", "validation"]
    train, held_out = read(tmp_path / "train"), read(tmp_path / "validation")
    assert set(train.Tags()["scalars"]) == {"epoch_loss", "epoch_accuracy", "epoch_learning_rate"}
    for name in ("loss", "accuracy"):
        want = list(enumerate(np.float32(history.history[name])))
        assert numbers(train, f"epoch_{name}") == want
        want = list(enumerate(np.float32(history.history[f"val_{name}"])))
        assert numbers(held_out, f"epoch_{name}") == want
        steps = [4, 8]
        values = np.float32(history.history[f"val_{name}"])
        assert numbers(held_out, f"evaluation_{name}_vs_iterations") == list(zip(steps, values))
    assert numbers(train, "epoch_learning_rate") == [(0, 0.25), (1, 0.25)]


@pytest.mark.parametrize("freq, steps", [("batch", range(1, 9)), (3, (3, 6))])
def test_batches(tmp_path: Path, freq: Any, steps: Any) -> None:
    fit(tmp_path, update_freq=freq, write_steps_per_second=True)
    train = read(tmp_path / "train")
    for name in ("loss", "accuracy", "steps_per_second"):
        assert [step for step, _ in numbers(train, f"batch_{name}")] == list(steps), name
    assert all(rate > 0 for _, rate in numbers(train, "epoch_steps_per_second"))


def test_the_graph_is_the_models_configuration(tmp_path: Path) -> None:
    model, _ = fit(tmp_path, epochs=1)
    train = read(tmp_path / "train")
    nodes = {node.name: (node.op, list(node.input)) for node in train.Graph().node}
    assert nodes["out"] == ("Dense", ["flat"]) and nodes["flat"] == ("Flatten", ["conv"])
    assert nodes[nodes["conv"][1][0]] == ("InputLayer", []) and len(nodes) == 4
    assert train.SummaryMetadata("keras").plugin_data.plugin_name == "graph_keras_model"
    (event,) = train.Tensors("keras")
    config = json.loads(make_ndarray(event.tensor_proto).item())
    assert config["class_name"] == "Sequential"
    assert [layer["config"]["name"] for layer in config["config"]["layers"]][-1] == "out"


def test_a_layer_without_a_configuration_leaves_the_graph_of_calls(tmp_path: Path) -> None:
    class Scale(L.Layer):
        def __init__(self, factor: Any) -> None:
            super().__init__(name="scale")
            self.factor = factor

        def call(self, x: Any) -> Any:
            return x * self.factor

    model = keras.Sequential([L.Input((3,)), Scale(np.ones(3, "float32")), L.Dense(1, name="out")])
    model.compile("sgd", "mse")
    x = np.ones((4, 3), "float32")
    with pytest.warns(UserWarning, match="^TensorBoard: no conceptual graph is written"):
        model.fit(x, x[:, :1], verbose=0, callbacks=[keras.callbacks.TensorBoard(tmp_path)])
    train = read(tmp_path / "train")
    assert {"scale", "out"} <= {node.name for node in train.Graph().node}
    assert "keras" not in train.Tags()["tensors"]


def test_histograms_and_pictures_of_weights(tmp_path: Path) -> None:
    model, _ = fit(tmp_path, epochs=3, histogram_freq=2, write_images=True)
    train = read(tmp_path / "train")
    paths = [w.path for w in model.weights]
    assert set(train.Tags()["histograms"]) == {f"{path}/histogram" for path in paths}
    for weight in model.weights:
        events = train.Histograms(f"{weight.path}/histogram")
        assert [event.step for event in events] == [0, 2]
        values, histogram = weight.numpy().astype("float64"), events[-1].histogram_value
        np.testing.assert_allclose(
            [histogram.num, histogram.sum, histogram.sum_squares, histogram.min, histogram.max],
            [values.size, values.sum(), np.square(values).sum(), values.min(), values.max()],
            rtol=1e-6,
        )
        assert sum(histogram.bucket) == values.size
    tag = "net/conv/kernel/image"
    assert train.SummaryMetadata(tag).plugin_data.plugin_name == "images"
    width, height, *pictures = make_ndarray(train.Tensors(tag)[0].tensor_proto)
    assert (width, height, len(pictures)) == (b"3", b"3", 2)
    assert all(picture.startswith(b"\x89PNG") for picture in pictures)


def test_the_profile_is_a_trace_and_changes_nothing(tmp_path: Path) -> None:
    model, history = fit(tmp_path, profile_batch=(3, 5))
    trace = json.loads((tmp_path / "train" / "batch_3.trace.json").read_text())
    assert {"forward", "backward", "update", "conv", "out"} <= {e["name"] for e in trace["traceEvents"]}
    _, plain = fit(tmp_path / "plain")
    assert history.history == plain.history


def test_embeddings_for_the_projector(tmp_path: Path) -> None:
    model = keras.Sequential([L.Input((4,), dtype="int32"), L.Embedding(5, 2, name="table"), L.Flatten(), L.Dense(1)])
    model.compile("sgd", "mse")
    x, y = np.ones((4, 4), "int32"), np.ones((4, 1), "float32")

    def callback(labels: Any) -> Any:
        options = {"embeddings_freq": 1, "embeddings_metadata": labels}
        return keras.callbacks.TensorBoard(tmp_path, **options)

    model.fit(x, y, epochs=2, verbose=0, callbacks=[callback({"table": "labels.tsv"})])
    from google.protobuf import text_format
    from tensorboard.plugins.projector.projector_config_pb2 import ProjectorConfig

    text = (tmp_path / "projector_config.pbtxt").read_text()
    (entry,) = text_format.Parse(text, ProjectorConfig()).embeddings
    assert (entry.tensor_path, entry.metadata_path) == ("table-1.tsv", "labels.tsv")
    found = np.loadtxt(tmp_path / entry.tensor_path, delimiter="\t")
    np.testing.assert_allclose(found, model.layers[0].embeddings.numpy(), rtol=1e-6)
    with pytest.raises(ValueError, match=r"embeddings_metadata for layers of \['table'\]"):
        model.fit(x, y, verbose=0, callbacks=[callback({"other": "labels.tsv"})])


def test_evaluate_alone(tmp_path: Path) -> None:
    model, _ = fit(tmp_path / "fit", epochs=1)
    model.evaluate(X, Y, verbose=0, callbacks=[keras.callbacks.TensorBoard(tmp_path / "alone")])
    found = read(tmp_path / "alone" / "validation")
    assert [step for step, _ in numbers(found, "evaluation_loss_vs_iterations")] == [4]


def test_a_resumed_training_counts_its_batches_on(tmp_path: Path) -> None:
    model = network()
    backup = keras.callbacks.BackupAndRestore(tmp_path / "backup", delete_checkpoint=False)
    for epochs in (1, 2):
        callback = keras.callbacks.TensorBoard(tmp_path / str(epochs), update_freq=1)
        model.fit(X, Y, batch_size=8, epochs=epochs, verbose=0, callbacks=[callback, backup])
    for epochs, steps in ((1, [1, 2, 3, 4]), (2, [5, 6, 7, 8])):
        train = read(tmp_path / str(epochs) / "train")
        assert [step for step, _ in numbers(train, "batch_loss")] == steps


@pytest.mark.parametrize(
    "options, words",
    [
        ({"histogram_freq": -1}, "expected histogram_freq to be 0 or more, got -1"),
        ({"update_freq": "often"}, 'update_freq to be 1 or more, "batch" or "epoch", got \'often\''),
        ({"update_freq": 0}, "expected update_freq to be 1 or more"),
        ({"profile_batch": (5, 3)}, r"the second not below the first, got \(5, 3\)"),
        ({"profile_batch": "x"}, "expected profile_batch to be a number"),
    ],
)
def test_other_arguments_are_refused(options: dict[str, Any], words: str) -> None:
    with pytest.raises(ValueError, match=f"^TensorBoard: .*{words}"):
        keras.callbacks.TensorBoard(**options)
