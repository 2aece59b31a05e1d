"""Tokenizers: numbers for texts, and texts for numbers."""

from __future__ import annotations

from chainrule.base.namespace import publish
from chainrule.nlp.tokenizers.character_tokenizer import CharacterTokenizer as CharacterTokenizer
from chainrule.nlp.tokenizers.word_piece_tokenizer import WordPieceTokenizer as WordPieceTokenizer

publish(globals())
