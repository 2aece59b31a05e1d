"""Every row gives the same bits for any number of threads and on any instruction set.

NaN counts as one pattern: IEEE 754 leaves open which sign and payload an operation gives it, and
processors differ.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from functools import cache
from pathlib import Path

import numpy as np
import pytest

from tests.rows import Array, Row, Spec, integers


def uneven_maps(rng: np.random.Generator, shape: tuple[int, ...]) -> Array:
    """Projective transforms whose places are rounded."""
    return rng.standard_normal(shape) * [1, 0.5, 30, 0.5, 1, 30, 1e-3, 1e-3]


def with_nan(rng: np.random.Generator, shape: tuple[int, ...]) -> Array:
    """Normal numbers, among them infinities and NaN of both signs."""
    values = rng.standard_normal(shape)
    for value in (np.nan, -np.nan, np.inf, -np.inf):
        values[rng.random(shape) < 0.05] = value
    return values


def bits(x: Array) -> bytes:
    """The bytes of an array, in which every NaN has the same pattern."""
    if x.dtype.kind == "f":
        x = np.where(np.isnan(x), x.dtype.type(np.nan), x)
    return x.tobytes()


# What arises from NaN and infinity: in which places is part of the promise.
NOT_FINITE = [
    *(
        Row("unary", f"not-finite-{f}", {"function": f}, (Spec((101,), with_nan),), (0,))
        for f in ("neg", "abs", "exp", "log", "sqrt", "tanh", "sigmoid", "erf", "relu", "sin")
    ),
    *(
        Row("binary", f"not-finite-{f}", {"function": f}, (Spec((101,), with_nan),) * 2, (0, 1))
        for f in ("add", "sub", "mul", "div", "maximum", "minimum", "pow")
    ),
    *(
        Row(
            "reduce",
            f"not-finite-{f}-{axis}",
            {"function": f, "axes": [axis], "keepdims": False},
            (Spec((41, 43), with_nan),),
            (0,),
        )
        for f in ("sum", "mean", "max", "min")
        for axis in (0, 1)
    ),
    Row(
        "matmul",
        "not-finite",
        {"transpose_a": False, "transpose_b": False},
        (Spec((19, 23), with_nan), Spec((23, 21))),
        (0, 1),
    ),
    Row(
        "dense",
        "not-finite",
        {"activation": "relu"},
        (Spec((19, 23), with_nan), Spec((23, 21)), Spec((21,))),
        (0, 1, 2),
    ),
    Row("softmax", "not-finite", {"axis": 1}, (Spec((41, 43), with_nan),), (0,)),
    Row("rfft", "not-finite", {"both": False, "mean": False}, (Spec((41, 60), with_nan),), (0,)),
    Row("log_softmax", "not-finite", {"axis": 1}, (Spec((41, 43), with_nan),), (0,)),
    Row(
        "pool",
        "not-finite",
        {"function": "max", "window": [2, 2], "strides": [2, 2], "padding": [0, 0, 0, 0]},
        (Spec((2, 8, 8, 5), with_nan),),
        (0,),
    ),
]

# Large enough to be cut among threads.
LARGE = [
    Row("unary", "in-parts", {"function": "exp"}, (Spec((100_003,)),), (0,)),
    Row("binary", "in-parts", {"function": "mul"}, (Spec((331, 307)), Spec((307,))), (0, 1)),
    *(
        Row(
            "reduce",
            f"in-parts-{f}-{axes}",
            {"function": f, "axes": axes, "keepdims": False},
            (Spec((331, 307)),),
            (0,),
        )
        for f in ("sum", "max")
        for axes in ([0], [1], [0, 1])
    ),
    # Of a few runs, which a number of threads could be many.
    *(
        Row(
            "reduce",
            f"in-runs-{n}",
            {"function": "sum", "axes": [0], "keepdims": False},
            (Spec((n,)),),
        )
        for n in (4099, 7001, 12_000, 30_001)
    ),
    Row(
        "matmul",
        "in-parts",
        {"transpose_a": False, "transpose_b": True},
        (Spec((259, 517)), Spec((307, 517))),
        (0, 1),
    ),
    Row(
        "dense",
        "in-parts",
        {"activation": "tanh"},
        (Spec((259, 517)), Spec((517, 307)), Spec((307,))),
        (0, 1, 2),
    ),
    *(
        Row(
            "pool",
            f"in-parts-{f}-{strides}",
            {"function": f, "window": [3, 2], "strides": [strides] * 2, "padding": [1, 0, 0, 1]},
            (Spec((5, 31, 30, 37)),),
            (0,),
        )
        for f in ("max", "mean")
        for strides in (2, 3)
    ),
    Row(
        "reduce",
        "in-parts-images",
        {"function": "mean", "axes": [1, 2], "keepdims": False},
        (Spec((13, 9, 11, 67)),),
        (0,),
    ),
    Row("softmax", "in-parts", {"axis": 1}, (Spec((331, 307)),), (0,)),
    *(
        row
        for n in (307, 360, 444)
        for row in (
            Row("fft", f"in-parts-{n}", {"inverse": True, "mean": True}, (Spec((331, n)),) * 2, (0, 1)),
            Row("rfft", f"in-parts-{n}", {"both": True, "mean": False}, (Spec((331, n)),), (0,)),
        )
    ),
    Row("overlap_add", "in-parts", {"stride": 31, "size": 31 * 330 + 307}, (Spec((5, 331, 307)),), (0,)),
    Row("log_softmax", "in-parts", {"axis": 0}, (Spec((331, 307)),), (0,)),
    Row("logsumexp", "in-parts", {"axes": [0, 1], "keepdims": False}, (Spec((331, 307)),), (0,)),
    Row(
        "batch_norm",
        "in-parts",
        {"epsilon": 1e-3},
        (Spec((1331, 107)), Spec((107,)), Spec((107,))),
        (0, 1, 2),
    ),
    Row(
        "layer_norm",
        "in-parts",
        {"epsilon": 1e-3, "axes": [1]},
        (Spec((1331, 107)), Spec((107,)), Spec((107,))),
        (0, 1, 2),
    ),
    Row(
        "cross_entropy",
        "in-parts",
        {"from_logits": True, "epsilon": 1e-7, "sparse": True},
        (Spec((1331, 107)), Spec((1331,), integers(0, 107), "int32")),
        (0,),
    ),
    Row(
        "dropout",
        "in-parts",
        {"rate": 0.3},
        (Spec((100_003,)), Spec((2,), integers(0, 99), "uint32")),
        (0,),
    ),
    Row(
        "gather",
        "in-parts",
        {"axis": 0},
        (Spec((107, 331)), Spec((997,), integers(0, 107), "int32")),
        (0,),
    ),
    *(
        Row(
            "random",
            f"in-parts-{distribution}",
            {"distribution": distribution, "shape": [100_003], "dtype": "float"},
            (Spec((2,), integers(0, 99), "uint32"),),
        )
        for distribution in ("uniform", "normal", "truncated_normal")
    ),
    *(
        Row(
            "warp",
            f"in-parts-{method}-{channels}",
            {"method": method, "fill": "reflect", "value": 0.0},
            (Spec((5, 107, 131, channels)), Spec((5, 8), uneven_maps)),
            (0,),
        )
        for method in ("nearest", "bilinear")
        for channels in (1, 3)
    ),
    *(
        Row(
            "resize",
            f"in-parts-{method}-{channels}",
            {"size": [79, 203], "method": method, "antialias": True},
            (Spec((5, 107, 131, channels)),),
            (0,),
        )
        for method in ("nearest", "bilinear", "lanczos3")
        for channels in (1, 3)
    ),
]

DIGESTS = """
import hashlib, json
from tests import cases
from tests.harness import FLOATS, compiled_gradients, compiled_outputs, cotangents, of_row
from tests.test_same_bits import LARGE, NOT_FINITE, bits

