"""TextVectorization: texts to sequences of word indices, or to bags of words."""

from __future__ import annotations

from collections.abc import Callable
from itertools import chain
from typing import Any

import numpy as np
from numpy.typing import NDArray

from chainrule.base import config, serialization
from chainrule.base.errors import ShapeError
from chainrule.base.texts import as_texts
from chainrule.base.tracking import DotNotTrackScope
from chainrule.layers.preprocessing.categories import spread
from chainrule.layers.preprocessing.host_layer import HostLayer, batches_of
from chainrule.layers.preprocessing.options import LOOKUP_MODES, check_choice
from chainrule.layers.preprocessing.saved_vocabulary import refuse_paths
from chainrule.layers.preprocessing.string_lookup import StringLookup
from chainrule.layers.preprocessing.tokenizing import (
    ngrams_of,
    rows_of,
    split_texts,
    standardize_texts,
)
from chainrule.tracing.tensor import KerasTensor

Array = NDArray[Any]
Choice = str | Callable[[Any], Any] | None


class TextVectorization(HostLayer):
    """``y = indices of the words of each text``, or ones, counts or weighted counts of all words.

    A text is standardized, split, joined to n-grams, and looked up in a vocabulary, which is given or
    learnt by `adapt`. Words that it does not hold have index 1, padding 0.

    Parameters
    ----------
    max_tokens : int, optional
        The most tokens of the vocabulary, the special ones among them.
    standardize : {"lower_and_strip_punctuation", "lower", "strip_punctuation"}, function or None
        Of ASCII letters and signs. A function gets and gives an array of strings.
    split : {"whitespace", "character"}, function or None
        A function gets an array of strings and gives a list of tokens for each. None looks texts up
        as a whole.
    ngrams : int or tuple of int, optional
        Up to so many words, or exactly so many, joined by spaces. Default: words alone.
    output_mode : {"int", "multi_hot", "count", "tf_idf", "one_hot"}
        Indices; or for each text a row of ones, counts, or counts times the inverse document
        frequencies, a place for each token; or such a row for each word.
    output_sequence_length : int, optional
        Cut or fill up the indices to so many. Default: to the longest text.
    pad_to_max_tokens : bool
        Rows of `max_tokens`, however small the vocabulary is. Default False.
    vocabulary : array-like or str, optional
        Tokens, or the path of a file with one in each line. Default: `adapt` learns them.
    idf_weights : array-like, optional
        Of the tokens of `vocabulary`, for `output_mode="tf_idf"`.
    sparse, ragged : bool
        In Keras's signature; True is refused.
    encoding : str
        Of bytes, and of the vocabulary's file. Default UTF-8.
    name : str, optional

    Raises
    ------
    ValueError
        For arguments that cannot be.

    Notes
    -----
    In a model, whose inputs are ``Input((), dtype="string")`` or ``Input((1,), dtype="string")``,
    the layer runs before the compiled step: arrays given to `fit` are looked up once, batches of a
    generator as they come. Without `output_sequence_length` an array is filled up to its longest
    text.

    Examples
    --------
    >>> from chainrule import layers
    >>> layer = layers.TextVectorization(output_sequence_length=4)
    >>> layer.adapt(["foo bar", "bar baz", "baz bada boom"])
    >>> layer(["foo qux bar", "Qux, baz!"])
    array([[4, 1, 3, 0],
           [1, 2, 0, 0]])
    """

    _lookup_layer: StringLookup

    def __init__(
        self,
        max_tokens: int | None = None,
        standardize: Choice = "lower_and_strip_punctuation",
        split: Choice = "whitespace",
        ngrams: int | tuple[int, ...] | None = None,
        output_mode: str = "int",
        output_sequence_length: int | None = None,
        pad_to_max_tokens: bool = False,
        vocabulary: Any = None,
        idf_weights: Any = None,
        sparse: bool = False,
        ragged: bool = False,
        encoding: str = "utf-8",
        name: str | None = None,
        **kwargs: Any,
    ) -> None:
        kind = type(self).__name__
        output_mode = {"binary": "multi_hot", "tf-idf": "tf_idf"}.get(output_mode, output_mode)
        standards = ("lower_and_strip_punctuation", "lower", "strip_punctuation", None)
        for label, value, known in (
            ("standardize", standardize, standards),
            ("split", split, ("whitespace", "character", None)),
            ("output_mode", output_mode, LOOKUP_MODES),
        ):
            if not (callable(value) and label != "output_mode"):
                check_choice(value, known, label, kind)
        _check_lengths(ngrams, output_mode, output_sequence_length)
        if ragged:
            raise ValueError(
                f"{kind}: `ragged=True` is not supported: chainrule computes with arrays of one "
                "shape; set `output_sequence_length`, or leave rows filled up with zeros"
            )
        given = kwargs.pop("has_input_vocabulary", vocabulary is not None)
        size = kwargs.pop("vocabulary_size", None)
        super().__init__(name=name, **kwargs)
        self._standardize = standardize
        self._split = split
        self._ngrams_arg = ngrams
        self._ngrams = tuple(range(1, ngrams + 1)) if isinstance(ngrams, int) else ngrams
        self._output_mode = output_mode
        self._output_sequence_length = output_sequence_length
        self._has_input_vocabulary = given
        with DotNotTrackScope():
            self._lookup_layer = StringLookup(
                max_tokens=max_tokens,
                vocabulary=vocabulary,
                idf_weights=idf_weights,
                pad_to_max_tokens=pad_to_max_tokens,
                mask_token="",
                output_mode=output_mode,
                sparse=sparse,
                has_input_vocabulary=given,
                encoding=encoding,
                vocabulary_size=size,
                name=f"{self.name}_lookup",
            )

    def adapt(self, data: Any, batch_size: int | None = None, steps: int | None = None) -> None:
        """Learn the vocabulary: all tokens of the texts, the most frequent first.

        Of tokens that come as often the greater is first. Batches are counted as they come.

        Parameters
        ----------
        data : array, list, column of a data frame, or iterable of batches
            Of a batch that is a tuple, the first entry is taken.
        batch_size : int, optional
            In Keras's signature.
        steps : int, optional
            The most batches of an iterable.

        Raises
        ------
        ValueError
            Where the vocabulary was given, or data are empty. A failed call changes nothing.
        """
        lookup = self._lookup_layer
        before = lookup._counts
        lookup.reset_state()
        try:
            for batch in batches_of(data, steps, self._place):
                self.update_state(batch)
            lookup.finalize_state()
        except BaseException:
            lookup._counts = before
            raise

    def update_state(self, data: Any) -> None:
        """Count the tokens of one batch of texts."""
        self._lookup_layer.count_rows(self._tokens(self._received(data)))

    def finalize_state(self) -> None:
        """Make the vocabulary of what was counted."""
        self._lookup_layer.finalize_state()

    def reset_state(self) -> None:
        """Forget what was counted."""
        self._lookup_layer.reset_state()

    def get_vocabulary(self, include_special_tokens: bool = True) -> list[str]:
        """The tokens in the order of their indices.

        Parameters
        ----------
        include_special_tokens : bool
            Begin with those of padding and unknown words. Default True.
        """
        return self._lookup_layer.get_vocabulary(include_special_tokens)

    def vocabulary_size(self) -> int:
        """How many tokens there are, those for padding and unknown words among them."""
        return self._lookup_layer.vocabulary_size()

    def set_vocabulary(self, vocabulary: Any, idf_weights: Any = None) -> None:
        """Take a vocabulary that is known, as `StringLookup.set_vocabulary`."""
        self._lookup_layer.set_vocabulary(vocabulary, idf_weights=idf_weights)

    def _received(self, inputs: Any) -> Array:
        return as_texts(inputs, self._place, self._lookup_layer.encoding)

    def _tokens(self, texts: Array) -> list[list[str]]:
        """The tokens of each text; where texts are not split, those of the last axis are a row's."""
        flat = texts.ravel().tolist()
        if callable(self._standardize):
            made = self._standardize(np.array(flat, dtype=str).reshape(texts.shape))
            made = as_texts(made, f"{self._place}: `standardize`")
            if made.shape != texts.shape:
                raise ShapeError(
                    f"{self._place}: `standardize` expected to give shape {texts.shape}, got "
                    f"{made.shape}"
                )
            flat = made.ravel().tolist()
        elif self._standardize is not None:
            flat = standardize_texts(flat, self._standardize)
        if self._split is None:
            width = texts.shape[-1] if texts.ndim > 1 else 1
            rows = [flat[i : i + width] for i in range(0, len(flat), max(width, 1))]
        elif callable(self._split):
            shape = self._texts_shape(texts.shape)
            rows = rows_of(
                self._split(np.array(flat, dtype=str).reshape(shape or (1,))), len(flat), self._place
            )
        else:
            self._texts_shape(texts.shape)
            rows = split_texts(flat, self._split)
        if self._ngrams is not None:
            rows = [ngrams_of(row, self._ngrams) for row in rows]
        return rows

    def _texts_shape(self, shape: tuple[int, ...]) -> tuple[int, ...]:
        """The shape without a last axis of size 1.

        Raises
        ------
        ShapeError
            A last axis of another size.
        """
        if len(shape) > 1:
            if shape[-1] != 1:
                raise ShapeError(
                    f"{self._place}: When using `TextVectorization` to tokenize strings, the input "
                    "rank must be 1 or the last shape dimension must be 1. Received: "
                    f"inputs.shape={shape} with rank={len(shape)}"
                )
            return shape[:-1]
        return shape

    def call(self, inputs: Any) -> Any:
        if self._split is None:
            outer = inputs.shape[:-1] if inputs.ndim > 1 else inputs.shape
        else:
            outer = self._texts_shape(inputs.shape)
        limit = self._output_sequence_length
        rows = self._tokens(inputs)
        if limit is not None:
            rows = [row[:limit] for row in rows]
        lookup = self._lookup_layer
        lookup.check_vocabulary()
        words = np.empty(sum(map(len, rows)), dtype=object)
        words[:] = list(chain.from_iterable(rows))
        indices = lookup.indices_of(words)
        lengths = np.fromiter(map(len, rows), np.int64, len(rows))
        if self._output_mode in ("int", "one_hot"):
            if limit is None:
                limit = int(lengths.max(initial=0))
            filler = 0 if self._output_mode == "int" else -1
            result = np.full((len(rows), limit), filler, np.int64)
            result[np.arange(limit) < lengths[:, None]] = indices
            if self._output_mode == "int" and self._split is None and inputs.ndim < 2:
                if self._ngrams is None and self._output_sequence_length is None:
                    return result.reshape(outer)
            result = result.reshape(*outer, limit)
            return result if self._output_mode == "int" else lookup.encoded(result)
        depth = lookup.depth()
        mode = "multi_hot" if self._output_mode == "multi_hot" else "count"
        places = np.repeat(np.arange(len(rows)), lengths)
        known = (indices >= 0) & (indices < depth)
        bags = spread(places[known], indices[known], len(rows), mode, depth, config.floatx())
        return lookup.weighted(bags).reshape(*outer, depth)

    def compute_output_shape(self, input_shape: Any) -> Any:
        shape = tuple(input_shape)
        if self._split is not None or self._ngrams is not None:
            outer = shape[:-1] if len(shape) > 1 and shape[-1] == 1 else shape
            last = self._output_sequence_length
        else:
            outer, last = (shape[:-1], shape[-1]) if len(shape) > 1 else (shape, 1)
            last = self._output_sequence_length or last
        if self._output_mode == "int":
            plain = self._split is None and len(shape) < 2 and self._ngrams is None
            return outer if plain and self._output_sequence_length is None else (*outer, last)
        depth = self._lookup_layer.known_depth
        return (*outer, last, depth) if self._output_mode == "one_hot" else (*outer, depth)

    def compute_output_spec(self, inputs: Any) -> Any:
        dtype = "int64" if self._output_mode == "int" else config.floatx()
        return KerasTensor(self.compute_output_shape(inputs.shape), dtype)

    def get_config(self) -> dict[str, Any]:
        looked_up = self._lookup_layer.get_config()
        names = ("max_tokens", "pad_to_max_tokens", "sparse", "vocabulary", "idf_weights", "encoding")
        return {
            **super().get_config(),
            "standardize": _plain(self._standardize),
            "split": _plain(self._split),
            "ngrams": self._ngrams_arg,
            "output_mode": self._output_mode,
            "output_sequence_length": self._output_sequence_length,
            "ragged": False,
            **{name: looked_up[name] for name in names},
            "vocabulary_size": looked_up["vocabulary_size"],
        }

    @classmethod
    def from_config(cls, config: dict[str, Any]) -> Any:
        """The layer of a configuration; functions in it have to be registered."""
        config = dict(config)
        refuse_paths(config.get("vocabulary"))
        for name in ("standardize", "split"):
            if isinstance(config.get(name), dict):
                config[name] = serialization.deserialize_keras_object(config[name])
        if isinstance(config.get("ngrams"), list):
            config["ngrams"] = tuple(config["ngrams"])
        return super().from_config(config)

    def get_build_config(self) -> dict[str, Any] | None:
        return self._lookup_layer.get_build_config()

    def build_from_config(self, config: dict[str, Any] | None) -> None:
        self._lookup_layer.build_from_config(config)

    def save_assets(self, dir_path: Any) -> None:
        """Write the vocabulary to `vocabulary.txt` in a folder."""
        self._lookup_layer.save_assets(dir_path)

    def load_assets(self, dir_path: Any) -> None:
        """Read the vocabulary that `save_assets` wrote."""
        self._lookup_layer.load_assets(dir_path)

    def save_own_variables(self, store: Any) -> None:
        """Put the weights of TF-IDF in `store`."""
        self._lookup_layer.save_own_variables(store)

    def load_own_variables(self, store: Any) -> None:
        """Take the weights of TF-IDF from `store`."""
        self._lookup_layer.load_own_variables(store)


def _plain(choice: Choice) -> Any:
    return serialization.serialize_keras_object(choice) if callable(choice) else choice


def _check_lengths(ngrams: Any, output_mode: str, output_sequence_length: Any) -> None:
    widths = ngrams if isinstance(ngrams, tuple) else (ngrams,)
    if ngrams is not None and not all(type(n) is int and 0 < n < 2**31 for n in widths):
        raise ValueError(
            "`ngrams` must be None, an integer, or a tuple of integers. "
            f"Received: ngrams={ngrams}"
        )
    if output_sequence_length is None:
        return
    if output_mode != "int":
        raise ValueError(
            "`output_sequence_length` must not be set if `output_mode` is not 'int'. "
            f"Received output_sequence_length={output_sequence_length}."
        )
    if type(output_sequence_length) is not int or output_sequence_length < 1:
        raise ValueError(
            "`output_sequence_length` must be either None or an integer when `output_mode` is "
            f"'int'. Received: output_sequence_length={output_sequence_length}"
        )
