"""ReversibleEmbedding: there and back with one table or two."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

import chainrule as cr
from chainrule import layers
from chainrule.tracing.masking import get_keras_mask

IDS = np.array([[1, 2, 0], [3, 4, 4]])


@pytest.mark.parametrize("tied", [True, False])
def test_there_and_back(tied: bool) -> None:
    layer = layers.ReversibleEmbedding(5, 3, tie_weights=tied, logit_soft_cap=0.1)
    y = layer(IDS)
    assert len(layer.weights) == (1 if tied else 2)
    table = layer.embeddings.numpy()
    np.testing.assert_array_equal(y, table[IDS])
    kernel = table.T if tied else layer.reverse_embeddings.numpy()
    np.testing.assert_allclose(layer(y, reverse=True), np.tanh(y @ kernel / 0.1) * 0.1, rtol=1e-5)
    again = layers.ReversibleEmbedding.from_config(layer.get_config())
    assert again.get_config() == layer.get_config()


def test_masks_shapes_and_dtypes() -> None:
    layer = layers.ReversibleEmbedding(5, 3, mask_zero=True, reverse_dtype="float64")
    y = layer(IDS)
    np.testing.assert_array_equal(get_keras_mask(y), IDS != 0)
    scores = layer(np.asarray(y), reverse=True)
    assert get_keras_mask(scores) is None and scores.dtype == "float64"
    ids = cr.Input((None,), dtype="int32")
    vectors = layer(ids)
    assert (vectors.shape, vectors.dtype) == ((None, None, 3), "float32")
    back = layer(vectors, reverse=True)
    assert (back.shape, back.dtype) == ((None, None, 5), "float64")


def test_given_weights() -> None:
    table, back = np.arange(10.0).reshape(5, 2), np.ones((2, 5))
    both = layers.ReversibleEmbedding(5, 2, tie_weights=False, weights=[table, back])
    np.testing.assert_array_equal(both(both(IDS), reverse=True)[0, 1], [9.0] * 5)
    one = layers.ReversibleEmbedding(5, 2, weights=table)
    np.testing.assert_array_equal(one(IDS), table[IDS])


def _model(tied: bool) -> Any:
    ids = cr.Input((3,), dtype="int32")
    layer = layers.ReversibleEmbedding(5, 4, tie_weights=tied, logit_soft_cap=2.0)
    x = layers.Dense(4, activation="tanh")(layer(ids))
    return cr.Model(ids, layer(x, reverse=True))


@pytest.mark.parametrize("tied", [True, False])
def test_gradients_and_files(tied: bool, tmp_path: Path) -> None:
    model = _model(tied)
    model.compile("adam", cr.losses.SparseCategoricalCrossentropy(from_logits=True))
    assert cr.checks.check_gradients(model, IDS, IDS).ok
    model.fit(IDS, IDS, epochs=2, verbose=0)
    model.save(tmp_path / "m.chainrule")
    loaded = cr.saving.load_model(tmp_path / "m.chainrule")
    np.testing.assert_array_equal(loaded.predict(IDS, verbose=0), model.predict(IDS, verbose=0))
