"""EinsumDense: a layer with weights and any einsum equation."""

from __future__ import annotations

import math
import re
from typing import Any, NamedTuple

from chainrule import activations, constraints, initializers, ops, regularizers
from chainrule.base.dtypes import result_type
from chainrule.base.errors import ShapeError
from chainrule.initializers import VarianceScaling
from chainrule.layers.core.lora import LoRA
from chainrule.layers.input_spec import InputSpec
from chainrule.layers.options import fused_name, serialize_options
from chainrule.tracing import dispatch
from chainrule.tracing.variable import Variable


class EinsumDense(LoRA):
    """``y = activation(einsum(equation, x, kernel) + bias)``.

    Parameters
    ----------
    equation : str
        Such as ``"abc,cd->abd"``; the input may begin or end with ``...``.
    output_shape : int or tuple
        The shape of the output without the batch (and without the axes of ``...``); `None` where
        the input tells.
    activation : str or callable, optional
    bias_axes : str, optional
        The letters of the output that the bias spans. Default: no bias.
    kernel_initializer, bias_initializer : Initializer or str
        Default ``"glorot_uniform"`` and ``"zeros"``.
    kernel_regularizer, bias_regularizer : Regularizer or str, optional
    kernel_constraint, bias_constraint : Constraint or str, optional
    lora_rank : int, optional
        Freeze the kernel and train a change of this rank: see `enable_lora`.
    lora_alpha : float, optional
        The change counts `lora_alpha / lora_rank` times. Default: `lora_rank`.
    gptq_unpacked_column_size, quantization_config : None
        In Keras's signature; only `None` is accepted.

    Raises
    ------
    ValueError
        For an equation of another form, or shapes that contradict it.

    Examples
    --------
    >>> import numpy as np
    >>> from chainrule import layers
    >>> layer = layers.EinsumDense("abc,cd->abd", output_shape=(None, 64), bias_axes="d")
    >>> layer(np.ones((2, 32, 128))).shape
    (2, 32, 64)
    """

    def __init__(
        self,
        equation: str,
        output_shape: Any,
        activation: Any = None,
        bias_axes: str | None = None,
        kernel_initializer: Any = "glorot_uniform",
        bias_initializer: Any = "zeros",
        kernel_regularizer: Any = None,
        bias_regularizer: Any = None,
        kernel_constraint: Any = None,
        bias_constraint: Any = None,
        lora_rank: int | None = None,
        lora_alpha: float | None = None,
        gptq_unpacked_column_size: None = None,
        quantization_config: None = None,
        **kwargs: Any,
    ) -> None:
        if (gptq_unpacked_column_size, quantization_config) != (None, None):
            raise ValueError(
                "chainrule has no quantization: `gptq_unpacked_column_size` and "
                "`quantization_config` must be None."
            )
        super().__init__(**kwargs)
        self.equation = equation
        single = isinstance(output_shape, int)
        self.partial_output_shape = (output_shape,) if single else tuple(output_shape)
        self.bias_axes = bias_axes
        self.activation = activations.get(activation)
        self.kernel_initializer = initializers.get(kernel_initializer)
        self.bias_initializer = initializers.get(bias_initializer)
        self.kernel_regularizer = regularizers.get(kernel_regularizer)
        self.bias_regularizer = regularizers.get(bias_regularizer)
        self.kernel_constraint = constraints.get(kernel_constraint)
        self.bias_constraint = constraints.get(bias_constraint)
        self._set_lora(lora_rank, lora_alpha)

    def build(self, input_shape: Any) -> None:
        shapes = _analyze_einsum_string(
            self.equation, self.bias_axes, input_shape, self.partial_output_shape
        )
        self.input_spec = InputSpec(ndim=len(input_shape))
        self._kernel = self.add_weight(
            name="kernel",
            shape=shapes.kernel,
            initializer=_with_axes(
                self.kernel_initializer, shapes.input_axes, shapes.output_axes
            ),
            regularizer=self.kernel_regularizer,
            constraint=self.kernel_constraint,
        )
        self.bias: Variable | None = None
        if shapes.bias is not None:
            self.bias = self.add_weight(
                name="bias",
                shape=shapes.bias,
                initializer=self.bias_initializer,
                regularizer=self.bias_regularizer,
                constraint=self.bias_constraint,
            )
        self._build_lora()

    @property
    def kernel(self) -> Any:
        """The weights, with LoRA's change; AttributeError before the layer is built."""
        return self._effective()

    def compute_output_shape(self, input_shape: Any) -> Any:
        return _analyze_einsum_string(
            self.equation, self.bias_axes, input_shape, self.partial_output_shape
        ).output

    def call(self, inputs: Any, training: bool | None = None) -> Any:
        bound = _bound_axes(self.equation, self.bias_axes)
        if bound and self.bias is not None:
            return self._product(inputs, bound)
        outputs = ops.einsum(self.equation, inputs, self.kernel)
        if self.bias is not None:
            outputs = ops.add(outputs, self.bias)
        return outputs if self.activation is None else self.activation(outputs)

    def _product(self, inputs: Any, bound: int) -> Any:
        """The same as one matrix product whose last step adds the bias."""
        kernel, bias, shape = self.kernel, self.bias, tuple(inputs.shape)
        assert bias is not None
        dtype = result_type(inputs.dtype, kernel.dtype, bias.dtype)
        fused = "linear" if self.activation is None else fused_name(self.activation)
        rows, columns = math.prod(kernel.shape[:bound]), math.prod(bias.shape)
        outputs = dispatch.apply(
            "dense",
            {"activation": fused or "linear"},
            [
                ops.reshape(ops.cast(inputs, dtype), (*shape[:-bound], rows)),
                ops.reshape(ops.cast(kernel, dtype), (rows, columns)),
                ops.reshape(ops.cast(bias, dtype), (columns,)),
            ],
        )
        outputs = ops.reshape(outputs, (*shape[:-bound], *bias.shape))
        return outputs if fused else self.activation(outputs)

    def get_config(self) -> dict[str, Any]:
        config = {
            "output_shape": self.partial_output_shape,
            "equation": self.equation,
            "activation": activations.serialize(self.activation),
            "bias_axes": self.bias_axes,
            "quantization_config": None,
        }
        options = serialize_options(
            self,
            "kernel_initializer",
            "bias_initializer",
            "kernel_regularizer",
            "bias_regularizer",
            "kernel_constraint",
            "bias_constraint",
        )
        return {**super().get_config(), **config, **options, **self._lora_config()}


