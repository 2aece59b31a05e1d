"""Whole training steps of networks on sequences: chainrule's `fit` and its peers on the same task.

    python benches/train_sequences.py                          the table, some minutes
    python benches/train_sequences.py --model speech_gru --rounds 5
    python benches/train_sequences.py --only "fit" --quick

Two recurrent networks with Adam: text_lstm, an embedding of 20,000 words by 128, an LSTM of 128 units
over 100 words, batch 32; speech_gru, a bidirectional GRU of 128 units over 50 frames of 40 features, batch
64. Two Transformers with AdamW: char_gpt, 4 layers of 128 channels over 64 characters, batch 12; mini_lm, a
Bert of 6 layers of 384 channels over 128 tokens, batch 16. All with softmax cross-entropy and float32; the
rest is as in `train.py`: the same rows, order, weights and cores for everyone, equal loss curves first,
interleaved rounds.

Each peer stands in an ordinary form of its own. JAX: one jitted step with donated state, called for each
batch or scanned over the epoch, `lax.scan` over a recurrence's steps. PyTorch: eager, its own attention,
fused AdamW. Keras: `fit`. GFLOP/s count the matrix products, forward and backward. Peers that are not
installed are named and left out.
"""

from __future__ import annotations

from collections.abc import Callable

from contest import CORE, OURS, SCAN, main
from contestants.sequence_task import TASKS as RECURRENT
from contestants.sequence_task import SequenceTask
from contestants.task import Contestant
from contestants.transformer_task import TASKS as TRANSFORMERS
from contestants.transformer_task import TransformerTask

TORCH = "PyTorch, eager"
NEEDS = {
    OURS: ("chainrule",),
    CORE: ("chainrule",),
    "JAX, jitted step": ("jax",),
    SCAN: ("jax",),
    TORCH: ("torch",),
    "Keras on JAX, fit": ("keras", "jax"),
}


def cannot(kind: str, task: SequenceTask | TransformerTask) -> str | None:
    """Why a contestant does not take part."""
    if kind == TORCH and isinstance(task, SequenceTask):
        return "its recurrent networks are not written here"
    return None


def make(kind: str, task: SequenceTask | TransformerTask, shuffle: bool) -> Contestant:
    """The contestant; called in the process where it lives."""
    if isinstance(task, TransformerTask):
        return _make_transformer(kind, task, shuffle)
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


def _make_transformer(kind: str, task: TransformerTask, shuffle: bool) -> Contestant:
    from contestants.transformer_jax import TransformerJaxTrainer
    from contestants.transformer_keras import TransformerCoreTrainer, TransformerKerasTrainer
    from contestants.transformer_torch import TransformerTorchTrainer

    kinds: dict[str, Callable[[], Contestant]] = {
        OURS: lambda: TransformerKerasTrainer(task, shuffle, "chainrule"),  # type: ignore[arg-type]
        CORE: lambda: TransformerCoreTrainer(task, shuffle, "chainrule"),  # type: ignore[arg-type]
        "JAX, jitted step": lambda: TransformerJaxTrainer(task, shuffle),  # type: ignore[arg-type]
        SCAN: lambda: TransformerJaxTrainer(task, shuffle, scan=True),  # type: ignore[arg-type]
        TORCH: lambda: TransformerTorchTrainer(task, shuffle),
        "Keras on JAX, fit": lambda: TransformerKerasTrainer(task, shuffle, "keras"),  # type: ignore[arg-type]
    }
    return kinds[kind]()


if __name__ == "__main__":
    main(__doc__ or "", {**RECURRENT, **TRANSFORMERS}, make, NEEDS, cannot)
