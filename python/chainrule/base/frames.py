"""Tables and their columns: of pandas, polars and pyarrow by their methods, of others by narwhals.

Rows are taken as they stand: an index is never used to bring two tables into one order.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from chainrule.base.errors import DataError, DTypeError

__all__ = ["Column", "as_dict", "by_name", "check_order", "column_of", "columns_of"]

# The most columns that a message names.
MOST = 5


class Column(NamedTuple):
    """A column of a table: its name, its values as the library has them, and their dtype there."""

    name: Any
    values: Any
    dtype: Any


def columns_of(x: Any) -> list[Column] | None:
    """The columns of a table; None for what is no table.

    Raises
    ------
    DTypeError
        A table whose rows are not made yet, such as polars' LazyFrame.
    ImportError
        A table of another library where narwhals is not installed.
    """
    if hasattr(x, "iloc") and hasattr(x, "columns"):  # pandas
        return [Column(label, x.iloc[:, i], x.dtypes.iloc[i]) for i, label in enumerate(x.columns)]
    if hasattr(x, "get_columns"):  # polars
        return [Column(column.name, column, column.dtype) for column in x.get_columns()]
    if hasattr(x, "column_names") and hasattr(x, "columns"):  # pyarrow
        names = zip(x.column_names, x.columns, strict=True)
        return [Column(label, column, column.type) for label, column in names]
    # Asked of the type: a LazyFrame would look for them.
    return _by_narwhals(x) if hasattr(type(x), "columns") else None


def _by_narwhals(x: Any) -> list[Column] | None:
    """The columns of a table of another library: cuDF, Modin, Dask, ..."""
    try:
        import narwhals
    except ImportError as error:
        raise ImportError(
            f"a table of {type(x).__module__.partition('.')[0]}: it is read by narwhals "
            "(`pip install 'chainrule[tables]'`)"
        ) from error
    table = narwhals.from_native(x, pass_through=True)
    if isinstance(table, narwhals.LazyFrame):
        raise DTypeError(
            f"expected a table, got a {type(x).__name__}, whose rows are not made yet: make a table "
            "of it (`collect()`)"
        )
    if not isinstance(table, narwhals.DataFrame):
        return None
    return [Column(column.name, column.to_numpy(), column.dtype) for column in table.iter_columns()]


def column_of(x: Any) -> Column | None:
    """A column by itself; None for what is none."""
    if not hasattr(x, "__array__") or hasattr(x, "__array_interface__") or hasattr(x, "columns"):
        return None
    dtype = getattr(x, "dtype", None)
    dtype = getattr(x, "type", None) if dtype is None else dtype  # pyarrow's has no name
    is_column = dtype is not None and (hasattr(x, "name") or hasattr(x, "type"))
    return Column(getattr(x, "name", None), x, dtype) if is_column else None


def by_name(x: Any, names: Sequence[str] | None, model: str) -> Any:
    """``{name: column}`` of a table, for a model with inputs of these names.

    What is no table, and a table for a model without named inputs, stay as they are; so does one for
    a model with a single input that is not named as a column.

    Parameters
    ----------
    x : table, or anything else
    names : sequence of str, optional
        The inputs that are to be found.
    model : str
        Its name, for the message.

    Raises
    ------
    DataError
        Inputs without a column, columns without an input, or one that comes twice, by their names.
    """
    columns = columns_of(x) if names else None
    if not names or columns is None:
        return x
    labels = [column.name for column in columns]
    if len(names) == 1 and names[0] not in labels:
        return x
    wrong = [
        f"{what} {', '.join(map(repr, found[:MOST]))}{' and more' if len(found) > MOST else ''}"
        for what, found in (
            ("no column for the input(s)", [name for name in names if name not in labels]),
            ("no input for the column(s)", [label for label in labels if label not in names]),
            ("more than one column", sorted({name for name in names if labels.count(name) > 1})),
        )
        if found
    ]
    if wrong:
        raise DataError(
            f"model '{model}': expected a table with a column for each input, got {'; '.join(wrong)}"
            f" (choose and name the columns: {', '.join(map(repr, names))})"
        )
    return as_dict(x)


def as_dict(x: Any) -> Any:
    """``{name: column}`` of a table; anything else as it is."""
    columns = columns_of(x)
    return x if columns is None else {column.name: column.values for column in columns}


def check_order(parts: Mapping[str, Any]) -> None:
    """Refuse tables and columns of pandas that hold the same labels in another order.

    Raises
    ------
    DataError
    """
    known = [(name, x.index) for name, x in parts.items() if hasattr(x, "iloc")]
    for name, index in known[1:]:
        first, expected = known[0]
        if len(index) != len(expected) or index.equals(expected):
            continue
        if set(index) == set(expected):
            raise DataError(
                f"data: expected {first} and {name} in one order, got the same index in two orders. "
                "Rows are taken as they stand, not matched by their index: bring them into one order "
                f"(`{name}.loc[{first}.index]`), or say that they are (`reset_index(drop=True)`)"
            )
