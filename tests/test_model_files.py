"""Model files: round trips to the last bit, and hostile files that do no harm."""

from __future__ import annotations

import json
import os
import resource
import struct
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


@pytest.mark.parametrize("number", range(len(DOCUMENTS)))
def test_hostile_documents(
    saved: bytes, tmp_path: Path, number: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    survives(with_document(saved, DOCUMENTS[number]), tmp_path)
    assert os.listdir(tmp_path) == ["hostile.chainrule"]
    grown = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before
    assert grown < 100_000  # KiB


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
