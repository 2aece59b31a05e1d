"""Tokenizers: numbers for texts, and texts for numbers."""

from __future__ import annotations

from chainrule.base.namespace import publish
from chainrule.nlp.tokenizers.byte_pair_tokenizer import BytePairTokenizer as BytePairTokenizer
from chainrule.nlp.tokenizers.character_tokenizer import CharacterTokenizer as CharacterTokenizer
from chainrule.nlp.tokenizers.file_tokenizer import FileTokenizer as FileTokenizer
from chainrule.nlp.tokenizers.word_piece_tokenizer import WordPieceTokenizer as WordPieceTokenizer

publish(globals())
