"""Model files: round trips to the last bit, and hostile files that do no harm."""

from __future__ import annotations

import io
import json
import os
import pickle
import struct
import warnings
import zipfile
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

import chainrule as cr
from chainrule import _core, layers
from chainrule.errors import FileFormatError, NotBuiltError, ShapeError
from chainrule.saving import load_model
from tests.memory import needs_status, takes_less

X = np.random.default_rng(0).normal(size=(24, 4)).astype("float32")
Y = np.arange(24) % 3
REFUSALS = (FileFormatError, ShapeError, FileNotFoundError)


def make(optimizer: Any = "adam", name: str = "net") -> Any:
    cr.utils.set_random_seed(0)
    model = cr.Sequential(
        [
            cr.Input((4,)),
            layers.Rescaling(0.5),
            layers.Dense(5, activation="tanh", kernel_regularizer="l2"),
            layers.BatchNormalization(),
            layers.Dropout(0.3),
            layers.Dense(3, activation="softmax", kernel_constraint="max_norm"),
        ],
        name=name,
    )
    model.compile(optimizer, "sparse_categorical_crossentropy", metrics=["accuracy"])
    return model


def bits(model: Any) -> list[bytes]:
    found = [*model.variables, *model.optimizer.variables]
    return [np.asarray(v.numpy()).tobytes() for v in found]


OPTIMIZERS = [
    cr.optimizers.SGD(0.1, momentum=0.9, nesterov=True),
    cr.optimizers.Adam(cr.optimizers.schedules.CosineDecay(0.01, 50), amsgrad=True),
    cr.optimizers.RMSprop(centered=True),
    cr.optimizers.AdamW(global_clipnorm=1.0, use_ema=True),
]


@pytest.mark.parametrize("optimizer", OPTIMIZERS, ids=lambda o: o.name)
def test_training_goes_on_to_the_last_bit(optimizer: Any, tmp_path: Path) -> None:
    path = tmp_path / "m.chainrule"
    model = make(type(optimizer).from_config(optimizer.get_config()))
    model.fit(X, Y, epochs=2, batch_size=10, verbose=0)
    model.save(path)
    loaded = load_model(path)
    assert loaded.name == "net"
    assert bits(loaded) == bits(model)
    assert json.dumps(loaded.get_config()) == json.dumps(model.get_config())
    histories = []
    for net in (model, loaded):
        cr.utils.set_random_seed(9)
        histories.append(net.fit(X, Y, epochs=3, batch_size=10, verbose=0).history)
    assert histories[0] == histories[1]
    assert bits(loaded) == bits(model)


def test_functional_models(tmp_path: Path) -> None:
    a, b = cr.Input((4,), name="a"), cr.Input((4,), name="b")
    shared = layers.Dense(3, activation="relu")
    joined = layers.Concatenate()([shared(a), shared(b)])
    model = cr.Model({"a": a, "b": b}, {"p": layers.Dense(2, name="p")(cr.ops.square(joined))})
    model.save(tmp_path / "m.chainrule")
    loaded = load_model(tmp_path / "m.chainrule")
    data = {"a": X, "b": 2 * X}
    assert np.array_equal(loaded.predict(data, verbose=0)["p"], model.predict(data, verbose=0)["p"])
    assert len(loaded.weights) == 4


@cr.saving.register_keras_serializable(package="test_model_files")
class Scale(layers.Layer):
    """A user's layer."""

    def __init__(self, start: float = 2.0, **options: Any) -> None:
        super().__init__(**options)
        self.start = start

    def build(self, input_shape: Any) -> None:
        self.factor = self.add_weight(shape=(), initializer="ones", name="factor")

    def call(self, x: Any) -> Any:
        return x * self.factor * self.start

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), "start": self.start}


def test_registered_layers(tmp_path: Path) -> None:
    model = cr.Sequential([cr.Input((4,)), Scale(3.0)])
    model.save(tmp_path / "m.chainrule")
    loaded = load_model(tmp_path / "m.chainrule")
    assert type(loaded.layers[0]) is Scale
    assert np.array_equal(loaded.predict(X, verbose=0), X * 3)


