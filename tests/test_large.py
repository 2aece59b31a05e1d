"""Inputs that are cut among threads equal the reference, and op by op the compiled graph.

The rows of `cases` are small: one task does them.
"""

from __future__ import annotations

import pytest

from tests.harness import FLOATS, check_backward, check_compiled, check_forward, of_row
from tests.rows import Row, Spec, integers
from tests.test_same_bits import LARGE


def windows(stride: int, groups: int = 1) -> dict[str, object]:
    return {
        "strides": [stride] * 2,
        "padding": [1, 1, 0, 1],
        "dilations": [1, 1],
        "groups": groups,
    }


def _convolution(
    name: str, stride: int, groups: int, channels: int, filters: int, images: int = 9
) -> list[Row]:
    x, w = Spec((images, 33, 30, channels)), Spec((3, 3, channels // groups, filters))
    sides = (33 + 2 - 3) // stride + 1, (30 + 1 - 3) // stride + 1
    y = Spec((images, *sides, filters))
    form = windows(stride, groups)
    attrs = {**form, "activation": "relu" if groups == 1 else "linear"}
    return [
        Row("conv", f"in-parts-{name}", attrs, (x, w, Spec((filters,))), (0, 1, 2)),
        Row("conv_transpose", f"in-parts-{name}", {**form, "sizes": [33, 30]}, (y, w), (0, 1)),
        Row("conv_kernel_grad", f"in-parts-{name}", {**form, "kernel": [3, 3]}, (x, y), (0, 1)),
    ]


ALONG = {"function": "cumsum", "reverse": True, "exclusive": False}
CLASSES = {"epsilon": 1e-7, "sparse": True}
LABELS = Spec((1331,), integers(0, 107), "int32")
MORE = [
    *_convolution("whole", 1, 1, 16, 24),
    *_convolution("apart", 2, 1, 7, 20),
    *_convolution("grouped", 1, 4, 8, 40),
    *_convolution("channel by channel", 1, 11, 11, 11, images=19),
    *_convolution("channel by channel, apart", 2, 40, 40, 40),
    Row("sort", "in-parts", {"axis": 1}, (Spec((331, 307)),), (0,)),
    Row("sort", "in-parts-strided", {"axis": 1}, (Spec((31, 97, 41)),), (0,)),
    Row("argsort", "in-parts", {"axis": 0}, (Spec((331, 307)),)),
    Row("top_k", "in-parts", {"k": 5}, (Spec((331, 307)),), (0,)),
    Row("arg_reduce", "in-parts", {"function": "argmin", "axis": 1}, (Spec((331, 307)),)),
    Row("cumulate", "in-parts", {**ALONG, "axis": 1}, (Spec((31, 97, 41)),), (0,)),
    Row("softmax", "in-parts-strided", {"axis": 1}, (Spec((31, 97, 41)),), (0,)),
    Row("transpose", "in-parts", {"axes": [2, 0, 1]}, (Spec((31, 97, 41)),), (0,)),
    Row(
        "logsumexp",
        "in-parts-strided",
        {"axes": [0, 2], "keepdims": False},
        (Spec((31, 97, 41)),),
        (0,),
    ),
    Row("matmul", "in-parts-of-a-batch", {"transpose_a": True, "transpose_b": False},
        (Spec((3, 1, 130, 65)), Spec((5, 130, 67))), (0, 1)),
    Row("matmul", "in-panels", {"transpose_a": False, "transpose_b": False},
        (Spec((37, 2500)), Spec((2500, 45))), (0, 1)),
    Row("matmul", "in-strips-of-a-large-b", {"transpose_a": False, "transpose_b": False},
        (Spec((100, 600)), Spec((600, 300))), (0, 1)),
    Row("dense", "in-panels", {"activation": "sigmoid"},
        (Spec((70, 2500)), Spec((2500, 45)), Spec((45,))), (0, 1, 2)),
    Row("cross_entropy", "in-parts-of-shares", {**CLASSES, "from_logits": False},
        (Spec((1331, 107), lambda rng, shape: rng.uniform(0.1, 2, shape)), LABELS), (0,)),
    Row("gather_along", "in-parts", {"axis": 1},
        (Spec((331, 307)), Spec((331, 400), integers(-307, 307), "int32")), (0,)),
    Row("concat", "in-parts", {"axis": 1}, (Spec((331, 107)), Spec((331, 211))), (0, 1)),
]


# Long sums before a sigmoid, and places rounded to float32, differ from those in float64 by more than
# the tolerance.
IN_FLOAT64 = ("dense", "warp")
CASES = [
    pytest.param(row, dtype, id=f"{dtype}-{row}")
    for row in (*LARGE, *MORE)
    for dtype in FLOATS
    if dtype == "float64" or row.op not in IN_FLOAT64
]


@pytest.mark.parametrize("row, dtype", CASES)
def test_large_rows_equal_the_reference(row: Row, dtype: str) -> None:
    run = of_row(row, dtype)
    check_forward(run)
    check_backward(run)
    check_compiled(run)
