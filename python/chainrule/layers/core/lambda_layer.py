"""Lambda: a function as a layer."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from typing import Any

from chainrule.base import serialization, tree
from chainrule.layers.layer import Layer
from chainrule.tracing.specs import compute_output_spec
from chainrule.tracing.tensor import KerasTensor


class Lambda(Layer):
    """``y = function(x, **arguments)``, for functions written in `chainrule.ops`.

    A model with a `Lambda` can be saved when the function has a name and is registered
    (`chainrule.saving.register_keras_serializable`) or passed in `custom_objects`; a Python
    ``lambda`` cannot be loaded, because loading never runs code from a file.

    Parameters
    ----------
    function : callable
        Takes the inputs first; may take `mask` and `training`.
    output_shape : tuple or callable, optional
        The shape of the output without the batch, or a function of the input's shape. Default:
        found by tracing.
    mask : tensor or callable, optional
        The mask of the output, or a function ``(inputs, mask)``.
    arguments : dict, optional
        More keyword arguments.

    Examples
    --------
    >>> import numpy as np
    >>> from chainrule import layers, ops
    >>> layers.Lambda(ops.square)(np.array([3.0])).tolist()
    [9.0]
    """

    def __init__(
        self,
        function: Callable[..., Any],
        output_shape: Any = None,
        mask: Any = None,
        arguments: dict[str, Any] | None = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        self.arguments = arguments or {}
        self.function = function
        self.supports_masking = mask is not None
        self.mask = mask
        self._output_shape = output_shape
        names = inspect.signature(function).parameters
        self._fn_expects_training_arg = "training" in names
        self._fn_expects_mask_arg = "mask" in names

    def compute_output_shape(self, input_shape: Any) -> Any:
        if callable(self._output_shape):
            return self._output_shape(input_shape)
        if self._output_shape is not None:
            batch = tree.flatten(input_shape)[0]
            return tree.map_shape_structure(lambda s: (batch, *s), self._output_shape)
        inputs = tree.map_shape_structure(
            lambda s: KerasTensor(s, dtype=self.compute_dtype), input_shape
        )
        try:
            spec = compute_output_spec(self.call, inputs)
        except Exception as error:
            raise NotImplementedError(
                f"Layer '{self.name}': the shape of the output cannot be found by tracing the "
                "function. Write it in `chainrule.ops`, or where it is, give `output_shape`. "
                f"Cause: {error}"
            ) from error
        return tree.map_structure(lambda x: x.shape, spec)

    def call(self, inputs: Any, mask: Any = None, training: bool | None = None) -> Any:
        kwargs = dict(self.arguments)
        if self._fn_expects_mask_arg:
            kwargs["mask"] = mask
        if self._fn_expects_training_arg:
            kwargs["training"] = training
        return self.function(inputs, **kwargs)

    def compute_mask(self, inputs: Any, mask: Any = None) -> Any:
        return self.mask(inputs, mask) if callable(self.mask) else self.mask

    def get_config(self) -> dict[str, Any]:
        config = {
            "function": serialization.serialize_keras_object(self.function),
            "arguments": serialization.serialize_keras_object(dict(self.arguments)),
        }
        if self._output_shape is not None:
            shape = self._output_shape
            config["output_shape"] = (
                serialization.serialize_keras_object(shape) if callable(shape) else shape
            )
        if self.mask is not None:
            config["mask"] = serialization.serialize_keras_object(self.mask)
        return {**super().get_config(), **config}

    @classmethod
    def from_config(
        cls,
        config: dict[str, Any],
        custom_objects: dict[str, Any] | None = None,
        safe_mode: bool | None = None,
    ) -> Any:
        """Build the layer from its config.

        Raises
        ------
        ValueError
            When a function in it is a Python lambda, whatever `safe_mode` says.
        """
        config = dict(config)
        for name in ("function", "output_shape", "mask", "arguments"):
            value = config.get(name)
            if isinstance(value, dict) and value.get("class_name") == "__lambda__":
                raise ValueError(
                    f"The `{name}` of a `Lambda` layer is a Python lambda. Loading it would be "
                    "arbitrary code execution, which chainrule never does. Give the function a "
                    "name and register it with `chainrule.saving.register_keras_serializable`."
                )
            if isinstance(value, (dict, str)):
                config[name] = serialization.deserialize_keras_object(
                    value, custom_objects=custom_objects
                )
        if isinstance(config.get("output_shape"), list):
            config["output_shape"] = tuple(config["output_shape"])
        return cls(**config)
