"""FeatureSpace: columns of all kinds, adapted, called, in models, in files."""

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
from chainrule.errors import ShapeError
from chainrule.utils import FeatureSpace

KINDS = {
    "float_1": "float",
    "float_2": "float_normalized",
    "float_3": "float_discretized",
    "float_4": "float_rescaled",
    "string_1": "string_categorical",
    "string_2": "string_hashed",
    "int_1": "integer_categorical",
    "int_2": "integer_hashed",
}
CROSSES = [("float_3", "string_1"), ("string_2", "int_2")]


def table() -> dict[str, Any]:
    makes = {"float": lambda i: i / 10, "string": str, "int": int}
    return {name: [makes[name.split("_")[0]](i) for i in range(10)] for name in KINDS}


def rows(of: dict[str, Any], row: int) -> dict[str, Any]:
    return {name: column[row] for name, column in of.items()}


def adapted(**options: Any) -> Any:
    space = FeatureSpace(KINDS, crosses=CROSSES, **options)
    space.adapt(table())
    return space


def test_one_vector_of_all_columns() -> None:
    space = adapted()
    found = space(table())
    assert found.shape == (10, 1 + 1 + 32 + 1 + 11 + 32 + 11 + 32 + 64)
    assert np.array_equal(space(rows(table(), 3)), found[3])
    np.testing.assert_allclose(found[:, 0], np.arange(10) / 10, rtol=1e-6)
    ints = np.argmax(found[:, 35:46], axis=1)
    assert sorted(ints) == list(range(1, 11))


def test_a_dict_of_vectors() -> None:
    space = FeatureSpace(
        {
            "a": FeatureSpace.string_categorical(output_mode="int", max_tokens=3),
            "b": FeatureSpace.integer_hashed(num_bins=4, output_mode="int"),
            "c": FeatureSpace.float_discretized(None, bin_boundaries=[0.0, 1.0]),
        },
        crosses=[FeatureSpace.cross(("a", "b"), crossing_dim=8, output_mode="int")],
        output_mode="dict",
    )
    data = {"a": ["x", "x", "y"], "b": [1, 2, 3], "c": [-1.0, 0.5, 2.0]}
    space.adapt(data)
    found = space(data)
    assert list(found) == ["a", "b", "c", "a_X_b"]
    assert found["a"].tolist() == [[1], [1], [2]] and found["c"].tolist() == np.eye(3).tolist()
    assert found["a_X_b"].shape == (3, 1)
    one = space(rows(data, 2))
    assert all(np.array_equal(one[name], found[name][2]) for name in found)
    made = space.get_preprocessing_features()
    assert {name: x.shape for name, x in made.items()} == dict.fromkeys("abc", (None, 1))


def test_batches_are_streamed() -> None:
    def batches() -> Iterator[Any]:
        for start in (0, 4, 8):
            cut = {name: column[start : start + 4] for name, column in table().items()}
            yield cut, np.zeros(len(cut["int_1"]))

    streamed = FeatureSpace(KINDS, crosses=CROSSES)
    streamed.adapt(batches())
    np.testing.assert_allclose(streamed(table()), adapted()(table()), atol=1e-5)
    single = FeatureSpace(KINDS, crosses=CROSSES)
    single.adapt(rows(table(), i) for i in range(10))
    np.testing.assert_allclose(single(table()), adapted()(table()), atol=1e-5)


def test_data_frames() -> None:
    pandas = pytest.importorskip("pandas")
    polars = pytest.importorskip("polars")
    expected = adapted()(table())
    for frame in (pandas.DataFrame(table()), polars.DataFrame(table())):
        space = FeatureSpace(KINDS, crosses=CROSSES)
        space.adapt(frame)
        assert np.array_equal(space(frame), expected)


