"""WordPieceTokenizer: words, and pieces of those that are not in the vocabulary."""

from __future__ import annotations

import os
from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from chainrule.base.errors import FileFormatError


class WordPieceTokenizer:
    """Tokens of texts as Bert reads them: ``[CLS] pieces of words [SEP]``.

    Control characters go, Chinese characters stand alone, upper case and accents go where `lowercase`
    says so; words are cut at blanks and punctuation, then into the longest pieces that the vocabulary has
    (those inside a word begin with ``##``).

    Parameters
    ----------
    vocabulary : path, or sequence of str
        A file of one token a line, as `vocab.txt`, or the tokens in their order.
    lowercase : bool
        Default True.
    sequence_length : int, optional
        Longer texts are cut to so many tokens, ``[SEP]`` being the last. Default: nothing is cut.
    special_tokens : bool
        Whether ``[CLS]`` and ``[SEP]`` stand around a text. Default True.

    Raises
    ------
    ImportError
        (at the first use) where the package tokenizers is not installed.
    FileFormatError
        (at the first use) for a vocabulary without the tokens that are needed.

    Notes
    -----
    Called on a text or a list of them, it gives the inputs of `Bert`: a dict of `token_ids` and
    `padding_mask`, padded to the longest. The work is done by the package tokenizers (`pip install
    'chainrule[nlp]'`). Wu et al. 2016, arXiv 1609.08144; Devlin et al. 2019, arXiv 1810.04805.

    Examples
    --------
    >>> from chainrule import nlp
    >>> words = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "walk", "##ing"]
    >>> tokenizer = nlp.WordPieceTokenizer(words)
    >>> tokenizer.tokenize("Walking!").tolist()
    [2, 4, 5, 1, 3]
    """

    def __init__(
        self,
        vocabulary: Any,
        lowercase: bool = True,
        sequence_length: int | None = None,
        special_tokens: bool = True,
    ) -> None:
        self._vocabulary = vocabulary
        self.lowercase = lowercase
        self.sequence_length = sequence_length
        self.special_tokens = special_tokens
        self._made: Any = None

    @property
    def _tokenizer(self) -> Any:
        if self._made is None:
            self._made = _make(self._tokens(), self.lowercase, self.sequence_length)
        return self._made

    def _tokens(self) -> list[str]:
        if isinstance(self._vocabulary, (str, os.PathLike)):
            with open(self._vocabulary, encoding="utf-8") as file:
                return file.read().splitlines()
        return [str(token) for token in self._vocabulary]

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
        padding = self.token_to_id("[PAD]") or 0
        ids = np.full(shape, padding, "int32")
        mask = np.zeros(shape, "bool")
        for at, row in enumerate(rows):
            ids[at, : len(row)] = row
            mask[at, : len(row)] = True
        return {"token_ids": ids, "padding_mask": mask}

    def __getstate__(self) -> dict[str, Any]:
        return {**self.__dict__, "_vocabulary": self._tokens(), "_made": None}


def _make(tokens: list[str], lowercase: bool, sequence_length: int | None) -> Any:
    """The tokenizer of the package tokenizers.

    Raises
    ------
    ImportError, FileFormatError
    """
    try:
        import tokenizers
    except ImportError as error:
        raise ImportError(
            "WordPieceTokenizer needs the package tokenizers: pip install 'chainrule[nlp]'"
        ) from error
    numbers = {token: number for number, token in enumerate(tokens)}
    missing = [token for token in ("[UNK]", "[CLS]", "[SEP]") if token not in numbers]
    if missing:
        raise FileFormatError(f"vocabulary: expected the tokens {missing}, got none")
    made = tokenizers.Tokenizer(tokenizers.models.WordPiece(numbers, unk_token="[UNK]"))
    made.normalizer = tokenizers.normalizers.BertNormalizer(lowercase=lowercase)
    made.pre_tokenizer = tokenizers.pre_tokenizers.BertPreTokenizer()
    made.post_processor = tokenizers.processors.BertProcessing(
        ("[SEP]", numbers["[SEP]"]), ("[CLS]", numbers["[CLS]"])
    )
    made.decoder = tokenizers.decoders.WordPiece()
    special = ("[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]")
    made.add_special_tokens([token for token in special if token in numbers])
    if sequence_length is not None:
        made.enable_truncation(sequence_length)
    return made
