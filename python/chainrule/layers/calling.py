"""What happens when a layer is called: build, checks, casts, `training`, masks and losses."""

from __future__ import annotations

import inspect
import threading
import warnings
from contextlib import ExitStack
from typing import Any

import numpy as np

from chainrule import ops
from chainrule.base import tree
from chainrule.base.dtypes import (
    BOOL_TYPES,
    FLOAT_TYPES,
    INT_TYPES,
    is_float_dtype,
    standardize_dtype,
)
from chainrule.base.errors import DataError, DTypeError, ShapeError
from chainrule.base.global_state import get_global_attribute, set_global_attribute
from chainrule.base.name_scopes import current_path, layer_path, layer_scope, name_scope
from chainrule.layers.call_spec import CallSpec, is_tensor_or_symbolic, shape_of, shapes_for
from chainrule.layers.input_spec import assert_input_compatibility
from chainrule.layers.state import LayerState, check_nesting
from chainrule.tracing.autocast import AutocastScope, get_autocast_scope
from chainrule.tracing.masking import get_keras_mask, set_keras_mask
from chainrule.tracing.node import Node
from chainrule.tracing.operation import default, is_default
from chainrule.tracing.remat import RematMode, remat, rematerialized
from chainrule.tracing.scopes import in_symbolic_scope
from chainrule.tracing.specs import compute_output_spec
from chainrule.tracing.stateless import get_stateless_scope
from chainrule.tracing.tensor import KerasTensor, any_symbolic_tensors
from chainrule.tracing.trace import current_trace

_CALL_CONTEXT = "current_call_ctx"
_FLOAT32 = np.dtype("float32")
_NUMBERS = frozenset((*BOOL_TYPES, *INT_TYPES, *FLOAT_TYPES))


def is_within_call() -> bool:
    """Whether a layer is being called in this thread."""
    return get_global_attribute(_CALL_CONTEXT) is not None


class CallContext:
    """What an outermost layer call hands down to the calls inside it, such as `training`."""

    def __init__(self, entry_layer: LayerCalling) -> None:
        self.entry_layer = entry_layer
        self.values: dict[str, Any] = {}

    def get_value(self, arg_name: str, default: Any = None) -> Any:
        """The value of an argument, or `default`."""
        return self.values.get(arg_name, default)

    def set_value(self, arg_name: str, value: Any) -> None:
        """Set the value of an argument."""
        self.values[arg_name] = value


