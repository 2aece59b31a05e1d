"""Keras's files without Keras: those that it made, and files that are damaged or hostile."""

from __future__ import annotations

import io
import json
import os
import warnings
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import chainrule as cr
from chainrule import layers
from chainrule.errors import FileFormatError, NotBuiltError, ShapeError
from tests.extras import need
from tests.fuzzing import damaged_bytes, damaged_tree

h5py = need("h5py")

DATA = Path(os.environ.get("CHAINRULE_DATA", "")) / "keras_files"
X = np.random.default_rng(0).normal(size=(12, 4)).astype("float32")
Y = np.arange(12) % 3


def net(units: int = 5, name: str = "net") -> Any:
    model = cr.Sequential(
        [
            cr.Input((4,)),
            layers.Dense(units, activation="tanh", name="first"),
            layers.BatchNormalization(name="norm"),
            layers.Dropout(0.3, seed=3, name="drop"),
            layers.Dense(3, activation="softmax", name="last"),
        ],
        name=name,
    )
    model.compile("adam", "sparse_categorical_crossentropy", metrics=["accuracy"])
    return model


def bits(model: Any) -> list[bytes]:
    found = [*model.variables, *model.optimizer.variables]
    return [np.asarray(v.numpy()).tobytes() for v in found]


@pytest.mark.skipif(not DATA.is_dir(), reason="CHAINRULE_DATA has no keras_files")
@pytest.mark.parametrize("name", ["dense", "residual", "two_inputs", "lstm", "attention"])
def test_files_that_keras_made(name: str, tmp_path: Path) -> None:
    stored = np.load(DATA / f"{name}.npz")
    inputs = [stored[key] for key in stored if key[0] == "x"]
    outputs = [stored[key] for key in stored if key[0] == "y"]
    x = inputs[0] if len(inputs) == 1 else inputs
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        model = cr.saving.load_model(DATA / f"{name}.keras")
        blank = cr.models.clone_model(model)
        blank.load_weights(DATA / f"{name}.weights.h5")
    for found in (model, blank):
        answers = found.predict(x, verbose=0)
        answers = answers if isinstance(answers, list) else [answers]
        for answer, output in zip(answers, outputs, strict=True):
            np.testing.assert_allclose(answer, output, atol=1e-5)
    if not model.compiled:
        return
    before = int(model.optimizer.iterations)
    assert before > 0
    assert all(np.abs(v.numpy()).max() > 0 for v in model.optimizer.variables)
    targets = np.zeros(len(outputs[0]), int) if "sparse" in str(model.loss) else outputs[0]
    model.fit(x, targets, epochs=1, batch_size=len(outputs[0]), verbose=0)
    assert int(model.optimizer.iterations) == before + 1


@pytest.mark.parametrize("ending", [".keras", ".h5"])
def test_training_goes_on(ending: str, tmp_path: Path) -> None:
    path = tmp_path / f"m{ending}"
    cr.utils.set_random_seed(0)
    model = net()
    model.fit(X, Y, epochs=2, batch_size=5, verbose=0)
    model.save(path)
    loaded = cr.saving.load_model(path)
    close = bits if ending == ".keras" else lambda m: [w.tobytes() for w in m.get_weights()]
    assert close(loaded) == close(model)
    assert loaded.name == "net" and type(loaded.optimizer) is type(model.optimizer)
    if ending == ".keras":  # with the states of seeds, which files of Keras 2 have no place for
        for m in (model, loaded):
            cr.utils.set_random_seed(9)
            m.fit(X, Y, epochs=2, batch_size=5, verbose=0)
        assert bits(loaded) == bits(model)
    assert not cr.saving.load_model(path, compile=False).compiled


def test_the_same_model_gives_the_same_file(tmp_path: Path) -> None:
    model = net()
    for name in ("a.keras", "b.keras"):
        model.save(tmp_path / name)
    assert (tmp_path / "a.keras").read_bytes() == (tmp_path / "b.keras").read_bytes()
    assert sorted(os.listdir(tmp_path)) == ["a.keras", "b.keras"]


def test_no_optimizer(tmp_path: Path) -> None:
    model = net()
    model.fit(X, Y, verbose=0)
    for ending in (".keras", ".h5"):
        path = tmp_path / f"m{ending}"
        model.save(path, include_optimizer=False)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            loaded = cr.saving.load_model(path)
        assert loaded.optimizer is None or int(loaded.optimizer.iterations) == 0
        assert all(np.array_equal(a, b) for a, b in zip(loaded.get_weights(), model.get_weights()))


