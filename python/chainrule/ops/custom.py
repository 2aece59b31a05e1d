"""Functions with derivatives of the user's own: `custom_gradient` in ops, `numpy_function` in NumPy."""

from __future__ import annotations

import functools
import inspect
from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import numpy as np

from chainrule import _core
from chainrule.base import tree
from chainrule.base.dtypes import is_float_dtype, standardize_dtype
from chainrule.base.errors import DTypeError, ShapeError
from chainrule.reference import numpy_function as reference
from chainrule.tracing.arrays import Array, constant, engine_dtype
from chainrule.tracing.casting import as_dtype
from chainrule.tracing.dispatch import apply
from chainrule.tracing.enclosed import Enclosed, RecordedFunction, by_name, is_array_like
from chainrule.tracing.recorder import Call, observed, paused, recorders
from chainrule.tracing.stored import Stored
from chainrule.tracing.tensor import KerasTensor, any_symbolic_tensors
from chainrule.tracing.trace import current_trace

__all__ = ["custom_gradient", "numpy_function"]

_PLAIN = (bool, int, float, str)


class custom_gradient:
    """Decorator of a function `f(*args) -> (outputs, grad)`, whose derivative is `grad`; as Keras's
    `ops.custom_gradient`.

    dL/darg = grad(dL/doutput), whatever the ops in f would give. `grad` is called with one gradient for
    each output, by position, as in Keras's guides; or, where its signature asks for it, as
    `grad(*args, upstream=...)`, with a list for several outputs. It gives one gradient for each
    positional argument of f, or for each that is a tensor; a list for several, None where none flows. It is
    written in ops too, so that second derivatives exist. `Model.check_gradients` holds it against
    differences of f.

    Parameters
    ----------
    fun : callable
        The function `f`, of tensors of any shape and dtype. No gradient flows to other tensors that it
        uses.

    Raises
    ------
    TypeError
        f gives no pair of outputs and a function, or reads a trainable variable that is no argument, when
        it is called in a compiled step.
    ValueError
        Another number of gradients than of arguments.
    ShapeError
        A gradient of another shape than its argument.

    Examples
    --------
    >>> import numpy as np
    >>> from chainrule import grad, ops
    >>> @custom_gradient
    ... def log1pexp(x):
    ...     e = ops.exp(x)
    ...     return ops.log(1 + e), lambda upstream: upstream * (1 - 1 / (1 + e))
    >>> grad(log1pexp)(np.array(100.0)).item()
    1.0
    """

    def __init__(self, fun: Callable[..., Any]) -> None:
        if not callable(fun):
            raise TypeError(f"custom_gradient: expected a function, got {fun!r}")
        self.fun = fun
        functools.update_wrapper(self, fun)

    def __get__(self, instance: Any, owner: Any = None) -> Any:
        return self if instance is None else custom_gradient(self.fun.__get__(instance, owner))

    def __reduce__(self) -> Any:
        return by_name(self) or (custom_gradient, (self.fun,))

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        if any_symbolic_tensors(args, kwargs):
            return RecordedFunction(self)(*args, **kwargs)
        if current_trace() is not None:
            return self._traced(args, kwargs)
        listening = recorders()
        if not listening:
            return self._pair(self.fun(*args, **kwargs))[0]
        return self._observed(args, kwargs)

    def _pair(self, result: Any) -> tuple[Any, Callable[..., Any]]:
        if not isinstance(result, tuple) or len(result) != 2 or not callable(result[1]):
            raise TypeError(
                f"custom_gradient: expected {self._name} to return (outputs, grad), got {result!r}"
            )
        return result

    @property
    def _name(self) -> str:
        return getattr(self.fun, "__name__", repr(self.fun))

    def _observed(self, args: Any, kwargs: Any) -> Any:
        """A call on arrays that a tape records as one, to replay it with its own derivative."""
        leaves = tree.flatten((args, kwargs))
        given = [constant(x) for x in leaves if is_array_like(x)]
        with paused():
            outputs, _ = self._pair(self.fun(*args, **kwargs))
        flat = [constant(x) for x in tree.flatten(outputs)]

        def replay(inputs: list[Any]) -> list[Any]:
            values = iter(inputs)
            again = [next(values) if is_array_like(x) else x for x in leaves]
            return tree.flatten(self._traced(*tree.pack_sequence_as((args, kwargs), again)))

        used = [c.cell_contents for c in getattr(self.fun, "__closure__", None) or ()]
        settings = [None if is_array_like(x) else _Same(x) for x in leaves]
        key = (_Same(self.fun), *map(_Same, used), *settings)
        return tree.pack_sequence_as(outputs, observed(Call(lambda: key, replay), given, flat))

    def _traced(self, args: Any, kwargs: Any) -> Any:
        """Outputs in the open trace, of which gradients are what `grad` gives."""
        trace = current_trace()
        assert trace is not None, "functions are enclosed inside a trace"
        enclosed = Enclosed(trace)
        result = self._pair(enclosed.call(self.fun, args, kwargs))
        self._check_reads(enclosed, args)
        outputs, values = enclosed.outputs, enclosed.push(enclosed.outputs)
        own = [x for x in tree.flatten(result[0]) if isinstance(x, KerasTensor)]
        floats = [at for at, x in enumerate(own) if is_float_dtype(x.dtype)]
        seeds, gradients = self._gradients(enclosed, result[1], own)
        outside, inside = enclosed.inputs()
        place = {x.value: at for at, x in enumerate(inside)}
        by = [
            (place[a.value], g)
            for a, g in zip(enclosed.arguments, gradients)
            if a.value in place and g is not None
        ]
        if by and floats:
            attrs = {
                "forward": enclosed.body(inside, [outputs[at] for at in floats]),
                "backward": enclosed.body([*inside, *seeds], [g for _, g in by]),
                "wrt": [at for at, _ in by],
            }
            given = [*(values[at] for at in floats), *outside]
            found = apply("custom_gradient", attrs, given, outputs=len(floats))
            for at, y in zip(floats, [found] if len(floats) == 1 else found):
                dtype = values[at].dtype
                values[at] = KerasTensor.traced(trace, y.value, y.shape, dtype)
        elif floats:
            stopped = {at: apply("stop_gradient", {}, [values[at]]) for at in floats}
            values = [stopped.get(at, x) for at, x in enumerate(values)]
        return enclosed.close(result, values)[0]

    def _check_reads(self, enclosed: Enclosed, args: Any) -> None:
        given = {id(x) for x in tree.flatten(args) if isinstance(x, Stored)}
        for variable, _ in enclosed.reads:
            if getattr(variable, "trainable", False) and id(variable) not in given:
                raise TypeError(
                    f"custom_gradient: {self._name} reads the trainable variable '{variable.path}', to "
                    "which its own gradient does not go: make it an argument"
                )

    def _gradients(
        self, enclosed: Enclosed, grad: Callable[..., Any], own: list[KerasTensor]
    ) -> tuple[list[KerasTensor], list[KerasTensor | None]]:
        """Inputs for the gradients by the float outputs, and the gradients by the arguments."""
        count = len(enclosed.updated)
        with enclosed:
            upstream = [enclosed.like(x) if is_float_dtype(x.dtype) else None for x in own]
            found = tree.flatten(_called(grad, enclosed.arguments, upstream))
            if len(enclosed.updated) != count:
                path = enclosed.updated[-1].path
                raise TypeError(f"custom_gradient: the gradient of {self._name} assigns '{path}'")
            if len(found) == len(enclosed.is_tensor):
                found = [g for g, is_tensor in zip(found, enclosed.is_tensor) if is_tensor]
            if len(found) != len(enclosed.arguments):
                raise ValueError(
                    f"custom_gradient: expected {len(enclosed.arguments)} gradients, one for each "
                    f"tensor among the arguments of {self._name}, got {len(found)}"
                )
            gradients = [self._checked(enclosed, a, g) for a, g in zip(enclosed.arguments, found)]
        return [x for x in upstream if x is not None], gradients

    def _checked(self, enclosed: Enclosed, argument: KerasTensor, gradient: Any) -> Any:
        if gradient is None or not is_float_dtype(argument.dtype):
            return None
        gradient = as_dtype(gradient, argument.dtype)
        if tuple(gradient.shape) != tuple(argument.shape):
            raise ShapeError(
                f"custom_gradient: expected a gradient of shape {tuple(argument.shape)}, as the "
                f"argument of {self._name}, got {tuple(gradient.shape)}"
            )
        return enclosed.lift(gradient)


