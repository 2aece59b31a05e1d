"""Variable: a named array that a model keeps and updates; its numbers live in the core."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NoReturn

import numpy as np
from numpy.typing import NDArray

from chainrule import _core
from chainrule.base import loading, lookup
from chainrule.base.dtypes import is_float_dtype, standardize_dtype
from chainrule.base.name_scopes import current_path
from chainrule.base.naming import auto_name
from chainrule.tracing.arrays import as_stored, engine_array, engine_dtype, storage_dtype
from chainrule.tracing.autocast import get_autocast_scope
from chainrule.tracing.casting import to_tensor
from chainrule.tracing.scopes import active_scopes, assigned_scope, eager_scope
from chainrule.tracing.stateless import in_stateless_scope, register_uninitialized_variable
from chainrule.tracing.stored import Stored
from chainrule.tracing.tensor import shape_equal, standardize_shape

__all__ = ["Variable"]

_AGGREGATIONS = (None, "none", "mean", "sum", "only_first_replica")
_SYNCHRONIZATIONS = (None, "none", "on_read", "on_write", "auto")


class Variable(Stored):
    """An array with a name, a fixed shape and dtype, and numbers that can be assigned.

    Outside a trace, `value` is a NumPy array. Inside, reads and assignments become part of the
    graph. Inside a `StatelessScope` they go to that scope's mapping.

    Parameters
    ----------
    initializer : array-like, callable or str
        The first value; or a function of `(shape, dtype=)`, or the name of an initializer.
    shape : tuple of int, optional
        Required with a callable.
    dtype : str, optional
        Default: the dtype of the array given, else `floatx()`.
    trainable : bool, default True
    autocast : bool, default True
        Whether layers that compute in another float dtype read the variable in that dtype.
    layout, aggregation, synchronization : str, optional
        Kept for Keras's signatures; there is one device.
    name : str, optional

    Raises
    ------
    ValueError
        A callable without a shape, a shape with None, a name with "/", an unknown aggregation;
        an array as initializer inside a StatelessScope.

    Examples
    --------
    >>> v = Variable([1.0, 2.0], name="v")
    >>> v.assign_add([1.0, 1.0]).tolist()
    [2.0, 3.0]
    >>> v.path, v.shape, v.dtype
    ('v', (2,), 'float32')
    """

    def __init__(
        self,
        initializer: Any,
        shape: Any = None,
        dtype: Any = None,
        trainable: bool = True,
        autocast: bool = True,
        aggregation: str | None = "none",
        synchronization: str | None = "auto",
        name: str | None = None,
        layout: Any = None,
        **kwargs: Any,
    ) -> None:
        if kwargs:
            raise TypeError(f"Variable got unexpected keyword arguments: {sorted(kwargs)}")
        self.is_named = bool(name)
        name = name or auto_name(type(self).__name__)
        if not isinstance(name, str) or "/" in name:
            raise ValueError(
                "Argument `name` must be a string and cannot contain character `/`. "
                f"Received: name={name}"
            )
        _check_choice("aggregation", aggregation, _AGGREGATIONS)
        _check_choice("synchronization", synchronization, _SYNCHRONIZATIONS)
        self._name = name
        parent = current_path()
        self._path = f"{parent}/{name}" if parent else name
        self._trainable = bool(trainable)
        self._autocast = bool(autocast)
        self._aggregation = aggregation or "none"
        self._synchronization = synchronization or "none"
        self._layout = layout
        self._regularizer: Callable[[Any], Any] | None = None
        self._constraint: Callable[[Any], Any] | None = None
        self._overwrite_with_gradient = False
        self._initializer: Callable[..., Any] | None = None
        self._cell: _core.Cell | None = None
        self._create(initializer, shape, dtype)

    def _create(self, initializer: Any, shape: Any, dtype: Any) -> None:
        if isinstance(initializer, str):
            initializer = lookup.find("initializer", initializer)
        if not callable(initializer):
            if in_stateless_scope():
                raise ValueError(
                    "You are attempting to create a variable while in a stateless scope. This is "
                    "disallowed. Create variables before the scope, in a layer's `build` method "
                    "with `self.add_weight(shape, initializer)`."
                )
            with eager_scope():
                value = self._convert_to_tensor(initializer, dtype=dtype)
            self._dtype = standardize_dtype(value.dtype if dtype is None else dtype)
            self._shape = self._validate_shape(value.shape)
            self._initialize(value)
            return
        if shape is None:
            raise ValueError(
                "When creating a Variable from an initializer, the `shape` argument should be "
                f"specified. Received: initializer={initializer} and shape={shape}"
            )
        self._dtype = standardize_dtype(dtype)
        self._shape = self._validate_shape(shape)
        if in_stateless_scope():
            self._initializer = initializer
            register_uninitialized_variable(self)
        else:
            self._initialize_with_initializer(initializer)

    def _validate_shape(self, shape: Any) -> tuple[int, ...]:
        shape = standardize_shape(shape)
        if None in shape:
            raise ValueError(
                "Shapes used to initialize variables must be fully-defined (no `None` "
                f"dimensions). Received: shape={shape} for variable path='{self._path}'"
            )
        known = tuple(int(size or 0) for size in shape)
        bounds = loading.current()
        if bounds is not None:
            bounds.variable(self._path, known, np.dtype(engine_dtype(self._dtype)).itemsize)
        return known

    def _initialize(self, value: Any) -> None:
        self._cell = _core.Cell(self._to_engine(value))

    def _initialize_with_initializer(self, initializer: Callable[..., Any]) -> None:
        with eager_scope():
            value = initializer(self._shape, dtype=self._dtype)
            value = self._convert_to_tensor(value, dtype=self._dtype)
        if tuple(value.shape) != self._shape:
            raise ValueError(
                f"The initializer of variable '{self._path}' must return an array of shape "
                f"{self._shape}, got {tuple(value.shape)}."
            )
        self._initialize(value)

    def _deferred_initialize(self) -> None:
        if self._cell is not None:
            raise ValueError(f"Variable {self.path} is already initialized.")
        if in_stateless_scope():
            raise ValueError(
                "You are attempting to initialize a variable while in a stateless scope. This is "
                "disallowed. Make sure that all variables are initialized before you start using "
                "your layer/model objects."
            )
        if self._initializer is not None:
            self._initialize_with_initializer(self._initializer)
            self._initializer = None

    def _convert_to_tensor(self, value: Any, dtype: Any = None) -> Any:
        return to_tensor(value, dtype)

    def _to_engine(self, value: Any) -> NDArray[Any]:
        return engine_array(as_stored(value, self._dtype))

    @property
    def cell(self) -> _core.Cell | None:
        """The storage in the core; None until a deferred initializer has run."""
        return self._cell

    @property
    def _value(self) -> NDArray[Any] | None:
        if self._cell is None:
            return None
        return np.asarray(self._cell.read(), storage_dtype(self._dtype))

    @property
    def value(self) -> Any:
        """The current value: an array, or the traced or mapped value of the open scope."""
        value: Any = None
        for scope in active_scopes():
            value = scope.read(self)
            if value is not None:
                break
        if value is None:
            value = self._value
        if value is None and self._initializer is not None:
            value = self._convert_to_tensor(self._initializer(self._shape, dtype=self._dtype))
        autocast = get_autocast_scope()
        if self._autocast and autocast is not None:
            return autocast.maybe_cast(value)
        return value

    def numpy(self) -> NDArray[Any]:
        """The value as an array.

        Raises
        ------
        TypeError
            Inside a trace, where there are no numbers yet.
        """
        return np.array(self.__array__())

    def assign(self, value: Any) -> Any:
        """Make `value` the variable's value and return it, in the variable's dtype.

        Raises
        ------
        ValueError
            When the shapes differ.
        """
        value = self._convert_to_tensor(value, dtype=self._dtype)
        if not shape_equal(value.shape, self._shape):
            raise ValueError(
                "The shape of the target variable and the shape of the target value in "
                f"`variable.assign(value)` must match. variable.shape={self.shape}, "
                f"Received: value.shape={tuple(value.shape)}. Target variable: {self}"
            )
        scope = assigned_scope()
        if scope is not None:
            scope.assign(self, value)
        elif self._cell is None:
            self._initialize(value)
        else:
            self._cell.write(self._to_engine(value))
        return value

    def assign_add(self, value: Any) -> Any:
        """Add `value` and return the sum."""
        return self.assign(self + value)

    def assign_sub(self, value: Any) -> Any:
        """Subtract `value` and return the difference."""
        return self.assign(self - value)

    @property
    def dtype(self) -> str:
        """The dtype in which the variable reads here."""
        autocast = get_autocast_scope()
        if self._autocast and autocast is not None and is_float_dtype(self._dtype):
            return standardize_dtype(autocast.dtype)
        return self._dtype

    @property
    def stored_dtype(self) -> str:
        """The dtype in which the variable is stored, whatever scope is open."""
        return self._dtype

    @property
    def shape(self) -> tuple[int, ...]:
        """The sizes of the axes."""
        return self._shape

    @property
    def ndim(self) -> int:
        """The number of axes."""
        return len(self._shape)

    @property
    def trainable(self) -> bool:
        """Whether optimizers change the variable."""
        return self._trainable

    @trainable.setter
    def trainable(self, value: bool) -> None:
        self._trainable = bool(value)

    @property
    def name(self) -> str:
        """The name, without the path."""
        return self._name

    @property
    def path(self) -> str:
        """The names of the scopes around the variable's making, and its name, joined by "/"."""
        return self._path

    @property
    def aggregation(self) -> str:
        """As given; there is one device."""
        return self._aggregation

    @property
    def synchronization(self) -> str:
        """As given; there is one device."""
        return self._synchronization

    @property
    def overwrite_with_gradient(self) -> bool:
        """Whether an optimizer replaces the variable by its gradient instead of stepping."""
        return self._overwrite_with_gradient

    @overwrite_with_gradient.setter
    def overwrite_with_gradient(self, value: bool) -> None:
        if not isinstance(value, bool):
            raise TypeError(f"`overwrite_with_gradient` must be a boolean. Received: {value}")
        self._overwrite_with_gradient = value

    @property
    def regularizer(self) -> Callable[[Any], Any] | None:
        """A function of the variable that gives a loss, or None."""
        return self._regularizer

    @regularizer.setter
    def regularizer(self, value: Callable[[Any], Any] | None) -> None:
        _check_callable("regularizer", value)
        self._regularizer = value

    @property
    def constraint(self) -> Callable[[Any], Any] | None:
        """A function applied to the variable after each step of an optimizer, or None."""
        return self._constraint

    @constraint.setter
    def constraint(self, value: Callable[[Any], Any] | None) -> None:
        _check_callable("constraint", value)
        self._constraint = value

    def __repr__(self) -> str:
        value = self._value
        shown = "" if value is None else f", value={value}"
        return f"<Variable path={self.path}, shape={self.shape}, dtype={self.dtype}{shown}>"

    def __getstate__(self) -> dict[str, Any]:
        state = dict(self.__dict__)
        state["_cell"] = None if self._cell is None else self._cell.read()
        return state

    def __setstate__(self, state: dict[str, Any]) -> None:
        self.__dict__.update(state)
        if state["_cell"] is not None:
            self._cell = _core.Cell(state["_cell"])

    def __array__(self, dtype: Any = None, copy: bool | None = None) -> NDArray[Any]:
        return np.asarray(self.value, dtype)

    def __bool__(self) -> NoReturn:
        raise TypeError("A Keras Variable cannot be used as a boolean.")

    def _scalar(self) -> Any:
        if self.ndim > 0:
            raise TypeError(
                f"Only scalar arrays can be converted to Python scalars. Got: shape={self.shape}"
            )
        return self.value

    def __int__(self) -> int:
        return int(self._scalar())

    def __float__(self) -> float:
        return float(self._scalar())

    def __getitem__(self, key: Any) -> Any:
        return self.value[key]

    def __pos__(self) -> Any:
        return self.value


def _check_choice(argument: str, value: Any, choices: tuple[Any, ...]) -> None:
    if value not in choices:
        raise ValueError(
            f"Invalid value for argument `{argument}`. Expected one of {choices}. "
            f"Received: {argument}={value}"
        )


def _check_callable(attribute: str, value: Any) -> None:
    if value is not None and not callable(value):
        raise ValueError(
            f"Invalid value for attribute `{attribute}`. Expected a callable or `None`. "
            f"Received: {attribute}={value}"
        )
