"""GreedySampler: the likeliest token."""

from __future__ import annotations

from typing import Any

from chainrule import ops
from chainrule.nlp.samplers.sampler import Sampler


class GreedySampler(Sampler):
    """``token = argmax_v p(v)``: always the likeliest token.

    Parameters
    ----------
    temperature : float
        Of no effect on the choice. Default 1.

    Notes
    -----
    Of equally likely tokens the first.

    Examples
    --------
    >>> import numpy as np
    >>> from chainrule import nlp
    >>> nlp.GreedySampler().get_next_token(np.array([[0.2, 0.5, 0.3]])).tolist()
    [1]
    """

    def get_next_token(self, probabilities: Any) -> Any:
        return ops.argmax(probabilities, axis=-1)