class _Same:
    """A key that is equal to itself, and to that of the same object or of an equal number or word."""

    def __init__(self, x: Any) -> None:
        self.x = x

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, _Same):
            return NotImplemented
        x, y = self.x, other.x
        return x is y or (type(x) is type(y) and isinstance(x, _PLAIN) and bool(x == y))

    def __hash__(self) -> int:
        return hash(self.x) if isinstance(self.x, _PLAIN) else id(self.x)


def _called(grad: Callable[..., Any], arguments: Sequence[Any], upstream: list[Any]) -> Any:
    """What a function of gradients gives, called in the way that its signature has."""
    try:
        inspect.signature(grad).bind(*upstream)
    except TypeError:
        single = upstream[0] if len(upstream) == 1 else upstream
        return grad(*arguments, upstream=single)
    return grad(*upstream)


class numpy_function:
    """The user's own NumPy code as an op, as TensorFlow's `tf.numpy_function`, with its own backward:
    y = forward(x), dx = backward(x, y, dy).

    In a compiled step the code is called back, with Python's lock taken, before any weight changes; what it
    raises comes out as that exception, the layer named. It gets and gives copies. It must depend on its
    inputs alone, since equal calls are made once, and cannot read variables: give it their values.
    `Model.check_gradients` holds `backward` against differences of `forward`, in float64.

    Parameters
    ----------
    forward : callable
        Of arrays, gives an array or a tuple of them.
    backward : callable, optional
        Of three tuples: the inputs, the outputs, and the gradients by the outputs (None for those that are
        not float). Gives one gradient for each float input, None for zeros; a tuple for several. Without
        it no gradient can be asked for.
    output_spec : tuple, list or callable, optional
        (shape, dtype) of the output, or a list of such for several outputs; or a function that gives this, of
        the inputs' specs, which have `shape` and `dtype`. Default: one output like the first input.
    name : str, optional
        Of errors. Default: that of `forward`.

    Returns
    -------
    callable
        Of tensors, in layers and functions as any op.

    Raises
    ------
    TypeError
        `forward` or `backward` is not callable.
    ShapeError
        A result of another shape than `output_spec` says, or a gradient of another shape than its input,
        when it runs.
    DTypeError
        A result that is no number, or a float where integers are expected.
    ValueError
        Another number of results.

    Examples
    --------
    >>> import numpy as np
    >>> from chainrule import grad, ops
    >>> cube = numpy_function(lambda x: x**3, lambda x, y, dy: 3 * x[0] ** 2 * dy[0])
    >>> grad(lambda x: ops.sum(cube(x)))(np.array([1.0, 2.0])).tolist()
    [3.0, 12.0]
    """

    def __init__(
        self,
        forward: Callable[..., Any],
        backward: Callable[..., Any] | None = None,
        output_spec: Any = None,
        name: str | None = None,
    ) -> None:
        for word, function in (("forward", forward), ("backward", backward)):
            if not callable(function) and (function is not None or word == "forward"):
                raise TypeError(f"numpy_function: `{word}` must be a function, got {function!r}")
        self.forward = forward
        self.backward = backward
        self.output_spec = output_spec
        self.name = str(name or getattr(forward, "__name__", "numpy_function"))
        # By the dtypes of inputs and outputs.
        self._codes: dict[Any, tuple[_Number, _Number | None]] = {}

    def __getstate__(self) -> dict[str, Any]:
        """All but what has been registered with the core."""
        return {**self.__dict__, "_codes": {}}

    def __call__(self, *xs: Any) -> Any:
        if any_symbolic_tensors(xs):
            return RecordedFunction(self)(*xs)
        if not xs:
            raise ValueError(f"numpy_function: expected an input of {self.name} at least")
        tensors = [constant(x) for x in xs]
        inputs = tuple(engine_dtype(standardize_dtype(x.dtype)) for x in tensors)
        made, is_single = self._specs(tensors)
        outputs = tuple(engine_dtype(dtype) for _, dtype in made)
        key = (inputs, outputs)
        if key not in self._codes:
            self._codes[key] = self._registered(*key)
        forward, backward = self._codes[key]
        attrs = {
            "forward": forward,
            "backward": backward,
            "outputs": [{"shape": s, "dtype": d} for (s, _), d in zip(made, outputs)],
        }
        found = apply("numpy_function", attrs, tensors, outputs=len(made))
        results = [found] if len(made) == 1 else found
        results = [as_dtype(y, dtype) for y, (_, dtype) in zip(results, made)]
        return results[0] if is_single else tuple(results)

    def _specs(self, tensors: Sequence[Any]) -> tuple[list[tuple[list[Any], str]], bool]:
        """Shapes and dtypes of the outputs, and whether there is one, not in a tuple."""
        given = [_Spec(tuple(x.shape), standardize_dtype(x.dtype)) for x in tensors]
        spec = self.output_spec
        if spec is None:
            spec = given[0]
        elif callable(spec):
            spec = spec(*given)
        is_single = not isinstance(spec, list)
        made = []
        for each in [spec] if is_single else spec:
            try:
                shape, dtype = each
                made.append((list(shape), standardize_dtype(dtype)))
            except (TypeError, ValueError):
                raise ValueError(
                    f"numpy_function: expected (shape, dtype) as output_spec of {self.name}, or a list "
                    f"of such, got {spec!r}"
                ) from None
        return made, is_single

    def _registered(
        self, inputs: tuple[str, ...], outputs: tuple[str, ...]
    ) -> tuple[_Number, _Number | None]:
        floats = tuple(dtype for dtype in inputs if is_float_dtype(dtype))
        there = _Number.of(_Forward(self.name, self.forward, outputs))
        if self.backward is None or not floats:
            return there, None
        return there, _Number.of(_Backward(self.name, self.backward, floats, inputs, outputs))


