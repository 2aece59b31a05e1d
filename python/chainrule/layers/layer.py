"""Layer: an operation with state, built on its first call."""

from __future__ import annotations

import functools
import inspect
import warnings
from collections.abc import Callable
from typing import Any

from chainrule import regularizers
from chainrule.base import tree
from chainrule.base.errors import NotBuiltError
from chainrule.base.name_scopes import current_path
from chainrule.base.suggestions import unknown_arguments
from chainrule.layers.call_spec import CallSpec, shapes_for
from chainrule.layers.calling import LayerCalling
from chainrule.tracing import policies
from chainrule.tracing.operation import accepts, default, is_default
from chainrule.tracing.remat import current_remat_mode
from chainrule.tracing.specs import compute_output_spec
from chainrule.tracing.stateless import StatelessScope
from chainrule.tracing.tensor import KerasTensor
from chainrule.utils.summary import layer_html


class Layer(LayerCalling):
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
        super().__init__(name=name)
        self._dtype_policy = policies.get(dtype)
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
                f"Unrecognized keyword arguments passed to {type(self).__name__}: {kwargs}."
                f"{unknown_arguments(type(self), kwargs)}"
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
        self.__dict__.update(_losses={}, _loss_ids=set(), _losses_override=[])
        self._build_shapes_dict: dict[str, Any] | None = None
        self._convert_input_args = True
        self._allow_non_tensor_positional_args = False
        self._call_signature = inspect.signature(self.call)
        self.call_signature_parameters = list(self._call_signature.parameters)
        self._call_context_args = {"training"}
        self._call_has_training_arg = "training" in self.call_signature_parameters
        self._call_has_mask_arg = "mask" in self.call_signature_parameters
        self._supports_masking = not is_default(self.compute_mask)
        self._remat_mode = current_remat_mode()

    @property
    def quantization_mode(self) -> None:
        """Always `None`: chainrule has no quantized layers."""
        return None

    def _obj_type(self) -> str:
        return "Layer"

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
        if not config:
            return
        shapes = config.get("shapes_dict", {})
        if "input_shape" in config:
            shapes = {"input_shape": config["input_shape"]}
        if is_default(self.build) and any(not layer.built for layer in self._layers):
            symbols = tree.map_shape_structure(
                lambda shape: KerasTensor(shape, self.compute_dtype), list(shapes.values())
            )
            with self._open_name_scope():
                compute_output_spec(self.call, *symbols)
            self.built = True
        elif "input_shape" in config:
            self.build(config["input_shape"])
        else:
            self.build(**shapes)

    def call(self, *args: Any, **kwargs: Any) -> Any:
        """What the layer computes; subclasses write it in `chainrule.ops`.

        Two keyword arguments are filled in when a `call` declares them: `training` (bool) and
        `mask` (the mask of the inputs).
        """
        raise self._not_implemented_error("call")

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
            outputs = self(*args, **kwargs)
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
            "dtype": policies.serialize(self.dtype_policy),
        }
        if self.activity_regularizer is not None:
            own["activity_regularizer"] = regularizers.serialize(self.activity_regularizer)
        if is_default(self.get_config):
            own = {key: value for key, value in own.items() if accepts(type(self), key)}
        return {**config, **own}

    def __repr__(self) -> str:
        return f"<{type(self).__name__} name={self.name}, built={self.built}>"

    def _repr_html_(self) -> str:
        return layer_html(self)

    def __getstate__(self) -> dict[str, Any]:
        state = super().__getstate__()
        for name in ("_losses", "_loss_ids", "_losses_override", "_call_signature"):
            state.pop(name, None)
        return state

    def __setstate__(self, state: dict[str, Any]) -> None:
        super().__setstate__(state)
        self.__dict__.update(_losses={}, _loss_ids=set(), _losses_override=[])
        self._call_signature = inspect.signature(self.call)


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


Layer.build = _build_and_lock(Layer.build)  # type: ignore[method-assign]