def test_models_on_raw_columns(tmp_path: Path) -> None:
    space = adapted()
    y = np.arange(10) % 2
    out = layers.Dense(1, activation="sigmoid")(space.get_encoded_features())
    model = cr.Model(space.get_inputs(), out)
    model.compile(cr.optimizers.Adam(0.1), "binary_crossentropy", metrics=["accuracy"])
    data = {name: np.array(column) for name, column in table().items()}
    assert model.fit(data, y, epochs=30, verbose=0).history["accuracy"][-1] == 1.0
    expected = model.predict(data, verbose=0)
    np.testing.assert_allclose(model(data), expected, rtol=1e-5)
    assert model.evaluate(data, y, verbose=0)[1] == 1.0
    model.save(tmp_path / "m.chainrule")
    other = cr.saving.load_model(tmp_path / "m.chainrule")
    assert np.array_equal(other.predict(data, verbose=0), expected)
    # The same on columns that were encoded before.
    tail = cr.Sequential([cr.Input((space(table()).shape[1],)), layers.Dense(1, "sigmoid")])
    tail.set_weights(model.get_weights()[-2:])
    np.testing.assert_allclose(tail.predict(space(table()), verbose=0), expected, rtol=1e-4)


def test_spaces_come_back(tmp_path: Path) -> None:
    space = adapted()
    expected = space(table())
    space.save(tmp_path / "space.chainrule")
    loaded = cr.saving.load_model(tmp_path / "space.chainrule")
    loaded.save(tmp_path / "again.chainrule")
    again = cr.saving.load_model(tmp_path / "again.chainrule")
    for other in (loaded, again, copy.deepcopy(space), pickle.loads(pickle.dumps(space))):
        assert np.array_equal(other(table()), expected)
        model = cr.Model(other.get_inputs(), other.get_encoded_features())
        data = {name: np.array(column) for name, column in table().items()}
        np.testing.assert_allclose(model.predict(data, verbose=0), expected, rtol=1e-6)


def test_layers_of_ones_own_choice() -> None:
    texts = layers.TextVectorization(output_mode="tf_idf")
    space = FeatureSpace({"text": FeatureSpace.feature("string", texts, "float")})
    space.adapt({"text": ["1st string", "2nd string", "3rd string"]})
    assert space({"text": ["a string"]}).shape == (1, 5)
    normal = layers.Normalization(mean=12.0, variance=4.0)
    fixed = FeatureSpace(
        {"a": FeatureSpace.feature("float32", normal, "float"), "b": "integer_hashed"},
        output_mode="dict",
    )
    assert fixed({"a": [14.0], "b": [3]})["a"].tolist() == [[1.0]]


def test_what_is_refused() -> None:
    two = {"f1": "integer_categorical", "f2": "integer_categorical"}
    for features, options, part in (
        ({}, {}, "cannot be None or empty"),
        (two, {"crosses": [("f1", "f2")], "crossing_dim": None}, "`crossing_dim`"),
        (two, {"crosses": [("f1", "x")]}, "should be present in"),
        (two, {"output_mode": "x"}, "for argument `output_mode`"),
        ({"f1": "float_categorical"}, {}, "Invalid feature type: float_categorical"),
    ):
        with pytest.raises(ValueError, match=part):
            FeatureSpace(features, **options)
    with pytest.raises(ValueError, match="for argument `output_mode`"):
        FeatureSpace.string_hashed(3, output_mode="x")
    space = FeatureSpace(two)
    for act in (lambda: space({"f1": [0], "f2": [0]}), space.get_encoded_features):
        with pytest.raises(ValueError, match=r"You need to call `.adapt"):
            act()
    with pytest.raises(ValueError, match="expected the column 'f2'"):
        space.adapt({"f1": [1]})
    with pytest.raises(ValueError, match="can only be called on a dict"):
        space.adapt([1, 2][0])
    space.adapt({"f1": [1, 2], "f2": [1, 2]})
    expected = space({"f1": [1], "f2": [5]})
    with pytest.raises(ShapeError, match="columns of one length"):
        space({"f1": [1], "f2": [1, 2]})
    with pytest.raises(ShapeError, match="one row, or columns"):
        space({"f1": 1, "f2": [1, 2]})
    with pytest.raises(ValueError, match="only be called with a dict"):
        space(np.ones(3))
    with pytest.raises(ValueError, match="got NaN|expected integers"):
        space.adapt({"f1": [1, 2], "f2": [1, np.nan]})
    assert np.array_equal(space({"f1": [1], "f2": [5]}), expected)
    plain = FeatureSpace({"a": FeatureSpace.integer_hashed(3, output_mode="int")})
    with pytest.raises(ValueError, match="Cannot concatenate features"):
        plain({"a": [1]})
