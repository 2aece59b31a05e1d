"""Cells: they take their values together at the end of a run, of a whole run, or not at all."""

from __future__ import annotations

import subprocess
import sys
from typing import Any

import numpy as np
import pytest

from chainrule import _core
from chainrule.errors import DataError
from tests.graphs import assert_bits

Array = np.ndarray
RNG = np.random.default_rng(0)

# A run that fails


LOGITS = {"from_logits": True, "epsilon": 1e-7, "sparse": True}
# Attributes, the shape of the labels, and whether the gradient by x is what refuses them.
REFUSING: dict[str, tuple[str, dict[str, Any], tuple[int, ...], bool]] = {
    "gather": ("gather", {"axis": 0}, (3,), False),
    "scatter_add": ("scatter_add", {"axis": 0, "size": 4}, (4,), False),
    "gather_along": ("gather_along", {"axis": 1}, (4, 2), False),
    "scatter_along": ("scatter_along", {"axis": 1, "size": 4}, (4, 4), False),
    "cross_entropy": ("cross_entropy", LOGITS, (4,), False),
    "cross_entropy by its logits": ("cross_entropy", LOGITS, (4,), True),
    "gather by its table": ("gather", {"axis": 0}, (3,), True),
}


@pytest.mark.parametrize("when", ["before", "after", "of the new value", "into another cell"])
@pytest.mark.parametrize("name", REFUSING)
def test_a_run_that_fails_changes_no_cell(name: str, when: str) -> None:
    op, attrs, shape, gradient = REFUSING[name]
    start = [RNG.standard_normal((4, 4)).astype("float32") for _ in range(3)]
    cells = [_core.Cell(x) for x in start]
    graph = _core.Graph()
    x, labels = graph.input("x", (4, 4), "float32"), graph.input("labels", shape, "int32")
    old = [graph.read(cell) for cell in cells[:2]]

    def refusing(of: int) -> int:
        (y,) = graph.push(op, attrs, [of, labels])
        everything = {"function": "sum", "axes": list(range(len(graph.spec(y)[0])))}
        (total,) = graph.push("reduce", {**everything, "keepdims": False}, [y])
        return graph.gradients(total, [of])[0] if gradient else total

    asked = [refusing(x)] if when == "before" else []
    graph.assign(cells[1], graph.push("softmax", {"axis": 1}, [old[1]])[0])
    (new,) = graph.push("binary", {"function": "add"}, [old[0], x])
    graph.assign(cells[0], new)
    if when == "after":
        # An op that nothing computed in place can follow before it has run.
        asked = [refusing(graph.push("transpose", {"axes": [1, 0]}, [x])[0])]
    if when == "of the new value":
        asked = [refusing(new)]
    if when == "into another cell":
        value = refusing(graph.push("unary", {"function": "tanh"}, [x])[0])
        (wide,) = graph.push("binary", {"function": "add"}, [value, x])
        graph.assign(cells[2], wide)
    program = graph.compile(asked)
    fed = RNG.standard_normal((4, 4)).astype("float32")
    good = np.zeros(shape, "int32")
    bad = good.copy()
    bad[-1] = 4
    for _ in range(2):
        with pytest.raises(DataError, match="4"):
            program.run([fed, bad])
        assert_bits(cells, start)
    # The batches before it count.
    feeds = [np.stack([fed] * 3).reshape(-1, 4), np.concatenate([good, good, bad])]
    if shape[0] == 4:
        with pytest.raises(DataError, match="4"):
            program.epoch(feeds, None, 4, 0, 3, [])
        np.testing.assert_allclose(cells[0].read(), start[0] + fed + fed, rtol=1e-6)


# Values that are read while others are made

SIZE = 70
SQUARE = RNG.standard_normal((SIZE, SIZE)).astype("float32")
# Ops that read elements far from those that they write.
FAR: dict[str, tuple[str, dict[str, Any]]] = {
    "transpose": ("transpose", {"axes": [1, 0]}),
    "turned": (
        "slice",
        {"start": [SIZE - 1, 0], "stop": [-1, SIZE], "step": [-1, 1]},
    ),
    "cumulate": ("cumulate", {"function": "cumsum", "axis": 0, "reverse": True, "exclusive": True}),
    "sort": ("sort", {"axis": 0}),
    "softmax": ("softmax", {"axis": 0}),
    "log_softmax": ("log_softmax", {"axis": 1}),
}


