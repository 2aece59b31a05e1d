"""What was meant by a word that is not known, and classes that say so and show their public names alone."""

from __future__ import annotations

import functools
import inspect
from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING, Any, TypeVar

__all__ = ["Helpful", "close_names", "did_you_mean", "helpful", "unknown_arguments", "unknown_names"]

_Method = TypeVar("_Method", bound=Callable[..., Any])

# Arguments of older Kerases -> what became of them.
_OLD_ARGUMENTS = {"lr": "learning_rate", "batch_input_shape": "batch_shape", "nb_epoch": "epochs"}


def _plain(name: str) -> str:
    return name.lower().replace("_", "")


def close_names(name: str, known: Iterable[str]) -> list[str]:
    """At most two of the names that look like `name`, the likeliest first.

    Examples
    --------
    >>> close_names("conv2d", ["Conv1D", "Conv2D"]), close_names("xyzzy", ["Dense"])
    (['Conv2D'], [])
    """
    import difflib

    table = {_plain(n): n for n in known}
    plain = _plain(name)
    close = [plain] if plain in table else []
    if len(plain) > 3:
        close = close or sorted((n for n in table if n.startswith(plain)), key=len)
    close = close or difflib.get_close_matches(plain, table, 2, 0.75)
    return [table[n] for n in close[:2]]


def did_you_mean(name: Any, known: Iterable[str]) -> str:
    """A sentence, with a blank before it, or "" where nothing looks like it.

    Examples
    --------
    >>> did_you_mean("addam", ["adam", "sgd"]), did_you_mean(3, ["adam"])
    (" Did you mean 'adam'?", '')
    """
    found = close_names(name, known) if isinstance(name, str) else []
    return f" Did you mean {' or '.join(map(repr, found))}?" if found else ""


def unknown_names(cls: type, given: Iterable[str]) -> list[str]:
    """Those of the names that no constructor of the class and its bases lists.

    Examples
    --------
    >>> class Box:
    ...     def __init__(self, width=1): ...
    >>> unknown_names(Box, ["width", "widht"])
    ['widht']
    """
    known = _arguments(cls)[0]
    return [name for name in given if name not in known]


def unknown_arguments(cls: type, given: Iterable[str]) -> str:
    """What was meant by keyword arguments that a class does not have, as sentences.

    Examples
    --------
    >>> class Box:
    ...     def __init__(self, width=1): ...
    >>> unknown_arguments(Box, ["widht"])
    " Did you mean 'width'?"
    """
    known = _arguments(cls)[0]
    sentences = (
        f" Did you mean {_OLD_ARGUMENTS[name]!r}?"
        if _OLD_ARGUMENTS.get(name) in known
        else did_you_mean(name, known)
        for name in unknown_names(cls, given)
    )
    return "".join(dict.fromkeys(sentences))


@functools.lru_cache(maxsize=512)
def _arguments(cls: type) -> tuple[dict[str, None], list[str], bool]:
    """The names that the constructors of a class and its bases take, those that its own requires, and
    whether any other is taken."""
    known: dict[str, None] = {}
    own: tuple[list[str], bool] | None = None
    for base in cls.__mro__:
        init = vars(base).get("__init__")
        if init is None or base is object:
            continue
        parameters = list(inspect.signature(init).parameters.values())[1:]
        named = [p for p in parameters if p.kind in (p.POSITIONAL_OR_KEYWORD, p.KEYWORD_ONLY)]
        passes_on = any(p.kind is p.VAR_KEYWORD for p in parameters)
        own = own or ([p.name for p in named if p.default is p.empty], passes_on)
        known.update(dict.fromkeys(p.name for p in named))
        if not passes_on:
            break
    required, is_open = own or ([], False)
    return known, required, is_open


def helpful(method: _Method) -> _Method:
    """Decorate a method that names what was meant by a misspelt argument.

    Examples
    --------
    >>> class Box:
    ...     @helpful
    ...     def fill(self, amount=1): ...
    >>> Box().fill(amuont=2)
    Traceback (most recent call last):
    TypeError: fill() got an unexpected keyword argument 'amuont'. Did you mean 'amount'?
    """
    known = inspect.signature(method).parameters

    @functools.wraps(method)
    def wrapper(self: Any, *args: Any, **kwargs: Any) -> Any:
        for name in kwargs:
            if name not in known:
                words = f"{method.__name__}() got an unexpected keyword argument {name!r}."
                raise TypeError(words + did_you_mean(name, known))
        return method(self, *args, **kwargs)

    return wrapper  # type: ignore[return-value]


class Helpful:
    """A base of public classes: a misspelt argument is named with what was meant, and `dir` shows the
    public names alone.

    Examples
    --------
    >>> class Box(Helpful):
    ...     def __init__(self, width):
    ...         self.width = self._hidden = width
    >>> [name for name in dir(Box(2)) if not name.startswith("__")]
    ['width']
    >>> Box(widht=2)
    Traceback (most recent call last):
    TypeError: Box() got an unexpected keyword argument 'widht'. Did you mean 'width'?
    """

    if not TYPE_CHECKING:

        def __new__(cls, *args: Any, **kwargs: Any) -> Any:
            if kwargs:
                _check_arguments(cls, args, kwargs)
            return super().__new__(cls)

    def __dir__(self) -> list[str]:
        names = sorted(super().__dir__())
        return [n for n in names if not n.startswith("_") or n.startswith("__")]


def _check_arguments(cls: type, args: tuple[Any, ...], kwargs: dict[str, Any]) -> None:
    """Raise where `__init__` is about to, and something is known of what was meant."""
    _, required, is_open = _arguments(cls)
    unknown = unknown_names(cls, kwargs)
    if not unknown:
        return
    is_missing = not set(required[len(args) :]) <= set(kwargs)
    meant = unknown_arguments(cls, unknown)
    if meant and (not is_open or is_missing):
        raise TypeError(
            f"{cls.__name__}() got an unexpected keyword argument {unknown[0]!r}.{meant}"
        )
