"""PackageTokenizer: what the tokenizers share whose work the package tokenizers does."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray


class PackageTokenizer:
    """Tokens of texts, by the package tokenizers; a subclass makes its tokenizer in `_make`.

    Parameters
    ----------
    sequence_length : int, optional
        Longer texts are cut to so many tokens.
    special_tokens : bool
        Whether the tokens around a text are added.
    """

    def __init__(self, sequence_length: int | None, special_tokens: bool) -> None:
        self._made: Any = None
        self._length = sequence_length
        self.special_tokens = special_tokens

    def _make(self) -> Any:
        """The package's tokenizer; padding and cutting are set here."""
        raise NotImplementedError

    @property
    def sequence_length(self) -> int | None:
        """To how many tokens longer texts are cut; None for no cut."""
        return self._length

    @sequence_length.setter
    def sequence_length(self, length: int | None) -> None:
        self._length = length
        if self._made is not None:
            _cut(self._made, length)

    @property
    def _tokenizer(self) -> Any:
        if self._made is None:
            made = self._make()
            made.no_padding()
            _cut(made, self._length)
            self._made = made
        return self._made

    @property
    def padding(self) -> int:
        """The number that stands where a shorter text of a batch has no token."""
        found = (self.token_to_id(token) for token in ("[PAD]", "<pad>"))
        return next((number for number in found if number is not None), 0)

    def vocabulary_size(self) -> int:
        """How many tokens there are."""
        return int(self._tokenizer.get_vocab_size())

    def token_to_id(self, token: str) -> int | None:
        """The number of a token, None where it is not in the vocabulary."""
        found: int | None = self._tokenizer.token_to_id(token)
        return found

    def id_to_token(self, number: int) -> str | None:
        """The token of a number, None where there is none."""
        found: str | None = self._tokenizer.id_to_token(number)
        return found

    def tokenize(self, text: str) -> NDArray[Any]:
        """int32 (T,): the tokens of a text."""
        encoded = self._tokenizer.encode(text, add_special_tokens=self.special_tokens)
        return np.array(encoded.ids, "int32")

    def detokenize(self, tokens: Any) -> str:
        """The text of tokens: pieces joined to words, without special tokens."""
        text: str = self._tokenizer.decode([int(token) for token in tokens])
        return text

    def __call__(self, texts: str | Sequence[str]) -> dict[str, NDArray[Any]]:
        """`token_ids` and `padding_mask`, (N, T) each, of a text or several.

        Raises
        ------
        TypeError
            For what is no text.
        """
        texts = [texts] if isinstance(texts, str) else list(texts)
        for number, text in enumerate(texts):
            if not isinstance(text, str):
                raise TypeError(f"tokenizer: expected text {number} to be a str, got {type(text)}")
        encoded = self._tokenizer.encode_batch(texts, add_special_tokens=self.special_tokens)
        rows = [line.ids for line in encoded]
        shape = len(rows), max(map(len, rows), default=0)
        ids = np.full(shape, self.padding, "int32")
        mask = np.zeros(shape, "bool")
        for at, row in enumerate(rows):
            ids[at, : len(row)] = row
            mask[at, : len(row)] = True
        return {"token_ids": ids, "padding_mask": mask}

    def __getstate__(self) -> dict[str, Any]:
        return {**self.__dict__, "_made": None}


def package(name: str) -> Any:
    """The package tokenizers, for the class of this name.

    Raises
    ------
    ImportError
        Where it is not installed.
    """
    try:
        import tokenizers
    except ImportError as error:
        raise ImportError(
            f"{name} needs the package tokenizers: pip install 'chainrule[nlp]'"
        ) from error
    return tokenizers


def _cut(made: Any, length: int | None) -> None:
    if length is None:
        made.no_truncation()
    else:
        made.enable_truncation(length)
