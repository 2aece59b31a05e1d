"""Recorder: a scope that is told of every op that runs inside it; and the arrays that such ops give."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Hashable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from chainrule.base import tree
from chainrule.tracing.operators import OPS, call_op
from chainrule.tracing.scopes import Scope, active_scopes

__all__ = ["Call", "Recorded", "Recorder", "is_followed", "is_recorded", "observed", "paused", "recorders"]

# One entry for each recorder that is open in any thread: ops look here first.
OPEN: list[None] = []
_tokens = itertools.count()


class Call(NamedTuple):
    """What ran: `replay(inputs)` does it again on traced tensors; equal `key()` do the same."""

    key: Callable[[], Hashable]
    replay: Callable[[list[Any]], Sequence[Any]]


class Recorder(Scope):
    """A scope whose `record` is called for the ops inside it while `is_recording`."""

    takes_assignments = False
    is_recording = False

    def __enter__(self) -> Any:
        OPEN.append(None)
        return super().__enter__()

    def __exit__(self, *error: object) -> None:
        super().__exit__(*error)
        OPEN.pop()

    def follows(self, x: Any) -> bool:
        """Whether a derivative by or of `x` may be asked for."""
        raise NotImplementedError

    def record(
        self, call: Call | None, inputs: Sequence[Any], outputs: Sequence[Any]
    ) -> None:
        """Take notice of a call: arrays or traced tensors went in and came out.

        None stands for nodes that a derivative added to the graph.
        """
        raise NotImplementedError


def recorders() -> list[Recorder]:
    """The recorders that are told of ops that run here and now, innermost first."""
    if not OPEN:
        return []
    return [s for s in active_scopes() if isinstance(s, Recorder) and s.is_recording]


def observed(call: Call | None, inputs: Sequence[Any], outputs: Sequence[Any]) -> list[Any]:
    """The outputs of a call that has run, known to the open recorders."""
    found = list(outputs)
    around = [s for s in active_scopes() if isinstance(s, Recorder)] if OPEN else []
    if around:
        found = [as_recorded(x) if isinstance(x, np.ndarray) else x for x in found]
    for recorder in around:
        if recorder.is_recording:
            recorder.record(call, inputs, found)
    return found


@contextmanager
def paused() -> Iterator[None]:
    """Inside, no recorder that is open here is told of ops."""
    listening = recorders()
    for recorder in listening:
        recorder.is_recording = False
    try:
        yield
    finally:
        for recorder in listening:
            recorder.is_recording = True


def as_recorded(x: NDArray[Any]) -> Recorded:
    """The same numbers as an array that recorders can tell from all others."""
    recorded = np.asarray(x).view(Recorded)
    recorded.token = next(_tokens)
    return recorded


def is_recorded(x: Any) -> bool:
    """Whether what becomes of `x` here and now has to be recorded."""
    return isinstance(x, Recorded) and bool(recorders())


def is_followed(x: Any) -> bool:
    """Whether an open recorder wants derivatives by or of `x`."""
    return any(recorder.follows(x) for recorder in recorders())


def _plain(x: Any) -> Any:
    return tree.map_structure(lambda a: np.asarray(a) if isinstance(a, Recorded) else a, x)


# NumPy's functions that give no numbers to differentiate: they see plain arrays.
_HARMLESS = frozenset(
    "shape ndim size array_equal array_equiv allclose array_repr array_str array2string save savez "
    "savez_compressed savetxt result_type can_cast min_scalar_type common_type may_share_memory "
    "shares_memory iscomplexobj isrealobj isclose copyto broadcast_shapes".split()
)
_HOMES = ("numpy", "numpy.linalg")
_OTHER_NAMES = {
    "remainder": "mod",
    "invert": "bitwise_not",
    "positive": "copy",
    "rint": "round",
    "degrees": "rad2deg",
    "radians": "deg2rad",
}
_REDUCTIONS = {
    "add": "sum",
    "multiply": "prod",
    "maximum": "max",
    "minimum": "min",
    "logical_and": "all",
    "logical_or": "any",
}


class Recorded(np.ndarray[Any, Any]):
    """An array that an op gave while a recorder was open; arithmetic on it is ops, which are recorded.

    Where no recorder is open it computes as any array. Copies and pickles are plain arrays.
    """

    token: int = -1

    def __array_ufunc__(self, ufunc: Any, method: str, *inputs: Any, **kwargs: Any) -> Any:
        out = kwargs.get("out")
        plain_out = out is not None and not any(isinstance(x, Recorded) for x in out)
        if plain_out or not recorders():
            return getattr(ufunc, method)(*_plain(inputs), **_plain(kwargs))
        if out is not None and out[0] is inputs[0]:  # `x += y` gives x another value
            kwargs.pop("out")
        name = _OTHER_NAMES.get(ufunc.__name__, ufunc.__name__) if method == "__call__" else None
        if method == "reduce":
            name = _REDUCTIONS.get(ufunc.__name__)
            kwargs = {k: v for k, v in kwargs.items() if v is not None}
            kwargs.setdefault("axis", 0)
            kwargs = {k: v for k, v in kwargs.items() if k != "keepdims" or v}
        shown = f"numpy.{ufunc.__name__}" + ("" if method == "__call__" else f".{method}")
        return _call(shown, name, inputs, kwargs)

    def __array_function__(
        self, function: Any, types: Any, args: Any, kwargs: Any
    ) -> Any:
        name = function.__name__
        if name in _HARMLESS or not recorders():
            return function(*_plain(args), **_plain(kwargs))
        home = str(function.__module__)
        return _call(f"{home}.{name}", name if home in _HOMES else None, args, kwargs)

    def __getitem__(self, key: Any) -> Any:
        return call_op("get_item", self, key) if recorders() else np.asarray(self)[key]

    def __setitem__(self, key: Any, value: Any) -> None:
        if recorders():
            raise TypeError(
                "an array that an op gave cannot be changed in place while a GradientTape records: "
                "use `ops.scatter_update`, `ops.slice_update` or `ops.where`, or copy it by `np.array`"
            )
        np.asarray(self)[key] = value

    def __iter__(self) -> Any:
        if not self.ndim:
            raise TypeError("iteration over a 0-d array")
        return (self[i] for i in range(len(self)))

    def __repr__(self) -> str:
        return repr(np.asarray(self))

    def __str__(self) -> str:
        return str(np.asarray(self))

    def __deepcopy__(self, memo: Any) -> Any:
        return np.array(self)

    def __reduce_ex__(self, protocol: Any) -> Any:
        return np.asarray(self).__reduce_ex__(protocol)

    def __reduce__(self) -> Any:
        return np.asarray(self).__reduce__()

    @property
    def T(self) -> Any:
        """The axes in reverse order."""
        return self.transpose()

    @property
    def mT(self) -> Any:
        """The last two axes exchanged."""
        return self.swapaxes(-1, -2)

    def reshape(self, *shape: Any, **kwargs: Any) -> Any:
        """As `ops.reshape`; sizes as one tuple or as separate arguments."""
        if kwargs or not recorders():
            return np.asarray(self).reshape(*shape, **kwargs)
        return call_op("reshape", self, shape[0] if len(shape) == 1 else shape)

    def transpose(self, *axes: Any) -> Any:
        """As `ops.transpose`; axes as one tuple or as separate arguments."""
        if not recorders():
            return np.asarray(self).transpose(*axes)
        return call_op("transpose", self, axes[0] if len(axes) == 1 else axes or None)

    def astype(self, dtype: Any, *args: Any, **kwargs: Any) -> Any:
        """As `ops.cast`."""
        if not recorders():
            return np.asarray(self).astype(dtype, *args, **kwargs)
        return call_op("cast", self, np.dtype(dtype).name)

    def flatten(self, *args: Any) -> Any:
        """As `ops.ravel`."""
        return call_op("ravel", self) if recorders() else np.asarray(self).flatten(*args)

    def copy(self, *args: Any, **kwargs: Any) -> Any:
        """As `ops.copy`."""
        return call_op("copy", self) if recorders() else np.asarray(self).copy(*args, **kwargs)

    def view(self, *args: Any, **kwargs: Any) -> Any:
        """As `ops.copy`; with another dtype or class, plain numbers."""
        plain = np.asarray(self)
        return plain.view(*args, **kwargs) if args or kwargs or not recorders() else self.copy()

    def fill(self, value: Any) -> None:
        """As `x[...] = value`."""
        self[...] = value


def _call(shown: str, name: str | None, args: Any, kwargs: Any) -> Any:
    """The op of NumPy's function `shown`, where there is one."""
    op = OPS.get(name) if name is not None else None
    kwargs = {k: v for k, v in kwargs.items() if not (k in ("out", "dtype", "where") and v is None)}
    refused = {"out", "where", "order", "casting"} & set(kwargs)
    if op is None or refused:
        reason = f"with {', '.join(sorted(refused))} " if refused else ""
        raise TypeError(
            f"{shown} {reason}on an array that a GradientTape records: there is no op of "
            "`chainrule.ops` that does it. Use functions of `chainrule.ops`, or `np.asarray(x)` for "
            "numbers without a gradient."
        )
    dtype = kwargs.pop("dtype", None)
    if kwargs.get("ddof") == 0:
        del kwargs["ddof"]
    if "a" in kwargs:
        args = (kwargs.pop("a"), *args)
    found = op(*args, **kwargs)
    return found if dtype is None else call_op("cast", found, np.dtype(dtype).name)


