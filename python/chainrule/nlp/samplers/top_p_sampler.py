"""TopPSampler: a token drawn from the likeliest that have so much of the probability together."""

from __future__ import annotations

from typing import Any

from chainrule import ops
from chainrule.nlp.samplers.random_sampler import RandomSampler
from chainrule.nlp.samplers.sampler import picked
from chainrule.nlp.sizes import check_size


class TopPSampler(RandomSampler):
    """One of the likeliest tokens, as few as have the probability p together, drawn by theirs.

    Parameters
    ----------
    p : float
        In (0, 1]. Default 0.1.
    k : int, optional
        Only the k likeliest are looked at. Default: all.
    seed : int, optional
        Of the draws. Default: a new one.
    temperature : float
        By which scores are divided: below 1 likely tokens become likelier. Default 1.

    Raises
    ------
    ValueError
        p outside (0, 1], k below 1.

    Notes
    -----
    Holtzman et al. 2020, arXiv 1904.09751.

    Examples
    --------
    >>> import numpy as np
    >>> from chainrule import nlp
    >>> token = nlp.TopPSampler(p=0.6).get_next_token(np.array([[0.1, 0.5, 0.4]]))
    >>> token.item() in (1, 2)
    True
    """

    def __init__(
        self,
        p: float = 0.1,
        k: int | None = None,
        seed: int | None = None,
        temperature: float = 1.0,
    ) -> None:
        super().__init__(seed, temperature)
        if not 0 < p <= 1:
            raise ValueError(f"`p` must be in (0, 1]. Received: p={p}")
        self.p = p
        self.k = None if k is None else check_size("k", k)

    def get_next_token(self, probabilities: Any) -> Any:
        count = probabilities.shape[-1]
        values, tokens = ops.top_k(probabilities, min(self.k or count, count))
        likelier = ops.cumsum(values, axis=-1) - values
        # The first stays, whatever p is.
        kept = ops.logical_or(likelier < self.p, ops.arange(values.shape[-1]) == 0)
        return picked(tokens, self.drawn(ops.where(kept, values, ops.zeros_like(values))))

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), "p": self.p, "k": self.k}
