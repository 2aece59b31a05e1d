"""The state of a model in the groups of an HDF5 file, as Keras 3 has it.

The numbers of the object at `path` are `path/vars/0`, `path/vars/1`, ...: what its
`save_own_variables` gives. The states of seeds, which Keras does not keep, are added where it does
not look, in `path/_seed_generators/vars`.
"""

from __future__ import annotations

import os
import warnings
from collections.abc import Iterable
from typing import Any

from numpy.typing import NDArray

from chainrule.base.errors import FileFormatError, ShapeError
from chainrule.saving.keras_files.hdf5 import Group, put_array
from chainrule.saving.keras_files.walk import saveables
from chainrule.tracing.scopes import Scope
from chainrule.tracing.stored import Stored
from chainrule.utils.reading import damage

__all__ = ["load_state", "save_state"]

Array = NDArray[Any]

_VARIABLES = "vars"
_SEEDS = "_seed_generators"
_OPTIMIZER = "optimizer"


def _below(path: str, name: str) -> str:
    return f"{path}/{name}" if path else name


def save_state(
    model: Any, root: Any, assets: str | None = None, skip: Iterable[Any] = ()
) -> None:
    """Write all state that is reached from a model.

    Parameters
    ----------
    model : Model or Layer
    root : h5py.File
    assets : str, optional
        A folder for what is no array, such as vocabularies: each layer gets a folder below it, and
        writes there with its `save_assets`. Default: nothing of that is kept.
    skip : iterable, optional
        Objects that are left out.
    """
    skipped = {id(item) for item in skip}
    for path, item in saveables(model):
        if id(item) in skipped:
            continue
        if hasattr(item, "save_own_variables"):
            _save_variables(item, root, path)
        if assets is not None and hasattr(item, "save_assets"):
            folder = os.path.join(assets, *path.split("/"))
            os.makedirs(folder, exist_ok=True)
            item.save_assets(folder)


def _save_variables(item: Any, root: Any, path: str) -> None:
    values: dict[str, Any] = {}
    item.save_own_variables(values)
    name = getattr(item, "name", None)
    if values or isinstance(name, str):
        group = root.create_group(_below(path, _VARIABLES))
        if isinstance(name, str):
            group.attrs["name"] = name
        for key, value in values.items():
            put_array(group, key, value)
    seeds = getattr(item, _SEEDS, ())
    if seeds:
        group = root.create_group(_below(path, f"{_SEEDS}/{_VARIABLES}"))
        for i, generator in enumerate(seeds):
            put_array(group, str(i), generator.state)


class _Pending(Scope):
    """Keeps what is assigned, for later or never."""

    def __init__(self) -> None:
        self.values: dict[int, tuple[Any, Any]] = {}

    def read(self, variable: Stored) -> Any:
        return self.values.get(id(variable), (None, None))[1]

    def assign(self, variable: Stored, value: Any) -> None:
        self.values[id(variable)] = (variable, value)


def load_state(
    model: Any,
    root: Group,
    assets: str | None = None,
    skip_mismatch: bool = False,
    skip: Iterable[Any] = (),
) -> None:
    """Read what `save_state`, or Keras, wrote; no variable changes unless all of it fits.

    Parameters
    ----------
    model : Model or Layer
        Built as the one that was saved.
    root : Group
    assets : str, optional
        The folder of what is no array.
    skip_mismatch : bool
        Leave objects as they are that the file does not fit, with a warning that lists them.
        Default: False.
    skip : iterable, optional
        Objects that are left as they are.

    Raises
    ------
    FileFormatError
        Numbers that are missing, or of another kind.
    ShapeError
        Numbers of other shapes.
    """
    skipped = {id(item) for item in skip}
    with damage(root.place, "groups of arrays"):
        left = {path for path in root.holders() if path.split("/")[-1] == _VARIABLES}
    pending, read = _Pending(), set()
    failures: dict[int, tuple[str, Exception]] = {}

    def again(path: str) -> bool:
        # What was not found by one path may be there by another, which a property gives.
        return bool(failures) and root.find(path) is not None

    for path, item in saveables(model, again):
        if not hasattr(item, "load_own_variables"):
            continue
        own = _below(path, _VARIABLES)
        seeds = _below(path, f"{_SEEDS}/{_VARIABLES}")
        left -= {own, seeds}
        if id(item) in skipped or (id(item) not in failures and id(item) in read):
            continue
        read.add(id(item))
        arrays, states = _arrays(root, own), _arrays(root, seeds)
        try:
            pending.values.update(_values_for(item, arrays, states))
            if assets is not None and hasattr(item, "load_assets"):
                _load_assets(item, os.path.join(assets, *path.split("/")))
        except Exception as error:
            failures.setdefault(id(item), (path or model.name, error))
        else:
            failures.pop(id(item), None)
    if failures:
        _report(root, dict(failures.values()), skip_mismatch)
    unread = sorted(path for path in left if path.split("/")[0] != _OPTIMIZER)
    if unread:
        warnings.warn(
            f"{root.place}: nothing in model '{model.name}' takes the numbers at {unread}",
            stacklevel=5,
        )
    for variable, value in pending.values.values():
        variable.assign(value)


def _arrays(root: Group, path: str) -> dict[str, Array]:
    with damage(root.place, f"arrays at '{path}'"):
        found = root.find(path)
        return {} if found is None else found.arrays()


def _values_for(
    item: Any, arrays: dict[str, Array], states: dict[str, Array]
) -> dict[int, tuple[Any, Any]]:
    """What an object takes of its arrays: its variables with their values."""
    with _Pending() as taken:
        item.load_own_variables(arrays)
        if states:
            for i, generator in enumerate(getattr(item, _SEEDS, ())):
                generator.state.assign(states[str(i)])
    return taken.values


def _load_assets(item: Any, folder: str) -> None:
    if os.path.isdir(folder):
        item.load_assets(folder)


def _report(root: Group, failures: dict[str, Exception], skip_mismatch: bool) -> None:
    place, first = next(iter(failures.items()))
    more = f" Of {len(failures)} objects that do not fit: {list(failures)}"
    message = f"{root.place}: '{place}': {first}{more if len(failures) > 1 else ''}"
    if skip_mismatch:
        warnings.warn(f"load_weights(skip_mismatch=True): skipped: {message}", stacklevel=6)
        return
    raise (ShapeError if isinstance(first, ShapeError) else FileFormatError)(message) from first
