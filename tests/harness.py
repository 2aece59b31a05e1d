"""The five checks that every row of every op must pass.

1. forward against the reference   2. backward against the reference
3. the reference's backward against finite differences of its forward (float64)
4. compiled equals eager, bit for bit   5. bad input gives the expected error

Tolerance: the largest difference may be 1e-10 (float64) or 1e-5 (float32) of the largest finite
element expected. The reference runs in float64 on the very numbers that the core is given. Drawn
inputs (hypothesis) may cancel to nearly nothing, so there the largest element counts as at least 1;
all that is drawn is of that size.
"""

from __future__ import annotations

import zlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pytest

from chainrule import _core, errors, reference
from tests.rows import LAYOUTS, Array, Bad, Drawn, Row, make

FLOATS = ("float32", "float64")
TOLERANCE = {"float32": 1e-5, "float64": 1e-10}
# Central differences with step h: truncation h^2, rounding 1e-16 / h; both near 1e-10 at 1e-5.
STEP = 1e-5
DIFFERENCE_TOLERANCE = 1e-6


@dataclass(frozen=True)
class Run:
    """A row or a draw, ready to be checked in one dtype."""

    op: str
    dtype: str
    attrs: dict[str, Any]
    inputs: list[Array]
    grad: tuple[int, ...]
    seed: int
    native: bool = False
    tolerance: Mapping[str, float] = field(default_factory=dict)
    least: float = 0.0


def _seed(text: str) -> int:
    return zlib.crc32(text.encode())


def _resolve(attrs: Any, dtype: str) -> Any:
    if isinstance(attrs, list):
        return [_resolve(x, dtype) for x in attrs]
    if not isinstance(attrs, Mapping):
        return attrs
    return {
        k: dtype if k == "dtype" and v == "float" else _resolve(v, dtype) for k, v in attrs.items()
    }


def of_row(row: Row | Bad, dtype: str) -> Run:
    """A row in float32 or float64. The same numbers are drawn for both."""
    seed = _seed(str(row))
    rng = np.random.default_rng(seed)
    inputs = [make(spec, dtype, rng) for spec in row.inputs]
    attrs = _resolve(row.attrs, dtype)
    if isinstance(row, Bad):
        return Run(row.op, dtype, attrs, inputs, (), seed)
    return Run(row.op, dtype, attrs, inputs, row.grad, seed, row.native, row.tolerance)


def of_draw(op: str, drawn: Drawn, dtype: str) -> Run:
    """A draw in float32 or float64."""
    inputs = [as_float(x, dtype) for x in drawn.inputs]
    return Run(op, dtype, _resolve(drawn.attrs, dtype), inputs, drawn.grad, _seed(op), least=1.0)


def as_float(x: Array, dtype: str) -> Array:
    """x in another float dtype, its strides kept where they can be; other arrays as they are."""
    if x.dtype.kind != "f" or x.dtype == dtype:
        return x
    if any(stride < 0 for stride in x.strides):
        return LAYOUTS["backwards"](x.astype(dtype))
    dense = x.size * x.itemsize == max([x.itemsize, *(n * s for n, s in zip(x.shape, x.strides))])
    return x.astype(dtype, order="K") if dense else LAYOUTS["every_other"](x.astype(dtype))


# The reference


def widened(run: Run) -> list[Array]:
    """The inputs as the reference gets them."""
    return list(run.inputs) if run.native else [as_float(x, "float64") for x in run.inputs]


def expected_outputs(run: Run) -> tuple[Array, ...]:
    """The reference's outputs, floats rounded to the dtype of the run or of the attribute."""
    with np.errstate(all="ignore"):
        outputs = reference.forward(run.op, run.attrs, *widened(run))
        return tuple(_rounded(run, y) for y in outputs)


def _rounded(run: Run, y: Array) -> Array:
    return y.astype(run.attrs.get("dtype", run.dtype)) if y.dtype.kind == "f" else y


