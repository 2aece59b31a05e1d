"""The state of a training: gathered, checked, and put back whole or not at all."""

from __future__ import annotations

import contextlib
import copy
import random as python_random
import warnings
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from chainrule import random
from chainrule.base.errors import FileFormatError
from chainrule.tracing.arrays import engine_dtype
from chainrule.utils.remembered import array, checked, count, dict_of, list_of, number, optional

__all__ = ["Backup"]

_FORMAT = 2


def _is_format(x: Any) -> bool:
    """The number of the format, 2."""
    return type(x) is int and x == _FORMAT


def _dict(x: Any) -> bool:
    """A dict."""
    return isinstance(x, dict)


_KINDS = {
    "format": _is_format,
    "epoch": count,
    "variables": dict_of(list_of(array)),
    "callbacks": dict_of(_dict),
    "feeds": dict_of(_dict),
    "random": _dict,
}


class Backup:
    """What `BackupAndRestore` saves of a model in training, and how it comes back.

    Parameters
    ----------
    model : Model
    callbacks : sequence of Callback
        Those that have a `backup_state`.
    """

    def __init__(self, model: Any, callbacks: Sequence[Any]) -> None:
        self.model = model
        self.callbacks = _named(callbacks)

    def gather(self, epoch: int) -> dict[str, Any]:
        """The state now, at the end of `epoch` epochs."""
        return {
            "format": _FORMAT,
            "epoch": epoch,
            "variables": {n: list(map(np.asarray, vs)) for n, vs in self._parts().items()},
            "callbacks": {n: c.backup_state() for n, c in self.callbacks.items()},
            "feeds": {name: feed.backup_state() for name, feed in self._feeds().items()},
            "random": _random_state(),
        }

    def check(self, path: str, state: Any) -> dict[str, Any]:
        """The state as it was read, every number in it checked.

        A training that had diverged comes back as it was, with a warning: the file's checksums tell
        damage from NaN.

        Raises
        ------
        FileFormatError
            Something else than a state, or the state of another model.
        """
        try:
            values = checked("a training", state, _KINDS)
            _check_random(values["random"])
        except ValueError as error:
            raise FileFormatError(f"file '{path}': {error}") from error
        found: dict[str, list[Any]] = values["variables"]
        for part, variables in self._parts().items():
            given = [a.shape for a in found.get(part, [])]
            if part == "metrics":
                continue
            expected = [tuple(v.shape) for v in variables]
            if given != expected:
                raise FileFormatError(
                    f"{path} holds the state of another model: expected variables of the {part} "
                    f"of shapes {expected}, got {given}."
                )
        for part, variables in self._fitting(found).items():
            for variable, value in variables:
                wanted = np.dtype(engine_dtype(variable.stored_dtype)).kind
                if value.dtype.kind not in {"i": "iu", "u": "iu"}.get(wanted, wanted):
                    raise FileFormatError(
                        f"file '{path}': expected numbers of dtype {variable.stored_dtype} for "
                        f"'{variable.path}', got {value.dtype}"
                    )
                if part != "metrics" and wanted == "f" and not np.isfinite(value).all():
                    warnings.warn(
                        f"'{path}' holds NaN or infinity in '{variable.path}': the training had "
                        "diverged when it was saved.",
                        stacklevel=7,
                    )
        return values

    def restore(self, path: str, state: dict[str, Any]) -> bool:
        """Put everything where it was; whether that is in the middle of an epoch.

        Raises
        ------
        FileFormatError
            What a callback or the data refuse; everything is as it was.
        """
        before = copy.deepcopy(self.gather(0))
        try:
            return self._apply(state)
        except Exception as error:
            self._undo(before)
            raise FileFormatError(
                f"file '{path}': expected the state of this training, got: {error}"
            ) from error

    def _apply(self, state: dict[str, Any]) -> bool:
        done = 0
        for name, feed in self._feeds().items():
            if name in state["feeds"]:
                done = max(done, feed.restore_state(state["feeds"][name]))
        for name, callback in self.callbacks.items():
            if name in state["callbacks"]:
                callback.restore_state(state["callbacks"][name])
        for part, variables in self._fitting(state["variables"]).items():
            if part != "metrics" or done:
                for variable, value in variables:
                    variable.assign(value)
        _set_random_state(state["random"])
        return done > 0

    def _undo(self, before: dict[str, Any]) -> None:
        for variables in self._fitting(before["variables"]).values():
            for variable, value in variables:
                variable.assign(value)
        _set_random_state(before["random"])
        owners: list[tuple[Any, Any]] = [
            *((feed, before["feeds"][name]) for name, feed in self._feeds().items()),
            *((callback, before["callbacks"][name]) for name, callback in self.callbacks.items()),
        ]
        for owner, state in owners:
            # What refuses even its own state has told so in the error that is raised.
            with contextlib.suppress(Exception):
                owner.restore_state(state)

    def _parts(self) -> dict[str, list[Any]]:
        """The variables of the training, by what they belong to."""
        optimizer = self.model.optimizer
        if optimizer is not None and not optimizer.built and not self.model._has_own_step("train"):
            optimizer.build(self.model.trainable_variables)
        optimizers = [optimizer] if optimizer is not None else []
        optimizers += self.model._more_optimizers()
        return {
            "model": list(self.model.variables),
            "optimizer": [v for found in optimizers for v in found.variables],
            "metrics": [v for metric in self.model.metrics for v in metric.variables],
        }

    def _fitting(self, values: Mapping[str, list[Any]]) -> dict[str, list[tuple[Any, Any]]]:
        """Variables and their values; no metrics where there are others."""
        pairs = {}
        for part, variables in self._parts().items():
            given = values.get(part, [])
            same = [tuple(v.shape) for v in variables] == [a.shape for a in given]
            pairs[part] = list(zip(variables, given)) if same else []
        return pairs

    def _feeds(self) -> dict[str, Any]:
        """What brings the batches of `fit`: "train" and, with validation, "validation"."""
        feeds: dict[str, Any] = self.model._training.feeds
        return feeds


