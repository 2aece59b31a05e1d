"""The core's ops, the reference files and the cases agree by name, and so do their functions."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import pytest

from chainrule import _core, reference
from tests import cases
from tests.rows import Row

# The attribute that names a function, where it is not "function".
ATTRIBUTE = {"random": "distribution"}


def functions_of_reference() -> dict[str, list[str]]:
    return {op: sorted(getattr(reference.load(op), "FUNCTIONS", {})) for op in reference.names()}


def functions_of_cases(known: Mapping[str, Sequence[str]]) -> dict[str, list[str]]:
    """By op, the functions that some row uses; none for an op without a table of functions."""
    found: dict[str, list[str]] = {}
    for op in cases.names():
        rows: list[Row] = cases.load(op).ROWS
        assert rows, f"cases/{op}.py has no rows"
        assert all(row.op == op for row in rows), f"cases/{op}.py has rows of another op"
        key = ATTRIBUTE.get(op, "function")
        used = {row.attrs[key] for row in rows} if known.get(op) else set()
        found[op] = sorted(used)
    return found


def check_registry() -> None:
    """Every op of the core has a reference and rows with the same functions, and vice versa."""
    core = {op: sorted(functions) for op, functions in _core.ops().items()}
    for where, other in (
        ("reference/", functions_of_reference()),
        ("tests/cases/", functions_of_cases(core)),
    ):
        assert sorted(core) == sorted(other), (
            f"{where}: missing {sorted(core.keys() - other.keys())},"
            f" unknown to the core {sorted(other.keys() - core.keys())}"
        )
        for op, functions in core.items():
            assert functions == other[op], (
                f"{where}{op}.py: missing {sorted(set(functions) - set(other[op]))},"
                f" unknown to the core {sorted(set(other[op]) - set(functions))}"
            )


def test_core_reference_and_cases_agree() -> None:
    check_registry()


def test_every_case_file_draws() -> None:
    missing = [op for op in cases.names() if not callable(getattr(cases.load(op), "draw", None))]
    assert not missing


def test_every_op_has_bad_rows() -> None:
    assert not [op for op in cases.names() if not cases.load(op).BAD]


def test_a_missing_reference_is_noticed(monkeypatch: pytest.MonkeyPatch) -> None:
    rest = [op for op in reference.names() if op != "softmax"]
    monkeypatch.setattr(reference, "names", lambda: rest)
    with pytest.raises(AssertionError, match=r"reference/: missing \['softmax'\]"):
        check_registry()


def test_a_missing_function_of_the_reference_is_noticed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delitem(reference.load("unary").FUNCTIONS, "tanh")
    with pytest.raises(AssertionError, match=r"reference/unary.py: missing \['tanh'\]"):
        check_registry()


def test_missing_cases_are_noticed(monkeypatch: pytest.MonkeyPatch) -> None:
    rest = [op for op in cases.names() if op != "softmax"]
    monkeypatch.setattr(cases, "names", lambda: rest)
    with pytest.raises(AssertionError, match=r"tests/cases/: missing \['softmax'\]"):
        check_registry()


def test_a_missing_row_is_noticed(monkeypatch: pytest.MonkeyPatch) -> None:
    rows = [row for row in cases.load("unary").ROWS if row.attrs["function"] != "tanh"]
    monkeypatch.setattr(cases.load("unary"), "ROWS", rows)
    with pytest.raises(AssertionError, match=r"tests/cases/unary.py: missing \['tanh'\]"):
        check_registry()


def test_an_op_unknown_to_the_core_is_noticed(monkeypatch: pytest.MonkeyPatch) -> None:
    ops = {op: functions for op, functions in _core.ops().items() if op != "softmax"}
    monkeypatch.setattr(_core, "ops", lambda: ops)
    with pytest.raises(AssertionError, match=r"unknown to the core \['softmax'\]"):
        check_registry()
