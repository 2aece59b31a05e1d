"""A sample of the checker's tables: no right model is called wrong, every planted fault is, by name."""

from __future__ import annotations

import pytest

from tests import checker_tables
from tests.planted_faults import SIDES
from tests.random_models import KINDS


@pytest.mark.parametrize("kind", range(len(KINDS)), ids=KINDS)
def test_right_models_are_right(kind: int) -> None:
    seeds = [kind + len(KINDS) * turn for turn in (4, 5, 9)]
    counts, alarms = checker_tables.right_models(seeds)
    assert counts.total() == len(seeds)
    assert not alarms, alarms[0]


@pytest.mark.parametrize("side", SIDES)
def test_planted_faults_are_found_and_named(side: str) -> None:
    first = SIDES.index(side)
    counts, missed = checker_tables.faulty_models(range(300 + first, 300 + 3 * 16, len(SIDES)))
    assert not missed, missed[0]
    assert counts.total() >= 14
    assert len(counts) >= 3  # of factor, sign, term and axis