def _named(callbacks: Sequence[Any]) -> dict[str, Any]:
    """The callbacks that have a state, by the name of their class, made unique."""
    found: dict[str, Any] = {}
    for callback in callbacks:
        if hasattr(callback, "backup_state"):
            name = type(callback).__name__
            same = sum(key.split("/")[0] == name for key in found)
            found[f"{name}/{same}"] = callback
    return found


def _random_state() -> dict[str, Any]:
    """Where the global generators are: Python's, NumPy's and, where it is in use, chainrule's."""
    version, words, gauss = python_random.getstate()
    generator = random.used_seed_generator()
    return {
        "python": [version, np.array(words, "uint64"), gauss],
        "numpy": list(np.random.get_state()),
        "chainrule": None if generator is None else np.asarray(generator.state),
    }


def _python_state(state: Any) -> tuple[Any, ...]:
    version, words, gauss = state["python"]
    return version, tuple(map(int, words)), gauss


def _check_random(state: dict[str, Any]) -> None:
    """Refuse the state of a generator that is none, on generators of its own."""
    try:
        python_random.Random().setstate(_python_state(state))
        name, key, place, has_gauss, gauss = state["numpy"]
        # NumPy takes any place, and reads from there.
        if not (count(place) and place <= 624 and has_gauss in (0, 1) and number(gauss)):
            raise ValueError(f"got the place {place!r}, {has_gauss!r} and {gauss!r}")
        np.random.RandomState().set_state(tuple(state["numpy"]))
        if not optional(number)(state["python"][2]):
            raise ValueError(f"got {state['python'][2]!r}")
    except (ValueError, TypeError, KeyError, IndexError, OverflowError) as error:
        raise ValueError(f"the state of Python's and NumPy's generators: {error!r}") from error
    pair = state.get("chainrule")
    if pair is not None and not (array(pair) and pair.shape == (2,) and pair.dtype == np.uint32):
        raise ValueError("the state of chainrule's generator: expected two numbers of dtype uint32")


def _set_random_state(state: dict[str, Any]) -> None:
    python_random.setstate(_python_state(state))
    np.random.set_state(tuple(state["numpy"]))
    if state["chainrule"] is not None:
        random.global_seed_generator().state.assign(state["chainrule"])
