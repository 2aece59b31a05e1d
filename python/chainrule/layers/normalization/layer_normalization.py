"""LayerNormalization."""

from __future__ import annotations

import warnings
from typing import Any

from chainrule import constraints, initializers, ops, regularizers
from chainrule.layers.layer import Layer
from chainrule.layers.options import check_axes, known_size, serialize_options
from chainrule.tracing.variable import Variable


class LayerNormalization(Layer):
    """``y = gamma * (x - mean) / sqrt(variance + epsilon) + beta``, mean of each sample.

    Mean and (biased) variance are taken over `axis`; gamma and beta have the shape of those axes.

    Parameters
    ----------
    axis : int or list of int
        Default -1.
    epsilon : float
        Default 1e-3.
    center, scale : bool
        Whether there is a `beta`, a `gamma`. Default True.
    beta_initializer, gamma_initializer : Initializer or str
        Default zeros and ones.
    beta_regularizer, gamma_regularizer, beta_constraint, gamma_constraint : optional

    Raises
    ------
    TypeError
        When `axis` is neither an int nor a list of them.

    Notes
    -----
    Ba, Kiros & Hinton 2016 (arXiv:1607.06450).

    Examples
    --------
    >>> import numpy as np
    >>> from chainrule import layers
    >>> layers.LayerNormalization(epsilon=0.0)(np.array([[1.0, 3.0]])).tolist()
    [[-1.0, 1.0]]
    """

    def __init__(
        self,
        axis: Any = -1,
        epsilon: float = 1e-3,
        center: bool = True,
        scale: bool = True,
        beta_initializer: Any = "zeros",
        gamma_initializer: Any = "ones",
        beta_regularizer: Any = None,
        gamma_regularizer: Any = None,
        beta_constraint: Any = None,
        gamma_constraint: Any = None,
        **kwargs: Any,
    ) -> None:
        rms_scaling = kwargs.pop("rms_scaling", False)
        if rms_scaling:
            warnings.warn(
                "You passed `rms_scaling=True`, which is deprecated. This argument incorrectly "
                "scales the input by the variance, not the root mean square. To correctly use "
                "RMS Normalization, please use `RMSNormalization` instead.",
                stacklevel=2,
            )
        super().__init__(**kwargs)
        if not isinstance(axis, (int, list, tuple)):
            raise TypeError(
                "Expected an int or a list/tuple of ints for the argument 'axis', but received: "
                f"{axis!r}"
            )
        self.axis = axis if isinstance(axis, int) else list(axis)
        self.epsilon = epsilon
        self.center = center
        self.scale = scale
        self.rms_scaling = rms_scaling
        self.beta_initializer = initializers.get(beta_initializer)
        self.gamma_initializer = initializers.get(gamma_initializer)
        self.beta_regularizer = regularizers.get(beta_regularizer)
        self.gamma_regularizer = regularizers.get(gamma_regularizer)
        self.beta_constraint = constraints.get(beta_constraint)
        self.gamma_constraint = constraints.get(gamma_constraint)
        self.supports_masking = True
        self.autocast = False

    def build(self, input_shape: Any) -> None:
        axes = sorted(self.axis) if isinstance(self.axis, list) else [self.axis]
        check_axes(axes, input_shape)
        shape = tuple(known_size(self, input_shape, axis) for axis in axes)
        self.axis = axes
        self.gamma: Variable | None = None
        self.beta: Variable | None = None
        if self.scale or self.rms_scaling:
            self.gamma = self.add_weight(
                name="gamma",
                shape=shape,
                initializer=self.gamma_initializer,
                regularizer=self.gamma_regularizer,
                constraint=self.gamma_constraint,
                autocast=False,
            )
        if self.center and not self.rms_scaling:
            self.beta = self.add_weight(
                name="beta",
                shape=shape,
                initializer=self.beta_initializer,
                regularizer=self.beta_regularizer,
                constraint=self.beta_constraint,
                autocast=False,
            )
        self.built = True

    def call(self, inputs: Any) -> Any:
        if self.rms_scaling:
            outputs = self._scale_by_variance(inputs)
        else:
            outputs = ops.layer_normalization(
                inputs, self.gamma, self.beta, axis=self.axis, epsilon=self.epsilon
            )
        return ops.cast(outputs, self.compute_dtype)

    def _scale_by_variance(self, x: Any) -> Any:
        axes = [axis % len(x.shape) for axis in self.axis]  # type: ignore[union-attr]
        shape = [n if i in axes else 1 for i, n in enumerate(x.shape)]
        inverse = ops.rsqrt(ops.var(x, axis=axes, keepdims=True) + self.epsilon)
        return x * inverse * ops.reshape(self.gamma, shape)

    def compute_output_shape(self, input_shape: Any) -> Any:
        check_axes(self.axis, input_shape)
        return input_shape

    def get_config(self) -> dict[str, Any]:
        config = {
            "axis": self.axis,
            "epsilon": self.epsilon,
            "center": self.center,
            "scale": self.scale,
            "rms_scaling": self.rms_scaling,
        }
        options = serialize_options(
            self,
            "beta_initializer",
            "gamma_initializer",
            "beta_regularizer",
            "gamma_regularizer",
            "beta_constraint",
            "gamma_constraint",
        )
        return {**super().get_config(), **config, **options}
