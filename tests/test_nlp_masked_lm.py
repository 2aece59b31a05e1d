"""What hides tokens, and what says which they were."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

import chainrule as cr
from chainrule import layers, nlp, ops
from chainrule.errors import DataError, ShapeError
from chainrule.saving import load_model

RNG = np.random.default_rng(0)
STATES = RNG.normal(size=(2, 5, 4)).astype("float32")
PLACES = np.array([[1, 4, 0], [2, 2, 3]])


# The head


def head(shared: bool, **options: Any) -> Any:
    cr.utils.set_random_seed(3)
    table = layers.ReversibleEmbedding(7, 4) if shared else None
    layer = nlp.MaskedLMHead(
        None if shared else 7, table, "gelu", layer_norm_epsilon=1e-3, **options
    )
    layer(STATES, PLACES)
    for weight in layer.weights:
        weight.assign(RNG.normal(size=weight.shape))
    return layer


@pytest.mark.parametrize("shared", [True, False])
def test_a_head_is_its_formula(shared: bool) -> None:
    layer = head(shared)
    dense, norm = layer._intermediate_dense, layer._intermediate_layer_norm
    states = np.stack([STATES[row, PLACES[row]] for row in range(2)]).astype("float64")
    x = states @ dense.kernel.numpy() + dense.bias.numpy()
    x = np.asarray(cr.activations.gelu(x))
    x = (x - x.mean(-1, keepdims=True)) / np.sqrt(x.var(-1, keepdims=True) + 1e-3)
    x = x * norm.gamma.numpy() + norm.beta.numpy()
    scores = layer.token_embedding.embeddings.numpy().T if shared else layer._kernel.numpy()
    expected = x @ scores + layer._bias.numpy()
    np.testing.assert_allclose(layer(STATES, PLACES), expected, rtol=1e-4, atol=1e-5)
    assert layer.compute_output_shape((2, 5, 4), (2, 3)) == (2, 3, 7)
    likely = head(shared, activation="softmax")(STATES, PLACES)
    np.testing.assert_allclose(np.sum(likely, axis=-1), 1, rtol=1e-5)


@pytest.mark.parametrize("shared", [True, False])
def test_a_head_from_its_config(shared: bool) -> None:
    layer = head(shared)
    again = nlp.MaskedLMHead.from_config(layer.get_config())
    assert again.get_config() == layer.get_config()
    again(STATES, PLACES)
    again.set_weights(layer.get_weights())
    np.testing.assert_array_equal(again(STATES, PLACES), layer(STATES, PLACES))


def model_of(rows: int = 9) -> Any:
    """A table that embeds and scores, and a head, which says what was at places."""
    tokens = cr.Input((None,), dtype="int32", name="token_ids")
    places = cr.Input((None,), dtype="int32", name="mask_positions")
    table = layers.ReversibleEmbedding(rows, 4)
    scores = nlp.MaskedLMHead(token_embedding=table)(table(tokens), places)
    return cr.Model({"token_ids": tokens, "mask_positions": places}, scores)


def test_a_model_with_a_shared_table_is_checked_trained_and_saved(tmp_path: Path) -> None:
    cr.utils.set_random_seed(0)
    model = model_of()
    loss = cr.losses.SparseCategoricalCrossentropy(from_logits=True)
    model.compile(cr.optimizers.Adam(0.02), loss)
    hide = nlp.MaskedLMMaskGenerator(9, 0.3, mask_token_id=8, seed=0)
    hidden = hide(RNG.integers(1, 8, (6, 7)))
    x, y = {name: hidden[name] for name in ("token_ids", "mask_positions")}, hidden["mask_ids"]
    weights = hidden["mask_weights"]
    report = model.check_gradients(x, y)
    assert report.ok, str(report)
    losses = model.fit(x, y, sample_weight=weights, epochs=60, verbose=0).history["loss"]
    # Without a look at other places, how frequent the tokens are is all there is to learn.
    assert losses[-1] < 0.7 * losses[0]
    model.save(tmp_path / "m.chainrule")
    loaded = load_model(tmp_path / "m.chainrule")
    np.testing.assert_array_equal(loaded.predict(x, verbose=0), model.predict(x, verbose=0))
    # One table, in both places.
    assert len(loaded.trainable_variables) == len(model.trainable_variables) == 6


# What hides


def test_tokens_are_hidden_as_devlin_says() -> None:
    hide = nlp.MaskedLMMaskGenerator(
        50, 0.15, mask_token_id=3, unselectable_token_ids=[0, 1], seed=4
    )
    tokens = RNG.integers(4, 50, (3000, 20))
    tokens[:, 0] = 1
    lengths = RNG.integers(2, 21, 3000)
    tokens[np.arange(20) >= lengths[:, None]] = 0
    found = hide(tokens)
    assert {name: str(x.dtype) for name, x in found.items()} == {
        "token_ids": "int32",
        "mask_positions": "int32",
        "mask_ids": "int32",
        "mask_weights": "float32",
    }
    places, asked = found["mask_positions"], found["mask_weights"] == 1
    assert places.shape == (3000, 3)
    np.testing.assert_array_equal(asked.sum(axis=1), np.ceil(0.15 * (lengths - 1)))
    was = np.take_along_axis(tokens, places.astype("int64"), axis=1)
    np.testing.assert_array_equal(found["mask_ids"], np.where(asked, was, 0))
    assert not places[~asked].any() and not np.isin(was[asked], [0, 1]).any()
    both = asked[:, 1:] & asked[:, :-1]
    assert (np.diff(places, axis=1)[both] > 0).all()
    # Nothing else has changed.
    undone = found["token_ids"].copy()
    rows = np.nonzero(asked)[0]
    undone[rows, places[asked]] = was[asked]
    np.testing.assert_array_equal(undone, tokens)
    shown = found["token_ids"][rows, places[asked]]
    assert (shown == 3).mean() == pytest.approx(0.8 + 0.1 / 50, abs=0.02)
    assert (shown == was[asked]).mean() == pytest.approx(0.1 + 0.1 / 50, abs=0.02)
    assert set(range(50)) <= set(shown)
    # Every place of a sentence is as likely as another.
    counts = np.bincount(places[asked & (lengths[:, None] == 20)], minlength=20)[1:]
    assert counts.min() > 0.5 * counts.mean()


def test_each_call_hides_others_and_a_seed_says_which() -> None:
    tokens = RNG.integers(1, 9, (4, 12))
    one, other = (nlp.MaskedLMMaskGenerator(9, 0.5, 8, seed=5) for _ in range(2))
    first, second = one(tokens), one(tokens)
    assert (first["mask_positions"] != second["mask_positions"]).any()
    for name, array in other(tokens).items():
        np.testing.assert_array_equal(array, first[name])
    again = nlp.MaskedLMMaskGenerator.from_config(one.get_config())
    np.testing.assert_array_equal(again(tokens)["token_ids"], first["token_ids"])


@pytest.mark.parametrize("length, width", [(None, 7), (3, 3), (12, 12)])
def test_how_many_are_hidden_at_most(length: int | None, width: int) -> None:
    # In float64 0.7 of 10 would be a little more than 7.
    hide = nlp.MaskedLMMaskGenerator(9, 0.7, 8, mask_selection_length=length, seed=0)
    found = hide(np.ones((2, 10), int))
    assert found["mask_positions"].shape == found["mask_ids"].shape == (2, width)
    assert (found["mask_weights"].sum(axis=1) == min(width, 7)).all()
    row = hide([1, 2, 3, 4, 5, 6, 7, 1, 2, 3])
    assert row["token_ids"].shape == (10,) and row["mask_weights"].shape == (width,)
    assert hide.compute_output_shape((None, 10))["mask_ids"] == (None, width)


def test_what_hides_can_begin_a_model() -> None:
    tokens = cr.Input((6,), dtype="int32")
    hidden = nlp.MaskedLMMaskGenerator(9, 0.5, 8, seed=0)(tokens)
    table = layers.ReversibleEmbedding(9, 4)
    scores = nlp.MaskedLMHead(token_embedding=table)(
        table(hidden["token_ids"]), hidden["mask_positions"]
    )
    model = cr.Model(tokens, {"scores": scores, "ids": hidden["mask_ids"]})
    x = RNG.integers(1, 8, (4, 6))
    found = model.predict(x, verbose=0)
    assert found["scores"].shape == (4, 3, 9)
    assert all(set(ids) <= set(row) for ids, row in zip(found["ids"], x, strict=True))
    assert (model.predict(x, verbose=0)["ids"] != found["ids"]).any()


@pytest.mark.parametrize(
    "call, error, part",
    [
        (lambda: nlp.MaskedLMHead(), ValueError, "got neither"),
        (
            lambda: nlp.MaskedLMHead(8, layers.ReversibleEmbedding(7, 4)),
            ValueError,
            "has rows, 7, got vocabulary_size=8",
        ),
        (lambda: nlp.MaskedLMHead(0), ValueError, "positive integer"),
        (lambda: nlp.MaskedLMHead(token_embedding=3), TypeError, "ReversibleEmbedding, got int"),
        (lambda: nlp.MaskedLMHead(7)(STATES, PLACES + 1), DataError, "5"),
        (lambda: nlp.MaskedLMMaskGenerator(9, 1.5, 8), ValueError, "got (1.5, 0.8, 0.1)"),
        (
            lambda: nlp.MaskedLMMaskGenerator(9, 0.2, 8, random_token_rate=0.3),
            ValueError,
            "together 1 at most, got (0.2, 0.8, 0.3)",
        ),
        (lambda: nlp.MaskedLMMaskGenerator(9, 0.2, 9), ValueError, "from 0 to 8, got 9"),
        (lambda: nlp.MaskedLMMaskGenerator(9, 0.2, 8, 0), ValueError, "positive integer"),
        (lambda: nlp.MaskedLMMaskGenerator(9, 0.2, 8)([[1, 9]]), DataError, "0 to 8, got 1 to 9"),
        (lambda: nlp.MaskedLMMaskGenerator(9, 0.2, 8)([[1, 0.5]]), DataError, "integers, got 0.5"),
        (
            lambda: nlp.MaskedLMMaskGenerator(9, 0.2, 8)([[1], [1, 2]]),
            ShapeError,
            "different lengths",
        ),
        (
            lambda: nlp.MaskedLMMaskGenerator(9, 0.2, 8)(ops.ones((1, 1, 2))),
            ShapeError,
            "(1, 1, 2)",
        ),
    ],
)
def test_bad_input_is_refused(call: Any, error: Any, part: str) -> None:
    with pytest.raises(error) as caught:
        call()
    assert part in str(caught.value)
