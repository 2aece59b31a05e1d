"""The arguments of a perceptron, checked before it is fitted."""

from __future__ import annotations

import math
from collections.abc import Sequence
from numbers import Integral, Real
from typing import Any

import numpy as np

from chainrule.sklearn.network import ACTIVATIONS

__all__ = ["STOCHASTIC", "check_parameters", "layer_sizes"]

STOCHASTIC = ("sgd", "adam")
_CHOICES = {
    "activation": tuple(ACTIVATIONS),
    "solver": ("lbfgs", *STOCHASTIC),
    "learning_rate": ("constant", "invscaling", "adaptive"),
    "loss": ("squared_error", "poisson"),
}
# Least, whether that is allowed itself, most, whether that is.
_RANGES = {
    "alpha": (0.0, True, math.inf, False),
    "learning_rate_init": (0.0, False, math.inf, False),
    "power_t": (0.0, True, math.inf, False),
    "tol": (0.0, True, math.inf, False),
    "momentum": (0.0, True, 1.0, True),
    "validation_fraction": (0.0, True, 1.0, False),
    "beta_1": (0.0, True, 1.0, False),
    "beta_2": (0.0, True, 1.0, False),
    "epsilon": (0.0, False, math.inf, False),
}
_COUNTS = ("max_iter", "max_fun")
_SWITCHES = ("shuffle", "warm_start", "nesterovs_momentum", "early_stopping")


def check_parameters(name: str, parameters: dict[str, Any]) -> None:
    """Refuse what a perceptron cannot be fitted with.

    Parameters
    ----------
    name : str
        Of the estimator, for messages.
    parameters : dict
        As of `get_params`.

    Raises
    ------
    ValueError
        With the name of the argument, what is expected, and what came.

    Examples
    --------
    >>> check_parameters("MLPClassifier", {"solver": "adam", "alpha": -1.0})
    Traceback (most recent call last):
        ...
    ValueError: MLPClassifier: alpha: expected a number in [0, inf), got -1.0
    """
    for key, value in parameters.items():
        expected = _expected(key, value)
        if expected:
            raise ValueError(f"{name}: {key}: expected {expected}, got {value!r}")


def _expected(key: str, value: Any) -> str | None:
    """What an argument has to be, where it is not."""
    if key in _CHOICES:
        fits = isinstance(value, str) and value in _CHOICES[key]
        return None if fits else f"one of {list(_CHOICES[key])}"
    if key in _RANGES:
        least, with_least, most, with_most = _RANGES[key]
        words = f"{'[' if with_least else '('}{least:g}, {most:g}{']' if with_most else ')'}"
        if not isinstance(value, Real) or isinstance(value, bool):
            return f"a number in {words}"
        number = float(value)
        above = number >= least if with_least else number > least
        below = number <= most if with_most else number < most
        return None if above and below else f"a number in {words}"
    if key in _COUNTS:
        return None if _is_count(value) else "an integer of 1 or more"
    if key in _SWITCHES:
        return None if isinstance(value, (bool, np.bool_)) else "a bool"
    if key == "batch_size":
        fits = value == "auto" if isinstance(value, str) else _is_count(value)
        return None if fits else "'auto' or an integer of 1 or more"
    if key == "n_iter_no_change":
        fits = _is_count(value) or (isinstance(value, Real) and value == math.inf)
        return None if fits else "an integer of 1 or more, or infinity"
    if key == "hidden_layer_sizes":
        sizes = list(value) if _is_sequence(value) else [value]
        return None if all(map(_is_count, sizes)) else "integers of 1 or more"
    return None


def _is_count(value: Any) -> bool:
    return isinstance(value, Integral) and not isinstance(value, bool) and int(value) >= 1


def _is_sequence(value: Any) -> bool:
    return hasattr(value, "__iter__") and not isinstance(value, (str, bytes))


def layer_sizes(features: int, hidden: Any, outputs: int) -> list[int]:
    """The sizes of all layers, the inputs' and the outputs' too.

    Examples
    --------
    >>> layer_sizes(4, (8, 8), 1)
    [4, 8, 8, 1]
    """
    between: Sequence[Any] = list(hidden) if _is_sequence(hidden) else [hidden]
    return [features, *[int(size) for size in between], outputs]
