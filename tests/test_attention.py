"""Attention: the public op and the layers, beside Keras, under masks, in models and files."""

from __future__ import annotations

import inspect
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import chainrule as cr
from chainrule import config, layers, ops
from chainrule.errors import DTypeError, ShapeError
from chainrule.tracing.masking import get_keras_mask, set_keras_mask

RNG = np.random.default_rng(5)
X = RNG.normal(size=(3, 6, 8)).astype("float32")
Y = RNG.normal(size=(3, 4, 8)).astype("float32")
CLOSE = {"rtol": 2e-5, "atol": 2e-5}


@pytest.fixture
def keras(monkeypatch: pytest.MonkeyPatch) -> Any:
    monkeypatch.setenv("KERAS_BACKEND", "jax")
    return pytest.importorskip("keras", minversion="3.15")


def _softmax(x: np.ndarray) -> np.ndarray:
    e = np.exp(x - x.max(-1, keepdims=True))
    return np.asarray(e / e.sum(-1, keepdims=True))


# The op


def test_the_op_is_its_formula() -> None:
    q, k, v = (RNG.normal(size=(2, n, 3, 4)) for n in (5, 7, 7))
    p = _softmax(np.einsum("btnh,bsnh->bnts", q, k) / 2)
    expected = np.einsum("bnts,bsnh->btnh", p, v)
    np.testing.assert_allclose(ops.dot_product_attention(q, k, v), expected, rtol=1e-12)
    scaled = _softmax(np.einsum("btnh,bsnh->bnts", q, k) * 0.3)
    got = ops.dot_product_attention(q, k, v, scale=0.3, flash_attention=True)
    np.testing.assert_allclose(got, np.einsum("bnts,bsnh->btnh", scaled, v), rtol=1e-12)


def test_a_row_that_is_masked_whole_weighs_all_alike() -> None:
    q, v = RNG.normal(size=(1, 2, 1, 4)), RNG.normal(size=(1, 3, 1, 4))
    mask = np.array([[False, False, False], [True, False, False]])
    y = ops.dot_product_attention(q, v, v, mask=mask)
    np.testing.assert_allclose(y[0, 0], v[0].mean(0), rtol=1e-12)
    np.testing.assert_allclose(y[0, 1], v[0, 0], rtol=1e-12)


@given(data=st.data())
def test_masks_are_those_of_added_bias(data: st.DataObject) -> None:
    """Where a query sees some key, a mask is a bias of minus infinity, causal or not."""
    t, s, heads = (data.draw(st.integers(1, most)) for most in (6, 9, 3))
    rng = np.random.default_rng(data.draw(st.integers(0, 99)))
    q, k, v = (rng.normal(size=(2, n, heads, 4)) for n in (t, s, s))
    mask = rng.random((2, 1, t, s)) < data.draw(st.sampled_from([0.2, 0.8]))
    mask[..., 0] = True
    causal = data.draw(st.booleans())
    bias = np.where(mask & (np.tri(t, s, dtype=bool) | (not causal)), 0, -np.inf)
    y = ops.dot_product_attention(q, k, v, mask=mask, is_causal=causal)
    np.testing.assert_allclose(y, ops.dot_product_attention(q, k, v, bias=bias), rtol=1e-12)


def test_the_op_as_keras(keras: Any) -> None:
    q, k, v = (RNG.normal(size=(2, n, h, 8)).astype("f4") for n, h in ((5, 6), (7, 3), (7, 3)))
    mask = RNG.random((2, 1, 5, 7)) < 0.5
    mask[0, 0, 1] = False
    bias = RNG.normal(size=(1, 6, 5, 7)).astype("f4")
    cases: list[dict[str, Any]] = [
        {}, {"mask": mask}, {"bias": bias}, {"is_causal": True}, {"scale": 0.7},
        {"mask": mask, "bias": bias, "is_causal": True, "scale": 0.2},
    ]  # fmt: skip
    for options in cases:
        expected = np.asarray(keras.ops.dot_product_attention(q, k, v, **options))
        np.testing.assert_allclose(ops.dot_product_attention(q, k, v, **options), expected, **CLOSE)


