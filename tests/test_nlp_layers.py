"""The layers of Transformers: against formulas in NumPy, against layers of Keras, masks, caches, gradients."""

from __future__ import annotations

import importlib
import os
from typing import Any

import numpy as np
import pytest

import chainrule as cr
from chainrule import nlp
from chainrule.errors import DataError, ShapeError
from chainrule.tracing.masking import get_keras_mask
from tests.compiled import assert_same_traced

RNG = np.random.default_rng(0)


def normal(*shape: int) -> np.ndarray[Any, Any]:
    return RNG.standard_normal(shape).astype("float32")


def softmax(x: Any) -> Any:
    e = np.exp(x - x.max(-1, keepdims=True))
    return e / e.sum(-1, keepdims=True)


def attention(layer: Any, x: Any, y: Any, seen: Any) -> Any:
    """Heads written out, in float64; `seen` broadcasts to (N, heads, T, S)."""
    q, k, v = (
        np.einsum("ntc,chd->nhtd", a, np.float64(d.kernel.numpy()))
        + np.float64(d.bias.numpy())[:, None]
        for a, d in ((x, layer.query_dense), (y, layer.key_dense), (y, layer.value_dense))
    )
    scores = np.einsum("nhtd,nhsd->nhts", q, k) / np.sqrt(q.shape[-1])
    weights = softmax(np.where(seen, scores, -1e30))
    out = layer.output_dense
    heads = np.einsum("nhts,nhsd->nthd", weights, v)
    return np.einsum("nthd,hdc->ntc", heads, np.float64(out.kernel.numpy())) + out.bias.numpy()


def norm(layer: Any, x: Any) -> Any:
    mean = x.mean(-1, keepdims=True)
    scaled = (x - mean) / np.sqrt(x.var(-1, keepdims=True) + layer.epsilon)
    return scaled * layer.gamma.numpy() + layer.beta.numpy()


def feed_forward(block: Any, x: Any) -> Any:
    wide, narrow = block._feedforward_intermediate_dense, block._feedforward_output_dense
    h = np.maximum(x @ np.float64(wide.kernel.numpy()) + wide.bias.numpy(), 0)
    return h @ np.float64(narrow.kernel.numpy()) + narrow.bias.numpy()


def shake(layer: Any) -> None:
    """Weights that are not at their usual start."""
    layer.set_weights([0.4 * normal(*w.shape) for w in layer.get_weights()])


@pytest.mark.parametrize("first", [False, True])
def test_encoder_is_the_formula(first: bool) -> None:
    layer = nlp.TransformerEncoder(12, 2, normalize_first=first)
    x = normal(3, 5, 8)
    padding = np.arange(5) < np.array([[5], [3], [1]])
    pairs = RNG.random((3, 5, 5)) < 0.7
    pairs[..., 0] = True
    layer(x)
    shake(layer)
    seen = (padding[:, None] & pairs)[:, None]
    part = layer._self_attention_layer
    n1, n2 = layer._self_attention_layer_norm, layer._feedforward_layer_norm
    if first:
        h = x + attention(part, norm(n1, x), norm(n1, x), seen)
        expected = h + feed_forward(layer, norm(n2, h))
    else:
        h = norm(n1, x + attention(part, x, x, seen))
        expected = norm(n2, h + feed_forward(layer, h))
    got = layer(x, padding_mask=padding, attention_mask=pairs)
    np.testing.assert_allclose(got, expected, atol=2e-5)
    assert_same_traced(lambda a: layer(a, padding_mask=padding, attention_mask=pairs), x)


@pytest.mark.parametrize("first", [False, True])
@pytest.mark.parametrize("causal", [False, True])
def test_decoder_is_the_formula(first: bool, causal: bool) -> None:
    layer = nlp.TransformerDecoder(12, 2, normalize_first=first)
    x, e = normal(2, 4, 8), normal(2, 3, 6)
    layer(x, e)
    shake(layer)
    far = np.array([[True, True, False], [True, True, True]])
    seen = np.tri(4, dtype=bool) if causal else np.ones((4, 4), bool)
    one, two = layer._self_attention_layer, layer._cross_attention_layer
    n1, n2, n3 = (
        layer._self_attention_layer_norm,
        layer._cross_attention_layer_norm,
        layer._feedforward_layer_norm,
    )
    if first:
        h = x + attention(one, norm(n1, x), norm(n1, x), seen)
        g = h + attention(two, norm(n2, h), e, far[:, None, None])
        expected = g + feed_forward(layer, norm(n3, g))
    else:
        h = norm(n1, x + attention(one, x, x, seen))
        g = norm(n2, h + attention(two, h, e, far[:, None, None]))
        expected = norm(n3, g + feed_forward(layer, g))
    got = layer(x, e, encoder_padding_mask=far, use_causal_mask=causal)
    np.testing.assert_allclose(got, expected, atol=3e-5)


