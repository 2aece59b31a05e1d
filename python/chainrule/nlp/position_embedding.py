"""PositionEmbedding: a learnt vector for each place of a sequence."""

from __future__ import annotations

from typing import Any

from chainrule import initializers, ops
from chainrule.base.errors import ShapeError
from chainrule.layers.layer import Layer
from chainrule.nlp.places import places_of
from chainrule.nlp.sizes import check_size


class PositionEmbedding(Layer):
    """``y[..., t, :] = embeddings[start_index + t, :]``: what stands at a place is told its number.

    Shapes: inputs (..., T, C), of which only the shape counts; embeddings (sequence_length, C);
    y as inputs. T may be anything up to `sequence_length`.

    Parameters
    ----------
    sequence_length : int
        The number of places that there are vectors for.
    initializer : Initializer or str
        Default ``"glorot_uniform"``.

    Raises
    ------
    ValueError
        When `sequence_length` is no positive int.
    ShapeError
        (at a call) for a sequence that goes on beyond the last place.
    DataError
        (at a call) for positions outside the table.

    Notes
    -----
    At a call, `start_index` (an int or a scalar tensor, default 0) is the place of the first
    element; `positions` (T,) or (..., T), ints, name all places in its stead. Arguments as in
    KerasHub. Devlin et al. 2019, arXiv 1810.04805.

    Examples
    --------
    >>> import numpy as np
    >>> from chainrule import nlp
    >>> layer = nlp.PositionEmbedding(5, initializer="ones")
    >>> layer(np.zeros((2, 3, 4))).shape
    (2, 3, 4)
    """

    def __init__(
        self, sequence_length: int, initializer: Any = "glorot_uniform", **kwargs: Any
    ) -> None:
        super().__init__(**kwargs)
        self.sequence_length = check_size("sequence_length", sequence_length)
        self.initializer = initializers.get(initializer)
        self.supports_masking = True

    def build(self, inputs_shape: Any) -> None:
        self.position_embeddings = self.add_weight(
            name="embeddings",
            shape=(self.sequence_length, inputs_shape[-1]),
            initializer=self.initializer,
        )

    def call(self, inputs: Any, start_index: Any = 0, positions: Any = None) -> Any:
        return ops.broadcast_to(self.rows(inputs.shape, start_index, positions), inputs.shape)

    def rows(self, shape: Any, start_index: Any = 0, positions: Any = None) -> Any:
        """The vectors for inputs of this shape, (T, C) unless `positions` have more axes."""
        table = ops.cast(self.position_embeddings, self.compute_dtype)
        length = shape[-2]
        if positions is None and isinstance(start_index, int):
            self._check_length(start_index, length)
            return table[start_index : start_index + length]
        return ops.take(table, places_of(length, start_index, positions), axis=0)

    def _check_length(self, start: int, length: Any) -> None:
        is_beyond = isinstance(length, int) and start + length > self.sequence_length
        if start < 0 or is_beyond:
            raise ShapeError(
                f"layer '{self.path or self.name}': expected places from 0 up to "
                f"sequence_length={self.sequence_length}, got a sequence of {length} from place "
                f"{start} on"
            )

    def compute_output_shape(self, inputs_shape: Any) -> Any:
        self._check_length(0, inputs_shape[-2])
        return inputs_shape

    def get_config(self) -> dict[str, Any]:
        return {
            **super().get_config(),
            "sequence_length": self.sequence_length,
            "initializer": initializers.serialize(self.initializer),
        }
