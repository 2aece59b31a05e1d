"""What the compiler joins: pointwise chains, the sums of their columns, and what it computes again.

The numbers are those of the ops one after the other, to the last bit.
"""

from __future__ import annotations

import numpy as np
import pytest

from tests.fusions import Chain, names

# Rows by columns: of one block and of many, in whole vectors and not, wide rows with rows left over.
SHAPES = [
    (3, 2), (40, 5), (1000, 16), (4099, 16), (513, 10), (300, 67), (70, 512), (67, 700), (40, 1024),
    (33, 1025), (9, 7, 5, 3), (128, 8, 8, 64), (600, 1),
]


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("shape", SHAPES, ids=str)
def test_a_row_joins_a_pointwise_chain(shape: tuple[int, ...], dtype: str) -> None:
    c = Chain(dtype)
    x, a, b = c.input(*shape), c.input(shape[-1]), c.input(shape[-1])
    y = c.f("relu", c.f("add", c.f("mul", x, a), b))
    c.check([y], ["elementwise"])


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("shape", SHAPES, ids=str)
def test_sums_of_columns_join_what_they_sum(shape: tuple[int, ...], dtype: str) -> None:
    c = Chain(dtype)
    x, z, a = c.input(*shape), c.input(*shape), c.input(shape[-1])
    y = c.f("mul", c.f("sub", x, a), z)
    sums = [c.sum(y), c.sum(z)]
    c.check([y, *sums], ["elementwise"] if 1 < shape[-1] <= 1024 else ["elementwise", "reduce", "reduce"])
    c.check(sums)


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_a_sum_is_not_read_by_the_chain_that_it_sums(dtype: str) -> None:
    c = Chain(dtype)
    x = c.f("tanh", c.input(50, 12))
    y = c.f("sub", x, c.sum(x))
    c.check([y, c.sum(y)], ["elementwise", "elementwise"])


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("shape", SHAPES, ids=str)
def test_batch_norm_joins_what_follows(shape: tuple[int, ...], dtype: str) -> None:
    c = Chain(dtype)
    x, gamma, beta = c.input(*shape), c.input(shape[-1]), c.input(shape[-1])
    shortcut = c.input(*shape)
    y, mean, variance = c.push("batch_norm", {"epsilon": 1e-3}, x, gamma, beta)
    z = c.f("relu", c.f("add", y, shortcut))
    c.check([z, mean, variance], ["moments", "elementwise", "elementwise"])
    c.check([y])


def test_the_backward_of_batch_norm_reads_memory_twice() -> None:
    c = Chain("float32")
    x, gamma, beta, d = c.input(64, 4, 4, 8), c.input(8), c.input(8), c.input(64, 4, 4, 8)
    y, _, _ = c.push("batch_norm", {"epsilon": 1e-3}, x, gamma, beta)
    y = c.f("relu", y)
    # Something between forward and backward, as in a network.
    (turned,) = c.push("transpose", {"axes": [3, 0, 1, 2]}, y)
    everything = {"function": "sum", "axes": [0, 1, 2, 3], "keepdims": False}
    (loss,) = c.push("reduce", everything, c.f("mul", y, d))
    program = c.graph.compile([turned, *c.graph.gradients(loss, [x, gamma, beta])])
    tasks = [task for task in program.explain() if task["op"] == "elementwise"]
    large = [task for task in tasks if [64, 4, 4, 8] in task["inputs"] + task["outputs"]]
    # y; the mask and its sums; dx.
    assert names(program)[0] == "moments" and "reduce" not in names(program)
    assert len(large) == 3


