"""Where a training step's time goes: chainrule's compiled step by layer and by op (`model.profile`).

    python benches/profile_step.py char_gpt
    python benches/profile_step.py text_lstm --steps 200 --top 10 --trace step.json

The tasks of `train_sequences.py`. Ops of the same shapes are added up.
"""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from typing import Any

from contestants.sequence_keras import SequenceCoreTrainer
from contestants.sequence_task import TASKS as RECURRENT
from contestants.transformer_keras import TransformerCoreTrainer
from contestants.transformer_task import TASKS as TRANSFORMERS


def main(arguments: Sequence[str] | None = None) -> None:
    """Print the tables."""
    parser = argparse.ArgumentParser(description="The longest ops of a training step.")
    parser.add_argument("model", choices=[*RECURRENT, *TRANSFORMERS])
    parser.add_argument("--steps", type=int, default=100, help="timed steps")
    parser.add_argument("--top", type=int, default=20, help="lines of the table of ops")
    parser.add_argument("--trace", help="a JSON file for chrome://tracing")
    options = parser.parse_args(arguments)

    trainer: Any = (
        SequenceCoreTrainer(RECURRENT[options.model], False)  # type: ignore[arg-type]
        if options.model in RECURRENT
        else TransformerCoreTrainer(TRANSFORMERS[options.model], False)  # type: ignore[arg-type]
    )
    trainer.prepare()
    data, size = (trainer.x, trainer.y), trainer.task.batch
    report = trainer.model.profile(*data, batch_size=size, steps=options.steps)
    print(report.text(top=options.top, shapes=True))
    if options.trace:
        report.save_trace(options.trace)


if __name__ == "__main__":
    main()