class LayerCalling(LayerState):
    """The calling half of `Layer`."""

    autocast: bool
    activity_regularizer: Any
    call_signature_parameters: list[str]
    _call_context_args: set[str]
    _call_signature: inspect.Signature
    _called: bool
    _convert_input_args: bool
    _allow_non_tensor_positional_args: bool
    _input_spec: Any
    _parent_path: str | None
    _remat_mode: RematMode | None = None
    _supports_masking: bool
    # By thread: one may trace a step while another calls the layer.
    _losses: dict[int, list[Any]]
    _loss_ids: set[int]
    _losses_override: list[Any]

    @property
    def _takes_texts(self) -> bool:
        """Whether the layer hands texts on to layers of texts inside it."""
        return False

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

    @default
    def compute_mask(self, inputs: Any, previous_mask: Any) -> Any:
        """The mask of the outputs, given the inputs and their mask."""
        return previous_mask

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
        try:
            spec = CallSpec(self._call_signature, self._call_context_args, args, kwargs)
        except TypeError as error:
            raise TypeError(f"Layer '{self.path or self.name}': {error}") from None
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
        if any_symbolic_tensors(given_args, given_kwargs):
            Node(
                operation=self, call_args=given_args, call_kwargs=given_kwargs, outputs=outputs
            )
        return outputs

    def symbolic_call(self, *args: Any, **kwargs: Any) -> Any:
        """Only the outputs' specs: `__call__` records the node, with the arguments it was given."""
        return self.compute_output_spec(*args, **kwargs)

    def _convert(self, x: Any) -> Any:
        """An array-like as a tensor, floats in the compute dtype; anything else unchanged."""
        if isinstance(x, np.generic):
            x = np.asarray(x)
        elif not is_tensor_or_symbolic(x):
            if not hasattr(x, "__array__"):
                return x
            x = ops.convert_to_tensor(x)
        if isinstance(x, np.ndarray) and x.dtype != _FLOAT32 and x.dtype.name not in _NUMBERS:
            if self._takes_texts and x.dtype.kind in "OUST":
                return x
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
        check_nesting(self)
        if not is_default(self.build):
            self.build(**shapes_for(self.build, spec, type(self).__name__))
            self._assert_input_compatibility(spec.first_arg)
            return
        if any(not layer.built for layer in self._layers):
            arguments = tree.map_structure(_as_symbolic, spec.arguments_dict)
            try:
                compute_output_spec(self.call, **arguments)
            except Exception as error:
                if spec.eager or _is_traced(spec.first_arg):
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
            try:
                outputs = self._computed(args, kwargs)
            except (ShapeError, DTypeError, DataError) as error:
                path = layer_path()
                if path in str(error):
                    raise
                raise type(error)(f"layer '{path}': {error}") from error
            if isinstance(outputs, np.generic):
                outputs = np.asarray(outputs)
            self.built = True
            if self.activity_regularizer is not None:
                self._add_activity_losses(outputs)
        return outputs

    def _computed(self, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        """What `call` gives, computed again in the backward pass where a RematScope asked for it."""
        mode = self._remat_mode
        if mode is None or current_trace() is None or in_symbolic_scope():
            return super().__call__(*args, **kwargs)
        if mode.mode == "activations":
            return self._with_activation_again(args, kwargs)
        if mode.mode == "list_of_layers" and self.name not in mode.layer_names:
            return super().__call__(*args, **kwargs)
        least = mode.output_size_threshold if mode.mode == "larger_than" else -1
        return rematerialized(super().__call__, args, kwargs, least)

    def _with_activation_again(self, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        activation = self.__dict__.get("activation")
        if not callable(activation):
            return super().__call__(*args, **kwargs)
        self.__dict__["activation"] = remat(activation)
        try:
            return super().__call__(*args, **kwargs)
        finally:
            self.__dict__["activation"] = activation

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

    def add_loss(self, loss: Any) -> None:
        """Add a scalar (or a structure of them) to the training loss, from inside `call`.

        Raises
        ------
        ValueError
            When it is no tensor.
        """
        losses = tree.flatten(loss)
        for x in losses:
            if not is_tensor_or_symbolic(x):
                raise ValueError(
                    "`add_loss()` can only be called from inside `build()` or `call()`, on a "
                    f"tensor input. Received invalid value: {x}"
                )
        if in_symbolic_scope():
            return
        trace = current_trace()
        if trace is not None:
            for x in losses:
                trace.add_loss(x)
        scope = get_stateless_scope()
        if scope is None:
            self._losses.setdefault(threading.get_ident(), []).extend(losses)
        elif scope.collect_losses:
            for x in losses:
                scope.add_loss(x)
                self._loss_ids.add(id(x))

    def _get_own_losses(self) -> list[Any]:
        scope = get_stateless_scope()
        if scope is None:
            return list(self._losses.get(threading.get_ident(), ()))
        return [x for x in scope.losses if id(x) in self._loss_ids]

    @property
    def losses(self) -> list[Any]:
        """Scalars of the last call: `add_loss`, activity and weight regularizers, sub-layers'."""
        if self._losses_override:
            return self._losses_override
        losses = self._get_own_losses()
        for layer in self._flatten_layers(include_self=False):
            losses.extend(layer._get_own_losses())
        for variable in self.trainable_weights:
            if variable.regularizer is not None:
                losses.append(variable.regularizer(variable))
        return losses

    def _clear_losses(self) -> None:
        scope = get_stateless_scope()
        if scope is not None and scope.collect_losses:
            scope.losses[:] = [x for x in scope.losses if id(x) not in self._loss_ids]
        self._losses.pop(threading.get_ident(), None)
        self._loss_ids.clear()
        for layer in self._layers:
            layer._clear_losses()


def _is_symbolic(x: object) -> bool:
    return isinstance(x, KerasTensor) and x.is_symbolic


def _is_traced(x: object) -> bool:
    return any(isinstance(leaf, KerasTensor) and not leaf.is_symbolic for leaf in tree.flatten(x))


def _as_symbolic(x: Any) -> Any:
    """A traced tensor as one of no trace: a layer inside another is traced on its own."""
    return KerasTensor(shape_of(x), x.dtype) if _is_traced(x) else x
