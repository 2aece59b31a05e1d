"""A function traced into a body of its own, which then runs where the function was called."""

from __future__ import annotations

import sys
from collections.abc import Callable
from typing import Any

import numpy as np

from chainrule.base import tree
from chainrule.tracing.body import BodyTrace
from chainrule.tracing.masking import get_keras_mask, set_keras_mask
from chainrule.tracing.operation import Operation
from chainrule.tracing.recorder import observed
from chainrule.tracing.scopes import assigned_scope
from chainrule.tracing.stored import Stored
from chainrule.tracing.tensor import KerasTensor
from chainrule.tracing.trace import Trace

__all__ = ["Enclosed", "RecordedFunction", "by_name", "is_array_like"]


def is_array_like(x: Any) -> bool:
    """Whether an argument is a tensor, and not a setting."""
    return isinstance(x, (KerasTensor, Stored, np.ndarray, np.generic))


class Enclosed(BodyTrace):
    """The body of one call of a function, and what it takes from around it.

    `call` traces the function; `push` computes its outputs in the trace around, with the nodes that the
    function would have made there; `close` assigns there what the function has assigned.
    """

    def __init__(self, around: Trace) -> None:
        super().__init__(around)
        # The inner values of results, assignments and losses; and what stands for them outside.
        self.outputs: list[KerasTensor] = []
        self._given: dict[int, KerasTensor] = {}
        # The tensors among the positional arguments, and of each of these whether it is one.
        self.arguments: list[KerasTensor] = []
        self.is_tensor: list[bool] = []

    def call(self, f: Callable[..., Any], args: Any, kwargs: Any) -> Any:
        """f's result on the arguments, made of inner values."""
        with self:
            given = tree.map_structure(lambda x: self.lift(x) if is_array_like(x) else x, (args, kwargs))
            self.is_tensor = [isinstance(x, KerasTensor) for x in tree.flatten(given[0])]
            self.arguments = [x for x in tree.flatten(given[0]) if isinstance(x, KerasTensor)]
            result = f(*given[0], **given[1])
            result = tree.map_structure(lambda x: self.lift(x) if is_array_like(x) else x, result)
        self.outputs = [x for x in tree.flatten(result) if isinstance(x, KerasTensor)]
        self.outputs += [self.variables[id(variable)][1] for variable in self.updated]
        self.outputs += self.losses
        return result

    def add_loss(self, loss: Any) -> None:
        self.losses.append(self.lift(loss))

    def inputs(self) -> tuple[list[KerasTensor], list[KerasTensor]]:
        """What the body reads: values of the trace around, and the inputs that stand for them."""
        pairs = [*self.captured.values(), *self.read_here.values()]
        return [outside for outside, _ in pairs], [inside for _, inside in pairs]

    def body(self, inputs: list[KerasTensor], outputs: list[KerasTensor]) -> dict[str, Any]:
        """What computes these values of the body from those, as an attribute of an op."""
        return self.graph.body([x.value for x in inputs], [x.value for x in outputs])

    def push(self, outputs: list[KerasTensor]) -> list[KerasTensor]:
        """These values of the body, computed in the trace around."""
        outside, inside = self.inputs()
        body = self.body(inside, outputs)
        numbers = self.around.graph.push_body(body, [x.value for x in outside])
        found = [self.around.tensor(n, x.dtype) for n, x in zip(numbers, outputs)]
        return observed(None, outside, found)

    def seen_around(self, x: KerasTensor) -> KerasTensor:
        """The value of the trace around that an inner value is, which the function has kept for later."""
        return self._given[x.value] if x.value in self._given else self.push([x])[0]

    def close(self, result: Any, values: list[KerasTensor]) -> Any:
        """The result made of these outputs; assigns in the trace around what the function assigned."""
        given = iter(values)
        self._given = {x.value: value for x, value in zip(self.outputs, values)}

        def leave(x: Any) -> Any:
            if not isinstance(x, KerasTensor):
                return x
            value = next(given)
            if get_keras_mask(x) is not None:
                set_keras_mask(value, get_keras_mask(x))
            return value

        result = tree.map_structure(leave, result)
        scope = assigned_scope()
        assert scope is not None, "functions are enclosed inside a trace"
        for variable, value in zip(self.updated, given):
            scope.assign(variable, value)
        for loss in given:
            self.around.add_loss(loss)
        return result


class RecordedFunction(Operation):
    """The call of a user's function in a functional model."""

    def __init__(self, function: Callable[..., Any], name: str | None = None) -> None:
        super().__init__(name=name)
        self.function = function

    def call(self, *args: Any, **kwargs: Any) -> Any:
        return self.function(*args, **kwargs)

    def get_config(self) -> dict[str, Any]:
        """A function has no config.

        Raises
        ------
        NotImplementedError
            Always.
        """
        name = getattr(self.function, "__name__", repr(self.function))
        raise NotImplementedError(
            f"A model that calls the function {name} on tensors of `Input` has no config to be saved: "
            "call it in a layer of your own, which is registered by `register_keras_serializable`."
        )


def by_name(wrapper: Any) -> str | None:
    """The name under which a wrapped function stands in its module, for pickles; None where it does not."""
    name = getattr(wrapper, "__qualname__", "")
    found: Any = sys.modules.get(getattr(wrapper, "__module__", ""))
    for part in name.split("."):
        found = getattr(found, part, None)
    return name if found is wrapper else None