def test_bad_input_of_the_op() -> None:
    q = np.ones((2, 3, 4, 5), "float32")
    with pytest.raises(ShapeError, match=r"4D inputs.*\(3, 4, 5\)"):
        ops.dot_product_attention(q[0], q, q)
    with pytest.raises(ShapeError, match=r"heads of q that are a multiple.*\(2, 3, 3, 5\)"):
        ops.dot_product_attention(q, q[:, :, :3], q[:, :, :3])
    with pytest.raises(ShapeError, match=r"a mask that broadcasts to \(2, 4, 3, 3\), got \(3, 4\)"):
        ops.dot_product_attention(q, q, q, mask=np.ones((3, 4), bool))
    with pytest.raises(DTypeError, match="mask of bool, got float32"):
        ops.dot_product_attention(q, q, q, mask=np.ones((3, 3), "float32"))
    with pytest.raises(ValueError, match="attn_logits_soft_cap"):
        ops.dot_product_attention(q, q, q, attn_logits_soft_cap=2.0)


def test_flash_attention_is_a_setting() -> None:
    assert config.is_flash_attention_enabled() is None
    config.disable_flash_attention()
    assert config.is_flash_attention_enabled() is False
    config.enable_flash_attention()
    assert config.is_flash_attention_enabled() is None


def test_sizes_that_are_not_known() -> None:
    q = cr.KerasTensor((None, None, 8, 16))
    k = cr.KerasTensor((None, None, 2, 16))
    assert ops.dot_product_attention(q, k, k).shape == (None, None, 8, 16)
    k = cr.KerasTensor((None, None, 3, 16))
    with pytest.raises(ShapeError, match="multiple"):
        ops.dot_product_attention(q, k, k)


# The layers beside Keras


def _same_weights(ours: Any, theirs: Any) -> None:
    rng = np.random.default_rng(8)
    drawn = [rng.normal(size=w.shape).astype("float32") for w in ours.weights]
    assert [w.shape for w in ours.weights] == [tuple(w.shape) for w in theirs.weights]
    ours.set_weights(drawn)
    theirs.set_weights(drawn)


HEADS: dict[str, tuple[str, dict[str, Any]]] = {
    "multi-head": ("MultiHeadAttention", {"num_heads": 2, "key_dim": 3}),
    "value_dim": ("MultiHeadAttention", {"num_heads": 2, "key_dim": 3, "value_dim": 5}),
    "output_shape": ("MultiHeadAttention", {"num_heads": 2, "key_dim": 3, "output_shape": (2, 3)}),
    "gate": ("MultiHeadAttention", {"num_heads": 2, "key_dim": 3, "use_gate": True}),
    "no bias": ("MultiHeadAttention", {"num_heads": 2, "key_dim": 3, "use_bias": False}),
    "window": ("MultiHeadAttention", {"num_heads": 2, "key_dim": 3, "sliding_window": 2}),
    "dropout": ("MultiHeadAttention", {"num_heads": 2, "key_dim": 3, "dropout": 0.4}),
    "grouped": (
        "GroupQueryAttention",
        {"head_dim": 3, "num_query_heads": 4, "num_key_value_heads": 2},
    ),
    "grouped gate": (
        "GroupQueryAttention",
        {"head_dim": 3, "num_query_heads": 4, "num_key_value_heads": 1, "use_gate": True},
    ),
}
MASKS = ("none", "causal", "attention", "query", "value", "key", "all", "4d")


def _masks(kind: str) -> dict[str, Any]:
    rng = np.random.default_rng(2)
    whole = rng.random((3, 6, 4)) < 0.6
    whole[1, 2] = False
    masks: dict[str, Any] = {
        "attention_mask": whole,
        "query_mask": np.arange(6) < np.array([[6], [3], [5]]),
        "value_mask": np.arange(4) < np.array([[4], [2], [0]]),
        "key_mask": np.arange(4) < np.array([[3], [4], [1]]),
        "use_causal_mask": True,
    }
    if kind == "all":
        return masks
    if kind == "4d":
        return {"attention_mask": rng.random((3, 1, 6, 4)) < 0.6, "use_causal_mask": False}
    chosen = {"causal": "use_causal_mask"}.get(kind, f"{kind}_mask")
    return {name: mask for name, mask in masks.items() if name == chosen}


