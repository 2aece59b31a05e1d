"""Process-wide defaults: the float type, the fuzz factor, the image layout, the bound of loading.

Examples
--------
>>> floatx(), epsilon(), image_data_format(), backend()
('float32', 1e-07, 'channels_last', 'chainrule')
"""

from __future__ import annotations

import operator
import os
from pathlib import Path
from typing import Any

from chainrule.base.global_state import get_global_attribute, set_global_attribute

__all__ = [
    "backend",
    "disable_flash_attention",
    "disable_interactive_logging",
    "enable_flash_attention",
    "enable_interactive_logging",
    "epsilon",
    "floatx",
    "image_data_format",
    "is_flash_attention_enabled",
    "is_interactive_logging_enabled",
    "max_epochs",
    "max_steps_per_epoch",
    "memory_limit",
    "set_epsilon",
    "set_floatx",
    "set_image_data_format",
    "set_max_epochs",
    "set_max_steps_per_epoch",
    "set_memory_limit",
]

_FLOAT_TYPES = ("bfloat16", "float16", "float32", "float64")
_IMAGE_DATA_FORMATS = ("channels_last", "channels_first")

_floatx = "float32"
_epsilon = 1e-7
_image_data_format = "channels_last"
_interactive_logging = True
_memory_limit: int | None = None
# What `fit` may take, of epochs and of steps in an epoch.
_limits: dict[str, int | None] = {"epochs": None, "steps": None}


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


def max_epochs() -> int | None:
    """The most epochs that a `fit` takes, whatever it is asked for; None for no limit."""
    return _limits["epochs"]


def set_max_epochs(max_epochs: int | None) -> None:
    """Let no `fit` take more epochs: for a script that is only tried out.

    Raises
    ------
    ValueError
        Another value than None and integers from 1.

    Examples
    --------
    >>> set_max_epochs(2)
    >>> max_epochs()
    2
    >>> set_max_epochs(None)
    """
    _limits["epochs"] = _checked_limit("max_epochs", max_epochs)


def max_steps_per_epoch() -> int | None:
    """The most batches that an epoch, `evaluate` and `predict` take; None for no limit."""
    return _limits["steps"]


def set_max_steps_per_epoch(max_steps_per_epoch: int | None) -> None:
    """Let no epoch, `evaluate` or `predict` take more batches: for a script that is tried out.

    Raises
    ------
    ValueError
        Another value than None and integers from 1.

    Examples
    --------
    >>> set_max_steps_per_epoch(3)
    >>> max_steps_per_epoch()
    3
    >>> set_max_steps_per_epoch(None)
    """
    _limits["steps"] = _checked_limit("max_steps_per_epoch", max_steps_per_epoch)


def _checked_limit(name: str, value: int | None) -> int | None:
    if value is not None and (isinstance(value, bool) or not isinstance(value, int) or value < 1):
        raise ValueError(f"`{name}`: expected None or an integer from 1, got {value!r}")
    return value


def memory_limit() -> int:
    """The most bytes that a file or a configuration may make while it is loaded.

    Half of the memory that the process may have, unless `set_memory_limit` says otherwise.
    """
    if _memory_limit is not None:
        return _memory_limit
    return _memory() // 2


def set_memory_limit(value: int | None) -> None:
    """Set the bytes that `memory_limit` returns; None for the default.

    Raises
    ------
    ValueError
        Another value than a positive integer.

    Examples
    --------
    >>> set_memory_limit(2**30)
    >>> memory_limit()
    1073741824
    >>> set_memory_limit(None)
    """
    global _memory_limit
    _memory_limit = None if value is None else checked_memory_limit(value)


def checked_memory_limit(value: Any) -> int:
    """A limit in bytes as an int.

    Raises
    ------
    ValueError
        Another value than a positive integer.
    """
    try:
        limit = operator.index(value)
    except TypeError:
        limit = 0
    if limit <= 0 or isinstance(value, bool):
        raise ValueError(f"memory_limit: expected a positive number of bytes, got {value!r}")
    return limit


def _memory() -> int:
    """The bytes of memory of the machine, or of the control group that the process is in."""
    try:
        found = os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
    except (AttributeError, ValueError, OSError):  # not a POSIX system
        return 1 << 34
    try:
        return min(found, int(Path("/sys/fs/cgroup/memory.max").read_text()))
    except (OSError, ValueError):  # no group, or one without a limit
        return found


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


def enable_flash_attention() -> None:
    """Let layers choose flash attention (the default).

    Attention has one way of running, which keeps no matrix of all scores: this changes only what
    `is_flash_attention_enabled` says.
    """
    set_global_attribute("flash_attention", None)


def disable_flash_attention() -> None:
    """Take back `enable_flash_attention`."""
    set_global_attribute("flash_attention", False)


def is_flash_attention_enabled() -> bool | None:
    """`False` after `disable_flash_attention`, else `None`: left to the layers.

    Examples
    --------
    >>> disable_flash_attention()
    >>> is_flash_attention_enabled()
    False
    >>> enable_flash_attention()
    """
    found: bool | None = get_global_attribute("flash_attention")
    return found
