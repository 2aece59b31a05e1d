"""Faults put into the backward pass of one op: of the reference, of the core, or of both alike.

A fault maps the gradient by one input of an op to another one by a linear map ``A`` that is its own
transpose. In the reference the op's `backward` is replaced. In the core the traced graph is built
anew, and every reader of that kind gets ``stop(x) + (A x - stop(A x))`` for ``x``: the same value, with
a gradient that passes through ``A``.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from typing import Any
from unittest import mock

import numpy as np

from chainrule import _core, reference
from chainrule.checks import gradients
from chainrule.checks.traced import TracedLoss
from chainrule.reference import walk

SIDES = ("core", "reference", "both")
_NEW = 10**9


@dataclass(frozen=True)
class Fault:
    """What is wrong, and where.

    Attributes
    ----------
    change : {"factor", "sign", "term", "axis"}
        Times 1.1; times -1; without the half of the sum that goes to every other element; elements
        in reverse along the axis.
    axis : int
        For "term" and "axis".
    op, function : str
        The op and, where it has it, its attribute `function`.
    number : int
        Which input.
    """

    change: str
    axis: int
    op: str
    function: str
    number: int

    def meets(self, op: str, attrs: Any) -> bool:
        """Whether an op is of the kind at fault."""
        return op == self.op and str(attrs.get("function", "")) == self.function

    def of(self, gradient: Any) -> Any:
        """A gradient with the fault."""
        if self.change == "factor":
            return gradient * 1.1
        if self.change == "sign":
            return -gradient
        if gradient.ndim == 0:
            return gradient
        if self.change == "axis":
            return np.flip(gradient, self.axis % gradient.ndim)
        return gradient * _halves(gradient.shape, self.axis)

    def in_graph(self, graph: _core.Graph, value: int) -> int:
        """A x of a value of a graph."""
        shape, dtype = graph.spec(value)
        if not shape and self.change in ("term", "axis"):
            return value
        if self.change in ("factor", "sign"):
            factor: Any = np.asarray(1.1 if self.change == "factor" else -1.0)
        elif self.change == "term":
            factor = _halves(shape, self.axis)
        else:
            order = np.arange(shape[self.axis % len(shape)])[::-1].astype("int64")
            attrs = {"axis": self.axis % len(shape)}
            return graph.push("gather", attrs, [value, graph.constant(order.copy())])[0]
        factor = graph.constant(np.array(factor, dtype, order="C"))
        return graph.push("binary", {"function": "mul"}, [value, factor])[0]


def _halves(shape: Sequence[int], axis: int) -> Any:
    """1 and 0.5 in turn along an axis."""
    axis = axis % len(shape)
    at = np.arange(shape[axis]).reshape([-1 if i == axis else 1 for i in range(len(shape))])
    return np.broadcast_to(np.where(at % 2, 0.5, 1.0), shape)


class FaultyGraph:
    """A traced graph, built anew with a fault: what `check_gradients` sees for the core."""

    def __init__(self, traced: Any, fault: Fault) -> None:
        self.graph = graph = _core.Graph()
        self.values: dict[int, int] = {}
        self.cells: list[Any] = []
        for node in traced.nodes:
            if node["op"] == "input":
                (value,) = node["outputs"]
                self.values[value] = graph.input(node["attrs"]["name"], *traced.graph.spec(value))
        for node in traced.nodes:
            op, attrs, outputs = node["op"], node["attrs"], node["outputs"]
            graph.set_layer(node["layer"])
            if op == "input" or op == "assign":
                continue
            if op == "read":
                self.values[outputs[0]] = graph.input("read", *traced.graph.spec(outputs[0]))
                self.cells.append(np.array(traced.leaves[outputs[0]], order="C"))
            elif op == "constant":
                self.values[outputs[0]] = graph.constant(attrs["value"])
            else:
                inputs = [self.values[v] for v in node["inputs"]]
                if fault.meets(op, attrs):
                    inputs[fault.number] = self._bent(inputs[fault.number], fault)
                self.values.update(zip(outputs, graph.push(op, attrs, inputs)))

    def _bent(self, value: int, fault: Fault) -> int:
        graph = self.graph
        if not graph.spec(value)[1].startswith("float"):
            return value
        bent = fault.in_graph(graph, value)
        held = [graph.push("stop_gradient", {}, [v])[0] for v in (value, bent)]
        nothing = graph.push("binary", {"function": "sub"}, [bent, held[1]])[0]
        return graph.push("binary", {"function": "add"}, [held[0], nothing])[0]

    def gradients(self, loss: int, wrt: Sequence[int]) -> list[int]:
        """As `_core.Graph.gradients`, of the values of the graph that was traced."""
        found = self.graph.gradients(self.values[loss], [self.values[v] for v in wrt])
        return [_NEW + v for v in found]

    def compile(self, outputs: Sequence[int], assign: bool = True) -> Any:
        """As `_core.Graph.compile`."""
        numbers = [v - _NEW if v >= _NEW else self.values[v] for v in outputs]
        program, cells = self.graph.compile(numbers, assign=False), self.cells
        return mock.Mock(run=lambda feeds: program.run([*feeds, *cells]))


@contextmanager
def planted(fault: Fault, side: str) -> Iterator[None]:
    """Inside, `check_gradients` meets the fault in the core, the reference, or both."""
    with ExitStack() as stack:
        if side != "core":
            module = reference.load(fault.op)
            true = module.backward

            def wrong(attrs: Any, *args: Any) -> Any:
                found = list(true(attrs, *args))
                number = fault.number
                if fault.meets(fault.op, attrs) and found[number] is not None:
                    found[number] = fault.of(found[number])
                return tuple(found)

            stack.enter_context(mock.patch.object(module, "backward", wrong))
        if side != "reference":
            make = gradients._traced

            def traced(*args: Any) -> Any:
                found = make(*args)
                graph = FaultyGraph(found, fault)
                program = graph.compile([found.loss, *graph.gradients(found.loss, found.weights)])
                changed = {"graph": graph, "computed": program.run(found.feeds)}
                return TracedLoss(**{**vars(found), **changed})

            stack.enter_context(mock.patch.object(gradients, "_traced", traced))
        yield


def draw(case: Any, generator: np.random.Generator) -> tuple[Fault, str] | None:
    """A fault that changes a weight's gradient of this model, and the layer next to the loss where
    it does; None where none was found."""
    traced = gradients._traced(case.model, case.x, case.y, case.sample_weight, 32)
    check = gradients._Check(traced, 1e-4)
    paths, nodes, point = check._paths(), check.point.nodes, check.point
    for _ in range(20):
        number, j, value = paths[int(generator.integers(len(paths)))]
        node = nodes[number]
        change = ("factor", "sign", "term", "axis")[int(generator.integers(4))]
        axis = int(generator.integers(max(point.values[value].ndim, 1)))
        fault = Fault(change, axis, node["op"], str(node["attrs"].get("function", "")), j)
        changes = {
            n: _change(nodes[n], point, fault)
            for n, input_number, _ in paths
            if input_number == j and fault.meets(nodes[n]["op"], nodes[n]["attrs"])
        }
        places = [n for n, change in changes.items() if change > 0.01]
        unclear = any(1e-7 < change <= 0.01 for change in changes.values())
        if places and not unclear and _reaches_a_weight(point, fault):
            return fault, str(nodes[max(places)]["layer"])
    return None


def _change(node: Any, point: Any, fault: Fault) -> float:
    """How much a fault changes the gradient of a node, relative to its largest element."""
    douts = walk.douts_of(node, point.values, point.cotangents)
    right = walk.backward(node, point.values, douts)[fault.number]
    if right is None or not np.isfinite(right).all():
        return 0.0
    apart = np.abs(fault.of(right) - right).max(initial=0.0)
    return float(apart / max(np.abs(right).max(initial=0.0), 1e-300))


def _reaches_a_weight(point: Any, fault: Fault) -> bool:
    with planted(fault, "reference"):
        found = walk.cotangents(point.nodes, point.values, point.loss)
    largest = max(float(np.abs(g).max(initial=0.0)) for g in point.gradients)
    return any(
        float(np.abs(found[w] - g).max(initial=0.0)) > 1e-3 * largest
        for w, g in zip(point.weights, point.gradients)
        if w in found
    )