def test_words_are_kept(tmp_path: Path) -> None:
    """Vocabularies, which are files of their own in an archive, and the weights of TF-IDF."""
    docs = ["a good film", "a bad film", "no film at all"]
    bag = layers.TextVectorization(output_mode="tf_idf")
    bag.adapt(docs)
    towns = layers.StringLookup(output_mode="one_hot")
    towns.adapt(["Ulm", "Bonn", "Ulm"])
    a, b = cr.Input((1,), dtype="string"), cr.Input((1,), dtype="string")
    model = cr.Model([a, b], layers.Concatenate()([bag(a), towns(b)]))
    x = [np.array(docs)[:, None], np.array(["Ulm", "Bonn", "Rom"])[:, None]]
    expected = model.predict(x, verbose=0)
    path = tmp_path / "m.keras"
    model.save(path)
    with zipfile.ZipFile(path) as archive:
        names = [n for n in archive.namelist() if n.endswith("vocabulary.txt")]
        assert archive.read("assets/layers/string_lookup/vocabulary.txt") == b"[UNK]\nUlm\nBonn"
        assert "assets/layers/text_vectorization/vocabulary.txt" in names
        config = json.loads(archive.read("config.json"))
    # Keras keeps the words in no configuration.
    for entry in config["config"]["layers"]:
        entry.pop("build_config", None)
    rewritten = rewrite(path, {"config.json": json.dumps(config).encode()})
    for content in (path.read_bytes(), rewritten):
        path.write_bytes(content)
        assert np.array_equal(cr.saving.load_model(path).predict(x, verbose=0), expected)


def rewrite(path: Path, members: dict[str, bytes], packed: int = zipfile.ZIP_STORED) -> bytes:
    """An archive with other members, or with more."""
    made = io.BytesIO()
    with zipfile.ZipFile(path) as archive, zipfile.ZipFile(made, "w", packed) as other:
        found = {name: archive.read(name) for name in archive.namelist()}
        for name, content in {**found, **members}.items():
            other.writestr(name, content)
    return made.getvalue()


@pytest.fixture(scope="module")
def files(tmp_path_factory: Any) -> dict[str, bytes]:
    """A whole file of each kind."""
    folder = tmp_path_factory.mktemp("whole")
    model = net()
    model.fit(X, Y, verbose=0)
    model.save(folder / "m.keras")
    model.save(folder / "m.h5")
    model.save_weights(folder / "m.weights.h5")
    return {path.name: path.read_bytes() for path in folder.iterdir()}


def refused(path: Path, words: str, kind: type[Exception] = FileFormatError) -> None:
    """The file is refused by what reads it, and a model that it was for is as it was."""
    if not path.name.endswith(".weights.h5"):
        with pytest.raises(kind, match=words):
            cr.saving.load_model(path)
        return
    model = net()
    model.optimizer.build(model.trainable_variables)
    before = bits(model)
    with pytest.raises(kind, match=words):
        model.load_weights(path)
    assert bits(model) == before


def test_members_that_are_too_much(files: dict[str, bytes], tmp_path: Path) -> None:
    path = tmp_path / "m.keras"
    path.write_bytes(files["m.keras"])
    bomb = rewrite(path, {"assets/x": bytes(1 << 26)}, zipfile.ZIP_DEFLATED)
    with zipfile.ZipFile(io.BytesIO(bomb)) as archive:
        assert archive.getinfo("assets/x").compress_size < 1 << 17
    outside = rewrite(path, {"assets/../../x": b"x"})
    nothing = io.BytesIO()
    with zipfile.ZipFile(nothing, "w") as archive:
        archive.writestr("config.json", "{}")
    twice = io.BytesIO(files["m.keras"])
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        with zipfile.ZipFile(twice, "a") as archive:
            archive.writestr("config.json", "{}")
    for content, words in (
        (outside, "expected names below 'assets'"),
        (nothing.getvalue(), "expected a Keras zip archive with 'config.json' and"),
        (twice.getvalue(), "expected each member once"),
        (files["m.h5"], "expected a Keras zip archive .*, got an HDF5 file"),
        (files["m.keras"][:-30], "got a damaged zip archive"),
        (b"\x80\x04junk", "got a Python pickle"),
    ):
        path.write_bytes(content)
        refused(path, words)
    path.write_bytes(bomb)
    with pytest.raises(FileFormatError, match="expected members of at most"):
        cr.saving.load_model(path, memory_limit=1 << 24)
    assert os.listdir(tmp_path) == ["m.keras"]


