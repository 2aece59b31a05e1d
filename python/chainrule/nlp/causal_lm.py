"""CausalLM: a model that goes on with a text."""

from __future__ import annotations

import weakref
from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from chainrule.base.errors import DataError, ShapeError
from chainrule.models.model import Model
from chainrule.nlp import samplers
from chainrule.nlp.decoding import Decoder, bucket

# Lengths for which programs are compiled: this, twice, four times, ...
_LEAST = 64
# Decoders that are kept for a model; the oldest goes first.
_LIMIT = 8


class _Known:
    """What is kept for a model: the samplers by name, and decoders."""

    def __init__(self) -> None:
        self.samplers: dict[str, samplers.Sampler] = {}
        self.decoders: dict[Any, Decoder] = {}


_KNOWN: weakref.WeakKeyDictionary[Any, _Known] = weakref.WeakKeyDictionary()


class CausalLM(Model):
    """A model of texts that can be asked to go on: the base class of `GPT`.

    A subclass has `vocabulary_size` and `max_sequence_length`, and says what its hidden states are, and
    what scores of tokens follow from them. Where its cache is the state of a recurrence and not a value
    for each place, `cache_has_places` is False.
    """

    vocabulary_size: int
    max_sequence_length: int
    # What makes tokens of texts (`tokenize`) and texts of tokens (`detokenize`).
    tokenizer: Any = None
    # Whether a cache keeps something for each place, as of keys and values, which may be written again;
    # false where it is the state of a recurrence.
    cache_has_places: bool = True

    def empty_cache(self, batch_size: int, length: int) -> Any:
        """A cache of keys and values for so many texts of so many places."""
        raise NotImplementedError

    def hidden_states(
        self, token_ids: Any, cache: Any = None, cache_update_index: Any = None, **options: Any
    ) -> tuple[Any, Any]:
        """The hidden states (N, T, C) of tokens (N, T), which stand from the index on in the cache.

        Returns
        -------
        tuple
            The states, and the cache afterwards.
        """
        raise NotImplementedError

    def logits(self, hidden: Any) -> Any:
        """The scores (..., V) of the tokens that may follow, of hidden states (..., C)."""
        raise NotImplementedError

    def call_with_cache(self, token_ids: Any, cache: Any, cache_update_index: Any) -> Any:
        """Scores, hidden states and cache of tokens (N, T) from place `cache_update_index` on.

        Parameters
        ----------
        token_ids : tensor (N, T)
        cache : structure
            As `empty_cache` and this method give it.
        cache_update_index : int or scalar tensor

        Returns
        -------
        tuple
            The scores (N, T, V), the hidden states (N, T, C), and the cache afterwards.
        """
        hidden, cache = self.hidden_states(token_ids, cache, cache_update_index)
        return self.logits(hidden), hidden, cache

    def generate(
        self,
        inputs: Any,
        max_length: int | None = None,
        stop_token_ids: Sequence[int] | None = None,
        sampler: Any = "greedy",
        strip_prompt: bool = False,
        use_cache: bool = True,
    ) -> Any:
        """Texts that go on where prompts end.

        Parameters
        ----------
        inputs : str, ints, or a list of these
            A prompt, or several, which may differ in length. Texts need a `tokenizer`.
        max_length : int, optional
            Of a text, in tokens, the prompt included. Default: `max_sequence_length`.
        stop_token_ids : ints, optional
            Tokens with which a text ends.
        sampler : str, dict or Sampler
            How tokens are chosen. Default "greedy".
        strip_prompt : bool
            Whether the prompt is left out of the results. Default False.
        use_cache : bool
            Whether keys and values of earlier places are kept. Without, every token runs the whole
            text, and comes out the same. Default True.

        Returns
        -------
        str, int32 array, or a list of these
            As `inputs`. A text ends with its stop token, which strings leave out if the tokenizer does.
            A `BeamSampler` with `return_all_beams` gives arrays (texts, beams, max_length) and
            logarithms of their probabilities.

        Raises
        ------
        DataError
            An empty prompt, or tokens outside the vocabulary.
        ShapeError
            A prompt longer than `max_length`, or a `max_length` above `max_sequence_length`.
        TypeError
            Texts where there is no tokenizer, or tokens that are no ints.
        """
        place = f"model '{self.name}': generate"
        sampler = self._sampler(sampler)
        length = self._length(max_length, place)
        prompts, is_text, is_single = self._prompts(inputs, length, place)
        stops = tuple(int(token) for token in stop_token_ids or ())
        check_tokens(np.array(stops, "int64"), self.vocabulary_size, f"{place}: stop_token_ids")
        if not prompts:
            return []
        made = self._decode(prompts, length, stops, sampler, use_cache)
        if isinstance(made, tuple):
            return made
        texts = [cut(row, len(prompt), stops, strip_prompt) for row, prompt in zip(made, prompts)]
        return self._results(texts, is_text, is_single)

    def _decode(
        self,
        prompts: list[NDArray[Any]],
        length: int,
        stops: tuple[int, ...],
        sampler: samplers.Sampler,
        use_cache: bool,
        *source: NDArray[Any],
    ) -> Any:
        """The filled places (N, length) of prompts, or what a sampler gives of all its beams."""
        room = bucket(length, _LEAST, self.max_sequence_length)
        table, given = padded(prompts, room)
        shape = source[0].shape if source else None
        decoder = self._decoder(sampler, len(prompts), room, stops, use_cache, shape)
        made = decoder(self, table, given, min(map(len, prompts)), length, *source)
        if isinstance(made, tuple):
            return made[0][:, :, :length], made[1]
        return made[:, :length]

    def _results(self, texts: list[NDArray[Any]], is_text: bool, is_single: bool) -> Any:
        """What `generate` gives, in the form of what it was given."""
        results = [self.tokenizer.detokenize(text) for text in texts] if is_text else texts
        return results[0] if is_single else results

    def _length(self, max_length: int | None, place: str) -> int:
        most = self.max_sequence_length
        if max_length is None:
            return most
        if not isinstance(max_length, (int, np.integer)) or not 0 < max_length <= most:
            raise ShapeError(
                f"{place}: expected max_length from 1 to max_sequence_length={most}, "
                f"got {max_length!r}"
            )
        return int(max_length)

    def _prompts(
        self, inputs: Any, length: int | None, place: str
    ) -> tuple[list[NDArray[Any]], bool, bool]:
        """Prompts as int32 arrays; whether they were texts; whether there was one by itself."""
        is_single = isinstance(inputs, str) or (
            len(inputs) > 0 and not isinstance(inputs[0], str) and np.ndim(inputs[0]) == 0
        )
        prompts = [inputs] if is_single else list(inputs)
        is_text = bool(prompts) and isinstance(prompts[0], str)
        if is_text and self.tokenizer is None:
            raise TypeError(f"{place}: expected tokens, or a model with a `tokenizer`, got texts")
        found = []
        for number, prompt in enumerate(prompts):
            ids = np.asarray(self.tokenizer.tokenize(prompt) if is_text else prompt)
            where = f"{place}: prompt {number}"
            if ids.ndim != 1 or not len(ids):
                raise DataError(f"{where}: expected one token or more, got shape {ids.shape}")
            if ids.dtype.kind not in "iu":
                raise TypeError(f"{where}: expected ints, got {ids.dtype}")
            if length is not None and len(ids) > length:
                raise ShapeError(
                    f"{where}: expected at most max_length={length} tokens, got {len(ids)}"
                )
            check_tokens(ids, self.vocabulary_size, where)
            found.append(ids.astype("int32"))
        return found, is_text, is_single

    def _sampler(self, sampler: Any) -> samplers.Sampler:
        """The sampler; of a name always the same one, which goes on with its draws."""
        if not isinstance(sampler, str):
            return samplers.get(sampler)
        known = _KNOWN.setdefault(self, _Known()).samplers
        if sampler not in known:
            known[sampler] = samplers.get(sampler)
        return known[sampler]

    def _decoder(
        self,
        sampler: samplers.Sampler,
        rows: int,
        room: int,
        stops: tuple[int, ...],
        cache: bool,
        source: tuple[int, ...] | None,
    ) -> Decoder:
        known = _KNOWN.setdefault(self, _Known()).decoders
        config = repr(sorted(sampler.get_config().items()))
        trace = self._trace_key("predict")
        key = (id(sampler), config, rows, room, stops, bool(cache), source, trace)
        decoder = known.pop(key, None)
        if decoder is None:
            decoder = Decoder(sampler, rows, room, stops, bool(cache), source)
        while len(known) >= _LIMIT:
            known.pop(next(iter(known)))
        known[key] = decoder
        return decoder


def padded(rows: Sequence[NDArray[Any]], length: int) -> tuple[NDArray[Any], NDArray[Any]]:
    """Rows of tokens in one table (N, length) of int32, 0 where they end, and where they are (bool)."""
    table = np.zeros((len(rows), length), "int32")
    is_given = np.arange(length) < np.array([len(row) for row in rows])[:, None]
    table[is_given] = np.concatenate(rows)
    return table, is_given


def check_tokens(ids: NDArray[Any], size: int, place: str) -> None:
    """Refuse tokens outside a vocabulary of this size.

    Raises
    ------
    DataError
        Such a token, named with its place.
    """
    outside = (ids < 0) | (ids >= size)
    if outside.any():
        at = int(np.argmax(outside))
        raise DataError(
            f"{place}: expected tokens from 0 to {size - 1}, got {ids[at]} at place {at}"
        )


def cut(text: NDArray[Any], start: int, stops: tuple[int, ...], strip_prompt: bool) -> NDArray[Any]:
    """A text up to its first stop token after the prompt."""
    found = np.flatnonzero(np.isin(text[start:], stops))
    end = start + int(found[0]) + 1 if len(found) else len(text)
    cut: NDArray[Any] = text[start if strip_prompt else 0 : end].copy()
    return cut
