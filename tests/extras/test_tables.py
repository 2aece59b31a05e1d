"""Tables of pandas, polars, pyarrow and narwhals as data: by column, by name, refused by name."""

from __future__ import annotations

import datetime
import warnings
from typing import Any

import numpy as np
import pytest

import chainrule as keras
from chainrule import layers
from chainrule.base.tables import as_numbers
from chainrule.errors import DataError, DTypeError, NonFiniteError
from chainrule.utils import Dataset, FeatureSpace
from tests.extras import need

pd = need("pandas")
pl = need("polars")
pa = need("pyarrow")
nw = need("narwhals")

N = 8
RNG = np.random.default_rng(0)
NUMBERS = {"f": RNG.normal(size=N), "flag": np.arange(N) % 2 == 0, "n": np.arange(N)}
TEXTS = ["u", "v", "w", "u"] * 2
DAYS = [datetime.datetime(2024, 1, day + 1) for day in range(N)]
HOURS = [datetime.timedelta(hours=hour) for hour in range(N)]

MAKERS = {
    "pandas": pd.DataFrame,
    "polars": pl.DataFrame,
    "pyarrow": pa.table,
    "narwhals": lambda columns: nw.from_native(pl.DataFrame(columns)),
}
LIBRARIES = pytest.mark.parametrize("make", MAKERS.values(), ids=MAKERS)


def net(*loss: str) -> Any:
    model = keras.Sequential([layers.Dense(1, kernel_initializer=keras.initializers.Ones())])
    model.compile("sgd", *loss or ("mse",))
    return model


def categories(make: Any) -> tuple[Any, ...]:
    """A column of categories that are texts, and one of categories that are numbers."""
    table = make({"c": TEXTS, "m": [3, 5, 7, 3] * 2})
    if make is pd.DataFrame:
        return table["c"].astype("category"), table["m"].astype("category")
    if make is pa.table:
        return table["c"].dictionary_encode(), table["m"].dictionary_encode()
    if make is pl.DataFrame:
        return table["c"].cast(pl.Enum(["u", "v", "w"])), table["m"]
    return table["c"].cast(nw.Categorical), table["m"]


@LIBRARIES
def test_numbers_train_as_their_matrix(make: Any) -> None:
    table = make(NUMBERS)
    matrix = np.column_stack(list(NUMBERS.values()))
    a, b = net(), net()
    given = {"batch_size": 3, "shuffle": False, "verbose": 0, "epochs": 2}
    a.fit(table, table["f"], sample_weight=table["n"], validation_data=(table, table["f"]), **given)
    b.fit(matrix, NUMBERS["f"], sample_weight=NUMBERS["n"],
          validation_data=(matrix, NUMBERS["f"]), **given)  # fmt: skip
    assert a.history.history == b.history.history
    found = a.predict(table, verbose=0)
    assert type(found) is np.ndarray
    np.testing.assert_array_equal(found, b.predict(matrix, verbose=0))
    np.testing.assert_array_equal(a.predict_on_batch(table), found)
    assert a.evaluate(table, table["f"], verbose=0) == b.evaluate(matrix, NUMBERS["f"], verbose=0)
    assert a.train_on_batch(table, table["f"]) == b.train_on_batch(matrix, NUMBERS["f"])
    assert a.check_gradients(table, table["f"]).ok
    batches = Dataset.from_tensor_slices((table, table["f"])).batch(4)
    assert [x.shape for x, _ in batches] == [(4, 3)] * 2
    normal = layers.Normalization()
    normal.adapt(table)
    np.testing.assert_allclose(np.ravel(normal.mean), matrix.mean(0), rtol=1e-6)


@LIBRARIES
def test_columns_are_targets(make: Any) -> None:
    table = make(NUMBERS)
    _, numbered = categories(make)
    labels = np.array([3, 5, 7, 3] * 2)
    for column, expected in ((table["flag"], NUMBERS["flag"]), (numbered, labels)):
        a, b = net(), net()
        a.fit(table, column, verbose=0, shuffle=False)
        b.fit(table, expected, verbose=0, shuffle=False)
        assert a.history.history == b.history.history
    binary = net("binary_crossentropy")
    assert np.isfinite(binary.fit(table, table["flag"], verbose=0).history["loss"]).all()


