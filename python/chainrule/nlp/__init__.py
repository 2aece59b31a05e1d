
from __future__ import annotations

from chainrule.base.namespace import publish
from chainrule.nlp.cached_multi_head_attention import (
    CachedMultiHeadAttention as CachedMultiHeadAttention,
)
from chainrule.nlp.position_embedding import PositionEmbedding as PositionEmbedding
from chainrule.nlp.rotary_embedding import RotaryEmbedding as RotaryEmbedding
from chainrule.nlp.sine_position_encoding import SinePositionEncoding as SinePositionEncoding
from chainrule.nlp.token_and_position_embedding import (
    TokenAndPositionEmbedding as TokenAndPositionEmbedding,
)
from chainrule.nlp.transformer_decoder import TransformerDecoder as TransformerDecoder
from chainrule.nlp.transformer_encoder import TransformerEncoder as TransformerEncoder

publish(globals())