def cubic(y_true: Any, y_pred: Any) -> Any:
    return cr.ops.mean(cr.ops.abs(y_true - y_pred) ** 3, axis=-1)


class Half(layers.Layer):
    def call(self, x: Any) -> Any:
        return x / 2


def test_custom_objects(tmp_path: Path) -> None:
    model = cr.Sequential([cr.Input((4,)), Half(), layers.Dense(2)])
    model.compile("sgd", cubic, metrics=[cubic])
    model.fit(X, X[:, :2], verbose=0)
    model.save(tmp_path / "m.chainrule")
    loaded = load_model(tmp_path / "m.chainrule", custom_objects={"cubic": cubic, "Half": Half})
    value = loaded.evaluate(X, X[:, :2], verbose=0)
    assert value == model.evaluate(X, X[:, :2], verbose=0)
    with pytest.raises(FileFormatError, match="Half"):
        load_model(tmp_path / "m.chainrule")
    with pytest.raises(FileFormatError, match="cubic"):
        load_model(tmp_path / "m.chainrule", custom_objects={"Half": Half})


def test_weights_by_place_whatever_the_names(tmp_path: Path) -> None:
    model, other = make(), make(name="other")
    model.fit(X, Y, verbose=0)
    model.save_weights(tmp_path / "w.safetensors")
    other.load_weights(tmp_path / "w.safetensors")
    assert all(np.array_equal(a, b) for a, b in zip(model.get_weights(), other.get_weights()))
    model.save(tmp_path / "m.chainrule")
    third = make()
    third.load_weights(tmp_path / "m.chainrule")
    assert all(np.array_equal(a, b) for a, b in zip(model.get_weights(), third.get_weights()))


def test_safetensors_layout(tmp_path: Path) -> None:
    make().save_weights(tmp_path / "w.safetensors")
    data = (tmp_path / "w.safetensors").read_bytes()
    header = json.loads(data[8 : 8 + struct.unpack("<Q", data[:8])[0]])
    assert header["dense/kernel"]["shape"] == [4, 5]
    assert header["dense/kernel"]["dtype"] == "F32"


def test_without_compiling(tmp_path: Path) -> None:
    model = make()
    model.save(tmp_path / "m.chainrule")
    assert not load_model(tmp_path / "m.chainrule", compile=False).compiled
    assert load_model(tmp_path / "m.chainrule").compiled


def test_overwrite_and_folders(tmp_path: Path) -> None:
    model = make()
    model.save(tmp_path / "m.chainrule")
    with pytest.raises(FileExistsError, match=r"m\.chainrule"):
        model.save(tmp_path / "m.chainrule", overwrite=False)
    with pytest.raises(FileNotFoundError, match="nowhere"):
        model.save(tmp_path / "nowhere" / "m.chainrule")
    assert os.listdir(tmp_path) == ["m.chainrule"]


def test_missing_file() -> None:
    with pytest.raises(FileNotFoundError, match="nowhere"):
        load_model("nowhere.chainrule")


def test_other_architectures_are_refused_and_nothing_changes(tmp_path: Path) -> None:
    make().save_weights(tmp_path / "w.safetensors")
    other = cr.Sequential([cr.Input((4,)), layers.Dense(7)])
    before = [w.tobytes() for w in other.get_weights()]
    with pytest.raises(FileFormatError, match=r"expected tensors .*'dense/bias'.*unknown"):
        other.load_weights(tmp_path / "w.safetensors")
    small = cr.Sequential([cr.Input((4,)), layers.Dense(6, name="dense")])
    cr.Sequential([cr.Input((4,)), layers.Dense(5)]).save_weights(tmp_path / "d.safetensors")
    kept = [w.tobytes() for w in small.get_weights()]
    with pytest.raises(ShapeError, match=r"dense/kernel.*\(4, 6\).*\(4, 5\)"):
        small.load_weights(tmp_path / "d.safetensors")
    assert [w.tobytes() for w in small.get_weights()] == kept
    assert [w.tobytes() for w in other.get_weights()] == before
    with pytest.raises(NotBuiltError, match="built"):
        cr.Sequential([layers.Dense(7)]).load_weights(tmp_path / "w.safetensors")


