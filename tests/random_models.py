"""Random small models with data and a loss, by kind and seed: what the tables of the checker run on."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

import chainrule as keras
from chainrule import layers, ops

Generator = np.random.Generator
ROWS = 8

ACTIVATIONS = (
    "celu", "elu", "exponential", "gelu", "glu", "hard_shrink", "hard_sigmoid", "hard_silu",
    "hard_tanh", "leaky_relu", "linear", "log_sigmoid", "log_softmax", "mish", "relu", "relu6",
    "selu", "sigmoid", "silu", "soft_shrink", "softmax", "softplus", "softsign", "sparse_plus",
    "sparse_sigmoid", "sparsemax", "squareplus", "tanh", "tanh_shrink", "threshold",
)  # fmt: skip
REGRESSION = (
    "mse", "mae", "huber", "log_cosh", "cosine_similarity", "hinge", "squared_hinge", "mape",
    "msle", "poisson", "categorical_hinge", "tversky", "dice",
)  # fmt: skip
CLASSES = (
    "sparse_categorical_crossentropy", "categorical_crossentropy", "kl_divergence",
    "binary_crossentropy", "categorical_focal_crossentropy", "binary_focal_crossentropy",
    keras.losses.CategoricalGeneralizedCrossEntropy(0.5),
)  # fmt: skip
INPUTS = ("real", "binary", "zero", "some rows zero", "small integers")


@dataclass(frozen=True)
class Case:
    """A compiled model and a batch for it."""

    name: str
    model: Any
    x: Any
    y: Any
    sample_weight: Any = None


def draw(generator: Generator, kind: str, *shape: int) -> Any:
    """A batch of inputs of one of the kinds in `INPUTS`."""
    x = generator.standard_normal((ROWS, *shape))
    if kind == "binary":
        x = (x > 0).astype(x.dtype)
    elif kind == "zero":
        x = np.zeros_like(x)
    elif kind == "some rows zero":
        x[::3] = 0
    elif kind == "small integers":
        x = np.round(x)
    return x.astype("float32")


def _one(generator: Generator, choices: Any) -> Any:
    return choices[int(generator.integers(len(choices)))]


def _activation(generator: Generator) -> Any:
    name = _one(generator, ACTIVATIONS)
    if name == "threshold":
        return layers.Activation(lambda x: ops.threshold(x, 0.25, -0.5))
    return layers.Lambda(ops.glu) if name == "glu" else layers.Activation(name)


def _norm(generator: Generator) -> Any:
    return _one(
        generator,
        (
            layers.BatchNormalization,
            layers.LayerNormalization,
            lambda: layers.GroupNormalization(groups=2),
            layers.RMSNormalization,
            layers.UnitNormalization,
            lambda: layers.BatchNormalization(scale=False),
            lambda: layers.BatchNormalization(center=False),
        ),
    )()


def _dense(generator: Generator) -> tuple[Any, list[Any]]:
    made = [layers.Dense(8), _activation(generator), layers.Dense(6, activation="relu")]
    return (5,), made


def _normalised(generator: Generator) -> tuple[Any, list[Any]]:
    made = [layers.Dense(8), _norm(generator), layers.Activation("relu"), layers.Dense(4)]
    return (5,), made + ([_norm(generator)] if generator.random() < 0.5 else [])


def _conv(generator: Generator) -> tuple[Any, list[Any]]:
    axes = int(generator.integers(1, 4))
    conv = getattr(layers, f"Conv{axes}D")
    pool = getattr(layers, f"{_one(generator, ('Max', 'Average'))}Pooling{axes}D")
    end = _one(generator, (f"GlobalMaxPooling{axes}D", f"GlobalAveragePooling{axes}D", "Flatten"))
    options = dict(
        padding=_one(generator, ("same", "valid")),
        strides=int(generator.integers(1, 3)),
        use_bias=bool(generator.random() < 0.7),
    )
    made = [conv(4, 2, **options), _activation(generator), pool(2, padding="same")]
    if axes == 2:
        made.append(
            _one(
                generator,
                (
                    lambda: layers.DepthwiseConv2D(2, padding="same"),
                    lambda: layers.SeparableConv2D(4, 2, padding="same", activation="relu"),
                    lambda: layers.Conv2DTranspose(3, 2, strides=2),
                    lambda: layers.BatchNormalization(),
                    lambda: layers.UpSampling2D(2, interpolation="bilinear"),
                    lambda: layers.Resizing(5, 4),
                    lambda: layers.Conv2D(4, 2, groups=2, padding="same", dilation_rate=2),
                ),
            )()
        )
    return ((9,), (7, 6), (5, 5, 4))[axes - 1] + (2,), [*made, getattr(layers, end)()]


def _images(generator: Generator) -> tuple[Any, list[Any]]:
    made = [
        layers.Conv2D(4, 3, padding="same", activation="relu"),
        layers.MaxPooling2D(2),
        layers.ZeroPadding2D(1),
        layers.Conv2D(4, 3, activation=_one(generator, ("relu", "tanh", "relu6", "silu"))),
        layers.MaxPooling2D(2, strides=1),
        layers.Flatten(),
        layers.Dropout(0.3),
    ]
    return (10, 10, 1), made


def _shapes(generator: Generator) -> tuple[Any, list[Any]]:
    made = [layers.Dense(12), layers.Reshape((3, 4)), layers.Permute((2, 1))]
    made.append(
        _one(
            generator,
            (
                lambda: layers.Cropping1D(1),
                lambda: layers.ZeroPadding1D(1),
                lambda: layers.UpSampling1D(2),
                lambda: layers.TimeDistributed(layers.Dense(3, activation="relu")),
                lambda: layers.EinsumDense("abc,cd->abd", output_shape=(None, 3)),
                lambda: layers.Softmax(axis=1),
                lambda: layers.SpatialDropout1D(0.3),
            ),
        )()
    )
    return (5,), [*made, layers.Flatten()]


def _own(generator: Generator) -> tuple[Any, list[Any]]:
    functions: tuple[Callable[[Any], Any], ...] = (
        lambda x: ops.sort(x, axis=-1),
        lambda x: ops.top_k(x, 3)[0],
        lambda x: ops.maximum(x, 0.0) + ops.minimum(x, 0.5),
        lambda x: ops.clip(x, -0.5, 0.5),
        lambda x: ops.abs(x) + ops.square(x),
        lambda x: ops.max(x, axis=-1, keepdims=True) - ops.min(x, axis=-1, keepdims=True) + x,
        lambda x: ops.where(x > 0, x, 0.1 * x),
        lambda x: ops.logsumexp(x, axis=-1, keepdims=True) * x,
        lambda x: ops.std(x, axis=-1, keepdims=True) + x,
        lambda x: ops.norm(x, axis=-1, keepdims=True) * x,
        lambda x: ops.cumsum(x, axis=-1),
        lambda x: ops.logaddexp(x, ops.flip(x, -1)),
        lambda x: ops.round(4 * x) / 4 + x,
        lambda x: x + ops.stop_gradient(ops.round(4 * x) / 4 - x),
        lambda x: ops.stop_gradient(ops.tanh(x)) * x,
        lambda x: ops.sign(x) * ops.square(x),
        lambda x: x * ops.cast(ops.argmax(x, axis=-1, keepdims=True), x.dtype),
        lambda x: ops.take_along_axis(x, ops.argsort(x, axis=-1), axis=-1),
        lambda x: ops.power(ops.abs(x) + 0.1, 1.5) / (1 + ops.exp(-x)),
        lambda x: ops.hypot(x, ops.roll(x, 1, axis=-1)),
    )
    return (5,), [layers.Dense(6), layers.Lambda(_one(generator, functions)), layers.Dense(4)]


class Penalty(layers.Layer):
    """Adds losses of its input and of its weight."""

    def build(self, input_shape: Any) -> None:
        self.factor = self.add_weight(shape=(input_shape[-1],), initializer="zeros")

    def call(self, x: Any) -> Any:
        self.add_loss(0.1 * ops.mean(ops.abs(x)) + ops.sum(ops.square(self.factor - 1.0)))
        return x * (1.0 + self.factor)


def _penalised(generator: Generator) -> tuple[Any, list[Any]]:
    regularizer = _one(generator, ("l1", "l2", "l1_l2", "orthogonal_regularizer"))
    made = [
        layers.Dense(6, kernel_regularizer=regularizer, bias_regularizer="l1"),
        layers.Activation("relu", activity_regularizer="l2"),
        Penalty(),
        layers.ActivityRegularization(l1=0.1),
        layers.PReLU(),
    ]
    return (5,), made


def _noisy(generator: Generator) -> tuple[Any, list[Any]]:
    made = [
        layers.Dense(6, activation="relu"),
        _one(
            generator,
            (
                lambda: layers.Dropout(0.4),
                lambda: layers.GaussianNoise(0.3),
                lambda: layers.GaussianDropout(0.3),
                lambda: layers.AlphaDropout(0.3),
            ),
        )(),
        layers.SpectralNormalization(layers.Dense(5, activation="relu")),
    ]
    return (5,), made


def _deep(generator: Generator) -> tuple[Any, list[Any]]:
    depth = int(generator.integers(10, 30))
    name = _one(generator, ("relu", "tanh", "elu", "selu"))
    return (5,), [layers.Dense(8, activation=name) for _ in range(depth)]


def _scaled(generator: Generator) -> tuple[Any, list[Any]]:
    scale = float(10.0 ** generator.integers(-4, 5))
    start = keras.initializers.RandomNormal(stddev=float(10.0 ** generator.integers(-3, 3)))
    made = [layers.Rescaling(scale), layers.Dense(6, activation="relu", kernel_initializer=start)]
    return (5,), [*made, layers.Dense(4, activation="tanh")]


CHAINS: dict[str, Callable[[Generator], tuple[Any, list[Any]]]] = {
    "dense": _dense,
    "normalisation": _normalised,
    "convolution": _conv,
    "images": _images,
    "shapes": _shapes,
    "own functions": _own,
    "penalties": _penalised,
    "noise": _noisy,
    "deep": _deep,
    "scales": _scaled,
}


def _chain(kind: str, generator: Generator) -> Case:
    shape, made = CHAINS[kind](generator)
    data = _one(generator, INPUTS)
    model = keras.Sequential([keras.Input(shape), *made])
    if len(model.output_shape) > 2:
        model.add(layers.Flatten())
    return _compiled(kind, model, draw(generator, data, *shape), data, generator)


def _compiled(kind: str, model: Any, x: Any, data: str, generator: Generator) -> Case:
    """The model with a last layer that fits a loss drawn at random."""
    weight = generator.random(ROWS) if generator.random() < 0.3 else None
    body = model if isinstance(model, keras.Sequential) else None
    if generator.random() < 0.5:
        loss = _one(generator, CLASSES)
        name = loss if isinstance(loss, str) else loss.name
        ends = {"binary_crossentropy": "sigmoid", "binary_focal_crossentropy": "sigmoid"}
        head = layers.Dense(3, activation=ends.get(name, "softmax"))
        y: Any = generator.integers(0, 3, ROWS)
        if not name.startswith(("sparse", "categorical_generalized")):
            y = np.eye(3)[y]
    else:
        loss = name = _one(generator, REGRESSION)
        positive = loss in ("msle", "poisson", "tversky", "dice")
        head = layers.Dense(3, activation="sigmoid" if positive else None)
        y = generator.random((ROWS, 3)) if positive else generator.standard_normal((ROWS, 3))
        y = np.where(y > 0, 1.0, -1.0) if loss.endswith("hinge") else y
    if body is not None:
        body.add(head)
    else:
        model = keras.Model(model.inputs, head(model.outputs[0]))
    model.compile(keras.optimizers.SGD(0.01), loss)
    return Case(f"{kind}, {name}, {data}", model, x, y, weight)


def _merged(generator: Generator) -> Case:
    data = _one(generator, INPUTS)
    first, second = keras.Input((5,)), keras.Input((4,))
    a = layers.Dense(6, activation=_one(generator, ("relu", "tanh", "sigmoid")))(first)
    b = layers.Dense(6, activation="relu")(second)
    names = ("Add", "Average", "Concatenate", "Maximum", "Minimum", "Multiply", "Subtract")
    out = getattr(layers, _one(generator, names))()([a, b])
    model = keras.Model([first, second], layers.Concatenate()([out, layers.Dense(2)(a)]))
    x = [draw(generator, data, 5), draw(generator, data, 4)]
    return _compiled("merging", model, x, data, generator)


def _embedded(generator: Generator) -> Case:
    words = keras.Input((6,), dtype="int32")
    masked = bool(generator.random() < 0.5)
    x = layers.Embedding(9, 4, mask_zero=masked)(words)
    if not masked:
        x = layers.Conv1D(4, 2, activation="relu")(x)
        x = layers.GlobalMaxPooling1D()(x)
    else:
        x = layers.GlobalAveragePooling1D()(x)
    x = layers.Dense(4, activation="relu")(x)
    data = generator.integers(0, 9, (ROWS, 6))
    return _compiled("embedding", keras.Model(words, x), data, "tokens", generator)


def _outputs(generator: Generator) -> Case:
    data = _one(generator, INPUTS)
    image = keras.Input((5,))
    x = layers.Dense(6, activation="relu")(image)
    one = layers.Dense(1, name="one")(x)
    two = layers.Dense(3, activation="softmax", name="two")(layers.BatchNormalization()(x))
    model = keras.Model(image, {"one": one, "two": two})
    losses = {"one": _one(generator, ("mse", "mae")), "two": "sparse_categorical_crossentropy"}
    model.compile(keras.optimizers.SGD(0.01), losses, loss_weights={"one": 0.3, "two": 2.0})
    y = {"one": generator.standard_normal((ROWS, 1)), "two": generator.integers(0, 3, ROWS)}
    return Case(f"several outputs, {data}", model, draw(generator, data, 5), y)


def _wide(generator: Generator) -> Case:
    """A model in float64."""
    policy, floatx = keras.config.dtype_policy(), keras.config.floatx()
    keras.config.set_floatx("float64")
    keras.config.set_dtype_policy("float64")
    try:
        case = _chain(_one(generator, ("dense", "convolution", "normalisation")), generator)
        model, x = case.model, np.asarray(case.x, "float64")
        model.predict_on_batch(x)
    finally:
        keras.config.set_floatx(floatx)
        keras.config.set_dtype_policy(policy)
    return Case(f"float64: {case.name}", model, x, case.y, case.sample_weight)


GRAPHS: dict[str, Callable[[Generator], Case]] = {
    "merging": _merged,
    "embedding": _embedded,
    "several outputs": _outputs,
    "float64": _wide,
}
KINDS = (*CHAINS, *GRAPHS)


def make(seed: int) -> Case:
    """The case of a seed: the kinds in turn, every other one trained a few steps."""
    kind = KINDS[seed % len(KINDS)]
    generator = np.random.default_rng([7, seed])
    keras.utils.set_random_seed(seed)
    case = _chain(kind, generator) if kind in CHAINS else GRAPHS[kind](generator)
    if (seed // len(KINDS)) % 2:
        for _ in range(3):
            case.model.train_on_batch(case.x, case.y, sample_weight=case.sample_weight)
        return Case(f"{case.name}, trained", *list(vars(case).values())[1:])
    return Case(f"{case.name}, fresh", *list(vars(case).values())[1:])