def _bound_axes(equation: str, bias_axes: str | None) -> int:
    """How many last axes of the input a plain product sums over, such as 2 of ``abcd,cde->abe``.

    0 where the equation is another, or the bias does not span just the axes that the kernel makes.
    """
    match = re.fullmatch(r"(\.\.\.)?([a-zA-Z]+),([a-zA-Z]+)->(\.\.\.)?([a-zA-Z]+)", equation)
    if match is None or match[1] != match[4] or not bias_axes:
        return 0
    x, w, y = match[2], match[3], match[5]
    made = len(bias_axes)
    kept, bound = y[:-made], w[:-made]
    is_plain = x == kept + bound and w == bound + bias_axes and y == kept + bias_axes
    return len(bound) if is_plain and len({*x, *w, *y}) == len(x) + made else 0


def _with_axes(initializer: Any, input_axes: list[int], output_axes: list[int]) -> Any:
    """A variance scaling initializer that counts fan-in and fan-out along the equation's axes."""
    if not isinstance(initializer, VarianceScaling):
        return initializer
    if initializer.input_axes is not None and initializer.output_axes is not None:
        return initializer
    config = {
        **initializer.get_config(),
        "seed": initializer.seed,
        "input_axes": input_axes,
        "output_axes": output_axes,
    }
    return type(initializer).from_config(config)


class EinsumShapes(NamedTuple):
    """Shapes that follow from an equation; `bias` is `None` without bias axes."""

    kernel: tuple[int, ...]
    bias: tuple[int, ...] | None
    output: tuple[int | None, ...]
    input_axes: list[int]
    output_axes: list[int]


