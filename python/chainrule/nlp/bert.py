"""Bert: a model that reads a text at once, and gives a vector for every token."""

from __future__ import annotations

from typing import Any

from chainrule import initializers, ops
from chainrule.layers.core.dense import Dense
from chainrule.layers.core.embedding import Embedding
from chainrule.layers.normalization.layer_normalization import LayerNormalization
from chainrule.layers.options import another_initializer
from chainrule.layers.regularization.dropout import Dropout
from chainrule.nlp.bert_files import read_bert, write_bert
from chainrule.nlp.inputs import token_inputs
from chainrule.nlp.sizes import check_size
from chainrule.nlp.token_and_position_embedding import TokenAndPositionEmbedding
from chainrule.nlp.transformer_encoder import TransformerEncoder
from chainrule.nlp.transformer_model import TransformerModel
from chainrule.tracing.masking import set_keras_mask


class Bert(TransformerModel):
    """Vectors (N, T, C) of the tokens (N, T) of a text, each read with all others.

    ``h = norm(tokens[x] + positions + segments[s])``, `num_layers` times ``h = TransformerEncoder(h)``;
    with a pooler also ``tanh(W h_0 + b)`` of the first token.

    Parameters
    ----------
    vocabulary_size : int
        The number of tokens.
    num_layers, num_heads : int
    hidden_dim : int
        C, a multiple of `num_heads`.
    intermediate_dim : int, optional
        Units of the feed-forward parts. Default: 4 `hidden_dim`.
    max_sequence_length : int
        Default 512.
    num_segments : int
        Kinds of sentences. Default 2; 0 for a model that knows none.
    dropout : float
        Default 0.1.
    activation : callable or str
        Of the feed-forward parts. Default ``"gelu"``, by the error function.
    layer_norm_epsilon : float
        Default 1e-12.
    pooler : bool
        Whether the output is a dict of "sequence_output" (N, T, C) and "pooled_output" (N, C).
        Default False.
    kernel_initializer : Initializer or str, optional
        Of matrices and tables. Default: normal, cut at two deviations of 0.02.

    Raises
    ------
    ValueError
        Sizes that are no positive ints, or heads that cannot share `hidden_dim`.
    ShapeError
        (at a call) for a sequence longer than `max_sequence_length`, and masks that do not fit.
    DataError
        (at a call) for tokens or segments outside their tables.

    Notes
    -----
    Inputs are tokens, or a dict of `token_ids` (N, T), `padding_mask` (N, T), which is false at padding,
    and `segment_ids` (N, T), by default 0. The vectors carry the padding mask on, so that
    `GlobalAveragePooling1D` leaves padding out. Names as of KerasHub's `BertBackbone`; Devlin et al.
    2019, arXiv 1810.04805.

    Examples
    --------
    >>> import numpy as np
    >>> from chainrule import nlp
    >>> model = nlp.Bert(30, num_layers=1, num_heads=2, hidden_dim=8, max_sequence_length=16)
    >>> model({"token_ids": np.array([[1, 2, 0]]), "padding_mask": np.array([[1, 1, 0]])}).shape
    (1, 3, 8)
    """

    # Set by `from_folder`, where the folder has a vocabulary.
    tokenizer: Any = None
    # What `save_to_folder` writes: the kind that `from_folder` has read.
    folder_type: str = "bert"

    def __init__(
        self,
        vocabulary_size: int,
        num_layers: int,
        num_heads: int,
        hidden_dim: int,
        intermediate_dim: int | None = None,
        max_sequence_length: int = 512,
        num_segments: int = 2,
        dropout: float = 0.1,
        activation: Any = "gelu",
        layer_norm_epsilon: float = 1e-12,
        pooler: bool = False,
        kernel_initializer: Any = None,
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
            kernel_initializer or initializers.TruncatedNormal(stddev=0.02),
            **kwargs,
        )
        self.num_segments = num_segments and check_size("num_segments", num_segments)
        self.pooler = pooler
        self._make_layers()
        self.build((None, None))

    def _make_layers(self) -> None:
        policy = self.dtype_policy
        self.embedding = TokenAndPositionEmbedding(
            self.vocabulary_size,
            self.max_sequence_length,
            self.hidden_dim,
            embeddings_initializer=another_initializer(self.kernel_initializer),
            dtype=policy,
            name="embedding",
        )
        self.segment_embedding = None
        if self.num_segments:
            self.segment_embedding = Embedding(
                self.num_segments,
                self.hidden_dim,
                embeddings_initializer=another_initializer(self.kernel_initializer),
                dtype=policy,
                name="segment_embedding",
            )
        self.embedding_layer_norm = LayerNormalization(
            epsilon=self.layer_norm_epsilon, dtype=policy, name="embedding_layer_norm"
        )
        self.embedding_dropout = Dropout(self.dropout, dtype=policy, name="embedding_dropout")
        self.encoders = [
            TransformerEncoder(
                self.intermediate_dim,
                self.num_heads,
                dropout=self.dropout,
                activation=self.activation,
                layer_norm_epsilon=self.layer_norm_epsilon,
                kernel_initializer=another_initializer(self.kernel_initializer),
                dtype=policy,
                name=f"transformer_layer_{number}",
            )
            for number in range(self.num_layers)
        ]
        self.pooler_dense = None
        if self.pooler:
            self.pooler_dense = Dense(
                self.hidden_dim,
                activation="tanh",
                kernel_initializer=another_initializer(self.kernel_initializer),
                dtype=policy,
                name="pooler_dense",
            )

    def build(self, input_shape: Any = None) -> None:
        if self.built:
            return
        states = (None, None, self.hidden_dim)
        self.embedding.build((None, None))
        if self.segment_embedding is not None:
            self.segment_embedding.build((None, None))
        self.embedding_layer_norm.build(states)
        for encoder in self.encoders:
            encoder.build(states)
        if self.pooler_dense is not None:
            self.pooler_dense.build((None, self.hidden_dim))

    def call(self, inputs: Any, training: bool | None = None) -> Any:
        tokens, padding, segments = token_inputs(inputs)
        x = self.embedding(tokens)
        if self.segment_embedding is not None:
            x = x + self.segment_embedding(ops.zeros_like(tokens) if segments is None else segments)
        elif segments is not None:
            raise ValueError(
                f"model '{self.name}': expected no 'segment_ids' (num_segments=0), got some"
            )
        x = self.embedding_layer_norm(x)
        if self.dropout:
            x = self.embedding_dropout(x, training=training)
        for encoder in self.encoders:
            x = encoder(x, padding_mask=padding, training=training)
        if padding is not None:
            set_keras_mask(x, ops.cast(padding, "bool"))
        if self.pooler_dense is None:
            return x
        return {"sequence_output": x, "pooled_output": self.pooler_dense(x[:, 0])}

    def compute_output_shape(self, input_shape: Any) -> Any:
        shape = input_shape["token_ids"] if isinstance(input_shape, dict) else input_shape
        states = (*shape, self.hidden_dim)
        if not self.pooler:
            return states
        return {"sequence_output": states, "pooled_output": (shape[0], self.hidden_dim)}

    @classmethod
    def from_folder(cls, path: Any, pooler: bool = False, dropout: float | None = None) -> Any:
        """The trained model of a folder as Hugging Face writes it: BERT, RoBERTa or DistilBERT.

        Parameters
        ----------
        path : str or path
            Holds `config.json` and `model.safetensors` (or its shards with their index); of
            `vocab.txt`, `tokenizer.json`, or `vocab.json` and `merges.txt`, if they are there, the
            model's `tokenizer` is made (which needs the package tokenizers when it is used).
        pooler : bool
            Whether the pooler is read. Default False.
        dropout : float, optional
            Default: the configuration's.

        Returns
        -------
        Bert
            Its outputs are those of the model that was written, up to float32's rounding. Heads of a
            larger model are left out.

        Raises
        ------
        FileNotFoundError
            A file that is missing.
        FileFormatError
            A configuration of another kind of model, weights as a pickle, or tensors and a vocabulary
            that the configuration does not fit: every tensor is named.
        """
        return read_bert(cls, path, pooler, dropout)

    def save_to_folder(self, path: Any, model_type: str | None = None) -> None:
        """Write the model and its tokenizer, if it has one, as Hugging Face's `from_pretrained` reads it.

        Parameters
        ----------
        path : str or path
            A folder, which is made where there is none; files of the same names are replaced.
        model_type : str, optional
            "bert", "roberta" or "distilbert". Default: what `from_folder` has read, else "bert".

        Raises
        ------
        ValueError
            A model that such a folder cannot hold: an activation without a name there, segments in a
            distilbert, or none in another.
        """
        write_bert(self, path, model_type)

    def get_config(self) -> dict[str, Any]:
        return {
            **super().get_config(),
            "num_segments": self.num_segments,
            "pooler": self.pooler,
        }