@pytest.mark.parametrize(("function", "stored"), [("add", 1), ("pow", 2)])
def test_a_cheap_value_of_one_operand_is_computed_again(function: str, stored: int) -> None:
    c = Chain("float32")
    x, row = c.fed(np.abs(c.rng.normal(size=(300, 64)))), c.input(64)
    y = c.f(function, x, row)
    (turned,) = c.push("transpose", {"axes": [1, 0]}, c.f("tanh", y))
    (back,) = c.push("transpose", {"axes": [1, 0]}, turned)
    z = c.f("mul", c.f("sigmoid", y), back)
    c.check([z], ["elementwise", "transpose", "transpose", "elementwise"])
    c.check([z, y])
    assert len(c.graph.compile([z]).explain()[0]["outputs"]) == stored


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("first", ["add", "sub", "mul"])
@pytest.mark.parametrize("then", ["add", "sub", "from", "mul", "relu", "maximum"])
def test_two_steps_in_one_loop_keep_their_bits(first: str, then: str, dtype: str) -> None:
    c = Chain(dtype)
    a, b = c.input(31, 33), c.input(33)
    # Zeros, so that products are zeros of both signs.
    d = c.fed(c.rng.normal(size=(31, 1)) * (np.arange(31) % 3)[:, np.newaxis])
    y = c.f(first, a, b)
    if then == "from":
        z = c.f("sub", d, y)
    else:
        z = c.f(then, y) if then == "relu" else c.f(then, y, d)
    c.check([z], ["elementwise"])
    c.check([c.f("mul", z, z), y])


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("function", ["eq", "ne", "lt", "le", "gt", "ge"])
def test_a_comparison_that_chooses_keeps_its_bits(function: str, dtype: str) -> None:
    c = Chain(dtype)
    a, b, d = c.input(31, 33), c.input(31, 33), c.input(33)
    zero = c.f("sub", d, d)
    ties = c.f("maximum", a, zero)
    chosen = c.push("select", {}, c.f(function, ties, zero), b, a)
    c.check(chosen, ["elementwise", "elementwise"])


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("shape", SHAPES, ids=str)
def test_columns_of_negative_zeros_sum_to_negative_zero(shape: tuple[int, ...], dtype: str) -> None:
    c = Chain(dtype)
    zeros = np.full(shape, -0.0)
    # Some columns hold a zero of the other sign in their last row.
    zeros[(*(-1 for _ in shape[1:]), slice(None, None, 3))] = 0.0
    x, one = c.fed(zeros), c.fed(np.ones(shape[-1]))
    y = c.f("mul", x, one)
    sums = [c.sum(y), c.sum(x)]
    c.check([y, *sums])
    c.check(sums)
    if shape[-1] > 1:
        for value in sums:
            signs = np.signbit(c.values[value])
            assert not signs[::3].any() and signs[1::3].all() and signs[2::3].all()


# What goes on with a value while it is made


def _conv(c: Chain, channels: int = 8) -> int:
    x, kernel = c.input(5, 8, 9, 3), c.input(3, 3, 3, channels)
    windows = {"strides": [1, 1], "padding": [1] * 4, "dilations": [1, 1], "groups": 1}
    return c.push("conv", {**windows, "activation": "relu"}, x, kernel)[0]


def _images(c: Chain) -> int:
    return c.f("relu", c.input(5, 8, 9, 8))


def _pool(c: Chain, y: int, function: str = "max") -> int:
    places = {"window": [2, 2], "strides": [2, 2], "padding": [0] * 4}
    return c.push("pool", {"function": function, **places}, y)[0]


def _normalised(c: Chain, y: int) -> list[int]:
    channels = c.values[y].shape[-1]
    return c.push("batch_norm", {"epsilon": 1e-3}, y, c.input(channels), c.input(channels))