rows = LARGE + NOT_FINITE + [row for op in cases.names() for row in cases.load(op).ROWS]
assert len({str(row) for row in rows}) == len(rows), "two rows of one name"
digests = {}
for row in rows:
    for dtype in FLOATS:
        run = of_row(row, dtype)
        results = compiled_outputs(run)
        if row.grad:
            results += compiled_gradients(run, cotangents(run, results))
        digest = hashlib.sha256(b"".join(map(bits, results)))
        digests[f"{row} {dtype}"] = digest.hexdigest()
print(json.dumps(digests))
"""


@cache
def digests(threads: str, isa: str) -> dict[str, str]:
    """SHA-256 of the outputs and gradients of every row, in a process of its own."""
    settings = {"CHAINRULE_NUM_THREADS": threads, "CHAINRULE_ISA": isa}
    run = subprocess.run(
        [sys.executable, "-W", "ignore", "-c", DIGESTS],
        env={**os.environ, **settings},
        cwd=Path(__file__).resolve().parents[1],
        capture_output=True,
        text=True,
        check=False,
    )
    if run.returncode != 0 and "CHAINRULE_ISA" in run.stderr:
        pytest.skip(f"this machine has no {isa}")
    assert run.returncode == 0, run.stderr
    found: dict[str, str] = json.loads(run.stdout)
    return found


def check_same(threads: str, isa: str) -> None:
    expected, got = digests("1", "scalar"), digests(threads, isa)
    assert len(got) > 1000
    assert not [row for row in expected if expected[row] != got[row]]


@pytest.mark.parametrize("isa", ["avx2", "avx512", "neon"])
def test_instruction_sets_give_the_same_bits(isa: str) -> None:
    check_same("1", isa)


@pytest.mark.parametrize("threads", ["2", "3", "8"])
def test_threads_give_the_same_bits(threads: str) -> None:
    check_same(threads, "")


def test_only_the_pattern_of_nan_is_left_open() -> None:
    numbers = np.array([0.0, -0.0, np.inf, -np.inf, 5e-324, 1.0])
    assert len({bits(number) for number in numbers}) == 6
    for dtype in ("float32", "float64"):
        nans = np.array([np.nan, -np.nan, 1.0], dtype)
        nans.view("u4" if dtype == "float32" else "u8")[1] += 7
        assert bits(nans) == bits(np.array([np.nan, np.nan, 1.0], dtype))
    assert bits(np.array([7, 8])) == np.array([7, 8]).tobytes()
