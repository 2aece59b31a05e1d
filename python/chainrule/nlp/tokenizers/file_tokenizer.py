"""FileTokenizer: the tokenizer that a tokenizer.json describes."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

from chainrule.base.errors import FileFormatError
from chainrule.nlp.tokenizers.package_tokenizer import PackageTokenizer, package
from chainrule.utils.writing import replacing


class FileTokenizer(PackageTokenizer):
    """Tokens of texts as a `tokenizer.json` of the package tokenizers says: of any kind.

    The padding and the cutting that the file says are left out: batches are padded to their longest
    text, and `sequence_length` cuts.

    Parameters
    ----------
    path : str or path
        The file.
    sequence_length : int, optional
        Longer texts are cut to so many tokens. Default: nothing is cut.
    special_tokens : bool
        Whether the tokens that the file says stand around a text. Default True.

    Raises
    ------
    FileNotFoundError
        No such file.
    ImportError
        (at the first use) where the package tokenizers is not installed.
    FileFormatError
        (at the first use) for a file of something else.

    Examples
    --------
    >>> import pathlib, tempfile
    >>> from chainrule import nlp
    >>> path = pathlib.Path(tempfile.mkdtemp(), "tokenizer.json")
    >>> vocabulary = '{"a": 0, "b": 1, "?": 2}'
    >>> _ = path.write_text(
    ...     '{"version": "1.0", "added_tokens": [], "pre_tokenizer": {"type": "Whitespace"}, '
    ...     '"model": {"type": "WordLevel", "unk_token": "?", "vocab": ' + vocabulary + "}}"
    ... )
    >>> nlp.FileTokenizer(path).tokenize("b a c").tolist()
    [1, 0, 2]
    """

    def __init__(
        self, path: Any, sequence_length: int | None = None, special_tokens: bool = True
    ) -> None:
        super().__init__(sequence_length, special_tokens)
        self._place = os.fspath(path)
        self._text = Path(path).read_text(encoding="utf-8")

    def save_to_folder(self, path: Any) -> None:
        """Write `tokenizer.json`, as it was read."""
        target = Path(path) / "tokenizer.json"
        with replacing(target) as temporary, open(temporary, "w", encoding="utf-8") as file:
            file.write(self._text)

    def _make(self) -> Any:
        tokenizers = package(type(self).__name__)
        try:
            return tokenizers.Tokenizer.from_str(self._text)
        # The package raises plain exceptions.
        except Exception as error:
            raise FileFormatError(
                f"{self._place}: expected a tokenizer of the package tokenizers, got: {error}"
            ) from error
