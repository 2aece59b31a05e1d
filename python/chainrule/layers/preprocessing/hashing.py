"""Hashing: categories to a fixed number of bins, by a hash that is the same everywhere."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from chainrule.base import config
from chainrule.base.fingerprints import fingerprint64, siphash64
from chainrule.base.texts import as_texts, holds_texts
from chainrule.layers.preprocessing.categories import encode, encoded_shape
from chainrule.layers.preprocessing.host_layer import HostLayer, as_integers
from chainrule.layers.preprocessing.options import paired_salt, refuse_sparse
from chainrule.tracing.tensor import KerasTensor

__all__ = ["Hashing", "as_categories", "buckets"]

Array = NDArray[Any]

_MODES = ("int", "one_hot", "multi_hot", "count")


def buckets(values: Array, count: int, salt: list[int] | None = None) -> Array:
    """The bucket of each text or integer, which is hashed as it is written; as int64.

    Parameters
    ----------
    values : ndarray of str or int
    count : int
        Of buckets.
    salt : list of two int, optional
        SipHash under this key instead of FarmHash.
    """
    flat = values.ravel().tolist()
    unique = list(dict.fromkeys(flat))
    written = [str(value).encode("utf-8", "surrogatepass") for value in unique]
    hashes = fingerprint64(written) if salt is None else siphash64(written, (salt[0], salt[1]))
    table = dict(zip(unique, (hashes % np.uint64(count)).tolist()))
    found = np.fromiter(map(table.__getitem__, flat), np.int64, len(flat))
    return found.reshape(values.shape)


def as_categories(x: Any, place: str) -> Array:
    """`x` as an array of texts, or of integers."""
    return as_texts(x, place) if holds_texts(x) else as_integers(x, place)


class Hashing(HostLayer):
    """``bin = hash(value) mod num_bins``, for texts and integers.

    Without a salt the hash is FarmHash's Fingerprint64, with one SipHash-2-4: the bins are those of
    Keras. Integers are hashed as they are written; of floats the fraction is cut off.

    Parameters
    ----------
    num_bins : int
    mask_value : str or int, optional
        What gets bin 0; all else the bins from 1 on.
    salt : int or two int, optional
        The key of SipHash.
    output_mode : {"int", "one_hot", "multi_hot", "count"}
        The bins; a row of zeros and a 1 for each; or for each sample, the last axis, a row of ones,
        or of how many there are.
    sparse : bool
        In Keras's signature; True is refused.
    dtype : str, optional
        Default: int64 for `output_mode="int"`, else ``config.floatx()``.

    Raises
    ------
    ValueError
        For arguments that cannot be.

    Examples
    --------
    >>> from chainrule import layers
    >>> layers.Hashing(num_bins=3)([["A"], ["B"], ["C"], ["D"], ["E"]]).ravel().tolist()
    [1, 0, 1, 1, 2]
    >>> layers.Hashing(num_bins=3, salt=[133, 137])(["A", "B", "C"]).tolist()
    [1, 2, 1]
    """

    def __init__(
        self,
        num_bins: int,
        mask_value: Any = None,
        salt: Any = None,
        output_mode: str = "int",
        sparse: bool = False,
        **kwargs: Any,
    ) -> None:
        if kwargs.get("dtype") is None:
            kwargs["dtype"] = "int64" if output_mode == "int" else config.floatx()
        super().__init__(**kwargs)
        if isinstance(num_bins, int) and num_bins >= 2**63:
            raise ValueError(
                f"layer 'Hashing': expected `num_bins` below 2**63, got {num_bins}"
            )
        if num_bins is None or num_bins <= 0:
            raise ValueError(
                "The `num_bins` for `Hashing` cannot be `None` or non-positive values. "
                f"Received: num_bins={num_bins}."
            )
        if output_mode == "int" and self.dtype_policy.name not in ("int32", "int64"):
            raise ValueError(
                'When `output_mode="int"`, `dtype` should be an integer type, \'int32\' or '
                f"'int64'. Received: dtype={kwargs['dtype']}"
            )
        if output_mode not in _MODES:
            raise ValueError(
                f"Invalid value for argument `output_mode`. Expected one of {_MODES}. "
                f"Received: output_mode={output_mode}"
            )
        if sparse and output_mode == "int":
            raise ValueError(
                '`sparse` may only be true if `output_mode` is `"one_hot"`, `"multi_hot"`, or '
                f'`"count"`. Received: sparse={sparse} and output_mode={output_mode}'
            )
        refuse_sparse(sparse, "Hashing")
        self.num_bins = num_bins
        self.mask_value = mask_value
        self.output_mode = output_mode
        self.sparse = sparse
        self.salt = paired_salt(salt, "Hashing")
        self.strong_hash = salt is not None

    def _received(self, inputs: Any) -> Array:
        if holds_texts(inputs):
            return as_texts(inputs, self._place)
        array = np.asarray(inputs)
        if array.dtype.kind == "f":
            array = np.trunc(array)
        return as_integers(array, self._place)

    def call(self, inputs: Any) -> Any:
        masked = self.mask_value is not None and self.num_bins > 1
        bins = buckets(inputs, self.num_bins - masked, self.salt)
        if masked:
            bins = np.where(np.asarray(inputs == self.mask_value, bool), 0, bins + 1)
        return encode(bins, self.output_mode, self.num_bins, self.compute_dtype)

    def compute_output_shape(self, input_shape: Any) -> Any:
        return encoded_shape(input_shape, self.output_mode, self.num_bins)

    def compute_output_spec(self, inputs: Any) -> Any:
        return KerasTensor(self.compute_output_shape(inputs.shape), self.compute_dtype)

    def get_config(self) -> dict[str, Any]:
        return {
            **super().get_config(),
            "num_bins": self.num_bins,
            "salt": None if self.salt is None else list(self.salt),
            "mask_value": self.mask_value,
            "output_mode": self.output_mode,
            "sparse": self.sparse,
        }
