"""BeamSampler: the likeliest of several texts that grow side by side."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from chainrule import ops
from chainrule.nlp.samplers.sampler import (
    Next,
    Sampler,
    State,
    at,
    has_stopped,
    put,
    repeated,
    rows_of,
)
from chainrule.nlp.sizes import check_size

# The logarithm of the probability of what cannot be.
_NEVER = np.float32(-1e9)


class BeamSampler(Sampler):
    """Keeps the `num_beams` likeliest beginnings, and gives the likeliest text of them.

    Parameters
    ----------
    num_beams : int
        Default 5.
    return_all_beams : bool
        Whether all texts (N, num_beams, L) come back, and the logarithms of their probabilities
        (N, num_beams), best first. Default False.
    temperature : float
        By which scores are divided before they become probabilities. Default 1.
    length_penalty : float
        a: texts are compared by ``log p / n^a`` of their n tokens, those of the prompt not counted; 0
        compares probabilities, which short texts win, 1 the mean of a token. Default 0.

    Raises
    ------
    ValueError
        `num_beams` below 1, or a `length_penalty` that is negative or not finite.

    Notes
    -----
    A text that has come to one of the `stop_token_ids` keeps its probability and its length. Wu et al.
    2016, arXiv 1609.08144, section 7, on why lengths are to count.

    Examples
    --------
    >>> import numpy as np
    >>> from chainrule import nlp
    >>> def next(prompt, cache, index):
    ...     return np.log(np.tile([0.6, 0.4], (len(prompt), 1))), None, cache
    >>> sampler = nlp.BeamSampler(num_beams=2, return_all_beams=True)
    >>> texts, logs = sampler(next, np.zeros((1, 2), "int32"), index=1)
    >>> texts.tolist(), np.exp(logs).round(2).tolist()
    ([[[0, 0], [0, 1]]], [[0.6000000238418579, 0.4000000059604645]])
    """

    def __init__(
        self,
        num_beams: int = 5,
        return_all_beams: bool = False,
        temperature: float = 1.0,
        length_penalty: float = 0.0,
    ) -> None:
        super().__init__(temperature)
        self.num_beams = check_size("num_beams", num_beams)
        self.return_all_beams = return_all_beams
        if not 0 <= length_penalty < math.inf:
            raise ValueError(
                "`length_penalty` must be 0 or more, and finite. "
                f"Received: length_penalty={length_penalty}"
            )
        self.length_penalty = length_penalty

    def start(self, prompt: Any, mask: Any, index: Any, cache: Any, hidden_states: Any) -> State:
        beams = self.num_beams
        # All beams begin alike: only the first counts.
        logs = np.where(np.arange(beams) == 0, np.float32(0), _NEVER)
        return {
            "prompt": repeated(prompt, beams),
            "mask": repeated(mask, beams),
            "index": index,
            "cache": repeated(cache, beams),
            "logs": ops.broadcast_to(logs, (prompt.shape[0], beams)),
            # How many tokens of each text were chosen.
            "counts": ops.zeros((prompt.shape[0], beams), "float32"),
        }

    def step(self, next: Next, state: State, stops: tuple[int, ...]) -> State:
        prompt, index, logs = state["prompt"], state["index"], state["logs"]
        rows, beams = logs.shape
        forced, is_forced = at(prompt, index), at(state["mask"], index)
        logits, _, cache = next(prompt, state["cache"], index)
        size = logits.shape[-1]
        more = ops.maximum(ops.log(self.compute_probabilities(logits)), _NEVER)
        counts = state["counts"] + 1
        if stops:
            # A text that is over goes on in one way, which costs nothing.
            only = np.where(np.arange(size) == stops[0], np.float32(0), _NEVER)
            is_over = has_stopped(state, stops)
            more = ops.where(ops.expand_dims(is_over, 1), only, more)
            counts = ops.where(ops.reshape(is_over, (rows, beams)), state["counts"], counts)
        totals = ops.reshape(logs, (rows, beams, 1)) + ops.reshape(more, (rows, beams, size))
        if self.length_penalty:
            totals = totals / ops.expand_dims(self._divisors(counts), -1)
        best, places = ops.top_k(ops.reshape(totals, (rows, beams * size)), beams)
        stays = ops.reshape(is_forced, (rows, beams))
        own = ops.broadcast_to(np.arange(beams, dtype="int32"), (rows, beams))
        beam = ops.where(stays, own, places // size)
        is_from = ops.equal(ops.expand_dims(beam, -1), np.arange(beams, dtype="int32"))
        counts = ops.sum(ops.where(is_from, ops.expand_dims(counts, 1), np.float32(0)), axis=-1)
        if self.length_penalty:
            best = best * self._divisors(counts)
        token = ops.where(is_forced, forced, ops.reshape(places % size, (rows * beams,)))
        first = beams * np.arange(rows, dtype="int32")[:, None]
        source = ops.reshape(beam + first, (rows * beams,))
        return {
            "prompt": put(rows_of(prompt, source), index, token),
            "mask": state["mask"],
            "index": index + 1,
            "cache": rows_of(cache, source),
            "logs": ops.where(stays, logs, best),
            "counts": ops.where(stays, state["counts"], counts),
        }

    def _divisors(self, counts: Any) -> Any:
        """By what the logarithms of texts of so many tokens are divided."""
        return ops.power(ops.maximum(counts, 1), np.float32(self.length_penalty))

    def finish(self, state: State) -> Any:
        logs = np.asarray(state["logs"])
        prompt = np.reshape(state["prompt"], (*logs.shape, -1))
        scores = logs / self._divisors(np.asarray(state["counts"])) if self.length_penalty else logs
        order = np.argsort(-scores, axis=1, kind="stable")
        prompt = np.take_along_axis(prompt, order[..., None], axis=1)
        if self.return_all_beams:
            return prompt, np.take_along_axis(logs, order, axis=1)
        return prompt[:, 0]

    def get_config(self) -> dict[str, Any]:
        return {
            **super().get_config(),
            "num_beams": self.num_beams,
            "return_all_beams": self.return_all_beams,
            "length_penalty": self.length_penalty,
        }
