"""Where a training step's time goes: the tasks of chainrule's compiled step, longest first.

    python benches/profile_step.py char_gpt
    python benches/profile_step.py text_lstm --steps 200 --top 10

The tasks of `train_sequences.py`. Tasks of one op and of the same shapes are added up. Each is timed by itself
(`Program.time_tasks`): two looks at the clock a task.
"""

from __future__ import annotations

import argparse
import importlib
from collections.abc import Sequence
from typing import Any

from contestants.sequence_keras import SequenceCoreTrainer
from contestants.sequence_task import TASKS as RECURRENT
from contestants.transformer_keras import TransformerCoreTrainer
from contestants.transformer_task import TASKS as TRANSFORMERS


def timed_program(name: str, steps: int) -> tuple[Any, int]:
    """The program of the task's step after so many timed steps, at least, and how many they were."""
    trainer: Any = (
        SequenceCoreTrainer(RECURRENT[name], False)  # type: ignore[arg-type]
        if name in RECURRENT
        else TransformerCoreTrainer(TRANSFORMERS[name], False)  # type: ignore[arg-type]
    )
    trainer.prepare()
    runner = importlib.import_module("chainrule.training.runner").Runner(trainer.model, "train")
    task, data = trainer.task, [trainer.x, trainer.y]
    program, _ = runner.program((*data, None), task.batch)
    epochs = -(-steps // task.steps)
    program.time_tasks(True)
    for _ in range(epochs):
        program.epoch(data, None, task.batch, 0, task.steps, [])
    program.time_tasks(False)
    return program, epochs * task.steps


def shapes(all_of: Sequence[Sequence[int]]) -> str:
    """As "12x64x128 128x128"; no more than three, a scalar as a dot."""
    shown = ["x".join(map(str, shape)) or "." for shape in all_of[:3]]
    return " ".join(shown) + (" ..." if len(all_of) > 3 else "")


def main(arguments: Sequence[str] | None = None) -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description="The longest tasks of a training step.")
    parser.add_argument("model", choices=[*RECURRENT, *TRANSFORMERS])
    parser.add_argument("--steps", type=int, default=100, help="timed steps, at least")
    parser.add_argument("--top", type=int, default=20, help="lines of the table")
    options = parser.parse_args(arguments)

    program, steps = timed_program(options.model, options.steps)
    kinds: dict[tuple[str, str, str], list[float]] = {}
    for task in program.explain():
        kind = (task["op"], shapes(task["inputs"]), shapes(task["outputs"]))
        kinds.setdefault(kind, []).append(1e6 * task["seconds"] / steps)
    whole = sum(map(sum, kinds.values()))
    print(f"{options.model}: {whole / 1e3:.2f} ms a step in {sum(map(len, kinds.values()))} tasks")
    print("     us  share  tasks  us each  task")
    longest = sorted(kinds.items(), key=lambda kind: -sum(kind[1]))
    for (op, read, made), times in longest[: options.top]:
        total = sum(times)
        line = f"{total:7.0f}  {total / whole:5.1%}  {len(times):5}  {total / len(times):7.1f}"
        print(f"{line}  {op}: {read} -> {made}")


if __name__ == "__main__":
    main()
