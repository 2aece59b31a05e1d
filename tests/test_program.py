"""Runs of a program: which rows make a batch, what results hold, when the loop ends."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from chainrule import _core
from chainrule.errors import DataError, DTypeError, ShapeError

ROWS, WIDTH, SIZE = 23, 3, 4
X = np.arange(ROWS * WIDTH, dtype="float32").reshape(ROWS, WIDTH)
LABELS = np.arange(ROWS, dtype="int32") % WIDTH


class Step:
    """Adds the batch to a cell; gives twice the batch, its labels, and the cell's new value."""

    def __init__(self) -> None:
        self.cell = _core.Cell(np.zeros((SIZE, WIDTH), "float32"))
        graph = self.graph = _core.Graph()
        x = graph.input("x", (SIZE, WIDTH), "float32")
        labels = graph.input("labels", (SIZE,), "int32")
        (twice,) = graph.push("binary", {"function": "add"}, [x, x])
        (total,) = graph.push("binary", {"function": "add"}, [graph.read(self.cell), x])
        graph.assign(self.cell, total)
        self.program = graph.compile([twice, labels, total])

    def results(self, count: int) -> list[np.ndarray]:
        shapes = {"float32": (count, SIZE, WIDTH), "int32": (count, SIZE)}
        return [np.full(shapes[d], -1, d) for d in ("float32", "int32", "float32")]

    def epoch(self, order: Any, start: int, count: int, **options: Any) -> Any:
        results = self.results(count)
        feeds = [options.pop("x", X), options.pop("labels", LABELS)]
        done = self.program.epoch(feeds, order, SIZE, start, count, results, **options)
        return done, results


def rows_of(order: np.ndarray | None, start: int, batch: int) -> np.ndarray:
    rows = np.arange(ROWS) if order is None else order
    return rows[start + batch * SIZE :][:SIZE]


ORDERS = {
    "as they lie": None,
    "shuffled": np.random.default_rng(0).permutation(ROWS),
    "again and again": np.array([3] * ROWS),
}


@pytest.mark.parametrize("dtype", ["float32", "float64", "uint8", "int64"])
@pytest.mark.parametrize("start, count", [(0, 5), (3, 5), (19, 1), (1, 0)])
@pytest.mark.parametrize("name", ORDERS)
def test_batches_are_the_rows_in_order(name: str, start: int, count: int, dtype: str) -> None:
    order, given = ORDERS[name], X.astype(dtype)
    step = Step()
    done, (twice, labels, totals) = step.epoch(order, start, count, x=given)
    assert done == count
    total = np.zeros((SIZE, WIDTH), "float32")
    for batch in range(count):
        rows = rows_of(order, start, batch)
        total += X[rows]
        np.testing.assert_array_equal(twice[batch], 2 * X[rows])
        np.testing.assert_array_equal(labels[batch], LABELS[rows])
        np.testing.assert_array_equal(totals[batch], total)
    np.testing.assert_array_equal(step.cell.read(), total)


@pytest.mark.parametrize("last", [1, 2, 5])
def test_the_report_ends_the_loop_and_the_batches_done_are_counted(last: int) -> None:
    step = Step()
    told: list[int] = []
    seen: list[np.ndarray] = []

    def tick(done: int) -> bool:
        told.append(done)
        # Cells can be read, and written, between two batches.
        seen.append(step.cell.read())
        return done < last

    done, (twice, _, _) = step.epoch(None, 0, 5, tick=tick, every=True)
    assert done == last and told == list(range(1, last + 1))
    for batch in range(last):
        sums = X[: (batch + 1) * SIZE].reshape(-1, SIZE, WIDTH).sum(axis=0)
        np.testing.assert_array_equal(seen[batch], sums)
        np.testing.assert_array_equal(twice[batch], 2 * X[batch * SIZE :][:SIZE])
    assert (twice[last:] == -1).all()
    np.testing.assert_array_equal(step.cell.read(), seen[-1])


def test_an_error_of_the_report_ends_the_loop() -> None:
    step = Step()

    def tick(done: int) -> bool:
        raise ArithmeticError(f"after {done}")

    with pytest.raises(ArithmeticError, match="after 1"):
        step.epoch(None, 0, 5, tick=tick, every=True)
    np.testing.assert_array_equal(step.cell.read(), X[:SIZE])


