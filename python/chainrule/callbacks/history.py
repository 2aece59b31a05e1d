"""What `fit` returns: the metrics of each epoch."""

from __future__ import annotations

from typing import Any

from chainrule.callbacks.callback import Callback, Logs
from chainrule.utils.drawing.curves import draw_curves, table_of
from chainrule.utils.remembered import anything, checked, count, dict_of, list_of

__all__ = ["History"]


class History(Callback):
    """Records the metrics of each epoch. `fit` adds one by itself and returns it.

    Attributes
    ----------
    epoch : list of int
        The epochs of the last `fit`, counted from 0.
    history : dict of str to list
        The metrics by name, one value an epoch; it grows over several `fit`s when reused.
    """

    def __init__(self) -> None:
        super().__init__()
        self.epoch: list[int] = []
        self.history: dict[str, list[Any]] = {}
        # The number of the epoch of each value, where some metrics come less often, as validation may.
        self._places: dict[str, list[int]] = {}

    def on_train_begin(self, logs: Logs = None) -> None:
        self.epoch = []

    def backup_state(self) -> dict[str, Any]:
        return {"epoch": self.epoch, "history": self.history}

    def restore_state(self, state: dict[str, Any]) -> None:
        kinds = {"epoch": list_of(count), "history": dict_of(list_of(anything))}
        values = checked(type(self).__name__, state, kinds)
        self.epoch, self.history = list(values["epoch"]), dict(values["history"])

    def on_epoch_end(self, epoch: int, logs: Logs = None) -> None:
        self.epoch.append(epoch)
        done = 1 + max(map(len, self.history.values()), default=0)
        for name, value in (logs or {}).items():
            self.history.setdefault(name, []).append(value)
            self._known_places().setdefault(name, []).append(done)
        if self.model is not None:
            self.model.history = self

    def plot(self, path: Any = None) -> Any:
        """The metrics by epoch, one picture each, training and validation in one.

        Parameters
        ----------
        path : str or path, optional
            Where the picture is written; the end of the name gives the format.

        Returns
        -------
        matplotlib.figure.Figure
            Shown by a notebook.

        Raises
        ------
        ImportError
            Without matplotlib (``pip install 'chainrule[plot]'``).
        ValueError
            Before an epoch is done.
        """
        return draw_curves(self.history, self._known_places(), path)

    def _known_places(self) -> dict[str, list[int]]:
        """The numbers of the epochs; those of a history that an older version pickled are not known."""
        places: dict[str, list[int]] = self.__dict__.setdefault("_places", {})
        return places

    def _repr_html_(self) -> str:
        return table_of(self.history)
