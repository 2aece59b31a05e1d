"""Lists of integers from the pickles that NumPy writes for arrays of objects; nothing is executed.

`numpy.savez` writes rows of different lengths as a pickle, which is a program: loaded by `pickle`,
it may call what it likes. Here it is read as data. Known are the instructions that such an array is
made of, and five names; what a name would call is never called, nor looked up. Everything else is
refused, and no number in the file makes more memory than the file's bytes account for.

Source: CPython's `Lib/pickletools.py`, which describes each instruction; NumPy's `NEP 1`.
"""

from __future__ import annotations

import pickle
import re
from collections.abc import Callable
from typing import Any, NamedTuple

__all__ = ["parse_int_lists"]

# What a pickled array of objects names, whatever NumPy wrote it.
_NAMES = {
    "numpy.core.multiarray _reconstruct": "_reconstruct",
    "numpy._core.multiarray _reconstruct": "_reconstruct",
    "numpy ndarray": "ndarray",
    "numpy dtype": "dtype",
    "_codecs encode": "encode",
}


class _Name(NamedTuple):
    """A name in the pickle; nothing is known of what it stands for."""

    text: str


class _Made:
    """What the pickle would call a name for: the name, the arguments, and a state set later."""

    def __init__(self, name: str, arguments: tuple[Any, ...]) -> None:
        self.name = name
        self.arguments = arguments
        self.state: Any = None


def parse_int_lists(data: bytes) -> list[list[int]]:
    """The rows of a pickled array of lists of integers, (n,).

    Parameters
    ----------
    data : bytes
        What follows the header of the `.npy` stream.

    Raises
    ------
    ValueError
        Any other pickle: another name or instruction, rows that are no lists of integers from 0 to
        2**31 - 1, data that end early or go on.

    Examples
    --------
    >>> import pickle, numpy as np
    >>> rows = np.empty(2, dtype=object)
    >>> rows[:] = [1, 2], [300]
    >>> parse_int_lists(pickle.dumps(rows, protocol=3))
    [[1, 2], [300]]
    >>> parse_int_lists(pickle.dumps(print))
    Traceback (most recent call last):
        ...
    ValueError: a pickle that names 'builtins print'
    """
    machine = _Machine(data)
    try:
        made = machine.run()
    except (IndexError, KeyError) as error:
        raise ValueError(f"a pickle that is damaged at byte {machine.at}") from error
    return _rows(made)


def _rows(made: Any) -> list[list[int]]:
    if not isinstance(made, _Made) or made.name != "_reconstruct":
        raise ValueError("a pickle of something else than an array")
    state = made.state
    if not (isinstance(state, tuple) and len(state) == 5):
        raise ValueError("a pickled array without a state")
    _, shape, dtype, _, rows = state
    is_objects = (
        isinstance(dtype, _Made)
        and dtype.name == "dtype"
        and dtype.arguments[:1] in (("O8",), ("O4",), ("O",))
    )
    if not is_objects or not isinstance(rows, list) or shape != (len(rows),):
        raise ValueError("a pickled array of another shape or dtype")
    for row in rows:
        is_row = type(row) is list and set(map(type, row)) <= {int}
        if not is_row or min(row, default=0) < 0 or max(row, default=0) >= 2**31:
            raise ValueError("an array of rows that are no lists of integers from 0 to 2**31 - 1")
    return rows


class _Machine:
    """Runs the instructions of one pickle on a stack of numbers, texts, lists and tuples."""

    def __init__(self, data: bytes) -> None:
        self.data = data
        self.at = 0
        self.stack: list[Any] = []
        self.marks: list[int] = []
        self.memo: dict[int, Any] = {}

    def run(self) -> Any:
        """What is left when the pickle stops."""
        while (code := self.data[self.at]) != _STOP:
            step = _STEPS.get(code)
            if step is None:
                raise ValueError(f"a pickle with the instruction {bytes([code])!r}")
            self.at += 1
            step(self)
        if self.at + 1 != len(self.data) or len(self.stack) != 1 or self.marks:
            raise ValueError("a pickle that goes on after its end")
        return self.stack.pop()

    def take(self, size: int) -> bytes:
        """The next bytes."""
        found = self.data[self.at : self.at + size]
        if len(found) != size:
            raise IndexError(size)
        self.at += size
        return found

    def number(self, size: int, signed: bool = False) -> int:
        """The next bytes, as one number."""
        return int.from_bytes(self.take(size), "little", signed=signed)

    def line(self) -> str:
        """The text up to the end of the line."""
        end = self.data.find(b"\n", self.at, self.at + 100)
        if end < 0:
            raise IndexError(self.at)
        return self.take(end + 1 - self.at)[:-1].decode("ascii", "replace")

    def mark(self) -> None:
        """The items of a list or tuple begin here; integers for a list are read at once."""
        run = _RUN.match(self.data, self.at)
        if run is None:
            self.marks.append(len(self.stack))
            return
        self.at = run.end()
        # Of integers alone, as the pattern says: nothing that `pickle` would look up or call.
        self.extend(pickle.loads(b"](" + run[0] + b"."))

    def extend(self, items: list[Any]) -> None:
        """Append to the list on top."""
        into = self.stack[-1]
        if type(into) is not list:
            raise ValueError("a pickle that appends to another object than a list")
        into.extend(items)

    def marked(self) -> list[Any]:
        """What has been pushed since the last mark, taken from the stack."""
        return self.top(len(self.stack) - self.marks.pop())

    def top(self, count: int) -> list[Any]:
        """The last `count` values, taken from the stack."""
        place = len(self.stack) - count
        if place < (self.marks[-1] if self.marks else 0):
            raise IndexError(place)
        items = self.stack[place:]
        del self.stack[place:]
        return items

    def recall(self, place: int) -> Any:
        """What was stored: a text or a name, never a list that would then come twice."""
        found = self.memo[place]
        if not isinstance(found, (str, bytes, _Name)):
            raise ValueError("a pickle that holds an object twice")
        return found


