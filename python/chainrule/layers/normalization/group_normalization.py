"""GroupNormalization."""

from __future__ import annotations

from typing import Any

from chainrule import constraints, initializers, ops, regularizers
from chainrule.base.dtypes import result_type
from chainrule.layers.input_spec import InputSpec
from chainrule.layers.layer import Layer
from chainrule.layers.options import check_axes, known_size, serialize_options
from chainrule.tracing.variable import Variable


class GroupNormalization(Layer):
    """Normalises each sample within groups of channels.

    ``y = gamma * (x - mean) / sqrt(variance + epsilon) + beta``; mean and (biased) variance over
    the positions and the channels of one group; gamma and beta (C).

    Parameters
    ----------
    groups : int
        A divisor of the number of channels; -1: one group a channel. Default 32.
    axis : int
        The axis of the channels. Default -1.
    epsilon : float
        Default 1e-3.
    center, scale : bool
        Whether there is a `beta`, a `gamma`. Default True.
    beta_initializer, gamma_initializer : Initializer or str
        Default zeros and ones.
    beta_regularizer, gamma_regularizer, beta_constraint, gamma_constraint : optional

    Raises
    ------
    ValueError
        When `groups` is not a positive int or -1, or does not divide the channels.

    Notes
    -----
    Wu & He 2018 (arXiv:1803.08494).

    Examples
    --------
    >>> import numpy as np
    >>> from chainrule import layers
    >>> layers.GroupNormalization(groups=2, epsilon=0.0)(np.array([[1.0, 3.0, 0.0, 4.0]])).tolist()
    [[-1.0, 1.0, -1.0, 1.0]]
    """

    def __init__(
        self,
        groups: int = 32,
        axis: int = -1,
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
        if not isinstance(groups, int) or (groups <= 0 and groups != -1):
            raise ValueError(
                "Received an invalid value for argument `groups`, expected a positive integer "
                f"(or `-1` for instance normalization). Received: groups={groups}"
            )
        super().__init__(**kwargs)
        self.supports_masking = True
        self.autocast = False
        self.groups = groups
        self.axis = axis
        self.epsilon = epsilon
        self.center = center
        self.scale = scale
        self.beta_initializer = initializers.get(beta_initializer)
        self.gamma_initializer = initializers.get(gamma_initializer)
        self.beta_regularizer = regularizers.get(beta_regularizer)
        self.gamma_regularizer = regularizers.get(gamma_regularizer)
        self.beta_constraint = constraints.get(beta_constraint)
        self.gamma_constraint = constraints.get(gamma_constraint)

    def build(self, input_shape: Any) -> None:
        if input_shape[self.axis] is None:
            raise ValueError(
                f"Axis {self.axis} of input tensor should have a defined dimension but the layer "
                f"received an input with shape {input_shape}."
            )
        channels = known_size(self, input_shape, self.axis)
        if self.groups == -1:
            self.groups = channels
        if channels < self.groups:
            raise ValueError(
                f"Number of groups ({self.groups}) cannot be more than the number of channels "
                f"({channels})."
            )
        if channels % self.groups:
            raise ValueError(
                f"Number of groups ({self.groups}) must be a multiple of the number of channels "
                f"({channels})."
            )
        self.input_spec = InputSpec(ndim=len(input_shape), axes={self.axis: channels})
        self.gamma: Variable | None = None
        self.beta: Variable | None = None
        if self.scale:
            self.gamma = self.add_weight(
                name="gamma",
                shape=(channels,),
                initializer=self.gamma_initializer,
                regularizer=self.gamma_regularizer,
                constraint=self.gamma_constraint,
                autocast=False,
            )
        if self.center:
            self.beta = self.add_weight(
                name="beta",
                shape=(channels,),
                initializer=self.beta_initializer,
                regularizer=self.beta_regularizer,
                constraint=self.beta_constraint,
                autocast=False,
            )
        self.built = True

    def call(self, inputs: Any) -> Any:
        shape = tuple(inputs.shape)
        axis = self.axis % len(shape)
        size = shape[axis] // self.groups
        grouped = (*shape[:axis], self.groups, size, *shape[axis + 1 :])
        weights = (*(1,) * axis, self.groups, size, *(1,) * (len(shape) - axis - 1))
        x = ops.cast(inputs, result_type(inputs.dtype, "float32"))
        x = ops.reshape(x, grouped)  # (N, ..., groups, C / groups, ...)
        axes = [i for i in range(1, len(grouped)) if i != axis]
        mean, variance = ops.moments(x, axes=axes, keepdims=True)
        factor = ops.rsqrt(variance + self.epsilon)
        if self.gamma is not None:
            factor = factor * ops.cast(ops.reshape(self.gamma, weights), x.dtype)
        shift = -mean * factor
        if self.beta is not None:
            shift = shift + ops.cast(ops.reshape(self.beta, weights), x.dtype)
        return ops.cast(ops.reshape(x * factor + shift, shape), self.compute_dtype)

    def compute_output_shape(self, input_shape: Any) -> Any:
        check_axes(self.axis, input_shape)
        return input_shape

    def get_config(self) -> dict[str, Any]:
        config = {
            "groups": self.groups,
            "axis": self.axis,
            "epsilon": self.epsilon,
            "center": self.center,
            "scale": self.scale,
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