def shared_between_models() -> Any:
    """A layer in the model and in two of its sub-models, which one more layer joins."""
    shared = layers.Dense(4, activation="tanh", name="shared")
    a, b, c = (cr.Input((4,)) for _ in range(3))
    first = cr.Model(a, layers.Dense(2)(shared(a)), name="first")
    second = cr.Sequential([cr.Input((4,)), shared, layers.Dropout(0.5)], name="second")
    inner = cr.Model(b, shared(second(b)), name="inner")
    return cr.Model(c, layers.Concatenate()([first(shared(c)), inner(c), second(c)]))


@pytest.mark.parametrize(
    "again",
    [
        lambda model, path: (model.save(path), load_model(path))[1],
        lambda model, path: cr.models.model_from_json(model.to_json()),
        lambda model, path: type(model).from_config(json.loads(json.dumps(model.get_config()))),
    ],
    ids=["file", "json", "config"],
)
def test_a_layer_in_several_models_is_one_layer(again: Any, tmp_path: Path) -> None:
    model = shared_between_models()
    found = again(model, tmp_path / "m.chainrule")
    assert [v.shape for v in found.variables] == [v.shape for v in model.variables]
    found.set_weights(model.get_weights())
    assert np.array_equal(found.predict(X, verbose=0), model.predict(X, verbose=0))
    shared = [
        found.get_layer("shared"),
        found.get_layer("first").get_layer("shared"),
        found.get_layer("second").get_layer("shared"),
        found.get_layer("inner").get_layer("shared"),
    ]
    assert len(set(map(id, shared))) == 1
    assert found.get_layer("second") is found.get_layer("inner").get_layer("second")
    assert found.to_json() == model.to_json()
    assert "shared_object_id" in model.to_json()
    assert "shared_object_id" not in make().to_json()


def test_the_weights_of_a_shared_layer_are_stored_once(tmp_path: Path) -> None:
    model = shared_between_models()
    model.compile("adam", "mse")
    model.fit(X, np.ones((24, 10), "float32"), verbose=0)
    model.save(tmp_path / "m.chainrule")
    loaded = load_model(tmp_path / "m.chainrule")
    assert bits(loaded) == bits(model)
    arrays, _ = _core.load_safetensors(str(tmp_path / "m.chainrule"))
    weights = [name for name in arrays if not name.startswith("optimizer/")]
    assert len(weights) == len(model.variables)


MODELS = r"ends in '.chainrule' or '.keras' or '.h5' or '.hdf5', such as 'm\.chainrule'"
WEIGHTS = r"ends in '.safetensors' or '.weights.h5' or '.h5' or '.hdf5', such as 'm\.safetensors'"


@pytest.mark.parametrize("name", ["m.kera", "m.onnx", "m.npz", "m.safetensors", "m", "m.v2"])
def test_models_have_few_endings(name: str, tmp_path: Path) -> None:
    with pytest.raises(ValueError, match=MODELS):
        make().save(tmp_path / name)
    with pytest.raises(ValueError, match=MODELS):
        cr.callbacks.ModelCheckpoint(tmp_path / name)
    assert os.listdir(tmp_path) == []


@pytest.mark.parametrize("name", ["m.weights", "m.keras", "m.chainrule", "m", "m.pt"])
def test_weights_have_few_endings(name: str, tmp_path: Path) -> None:
    with pytest.raises(ValueError, match=WEIGHTS):
        make().save_weights(tmp_path / name)
    with pytest.raises(ValueError, match=WEIGHTS):
        cr.callbacks.ModelCheckpoint(tmp_path / name, save_weights_only=True)
    assert os.listdir(tmp_path) == []


def zip_of(*names: str) -> bytes:
    content = io.BytesIO()
    with zipfile.ZipFile(content, "w") as archive:
        for name in names:
            archive.writestr(name, "{}")
    return content.getvalue()


