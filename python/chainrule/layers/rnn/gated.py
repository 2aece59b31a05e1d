"""GatedRNN: what SimpleRNN, LSTM, GRU and ConvLSTM share, an RNN that makes its own cell."""

from __future__ import annotations

from typing import Any, ClassVar

from chainrule.base.suggestions import did_you_mean, unknown_names
from chainrule.layers.input_spec import InputSpec
from chainrule.layers.layer import Layer
from chainrule.layers.rnn.rnn import RNN
from chainrule.regularizers import serialize as serialize_regularizer

_OF_RNN = (
    "return_sequences",
    "return_state",
    "go_backwards",
    "stateful",
    "unroll",
    "zero_output_for_mask",
    "activity_regularizer",
    "name",
    "batch_size",
    "batch_shape",
    "batch_input_shape",
    "input_shape",
)


class GatedRNN(RNN):
    """An RNN whose arguments are those of its cell; the cell's attributes are its own too."""

    cell_class: ClassVar[type[Any]]
    # Whether the constructor takes Keras's `use_cudnn`, which has no effect.
    takes_cudnn: ClassVar[bool] = False

    def __init__(self, units: int, *args: Any, **kwargs: Any) -> None:
        own = {name: kwargs.pop(name) for name in _OF_RNN if name in kwargs}
        use_cudnn = kwargs.pop("use_cudnn", "auto") if self.takes_cudnn else "auto"
        if use_cudnn not in ("auto", True, False):
            raise ValueError(
                "Invalid valid received for argument `use_cudnn`. Expected one of "
                f"{{'auto', True, False}}. Received: use_cudnn={use_cudnn}"
            )
        # What the cell does not know either, and what looks like an argument of the layer.
        meant = "".join(did_you_mean(n, _OF_RNN) for n in unknown_names(self.cell_class, kwargs))
        if meant:
            raise ValueError(
                f"Unrecognized keyword arguments passed to {type(self).__name__}: {kwargs}.{meant}"
            )
        shared = {name: kwargs[name] for name in ("dtype", "trainable") if name in kwargs}
        cell = self.cell_class(units, *args, name=self.cell_name(), **kwargs)
        super().__init__(cell, **own, **shared)
        if self.takes_cudnn:
            self.use_cudnn = use_cudnn
        self.input_spec = InputSpec(ndim=3)

    def build(self, sequences_shape: Any, initial_state_shape: Any = None) -> None:
        super().build(sequences_shape, initial_state_shape)
        axis = self._feature_axis
        ndim = len(sequences_shape)
        self.input_spec = InputSpec(ndim=ndim, axes={axis: sequences_shape[axis]})

    @property
    def _feature_axis(self) -> int:
        """The axis of the sequences whose size the weights fix."""
        return -1

    @classmethod
    def cell_name(cls) -> str:
        """The name of the cell."""
        return f"{cls.cell_class.__name__.removesuffix('Cell').lower()}_cell"

    def __getattr__(self, name: str) -> Any:
        """What the layer has not, of the cell."""
        cell = self.__dict__.get("cell")
        if cell is None or name.startswith("_"):
            raise AttributeError(f"{type(self).__name__!r} object has no attribute {name!r}")
        return getattr(cell, name)

    def get_config(self) -> dict[str, Any]:
        config = super().get_config()
        config.pop("cell")
        cell = self.cell.get_config()
        for name in Layer.get_config(self.cell):
            cell.pop(name, None)
        regularizer = serialize_regularizer(self.activity_regularizer)
        return {**config, **cell, "activity_regularizer": regularizer}

    @classmethod
    def from_config(
        cls, config: dict[str, Any], custom_objects: dict[str, Any] | None = None
    ) -> Any:
        return cls(**config)
