"""TrainingState: what a model holds for its training."""

from __future__ import annotations

from typing import Any

from chainrule import _core
from chainrule.base.tracking import changes
from chainrule.training.activity import Activity
from chainrule.training.answers import Answers
from chainrule.training.calls import Calls
from chainrule.training.compile_loss import CompileLoss
from chainrule.training.compile_metrics import CompileMetrics
from chainrule.training.trace import Programs

__all__ = ["TrainingState"]

# What a copy of the model keeps, and where the pickles of version 0.2 have it.
_KEPT = {
    "config": "_compile_config",
    "compilations": "_compile_count",
    "loss": "_compile_loss",
    "metrics": "_compile_metrics",
    "tracker": "_loss_tracker",
}


class TrainingState:
    """What a model holds for its training, beside its weights and what users read and set.

    A copy or a pickle keeps what `compile` chose; the rest begins anew.

    Attributes
    ----------
    config : dict, optional
        The arguments of `compile`.
    compilations : int
        How often the model was compiled: steps of before are not of now.
    loss : CompileLoss, optional
    metrics : CompileMetrics, optional
    tracker : Mean, optional
        Of the loss.
    activity : Activity
        The calls that change the model and run now.
    programs : Programs
        The compiled steps.
    answers : Answers
        The compiled predictions by what is asked.
    calls : Calls
        The compiled calls of the model on arrays.
    generation : int
        Predictions that were compiled in another one are not of now.
    output_specs : dict
        The outputs' shapes and dtypes by those of the inputs.
    host : tuple, optional
        What of the model runs before the compiled step (`HostPart` or None); None: not looked for.
    log_cells : dict
        Where steps of the model's own leave their logs.
    changed_by_steps : set
        The model's numbers and words that change when such a step is traced, as counters do.
    readers : list, optional
        How each result of the metrics is read; None where that has to be found out.
    feeds : dict
        What brings the batches of the `fit` that runs: "train" and, where there is one,
        "validation".
    fitted : dict
        "shuffle" (None of batches that a generator made) and "batch_size" of the last `fit`.
    initial_epoch : int, optional
        Where the `fit` that runs begins, when a callback has put back the state of another.
    """

    def __init__(self) -> None:
        self.config: dict[str, Any] | None = None
        self.compilations = 0
        self.loss: CompileLoss | None = None
        self.metrics: CompileMetrics | None = None
        self.tracker: Any = None
        self.activity = Activity()
        self.programs = Programs(self._forget_answers)
        self.answers = Answers(Programs.LIMIT)
        self.calls = Calls()
        self.generation = 0
        self.output_specs: dict[Any, Any] = {}
        self.host: Any = None
        # How many layers there are and whether all are built, as of that count of changes.
        self._layers, self._seen = (0, False), -1
        self.log_cells: dict[Any, _core.Cell] = {}
        self.changed_by_steps: set[str] = set()
        self.readers: list[tuple[str, Any, bool]] | None = None
        self.feeds: dict[str, Any] = {}
        self.fitted: dict[str, Any] = {}
        self.initial_epoch: int | None = None

    def _look(self, model: Any) -> None:
        """Count the layers again where any have come or gone, of whatever model."""
        if self._seen != changes.count:
            seen = changes.count
            layers = model._flatten_layers()
            self._layers = len(layers), all(layer.built for layer in layers)
            self._seen = seen if self._layers[1] else -1

    def count_layers(self, model: Any) -> int:
        """How many layers the model has, itself included."""
        self._look(model)
        return self._layers[0]

    def is_built(self, model: Any) -> bool:
        """Whether all layers are built; those that are built stay so until one comes or goes."""
        self._look(model)
        return self._layers[1]

    def forget_layers(self) -> None:
        """The layers are others: nothing that was traced holds."""
        self.output_specs.clear()
        self.host = None
        self.forget_programs()

    def forget_programs(self) -> None:
        """Nothing that was compiled holds."""
        self.programs.clear()
        self.generation += 1
        changes.count += 1

    def _forget_answers(self) -> None:
        self.answers.forget()
        self.calls.forget()

    def end_fit(self) -> None:
        """No `fit` runs."""
        self.feeds, self.initial_epoch = {}, None

    def __getstate__(self) -> dict[str, Any]:
        return {name: getattr(self, name) for name in _KEPT}

    def __setstate__(self, state: dict[str, Any]) -> None:
        TrainingState.__init__(self)
        self.__dict__.update(state)

    @classmethod
    def of_version_02(cls, values: dict[str, Any]) -> TrainingState:
        """The state of a model that was pickled with its parts among its attributes."""
        self = cls()
        self.__dict__.update({name: values.pop(old) for name, old in _KEPT.items()})
        return self