class _Spec(NamedTuple):
    """Shape and dtype of an input."""

    shape: tuple[Any, ...]
    dtype: str


class _Code:
    """Code that a graph calls back, with arrays of the dtypes that it knows."""

    def __init__(self, name: str, function: Callable[..., Any], made: Sequence[str]) -> None:
        self.name = name
        self.function = function
        self.made = made

    def run(self, arrays: list[Array]) -> list[Array]:
        """The results, as the code gives them."""
        raise NotImplementedError

    def __call__(self, arrays: list[Array]) -> list[Array]:
        """The results in the dtypes that the graph takes."""
        return [self._cast(x, dtype) for x, dtype in zip(self.run(arrays), self.made)]

    def _cast(self, x: Array, dtype: str) -> Array:
        if x.dtype.kind not in "biuf" or (x.dtype.kind == "f" and not is_float_dtype(dtype)):
            raise DTypeError(
                f"numpy_function: expected {self.name} to give an array of {dtype}, got {x.dtype}"
            )
        return x.astype(dtype, copy=False)

    def _counted(self, found: Any, count: int) -> Sequence[Any]:
        results = found if isinstance(found, (tuple, list)) else (found,)
        if len(results) != count:
            raise ValueError(
                f"numpy_function: expected {count} results of {self.name}, got {len(results)}"
            )
        return results