FOREIGN = {
    "a Keras zip archive": zip_of("metadata.json", "config.json", "model.weights.h5"),
    "a NumPy archive": zip_of("x.npy"),
    "a PyTorch zip archive": zip_of("model/data.pkl", "model/version"),
    "a zip archive": zip_of("readme.txt"),
    "a damaged zip archive": zip_of("config.json")[:40],
    "an HDF5 file": b"\x89HDF\r\n\x1a\n" + bytes(100),
    "a NumPy array": b"\x93NUMPY\x01\x00" + bytes(100),
    "a Python pickle": pickle.dumps({"weight": [1.0]}),
    "an ONNX model": b"\x08\x07\x12\x07pytorch\x1a\x051.8.0" + bytes(50),
    "a TensorFlow Lite model": b"\x1c\x00\x00\x00TFL3" + bytes(50),
    "JSON text": b'{"class_name": "Sequential"}',
    "data packed by gzip": b"\x1f\x8b\x08" + bytes(50),
}


@pytest.mark.parametrize("kind", FOREIGN)
def test_foreign_files_are_called_by_their_name(kind: str, tmp_path: Path) -> None:
    path = tmp_path / "m.chainrule"
    path.write_bytes(FOREIGN[kind])
    for read in (load_model, make().load_weights):
        with pytest.raises(FileFormatError, match=f"m.chainrule': expected .*, got {kind}"):
            read(path)


def test_folders_and_pipes_are_no_files(tmp_path: Path) -> None:
    (tmp_path / "saved_model.pb").write_bytes(b"")
    with pytest.raises(FileFormatError, match="got a TensorFlow SavedModel folder"):
        load_model(tmp_path)
    (tmp_path / "saved_model.pb").unlink()
    with pytest.raises(FileFormatError, match="got a folder"):
        make().load_weights(tmp_path)
    os.mkfifo(tmp_path / "pipe")
    with pytest.raises(FileFormatError, match="got a device or a pipe"):
        load_model(tmp_path / "pipe")


def test_weights_that_do_not_exist_yet_are_not_saved(tmp_path: Path) -> None:
    for unbuilt in (cr.Sequential([layers.Dense(3)]), Subclassed()):
        with pytest.raises(NotBuiltError, match="built before its weights are saved"):
            unbuilt.save_weights(tmp_path / "w.safetensors")
    assert os.listdir(tmp_path) == []


class Subclassed(cr.Model):
    """A model that `build()` without a shape calls built."""

    def __init__(self) -> None:
        super().__init__()
        self.dense = layers.Dense(2)
        self.build()

    def call(self, x: Any) -> Any:
        return self.dense(x)


def test_skipped_weights_are_listed(tmp_path: Path) -> None:
    make().save_weights(tmp_path / "w.safetensors")
    other = cr.Sequential([cr.Input((4,)), layers.Dense(5), layers.Dense(2)])
    with pytest.warns(UserWarning) as found:
        other.load_weights(tmp_path / "w.safetensors", skip_mismatch=True)
    (warning,) = found
    message = str(warning.message)
    assert "gave 2 of 4 weights" in message
    assert "'dense_1/kernel' (expected shape (5, 2), got (5, 3))" in message
    assert "'batch_normalization/gamma' (not in the model)" in message
    assert Path(warning.filename) == Path(__file__)
    third = cr.Sequential([cr.Input((9,)), layers.PReLU()])
    before = third.get_weights()
    with pytest.warns(UserWarning, match="no weight at all: nothing in the file fits") as found:
        third.load_weights(tmp_path / "w.safetensors", skip_mismatch=True)
    assert "'p_re_lu/alpha' (not in the file)" in str(found[0].message)
    assert all(np.array_equal(a, b) for a, b in zip(before, third.get_weights()))
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        make().load_weights(tmp_path / "w.safetensors", skip_mismatch=True)