def cotangents(run: Run, outputs: Sequence[Array]) -> list[Array | None]:
    """A fixed random d loss / d output for every float output."""
    rng = np.random.default_rng(run.seed + 1)
    return [
        rng.standard_normal(y.shape).astype(y.dtype) if y.dtype.kind == "f" else None
        for y in outputs
    ]


def reference_gradients(run: Run, douts: Sequence[Array | None]) -> list[Array]:
    """The reference's gradients by the inputs in `grad`; zeros where it says that none flows."""
    inputs = widened(run)
    wide = [d if d is None or run.native else d.astype(np.float64) for d in douts]
    with np.errstate(all="ignore"):
        outputs = reference.forward(run.op, run.attrs, *inputs)
        gradients = reference.backward(run.op, run.attrs, inputs, outputs, wide)
    assert len(gradients) == len(inputs)
    chosen = [(inputs[i], gradients[i]) for i in run.grad]
    return [np.zeros_like(x) if dx is None else dx for x, dx in chosen]


# The core


def push(graph: Any, run: Run) -> tuple[list[int], list[int]]:
    """The op in a graph: the value ids of its inputs and outputs."""
    inputs = [graph.input(f"x{i}", x.shape, x.dtype.name) for i, x in enumerate(run.inputs)]
    return inputs, graph.push(run.op, run.attrs, inputs)


def compiled_outputs(run: Run) -> list[Array]:
    graph = _core.Graph()
    _, outputs = push(graph, run)
    return list(graph.compile(outputs).run(run.inputs))


def compiled_gradients(run: Run, douts: Sequence[Array | None]) -> list[Array]:
    """The gradients of sum(outputs * douts), as the core derives, compiles and runs them."""
    graph = _core.Graph()
    inputs, outputs = push(graph, run)
    feeds = list(run.inputs)
    loss = None
    for output, dout in zip(outputs, douts, strict=True):
        if dout is None:
            continue
        feeds.append(dout)
        weight = graph.input("dout", dout.shape, dout.dtype.name)
        (product,) = graph.push("binary", {"function": "mul"}, [output, weight])
        total = {"function": "sum", "axes": list(range(dout.ndim)), "keepdims": False}
        (term,) = graph.push("reduce", total, [product])
        loss = term if loss is None else graph.push("binary", {"function": "add"}, [loss, term])[0]
    wrt = [inputs[i] for i in run.grad]
    return list(graph.compile(graph.gradients(loss, wrt)).run(feeds))


# Comparing


def assert_close(got: Array, expected: Array, run: Run, what: str) -> None:
    """Shape, dtype, every integer and bool, NaN and infinity alike; floats within the tolerance."""
    __tracebackhide__ = True
    assert isinstance(got, np.ndarray), f"{run.op}: {what} is a {type(got).__name__}, not an array"
    assert got.shape == expected.shape, f"{run.op}: {what} {got.shape}, expected {expected.shape}"
    assert got.dtype == expected.dtype, f"{run.op}: {what} {got.dtype}, expected {expected.dtype}"
    if expected.dtype.kind != "f":
        np.testing.assert_array_equal(got, expected, err_msg=f"{run.op}: {what}")
        return
    finite = np.isfinite(expected)
    # Where the expected is finite both sides are 0, unless the core's is not.
    special = np.where(finite & np.isfinite(got), 0, got)
    message = f"{run.op} {run.attrs}: {what}, where it is finite 0"
    np.testing.assert_array_equal(special, np.where(finite, 0, expected), err_msg=message)
    wide = expected[finite].astype(np.float64)
    allowed = run.tolerance.get(run.dtype, TOLERANCE[got.dtype.name])
    scale = max(run.least, float(np.max(np.abs(wide), initial=0.0)))
    difference = np.abs(got[finite].astype(np.float64) - wide)
    worst = float(np.max(difference, initial=0.0))
    if worst > allowed * scale:
        place = np.argwhere(finite)[int(np.argmax(difference))].tolist()
        raise AssertionError(
            f"{run.op} {run.attrs} {run.dtype}: {what} at {place} is {got[tuple(place)]!r},"
            f" expected {expected[tuple(place)]!r}: off by {worst:.3e} > {allowed:g} of {scale:.3e}"
        )


