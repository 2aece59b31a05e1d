"""Strategies for hypothesis: layers, models and batches of them, for the tests of users.

This module alone imports hypothesis, which is no dependency of chainrule.

Examples
--------
>>> from hypothesis import given, settings
>>> from chainrule.testing import check_layer, strategies
>>> @settings(max_examples=3, deadline=None, derandomize=True)
... @given(strategies.layers_and_shapes())
... def test_layers(drawn):
...     layer, input_shape = drawn
...     assert check_layer(layer, input_shape, threads=[1]).ok
>>> test_layers()
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from chainrule.layers import (
    GRU,
    LSTM,
    Activation,
    AveragePooling1D,
    AveragePooling2D,
    BatchNormalization,
    Conv1D,
    Conv2D,
    Dense,
    DepthwiseConv2D,
    Dropout,
    Flatten,
    GaussianNoise,
    GlobalAveragePooling1D,
    GlobalMaxPooling2D,
    Input,
    Layer,
    LayerNormalization,
    MaxPooling1D,
    MaxPooling2D,
    Permute,
    PReLU,
    Rescaling,
    SimpleRNN,
    UpSampling1D,
    ZeroPadding2D,
)
from chainrule.models import Sequential

try:
    from hypothesis import strategies as st
except ModuleNotFoundError as error:
    raise ImportError(
        "chainrule.testing.strategies needs hypothesis, which is not installed: "
        "pip install hypothesis"
    ) from error

__all__ = ["batches", "input_shapes", "layers", "layers_and_shapes", "models"]

Shape = tuple[int, ...]
Draw = Callable[..., Any]

_ACTIVATIONS = ("linear", "relu", "tanh", "sigmoid", "elu", "selu", "gelu", "silu", "softplus")
_MOST_RANK = 3
_KINDS = ("normal", "zeros", "ones", "small integers", "large")
_LOSSES = ("mse", "mae", "huber", "categorical_crossentropy", "sparse_categorical_crossentropy")
_OPTIMIZERS = ("sgd", "adam", "rmsprop", "adamw", "adagrad")


def input_shapes(
    min_rank: int = 1, max_rank: int = _MOST_RANK, max_side: int = 6
) -> st.SearchStrategy[Shape]:
    """Shapes without the batch: of features, of steps and features, of images.

    Parameters
    ----------
    min_rank, max_rank : int
        How many axes; default 1 to 3.
    max_side : int
        The largest size of an axis; the smallest is 2. Default 6.

    Returns
    -------
    SearchStrategy of tuple of int
    """
    sides = st.integers(2, max_side)
    return st.lists(sides, min_size=min_rank, max_size=max_rank).map(tuple)


def layers(input_shape: Shape) -> st.SearchStrategy[Layer]:
    """New layers of chainrule that take inputs of this shape.

    Parameters
    ----------
    input_shape : tuple of int
        Without the batch; one to three axes of two or more.

    Returns
    -------
    SearchStrategy of Layer

    Raises
    ------
    ValueError
        A shape of no axis or of more than three.
    """
    rank = len(input_shape)
    if not 1 <= rank <= _MOST_RANK:
        raise ValueError(f"strategies.layers: expected one to three axes, got {input_shape}")
    units, names = st.integers(1, 5), st.sampled_from(_ACTIVATIONS)
    flags, rates = st.booleans(), st.sampled_from((0.0, 0.25, 0.5))
    any_rank: list[st.SearchStrategy[Any]] = [
        st.builds(Dense, units, activation=names, use_bias=flags),
        st.builds(Activation, names),
        st.builds(BatchNormalization, center=flags, scale=flags),
        st.builds(LayerNormalization, epsilon=st.sampled_from((1e-3, 1e-5))),
        st.builds(Dropout, rates, seed=st.integers(0, 99)),
        st.builds(GaussianNoise, rates, seed=st.integers(0, 99)),
        st.builds(PReLU),
        st.builds(Rescaling, st.sampled_from((0.5, -2.0)), offset=st.sampled_from((0.0, 1.0))),
        st.builds(Flatten),
    ]
    padding = st.sampled_from(("valid", "same"))
    of_steps: list[st.SearchStrategy[Any]] = [
        st.builds(Conv1D, units, st.integers(1, 2), padding=padding, activation=names),
        st.builds(MaxPooling1D, st.just(2), padding=padding),
        st.builds(AveragePooling1D, st.just(2), padding=padding),
        st.builds(GlobalAveragePooling1D),
        st.builds(UpSampling1D, st.integers(1, 2)),
        st.builds(Permute, st.just((2, 1))),
        *(
            st.builds(
                kind,
                units,
                return_sequences=flags,
                go_backwards=flags,
                recurrent_initializer=st.just("glorot_uniform"),
            )
            for kind in (SimpleRNN, GRU, LSTM)
        ),
    ]
    of_images: list[st.SearchStrategy[Any]] = [
        st.builds(Conv2D, units, st.integers(1, 2), padding=padding, activation=names),
        st.builds(DepthwiseConv2D, st.integers(1, 2), padding=padding),
        st.builds(MaxPooling2D, st.just(2), padding=padding),
        st.builds(AveragePooling2D, st.just(2), padding=padding),
        st.builds(GlobalMaxPooling2D),
        st.builds(ZeroPadding2D, st.integers(0, 1)),
    ]
    own = ([], of_steps, of_images)[rank - 1]
    return st.one_of(*own, *any_rank)


@st.composite
def layers_and_shapes(draw: Draw) -> tuple[Layer, Shape]:
    """Pairs of a new layer and the shape, without the batch, of an input for it.

    Returns
    -------
    SearchStrategy of tuple
    """
    shape = draw(input_shapes())
    return draw(layers(shape)), shape


@st.composite
def models(
    draw: Draw, input_shape: Shape | None = None, max_layers: int = 3
) -> Sequential:
    """Compiled models: some drawn layers, a Dense head, an optimizer and a loss that fits the head.

    Parameters
    ----------
    input_shape : tuple of int, optional
        Without the batch. Default: drawn.
    max_layers : int
        How many layers are drawn at most; default 3.

    Returns
    -------
    SearchStrategy of Sequential
    """
    shape = draw(input_shapes()) if input_shape is None else tuple(input_shape)
    model = Sequential([Input(shape)])
    inside = shape
    for _ in range(draw(st.integers(1, max_layers))):
        if not all(n >= 2 for n in inside):
            break
        model.add(draw(layers(inside)))
        inside = tuple(model.output_shape[1:])
    if len(model.output_shape) > 2:
        model.add(Flatten())
    loss = draw(st.sampled_from(_LOSSES))
    classes = loss.endswith("crossentropy")
    model.add(Dense(3 if classes else 2, activation="softmax" if classes else None))
    model.compile(draw(st.sampled_from(_OPTIMIZERS)), loss)
    return model


@st.composite
def batches(
    draw: Draw, model: Sequential, min_rows: int = 2, max_rows: int = 8
) -> tuple[NDArray[Any], NDArray[Any]]:
    """A batch ``(x, y)`` for a model as `models` draws it: one input and one output.

    Parameters
    ----------
    model : Sequential
        Compiled with a loss by its name.
    min_rows, max_rows : int
        Default 2 and 8.

    Returns
    -------
    SearchStrategy of tuple of ndarray
        Inputs are normal numbers, zeros, ones, small integers or large numbers; targets fit the loss.
    """
    rows = draw(st.integers(min_rows, max_rows))
    generator = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    shape = (rows, *model.input_shape[1:])
    normal = generator.standard_normal(shape)
    x = {
        "normal": normal,
        "zeros": np.zeros(shape),
        "ones": np.ones(shape),
        "small integers": np.round(normal),
        "large": 100 * normal,
    }[draw(st.sampled_from(_KINDS))]
    outputs = int(model.output_shape[-1])
    loss = str((model.get_compile_config() or {}).get("loss"))
    labels = np.asarray(generator.integers(0, outputs, rows))
    if loss.startswith("sparse"):
        return x.astype(model.compute_dtype), labels
    if loss.endswith("crossentropy"):
        return x.astype(model.compute_dtype), np.eye(outputs)[labels].astype(model.compute_dtype)
    targets = generator.standard_normal((rows, outputs))
    return x.astype(model.compute_dtype), targets.astype(model.compute_dtype)
