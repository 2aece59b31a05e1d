"""Augmentation layers on a batch of images, beside Keras's on JAX.

    python benches/augment.py                          64 images of 224x224x3
    python benches/augment.py --batch 128 --size 32 --rounds 9
    python benches/augment.py --quick                  a small batch, to see that it runs

Rows: a horizontal flip, a rotation, a zoom, a contrast, and all four in this order, in training
mode, with parameters drawn anew for every image. "layers" calls one after the other, as an input
pipeline does; chainrule compiles each at its first call. "together" is one program: chainrule's
`Pipeline`, and Keras's layers in a function that JAX compiles as a whole.

How to read it: milliseconds a call (the median round), images a second, and how many times as long
a call takes as chainrule's layers. Keras and JAX that are not installed are left out.
"""

from __future__ import annotations

import argparse
import functools
import statistics
import sys
from collections.abc import Callable

from contestants.augmenters import ALL, LAYERS, Augmenter
from measure import Worker, installed, interleave, limit_threads, machine, ratio, table

OURS = "chainrule, layers"
KINDS = {
    OURS: ("chainrule", False),
    "chainrule, together": ("chainrule", True),
    "Keras on JAX, layers": ("keras", False),
    "Keras on JAX, together": ("keras", True),
}


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n")[0])
    parser.add_argument("--batch", type=int, default=64)
    parser.add_argument("--size", type=int, default=224)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--quick", action="store_true", help="8 images of 64x64, 2 rounds")
    options = parser.parse_args()
    if options.quick:
        options.batch, options.size, options.rounds = 8, 64, 2
    limit_threads(options.threads)

    peers = installed("keras", "jax")
    kinds = {name: kind for name, kind in KINDS.items() if kind[0] == "chainrule" or peers}
    if not peers:
        print("Keras on JAX is left out: pip install keras jax")
    workers = {
        name: Worker(name, functools.partial(Augmenter, *kind, options.batch, options.size))
        for name, kind in kinds.items()
    }
    print(machine(options.threads))
    print(f"{options.batch} images of {options.size}x{options.size}x3\n")
    rows = []
    try:
        for row in (*LAYERS, ALL):
            calls: dict[str, Callable[[], float]] = {
                name: functools.partial(worker.call, "seconds", row)
                for name, worker in workers.items()
            }
            print(f"{row} ...", file=sys.stderr, flush=True)
            figures = interleave(calls, options.rounds)
            for name, seconds in figures.items():
                middle = statistics.median(seconds)
                rows.append(
                    (
                        row if name == OURS else "",
                        name,
                        f"{middle * 1e3:.1f}",
                        f"{options.batch / middle:,.0f}",
                        f"{ratio(figures[OURS], seconds):.2f}",
                    )
                )
    finally:
        for worker in workers.values():
            worker.close()
    table(("augmentation", "contestant", "ms", "images/s", "times ours"), rows, left=2)


if __name__ == "__main__":
    main()
