"""BatchNormalization."""

from __future__ import annotations

from typing import Any

from chainrule import constraints, initializers, ops, regularizers
from chainrule.base import config
from chainrule.base.dtypes import result_type
from chainrule.base.errors import ShapeError
from chainrule.layers.input_spec import InputSpec
from chainrule.layers.layer import Layer
from chainrule.layers.options import check_axes, known_size, serialize_options
from chainrule.tracing import dispatch
from chainrule.tracing.variable import Variable

_CLIPPING = ("rmax", "rmin", "dmax")


class BatchNormalization(Layer):
    """``y = gamma * (x - mean) / sqrt(variance + epsilon) + beta``, one mean a channel.

    While training (``training=True`` and the layer trainable), mean and (biased) variance are the
    batch's, and the moving ones are updated: ``moving = moving * momentum + batch * (1 -
    momentum)``. Otherwise the moving ones are used. Shapes: x and y (N, ..., C), weights (C).

    Parameters
    ----------
    axis : int
        The axis of the channels. Default -1.
    momentum, epsilon : float
        Default 0.99 and 1e-3.
    center, scale : bool
        Whether there is a `beta`, a `gamma`. Default True.
    beta_initializer, gamma_initializer : str or Initializer
        Default zeros and ones.
    moving_mean_initializer, moving_variance_initializer : str or Initializer
        Default zeros and ones.
    beta_regularizer, gamma_regularizer, beta_constraint, gamma_constraint : optional
    renorm : bool
        Batch renormalization (Ioffe 2017, arXiv:1702.03275). Default False.
    renorm_clipping : dict, optional
        ``rmax``, ``rmin``, ``dmax``: limits of the correction.
    renorm_momentum : float
        Default 0.99.
    synchronized : bool
        In Keras's signature; True is refused: there is one device.

    Raises
    ------
    ValueError
        For `synchronized`, or limits that contradict each other.
    ShapeError
        (at a call) for a mask that has not one axis less than the inputs.

    Notes
    -----
    Ioffe & Szegedy 2015 (arXiv:1502.03167).

    Examples
    --------
    >>> import numpy as np
    >>> from chainrule import layers
    >>> layer = layers.BatchNormalization(epsilon=0.0)
    >>> layer(np.array([[1.0], [3.0]]), training=True).tolist()
    [[-1.0], [1.0]]
    >>> round(float(layer.moving_mean.numpy()[0]), 4)
    0.02
    """

    def __init__(
        self,
        axis: int = -1,
        momentum: float = 0.99,
        epsilon: float = 1e-3,
        center: bool = True,
        scale: bool = True,
        beta_initializer: Any = "zeros",
        gamma_initializer: Any = "ones",
        moving_mean_initializer: Any = "zeros",
        moving_variance_initializer: Any = "ones",
        beta_regularizer: Any = None,
        gamma_regularizer: Any = None,
        beta_constraint: Any = None,
        gamma_constraint: Any = None,
        renorm: bool = False,
        renorm_clipping: dict[str, float] | None = None,
        renorm_momentum: float = 0.99,
        synchronized: bool = False,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        if synchronized:
            raise ValueError(
                "Argument synchronized=True is only supported with the TensorFlow backend; "
                "chainrule computes on one device."
            )
        self.axis = int(axis)
        self.momentum = float(momentum)
        self.epsilon = float(epsilon)
        self.center = center
        self.scale = scale
        self.beta_initializer = initializers.get(beta_initializer)
        self.gamma_initializer = initializers.get(gamma_initializer)
        self.moving_mean_initializer = initializers.get(moving_mean_initializer)
        self.moving_variance_initializer = initializers.get(moving_variance_initializer)
        self.beta_regularizer = regularizers.get(beta_regularizer)
        self.gamma_regularizer = regularizers.get(gamma_regularizer)
        self.beta_constraint = constraints.get(beta_constraint)
        self.gamma_constraint = constraints.get(gamma_constraint)
        self.synchronized = False
        self.supports_masking = True
        self.renorm = renorm
        self.renorm_clipping = _check_clipping(renorm_clipping or {}) if renorm else renorm_clipping
        self.renorm_momentum = renorm_momentum
        self.gamma: Variable | None = None
        self.beta: Variable | None = None
        self._reduction_axes: list[int] = []

    def build(self, input_shape: Any) -> None:
        channels = known_size(self, input_shape, self.axis)
        shape = (channels,)
        if self.scale:
            self.gamma = self.add_weight(
                name="gamma",
                shape=shape,
                initializer=self.gamma_initializer,
                regularizer=self.gamma_regularizer,
                constraint=self.gamma_constraint,
                autocast=False,
            )
        if self.center:
            self.beta = self.add_weight(
                name="beta",
                shape=shape,
                initializer=self.beta_initializer,
                regularizer=self.beta_regularizer,
                constraint=self.beta_constraint,
                autocast=False,
            )
        self.moving_mean = self._statistic("moving_mean", self.moving_mean_initializer, shape)
        self.moving_variance = self._statistic(
            "moving_variance", self.moving_variance_initializer, shape
        )
        if self.renorm:

            def root(shape: Any, dtype: Any = None) -> Any:
                return ops.sqrt(_again(self.moving_variance_initializer)(shape, dtype=dtype))

            self.moving_stddev = self._statistic("moving_stddev", root, shape)
            self.renorm_mean = self._statistic(
                "renorm_mean", _again(self.moving_mean_initializer), shape
            )
            self.renorm_stddev = self._statistic("renorm_stddev", root, shape)
        self.input_spec = InputSpec(ndim=len(input_shape), axes={self.axis: channels})
        channel_axis = self.axis % len(input_shape)
        self._reduction_axes = [i for i in range(len(input_shape)) if i != channel_axis]
        self.built = True

    def _statistic(self, name: str, initializer: Any, shape: tuple[int, ...]) -> Variable:
        return self.add_weight(
            name=name, shape=shape, initializer=initializer, trainable=False, autocast=False
        )

    def compute_output_shape(self, input_shape: Any) -> Any:
        check_axes(self.axis, input_shape)
        return input_shape

    def call(self, inputs: Any, training: bool | None = None, mask: Any = None) -> Any:
        if mask is not None and len(mask.shape) != len(inputs.shape) - 1:
            raise ShapeError(
                f"Layer '{self.path}': The mask provided should be one dimension less than the "
                f"inputs. Received: mask.shape={tuple(mask.shape)}, "
                f"inputs.shape={tuple(inputs.shape)}"
            )
        x = ops.cast(inputs, result_type(inputs.dtype, "float32"))
        dtype = x.dtype
        gamma = ops.cast(self.gamma, dtype) if self.gamma is not None else None
        beta = ops.cast(self.beta, dtype) if self.beta is not None else None
        if not (training and self.trainable):
            outputs = self._normalize(
                x, ops.cast(self.moving_mean, dtype), ops.cast(self.moving_variance, dtype),
                gamma, beta,
            )
        elif mask is None and not self.renorm and self._reduction_axes[-1:] != [len(x.shape) - 1]:
            outputs, mean, variance = self._fused(x, gamma, beta)
            self._move(mean, variance)
        else:
            mean, variance = self._moments(x, mask)
            if self.renorm:
                gamma, beta = self._renormalize(mean, variance, gamma, beta)
            else:
                self._move(mean, variance)
            outputs = self._normalize(x, mean, variance, gamma, beta)
        return ops.cast(outputs, self.compute_dtype)

    def _fused(self, x: Any, gamma: Any, beta: Any) -> Any:
        """Output, mean and variance in one op; channels last."""
        shape = (x.shape[-1],)
        gamma = ops.ones(shape, x.dtype) if gamma is None else gamma
        beta = ops.zeros(shape, x.dtype) if beta is None else beta
        return dispatch.apply("batch_norm", {"epsilon": self.epsilon}, [x, gamma, beta], outputs=3)

    def _normalize(self, x: Any, mean: Any, variance: Any, gamma: Any, beta: Any) -> Any:
        return ops.batch_normalization(
            x, mean, variance, self.axis, offset=beta, scale=gamma, epsilon=self.epsilon
        )

    def _move(self, mean: Any, variance: Any) -> None:
        """Moving statistics towards the batch's."""
        for moving, batch in ((self.moving_mean, mean), (self.moving_variance, variance)):
            old = ops.cast(moving, batch.dtype)
            moving.assign(old * self.momentum + batch * (1.0 - self.momentum))

    def _moments(self, x: Any, mask: Any) -> tuple[Any, Any]:
        """Mean and biased variance (C), over the entries where the mask is true."""
        axes = self._reduction_axes
        if mask is None:
            mean, variance = ops.moments(x, axes=axes)
            return mean, variance
        keep = ops.cast(ops.broadcast_to(ops.expand_dims(mask, axis=-1), x.shape), "bool")
        zero = ops.zeros_like(x)
        count = ops.sum(ops.cast(keep, x.dtype), axes, keepdims=True) + config.epsilon()
        mean = ops.sum(ops.where(keep, x, zero), axes, keepdims=True) / count
        squares = ops.square(ops.where(keep, x - mean, zero))
        variance = ops.sum(squares, axes, keepdims=True) / count
        channels = (x.shape[self.axis],)
        return ops.reshape(mean, channels), ops.reshape(variance, channels)

    def _renormalize(self, mean: Any, variance: Any, gamma: Any, beta: Any) -> tuple[Any, Any]:
        """Gamma and beta with the correction r, d towards the moving statistics in them."""
        limits = self.renorm_clipping or {}
        stddev = ops.sqrt(variance + self.epsilon)
        floor = self.epsilon**0.5
        moving_stddev = ops.maximum(ops.cast(self.renorm_stddev, mean.dtype), floor)
        r = stddev / moving_stddev
        d = (mean - ops.cast(self.renorm_mean, mean.dtype)) / moving_stddev
        if "rmin" in limits:
            r = ops.maximum(r, limits["rmin"])
        if "rmax" in limits:
            r = ops.minimum(r, limits["rmax"])
        if "dmax" in limits:
            d = ops.clip(d, -limits["dmax"], limits["dmax"])
        r, d = ops.stop_gradient(r), ops.stop_gradient(d)
        new_gamma = r if gamma is None else r * gamma
        new_beta = d if gamma is None else d * gamma
        self._move_renorm(mean, stddev)
        return new_gamma, new_beta if beta is None else new_beta + beta

    def _move_renorm(self, mean: Any, stddev: Any) -> None:
        def towards(variable: Variable, batch: Any, momentum: float) -> Any:
            return ops.cast(variable, batch.dtype) * momentum + batch * (1.0 - momentum)

        new_stddev = towards(self.moving_stddev, stddev, self.momentum)
        self.renorm_mean.assign(towards(self.renorm_mean, mean, self.renorm_momentum))
        self.renorm_stddev.assign(towards(self.renorm_stddev, stddev, self.renorm_momentum))
        self.moving_mean.assign(towards(self.moving_mean, mean, self.momentum))
        self.moving_stddev.assign(new_stddev)
        self.moving_variance.assign(ops.relu(new_stddev * new_stddev - self.epsilon))

    def get_config(self) -> dict[str, Any]:
        config = {
            "axis": self.axis,
            "momentum": self.momentum,
            "epsilon": self.epsilon,
            "center": self.center,
            "scale": self.scale,
            "synchronized": self.synchronized,
            "renorm": self.renorm,
            "renorm_clipping": self.renorm_clipping,
            "renorm_momentum": self.renorm_momentum,
        }
        options = serialize_options(
            self,
            "beta_initializer",
            "gamma_initializer",
            "moving_mean_initializer",
            "moving_variance_initializer",
            "beta_regularizer",
            "gamma_regularizer",
            "beta_constraint",
            "gamma_constraint",
        )
        return {**super().get_config(), **config, **options}


def _again(initializer: Any) -> Any:
    """A fresh initializer of the same config, so that two variables do not share its draws."""
    if isinstance(initializer, initializers.Initializer):
        return type(initializer).from_config(initializer.get_config())
    return initializer


def _check_clipping(limits: dict[str, float]) -> dict[str, float]:
    if set(limits) - set(_CLIPPING):
        raise ValueError(
            f"Received invalid keys for `renorm_clipping` argument: {limits}. "
            f"Supported values: {list(_CLIPPING)}."
        )
    rmax, rmin, dmax = (limits.get(key) for key in _CLIPPING)
    if rmax is not None and rmin is not None and rmax < rmin:
        raise ValueError(
            "rmax should be greater than rmin in the `renorm_clipping` argument. "
            f"Received: rmax={rmax}, rmin={rmin}."
        )
    if dmax is not None and dmax < 0:
        raise ValueError(
            "dmax should be non-negative in the `renorm_clipping` argument. "
            f"Received: dmax={dmax}."
        )
    return {key: value for key, value in limits.items() if value is not None}
