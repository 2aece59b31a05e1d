"""What a prediction takes: chainrule's ways to ask a model, and its peers, one call a batch.

    python benches/predict.py                        the tables, some minutes
    python benches/predict.py --network dense --rows 1
    python benches/predict.py --only "predictor|ONNX" --quick

Three networks, of `train.py`, `train_images.py` and `train_sequences.py` with their weights: 64-64-32-10
dense, Keras's MNIST convnet on images of 28x28x1, and an LSTM of 128 units over 100 words. A call takes a NumPy array of 1 or 256 rows and gives a NumPy
array; all give the same logits first, or the bench fails. Each library is in a process of its own,
with the same cores and the same number of threads. A figure is over all calls of all rounds: the
median, and the 99th percentile, which one call in a hundred exceeds. A ratio is the median of the
ratios of the rounds' medians.

Each peer stands in an ordinary form: ONNX Runtime with its own optimizations, on a graph written by
hand that transposes images to channels first, and on the file that `Model.export` writes; JAX jitted, the weights constants; Keras on JAX with
`predict_on_batch`. Peers that are not installed are named and left out: `pip install onnx
onnxruntime jax keras` adds them.
"""

from __future__ import annotations

import argparse
import functools
import re
import statistics
import sys
from pathlib import Path
from typing import Any

import numpy as np

from measure import Worker, installed, interleave, limit_threads, machine, ratio, table, write_csv

PREDICTOR = "chainrule, predictor()"
ON_BATCH = "chainrule, predict_on_batch"
PREDICT = "chainrule, predict"
PEER = "ONNX Runtime, run"

# Library, form, and the modules that it needs.
CONTESTANTS = {
    PREDICTOR: ("chainrule", "predictor()", ("chainrule",)),
    ON_BATCH: ("chainrule", "predict_on_batch", ("chainrule",)),
    PREDICT: ("chainrule", "predict", ("chainrule",)),
    "chainrule, model(x)": ("chainrule", "model(x)", ("chainrule",)),
    PEER: ("onnx", "run", ("onnx", "onnxruntime")),
    "ONNX Runtime, Model.export": ("exported", "exported", ("chainrule", "onnx", "onnxruntime")),
    "JAX, jitted": ("jax", "jitted", ("jax",)),
    "Keras on JAX, predict_on_batch": ("keras", "predict_on_batch", ("keras", "jax")),
}
ROWS = (1, 256)
TOLERANCE = 2e-5  # of logits of about 1: sums run in other orders
ABOVE = 20e3  # nanoseconds that `predict` may take above `predict_on_batch`


def make(library: str, network: str) -> Any:
    """The contestant; called in the process where it lives."""
    from contestants import predictors

    kinds = {
        "chainrule": predictors.ChainrulePredictor,
        "onnx": predictors.OnnxPredictor,
        "exported": predictors.ExportedPredictor,
        "jax": predictors.JaxPredictor,
        "keras": predictors.KerasPredictor,
    }
    return kinds[library](network)


def contest(
    network: str, sizes: list[int], names: list[str], rounds: int, seconds: float
) -> list[dict[str, Any]]:
    """The tables of one network, and their rows."""
    libraries = {CONTESTANTS[who][0] for who in names}
    workers = {
        name: Worker(name, functools.partial(make, name, network)) for name in sorted(libraries)
    }
    found: list[dict[str, Any]] = []
    try:
        for rows in sizes:
            found += _compare(network, rows, workers, names, rounds, seconds)
    finally:
        for worker in workers.values():
            worker.close()
    return found


