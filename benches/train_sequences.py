"""Whole training steps of recurrent networks: chainrule's `fit` and its peers on the same task.

    python benches/train_sequences.py                          the table, some minutes
    python benches/train_sequences.py --model speech_gru --rounds 5
    python benches/train_sequences.py --only "fit" --quick

Two networks with Adam, softmax cross-entropy and float32: text_lstm, an embedding of 20,000 words by
128, an LSTM of 128 units over 100 words, batch 32; speech_gru, a bidirectional GRU of 128 units over 50
frames of 40 features, batch 64. The rest is as in `train.py`: the same rows, order, weights and cores for
everyone, equal loss curves first, interleaved rounds.

Each peer stands in an ordinary form of its own. JAX: `lax.scan` over the steps in one jitted step with
donated state, called for each batch or scanned over the epoch. Keras: `fit`. GFLOP/s count the matrix
products of inputs and states, forward and backward. Peers that are not installed are named and left out.
"""

from __future__ import annotations

from collections.abc import Callable

from contest import CORE, OURS, SCAN, main
from contestants.sequence_task import TASKS, SequenceTask
from contestants.task import Contestant

NEEDS = {
    OURS: ("chainrule",),
    CORE: ("chainrule",),
    "JAX, jitted step": ("jax",),
    SCAN: ("jax",),
    "Keras on JAX, fit": ("keras", "jax"),
}


def make(kind: str, task: SequenceTask, shuffle: bool) -> Contestant:
    """The contestant; called in the process where it lives."""
    from contestants.sequence_jax import SequenceJaxTrainer
    from contestants.sequence_keras import SequenceCoreTrainer, SequenceKerasTrainer

    kinds: dict[str, Callable[[], Contestant]] = {
        OURS: lambda: SequenceKerasTrainer(task, shuffle, "chainrule"),  # type: ignore[arg-type]
        CORE: lambda: SequenceCoreTrainer(task, shuffle, "chainrule"),  # type: ignore[arg-type]
        "JAX, jitted step": lambda: SequenceJaxTrainer(task, shuffle),  # type: ignore[arg-type]
        SCAN: lambda: SequenceJaxTrainer(task, shuffle, scan=True),  # type: ignore[arg-type]
        "Keras on JAX, fit": lambda: SequenceKerasTrainer(task, shuffle, "keras"),  # type: ignore[arg-type]
    }
    return kinds[kind]()


if __name__ == "__main__":
    main(__doc__ or "", TASKS, make, NEEDS)
