"""Every fusion on its rows: found where it should be, left alone where not, the bits those of the ops."""

from __future__ import annotations

import pytest

from chainrule import _core
from tests import fusions
from tests.fusions import Chain, Fused, Left

ROWS = [(fusion, row) for fusion in fusions.files() for row in fusions.load(fusion)]


def test_fusions_and_files_of_rows_agree() -> None:
    assert sorted(_core.fusions()) == fusions.files()
    for fusion in fusions.files():
        kinds = [isinstance(row, Fused) for row in fusions.load(fusion)]
        assert any(kinds), f"fusions/{fusion}.py has no row in which it is found"


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize(("fusion", "row"), ROWS, ids=[f"{f}-{row.name}" for f, row in ROWS])
def test_rows(fusion: str, row: Fused | Left, dtype: str) -> None:
    c = Chain(dtype)
    outputs = row.build(c)
    program = c.check(outputs, exact=not isinstance(row, Fused) or row.exact)
    tasks = program.explain()
    found = any(fusion in task["fusions"] for task in tasks)
    assert found == isinstance(row, Fused), tasks
    misses = [miss for task in tasks for miss in task["misses"] if miss.startswith(f"{fusion}: ")]
    if isinstance(row, Left):
        assert bool(misses) == (row.why is not None), misses
        assert row.why is None or any(row.why in miss for miss in misses), misses


def test_every_task_of_a_pool_and_its_gradient_says_who_made_it() -> None:
    c = Chain()
    p, dy = fusions.pool(c, c.input(3, 8, 8, 2))
    made = {task["op"]: task["fusions"] for task in c.graph.compile([p, dy]).explain()}
    assert made == {"pool_with_argmax": ["pool_argmax"], "unpool": ["pool_argmax"]}