# The checks


def check_forward(run: Run) -> None:
    """1. The core's forward, eagerly, equals the reference's."""
    outputs = _core.eager(run.op, run.attrs, run.inputs)
    expected = expected_outputs(run)
    assert len(outputs) == len(expected)
    for i, (got, want) in enumerate(zip(outputs, expected)):
        assert_close(got, want, run, f"output {i}")


def check_backward(run: Run) -> None:
    """2. The core's gradients equal the reference's."""
    if not run.grad:
        return
    douts = cotangents(run, expected_outputs(run))
    expected = reference_gradients(run, douts)
    for i, got, want in zip(run.grad, compiled_gradients(run, douts), expected, strict=True):
        assert_close(got, want.astype(run.inputs[i].dtype), run, f"gradient by input {i}")


def _directions(x: Array, rng: np.random.Generator) -> list[Array]:
    """Every element on its own where there are few; else random directions through all of them."""
    if x.size <= 40:
        return list(np.eye(x.size).reshape(x.size, *x.shape))
    return [rng.choice([-1.0, 1.0], x.shape) for _ in range(4)]


def check_differences(run: Run) -> None:
    """3. The reference's gradients equal the central differences of its forward, in float64."""
    rng = np.random.default_rng(run.seed + 2)
    douts = cotangents(run, expected_outputs(run))
    inputs = [as_float(x, "float64") for x in run.inputs]

    def loss(i: int, x: Array) -> float:
        outputs = reference.forward(run.op, run.attrs, *inputs[:i], x, *inputs[i + 1 :])
        return sum(float(np.sum(y * d)) for y, d in zip(outputs, douts) if d is not None)

    for i, gradient in zip(run.grad, reference_gradients(run, douts)):
        x = inputs[i]
        scale = max(1e-3, run.least, float(np.max(np.abs(gradient), initial=0.0)))
        for way in _directions(x, rng):
            measured = (loss(i, x + STEP * way) - loss(i, x - STEP * way)) / (2 * STEP)
            derived = float(np.sum(gradient * way))
            error = abs(measured - derived) / (scale * np.sqrt(np.sum(way * way)))
            if error > DIFFERENCE_TOLERANCE:
                raise AssertionError(
                    f"{run.op} {run.attrs}: the derivative by input {i} along a direction is"
                    f" {derived!r}, the finite difference {measured!r}"
                )


def check_compiled(run: Run) -> None:
    """4. A compiled graph gives the same bits as the eager op."""
    eager = _core.eager(run.op, run.attrs, run.inputs)
    for i, (got, want) in enumerate(zip(compiled_outputs(run), eager, strict=True)):
        assert got.dtype == want.dtype and got.shape == want.shape
        assert (
            got.tobytes() == want.tobytes()
        ), f"{run.op} {run.attrs}: output {i} differs in its bits"


def check_bad(bad: Bad, dtype: str = "float32") -> None:
    """5. Eagerly and in a graph the op refuses, saying what it expected and what came."""
    run = of_row(bad, dtype)
    error = (
        getattr(errors, bad.error, None)
        or {"ValueError": ValueError, "TypeError": TypeError}[bad.error]
    )
    attempts = {"eagerly": lambda: _core.eager(run.op, run.attrs, run.inputs)}
    # What a value is can only be seen when it is there: a graph refuses it when it runs.
    attempts["in a graph"] = lambda: compiled_outputs(run)
    for where, attempt in attempts.items():
        with pytest.raises(error) as caught:
            attempt()
        message = str(caught.value)
        missing = [text for text in (bad.op, *bad.match) if text not in message]
        assert not missing, f"{bad} {where}: {message!r} does not name {missing}"
