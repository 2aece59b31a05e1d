"""Text generation: tokens a second of a character GPT, with its cache, without, and beside PyTorch.

    python benches/generate.py                     the table, a minute
    python benches/generate.py --rows 8 --quick

The model of `train_sequences.py`, char_gpt (4 layers, 4 heads, 128 channels), with room for 256
characters; the likeliest character follows each time, from a prompt of one on, up to 64, 128 and 256
characters. All give the same texts first, or the bench fails. chainrule with its cache of keys and values
and recomputing all places for each character, compiled both times; PyTorch, eager, with a cache that is
written in place, one product for query, key and value, its own attention, in inference mode. Each library
is in a process of its own, with the same cores and threads.
"""

from __future__ import annotations

import argparse
import dataclasses
import functools
import importlib
import os
import statistics
import sys
import time
from typing import Any


from contestants.transformer_task import TASKS
from measure import Worker, installed, interleave, limit_threads, machine, ratio, table

LENGTHS = (64, 128, 256)
CACHED, RECOMPUTED, TORCH = "chainrule, cache", "chainrule, recomputing", "PyTorch, cache"
TARGETS = {RECOMPUTED: 5.0, TORCH: 1.5}
TASK = dataclasses.replace(TASKS["char_gpt"], length=max(LENGTHS))


def weights() -> list[Any]:
    """Larger than at the start of a training, so that texts do not end in one character for ever."""
    return [w if w.ndim == 1 else 8 * w for w in TASK.weights().values()]


class Chainrule:
    """`nlp.GPT.generate`."""

    def __init__(self, use_cache: bool) -> None:
        nlp = importlib.import_module("chainrule.nlp")
        task = TASK
        self.model = nlp.GPT(
            task.vocabulary, task.layers, task.heads, task.width, max_sequence_length=task.length
        )
        self.model.set_weights(weights())
        self.use_cache = use_cache

    def texts(self, rows: int, length: int) -> list[list[int]]:
        """The texts that begin with the characters 0, 1, ..."""
        prompts = [[row] for row in range(rows)]
        made = self.model.generate(prompts, length, use_cache=self.use_cache)
        return [text.tolist() for text in made]

    def seconds(self, rows: int, length: int) -> float:
        """Of the texts' making."""
        start = time.perf_counter()
        self.texts(rows, length)
        return time.perf_counter() - start


class Torch(Chainrule):
    """The usual loop, with a cache."""

    def __init__(self) -> None:
        self.torch: Any = importlib.import_module("torch")
        self.torch.set_num_threads(int(os.environ["OMP_NUM_THREADS"]))
        trainer = importlib.import_module("contestants.transformer_torch")
        task = dataclasses.replace(TASK)
        names = list(task.weights())
        values = dict(zip(names, weights()))
        object.__setattr__(task, "weights", lambda: values)
        self.model = trainer.network(self.torch, task).eval()
        trainer.set_weights(self.torch, self.model, task)

    def texts(self, rows: int, length: int) -> list[list[int]]:
        """The texts that begin with the characters 0, 1, ..."""
        torch, task = self.torch, TASK
        shape = (rows, task.heads, length, task.width // task.heads)
        with torch.inference_mode():
            caches = [(torch.empty(shape), torch.empty(shape)) for _ in range(task.layers)]
            text = torch.zeros((rows, length), dtype=torch.long)
            text[:, 0] = token = torch.arange(rows)
            for at in range(length - 1):
                scores = self.model(token[:, None], caches, at)
                text[:, at + 1] = token = scores[:, -1].argmax(-1)
        made: list[list[int]] = text.tolist()
        return made


def make(name: str) -> Any:
    """The contestant; called in the process where it lives."""
    return Torch() if name == TORCH else Chainrule(name == CACHED)


def main() -> None:
    """The command line."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n")[0])
    parser.add_argument("--rows", type=int, default=1, help="texts at once; default 1")
    parser.add_argument("--rounds", type=int, default=9, help="default 9")
    parser.add_argument("--threads", type=int, default=2, help="for every contestant; default 2")
    parser.add_argument("--quick", action="store_true", help="three rounds")
    options = parser.parse_args()
    limit_threads(options.threads)
    if not installed("chainrule"):
        sys.exit("expected chainrule to be installed, or PYTHONPATH to name the folder it is in")
    print(machine(options.threads))
    names = [CACHED, RECOMPUTED, *([TORCH] if installed("torch") else [])]
    workers = {name: Worker(name, functools.partial(make, name)) for name in names}
    lines = []
    try:
        for length in LENGTHS:
            texts = [worker.call("texts", options.rows, length) for worker in workers.values()]
            assert all(text == texts[0] for text in texts), f"expected equal texts, got {texts}"
            calls = {
                name: functools.partial(worker.call, "seconds", options.rows, length)
                for name, worker in workers.items()
            }
            figures = interleave(calls, 3 if options.quick else options.rounds)
            made = options.rows * (length - 1)
            for name, seconds in figures.items():
                times = ratio(figures[CACHED], seconds)
                rate = made / statistics.median(seconds)
                lines.append([str(length), name, f"{rate:.0f}", f"{times:.2f}"])
                if name in TARGETS and length == max(LENGTHS):
                    met = "met" if times >= TARGETS[name] else "not met"
                    lines[-1].append(f"target {TARGETS[name]}: {met}")
    finally:
        for worker in workers.values():
            worker.close()
    rows = [[*line, *[""] * (5 - len(line))] for line in lines]
    table(("characters", "", "tokens/s", "times ours", ""), rows)


if __name__ == "__main__":
    main()
