"""Sampler: which token comes next."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from chainrule import ops
from chainrule.base import tree

# (prompt, cache, index) -> the scores (N, V) of all tokens for place `index`, the hidden state (N, D)
# of the place before, and the cache after it.
Next = Callable[[Any, Any, Any], tuple[Any, Any, Any]]
State = dict[str, Any]


class Sampler:
    """Chooses tokens one after the other: the base class of all samplers.

    A subclass says in `get_next_token` which token follows, given the probabilities of all; one that
    follows several continuations at once overrides `start`, `step` and `finish`. All are written in
    `chainrule.ops`, and run compiled in `CausalLM.generate`.

    Parameters
    ----------
    temperature : float
        By which scores are divided before they become probabilities: below 1 likely tokens become
        likelier. Default 1.

    Raises
    ------
    ValueError
        A temperature that is not positive.

    Notes
    -----
    ``sampler(next, prompt, cache=None, index=0, mask=None, stop_token_ids=None)`` fills in a prompt
    (N, L) of ints from place `index` on, where `mask` is false, and returns it. ``next(prompt, cache,
    index)`` gives ``(scores, hidden, cache)``: the scores (N, V) of the tokens for place `index`.
    Names and arguments as in KerasHub.

    Examples
    --------
    >>> import numpy as np
    >>> from chainrule import nlp
    >>> def likes_the_second(prompt, cache, index):
    ...     return np.tile([0.0, 9.0, 1.0], (len(prompt), 1)), None, cache
    >>> nlp.GreedySampler()(likes_the_second, np.array([[2, 0, 0]]), index=1).tolist()
    [[2, 1, 1]]
    """

    def __init__(self, temperature: float = 1.0) -> None:
        if not temperature > 0:
            raise ValueError(f"`temperature` must be positive. Received: temperature={temperature}")
        self.temperature = temperature

    def __call__(
        self,
        next: Next,
        prompt: Any,
        cache: Any = None,
        index: int = 0,
        mask: Any = None,
        stop_token_ids: Any = None,
        hidden_states: Any = None,
        model: Any = None,
    ) -> Any:
        prompt = ops.cast(prompt, "int32")
        length = prompt.shape[1]
        given = ops.zeros_like(prompt, dtype="bool") if mask is None else ops.cast(mask, "bool")
        stops = tuple(stop_token_ids or ())
        state = self.start(prompt, given, np.int32(index), cache, hidden_states)
        if index < length:
            state = self.prepare(next, state)
        for _ in range(int(index), length):
            if stops and bool(np.all(has_stopped(state, stops))):
                break
            state = self.step(next, state, stops)
        return self.finish(state)

    def compute_probabilities(self, logits: Any) -> Any:
        """float32, ``softmax(logits / temperature)``."""
        return ops.softmax(ops.cast(logits, "float32") / self.temperature)

    def get_next_token(self, probabilities: Any) -> Any:
        """int (N,): the tokens that follow, given the probabilities (N, V)."""
        raise NotImplementedError(f"{type(self).__name__} does not implement `get_next_token`.")

    def start(self, prompt: Any, mask: Any, index: Any, cache: Any, hidden_states: Any) -> State:
        """What is known before the first step: tensors by name."""
        return {"prompt": prompt, "mask": mask, "index": index, "cache": cache}

    def prepare(self, next: Next, state: State) -> State:
        """What is to be computed once, before the first step."""
        return state

    def step(self, next: Next, state: State, stops: tuple[int, ...]) -> State:
        """The state after one more token."""
        prompt, index = state["prompt"], state["index"]
        forced, is_forced = at(prompt, index), at(state["mask"], index)
        logits, _, cache = next(prompt, state["cache"], index)
        token = self.get_next_token(self.compute_probabilities(logits))
        token = ops.where(is_forced, forced, ops.cast(token, "int32"))
        return {**state, "prompt": put(prompt, index, token), "index": index + 1, "cache": cache}

    def finish(self, state: State) -> Any:
        """The filled prompt (N, L)."""
        return state["prompt"]

    def get_config(self) -> dict[str, Any]:
        """The constructor's arguments."""
        return {"temperature": self.temperature}

    @classmethod
    def from_config(cls, config: dict[str, Any]) -> Any:
        """The sampler that `get_config` described."""
        return cls(**config)


def at(x: Any, index: Any) -> Any:
    """(N,): what stands at place `index` of x (N, L); 0 beyond the last."""
    here = ops.arange(x.shape[1], dtype="int32") == index
    if x.dtype == "bool":
        return ops.any(ops.logical_and(here, x), axis=1)
    return ops.sum(ops.where(here, x, ops.zeros_like(x)), axis=1)


def put(x: Any, index: Any, value: Any) -> Any:
    """x (N, L) with the value (N,) at place `index`."""
    here = ops.arange(x.shape[1], dtype="int32") == index
    return ops.where(here, ops.expand_dims(ops.cast(value, x.dtype), 1), x)


def picked(values: Any, choice: Any) -> Any:
    """(N,): of each row of values (N, K) the one whose number is chosen (N,).

    A sum instead of a gather: it can refuse nothing, so it may come after writes to memory.
    """
    here = ops.arange(values.shape[1], dtype="int32") == ops.expand_dims(choice, 1)
    return ops.sum(ops.where(here, values, ops.zeros_like(values)), axis=1)


def has_stopped(state: State, stops: tuple[int, ...]) -> Any:
    """bool (N,): whether a token that ends a text was chosen before place `index`."""
    prompt, index = state["prompt"], state["index"]
    is_stop = ops.zeros_like(prompt, dtype="bool")
    for stop in stops:
        is_stop = ops.logical_or(is_stop, ops.equal(prompt, np.int32(stop)))
    is_new = ops.logical_not(state["mask"])
    is_past = ops.arange(prompt.shape[1], dtype="int32") < index
    return ops.any(ops.logical_and(is_past, ops.logical_and(is_stop, is_new)), axis=1)


def repeated(x: Any, count: int) -> Any:
    """Every array of a structure with each row `count` times, one after the other."""
    return tree.map_structure(lambda a: ops.repeat(a, count, axis=0), x, none_is_leaf=False)


def rows_of(x: Any, rows: Any) -> Any:
    """Of every array of a structure the rows with these numbers."""
    return tree.map_structure(lambda a: ops.take(a, rows, axis=0), x, none_is_leaf=False)
