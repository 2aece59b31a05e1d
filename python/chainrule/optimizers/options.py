"""The settings that every optimizer takes."""

from __future__ import annotations

import math
import numbers
from typing import Any, NamedTuple, TypedDict


class OptionsBesidesDecay(TypedDict, total=False):
    """What an optimizer with a weight decay of its own shares with the others."""

    clipnorm: float | None
    clipvalue: float | None
    global_clipnorm: float | None
    use_ema: bool
    ema_momentum: float
    ema_overwrite_frequency: int | None
    loss_scale_factor: float | None
    gradient_accumulation_steps: int | None
    name: str | None


class OptimizerOptions(OptionsBesidesDecay, total=False):
    """Settings common to all optimizers; `Optimizer` says what each one does."""

    weight_decay: float | None


DEFAULTS: OptimizerOptions = {
    "weight_decay": None,
    "clipnorm": None,
    "clipvalue": None,
    "global_clipnorm": None,
    "use_ema": False,
    "ema_momentum": 0.99,
    "ema_overwrite_frequency": None,
    "loss_scale_factor": None,
    "gradient_accumulation_steps": None,
}


class Range(NamedTuple):
    """The values that a setting may have; `whole` for integers, `optional` where None is one."""

    low: float
    high: float = math.inf
    closed: str = "["
    whole: bool = False
    optional: bool = False

    def __contains__(self, value: object) -> bool:
        if value is None:
            return self.optional
        if getattr(value, "shape", None) == () and hasattr(value, "item"):
            value = value.item()
        if not isinstance(value, numbers.Real):
            return False
        number = float(value)
        if self.whole and (not isinstance(value, numbers.Integral) or isinstance(value, bool)):
            return False
        above = self.low <= number if self.closed[0] == "[" else self.low < number
        below = number <= self.high if self.closed[-1] == "]" else number < self.high
        return above and below

    def __str__(self) -> str:
        if self.whole:
            text = f"an integer >= {self.low:g}"
        else:
            end = "]" if self.closed[-1] == "]" else ")"
            text = f"in the range {self.closed[0]}{self.low:g}, {self.high:g}{end}"
        return f"{text} or None" if self.optional else text


_UNIT = Range(0, 1, "[]")
_DISCOUNT = Range(0, 1)
_POSITIVE = Range(0, closed="(")
_NOT_NEGATIVE = Range(0)
_LIMIT = Range(0, optional=True)

RANGES = {
    "learning_rate": _NOT_NEGATIVE,
    "weight_decay": _LIMIT,
    "clipnorm": _LIMIT,
    "clipvalue": Range(0, closed="[]", optional=True),
    "global_clipnorm": _LIMIT,
    "ema_momentum": _UNIT,
    "ema_overwrite_frequency": Range(1, whole=True, optional=True),
    "loss_scale_factor": Range(0, closed="(", optional=True),
    "gradient_accumulation_steps": Range(2, whole=True, optional=True),
    "momentum": _UNIT,
    "rho": _UNIT,
    "beta": _NOT_NEGATIVE,
    "beta_1": _DISCOUNT,
    "beta_2": _DISCOUNT,
    "beta_2_decay": Range(-math.inf, 0, "(]"),
    "epsilon": _NOT_NEGATIVE,
    "epsilon_1": _NOT_NEGATIVE,
    "epsilon_2": _NOT_NEGATIVE,
    "clip_threshold": _POSITIVE,
    "initial_accumulator_value": _NOT_NEGATIVE,
    "learning_rate_power": Range(-math.inf, 0, "(]"),
    "l1_regularization_strength": _NOT_NEGATIVE,
    "l2_regularization_strength": _NOT_NEGATIVE,
    "l2_shrinkage_regularization_strength": _NOT_NEGATIVE,
    "adam_beta_1": _DISCOUNT,
    "adam_beta_2": _DISCOUNT,
    "adam_weight_decay": _LIMIT,
    "adam_lr_ratio": _NOT_NEGATIVE,
    "rms_rate": _LIMIT,
    "ns_steps": Range(0, whole=True),
    "warmup_steps": Range(0, whole=True),
    "initial_scale": _POSITIVE,
    "dynamic_growth_steps": Range(1, whole=True),
}


def checked(name: str, value: Any, allowed: Range | None = None) -> Any:
    """`value`, where it is one that the setting of this name may have.

    Parameters
    ----------
    name : str
        A setting of any optimizer.
    value : number or None
    allowed : Range, optional
        Where an optimizer has another than `RANGES` says.

    Raises
    ------
    ValueError
        For NaN, what is no number, and a number outside the range.

    Examples
    --------
    >>> checked("beta_1", 0.9)
    0.9
    >>> checked("clipnorm", -1)
    Traceback (most recent call last):
    ValueError: `clipnorm` must be in the range [0, inf) or None. Received: clipnorm=-1
    """
    allowed = RANGES[name] if allowed is None else allowed
    if value not in allowed:
        raise ValueError(f"`{name}` must be {allowed}. Received: {name}={value}")
    return value


def check_one_clipping(
    clipnorm: float | None, clipvalue: float | None, global_clipnorm: float | None
) -> None:
    """Raise ValueError for two kinds of clipping at once."""
    if sum(limit is not None for limit in (clipnorm, clipvalue, global_clipnorm)) > 1:
        raise ValueError(
            "Only one of `clipnorm`, `clipvalue` and `global_clipnorm` can be set. "
            f"Received: clipnorm={clipnorm}, clipvalue={clipvalue}, "
            f"global_clipnorm={global_clipnorm}"
        )