@LIBRARIES
def test_what_is_no_number_is_refused_by_column_dtype_and_remedy(make: Any) -> None:
    words = {
        "city": (TEXTS, "such as 'u': encode it as numbers"),
        "day": (DAYS, "days since a start"),
        "span": (HOURS, r"of seconds \(`dt.total_seconds\(\)`\)"),
    }
    table = make({**NUMBERS, **{name: values for name, (values, _) in words.items()}})
    model = net()
    for name, (_, remedy) in words.items():
        with pytest.raises(DTypeError, match=f"x: .*column '{name}' of dtype .*{remedy}"):
            model.fit(table, table["f"], verbose=0)
        with pytest.raises(DTypeError, match=f"y: expected .* dtype .*{remedy}"):
            net().fit(NUMBERS["f"][:, None], table[name], verbose=0)
    assert not model.built
    texts, _ = categories(make)
    with pytest.raises(DTypeError, match="y: expected .* dtype .*by its codes"):
        net().fit(NUMBERS["f"][:, None], texts, verbose=0)
    with pytest.raises(DTypeError, match="column 'city'"):
        keras.ops.sum(table)


@LIBRARIES
def test_missing_values_are_said_by_column(make: Any) -> None:
    holes = {"i": [1, None] * 4, "b": [True, None, False, True] * 2, "f": NUMBERS["f"].tolist()}
    table = make(holes)
    expected = r"x: .*\(first in row 1\), in column 'i' of dtype .*, column 'b' of dtype .*fill"
    with pytest.warns(RuntimeWarning, match=expected) as caught:
        net().fit(table, table["f"], verbose=0)
    assert "'f'" not in str(caught[0].message)
    strict = net()
    strict.compile("sgd", "mse", non_finite="raise")
    with pytest.raises(NonFiniteError, match=expected):
        strict.fit(table, table["f"], verbose=0)
    with pytest.raises(NonFiniteError, match="y: expected finite numbers"):
        strict.fit(NUMBERS["f"][:, None], table["i"], verbose=0)
    made = as_numbers(table, "x")
    assert np.isnan(made[1::2, 0]).all() and made[0].tolist()[:2] == [1, 1]


def two_inputs(as_dict: bool = False) -> Any:
    f, n = keras.Input((1,), name="f"), keras.Input((1,), name="n", dtype="int32")
    both = layers.Concatenate()([f, layers.Rescaling(0.5)(n)])
    out = layers.Dense(1, kernel_initializer="ones")(both)
    model = keras.Model({"f": f, "n": n} if as_dict else [f, n], out)
    model.compile("sgd", "mse")
    return model


@LIBRARIES
@pytest.mark.parametrize("as_dict", [False, True])
def test_columns_go_to_inputs_by_name(make: Any, as_dict: bool) -> None:
    columns = {"n": NUMBERS["n"], "f": NUMBERS["f"]}
    table, y = make(columns), NUMBERS["f"]
    a, b = two_inputs(as_dict), two_inputs(as_dict)
    given = {"batch_size": 3, "shuffle": False, "verbose": 0, "epochs": 2}
    a.fit(table, y, validation_data=(table, y), **given)
    b.fit(columns, y, validation_data=(columns, y), **given)
    assert a.history.history == b.history.history
    np.testing.assert_array_equal(a.predict(table, verbose=0), b.predict(columns, verbose=0))
    np.testing.assert_array_equal(a.predict_on_batch(table), a.predict(table, verbose=0))
    assert a.evaluate(table, y, verbose=0) == b.evaluate(columns, y, verbose=0)
    assert a.train_on_batch(table, y) == b.train_on_batch(columns, y)
    assert a.check_gradients(table, y).ok
    assert np.isfinite(a.fit(iter([(table, y)]), verbose=0).history["loss"]).all()
    weights = [w.copy() for w in a.get_weights()]
    for columns, words in (
        ({"f": y}, r"no column for the input\(s\) 'n'"),
        ({"f": y, "n": y, "id": y, "x": y}, r"no input for the column\(s\) 'id', 'x'"),
        ({"f": y, "m": y}, r"'n'; no input for the column\(s\) 'm'"),
    ):
        with pytest.raises(DataError, match=words):
            a.fit(make(columns), y, verbose=0)
    with pytest.raises(DTypeError, match=r"x\['n'\]: expected .* such as 'u'"):
        a.fit(make({"f": y, "n": TEXTS}), y, verbose=0)
    with pytest.warns(RuntimeWarning, match="column 'f' of dtype"):
        a.predict(make({"f": [None, *y[1:]], "n": NUMBERS["n"]}), verbose=0)
    assert all(map(np.array_equal, weights, a.get_weights()))


def test_a_single_input_takes_the_matrix_or_its_column() -> None:
    table = pd.DataFrame({"a": [1.0, 2.0], "b": [3.0, 4.0]})
    x = keras.Input((2,), name="x")
    for inputs in (x, {"x": x}):
        model = keras.Model(inputs, layers.Dense(1, kernel_initializer="ones")(x))
        assert model.predict(table, verbose=0).ravel().tolist() == [4, 6]
    one = keras.Input((1,), name="b")
    model = keras.Model({"b": one}, layers.Dense(1, kernel_initializer="ones")(one))
    assert model.predict(table[["b"]], verbose=0).ravel().tolist() == [3, 4]
    with pytest.raises(DataError, match="'a'"):
        model.predict(table, verbose=0)
    with pytest.raises(DataError, match="more than one column 'f'"):
        two_inputs().predict(pd.DataFrame(np.ones((2, 3)), columns=["f", "f", "n"]), verbose=0)