@pytest.mark.parametrize("name", [*FAR, "matmul", "matmul with itself", "conv", "pool"])
def test_a_cell_takes_what_is_made_of_all_its_elements(name: str) -> None:
    cell = _core.Cell(SQUARE)
    graph = _core.Graph()
    x, old = graph.input("x", SQUARE.shape, "float32"), graph.read(cell)
    side = (RNG.standard_normal(SQUARE.shape) / SIZE).astype("float32")
    made: list[tuple[str, dict[str, Any], list[int]]] = []

    def push(op: str, attrs: dict[str, Any], *inputs: int) -> int:
        (out,) = graph.push(op, attrs, list(inputs))
        made.append((op, attrs, [*inputs, out]))
        return out

    windows = {"strides": [1], "padding": [1, 1], "dilations": [1], "groups": 1}
    if name in FAR:
        new = push(*FAR[name], old)
    elif name.startswith("matmul"):
        attrs = {"transpose_a": False, "transpose_b": False}
        new = push("matmul", attrs, old, old if "itself" in name else x)
        new = push("matmul", attrs, old, x) if name == "matmul" else new
    else:
        image = push("reshape", {"shape": [1, SIZE, SIZE]}, old)
        if name == "conv":
            kernel = push("reshape", {"shape": [1, SIZE, SIZE]}, x)
            image = push(
                "conv", {**windows, "padding": [0, 0], "activation": "linear"}, image, kernel
            )
        else:
            places = {"window": [3], "strides": [1], "padding": [1, 1]}
            image = push("pool", {"function": "max", **places}, image)
        new = push("reshape", {"shape": [SIZE, SIZE]}, image)
    graph.assign(cell, new)
    program = graph.compile([])
    state = SQUARE
    for _ in range(2):
        values = {x: side, old: state}
        for op, attrs, (*inputs, out) in made:
            (values[out],) = _core.eager(op, attrs, [values[v] for v in inputs])
        state = values[new]
        program.run([side])
        assert_bits([cell], [state])


@pytest.mark.parametrize("shape", [(), (3,), (SIZE, SIZE)], ids=str)
@pytest.mark.parametrize("count", [2, 3, 5])
@pytest.mark.parametrize("also", ["nothing", "the values", "a view", "a function", "an update"])
def test_cells_take_each_others_values(count: int, shape: tuple[int, ...], also: str) -> None:
    start = [RNG.standard_normal(shape).astype("float32") for _ in range(count)]
    cells = [_core.Cell(x) for x in start]
    graph = _core.Graph()
    values = [graph.read(cell) for cell in cells]
    for cell, value in zip(cells, values[1:] + values[:1]):
        graph.assign(cell, value)
    expected = start[1:] + start[:1]
    asked: list[tuple[int, Array]] = []
    if also == "the values":
        asked = list(zip(values, start))
    if also == "a view":
        size = int(np.prod(shape))
        (flat,) = graph.push("reshape", {"shape": [size]}, values[:1])
        asked = [(flat, start[0].reshape(-1))]
    if also == "a function":
        (product,) = graph.push("binary", {"function": "mul"}, values[:2])
        asked = [(product, start[0] * start[1])]
    if also == "an update":
        (total,) = graph.push("binary", {"function": "add"}, values[:2])
        graph.assign(cells[0], total)
        expected = [start[0] + start[1], *expected[1:]]
    program = graph.compile([value for value, _ in asked])
    for got, (_, want) in zip(program.run([]), asked, strict=True):
        np.testing.assert_array_equal(got, want)
    assert_bits(cells, expected)


@pytest.mark.parametrize("shape", [(), (SIZE, SIZE)], ids=str)
def test_a_cell_takes_what_another_holds(shape: tuple[int, ...]) -> None:
    held = np.asarray(RNG.standard_normal(shape), "float32")
    cells = [_core.Cell(np.zeros_like(held) if at != 1 else held) for at in range(3)]
    graph = _core.Graph()
    for cell in (cells[0], cells[2]):
        graph.assign(cell, graph.read(cells[1]))
    graph.compile([]).run([])
    assert_bits(cells, [held] * 3)