def test_numbers_of_another_kind_are_refused(tmp_path: Path) -> None:
    model = cr.Sequential([cr.Input((4,)), layers.Dense(2)])
    path = str(tmp_path / "w.safetensors")
    before = model.get_weights()
    kernel, bias = np.ones((4, 2), "float64"), np.ones(2, "int32")
    _core.save_safetensors(path, {"dense/kernel": kernel, "dense/bias": bias}, {})
    with pytest.raises(FileFormatError, match="dtype float32, got int32 for tensor 'dense/bias'"):
        model.load_weights(path)
    assert all(np.array_equal(a, b) for a, b in zip(before, model.get_weights()))
    _core.save_safetensors(path, {"dense/kernel": kernel, "dense/bias": np.ones(2)}, {})
    model.load_weights(path)  # floats of another precision
    assert np.array_equal(model.get_weights()[0], kernel)


@pytest.fixture(scope="module")
def saved(tmp_path_factory: Any) -> bytes:
    path = tmp_path_factory.mktemp("models") / "m.chainrule"
    model = make()
    model.fit(X, Y, verbose=0)
    model.save(path)
    return path.read_bytes()


def load_bytes(data: bytes, folder: Path) -> Any:
    path = folder / "hostile.chainrule"
    path.write_bytes(data)
    return load_model(path)


def survives(data: bytes, folder: Path) -> None:
    """Loads, or is refused in one of the documented ways."""
    try:
        model = load_bytes(data, folder)
    except REFUSALS as error:
        assert str(error)
    else:
        assert isinstance(model, cr.Model)


FUZZ = settings(
    max_examples=60,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)


@FUZZ
@given(
    flips=st.lists(st.tuples(st.integers(0, 10**6), st.integers(1, 255)), min_size=1, max_size=4)
)
def test_flipped_bytes(saved: bytes, tmp_path: Path, flips: list[tuple[int, int]]) -> None:
    data = bytearray(saved)
    for at, mask in flips:
        data[at % len(data)] ^= mask
    survives(bytes(data), tmp_path)


@FUZZ
@given(length=st.integers(0, 10**6))
def test_truncations(saved: bytes, tmp_path: Path, length: int) -> None:
    with pytest.raises(REFUSALS):
        load_bytes(saved[: length % len(saved)], tmp_path)


@FUZZ
@given(size=st.integers(0, 2**64 - 1))
def test_huge_headers(saved: bytes, tmp_path: Path, size: int) -> None:
    if size == struct.unpack("<Q", saved[:8])[0]:
        return
    with pytest.raises(REFUSALS):
        load_bytes(struct.pack("<Q", size) + saved[8:], tmp_path)


@FUZZ
@given(data=st.binary(max_size=200))
def test_noise(tmp_path: Path, data: bytes) -> None:
    with pytest.raises(REFUSALS):
        load_bytes(data, tmp_path)


def with_header(saved: bytes, change: Any) -> bytes:
    size = struct.unpack("<Q", saved[:8])[0]
    header = json.loads(saved[8 : 8 + size])
    change(header)
    text = json.dumps(header).encode()
    return struct.pack("<Q", len(text)) + text + saved[8 + size :]


OFFSETS = [
    lambda h: h["dense/kernel"].update(data_offsets=[0, 80]),
    lambda h: h["dense/kernel"].update(data_offsets=h["dense_1/kernel"]["data_offsets"]),
    lambda h: h["dense/kernel"].update(data_offsets=[2**62, 2**62 + 80]),
    lambda h: h["dense/kernel"].update(data_offsets=[80, 0]),
    lambda h: h["dense/kernel"].update(data_offsets=[-80, 0]),
    lambda h: h["dense/kernel"].update(shape=[2**40, 2**40]),
    lambda h: h["dense/kernel"].update(shape=[-4, -5]),
    lambda h: h["dense/kernel"].update(shape=[5, 4]),
    lambda h: h["dense/kernel"].update(dtype="F64"),
    lambda h: h["dense/kernel"].update(dtype="NONE"),
    lambda h: h.pop("dense/kernel"),
    lambda h: h.update({"more": h["dense/kernel"]}),
    lambda h: h.pop("__metadata__"),
    lambda h: h.update({"__metadata__": {"chainrule": 3}}),
]


@pytest.mark.parametrize("number", range(len(OFFSETS)))
def test_hostile_headers(saved: bytes, tmp_path: Path, number: int) -> None:
    with pytest.raises(REFUSALS):
        load_bytes(with_header(saved, OFFSETS[number]), tmp_path)


