"""Discretization: numbers to the index of the range that they are in."""

from __future__ import annotations

from typing import Any

import numpy as np

from chainrule import ops
from chainrule.base.errors import DataError, NonFiniteError
from chainrule.base.tables import as_numbers
from chainrule.base.tracking import changes
from chainrule.layers.layer import Layer
from chainrule.layers.preprocessing.host_layer import batches_of
from chainrule.layers.preprocessing.options import check_choice, refuse_sparse
from chainrule.layers.preprocessing.quantiles import QuantileSketch
from chainrule.tracing.tensor import KerasTensor


class Discretization(Layer):
    """``y = number of boundaries that are at most x``, as index, one-hot, multi-hot or counts.

    Boundaries ``[0, 1, 2]`` make the ranges below 0, [0, 1), [1, 2) and from 2 on.

    Parameters
    ----------
    bin_boundaries : list of float, optional
        Ascending.
    num_bins : int, optional
        How many ranges `adapt` makes, with as many numbers in each. One of the two is given.
    epsilon : float
        How far, as a fraction of all numbers, a boundary may be from its place, in data of more than
        a million numbers; of fewer it is exact. Default 0.01.
    output_mode : {"int", "one_hot", "multi_hot", "count"}
        The index; a row of zeros and a 1 for each; or for each sample, which is axis 1, a row of
        ones, or of counts.
    sparse : bool
        In Keras's signature; True is refused.
    dtype, name : str, optional

    Raises
    ------
    ValueError
        For arguments that cannot be; when called before there are boundaries.

    Examples
    --------
    >>> import numpy as np
    >>> from chainrule import layers
    >>> layers.Discretization(bin_boundaries=[0.0, 1.0, 2.0])(np.array([-1.5, 1.0, 3.4, 0.5]))
    array([0, 2, 3, 1], dtype=int32)
    >>> layer = layers.Discretization(num_bins=4)
    >>> layer.adapt(np.arange(100.0))
    >>> layer.bin_boundaries
    [24.75, 49.5, 74.25]
    """

    def __init__(
        self,
        bin_boundaries: Any = None,
        num_bins: int | None = None,
        epsilon: float = 0.01,
        output_mode: str = "int",
        sparse: bool = False,
        dtype: Any = None,
        name: str | None = None,
    ) -> None:
        super().__init__(name=name, dtype=dtype)
        if sparse and output_mode == "int":
            raise ValueError(
                "`sparse=True` may only be used if `output_mode` is `'one_hot'`, `'multi_hot'`, or "
                f"`'count'`. Received: sparse={sparse} and output_mode={output_mode}"
            )
        refuse_sparse(sparse, "Discretization")
        modes = ("int", "one_hot", "multi_hot", "count")
        check_choice(output_mode, modes, "output_mode", "Discretization")
        if num_bins is not None and num_bins < 0:
            raise ValueError(
                "`num_bins` must be greater than or equal to 0. "
                f"Received: `num_bins={num_bins}`"
            )
        if num_bins is not None and bin_boundaries is not None:
            raise ValueError(
                "Both `num_bins` and `bin_boundaries` should not be set. Received: "
                f"`num_bins={num_bins}` and `bin_boundaries={bin_boundaries}`"
            )
        if num_bins is None and bin_boundaries is None:
            raise ValueError("You need to set either `num_bins` or `bin_boundaries`.")
        self._allow_non_tensor_positional_args = True
        self.num_bins = num_bins
        self.epsilon = epsilon
        self.output_mode = output_mode
        self.sparse = sparse
        self.bin_boundaries = bin_boundaries
        self._sketch = QuantileSketch(epsilon)

    @property
    def bin_boundaries(self) -> list[float] | None:
        """The boundaries, ascending; None where `adapt` has not found them yet."""
        return None if self._boundaries is None else list(self._boundaries)

    @bin_boundaries.setter
    def bin_boundaries(self, value: Any) -> None:
        if value is not None:
            array = np.asarray(as_numbers(value, "bin_boundaries"), dtype="float64")
            if array.ndim != 1 or not (np.diff(array) >= 0).all():
                raise ValueError(f"bin_boundaries: expected ascending numbers, got {value}")
            value = tuple(array.tolist())
        self._boundaries: tuple[float, ...] | None = value
        # Steps that were compiled with other boundaries are not of now.
        changes.adaptations += 1
        changes.count += 1

    @property
    def output_dtype(self) -> str:
        """The dtype of what the layer gives."""
        return self.compute_dtype if self.output_mode != "int" else "int32"

    def adapt(self, data: Any, steps: int | None = None) -> None:
        """Find the boundaries between ranges of as many numbers.

        Parameters
        ----------
        data : array, list of arrays, or iterable of batches
        steps : int, optional
            The most batches of an iterable.

        Raises
        ------
        ValueError
            A layer that was given its boundaries, no numbers, or NaN. The layer stays as it was.
        """
        if self.num_bins is None:
            raise ValueError(
                "Cannot adapt a Discretization layer that has been initialized with "
                "`bin_boundaries`, use `num_bins` instead."
            )
        before = self._sketch
        self.reset_state()
        batches = data if not hasattr(data, "__array__") else [data]
        if isinstance(batches, (list, tuple)):
            batches = iter(batches)
        try:
            for batch in batches_of(batches, steps, f"layer '{self.name}'"):
                self.update_state(batch)
            self.finalize_state()
        except BaseException:
            self._sketch = before
            raise

    def update_state(self, data: Any) -> None:
        """Take the numbers of one batch into account."""
        values = as_numbers(data, f"layer '{self.name}': adapt").astype("float64").ravel()
        if np.isnan(values).any():
            raise NonFiniteError(f"layer '{self.name}': adapt() expected numbers, got NaN")
        self._sketch.add(values)

    def finalize_state(self) -> None:
        """Make boundaries of what has come."""
        if self.num_bins is None:
            return
        if not self._sketch.count:
            raise DataError(f"layer '{self.name}': adapt() expected at least one number, got none")
        self.bin_boundaries = self._sketch.boundaries(self.num_bins)
        self.reset_state()

    def reset_state(self) -> None:
        """Forget what has come."""
        self._sketch = QuantileSketch(self.epsilon)

    def _depth(self) -> int:
        if self._boundaries is not None:
            return len(self._boundaries) + 1
        assert self.num_bins is not None
        return self.num_bins

    def call(self, inputs: Any) -> Any:
        if self._boundaries is None:
            raise ValueError(
                "You need to either pass the `bin_boundaries` argument at construction time or "
                "call `adapt(dataset)` before you can start using the `Discretization` layer."
            )
        x = ops.convert_to_tensor(inputs)
        if not str(x.dtype).startswith("float"):
            x = ops.cast(x, "float32")
        indices = ops.cast(ops.digitize(x, np.array(self._boundaries, str(x.dtype))), "int32")
        if self.output_mode == "int":
            return indices
        shape = tuple(indices.shape)
        if not shape and self.output_mode != "one_hot":
            indices = ops.reshape(indices, (1,))
        elif self.output_mode == "one_hot" and len(shape) > 1 and shape[-1] == 1:
            indices = ops.squeeze(indices, axis=-1)
        rows = ops.one_hot(indices, self._depth(), dtype=self.compute_dtype)
        if self.output_mode == "one_hot":
            return rows
        axis = 1 if len(shape) > 1 else 0
        return (ops.max if self.output_mode == "multi_hot" else ops.sum)(rows, axis=axis)

    def compute_output_shape(self, input_shape: Any) -> Any:
        shape = tuple(input_shape)
        if self.output_mode == "int":
            return shape
        depth = self._depth()
        if self.output_mode == "one_hot":
            return (*(shape[:-1] if len(shape) > 1 and shape[-1] == 1 else shape), depth)
        return (shape[0], *shape[2:], depth) if len(shape) > 1 else (depth,)

    def compute_output_spec(self, inputs: Any) -> Any:
        return KerasTensor(self.compute_output_shape(inputs.shape), self.output_dtype)

    def get_config(self) -> dict[str, Any]:
        return {
            "bin_boundaries": self.bin_boundaries,
            "num_bins": self.num_bins,
            "epsilon": self.epsilon,
            "output_mode": self.output_mode,
            "sparse": self.sparse,
            "name": self.name,
            "dtype": self.dtype,
        }

    @classmethod
    def from_config(cls, config: dict[str, Any]) -> Any:
        """The layer of a configuration; one that was adapted has its boundaries."""
        config = dict(config)
        found = config.pop("bin_boundaries", None)
        if config.get("num_bins") is None:
            return super().from_config({**config, "bin_boundaries": found})
        layer = super().from_config(config)
        layer.bin_boundaries = found
        return layer
