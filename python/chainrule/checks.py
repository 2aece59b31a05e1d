"""The check of gradients that a user can run: the core against NumPy and finite differences.

The loss and the gradient of every weight are computed three times: by the compiled core; by the
NumPy reference in float64, with its own reverse walk over the traced graph, which knows nothing of
the core's differentiation; and, along random directions, by central differences of the reference's
forward pass: ``(L(w + h d) - L(w - h d)) / 2h`` against ``<gradient, d>``.
"""

from __future__ import annotations

from dataclasses import dataclass
from html import escape
from typing import Any

import numpy as np
from numpy.typing import NDArray

from chainrule import scopes
from chainrule.reference import walk
from chainrule.training.data import ArraySource, to_arrays
from chainrule.training.trace import Signature, traced_inputs

__all__ = ["GradientCheck", "GradientReport", "check_gradients"]

Array = NDArray[Any]

_TOLERANCE = {"float32": 1e-4, "float64": 1e-9}
_DIFFERENCE_TOLERANCE = 1e-5
_STEP = 1e-6
_FLOOR = 1e-2
_LOSS_FLOOR = 1e-4


@dataclass(frozen=True)
class GradientCheck:
    """The check of one weight.

    Attributes
    ----------
    layer, weight : str
        Path of the layer and name of the weight.
    shape : tuple of int
    error : float
        ``max |core - reference| / scale`` over the weight's elements, where the scale is the
        weight's largest ``|reference|``, but at least a hundredth of the largest over all
        weights: the gradient of a bias in front of a batch normalisation is 0, and what both
        sides compute for it is the rounding of a sum that cancels.
    difference_error : float
        ``|<reference, d> - finite difference| / scale``, the largest over the directions ``d``
        of length 1, where the scale is the norm of the weight's gradient, but at least a
        hundredth of the largest norm and ``1e-4 |loss|``; NaN where finite differences were not
        asked for.
    ok : bool
        Whether both are within their tolerances.
    """

    layer: str
    weight: str
    shape: tuple[int, ...]
    error: float
    difference_error: float
    ok: bool


@dataclass(frozen=True)
class GradientReport:
    """What `check_gradients` found; prints as a table, and shows as one in a notebook.

    Attributes
    ----------
    ok : bool
        Whether the loss and every weight passed.
    loss, reference_loss : float
        The loss by the core and by the reference.
    rows : list of GradientCheck
        One a weight.
    tolerance : float
        Largest relative error against the reference.
    """

    loss: float
    reference_loss: float
    rows: list[GradientCheck]
    tolerance: float

    @property
    def loss_error(self) -> float:
        """``|loss - reference loss| / max(|reference loss|, 1e-8)``."""
        return abs(self.loss - self.reference_loss) / max(abs(self.reference_loss), 1e-8)

    @property
    def ok(self) -> bool:
        """Whether the loss and every weight passed."""
        return bool(self.loss_error <= self.tolerance and all(row.ok for row in self.rows))

    def _cells(self) -> list[tuple[str, str, str, str, str]]:
        return [
            (
                row.layer,
                row.weight,
                f"{row.error:.1e}",
                f"{row.difference_error:.1e}",
                "ok" if row.ok else "WRONG",
            )
            for row in self.rows
        ]

    def __str__(self) -> str:
        head = ("layer", "weight", "vs reference", "vs differences", "verdict")
        cells = [head, *self._cells()]
        widths = [max(len(row[i]) for row in cells) for i in range(len(head))]
        lines = [
            "  ".join(
                cell.ljust(width) if i < 2 else cell.rjust(width)
                for i, (cell, width) in enumerate(zip(row, widths))
            )
            for row in cells
        ]
        lines.insert(1, "  ".join("-" * w for w in widths))
        verdict = "ok" if self.ok else "WRONG"
        lines.append(
            f"loss {self.loss:.6g}, by the reference {self.reference_loss:.6g}: gradients {verdict}"
        )
        return "\n".join(lines)

    __repr__ = __str__

    def _repr_html_(self) -> str:
        head = "".join(
            f"<th>{name}</th>"
            for name in ("layer", "weight", "vs reference", "vs differences", "verdict")
        )
        body = "".join(
            "<tr>" + "".join(f"<td>{escape(cell)}</td>" for cell in row) + "</tr>"
            for row in self._cells()
        )
        return f"<table><tr>{head}</tr>{body}</table><p>{escape(str(self).splitlines()[-1])}</p>"