def test_what_the_report_writes_into_a_cell_is_what_the_next_batch_reads() -> None:
    step = Step()

    def tick(done: int) -> bool:
        step.cell.write(np.full((SIZE, WIDTH), 100.0 * done))
        return True

    _, (_, _, totals) = step.epoch(None, 0, 3, tick=tick, every=True)
    for batch in range(1, 3):
        expected = 100.0 * batch + X[batch * SIZE :][:SIZE]
        np.testing.assert_array_equal(totals[batch], expected)


@pytest.mark.parametrize("row", [ROWS, -1, 2**40])
def test_a_row_that_is_not_there_is_refused_before_its_batch_changes_anything(row: int) -> None:
    step = Step()
    order = np.array([0, 1, 2, 3, 4, 5, row, 7])
    with pytest.raises(DataError, match=f"below {ROWS}.*{row}"):
        step.epoch(order, 0, 2)
    np.testing.assert_array_equal(step.cell.read(), X[:SIZE])


@pytest.mark.parametrize(
    "start, count, order", [(0, 6, None), (4, 5, None), (0, 2, np.arange(7)), (5, 1, np.arange(8))]
)
def test_batches_beyond_the_rows_are_refused(start: int, count: int, order: Any) -> None:
    step = Step()
    with pytest.raises(ShapeError, match=f"{start + count * SIZE} rows"):
        step.epoch(order, start, count)
    np.testing.assert_array_equal(step.cell.read(), np.zeros((SIZE, WIDTH)))


@pytest.mark.parametrize("size", [SIZE - 1, SIZE + 1])
def test_row_numbers_for_batches_of_another_size_are_refused(size: int) -> None:
    step = Step()
    with pytest.raises(ShapeError, match=f"{SIZE * WIDTH} elements.*{size * WIDTH}"):
        step.program.epoch([X, LABELS], np.arange(ROWS), size, 0, 1, step.results(1))
    np.testing.assert_array_equal(step.cell.read(), np.zeros((SIZE, WIDTH)))


def test_feeds_of_an_epoch_lie_in_one_piece() -> None:
    step = Step()
    with pytest.raises(DataError, match="epoch.*C-contiguous.*strided"):
        step.epoch(None, 0, 2, x=np.repeat(X, 2, axis=0)[::2])


def test_results_that_are_too_short_or_of_another_dtype_are_refused() -> None:
    step = Step()
    twice, labels, totals = step.results(2)
    for results in (
        [twice, labels],
        [twice, labels[:1], totals],
        [twice.astype("float64"), labels, totals],
    ):
        with pytest.raises(ShapeError, match="results"):
            step.program.epoch([X, LABELS], None, SIZE, 0, 2, results)
    np.testing.assert_array_equal(step.cell.read(), np.zeros((SIZE, WIDTH)))


@pytest.mark.parametrize(
    "feeds", [[X[:SIZE]], [X[: SIZE + 1], LABELS[:SIZE]], [X[:SIZE, :2], LABELS[:SIZE]]]
)
def test_feeds_of_another_number_or_shape_are_refused(feeds: list[np.ndarray]) -> None:
    step = Step()
    with pytest.raises(ShapeError):
        step.program.run(feeds)
    np.testing.assert_array_equal(step.cell.read(), np.zeros((SIZE, WIDTH)))


# Gradients of what has none


def test_gradients_by_integers_of_integers_and_of_arrays_are_refused() -> None:
    graph = _core.Graph()
    x, labels = graph.input("x", (SIZE, WIDTH), "float32"), graph.input("l", (SIZE,), "int32")
    attrs = {"from_logits": True, "epsilon": 1e-7, "sparse": True}
    (losses,) = graph.push("cross_entropy", attrs, [x, labels])
    total = {"function": "sum", "axes": [0], "keepdims": False}
    (loss,) = graph.push("reduce", total, [losses])
    (count,) = graph.push("reduce", total, [labels])
    for wrt in ([labels], [x, labels]):
        with pytest.raises(DTypeError, match="gradients.*float variables.*int32"):
            graph.gradients(loss, wrt)
    with pytest.raises(DTypeError, match="gradients.*float loss.*int32"):
        graph.gradients(count, [x])
    with pytest.raises(ShapeError, match=r"gradients.*scalar.*\(4"):
        graph.gradients(losses, [x])
    # What the loss does not reach has a gradient of zeros, an integer between has none.
    other = graph.input("other", (2, 3), "float64")
    (dx, nothing) = graph.compile(graph.gradients(loss, [x, other])).run(
        [X[:SIZE], LABELS[:SIZE], np.ones((2, 3))]
    )
    assert np.abs(dx).sum() > 0
    np.testing.assert_array_equal(nothing, np.zeros((2, 3)))
    assert nothing.dtype == "float64"


