"""`check_gradients`: the core against the NumPy reference, and the reference against differences.

The loss and the gradient of every weight are computed by the compiled core and by the NumPy
reference in float64, with its own reverse walk over the traced graph, which knows nothing of the
core's differentiation. The reference's gradient is compared with finite differences of its forward
pass, op by op (`edges`) and along directions of all weights at once (`network`). Where the core and
the reference differ, `sites` finds the op.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from chainrule.checks import edges
from chainrule.checks.network import Point
from chainrule.checks.report import GradientCheck, GradientFault, GradientKink, GradientReport
from chainrule.checks.sites import Core
from chainrule.checks.traced import Array, TracedLoss
from chainrule.reference import walk
from chainrule.reference._arrays import is_float
from chainrule.tracing.trace import Trace
from chainrule.training.data import ArraySource, to_array, to_arrays
from chainrule.training.loaded import inputs_of
from chainrule.training.trace import Signature, traced_inputs

__all__ = ["check_gradients"]

# Of a step the narrowest dtype in it says.
_TOLERANCE = {"bfloat16": 1e-1, "float16": 1e-2, "float32": 1e-4, "float64": 1e-9}
_FLOOR = 1e-2


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
        Directions of finite differences, for each op and for all weights together; 0 leaves them
        out. Default 2.
    tolerance : float, optional
        Largest relative error against the reference; default 1e-4, and 1e-9 where nothing in the
        step is float32, 1e-2 where something is float16, 1e-1 where something is bfloat16.
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
    GradientError
        The loss needs a derivative that does not exist.

    Notes
    -----
    The step is the training step: dropout drops what it would drop next, batch normalisation uses
    the batch. No weight, seed or moving statistic changes.

    At a kink (a ReLU at 0, a tie of maxima) the gradient is a convention, which core and reference
    share; differences judge it beside the kink. What `stop_gradient` gives is held constant.

    Examples
    --------
    >>> import numpy as np, chainrule as keras
    >>> model = keras.Sequential([keras.layers.Dense(3, activation="tanh"), keras.layers.Dense(1)])
    >>> model.compile(optimizer="sgd", loss="mse")
    >>> x = np.random.default_rng(0).normal(size=(8, 4))
    >>> model.check_gradients(x, x.sum(axis=1)).ok
    True
    """
    return judge(_traced(model, x, y, sample_weight, rows), tolerance, directions, seed)


def judge(
    traced: TracedLoss, tolerance: float | None = None, directions: int = 2, seed: int = 0
) -> GradientReport:
    """The check of a traced loss; parameters as those of `check_gradients`."""
    limit = default_tolerance(traced.kinds) if tolerance is None else tolerance
    check = _Check(traced, limit)
    check.against_reference()
    if directions:
        generator = np.random.default_rng(seed)
        check.op_by_op(directions, generator)
        check.all_at_once(directions, generator)
    return check.report()


def default_tolerance(kinds: set[str]) -> float:
    """The largest relative error of a step in which these dtypes stand."""
    return next((limit for kind, limit in _TOLERANCE.items() if kind in kinds), _TOLERANCE["float64"])


def prepared(
    model: Any, place: str, x: Any, y: Any, sample_weight: Any, rows: int | None = None
) -> ArraySource:
    """The data of a check, which a compiled model has been built for and can take.

    Parameters
    ----------
    model : Model
    place : str
        The name of the check, for messages.
    x, y, sample_weight : arrays, or structures of them
    rows : int, optional
        How many of them count; default all.

    Raises
    ------
    NotCompiledError, ShapeError, DTypeError, DataError
    """
    model._check_compiled(place)
    x = inputs_of(model, x, to_array)
    source = ArraySource(x, to_arrays(y, "y"), to_arrays(sample_weight, "weight"))
    source = ArraySource(*source.batch(slice(0, rows)))
    model._ensure_ready("test", source)
    model._check_targets("test", source)
    return source


def _traced(model: Any, x: Any, y: Any, sample_weight: Any, rows: int) -> TracedLoss:
    source = prepared(model, "check_gradients", x, y, sample_weight, rows)
    batch = (source.x, source.y, source.sample_weight)
    try:
        with Trace() as trace:
            inputs = traced_inputs(trace, batch, Signature.of(batch, source.rows))
            variables = model.trainable_variables
            weights = [trace.read(v) for v in variables]
            y_pred = model._forward(inputs[0], training=True)
            loss = trace.lift(
                model.compute_loss(
                    x=inputs[0], y=inputs[1], y_pred=y_pred, sample_weight=inputs[2], training=True
                )
            )
    finally:
        model._clear_losses()
    return TracedLoss.of(trace, loss, variables, weights, source.leaves())


