"""SpectralNormalization."""

from __future__ import annotations

from contextlib import AbstractContextManager, nullcontext
from typing import Any

from chainrule import initializers, ops
from chainrule.base.dtypes import is_float_dtype
from chainrule.layers.core.wrapper import Wrapper
from chainrule.tracing.autocast import AutocastScope
from chainrule.tracing.scopes import ReadAs
from chainrule.tracing.trace import current_trace
from chainrule.tracing.variable import Variable


class SpectralNormalization(Wrapper):
    """``layer`` with ``kernel / sigma``, where ``sigma = v W u^T`` is W's largest singular value.

    W is the kernel as a matrix (fan-in, channels). At each call with ``training=True``, power
    iterations move ``u`` (1, channels) towards its singular vector: ``v = unit(u W^T)``,
    ``u = unit(v W)``, with ``unit(a) = a / max(|a|, 1e-7)``. The gradient goes through sigma, but
    not through u and v. A kernel of zeros stays as it is.

    Parameters
    ----------
    layer : Layer
        With a `kernel` (Dense, the convolutions) or `embeddings`.
    power_iterations : int
        How many a call. Default 1.

    Raises
    ------
    ValueError
        When `power_iterations` is not above zero; when built, for a layer that has neither a
        `kernel` nor `embeddings`.

    Notes
    -----
    Inputs and outputs are the layer's. As in Keras under JAX: in a training step, `kernel / sigma`
    serves the forward pass, and the optimizer goes on with the kernel itself, which is also what
    calls with ``training=False`` use; a frozen kernel, and the kernel of a call outside of a
    training step, is replaced by `kernel / sigma`. A regularizer of the kernel sees the kernel
    itself, in Keras `kernel / sigma`.

    Miyato, Kataoka, Koyama & Yoshida 2018 (arXiv:1802.05957).

    Examples
    --------
    >>> import numpy as np
    >>> from chainrule import layers
    >>> dense = layers.Dense(2, kernel_initializer="ones")
    >>> layer = layers.SpectralNormalization(dense, power_iterations=2)
    >>> y = layer(np.ones((1, 2)), training=True)
    >>> dense.kernel.numpy().round(4).tolist()
    [[0.5, 0.5], [0.5, 0.5]]
    """

    def __init__(self, layer: Any, power_iterations: int = 1, **kwargs: Any) -> None:
        super().__init__(layer, **kwargs)
        if power_iterations <= 0:
            raise ValueError(
                "`power_iterations` should be greater than zero. Received: "
                f"`power_iterations={power_iterations}`"
            )
        self.power_iterations = power_iterations

    def build(self, input_shape: Any = None) -> None:
        super().build(input_shape)
        kernel = getattr(self.layer, "kernel", getattr(self.layer, "embeddings", None))
        if not isinstance(kernel, Variable):
            raise ValueError(
                f"{type(self.layer).__name__} object has no attribute 'kernel' nor 'embeddings'"
            )
        self.kernel = kernel
        self.input_spec = self.layer.input_spec
        self.vector_u = self.add_weight(
            name="vector_u",
            shape=(1, kernel.shape[-1]),
            initializer=initializers.TruncatedNormal(stddev=0.02),
            trainable=False,
            dtype=kernel.dtype,
        )

    def call(self, inputs: Any, training: bool | None = None) -> Any:
        reading: AbstractContextManager[Any] = nullcontext()
        if training:
            with AutocastScope(None):
                vector_u, kernel = self.normalized_weights()
            self.vector_u.assign(vector_u)
            if self.kernel.trainable and current_trace() is not None:
                reading = ReadAs(self.kernel, kernel)
            else:
                self.kernel.assign(kernel)
        with reading:
            outputs = self.layer(inputs)
        dtype = str(inputs.dtype)
        return ops.cast(outputs, dtype) if is_float_dtype(dtype) else outputs

    def normalized_weights(self) -> tuple[Any, Any]:
        """`u` after the power iterations, and the kernel divided by sigma."""
        kernel = ops.convert_to_tensor(self.kernel)
        weights = ops.reshape(kernel, (-1, kernel.shape[-1]))  # (fan-in, channels)
        start = u = v = ops.convert_to_tensor(self.vector_u)
        for _ in range(self.power_iterations):
            v = _unit(ops.matmul(u, ops.transpose(weights)))
            u = _unit(ops.matmul(v, weights))
        u, v = ops.stop_gradient(u), ops.stop_gradient(v)
        sigma = ops.matmul(ops.matmul(v, weights), ops.transpose(u))  # (1, 1)
        is_zero = ops.all(ops.equal(weights, 0))
        sigma = ops.where(is_zero, ops.ones_like(sigma), sigma)
        u = ops.where(is_zero, start, u)
        return u, ops.reshape(ops.divide(weights, sigma), kernel.shape)

    def compute_output_shape(self, input_shape: Any) -> Any:
        return self.layer.compute_output_shape(input_shape)

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), "power_iterations": self.power_iterations}


def _unit(x: Any) -> Any:
    return ops.normalize(x, axis=None)