def test_one_value_goes_into_several_cells() -> None:
    cells = [_core.Cell(SQUARE), _core.Cell(0 * SQUARE)]
    graph = _core.Graph()
    old = graph.read(cells[0])
    (new,) = graph.push("binary", {"function": "add"}, [old, old])
    for cell in cells:
        graph.assign(cell, new)
    assert graph.read(cells[1]) == new
    graph.compile([]).run([])
    assert_bits(cells, [SQUARE + SQUARE] * 2)


def test_the_last_assignment_counts_and_reads_see_it() -> None:
    cell = _core.Cell(SQUARE)
    graph = _core.Graph()
    old = graph.read(cell)
    (first,) = graph.push("unary", {"function": "neg"}, [old])
    graph.assign(cell, first)
    (second,) = graph.push("unary", {"function": "square"}, [graph.read(cell)])
    graph.assign(cell, second)
    (kept, before) = graph.compile([first, old]).run([])
    np.testing.assert_array_equal(kept, -SQUARE)
    np.testing.assert_array_equal(before, SQUARE)
    assert_bits([cell], [np.square(SQUARE)])


def test_a_program_that_does_not_assign_changes_nothing() -> None:
    cell = _core.Cell(SQUARE)
    graph = _core.Graph()
    (new,) = graph.push("unary", {"function": "neg"}, [graph.read(cell)])
    graph.assign(cell, new)
    (result,) = graph.compile([new], assign=False).run([])
    np.testing.assert_array_equal(result, -SQUARE)
    assert_bits([cell], [SQUARE])


@pytest.mark.parametrize("shape, dtype", [((SIZE * SIZE,), "float32"), (SQUARE.shape, "int32")])
def test_a_cell_takes_only_values_of_its_shape_and_dtype(
    shape: tuple[int, ...], dtype: str
) -> None:
    graph = _core.Graph()
    value = graph.input("x", shape, dtype)
    with pytest.raises(ValueError if dtype == "float32" else (ValueError, TypeError), match="70"):
        graph.assign(_core.Cell(SQUARE), value)


# The same weights as gradient, moment and weight


def test_adam_of_cells_that_share_a_value() -> None:
    attrs = {"beta_1": 0.9, "beta_2": 0.99, "epsilon": 1e-7}
    start = [RNG.random((40,)).astype("float32") for _ in range(3)]
    alpha = np.float32(0.1)
    for gradient in range(3):
        cells = [_core.Cell(x) for x in start]
        graph = _core.Graph()
        w, m, v = (graph.read(cell) for cell in cells)
        inputs = [w, [w, m, v][gradient], m, v, graph.constant(np.asarray(alpha))]
        for cell, value in zip(cells, graph.push("adam", attrs, inputs)):
            graph.assign(cell, value)
        graph.compile([]).run([])
        given = [start[0], start[gradient], start[1], start[2], np.asarray(alpha)]
        assert_bits(cells, _core.eager("adam", attrs, given))


# Locks

OPPOSITE = """
import threading
import numpy as np
from chainrule import _core

# So many that a good part of a run is spent on taking them.
count, runs = 2000, 1000
cells = [_core.Cell(np.zeros(1, "float32")) for _ in range(count)]

def program(order, number):
    graph = _core.Graph()
    value = graph.constant(np.full(1, number, "float32"))
    for at in order:
        graph.assign(cells[at], value)
    return graph.compile([])

programs = [program(range(count), 1), program(range(count - 1, -1, -1), 2)]
threads = [threading.Thread(target=lambda p=p: [p.run([]) for _ in range(runs)]) for p in programs]
for thread in threads:
    thread.start()
for thread in threads:
    thread.join()
# All cells are of the last run.
assert len({float(cell.read()[0]) for cell in cells}) == 1
"""


def test_programs_over_the_same_cells_in_opposite_orders_do_not_wait_for_each_other() -> None:
    run = subprocess.run(
        [sys.executable, "-c", OPPOSITE], capture_output=True, text=True, timeout=120, check=False
    )
    assert run.returncode == 0, run.stderr
