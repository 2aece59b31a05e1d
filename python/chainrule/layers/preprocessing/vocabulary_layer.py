"""VocabularyLayer: a vocabulary that is given, learnt, read from files and kept in them."""

from __future__ import annotations

from typing import Any

from numpy.typing import NDArray

from chainrule.base.texts import as_texts
from chainrule.layers.preprocessing.host_layer import (
    HostLayer,
    as_integers,
    batches_of,
    is_batch,
)
from chainrule.layers.preprocessing.saved_vocabulary import (
    load_assets,
    refuse_paths,
    restore,
    save_assets,
    state_of,
)
from chainrule.layers.preprocessing.vocabulary import TokenCounts, Vocabulary, read_tokens
from chainrule.layers.preprocessing.weights import document_frequency, padded_weights

__all__ = ["VocabularyLayer"]

Array = NDArray[Any]


_WEIGHTS = "idf_weights"


class VocabularyLayer(HostLayer):
    """The part of `IndexLookup` that holds the vocabulary; its constructor sets what this needs."""

    max_tokens: int | None
    num_oov_indices: int
    mask_token: Any
    oov_token: Any
    invert: bool
    output_mode: str
    pad_to_max_tokens: bool
    vocabulary_dtype: str
    encoding: str
    input_vocabulary: Any
    idf_weights: Any
    _vocabulary: Vocabulary
    _counts: TokenCounts
    _frozen_vocab_size: int | None
    _has_input_vocabulary: bool

    @property
    def _is_text(self) -> bool:
        return self.vocabulary_dtype == "string"

    @property
    def input_dtype(self) -> str:
        """What a model that begins with the layer takes."""
        return "string" if self._is_text and not self.invert else "int64"

    @property
    def _oov_start(self) -> int:
        return int(self.mask_token is not None and self.output_mode == "int")

    @property
    def _token_start(self) -> int:
        return self._oov_start + self.num_oov_indices

    def _as_tokens(self, vocabulary: Any) -> tuple[Any, ...]:
        place = f"{self._place}: vocabulary"
        if self._is_text:
            found = as_texts(vocabulary, place, self.encoding)
        else:
            found = as_integers(vocabulary, place)
        if found.ndim != 1:
            raise ValueError(f"{place}: expected a list of tokens, got shape {found.shape}")
        return tuple(found.tolist())

    def get_vocabulary(self, include_special_tokens: bool = True) -> list[Any]:
        """The tokens in the order of their indices.

        Parameters
        ----------
        include_special_tokens : bool
            Begin with the mask token and those of unknown words. Default True.
        """
        tokens = list(self._vocabulary.tokens)
        return [*self._special_tokens, *tokens] if include_special_tokens else tokens

    @property
    def _special_tokens(self) -> list[Any]:
        return [self.mask_token] * self._oov_start + [self.oov_token] * self.num_oov_indices

    def vocabulary_size(self) -> int:
        """How many tokens there are, those for masks and unknown words among them."""
        return len(self._vocabulary) + self._token_start

    def set_vocabulary(self, vocabulary: Any, idf_weights: Any = None) -> None:
        """Take a vocabulary that is known, instead of `adapt`.

        Parameters
        ----------
        vocabulary : array-like or str
            Tokens, with or without the special ones before them, or the path of a file with a token
            in each line.
        idf_weights : array-like, optional
            Inverse document frequencies of the tokens, for `output_mode="tf_idf"`.

        Raises
        ------
        ValueError
            A token twice, a special one among the others, more than `max_tokens`, none at all, or
            weights that are missing or do not fit. The layer stays as it was.
        RuntimeError
            Another size than that of before, which the output's shape depends on.
        """
        has_weights = self.output_mode == "tf_idf"
        if has_weights and idf_weights is None:
            raise ValueError("`idf_weights` must be set if output_mode is 'tf_idf'.")
        if not has_weights and idf_weights is not None:
            raise ValueError(
                "`idf_weights` should only be set if output_mode is `'tf_idf'`. Received: "
                f"output_mode={self.output_mode} and idf_weights={idf_weights}"
            )
        if isinstance(vocabulary, str):
            if has_weights:
                raise ValueError(
                    "output_mode `'tf_idf'` does not support loading a vocabulary from file."
                )
            tokens = read_tokens(vocabulary, self.encoding, not self._is_text)
        else:
            tokens = list(self._as_tokens(vocabulary))
        if not tokens:
            raise ValueError(f"Cannot set an empty vocabulary. Received: vocabulary={vocabulary}")
        given = len(tokens)
        start = self._token_start
        has_special = tokens[:start] == self._special_tokens and start > 0
        self._set_tokens(
            tokens[start:] if has_special else tokens,
            None
            if idf_weights is None
            else padded_weights(
                idf_weights, given, 0 if has_special else start, self._padded_size, self.max_tokens
            ),
        )

    @property
    def _padded_size(self) -> int | None:
        return self.max_tokens if self.pad_to_max_tokens else None

    def _set_tokens(self, tokens: list[Any], weights: Array | None) -> None:
        """Take tokens without the special ones, when all is checked."""
        size = self._token_start + len(tokens)
        if len(set(tokens)) < len(tokens):
            seen: set[Any] = set()
            repeated: list[Any] = []
            for token in tokens:
                if token in seen and token not in repeated[:20]:
                    repeated.append(token)
                seen.add(token)
            raise ValueError(
                "The passed vocabulary has at least one repeated term. Please uniquify your "
                f"dataset. The repeated terms are: {repeated[:20]}"
            )
        for what, token in (("mask", self.mask_token), ("OOV", self.oov_token)):
            is_reserved = token is not None and (what == "mask" or self.invert)
            if is_reserved and token in tokens:
                raise ValueError(
                    f"Found reserved {what} token at unexpected location in `vocabulary`. Note "
                    "that passed `vocabulary` does not need to include the OOV and mask tokens. "
                    "Either remove all mask and OOV tokens, or include them only at the start of "
                    f"the vocabulary in precisely this order: {self._special_tokens}. Received: "
                    f"{what.lower()}_token={token} at vocabulary index {tokens.index(token)}"
                )
        if self.max_tokens is not None and size > self.max_tokens:
            raise ValueError(
                "Attempted to set a vocabulary larger than the maximum vocab size. Received "
                f"vocabulary size is {size}; `max_tokens` is {self.max_tokens}."
            )
        self._check_size(size)
        self._vocabulary = Vocabulary(tokens, self._token_start)
        self._frozen_vocab_size = size
        if weights is not None:
            self.idf_weights = weights

    def _check_size(self, size: int) -> None:
        """Refuse another size than before where the output's shape follows from it."""
        frozen = self._frozen_vocab_size
        if self.output_mode == "int" or self.pad_to_max_tokens or frozen in (None, size):
            return
        raise RuntimeError(
            f"When using `output_mode={self.output_mode}` and `pad_to_max_tokens=False`, the "
            "vocabulary size cannot be changed after the layer is called. Old vocab size is "
            f"{frozen}, new vocab size is {size}"
        )

    def adapt(self, data: Any, steps: int | None = None) -> None:
        """Learn the vocabulary: all tokens of the data, the most frequent first.

        Of tokens that come as often the greater is first. Batches are counted as they come.

        Parameters
        ----------
        data : array, list, column of a data frame, or iterable of batches
            A row for each document; of a batch that is a tuple, the first entry is taken.
        steps : int, optional
            The most batches of an iterable.

        Raises
        ------
        ValueError
            Where the vocabulary was given, or data are empty. A failed call changes nothing.
        """
        before = self._counts
        self.reset_state()
        try:
            for batch in batches_of(data, steps, self._place):
                array = self._received_tokens(batch)
                self.update_state(array[:, None] if is_batch(data) and array.ndim == 1 else array)
            self.finalize_state()
        except BaseException:
            self._counts = before
            raise

    def update_state(self, data: Any) -> None:
        """Count the tokens of one batch; a list of tokens is one document."""
        array = self._received_tokens(data)
        is_one = array.ndim < 2 or self.output_mode != "tf_idf"
        self.count_rows(array.reshape(1 if is_one else len(array), -1).tolist())

    def count_rows(self, rows: list[list[Any]]) -> None:
        """Count the tokens of documents that have been cut already."""
        if self._has_input_vocabulary:
            raise ValueError(
                f"Cannot adapt layer '{self.name}' after setting a static vocabulary via "
                "`vocabulary` argument or `set_vocabulary()` method."
            )
        self._counts.add(rows)

    def reset_state(self) -> None:
        """Forget what was counted."""
        self._counts = TokenCounts(self.output_mode == "tf_idf")

    def finalize_state(self) -> None:
        """Make the vocabulary of what was counted."""
        counts = self._counts
        if self._has_input_vocabulary or not len(counts):
            self._check_size(self.vocabulary_size())
            self._frozen_vocab_size = self.vocabulary_size()
            return
        most = None if self.max_tokens is None else max(0, self.max_tokens - self._token_start)
        tokens = counts.most_common({self.mask_token, self.oov_token}, most)
        weights = None
        if self.output_mode == "tf_idf":
            weights = document_frequency(counts.in_documents(tokens), counts.documents)
            weights = padded_weights(
                weights, len(tokens), self._token_start, self._padded_size, self.max_tokens
            )
        self._set_tokens(tokens, weights)
        self.reset_state()

    def _received_tokens(self, inputs: Any) -> Array:
        if self._is_text:
            return as_texts(inputs, self._place, self.encoding)
        return as_integers(inputs, self._place)

    @classmethod
    def from_config(cls, config: dict[str, Any]) -> Any:
        """The layer of a configuration, which may name no file.

        Raises
        ------
        ValueError
            A path for a vocabulary: a file of a model holds its vocabulary itself.
        """
        refuse_paths(config.get("vocabulary"))
        return super().from_config(config)

    def get_build_config(self) -> dict[str, Any] | None:
        return state_of(self)

    def build_from_config(self, config: dict[str, Any] | None) -> None:
        restore(self, config)

    def save_assets(self, dir_path: Any) -> None:
        """Write the vocabulary to `vocabulary.txt` in a folder."""
        save_assets(self, dir_path)

    def load_assets(self, dir_path: Any) -> None:
        """Read the vocabulary that `save_assets` wrote, for weights that have been read before."""
        load_assets(self, dir_path, self.__dict__.get("_stored_weights", self.idf_weights))

    def save_own_variables(self, store: Any) -> None:
        """Put the weights of TF-IDF in `store`."""
        if self.idf_weights is not None:
            store[_WEIGHTS] = self.idf_weights

    def load_own_variables(self, store: Any) -> None:
        """Keep the weights of TF-IDF for `load_assets`, which brings their tokens."""
        if self.output_mode == "tf_idf" and _WEIGHTS in store:
            self.__dict__["_stored_weights"] = store[_WEIGHTS]
