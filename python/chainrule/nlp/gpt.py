"""GPT: a model that reads a text from left to right and says what comes next."""

from __future__ import annotations

from typing import Any

import numpy as np

from chainrule import initializers
from chainrule.layers.normalization.layer_normalization import LayerNormalization
from chainrule.layers.options import another_initializer
from chainrule.layers.regularization.dropout import Dropout
from chainrule.nlp.causal_lm import CausalLM
from chainrule.nlp.gpt_files import read_gpt, write_gpt
from chainrule.nlp.inputs import token_inputs
from chainrule.nlp.sizes import head_size
from chainrule.nlp.token_and_position_embedding import TokenAndPositionEmbedding
from chainrule.nlp.transformer_decoder import TransformerDecoder
from chainrule.nlp.transformer_model import TransformerModel


class GPT(TransformerModel, CausalLM):
    """Scores (N, T, V) of the tokens that may follow each of the tokens (N, T) and those before it.

    ``h = embedding(x)``, `num_layers` times ``h = TransformerDecoder(h)``, ``scores = norm(h) E^T`` with
    the embedding's table E.

    Parameters
    ----------
    vocabulary_size : int
        V, the number of tokens.
    num_layers, num_heads : int
    hidden_dim : int
        A multiple of `num_heads`.
    intermediate_dim : int, optional
        Units of the feed-forward parts. Default: 4 `hidden_dim`.
    max_sequence_length : int
        Default 1024.
    dropout : float
        Default 0.1.
    activation : callable or str
        Of the feed-forward parts. Default ``"gelu"``.
    layer_norm_epsilon : float
        Default 1e-5.
    normalize_first : bool
        Whether each part normalises what it reads (then the last states are normalised too), not what
        it adds to. Default True.
    tie_weights : bool
        Whether the scores come from the table of the embedding. Default True.
    kernel_initializer : Initializer or str, optional
        Of matrices and tables. Default: normal with a deviation of 0.02.
    tokenizer : object, optional
        Has `tokenize` (of a text, gives ints) and `detokenize`; for `generate` of texts. It is not part
        of the configuration.

    Raises
    ------
    ValueError
        Sizes that are no positive ints, or heads that cannot share `hidden_dim`.
    ShapeError
        (at a call) for a sequence longer than `max_sequence_length`.
    DataError
        (at a call) for tokens outside the vocabulary.

    Notes
    -----
    Inputs are tokens, or a dict of `token_ids` and `padding_mask` (false at padding). Train it on the
    tokens that follow, with ``SparseCategoricalCrossentropy(from_logits=True)``. Names as of KerasHub's
    `GPT2Backbone`. Radford et al. 2019, Language Models are Unsupervised Multitask Learners.

    Examples
    --------
    >>> import numpy as np
    >>> from chainrule import nlp
    >>> model = nlp.GPT(10, num_layers=1, num_heads=2, hidden_dim=8, max_sequence_length=16)
    >>> model(np.array([[1, 2, 3]])).shape
    (1, 3, 10)
    >>> len(model.generate([1, 2, 3], max_length=6))
    6
    """

    def __init__(
        self,
        vocabulary_size: int,
        num_layers: int,
        num_heads: int,
        hidden_dim: int,
        intermediate_dim: int | None = None,
        max_sequence_length: int = 1024,
        dropout: float = 0.1,
        activation: Any = "gelu",
        layer_norm_epsilon: float = 1e-5,
        normalize_first: bool = True,
        tie_weights: bool = True,
        kernel_initializer: Any = None,
        tokenizer: Any = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(
            vocabulary_size,
            num_layers,
            num_heads,
            hidden_dim,
            intermediate_dim,
            max_sequence_length,
            dropout,
            activation,
            layer_norm_epsilon,
            kernel_initializer or initializers.RandomNormal(stddev=0.02),
            **kwargs,
        )
        self.normalize_first = normalize_first
        self.tie_weights = tie_weights
        self.tokenizer = tokenizer
        self._make_layers()
        self.build((None, None))

    def _make_layers(self) -> None:
        self.embedding = TokenAndPositionEmbedding(
            self.vocabulary_size,
            self.max_sequence_length,
            self.hidden_dim,
            tie_weights=self.tie_weights,
            embeddings_initializer=another_initializer(self.kernel_initializer),
            dtype=self.dtype_policy,
            name="embedding",
        )
        self.embedding_dropout = Dropout(
            self.dropout, dtype=self.dtype_policy, name="embedding_dropout"
        )
        self.decoders = [
            TransformerDecoder(
                self.intermediate_dim,
                self.num_heads,
                dropout=self.dropout,
                activation=self.activation,
                layer_norm_epsilon=self.layer_norm_epsilon,
                kernel_initializer=another_initializer(self.kernel_initializer),
                normalize_first=self.normalize_first,
                dtype=self.dtype_policy,
                name=f"transformer_layer_{number}",
            )
            for number in range(self.num_layers)
        ]
        self.layer_norm = None
        if self.normalize_first:
            self.layer_norm = LayerNormalization(
                epsilon=self.layer_norm_epsilon, dtype=self.dtype_policy, name="layer_norm"
            )

    def build(self, input_shape: Any = None) -> None:
        if self.built:
            return
        states = (None, None, self.hidden_dim)
        self.embedding.build((None, None))
        for decoder in self.decoders:
            decoder.build(states)
        if self.layer_norm is not None:
            self.layer_norm.build(states)

    def call(self, inputs: Any, training: bool | None = None) -> Any:
        tokens, padding, _ = token_inputs(inputs)
        hidden, _ = self.hidden_states(tokens, decoder_padding_mask=padding, training=training)
        return self.logits(hidden)

    def empty_cache(self, batch_size: int, length: int) -> Any:
        heads = head_size(self.hidden_dim, self.num_heads, f"model '{self.name}'")
        zeros = np.zeros((batch_size, length, self.num_heads, heads), self.compute_dtype)
        return [(zeros, zeros) for _ in self.decoders]

    def hidden_states(
        self, token_ids: Any, cache: Any = None, cache_update_index: Any = None, **options: Any
    ) -> tuple[Any, Any]:
        start = 0 if cache_update_index is None else cache_update_index
        x = self.embedding(token_ids, start_index=start)
        if self.dropout:
            x = self.embedding_dropout(x, training=options.get("training"))
        after = []
        for number, decoder in enumerate(self.decoders):
            if cache is None:
                x = decoder(x, **options)
                continue
            x, kept = decoder(
                x,
                self_attention_cache=cache[number],
                self_attention_cache_update_index=start,
                **options,
            )
            after.append(kept)
        return (x if self.layer_norm is None else self.layer_norm(x)), after

    def logits(self, hidden: Any) -> Any:
        return self.embedding.token_embedding(hidden, reverse=True)

    def compute_output_shape(self, input_shape: Any) -> Any:
        shape = input_shape["token_ids"] if isinstance(input_shape, dict) else input_shape
        return (*shape, self.vocabulary_size)

    @classmethod
    def from_folder(cls, path: Any, dropout: float | None = None) -> Any:
        """The trained model of a folder as Hugging Face's `GPT2LMHeadModel` writes it.

        Parameters
        ----------
        path : str or path
            Holds `config.json` and `model.safetensors` (or its shards with their index); of
            `tokenizer.json`, or `vocab.json` and `merges.txt`, if they are there, the model's
            `tokenizer` is made.
        dropout : float, optional
            Default: the configuration's.

        Returns
        -------
        GPT
            Its scores are those of the model that was written, up to float32's rounding.

        Raises
        ------
        FileNotFoundError
            A file that is missing.
        FileFormatError
            A configuration of another kind of model, weights as a pickle, or tensors and a vocabulary
            that the configuration does not fit: every tensor is named.
        """
        return read_gpt(cls, path, dropout)

    def save_to_folder(self, path: Any) -> None:
        """Write the model and its tokenizer, if it has files, as Hugging Face's `from_pretrained` reads it.

        Parameters
        ----------
        path : str or path
            A folder, which is made where there is none; files of the same names are replaced.

        Raises
        ------
        ValueError
            A model that normalises last, or an activation without a name there.
        """
        write_gpt(self, path)

    def get_config(self) -> dict[str, Any]:
        return {
            **super().get_config(),
            "normalize_first": self.normalize_first,
            "tie_weights": self.tie_weights,
        }
