"""HashedCrossing: combinations of categories to a fixed number of bins."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from chainrule.base import config
from chainrule.base.fingerprints import fingerprint64, fingerprint_cat64
from chainrule.base.texts import as_texts, holds_texts
from chainrule.layers.preprocessing.categories import encode, encoded_shape
from chainrule.layers.preprocessing.host_layer import HostLayer, as_integers
from chainrule.layers.preprocessing.options import check_choice, refuse_sparse
from chainrule.tracing.tensor import KerasTensor

Array = NDArray[Any]

# The fingerprint that those of the features are added to.
_START = 0xDECAFCAFFE


class HashedCrossing(HostLayer):
    """``bin = hash(a, b, ...) mod num_bins``, for features of texts and integers.

    The bins are those of Keras.

    Parameters
    ----------
    num_bins : int
    output_mode : {"int", "one_hot"}
        The bins, or for each a row of zeros and a 1.
    sparse : bool
        In Keras's signature; True is refused.
    name : str, optional
    dtype : str, optional
        Default: int64 for `output_mode="int"`, else ``config.floatx()``.

    Raises
    ------
    ValueError
        When called on fewer than two features, on features of different shapes, or of others than
        (), (batch,) and (batch, 1), or on other than texts and integers.

    Examples
    --------
    >>> import numpy as np
    >>> from chainrule import layers
    >>> letters, numbers = np.array(["A", "B", "A"]), np.array([101, 101, 102])
    >>> layers.HashedCrossing(num_bins=5)((letters, numbers))
    array([1, 4, 3])
    """

    def __init__(
        self,
        num_bins: int,
        output_mode: str = "int",
        sparse: bool = False,
        name: str | None = None,
        dtype: Any = None,
        **kwargs: Any,
    ) -> None:
        if dtype is None:
            dtype = "int64" if output_mode == "int" else config.floatx()
        super().__init__(name=name, dtype=dtype)
        refuse_sparse(sparse, "HashedCrossing")
        check_choice(output_mode, ("int", "one_hot"), "output_mode", type(self).__name__)
        self.num_bins = num_bins
        self.output_mode = output_mode
        self.sparse = sparse

    def __call__(self, inputs: Any, *args: Any, **kwargs: Any) -> Any:
        """The bins of the combinations; `inputs` is a list or tuple of features."""
        if not isinstance(inputs, (list, tuple)):
            raise ValueError(
                "`HashedCrossing` should be called on a list or tuple of inputs. "
                f"Received: inputs={inputs}"
            )
        if len(inputs) < 2:
            raise ValueError(
                "`HashedCrossing` should be called on at least two inputs. "
                f"Received: inputs={inputs}"
            )
        return super().__call__(inputs, *args, **kwargs)

    def _received(self, inputs: Any) -> list[Array]:
        arrays: list[Array] = []
        for x in inputs:
            if holds_texts(x):
                arrays.append(as_texts(x, self._place))
                continue
            array = np.asarray(x)
            _check_shapes([array], inputs)
            if array.dtype.kind not in "iubO":
                raise ValueError(
                    "All `HashedCrossing` inputs should have an integer or string dtype. "
                    f"Received: inputs={inputs}"
                )
            arrays.append(as_integers(array, self._place))
        _check_shapes(arrays, inputs)
        return arrays

    def call(self, inputs: Any) -> Any:
        shape = inputs[0].shape
        hashed = np.full(inputs[0].size, _START, np.uint64)
        for x in inputs:
            hashed = fingerprint_cat64(hashed, _feature(x.ravel()))
        bins = (hashed % np.uint64(self.num_bins)).astype(np.int64).reshape(shape)
        return encode(bins, self.output_mode, self.num_bins, self.compute_dtype)

    def compute_output_shape(self, input_shape: Any) -> Any:
        shapes = tuple(input_shape)
        if len(shapes) < 2 or not all(isinstance(shape, (tuple, list)) for shape in shapes):
            raise ValueError(
                "Expected as input a list/tuple of 2 tensors. "
                f"Received input_shape={input_shape}"
            )
        if any(tuple(shape[-1:]) != tuple(shapes[0][-1:]) for shape in shapes):
            raise ValueError(
                "Expected the two input tensors to have identical shapes. "
                f"Received input_shape={input_shape}"
            )
        return encoded_shape(shapes[0], self.output_mode, self.num_bins)

    def compute_output_spec(self, inputs: Any) -> Any:
        shape = self.compute_output_shape([tuple(x.shape) for x in inputs])
        return KerasTensor(shape, self.compute_dtype)

    def get_config(self) -> dict[str, Any]:
        return {
            "num_bins": self.num_bins,
            "output_mode": self.output_mode,
            "sparse": self.sparse,
            "name": self.name,
            "dtype": self.dtype,
        }


def _check_shapes(arrays: list[Array], inputs: Any) -> None:
    first = arrays[0].shape
    if len(first) > 2 or (len(first) == 2 and first[-1] != 1):
        raise ValueError(
            "All `HashedCrossing` inputs should have shape `()`, `(batch_size)` or "
            f"`(batch_size, 1)`. Received: inputs={inputs}"
        )
    if any(x.shape != first for x in arrays[1:]):
        raise ValueError(
            f"All `HashedCrossing` inputs should have equal shape. Received: inputs={inputs}"
        )


def _feature(x: Array) -> Array:
    """Integers as they are, texts by their fingerprints, as uint64."""
    if x.dtype.kind != "O":
        return x.astype(np.int64).view(np.uint64)
    flat = x.tolist()
    unique = list(dict.fromkeys(flat))
    hashes = fingerprint64([text.encode("utf-8", "surrogatepass") for text in unique])
    places = dict(zip(unique, range(len(unique))))
    return hashes[np.fromiter(map(places.__getitem__, flat), np.int64, len(flat))]
