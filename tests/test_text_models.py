"""Models that begin with texts: fit, predict, files, copies, generators."""

from __future__ import annotations

import copy
import pickle
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import chainrule as cr
from chainrule import layers
from chainrule.errors import DataError, DTypeError
from chainrule.models import host
from chainrule.training.loaded import LoadedRows

Array = Any

RNG = np.random.default_rng(0)
GOOD, BAD = ["good", "great", "fine"], ["bad", "awful", "poor"]
Y = np.arange(64) % 2
X = np.array([" ".join(RNG.choice(GOOD if y else BAD, 4)) + " film!" for y in Y])


def vectorization(**options: Any) -> Any:
    layer = layers.TextVectorization(**options)
    layer.adapt(X)
    return layer


def sequential() -> Any:
    texts = vectorization(output_sequence_length=6)
    return cr.Sequential(
        [
            cr.Input((1,), dtype="string"),
            texts,
            layers.Embedding(texts.vocabulary_size(), 8, mask_zero=True),
            layers.GlobalAveragePooling1D(),
            layers.Dense(1, activation="sigmoid"),
        ]
    )


def functional() -> Any:
    texts = vectorization()
    x = cr.Input((), dtype="string")
    h = layers.Embedding(texts.vocabulary_size(), 8)(texts(x))
    h = layers.Dense(1, activation="sigmoid")(layers.GlobalAveragePooling1D()(h))
    return cr.Model(x, h)


def without_input() -> Any:
    return cr.Sequential(
        [vectorization(output_mode="tf_idf"), layers.Dense(1, activation="sigmoid")]
    )


def nested() -> Any:
    inner = cr.Sequential([cr.Input((1,), dtype="string"), vectorization(output_mode="count")])
    outer = [cr.Input((1,), dtype="string"), inner, layers.Dense(1, activation="sigmoid")]
    return cr.Sequential(outer)


@pytest.mark.parametrize("make", [sequential, functional, without_input, nested])
def test_texts_train_and_come_back_from_files(make: Any, tmp_path: Path) -> None:
    model = make()
    model.compile(cr.optimizers.Adam(0.05), "binary_crossentropy", metrics=["accuracy"])
    history = model.fit(X, Y, epochs=12, verbose=0, validation_split=0.25).history
    assert history["val_accuracy"][-1] == 1.0
    expected = model.predict(X, verbose=0)
    assert np.array_equal(model(X), expected)
    for data in (X[:, None], X.tolist(), X.astype(object), np.char.encode(X)):
        assert np.array_equal(model.predict(data, verbose=0), expected)
    assert np.array_equal(model.predict_on_batch(X), expected)
    assert np.array_equal(model.predictor()(X), expected)
    assert model.evaluate(X, Y, verbose=0)[1] == 1.0
    path = tmp_path / "model.chainrule"
    model.save(path)
    for other in (
        cr.saving.load_model(path),
        pickle.loads(pickle.dumps(model)),
        copy.deepcopy(model),
    ):
        assert np.array_equal(other.predict(X, verbose=0), expected)
        other.fit(X, Y, verbose=0)
    assert np.array_equal(model.predict(X, verbose=0), expected)


def test_batches_of_texts_train() -> None:
    def batches() -> Iterator[Any]:
        while True:
            for i in range(0, 64, 16):
                yield X[i : i + 16], Y[i : i + 16]

    class Batches(cr.utils.PyDataset):
        def __len__(self) -> int:
            return 4

        def __getitem__(self, index: int) -> Any:
            return X[index * 16 :][:16].tolist(), Y[index * 16 :][:16]

    for make, data in ((sequential, batches()), (functional, Batches(workers=2))):
        model = make()
        model.compile(cr.optimizers.Adam(0.05), "binary_crossentropy", metrics=["accuracy"])
        model.fit(data, steps_per_epoch=4, epochs=12, verbose=0)
        assert model.evaluate(X, Y, verbose=0)[1] == 1.0
    assert len(model.predict(Batches(), verbose=0)) == 64


