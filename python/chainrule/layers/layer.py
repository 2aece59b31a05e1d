"""Layer: an operation with state, built on its first call."""

from __future__ import annotations

import functools
import inspect
import warnings
from collections.abc import Callable
from contextlib import ExitStack
from typing import Any

import numpy as np

from chainrule import dispatch, dtype_policies, ops, regularizers, tree
from chainrule.dtypes import is_float_dtype, standardize_dtype
from chainrule.errors import DTypeError, NotBuiltError
from chainrule.global_state import get_global_attribute, set_global_attribute
from chainrule.layers.call_spec import (
    CallSpec,
    is_tensor_or_symbolic,
    shapes_for,
)
from chainrule.layers.input_spec import assert_input_compatibility
from chainrule.layers.node import Node
from chainrule.layers.operation import _accepts, default, is_default
from chainrule.layers.state import LayerState
from chainrule.masking import get_keras_mask, set_keras_mask
from chainrule.scopes import (
    AutocastScope,
    StatelessScope,
    current_path,
    get_autocast_scope,
    layer_scope,
    name_scope,
)
from chainrule.tensor import KerasTensor

_CALL_CONTEXT = "current_call_ctx"


class CallContext:
    """What an outermost layer call hands down to the calls inside it, such as `training`."""

    def __init__(self, entry_layer: Layer) -> None:
        self.entry_layer = entry_layer
        self.values: dict[str, Any] = {}

    def get_value(self, arg_name: str, default: Any = None) -> Any:
        """The value of an argument, or `default`."""
        return self.values.get(arg_name, default)

    def set_value(self, arg_name: str, value: Any) -> None:
        """Set the value of an argument."""
        self.values[arg_name] = value