class _Check:
    """A check under way: what was found so far about each weight."""

    def __init__(self, traced: TracedLoss, limit: float) -> None:
        self.traced = traced
        self.limit = limit
        self.point = Point(traced.nodes, traced.leaves, traced.loss, traced.weights)
        self.loss = float(traced.computed[0])
        self.reference_loss = float(self.point.values[traced.loss])
        count = len(traced.weights)
        self.errors = [float("nan")] * count
        self.differences = [float("nan")] * count
        self.ok = [True] * count
        self.loss_ok = True
        self.faults: list[tuple[int, GradientFault]] = []
        self.kinks: dict[int, int] = {}
        self.slopes: tuple[float, float, float] | None = None
        self.last: tuple[int, edges.Node] | None = None

    def against_reference(self) -> None:
        """The core's loss and gradients against the reference's."""
        got = self.traced.computed[1:]
        self.errors = relative(got, self.point.gradients)
        apart = abs(self.loss - self.reference_loss) / max(abs(self.reference_loss), 1e-8)
        if apart <= self.limit and all(error <= self.limit for error in self.errors):
            return
        t = self.traced
        eps = float(np.finfo("float32" if "float32" in t.kinds else "float64").eps)
        core = Core(t.graph, t.nodes, t.leaves, t.feeds, t.loss, t.weights, eps)
        if not apart <= self.limit:
            self._judge_values(core)
        if not np.isfinite(self.loss):
            self.ok = [error <= self.limit for error in self.errors]
        elif not all(error <= self.limit for error in self.errors):
            self._judge_gradients(core)

    def _judge_values(self, core: Core) -> None:
        """A loss that cancels is judged op by op."""
        errors = core.forward_errors(self.limit)
        wrong = [number for number, error in errors.items() if not error <= self.limit]
        self.loss_ok = not wrong and bool(np.isfinite(self.loss))
        what = "the core's value is not the reference's"
        if not wrong and not self.loss_ok:
            wrong = core.first_not_finite()
            what = "gives the first NaN or infinity"
        for number in wrong[:1]:
            self._fault(number, what, errors[number] if np.isfinite(self.loss) else float("nan"))

    def _judge_gradients(self, core: Core) -> None:
        """The reference's gradients at the core's own values; then op by op."""
        t = self.traced
        want = [core.expected.get(w, np.zeros_like(core.values[w])) for w in t.weights]
        again = relative(t.computed[1:], want)
        self.errors = [b if b <= self.limit else a for a, b in zip(self.errors, again)]
        endless = self.point.first_not_finite()
        if endless is not None:
            self.ok = [error <= self.limit for error in self.errors]
            self._fault(endless, "gives the first gradient that is NaN or infinite", float("nan"))
            return
        wrong = [i for i, error in enumerate(self.errors) if not error <= self.limit]
        if not wrong:
            return
        errors = core.backward_errors(self.limit)
        sites = [value for value, error in errors.items() if not error <= self.limit]
        unfused = [core.cotangents.get(w, np.zeros_like(x)) for w, x in zip(t.weights, want)]
        fused = relative(t.computed[1:], unfused)
        if not sites and all(fused[i] <= self.limit for i in wrong):
            worst = self._worst_behind({(n, j): errors.get(v, 0.0) for n, j, v in self._paths()})
            for i in wrong:
                self.errors[i] = worst.get(t.weights[i], 0.0)
            wrong = [i for i in wrong if not np.isfinite(np.asarray(t.computed[1 + i])).all()]
        for i in wrong:
            self.ok[i] = False
        for value in sites:
            number, node = core.at_fault(value)
            what = "the core's gradient is not the reference's"
            self._fault(number, what, errors[value])
        if wrong and not sites:
            self._fault_of_row(wrong, "the core's gradient is not the reference's")

    def op_by_op(self, directions: int, generator: np.random.Generator) -> None:
        """The reference's gradient of every op between a weight and the loss."""
        if not np.isfinite(self.reference_loss):
            return
        found = {}
        for number, j, _ in self._paths():
            edge = self._edge(number, j, directions, generator)
            found[number, j] = edge.error
            if edge.kinked:
                self.kinks[number] = max(self.kinks.get(number, 0), edge.kinked)
            if edge.error > edges.TOLERANCE:
                core = "the core's and the reference's gradients are"
                self._fault(
                    number,
                    f"{core if self.loss_ok and all(self.ok) else 'the gradient of the reference is'}"
                    " not what differences give",
                    edge.error,
                )
        worst = self._worst_behind(found)
        self.differences = [worst.get(w, 0.0) for w in self.traced.weights]
        for i, error in enumerate(self.differences):
            self.ok[i] = bool(self.ok[i] and error <= edges.TOLERANCE)

    def all_at_once(self, directions: int, generator: np.random.Generator) -> None:
        """The whole gradient, where every op alone is right."""
        if not all(self.ok) or not self.traced.weights:
            return
        place = self.point
        for index in range(directions):
            here, found, place = place.judge(self.traced.weights, generator, index == 0)
            if here.verdict == "kink" and self.slopes is None:
                self.slopes = (here.left, here.right, here.expected)
            if found.verdict == "wrong":
                self._inherited(generator, found.error)
                return

    def _inherited(self, generator: np.random.Generator, error: float) -> None:
        """Every op is right and the loss is smooth, but its slope is not the gradient."""
        t = self.traced
        wrong = []
        for i, w in enumerate(t.weights):
            found = self.point.judge([w], generator, True)[1]
            if found.verdict == "wrong":
                wrong.append(i)
                self.differences[i] = found.error
        for i in wrong or range(len(t.weights)):
            self.ok[i] = False
        what = (
            "the loss is smooth here, but the gradient is not its slope: the op has a kink that "
            "the function it is a part of has not"
        )
        for number, j, _ in self._paths():
            edge = self._edge(number, j, 1, generator, every_kink=True)
            if edge.kinked:
                self._fault(number, what, error)
        if not self.faults:
            self._fault_of_row(wrong, "the gradient is not the slope of the loss")

    def report(self) -> GradientReport:
        """All of it, the fault next to the loss first."""
        t = self.traced
        checks = []
        for i, variable in enumerate(t.variables):
            layer, _, name = variable.path.rpartition("/")
            checks.append(
                GradientCheck(
                    layer,
                    name,
                    tuple(variable.shape),
                    self.errors[i],
                    self.differences[i],
                    self.ok[i],
                )
            )
        faults = [fault for _, fault in sorted(self.faults, key=lambda found: -found[0])]
        nodes = self.point.nodes
        kinks = [
            GradientKink(nodes[number]["layer"], nodes[number]["op"], count)
            for number, count in self.kinks.items()
        ]
        return GradientReport(
            self.loss,
            self.reference_loss,
            checks,
            self.limit,
            self.loss_ok,
            faults,
            kinks,
            self.slopes,
        )

    def _edge(
        self,
        number: int,
        j: int,
        directions: int,
        generator: np.random.Generator,
        every_kink: bool = False,
    ) -> edges.Edge:
        if self.last is None or self.last[0] != number:
            node, values = self.point.nodes[number], self.point.values
            douts = walk.douts_of(node, values, self.point.cotangents)
            self.last = number, edges.Node(node, [values[v] for v in node["inputs"]], douts)
        return self.last[1].check(j, directions, generator, every_kink)

    def _paths(self) -> list[tuple[int, int, int]]:
        """(node, number of the input, its value id) of every way from a weight to the loss."""
        moved = set(self.traced.weights)
        paths = []
        for number, node in enumerate(self.point.nodes):
            inputs = [(j, v) for j, v in enumerate(node["inputs"]) if v in moved]
            if not inputs or node["op"] == "stop_gradient":
                continue
            outputs = [v for v in node["outputs"] if is_float(self.point.values[v])]
            moved.update(outputs)
            if any(v in self.point.cotangents for v in outputs):
                paths += [(number, j, v) for j, v in inputs]
        return paths

    def _worst_behind(self, errors: dict[tuple[int, int], float]) -> dict[int, float]:
        """By value id, the largest error of the ops between it and the loss."""
        worst: dict[int, float] = {}
        for number, j, value in reversed(self._paths()):
            outputs = self.point.nodes[number]["outputs"]
            behind = [errors[number, j], *(worst.get(v, 0.0) for v in outputs)]
            worst[value] = float(np.max([worst.get(value, 0.0), *behind]))
        return worst

    def _fault(self, number: int, what: str, error: float) -> None:
        node = self.point.nodes[number]
        self.faults.append((number, GradientFault(node["layer"], node["op"], what, error)))

    def _fault_of_row(self, wrong: list[int], what: str) -> None:
        """Where no op can be named: the layer of the wrong weight that is next to the loss."""
        first: dict[int, int] = {}
        for number, _, value in self._paths():
            first.setdefault(value, number)
        weights = self.traced.weights
        at = max(wrong, key=lambda i: first.get(weights[i], -1))
        layer = self.traced.variables[at].path.rpartition("/")[0]
        number = first.get(weights[at], -1)
        self.faults.append((number, GradientFault(layer, "", what, self.errors[at])))


def relative(got: Sequence[Array], want: Sequence[Array]) -> list[float]:
    """max |got - want| over max |want|, which counts as a hundredth of the largest at least."""
    peaks = [float(np.abs(w).max(initial=0.0)) for w in want]
    least = max(_FLOOR * max(peaks, default=0.0), 1e-30)
    with np.errstate(all="ignore"):
        return [
            float(np.abs(g - w).max(initial=0.0)) / max(peak, least)
            for g, w, peak in zip(got, want, peaks)
        ]
