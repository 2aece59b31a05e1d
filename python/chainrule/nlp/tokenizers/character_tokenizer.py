"""CharacterTokenizer: every character is a token."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from chainrule.base.errors import DataError


class CharacterTokenizer:
    """Every character is a token: its number is its place among those of a text, sorted.

    Parameters
    ----------
    text : str
        Holds every character that there is.

    Raises
    ------
    DataError
        An empty text; (at a call) a character or a number that is not known.

    Examples
    --------
    >>> from chainrule import nlp
    >>> tokenizer = nlp.CharacterTokenizer("banana")
    >>> tokenizer.tokenize("nab").tolist(), tokenizer.detokenize([2, 0, 1])
    ([2, 0, 1], 'nab')
    """

    def __init__(self, text: str) -> None:
        self.characters = "".join(sorted(set(text)))
        if not self.characters:
            raise DataError("CharacterTokenizer: expected a text of one character or more, got ''")
        self._numbers = {character: number for number, character in enumerate(self.characters)}

    def vocabulary_size(self) -> int:
        """How many characters there are."""
        return len(self.characters)

    def tokenize(self, text: str) -> NDArray[Any]:
        """int32 (T,): the numbers of the characters of a text."""
        try:
            return np.array([self._numbers[character] for character in text], "int32")
        except KeyError as error:
            raise DataError(
                f"CharacterTokenizer: expected characters of {self.characters!r}, got {error}"
            ) from None

    def detokenize(self, tokens: Any) -> str:
        """The text of numbers."""
        numbers = np.asarray(tokens, "int64").reshape(-1)
        outside = (numbers < 0) | (numbers >= len(self.characters))
        if outside.any():
            raise DataError(
                f"CharacterTokenizer: expected numbers from 0 to {len(self.characters) - 1}, "
                f"got {numbers[outside][0]}"
            )
        return "".join(self.characters[number] for number in numbers)

    def get_config(self) -> dict[str, Any]:
        """The constructor's argument."""
        return {"text": self.characters}
