"""Rows of every length about those of vectors and lanes equal the reference."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from tests.harness import FLOATS, Run, check_backward, check_compiled, check_forward

LENGTHS = [*range(1, 70), 95, 127, 128, 129, 263]
SOFTMAXES: dict[str, dict[str, Any]] = {
    "softmax": {"axis": 1},
    "log_softmax": {"axis": 1},
    "logsumexp": {"axes": [1], "keepdims": False},
}


def forms(n: int, dtype: str, rng: np.random.Generator) -> list[Run]:
    """The ops that fold or map rows in lanes, on three rows of n."""

    def normal(*shape: int) -> np.ndarray:
        return rng.standard_normal(shape).astype(dtype)

    x, gamma, beta = normal(3, n), normal(n), normal(n)
    labels = rng.integers(0, n, 3).astype("int32")
    classes = {"from_logits": True, "epsilon": 1e-7, "sparse": True}
    turned = {"transpose_a": False, "transpose_b": True}
    made: list[tuple[str, dict[str, Any], list[np.ndarray], tuple[int, ...]]] = [
        *((op, attrs, [x], (0,)) for op, attrs in SOFTMAXES.items()),
        *(
            ("reduce", {"function": f, "axes": [axis], "keepdims": False}, [x], (0,))
            for f in ("sum", "max")
            for axis in (0, 1)
        ),
        ("cross_entropy", classes, [x, labels], (0,)),
        ("layer_norm", {"epsilon": 0.1, "axes": [1]}, [x, gamma, beta], (0, 1, 2)),
        ("batch_norm", {"epsilon": 0.1}, [x, gamma, beta], (0, 1, 2)),
        ("batch_norm", {"epsilon": 0.1}, [normal(n, 3), normal(3), normal(3)], (0, 1, 2)),
        ("binary", {"function": "mul"}, [x, gamma], (0, 1)),
        ("matmul", turned, [x, normal(n % 7 + 1, n)], (0, 1)),
    ]
    return [Run(op, dtype, attrs, inputs, grad, n, least=1.0) for op, attrs, inputs, grad in made]


@pytest.mark.parametrize("dtype", FLOATS)
@pytest.mark.parametrize("n", LENGTHS)
def test_rows_of_every_length(n: int, dtype: str) -> None:
    for run in forms(n, dtype, np.random.default_rng(n)):
        check_forward(run)
        check_backward(run)
        check_compiled(run)
