"""What a public module shows, loads late, and says of names that it does not have.

`publish(globals())` at the end of a public module gives it `__all__`, `__getattr__` and `__dir__`:
public is what it holds of chainrule's own, so a name is listed once, in the line that defines or
imports it (what is not to be public is imported as a module). A name that is not there raises
`MissingNameError`, which tells a name of Keras that is not built yet from one that is misspelt. An
import from a public module fails with the same sentence. Nothing is looked up before the message
is read: `hasattr` stays quick.
"""

from __future__ import annotations

import importlib
import sys
from collections.abc import Callable, Mapping
from importlib.machinery import ModuleSpec
from types import ModuleType
from typing import Any

from chainrule.base.suggestions import close_names

__all__ = ["MissingNameError", "explain", "late", "publish"]

_ROOT = "chainrule"
# Module -> its names that are loaded when they are first used.
_PUBLISHED: dict[str, Mapping[str, str | Callable[[], Any]]] = {}
# Names under which pickles of version 0.2 know modules.
_MOVED = {
    "chainrule.dispatch": "chainrule.tracing.recording",
    "chainrule.dtypes": "chainrule.tracing.policies",
    "chainrule.layers.node": "chainrule.tracing.node",
    "chainrule.layers.operation": "chainrule.tracing.operation",
    "chainrule.layers.tracking": "chainrule.base.tracking",
    "chainrule.tensor": "chainrule.tracing.tensor",
    "chainrule.variable": "chainrule.tracing.variable",
}


class MissingNameError(AttributeError):
    """A public module was asked for a name that it does not have.

    Parameters
    ----------
    module : str
        The full name of the module.
    name : str
        What was asked for.

    Examples
    --------
    >>> from chainrule import optimizers
    >>> optimizers.Adamx
    Traceback (most recent call last):
    chainrule.errors.MissingNameError: module 'chainrule.optimizers' has no attribute 'Adamx'. Did you mean 'Adamax' or 'Adam'?
    """

    # Its public home.
    __module__ = "chainrule.errors"

    def __init__(self, module: str, name: str) -> None:
        super().__init__(module, name)

    def __str__(self) -> str:
        return explain(*self.args)


def late(space: dict[str, Any]) -> bool:
    """Leave the imports of a block until their names are used; True where that can be done.

    It stands in the condition of the block, which type checkers read as it is::

        if TYPE_CHECKING or not late(globals()):
            from chainrule.layers import Layer as Layer

    At run time the lines of that form are read from the module's source. Where there is none, as
    in a frozen program, the block runs.

    Parameters
    ----------
    space : dict
        `globals()` of the module, which calls `publish` after the block.
    """
    try:
        text = space["__spec__"].loader.get_data(space["__file__"]).decode()
    except (AttributeError, OSError, UnicodeDecodeError):
        return False
    sources: dict[str, str | Callable[[], Any]] = {}
    for line in text.splitlines():
        words = line.split()
        if line.startswith("    from ") and len(words) == 6 and words[4] == "as":
            _, module, _, name, _, shown = words
            is_below = module == space["__name__"]
            sources[shown] = f"{module}.{name}" if is_below else f"{module}:{name}"
    _PUBLISHED[space["__name__"]] = sources
    return bool(sources)


def publish(
    space: dict[str, Any],
    more: Mapping[str, str | Callable[[], Any]] | None = None,
    first: Mapping[str, str] | None = None,
) -> None:
    """Give the module whose globals these are its `__getattr__`, `__dir__` and `__all__`.

    Parameters
    ----------
    space : dict
        `globals()` of the module. Without `__all__`, what it holds of chainrule's own is public.
    more : dict, optional
        Names that are made when they are first used, besides those that `late` found: a module's
        full name ("chainrule.ops"), a name in a module ("chainrule.models:Model"), or a function
        that makes the value.
    first : dict, optional
        A package, and the module that is loaded before any module of it: what fills its tables.

    Examples
    --------
    >>> space = {"__name__": "chainrule.shop", "__all__": ["bread", "root"], "bread": 1, "np": 2}
    >>> publish(space, {"root": "math:sqrt"})
    >>> [name for name in space["__dir__"]() if not name.startswith("_")]
    ['bread', 'root']
    >>> space["__getattr__"]("root")(9.0)
    3.0
    """
    module = space["__name__"]
    known = _PUBLISHED[module] = {**_PUBLISHED.get(module, {}), **(more or {})}
    names = space.setdefault("__all__", [*_own(space), *known])

    def __getattr__(name: str) -> Any:
        if name not in known:
            raise MissingNameError(module, name)
        source = known[name]
        for package, filler in (first or {}).items():
            if isinstance(source, str) and source.startswith(f"{package}."):
                importlib.import_module(filler)
        space[name] = value = _load(source)
        return value

    def __dir__() -> list[str]:
        marks = [name for name in space if name.startswith("__")]
        return sorted({*marks, *names, *known})

    space["__getattr__"], space["__dir__"] = __getattr__, __dir__
    # `from module import name` asks the finder below only where the module has a path.
    space.setdefault("__path__", [])


