"""Data frames, columns and objects as data: numbers are taken, the rest is refused by name."""

from __future__ import annotations

import datetime
import decimal
import fractions
import warnings
from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import chainrule as keras
from chainrule.base.tables import as_numbers
from chainrule.errors import DataError, DTypeError


def net(width: int) -> Any:
    model = keras.Sequential([keras.Input((width,)), keras.layers.Dense(1)])
    model.compile("sgd", "mse")
    return model


class Column:
    """A column as polars has it."""

    def __init__(self, name: str, values: Any) -> None:
        self.name = name
        self.values = np.asarray(values)
        self.dtype = self.values.dtype

    def __array__(self, dtype: Any = None, copy: bool | None = None) -> Any:
        return self.values


class Frame:
    """A table as polars has it."""

    def __init__(self, **columns: Any) -> None:
        self.columns = [Column(name, values) for name, values in columns.items()]
        self.shape = (len(self.columns[0].values), len(self.columns))

    def get_columns(self) -> list[Column]:
        return self.columns

    def __array__(self, dtype: Any = None, copy: bool | None = None) -> Any:
        return np.array([list(row) for row in zip(*(c.values for c in self.columns))], object)


def frames(**columns: Any) -> Iterator[Any]:
    """The table in each library that is installed, and as one's own class."""
    yield Frame(**columns)
    for name, make in (("pandas", "DataFrame"), ("polars", "DataFrame"), ("pyarrow", "table")):
        try:
            library = __import__(name)
        except ImportError:
            continue
        yield getattr(library, make)(columns)


A, FLAG = np.linspace(0, 1, 8), np.arange(8) % 2 == 0


def test_columns_of_numbers_and_booleans_train() -> None:
    expected = np.column_stack([A, FLAG, np.arange(8)])
    for frame in frames(a=A, flag=FLAG, n=np.arange(8)):
        np.testing.assert_array_equal(as_numbers(frame, "x"), expected)
        model = net(3)
        history = model.fit(frame, A, epochs=2, verbose=0).history["loss"]
        assert np.isfinite(history).all()
        np.testing.assert_array_equal(
            model.predict(frame, verbose=0), model.predict(expected, verbose=0)
        )
        np.testing.assert_array_equal(model(frame), model(expected))
        model.evaluate(frame, A, verbose=0)
        model.fit(iter([(frame, A)]), verbose=0)
        model.fit(A[:, None].repeat(3, 1), A, validation_data=(frame, A), verbose=0)


def test_other_columns_are_refused_by_name_with_the_remedy() -> None:
    days = np.arange(8).astype("datetime64[D]").astype("datetime64[ms]")
    for frame in frames(a=A, city=["u", "v"] * 4, num=["1", "2.5"] * 4, day=days):
        before = net(4)
        weights = before.get_weights()
        with pytest.raises(DTypeError) as caught:
            before.fit(frame, A, verbose=0)
        text = str(caught.value)
        for part in ("x: ", "column 'city'", "'u'", "encode", "column 'num'", "astype(float)",
                     "column 'day'", "days since"):  # fmt: skip
            assert part in text
        assert "'a'" not in text
        np.testing.assert_array_equal(before.get_weights()[0], weights[0])
        with pytest.raises(DTypeError, match="column 'city'"):
            keras.layers.Dense(1)(frame)


def test_missing_numbers_are_nan_and_said_to_be_so() -> None:
    for frame in frames(a=A, b=[1, None] * 4, c=[True, None, False, True] * 2):
        made = as_numbers(frame, "x")
        assert np.isnan(made[1::2, 1]).all() and np.isnan(made[1::4, 2]).all()
        assert made[0].tolist() == [0, 1, 1]
        with pytest.warns(RuntimeWarning, match="x: expected finite numbers.*row 1"):
            net(3).fit(frame, A, verbose=0)


def test_pandas_dtypes() -> None:
    pd = pytest.importorskip("pandas")
    table = pd.get_dummies(pd.DataFrame({"a": A, "z": ["u", "v"] * 4}))
    assert len(net(3).fit(table, table["a"], verbose=0).history["loss"]) == 1
    good = pd.DataFrame(
        {
            "Int64": pd.array([1, 2], dtype="Int64"),
            "boolean": pd.array([True, False], dtype="boolean"),
            "Float32": pd.array([0.5, None], dtype="Float32"),
            "objects": np.array([1, 2.5], dtype=object),
            ("two", 3): pd.Categorical([7, 8]),
            "sparse": pd.arrays.SparseArray([0.0, 1.0]),
        }
    )
    made = as_numbers(good, "x")
    assert made[0].tolist() == [1, 1, 0.5, 1, 7, 0] and np.isnan(made[1, 2])
    for name in good.columns:
        assert as_numbers(good[name], "y").shape == (2,)
    for bad, words in {
        "category": (pd.Categorical(["u", "v"]), "encode"),
        "string": (pd.array(["u", "v"], dtype="string"), "encode"),
        "zoned": (pd.date_range("2020", periods=2, tz="UTC"), "days since"),
        "period": (pd.period_range("2020", periods=2, freq="D"), "turn it into"),
        "lists": ([[1, 2], [3, 4]], "numpy.stack"),
    }.items():
        table = pd.DataFrame({"a": [0.0, 1.0], bad: words[0]})
        with pytest.raises(DTypeError, match=f"column '{bad}' of dtype .*{words[1]}"):
            net(2).predict(table, verbose=0)
        with pytest.raises(DTypeError, match=words[1]):
            net(1).fit(A[:2, None], table[bad], verbose=0)
    twice = pd.DataFrame([[1.0, "u"], [2.0, "v"]], columns=["same", "same"])
    with pytest.raises(DTypeError, match="column 'same' of dtype"):
        as_numbers(twice, "x")


