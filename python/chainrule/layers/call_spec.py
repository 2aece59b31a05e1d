"""The arguments of a layer's call, sorted: which are tensors, and the shapes `build` gets."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from typing import Any

import numpy as np

from chainrule.base import tree
from chainrule.tracing.tensor import KerasTensor, standardize_shape


def is_tensor_or_symbolic(x: object, allow_none: bool = False) -> bool:
    """Whether `x` is an array, a NumPy scalar or a KerasTensor (or `None`, when allowed)."""
    return isinstance(x, (np.ndarray, KerasTensor, np.generic)) or (allow_none and x is None)


class CallSpec:
    """A call bound to the signature of `call`.

    Attributes
    ----------
    user_arguments_dict : dict
        What the caller passed, by name.
    arguments_dict : dict
        The same with the defaults filled in.
    tensor_arguments_dict : dict
        The arguments that are tensors, or nested structures of tensors.
    first_arg : object
        The value of the first argument of `call`.
    eager : bool
        Whether there is no KerasTensor among the tensors.

    Raises
    ------
    ValueError
        When one nested argument mixes tensors with other things.
    """

    def __init__(
        self,
        signature: inspect.Signature,
        context_args: set[str],
        args: tuple[Any, ...],
        kwargs: dict[str, Any],
    ) -> None:
        kwargs = dict(kwargs)
        undeclared = {
            name: kwargs.pop(name)
            for name in context_args
            if name in kwargs and name not in signature.parameters
        }
        bound = signature.bind(*args, **kwargs)
        self.user_arguments_dict = {**undeclared, **bound.arguments}
        bound.apply_defaults()
        self.arguments_dict: dict[str, Any] = dict(bound.arguments)
        self.argument_names = list(self.arguments_dict)
        self.tensor_arguments_dict: dict[str, Any] = {}
        self.nested_tensor_argument_names: list[str] = []
        for name, value in self.arguments_dict.items():
            if is_tensor_or_symbolic(value):
                self.tensor_arguments_dict[name] = value
            elif tree.is_nested(value) and len(value) > 0:
                self._add_nested(name, value)
        self.first_arg = next(iter(self.arguments_dict.values()), None)
        self.eager = not any(
            isinstance(x, KerasTensor) for x in tree.flatten(self.tensor_arguments_dict)
        )

    def _add_nested(self, name: str, value: Any) -> None:
        leaves = tree.flatten(value)
        if all(is_tensor_or_symbolic(x, allow_none=True) for x in leaves):
            self.tensor_arguments_dict[name] = value
            self.nested_tensor_argument_names.append(name)
        elif any(is_tensor_or_symbolic(x) for x in leaves):
            raise ValueError(
                "In a nested call() argument, you cannot mix tensors and non-tensors. "
                f"Received invalid mixed argument: {name}={value}"
            )

    def shapes_dict(self) -> dict[str, Any]:
        """``{argument + "_shape": shape or structure of shapes}`` of the tensors but masks."""
        shapes: dict[str, Any] = {}
        for name, value in self.tensor_arguments_dict.items():
            if name not in ("mask", "args", "kwargs"):
                shapes[f"{name}_shape"] = tree.map_structure(shape_of, value)
        return shapes


def shape_of(x: Any) -> Any:
    """The shape, with None for sizes that are not known."""
    return None if x is None else standardize_shape(x.shape)


def shapes_for(
    target: Callable[..., Any], call_spec: CallSpec, class_name: str
) -> dict[str, Any]:
    """The shapes that `target` (`build` or `compute_output_shape`) asks for, by argument name.

    One argument gets the shape of the first tensor, whatever it is called; several must be the
    names of `call`'s arguments with `_shape` added.

    Raises
    ------
    ValueError
        When a name does not end in `_shape` or has no argument in `call`.
    """
    shapes = call_spec.shapes_dict()
    kinds = inspect.Parameter
    names = [
        name
        for name, parameter in inspect.signature(target).parameters.items()
        if parameter.kind not in (kinds.VAR_POSITIONAL, kinds.VAR_KEYWORD)
    ]
    if len(names) == 1:
        return {names[0]: next(iter(shapes.values()), None)}
    method = target.__name__
    rule = (
        f"For a `{method}()` method with more than one argument, all arguments should have a "
        "`_shape` suffix and match an argument from `call()`. "
        f"E.g. `{method}(self, foo_shape, bar_shape)`. For layer '{class_name}', "
    )
    chosen: dict[str, Any] = {}
    for name in names:
        argument = name.removesuffix("_shape")
        if argument == name:
            raise ValueError(
                f"{rule}received `{method}()` argument `{name}`, which does not end in `_shape`."
            )
        if argument not in call_spec.arguments_dict:
            raise ValueError(
                f"{rule}received `{method}()` argument `{name}`, but `call()` does not have "
                f"argument `{argument}`."
            )
        if name in shapes:
            chosen[name] = shapes[name]
    return chosen

