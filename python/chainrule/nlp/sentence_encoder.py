"""SentenceEncoder: a vector for a whole text, and the search for texts that mean alike."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from chainrule import ops
from chainrule.base.errors import ShapeError
from chainrule.layers.layer import Layer
from chainrule.models.model import Model
from chainrule.nlp.bert import Bert
from chainrule.nlp.inputs import token_inputs
from chainrule.nlp.length_batches import LengthBatches
from chainrule.nlp.sentence_files import read_sentence_options
from chainrule.nlp.sizes import check_size
from chainrule.saving import deserialize_keras_object, serialize_keras_object

_POOLINGS = ("mean", "cls", "max")
# Queries that are compared with the whole corpus at once.
_QUERIES = 256


class SentenceEncoder(Model):
    """Vectors (N, C) of texts: texts that mean alike point alike, where the model was trained for it.

    ``y = mean of h_t over the tokens t that are no padding``, then ``y / |y|``, with h (N, T, C) the
    states of a model of tokens.

    Parameters
    ----------
    backbone : Model
        Gives states (N, T, C) of a dict of `token_ids` and `padding_mask`, as `Bert` does.
    tokenizer : object, optional
        Its `tokenize` gives the tokens of a text; for `encode`. Default: the backbone's. It is not part
        of the configuration.
    pooling : str
        "mean" of the tokens, "cls" (the first token's state), or "max" over the tokens. Default "mean".
    normalize : bool
        Whether the vectors have length 1, so that their products are cosines. Default True.

    Raises
    ------
    ValueError
        Another `pooling`.
    TypeError
        A `backbone` that is no layer or model.

    Notes
    -----
    It is a model, and can be trained: its inputs are the backbone's, its outputs (N, C). Reimers and
    Gurevych 2019, arXiv 1908.10084.

    Examples
    --------
    >>> from chainrule import nlp
    >>> class Letters:
    ...     def tokenize(self, text):
    ...         return [ord(letter) - ord("a") for letter in text]
    >>> bert = nlp.Bert(26, num_layers=1, num_heads=2, hidden_dim=8, max_sequence_length=16)
    >>> encoder = nlp.SentenceEncoder(bert, Letters())
    >>> vectors = encoder.encode(["one", "three", "eno"])
    >>> vectors.shape
    (3, 8)
    >>> [round(float(v @ v), 4) for v in vectors]
    [1.0, 1.0, 1.0]
    """

    def __init__(
        self,
        backbone: Any,
        tokenizer: Any = None,
        pooling: str = "mean",
        normalize: bool = True,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        if pooling not in _POOLINGS:
            raise ValueError(f"`pooling`: expected one of {_POOLINGS}, got {pooling!r}")
        if not isinstance(backbone, Layer):
            raise TypeError(
                f"SentenceEncoder: expected a `backbone` such as nlp.Bert, got {type(backbone).__name__}"
            )
        self.backbone: Any = backbone
        self.tokenizer = getattr(backbone, "tokenizer", None) if tokenizer is None else tokenizer
        self.pooling = pooling
        self.normalize = normalize
        self.build((None, None))

    def build(self, input_shape: Any = None) -> None:
        if not self.backbone.built:
            self.backbone.build(input_shape)

    def call(self, inputs: Any, training: bool | None = None) -> Any:
        _, mask, _ = token_inputs(inputs)
        states = self.backbone(inputs, training=training)
        states = states["sequence_output"] if isinstance(states, dict) else states
        y = self._pooled(states, mask)
        return ops.normalize(y, axis=-1) if self.normalize else y

    def _pooled(self, states: Any, mask: Any) -> Any:
        if self.pooling == "cls":
            return states[:, 0]
        if mask is None:
            return ops.mean(states, 1) if self.pooling == "mean" else ops.max(states, 1)
        seen = ops.expand_dims(ops.cast(mask, states.dtype), -1)
        if self.pooling == "mean":
            return ops.sum(states * seen, 1) / ops.maximum(ops.sum(seen, 1), 1)
        return ops.max(ops.where(seen > 0, states, -np.inf), 1)

    def encode(self, texts: str | Sequence[str], batch_size: int = 32, verbose: int = 0) -> Any:
        """The vectors of texts, which are put into batches of like lengths.

        Parameters
        ----------
        texts : str or sequence of str
        batch_size : int
            Default 32.
        verbose : int
            1 for a progress bar. Default 0.

        Returns
        -------
        array
            float32 (N, C), in the order of the texts; (C,) of a single text.

        Raises
        ------
        TypeError
            What is no text, or a model without a tokenizer.
        DataError
            A text of which the tokenizer makes no token.
        ShapeError
            A text of more tokens than the backbone has places.
        """
        if self.tokenizer is None:
            raise TypeError(f"model '{self.name}': encode: expected a `tokenizer`, got None")
        is_single = isinstance(texts, str)
        texts = [texts] if isinstance(texts, str) else list(texts)
        for number, text in enumerate(texts):
            if not isinstance(text, str):
                raise TypeError(
                    f"model '{self.name}': encode: expected text {number} to be a str, got "
                    f"{type(text).__name__}"
                )
        if not texts:
            return np.zeros((0, self.backbone.hidden_dim), self.compute_dtype)
        tokens = [self.tokenizer.tokenize(text) for text in texts]
        most = getattr(self.backbone, "max_sequence_length", None)
        batches = LengthBatches(tokens, batch_size=batch_size, max_length=most)
        made = self.predict(batches, verbose=verbose)
        vectors = np.empty_like(made)
        vectors[batches.order] = made
        return vectors[0] if is_single else vectors

    @classmethod
    def from_folder(cls, path: Any, **options: Any) -> Any:
        """The encoder of a folder as sentence-transformers writes it.

        Parameters
        ----------
        path : str or path
            Holds a Bert (`Bert.from_folder`), and says in `modules.json`, `1_Pooling/config.json` and
            `sentence_bert_config.json`, where they are there, how states become a vector and how many
            tokens of a text are read.
        **options
            `pooling` and `normalize`, where the folder's are not wanted.

        Returns
        -------
        SentenceEncoder

        Raises
        ------
        FileNotFoundError, FileFormatError
            As `Bert.from_folder`; also for modules and poolings other than these.
        """
        told = read_sentence_options(path)
        backbone = Bert.from_folder(path)
        most = told.pop("sequence_length", None)
        if most is not None and backbone.tokenizer is not None:
            backbone.tokenizer.sequence_length = min(most, backbone.max_sequence_length)
        return cls(backbone, **{**told, **options})

    def compute_output_shape(self, input_shape: Any) -> Any:
        shape = input_shape["token_ids"] if isinstance(input_shape, dict) else input_shape
        return (shape[0], self.backbone.hidden_dim)

    def get_config(self) -> dict[str, Any]:
        return {
            "name": self.name,
            "trainable": self.trainable,
            "backbone": serialize_keras_object(self.backbone),
            "pooling": self.pooling,
            "normalize": self.normalize,
        }

    @classmethod
    def from_config(cls, config: dict[str, Any], custom_objects: Any = None) -> Any:
        backbone = deserialize_keras_object(config["backbone"], custom_objects=custom_objects)
        return cls(**{**config, "backbone": backbone})


def semantic_search(
    queries: Any, corpus: Any, top_k: int = 10
) -> tuple[NDArray[Any], NDArray[Any]]:
    """The vectors of a corpus that point most nearly where each of some queries points.

    ``cos(q, c) = q . c / (|q| |c|)``, the largest `top_k` of each query.

    Parameters
    ----------
    queries : array (Q, C) or (C,)
    corpus : array (N, C)
    top_k : int
        Default 10; all N, where there are fewer.

    Returns
    -------
    tuple of array
        Cosines (Q, k), the largest first, and the numbers of the rows of the corpus, int32 (Q, k);
        (k,) each for a single query. Of equal cosines the smaller number comes first.

    Raises
    ------
    ShapeError
        Other shapes.
    ValueError
        When `top_k` is no positive int.

    Examples
    --------
    >>> from chainrule import nlp
    >>> cosines, rows = nlp.semantic_search([1.0, 0.1], [[0.0, 2.0], [3.0, 0.0], [1.0, 1.0]], top_k=2)
    >>> rows.tolist(), [round(float(c), 3) for c in cosines]
    ([1, 2], [0.995, 0.774])
    """
    q, c = np.asarray(queries, "float32"), np.asarray(corpus, "float32")
    is_single = q.ndim == 1
    q = q[None] if is_single else q
    if q.ndim != 2 or c.ndim != 2 or q.shape[1] != c.shape[1] or not len(c):
        raise ShapeError(
            "semantic_search: expected queries (Q, C) or (C,) and a corpus (N, C) of one row or more, "
            f"got {np.shape(queries)} and {c.shape}"
        )
    k = min(check_size("top_k", top_k), len(c))
    c = ops.transpose(ops.normalize(c, axis=-1))
    q = ops.normalize(q, axis=-1)
    found = [
        ops.top_k(ops.matmul(q[at : at + _QUERIES], c), k) for at in range(0, len(q), _QUERIES)
    ]
    none = np.zeros((0, k))
    cosines = np.concatenate([none.astype("float32"), *(values for values, _ in found)])
    rows = np.concatenate([none.astype("int32"), *(numbers for _, numbers in found)])
    return (cosines[0], rows[0]) if is_single else (cosines, rows)