def _load(source: str | Callable[[], Any]) -> Any:
    if not isinstance(source, str):
        return source()
    module, _, name = source.partition(":")
    loaded = importlib.import_module(module)
    return getattr(loaded, name) if name else loaded


def _own(space: Mapping[str, Any]) -> list[str]:
    """What a module holds of chainrule's own."""
    return [
        name
        for name, value in space.items()
        if not name.startswith("_")
        and value is not publish
        and value is not late
        and (
            value.__name__ in _PUBLISHED
            if isinstance(value, ModuleType)
            else str(getattr(value, "__module__", "")).startswith(_ROOT)
        )
    ]


def explain(module: str, name: str) -> str:
    """The sentence for a name that a public module does not have.

    Examples
    --------
    >>> explain("chainrule.layers", "dense")
    "module 'chainrule.layers' has no attribute 'dense'. Did you mean 'Dense'?"
    >>> explain("chainrule", "Dense")
    "module 'chainrule' has no attribute 'Dense'. Did you mean 'chainrule.layers.Dense'?"
    >>> explain("chainrule", "distillation")
    'chainrule.distillation is not built yet; train on the predictions of the other model'
    """
    from chainrule.base import keras_names

    below = module.removeprefix(_ROOT).lstrip(".")
    path = f"{below}.{name}".lstrip(".")
    hint = keras_names.hint(path)
    if keras_names.is_name(path):
        return f"{_ROOT}.{path} is not built yet" + (f"; {hint}" if hint else "")
    if hint:
        return f"{_ROOT}.{path} is not there, nor in Keras 3; {hint}"
    text = f"module {module!r} has no attribute {name!r}"
    similar = [] if name.startswith("_") else _similar(module, below, name)
    if not similar:
        return text
    return f"{text}. Did you mean {' or '.join(similar)}?"


def _similar(module: str, below: str, name: str) -> list[str]:
    """The same name in another public module, else names of this one that look alike."""
    from chainrule.base import keras_names

    # Shallow modules first: `ops.relu` before `ops.nn.relu`.
    for place in sorted(keras_names.NAMES, key=lambda p: (p.count("."), p != "ops", p)):
        if place != below and name in keras_names.NAMES[place].split():
            path = f"{_ROOT}.{place}".rstrip(".")
            try:
                if hasattr(importlib.import_module(path), name):
                    return [repr(f"{path}.{name}")]
            except ImportError:
                continue
    here = [n for n in dir(importlib.import_module(module)) if not n.startswith("_")]
    to_come = set(keras_names.NAMES.get(below, "").split()) - set(here)
    names = close_names(name, [*sorted(to_come), *reversed(here)])
    return [repr(n) + (" (not built yet)" if n in to_come else "") for n in names]


class _Moved:
    """Loads a module under the name that it had."""

    @staticmethod
    def create_module(spec: ModuleSpec) -> ModuleType:
        module = importlib.import_module(_MOVED[spec.name])
        spec.loader_state = module.__spec__
        return module

    @staticmethod
    def exec_module(module: ModuleType) -> None:
        assert module.__spec__ is not None
        module.__spec__ = module.__spec__.loader_state


class _Finder:
    """Asked last: what is to be imported from a public module and is not there."""

    @staticmethod
    def find_spec(fullname: str, path: Any = None, target: Any = None) -> ModuleSpec | None:
        if fullname in _MOVED:
            return ModuleSpec(fullname, _Moved)  # type: ignore[arg-type]
        parent, _, name = fullname.rpartition(".")
        module = sys.modules.get(parent)
        if parent not in _PUBLISHED or module is None or name.startswith("_"):
            return None
        if getattr(module.__spec__, "_initializing", False):
            return None  # a circle of imports: Python's own words say so
        # Without its `name` attribute the error is not taken for one that may be passed over.
        path = fullname.removeprefix(f"{_ROOT}.")
        raise (ModuleNotFoundError if _is_module(path) else ImportError)(explain(parent, name))


def _is_module(path: str) -> bool:
    from chainrule.base import keras_names

    return path in keras_names.NAMES


sys.meta_path.append(_Finder)