def _as_op(name: str) -> Any:
    plain = getattr(np.ndarray, name)

    def method(self: Recorded, *args: Any, **kwargs: Any) -> Any:
        if not recorders():
            return plain(np.asarray(self), *_plain(args), **_plain(kwargs))
        return _call(f"numpy.ndarray.{name}", name, (self, *args), kwargs)

    method.__name__ = name
    method.__doc__ = f"As `ops.{name}`."
    return method


def _refused(name: str) -> Any:
    plain = getattr(np.ndarray, name)

    def method(self: Recorded, *args: Any, **kwargs: Any) -> Any:
        if recorders():
            return _call(f"numpy.ndarray.{name}", None, (self, *args), kwargs)
        return plain(np.asarray(self), *_plain(args), **_plain(kwargs))

    method.__name__ = name
    method.__doc__ = f"As `numpy.ndarray.{name}`; no op does it, so a tape that records refuses it."
    return method


_METHODS = (
    "sum mean std var prod max min argmax argmin any all squeeze swapaxes dot clip round repeat take "
    "cumsum cumprod diagonal trace ravel conjugate conj argsort"
).split()
_REFUSED = "sort partition put resize byteswap choose compress getfield setfield".split()
for _name in _METHODS:
    setattr(Recorded, _name, _as_op(_name))
for _name in (*_REFUSED, "argpartition", "searchsorted"):
    setattr(Recorded, _name, _refused(_name))
