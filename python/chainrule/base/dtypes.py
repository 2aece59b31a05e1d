"""Dtype names, and the rule for mixed dtypes.

A dtype is a string, named as in NumPy. Names that Keras knows (`float16`, `bfloat16`, `int8`, ...)
take part in the promotion rule; the core computes in `COMPUTE_DTYPES` only.

The rule is the least upper bound on JAX's promotion lattice ("Design of Type Promotion Semantics
for JAX", JAX enhancement proposal 9407), with one addition: an integer result is 64 bits wide only
when an input is.
"""

from __future__ import annotations

import functools
from typing import Any

import numpy as np

from chainrule.base import config
from chainrule.base.errors import DTypeError

__all__ = [
    "ALLOWED_DTYPES",
    "COMPUTE_DTYPES",
    "is_float_dtype",
    "is_int_dtype",
    "require_compute_dtype",
    "result_type",
    "standardize_dtype",
]

BOOL_TYPES = ("bool",)
INT_TYPES = ("uint8", "uint16", "uint32", "uint64", "int8", "int16", "int32", "int64")
FLOAT_TYPES = ("bfloat16", "float16", "float32", "float64")
FLOAT8_TYPES = ("float8_e4m3fn", "float8_e5m2")
COMPLEX_TYPES = ("complex64", "complex128")
WEAK_TYPES = ("int", "float")
ALLOWED_DTYPES = (*FLOAT_TYPES, *INT_TYPES, "bool", "string", *FLOAT8_TYPES, *COMPLEX_TYPES)
COMPUTE_DTYPES = ("float32", "float64", "int32", "int64", "uint8", "uint32", "uint64", "bool")

_PYTHON_TYPES: dict[Any, str] = {
    bool: "bool",
    int: "int32",
    float: "float32",
    complex: "complex64",
    str: "string",
    "int": "int32",
}

def _type_promotion_lattice() -> dict[str, list[str]]:
    """Each dtype -> the dtypes just above it; `int` and `float` are Python's, which are weak."""
    return {
        "bool": ["int"],
        "uint8": ["int16", "uint16"],
        "uint16": ["int32", "uint32"],
        "uint32": ["int64", "uint64"],
        "uint64": ["float"],
        "int": ["uint8", "int8", "complex64"],
        "int8": ["int16"],
        "int16": ["int32"],
        "int32": ["int64"],
        "int64": ["float"],
        "float": ["bfloat16", "float16"],
        "bfloat16": ["float32"],
        "float16": ["float32"],
        "float32": ["float64", "complex64"],
        "float64": ["complex128"],
        "complex64": ["complex128"],
        "complex128": [],
    }


def standardize_dtype(dtype: Any) -> str:
    """The name of a dtype given as a name, a NumPy or Python type, or an object with a `name`.

    Raises
    ------
    ValueError
        When it names no dtype that Keras knows.

    Examples
    --------
    >>> import numpy as np
    >>> standardize_dtype(None), standardize_dtype(np.uint8), standardize_dtype(int)
    ('float32', 'uint8', 'int32')
    """
    if dtype is None:
        return config.floatx()
    return _numpy_name(dtype) if isinstance(dtype, np.dtype) else _name_of(dtype)


def _name_of(dtype: Any) -> str:
    name = _PYTHON_TYPES.get(dtype, dtype) if isinstance(dtype, (str, type)) else dtype
    if not isinstance(name, str):
        name = getattr(name, "name", None) or getattr(name, "__name__", None)
        name = name or str(dtype).removeprefix("torch.")
    if name not in ALLOWED_DTYPES:
        raise ValueError(f"Invalid dtype: {dtype}")
    return str(name)


# NumPy makes the name anew at each use, in Python.
_numpy_name = functools.lru_cache(64)(_name_of)


def is_float_dtype(dtype: Any) -> bool:
    """Whether the dtype is a floating-point one.

    Examples
    --------
    >>> is_float_dtype("bfloat16"), is_float_dtype("int32")
    (True, False)
    """
    return standardize_dtype(dtype).startswith(("float", "bfloat"))


def is_int_dtype(dtype: Any) -> bool:
    """Whether the dtype is a signed or unsigned integer one (`bool` is neither).

    Examples
    --------
    >>> is_int_dtype("uint8"), is_int_dtype("bool")
    (True, False)
    """
    return standardize_dtype(dtype).startswith(("int", "uint"))


