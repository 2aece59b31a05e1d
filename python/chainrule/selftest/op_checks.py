"""Every op on its rows, forward and backward, against the NumPy reference."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from chainrule import _core, reference
from chainrule.selftest.rows import Array, Numbers, Row, rows

__all__ = ["DTYPES", "OpResult", "check_ops"]

DTYPES = ("float32", "float64")
# Of the largest number expected; the reference computes in float64.
_TOLERANCE = {"float32": 1e-5, "float64": 1e-10}


@dataclass(frozen=True)
class OpResult:
    """What an op gave on all of its rows in one dtype.

    Attributes
    ----------
    op, dtype : str
    rows : int
    error : float
        The largest difference from the reference, over the largest number expected.
    digest : str
        Of the bits of all outputs and gradients.
    faults : list of str
        The rows beyond the tolerance, in words.
    """

    op: str
    dtype: str
    rows: int
    error: float
    digest: str
    faults: list[str]


def check_ops(dtype: str) -> list[OpResult]:
    """Run every row of every op in one float dtype, op after op in the order of the core.

    Parameters
    ----------
    dtype : {"float32", "float64"}
    """
    by_op: dict[str, list[Row]] = {op: [] for op in _core.ops()}
    for row in rows():
        by_op[row.op].append(row)
    return [_check(op, its_rows, dtype) for op, its_rows in by_op.items()]


def _check(op: str, its_rows: Sequence[Row], dtype: str) -> OpResult:
    digest, worst, faults = hashlib.sha256(), 0.0, []
    if not its_rows:
        faults.append(f"{op}: no row")
    for number, row in enumerate(its_rows):
        try:
            got, expected, names = _both(row, f"{number} {row}", dtype)
        except Exception as failure:
            faults.append(f"{row}: {type(failure).__name__}: {failure}")
            continue
        for name, x, y in zip(names, got, expected, strict=True):
            digest.update(_bits(x))
            error = _apart(x, y)
            worst = max(worst, error)
            if not error <= _TOLERANCE[dtype]:
                faults.append(f"{row}: {name} is {error:.1e} from the reference")
    return OpResult(op, dtype, len(its_rows), worst, digest.hexdigest(), faults)


def _both(row: Row, name: str, dtype: str) -> tuple[list[Array], list[Array], list[str]]:
    """The core's outputs and gradients, the reference's, and what each is called."""
    numbers = Numbers(name, dtype)
    inputs = [draw(numbers) for draw in row.inputs]
    attrs = _in_dtype(row.attrs, dtype)
    with np.errstate(all="ignore"):
        wide = [_wide(x) for x in inputs]
        expected = list(reference.forward(row.op, attrs, *wide))
        graph = _core.Graph()
        nodes = [graph.input("", x.shape, x.dtype.name) for x in inputs]
        outputs = graph.push(row.op, attrs, nodes)
        got = list(graph.compile(outputs).run(inputs))
        names = [f"output {i}" for i in range(len(got))]
        by = row.by
        if by is None:
            by = tuple(i for i, x in enumerate(inputs) if x.dtype.kind == "f")
        douts = [numbers.floats(y.shape) if y.dtype.kind == "f" else None for y in got]
        if not by or all(dout is None for dout in douts):
            return got, expected, names
        back = reference.backward(
            row.op, attrs, wide, expected, [None if d is None else _wide(d) for d in douts]
        )
        loss, feeds = _weighed(graph, outputs, douts), [d for d in douts if d is not None]
        found = graph.gradients(loss, [nodes[i] for i in by])
        got += graph.compile(found).run([*inputs, *feeds])
    for i in by:
        gradient = back[i]
        expected.append(np.zeros(wide[i].shape) if gradient is None else gradient)
    return got, expected, names + [f"the gradient by input {i}" for i in by]


def _in_dtype(attrs: Any, dtype: str) -> Any:
    """Attributes in which ``dtype="float"`` is the dtype of the run."""
    if isinstance(attrs, list):
        return [_in_dtype(x, dtype) for x in attrs]
    if not isinstance(attrs, dict):
        return attrs
    return {
        k: dtype if (k, v) == ("dtype", "float") else _in_dtype(v, dtype) for k, v in attrs.items()
    }


def _weighed(graph: Any, outputs: Sequence[int], douts: Sequence[Array | None]) -> int:
    """``sum_i sum(outputs_i * douts_i)``, with the latter as further inputs."""
    terms = []
    for output, dout in zip(outputs, douts):
        if dout is not None:
            weight = graph.input("", dout.shape, dout.dtype.name)
            (product,) = graph.push("binary", {"function": "mul"}, [output, weight])
            attrs = {"function": "sum", "axes": list(range(dout.ndim)), "keepdims": False}
            terms.append(graph.push("reduce", attrs, [product])[0])
    total: int = terms[0]
    for term in terms[1:]:
        (total,) = graph.push("binary", {"function": "add"}, [total, term])
    return total


def _wide(x: Array) -> Array:
    return x.astype(np.float64) if x.dtype.kind == "f" else x


def _bits(x: Array) -> bytes:
    if x.dtype.kind == "f":
        x = np.where(np.isnan(x), x.dtype.type(np.nan), x)
    return np.ascontiguousarray(x).tobytes()


def _apart(got: Array, expected: Array) -> float:
    """max |got - expected| over max |expected|; infinite where shapes or integers differ."""
    if got.shape != expected.shape:
        return float("inf")
    if got.dtype.kind != "f":
        return 0.0 if np.array_equal(got, expected) else float("inf")
    finite = np.isfinite(expected)
    if not np.array_equal(got[~finite], expected[~finite], equal_nan=True):
        return float("inf")
    difference = np.abs(got[finite].astype(np.float64) - expected[finite])
    if not difference.any():
        return 0.0
    scale = float(np.abs(expected[finite]).max())
    return float(difference.max() / scale) if scale and np.isfinite(difference).all() else float("inf")
