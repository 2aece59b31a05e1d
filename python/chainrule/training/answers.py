"""Answers: the way from an array to what a model predicts for it, once that is compiled."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from chainrule import _core
from chainrule.base import tree
from chainrule.base.dtypes import standardize_dtype
from chainrule.base.errors import ShapeError
from chainrule.base.tracking import changes
from chainrule.tracing.arrays import ENGINE_DTYPES, engine_dtype
from chainrule.tracing.turns import tracing
from chainrule.training.data import ArraySource
from chainrule.training.feeds import Piece
from chainrule.training.loaded import loader_of
from chainrule.training.runner import Outputs, Runner, check_rows, packed
from chainrule.training.trace import OutputSpec

__all__ = ["Answers"]

Array = NDArray[Any]

_READ = frozenset(np.dtype(name) for name, engine in ENGINE_DTYPES.items() if name == engine)


class _Known(NamedTuple):
    """What answers a question of one kind."""

    program: _core.Program
    structure: Any
    specs: list[OutputSpec]
    # Whether the program gives the only output as it is to be.
    plain: bool
    # Of a dict the keys in the order of the program's feeds.
    keys: list[Any] | None
    rows: int

    def feeds(self, x: Any) -> Sequence[Array]:
        """The arrays of a list, tuple or dict in the order of the program."""
        given: Sequence[Array] = x if self.keys is None else [x[key] for key in self.keys]
        return given


class Answers:
    """Predictions by the shapes and dtypes of what is asked, without a look at the model.

    A question that has come before goes to its program at once. It is an array, or a list, tuple or
    dict of arrays, of dtypes that the core reads; whatever else comes is converted and checked first,
    as in `fit`. The layers are looked at again when some layer anywhere has got or lost a part.

    Parameters
    ----------
    limit : int
        Programs that are kept; the oldest goes first.
    """

    def __init__(self, limit: int) -> None:
        self.limit = limit
        self._known: dict[Any, _Known] = {}
        # Of the last look at the model: the count of changes, and what predictions depend on.
        self._seen = -1
        self._key: Any = None
        # Whether more is done before the program than to convert.
        self._loads = False

    def __call__(self, model: Any, x: Any, rows: int | None = None) -> Any:
        """What the model predicts for one batch.

        Parameters
        ----------
        model : Model
        x : array or structure of arrays
        rows : int, optional
            How many are expected.

        Raises
        ------
        ShapeError, DTypeError, DataError, NonFiniteError
            What the model does not take, or another number of rows.
        """
        if self._seen != changes.count:
            self._look(model)
        if type(x) is np.ndarray:
            known = self._known.get((x.shape, x.dtype))
            feeds: Sequence[Array] = (x,)
        else:
            known = self._known.get(_kind(x))
            feeds = () if known is None else known.feeds(x)
        if known is None:
            return self._ask(model, x, rows)
        if rows is not None and rows != known.rows:
            raise _other_rows(model, rows, known.rows)
        outputs = known.program.run(feeds, model.non_finite != "ignore")
        if outputs is None:
            return self._ask(model, x, rows)
        return outputs[0] if known.plain else packed(known.structure, known.specs, outputs)

    def joined(self, model: Any, x: Any, size: int) -> Any:
        """What the model predicts for batches of `size` rows, one behind the other.

        None for what cannot be given to the core as it is, or has to be warned of.

        Raises
        ------
        ShapeError, DTypeError, DataError, NonFiniteError
            What the model does not take.
        """
        arrays = _arrays(x)
        if not arrays or any(a.ndim == 0 or len(a) != len(arrays[0]) for a in arrays):
            return None
        if self._seen != changes.count:
            self._look(model)
        if self._loads:
            return None
        rows = len(arrays[0])
        if 0 < rows <= size:
            known = self._known.get(_kind(x))
            if known is None:
                return self._ask(model, x, None, joins=True)
            check_rows(known.specs, rows)
            return self(model, x)
        if any(not (a.flags.c_contiguous and a.flags.aligned) for a in arrays):
            return None
        if model.non_finite != "ignore" and not all(map(_core.all_finite, arrays)):
            return None
        full, rest = divmod(rows, size)
        pieces = [Piece((x, None, None), arrays, size, full)]
        if rest:
            pieces.append(Piece((x, None, None), arrays, rest, 1, full * size))
        outputs = Outputs()
        outputs.rows, outputs.size = rows, size
        answers = [(self._of_piece(model, x, piece), piece) for piece in pieces]
        for known, piece in answers:
            room = outputs.room(known.structure, piece)
            feeds = arrays if known.keys is None else known.feeds(x)
            known.program.epoch(feeds, None, piece.size, piece.at, piece.count, room)
        return outputs.between(0, full + bool(rest))

    def _of_piece(self, model: Any, x: Any, piece: Piece) -> _Known:
        known = self._known.get(_kind(x, piece.size))
        if known is None:
            rows = slice(piece.at, piece.at + piece.size)
            known, _ = self._learn(model, tree.map_structure(lambda a: a[rows], x), None)
        check_rows(known.specs, piece.size)
        return known

    def forget(self) -> None:
        """Hold no program."""
        self._known.clear()

    def _look(self, model: Any) -> None:
        """Forget what was compiled for other layers than the model has."""
        seen = changes.count
        self._loads = loader_of(model) is not None
        key = model._trace_key("predict")
        if key != self._key:
            with tracing:
                self._key = key
                self._known.clear()
        self._seen = seen

    def _ask(self, model: Any, x: Any, rows: int | None, joins: bool = False) -> Any:
        """An answer to a question that has not come before, or that needs more than its program."""
        known, source = self._learn(model, x, rows)
        if joins:
            check_rows(known.specs, known.rows)
        return packed(known.structure, known.specs, known.program.run(source.leaves()))

    def _learn(self, model: Any, x: Any, rows: int | None) -> tuple[_Known, ArraySource]:
        """What answers such a question, which is kept for the next, and the data."""
        source: ArraySource = model._array_source(x, None, None, None)
        if rows is not None and rows != source.rows:
            raise _other_rows(model, rows, source.rows)
        model._ensure_ready("predict", source)
        runner = Runner(model, "predict")
        key = runner.begin()
        program, structure = runner.program((source.x, None, None), source.rows)
        specs = tree.flatten(structure)
        plain = specs == [structure] and _is_stored_as_computed(structure.dtype)
        keys = tree.flatten({key: key for key in x}) if type(x) is dict else None
        known = _Known(program, structure, specs, plain, keys, source.rows)
        kind = None if self._loads else _kind(x)
        if kind is not None:
            self._keep(model, key, kind, known)
        return known, source

    def _keep(self, model: Any, key: Any, kind: Any, known: _Known) -> None:
        self._look(model)
        with tracing:
            if key != self._key:
                return
            while len(self._known) >= self.limit:
                self._known.pop(next(iter(self._known)))
            self._known[kind] = known


def _is_stored_as_computed(dtype: Any) -> bool:
    name = standardize_dtype(dtype)
    return engine_dtype(name) == name


def _other_rows(model: Any, expected: int, got: int) -> ShapeError:
    return ShapeError(f"predictor of model '{model.name}': expected {expected} rows, got {got}")


def _arrays(x: Any) -> list[Array]:
    """The arrays of a question, in its own order; none of data that the core does not read."""
    kind = type(x)
    if kind is np.ndarray:
        given = [x]
    elif kind is list or kind is tuple or kind is dict:
        given = list(x.values()) if kind is dict else list(x)
    else:
        return []
    return given if all(type(a) is np.ndarray and a.dtype in _READ for a in given) else []


def _kind(x: Any, rows: int | None = None) -> Any:
    """What tells questions apart: shapes and dtypes in their structure; None for other data.

    With `rows`, as if each array had so many.
    """
    arrays = _arrays(x)
    if not arrays:
        return None
    shapes = [a.shape if rows is None else (rows, *a.shape[1:]) for a in arrays]
    if type(x) is np.ndarray:
        return shapes[0], x.dtype
    pairs = [(shape, a.dtype) for shape, a in zip(shapes, arrays)]
    return (type(x), *(zip(x, pairs) if type(x) is dict else pairs))