def require_compute_dtype(dtype: Any, place: str) -> str:
    """The dtype's name, when the core computes in it.

    Raises
    ------
    chainrule.errors.DTypeError
        When it does not; the message names `place` and the dtypes that would do.
    """
    name = standardize_dtype(dtype)
    if name not in COMPUTE_DTYPES:
        raise DTypeError(
            f"{place}: chainrule does not compute in {name}. Expected one of "
            f"{', '.join(COMPUTE_DTYPES)}."
        )
    return name


def _make_lattice_upper_bounds() -> dict[str, set[str]]:
    """Each dtype -> itself and all dtypes above it."""
    lattice = _type_promotion_lattice()
    bounds = {name: {name} for name in lattice}
    for name, found in bounds.items():
        new = set(lattice[name])
        while not new <= found:
            found |= new
            new = {above for below in new for above in lattice[below]}
            if name in new:
                raise ValueError(f"cycle detected in type promotion lattice for node {name}")
    return bounds


LATTICE_UPPER_BOUNDS = _make_lattice_upper_bounds()


@functools.lru_cache(512)
def _least_upper_bound(*names: str) -> str:
    """The lowest dtype that is not below any of `names`."""
    for name in names:
        if name not in LATTICE_UPPER_BOUNDS:
            raise ValueError(f"dtype={name!r} is not a valid dtype for Keras type promotion.")
    common = set.intersection(*(LATTICE_UPPER_BOUNDS[name] for name in names))
    least = [name for name in common if common <= LATTICE_UPPER_BOUNDS[name]]
    if len(least) != 1:
        raise ValueError(
            f"Input dtypes {names} have no available implicit dtype promotion path. "
            "Cast the inputs to the dtype of the result."
        )
    return least[0]


def _respect_weak_type(dtype: str, weak_type: bool) -> str:
    """The weak counterpart of a dtype where `weak_type`, else the dtype."""
    if not weak_type or dtype == "bool":
        return dtype
    for kind in ("float", "int", "complex"):
        if kind in dtype:
            return kind
    raise ValueError(
        f"Invalid value for argument `dtype`. Expected one of {ALLOWED_DTYPES}. "
        f"Received: dtype={dtype}"
    )


def _resolve_weak_type(dtype: str, precision: str = "32") -> str:
    """A dtype of the same kind with `precision` bits."""
    if dtype not in (*ALLOWED_DTYPES, *WEAK_TYPES):
        raise ValueError(
            f"Invalid value for argument `dtype`. Expected one of {ALLOWED_DTYPES}. "
            f"Received: dtype={dtype}"
        )
    if precision not in ("16", "32", "64"):
        raise ValueError(
            "Invalid value for argument `precision`. Expected one of ('16', '32', '64'). "
            f"Received: precision={precision}"
        )
    if dtype == "bool":
        return "bool"
    kind = next((k for k in ("uint", "int") if dtype.startswith(k)), "float")
    return f"{kind}{precision}"


def result_type(*dtypes: Any) -> str:
    """The dtype of an operation on inputs of these dtypes.

    Parameters
    ----------
    *dtypes
        Names, NumPy dtypes, or the Python types `int` and `float`, which are weak: they take
        the width of their neighbours. `None` stands for `floatx()`.

    Raises
    ------
    ValueError
        When an input is no dtype, or two inputs have no common dtype.

    Examples
    --------
    >>> result_type("uint8", float), result_type("int32", "float64"), result_type("int32", int)
    ('float32', 'float64', 'int32')
    >>> result_type("float16", "bfloat16")
    'float32'
    """
    if not dtypes:
        return config.floatx()
    if any(isinstance(d, str) and d in FLOAT8_TYPES for d in dtypes):
        raise ValueError(
            "There is no implicit conversions from float8 dtypes to others. "
            f"Cast the inputs first. Received: {dtypes}"
        )
    weak = tuple(d is int or d is float for d in dtypes)
    return _promote(tuple(standardize_dtype(d) for d in dtypes), weak, config.floatx()[-2:])


@functools.lru_cache(4096)
def _promote(names: tuple[str, ...], weak: tuple[bool, ...], precision: str) -> str:
    if all(weak):
        bound = _respect_weak_type(_least_upper_bound(*names), True)
    elif len(set(names)) == 1:
        bound = names[0]
    else:
        bound = _least_upper_bound(*(_respect_weak_type(n, w) for n, w in zip(names, weak)))
    if bound in WEAK_TYPES:
        bound = _resolve_weak_type(bound, precision)
    if bound in ("int64", "uint64") and bound not in names and "int64" not in names:
        bound = bound.replace("64", "32")
    return bound
