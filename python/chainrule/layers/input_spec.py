"""What a layer accepts: rank, dtype and shape of its inputs, checked before it runs."""

from __future__ import annotations

from typing import Any, NoReturn

from chainrule.base import tree
from chainrule.base.dtypes import standardize_dtype
from chainrule.base.errors import ShapeError
from chainrule.tracing.tensor import standardize_shape


class InputSpec:
    """Constraints on one input of a layer; `None` anywhere means anything.

    Parameters
    ----------
    dtype : str, optional
        The exact dtype.
    shape : tuple, optional
        The exact shape, batch included; `None` entries match any size.
    ndim, max_ndim, min_ndim : int, optional
        The exact, largest and smallest rank.
    axes : dict, optional
        ``{axis: size}``.
    allow_last_axis_squeeze : bool
        Accept a missing or an extra last axis of size 1. Default False.
    name : str, optional
        The key of this input when inputs come as a dict.
    optional : bool
        Whether the input may be `None`. Default False.

    Raises
    ------
    TypeError
        When `axes` is not a dict with integer keys.
    ValueError
        When an axis lies outside the rank.

    Examples
    --------
    >>> InputSpec(min_ndim=2, axes={-1: 8})
    InputSpec(min_ndim=2, axes={-1: 8})
    """

    def __init__(
        self,
        dtype: Any = None,
        shape: Any = None,
        ndim: int | None = None,
        max_ndim: int | None = None,
        min_ndim: int | None = None,
        axes: Any = None,
        allow_last_axis_squeeze: bool = False,
        name: str | None = None,
        optional: bool = False,
    ) -> None:
        self.dtype = None if dtype is None else standardize_dtype(dtype)
        self.shape = None if shape is None else standardize_shape(shape)
        self.ndim = ndim if self.shape is None else len(self.shape)
        self.max_ndim = max_ndim
        self.min_ndim = min_ndim
        self.name = name
        self.optional = optional
        self.allow_last_axis_squeeze = allow_last_axis_squeeze
        try:
            self.axes: dict[int, int | None] = {int(k): (axes or {})[k] for k in axes or {}}
        except (ValueError, TypeError):
            raise TypeError(
                f"Argument `axes` must be a dict with integer keys. Received: axes={axes}"
            ) from None
        largest = self.ndim or self.max_ndim
        if self.axes and largest is not None and max(self.axes) > largest - 1:
            raise ValueError(
                f"Axis {max(self.axes)} is greater than the maximum allowed value: {largest - 1}"
            )

    def __repr__(self) -> str:
        names = ("dtype", "shape", "ndim", "max_ndim", "min_ndim", "axes")
        parts = [f"{n}={getattr(self, n)}" for n in names if getattr(self, n)]
        return f"InputSpec({', '.join(parts)})"

    def get_config(self) -> dict[str, Any]:
        """The constructor arguments as a dict."""
        names = ("dtype", "shape", "ndim", "max_ndim", "min_ndim", "axes", "optional")
        return {name: getattr(self, name) for name in names}

    @classmethod
    def from_config(cls, config: dict[str, Any]) -> InputSpec:
        """The inverse of `get_config`."""
        return cls(**config)


def _flatten_inputs(specs: list[Any], inputs: Any) -> list[Any]:
    """Inputs in the order of the specs; a dict is read by the specs' names when all have one."""
    names = [None if spec is None else spec.name for spec in specs]
    if isinstance(inputs, dict) and all(names):
        for name in names:
            if name not in inputs:
                raise ValueError(
                    f'Missing data for input "{name}". You passed a data dictionary with keys '
                    f"{list(inputs)}. Expected the following keys: {names}"
                )
        return [inputs[name] for name in names]
    return list(tree.flatten(inputs))


def assert_input_compatibility(input_spec: Any, inputs: Any, layer_name: str) -> None:
    """Check inputs against the specs of a layer.

    Parameters
    ----------
    input_spec : InputSpec, nested structure of them, or None
        One spec an input.
    inputs : tensor or nested structure
        The first argument of the call.
    layer_name : str
        Named in the message.

    Raises
    ------
    ShapeError
        (a ValueError) naming the layer, the expected and the found rank, axis or shape.
    ValueError
        For a wrong number of inputs, a missing key, or something that is no tensor.
    """
    if not input_spec:
        return
    specs = list(tree.flatten(input_spec))
    flat = _flatten_inputs(specs, inputs)
    if len(flat) != len(specs):
        names = [spec.name for spec in specs if spec is not None]
        if len(names) == len(specs) and all(names):
            keys = ", ".join(f"'{n}': ..." for n in names)
            raise ValueError(
                f'Layer "{layer_name}" expects {len(specs)} named input(s) with keys {names}, '
                f"but it received {len(flat)} input tensors. "
                f"Pass inputs as a dict, e.g. `layer({{{keys}}})`."
            )
        raise ValueError(
            f'Layer "{layer_name}" expects {len(specs)} input(s), '
            f"but it received {len(flat)} input tensors. Inputs received: {flat}"
        )
    for index, (x, spec) in enumerate(zip(flat, specs)):
        if spec is None or (x is None and spec.optional):
            continue
        if not hasattr(x, "shape"):
            raise ValueError(
                f"Inputs to a layer should be tensors. Got '{x}' (of type {type(x)}) "
                f"as input for layer '{layer_name}'."
            )
        _check_one(spec, x, index, layer_name)


def _check_one(spec: InputSpec, x: Any, index: int, layer_name: str) -> None:
    shape = tuple(x.shape)
    ndim = len(shape)

    def refuse(reason: str) -> NoReturn:
        raise ShapeError(
            f"Input {index} with name '{spec.name}' of layer '{layer_name}' "
            f"is incompatible with the layer: {reason}"
        )

    if spec.ndim is not None and not spec.allow_last_axis_squeeze and ndim != spec.ndim:
        refuse(f"expected ndim={spec.ndim}, found ndim={ndim}. Full shape received: {shape}")
    if spec.max_ndim is not None and ndim > spec.max_ndim:
        refuse(f"expected max_ndim={spec.max_ndim}, found ndim={ndim}")
    if spec.min_ndim is not None and ndim < spec.min_ndim:
        refuse(
            f"expected min_ndim={spec.min_ndim}, found ndim={ndim}. Full shape received: {shape}"
        )
    if spec.dtype is not None and standardize_dtype(x.dtype) != spec.dtype:
        refuse(f"expected dtype={spec.dtype}, found dtype={standardize_dtype(x.dtype)}")
    for axis, size in spec.axes.items():
        if size is None:
            continue
        if not -ndim <= axis < ndim or shape[axis] not in (size, None):
            refuse(
                f"expected axis {axis} of input shape to have value {size}, "
                f"but received input with shape {shape}"
            )
    if spec.shape is not None:
        expected, found = spec.shape, shape
        if spec.allow_last_axis_squeeze:
            found = found[:-1] if found and found[-1] == 1 else found
            expected = expected[:-1] if expected and expected[-1] == 1 else expected
        for expected_size, size in zip(expected, found):
            if None not in (expected_size, size) and expected_size != size:
                refuse(f"expected shape={spec.shape}, found shape={found}")
