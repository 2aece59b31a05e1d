"""PReLU: a leaky ReLU whose slope is learned."""

from __future__ import annotations

from typing import Any

from chainrule import constraints, initializers, ops, regularizers
from chainrule.layers.input_spec import InputSpec
from chainrule.layers.layer import Layer
from chainrule.layers.options import serialize_options


class PReLU(Layer):
    """``y = x if x >= 0 else alpha * x``, with a learned `alpha` of the shape of one sample.

    Parameters
    ----------
    alpha_initializer : Initializer or str
        Default ``"Zeros"``.
    alpha_regularizer, alpha_constraint : object or str, optional
    shared_axes : int or list of int, optional
        Axes (1 is the first after the batch) along which one `alpha` serves all.

    Notes
    -----
    He et al. 2015, "Delving Deep into Rectifiers" (arXiv:1502.01852).

    Examples
    --------
    >>> import numpy as np
    >>> from chainrule import layers
    >>> layers.PReLU(alpha_initializer="ones")(np.array([[-2.0, 3.0]])).tolist()
    [[-2.0, 3.0]]
    """

    def __init__(
        self,
        alpha_initializer: Any = "Zeros",
        alpha_regularizer: Any = None,
        alpha_constraint: Any = None,
        shared_axes: Any = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        self.supports_masking = True
        self.alpha_initializer = initializers.get(alpha_initializer)
        self.alpha_regularizer = regularizers.get(alpha_regularizer)
        self.alpha_constraint = constraints.get(alpha_constraint)
        if shared_axes is not None and not isinstance(shared_axes, (list, tuple)):
            shared_axes = [shared_axes]
        self.shared_axes = None if shared_axes is None else list(shared_axes)

    def build(self, input_shape: Any) -> None:
        shape = list(input_shape[1:])
        shared = self.shared_axes or []
        for axis in shared:
            shape[axis - 1] = 1
        self.alpha = self.add_weight(
            name="alpha",
            shape=tuple(shape),
            initializer=self.alpha_initializer,
            regularizer=self.alpha_regularizer,
            constraint=self.alpha_constraint,
        )
        axes = {i: input_shape[i] for i in range(1, len(input_shape)) if i not in shared}
        self.input_spec = InputSpec(ndim=len(input_shape), axes=axes if shared else {})

    def call(self, inputs: Any) -> Any:
        positive = ops.greater(inputs, 0)
        below = ops.where(positive, ops.zeros_like(inputs), inputs)
        return ops.where(positive, inputs, ops.multiply(self.alpha, below))

    def compute_output_shape(self, input_shape: Any) -> Any:
        return input_shape

    def get_config(self) -> dict[str, Any]:
        options = serialize_options(
            self, "alpha_initializer", "alpha_regularizer", "alpha_constraint"
        )
        return {**super().get_config(), **options, "shared_axes": self.shared_axes}
