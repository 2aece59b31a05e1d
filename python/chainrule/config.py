"""Process-wide defaults: the float type, the fuzz factor, the image layout.

Examples
--------
>>> floatx(), epsilon(), image_data_format(), backend()
('float32', 1e-07, 'channels_last', 'chainrule')
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from chainrule.namespace import publish

if TYPE_CHECKING:
    from chainrule.dtypes import dtype_policy, set_dtype_policy

__all__ = [
    "backend",
    "disable_interactive_logging",
    "dtype_policy",
    "enable_interactive_logging",
    "epsilon",
    "floatx",
    "image_data_format",
    "is_interactive_logging_enabled",
    "set_dtype_policy",
    "set_epsilon",
    "set_floatx",
    "set_image_data_format",
]

_FLOAT_TYPES = ("bfloat16", "float16", "float32", "float64")
_IMAGE_DATA_FORMATS = ("channels_last", "channels_first")

_floatx = "float32"
_epsilon = 1e-7
_image_data_format = "channels_last"
_interactive_logging = True


def backend() -> str:
    """The name of the engine that computes: always `"chainrule"`."""
    return "chainrule"


def floatx() -> str:
    """The default float type, as a name: `"float32"` until `set_floatx` changes it."""
    return _floatx


def set_floatx(value: str) -> None:
    """Set the default float type.

    Parameters
    ----------
    value : str
        One of `"bfloat16"`, `"float16"`, `"float32"`, `"float64"`. Arithmetic exists in
        `"float32"` and `"float64"`.

    Raises
    ------
    ValueError
        For any other name.

    Examples
    --------
    >>> set_floatx("float64")
    >>> floatx()
    'float64'
    >>> set_floatx("float32")
    """
    global _floatx
    if value not in _FLOAT_TYPES:
        raise ValueError(f"Unknown `floatx` value: {value!r}. Expected one of {_FLOAT_TYPES}.")
    _floatx = str(value)


def epsilon() -> float:
    """The small number that keeps divisions and logarithms finite: 1e-7 by default."""
    return _epsilon


def set_epsilon(value: float) -> None:
    """Set the small number that `epsilon` returns.

    Examples
    --------
    >>> set_epsilon(1e-5)
    >>> epsilon()
    1e-05
    >>> set_epsilon(1e-7)
    """
    global _epsilon
    _epsilon = float(value)


def image_data_format() -> str:
    """Where the channels of an image are: `"channels_last"` or `"channels_first"`."""
    return _image_data_format


def set_image_data_format(data_format: str) -> None:
    """Set the layout of images that layers assume.

    Raises
    ------
    ValueError
        When `data_format` is neither `"channels_last"` nor `"channels_first"`.
    """
    global _image_data_format
    _image_data_format = standardize_data_format(data_format)


def standardize_data_format(data_format: str | None) -> str:
    """The given layout, checked and in lower case; `None` gives the default layout."""
    if data_format is None:
        return _image_data_format
    lowered = str(data_format).lower()
    if lowered not in _IMAGE_DATA_FORMATS:
        raise ValueError(
            "The `data_format` argument must be one of "
            f"{_IMAGE_DATA_FORMATS}. Received: data_format={data_format}"
        )
    return lowered


def enable_interactive_logging() -> None:
    """Print progress to standard output (the default)."""
    global _interactive_logging
    _interactive_logging = True


def disable_interactive_logging() -> None:
    """Send progress to `absl`-like logging (Python's `logging`) instead of standard output."""
    global _interactive_logging
    _interactive_logging = False


def is_interactive_logging_enabled() -> bool:
    """Whether progress is printed (`True`) or logged (`False`)."""
    return _interactive_logging


# They need this module themselves.

publish(
    globals(), {name: f"chainrule.dtypes:{name}" for name in ("dtype_policy", "set_dtype_policy")}
)