def test_encoder_gives_its_weights() -> None:
    layer = nlp.TransformerEncoder(12, 2)
    x = normal(2, 5, 8)
    y, scores = layer(x, return_attention_scores=True)
    assert scores.shape == (2, 2, 5, 5)
    np.testing.assert_allclose(scores.sum(-1), 1, atol=1e-6)
    np.testing.assert_allclose(y, layer(x), atol=1e-6)
    symbol = layer(cr.Input((5, 8)), return_attention_scores=True)
    assert [s.shape for s in symbol] == [(None, 5, 8), (None, 2, 5, 5)]


@pytest.mark.parametrize("form", ["array", "pair"])
def test_a_cache_gives_what_the_whole_sequence_gives(form: str) -> None:
    layer = nlp.TransformerDecoder(12, 2)
    x, e = normal(2, 6, 8), normal(2, 3, 8)
    whole = layer(x, e)
    own: Any = np.zeros((2, 2, 6, 2, 4), "float32")
    across: Any = np.zeros((2, 2, 3, 2, 4), "float32")
    if form == "pair":
        own, across = (own[:, 0], own[:, 1]), (across[:, 0], across[:, 1])
    got = []
    for start, stop in ((0, 3), (3, 4), (4, 5), (5, 6)):
        y, own, across = layer(
            x[:, start:stop],
            e,
            self_attention_cache=own,
            self_attention_cache_update_index=start,
            cross_attention_cache=across,
            cross_attention_cache_update_index=0 if start == 0 else None,
        )
        got.append(y)
    np.testing.assert_allclose(np.concatenate(got, 1), whole, atol=1e-6)
    assert type(own) is (tuple if form == "pair" else np.ndarray)


def test_the_place_in_the_cache_may_be_a_tensor() -> None:
    layer = nlp.TransformerDecoder(12, 2)
    x = normal(2, 6, 8)
    whole = layer(x)
    filled = layer(
        x,
        self_attention_cache=np.zeros((2, 2, 6, 2, 4), "float32"),
        self_attention_cache_update_index=0,
    )[1]
    filled[:, :, 4:] = 7

    def step(a: Any, cache: Any, index: Any) -> Any:
        return layer(a, self_attention_cache=cache, self_attention_cache_update_index=index)[0]

    index = np.array(4, "int32")
    np.testing.assert_allclose(step(x[:, 4:5], filled, index), whole[:, 4:5], atol=1e-6)
    np.testing.assert_allclose(step(x[:, 4:6], filled, index), whole[:, 4:6], atol=1e-6)
    assert_same_traced(step, x[:, 4:5], filled, index)


def test_positions() -> None:
    layer = nlp.PositionEmbedding(7, initializer="random_normal")
    x = np.zeros((2, 4, 3), "float32")
    table = layer(np.zeros((1, 7, 3), "float32"))[0]
    assert (layer(x) == table[:4]).all() and (layer(x, start_index=3) == table[3:]).all()
    assert (layer(x, start_index=np.int32(2)) == table[2:6]).all()
    places = np.array([[6, 0, 1, 1], [2, 3, 4, 5]])
    assert (layer(x, positions=places) == table[places]).all()
    assert_same_traced(lambda a: layer(x, start_index=a), np.array(3, "int32"))
    assert layer(cr.Input((None, 3))).shape == (None, None, 3)