def _theirs(keras: Any, layer: Any, masks: dict[str, Any], scores: bool) -> Any:
    """Keras reads a query's mask from the tensor alone, whatever `query_mask` says."""
    query = keras.ops.convert_to_tensor(X)
    masks = dict(masks)
    if "query_mask" in masks:
        keras.src.backend.set_keras_mask(query, keras.ops.convert_to_tensor(masks["query_mask"]))
        del masks["query_mask"]
    return layer(query, Y, Y, return_attention_scores=scores, **masks)


@pytest.mark.parametrize("kind", MASKS)
@pytest.mark.parametrize("name", HEADS)
def test_heads_as_keras(keras: Any, name: str, kind: str) -> None:
    layer, options = HEADS[name]
    masks = _masks(kind)
    ours, theirs = getattr(layers, layer)(**options), getattr(keras.layers, layer)(**options)
    ours.build(X.shape, Y.shape)
    theirs.build(X.shape, Y.shape)
    _same_weights(ours, theirs)
    plain = ours(X, Y, Y, **masks)
    for scores in (False, True):
        got = ours(X, Y, Y, return_attention_scores=scores, **masks)
        if name == "value_dim" and not scores:
            continue  # Keras on JAX refuses values of another depth unless scores are returned.
        expected = _theirs(keras, theirs, masks, scores)
        pairs = zip(got, expected) if scores else [(got, expected)]
        for a, b in pairs:
            np.testing.assert_allclose(a, np.asarray(b), **CLOSE)
    if name == "value_dim" and kind in ("none", "causal", "key"):  # no row is masked whole
        np.testing.assert_allclose(plain, got[0], **CLOSE)


@pytest.mark.parametrize("axes", [(1,), (2,), (1, 2), -2])
def test_axes_as_keras(keras: Any, axes: Any) -> None:
    x = RNG.normal(size=(2, 3, 4, 8)).astype("float32")
    options = {"num_heads": 2, "key_dim": 3, "attention_axes": axes}
    ours, theirs = layers.MultiHeadAttention(**options), keras.layers.MultiHeadAttention(**options)
    ours.build(x.shape, x.shape)
    theirs.build(x.shape, x.shape)
    _same_weights(ours, theirs)
    got, expected = (f(x, x, return_attention_scores=True) for f in (ours, theirs))
    for a, b in zip(got, expected):
        np.testing.assert_allclose(a, np.asarray(b), **CLOSE)
    symbol = cr.Input((None, 4, 8))
    _, scores = ours(symbol, symbol, return_attention_scores=True)
    assert len(scores.shape) == got[1].ndim


SINGLE: dict[str, tuple[str, dict[str, Any]]] = {
    "dot": ("Attention", {}),
    "dot scale": ("Attention", {"use_scale": True}),
    "concat": ("Attention", {"score_mode": "concat", "use_scale": True}),
    "additive": ("AdditiveAttention", {}),
    "additive without scale": ("AdditiveAttention", {"use_scale": False}),
}


@pytest.mark.parametrize("causal", [False, True])
@pytest.mark.parametrize("masked", [False, True])
@pytest.mark.parametrize("name", SINGLE)
def test_one_head_as_keras(keras: Any, name: str, masked: bool, causal: bool) -> None:
    layer, options = SINGLE[name]
    ours, theirs = getattr(layers, layer)(**options), getattr(keras.layers, layer)(**options)
    value = RNG.normal(size=(3, 4, 5)).astype("float32")
    shapes = [X.shape, value.shape, Y.shape]
    ours.build(shapes)
    theirs.build(shapes)
    _same_weights(ours, theirs)
    masks = _masks("all")
    mask = [masks["query_mask"], masks["key_mask"]] if masked else None
    for scores in (False, True):
        call = {"mask": mask, "use_causal_mask": causal, "return_attention_scores": scores}
        got, expected = (f([X, value, Y], **call) for f in (ours, theirs))
        for a, b in zip(got, expected) if scores else [(got, expected)]:
            np.testing.assert_allclose(a, np.asarray(b), **CLOSE)
    if masked:
        np.testing.assert_array_equal(ours.compute_mask([X, value], mask), mask[0])


