"""`fit` of chainrule's MLPClassifier and MLPRegressor beside scikit-learn's own.

    python benches/sklearn_mlp.py                    the table
    python benches/sklearn_mlp.py --rounds 3
    python benches/sklearn_mlp.py --quick            a few seconds, to see that it runs

The digits that ship with scikit-learn (1797 rows of 64), and 100,000 made rows of 50 columns, in both
dtypes. The same arguments, so the same architecture, first weights, batches and number of epochs; what
the loss has come to stands beside the times, and the bench fails where it differs. Each library lives
in a process of its own, with the same cores and threads; a round is one `fit` of each, compiling
included. Milliseconds are the median round's, the ratio is the median of the rounds' ratios.
"""

from __future__ import annotations

import argparse
import importlib
import statistics
import time
import warnings
from dataclasses import dataclass, field
from functools import partial
from typing import Any

import numpy as np
from measure import Worker, interleave, limit_threads, machine, ratio, table

MODULES = {"chainrule": "chainrule.sklearn", "scikit-learn": "sklearn.neural_network"}
# Rounding goes another way in float32.
_TOLERANCE = {"float64": 1e-6, "float32": 1e-2}


@dataclass(frozen=True)
class Case:
    """Data, an estimator's name and its arguments."""

    name: str
    estimator: str
    epochs: int
    dtype: str = "float64"
    arguments: dict[str, Any] = field(default_factory=dict)

    def data(self, quick: bool) -> tuple[Any, Any]:
        """X and y."""
        if self.name.startswith("digits"):
            datasets: Any = importlib.import_module("sklearn.datasets")
            x, y = datasets.load_digits(return_X_y=True)
            x = x / 16
        else:
            rng = np.random.default_rng(0)
            x = rng.standard_normal((2000 if quick else 100_000, 50))
            scores = x @ rng.standard_normal((50, 10))
            y = (
                scores.argmax(axis=1)
                if self.estimator == "MLPClassifier"
                else np.tanh(scores[:, 0])
            )
        return x.astype(self.dtype), y


_ADAM: dict[str, Any] = {"hidden_layer_sizes": (100,)}
_DEEP: dict[str, Any] = {"hidden_layer_sizes": (256, 128), "batch_size": 128}
_SGD: dict[str, Any] = {"hidden_layer_sizes": (100,), "solver": "sgd", "learning_rate_init": 0.05}
CASES = [
    Case("digits, adam", "MLPClassifier", 20, "float64", _ADAM),
    Case("digits, adam", "MLPClassifier", 20, "float32", _ADAM),
    Case("digits, lbfgs", "MLPClassifier", 15, "float64", {"solver": "lbfgs"}),
    Case("made, adam", "MLPClassifier", 1, "float64", _ADAM),
    Case("made, adam", "MLPClassifier", 1, "float32", _ADAM),
    Case("made, sgd", "MLPRegressor", 1, "float64", _SGD),
    Case("made, 256-128", "MLPClassifier", 1, "float64", _DEEP),
]


class Trainer:
    """One library's estimator of a case, in the process where it lives."""

    def __init__(self, library: str, case: Case, quick: bool) -> None:
        module = importlib.import_module(MODULES[library])
        settings = {"max_iter": case.epochs, "random_state": 0, "tol": 0.0, **case.arguments}
        self.make = partial(getattr(module, case.estimator), n_iter_no_change=10**6, **settings)
        self.data = case.data(quick)
        self.loss = float("nan")

    def fit(self) -> float:
        """Seconds of one fit."""
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # few epochs do not converge
            start = time.perf_counter()
            model = self.make().fit(*self.data)
            seconds = time.perf_counter() - start
        self.loss = float(model.loss_)
        return seconds

    def reached(self) -> float:
        """The loss of the last fit."""
        return self.loss


def measure(case: Case, rounds: int, quick: bool) -> list[str]:
    """A row of the table."""
    workers = {name: Worker(name, partial(Trainer, name, case, quick)) for name in MODULES}
    try:
        for worker in workers.values():
            worker.call("fit")
        figures = interleave(
            {name: partial(worker.call, "fit") for name, worker in workers.items()}, rounds
        )
        losses = [worker.call("reached") for worker in workers.values()]
    finally:
        for worker in workers.values():
            worker.close()
    ours, theirs = figures.values()
    if not np.isclose(*losses, rtol=_TOLERANCE[case.dtype]):
        raise SystemExit(f"{case.name}, {case.dtype}: expected the same loss, got {losses}")
    return [
        f"{case.name}, {case.epochs} epochs",
        case.dtype,
        *[f"{1e3 * statistics.median(seconds):.1f}" for seconds in (ours, theirs)],
        f"{ratio(ours, theirs):.2f}",
        *[f"{loss:.6f}" for loss in losses],
    ]


def main() -> None:
    """Measure all cases."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--only", default="", help="cases whose name holds this")
    parser.add_argument("--quick", action="store_true")
    options = parser.parse_args()
    limit_threads(options.threads)
    rounds = 1 if options.quick else options.rounds
    rows = [measure(case, rounds, options.quick) for case in CASES if options.only in case.name]
    print(machine(options.threads))
    header = [
        "fit",
        "dtype",
        "chainrule ms",
        "scikit-learn ms",
        "times as long",
        "loss",
        "loss there",
    ]
    table(header, rows, left=2)


if __name__ == "__main__":
    main()