# Values that are one and the same, and those that only look so


def test_constants_of_the_same_bytes_keep_their_shapes_and_dtypes() -> None:
    constants = [
        np.zeros(shape, dtype)
        for shape, dtype in (
            ((), "float32"), ((), "int32"), ((1,), "float32"), ((1, 1), "int32"),
            ((2,), "float32"), ((), "float64"), ((8,), "bool"), ((), "int64"),
        )
    ]
    graph = _core.Graph()
    values = [graph.constant(x) for x in constants]
    assert len(set(values)) == len(values)
    assert [graph.constant(x) for x in constants] == values
    for got, want in zip(graph.compile(values).run([]), constants, strict=True):
        assert (got.shape, got.dtype, got.tobytes()) == (want.shape, want.dtype, want.tobytes())


def test_nodes_are_shared_where_ops_attributes_and_inputs_agree() -> None:
    graph = _core.Graph()
    x, y = (graph.input(name, (4, 4), "float32") for name in "xy")

    def pushed(axis: int, of: int) -> int:
        attrs = {"function": "cumsum", "axis": axis, "reverse": False, "exclusive": False}
        return graph.push("cumulate", attrs, [of])[0]

    values = [pushed(axis, of) for axis in (0, 1) for of in (x, y)]
    assert len(set(values)) == 4
    assert [pushed(axis, of) for axis in (0, 1) for of in (x, y)] == values


def test_a_task_says_the_ops_that_it_does_the_work_of() -> None:
    graph = _core.Graph()
    graph.set_layer("net/out")
    x, w = (graph.input(name, (4, 4), "float32") for name in "xw")
    (z,) = graph.push("matmul", {"transpose_a": False, "transpose_b": True}, [x, w])
    graph.set_layer("net/act")
    (y,) = graph.push("unary", {"function": "tanh"}, [z])
    graph.set_layer("")
    (loss,) = graph.push("reduce", {"function": "sum", "axes": [0, 1], "keepdims": False}, [y])
    (gradient,) = graph.gradients(loss, [w])
    tasks = [task for task in graph.compile([loss, gradient]).explain() if task["parts"]]
    parts = [part for task in tasks for part in task["parts"]]
    products = [part for part in parts if part["op"] == "matmul"]
    assert [part["is_gradient"] for part in products] == [False, True]
    assert products[0]["attrs"] == {"transpose_a": False, "transpose_b": True}
    assert {part["layer"] for part in products} == {"net/out"}
    assert products[0]["inputs"] == [[4, 4], [4, 4]] and products[0]["outputs"] == [[4, 4]]
    assert [p["layer"] for p in parts if p["op"] == "unary" and not p["is_gradient"]][0] == "net/act"
    assert all(task["bytes"] >= 4 for task in tasks)


def test_a_program_gives_the_cells_that_it_assigns() -> None:
    graph = _core.Graph()
    read, written = _core.Cell(np.ones(3, "float32")), _core.Cell(np.zeros(3, "float32"))
    graph.assign(written, graph.read(read))
    program = graph.compile([])
    (cell,) = program.assigned()
    assert cell.id == written.id
    program.run([])
    assert cell.read().tolist() == [1, 1, 1]


def test_tasks_are_timed_while_asked_to() -> None:
    step = Step()

    def seconds() -> list[float]:
        return step.program.task_seconds()

    step.epoch(None, 0, 5)
    assert not any(seconds())
    step.program.time_tasks(True)
    step.epoch(None, 0, 5)
    timed = seconds()
    assert timed and all(0 < s < 1 for s in timed)
    step.program.time_tasks(False)
    step.epoch(None, 0, 5)
    assert seconds() == timed
    step.program.time_tasks(True)
    assert not any(seconds())
