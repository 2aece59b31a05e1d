"""RandomSampler: a token drawn by its probability."""

from __future__ import annotations

from typing import Any

from chainrule import ops, random
from chainrule.nlp.samplers.sampler import Sampler


class RandomSampler(Sampler):
    """A token v drawn with probability p(v).

    Parameters
    ----------
    seed : int, optional
        Of the draws. Default: a new one.
    temperature : float
        By which scores are divided: below 1 likely tokens become likelier. Default 1.

    Examples
    --------
    >>> import numpy as np
    >>> from chainrule import nlp
    >>> nlp.RandomSampler(seed=1).get_next_token(np.array([[0.0, 1.0, 0.0]])).tolist()
    [1]
    """

    def __init__(self, seed: int | None = None, temperature: float = 1.0) -> None:
        super().__init__(temperature)
        self.seed = seed
        self.seed_generator = random.SeedGenerator(seed)

    def get_next_token(self, probabilities: Any) -> Any:
        return self.drawn(probabilities)

    def drawn(self, weights: Any) -> Any:
        """int32 (N,): places in the rows of weights (N, V), drawn by them; never one of weight 0."""
        return random.categorical(ops.log(weights), 1, seed=self.seed_generator)[:, 0]

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), "seed": self.seed}
