"""Batches of ever new lengths: one program for each length, compiled once; they share their memory."""

from __future__ import annotations

import sys
from typing import Any

import numpy as np
import pytest

import chainrule as cr
from chainrule import layers
from chainrule.training import runner

LENGTHS = list(range(5, 65))


class Batches(cr.utils.PyDataset):
    """One batch of ids for each length."""

    def __init__(self, lengths: list[int], rows: int = 4) -> None:
        super().__init__()
        self.lengths, self.rows = lengths, rows

    def __len__(self) -> int:
        return len(self.lengths)

    def __getitem__(self, number: int) -> tuple[np.ndarray, np.ndarray]:
        rng = np.random.default_rng(number)
        shape = (self.rows, self.lengths[number])
        return rng.integers(1, 50, shape).astype("int32"), rng.integers(0, 2, (self.rows, 1))


def network(units: int) -> cr.Model:
    cr.utils.set_random_seed(0)
    model = cr.Sequential(
        [
            cr.Input((None,), dtype="int32"),
            layers.Embedding(50, units, mask_zero=True),
            layers.GRU(units),
            layers.Dense(1, activation="sigmoid"),
        ]
    )
    model.compile("adam", "binary_crossentropy")
    return model


def test_each_length_is_compiled_once(monkeypatch: pytest.MonkeyPatch) -> None:
    made = []
    compile_step = runner.compile_step

    def counted(*args: Any) -> Any:
        made.append(args[-1])
        return compile_step(*args)

    monkeypatch.setattr(runner, "compile_step", counted)
    model = network(4)
    losses = model.fit(Batches(LENGTHS), epochs=4, verbose=0).history["loss"]
    assert len(made) == len(set(made)) == len(LENGTHS)
    assert losses[-1] < losses[0]


@pytest.mark.skipif(sys.platform != "linux", reason="reads /proc")
def test_the_programs_of_all_lengths_take_the_memory_of_the_longest() -> None:
    def resident() -> int:
        with open("/proc/self/statm") as file:
            return int(file.read().split()[1]) * 4096

    model = network(64)
    model.fit(Batches([400], 64), verbose=0)
    program, _ = next(iter(model._training.programs._programs.values()))
    before = resident()
    model.fit(Batches(list(range(300, 400, 4)), 64), verbose=0)
    assert program.arena_bytes > 20 << 20
    assert resident() - before < 6 * program.arena_bytes
