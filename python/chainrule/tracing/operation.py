"""Operation: something with a name that is called on tensors and can be recorded and rebuilt."""

from __future__ import annotations

import copy
import inspect
from collections.abc import Callable
from typing import Any, TypeVar

from chainrule.base import tree
from chainrule.base.errors import too_deep
from chainrule.base.naming import auto_name
from chainrule.base.suggestions import Helpful
from chainrule.tracing import policies
from chainrule.tracing.node import Node
from chainrule.tracing.specs import compute_output_spec
from chainrule.tracing.tensor import any_symbolic_tensors

_Method = TypeVar("_Method", bound=Callable[..., Any])
_PLAIN = (str, int, float, bool, type(None))


def default(method: _Method) -> _Method:
    """Mark a method of a base class, so that `is_default` tells whether a subclass overrides it."""
    method._is_default = True  # type: ignore[attr-defined]
    return method


def is_default(method: Any) -> bool:
    """Whether a method is still the one marked with `default`."""
    return bool(getattr(method, "_is_default", False))


class Operation(Helpful):
    """``outputs = call(*args, **kwargs)``, on arrays, in a trace, or recorded as a graph node.

    Parameters
    ----------
    name : str, optional
        A name without `/`. Default: the class name in snake case, numbered.

    Raises
    ------
    ValueError
        When `name` is no string or has a `/`.

    Notes
    -----
    The constructor's arguments are kept when they are plain (numbers, strings, booleans, `None`,
    and lists or dicts of them), so that `get_config` works without being overridden.

    Examples
    --------
    >>> class Scale(Operation):
    ...     def __init__(self, factor, name=None):
    ...         super().__init__(name=name)
    ...         self.factor = factor
    ...     def call(self, x):
    ...         return x * self.factor
    >>> Scale(3.0, name="triple").get_config()
    {'name': 'triple', 'factor': 3.0}
    """

    _auto_config: dict[str, Any] | None
    name: str

    def __new__(cls, *args: Any, **kwargs: Any) -> Any:
        instance = super().__new__(cls, *args, **kwargs)
        config, has_unnamed = _constructor_config(cls, args, kwargs)
        values = instance.__dict__
        values["_auto_config"] = config
        values["_auto_config_error_args"] = has_unnamed
        return instance

    def __init__(self, name: str | None = None) -> None:
        if name is None:
            name = auto_name(type(self).__name__)
        if not isinstance(name, str) or "/" in name:
            raise ValueError(
                "Argument `name` must be a string and cannot contain character `/`. "
                f"Received: name={name} (of type {type(name)})"
            )
        self.name = name
        self._inbound_nodes: list[Node] = []
        self._outbound_nodes: list[Node] = []

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        """Run on arrays or traced tensors; record a node for symbolic ones."""
        if any_symbolic_tensors(args, kwargs):
            return self.symbolic_call(*args, **kwargs)
        return self.call(*args, **kwargs)

    def symbolic_call(self, *args: Any, **kwargs: Any) -> Any:
        """The outputs' shapes and dtypes as new KerasTensors, recorded in the functional graph."""
        outputs = self.compute_output_spec(*args, **kwargs)
        Node(operation=self, call_args=args, call_kwargs=kwargs, outputs=outputs)
        return outputs

    def call(self, *args: Any, **kwargs: Any) -> Any:
        """What the operation computes; subclasses write it in `chainrule.ops`."""
        raise NotImplementedError

    def compute_output_spec(self, *args: Any, **kwargs: Any) -> Any:
        """Shapes and dtypes of the outputs, found by tracing `call`, unknown sizes as symbols.

        Raises
        ------
        Exception
            What `call` raised, of the same class, its message preceded by the operation's name.
        """
        try:
            return compute_output_spec(self.call, *args, **kwargs)
        except Exception as error:
            kind = type(self).__name__
            message = (
                "Could not automatically infer the output shape / dtype of "
                f"'{self.name}' (of type {kind}). Either the `{kind}.call()` method is incorrect, "
                f"or you need to implement the `{kind}.compute_output_spec() / "
                f"compute_output_shape()` method. Error encountered:\n\n{error}"
            )
            try:
                renamed = type(error)(message)
            except TypeError:
                raise error from None
            raise renamed.with_traceback(error.__traceback__) from None

    @default
    def get_config(self) -> dict[str, Any]:
        """The constructor arguments, as a dict from which `from_config` builds an equal object.

        Raises
        ------
        NotImplementedError
            When the class does not override this method and was made with arguments that are not
            plain values.
        """
        config: dict[str, Any] = {"name": self.name}
        if not is_default(self.get_config):
            return config
        if self._auto_config is None:
            raise NotImplementedError(self._no_config_message())
        config.update(tree.map_structure(lambda x: x, self._auto_config))
        if not accepts(type(self), "name"):
            config.pop("name")
        return config

    def _no_config_message(self) -> str:
        kind = type(self).__name__
        if self.__dict__.get("_auto_config_error_args"):
            return (
                f"Object {kind} was created by passing positional only or variadic positional "
                "arguments (e.g., `*args`) to `__init__()`, which is not supported by the "
                "automatic config generation. Remove them from `__init__()`, or override "
                "`get_config()` and `from_config()`."
            )
        return (
            f"Object {kind} was created by passing non-serializable argument values in "
            "`__init__()`, and therefore the object must override `get_config()` in order to be "
            "serializable: return `{**super().get_config(), 'argument': value, ...}`."
        )

    @classmethod
    def from_config(cls, config: dict[str, Any]) -> Any:
        """Build an object from what `get_config` returned.

        Raises
        ------
        TypeError
            When the constructor refuses the config; its message is included.
        """
        if isinstance(config.get("dtype"), dict):
            policy = policies.deserialize(config["dtype"])
            single = not isinstance(policy, policies.DTypePolicyMap)
            config = {**config, "dtype": policy.name if single else policy}
        try:
            try:
                return cls(**config)
            except MemoryError:
                raise
            except Exception as error:
                raise TypeError(
                    f"Error when deserializing class '{cls.__name__}' using config={config}.\n\n"
                    f"Exception encountered: {error}"
                ) from error
        except RecursionError:
            raise too_deep(f"a configuration of '{cls.__name__}'") from None

    def __repr__(self) -> str:
        return f"<Operation name={self.name}>"

    def __reduce__(self) -> tuple[Any, ...]:
        state = self.__getstate__()
        local = [name for name, value in state.items() if _is_made_by_init(type(self), value)]
        if not local:
            return _blank, (type(self),), state
        try:
            config = self.get_config()
        except NotImplementedError:
            return _blank, (type(self),), state
        for name in local:
            del state[name]
        return _with_functions, (type(self), config, tuple(local)), state

    def __getstate__(self) -> dict[str, Any]:
        """All attributes, but of the recorded calls only those that take no tensor.

        The others belong to the models that consist of them; each brings its own. So a long chain
        of calls is no deep structure.
        """
        state = dict(self.__dict__)
        if "_inbound_nodes" in state:
            state["_inbound_nodes"] = [node for node in self._inbound_nodes if node.is_input]
            state["_outbound_nodes"] = []
        return state

    def __setstate__(self, state: dict[str, Any]) -> None:
        known = [self.__dict__.get(name, []) for name in ("_inbound_nodes", "_outbound_nodes")]
        self.__dict__.update(state)
        if "_inbound_nodes" in state:
            given = self._inbound_nodes
            self._inbound_nodes, self._outbound_nodes = known
            for node in given:
                node.enter()

    def __copy__(self) -> Any:
        """The same as a deep copy: two operations share no state."""
        return copy.deepcopy(self)

    @property
    def input(self) -> Any:
        """The input tensor, or list of them, of the first symbolic call."""
        return self._node_attribute(0, "input_tensors", "input")

    @property
    def output(self) -> Any:
        """The output tensor, or list of them, of the first symbolic call."""
        return self._node_attribute(0, "output_tensors", "output")

    def _node_attribute(self, node_index: int, attribute: str, what: str) -> Any:
        if not self._inbound_nodes:
            raise AttributeError(
                f"The layer {self.name} has never been called and thus has no defined {what}."
            )
        if node_index >= len(self._inbound_nodes):
            raise ValueError(
                f"Asked to get {what} at node {node_index}, but the operation has only "
                f"{len(self._inbound_nodes)} inbound nodes."
            )
        values = getattr(self._inbound_nodes[node_index], attribute)
        return values[0] if isinstance(values, list) and len(values) == 1 else values

    def _obj_type(self) -> str:
        return "Operation"


