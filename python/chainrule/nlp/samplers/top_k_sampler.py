"""TopKSampler: a token drawn from the k likeliest."""

from __future__ import annotations

from typing import Any

from chainrule import ops
from chainrule.nlp.samplers.random_sampler import RandomSampler
from chainrule.nlp.samplers.sampler import picked
from chainrule.nlp.sizes import check_size


class TopKSampler(RandomSampler):
    """One of the k likeliest tokens, drawn by their probabilities.

    Parameters
    ----------
    k : int
        Default 5.
    seed : int, optional
        Of the draws. Default: a new one.
    temperature : float
        By which scores are divided: below 1 likely tokens become likelier. Default 1.

    Raises
    ------
    ValueError
        k below 1.

    Notes
    -----
    Fan et al. 2018, arXiv 1805.04833.

    Examples
    --------
    >>> import numpy as np
    >>> from chainrule import nlp
    >>> token = nlp.TopKSampler(k=2).get_next_token(np.array([[0.2, 0.5, 0.3]]))
    >>> token.item() in (1, 2)
    True
    """

    def __init__(self, k: int = 5, seed: int | None = None, temperature: float = 1.0) -> None:
        super().__init__(seed, temperature)
        self.k = check_size("k", k)

    def get_next_token(self, probabilities: Any) -> Any:
        values, tokens = ops.top_k(probabilities, min(self.k, probabilities.shape[-1]))
        return picked(tokens, self.drawn(values))

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), "k": self.k}
