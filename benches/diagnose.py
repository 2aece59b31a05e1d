"""What `model.diagnose` costs, beside the training steps of the same batches.

    python benches/diagnose.py

For each network: a step of `fit`, a step's share of `diagnose` (the program is compiled), and what the
first call adds, which traces and compiles it. The target: all of it below three steps and 50 ms.
"""

from __future__ import annotations

import argparse
import statistics
import time
from collections.abc import Callable
from typing import Any

import numpy as np
from measure import limit_threads, machine, table

BATCHES = 8


def networks(keras: Any) -> dict[str, tuple[Any, Any, Any, int]]:
    """Model, x, y and batch size by name."""
    layers = keras.layers
    rng = np.random.default_rng(0)

    def last() -> Any:
        return layers.Dense(10, activation="softmax")

    dense = keras.Sequential(
        [*(layers.Dense(512, activation="relu") for _ in range(6)), last()]
    )
    convolutions = keras.Sequential(
        [
            layers.Conv2D(32, 3, activation="relu"),
            layers.MaxPooling2D(),
            layers.Conv2D(64, 3, activation="relu"),
            layers.Flatten(),
            last(),
        ]
    )
    recurrent = keras.Sequential(
        [layers.LSTM(64, return_sequences=True), layers.LSTM(64), last()]
    )
    small = keras.Sequential(
        [*(layers.Dense(16, activation="tanh") for _ in range(8)), last()]
    )
    rows = {
        "dense, 6 of 512": (dense, (256,), 128),
        "convolutions, 28 x 28": (convolutions, (28, 28, 1), 64),
        "LSTM, 2 of 64, 50 steps": (recurrent, (50, 16), 32),
        "dense, 8 of 16": (small, (16,), 32),
    }
    made = {}
    for name, (model, shape, size) in rows.items():
        x = rng.normal(size=(size * BATCHES, *shape)).astype("float32")
        model.compile(optimizer="adam", loss="sparse_categorical_crossentropy")
        made[name] = (model, x, rng.integers(0, 10, len(x)).astype("int32"), size)
    return made


def seconds(run: Callable[[], Any]) -> float:
    """Of one call."""
    start = time.perf_counter()
    run()
    return time.perf_counter() - start


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--rounds", type=int, default=9)
    options = parser.parse_args()
    limit_threads(options.threads)
    import chainrule as keras

    print(machine(options.threads))
    lines = []
    for name, (model, x, y, size) in networks(keras).items():
        def fit() -> Any:
            return model.fit(x, y, batch_size=size, verbose=0)

        def look() -> Any:
            return model.diagnose(x, y, batch_size=size, batches=BATCHES)

        fit()
        first = seconds(look)
        rounds = [(seconds(fit), seconds(look)) for _ in range(options.rounds)]
        steps = statistics.median(a for a, _ in rounds)
        again = statistics.median(b for _, b in rounds)
        limit = 3 * steps + 0.05
        lines.append(
            [name, *(f"{1e3 * t:.1f}" for t in (steps, again, first, limit)), f"{first / limit:.2f}"]
        )
    table(["network, 8 batches", "fit, ms", "diagnose", "first time", "limit", "first/limit"], lines)


if __name__ == "__main__":
    main()
