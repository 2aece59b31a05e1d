"""Serves a model to eight threads, one by one and in batches: `python -m chainrule.examples.serving`.

Each client asks for one scan at a time and waits for the answer, as a thread of a web server does.
One by one, the clients call the same predictor. In batches, they leave their scans in a queue, from
which one thread takes what comes within a millisecond, up to as many as it may, and predicts it in
one call. What pays depends on the model: a batch reads the weights once for all its rows, but
somebody waits for it. Both ways give the same bits for the same scan.
"""

from __future__ import annotations

import argparse
import threading
import time
from collections.abc import Callable, Sequence
from concurrent.futures import Future
from queue import Empty, SimpleQueue
from typing import Any

import numpy as np
import numpy.typing as npt

import chainrule as cr
from chainrule import layers
from chainrule.datasets import digits
from chainrule.utils.io import print_msg

__all__ = ["Batches", "main"]

Array = npt.NDArray[Any]
Ask = Callable[[Array], Array]

CLIENTS = 8


def build_model(units: int) -> Any:
    """A network of 64-units-units-10 for scans of 8x8 pixels."""
    return cr.Sequential(
        [
            layers.Input((8, 8)),
            layers.Rescaling(1 / 16),
            layers.Flatten(),
            layers.Dense(units, activation="relu"),
            layers.Dense(units, activation="relu"),
            layers.Dense(10, activation="softmax"),
        ],
        name="digits",
    )


class Batches:
    """Answers questions of one row in batches, on a thread of its own; a context manager.

    Parameters
    ----------
    predict : callable
        Of an array of rows.
    wait : float
        Seconds that the first question of a batch waits for others at the most.
    most : int
        Rows of a batch at the most.

    Examples
    --------
    >>> with Batches(lambda x: 2 * x, wait=1e-3, most=8) as ask:
    ...     ask(np.ones((1, 3))).tolist()
    [[2.0, 2.0, 2.0]]
    """

    def __init__(self, predict: Ask, wait: float, most: int) -> None:
        self.predict = predict
        self.wait = wait
        self.most = most
        self._questions: SimpleQueue[tuple[Array, Future[Array]] | None] = SimpleQueue()
        self._thread = threading.Thread(target=self._serve)

    def __enter__(self) -> Batches:
        self._thread.start()
        return self

    def __exit__(self, *error: object) -> None:
        self._questions.put(None)
        self._thread.join()

    def __call__(self, row: Array) -> Array:
        """The answer to one row; what its batch raises is raised here too."""
        answer: Future[Array] = Future()
        self._questions.put((row, answer))
        return answer.result()

    def _serve(self) -> None:
        goes_on = True
        while goes_on:
            batch: list[tuple[Array, Future[Array]]] = []
            end: float | None = None
            while len(batch) < self.most:
                try:
                    left = None if end is None else max(0.0, end - time.monotonic())
                    question = self._questions.get(timeout=left)
                except Empty:
                    break
                if question is None:
                    goes_on = False
                    break
                batch.append(question)
                end = end or time.monotonic() + self.wait
            if batch:
                self._answer(batch)

    def _answer(self, batch: list[tuple[Array, Future[Array]]]) -> None:
        try:
            found = self.predict(np.concatenate([row for row, _ in batch]))
        except Exception as error:
            for _, answer in batch:
                answer.set_exception(error)
            return
        for at, (_, answer) in enumerate(batch):
            answer.set_result(found[at : at + 1])


def measure(ask: Ask, scans: Array, expected: Array, seconds: float) -> tuple[Array, float]:
    """Milliseconds of each question of all clients, and questions a second.

    Raises
    ------
    AssertionError
        An answer has not the bits that are expected.
    """
    times: list[list[float]] = [[] for _ in range(CLIENTS)]
    wrong: list[int] = []
    end = time.perf_counter() + seconds

    def client(number: int) -> None:
        at, now = number, time.perf_counter()
        while now < end:
            answer = ask(scans[at : at + 1])
            before, now = now, time.perf_counter()
            times[number].append(1e3 * (now - before))
            if answer.tobytes() != expected[at].tobytes():
                wrong.append(at)
            at = (at + CLIENTS) % len(scans)

    threads = [threading.Thread(target=client, args=(i,)) for i in range(CLIENTS)]
    begin = time.perf_counter()
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not wrong, f"expected the same bits as of one call, got others for scans {wrong[:5]}"
    all_times = np.concatenate(times)
    return all_times, len(all_times) / (time.perf_counter() - begin)


def main(arguments: Sequence[str] | None = None) -> dict[str, float]:
    """Train a model, serve it both ways, and give the questions a second of each."""
    parser = argparse.ArgumentParser(description="Serve a model to eight threads.")
    parser.add_argument("--units", type=int, default=1024, help="of the two hidden layers")
    parser.add_argument("--seconds", type=float, default=2.0, help="of each way")
    parser.add_argument("--wait", type=float, default=1.0, help="milliseconds that a batch waits")
    parser.add_argument("--most", type=int, default=CLIENTS, help="rows of a batch at the most")
    options = parser.parse_args(arguments)

    cr.utils.set_random_seed(0)
    (x_train, y_train), (x_test, _) = digits.load_data()
    model = build_model(options.units)
    model.compile("adam", "sparse_categorical_crossentropy")
    model.fit(x_train, y_train, batch_size=32, epochs=2)
    predictor = model.predictor()
    expected = predictor(x_test)

    found = {}
    print_msg(f"\n{CLIENTS} clients, {options.seconds:g} s each:")
    print_msg(f"{'':>12}  median ms  99% below ms  scans/s")
    with Batches(predictor, options.wait / 1e3, options.most) as in_batches:
        ways: dict[str, Ask] = {"one by one": predictor, "in batches": in_batches}
        for name, ask in ways.items():
            measure(ask, x_test, expected, options.seconds / 10)
            times, rate = measure(ask, x_test, expected, options.seconds)
            middle, high = np.percentile(times, (50, 99))
            print_msg(f"{name:>12}  {middle:9.3f}  {high:12.3f}  {rate:7.0f}")
            found[name] = rate
    return found


if __name__ == "__main__":
    main()
