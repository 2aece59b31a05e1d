"""KerasTensor: a value that has a shape and a dtype but no numbers yet, in one of two states.

*Symbolic*: what `Input` returns. The shape may hold None; `_keras_history` names the operation
that made it, and so describes a functional model.

*Traced*: a value of a graph under construction. The shape is static; `value` is its number in
`graph`. Inside `fit` and `value_and_grad`, tensors are traced.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator
from typing import Any, NamedTuple, NoReturn, Protocol, cast

from chainrule._core import Graph
from chainrule.base import tree
from chainrule.base.dtypes import standardize_dtype
from chainrule.base.naming import auto_name
from chainrule.base.serialization import SPECIAL
from chainrule.base.sizes import Size, may_be
from chainrule.tracing.operators import Operators, call_op

__all__ = [
    "Building",
    "KerasHistory",
    "KerasTensor",
    "any_symbolic_tensors",
    "is_keras_tensor",
    "shape_equal",
    "standardize_shape",
]


class KerasHistory(NamedTuple):
    """The origin of a symbolic tensor: output `tensor_index` of a call (a node) of `operation`."""

    operation: Any
    node_index: int
    tensor_index: int


class Building(Protocol):
    """What a traced tensor knows of its trace."""

    graph: Graph

    def seen_around(self, x: KerasTensor) -> KerasTensor | None:
        """What a value of this trace is in the trace around, where it is known there."""


def standardize_shape(shape: Any) -> tuple[int | None, ...]:
    """`shape` as a tuple of ints and None, which also stands for a `Size`.

    Raises
    ------
    ValueError
        When `shape` is no iterable, or a dimension is a string, a float or negative.

    Examples
    --------
    >>> standardize_shape([3, None])
    (3, None)
    """
    if shape is None:
        raise ValueError("Undefined shapes are not supported.")
    if not isinstance(shape, Iterable):
        raise ValueError(f"Cannot convert '{shape}' to a shape.")
    dimensions = tuple(shape)
    unknown = (type(None), Size)
    return tuple(None if isinstance(d, unknown) else _dimension(d, dimensions) for d in dimensions)


def _dimension(d: Any, shape: tuple[Any, ...]) -> int:
    try:
        if isinstance(d, (str, float)):
            raise TypeError("a dimension is an int or None")
        size = int(d)
    except (TypeError, ValueError) as error:
        raise ValueError(
            f"Cannot convert '{shape}' to a shape. "
            f"Found invalid dimension '{d}' of type '{type(d)}'."
        ) from error
    if size < 0:
        raise ValueError(
            f"Cannot convert '{shape}' to a shape. Negative dimensions are not allowed."
        )
    return size


def shape_equal(a: Iterable[int | Size | None], b: Iterable[int | Size | None]) -> bool:
    """Whether two shapes may be the same; None fits any size."""
    a, b = tuple(a), tuple(b)
    return len(a) == len(b) and all(None in (m, n) or may_be(m, n) for m, n in zip(a, b))


def _constant_property(name: str, doc: str) -> property:
    attribute = f"_{name}"

    def get(self: Any) -> Any:
        return getattr(self, attribute)

    def refuse(self: Any, value: Any) -> NoReturn:
        raise AttributeError(
            f"The `{name}` attribute of KerasTensor is immutable. One should create a new "
            "instance of KerasTensor for this."
        )

    return property(get, refuse, doc=doc)


class KerasTensor(Operators):
    """A shape and a dtype, standing for an array that a model or a graph will compute.

    Parameters
    ----------
    shape : iterable of int or None
        None stands for a size that is not known yet, as that of a batch.
    dtype : str, default "float32"
    sparse, ragged : bool, default False
        Kept for Keras's signatures; chainrule computes with dense arrays only.
    record_history : bool, default True
        Whether operations on this tensor are recorded for a functional model.
    name : str, optional

    Raises
    ------
    ValueError
        A bad shape or dtype; `sparse` and `ragged` together.

    Examples
    --------
    >>> x = KerasTensor((None, 4))
    >>> (x @ KerasTensor((4, 2))).shape
    (None, 2)
    """

    __hash__ = object.__hash__

    trace: Building | None = None
    value: int = -1
    _keras_history: KerasHistory

    def __init__(
        self,
        shape: Any,
        dtype: Any = "float32",
        sparse: bool = False,
        ragged: bool = False,
        record_history: bool = True,
        name: str | None = None,
        **kwargs: Any,
    ) -> None:
        self._ragged_rank = kwargs.pop("ragged_rank", None)
        self._row_splits_dtype = kwargs.pop("row_splits_dtype", None)
        if kwargs:
            raise TypeError(f"Unexpected keyword arguments: {', '.join(kwargs)}")
        if sparse and ragged:
            raise ValueError(
                "KerasTensor cannot have `sparse=True` and `ragged=True` at the same time."
            )
        self._shape = standardize_shape(shape)
        self._dtype = standardize_dtype(dtype)
        self._sparse = bool(sparse)
        self._ragged = bool(ragged)
        self.name = name or auto_name(type(self).__name__)
        self.record_history = record_history

    @classmethod
    def traced(cls, trace: Building, value: int, shape: tuple[int, ...], dtype: str) -> KerasTensor:
        """The tensor for value number `value` of the graph of `trace`."""
        self = cls.__new__(cls)
        self._shape = shape
        self._dtype = dtype
        self._sparse = self._ragged = False
        self._ragged_rank = self._row_splits_dtype = None
        self.name = ""
        self.record_history = False
        self.trace = trace
        self.value = value
        return self

    def __getstate__(self) -> dict[str, Any]:
        """All but the call that made it, which comes with the model that holds the call."""
        return {name: x for name, x in self.__dict__.items() if name != "_keras_history"}

    def _special_config(self) -> dict[str, Any]:
        """The tensor as configs hold it."""
        history: Any = getattr(self, "_keras_history", None)
        if history:
            history = [history[0].name, *history[1:]]
        inner = {"shape": self.shape, "dtype": self.dtype, "keras_history": history}
        return {"class_name": "__keras_tensor__", "config": inner}

    shape = _constant_property("shape", "Sizes of the axes; None where unknown.")
    dtype = _constant_property("dtype", "The dtype's name.")
    sparse = _constant_property("sparse", "Always False for values that compute.")
    ragged = _constant_property("ragged", "Always False for values that compute.")
    ragged_rank = _constant_property("ragged_rank", "Kept for Keras's signatures.")
    row_splits_dtype = _constant_property("row_splits_dtype", "Kept for Keras's signatures.")

    @property
    def is_symbolic(self) -> bool:
        """True in the symbolic state, False in the traced one."""
        return self.trace is None

    @property
    def graph(self) -> Graph:
        """The graph that a traced tensor belongs to."""
        if self.trace is None:
            raise AttributeError(f"{self!r} is symbolic and belongs to no graph.")
        return self.trace.graph

    @property
    def ndim(self) -> int:
        """The number of axes."""
        return len(self._shape)

    @property
    def size(self) -> int | None:
        """The number of elements, or None where a dimension is unknown."""
        sizes = [d for d in self._shape if d is not None]
        return math.prod(sizes) if len(sizes) == self.ndim else None

    def reshape(self, *newshape: Any) -> Any:
        """As `ops.reshape`; sizes as one tuple or as separate arguments."""
        return call_op("reshape", self, newshape[0] if len(newshape) == 1 else newshape)

    def squeeze(self, axis: Any = None) -> Any:
        """As `ops.squeeze`."""
        return call_op("squeeze", self, axis)

    def astype(self, dtype: Any) -> Any:
        """As `ops.cast`."""
        return call_op("cast", self, dtype)

    def __repr__(self) -> str:
        if self.trace is not None:
            return f"<KerasTensor shape={self._shape}, dtype={self._dtype}, traced>"
        return (
            f"<KerasTensor shape={self._shape}, dtype={self._dtype}, sparse={self._sparse}, "
            f"ragged={self._ragged}, name={self.name}>"
        )

    def _refuse(self, target: str) -> NoReturn:
        if self.trace is None:
            raise ValueError(
                "A KerasTensor is symbolic: it stands for a shape and a dtype and doesn't have "
                f"any actual numerical value. It cannot be converted to {target}."
            )
        raise TypeError(
            f"{self!r} stands for a value that is computed when the traced graph runs; it cannot "
            f"be converted to {target} while tracing. Use `chainrule.ops` functions instead of "
            "NumPy or Python ones."
        )

    def __int__(self) -> int:
        self._refuse("an int")

    def __float__(self) -> float:
        self._refuse("a float")

    def __index__(self) -> int:
        self._refuse("an index")

    def __array__(self, dtype: Any = None, copy: bool | None = None) -> NoReturn:
        self._refuse("a NumPy array")

    def __bool__(self) -> bool:
        if self.trace is None:
            raise TypeError("A symbolic KerasTensor cannot be used as a boolean.")
        raise TypeError(
            "A traced KerasTensor cannot be used as a boolean: its value is computed when the "
            "graph runs. Use `ops.cond` or `ops.where` to choose between values."
        )

    def __jax_array__(self) -> NoReturn:
        _refuse_foreign("JAX")

    def __tf_tensor__(self, dtype: Any = None, name: Any = None) -> NoReturn:
        _refuse_foreign("TensorFlow")

    def __len__(self) -> int:
        if not self._shape:
            raise TypeError("len() of a KerasTensor without axes.")
        if self._shape[0] is None:
            raise TypeError(f"The length of {self!r} is not known.")
        return self._shape[0]

    def __iter__(self) -> Iterator[Any]:
        if self.trace is None:
            raise NotImplementedError("Iterating over a symbolic KerasTensor is not supported.")
        return iter(call_op("unstack", self))

    def __getitem__(self, key: Any) -> Any:
        return call_op("get_item", self, key)

    def __pos__(self) -> Any:
        return self

    def __eq__(self, other: object) -> Any:
        if self.trace is None and not _is_traced(other):
            return self is other
        return super().__eq__(other)


def _from_special_config(config: dict[str, Any]) -> KerasTensor:
    tensor: Any = KerasTensor(config["shape"], dtype=config["dtype"])
    tensor._pre_serialization_keras_history = config["keras_history"]
    return cast(KerasTensor, tensor)


SPECIAL["__keras_tensor__"] = _from_special_config


def _is_traced(x: object) -> bool:
    return isinstance(x, KerasTensor) and x.trace is not None


def _refuse_foreign(library: str) -> NoReturn:
    raise ValueError(
        f"A KerasTensor cannot be used as input to a {library} function: it stands for a shape "
        "and a dtype. Use `chainrule.ops` functions and layers on it."
    )


def any_symbolic_tensors(args: Any = None, kwargs: Any = None) -> bool:
    """Whether a symbolic KerasTensor is among the arguments, at any depth."""
    for x in (*(args or ()), *(kwargs or {}).values()):
        if isinstance(x, KerasTensor):
            if x.trace is None:
                return True
        elif isinstance(x, (list, tuple, dict)):
            if any(isinstance(y, KerasTensor) and y.trace is None for y in tree.flatten(x)):
                return True
    return False


def is_keras_tensor(x: Any) -> bool:
    """Whether `x` is a KerasTensor."""
    return isinstance(x, KerasTensor)