def _blank(cls: Any) -> Any:
    """An object without attributes: they come with the state."""
    return object.__new__(cls)


def _is_made_by_init(cls: type, value: object) -> bool:
    """Whether this is a function that the constructor of the class, or of a base, defines.

    It cannot be pickled, and where it holds `self`, a copy of it would hold the original.
    """
    name = getattr(value, "__qualname__", "") if inspect.isfunction(value) else ""
    return any(name.startswith(f"{base.__qualname__}.__init__.<locals>") for base in cls.__mro__)


def _with_functions(cls: Any, config: dict[str, Any], names: tuple[str, ...]) -> Any:
    """An object with the functions of these names as the constructor defines them."""
    made = cls.from_config(config)
    functions = {name: made.__dict__[name] for name in names}
    made.__dict__.clear()
    made.__dict__.update(functions)
    return made


def accepts(cls: type, argument: str) -> bool:
    """Whether a constructor takes a keyword argument of that name."""
    parameters = inspect.signature(cls.__init__).parameters  # type: ignore[misc]
    return argument in parameters or any(
        p.kind is inspect.Parameter.VAR_KEYWORD for p in parameters.values()
    )


def _constructor_config(
    cls: type, args: tuple[Any, ...], kwargs: dict[str, Any]
) -> tuple[dict[str, Any] | None, bool]:
    """The constructor's arguments by name, or None when they cannot make a config.

    The second result says that positional-only or ``*args`` arguments are the reason.
    """
    signature = inspect.signature(cls.__init__)  # type: ignore[misc]
    try:
        bound = signature.bind(None, *args, **kwargs)
    except TypeError:
        return None, False
    bound.apply_defaults()
    config: dict[str, Any] = {}
    for index, (name, parameter) in enumerate(signature.parameters.items()):
        value = bound.arguments.get(name)
        if index == 0:
            continue
        if parameter.kind is inspect.Parameter.POSITIONAL_ONLY:
            return None, True
        if parameter.kind is inspect.Parameter.VAR_POSITIONAL:
            if value:
                return None, True
        elif parameter.kind is inspect.Parameter.VAR_KEYWORD:
            config.update(value or {})
        else:
            config[name] = value
    config.pop("name", None)
    plain = all(isinstance(value, _PLAIN) for value in tree.flatten(config))
    return (config if plain else None), False
