"""LoRA: a frozen weight and a change of low rank that trains; files with and without it."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import chainrule as keras
from chainrule import layers, nlp

RNG = np.random.default_rng(0)
IMAGES = RNG.normal(size=(12, 6, 6, 2)).astype("float32")
ROWS: dict[str, tuple[Callable[..., Any], Any]] = {
    "dense": (lambda **o: layers.Dense(4, **o), RNG.normal(size=(12, 5)).astype("float32")),
    "einsum_dense": (
        lambda **o: layers.EinsumDense("abc,cde->abde", (None, 2, 3), bias_axes="de", **o),
        RNG.normal(size=(12, 3, 5)).astype("float32"),
    ),
    "einsum_dense_plain": (
        lambda **o: layers.EinsumDense("abc,cd->abd", (None, 3), **o),
        RNG.normal(size=(12, 3, 5)).astype("float32"),
    ),
    "embedding": (lambda **o: layers.Embedding(7, 4, **o), RNG.integers(0, 7, (12, 3))),
    "conv1d": (lambda **o: layers.Conv1D(3, 2, **o), IMAGES[:, :, 0]),
    "conv2d": (lambda **o: layers.Conv2D(4, 3, groups=2, **o), IMAGES),
    "conv3d": (lambda **o: layers.Conv3D(2, 2, **o), IMAGES[..., None]),
}


@pytest.fixture(params=ROWS)
def row(request: Any) -> tuple[Callable[..., Any], Any]:
    return ROWS[request.param]


def _model(make: Callable[..., Any], x: Any, **options: Any) -> Any:
    model = keras.Sequential(
        [keras.Input(x.shape[1:], dtype=x.dtype.name), make(**options), layers.Flatten()]
    )
    return model


def _weight(layer: Any) -> Any:
    return getattr(layer, f"_{layer._adapted}")


def _target(model: Any, x: Any) -> Any:
    return np.random.default_rng(1).normal(size=model(x).shape).astype("float32")


def test_only_bias_a_and_b_train(row: Any) -> None:
    make, x = row
    model = _model(make, x)
    layer = model.layers[0]
    before = model.predict(x, verbose=0)
    layer.enable_lora(2, lora_alpha=3)
    assert (model.predict(x, verbose=0) == before).all()
    frozen = _weight(layer).numpy()
    made = [v for v in layer.trainable_weights if v.name.startswith("lora_")]
    start = [v.numpy() for v in made]
    model.compile("adam", "mse")
    y = _target(model, x)
    losses = model.fit(x, y, epochs=4, verbose=0).history["loss"]
    assert losses[-1] < losses[0]
    assert (_weight(layer).numpy() == frozen).all()
    assert len(made) == 2 and all((v.numpy() != s).any() for v, s in zip(made, start))
    a, b = (v.numpy() for v in made)
    effective = np.asarray(getattr(layer, layer._adapted))
    assert np.allclose(effective, frozen + 1.5 * (a @ b), atol=1e-6)
    assert model.check_gradients(x, y).ok


def test_saved_as_it_is_and_merged(row: Any, tmp_path: Path) -> None:
    make, x = row
    model = _model(make, x, lora_rank=2, lora_alpha=3)
    layer = model.layers[0]
    assert layer.lora_enabled and layer.lora_alpha == 3
    for variable in layer.weights:
        variable.assign(RNG.normal(size=variable.shape))
    before = model.predict(x, verbose=0)
    model.save(tmp_path / "m.chainrule")
    loaded = keras.saving.load_model(tmp_path / "m.chainrule")
    assert loaded.layers[0].get_config() == layer.get_config()
    assert all((a == b).all() for a, b in zip(loaded.get_weights(), model.get_weights()))

    model.save_weights(tmp_path / "w.safetensors")
    plain = _model(make, x)
    plain.load_weights(tmp_path / "w.safetensors")
    assert (plain.predict(x, verbose=0) == before).all()
    _weight(plain.layers[0]).assign(_weight(plain.layers[0]) + 1)
    plain.save_weights(tmp_path / "w.safetensors")
    model.load_weights(tmp_path / "w.safetensors")
    assert (model.predict(x, verbose=0) == plain.predict(x, verbose=0)).all()
    a = next(v for v in layer.weights if v.name.endswith("_a"))
    assert a.numpy().any()  # or B could not be trained

    store: dict[str, Any] = {}
    loaded.layers[0].save_own_variables(store)
    plain.layers[0].load_own_variables(store)
    assert (plain.predict(x, verbose=0) == before).all()
    layer.load_own_variables(store)
    assert (model.predict(x, verbose=0) == before).all()


def test_predictions_that_were_compiled_before_count_it(row: Any) -> None:
    make, x = row
    model = _model(make, x)
    ask = model.predictor()
    before = ask(x)
    model.layers[0].enable_lora(2, b_initializer="ones")
    after = np.asarray(model(x))
    assert not np.allclose(after, before, rtol=0, atol=1e-3)
    np.testing.assert_allclose(ask(x), after, rtol=1e-5, atol=1e-6)
    np.testing.assert_allclose(model.predict(x, verbose=0), after, rtol=1e-5, atol=1e-6)


def test_weight_stays_frozen_when_the_model_is_thawed() -> None:
    model = _model(*ROWS["dense"], lora_rank=1)
    model.trainable = False
    assert not model.trainable_variables
    model.trainable = True
    names = [v.name for v in model.trainable_variables]
    assert names == ["bias", "lora_kernel_a", "lora_kernel_b"]


def test_regularizers_move_to_a_and_b() -> None:
    model = _model(*ROWS["dense"], lora_rank=1, kernel_regularizer="l2")
    layer = model.layers[0]
    a, b = layer.lora_kernel_a.numpy(), layer.lora_kernel_b.numpy()
    assert np.isclose(sum(float(v) for v in layer.losses), 0.01 * ((a**2).sum() + (b**2).sum()))


def test_attention_takes_lora_into_its_projections() -> None:
    layer = layers.MultiHeadAttention(2, 3)
    x = RNG.normal(size=(2, 4, 5)).astype("float32")
    before = layer(x, x)
    layer.query_dense.enable_lora(2)
    assert layer.query_dense.lora_kernel_a.shape == (5, 2, 2)
    assert (layer(x, x) == before).all()


def test_bad_input() -> None:
    with pytest.raises(ValueError, match="layer 'd'.*incompatible with kernel constraints"):
        layers.Dense(2, kernel_constraint="max_norm", name="d").enable_lora(2)
    with pytest.raises(ValueError, match="incompatible with embedding constraints"):
        layers.Embedding(2, 2, embeddings_constraint="max_norm").enable_lora(2)
    layer = layers.Dense(2)
    with pytest.raises(ValueError, match="Cannot enable lora on a layer that isn't yet built"):
        layer.enable_lora(2)
    layer.build((None, 3))
    for rank in (0, -1, 1.5, True):
        with pytest.raises(ValueError, match="lora_rank: expected a positive integer, got"):
            layer.enable_lora(rank)  # type: ignore[arg-type]
        with pytest.raises(ValueError, match="lora_rank: expected a positive integer, got"):
            layers.Dense(2, lora_rank=rank)  # type: ignore[arg-type]
    layer.enable_lora(1)
    with pytest.raises(ValueError, match="already enabled, with rank 1"):
        layer.enable_lora(1)
    with pytest.raises(AttributeError, match="build the layer before accessing `kernel`"):
        _ = layers.Conv2D(2, 3, lora_rank=2).kernel


def test_a_compiled_optimizer_has_to_be_made_again() -> None:
    make, x = ROWS["dense"]
    model = _model(make, x)
    model.compile("sgd", "mse")
    y = _target(model, x)
    model.fit(x, y, verbose=0)
    model.layers[0].enable_lora(2)
    before = model.layers[0].lora_kernel_b.numpy()
    with pytest.raises(ValueError, match="lora_kernel_a"):
        model.fit(x, y, verbose=0)
    model.compile("sgd", "mse")
    model.fit(x, y, verbose=0)
    assert (model.layers[0].lora_kernel_b.numpy() != before).any()


def test_folders_of_hugging_face_hold_the_sum(tmp_path: Path) -> None:
    model = nlp.GPT(11, num_layers=1, num_heads=2, hidden_dim=8, max_sequence_length=6)
    x = np.array([[1, 2, 3, 4]])
    plain = model.predict(x, verbose=0)
    for layer in model._flatten_layers():
        if isinstance(layer, (layers.Dense, layers.EinsumDense)):
            layer.enable_lora(2, b_initializer="normal")
    expected = model.predict(x, verbose=0)
    assert not np.allclose(expected, plain, rtol=0, atol=1e-6)
    model.save_to_folder(tmp_path)
    again = nlp.GPT.from_folder(tmp_path).predict(x, verbose=0)
    np.testing.assert_allclose(again, expected, rtol=1e-5, atol=1e-7)