def test_polars_and_arrow_dtypes() -> None:
    pl = pytest.importorskip("polars")
    frame = pl.DataFrame({"f": [0.5, 1.0], "b": [True, None], "i": [1, None]})
    assert as_numbers(frame, "x")[0].tolist() == [0.5, 1, 1]
    assert len(net(1).fit(np.ones((2, 1)), frame["f"], verbose=0).history["loss"]) == 1
    with pytest.raises(DTypeError, match="column 'd' of dtype Date: .*days since"):
        as_numbers(pl.DataFrame({"f": [0.5], "d": [datetime.date(2020, 1, 1)]}), "x")
    with pytest.raises(DTypeError, match="column 'c' of dtype .*encode"):
        as_numbers(pl.DataFrame({"f": [0.5], "c": ["u"]}).cast({"c": pl.Categorical}), "x")


@given(
    st.lists(
        st.one_of(
            st.integers(-9, 9),
            st.booleans(),
            st.floats(-9, 9, width=32),
            st.integers(-9, 9).map(np.int8),
            st.floats(-9, 9, width=32).map(np.float32),
            st.booleans().map(np.bool_),
            st.none(),
        ),
        min_size=1,
    )
)
def test_objects_that_are_numbers_are_taken_as_they_are(values: list[Any]) -> None:
    if all(v is None for v in values):
        with pytest.raises(DTypeError, match="x: .* object without a number: fill it, or drop it"):
            as_numbers(np.array(values, dtype=object), "x")
        return
    made = as_numbers(np.array(values, dtype=object), "x")
    expected = [np.nan if v is None else float(v) for v in values]
    np.testing.assert_array_equal(made.astype("float64"), expected)
    if not any(v is None or isinstance(v, (float, np.floating)) for v in values):
        assert made.dtype.kind in "bi"
    lists = [[value, 1.5] for value in values if value is not None]
    if lists:
        with warnings.catch_warnings():
            warnings.simplefilter("error")
            assert net(2).predict(np.array(lists, dtype=object), verbose=0).shape[1] == 1


@pytest.mark.parametrize(
    ("values", "words"),
    [
        (["1", "2"], "astype"),
        (["1", "two"], "encode"),
        ([b"a", b"b"], "encode"),
        ([decimal.Decimal("1.5"), 2], "astype"),
        ([fractions.Fraction(1, 2), 2], "astype"),
        ([datetime.datetime(2020, 1, 1), 0], "days since"),
        ([datetime.timedelta(1), 0], "of seconds"),
        ([1j, 2], "real and imaginary"),
        ([{}, 1], "such as {}"),
        ([1, "u", None], "'u'"),
        (np.array([(1, 2.0)], dtype=[("a", int), ("b", float)]), "structured_to_unstructured"),
    ],
    ids=str,
)
def test_objects_that_are_no_numbers_get_the_remedy(values: Any, words: str) -> None:
    array = values if isinstance(values, np.ndarray) else np.array(values)
    for call in (
        lambda: net(1).fit(array[:, None], np.zeros(len(array)), verbose=0),
        lambda: net(1).fit(np.zeros((len(array), 1)), array, verbose=0),
        lambda: net(1).predict(list(values) if values is not array else array, verbose=0),
        lambda: keras.ops.sum(array),
    ):
        with pytest.raises(DTypeError) as caught:
            call()
        assert words in str(caught.value)


def test_integers_beyond_64_bits_are_refused() -> None:
    with pytest.raises(DataError, match="column 'b': .*64 bits"):
        as_numbers(Frame(a=[1, 2], b=np.array([2**70, 1], dtype=object)), "x")


def test_other_ways_in_name_the_column_too() -> None:
    frame = Frame(a=A, city=["u", "v"] * 4)
    with pytest.raises(DTypeError, match="adapt: .*column 'city'"):
        keras.layers.Normalization().adapt(frame)
    layer = keras.layers.Normalization()
    layer.adapt(Frame(a=A, flag=FLAG))
    np.testing.assert_allclose(np.ravel(layer.mean), [A.mean(), 0.5], rtol=1e-6)
    with pytest.raises(DTypeError, match="to_categorical: .*encode"):
        keras.utils.to_categorical(["cat", "dog"])
    with pytest.raises(DTypeError, match="column 'city'"):
        net(2).check_gradients(frame, A)
