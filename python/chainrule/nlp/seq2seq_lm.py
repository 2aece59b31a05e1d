"""Seq2SeqLM: a model that reads one sequence and writes another."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from chainrule.base.errors import ShapeError
from chainrule.nlp.causal_lm import CausalLM, check_tokens, cut, padded
from chainrule.nlp.decoding import bucket

# Lengths of sources for which programs are compiled: this, twice, four times, ...
_LEAST_SOURCE = 16


class Seq2SeqLM(CausalLM):
    """A model that reads a source and writes a text, token by token: translation, summaries, captions.

    A subclass has `vocabulary_size`, `max_sequence_length` (of the text), `start_token_id` and
    `end_token_id`, and writes four methods, with `chainrule.ops` and layers:

    - ``empty_cache(batch_size, length, source)`` reads the source tokens (N, S), padded with
      `pad_token_id`, and gives all that a step of the decoder needs: keys and values of the encoded
      source and of `length` places of the text, or the first state of a recurrence;
    - ``hidden_states(token_ids, cache, cache_update_index)`` runs tokens (N, T) of the text from that
      place on, and gives their hidden states (N, T, C) and the cache afterwards;
    - ``logits(hidden)`` scores all tokens;
    - ``call(inputs)``, for training, usually of a dict of both sequences.

    Every array of a cache has the texts as its first axis. Where it is the state of a recurrence and
    not a value for each place, `cache_has_places` is False.

    Notes
    -----
    As KerasHub's `Seq2SeqLM`. Sutskever et al. 2014, arXiv 1409.3215.

    Examples
    --------
    >>> import numpy as np
    >>> from chainrule import layers, nlp, ops
    >>> class Copier(nlp.Seq2SeqLM):
    ...     vocabulary_size, max_sequence_length, start_token_id, end_token_id = 9, 8, 1, 2
    ...     cache_has_places = False
    ...     def empty_cache(self, batch_size, length, source):
    ...         return source
    ...     def hidden_states(self, token_ids, cache, cache_update_index):
    ...         rest = ops.concatenate([cache[:, 1:], cache[:, :1]], axis=1)
    ...         return ops.one_hot(cache[:, :1], 9), rest
    ...     def logits(self, hidden):
    ...         return 9 * hidden
    >>> [text.tolist() for text in Copier().generate([[5, 3, 2], [7, 2]])]
    [[5, 3, 2], [7, 2]]
    """

    start_token_id: int = 1
    end_token_id: int = 2
    pad_token_id: int = 0

    def empty_cache(self, batch_size: int, length: int, source: Any = None) -> Any:
        """All that the first step reads: of the source (N, S), and of `length` places still empty."""
        raise NotImplementedError(f"{type(self).__name__} does not implement `empty_cache`.")

    def generate(
        self,
        inputs: Any,
        max_length: int | None = None,
        stop_token_ids: Sequence[int] | None = None,
        sampler: Any = "greedy",
        strip_prompt: bool = True,
        use_cache: bool = True,
    ) -> Any:
        """The texts that the model writes on reading sources.

        Parameters
        ----------
        inputs : str, ints, a list of these, or a dict
            A source, or several, which may differ in length; texts need a `tokenizer`. A dict has
            the sources as `encoder_token_ids` and how the texts begin as `decoder_token_ids`.
        max_length : int, optional
            Of a text, in tokens, its beginning included. Default: `max_sequence_length`.
        stop_token_ids : ints, optional
            Tokens with which a text ends. Default: `end_token_id`.
        sampler : str, dict or Sampler
            How tokens are chosen. Default "greedy".
        strip_prompt : bool
            Whether a text's beginning, by default `start_token_id`, is left out. Default True.
        use_cache : bool
            True: there is no other way.

        Returns
        -------
        str, int32 array, or a list of these
            As the sources. A text ends with its stop token, which strings leave out if the tokenizer
            does. A `BeamSampler` with `return_all_beams` gives arrays (texts, beams, max_length) and
            logarithms of their probabilities.

        Raises
        ------
        DataError
            An empty source or beginning, or tokens outside the vocabulary.
        ShapeError
            A beginning longer than `max_length`, a `max_length` above `max_sequence_length`, or
            another number of beginnings than of sources.
        TypeError
            Texts where there is no tokenizer, or tokens that are no ints.
        ValueError
            `use_cache=False`, or a dict of other names.
        """
        place = f"model '{self.name}': generate"
        if not use_cache:
            raise ValueError(f"{place}: expected use_cache=True, got {use_cache}")
        sampler = self._sampler(sampler)
        length = self._length(max_length, place)
        begun = None
        if isinstance(inputs, Mapping):
            names = {"encoder_token_ids", "decoder_token_ids"}
            if set(inputs) != names:
                raise ValueError(f"{place}: expected {sorted(names)}, got {sorted(inputs)}")
            inputs, begun = inputs["encoder_token_ids"], inputs["decoder_token_ids"]
        sources, is_text, is_single = self._prompts(inputs, None, f"{place}: sources")
        if stop_token_ids is None:
            stop_token_ids = (self.end_token_id,)
        stops = tuple(int(token) for token in stop_token_ids)
        check_tokens(np.array(stops, "int64"), self.vocabulary_size, f"{place}: stop_token_ids")
        prompts = [np.array([self.start_token_id], "int32")] * len(sources)
        if begun is not None:
            prompts, _, _ = self._prompts(begun, length, place)
        if len(prompts) != len(sources):
            raise ShapeError(
                f"{place}: expected a beginning for each of {len(sources)} sources, got {len(prompts)}"
            )
        if not sources:
            return []
        made = self._decode(prompts, length, stops, sampler, True, self._source_table(sources))
        if isinstance(made, tuple):
            return made
        texts = [cut(row, len(p), stops, strip_prompt) for row, p in zip(made, prompts)]
        return self._results(texts, is_text, is_single)

    def _source_table(self, sources: list[NDArray[Any]]) -> NDArray[Any]:
        """Sources in one table, padded to a length for which a program may be there."""
        longest = max(map(len, sources))
        table, is_given = padded(sources, bucket(longest, _LEAST_SOURCE, 2 * longest))
        table[~is_given] = self.pad_token_id
        return table
