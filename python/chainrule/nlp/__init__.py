"""Language: layers and models of Transformers, samplers, tokenizers; names as KerasHub has them."""

from __future__ import annotations

from chainrule.base.namespace import publish
from chainrule.nlp import samplers as samplers
from chainrule.nlp import tokenizers as tokenizers
from chainrule.nlp.bert import Bert as Bert
from chainrule.nlp.cached_multi_head_attention import (
    CachedMultiHeadAttention as CachedMultiHeadAttention,
)
from chainrule.nlp.causal_lm import CausalLM as CausalLM
from chainrule.nlp.edit_distance import EditDistance as EditDistance
from chainrule.nlp.edit_distance import edit_distance as edit_distance
from chainrule.nlp.gelu_approximate import gelu_approximate as gelu_approximate
from chainrule.nlp.gpt import GPT as GPT
from chainrule.nlp.length_batches import LengthBatches as LengthBatches
from chainrule.nlp.masked_lm_head import MaskedLMHead as MaskedLMHead
from chainrule.nlp.masked_lm_mask_generator import MaskedLMMaskGenerator as MaskedLMMaskGenerator
from chainrule.nlp.position_embedding import PositionEmbedding as PositionEmbedding
from chainrule.nlp.rotary_embedding import RotaryEmbedding as RotaryEmbedding
from chainrule.nlp.samplers import BeamSampler as BeamSampler
from chainrule.nlp.samplers import ContrastiveSampler as ContrastiveSampler
from chainrule.nlp.samplers import GreedySampler as GreedySampler
from chainrule.nlp.samplers import RandomSampler as RandomSampler
from chainrule.nlp.samplers import Sampler as Sampler
from chainrule.nlp.samplers import TopKSampler as TopKSampler
from chainrule.nlp.samplers import TopPSampler as TopPSampler
from chainrule.nlp.seq2seq_lm import Seq2SeqLM as Seq2SeqLM
from chainrule.nlp.sentence_encoder import SentenceEncoder as SentenceEncoder
from chainrule.nlp.sentence_encoder import semantic_search as semantic_search
from chainrule.nlp.sine_position_encoding import SinePositionEncoding as SinePositionEncoding
from chainrule.nlp.token_and_position_embedding import (
    TokenAndPositionEmbedding as TokenAndPositionEmbedding,
)
from chainrule.nlp.tokenizers import BytePairTokenizer as BytePairTokenizer
from chainrule.nlp.tokenizers import CharacterTokenizer as CharacterTokenizer
from chainrule.nlp.tokenizers import FileTokenizer as FileTokenizer
from chainrule.nlp.tokenizers import WordPieceTokenizer as WordPieceTokenizer
from chainrule.nlp.transformer_decoder import TransformerDecoder as TransformerDecoder
from chainrule.nlp.transformer_encoder import TransformerEncoder as TransformerEncoder

publish(globals())
