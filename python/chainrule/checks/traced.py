"""A traced loss, as the core differentiates it and as the reference walks it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from chainrule.tracing.tensor import KerasTensor
from chainrule.tracing.trace import Trace

Array = NDArray[Any]


@dataclass(frozen=True)
class Place:
    """What stands for an input beside variables.

    Attributes
    ----------
    path : str
    shape : tuple of int
    """

    path: str
    shape: tuple[int, ...]


@dataclass(frozen=True)
class TracedLoss:
    """A scalar of a graph, and the values by which it is differentiated.

    Attributes
    ----------
    graph : _core.Graph
    nodes : list of dict
        What ``graph.nodes()`` listed before anything was differentiated.
    kinds : set of str
        The dtypes of all values, and the narrower ones that some are rounded to.
    feeds : list of ndarray
        The arrays of the graph's inputs.
    leaves : dict
        The value of each input and read, by value id.
    loss : int
        The value id of the loss.
    variables : list
        By what is differentiated; each has a `path` and a `shape`.
    weights : list of int
        Their value ids.
    computed : list of ndarray
        The core's loss and gradients.
    """

    graph: Any
    nodes: list[dict[str, Any]]
    kinds: set[str]
    feeds: list[Array]
    leaves: dict[int, Array]
    loss: int
    variables: list[Any]
    weights: list[int]
    computed: list[Array]

    @staticmethod
    def of(
        trace: Trace,
        loss: KerasTensor,
        variables: Sequence[Any],
        weights: Sequence[KerasTensor],
        feeds: Sequence[Array],
    ) -> TracedLoss:
        """The loss of a trace that is over, differentiated and run by the core.

        Parameters
        ----------
        trace : Trace
        loss : KerasTensor
            A scalar of the trace.
        variables : sequence
            Variables, or `Place` for an input.
        weights : sequence of KerasTensor
            Their values in the trace.
        feeds : sequence of ndarray
            The arrays of the inputs, as the core takes them.
        """
        graph, numbers = trace.graph, [w.value for w in weights]
        nodes = graph.nodes()
        kinds = {graph.spec(number)[1] for node in nodes for number in node["outputs"]}
        kinds |= {node["attrs"]["format"] for node in nodes if node["op"] == "narrow"}
        leaves: dict[int, Array] = {
            node["outputs"][0]: feeds[node["attrs"]["index"]]
            for node in nodes
            if node["op"] == "input"
        }
        leaves.update({tensor.value: np.asarray(v) for v, tensor in trace.reads})
        gradients = graph.gradients(loss.value, numbers)
        computed = graph.compile([loss.value, *gradients], assign=False).run(feeds)
        return TracedLoss(
            graph, nodes, kinds, list(feeds), leaves, loss.value, list(variables), numbers, computed
        )