def test_texts_stand_beside_numbers() -> None:
    a = cr.Input((1,), dtype="string", name="word")
    b = cr.Input((1,), dtype="int64", name="number")
    c = cr.Input((2,), name="floats")
    parts = [
        layers.StringLookup(vocabulary=GOOD, output_mode="one_hot")(a),
        layers.IntegerLookup(vocabulary=[5, 6], output_mode="one_hot")(b),
        layers.Hashing(4, output_mode="one_hot")(b),
        c,
    ]
    model = cr.Model({"word": a, "number": b, "floats": c}, layers.Concatenate()(parts))
    data = {"word": ["good", "x"], "number": np.array([6, 5]), "floats": np.ones((2, 2))}
    found = model.predict(data, verbose=0)
    assert found[:, :7].tolist() == [[0, 1, 0, 0, 0, 0, 1], [1, 0, 0, 0, 0, 1, 0]]
    assert np.array_equal(model(data), found)
    # Numbers that are looked up are no numbers of the compiled step, however often they come.
    first = cr.Model(b, layers.IntegerLookup(vocabulary=[5, 6])(b))
    for _ in range(3):
        assert first.predict(np.array([[5], [9]]), verbose=0).tolist() == [[1], [0]]
        assert first.predict_on_batch(np.array([[6], [9]])).tolist() == [[2], [0]]


def test_large_bags_of_words_are_made_as_they_are_taken(monkeypatch: Any) -> None:
    model = without_input()
    model.compile("sgd", "binary_crossentropy")
    weights = [a.copy() for a in (model.fit(X, Y, verbose=0, shuffle=False), model.get_weights())[1]]
    monkeypatch.setattr(host, "_AT_ONCE", 100)
    source = model._source(X, Y)
    assert isinstance(source.x[0], LoadedRows)
    expected = np.asarray(model(X))
    assert np.array_equal(model.predict(X, verbose=0, batch_size=7), expected)
    other = without_input()
    other.build((None,))
    other.set_weights([np.zeros_like(w) for w in weights])
    other.compile("sgd", "binary_crossentropy")
    other.fit(X, Y, epochs=2, verbose=0, validation_split=0.25)


def test_bad_texts_change_no_weight() -> None:
    model = sequential()
    model.compile("adam", "binary_crossentropy")
    before = model.get_weights()
    bad = X.astype(object)
    bad[3] = None
    with pytest.raises(DataError, match="got None at position 3: fill"):
        model.fit(bad, Y, verbose=0)
    with pytest.raises(DTypeError, match="expected texts"):
        model.fit(np.arange(64), Y, verbose=0)
    for a, b in zip(before, model.get_weights()):
        assert np.array_equal(a, b)


def test_where_texts_cannot_go() -> None:
    class Own(cr.Model):
        def __init__(self) -> None:
            super().__init__()
            self.texts = vectorization(output_mode="count")
            self.dense = layers.Dense(1)

        def call(self, x: Any) -> Any:
            return self.dense(self.texts(x))

    model = Own()
    assert model(X).shape == (64, 1)
    with pytest.raises(DTypeError, match="make a functional or Sequential model"):
        model.predict(X, verbose=0)
    x = cr.Input((1,), dtype="string")
    words = layers.StringLookup(vocabulary=GOOD, invert=True)(
        layers.StringLookup(vocabulary=GOOD)(x)
    )
    back = cr.Model(x, words)
    assert back(["good", "x"]).ravel().tolist() == ["good", "[UNK]"]
    with pytest.raises(DTypeError, match="call the model itself"):
        back.predict(X, verbose=0)
    numbers = cr.Input((2,))
    behind = layers.Hashing(3)(layers.Dense(2)(numbers))
    with pytest.raises(ValueError, match="it could not be trained"):
        cr.Model(numbers, behind).predict(np.ones((2, 2)), verbose=0)
    plain = cr.Sequential([layers.Dense(1)])
    with pytest.raises(DTypeError, match="got dtype <U"):
        plain.predict(X, verbose=0)


def test_a_vocabulary_may_be_large(tmp_path: Path) -> None:
    words = [f"word{i}" for i in range(100_000)]
    texts = layers.TextVectorization()
    texts.set_vocabulary(words)
    model = cr.Sequential([cr.Input((1,), dtype="string"), texts])
    model.save(tmp_path / "m.chainrule")
    other = cr.saving.load_model(tmp_path / "m.chainrule")
    assert other.layers[0].get_vocabulary() == ["", "[UNK]", *words]
    assert other.predict(["word99999 x"], verbose=0).tolist() == [[100_001, 1]]


def test_copies_and_checks_of_models() -> None:
    model = sequential()
    model.compile("sgd", "binary_crossentropy")
    assert model.check_gradients(X, Y).ok
    other = cr.models.clone_model(model)
    assert other.layers[0].get_vocabulary() == model.layers[0].get_vocabulary()
    other.set_weights(model.get_weights())
    assert np.array_equal(other.predict(X, verbose=0), model.predict(X, verbose=0))