@LIBRARIES
def test_a_feature_space_reads_tables(make: Any) -> None:
    columns = {**NUMBERS, "city": TEXTS}
    kinds = {
        "f": "float_normalized",
        "n": "integer_categorical",
        "flag": "integer_categorical",
        "city": "string_categorical",
    }
    table, expected, space = make(columns), FeatureSpace(kinds), FeatureSpace(kinds)
    expected.adapt({name: np.asarray(values).tolist() for name, values in columns.items()})
    space.adapt(table)
    wanted = expected({name: np.asarray(values).tolist() for name, values in columns.items()})
    np.testing.assert_array_equal(space(table), wanted)
    model = keras.Model(space.get_inputs(), layers.Dense(1)(space.get_encoded_features()))
    model.compile("sgd", "mse")
    model.fit(table, table["f"], verbose=0)
    np.testing.assert_array_equal(
        model.predict(table, verbose=0), model.predict(dict(columns), verbose=0)
    )
    with pytest.raises(DataError, match=r"no column for the input\(s\) 'city'"):
        model.predict(make(NUMBERS), verbose=0)
    with pytest.raises(ValueError, match="the column 'city'"):
        space(make(NUMBERS))
    with pytest.raises(DataError, match="column 'n': expected integers, got nan: fill"):
        space.adapt(make({**columns, "n": [None, *range(1, N)]}))


def test_categories_and_texts_of_a_feature_space() -> None:
    for make in MAKERS.values():
        texts, _ = categories(make)
        lookup = layers.StringLookup()
        lookup.adapt(texts)
        assert lookup.get_vocabulary()[1] == "u"
        assert lookup(texts).tolist() == lookup(TEXTS).tolist()


def test_rows_are_never_brought_into_another_order() -> None:
    table = pd.DataFrame({"f": NUMBERS["f"]})
    mixed = table["f"].sample(frac=1, random_state=1)
    model = net()
    for call in (
        lambda: model.fit(table, mixed, verbose=0),
        lambda: model.fit(table, table["f"], sample_weight=mixed, verbose=0),
        lambda: model.fit(table, table["f"], validation_data=(table, mixed), verbose=0),
        lambda: model.evaluate(table, mixed, verbose=0),
        lambda: model.train_on_batch(table, mixed),
    ):
        with pytest.raises(DataError, match=r"same index in two orders.*reset_index"):
            call()
    # Rows with other labels, and rows that are said to be in order, are taken as they stand.
    a, b = net(), net()
    a.fit(table, mixed.reset_index(drop=True), shuffle=False, verbose=0)
    b.fit(table.to_numpy(), mixed.to_numpy(), shuffle=False, verbose=0)
    assert a.history.history == b.history.history
    net().fit(table.set_axis(range(100, 100 + N)), mixed, verbose=0)


def test_tables_that_are_not_made_yet() -> None:
    lazy = pl.DataFrame(NUMBERS).lazy()
    for table in (lazy, nw.from_native(lazy)):
        with warnings.catch_warnings():
            warnings.simplefilter("error")
            with pytest.raises(DTypeError, match=r"got a LazyFrame.*collect\(\)"):
                net().predict(table, verbose=0)
            with pytest.raises(DTypeError, match=r"got a LazyFrame.*collect\(\)"):
                two_inputs().predict(table, verbose=0)


def test_without_narwhals(monkeypatch: pytest.MonkeyPatch) -> None:
    import sys

    foreign = nw.from_native(pl.DataFrame({"f": NUMBERS["f"], "city": TEXTS}))
    plain = nw.from_native(pl.DataFrame(NUMBERS))
    monkeypatch.setitem(sys.modules, "narwhals", None)
    for make in (pd.DataFrame, pl.DataFrame, pa.table):
        net().fit(make(NUMBERS), NUMBERS["f"], verbose=0)
        two_inputs().predict(make({"n": NUMBERS["n"], "f": NUMBERS["f"]}), verbose=0)
        with pytest.raises(DTypeError, match="column 'city' of dtype"):
            net().predict(make({"f": NUMBERS["f"], "city": TEXTS}), verbose=0)
    assert net().predict(plain, verbose=0).shape == (N, 1)
    with pytest.raises(ImportError, match=r"table of narwhals: .*pip install 'chainrule\[tables\]'"):
        net().predict(foreign, verbose=0)