# Masks, dropout, models


def test_masks_travel_with_tensors() -> None:
    tokens = np.array([[1, 2, 3, 0, 0], [3, 3, 1, 1, 2]])
    query = layers.Embedding(4, 8, mask_zero=True)(tokens)
    query_mask = get_keras_mask(query)
    value = Y[:2].copy()
    set_keras_mask(value, np.array([[True, True, False, False]] * 2))
    for layer in (
        layers.MultiHeadAttention(2, 3),
        layers.GroupQueryAttention(3, 4, 2),
    ):
        y = layer(query, value)
        np.testing.assert_array_equal(get_keras_mask(y), query_mask)
        assert get_keras_mask(query) is query_mask and get_keras_mask(value) is not None
        plain = layer(
            np.array(query), np.array(value), query_mask=query_mask,
            value_mask=get_keras_mask(value),
        )  # fmt: skip
        np.testing.assert_array_equal(y, plain)


def test_dropout_keeps_the_causal_mask() -> None:
    """No output depends on what comes later, though weights are dropped."""
    cr.utils.set_random_seed(3)
    first, layer = (layers.MultiHeadAttention(2, 4, dropout=0.3, seed=7) for _ in range(2))
    for made in (first, layer):
        made.build(X.shape, X.shape)
        made.set_weights(first.get_weights())
    changed = X.copy()
    changed[:, 4:] += 1
    kept = [
        made(x, x, training=True, use_causal_mask=True)
        for made, x in ((first, X), (layer, changed))
    ]
    np.testing.assert_array_equal(kept[0][:, :4], kept[1][:, :4])
    assert np.abs(kept[0][:, 4:] - kept[1][:, 4:]).max() > 1e-3
    calm = layer(X, X, use_causal_mask=True)
    assert np.abs(calm - kept[0]).max() > 1e-3
    many = np.mean([layer(X, X, training=True, use_causal_mask=True) for _ in range(400)], axis=0)
    np.testing.assert_allclose(many, calm, atol=0.15)


def test_a_subclass_that_knows_no_flag_gets_a_mask() -> None:
    seen: list[Any] = []

    class Own(layers.MultiHeadAttention):
        def _compute_attention(  # type: ignore[override]
            self, query: Any, key: Any, value: Any, attention_mask: Any = None,
            training: Any = None, return_attention_scores: bool = False,
        ) -> Any:  # fmt: skip
            seen.append(attention_mask)
            return super()._compute_attention(
                query, key, value, attention_mask, training, return_attention_scores
            )

    own = Own(2, 3)
    y = own(X, X, use_causal_mask=True)
    np.testing.assert_array_equal(seen[0], np.tri(6, dtype=bool)[None])
    plain = layers.MultiHeadAttention(2, 3)
    plain.build(X.shape, X.shape)
    plain.set_weights(own.get_weights())
    np.testing.assert_array_equal(y, plain(X, X, use_causal_mask=True))


def test_a_subclass_need_not_hand_on_that_weights_are_asked_for() -> None:
    seen: list[Any] = []

    class Own(layers.GroupQueryAttention):
        def _compute_attention(  # type: ignore[override]
            self, query: Any, key: Any, value: Any, attention_mask: Any = None, training: Any = None
        ) -> Any:
            seen.append(attention_mask)
            key, value = (ops.repeat(x, 2, axis=2) for x in (key, value))
            return super()._compute_attention(query, key, value, attention_mask, training)

    own, plain = Own(4, 4, 2), layers.GroupQueryAttention(4, 4, 2)
    for layer in (own, plain):
        layer.build(X.shape, X.shape)
    plain.set_weights(own.get_weights())
    given = own(X, X, return_attention_scores=True, use_causal_mask=True)
    expected = plain(X, X, return_attention_scores=True, use_causal_mask=True)
    for a, b in zip(given, expected, strict=True):
        np.testing.assert_allclose(a, b, atol=1e-6)
    np.testing.assert_allclose(own(X, X), plain(X, X), atol=1e-6)
    np.testing.assert_array_equal(seen[0], np.tri(6, dtype=bool)[None])


