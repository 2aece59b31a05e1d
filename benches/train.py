"""Whole training steps side by side: chainrule's `fit` and its peers on the same task.

    python benches/train.py                          the table
    python benches/train.py --model small --rounds 9
    python benches/train.py --quick                  a few seconds, to see that it runs
    python benches/train.py --isa avx2               everyone on AVX2, where the machine has more

Three dense networks with Adam: 64-64-32-10 at batch 32, 784-512-256-10 at batch 128 with dropout
0.2, 1024-2048-2048-1000 at batch 512. Every contestant trains on the same rows in the same order
from the same weights, on the same cores; first, a few steps without dropout give all of them the
same loss curve, or the bench fails. A round is one call of `fit`, or of what stands for it, of so
many epochs; what it takes besides the steps is part of the figure. Training goes on from round to
round.

How to read it: milliseconds a step (the median round, and the best), rows a second and GFLOP/s of
the matrix products at the median, and how many times as long a step takes as in chainrule's `fit`.
"chainrule core" is the same program without the epochs' Python around it: not a contestant but the
part of `fit` that is its steps. The lines under a table compare with the fastest peer, and with the
fastest that is called for each step (a scanned epoch can neither report nor be stopped within it).
Peers that are not installed are named and left out; `pip install keras jax scikit-learn` adds them.
"""

from __future__ import annotations

from collections.abc import Callable

from contest import CORE, OURS, SCAN, main
from contestants.task import TASKS, Contestant, Task

NEEDS = {
    OURS: ("chainrule",),
    CORE: ("chainrule",),
    "NumPy by hand": ("numpy",),
    "JAX, jitted step": ("jax",),
    SCAN: ("jax",),
    "Keras on JAX, fit": ("keras", "jax"),
    "scikit-learn fit": ("sklearn",),
}


def make(kind: str, task: Task, shuffle: bool) -> Contestant:
    """The contestant; called in the process where it lives."""
    from contestants.jax_trainer import JaxTrainer
    from contestants.keras_trainer import CoreTrainer, KerasTrainer
    from contestants.numpy_trainer import NumpyTrainer
    from contestants.sklearn_trainer import SklearnTrainer

    kinds: dict[str, Callable[[], Contestant]] = {
        OURS: lambda: KerasTrainer(task, shuffle, "chainrule"),
        CORE: lambda: CoreTrainer(task, shuffle, "chainrule"),
        "NumPy by hand": lambda: NumpyTrainer(task, shuffle),
        "JAX, jitted step": lambda: JaxTrainer(task, shuffle),
        SCAN: lambda: JaxTrainer(task, shuffle, scan=True),
        "Keras on JAX, fit": lambda: KerasTrainer(task, shuffle, "keras"),
        "scikit-learn fit": lambda: SklearnTrainer(task, shuffle),
    }
    return kinds[kind]()


def cannot(kind: str, task: Task) -> str | None:
    """Why it does not take part."""
    return "has no dropout" if kind == "scikit-learn fit" and task.dropout else None


if __name__ == "__main__":
    main(__doc__ or "", TASKS, make, NEEDS, cannot)