def _compare(
    network: str,
    rows: int,
    workers: dict[str, Worker],
    names: list[str],
    rounds: int,
    seconds: float,
) -> list[dict[str, Any]]:
    first: Any = None
    pooled: dict[str, list[Any]] = {who: [] for who in names}
    calls: dict[str, Any] = {}
    for who in names:
        library, form, _ = CONTESTANTS[who]
        worker = workers[library]
        logits = worker.call("logits", form, rows)
        first = logits if first is None else first
        worst = float(np.abs(logits - first).max())
        assert logits.shape == first.shape and worst < TOLERANCE, f"{who}: {worst} from {names[0]}"
        each = float(np.median(worker.call("times", form, rows, 20))) / 1e9
        # About 100,000 calls of a small network, all rounds together.
        count = max(10, min(round(seconds / each), -(-100_000 // rounds)))
        calls[who] = functools.partial(_median, worker, form, rows, count, pooled[who])
    medians = interleave(calls, rounds)
    times = {who: np.concatenate(found) for who, found in pooled.items()}
    print(f"\n{network}, {rows} rows a call: {rounds} rounds")
    rows_found = []
    for who in names:
        low, middle, high = np.percentile(times[who], (1, 50, 99)) / 1e3
        against = ratio(medians[who], medians[PEER]) if PEER in names else None
        rows_found.append(
            {
                "network": network,
                "rows": rows,
                "contestant": who,
                "calls": len(times[who]),
                "us_1": low,
                "us_50": middle,
                "us_99": high,
                "times_as_fast_as_onnx": against,
            }
        )
    header = ("", "calls", "us, 1st pct", "median", "99th pct", "ONNX Runtime / this")
    table(header, [_line(row) for row in rows_found])
    _verdicts(medians)
    return rows_found


def _verdicts(medians: dict[str, list[float]]) -> None:
    """Print how ours compare with the targets."""
    for who, target in ((PREDICTOR, 1.2), (ON_BATCH, 0.8)):
        if who in medians and PEER in medians:
            found = ratio(medians[who], medians[PEER])
            met = "met" if found >= target else "not met"
            print(f"{who}: {found:.2f} times as fast as {PEER}; target {target}: {met}")
    if ON_BATCH in medians and PREDICT in medians:
        pairs = zip(medians[PREDICT], medians[ON_BATCH])
        above = statistics.median(a - b for a, b in pairs)
        met = "met" if above <= ABOVE else "not met"
        print(f"{PREDICT}: {above / 1e3:.1f} us above predict_on_batch; target 20: {met}")


def _median(worker: Worker, form: str, rows: int, count: int, pooled: list[Any]) -> float:
    times = worker.call("times", form, rows, count)
    pooled.append(times)
    return float(np.median(times))


def _line(row: dict[str, Any]) -> list[str]:
    against = row["times_as_fast_as_onnx"]
    figures = [f"{row[name]:.1f}" for name in ("us_1", "us_50", "us_99")]
    return [
        row["contestant"], str(row["calls"]), *figures, "-" if against is None else f"{against:.2f}"
    ]


def main() -> None:
    """The command line."""
    networks = ("dense", "mnist_convnet", "text_lstm")
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n")[0])
    parser.add_argument("--network", choices=networks, action="append", help="default: all")
    parser.add_argument("--rows", type=int, action="append", help="of a call; default 1 and 256")
    parser.add_argument("--only", metavar="PATTERN", default="", help="a regex of contestants")
    parser.add_argument("--rounds", type=int, default=11, help="default 11")
    parser.add_argument("--threads", type=int, default=2, help="for every contestant; default 2")
    parser.add_argument("--quick", action="store_true", help="three short rounds")
    parser.add_argument("--csv", type=Path, help="write the rows there too")
    options = parser.parse_args()
    limit_threads(options.threads)
    asked = [who for who in CONTESTANTS if re.search(options.only, who)]
    names = [who for who in asked if installed(*CONTESTANTS[who][2])]
    if not installed("chainrule"):
        sys.exit("expected chainrule to be installed, or PYTHONPATH to name the folder it is in")
    from chainrule import _core

    print(f"{machine(options.threads)}; chainrule runs {_core.isa()}")
    rounds, seconds = (3, 0.05) if options.quick else (options.rounds, 1.0)
    rows: list[dict[str, Any]] = []
    for network in options.network or networks:
        rows += contest(network, options.rows or list(ROWS), names, rounds, seconds)
    for who in asked:
        if who not in names:
            print(f"left out: {who}: not installed")
    if options.csv:
        write_csv(options.csv, rows)


if __name__ == "__main__":
    main()