def test_sines() -> None:
    depth, start = 5, 3
    got = nlp.SinePositionEncoding(100)(np.zeros((2, 4, depth), "float32"), start_index=start)
    for t in range(4):
        for i in range(depth):
            wave = (start + t) * 100 ** (-2 * (i // 2) / depth)
            expected = np.cos(wave) if i % 2 else np.sin(wave)
            np.testing.assert_allclose(got[:, t, i], expected, atol=1e-6)


@pytest.mark.parametrize("sequence, feature", [(1, -1), (2, 1)])
def test_rotations(sequence: int, feature: int) -> None:
    layer = nlp.RotaryEmbedding(50, 2.0, sequence_axis=sequence, feature_axis=feature)
    x = normal(2, 6, 4, 4) if feature == -1 else normal(2, 6, 4, 3)
    got = np.moveaxis(layer(x, start_index=1), (sequence, feature), (1, -1))
    moved = np.moveaxis(x, (sequence, feature), (1, -1))
    half = moved.shape[-1] // 2
    expected = np.empty_like(moved)
    for t in range(moved.shape[1]):
        for i in range(half):
            a = (t + 1) / 2 * 50 ** (-i / half)
            u, v = moved[:, t, ..., i], moved[:, t, ..., half + i]
            expected[:, t, ..., i] = u * np.cos(a) - v * np.sin(a)
            expected[:, t, ..., half + i] = v * np.cos(a) + u * np.sin(a)
    np.testing.assert_allclose(got, expected, atol=2e-6)


def test_rotated_products_depend_on_the_distance_alone() -> None:
    layer, q, k = nlp.RotaryEmbedding(), normal(1, 1, 8), normal(1, 1, 8)

    def product(i: int, j: int) -> float:
        return float((layer(q, start_index=i) * layer(k, start_index=j)).sum())

    assert product(3, 1) == pytest.approx(product(12, 10), abs=1e-5)
    assert product(3, 1) != pytest.approx(product(3, 2), abs=1e-3)
    places = np.array([[5]])
    assert (layer(q, positions=places) == layer(q, start_index=5)).all()


@pytest.mark.parametrize("tied", [True, False])
def test_tokens_and_places(tied: bool) -> None:
    layer = nlp.TokenAndPositionEmbedding(9, 6, 4, tie_weights=tied, mask_zero=True)
    ids = np.array([[3, 1, 0], [8, 0, 0]])
    y = layer(ids)
    tokens = layer.token_embedding.embeddings.numpy()
    places = layer.position_embedding.position_embeddings.numpy()
    np.testing.assert_array_equal(y, tokens[ids] + places[:3])
    assert get_keras_mask(y).tolist() == (ids != 0).tolist()
    back = tokens.T if tied else layer.token_embedding.reverse_embeddings.numpy()
    np.testing.assert_allclose(layer.token_embedding(y, reverse=True), y @ back, atol=1e-6)
    assert len(layer.weights) == (2 if tied else 3)
    np.testing.assert_array_equal(layer(ids[:, :2], start_index=2), tokens[ids[:, :2]] + places[2:4])


def test_masks_travel_to_the_pooling() -> None:
    ids = np.array([[3, 1, 0, 0], [8, 2, 5, 0]])
    embedding, encoder = nlp.TokenAndPositionEmbedding(9, 6, 8, mask_zero=True), (
        nlp.TransformerEncoder(12, 2)
    )
    y = encoder(embedding(ids))
    assert get_keras_mask(y).tolist() == (ids != 0).tolist()
    pooled = cr.layers.GlobalAveragePooling1D()(y)
    for row, count in ((0, 2), (1, 3)):
        alone = encoder(embedding(ids[row : row + 1, :count]))
        np.testing.assert_allclose(pooled[row], alone[0].mean(0), atol=1e-6)


def keras_library(name: str) -> Any:
    os.environ.setdefault("KERAS_BACKEND", "jax")
    return pytest.importorskip("keras", minversion="3.15") if name == "keras" else cr


@pytest.mark.parametrize("library", ["chainrule", "keras"])
@pytest.mark.parametrize("first", [False, True])
def test_encoder_is_layers_of_keras(library: str, first: bool) -> None:
    keras = keras_library(library)
    from tests.transformers import Block, set_weights, weights_of

    layer = nlp.TransformerEncoder(32, 2, activation="gelu", normalize_first=first)
    x, mask = normal(3, 5, 8), RNG.random((3, 5, 5)) < 0.7
    mask[..., 0] = True
    layer(x)
    shake(layer)
    block = Block(keras, 8, 2, 32, first, 1e-5)
    block(x, causal=False, mask=mask)
    ours = [
        layer._self_attention_layer,
        layer._self_attention_layer_norm,
        layer._feedforward_layer_norm,
        layer._feedforward_intermediate_dense,
        layer._feedforward_output_dense,
    ]
    set_weights(block.layers, weights_of(ours))
    expected = np.asarray(block(x, causal=False, mask=mask))
    np.testing.assert_allclose(layer(x, attention_mask=mask), expected, atol=2e-5)


def test_reversible_embedding_is_that_of_keras() -> None:
    keras = keras_library("keras")
    ids, x = np.array([[1, 0, 2]]), normal(1, 3, 4)
    for options in ({}, {"tie_weights": False}, {"logit_soft_cap": 2.0, "mask_zero": True}):
        ours, theirs = (k.layers.ReversibleEmbedding(5, 4, **options) for k in (cr, keras))
        ours(ids), theirs(ids)
        theirs.set_weights([3 * normal(*w.shape) for w in ours.get_weights()])
        ours.set_weights(theirs.get_weights())
        np.testing.assert_array_equal(ours(ids), np.asarray(theirs(ids)))
        np.testing.assert_allclose(
            ours(x, reverse=True), np.asarray(theirs(x, reverse=True)), atol=1e-5
        )
        assert set(ours.get_config()) == set(theirs.get_config())


def encoder_model(length: int = 5) -> Any:
    ids = cr.Input((length,), dtype="int32")
    x = nlp.TokenAndPositionEmbedding(9, 8, 8, mask_zero=True)(ids)
    x = nlp.TransformerEncoder(12, 2, activation="gelu")(x)
    return cr.Model(ids, cr.layers.Dense(3)(cr.layers.GlobalAveragePooling1D()(x)))


def decoder_model() -> Any:
    a, b = cr.Input((4,), dtype="int32"), cr.Input((3,), dtype="int32")
    source = nlp.TokenAndPositionEmbedding(7, 8, 8, mask_zero=True)(b)
    target = nlp.TokenAndPositionEmbedding(7, 8, 8, mask_zero=True)(a)
    encoded = nlp.TransformerEncoder(12, 2)(source)
    x = nlp.TransformerDecoder(12, 2, activation="gelu", normalize_first=True)(target, encoded)
    return cr.Model([a, b], cr.layers.Dense(7)(x))


def test_gradients_of_an_encoder_and_a_decoder() -> None:
    loss = cr.losses.SparseCategoricalCrossentropy(from_logits=True)
    model = encoder_model()
    model.compile("adam", loss)
    ids = RNG.integers(0, 9, (4, 5))
    ids[:, 0] = 3
    report = model.check_gradients(ids, np.array([0, 1, 2, 1]))
    assert report.ok, str(report)
    model = decoder_model()
    model.compile("adam", loss)
    x = [RNG.integers(1, 7, (3, 4)), RNG.integers(1, 7, (3, 3))]
    x[1][:, 2] = 0
    report = model.check_gradients(x, RNG.integers(0, 7, (3, 4)))
    assert report.ok, str(report)


LAYERS = [
    nlp.TransformerEncoder(12, 2, 0.1, "gelu", 1e-6, "he_normal", "ones", True),
    nlp.TransformerDecoder(12, 2, 0.1, "gelu", 1e-6, "he_normal", "ones", True),
    nlp.PositionEmbedding(9, "ones"),
    nlp.SinePositionEncoding(77),
    nlp.RotaryEmbedding(77, 2.0, 2, 1),
    nlp.TokenAndPositionEmbedding(9, 8, 4, False, "ones", True),
    nlp.CachedMultiHeadAttention(2, 4, dropout=0.1),
    cr.layers.ReversibleEmbedding(5, 4, False, "ones", mask_zero=True, logit_soft_cap=3.0),
]


@pytest.mark.parametrize("layer", LAYERS, ids=lambda layer: type(layer).__name__)
def test_configs_go_there_and_back(layer: Any) -> None:
    config = cr.saving.serialize_keras_object(layer)
    again = cr.saving.deserialize_keras_object(config)
    assert type(again) is type(layer) and again.get_config() == layer.get_config()


@pytest.mark.parametrize("make", [encoder_model, decoder_model])
def test_models_are_saved_and_loaded(make: Any, tmp_path: Any) -> None:
    model = make()
    x = [RNG.integers(0, 7, (2, *i.shape[1:])) for i in model.inputs]
    x = x[0] if len(x) == 1 else x
    model.save(tmp_path / "m.chainrule")
    again = cr.saving.load_model(tmp_path / "m.chainrule")
    np.testing.assert_array_equal(model.predict(x, verbose=0), again.predict(x, verbose=0))


def test_tokens_outside_the_table_are_named() -> None:
    model = encoder_model()
    ids = np.array([[1, 2, 9, 0, 0]])
    with pytest.raises(DataError, match=r"token_and_position_embedding\w*/token_embedding.*\b9\b"):
        model.predict(ids, verbose=0)
    with pytest.raises(DataError, match=r"token_embedding.*\b9\b"):
        model(ids)


def test_sequences_longer_than_positions_are_named() -> None:
    with pytest.raises(ShapeError, match=r"position_embedding.*sequence_length=8.*12"):
        encoder_model(12)
    layer = nlp.PositionEmbedding(8)
    with pytest.raises(ShapeError, match="sequence of 6 from place 3"):
        layer(np.zeros((1, 6, 2)), start_index=3)
    with pytest.raises(DataError, match=layer.name):
        layer(np.zeros((1, 6, 2)), start_index=np.int32(3))


def test_masks_of_a_wrong_shape_are_named() -> None:
    layer = nlp.TransformerEncoder(12, 2)
    x = normal(2, 5, 8)
    with pytest.raises(ShapeError, match=rf"{layer.name}/self_attention_layer.*\(2, 1, 1, 4\)"):
        layer(x, padding_mask=np.ones((2, 4)))
    with pytest.raises(ShapeError, match="self_attention_layer"):
        layer(x, attention_mask=np.ones((2, 4, 5)))


@pytest.mark.parametrize(
    "make, match",
    [
        (lambda: nlp.TransformerEncoder(0, 2), "intermediate_dim"),
        (lambda: nlp.TransformerEncoder(4, 2.0), "num_heads"),
        (lambda: nlp.TransformerEncoder(4, 2, dropout=2), "dropout"),
        (lambda: nlp.TransformerEncoder(4, 3)(normal(1, 2, 8)), "num_heads=3, got 8"),
        (lambda: nlp.PositionEmbedding(-1), "sequence_length"),
        (lambda: nlp.SinePositionEncoding(0), "max_wavelength"),
        (lambda: nlp.RotaryEmbedding(scaling_factor=0), "scaling_factor"),
        (lambda: nlp.RotaryEmbedding()(normal(1, 2, 3)), "even number of features"),
        (lambda: nlp.RotaryEmbedding()(normal(2)), "axis of places 1"),
        (lambda: nlp.RotaryEmbedding(50, 1.0, 1, -1)(normal(2, 2)), "axis of places 1"),
        (lambda: nlp.TokenAndPositionEmbedding(0, 2, 3), "input_dim"),
    ],
)
def test_bad_arguments(make: Any, match: str) -> None:
    with pytest.raises(ValueError, match=match):
        make()


def test_sources_and_caches_that_do_not_fit() -> None:
    alone, across = nlp.TransformerDecoder(12, 2), nlp.TransformerDecoder(12, 2)
    x = normal(1, 3, 8)
    alone(x), across(x, x)
    with pytest.raises(ValueError, match="expected no `encoder_sequence`"):
        alone(x, x)
    with pytest.raises(ValueError, match="expected an `encoder_sequence`"):
        across(x)
    cache = np.zeros((1, 2, 4, 2, 4), "float32")
    with pytest.raises(ValueError, match="both or neither"):
        across(x, x, self_attention_cache=cache, self_attention_cache_update_index=0)
    with pytest.raises(ShapeError, match="room for 3 places from cache_update_index=2"):
        alone(x, self_attention_cache=cache, self_attention_cache_update_index=2)
    with pytest.raises(ValueError, match="expected a `cache`"):
        alone._self_attention_layer(x, x, cache_update_index=0)


def test_a_cache_goes_with_neither_gates_nor_windows() -> None:
    x, cache = normal(1, 1, 8), np.zeros((1, 2, 4, 2, 4), "float32")
    for options in ({"use_gate": True}, {"sliding_window": 2}):
        layer = nlp.CachedMultiHeadAttention(2, 4, **options)
        layer(x, x)
        with pytest.raises(ValueError, match="no `use_gate` and no `sliding_window`"):
            layer(x, x, cache=cache, cache_update_index=0)


def test_the_namespace_says_what_is_missing() -> None:
    with pytest.raises(AttributeError, match="TransformerEncoder"):
        importlib.import_module("chainrule.nlp").TransfomerEncoder