def _analyze_einsum_string(
    equation: str, bias_axes: str | None, input_shape: Any, output_shape: Any
) -> EinsumShapes:
    """Shapes of kernel, bias and output.

    Raises
    ------
    ShapeError
        When a letter has two sizes.
    ValueError
        When the equation has another form, or a letter has no size.
    """
    letters = "([a-zA-Z]+)"
    forms = {
        "": f"{letters},{letters}->{letters}",
        "left": rf"\.\.\.{letters},{letters}->\.\.\.{letters}",
        "right": rf"([a-zA-Z]{{2,}})\.\.\.,{letters}->{letters}\.\.\.",
    }
    for side, form in forms.items():
        match = re.fullmatch(form, equation)
        if match:
            break
    else:
        raise ValueError(
            f"Invalid einsum equation '{equation}'. Equations must be in the form "
            "[X],[Y]->[Z], ...[X],[Y]->...[Z], or [X]...,[Y]->[Z]...."
        )
    x, w, y = match.groups()
    elided = len(input_shape) - len(x)
    if elided < 0:
        raise ShapeError(
            f"Equation '{equation}' expects an input with {len(x)} axes, "
            f"found shape {tuple(input_shape)}."
        )
    start = elided if side == "left" else 0
    output: list[int | None] = [input_shape[0], *output_shape]
    if side == "left":
        output[1:1] = input_shape[1:elided]
    elif elided:
        output.extend(input_shape[-elided:])
    sizes_in = {letter: input_shape[i + start] for i, letter in enumerate(x)}
    sizes_out: dict[str, int | None] = {}
    for i, letter in enumerate(y):
        if i + start >= len(output):
            raise ValueError(
                f"The output of '{equation}' has more axes than output_shape={output_shape} gives."
            )
        if output[i + start] is None and letter in sizes_in:
            output[i + start] = sizes_in[letter]
        sizes_out[letter] = output[i + start]
    _check_sizes(x, w, y, sizes_in, sizes_out)
    bias = None
    if bias_axes is not None:
        bias = _bias_shape(y, bias_axes, sizes_out) + (1,) * (0 if side == "left" else elided)
    kernel = [sizes_out[c] if c in sizes_out else sizes_in[c] for c in w]
    if None in kernel:
        raise ShapeError(
            f"Equation '{equation}': the kernel '{w}' needs known sizes, found {kernel} for an "
            f"input of shape {tuple(input_shape)} and output_shape={tuple(output_shape)}."
        )
    return EinsumShapes(
        kernel=tuple(int(size or 0) for size in kernel),
        bias=bias,
        output=tuple(output),
        input_axes=[i for i, c in enumerate(w) if c not in sizes_out],
        output_axes=[i for i, c in enumerate(w) if c in sizes_out],
    )


def _check_sizes(x: str, w: str, y: str, sizes_in: Any, sizes_out: Any) -> None:
    for c in x:
        if sizes_out.get(c) is not None and sizes_out[c] != sizes_in[c]:
            raise ShapeError(
                f"Input shape and output shape do not match at shared dimension '{c}'. "
                f"Input shape is {sizes_in[c]}, and output shape is {sizes_out[c]}."
            )
    for c in y:
        if c not in x and c not in w:
            raise ValueError(
                f"Dimension '{c}' was specified in the output '{y}' but has no corresponding dim "
                f"in the input spec '{x}' or weight spec '{w}'"
            )
    for c in w:
        if c not in x and c not in y:
            raise ValueError(
                f"Weight dimension '{c}' did not have a match in either the input spec '{x}' or "
                f"the output spec '{y}'. For this layer, the weight must be fully specified."
            )


def _bias_shape(y: str, bias_axes: str, sizes: Any) -> tuple[int, ...]:
    """Sizes of the bias axes, 1 between them, from the first of them on."""
    for c in bias_axes:
        if c not in y:
            raise ValueError(
                f"Bias dimension '{c}' was requested, but is not part of the output spec '{y}'"
            )
    first = min(y.find(c) for c in bias_axes)
    return tuple(sizes[c] if c in bias_axes else 1 for c in y[first:])
