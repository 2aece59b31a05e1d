"""What a layer owns: variables, sub-layers, metrics and seeds, and how they are saved."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np

from chainrule import constraints, initializers, regularizers
from chainrule.base.dtypes import is_float_dtype, standardize_dtype
from chainrule.base.errors import NotBuiltError, ShapeError
from chainrule.base.name_scopes import name_scope
from chainrule.base.super_init import SuperInit, check_super_init
from chainrule.base.tracking import Tracker, changes
from chainrule.random import SeedGenerator
from chainrule.tracing import policies
from chainrule.tracing.operation import Operation
from chainrule.tracing.variable import Variable

_LOCKED = (
    "You cannot add new elements of state (variables or sub-layers) to a layer that is already "
    "built. All state must be created in the `__init__()` method or in the `build()` method."
)

_DEEPEST = 50


def _is_metric(x: object) -> bool:
    return bool(getattr(type(x), "_is_metric", False))


def _is_trainable(x: object) -> bool:
    return isinstance(x, Variable) and x.trainable


def _is_not_trainable(x: object) -> bool:
    return isinstance(x, Variable) and not x.trainable


def _is_seed_generator(x: object) -> bool:
    return isinstance(x, SeedGenerator)


def _unique(values: Iterable[Any]) -> list[Any]:
    """The values without repetitions of the same object, in order."""
    return list({id(v): v for v in values}.values())


def check_nesting(layer: Any) -> None:
    """Refuse a layer in which layers nest deeper than calls of them could.

    Raises
    ------
    ValueError
    """
    level, depth, seen = [layer], 0, {id(layer)}
    while level:
        depth += 1
        if depth > _DEEPEST:
            raise ValueError(
                f"layer '{layer.name}': expected layers that nest at most {_DEEPEST} deep, got more"
            )
        inner = {id(x): x for owner in level for x in owner._layers if id(x) not in seen}
        seen.update(inner)
        level = list(inner.values())


def _is_layer(x: object) -> bool:
    if not isinstance(x, LayerState) or _is_metric(x):
        return False
    check_nesting(x)
    return True


class LayerState(SuperInit, Operation):
    """The state half of `Layer`: assigning an attribute registers the state inside the value."""

    _super_init = ("_inbound_nodes", "layer")

    name: str
    built: bool
    _tracker: Tracker
    _path: str | None
    _dtype_policy: policies.DTypePolicy
    _trainable: bool
    _trainable_variables: list[Variable]
    _non_trainable_variables: list[Variable]
    _layers: list[Any]
    _metrics: list[Any]
    _seed_generators: list[SeedGenerator]

    def __new__(cls, *args: Any, **kwargs: Any) -> Any:
        instance = super().__new__(cls, *args, **kwargs)
        stores: dict[str, list[Any]] = {
            "_trainable_variables": [],
            "_non_trainable_variables": [],
            "_layers": [],
            "_metrics": [],
            "_seed_generators": [],
        }
        instance.__dict__.update(stores)
        instance.__dict__["_tracker"] = Tracker(
            {
                "trainable_variables": (_is_trainable, stores["_trainable_variables"]),
                "non_trainable_variables": (
                    _is_not_trainable,
                    stores["_non_trainable_variables"],
                ),
                "metrics": (_is_metric, stores["_metrics"]),
                "layers": (_is_layer, stores["_layers"]),
                "seed_generators": (_is_seed_generator, stores["_seed_generators"]),
            },
            exclusions={"non_trainable_variables": ["trainable_variables"]},
        )
        return instance

    def __setattr__(self, name: str, value: Any) -> None:
        if self.__dict__.get(name, changes) is not value:
            changes.count += 1
        object.__setattr__(self, name, self._tracker.track(value))

    def __setstate__(self, state: dict[str, Any]) -> None:
        super().__setstate__(state)
        self._tracker.refresh()

    def __delattr__(self, name: str) -> None:
        value = getattr(self, name)
        if isinstance(value, Variable):
            self._untrack_variable(value)
        changes.count += 1
        object.__delattr__(self, name)

    def _check_super_called(self) -> None:
        check_super_init(self, *self._super_init)

    def _lock_state(self) -> None:
        if not self._tracker.locked:
            self._tracker.lock(_LOCKED)

    def add_weight(
        self,
        *args: Any,
        shape: Any = None,
        initializer: Any = None,
        dtype: Any = None,
        trainable: bool = True,
        autocast: bool = True,
        regularizer: Any = None,
        constraint: Any = None,
        aggregation: str | None = "none",
        overwrite_with_gradient: bool = False,
        name: str | None = None,
    ) -> Variable:
        """Make a variable of this layer.

        Parameters
        ----------
        shape : tuple of int
            Fully known. Default ``()``.
        initializer : Initializer, str or callable
            Default ``"glorot_uniform"`` for floats, ``"zeros"`` for the rest.
        dtype : str
            Default: the layer's `variable_dtype`.
        trainable : bool
            Whether an optimizer updates it. Default True.
        autocast : bool
            Whether it reads in the compute dtype inside calls. Default True.
        regularizer, constraint : object or str, optional
            A penalty added to the losses; a projection applied after each update.
        aggregation, overwrite_with_gradient
            Kept on the variable, for code written for distributed training.
        name : str, optional
            The last part of its path.

        Raises
        ------
        ValueError
            When the layer is already built, or `name` is passed by position.
        """
        self._check_super_called()
        shape, initializer, dtype = _positional(args, shape, initializer, dtype)
        dtype = standardize_dtype(dtype) if dtype is not None else self.variable_dtype
        if initializer is None:
            initializer = "glorot_uniform" if is_float_dtype(dtype) else "zeros"
        with name_scope(self.name, caller=self):
            variable = Variable(
                initializer=initializers.get(initializer),
                shape=() if shape is None else shape,
                dtype=dtype,
                trainable=trainable,
                autocast=autocast,
                aggregation=aggregation,
                name=name,
            )
        variable.regularizer = regularizers.get(regularizer)
        variable.constraint = constraints.get(constraint)
        variable.overwrite_with_gradient = overwrite_with_gradient
        self._track_variable(variable)
        return variable

    def add_variable(self, shape: Any, initializer: Any = None, **kwargs: Any) -> Variable:
        """The same as `add_weight`."""
        return self.add_weight(shape=shape, initializer=initializer, **kwargs)

    def _track_variable(self, variable: Variable) -> None:
        store = "trainable_variables" if variable.trainable else "non_trainable_variables"
        self._tracker.add_to_store(store, variable)
        if not self.trainable:
            variable.trainable = False

    def _untrack_variable(self, variable: Variable) -> None:
        locked = self._tracker.locked
        self._tracker.unlock()
        self._tracker.untrack(variable)
        if locked:
            self._tracker.lock()

    @property
    def trainable(self) -> bool:
        """Whether an optimizer updates this layer; setting it sets all sub-layers too."""
        return self._trainable

    @trainable.setter
    def trainable(self, value: bool) -> None:
        self._trainable = bool(value)
        for variable in self._trainable_variables:
            variable.trainable = bool(value)
        for layer in self._layers:
            layer.trainable = bool(value)

    @property
    def variables(self) -> list[Variable]:
        """All state: weights and the states of seed generators, sub-layers included."""
        self._check_super_called()
        own = [*self._trainable_variables, *self._non_trainable_variables]
        seeds = [generator.state for generator in self._seed_generators]
        return _unique([*own, *seeds, *(v for layer in self._layers for v in layer.variables)])

    @property
    def weights(self) -> list[Variable]:
        """All variables but metrics' and seed generators', sub-layers included."""
        self._check_super_called()
        own = [*self._trainable_variables, *self._non_trainable_variables]
        return _unique([*own, *(v for layer in self._layers for v in layer.weights)])

    @property
    def trainable_variables(self) -> list[Variable]:
        """The variables that an optimizer updates."""
        return [v for v in self.variables if v.trainable] if self.trainable else []

    @property
    def non_trainable_variables(self) -> list[Variable]:
        """The variables that no optimizer updates, seeds included."""
        return [v for v in self.variables if not (self.trainable and v.trainable)]

    @property
    def trainable_weights(self) -> list[Variable]:
        """The weights that an optimizer updates."""
        return [v for v in self.weights if v.trainable] if self.trainable else []

    @property
    def non_trainable_weights(self) -> list[Variable]:
        """The weights that no optimizer updates."""
        return [v for v in self.weights if not (self.trainable and v.trainable)]

    @property
    def metrics(self) -> list[Any]:
        """The metrics assigned to this layer and its sub-layers."""
        return [*self._metrics, *(m for layer in self._layers for m in layer.metrics)]

    @property
    def metrics_variables(self) -> list[Variable]:
        """The state of all metrics."""
        return [v for metric in self.metrics for v in metric.variables]

    def get_weights(self) -> list[np.ndarray[Any, Any]]:
        """The values of `weights`, as copies."""
        return [v.numpy() for v in self.weights]

    def set_weights(self, weights: Sequence[Any]) -> None:
        """Set the values of `weights`, in order; nothing changes unless all of them fit.

        Raises
        ------
        ValueError
            For a wrong number of arrays (NotBuiltError when the layer has none yet).
        ShapeError
            For a wrong shape.
        """
        variables = self.weights
        values = [v if hasattr(v, "shape") else np.asarray(v) for v in weights]
        if len(variables) != len(values):
            error = ValueError if self.built else NotBuiltError
            state = "" if self.built else " It is not built yet: call `build(input_shape)` first."
            raise error(
                f"You called `set_weights(weights)` on layer '{self.name}' with a weight list of "
                f"length {len(values)}, but the layer was expecting {len(variables)} weights."
                f"{state}"
            )
        for variable, value in zip(variables, values):
            if tuple(variable.shape) != tuple(value.shape):
                raise ShapeError(
                    f"Layer {self.name} weight shape {tuple(variable.shape)} of "
                    f"'{variable.path}' is not compatible with provided weight shape "
                    f"{tuple(value.shape)}."
                )
        for variable, value in zip(variables, values):
            variable.assign(value)

    def count_params(self) -> int:
        """The number of scalars in `weights`.

        Raises
        ------
        NotBuiltError
            When the layer is not built.
        """
        if not self.built:
            raise NotBuiltError(
                f"You tried to call `count_params` on layer '{self.name}', but the layer isn't "
                "built. You can build it manually via: `layer.build(input_shape)`."
            )
        return sum(math.prod(v.shape) for v in self.weights)

    def _flatten_layers(self, include_self: bool = True, recursive: bool = True) -> list[Any]:
        """This layer and those inside it, outer before inner, each once."""
        layers: list[Any] = [self] if include_self else []
        seen: set[int] = set()
        pending = list(reversed(self._layers))
        while pending:
            layer = pending.pop()
            if id(layer) in seen:
                continue
            seen.add(id(layer))
            layers.append(layer)
            if recursive:
                pending.extend(reversed(layer._layers))
        return layers

    @property
    def _mergeable(self) -> tuple[Variable, ...]:
        """The layer's own variables that a file of weights may lack, since others stand for them."""
        return ()

    def _merged_values(self) -> dict[int, Any]:
        """What stands for own variables, by identity, in such a file; None for those it lacks."""
        return {}

    def _after_merge(self) -> None:
        """Forget what such a file lacked; it has just been read."""

    def save_own_variables(self, store: Any) -> None:
        """Put the values of this layer's own variables in `store`, by number."""
        for i, variable in enumerate(self._trainable_variables + self._non_trainable_variables):
            store[f"{i}"] = variable.numpy()

    def load_own_variables(self, store: Any) -> None:
        """Take the values of this layer's own variables from `store`.

        Raises
        ------
        ValueError
            When their number differs (NotBuiltError when this layer was never built); ShapeError
            when a shape does.
        """
        variables = self._trainable_variables + self._non_trainable_variables
        if len(store.keys()) != len(variables):
            if not variables and not self.built:
                raise NotBuiltError(
                    f"Layer '{self.name}' was never built and thus it doesn't have any variables. "
                    f"However the weights file lists {len(store.keys())} variables for this "
                    "layer. Either the parent's `build()` does not build this layer, or it needs "
                    "`build_from_config()` (and `get_build_config()`)."
                )
            raise ValueError(
                f"Layer '{self.name}' expected {len(variables)} variables, but received "
                f"{len(store.keys())} variables during loading. "
                f"Expected: {[v.name for v in variables]}"
            )
        for i, variable in enumerate(variables):
            value = store[f"{i}"]
            if tuple(value.shape) != tuple(variable.shape):
                raise ShapeError(
                    f"Layer '{self.name}' expected shape {tuple(variable.shape)} for the variable "
                    f"'{variable.path}', got {tuple(value.shape)}; the shapes must match"
                )
            variable.assign(value)

    @property
    def dtype_policy(self) -> Any:
        """The dtypes of computation and variables; settable by name. In a map, this layer's own."""
        return self._dtype_policy

    @dtype_policy.setter
    def dtype_policy(self, value: Any) -> None:
        policy, held = policies.get(value), self._dtype_policy
        if isinstance(held, policies.DTypePolicyMap) and self._path:
            if self._path in held:
                del held[self._path]
            held[self._path] = policy
        else:
            self._dtype_policy = policy

    @property
    def dtype(self) -> str:
        """The dtype of the variables."""
        return self.variable_dtype

    @property
    def compute_dtype(self) -> str:
        """The dtype of the computation, which float inputs are cast to."""
        return str(self._dtype_policy.of(self._path).compute_dtype)

    @property
    def variable_dtype(self) -> str:
        """The dtype of the variables."""
        return str(self._dtype_policy.of(self._path).variable_dtype)

    @property
    def input_dtype(self) -> str:
        """The dtype that float inputs are cast to."""
        return self.compute_dtype


def _positional(
    args: tuple[Any, ...], shape: Any, initializer: Any, dtype: Any
) -> tuple[Any, Any, Any]:
    """Shape, initializer and dtype of `add_weight`, given by position or by name."""
    if len(args) > 3:
        raise TypeError(
            f"add_weight() takes at most 3 positional arguments but {len(args)} were given."
        )
    if args and isinstance(args[0], str):
        raise ValueError(
            f"`name` must be passed as a keyword argument. Received: add_weight('{args[0]}', ...)."
            f" Use: add_weight(shape=..., name='{args[0]}')."
        )
    merged = [shape, initializer, dtype]
    for i, (value, label) in enumerate(zip(args, ("shape", "initializer", "dtype"))):
        if merged[i] is not None:
            raise ValueError(f"`{label}` was passed both positionally and as a keyword argument.")
        merged[i] = value
    return merged[0], merged[1], merged[2]
