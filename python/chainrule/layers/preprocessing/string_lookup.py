"""StringLookup: texts to indices of a vocabulary, and back."""

from __future__ import annotations

from typing import Any

from chainrule.layers.preprocessing.index_lookup import IndexLookup


class StringLookup(IndexLookup):
    """``index = place of the text in the vocabulary``; with `invert`, the text at each index.

    It takes arrays of strings (objects, `U`, `S`), lists, and columns of data frames.

    Parameters
    ----------
    max_tokens : int, optional
        The most tokens of the vocabulary, special ones among them; the rarest are left out.
    num_oov_indices : int
        Indices for unknown words, before those of the vocabulary. Of several, a word's hash chooses
        one; of none, an unknown word is an error. Default 1.
    mask_token : str, optional
        Gets index 0 where `output_mode` is "int", and leaves no trace elsewhere.
    oov_token : str
        What `invert` gives for the indices of unknown words. Default "[UNK]".
    vocabulary : array-like or str, optional
        Tokens, or the path of a file with one in each line. Default: `adapt` learns them.
    idf_weights : array-like, optional
        Of the tokens of `vocabulary`, for `output_mode="tf_idf"`.
    invert : bool
        Default False.
    output_mode : {"int", "one_hot", "multi_hot", "count", "tf_idf"}
        Indices; a row of zeros and a 1 for each; or for each sample, the last axis, a row of ones,
        of counts, or of counts times the inverse document frequencies.
    pad_to_max_tokens : bool
        Rows of `max_tokens`, however small the vocabulary is. Default False.
    sparse : bool
        In Keras's signature; True is refused.
    encoding : str
        Of bytes, and of the vocabulary's file. Default UTF-8.
    oov_method : {"floormod", "farmhash"}
        In Keras's signature: texts are hashed by FarmHash.
    salt : int or two int, optional
        Hash unknown words by SipHash under this key.
    name : str, optional

    Raises
    ------
    ValueError
        For arguments that cannot be.

    Examples
    --------
    >>> import numpy as np
    >>> from chainrule import layers
    >>> layer = layers.StringLookup()
    >>> layer.adapt(["a", "b", "b", "c"])
    >>> layer.get_vocabulary()
    ['[UNK]', 'b', 'c', 'a']
    >>> layer(np.array([["a", "b"], ["z", "c"]]))
    array([[3, 1],
           [0, 2]])
    >>> layers.StringLookup(vocabulary=layer.get_vocabulary(), invert=True)([3, 0]).tolist()
    ['a', '[UNK]']
    """

    def __init__(
        self,
        max_tokens: int | None = None,
        num_oov_indices: int = 1,
        mask_token: str | None = None,
        oov_token: str | None = "[UNK]",
        vocabulary: Any = None,
        idf_weights: Any = None,
        invert: bool = False,
        output_mode: str = "int",
        pad_to_max_tokens: bool = False,
        sparse: bool = False,
        encoding: str = "utf-8",
        oov_method: str = "floormod",
        salt: Any = None,
        name: str | None = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(
            max_tokens=max_tokens,
            num_oov_indices=num_oov_indices,
            mask_token=mask_token,
            oov_token=oov_token,
            vocabulary_dtype="string",
            vocabulary=vocabulary,
            idf_weights=idf_weights,
            invert=invert,
            output_mode=output_mode,
            sparse=sparse,
            pad_to_max_tokens=pad_to_max_tokens,
            oov_method=oov_method,
            name=name,
            salt=salt,
            encoding=encoding,
            **kwargs,
        )

    def get_config(self) -> dict[str, Any]:
        config = {**super().get_config(), "encoding": self.encoding}
        del config["vocabulary_dtype"]
        return config
