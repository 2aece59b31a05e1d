"""The tokenizer of a folder of Hugging Face."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from chainrule.base.errors import FileFormatError
from chainrule.nlp.folders import read_object
from chainrule.nlp.tokenizers.byte_pair_tokenizer import BytePairTokenizer
from chainrule.nlp.tokenizers.file_tokenizer import FileTokenizer
from chainrule.nlp.tokenizers.word_piece_tokenizer import WordPieceTokenizer


def read_tokenizer(folder: Path, vocabulary_size: int) -> Any:
    """The tokenizer of `vocab.txt`, `tokenizer.json`, or `vocab.json` and `merges.txt`; None without.

    Raises
    ------
    FileFormatError
        One with tokens that a model of this vocabulary has no rows for, or a damaged file.
    """
    words, whole = folder / "vocab.txt", folder / "tokenizer.json"
    pieces, merges = folder / "vocab.json", folder / "merges.txt"
    settings = folder / "tokenizer_config.json"
    told = read_object(settings) if settings.exists() else {}
    if words.exists():
        tokenizer = WordPieceTokenizer(words, lowercase=bool(told.get("do_lower_case", True)))
        _check(words, len(tokenizer.tokens()), vocabulary_size)
        return tokenizer
    if whole.exists():
        _check(whole, _numbers(whole), vocabulary_size)
        return FileTokenizer(whole)
    if pieces.exists() and merges.exists():
        made = BytePairTokenizer(pieces, merges)
        _check(pieces, max(made.vocabulary.values()) + 1, vocabulary_size)
        if "<s>" in made.vocabulary and "</s>" in made.vocabulary:
            return BytePairTokenizer(made.vocabulary, made.merges, start="<s>", end="</s>")
        return made
    return None


def _check(file: Path, found: int, vocabulary_size: int) -> None:
    if found > vocabulary_size:
        raise FileFormatError(
            f"{file}: expected at most {vocabulary_size} tokens, for which there are weights, got "
            f"{found}"
        )


def _numbers(file: Path) -> int:
    """One more than the largest number of a token in a tokenizer.json.

    Raises
    ------
    FileFormatError
    """
    told = read_object(file)
    model = told.get("model")
    vocabulary = model.get("vocab") if isinstance(model, dict) else None
    if isinstance(vocabulary, dict):
        numbers = list(vocabulary.values())
    elif isinstance(vocabulary, list):
        numbers = [len(vocabulary) - 1]
    else:
        raise FileFormatError(f"{file}: expected a model with a vocabulary, got none")
    added = told.get("added_tokens") or []
    numbers += [t.get("id") if isinstance(t, dict) else None for t in added]
    if not numbers or not all(type(number) is int for number in numbers):
        raise FileFormatError(f"{file}: expected an int for each token, got others")
    return 1 + int(max(numbers))