def test_of_two_wrong_shapes_query_and_value_come_first() -> None:
    layer = layers.GroupQueryAttention(4, 4, 2)
    with pytest.raises(ShapeError, match="`query` and `value` must be equal"):
        layer.compute_output_shape((2, 4, 8), (2, 2, 7), (2, 3, 8))
    with pytest.raises(ShapeError, match="`value` and `key` except"):
        layer.compute_output_shape((2, 4, 8), (2, 2, 8), (2, 3, 8))


def _encoder(x: Any, heads: Any, mask: Any = None) -> Any:
    attended = heads(x, x, attention_mask=mask)
    x = layers.LayerNormalization()(x + attended)
    hidden = layers.Dense(12, activation="gelu")(x)
    return layers.LayerNormalization()(x + layers.Dense(8)(hidden))


def encoder(dropout: float = 0.0) -> Any:
    """Masked tokens through one block, their mean as two numbers."""
    tokens = cr.Input((None,), dtype="int32")
    x = layers.Embedding(11, 8, mask_zero=True)(tokens)
    x = _encoder(x, layers.MultiHeadAttention(2, 4, dropout=dropout))
    x = layers.Dense(2)(ops.mean(x, axis=1))
    return cr.Model(tokens, x)


def decoder(dropout: float = 0.0) -> Any:
    """A causal block that reads another masked sequence."""
    source, target = cr.Input((7,), dtype="int32"), cr.Input((5,), dtype="int32")
    memory = layers.Embedding(11, 8, mask_zero=True)(source)
    x = layers.Embedding(11, 8, mask_zero=True)(target)
    attended = layers.MultiHeadAttention(2, 4, dropout=dropout)(x, x, use_causal_mask=True)
    x = layers.LayerNormalization()(x + attended)
    x = layers.LayerNormalization()(x + layers.GroupQueryAttention(4, 4, 2)(x, memory))
    return cr.Model([source, target], layers.Dense(2)(layers.Flatten()(x)))


def _tokens(rows: int, length: int, seed: int = 1) -> np.ndarray:
    rng = np.random.default_rng(seed)
    tokens = rng.integers(1, 11, (rows, length))
    return np.where(np.arange(length) < rng.integers(1, length + 1, (rows, 1)), tokens, 0)


@pytest.mark.parametrize("dropout", [0.0, 0.3])
def test_gradients_of_a_transformer(dropout: float) -> None:
    cr.utils.set_random_seed(3)
    targets = RNG.normal(size=(6, 2)).astype("float32")
    inputs = {"encoder": _tokens(6, 5), "decoder": [_tokens(6, 7), _tokens(6, 5, 2)]}
    for make in (encoder, decoder):
        model = make(dropout)
        model.compile("adam", "mse")
        report = model.check_gradients(inputs[make.__name__], targets)
        assert report.ok, report


def test_gradients_of_recurrence_with_attention() -> None:
    cr.utils.set_random_seed(3)
    source, target = cr.Input((5,), dtype="int32"), cr.Input((7,), dtype="int32")
    memory = layers.Embedding(11, 4, mask_zero=True)(source)
    memory = layers.Bidirectional(layers.GRU(3, return_sequences=True))(memory)
    state = layers.Embedding(11, 4, mask_zero=True)(target)
    state = layers.GRU(6, return_sequences=True)(state)
    read = layers.AdditiveAttention()([state, memory])
    logits = layers.Dense(11)(layers.Concatenate()([state, read]))
    model = cr.Model([source, target], logits)
    model.compile("adam", cr.losses.SparseCategoricalCrossentropy(from_logits=True))
    report = model.check_gradients([_tokens(6, 5), _tokens(6, 7, 2)], _tokens(6, 7, 3))
    assert report.ok, report