class _Forward(_Code):
    def run(self, arrays: list[Array]) -> list[Array]:
        found = self._counted(self.function(*arrays), len(self.made))
        return [np.asarray(y) for y in found]


class _Backward(_Code):
    def __init__(
        self,
        name: str,
        function: Callable[..., Any],
        made: Sequence[str],
        inputs: Sequence[str],
        outputs: Sequence[str],
    ) -> None:
        super().__init__(f"the backward of {name}", function, made)
        self.is_float = [is_float_dtype(dtype) for dtype in inputs]
        self.has_gradient = [is_float_dtype(dtype) for dtype in outputs]

    def run(self, arrays: list[Array]) -> list[Array]:
        first, second = len(self.is_float), len(self.is_float) + len(self.has_gradient)
        inputs, outputs = tuple(arrays[:first]), tuple(arrays[first:second])
        given = iter(arrays[second:])
        douts = tuple(next(given) if has else None for has in self.has_gradient)
        found = self._counted(self.function(inputs, outputs, douts), len(self.made))
        floats = [x for x, is_float in zip(inputs, self.is_float) if is_float]
        return [
            np.zeros_like(x) if g is None else self._shaped(np.asarray(g), x)
            for g, x in zip(found, floats)
        ]

    def _shaped(self, gradient: Array, x: Array) -> Array:
        if gradient.shape != x.shape:
            raise ShapeError(
                f"numpy_function: expected {self.name} to give a gradient of shape {x.shape}, as its "
                f"input, got {gradient.shape}"
            )
        return gradient


class _Number(int):
    """The number of registered code, which is kept as long as this is."""

    callback: _core.Callback

    @classmethod
    def of(cls, code: _Code) -> _Number:
        """Code under a new number."""
        callback = _core.Callback(code)
        number = cls(callback.number)
        number.callback = callback
        reference.CODES[callback.number] = code
        return number