class Layer(LayerState):
    """``outputs = layer(inputs)``: the base class of all layers and models.

    A subclass makes its variables in `build(input_shape)` (or in `__init__`) with `add_weight`
    and computes in `call(inputs)`, written in `chainrule.ops`. The same `call` runs eagerly on
    NumPy arrays, in the trace of a training step, and on the symbolic tensors of `Input`.

    Parameters
    ----------
    activity_regularizer : Regularizer or str, optional
        A penalty on the output, divided by the batch size and added to the losses.
    trainable : bool
        Whether an optimizer updates the variables. Default True.
    dtype : str or DTypePolicy, optional
        Default: the global policy, float32 unless set.
    autocast : bool
        Whether float inputs are cast to the compute dtype. Default True.
    name : str, optional
        Default: the class name in snake case, numbered.

    Raises
    ------
    ValueError
        For an unknown argument, or `trainable` that is no bool.

    Examples
    --------
    >>> import numpy as np
    >>> from chainrule import ops
    >>> class Affine(Layer):
    ...     def __init__(self, units, **kwargs):
    ...         super().__init__(**kwargs)
    ...         self.units = units
    ...     def build(self, input_shape):
    ...         self.w = self.add_weight(shape=(input_shape[-1], self.units), initializer="ones")
    ...         self.b = self.add_weight(shape=(self.units,), initializer="zeros")
    ...     def call(self, inputs):
    ...         return ops.matmul(inputs, self.w) + self.b
    >>> layer = Affine(2)
    >>> layer(np.ones((1, 3))).tolist()
    [[3.0, 3.0]]
    >>> len(layer.trainable_weights)
    2
    """

    def __init_subclass__(cls, **kwargs: Any) -> None:
        super().__init_subclass__(**kwargs)
        if not hasattr(cls.build, "_locks_state"):
            cls.build = _build_and_lock(cls.build)  # type: ignore[method-assign]

    def __init__(
        self,
        *,
        activity_regularizer: Any = None,
        trainable: bool = True,
        dtype: Any = None,
        autocast: bool = True,
        name: str | None = None,
        **kwargs: Any,
    ) -> None:
        self._lock = False
        super().__init__(name=name)
        self._dtype_policy = dtype_policies.get(dtype)
        self.activity_regularizer = regularizers.get(activity_regularizer)
        input_dim = kwargs.pop("input_dim", None)
        input_shape = kwargs.pop("input_shape", None) if input_dim is None else (input_dim,)
        if input_shape is not None:
            warnings.warn(
                "Do not pass an `input_shape`/`input_dim` argument to a layer. When using "
                "Sequential models, prefer using an `Input(shape)` object as the first layer in "
                "the model instead.",
                stacklevel=3,
            )
            self._input_shape_arg = input_shape
        if kwargs:
            raise ValueError(
                f"Unrecognized keyword arguments passed to {type(self).__name__}: {kwargs}"
            )
        if not isinstance(trainable, bool):
            raise ValueError(
                f"Expected `trainable` to be a boolean. Received: trainable={trainable} "
                f"(of type {type(trainable)})"
            )
        self.autocast = autocast
        self.built = False
        self.supports_jit = True
        self._trainable = trainable
        self._path: str | None = None
        self._parent_path: str | None = None
        self._input_spec: Any = None
        self._called = False
        self.__dict__.update(_losses=[], _loss_ids=set(), _losses_override=[])
        self._build_shapes_dict: dict[str, Any] | None = None
        self._convert_input_args = True
        self._allow_non_tensor_positional_args = False
        self._call_signature = inspect.signature(self.call)
        self.call_signature_parameters = list(self._call_signature.parameters)
        self._call_context_args = {"training"}
        self._call_has_training_arg = "training" in self.call_signature_parameters
        self._call_has_mask_arg = "mask" in self.call_signature_parameters
        self._supports_masking = not is_default(self.compute_mask)

    @property
    def path(self) -> str | None:
        """The names of the enclosing layers and its own, joined by `/`; `None` before building."""
        return self._path

    @property
    def input_spec(self) -> Any:
        """What the first argument must look like: `InputSpec`, a structure of them, or `None`."""
        return self._input_spec

    @input_spec.setter
    def input_spec(self, value: Any) -> None:
        self._input_spec = value

    @property
    def supports_masking(self) -> bool:
        """Whether the layer passes masks on."""
        return self._supports_masking

    @supports_masking.setter
    def supports_masking(self, value: bool) -> None:
        self._supports_masking = value

    @property
    def quantization_mode(self) -> None:
        """Always `None`: chainrule has no quantized layers."""
        return None

    def _obj_type(self) -> str:
        return "Layer"

    @default
    def build(self, input_shape: Any) -> None:
        """Make the variables that depend on the input's shape; runs once, before the first call.

        Parameters
        ----------
        input_shape : tuple
            The shape of the first argument of `call`, batch first. A layer with several tensor
            arguments declares `build(self, a_shape, b_shape)` for `call(self, a, b)`.
        """
        self._check_super_called()
        if is_default(self.build) and any(not layer.built for layer in self._layers):
            warnings.warn(
                f"`build()` was called on layer '{self.name}', however the layer does not have a "
                "`build()` method implemented and it looks like it has unbuilt state. This will "
                "cause the layer to be marked as built, despite not being actually built, which "
                "may cause failures down the line. Make sure to implement a proper `build()` "
                "method.",
                stacklevel=3,
            )
        self.built = True

    def _build_at_init(self) -> None:
        """Mark a layer without state as built, unless a subclass has a `build` of its own."""
        if is_default(self.build):
            self.built = True
            self._lock_state()

    def get_build_config(self) -> dict[str, Any] | None:
        """The shapes that `build` got, for `build_from_config`; `None` before building."""
        shapes = self._build_shapes_dict
        if shapes is None:
            return None
        if len(shapes) == 1:
            return {"input_shape": next(iter(shapes.values()))}
        return {"shapes_dict": dict(shapes)}

    def build_from_config(self, config: dict[str, Any] | None) -> None:
        """Build with the shapes from `get_build_config`."""
        if config:
            if "input_shape" in config:
                self.build(config["input_shape"])
            elif "shapes_dict" in config:
                self.build(**config["shapes_dict"])

    @default
    def compute_mask(self, inputs: Any, previous_mask: Any) -> Any:
        """The mask of the outputs, given the inputs and their mask."""
        return previous_mask

    def call(self, *args: Any, **kwargs: Any) -> Any:
        """What the layer computes; subclasses write it in `chainrule.ops`.

        Two keyword arguments are filled in when a `call` declares them: `training` (bool) and
        `mask` (the mask of the inputs).
        """
        raise self._not_implemented_error("call")

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        """Build if needed, check and cast the inputs, fill in `training` and `mask`, and `call`.

        Raises
        ------
        ShapeError
            (a ValueError) when an input does not fit `input_spec`; names the layer.
        DTypeError
            (a TypeError) for arrays of objects, strings, dates or complex numbers.
        ValueError
            When something other than a tensor is passed by position.
        """
        self._check_super_called()
        self._called = True
        given_args, given_kwargs = args, kwargs
        if self._convert_input_args:
            args = tree.map_structure(self._convert, args)
            kwargs = tree.map_structure(self._convert, kwargs)
        if not self._allow_non_tensor_positional_args:
            for arg in tree.flatten(args):
                if not is_tensor_or_symbolic(arg, allow_none=True):
                    raise ValueError(
                        f"Layer '{self.path or self.name}': Only input tensors may be passed as "
                        "positional arguments. The following argument value should be passed as "
                        f"a keyword argument: {arg} (of type {type(arg)})"
                    )
        spec = CallSpec(self._call_signature, self._call_context_args, args, kwargs)
        self._assert_input_compatibility(spec.first_arg)
        with self._open_name_scope():
            self._maybe_build(spec)
        context = self._enter_call_context()
        try:
            kwargs = self._fill_context_arguments(spec, context, dict(kwargs))
            kwargs, previous_mask = self._fill_masks(spec, kwargs)
            outputs = self._run(args, kwargs)
            self._pass_mask_on(spec.first_arg, outputs, previous_mask)
        finally:
            if context.entry_layer is self:
                set_global_attribute(_CALL_CONTEXT, None)
        if dispatch.any_symbolic(given_args, given_kwargs):
            Node(
                operation=self, call_args=given_args, call_kwargs=given_kwargs, outputs=outputs
            )
        return outputs

    def symbolic_call(self, *args: Any, **kwargs: Any) -> Any:
        """Only the outputs' specs: `__call__` records the node, with the arguments it was given."""
        return self.compute_output_spec(*args, **kwargs)

    def _convert(self, x: Any) -> Any:
        """An array-like as a tensor, floats in the compute dtype; anything else unchanged."""
        if not is_tensor_or_symbolic(x):
            if not hasattr(x, "__array__"):
                return x
            if isinstance(x, np.generic):
                x = np.asarray(x)
            else:
                x = ops.convert_to_tensor(x)
        if isinstance(x, np.ndarray) and x.dtype.kind in "OSUMmc":
            raise DTypeError(
                f"Layer '{self.path or self.name}' expected numbers, but got an array of dtype "
                f"{x.dtype} and shape {x.shape}."
            )
        dtype = standardize_dtype(x.dtype)
        if not self.autocast or dtype == self.compute_dtype or not is_float_dtype(dtype):
            return x
        mask = get_keras_mask(x)
        x = ops.cast(x, self.compute_dtype)
        if mask is not None:
            set_keras_mask(x, mask)
        return x

    def _assert_input_compatibility(self, first_arg: Any) -> None:
        if self.input_spec:
            assert_input_compatibility(self.input_spec, first_arg, self.path or self.name)

    def _open_name_scope(self) -> name_scope:
        if self._parent_path is None:
            self._parent_path = current_path()
        return name_scope(self.name, caller=self)

    def _maybe_build(self, spec: CallSpec) -> None:
        if self.built:
            return
        if not is_default(self.build):
            self.build(**shapes_for(self.build, spec, type(self).__name__))
            self._assert_input_compatibility(spec.first_arg)
            return
        if any(not layer.built for layer in self._layers):
            try:
                dispatch.compute_output_spec(self.call, **spec.arguments_dict)
            except Exception as error:
                if spec.eager:
                    return  # the call that follows builds the sub-layers, or raises
                warnings.warn(
                    f"Layer '{self.name}' looks like it has unbuilt state, but its `call()` "
                    "cannot be traced in order to build it automatically. Call the layer on an "
                    "array first to see whether `call()` works, or implement `build(self, "
                    f"input_shape)`. Exception encountered: ''{error}''",
                    stacklevel=4,
                )
        self.build(next(iter(spec.shapes_dict().values()), None))

    def _enter_call_context(self) -> CallContext:
        context = get_global_attribute(_CALL_CONTEXT)
        if context is None:
            context = CallContext(self)
            set_global_attribute(_CALL_CONTEXT, context)
            self._clear_losses()
        return context  # type: ignore[no-any-return]

    def _fill_context_arguments(
        self, spec: CallSpec, context: CallContext, kwargs: dict[str, Any]
    ) -> dict[str, Any]:
        """Fill in `training` and the like: passed here, else by an outer call, else the default."""
        for name in self._call_context_args:
            if name in spec.user_arguments_dict:
                value = spec.user_arguments_dict[name]
            elif context.get_value(name) is not None:
                value = context.get_value(name)
            else:
                value = spec.arguments_dict.get(name)
            context.set_value(name, value)
            if name not in self.call_signature_parameters:
                kwargs.pop(name, None)
            elif value is not None and name not in spec.user_arguments_dict:
                kwargs[name] = value
        return kwargs

    def _register_call_context_args(self, *names: str) -> None:
        """Hand more keyword arguments than `training` down to inner calls.

        Raises
        ------
        RuntimeError
            After the first call.
        """
        if self._called:
            raise RuntimeError(
                "Cannot add call-context args after the layer has been called."
            )
        self._call_context_args = self._call_context_args | set(names)

    def _fill_masks(self, spec: CallSpec, kwargs: dict[str, Any]) -> tuple[dict[str, Any], Any]:
        """Fill in `mask` (or `x_mask` for each of several tensors `x`) from the inputs.

        Also returns the mask that `compute_mask` gets.
        """
        tensors = spec.tensor_arguments_dict
        for name, value in tensors.items():
            mask_name = "mask" if len(tensors) == 1 else f"{name}_mask"
            if mask_name in spec.arguments_dict and spec.arguments_dict[mask_name] is None:
                kwargs[mask_name] = tree.map_structure(get_keras_mask, value)
        if kwargs.get("mask") is not None:
            return kwargs, kwargs["mask"]
        return kwargs, tree.map_structure(get_keras_mask, spec.first_arg)

    def _run(self, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        with ExitStack() as scopes:
            scopes.enter_context(self._open_name_scope())
            scopes.enter_context(layer_scope(self.name))
            autocast = self._autocast_scope()
            if autocast is not None:
                scopes.enter_context(autocast)
            outputs = super().__call__(*args, **kwargs)
            self.built = True
            if self.activity_regularizer is not None:
                self._add_activity_losses(outputs)
        return outputs

    def _autocast_scope(self) -> AutocastScope | None:
        current = get_autocast_scope()
        if current is None:
            mixed = self.compute_dtype != self.variable_dtype
            return AutocastScope(self.compute_dtype) if mixed else None
        if not self.autocast or not is_float_dtype(self.compute_dtype):
            return AutocastScope(None)
        return AutocastScope(self.compute_dtype) if current.dtype != self.compute_dtype else None

    def _add_activity_losses(self, outputs: Any) -> None:
        assert self.activity_regularizer is not None
        for output in tree.flatten(outputs):
            if not is_tensor_or_symbolic(output) or _is_symbolic(output):
                continue
            loss = self.activity_regularizer(output)
            if len(output.shape) > 0:
                loss = loss / output.shape[0] if output.shape[0] else ops.zeros_like(loss)
            self.add_loss(loss)

    def _pass_mask_on(self, inputs: Any, outputs: Any, previous_mask: Any) -> None:
        if not self.supports_masking:
            if any(mask is not None for mask in tree.flatten(previous_mask)):
                warnings.warn(
                    f"Layer '{self.name}' (of type {type(self).__name__}) was passed an input "
                    "with a mask attached to it. However, this layer does not support masking "
                    "and will therefore destroy the mask information. Downstream layers will "
                    "not see the mask.",
                    stacklevel=3,
                )
            return
        flat = tree.flatten(outputs)
        if all(get_keras_mask(x) is not None for x in flat):
            return
        masks = self.compute_mask(inputs, previous_mask)
        if masks is None:
            return
        for output, mask in zip(flat, tree.flatten(masks)):
            if mask is not None and get_keras_mask(output) is None:
                set_keras_mask(output, mask)

    def stateless_call(
        self,
        trainable_variables: Any,
        non_trainable_variables: Any,
        *args: Any,
        return_losses: bool = False,
        **kwargs: Any,
    ) -> Any:
        """Call without side effects, on given values of the variables.

        Parameters
        ----------
        trainable_variables, non_trainable_variables : list
            Values, one for each of the layer's variables of that kind.
        return_losses : bool
            Also return the list of losses. Default False.

        Returns
        -------
        tuple
            ``(outputs, new non-trainable values)`` or ``(outputs, new values, losses)``.

        Raises
        ------
        ValueError
            For a wrong number of values; NotBuiltError when the layer is not built.
        """
        self._check_super_called()
        kind = type(self).__name__
        if not self.built:
            raise NotBuiltError(
                f"To call stateless_call, {kind} must be built (i.e. its variables must have "
                "been already created). You can build it by calling it on some data."
            )
        mapping: list[tuple[Any, Any]] = []
        for label, values in (
            ("trainable_variables", trainable_variables),
            ("non_trainable_variables", non_trainable_variables),
        ):
            variables = getattr(self, label)
            if len(values) != len(variables):
                raise ValueError(
                    f"Argument `{label}` must be a list of tensors corresponding 1:1 to "
                    f"{kind}().{label}. Received list with length {len(values)}, but expected "
                    f"{len(variables)} variables."
                )
            mapping.extend(zip(variables, values))
        with StatelessScope(state_mapping=mapping, collect_losses=return_losses) as scope:
            outputs = self.call(*args, **kwargs)
            losses = self.losses if return_losses else []
        state = [scope.get_current_value(v) for v in self.non_trainable_variables]
        return (outputs, state, losses) if return_losses else (outputs, state)

    def compute_output_spec(self, *args: Any, **kwargs: Any) -> Any:
        """The outputs as symbolic KerasTensors, from `compute_output_shape` or by tracing `call`.

        Raises
        ------
        ValueError
            When `compute_output_shape` returns something that is no shape.
        """
        if is_default(self.compute_output_shape):
            return super().compute_output_spec(*args, **kwargs)
        spec = CallSpec(self._call_signature, self._call_context_args, args, kwargs)
        kind = type(self).__name__
        shape = self.compute_output_shape(**shapes_for(self.compute_output_shape, spec, kind))
        if not isinstance(shape, (list, tuple, dict)):
            raise ValueError(
                f"Method `compute_output_shape()` of layer {kind} is returning a type that "
                "cannot be interpreted as a shape. It should return a shape tuple. "
                f"Received: {shape}"
            )
        return tree.map_shape_structure(lambda s: KerasTensor(s, dtype=self.compute_dtype), shape)

    @default
    def compute_output_shape(self, *args: Any, **kwargs: Any) -> Any:
        """The shape of the outputs for given shapes of the inputs, batch included."""
        raise self._not_implemented_error(
            "compute_output_shape",
            " Should implement `def compute_output_shape(self, input_shape)`.",
        )

    def _not_implemented_error(self, method: str, hint: str = "") -> NotImplementedError:
        return NotImplementedError(
            f"Layer {type(self).__name__} does not have a `{method}` method implemented.{hint}"
        )

    def add_metric(self, *args: Any, **kwargs: Any) -> None:
        """Not available: pass metrics to `compile`, or assign `Metric` objects as attributes."""
        raise NotImplementedError(
            "Layer `add_metric()` method is deprecated. Add your metric in "
            "`Model.compile(metrics=[...])`, or create metric trackers in init() or build() when "
            "subclassing the layer or model, then call `metric.update_state()` whenever necessary."
        )

    @default
    def get_config(self) -> dict[str, Any]:
        """The constructor arguments, as a dict from which `from_config` builds an equal layer."""
        self._check_super_called()
        config = super().get_config()
        own: dict[str, Any] = {
            "trainable": self.trainable,
            "dtype": dtype_policies.serialize(self.dtype_policy),
        }
        if self.activity_regularizer is not None:
            own["activity_regularizer"] = regularizers.serialize(self.activity_regularizer)
        if is_default(self.get_config):
            own = {key: value for key, value in own.items() if _accepts(type(self), key)}
        return {**config, **own}

    def __repr__(self) -> str:
        return f"<{type(self).__name__} name={self.name}, built={self.built}>"

    def __reduce__(self) -> Any:
        values = [variable.numpy() for variable in self.variables]
        return _rebuild, (type(self), self.get_config(), self.get_build_config(), values)


def _build_and_lock(build: Callable[..., None]) -> Callable[..., None]:
    """A `build` in the layer's name scope, after which its state is locked.

    A `build` that calls its parent class's is one build: the state locks when the outer one ends.
    """

    @functools.wraps(build)
    def wrapper(self: Layer, *args: Any, **kwargs: Any) -> None:
        if self.__dict__.get("_building", False):
            build(self, *args, **kwargs)
            return
        self.__dict__["_building"] = True
        try:
            with self._open_name_scope():
                self._path = current_path()
                build(self, *args, **kwargs)
        finally:
            del self.__dict__["_building"]
        arguments = inspect.signature(build).bind(self, *args, **kwargs).arguments
        self.__dict__["_build_shapes_dict"] = dict(list(arguments.items())[1:])
        self.built = True
        self._lock_state()

    wrapper._locks_state = True  # type: ignore[attr-defined]
    return wrapper


def _is_symbolic(x: object) -> bool:
    return isinstance(x, KerasTensor) and x.is_symbolic


Layer.build = _build_and_lock(Layer.build)  # type: ignore[method-assign]


def _rebuild(
    cls: type[Layer],
    config: dict[str, Any],
    build_config: dict[str, Any] | None,
    values: list[np.ndarray],
) -> Layer:
    """Undo `Layer.__reduce__`: what pickle and copy call."""
    layer: Layer = cls.from_config(config)
    if build_config is not None and not layer.built:
        layer.build_from_config(build_config)
    for variable, value in zip(layer.variables, values):
        variable.assign(value)
    return layer
