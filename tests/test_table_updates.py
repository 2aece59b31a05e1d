"""Steps of optimizers on a table of which few rows have a gradient: the bits of the dense step."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import chainrule as cr
from chainrule import layers, ops, optimizers
from chainrule.errors import DataError
from chainrule.tracing.trace import Trace

FUSION = "adam_by_rows"
# By name: the optimizer, and whether its step reads rows.
KINDS: dict[str, tuple[Any, bool]] = {
    "adam": (lambda: optimizers.Adam(0.1), True),
    "rates": (lambda: optimizers.Adam(0.1, beta_1=0.0, beta_2=0.5, epsilon=1e-3), True),
    "schedule": (
        lambda: optimizers.Adam(optimizers.schedules.ExponentialDecay(0.1, 2, 0.5)), True
    ),
    "decay": (lambda: optimizers.AdamW(0.1, weight_decay=0.01), True),
    "averages": (lambda: optimizers.Adam(0.1, use_ema=True, ema_overwrite_frequency=2), True),
    "no step": (lambda: optimizers.Adam(0.0), True),
    "norm": (lambda: optimizers.Adam(0.1, clipnorm=0.5), False),
    "all norms": (lambda: optimizers.Adam(0.1, global_clipnorm=0.5), False),
    "values": (lambda: optimizers.Adam(0.1, clipvalue=0.1), False),
    "amsgrad": (lambda: optimizers.Adam(0.1, amsgrad=True), False),
    "sgd": (lambda: optimizers.SGD(0.1, momentum=0.9), False),
}  # fmt: skip
ROWS, WIDTH = 60, 16


class Steps:
    """Steps of an optimizer on a table, by the sum of weighed rows; dense where the gradient is given."""

    def __init__(self, optimizer: Any, dense: bool) -> None:
        values = np.random.default_rng(1).normal(size=(ROWS, WIDTH))
        self.table = cr.Variable(values.astype("float32"))
        self.optimizer = optimizer
        optimizer.build([self.table])
        with Trace() as trace:
            ids = trace.input("ids", (3, 7), "int32")
            weights = trace.input("weights", (3, 7, WIDTH), "float32")
            table = trace.read(self.table)
            loss = ops.sum(ops.square(ops.take(table, ids, axis=0)) * weights)
            (gradient,) = trace.gradients(loss, [table])
            optimizer.apply([gradient], [self.table])
            self.program = trace.compile([gradient] if dense else [])

    def run(self, seed: int) -> None:
        rng = np.random.default_rng(seed)
        ids = rng.integers(-ROWS // 4, ROWS // 4, (3, 7)).astype("int32")
        self.program.run([ids, rng.normal(size=(3, 7, WIDTH)).astype("float32")])

    def state(self) -> list[bytes]:
        return [v.numpy().tobytes() for v in (self.table, *self.optimizer.variables)]

    def fused(self) -> bool:
        return any(FUSION in task["fusions"] for task in self.program.explain())


@pytest.mark.parametrize("kind", KINDS)
def test_no_bit_differs_from_the_dense_step(kind: str) -> None:
    make, by_rows = KINDS[kind]
    steps, dense = Steps(make(), False), Steps(make(), True)
    assert steps.fused() == by_rows and not dense.fused()
    for seed in range(6):
        steps.run(seed)
        dense.run(seed)
        assert steps.state() == dense.state(), seed


def test_states_that_were_set_count() -> None:
    """Rows that no gradient has touched move when their averages are not 0, however they came there."""
    steps, dense = Steps(optimizers.Adam(0.1), False), Steps(optimizers.Adam(0.1), True)
    averages = np.zeros((2, ROWS, WIDTH), "float32")
    averages[0, 30], averages[1, 30] = 1.0, 0.25
    averages[0, 31, -1], averages[1, 32, -1] = -0.0, 1e-30
    for one in (steps, dense):
        _, _, m, v = one.optimizer.variables
        m.assign(averages[0])
        v.assign(averages[1])
        was = one.table.numpy()[30:34].copy()
        one.run(1)
        moved = (one.table.numpy()[30:34] != was).any(1)
        assert moved.tolist() == [True, False, False, False]
    assert steps.state() == dense.state()


def test_a_model_learns_as_with_the_dense_step() -> None:
    rng = np.random.default_rng(5)
    x = rng.integers(0, 500, (64, 8)).astype("int32")
    y = (x[:, -1] % 2).astype("int32")

    def trained(**options: Any) -> Any:
        cr.utils.set_random_seed(3)
        model = cr.Sequential(
            [
                cr.Input((8,), dtype="int32"), layers.Embedding(500, 16), layers.Flatten(),
                layers.Dense(2, activation="softmax"),
            ]
        )  # fmt: skip
        model.compile(optimizers.Adam(0.01, **options), "sparse_categorical_crossentropy")
        model.fit(x, y, epochs=3, batch_size=24, verbose=0)
        return model

    # A bound that nothing reaches changes no number, and hides the sum from the fusion.
    model, dense = trained(), trained(clipvalue=1e30)
    for a, b in zip(model.get_weights(), dense.get_weights(), strict=True):
        assert a.tobytes() == b.tobytes()
    before = model.get_weights()
    with pytest.raises(DataError, match="500"):
        model.fit(x + 500, y, verbose=0)
    for a, b in zip(before, model.get_weights(), strict=True):
        assert a.tobytes() == b.tobytes()
