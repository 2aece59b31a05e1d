"""Learning rate schedules against their formulas in plain Python, eager and traced."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import chainrule as cr
from chainrule.optimizers import schedules
from chainrule.tracing.trace import Trace


def exponential(step: int) -> float:
    return 0.5 * 0.25 ** (step / 8)


def staircase(step: int) -> float:
    return 0.5 * 0.25 ** (step // 8)


def inverse(step: int) -> float:
    return 0.5 / (1 + 0.75 * step / 8)


def inverse_staircase(step: int) -> float:
    return 0.5 / (1 + 0.75 * (step // 8))


def piecewise(step: int) -> float:
    return 1.0 if step <= 3 else 0.5 if step <= 10 else 0.125


def polynomial(step: int) -> float:
    return (0.5 - 0.125) * (1 - min(step, 8) / 8) ** 2 + 0.125


def polynomial_cycle(step: int) -> float:
    return (0.5 - 0.125) * (1 - step / (8 * max(1, math.ceil(step / 8)))) + 0.125


def cosine(step: int) -> float:
    part = 0.5 * (1 + math.cos(math.pi * min(step, 8) / 8))
    return 0.5 * (0.75 * part + 0.25)


def cosine_warmup(step: int) -> float:
    if step < 4:
        return 0.25 + (2.0 - 0.25) * step / 4
    return 2.0 * 0.5 * (1 + math.cos(math.pi * min(step - 4, 8) / 8))


def restarts(t_mul: float) -> Callable[[int], float]:
    def rate(step: int) -> float:
        length, top, left = 4.0, 1.0, float(step)
        while left >= length:
            left -= length
            length *= t_mul
            top *= 0.5
        part = top * 0.5 * (1 + math.cos(math.pi * left / length))
        return 0.5 * (0.75 * part + 0.25)

    return rate


ROWS: list[tuple[schedules.LearningRateSchedule, Callable[[int], float]]] = [
    (schedules.ExponentialDecay(0.5, 8, 0.25), exponential),
    (schedules.ExponentialDecay(0.5, 8, 0.25, staircase=True), staircase),
    (schedules.InverseTimeDecay(0.5, 8, 0.75), inverse),
    (schedules.InverseTimeDecay(0.5, 8, 0.75, staircase=True), inverse_staircase),
    (schedules.PiecewiseConstantDecay([3, 10], [1.0, 0.5, 0.125]), piecewise),
    (schedules.PolynomialDecay(0.5, 8, 0.125, power=2.0), polynomial),
    (schedules.PolynomialDecay(0.5, 8, 0.125, cycle=True), polynomial_cycle),
    (schedules.CosineDecay(0.5, 8, alpha=0.25), cosine),
    (schedules.CosineDecay(0.25, 8, warmup_target=2.0, warmup_steps=4), cosine_warmup),
    (schedules.CosineDecayRestarts(0.5, 4, m_mul=0.5, alpha=0.25), restarts(2.0)),
    (schedules.CosineDecayRestarts(0.5, 4, t_mul=1.0, m_mul=0.5, alpha=0.25), restarts(1.0)),
]
by_row = pytest.mark.parametrize(("schedule", "formula"), ROWS)


@by_row
@pytest.mark.parametrize("step", [0, 1, 3, 4, 7, 8, 9, 10, 11, 12, 16, 20, 29])
def test_formula(schedule: Any, formula: Callable[[int], float], step: int) -> None:
    assert float(schedule(step)) == pytest.approx(formula(step), rel=2e-5, abs=1e-6)


@by_row
def test_a_variable_as_step_and_a_traced_step_give_the_same_bits(
    schedule: Any, formula: Callable[[int], float]
) -> None:
    step = cr.Variable(0, dtype="int32", trainable=False)
    with Trace() as trace:
        rate = schedule(step)
    program = trace.compile([rate])
    for value in (0, 2, 6, 9, 25):
        step.assign(value)
        eager = np.asarray(schedule(step))
        assert eager.shape == () and eager.dtype == np.float32
        assert program.run([])[0].tobytes() == eager.tobytes()
        assert float(eager) == pytest.approx(formula(value), rel=2e-5, abs=1e-6)


@by_row
def test_configuration_round_trip(schedule: Any, formula: Callable[[int], float]) -> None:
    again = schedules.deserialize(schedules.serialize(schedule))
    assert type(again) is type(schedule)
    assert again.get_config() == schedule.get_config()
    assert float(again(6)) == float(schedule(6))


@given(steps=st.integers(0, 10_000), decay_steps=st.integers(1, 1000))
def test_polynomial_decay_stays_between_its_ends(steps: int, decay_steps: int) -> None:
    for cycle in (False, True):
        rate = float(schedules.PolynomialDecay(1.0, decay_steps, 0.25, cycle=cycle)(steps))
        assert 0.25 - 1e-5 <= rate <= 1.0 + 1e-5


@pytest.mark.parametrize(
    "cls",
    [
        schedules.ExponentialDecay,
        schedules.InverseTimeDecay,
        schedules.PolynomialDecay,
        schedules.CosineDecay,
        schedules.CosineDecayRestarts,
    ],
)
def test_steps_must_be_positive(cls: Any) -> None:
    arguments = (0.1, 0, 0.5) if cls.__name__.endswith("TimeDecay") else (0.1, 0)
    if cls is schedules.ExponentialDecay:
        arguments = (0.1, 0, 0.5)
    with pytest.raises(ValueError, match="decay_steps` must be > 0. Received: .*decay_steps=0"):
        cls(*arguments)


def test_boundaries_and_values_must_match() -> None:
    with pytest.raises(ValueError, match="1 less than the length of values"):
        schedules.PiecewiseConstantDecay([1, 2], [0.1, 0.2])


def test_the_base_class_says_what_is_missing() -> None:
    schedule = schedules.LearningRateSchedule()
    with pytest.raises(NotImplementedError, match="must override `__call__"):
        schedule(0)
    with pytest.raises(NotImplementedError, match="must override `get_config"):
        schedule.get_config()


def test_an_unknown_class_lists_the_known_ones() -> None:
    with pytest.raises(ValueError, match="'Nope'.*CosineDecay.*PolynomialDecay"):
        schedules.deserialize({"class_name": "Nope", "config": {}})
