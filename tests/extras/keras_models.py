"""Models in words that Keras and chainrule share: each function takes one of the two packages."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

__all__ = ["MODELS", "TRAINED", "data_for"]

Build = Callable[[Any], Any]
MODELS: dict[str, Build] = {}
# What is trained too, by the optimizer.
TRAINED: dict[str, str] = {}


def model(function: Build) -> Build:
    MODELS[function.__name__] = function
    return function


def trained(optimizer: str) -> Callable[[Build], Build]:
    def add(function: Build) -> Build:
        TRAINED[function.__name__] = optimizer
        return model(function)

    return add


def data_for(built: Any, rows: int = 6) -> list[np.ndarray[Any, Any]]:
    """Inputs of a model, the same for both packages."""
    rng = np.random.default_rng(3)
    found = []
    for tensor in built.inputs:
        shape = (rows, *[5 if size is None else size for size in tensor.shape[1:]])
        if str(tensor.dtype).startswith("int"):
            found.append(rng.integers(1, 7, shape).astype("int32"))
        else:
            found.append(rng.normal(size=shape).astype("float32"))
    return found


@trained("adam")
def dense(k: Any) -> Any:
    L = k.layers
    return k.Sequential(
        [
            k.Input((4,)),
            L.Rescaling(0.5, offset=0.1),
            L.Dense(5, activation="relu", kernel_regularizer=k.regularizers.L1L2(1e-3, 1e-2)),
            L.BatchNormalization(),
            L.Dense(3, kernel_constraint=k.constraints.MaxNorm(1.5), bias_initializer="ones"),
            L.Softmax(),
        ]
    )


@model
def dense_frozen(k: Any) -> Any:
    L = k.layers
    net = k.Sequential([k.Input((4,)), L.Dense(5, "gelu"), L.Dense(5, "elu"), L.Dense(2)])
    net.layers[1].trainable = False
    return net


@model
def activations(k: Any) -> Any:
    L = k.layers
    x = k.Input((6,))
    y = L.Dense(6, activation="swish")(x)
    y = L.LeakyReLU(negative_slope=0.2)(y)
    y = L.PReLU(alpha_initializer="ones")(L.ELU(alpha=0.5)(y))
    y = L.Activation("hard_sigmoid")(L.ReLU(max_value=4.0)(y))
    return k.Model(x, L.Identity()(L.Activation(k.activations.mish)(y)))


@trained("rmsprop")
def convolutions(k: Any) -> Any:
    L = k.layers
    x = k.Input((9, 9, 2))
    y = L.Conv2D(4, 3, padding="same", activation="relu", dilation_rate=2)(x)
    y = L.MaxPooling2D(2)(L.ZeroPadding2D(1)(y))
    y = L.DepthwiseConv2D(3, depth_multiplier=2, padding="same")(y)
    y = L.Conv2D(4, 3, strides=2, groups=2, use_bias=False)(y)
    y = L.GlobalMaxPooling2D()(y)
    return k.Model(x, L.Dense(2)(y))


@model
def convolutions_1d(k: Any) -> Any:
    L = k.layers
    x = k.Input((12, 3))
    y = L.Conv1D(4, 3, padding="causal", activation="tanh")(x)
    y = L.SeparableConv1D(5, 3, padding="same")(L.AveragePooling1D(2)(y))
    y = L.Conv1DTranspose(3, 3, strides=2, padding="same")(y)
    return k.Model(x, L.Cropping1D(1)(L.UpSampling1D(2)(y)))


@model
def convolutions_3d(k: Any) -> Any:
    L = k.layers
    x = k.Input((6, 6, 6, 1))
    y = L.Conv3D(2, 3, activation="relu")(x)
    y = L.Conv3DTranspose(2, 2, strides=2)(L.AveragePooling3D(2)(y))
    return k.Model(x, L.GlobalAveragePooling3D()(y))


@model
def transposed(k: Any) -> Any:
    L = k.layers
    x = k.Input((5, 5, 2))
    y = L.Conv2DTranspose(3, 3, strides=2, padding="same", output_padding=1)(x)
    y = L.SeparableConv2D(4, 3, depth_multiplier=2)(y)
    y = L.UpSampling2D(2, interpolation="bilinear")(L.Cropping2D(1)(y))
    return k.Model(x, L.GlobalAveragePooling2D(keepdims=True)(y))


@trained("adamw")
def recurrent(k: Any) -> Any:
    L = k.layers
    x = k.Input((5,), dtype="int32")
    y = L.Embedding(8, 4, mask_zero=True)(x)
    y = L.LSTM(3, return_sequences=True, unit_forget_bias=False)(y)
    y = L.GRU(3, return_sequences=True)(y)
    y = L.SimpleRNN(2, activation="relu")(y)
    return k.Model(x, L.Dense(2)(y))


@model
def bidirectional(k: Any) -> Any:
    L = k.layers
    x = k.Input((5, 3))
    y = L.Bidirectional(L.LSTM(3, return_sequences=True), merge_mode="sum")(x)
    y = L.Bidirectional(L.GRU(2, return_sequences=True, reset_after=False))(y)
    back = L.SimpleRNN(3, go_backwards=True)
    return k.Model(x, L.Bidirectional(L.SimpleRNN(3), backward_layer=back)(y))


@model
def cells(k: Any) -> Any:
    L = k.layers
    x = k.Input((5, 3))
    y = L.RNN([L.LSTMCell(4), L.GRUCell(3)], return_sequences=True)(x)
    y = L.RNN(L.SimpleRNNCell(2), return_sequences=True)(y)
    return k.Model(x, L.TimeDistributed(L.Dense(2, activation="tanh"))(y))


@model
def states(k: Any) -> Any:
    L = k.layers
    x, z = k.Input((5, 3)), k.Input((4, 3))
    out, h, c = L.LSTM(4, return_sequences=True, return_state=True)(x)
    y = L.LSTM(4)(z, initial_state=[h, c])
    return k.Model([x, z], [out, y])


@model
def conv_lstm(k: Any) -> Any:
    L = k.layers
    x = k.Input((3, 6, 6, 1))
    y = L.ConvLSTM2D(2, 3, padding="same", return_sequences=True)(x)
    return k.Model(x, L.ConvLSTM2D(2, 3)(y))


@trained("adam")
def attention(k: Any) -> Any:
    L = k.layers
    x = k.Input((5, 6))
    y = L.MultiHeadAttention(2, 3)(x, x)
    y = L.LayerNormalization()(L.Add()([x, y]))
    y = L.GroupQueryAttention(3, 4, 2)(y, y)
    return k.Model(x, L.Dense(2)(L.GlobalAveragePooling1D()(y)))


@model
def cross_attention(k: Any) -> Any:
    L = k.layers
    q, v = k.Input((5, 4)), k.Input((7, 4))
    y = L.MultiHeadAttention(2, 3, value_dim=3, output_shape=6, use_bias=False)(q, v)
    a = L.Attention(use_scale=True, score_mode="concat")([q, v])
    b = L.AdditiveAttention()([q, v])
    return k.Model([q, v], L.Concatenate()([y, a, b]))


@model
def merging(k: Any) -> Any:
    L = k.layers
    a, b = k.Input((4,), name="a"), k.Input((4,), name="b")
    parts = [M()([a, b]) for M in (L.Add, L.Subtract, L.Multiply, L.Average, L.Maximum, L.Minimum)]
    return k.Model([a, b], L.Concatenate(axis=-1)([*parts, L.Dot(axes=1, normalize=True)([a, b])]))


@model
def normalisation(k: Any) -> Any:
    L = k.layers
    x = k.Input((4, 6))
    y = L.GroupNormalization(3)(L.LayerNormalization(axis=(1, 2))(x))
    y = L.UnitNormalization()(L.RMSNormalization()(y))
    return k.Model(x, L.SpectralNormalization(L.Dense(3), power_iterations=2)(y))


@model
def reshaping(k: Any) -> Any:
    L = k.layers
    x = k.Input((4, 6))
    y = L.Permute((2, 1))(L.Reshape((6, 4))(x))
    y = L.RepeatVector(2)(L.Flatten()(y))
    return k.Model(x, L.Masking(0.0)(L.ZeroPadding1D(1)(y)))


@model
def regularisation(k: Any) -> Any:
    L = k.layers
    x = k.Input((4, 6))
    y = L.GaussianNoise(0.1, seed=3)(L.Dropout(0.5, seed=1)(L.SpatialDropout1D(0.3)(x)))
    y = L.ActivityRegularization(l2=0.1)(L.AlphaDropout(0.2)(L.GaussianDropout(0.2)(y)))
    return k.Model(x, L.Dense(2)(y))


@trained("sgd")
def nested(k: Any) -> Any:
    L = k.layers
    inner_in = k.Input((4,))
    inner = k.Model(inner_in, L.Dense(3, "tanh")(L.Dense(5)(inner_in)), name="inner")
    tower = k.Sequential([inner, L.BatchNormalization(), L.Dense(2)], name="tower")
    other_in = k.Input((4,))
    other = k.Model(other_in, L.Dense(3)(other_in), name="other")
    x = k.Input((4,))
    return k.Model(x, L.Add()([tower(x), L.Dense(2)(L.Add()([other(x), other(L.Dense(4)(x))]))]))


@model
def shared(k: Any) -> Any:
    L = k.layers
    a, b = k.Input((4,), name="left"), k.Input((4,), name="right")
    layer = L.Dense(3, activation="tanh", name="both")
    return k.Model([a, b], L.Dense(2)(L.Concatenate()([layer(a), layer(b), layer(a)])))


@model
def many_ends(k: Any) -> Any:
    L = k.layers
    a, b = k.Input((4,), name="a"), k.Input((3, 2), name="b")
    y = L.Dense(3)(L.Concatenate()([a, L.Flatten()(b)]))
    return k.Model({"a": a, "b": b}, {"u": L.Dense(2, name="u")(y), "v": L.Dense(1, name="v")(y)})


@model
def ops_between(k: Any) -> Any:
    L = k.layers
    x = k.Input((4,))
    y = k.ops.concatenate([L.Dense(3)(x), k.ops.tanh(x)], axis=-1)
    return k.Model(x, k.ops.expand_dims(y * 2.0 + 1.0, -1)[:, 1:])


@model
def linear_algebra(k: Any) -> Any:
    x = k.Input((4,))
    rows = k.ops.reshape(k.layers.Dense(9)(x), (-1, 3, 3))
    squares = k.ops.matmul(rows, k.ops.transpose(rows, (0, 2, 1))) + k.ops.eye(3)
    half = k.ops.linalg.solve_triangular(k.ops.linalg.cholesky(squares), rows, lower=True)
    whole = k.ops.linalg.solve(squares, rows)
    middle = k.ops.nanquantile(whole, 0.25, axis=-1)
    return k.Model(x, [half, k.ops.linalg.det(squares), middle])


@model
def einsum(k: Any) -> Any:
    L = k.layers
    x = k.Input((5, 4))
    y = L.EinsumDense("abc,cde->abde", output_shape=(5, 2, 3), bias_axes="e")(x)
    return k.Model(x, L.EinsumDense("abde,dec->abc", output_shape=(5, 2))(y))


@model
def numbers(k: Any) -> Any:
    L = k.layers
    x = k.Input((3,))
    scaled = L.Normalization()
    scaled.adapt(np.random.default_rng(0).normal(2.0, 3.0, (50, 3)).astype("float32"))
    given = L.Normalization(mean=[1.0, 2.0, 3.0], variance=[1.0, 4.0, 9.0])
    edges = L.Discretization(bin_boundaries=[-1.0, 0.0, 1.0])
    y = L.CategoryEncoding(num_tokens=4, output_mode="multi_hot")(edges(x))
    return k.Model(x, L.Concatenate()([scaled(x), given(x), y]))


@model
def pictures(k: Any) -> Any:
    L = k.layers
    x = k.Input((8, 8, 3))
    y = L.CenterCrop(6, 6)(L.RandomFlip("horizontal", seed=1)(x))
    y = L.Resizing(4, 4)(L.RandomRotation(0.1, seed=2)(y))
    return k.Model(x, L.GlobalAveragePooling2D()(L.Conv2D(2, 1)(y)))


@model
def tied(k: Any) -> Any:
    L = k.layers
    x = k.Input((5,), dtype="int32")
    table = L.ReversibleEmbedding(8, 4)
    return k.Model(x, table(L.Dense(4)(table(x)), reverse=True))


@model
def subclassed(k: Any) -> Any:
    L = k.layers

    @k.saving.register_keras_serializable("zoo")
    class Block(L.Layer):
        def __init__(self, units: int, **options: Any) -> None:
            super().__init__(**options)
            self.units = units
            self.steps = [L.Dense(units, "tanh"), L.Dropout(0.1), L.Dense(units)]
            self.by_name = {"z": L.LayerNormalization(), "a": [L.Dense(units)]}

        def build(self, input_shape: Any) -> None:
            self.scale = self.add_weight(shape=(self.units,), initializer="ones", name="scale")
            for layer in self.steps:
                layer.build((None, self.units))
            self.by_name["z"].build((None, self.units))
            self.by_name["a"][0].build((None, self.units))

        def call(self, x: Any) -> Any:
            y = x
            for layer in self.steps:
                y = layer(y)
            return self.by_name["a"][0](self.by_name["z"](y + x)) * self.scale

        def get_config(self) -> Any:
            return {**super().get_config(), "units": self.units}

    x = k.Input((4,))
    return k.Model(x, L.Dense(2)(Block(4)(x)))


@trained("nadam")
def own_class(k: Any) -> Any:
    L = k.layers

    @k.saving.register_keras_serializable("zoo")
    class Net(k.Model):
        def __init__(self, units: int = 3, **options: Any) -> None:
            super().__init__(**options)
            self.units = units
            self.out = L.Dense(2)
            self.middle = [L.Dense(units, "relu"), L.Dense(units)]
            self._first = L.Dense(units)

        def call(self, x: Any) -> Any:
            y = self._first(x)
            for layer in self.middle:
                y = layer(y)
            return self.out(y)

        def get_config(self) -> Any:
            return {**super().get_config(), "units": self.units}

    net = Net()
    net(np.zeros((1, 4), "float32"))
    return net
