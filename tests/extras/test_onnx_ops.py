"""Every op of the core in ONNX Runtime: the rows of its cases give the reference's numbers."""

from __future__ import annotations

import numpy as np
import pytest

from chainrule import _core
from tests import cases
from tests.extras import need
from tests.harness import Run, of_row

need("onnx")
need("onnxruntime")

from chainrule.exporting.onnx import REFUSED, load, names  # noqa: E402
from chainrule.exporting.onnx.binary import UNKNOWN  # noqa: E402
from tests.onnx_runs import assert_close, run_op  # noqa: E402

# Rows whose numbers ONNX or its runtime has otherwise, and why.
LEFT_OUT = {
    **dict.fromkeys(
        ["arg_reduce-argmax-nan", "arg_reduce-argmin-nan", "reduce-max-nan", "reduce-min-nan",
         "reduce-max-nan-long", "reduce-min-nan-long", "pool-max-special"],
        "the runtime's comparisons pass over NaN",
    ),
    "reduce-mean-empty": "the runtime's mean of nothing is 0",
    "reduce-sum-int-wraps": "the runtime's sums of integers stop at the largest",
    "binary-floor_div-extreme": "of infinities",
    "unary-gelu-extreme": "of minus infinity the runtime's node gives NaN",
    "scan-dropout": "it draws",
}  # fmt: skip


def test_every_op_has_a_translation_or_a_reason() -> None:
    assert set(names()).isdisjoint(REFUSED)
    assert {*names(), *REFUSED} == set(_core.ops())
    assert all(callable(load(op)) for op in names())


@pytest.mark.parametrize("op", sorted(REFUSED))
def test_what_has_no_form_is_refused_with_the_layer(op: str) -> None:
    with pytest.raises(ValueError, match=f"layer 'net/a' calls the op '{op}'.*no ONNX form: "):
        load(op, "net/a")


def test_what_is_left_out_is_there() -> None:
    assert LEFT_OUT.keys() <= {str(row) for op in names() for row in cases.load(op).ROWS}


def _outputs(run: Run) -> list[np.ndarray]:
    return _core.eager(run.op, run.attrs, [np.asarray(x, order="C") for x in run.inputs])


@pytest.mark.parametrize("op", names())
def test_rows_give_the_same_numbers(op: str) -> None:
    tried = 0
    for row in cases.load(op).ROWS:
        run = of_row(row, "float32")
        if str(row) in LEFT_OUT or run.attrs.get("rate"):
            continue
        if run.attrs.get("function") in UNKNOWN:
            with pytest.raises(ValueError, match="'binary .*', which has no ONNX form"):
                run_op(run.op, run.attrs, run.inputs)
            continue
        expected = _outputs(run)
        found = run_op(run.op, run.attrs, run.inputs)
        for got, wanted in zip(found, expected, strict=True):
            assert_close(got, wanted, what=str(row))
        tried += 1
    assert tried
