"""IndexLookup: what the lookups of texts and of integers share."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from chainrule.base import config
from chainrule.base.errors import DataError
from chainrule.base.loading import take_elements
from chainrule.layers.preprocessing.categories import encode, encoded_shape
from chainrule.layers.preprocessing.hashing import buckets
from chainrule.layers.preprocessing.host_layer import as_integers
from chainrule.layers.preprocessing.options import check_choice, check_lookup, paired_salt
from chainrule.layers.preprocessing.vocabulary import MISSING, TokenCounts, Vocabulary
from chainrule.layers.preprocessing.vocabulary_layer import VocabularyLayer
from chainrule.tracing.tensor import KerasTensor

__all__ = ["IndexLookup"]

Array = NDArray[Any]

# What the mask token becomes where it is to leave no trace.
_DROPPED = np.iinfo(np.int64).max


class IndexLookup(VocabularyLayer):
    """The index of each token in a vocabulary, or, inverted, the token of each index.

    The parameters are those of `StringLookup`, and the vocabulary's dtype.

    Parameters
    ----------
    vocabulary_dtype : {"string", "int64"}
    """

    def __init__(
        self,
        max_tokens: int | None,
        num_oov_indices: int,
        mask_token: Any,
        oov_token: Any,
        vocabulary_dtype: str,
        vocabulary: Any = None,
        idf_weights: Any = None,
        invert: bool = False,
        output_mode: str = "int",
        sparse: bool = False,
        pad_to_max_tokens: bool = False,
        oov_method: str = "floormod",
        name: str | None = None,
        salt: Any = None,
        encoding: str = "utf-8",
        **kwargs: Any,
    ) -> None:
        kind = type(self).__name__
        output_mode = {"binary": "multi_hot", "tf-idf": "tf_idf"}.get(output_mode, output_mode)
        check_lookup(
            kind,
            max_tokens,
            num_oov_indices,
            pad_to_max_tokens,
            output_mode,
            invert,
            sparse,
            idf_weights,
        )
        check_choice(oov_method, ("floormod", "farmhash"), "oov_method", kind)
        check_choice(vocabulary_dtype, ("string", "int64"), "vocabulary_dtype", kind)
        if salt is not None and vocabulary_dtype != "string" and oov_method != "farmhash":
            raise ValueError(
                "`salt` can only be used when `oov_method='farmhash'`. "
                f"Received: oov_method={oov_method}"
            )
        take_elements(f"{kind}: special tokens", num_oov_indices)
        if pad_to_max_tokens:
            take_elements(f"{kind}: `max_tokens`", max_tokens or 0)
        frozen = kwargs.pop("vocabulary_size", None)
        has_vocabulary = kwargs.pop("has_input_vocabulary", vocabulary is not None)
        kwargs.pop("trainable", None)
        kwargs.pop("dtype", None)
        if kwargs:
            raise ValueError(f"Unrecognized keyword argument(s): {kwargs}")
        super().__init__(name=name)
        self.invert = invert
        self.max_tokens = max_tokens
        self.num_oov_indices = num_oov_indices
        self.mask_token = mask_token
        self.oov_token = oov_token
        self.output_mode = output_mode
        self.sparse = sparse
        self.pad_to_max_tokens = pad_to_max_tokens
        self.vocabulary_dtype = vocabulary_dtype
        self.oov_method = oov_method
        self.salt = paired_salt(salt, "IndexLookup")
        self.encoding = encoding
        self.input_vocabulary = None
        self.input_idf_weights = None if idf_weights is None else np.asarray(idf_weights, float)
        self.idf_weights = None
        self._frozen_vocab_size = frozen
        self._has_input_vocabulary = has_vocabulary
        self._vocabulary = Vocabulary([], self._token_start)
        self._counts = TokenCounts(output_mode == "tf_idf")
        if vocabulary is None:
            if idf_weights is not None:
                self.idf_weights = np.asarray(idf_weights, config.floatx())
            return
        if output_mode == "tf_idf" and idf_weights is None:
            raise ValueError(
                "When specifying the `vocabulary` argument, in TF-IDF output mode, the "
                "`idf_weights` argument must also be provided."
            )
        self._frozen_vocab_size = None
        if not isinstance(vocabulary, str):
            self.input_vocabulary = self._as_tokens(vocabulary)
        self.set_vocabulary(vocabulary, idf_weights)

    def _received(self, inputs: Any) -> Array:
        if self.invert:
            return as_integers(inputs, self._place)
        return self._received_tokens(inputs)

    def check_vocabulary(self) -> None:
        """Raise a RuntimeError where the output's shape waits for a vocabulary."""
        if self.output_mode == "int" or self.pad_to_max_tokens:
            return
        if self._frozen_vocab_size is None:
            raise RuntimeError(
                f"When using `output_mode={self.output_mode}` and `pad_to_max_tokens=False`, you "
                "must set the layer's vocabulary before calling it. Either pass a `vocabulary` "
                "argument to the layer, or call `adapt` with some sample data."
            )

    def call(self, inputs: Any) -> Any:
        self.check_vocabulary()
        if self.invert:
            return self._tokens_of(inputs)
        indices = self.indices_of(inputs)
        return indices if self.output_mode == "int" else self.encoded(indices)

    def encoded(self, indices: Array) -> Array:
        """Indices as rows of ones, counts, or weighted counts."""
        mode = "count" if self.output_mode == "tf_idf" else self.output_mode
        return self.weighted(encode(indices, mode, self.depth(), config.floatx()))

    @property
    def known_depth(self) -> int | None:
        """The size of the rows, where it is known."""
        return self._padded_size or self._frozen_vocab_size

    def depth(self) -> int:
        """The size of the rows, when `check_vocabulary` has passed."""
        size = self.known_depth
        assert size is not None
        return size

    def weighted(self, counts: Array) -> Array:
        """Counts times the inverse document frequencies, where there are such."""
        if self.output_mode != "tf_idf":
            return counts
        if self.idf_weights is None:
            raise ValueError(
                "When `output_mode` is `'tf_idf'`, `idf_weights` must be provided."
            )
        return np.asarray(counts * self.idf_weights)

    def indices_of(self, values: Array) -> Array:
        """The index of each token, that of unknown words included."""
        indices = self._vocabulary.find(values)
        if self.mask_token is not None:
            masked = 0 if self.output_mode == "int" else _DROPPED
            indices[np.asarray(values == self.mask_token, bool)] = masked
        unknown = indices == MISSING
        if self.num_oov_indices == 1:
            indices[unknown] = self._oov_start
        elif unknown.any():
            indices[unknown] = self._oov_start + self._oov_buckets(values[unknown])
        return indices

    def _oov_buckets(self, values: Array) -> Array:
        if self.num_oov_indices == 0:
            words = list(dict.fromkeys(values.tolist()))
            more = f" and {len(words) - 5} more" if len(words) > 5 else ""
            raise DataError(
                f"{self._place}: When `num_oov_indices=0` all inputs should be in vocabulary, "
                f"found OOV values {words[:5]}{more}, consider setting `num_oov_indices=1`."
            )
        if not self._is_text and self.oov_method != "farmhash":
            return np.asarray(values % self.num_oov_indices)
        return buckets(values, self.num_oov_indices, self.salt)

    def _tokens_of(self, indices: Array) -> Array:
        """The token of each index; that of unknown words for indices that are none."""
        tokens = self.get_vocabulary()
        dtype = object if self._is_text else np.int64
        table = np.array([*tokens, self.oov_token], dtype)
        known = (indices >= 0) & (indices < len(tokens))
        return np.asarray(table[np.where(known, indices, len(tokens))])

    def compute_output_shape(self, input_shape: Any) -> Any:
        return encoded_shape(input_shape, self.output_mode, self.known_depth)

    def compute_output_spec(self, inputs: Any) -> Any:
        shape = self.compute_output_shape(inputs.shape)
        if self.output_mode != "int":
            return KerasTensor(shape, config.floatx())
        return KerasTensor(shape, "string" if self.invert and self._is_text else "int64")

    def get_config(self) -> dict[str, Any]:
        weights, tokens = self.input_idf_weights, self.input_vocabulary
        return {
            **super().get_config(),
            "invert": self.invert,
            "max_tokens": self.max_tokens,
            "num_oov_indices": self.num_oov_indices,
            "oov_token": self.oov_token,
            "mask_token": self.mask_token,
            "output_mode": self.output_mode,
            "sparse": self.sparse,
            "pad_to_max_tokens": self.pad_to_max_tokens,
            "vocabulary_dtype": self.vocabulary_dtype,
            "idf_weights": None if weights is None else weights.tolist(),
            "vocabulary": None if tokens is None else list(tokens),
            "vocabulary_size": self._frozen_vocab_size,
            "oov_method": self.oov_method,
            "salt": self.salt,
        }