def check_gradients(
    model: Any,
    x: Any,
    y: Any = None,
    sample_weight: Any = None,
    *,
    rows: int = 32,
    directions: int = 2,
    tolerance: float | None = None,
    seed: int = 0,
) -> GradientReport:
    """Check the gradient of a compiled model's loss by each of its trainable weights.

    Parameters
    ----------
    model : Model
        Compiled with a loss.
    x, y, sample_weight : arrays, or structures of them
        Only the first `rows` rows are used.
    rows : int
        Default 32.
    directions : int
        Random directions a weight for finite differences; 0 leaves them out. Default 2.
    tolerance : float, optional
        Largest relative error against the reference; default 1e-4, and 1e-9 where nothing in the
        step is float32.
    seed : int
        Of the directions.

    Returns
    -------
    GradientReport
        ``report.ok``, and a table when printed.

    Raises
    ------
    NotCompiledError
        The model has no loss.
    ShapeError, DTypeError, DataError
        Data that the model cannot take.

    Notes
    -----
    The step is the training step: dropout drops what it would drop next, batch normalisation uses
    the batch. No weight, seed or moving statistic changes.

    Examples
    --------
    >>> import numpy as np, chainrule as keras
    >>> model = keras.Sequential([keras.layers.Dense(3, activation="tanh"), keras.layers.Dense(1)])
    >>> model.compile(optimizer="sgd", loss="mse")
    >>> x = np.random.default_rng(0).normal(size=(8, 4))
    >>> model.check_gradients(x, x.sum(axis=1)).ok
    True
    """
    model._check_compiled("check_gradients")
    source = ArraySource(to_arrays(x, "x"), to_arrays(y, "y"), to_arrays(sample_weight, "weight"))
    source = ArraySource(*source.batch(slice(0, rows)))
    model._ensure_ready("test", source)
    model._check_targets(source)
    batch = (source.x, source.y, source.sample_weight)
    leaves = source.leaves()

    with scopes.Trace() as trace:
        inputs = traced_inputs(trace, batch, Signature.of(batch, source.rows))
        variables = model.trainable_variables
        weights = [trace.read(v) for v in variables]
        y_pred = model._forward(inputs[0], training=True)
        loss = trace.lift(
            model.compute_loss(
                x=inputs[0], y=inputs[1], y_pred=y_pred, sample_weight=inputs[2], training=True
            )
        )
        nodes = trace.graph.nodes()
        gradients = trace.graph.gradients(loss.value, [w.value for w in weights])
        reads = list(trace.reads)
        graph = trace.graph
        kinds = {graph.spec(number)[1] for node in nodes for number in node["outputs"]}

    values: dict[int, Array] = {
        node["outputs"][0]: leaves[node["attrs"]["index"]]
        for node in nodes
        if node["op"] == "input"
    }
    values.update({tensor.value: variable.numpy() for variable, tensor in reads})
    numbers = [w.value for w in weights]
    program = graph.compile([loss.value, *gradients], assign=False)
    computed = program.run(leaves)
    reference_loss = float(walk.evaluate(nodes, values, [loss.value])[loss.value])
    expected = walk.gradients(nodes, values, loss.value, numbers)

    limit = tolerance
    if limit is None:
        limit = _TOLERANCE["float32" if "float32" in kinds else "float64"]
    generator = np.random.default_rng(seed)
    peaks = [float(np.abs(want).max(initial=0.0)) for want in expected]
    norms = [float(np.linalg.norm(want)) for want in expected]
    least = _FLOOR * max(peaks, default=0.0)
    least_norm = max(_FLOOR * max(norms, default=0.0), _LOSS_FLOOR * abs(reference_loss), 1e-30)
    checks = []
    for i, (variable, number) in enumerate(zip(variables, numbers)):
        got, want = computed[1 + i], expected[i]
        error = float(np.abs(got - want).max(initial=0.0)) / max(peaks[i], least, 1e-30)
        difference = float("nan")
        if directions:
            difference = max(
                _difference(nodes, values, loss.value, number, want, generator)
                for _ in range(directions)
            ) / max(norms[i], least_norm)
        ok = error <= limit and not difference > _DIFFERENCE_TOLERANCE
        layer, _, name = variable.path.rpartition("/")
        checks.append(
            GradientCheck(layer, name, tuple(variable.shape), error, difference, bool(ok))
        )
    return GradientReport(float(computed[0]), reference_loss, checks, limit)


def _difference(
    nodes: list[dict[str, Any]],
    values: dict[int, Array],
    loss: int,
    number: int,
    gradient: Array,
    generator: np.random.Generator,
) -> float:
    """``|<gradient, d> - central difference|`` along a random ``d`` of length 1.

    The smaller of two steps' results: a step across the kink of a ReLU says nothing.
    """
    direction = generator.standard_normal(gradient.shape)
    direction /= max(float(np.linalg.norm(direction)), 1e-30)
    weight = np.asarray(values[number], np.float64)
    expected = float((gradient * direction).sum())
    found = []
    for step in (_STEP, _STEP / 8):
        step *= max(1.0, float(np.abs(weight).max(initial=0.0)))
        sides = [
            float(walk.evaluate(nodes, {**values, number: weight + h * direction}, [loss])[loss])
            for h in (step, -step)
        ]
        found.append(abs((sides[0] - sides[1]) / (2 * step) - expected))
        if found[-1] <= 0.1 * _DIFFERENCE_TOLERANCE * float(np.linalg.norm(gradient)):
            break
    return min(found)
