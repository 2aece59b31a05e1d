"""ContrastiveSampler: a likely token that says something new."""

from __future__ import annotations

from typing import Any

from chainrule import ops
from chainrule.nlp.samplers.sampler import Next, Sampler, State, at, picked, put, repeated, rows_of
from chainrule.nlp.sizes import check_size

import numpy as np


class ContrastiveSampler(Sampler):
    """``token = argmax_v (1 - alpha) p(v) - alpha max_t cos(h_v, h_t)`` over the k likeliest v.

    h_v is the hidden state that the model gives to v, h_t those of the places before: a token that
    leads to what was said already is put back.

    Parameters
    ----------
    k : int
        Default 5.
    alpha : float
        In [0, 1]. Default 0.6.
    temperature : float
        By which scores are divided before they become probabilities. Default 1.

    Raises
    ------
    ValueError
        k below 1, alpha outside [0, 1]; (at a call) no `hidden_states`.

    Notes
    -----
    Each step runs the model on k candidates. Called by itself, it needs the `hidden_states` (N, L, D)
    of the places before `index`. Su et al. 2022, arXiv 2202.06417.

    Examples
    --------
    >>> import numpy as np
    >>> from chainrule import nlp
    >>> def next(prompt, cache, index):
    ...     hidden = np.eye(2)[prompt[:, int(index) - 1]]
    ...     return np.tile([0.1, 0.0], (len(prompt), 1)), hidden, cache
    >>> sampler = nlp.ContrastiveSampler(k=2)
    >>> states = np.array([[[1.0, 0.0], [0.0, 0.0]]])
    >>> sampler(next, np.zeros((1, 2), "int32"), index=1, hidden_states=states).tolist()
    [[0, 1]]
    """

    def __init__(self, k: int = 5, alpha: float = 0.6, temperature: float = 1.0) -> None:
        super().__init__(temperature)
        self.k = check_size("k", k)
        if not 0 <= alpha <= 1:
            raise ValueError(f"`alpha` must be in [0, 1]. Received: alpha={alpha}")
        self.alpha = alpha

    def start(self, prompt: Any, mask: Any, index: Any, cache: Any, hidden_states: Any) -> State:
        if hidden_states is None:
            raise ValueError("ContrastiveSampler: expected `hidden_states` (N, L, D), got None")
        state = super().start(prompt, mask, index, cache, hidden_states)
        return {**state, "hidden": ops.cast(hidden_states, "float32")}

    def prepare(self, next: Next, state: State) -> State:
        logits, hidden, cache = next(state["prompt"], state["cache"], state["index"])
        seen = _put_rows(state["hidden"], state["index"] - 1, hidden)
        return {**state, "cache": cache, "logits": logits, "hidden": seen}

    def step(self, next: Next, state: State, stops: tuple[int, ...]) -> State:
        prompt, index, hidden = state["prompt"], state["index"], state["hidden"]
        forced, is_forced = at(prompt, index), at(state["mask"], index)
        rows = prompt.shape[0]
        probabilities = self.compute_probabilities(state["logits"])
        k = min(self.k, probabilities.shape[-1])
        likeliest, tokens = ops.top_k(probabilities, k)
        tokens = ops.where(ops.expand_dims(is_forced, 1), ops.expand_dims(forced, 1), tokens)
        candidates = put(repeated(prompt, k), index, ops.reshape(tokens, (rows * k,)))
        logits, made, cache = next(candidates, repeated(state["cache"], k), index + 1)
        made = ops.reshape(ops.cast(made, "float32"), (rows, k, made.shape[-1]))
        scores = (1 - self.alpha) * likeliest - self.alpha * _likeness(made, hidden, index)
        best = ops.argmax(scores, axis=1)
        source = best + k * np.arange(rows, dtype="int32")
        chosen = rows_of(ops.reshape(made, (rows * k, made.shape[-1])), source)
        return {
            "prompt": put(prompt, index, picked(tokens, best)),
            "mask": state["mask"],
            "index": index + 1,
            "cache": rows_of(cache, source),
            "logits": rows_of(logits, source),
            "hidden": _put_rows(hidden, index, chosen),
        }

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), "k": self.k, "alpha": self.alpha}


def _put_rows(x: Any, index: Any, row: Any) -> Any:
    """x (N, L, D) with the row (N, D) at place `index`."""
    here = ops.arange(x.shape[1], dtype="int32") == index
    return ops.where(ops.reshape(here, (1, -1, 1)), ops.expand_dims(row, 1), x)


def _likeness(made: Any, hidden: Any, index: Any) -> Any:
    """(N, K): the largest cosine of each of made (N, K, D) with a place of hidden before `index`."""
    made, hidden = ops.normalize(made, axis=-1), ops.normalize(hidden, axis=-1)
    cosines = ops.matmul(made, ops.transpose(hidden, (0, 2, 1)))  # (N, K, L)
    is_past = ops.arange(hidden.shape[1], dtype="int32") < index
    return ops.max(ops.where(is_past, cosines, np.float32(-1)), axis=-1)
