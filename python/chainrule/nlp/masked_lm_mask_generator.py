"""MaskedLMMaskGenerator: hides tokens, and says which they were."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from chainrule.base.errors import DataError, ShapeError
from chainrule.layers.preprocessing.host_layer import HostLayer, as_integers
from chainrule.nlp.sizes import check_size
from chainrule.random import SeedGenerator
from chainrule.tracing.tensor import KerasTensor

Array = NDArray[Any]


class MaskedLMMaskGenerator(HostLayer):
    """Hides ``ceil(mask_selection_rate n)`` of a sequence's n selectable tokens, drawn at each call.

    A token that is selected becomes the mask with the probability `mask_token_rate`, any token with
    `random_token_rate`, and else stays what it is.

    Shapes: x (T,) or (N, T) of ints gives a dict of `token_ids`, as x, and of `mask_positions`,
    `mask_ids` and `mask_weights`, (K,) or (N, K): the places in rising order, what stood there, and
    1; where a sequence has fewer, three zeros.

    Parameters
    ----------
    vocabulary_size : int
    mask_selection_rate : float
        From 0 to 1.
    mask_token_id : int
        The token that hides.
    mask_selection_length : int, optional
        K, and the most tokens that are selected. Default: ``ceil(mask_selection_rate T)``.
    unselectable_token_ids : sequence of int, optional
        What is never hidden. Default: 0, padding.
    mask_token_rate, random_token_rate : float
        Together at most 1. Default 0.8 and 0.1.
    seed : int, optional
        Of the draws. Default: drawn.

    Raises
    ------
    ValueError
        Rates that are none, or a mask outside the vocabulary.
    DataError
        (at a call) for a token outside the vocabulary.
    ShapeError
        (at a call) for other shapes, such as rows of different lengths, which are padded before.

    Notes
    -----
    Devlin et al. 2019, arXiv 1810.04805. Arguments, but for `seed`, as in KerasHub, whose positions
    are ragged without `mask_selection_length`.

    Examples
    --------
    >>> from chainrule import nlp
    >>> hide = nlp.MaskedLMMaskGenerator(10, 0.5, mask_token_id=9, mask_token_rate=1.0,
    ...     random_token_rate=0.0, seed=1)
    >>> hidden = hide([[5, 6, 7, 8], [4, 3, 0, 0]])
    >>> (hidden["token_ids"] == 9).sum(axis=1).tolist(), hidden["mask_weights"].tolist()
    ([2, 1], [[1.0, 1.0], [1.0, 0.0]])
    """

    def __init__(
        self,
        vocabulary_size: int,
        mask_selection_rate: float,
        mask_token_id: int,
        mask_selection_length: int | None = None,
        unselectable_token_ids: Sequence[int] | None = (0,),
        mask_token_rate: float = 0.8,
        random_token_rate: float = 0.1,
        seed: int | None = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        self.vocabulary_size = check_size("vocabulary_size", vocabulary_size)
        rates = (mask_selection_rate, mask_token_rate, random_token_rate)
        if not all(0 <= rate <= 1 for rate in rates) or mask_token_rate + random_token_rate > 1:
            raise ValueError(
                f"{self._place}: expected a selection rate from 0 to 1, and a mask_token_rate and "
                f"random_token_rate of together 1 at most, got {rates}"
            )
        if not 0 <= mask_token_id < vocabulary_size:
            raise ValueError(
                f"{self._place}: expected a mask_token_id from 0 to {vocabulary_size - 1}, got "
                f"{mask_token_id}"
            )
        if mask_selection_length is not None:
            check_size("mask_selection_length", mask_selection_length)
        self.mask_selection_rate = mask_selection_rate
        self.mask_token_id = mask_token_id
        self.mask_selection_length = mask_selection_length
        self.unselectable_token_ids = list(unselectable_token_ids or ())
        self.mask_token_rate = mask_token_rate
        self.random_token_rate = random_token_rate
        self.seed = seed
        self.seed_generator = SeedGenerator(seed)

    @property
    def input_dtype(self) -> str:
        """Tokens."""
        return "int32"

    def _received(self, inputs: Any) -> Array:
        try:
            tokens = as_integers(inputs, self._place)
        except ValueError as error:
            if isinstance(error, DataError):
                raise
            raise ShapeError(
                f"{self._place}: expected tokens (T,) or (N, T), got rows of different lengths"
            ) from error
        if tokens.ndim not in (1, 2):
            raise ShapeError(
                f"{self._place}: expected tokens (T,) or (N, T), got shape {tokens.shape}"
            )
        if tokens.size and not 0 <= tokens.min() <= tokens.max() < self.vocabulary_size:
            raise DataError(
                f"{self._place}: expected tokens from 0 to {self.vocabulary_size - 1}, got "
                f"{tokens.min()} to {tokens.max()}"
            )
        return tokens

    def _share(self, count: Array) -> Array:
        """How many are selected of so many. In float32, in which 0.7 of 10 are 7."""
        share: Array = np.ceil(np.float32(self.mask_selection_rate) * count.astype("float32"))
        return share

    def _most(self, length: int) -> int:
        """K, of sequences of this length."""
        if self.mask_selection_length is not None:
            return self.mask_selection_length
        return int(self._share(np.asarray(length)))

    def call(self, inputs: Any) -> dict[str, Array]:
        tokens = np.atleast_2d(inputs).astype("int32")
        rng = np.random.Generator(np.random.Philox(key=np.asarray(self.seed_generator.next())))
        most = self._most(tokens.shape[1])
        can = ~np.isin(tokens, self.unselectable_token_ids)
        wanted = np.minimum(self._share(can.sum(axis=1)), most)
        # The places that are hidden have the lowest of random ranks.
        ranks = np.argsort(np.argsort(np.where(can, rng.random(tokens.shape), 2.0), axis=1), axis=1)
        hidden = ranks < wanted[:, None]
        chance = rng.random(tokens.shape)
        any_token = rng.integers(self.vocabulary_size, size=tokens.shape)
        is_any = hidden & (chance >= self.mask_token_rate)
        is_any &= chance < self.mask_token_rate + self.random_token_rate
        shown = np.where(hidden & (chance < self.mask_token_rate), self.mask_token_id, tokens)
        shown = np.where(is_any, any_token, shown).astype("int32")
        # Rows of places: the hidden ones first, in their order.
        width = min(most, tokens.shape[1])
        places = np.argsort(~hidden, axis=1, kind="stable")[:, :width]
        weights = np.take_along_axis(hidden, places, axis=1)
        found = {
            "mask_positions": np.where(weights, places, 0).astype("int32"),
            "mask_ids": np.where(weights, np.take_along_axis(tokens, places, axis=1), 0),
            "mask_weights": weights.astype(self.compute_dtype),
        }
        beyond = [(0, 0), (0, most - width)]
        result = {"token_ids": shown, **{k: np.pad(x, beyond) for k, x in found.items()}}
        return result if np.ndim(inputs) == 2 else {name: x[0] for name, x in result.items()}

    def compute_output_shape(self, input_shape: Any) -> Any:
        length = input_shape[-1]
        places = self.mask_selection_length if length is None else self._most(length)
        asked = (*input_shape[:-1], places)
        return {
            "token_ids": tuple(input_shape),
            **dict.fromkeys(("mask_positions", "mask_ids", "mask_weights"), asked),
        }

    def compute_output_spec(self, inputs: Any) -> Any:
        return {
            name: KerasTensor(shape, self.compute_dtype if name == "mask_weights" else "int32")
            for name, shape in self.compute_output_shape(inputs.shape).items()
        }

    def get_config(self) -> dict[str, Any]:
        return {
            **super().get_config(),
            "vocabulary_size": self.vocabulary_size,
            "mask_selection_rate": self.mask_selection_rate,
            "mask_token_id": self.mask_token_id,
            "mask_selection_length": self.mask_selection_length,
            "unselectable_token_ids": self.unselectable_token_ids,
            "mask_token_rate": self.mask_token_rate,
            "random_token_rate": self.random_token_rate,
            "seed": self.seed,
        }