def test_configurations_that_ask_for_much(files: dict[str, bytes], tmp_path: Path) -> None:
    path = tmp_path / "m.keras"
    path.write_bytes(files["m.keras"])
    with zipfile.ZipFile(path) as archive:
        config = json.loads(archive.read("config.json"))
    for change, words in (
        (lambda d: d.update(units=10**9), "expected"),
        (lambda d: d.update(activation={"class_name": "__lambda__", "config": {}}), "lambda"),
        (
            lambda d: d.update(
                kernel_initializer={"module": "os", "class_name": "system", "config": {}}
            ),
            "Could not locate|not",
        ),
    ):
        broken = json.loads(json.dumps(config))
        change(broken["config"]["layers"][1]["config"])
        path.write_bytes(files["m.keras"])
        path.write_bytes(rewrite(path, {"config.json": json.dumps(broken).encode()}))
        refused(path, words)


def changed_h5(content: bytes, change: Callable[[Any], Any]) -> bytes:
    file = io.BytesIO(content)
    with h5py.File(file, "r+") as root:
        change(root)
    return file.getvalue()


KERNEL = "layers/dense/vars/0"


def replaced(root: Any, make: Callable[[Any, str], Any]) -> None:
    del root[KERNEL]
    make(root["layers/dense/vars"], "0")


HOSTILE: dict[str, tuple[Callable[[Any], Any], str, type[Exception]]] = {
    "a link to another file": (
        lambda r: replaced(r, lambda g, n: g.__setitem__(n, h5py.ExternalLink("/etc/passwd", "x"))),
        "got the ExternalLink '0'",
        FileFormatError,
    ),
    "a link to another place": (
        lambda r: replaced(r, lambda g, n: g.__setitem__(n, h5py.SoftLink("/vars"))),
        "got the SoftLink '0'",
        FileFormatError,
    ),
    "numbers in another file": (
        lambda r: replaced(
            r,
            lambda g, n: g.create_dataset(n, (4, 5), "f4", external=[("/etc/passwd", 0, 80)]),
        ),
        "expected numbers in the file itself",
        FileFormatError,
    ),
    "a view of other arrays": (
        lambda r: replaced(
            r, lambda g, n: g.create_virtual_dataset(n, h5py.VirtualLayout((4, 5), "f4"))
        ),
        "expected numbers in the file itself",
        FileFormatError,
    ),
    "an array that is not there": (
        lambda r: replaced(r, lambda g, n: g.create_dataset(n, (1 << 20, 1 << 20), "f4", chunks=True)),
        "expected an array of the bytes in the file",
        FileFormatError,
    ),
    "texts": (
        lambda r: replaced(r, lambda g, n: g.create_dataset(n, data=[b"x"])),
        "expected an array of numbers",
        FileFormatError,
    ),
    "a group": (
        lambda r: replaced(r, lambda g, n: g.create_group(n)),
        "expected an array, got none",
        FileFormatError,
    ),
    "another shape": (
        lambda r: replaced(r, lambda g, n: g.create_dataset(n, data=np.ones((4, 6), "f4"))),
        r"'layers/dense': .*expected shape \(4, 5\).*got \(4, 6\)",
        ShapeError,
    ),
    "a missing array": (
        lambda r: r.__delitem__(KERNEL),
        "'layers/dense': .*expected 2 variables, but received 1",
        FileFormatError,
    ),
}


@pytest.mark.parametrize("name", HOSTILE)
def test_arrays_elsewhere(name: str, files: dict[str, bytes], tmp_path: Path) -> None:
    change, words, kind = HOSTILE[name]
    path = tmp_path / "m.weights.h5"
    path.write_bytes(changed_h5(files["m.weights.h5"], change))
    refused(path, words, kind)


def test_weights_that_do_not_fit(files: dict[str, bytes], tmp_path: Path) -> None:
    path = tmp_path / "m.weights.h5"
    path.write_bytes(files["m.weights.h5"])
    model = net(6)
    before = [w.copy() for w in model.get_weights()]
    with pytest.raises(ShapeError, match="Of 3 objects that do not fit"):
        model.load_weights(path)
    assert all(np.array_equal(a, b) for a, b in zip(before, model.get_weights()))
    with pytest.warns(UserWarning, match="skip_mismatch=True.*skipped"):
        model.load_weights(path, skip_mismatch=True)
    with pytest.raises(NotBuiltError):
        cr.Sequential([layers.Dense(2)]).load_weights(path)
    with pytest.raises(ValueError, match="by_name is of Keras 2's"):
        net().load_weights(path, by_name=True)
    small = cr.Sequential([cr.Input((4,)), layers.Dense(5)])
    with pytest.warns(UserWarning, match="takes the numbers at .*batch_normalization"):
        small.load_weights(path)
    kept = net()
    first = kept.layers[0].get_weights()
    kept.load_weights(path, objects_to_skip=[kept.layers[0]])
    assert all(np.array_equal(a, b) for a, b in zip(first, kept.layers[0].get_weights()))


