"""Sequential: layers one after the other."""

from __future__ import annotations

import inspect
from collections.abc import Iterable
from typing import Any

from chainrule.base import tree
from chainrule.base.errors import ShapeError
from chainrule.base.serialization import (
    deserialize_keras_object,
    serialize_keras_object,
    sharing,
)
from chainrule.layers.core.input_layer import Input, InputLayer
from chainrule.layers.layer import Layer
from chainrule.layers.state import check_nesting
from chainrule.models.functional import Functional
from chainrule.models.host import HostPart
from chainrule.models.inputs import fit_to_shape
from chainrule.models.model import Model
from chainrule.tracing.specs import compute_output_spec
from chainrule.tracing.tensor import KerasTensor, shape_equal
from chainrule.training.loaded import Loaded


class Sequential(Model):
    """``y = layers[-1](... layers[1](layers[0](x)))``.

    Parameters
    ----------
    layers : list of Layer, optional
        May begin with an `Input`, which fixes the shape so that weights exist at once.
    trainable : bool
        Default True.
    name : str, optional

    Raises
    ------
    ValueError
        Something that is no layer, or a second layer of the same name.

    Examples
    --------
    >>> import chainrule as keras
    >>> model = keras.Sequential([keras.Input((4,)), keras.layers.Dense(3), keras.layers.Dense(2)])
    >>> model.output_shape, model.count_params()
    ((None, 2), 23)
    """

    _input_layer: InputLayer | None
    _outputs: Any
    _functional: Functional | None
    _declared: bool

    def __new__(cls, *args: Any, **kwargs: Any) -> Any:
        return Layer.__new__(cls, *args, **kwargs)

    def __init__(
        self, layers: Iterable[Any] | None = None, trainable: bool = True, name: str | None = None
    ) -> None:
        super().__init__(trainable=trainable, name=name)
        self._set_input(None)
        self.__dict__["_declared"] = False
        self._reset()
        for layer in layers or ():
            self._append(layer)
        self._maybe_rebuild()

    def add(self, layer: Any, rebuild: bool = True) -> None:
        """Put a layer at the end."""
        self._append(layer)
        if rebuild:
            self._maybe_rebuild()

    def pop(self, rebuild: bool = True) -> Layer:
        """Take the last layer away and return it."""
        if not self.layers:
            raise ValueError(f"model '{self.name}': expected a layer to pop, got an empty model")
        chain = list(self._layers)
        last: Layer = chain.pop()
        self._set_chain(chain)
        self._reset()
        if rebuild:
            self._maybe_rebuild()
        return last

    def _set_input(self, found: Any) -> None:
        """Keep the input layer (or an `Input` tensor's) outside the tracked layers."""
        if isinstance(found, KerasTensor):
            found = found._keras_history.operation
        self.__dict__["_input_layer"] = found

    def _set_chain(self, chain: list[Any]) -> None:
        self._tracker.unlock()
        self._layers[:] = chain
        self._lock_state()

    def _append(self, layer: Any) -> None:
        if isinstance(layer, KerasTensor):
            origin = getattr(layer, "_keras_history", (None,))[0]
            if isinstance(origin, InputLayer):
                layer = origin
        if not isinstance(layer, Layer):
            raise ValueError(
                "Only instances of `chainrule.Layer` can be added to a Sequential model. "
                f"Received: {layer!r} (of type {type(layer)})"
            )
        if isinstance(layer, InputLayer):
            if self._layers or self._input_layer is not None:
                raise ValueError(
                    f"Sequential model '{self.name}' has already been configured to use input "
                    f"shape {self._input_layer and self._input_layer.batch_shape}; expected the "
                    f"Input first, got one after {len(self._layers)} layers"
                )
            self._set_input(layer)
            self.__dict__["_declared"] = True
            return
        check_nesting(layer)
        if any(layer.name == other.name for other in self._layers):
            raise ValueError(
                "All layers added to a Sequential model should have unique names. Name "
                f"'{layer.name}' is already the name of a layer in this model. "
                "Update the `name` argument to pass a unique name."
            )
        shape = getattr(layer, "_input_shape_arg", None)
        if shape is not None and not self._layers and self._input_layer is None:
            self._set_input(Input(shape=shape, dtype=self.compute_dtype))
            self.__dict__["_declared"] = True
        starts = not self._layers and self._input_layer is None
        if starts and isinstance(layer, Model) and hasattr(layer, "input_shape"):
            shape, dtype = layer.input_shape, layer.inputs[0].dtype  # type: ignore[attr-defined]
            if isinstance(shape, tuple) and not any(isinstance(size, tuple) for size in shape):
                self._set_input(Input(batch_shape=shape, dtype=dtype))
        self._set_chain([*self._layers, layer])
        self._reset()

    def _reset(self) -> None:
        self.built = False
        self.__dict__["_outputs"] = None
        self.__dict__["_functional"] = None
        self._training.forget_layers()

    def _maybe_rebuild(self) -> None:
        if self._input_layer is not None and self._layers and self._outputs is None:
            self.build(self._input_layer.batch_shape)

    @property
    def layers(self) -> list[Layer]:
        """The layers in order, without the input."""
        return list(self._layers)

    @layers.setter
    def layers(self, _: Any) -> None:
        raise AttributeError(
            "`Sequential.layers` attribute is reserved and should not be used. "
            "Use `add()` and `pop()` to change the layers in this model."
        )

    def build(self, input_shape: Any = None) -> None:
        """Make every layer's variables for inputs of this shape, the batch size first."""
        if not self._layers:
            raise ValueError(
                f"Sequential model {self.name} cannot be built because it has no layers. "
                "Call `model.add(layer)`."
            )
        if input_shape is None:
            if self._input_layer is None:
                raise ValueError(
                    f"You must provide an `input_shape` argument to build model '{self.name}'."
                )
            input_shape = self._input_layer.batch_shape
        if not _is_shape(input_shape) and len(input_shape) == 1:
            values = input_shape.values() if isinstance(input_shape, dict) else input_shape
            input_shape = next(iter(values))
        if not _is_shape(input_shape):
            return
        if self._input_layer is None:
            first: Any = self._layers[0]
            texts = getattr(first, "runs_before_steps", False)
            dtype = first.input_dtype if texts else self.compute_dtype
            self._set_input(Input(batch_shape=tuple(input_shape), dtype=dtype))
        elif not shape_equal(self._input_layer.batch_shape, input_shape):
            raise ValueError(
                f"Sequential model '{self.name}' has already been configured to use input shape "
                f"{self._input_layer.batch_shape}. You cannot build it with input_shape "
                f"{tuple(input_shape)}"
            )
        x: Any = self._built_input(checked=False).output
        for layer in self._layers:
            try:
                x = layer(x)
            except NotImplementedError:
                return
            except TypeError as error:
                _check_one_argument(layer, error)
                raise
        values = self.__dict__
        values["_outputs"] = x
        values["_functional"] = Functional(self._built_input().output, x, name=self.name)
        self.built = True

    def _build_on(self, x: Any) -> None:
        symbols = self._symbolic_inputs(x)
        if tree.is_nested(symbols) and len(tree.flatten(symbols)) == 1:
            symbols = tree.flatten(symbols)[0]
        if tree.is_nested(symbols):
            super()._build_on(x)
            return
        if self._input_layer is None:
            self._set_input(Input(batch_shape=symbols.shape, dtype=symbols.dtype))
        declared = tuple(self._built_input(checked=False).batch_shape)
        fit_to_shape(symbols, declared, self.name, self._built_input(False).name, self._declared)
        with self._open_name_scope():
            self.build(declared)

    def call(self, inputs: Any, training: bool | None = None, mask: Any = None) -> Any:
        """Each layer on what the one before gave."""
        x = inputs
        if isinstance(x, Loaded) and self._functional is not None:
            return self._functional.call(x)
        source = self._input_layer
        if source is not None:
            x = self._only(x)
            shape = tuple(source.batch_shape)
            x = fit_to_shape(x, shape, self.name, source.name, sizes=self._declared)
        for layer in self._layers:
            x = layer(x)
        return x

    def _only(self, x: Any) -> Any:
        """The one input, taken out of a list or dict of one."""
        if not tree.is_nested(x):
            return x
        leaves = tree.flatten(x)
        if len(leaves) != 1:
            raise ShapeError(
                f"Sequential model '{self.name}': expected one input, got a {type(x).__name__} of "
                f"{len(leaves)}; a model of several inputs is made by `Model(inputs, outputs)`"
            )
        return leaves[0]

    def compute_output_spec(self, inputs: Any, training: Any = None, mask: Any = None) -> Any:
        """The shapes after every layer."""
        if not self._takes_texts:
            return compute_output_spec(self.call, inputs)
        x = inputs
        for layer in self._layers:
            x = layer.compute_output_spec(x)
        return x

    def _host_part(self, x: Any = None) -> HostPart | None:
        """What runs before the compiled step, for inputs like `x` where none is declared."""
        if not self._takes_texts:
            return None
        if self._functional is None and x is not None:
            array = self._only(x)
            if self._input_layer is None:
                texts = array.dtype.kind == "O"
                dtype = "string" if texts else array.dtype.name
                self._set_input(Input(batch_shape=(None, *array.shape[1:]), dtype=dtype))
            self.build(self._built_input(checked=False).batch_shape)
        return None if self._functional is None else self._functional._host_part()

    def compute_output_shape(self, input_shape: Any) -> Any:
        """The shape after every layer."""
        x: Any = KerasTensor(input_shape, self.compute_dtype)
        for layer in self._layers:
            x = layer.compute_output_spec(x)
        return tree.map_structure(lambda t: tuple(t.shape), x)

    @property
    def inputs(self) -> list[Any]:
        """The symbolic input, in a list."""
        return [self._built_input().output]

    @property
    def outputs(self) -> list[Any]:
        """The symbolic output, in a list."""
        self._built_input()
        return list(tree.flatten(self._outputs))

    @property
    def input(self) -> Any:
        """The input tensor: of the first call in another model's graph, else the model's own."""
        return super().input if self._inbound_nodes else self._built_input().output

    @property
    def output(self) -> Any:
        """The output tensor: of the first call in another model's graph, else the model's own."""
        if self._inbound_nodes:
            return super().output
        self._built_input()
        return self._outputs

    @property
    def input_shape(self) -> Any:
        """The shape of the input, None for the batch size."""
        return tuple(self._built_input().batch_shape)

    @property
    def output_shape(self) -> Any:
        """The shape of the output, None for the batch size."""
        self._built_input()
        return tree.map_structure(lambda t: tuple(t.shape), self._outputs)

    def _built_input(self, checked: bool = True) -> InputLayer:
        if self._input_layer is None or (checked and self._outputs is None):
            raise AttributeError(
                f"Sequential model '{self.name}' has no defined inputs or outputs yet: it must "
                "be built first."
            )
        return self._input_layer

    def _obj_type(self) -> str:
        return "Sequential"

    def get_config(self) -> dict[str, Any]:
        """Name, layers (the input first, where there is one) and the built shape."""
        chain: list[Any] = [] if self._input_layer is None else [self._input_layer]
        config: dict[str, Any] = {
            "name": self.name,
            "trainable": self.trainable,
        }
        with sharing() as shared:
            config["layers"] = shared.finish(
                [serialize_keras_object(layer) for layer in [*chain, *self._layers]]
            )
        if self._outputs is not None:
            config["build_input_shape"] = tuple(self._built_input().batch_shape)
        return config

    @classmethod
    def from_config(cls, config: dict[str, Any], custom_objects: Any = None) -> Any:
        """A model of the same layers, built where the original was.

        Raises
        ------
        ValueError
            A configuration without the keys "name" and "layers".
        """
        if not isinstance(config, dict) or not {"name", "layers"} <= set(config):
            raise ValueError(
                "A Sequential model configuration must be a dictionary containing the 'name' and "
                f"'layers' keys. Received: {config}"
            )
        for layer in config["layers"]:
            if not isinstance(layer, dict) or "config" not in layer:
                raise ValueError(
                    "Expected a dictionary containing a 'config' key. "
                    f"Received: {layer!r} (of type {type(layer)})"
                )
        model = cls(name=config.get("name"), trainable=config.get("trainable", True))
        with sharing():
            for layer in config["layers"]:
                model.add(
                    deserialize_keras_object(layer, custom_objects=custom_objects), rebuild=False
                )
        shape = config.get("build_input_shape")
        if shape is not None and not model.built:
            model.build(tuple(shape))
        return model


def _is_shape(x: Any) -> bool:
    return isinstance(x, (tuple, list)) and all(d is None or isinstance(d, int) for d in x)


def _check_one_argument(layer: Any, error: Exception) -> None:
    """Raise for a layer whose `call` needs more, or less, than the input."""
    kinds = (inspect.Parameter.POSITIONAL_ONLY, inspect.Parameter.POSITIONAL_OR_KEYWORD)
    found = inspect.signature(layer.call).parameters.values()
    positional = [p for p in found if p.kind in kinds]
    required = [p.name for p in positional if p.default is inspect.Parameter.empty]
    kind = type(layer).__name__
    if not positional:
        raise ValueError(
            "Layers added to a Sequential model should have a single positional argument, the "
            f"input tensor. Layer {kind} has no positional arguments."
        ) from error
    if len(required) > 1:
        raise ValueError(
            "Layers added to a Sequential model can only have a single required positional "
            f"argument, the input tensor. Layer {kind} has multiple: {required}"
        ) from error