def _push(make: Callable[[_Machine], Any]) -> Callable[[_Machine], None]:
    return lambda machine: machine.stack.append(make(machine))


def _store(place: Callable[[_Machine], int]) -> Callable[[_Machine], None]:
    def step(machine: _Machine) -> None:
        machine.memo[place(machine)] = machine.stack[-1]

    return step


def _name(module: str, name: str) -> _Name:
    found = _NAMES.get(f"{module} {name}")
    if found is None:
        raise ValueError(f"a pickle that names '{module} {name}'")
    return _Name(found)


def _name_on_stack(machine: _Machine) -> _Name:
    module, name = machine.top(2)
    return _name(str(module), str(name))


def _call(machine: _Machine) -> Any:
    name, arguments = machine.top(2)
    if not isinstance(name, _Name) or not isinstance(arguments, tuple):
        raise ValueError("a pickle that calls what it does not name")
    return _Made(name.text, arguments)


def _set_state(machine: _Machine) -> None:
    (state,) = machine.top(1)
    made = machine.stack[-1]
    if not isinstance(made, _Made) or not isinstance(state, tuple):
        raise ValueError("a pickle that sets the state of another object")
    made.state = state


_STOP = ord(".")
# BININT1, BININT2 and BININT that is not negative, up to APPENDS.
_RUN = re.compile(rb"(?:K.|M..|J...[\x00-\x7f])+e", re.DOTALL)
# By the byte of the instruction.
_STEPS: dict[int, Callable[[_Machine], None]] = {
    ord(code): step
    for code, step in {
        "\x80": lambda m: _ignore(m.number(1)),  # PROTO
        "\x95": lambda m: _ignore(m.number(8)),  # FRAME
        "K": _push(lambda m: m.number(1)),
        "M": _push(lambda m: m.number(2)),
        "J": _push(lambda m: m.number(4, signed=True)),
        "\x8a": _push(lambda m: m.number(m.number(1), signed=True)),  # LONG1
        "N": _push(lambda m: None),
        "\x88": _push(lambda m: True),
        "\x89": _push(lambda m: False),
        "X": _push(lambda m: m.take(m.number(4)).decode()),
        "\x8c": _push(lambda m: m.take(m.number(1)).decode()),
        "U": _push(lambda m: m.take(m.number(1)).decode("latin-1")),
        "C": _push(lambda m: m.take(m.number(1))),
        "(": _Machine.mark,
        ")": _push(lambda m: ()),
        "]": _push(lambda m: []),
        "t": _push(lambda m: tuple(m.marked())),
        "\x85": _push(lambda m: tuple(m.top(1))),
        "\x86": _push(lambda m: tuple(m.top(2))),
        "\x87": _push(lambda m: tuple(m.top(3))),
        "l": _push(lambda m: m.marked()),
        "a": lambda m: m.extend(m.top(1)),
        "e": lambda m: m.extend(m.marked()),
        "q": _store(lambda m: m.number(1)),
        "r": _store(lambda m: m.number(4)),
        "\x94": _store(lambda m: len(m.memo)),  # MEMOIZE
        "h": _push(lambda m: m.recall(m.number(1))),
        "j": _push(lambda m: m.recall(m.number(4))),
        "c": _push(lambda m: _name(m.line(), m.line())),
        "\x93": _push(_name_on_stack),  # STACK_GLOBAL
        "R": _push(_call),
        "b": _set_state,
    }.items()
}


def _ignore(value: int) -> None:
    """Numbers that say nothing of what is read."""
