"""`compare_gradients`: gradients from elsewhere against the core's, and what tells them apart."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from html import escape
from typing import Any

import numpy as np

from chainrule.base import tree
from chainrule.checks.gradients import default_tolerance, prepared, relative
from chainrule.utils.tables import html_table, text_table
from chainrule.checks.traced import Array
from chainrule.testing.differences import Differences, Term
from chainrule.tracing.trace import Trace
from chainrule.training.trace import Signature, traced_inputs

__all__ = ["GradientComparison", "WeightComparison", "compare_gradients"]

_HEAD = ("layer", "weight", "error", "verdict", "what differs")


@dataclass(frozen=True)
class WeightComparison:
    """The gradient of one weight beside one from elsewhere.

    Attributes
    ----------
    layer, weight : str
        Path of the layer and name of the weight.
    shape : tuple of int
    error : float
        ``max |other - ours|`` over the weight's largest ``|ours|``, which counts as a hundredth of the
        largest over all weights at least; infinite for another shape.
    ok : bool
    what : str
        How the other one differs; empty where it does not.
    """

    layer: str
    weight: str
    shape: tuple[int, ...]
    error: float
    ok: bool
    what: str


@dataclass(frozen=True)
class GradientComparison:
    """What `compare_gradients` found; prints as a table, and shows as one in a notebook.

    Attributes
    ----------
    loss : float
    rows : list of WeightComparison
        One for each weight that was given.
    missing : list of str
        The paths of the weights that were not given.
    tolerance : float
        The largest error.
    """

    loss: float
    rows: list[WeightComparison]
    missing: list[str]
    tolerance: float

    @property
    def ok(self) -> bool:
        """Whether every gradient that was given is ours."""
        return all(row.ok for row in self.rows)

    def __bool__(self) -> bool:
        return self.ok

    def _cells(self) -> list[tuple[str, ...]]:
        return [
            (row.layer, row.weight, f"{row.error:.1e}", "ok" if row.ok else "DIFFERS", row.what)
            for row in self.rows
        ]

    def _remarks(self) -> list[str]:
        lines = [f"not given: {', '.join(self.missing)}"] if self.missing else []
        verdict = "ok" if self.ok else f"{sum(not row.ok for row in self.rows)} DIFFER"
        return [*lines, f"loss {self.loss:.6g}, {len(self.rows)} gradients: {verdict}"]

    def __str__(self) -> str:
        table = text_table(_HEAD, self._cells(), len(_HEAD), is_open=True)
        return "\n".join([table, *self._remarks()])

    __repr__ = __str__

    def _repr_html_(self) -> str:
        remarks = "".join(f"<p>{escape(line)}</p>" for line in self._remarks())
        return html_table(_HEAD, self._cells()) + remarks


def compare_gradients(
    model: Any,
    other: Mapping[str, Any] | Sequence[Any],
    x: Any,
    y: Any = None,
    sample_weight: Any = None,
    *,
    training: bool = True,
    tolerance: float | None = None,
) -> GradientComparison:
    """Hold gradients that were computed elsewhere against those of a compiled model's loss.

    For each weight that differs it is said whether the other gradient is ours transposed, flipped or
    with its gates in another order; times a factor (the batch size where a mean became a sum, 2, a
    sign, any constant); with a term of the loss missing or weighed otherwise (a regularizer's, one
    output's, one added in a layer); or the gradient of another weight.

    Parameters
    ----------
    model : Model
        Compiled with a loss, with the weights at which the other gradients were taken.
    other : dict of str to array, or list of arrays
        By the path of a weight, by the end of a path that only one weight has, or, as a list, in the
        order of `model.trainable_variables`. Whatever NumPy takes, and tensors of PyTorch.
    x, y, sample_weight : arrays, or structures of them
        The whole batch.
    training : bool
        Whether dropout drops and batch normalisation uses the batch. Default True.
    tolerance : float, optional
        Largest relative error; default 1e-4, and 1e-9 where everything is float64.

    Returns
    -------
    GradientComparison
        ``report.ok``, and a table when printed.

    Raises
    ------
    NotCompiledError
        The model has no loss.
    ValueError
        A name that no weight or more than one has, a list of another length, or no gradient.

    Notes
    -----
    The terms of the loss are differentiated one by one, and the other gradient is looked for among
    their sums; where it is none of them, their factors are found by least squares.

    Examples
    --------
    >>> import numpy as np, chainrule as keras
    >>> model = keras.Sequential([keras.Input((2,)), keras.layers.Dense(1, use_bias=False)])
    >>> model.compile("sgd", "mse")
    >>> x, y = np.array([[1.0, 2.0], [3.0, 4.0]]), np.zeros((2, 1))
    >>> w = model.get_weights()[0]
    >>> by_hand = 2 * x.T @ (x @ w - y)
    >>> print(compare_gradients(model, {"kernel": by_hand}, x, y).rows[0].what)
    2 times ours: the batch size, a sum over rows for a mean
    """
    traced = _Traced(model, x, y, sample_weight, training)
    paths = [v.path for v in traced.variables]
    given = _by_number(other, paths)
    limit = default_tolerance(traced.kinds) if tolerance is None else tolerance
    differences = Differences(traced.gradients, traced.terms, paths, traced.sizes, limit)
    rows = []
    for number, gradient in sorted(given.items()):
        ours, path = traced.gradients[number], paths[number]
        if gradient.shape == ours.shape:
            pairs = [gradient if i == number else g for i, g in enumerate(traced.gradients)]
            error = relative(pairs, traced.gradients)[number]
        else:
            error = float("inf")
        ok = bool(error <= limit)
        layer, _, name = path.rpartition("/")
        what = "" if ok else differences.explain(number, gradient)
        rows.append(WeightComparison(layer, name, ours.shape, error, ok, what))
    missing = [path for i, path in enumerate(paths) if i not in given]
    return GradientComparison(traced.loss, rows, missing, limit)


class _Traced:
    """The loss of a batch, its terms, and the gradients of all by every weight."""

    def __init__(self, model: Any, x: Any, y: Any, sample_weight: Any, training: bool) -> None:
        source = prepared(model, "compare_gradients", x, y, sample_weight)
        batch = (source.x, source.y, source.sample_weight)
        try:
            with Trace() as trace:
                inputs = traced_inputs(trace, batch, Signature.of(batch, source.rows))
                self.variables = model.trainable_variables
                weights = [trace.read(v) for v in self.variables]
                y_pred = model._forward(inputs[0], training=training)
                loss = trace.lift(
                    model.compute_loss(
                        x=inputs[0],
                        y=inputs[1],
                        y_pred=y_pred,
                        sample_weight=inputs[2],
                        training=training,
                    )
                )
                terms = _terms(model, inputs[1], y_pred, inputs[2])
                lifted = [trace.lift(term) for _, term in terms]
        finally:
            model._clear_losses()
        graph, numbers = trace.graph, [w.value for w in weights]
        self.kinds = {graph.spec(v)[1] for node in graph.nodes() for v in node["outputs"]}
        wanted = [loss.value]
        for scalar in (loss, *lifted):
            wanted += graph.gradients(scalar.value, numbers)
        found = graph.compile(wanted, assign=False).run(source.leaves())
        count = len(numbers)
        self.loss = float(found[0])
        groups = [found[1 + i * count : 1 + (i + 1) * count] for i in range(len(terms) + 1)]
        self.gradients = [np.asarray(g, np.float64) for g in groups[0]]
        self.terms = [
            Term(name, [np.asarray(g, np.float64) for g in group])
            for (name, _), group in zip(terms, groups[1:])
        ]
        per_row = [int(np.prod(shape[1:])) for shape in _shapes(y_pred)]
        self.sizes = {"rows": source.rows, "outputs": per_row[0] if len(per_row) == 1 else 1}


def _shapes(y_pred: Any) -> list[tuple[int, ...]]:
    return [tuple(x.shape) for x in tree.flatten(y_pred)]


def _terms(model: Any, y: Any, y_pred: Any, sample_weight: Any) -> list[tuple[str, Any]]:
    """The summands of the loss with their names, traced once more."""
    terms = []
    loss = model._training.loss
    if loss is not None:
        target = loss.align(y, y_pred)
        for path, part, factor, name in loss.parts:
            values = [target, y_pred, sample_weight]
            for key in path:
                values = [
                    v[key] if isinstance(v, (dict, list, tuple)) else v for v in values
                ]
            value = part(*values)
            title = f"the loss of output '{name}'" if len(loss.parts) > 1 else "the loss of the targets"
            terms.append((title, value if factor is None else value * factor))
    for variable in model.trainable_variables:
        if variable.regularizer is not None:
            terms.append((f"the regularizer of '{variable.path}'", variable.regularizer(variable)))
    for layer in model._flatten_layers():
        for value in layer._get_own_losses():
            terms.append((f"a loss added by '{layer.path or layer.name}'", value))
    return terms


def _by_number(other: Any, paths: list[str]) -> dict[int, Array]:
    """The other gradients by the number of the weight."""
    if isinstance(other, Mapping):
        pairs = [(_number(str(name), paths), value) for name, value in other.items()]
    else:
        values = list(other)
        if len(values) != len(paths):
            raise ValueError(
                f"compare_gradients: expected {len(paths)} gradients, in the order "
                f"{', '.join(paths)}; got {len(values)}"
            )
        pairs = list(enumerate(values))
    if not pairs:
        raise ValueError("compare_gradients: expected a gradient, got none")
    return {number: _array(value) for number, value in pairs}


def _number(name: str, paths: list[str]) -> int:
    if name in paths:
        return paths.index(name)
    found = [i for i, path in enumerate(paths) if path.endswith(f"/{name}")]
    if len(found) != 1:
        many = "several weights end in it" if found else "no weight has it"
        raise ValueError(
            f"compare_gradients: expected the path of a weight, or its end, got {name!r}: {many}. "
            f"The weights are {', '.join(paths)}"
        )
    return found[0]


def _array(value: Any) -> Array:
    if hasattr(value, "detach"):
        value = value.detach().cpu()
    return np.asarray(value, np.float64)