def with_document(saved: bytes, change: Any) -> bytes:
    def edit(header: dict[str, Any]) -> None:
        document = json.loads(header["__metadata__"]["chainrule"])
        changed = change(document)
        document = document if changed is None else changed
        header["__metadata__"]["chainrule"] = (
            document if isinstance(document, str) else json.dumps(document)
        )

    return with_header(saved, edit)


def layer(document: Any, number: int = 2) -> Any:
    return document["model"]["config"]["layers"][number]


CODE = "__import__('os').system('touch hacked')"
DOCUMENTS = [
    lambda d: [],
    lambda d: "null",
    lambda d: "{",
    lambda d: "[" * 100_000,
    lambda d: d.update(format=99),
    lambda d: d.pop("model"),
    lambda d: d.update(model=3),
    lambda d: d["model"].update(class_name="system", module="os"),
    lambda d: d["model"].update(class_name="Dense", module="keras.layers"),
    lambda d: d["model"]["config"].update(layers={}),
    lambda d: d["model"]["config"].update(layers=[3, None]),
    lambda d: layer(d).update(module="os", class_name="system", config={"command": "touch hacked"}),
    lambda d: layer(d).update(module="builtins", class_name="eval", config=CODE),
    lambda d: layer(d).update(module="subprocess", class_name="Popen", config={"args": ["touch"]}),
    lambda d: layer(d)["config"].update(units=10**12),
    lambda d: layer(d)["config"].update(units=10**8),
    lambda d: layer(d)["config"].update(units=-1),
    lambda d: layer(d)["config"].update(units="many"),
    lambda d: layer(d)["config"].update(activation={"class_name": "__lambda__", "config": {
        "value": CODE}}),
    lambda d: layer(d)["config"].update(activation={"class_name": "function", "config": "eval",
                                                     "module": "builtins"}),
    lambda d: layer(d)["config"].update(kernel_initializer={"class_name": "__lambda__"}),
    lambda d: layer(d, 0)["config"].update(batch_shape=[None, 10**15]),
    lambda d: layer(d, 0)["config"].update(batch_shape=[None, 10**7]),
    lambda d: d.update(build=3),
    lambda d: d.update(compile=3),
    lambda d: d["compile"].update(loss={"class_name": "__lambda__", "config": {"value": CODE}}),
    lambda d: d["compile"].update(loss="no such loss"),
    lambda d: d["compile"].update(optimizer={"class_name": "Popen", "module": "subprocess"}),
]


@needs_status
@pytest.mark.parametrize("number", range(len(DOCUMENTS)))
def test_hostile_documents(
    saved: bytes, tmp_path: Path, number: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    with takes_less(100_000_000):
        survives(with_document(saved, DOCUMENTS[number]), tmp_path)
    assert os.listdir(tmp_path) == ["hostile.chainrule"]


@FUZZ
@given(value=st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(
        st.sampled_from(["class_name", "config", "module", "registered_name", "name", "layers"]),
        inner, max_size=4),
    max_leaves=12,
))
def test_hostile_json(saved: bytes, tmp_path: Path, value: Any) -> None:
    survives(with_document(saved, lambda d: d.update(model=value)), tmp_path)
    survives(with_document(saved, lambda d: layer(d).update(config=value)), tmp_path)
    survives(with_document(saved, lambda d: d.update(compile=value)), tmp_path)


def test_the_core_refuses_what_is_no_path(tmp_path: Path) -> None:
    with pytest.raises((FileNotFoundError, FileFormatError, OSError)):
        _core.load_safetensors(str(tmp_path))


def test_models_load_and_save_by_their_names_in_models(tmp_path):
    model = cr.Sequential([cr.Input((2,)), cr.layers.Dense(1)])
    file = tmp_path / "m.chainrule"
    cr.models.save_model(model, file)
    loaded = cr.models.load_model(file)
    for a, b in zip(model.get_weights(), loaded.get_weights(), strict=True):
        np.testing.assert_array_equal(a, b)
    assert cr.models.load_model is cr.saving.load_model
