"""The reference's walk over whole graphs, against the core's gradients and finite differences."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from chainrule import _core
from chainrule.reference import walk


class Network:
    """Dropout, two dense layers that share a kernel's use, a normalisation, and a cross-entropy."""

    def __init__(self, dtype: str) -> None:
        rng = np.random.default_rng(7)
        self.graph = graph = _core.Graph()
        shapes = {
            "x": (6, 5),
            "w": (5, 5),
            "b": (5,),
            "gamma": (5,),
            "beta": (5,),
            "v": (5, 3),
            "c": (3,),
        }
        self.values = {
            name: rng.standard_normal(shape).astype(dtype) for name, shape in shapes.items()
        }
        self.ids = {name: graph.input(name, shape, dtype) for name, shape in shapes.items()}
        self.labels = graph.input("labels", (6,), "int32")
        seed = graph.constant(np.array([3, 4], np.uint32))
        x = self.push("dropout", {"rate": 0.3}, self.ids["x"], seed)
        for _ in range(2):
            x = self.push("dense", {"activation": "tanh"}, x, self.ids["w"], self.ids["b"])
        x, mean, _ = graph.push(
            "batch_norm", {"epsilon": 1e-3}, [x, self.ids["gamma"], self.ids["beta"]]
        )
        cut = self.push("stop_gradient", {}, mean)
        x = self.push("binary", {"function": "add"}, x, cut)
        x = self.push("dense", {"activation": "linear"}, x, self.ids["v"], self.ids["c"])
        attrs = {"from_logits": True, "epsilon": 1e-7, "sparse": True}
        losses = self.push("cross_entropy", attrs, x, self.labels)
        self.loss = self.push(
            "reduce", {"function": "mean", "axes": [0], "keepdims": False}, losses
        )

    def push(self, op: str, attrs: dict[str, Any], *inputs: int) -> int:
        return self.graph.push(op, attrs, list(inputs))[0]

    def leaves(self) -> dict[int, np.ndarray]:
        targets = np.array([0, 2, 1, 1, 0, 2], np.int32)
        return {**{self.ids[name]: x for name, x in self.values.items()}, self.labels: targets}


@pytest.mark.parametrize(("dtype", "allowed"), [("float32", 1e-5), ("float64", 1e-10)])
def test_walk_equals_the_core(dtype: str, allowed: float) -> None:
    network = Network(dtype)
    leaves, wrt = network.leaves(), list(network.ids.values())
    expected = walk.gradients(network.graph.nodes(), leaves, network.loss, wrt)
    gradients = network.graph.gradients(network.loss, wrt)
    loss, *got = network.graph.compile([network.loss, *gradients]).run(list(leaves.values()))
    np.testing.assert_allclose(
        loss,
        walk.evaluate(network.graph.nodes(), leaves, [network.loss])[network.loss],
        rtol=allowed,
    )
    for mine, theirs in zip(got, expected, strict=True):
        assert theirs.dtype == np.float64
        assert np.max(np.abs(mine - theirs)) <= allowed * np.max(np.abs(theirs))


def test_walk_equals_finite_differences() -> None:
    network = Network("float64")
    leaves, wrt = network.leaves(), list(network.ids.values())
    nodes = network.graph.nodes()
    rng = np.random.default_rng(0)
    for value, gradient in zip(wrt, walk.gradients(nodes, leaves, network.loss, wrt)):
        way = rng.standard_normal(gradient.shape)

        def loss(step: float) -> float:
            moved = {**leaves, value: leaves[value] + step * way}
            return float(walk.evaluate(nodes, moved, [network.loss])[network.loss])

        measured = (loss(1e-5) - loss(-1e-5)) / 2e-5
        # The loss also moves through the stopped mean, the gradient by what feeds it does not.
        if value in (network.ids["gamma"], network.ids["beta"], network.ids["v"], network.ids["c"]):
            assert measured == pytest.approx(float(np.sum(gradient * way)), rel=1e-6, abs=1e-9)


def test_a_missing_leaf_is_named() -> None:
    network = Network("float64")
    leaves = network.leaves()
    del leaves[network.ids["w"]]
    with pytest.raises(KeyError, match="input.*w"):
        walk.gradients(network.graph.nodes(), leaves, network.loss, [network.ids["x"]])


def test_the_loss_must_be_a_scalar() -> None:
    network = Network("float64")
    with pytest.raises(ValueError, match=r"\(6, 5\)"):
        walk.gradients(
            network.graph.nodes(), network.leaves(), network.ids["x"], [network.ids["x"]]
        )
