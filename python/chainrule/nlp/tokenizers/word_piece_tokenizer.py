"""WordPieceTokenizer: words, and pieces of those that are not in the vocabulary."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

from chainrule.base.errors import FileFormatError
from chainrule.nlp.tokenizers.package_tokenizer import PackageTokenizer, package
from chainrule.utils.writing import replacing

_SPECIAL = ("[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]")


class WordPieceTokenizer(PackageTokenizer):
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
        super().__init__(sequence_length, special_tokens)
        self._vocabulary = vocabulary
        self.lowercase = lowercase

    def tokens(self) -> list[str]:
        """The vocabulary, in the order of its numbers."""
        if isinstance(self._vocabulary, (str, os.PathLike)):
            with open(self._vocabulary, encoding="utf-8") as file:
                return file.read().splitlines()
        return [str(token) for token in self._vocabulary]

    def save_to_folder(self, path: Any) -> None:
        """Write `vocab.txt` and `tokenizer_config.json`, which Hugging Face's `BertTokenizer` reads."""
        folder = Path(path)
        config = {
            "tokenizer_class": "BertTokenizer",
            "do_lower_case": self.lowercase,
            **{f"{token[1:-1].lower()}_token": token for token in _SPECIAL},
        }
        if self.sequence_length is not None:
            config["model_max_length"] = self.sequence_length
        texts = {
            "vocab.txt": "".join(f"{token}\n" for token in self.tokens()),
            "tokenizer_config.json": json.dumps(config, indent=2) + "\n",
        }
        for name, text in texts.items():
            with (
                replacing(folder / name) as temporary,
                open(temporary, "w", encoding="utf-8") as file,
            ):
                file.write(text)

    def _make(self) -> Any:
        tokenizers = package(type(self).__name__)
        numbers = {token: number for number, token in enumerate(self.tokens())}
        missing = [token for token in ("[UNK]", "[CLS]", "[SEP]") if token not in numbers]
        if missing:
            raise FileFormatError(f"vocabulary: expected the tokens {missing}, got none")
        made = tokenizers.Tokenizer(tokenizers.models.WordPiece(numbers, unk_token="[UNK]"))
        made.normalizer = tokenizers.normalizers.BertNormalizer(lowercase=self.lowercase)
        made.pre_tokenizer = tokenizers.pre_tokenizers.BertPreTokenizer()
        made.post_processor = tokenizers.processors.BertProcessing(
            ("[SEP]", numbers["[SEP]"]), ("[CLS]", numbers["[CLS]"])
        )
        made.decoder = tokenizers.decoders.WordPiece()
        made.add_special_tokens([token for token in _SPECIAL if token in numbers])
        return made

    def __getstate__(self) -> dict[str, Any]:
        return {**super().__getstate__(), "_vocabulary": self.tokens()}
