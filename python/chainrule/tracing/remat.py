"""remat and RematScope: gradients that compute a function again, for memory."""

from __future__ import annotations

import functools
import types
from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

from chainrule.base import tree
from chainrule.base.global_state import get_global_attribute, set_global_attribute
from chainrule.tracing.dispatch import apply
from chainrule.tracing.enclosed import Enclosed, RecordedFunction, by_name
from chainrule.tracing.tensor import KerasTensor, any_symbolic_tensors
from chainrule.tracing.trace import current_trace, next_tag

__all__ = ["RematMode", "RematScope", "current_remat_mode", "remat"]

_MODES = ("full", "activations", "larger_than", "list_of_layers", None)
_SCOPES = "remat_scopes"


class RematMode(NamedTuple):
    """What a RematScope asks of the layers that are made inside."""

    mode: str
    output_size_threshold: int
    layer_names: tuple[str, ...]


class RematScope:
    """Layers that are made inside compute their outputs again in the backward pass; as Keras's
    `RematScope`.

    Parameters
    ----------
    mode : str or None
        "full": every layer. "activations": the activations of layers that have one. "larger_than": layers
        whose outputs have more elements than `output_size_threshold`, where a size that is not known
        counts as 1. "list_of_layers": those named in `layer_names`. None: no layer. Default "full".
    output_size_threshold : int
        Of "larger_than". Default 1024.
    layer_names : sequence of str, optional
        Of "list_of_layers".

    Raises
    ------
    ValueError
        An unknown mode.

    Examples
    --------
    >>> import chainrule as keras
    >>> with RematScope(mode="list_of_layers", layer_names=["wide"]):
    ...     wide = keras.layers.Dense(512, activation="gelu", name="wide")
    """

    def __init__(
        self,
        mode: str | None = "full",
        output_size_threshold: int = 1024,
        layer_names: Sequence[str] | None = None,
    ) -> None:
        if mode not in _MODES:
            raise ValueError(f"RematScope: expected a mode of {_MODES}, got {mode!r}")
        self.mode = mode
        self.output_size_threshold = output_size_threshold
        self.layer_names = list(layer_names or ())

    def __enter__(self) -> RematScope:
        set_global_attribute(_SCOPES, (*_scopes(), self))
        return self

    def __exit__(self, *error: object) -> None:
        set_global_attribute(_SCOPES, _scopes()[:-1])


def _scopes() -> tuple[RematScope, ...]:
    return get_global_attribute(_SCOPES) or ()


def current_remat_mode() -> RematMode | None:
    """What the innermost RematScope of this thread asks for, or None."""
    scopes = _scopes()
    if not scopes or scopes[-1].mode is None:
        return None
    scope = scopes[-1]
    assert scope.mode is not None
    return RematMode(scope.mode, scope.output_size_threshold, tuple(scope.layer_names))


def remat(f: Callable[..., Any]) -> Callable[..., Any]:
    """f, whose gradient computes it again and keeps nothing of the forward pass but f's arguments; as
    Keras's `keras.remat`.

    The losses and gradients are the same to the bit, for what is drawn and assigned in f is drawn and
    assigned once; only of a weight that f uses several times, and others use too, the gradients are added in
    another order. Training needs less memory, and the time of one more forward pass of f. (Chen, Xu, Zhang
    & Guestrin, Training deep nets with sublinear memory cost, 2016.)

    Parameters
    ----------
    f : callable
        A function of tensors, written in `chainrule.ops`, or a layer.

    Returns
    -------
    callable
        Of the arguments of f. Outside a compiled step it is f.

    Raises
    ------
    TypeError
        f is not callable.

    Examples
    --------
    >>> import numpy as np
    >>> from chainrule import grad, ops
    >>> block = remat(lambda x: ops.tanh(ops.exp(x)))
    >>> slope = grad(lambda x: ops.sum(block(x)))(np.zeros(2))
    >>> np.allclose(slope, 1 - np.tanh(1.0) ** 2)
    True
    """
    if not callable(f):
        raise TypeError(f"remat: expected a function, got {f!r}")
    return _Remat(f)


class _Remat:
    """What `remat` returns."""

    def __init__(self, f: Callable[..., Any]) -> None:
        functools.update_wrapper(self, f, updated=())
        self.f = f

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        if any_symbolic_tensors(args, kwargs):
            return RecordedFunction(self)(*args, **kwargs)
        if current_trace() is None:
            return self.f(*args, **kwargs)
        return rematerialized(self.f, args, kwargs)

    def __get__(self, instance: Any, owner: Any = None) -> Any:
        return self if instance is None else types.MethodType(self, instance)

    def __reduce__(self) -> Any:
        return by_name(self) or (_Remat, (self.f,))


def rematerialized(f: Callable[..., Any], args: Any, kwargs: Any, least: int = -1) -> Any:
    """A call of f in the open trace, of which gradients keep nothing where it gives more than `least`
    elements."""
    trace = current_trace()
    assert trace is not None, "functions are enclosed inside a trace"
    enclosed = Enclosed(trace)
    result = enclosed.call(f, args, kwargs)
    values = enclosed.push(enclosed.outputs)
    sizes = [x.size or 0 for x in tree.flatten(result) if isinstance(x, KerasTensor)]
    if sum(sizes) <= least or not values:
        return enclosed.close(result, values)
    outside, inside = enclosed.inputs()
    attrs = {"body": enclosed.body(inside, enclosed.outputs), "tag": next_tag()}
    found = apply("remat", attrs, [*values, *outside], outputs=len(values))
    found = [found] if len(values) == 1 else found
    tensors = [
        KerasTensor.traced(trace, x.value, x.shape, value.dtype) for x, value in zip(found, values)
    ]
    return enclosed.close(result, tensors)