def test_weights_by_name(tmp_path: Path) -> None:
    model, path = net(), tmp_path / "w.h5"
    model.save_weights(path)
    other = cr.Sequential(
        [cr.Input((4,)), layers.Dense(5, name="first"), layers.Dense(7, name="last")]
    )
    with pytest.raises(FileFormatError, match="expected weights of 2 layers.*got 3"):
        other.load_weights(path)
    with pytest.raises(ShapeError, match=r"layer 'last': expected shape \(5, 7\)"):
        other.load_weights(path, by_name=True)
    with pytest.warns(UserWarning, match="skipped"):
        other.load_weights(path, by_name=True, skip_mismatch=True)
    assert np.array_equal(other.layers[0].get_weights()[0], model.layers[0].get_weights()[0])


def test_checkpoints(tmp_path: Path) -> None:
    model = net()
    checkpoints = [
        cr.callbacks.ModelCheckpoint(tmp_path / "{epoch}.keras"),
        cr.callbacks.ModelCheckpoint(tmp_path / "{epoch}.weights.h5", save_weights_only=True),
    ]
    model.fit(X, Y, epochs=2, verbose=0, callbacks=checkpoints)
    assert bits(cr.saving.load_model(tmp_path / "2.keras")) == bits(model)
    other = net()
    other.load_weights(tmp_path / "2.weights.h5")
    assert [w.tobytes() for w in other.get_weights()] == [w.tobytes() for w in model.get_weights()]


def test_without_h5py(monkeypatch: Any, tmp_path: Path) -> None:
    import sys

    monkeypatch.setitem(sys.modules, "h5py", None)
    for save in (
        lambda: net().save(tmp_path / "m.keras"),
        lambda: net().save_weights(tmp_path / "m.weights.h5"),
    ):
        with pytest.raises(ImportError, match=r"pip install 'chainrule\[h5\]'"):
            save()
    assert os.listdir(tmp_path) == []


KERAS_2 = {
    "class_name": "Model",
    "config": {
        "name": "model",
        "layers": [
            {
                "class_name": "InputLayer",
                "config": {"batch_input_shape": [None, 6], "dtype": "float32", "name": "i"},
                "name": "i",
                "inbound_nodes": [],
            },
            {
                "class_name": "Dense",
                "config": {
                    "name": "d",
                    "trainable": True,
                    "dtype": "float32",
                    "units": 4,
                    "activation": "relu",
                    "kernel_initializer": {
                        "class_name": "VarianceScaling",
                        "config": {"scale": 1.0, "mode": "fan_avg", "distribution": "uniform"},
                    },
                    "kernel_regularizer": {"class_name": "L2", "config": {"l2": 0.01}},
                },
                "name": "d",
                "inbound_nodes": [[["i", 0, 0, {}]]],
            },
            {
                "class_name": "BatchNormalization",
                "config": {"name": "b", "axis": [1], "momentum": 0.9, "virtual_batch_size": None},
                "name": "b",
                "inbound_nodes": [[["d", 0, 0, {"training": False}]]],
            },
            {
                "class_name": "Add",
                "config": {"name": "a"},
                "name": "a",
                "inbound_nodes": [[["d", 0, 0, {}], ["b", 0, 0, {}]]],
            },
        ],
        "input_layers": [["i", 0, 0]],
        "output_layers": [["a", 0, 0]],
    },
}


