"""The selftest: every op has rows, all is as published, and what is wrong is said."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from chainrule import _core, reference
from chainrule.selftest import SelfTest, running
from chainrule.selftest.__main__ import main
from chainrule.selftest.op_checks import check_ops
from chainrule.selftest.rows import Numbers, Row, covered, rows

ROOT = Path(__file__).resolve().parents[1]


@pytest.fixture(scope="module")
def result() -> SelfTest:
    return running.run()


def check_covered() -> None:
    found = covered()
    for op, functions in _core.ops().items():
        assert op in found, f"the selftest has no row of the op {op}"
        missing = set(functions) - found[op]
        assert not missing, f"the selftest has no row of {op} {sorted(missing)}"
    assert not set(found) - set(_core.ops())


def test_every_op_and_function_has_rows() -> None:
    check_covered()


def test_an_op_or_a_function_without_rows_is_noticed(monkeypatch: pytest.MonkeyPatch) -> None:
    ops = _core.ops()
    monkeypatch.setattr(_core, "ops", lambda: {**ops, "newop": []})
    with pytest.raises(AssertionError, match="no row of the op newop"):
        check_covered()
    with_one = {**ops, "unary": [*ops["unary"], "cube"]}
    monkeypatch.setattr(_core, "ops", lambda: with_one)
    with pytest.raises(AssertionError, match=r"no row of unary \['cube'\]"):
        check_covered()


def test_all_is_right_and_as_published(result: SelfTest) -> None:
    assert result.ok, str(result)
    assert {r.op for r in result.ops} == set(_core.ops())
    assert sum(r.rows for r in result.ops) > 2 * 150
    assert len(result.trainings) == 3 and all(t.ok for t in result.trainings)
    assert all(rate.gflops > 0.01 and rate.side >= 128 for rate in result.rates.values())
    assert set(result.rates) == {"float32", "float64"}
    text = str(result)
    for part in ("chainrule:", "NumPy:", "instructions:", "threads:", "load:", "GFLOP/s", "selftest:"):
        assert part in text
    told = json.loads(result.to_json())
    assert told["ok"] is True and told["faults"] == [] and told["system"] == result.system


def test_gradients_of_rows_are_compared() -> None:
    """Most rows have gradients that are not zero."""
    counted = [row for row in rows() if row.by != () and row.inputs]
    assert len(counted) > 110
    assert {row.op for row in rows()} == set(_core.ops())


def test_a_wrong_function_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    module = reference.load("unary")
    true = module.forward
    monkeypatch.setattr(
        module,
        "forward",
        lambda attrs, x: true(attrs, x) * (1 + 1e-6 * (attrs["function"] == "exp")),
    )
    for r in check_ops("float64"):
        assert bool(r.faults) == (r.op == "unary"), r
        if r.faults:
            assert "'exp'" in r.faults[0] and "output 0 is 1.0e-06 from" in r.faults[0]


def test_a_wrong_gradient_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    module = reference.load("conv")
    true = module.backward
    monkeypatch.setattr(
        module, "backward", lambda *args: tuple(-d for d in true(*args) if d is not None)
    )
    faults = [fault for r in check_ops("float32") for fault in r.faults]
    assert faults and all(f.startswith("conv {") and "the gradient by input" in f for f in faults)


def test_an_op_that_fails_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(attrs: Any, *args: Any) -> Any:
        raise RuntimeError("broken")

    monkeypatch.setattr(reference.load("sort"), "forward", broken)
    (fault,) = [fault for r in check_ops("float32") for fault in r.faults]
    assert fault.startswith("sort ") and "RuntimeError: broken" in fault


def test_other_bits_than_published_fail(
    result: SelfTest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: Any
) -> None:
    published = json.loads(running.PUBLISHED.read_text(encoding="utf-8"))
    published["ops"]["conv float32"] = "0" * 64
    published["trainings"]["dense"] = "1" * 64
    other = tmp_path / "digests.json"
    other.write_text(json.dumps(published))
    monkeypatch.setattr(running, "PUBLISHED", other)
    monkeypatch.setattr(running, "TRAININGS", {"dense": running.TRAININGS["dense"]})
    assert main([]) == 1
    text = capsys.readouterr().out
    assert "OTHER BITS: conv float32" in text
    assert "conv float32: other bits than those published" in text
    assert "training, dense: other weights than those published" in text
    assert text.splitlines()[-1].startswith("selftest:        FAILED in ")


def test_numbers_are_the_same_everywhere() -> None:
    """Of integers alone, whose stream NumPy keeps."""
    numbers = Numbers("row", "float64")
    assert (numbers.floats((2,)) * 2**18 + 2**19).tolist() == [584154.0, 103930.0]
    wide, narrow = Numbers("a", "float64").floats((50,)), Numbers("a", "float32").floats((50,))
    assert np.array_equal(wide, narrow) and np.ptp(wide) > 2
    assert len(set(Numbers("b", "float32").distinct((5, 7)).ravel())) == 35
    assert str(Row("unary", {"function": "exp"}, ())) == "unary {'function': 'exp'}"


@pytest.mark.parametrize("isa", ["scalar", "avx2", "neon"])
def test_the_command_passes_on_every_instruction_set(result: SelfTest, isa: str) -> None:
    env = {**os.environ, "CHAINRULE_ISA": isa, "CHAINRULE_NUM_THREADS": "3"}
    command = [sys.executable, "-m", "chainrule.selftest", "--json"]
    done = subprocess.run(command, env=env, cwd=ROOT, capture_output=True, text=True, timeout=300)
    if "CHAINRULE_ISA: expected one of" in done.stderr:
        pytest.skip(done.stderr.strip().splitlines()[-1])
    assert done.returncode == 0, done.stdout + done.stderr
    told = json.loads(done.stdout)
    assert told["ok"] and told["system"]["instructions"] == isa
    assert told["system"]["threads"] == "3"
    assert [t["digest"] for t in told["trainings"]] == [t.digest for t in result.trainings]


def test_what_is_published_is_what_the_command_prints(result: SelfTest) -> None:
    ops = {f"{r.op} {r.dtype}": r.digest for r in result.ops}
    trainings = {t.name: t.digest for t in result.trainings}
    published = json.loads(running.PUBLISHED.read_text(encoding="utf-8"))
    assert published == {"ops": ops, "trainings": trainings}
