"""Decoding: the compiled loop that fills in tokens one after the other.

All that changes from token to token (the texts, the cache of keys and values, the place, what a
sampler remembers) lives in variables. One program reads the prompt and writes them; another makes one
token: it reads and writes them where they are, and the core runs it as often as there are tokens.
Both are compiled for a number of rows and a length; lengths come in buckets.
"""

from __future__ import annotations

import threading
from typing import Any

import numpy as np
from numpy.typing import NDArray

from chainrule import _core, ops
from chainrule.base import tree
from chainrule.base.name_scopes import layer_scope
from chainrule.nlp.samplers.sampler import Next, Sampler, State, at, has_stopped
from chainrule.tracing.trace import Trace
from chainrule.tracing.turns import tracing
from chainrule.tracing.variable import Variable

__all__ = ["Decoder", "bucket"]

# After so many tokens it is asked whether all texts are over.
_STRIDE = 16


def bucket(length: int, least: int, most: int) -> int:
    """The first of `least`, 2 `least`, 4 `least`, ... that is no smaller than a length; at most `most`.

    Examples
    --------
    >>> bucket(65, 64, 256), bucket(1, 64, 256), bucket(300, 64, 320)
    (128, 64, 320)
    """
    size = least
    while size < length:
        size *= 2
    return min(size, most)


class Decoder:
    """The programs for `rows` texts of `length` places, of one model and one sampler.

    Parameters
    ----------
    sampler : Sampler
    rows, length : int
    stops : tuple of int
        Tokens after which a text is over.
    uses_cache : bool
        Whether keys and values are kept; else every step runs all places.
    source : tuple of int, optional
        The shape of the tokens that are read beside the prompts, of models that do.
    """

    def __init__(
        self,
        sampler: Sampler,
        rows: int,
        length: int,
        stops: tuple[int, ...],
        uses_cache: bool,
        source: tuple[int, ...] | None = None,
    ) -> None:
        self.sampler = sampler
        self._rows = rows
        self._length = length
        self._stops = stops
        self._uses_cache = uses_cache
        self._source = source
        self._state: Any = None
        # By how many places the prompt has at most.
        self._beginnings: dict[int, _core.Program] = {}
        self._step: _core.Program | None = None
        # One text at a time is in the variables.
        self._lock = threading.Lock()

    def __call__(
        self,
        model: Any,
        prompt: NDArray[Any],
        mask: NDArray[Any],
        start: int,
        end: int,
        *source: Any,
    ) -> Any:
        """What the sampler makes of a prompt (rows, length), filled from place `start` to `end`.

        Parameters
        ----------
        model : CausalLM
        prompt, mask : array (rows, length)
            int32, and which of it is given.
        start, end : int
        *source : array
            Tokens to read, where there is a source.
        """
        # The step reads the place before `start` itself; what is computed of later places, keys and
        # values are written over, a recurrence's state is not.
        places = start - 1
        if places and model.cache_has_places:
            places = bucket(start, _STRIDE, self._length)
        with self._lock:
            beginning, step = self._programs(model, places)
            beginning.run([prompt, mask, np.array(start, "int32"), *source])
            done = 0
            while done < end - start:
                count = min(_STRIDE, end - start - done) if self._stops else end - start
                is_over = np.zeros(count, "uint8")
                done += step.epoch([], None, 1, 0, count, [is_over])
                if self._stops and is_over.any():
                    break
            state = tree.map_structure(lambda v: v.numpy(), self._state)
        return self.sampler.finish(state)

    def _programs(self, model: Any, places: int) -> tuple[_core.Program, _core.Program]:
        with tracing:
            beginning = self._beginnings.get(places)
            if beginning is None:
                beginning = self._beginnings[places] = self._compile_beginning(model, places)
            if self._step is None:
                self._step = self._compile_step(model)
            return beginning, self._step

    def _compile_beginning(self, model: Any, places: int) -> _core.Program:
        """The program that runs the first places of a prompt, and writes all variables."""
        shape = self._rows, self._length
        with Trace() as trace, model._open_name_scope(), layer_scope(model.name):
            prompt = trace.input("prompt", shape, "int32")
            mask = trace.input("mask", shape, "bool")
            index = trace.input("index", (), "int32")
            source: tuple[Any, ...] = ()
            if self._source is not None:
                source = (trace.input("source", self._source, "int32"),)
            cache = empty = model.empty_cache(*shape, *source)
            read = max(places, 1)
            hidden, after = model.hidden_states(prompt[:, :read], empty, 0)
            hidden = ops.pad(hidden, ((0, 0), (0, self._length - read), (0, 0)))
            if places:
                cache = after
            cache = cache if self._uses_cache else ()
            state = self.sampler.start(prompt, mask, index, cache, hidden)
            state = self.sampler.prepare(self._next(model), state)
            if self._state is None:
                self._state = tree.map_structure(_variable, state)
            tree.map_structure(trace.assign, self._state, state)
            return trace.compile([])

    def _compile_step(self, model: Any) -> _core.Program:
        """The program that makes one token; its output says whether all texts are over."""
        with Trace() as trace, model._open_name_scope(), layer_scope(model.name):
            before: State = tree.map_structure(trace.read, self._state)
            after = self.sampler.step(self._next(model), before, self._stops)

            def assign(variable: Variable, old: Any, new: Any) -> None:
                if new is not old:
                    trace.assign(variable, new)

            tree.map_structure(assign, self._state, before, after)
            is_over = ops.all(has_stopped(after, self._stops))
            return trace.compile([is_over])

    def _next(self, model: Any) -> Next:
        """The model, as samplers ask it."""

        def with_cache(prompt: Any, cache: Any, index: Any) -> tuple[Any, Any, Any]:
            token = ops.expand_dims(at(prompt, index - 1), 1)
            hidden, cache = model.hidden_states(token, cache, index - 1)
            return model.logits(hidden)[:, 0], hidden[:, 0], cache

        def without(prompt: Any, cache: Any, index: Any) -> tuple[Any, Any, Any]:
            hidden, _ = model.hidden_states(prompt)
            hidden = ops.take(hidden, index - 1, axis=1)
            return model.logits(hidden), hidden, cache

        return with_cache if self._uses_cache else without


def _variable(tensor: Any) -> Variable:
    """A variable that a tensor of the trace can be assigned to."""
    return Variable("zeros", shape=tuple(tensor.shape), dtype=tensor.dtype, trainable=False)