def test_models_are_fitted_saved_and_loaded(tmp_path: Path) -> None:
    cr.utils.set_random_seed(3)
    targets = RNG.normal(size=(6, 2)).astype("float32")
    model = encoder(0.2)
    assert model.output_shape == (None, 2)
    model.compile("adam", "mse")
    losses = model.fit(_tokens(6, 5), targets, epochs=20, verbose=0).history["loss"]
    assert losses[-1] < losses[0]
    model.save(tmp_path / "m.chainrule")
    again = cr.saving.load_model(tmp_path / "m.chainrule")
    for length in (5, 9):
        tokens = _tokens(4, length)
        expected = model.predict(tokens, verbose=0)
        np.testing.assert_array_equal(again.predict(tokens, verbose=0), expected)


@pytest.mark.parametrize("name", [*HEADS, *SINGLE])
def test_configs_there_and_back(name: str) -> None:
    layer, options = {**HEADS, **SINGLE}[name]
    made = getattr(layers, layer)(**options, name="it")
    again = type(made).from_config(made.get_config())
    assert again.get_config() == made.get_config()
    accepted = inspect.signature(type(made).__init__).parameters
    assert set(options) <= set(made.get_config()) & {*accepted}


def test_arguments_are_keras(keras: Any) -> None:
    for name in ("Attention", "AdditiveAttention", "MultiHeadAttention", "GroupQueryAttention"):
        ours, theirs = getattr(layers, name), getattr(keras.layers, name)
        for method in ("__init__", "call", "compute_output_shape"):
            wanted = inspect.signature(getattr(theirs, method)).parameters
            got = inspect.signature(getattr(ours, method)).parameters
            assert list(got) == list(wanted), f"{name}.{method}"
            for key, parameter in wanted.items():
                assert got[key].default == parameter.default, f"{name}.{method} {key}"


def test_bad_input_of_layers() -> None:
    layer = layers.MultiHeadAttention(2, 3, name="heads")
    with pytest.raises(ShapeError, match=r"layer 'heads'.*mask.*\(3, 2, 6, 4\).*\(3, 1, 6, 5\)"):
        layer(X, Y, attention_mask=np.ones((3, 6, 5), bool))
    with pytest.raises(ShapeError, match=r"heads.*must be equal.*\(3, 4, 8\).*\(3, 6, 8\)"):
        layers.MultiHeadAttention(2, 3, name="heads")(X, Y, X)
    for name in ("num_heads", "key_dim", "value_dim"):
        options = {"num_heads": 2, "key_dim": 3, name: 0}
        with pytest.raises(ValueError, match=f"argument `{name}`"):
            layers.MultiHeadAttention(**options)
    with pytest.raises(ValueError, match="divisible.*5.*2"):
        layers.GroupQueryAttention(3, 5, 2)
    with pytest.raises(ValueError, match="sliding_window"):
        layers.GroupQueryAttention(3, 4, 2, sliding_window=0)
    with pytest.raises(ValueError, match="dropout"):
        layers.MultiHeadAttention(2, 3, dropout=1.5)
    with pytest.raises(ValueError, match="Dropout is not supported when flash"):
        layers.MultiHeadAttention(2, 3, dropout=0.1, flash_attention=True)
    with pytest.raises(ValueError, match="Returning attention scores"):
        layers.MultiHeadAttention(2, 3, flash_attention=True)(X, Y, return_attention_scores=True)
    with pytest.raises(ValueError, match="list of inputs"):
        layers.Attention()(X)
    with pytest.raises(ValueError, match="length 2 or 3"):
        layers.Attention()([X])
    with pytest.raises(ShapeError, match=r"mask of value of shape \(3, 4\), got \(3, 5\)"):
        layers.Attention()([X, Y], mask=[None, np.ones((3, 5), bool)])