def test_a_file_of_keras_2(tmp_path: Path) -> None:
    rng, path = np.random.default_rng(0), tmp_path / "m.h5"
    kernel, bias = rng.normal(size=(6, 4)), rng.normal(size=4)
    statistics = [rng.uniform(0.5, 1, 4) for _ in range(4)]
    with h5py.File(path, "w") as root:
        root.attrs["keras_version"] = "2.4.0"
        root.attrs["model_config"] = json.dumps(KERAS_2)
        optimizer = {"class_name": "Adam", "config": {"lr": 0.02, "beta_1": 0.8, "decay": 0.0}}
        metric = {"class_name": "MeanMetricWrapper", "config": {"name": "mae", "fn": "mae"}}
        root.attrs["training_config"] = json.dumps(
            {"optimizer_config": optimizer, "loss": "mse", "metrics": [[metric]]}
        )
        group = root.create_group("model_weights")
        group.attrs["layer_names"] = np.array([b"i", b"d", b"b", b"a"])
        for name, arrays in {"i": [], "d": [kernel, bias], "b": statistics, "a": []}.items():
            inner = group.create_group(name)
            names = [f"{name}/w{i}:0" for i in range(len(arrays))]
            inner.attrs["weight_names"] = [n.encode() for n in names]
            for key, array in zip(names, arrays, strict=True):
                inner[key] = array.astype("f4")
    model = cr.saving.load_model(path)
    assert float(model.optimizer.learning_rate) == pytest.approx(0.02)
    assert model.optimizer.beta_1 == 0.8
    x = rng.normal(size=(5, 6)).astype("f4")
    h = np.maximum(x @ kernel + bias, 0)
    gamma, beta, mean, variance = statistics
    expected = h + gamma * (h - mean) / np.sqrt(variance + 1e-3) + beta
    np.testing.assert_allclose(model.predict(x, verbose=0), expected, rtol=1e-4, atol=1e-5)
    assert set(model.evaluate(x, expected, verbose=0, return_dict=True)) == {"loss", "mae"}


@pytest.mark.parametrize("name", ["m.keras", "m.h5", "m.weights.h5"])
def test_damaged_files(name: str, files: dict[str, bytes], tmp_path: Path) -> None:
    """Each is read, or refused with one clear error; then the model is as it was."""
    path, content = tmp_path / name, files[name]
    model, kept = net(), 0
    model.optimizer.build(model.trainable_variables)
    before = bits(model)
    for number in range(int(os.environ.get("CHAINRULE_FUZZ_KERAS", "120"))):
        rng = np.random.default_rng([len(name), number])
        broken = damaged_bytes(content, rng)
        if name == "m.keras" and number % 3:
            with zipfile.ZipFile(io.BytesIO(content)) as archive:
                parts = {n: archive.read(n) for n in archive.namelist()}
            config = damaged_tree(json.loads(parts["config.json"]), rng)
            which = {"config.json": json.dumps(config).encode()}
            if number % 3 == 2:
                which = {"model.weights.h5": damaged_bytes(parts["model.weights.h5"], rng)}
            path.write_bytes(content)
            broken = rewrite(path, which)
        path.write_bytes(broken)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            try:
                if name == "m.weights.h5":
                    model.load_weights(path)
                else:
                    cr.saving.load_model(path)
            except (FileFormatError, ShapeError, MemoryError):
                kept += 1
                assert bits(model) == before, number
            else:
                before = bits(model)
    assert kept > 20


def test_another_name_for_a_layer(tmp_path: Path) -> None:
    """What a file has by one attribute is read by a class that has it by another, too."""

    class Named(cr.Model):
        def __init__(self) -> None:
            super().__init__()
            self.dense = layers.Dense(3)

        def call(self, x: Any) -> Any:
            return self.dense(x)

    class Renamed(cr.Model):
        def __init__(self) -> None:
            super().__init__()
            self.a_dense = layers.Dense(3)

        @property
        def dense(self) -> Any:
            return self.a_dense

        def call(self, x: Any) -> Any:
            return self.a_dense(x)

    one, other = Named(), Renamed()
    one(X), other(X)
    one.save_weights(tmp_path / "m.weights.h5")
    other.load_weights(tmp_path / "m.weights.h5")
    assert np.array_equal(one.dense.kernel.numpy(), other.a_dense.kernel.numpy())


def test_a_layer_of_the_graph_in_an_attribute(tmp_path: Path) -> None:
    """Files have the layers of a graph in the graph's order, whatever attributes hold them too."""

    class Held(cr.Model):
        def __init__(self) -> None:
            first, last = layers.Dense(3), layers.Dense(2)
            inputs = cr.Input((4,))
            super().__init__(inputs, last(first(inputs)))
            self.a_layer = last

    inputs = cr.Input((4,))
    plain = cr.Model(inputs, layers.Dense(2)(layers.Dense(3)(inputs)))
    held = Held()
    plain.save_weights(tmp_path / "plain.weights.h5")
    held.load_weights(tmp_path / "plain.weights.h5")
    held.save_weights(tmp_path / "held.weights.h5")
    with h5py.File(tmp_path / "held.weights.h5") as file:
        assert set(file["layers"]) >= {"dense", "dense_1"} and "a_layer" not in file
    for one, other in zip(held.get_weights(), plain.get_weights(), strict=True):
        assert np.array_equal(one, other)
