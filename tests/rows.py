"""What a case of an op is made of: values, memory layouts, rows, bad rows, and drawn cases."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from hypothesis import strategies as st

Array = np.ndarray
Draw = Callable[[np.random.Generator, tuple[int, ...]], Any]


# Values of inputs


def normal(rng: np.random.Generator, shape: tuple[int, ...]) -> Array:
    return rng.standard_normal(shape)


def uniform(low: float, high: float) -> Draw:
    return lambda rng, shape: rng.uniform(low, high, shape)


def integers(low: int, high: int) -> Draw:
    """Whole numbers in [low, high)."""
    return lambda rng, shape: rng.integers(low, high, shape)


def coins(rng: np.random.Generator, shape: tuple[int, ...]) -> Array:
    return rng.random(shape) < 0.5


def distinct(offset: float = 0.5) -> Draw:
    """Different multiples of 1/8, moved by offset / 8: no ties, no kink nearby, exact sums."""

    def draw(rng: np.random.Generator, shape: tuple[int, ...]) -> Array:
        size = int(np.prod(shape))
        return ((rng.permutation(size) - size // 2 + offset) / 8).reshape(shape)

    return draw


def shares(rng: np.random.Generator, shape: tuple[int, ...]) -> Array:
    """Probabilities: positive, the last axis sums to one."""
    raw = rng.uniform(0.1, 1.0, shape)
    return raw / raw.sum(axis=-1, keepdims=True)


def exactly(values: Any) -> Draw:
    return lambda rng, shape: np.asarray(values).reshape(shape)


# Memory layouts of inputs


def _every_other(x: Array) -> Array:
    if x.ndim == 0:
        return x
    wide = np.zeros((*x.shape[:-1], 2 * x.shape[-1]), x.dtype)
    wide[..., ::2] = x
    return wide[..., ::2]


def _backwards(x: Array) -> Array:
    turned = (..., *(slice(None, None, -1) for _ in x.shape))
    return x[turned].copy()[turned]


def _read_only(x: Array) -> Array:
    x = x.copy()
    x.flags.writeable = False
    return x


LAYOUTS: dict[str, Callable[[Array], Array]] = {
    "C": lambda x: np.array(x, order="C"),
    "F": lambda x: np.array(x, order="F"),
    "every_other": _every_other,
    "backwards": _backwards,
    "read_only": _read_only,
}


# Rows


@dataclass(frozen=True)
class Spec:
    """One input: its shape, dtype ("float" is the dtype of the run), values and memory layout."""

    shape: tuple[int, ...]
    values: Draw = normal
    dtype: str = "float"
    layout: str = "C"


@dataclass(frozen=True)
class Row:
    """One case of an op. An attribute dtype="float" stands for the dtype of the run.

    grad
        The inputs whose gradients are checked.
    differences
        Whether finite differences hold here (not at a kink).
    native
        Whether float32 is compared with the reference in float32, because the result hangs on a
        rounded constant.
    tolerance
        Other tolerances by dtype.
    reason
        Why one of the last three is not the usual one; without it they may not be.
    """

    op: str
    id: str
    attrs: Mapping[str, Any]
    inputs: tuple[Spec, ...]
    grad: tuple[int, ...] = ()
    differences: bool = True
    native: bool = False
    tolerance: Mapping[str, float] = field(default_factory=dict)
    reason: str = ""

    def __post_init__(self) -> None:
        unusual = not self.differences or self.native or bool(self.tolerance)
        if unusual != bool(self.reason):
            raise ValueError(
                f"row {self.op} {self.id}: an exception needs a reason, and only an exception"
            )

    def __str__(self) -> str:
        return f"{self.op}-{self.id}"


@dataclass(frozen=True)
class Bad:
    """Attributes and inputs that the op refuses, naming itself and every text of `match`."""

    op: str
    id: str
    attrs: Mapping[str, Any]
    inputs: tuple[Spec, ...]
    error: str
    match: tuple[str, ...] = ()

    def __str__(self) -> str:
        return f"{self.op}-{self.id}"


@dataclass(frozen=True)
class Drawn:
    """What a `draw(data)` gives: attributes, inputs in float64, and which have gradients."""

    attrs: Mapping[str, Any]
    inputs: list[Array]
    grad: tuple[int, ...] = ()
    differences: bool = True


def make(spec: Spec, dtype: str, rng: np.random.Generator) -> Array:
    """The array that a spec describes."""
    values = np.asarray(spec.values(rng, spec.shape))
    wanted = dtype if spec.dtype == "float" else spec.dtype
    return LAYOUTS[spec.layout](values.astype(wanted))


# Drawing


def draw_shape(
    data: st.DataObject, least: int = 0, most: int = 3, smallest: int = 1, side: int = 4
) -> tuple[int, ...]:
    """A shape of `least` to `most` axes, each of `smallest` to `side` elements."""
    sides = st.lists(st.integers(smallest, side), min_size=least, max_size=most)
    return tuple(data.draw(sides, label="shape"))


def draw_array(
    data: st.DataObject, shape: tuple[int, ...], values: Draw | None = None, dtype: str = "float64"
) -> Array:
    """An array of this shape in a drawn memory layout, with drawn values."""
    rng = np.random.default_rng(data.draw(st.integers(0, 2**32 - 1), label="seed of values"))
    layout = data.draw(st.sampled_from(sorted(LAYOUTS)), label="layout")
    return make(Spec(shape, values or distinct(), dtype, layout), "float64", rng)


def draw_axis(data: st.DataObject, shape: tuple[int, ...]) -> int:
    """An axis of the shape."""
    return data.draw(st.integers(0, len(shape) - 1), label="axis")


def draw_axes(data: st.DataObject, shape: tuple[int, ...]) -> list[int]:
    """Some axes of the shape, in ascending order; also none."""
    return [i for i in range(len(shape)) if data.draw(st.booleans(), label=f"axis {i}")]


def draw_part(data: st.DataObject, shape: tuple[int, ...]) -> tuple[int, ...]:
    """A shape that broadcasts to this one: leading axes left out, others shrunk to 1."""
    kept = shape[data.draw(st.integers(0, len(shape)), label="left out") :]
    return tuple(1 if data.draw(st.booleans(), label="shrunk") else n for n in kept)
