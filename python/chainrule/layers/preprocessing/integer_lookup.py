"""IntegerLookup: integers to indices of a vocabulary, and back."""

from __future__ import annotations

from typing import Any

from chainrule.layers.preprocessing.index_lookup import IndexLookup


class IntegerLookup(IndexLookup):
    """``index = place of the integer in the vocabulary``; with `invert`, the integer at each index.

    Parameters
    ----------
    max_tokens : int, optional
        The most tokens of the vocabulary, special ones among them; the rarest are left out.
    num_oov_indices : int
        Indices for unknown integers, before those of the vocabulary. Of none, an unknown integer is
        an error. Default 1.
    mask_token : int, optional
        Gets index 0 where `output_mode` is "int", and leaves no trace elsewhere.
    oov_token : int
        What `invert` gives for the indices of unknown integers. Default -1.
    vocabulary : array-like or str, optional
        Tokens, or the path of a file with one in each line. Default: `adapt` learns them.
    vocabulary_dtype : {"int64"}
    idf_weights : array-like, optional
        Of the tokens of `vocabulary`, for `output_mode="tf_idf"`.
    invert : bool
        Default False.
    output_mode : {"int", "one_hot", "multi_hot", "count", "tf_idf"}
        As of `StringLookup`.
    sparse : bool
        In Keras's signature; True is refused.
    pad_to_max_tokens : bool
        Rows of `max_tokens`, however small the vocabulary is. Default False.
    oov_method : {"floormod", "farmhash"}
        Which of several indices an unknown integer gets: that of its remainder, or of its hash.
    salt : int or two int, optional
        With "farmhash": SipHash under this key.
    name : str, optional

    Raises
    ------
    ValueError
        For arguments that cannot be.

    Examples
    --------
    >>> from chainrule import layers
    >>> layer = layers.IntegerLookup(vocabulary=[12, 36, 1138])
    >>> layer([36, 12, 7]).tolist()
    [2, 1, 0]
    >>> layers.IntegerLookup(vocabulary=[12, 36, 1138], output_mode="multi_hot")([12, 7]).tolist()
    [1.0, 1.0, 0.0, 0.0]
    """

    def __init__(
        self,
        max_tokens: int | None = None,
        num_oov_indices: int = 1,
        mask_token: int | None = None,
        oov_token: int | None = -1,
        vocabulary: Any = None,
        vocabulary_dtype: str = "int64",
        idf_weights: Any = None,
        invert: bool = False,
        output_mode: str = "int",
        sparse: bool = False,
        pad_to_max_tokens: bool = False,
        oov_method: str = "floormod",
        salt: Any = None,
        name: str | None = None,
        **kwargs: Any,
    ) -> None:
        if vocabulary_dtype != "int64":
            raise ValueError(
                "Only `vocabulary_dtype='int64'` is supported at this time. "
                f"Received: vocabulary_dtype={vocabulary_dtype}"
            )
        super().__init__(
            max_tokens=max_tokens,
            num_oov_indices=num_oov_indices,
            mask_token=None if mask_token is None else int(mask_token),
            oov_token=None if oov_token is None else int(oov_token),
            vocabulary_dtype=vocabulary_dtype,
            vocabulary=vocabulary,
            idf_weights=idf_weights,
            invert=invert,
            output_mode=output_mode,
            sparse=sparse,
            pad_to_max_tokens=pad_to_max_tokens,
            oov_method=oov_method,
            name=name,
            salt=salt,
            **kwargs,
        )
