"""BytePairTokenizer: pieces of words that were joined from bytes, the most frequent pairs first."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from chainrule.base.errors import FileFormatError
from chainrule.nlp.folders import read_object
from chainrule.nlp.tokenizers.package_tokenizer import PackageTokenizer, package
from chainrule.utils.writing import replacing


class BytePairTokenizer(PackageTokenizer):
    """Tokens of texts as GPT-2 and RoBERTa read them: any text, since every byte is a token.

    Words keep the blank before them (shown as ``\u0120``); their bytes are joined to the pieces that
    the merges make, in the merges' order.

    Parameters
    ----------
    vocabulary : path, or dict of str to int
        `vocab.json`, or what it says.
    merges : path, or sequence of str
        `merges.txt`, or its lines: two pieces with a blank between.
    sequence_length : int, optional
        Longer texts are cut to so many tokens. Default: nothing is cut.
    add_prefix_space : bool
        Whether a text begins as if a blank stood before it. Default False.
    start, end : str, optional
        Tokens around a text, ``"<s>"`` and ``"</s>"`` in RoBERTa. Default: none.

    Raises
    ------
    FileFormatError
        A vocabulary that is no such dict, or that lacks `start` or `end`.
    ImportError
        (at the first use) where the package tokenizers is not installed.

    Notes
    -----
    Arguments as of KerasHub's. Sennrich et al. 2016, arXiv 1508.07909; Radford et al. 2019, Language
    Models are Unsupervised Multitask Learners.

    Examples
    --------
    >>> from chainrule import nlp
    >>> tokenizer = nlp.BytePairTokenizer({"a": 0, "b": 1, "ab": 2}, ["a b"])
    >>> tokenizer.tokenize("abba").tolist(), tokenizer.detokenize([2, 1, 0])
    ([2, 1, 0], 'abba')
    """

    def __init__(
        self,
        vocabulary: Any,
        merges: Any,
        sequence_length: int | None = None,
        add_prefix_space: bool = False,
        start: str | None = None,
        end: str | None = None,
    ) -> None:
        super().__init__(sequence_length, special_tokens=True)
        self.vocabulary = _vocabulary(vocabulary)
        self.merges = _merges(merges)
        self.add_prefix_space = add_prefix_space
        self.start, self.end = start, end
        missing = [t for t in (start, end) if t is not None and t not in self.vocabulary]
        if missing:
            raise FileFormatError(f"vocabulary: expected the tokens {missing}, got none")

    def save_to_folder(self, path: Any) -> None:
        """Write `vocab.json` and `merges.txt`."""
        texts = {
            "vocab.json": json.dumps(self.vocabulary, ensure_ascii=False),
            "merges.txt": "#version: 0.2\n" + "".join(f"{line}\n" for line in self.merges),
        }
        for name, text in texts.items():
            target = Path(path) / name
            with replacing(target) as temporary, open(temporary, "w", encoding="utf-8") as file:
                file.write(text)

    def _make(self) -> Any:
        tokenizers = package(type(self).__name__)
        pairs = [tuple(line.split(" ")) for line in self.merges]
        made = tokenizers.Tokenizer(tokenizers.models.BPE(self.vocabulary, pairs))
        made.pre_tokenizer = tokenizers.pre_tokenizers.ByteLevel(
            add_prefix_space=self.add_prefix_space
        )
        made.decoder = tokenizers.decoders.ByteLevel()
        around = [self.start, "$A", self.end]
        named = [token for token in (self.start, self.end) if token is not None]
        if named:
            made.post_processor = tokenizers.processors.TemplateProcessing(
                single=[token for token in around if token is not None],
                special_tokens=[(token, self.vocabulary[token]) for token in dict.fromkeys(named)],
            )
        special = ("<s>", "</s>", "<pad>", "<unk>", "<mask>", "<|endoftext|>")
        made.add_special_tokens([token for token in special if token in self.vocabulary])
        return made


def _vocabulary(given: Any) -> dict[str, int]:
    place = "vocabulary"
    if not isinstance(given, Mapping):
        place, given = str(given), read_object(Path(given))
    if not given or not all(type(number) is int and number >= 0 for number in given.values()):
        raise FileFormatError(f"{place}: expected a number of 0 or more for each token, got others")
    return dict(given)


def _merges(given: Any) -> list[str]:
    place = "merges"
    if not isinstance(given, Sequence) or isinstance(given, str):
        place, given = str(given), Path(given).read_text(encoding="utf-8").splitlines()
    lines = [line for line in given if line and not line.startswith("#version")]
    wrong = [line for line in lines if len(line.split(" ")) != 2]
    if wrong:
        raise FileFormatError(f"{place}: expected two pieces a line, got {wrong[0]!r}")
    return lines