FOLLOWERS: dict[str, Any] = {
    "max pool": _pool,
    "mean pool": lambda c, y: _pool(c, y, "mean"),
    "statistics": lambda c, y: _normalised(c, y)[1],
    "batch_norm": lambda c, y: _normalised(c, y)[0],
    "relu of a sum": lambda c, y: c.f("relu", c.f("add", y, c.input(8))),
    "column sums": lambda c, y: c.sum(c.f("mul", y, c.input(8))),
}
READERS: dict[str, Any] = {
    "transpose": lambda c, y: c.push("transpose", {"axes": [3, 1, 2, 0]}, y)[0],
    "cumulate": lambda c, y: c.push(
        "cumulate", {"function": "cumsum", "axis": 1, "reverse": True, "exclusive": False}, y
    )[0],
    "mean": lambda c, y: c.push(
        "reduce", {"function": "mean", "axes": [0, 1, 2, 3], "keepdims": False}, y
    )[0],
    "reshape": lambda c, y: c.push("reshape", {"shape": [5, 576]}, y)[0],
    "max pool": lambda c, y: _pool(c, y),
    "tanh": lambda c, y: c.f("tanh", y),
}


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("then", FOLLOWERS)
@pytest.mark.parametrize("between", READERS)
@pytest.mark.parametrize("made", ["conv", "batch_norm of conv", "batch_norm", "pointwise"])
def test_a_value_is_made_before_all_its_readers(
    made: str, between: str, then: str, dtype: str
) -> None:
    c = Chain(dtype)
    y = _images(c) if made in ("pointwise", "batch_norm") else _conv(c)
    if "batch_norm" in made:
        y = c.f("relu", _normalised(c, y)[0])
    read = READERS[between](c, y)
    followed = FOLLOWERS[then](c, y)
    last = c.push("transpose", {"axes": [1, 0, 2, 3]}, y)[0]
    for asked in ([y, read, followed], [read, followed], [followed, read, last], [followed, y]):
        c.check(asked)
    # The same where the value is not needed when it has been read.
    c.check([read, c.f("neg", followed)])


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("between", READERS)
def test_a_value_is_made_before_all_its_readers_and_gradients(between: str, dtype: str) -> None:
    c = Chain(dtype)
    x, kernel = c.input(5, 8, 9, 3), c.input(3, 3, 3, 8)
    windows = {"strides": [1, 1], "padding": [1] * 4, "dilations": [1, 1], "groups": 1}
    (y,) = c.push("conv", {**windows, "activation": "relu"}, x, kernel)
    read = READERS[between](c, y)
    p = _pool(c, y)
    places = {"window": [2, 2], "strides": [2, 2], "padding": [0] * 4}
    (dy,) = c.push("pool_grad", {"function": "max", **places}, y, p, c.input(5, 4, 4, 8))
    (dw,) = c.push("conv_kernel_grad", {**windows, "kernel": [3, 3]}, x, dy)
    for asked in ([read, p, dw], [dw, read], [read, y, dy, dw]):
        c.check(asked)


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_chains_and_their_readers_in_any_order(dtype: str) -> None:
    """Groups close when something outside has read them, and open values stay right."""
    c = Chain(dtype)
    a, b, row = c.input(40, 30), c.input(40, 30), c.input(30)
    y = c.f("mul", c.f("add", a, row), b)
    (turned,) = c.push("transpose", {"axes": [1, 0]}, y)
    (back,) = c.push("transpose", {"axes": [1, 0]}, c.f("tanh", turned))
    z = c.f("sub", y, back)
    sums = [c.sum(z), c.sum(y)]
    w = c.f("mul", c.f("maximum", z, y), sums[0])
    # Columns of what a group reads whole, and of a group that has closed.
    late = [c.sum(w), c.sum(c.f("mul", w, sums[1])), c.sum(back), c.sum(a)]
    for asked in ([w], [*sums, *late], [y, z, w, turned], [late[1]], [z, *late, back]):
        c.check(asked)


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("shape", [(40, 5), (2000, 5), (300, 67)], ids=str)
def test_seeds_made_in_the_program_are_read_whole(shape: tuple[int, ...], dtype: str) -> None:
    c = Chain(dtype)
    x = c.input(*shape)
    seed = c.graph.input("seed", (2,), "uint32")
    c.values[seed] = np.array([3, 5], "uint32")
    c.feeds.append(c.values[seed])
    (other,) = c.push("binary", {"function": "add"}, seed, seed)
    (first,) = c.push("dropout", {"rate": 0.4}, c.f("tanh", x), seed)
    (second,) = c.push("dropout", {"rate": 0.4}, c.f("neg", first), other)
    (whole,) = c.push("cast", {"dtype": "uint32"}, c.input(2))
    (third,) = c.push("dropout", {"rate": 0.2}, second, whole)
    c.check([third, first])
    c.check([other, second, c.sum(third)])


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_what_goes_on_with_a_convolution_stores_bools_and_numbers(dtype: str) -> None:
    c = Chain(dtype)
    y, row, other = _conv(c), c.input(8), c.input(8)
    above = c.f("lt", y, row)
    z = c.f("mul", y, other)
    (chosen,) = c.push("select", {}, above, z, c.f("neg", z))
    for asked in ([above, z], [z, above], [above, chosen, c.sum(z)], [chosen, above, z]):
        c.check(asked)


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("images", [1, 3])
@pytest.mark.parametrize("stride", [1, 2, 3])
def test_what_goes_on_with_a_large_transposed_convolution(
    stride: int, images: int, dtype: str
) -> None:
    """Its positions interleave where strides are larger than one, and tasks share an image."""
    c = Chain(dtype)
    x, kernel = c.input(images, 64, 64, 24), c.input(3, 3, 8, 24)
    size = 64 * stride - stride + 1  # Not of whole strides: phases differ in length.
    windows = {"strides": [stride] * 2, "padding": [1, 1, 1, 1], "dilations": [1, 1], "groups": 1}
    (y,) = c.push("conv_transpose", {**windows, "sizes": [size] * 2}, x, kernel)
    shifted = c.f("relu", c.f("add", y, c.input(8)))
    c.check([shifted])
    c.check([_pool(c, y)])
    c.check(_normalised(c, y))
    c.check([c.sum(shifted)])
