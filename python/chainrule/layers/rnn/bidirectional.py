"""Bidirectional: a recurrent layer that reads sequences from both ends."""

from __future__ import annotations

from typing import Any

from chainrule import ops
from chainrule.base import serialization, tree
from chainrule.layers.layer import Layer

_MODES = ("sum", "mul", "concat", "ave", None)


class Bidirectional(Layer):
    """``merge(layer(x), layer backwards(x))``, the outputs of both in the order of x.

    Parameters
    ----------
    layer : RNN
        Its copy with `go_backwards` turned reads from the other end.
    merge_mode : {"concat", "sum", "mul", "ave"} or None, default "concat"
        None gives both outputs.
    weights : list of arrays, optional
        Those to begin with, of the forward layer, then of the backward one.
    backward_layer : RNN, optional
        What reads from the other end, instead of the copy.

    Raises
    ------
    ValueError
        No layer, another mode, or a backward layer that reads the same way or returns other things.

    Notes
    -----
    Inputs (batch, steps, features), a mask (batch, steps), `initial_state` of the forward layer, then
    of the backward one. (Schuster & Paliwal 1997.)

    Examples
    --------
    >>> import numpy as np
    >>> from chainrule import layers
    >>> layers.Bidirectional(layers.LSTM(4, return_sequences=True))(np.ones((2, 3, 5))).shape
    (2, 3, 8)
    """

    def __init__(
        self,
        layer: Any,
        merge_mode: str | None = "concat",
        weights: Any = None,
        backward_layer: Any = None,
        **kwargs: Any,
    ) -> None:
        if not isinstance(layer, Layer):
            raise ValueError(
                "Please initialize `Bidirectional` layer with a `keras.layers.Layer` instance. "
                f"Received: {layer}"
            )
        if backward_layer is not None and not isinstance(backward_layer, Layer):
            raise ValueError(
                "`backward_layer` need to be a `keras.layers.Layer` instance. "
                f"Received: {backward_layer}"
            )
        if merge_mode not in _MODES:
            raise ValueError(
                f"Invalid merge mode. Received: {merge_mode}. "
                f"Merge mode should be one of {set(_MODES)}"
            )
        super().__init__(**kwargs)
        # Copies: of one layer inside another, only the outer one would be called.
        self.forward_layer = _copy(layer, "forward_")
        self.backward_layer: Any = backward_layer
        if backward_layer is None:
            self.backward_layer = _copy(layer, "backward_", go_backwards=True)
        self._check_layers()
        # The steps that the mask leaves out have no place in the sequence of the other direction.
        for each in (self.forward_layer, self.backward_layer):
            if hasattr(each, "zero_output_for_mask"):
                each.zero_output_for_mask = each.return_sequences
        self.merge_mode = merge_mode
        if weights:
            half = len(weights) // 2
            self.forward_layer.initial_weights = weights[:half]
            self.backward_layer.initial_weights = weights[half:]
        self.stateful: bool = self.forward_layer.stateful
        self.return_sequences: bool = self.forward_layer.return_sequences
        self.return_state: bool = self.forward_layer.return_state
        self.supports_masking = True
        self.input_spec = layer.input_spec
        self._own_backward = backward_layer is not None

    def _check_layers(self) -> None:
        forward, backward = self.forward_layer, self.backward_layer
        if forward.go_backwards == backward.go_backwards:
            raise ValueError(
                "Forward layer and backward layer should have different `go_backwards` value. "
                f"Received: forward_layer.go_backwards {forward.go_backwards}, "
                f"backward_layer.go_backwards={backward.go_backwards}"
            )
        for name in ("stateful", "return_sequences", "return_state"):
            one, other = getattr(forward, name), getattr(backward, name)
            if one != other:
                raise ValueError(
                    f"Forward layer and backward layer are expected to have the same value for "
                    f'attribute "{name}", got "{one}" for forward layer and "{other}" for '
                    "backward layer"
                )

    def compute_output_shape(self, sequences_shape: Any, initial_state_shape: Any = None) -> Any:
        found = self.forward_layer.compute_output_shape(sequences_shape)
        output, *states = found if self.return_state else (found,)
        output = tuple(output)
        if self.merge_mode == "concat":
            output = (*output[:-1], output[-1] * 2)
        outputs = [output, output] if self.merge_mode is None else [output]
        if self.return_state:
            return (*outputs, *states, *states)
        return tuple(outputs) if self.merge_mode is None else output

    def call(
        self, sequences: Any, initial_state: Any = None, mask: Any = None, training: Any = None
    ) -> Any:
        halves: tuple[Any, Any] = (None, None)
        if initial_state is not None:
            half = len(initial_state) // 2
            halves = (initial_state[:half], initial_state[half:])
        pair = (self.forward_layer, self.backward_layer)
        results = [
            layer(sequences, initial_state=state, **self._arguments(layer, mask, training))
            for layer, state in zip(pair, halves)
        ]
        states: tuple[Any, ...] = ()
        if self.return_state:
            states = tuple(state for result in results for state in result[1:])
            results = [result[0] for result in results]
        y, y_back = (ops.cast(result, self.compute_dtype) for result in results)
        if self.return_sequences:
            y_back = ops.flip(y_back, axis=1)
        output = self._merged(y, y_back)
        if not self.return_state:
            return output
        return (*output, *states) if self.merge_mode is None else (output, *states)

    def _arguments(self, layer: Any, mask: Any, training: Any) -> dict[str, Any]:
        given = {"training": (layer._call_has_training_arg, training)}
        given["mask"] = (layer._call_has_mask_arg, mask)
        return {name: value for name, (takes, value) in given.items() if takes}

    def _merged(self, y: Any, y_back: Any) -> Any:
        if self.merge_mode is None:
            return (y, y_back)
        if self.merge_mode == "concat":
            return ops.concatenate([y, y_back], axis=-1)
        if self.merge_mode == "mul":
            return y * y_back
        total = y + y_back
        return total if self.merge_mode == "sum" else total / 2

    def reset_states(self) -> None:
        """As `reset_state`."""
        self.reset_state()

    def reset_state(self) -> None:
        """Let stateful layers begin with zeros again."""
        if not self.stateful:
            raise AttributeError("Layer must be stateful.")
        self.forward_layer.reset_state()
        self.backward_layer.reset_state()

    @property
    def states(self) -> tuple[Any, ...] | None:
        """Those of both layers, or None."""
        forward, backward = self.forward_layer.states, self.backward_layer.states
        return (*forward, *backward) if forward and backward else None

    def build(self, sequences_shape: Any, initial_state_shape: Any = None) -> None:
        for layer in (self.forward_layer, self.backward_layer):
            if not layer.built:
                layer.build(sequences_shape)
                layer.built = True
        self.built = True

    def compute_mask(self, _: Any, mask: Any) -> Any:
        mask = tree.flatten(mask)[0]
        own = mask if self.return_sequences else None
        masks = [own, own] if self.merge_mode is None else [own]
        if self.return_state:
            count = len(self.forward_layer.state_size) + len(self.backward_layer.state_size)
            return [*masks, *[None] * count]
        return tuple(masks) if self.merge_mode is None else own

    def get_config(self) -> dict[str, Any]:
        layer = serialization.serialize_keras_object(self.forward_layer)
        layer["config"]["name"] = layer["config"]["name"].removeprefix("forward_")
        config = {**super().get_config(), "merge_mode": self.merge_mode, "layer": layer}
        if self._own_backward:
            config["backward_layer"] = serialization.serialize_keras_object(self.backward_layer)
        return config

    @classmethod
    def from_config(
        cls, config: dict[str, Any], custom_objects: dict[str, Any] | None = None
    ) -> Any:
        config = dict(config)
        for name in ("layer", "backward_layer"):
            if config.get(name) is not None:
                config[name] = serialization.deserialize_keras_object(
                    config[name], custom_objects=custom_objects
                )
        return cls(**config)


def _copy(layer: Any, prefix: str, **changes: Any) -> Any:
    """A layer of the same config but for the changes, without weights."""
    config = {**layer.get_config(), **changes}
    config["name"] = prefix + config["name"].removeprefix(prefix)
    copy = type(layer).from_config(config)
    if hasattr(layer, "use_cudnn"):  # which configs do not hold
        copy.use_cudnn = layer.use_cudnn
    return copy
