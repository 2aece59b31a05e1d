"""check_gradients: says ok for every kind of layer, and WRONG where a gradient is wrong."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest

import chainrule as cr
from chainrule import layers, ops
from chainrule.errors import DataError, NotCompiledError, ShapeError
from chainrule.reference import dense

RNG = np.random.default_rng(3)
X = RNG.normal(size=(24, 6)).astype("float32")
Y = RNG.normal(size=(24, 2)).astype("float32")
LABELS = RNG.integers(0, 3, 24)

KINDS: dict[str, list[Any]] = {
    **{
        f"activation {name}": [lambda name=name: layers.Dense(5, activation=name)]
        for name in ("relu", "tanh", "sigmoid", "gelu", "elu", "selu", "softplus", "silu", "mish",
                     "softmax", "log_softmax", "hard_sigmoid", "leaky_relu", "celu", "squareplus")
    },
    "dropout": [lambda: layers.Dense(8), lambda: layers.Dropout(0.4)],
    "noise": [lambda: layers.GaussianNoise(0.3), lambda: layers.Dense(8)],
    "batch normalization": [
        lambda: layers.Dense(8), lambda: layers.BatchNormalization(),
        lambda: layers.Activation("relu"),
    ],
    "layer normalization": [lambda: layers.Dense(8), lambda: layers.LayerNormalization()],
    "shapes": [
        lambda: layers.Reshape((2, 3)), lambda: layers.Permute((2, 1)), lambda: layers.Dense(4),
        lambda: layers.Flatten(),
    ],
    "rescaling": [lambda: layers.Rescaling(0.2, offset=1.0), lambda: layers.Dense(4)],
    "regularizers": [
        lambda: layers.Dense(4, kernel_regularizer="l1_l2", bias_regularizer="l2",
                             activity_regularizer="l2"),
        lambda: layers.ActivityRegularization(l1=0.1),
    ],
    "prelu": [lambda: layers.Dense(4), lambda: layers.PReLU()],
}


def build(kinds: list[Any], units: int = 2, dtype: str = "float32") -> Any:
    cr.utils.set_random_seed(4)
    chain = [make() for make in kinds]
    return cr.Sequential([cr.Input((6,)), *chain, layers.Dense(units, name="last")])


@pytest.mark.parametrize("kind", KINDS)
def test_ok_for_every_kind(kind: str) -> None:
    model = build(KINDS[kind])
    model.compile("sgd", "mse")
    report = model.check_gradients(X, Y)
    assert report.ok, report
    assert len(report.rows) == len(model.trainable_weights)


@pytest.mark.parametrize(
    "loss",
    ["mse", "mae", "huber", "log_cosh", "cosine_similarity", "hinge", "squared_hinge",
     "mean_absolute_percentage_error"],
)
def test_ok_for_every_loss(loss: str) -> None:
    model = build([lambda: layers.Dense(5, activation="tanh")])
    model.compile("sgd", loss)
    report = model.check_gradients(X, Y)
    assert report.ok, report


@pytest.mark.parametrize("from_logits", [False, True])
def test_ok_for_cross_entropies(from_logits: bool) -> None:
    activation = None if from_logits else "softmax"
    model = build([lambda: layers.Dense(3, activation=activation)])
    model.pop()
    model.compile("sgd", cr.losses.SparseCategoricalCrossentropy(from_logits=from_logits))
    assert model.check_gradients(X, LABELS).ok
    model.compile("sgd", cr.losses.CategoricalCrossentropy(from_logits, label_smoothing=0.1))
    assert model.check_gradients(X, np.eye(3)[LABELS]).ok
    activation = None if from_logits else "sigmoid"
    model = build([lambda: layers.Dense(3, activation=activation)])
    model.pop()
    model.compile("sgd", cr.losses.BinaryCrossentropy(from_logits))
    assert model.check_gradients(X, np.eye(3)[LABELS]).ok


def test_float64_is_checked_to_float64() -> None:
    policy = cr.config.dtype_policy()
    cr.config.set_floatx("float64")
    cr.config.set_dtype_policy("float64")
    try:
        model = build([lambda: layers.Dense(8, activation="tanh"), layers.BatchNormalization])
        model.compile("sgd", "mse")
        report = model.check_gradients(X.astype("float64"), Y.astype("float64"))
    finally:
        cr.config.set_floatx("float32")
        cr.config.set_dtype_policy(policy)
    assert report.ok, report
    assert report.tolerance <= 1e-9
    assert max(row.error for row in report.rows) < 1e-9


def test_float64_weights_under_a_float32_loss() -> None:
    model = cr.Sequential([cr.Input((6,)), layers.Dense(2, dtype="float64")])
    model.compile("sgd", "mse")
    report = model.check_gradients(X, Y)
    assert report.ok, report


def test_sample_weights_own_layers_and_losses() -> None:
    class Own(layers.Layer):
        def build(self, input_shape: Any) -> None:
            self.factor = self.add_weight(shape=(input_shape[-1],), initializer="ones")

        def call(self, x: Any) -> Any:
            self.add_loss(ops.sum(ops.square(self.factor)))
            return ops.logaddexp(x * self.factor, 0.0)

    def loss(y_true: Any, y_pred: Any) -> Any:
        return ops.max(ops.abs(y_true - y_pred), axis=-1)

    model = build([Own])
    model.compile("sgd", loss)
    report = model.check_gradients(X, Y, sample_weight=np.linspace(0, 1, 24))
    assert report.ok, report
    assert {row.weight for row in report.rows} >= {"kernel", "bias"}


def test_nothing_changes() -> None:
    model = build([lambda: layers.Dense(8), lambda: layers.BatchNormalization(),
                   lambda: layers.Dropout(0.5)])
    model.compile("adam", "mse")
    model.fit(X, Y, verbose=0)
    before = [np.asarray(v.numpy()).tobytes() for v in model.variables]
    model.check_gradients(X, Y)
    assert [np.asarray(v.numpy()).tobytes() for v in model.variables] == before


def test_a_bias_without_a_gradient_is_ok() -> None:
    model = build([lambda: layers.Dense(32, name="first"), lambda: layers.BatchNormalization()])
    model.compile("sgd", "mse")
    for seed in range(5):
        rows = np.random.default_rng(seed).normal(size=(24, 6))
        report = model.check_gradients(rows, Y, seed=seed)
        assert report.ok, report


def test_a_wrong_gradient_is_found(monkeypatch: pytest.MonkeyPatch) -> None:
    model = build([lambda: layers.Dense(5, activation="tanh", name="first")])
    model.compile("sgd", "mse")
    assert model.check_gradients(X, Y).ok
    true = dense.backward

    def wrong(*args: Any, **kwargs: Any) -> Any:
        found = list(true(*args, **kwargs))
        found[1] = found[1] * 1.01
        return found

    monkeypatch.setattr(dense, "backward", wrong)
    report = model.check_gradients(X, Y)
    assert not report.ok
    verdicts = {(row.layer.split("/")[-1], row.weight): row.ok for row in report.rows}
    assert not verdicts["first", "kernel"]
    assert not verdicts["last", "kernel"]
    assert verdicts["last", "bias"]
    assert "WRONG" in str(report)
    wrong_rows = [row for row in report.rows if not row.ok]
    assert all(math.isclose(row.error, 0.01, rel_tol=0.2) for row in wrong_rows)
    assert all(row.difference_error > 1e-4 for row in wrong_rows)


def test_report() -> None:
    model = build([])
    model.compile("sgd", "mse")
    report = model.check_gradients(X, Y, directions=0)
    lines = str(report).splitlines()
    assert lines[0].split() == "layer weight vs reference vs differences verdict".split()
    assert len(lines) == 2 + len(report.rows) + 1
    assert "gradients ok" in lines[-1]
    assert math.isnan(report.rows[0].difference_error)
    assert report.rows[0].shape == (6, 2)
    html = report._repr_html_()
    assert html.startswith("<table>")
    assert html.count("<tr>") == 1 + len(report.rows)


def test_bad_arguments() -> None:
    model = build([])
    with pytest.raises(NotCompiledError, match="check_gradients"):
        model.check_gradients(X, Y)
    model.compile("sgd", "sparse_categorical_crossentropy")
    with pytest.raises(DataError, match=r"labels in \[0, 2\)"):
        model.check_gradients(X, LABELS + 5)
    with pytest.raises(ShapeError):
        model.check_gradients(X[:, :3], LABELS)


ZERO_ROWS = np.where(np.arange(24)[:, np.newaxis] % 3 == 0, 0, X)


@pytest.mark.parametrize("x", [ZERO_ROWS, np.zeros_like(X), (X > 0) * 1.0], ids=["rows", "all", "bits"])
@pytest.mark.parametrize(
    "kind",
    [
        lambda: layers.ReLU(),
        lambda: layers.Lambda(lambda x: ops.sort(x, axis=-1)),
        lambda: layers.Lambda(lambda x: ops.median(x, axis=-1, keepdims=True)),
        lambda: layers.Lambda(lambda x: ops.concatenate([ops.relu(x), ops.relu(-x)], axis=-1)),
        lambda: layers.Lambda(lambda x: ops.max(x, axis=-1, keepdims=True) * x),
    ],
)
def test_a_kink_is_no_fault(kind: Any, x: Any) -> None:
    model = build([lambda: layers.Dense(5), kind])
    model.compile("sgd", "mae")
    report = model.check_gradients(x, Y)
    assert report.ok, report
    assert not report.faults


def test_a_kink_is_named_with_both_slopes() -> None:
    model = build([lambda: layers.Dense(5, activation="relu", name="first")])
    model.compile("sgd", "mse")
    report = model.check_gradients(ZERO_ROWS, Y)
    (kink,) = report.kinks
    assert kink.layer.endswith("first") and kink.op == "dense" and kink.count == 40
    assert report.slopes is not None and report.slopes[0] != report.slopes[1]
    lines = str(report).splitlines()
    assert any(line.startswith("at a kink: ") and "40 values" in line for line in lines)
    assert any("the loss has a kink here" in line for line in lines)


def test_a_kink_does_not_hide_a_fault(monkeypatch: pytest.MonkeyPatch) -> None:
    model = build([lambda: layers.Dense(5, activation="relu", name="first")])
    model.compile("sgd", "mse")
    true = dense.backward

    def wrong(attrs: Any, *args: Any) -> Any:
        dx, dw, db = true(attrs, *args)
        return dx, dw, db * 1.001 if attrs["activation"] == "relu" else db

    monkeypatch.setattr(dense, "backward", wrong)
    report = model.check_gradients(ZERO_ROWS, Y)
    assert [row.weight for row in report.rows if not row.ok] == ["bias"]
    assert report.faults[0].layer.endswith("first")
    assert "first wrong: " in str(report)


def test_a_kink_that_only_the_parts_have_is_a_fault() -> None:
    model = build([lambda: layers.Dense(5), lambda: layers.Lambda(lambda x: ops.relu(x) - ops.relu(-x), name="odd")])
    model.compile("sgd", "mse")
    report = model.check_gradients(ZERO_ROWS, Y)
    assert not report.ok
    assert report.faults[0].layer.endswith("odd")
    assert "smooth here" in report.faults[0].what
    assert model.check_gradients(X, Y).ok


def test_what_is_stopped_is_held() -> None:
    def straight_through(x: Any) -> Any:
        return x + ops.stop_gradient(ops.sign(x) - x)

    model = build([lambda: layers.Dense(5), lambda: layers.Lambda(straight_through),
                   lambda: layers.SpectralNormalization(layers.Dense(4))])
    model.compile("sgd", "mse")
    report = model.check_gradients(X, Y)
    assert report.ok, report


def test_targets_that_are_the_predictions() -> None:
    model = build([lambda: layers.Dense(16, activation="tanh")])
    for loss in ("mse", "mae", "huber"):
        model.compile("sgd", loss)
        report = model.check_gradients(X, model.predict(X, verbose=0))
        assert report.ok, report


def test_predictions_at_the_edges_of_clipping() -> None:
    model = build([lambda: layers.Dense(3, activation="sigmoid", kernel_initializer="ones")])
    model.pop()
    model.compile("sgd", "binary_crossentropy")
    report = model.check_gradients(100 * X, np.eye(3)[LABELS])
    assert report.ok, report


@pytest.mark.parametrize(
    ("function", "words"),
    [
        (lambda x: ops.log(x), "gives the first NaN or infinity"),
        (lambda x: ops.sqrt(ops.relu(x)), "gives the first gradient that is NaN or infinite"),
    ],
)
def test_what_is_not_finite_is_named(function: Any, words: str) -> None:
    model = build([lambda: layers.Dense(5), lambda: layers.Lambda(function, name="root")])
    model.compile("sgd", "mse")
    report = model.check_gradients(X, Y)
    assert not report.ok
    assert report.faults[0].layer.endswith("root")
    assert report.faults[0].what == words


class Flat(cr.Sequential):
    """A loss with a penalty on the slope of the outputs by the inputs."""

    def compute_loss(self, x: Any = None, y: Any = None, y_pred: Any = None, **_: Any) -> Any:
        slope = cr.grad(lambda a: ops.sum(self(a, training=True)))(x)
        return ops.mean(ops.square(y - y_pred)) + ops.mean(ops.square(slope))


def by(function: Any) -> list[Any]:
    """A function of features between two dense layers."""
    return [
        layers.Dense(6, activation="tanh"),
        layers.Lambda(function),
        layers.Flatten(),
        layers.Dense(2, activation="tanh"),
    ]


def of_images(*middle: Any) -> list[Any]:
    """Layers of images after a convolution."""
    return [
        layers.Conv2D(2, 2, activation="tanh"),
        *middle,
        layers.Flatten(),
        layers.Dense(2, activation="tanh"),
    ]


SHIFT = np.array([1.1, 0.2, -0.4, -0.1, 0.9, 0.3, 0.01, -0.02], "float32")
VECTOR, IMAGE = (4,), (7, 7, 2)

FLAT: dict[str, tuple[Any, tuple[int, ...]]] = {
    "dense": (lambda: [layers.Dense(2, activation="tanh")], VECTOR),
    "images": (
        lambda: [
            layers.Conv2D(3, 3, activation="tanh"),
            layers.MaxPooling2D(),
            layers.Conv2D(2, 2, strides=2, activation="sigmoid"),
            layers.AveragePooling2D(1),
            layers.Flatten(),
            layers.Dense(2),
        ],
        (10, 10, 2),
    ),
    "shapes": (
        lambda: [
            layers.Reshape((3, 4)),
            layers.Permute((2, 1)),
            layers.Cropping1D((1, 0)),
            layers.Flatten(),
            layers.BatchNormalization(),
            layers.Dense(2, activation="softplus"),
        ],
        (12,),
    ),
    "layer normalization": (lambda: by(layers.LayerNormalization()), VECTOR),
    "layer normalization over all": (
        lambda: [layers.Dense(3), layers.LayerNormalization(axis=(1, 2)), layers.Flatten(),
                 layers.Dense(2, activation="tanh")],
        (2, 4),
    ),
    "batch normalization": (lambda: by(layers.BatchNormalization()), VECTOR),
    "group normalization": (lambda: of_images(layers.GroupNormalization(2)), IMAGE),
    "unit normalization": (lambda: by(layers.UnitNormalization()), VECTOR),
    "dropout": (lambda: by(layers.Dropout(0.4, seed=1)), VECTOR),
    "noise": (lambda: by(layers.GaussianDropout(0.3, seed=1)), VECTOR),
    "cumprod": (lambda: by(lambda x: ops.cumprod(x, axis=-1)), VECTOR),
    "cumsum": (lambda: by(lambda x: ops.square(ops.cumsum(x, axis=-1))), VECTOR),
    "prod": (lambda: by(lambda x: ops.prod(ops.reshape(x, (-1, 2, 3)), axis=2)), VECTOR),
    "softmax": (lambda: by(ops.softmax), VECTOR),
    "log_softmax": (lambda: by(ops.log_softmax), VECTOR),
    "logsumexp": (lambda: by(lambda x: ops.logsumexp(x, axis=-1, keepdims=True)), VECTOR),
    "sort": (lambda: by(lambda x: ops.square(ops.sort(x, axis=-1))), VECTOR),
    "top_k": (lambda: by(lambda x: ops.exp(ops.top_k(x, 3)[0])), VECTOR),
    "extremes": (
        lambda: by(lambda x: ops.max(x, axis=-1, keepdims=True) * ops.min(x, axis=-1, keepdims=True)),
        VECTOR,
    ),
    "gather": (lambda: by(lambda x: ops.square(ops.take(x, [5, 0, 5], axis=-1))), VECTOR),
    "gather along": (
        lambda: by(lambda x: ops.take_along_axis(ops.exp(x), ops.argsort(x), axis=-1) * x), VECTOR,
    ),
    "scatter": (
        lambda: by(lambda x: ops.transpose(
            ops.square(ops.segment_sum(ops.transpose(x), np.array([0, 1, 0, 1, 1, 0]), 2)))),
        VECTOR,
    ),
    "slices": (lambda: by(lambda x: x[:, ::-2] * x[:, 1::2]), VECTOR),
    "concatenation": (lambda: by(lambda x: ops.concatenate([x, ops.square(x)], axis=-1)), VECTOR),
    "choice": (lambda: by(lambda x: ops.where(x > 0, ops.exp(x), ops.sin(x))), VECTOR),
    "distance": (lambda: by(lambda x: ops.norm(x, axis=-1, keepdims=True)), VECTOR),
    "products": (
        lambda: by(lambda x: ops.matmul(ops.reshape(x, (-1, 3, 2)), ops.reshape(x, (-1, 2, 3)))),
        VECTOR,
    ),
    "elementwise": (
        lambda: by(lambda x: ops.gelu(x) * ops.erf(x) / ops.sqrt(2.0 + x) + ops.power(1.5 + x, x)),
        VECTOR,
    ),
    "convolution over time": (
        lambda: [layers.Conv1D(3, 2, padding="causal", dilation_rate=2, activation="tanh"),
                 layers.Flatten(), layers.Dense(2)],
        (6, 2),
    ),
    "transposed convolution": (
        lambda: of_images(layers.Conv2DTranspose(2, 3, strides=2, activation="tanh")), (5, 5, 2),
    ),
    "depthwise convolution": (
        lambda: of_images(layers.DepthwiseConv2D(3, activation="tanh"),
                          layers.SeparableConv2D(2, 2, padding="same", activation="tanh")),
        IMAGE,
    ),
    "grouped convolution": (
        lambda: of_images(layers.Conv2D(4, 3, strides=2, groups=2, activation="tanh")), IMAGE,
    ),
    "pooling": (
        lambda: of_images(layers.MaxPooling2D(3, 1), layers.AveragePooling2D(2, padding="same"),
                          layers.Activation("tanh"), layers.GlobalMaxPooling2D(keepdims=True)),
        IMAGE,
    ),
    "resizing": (
        lambda: of_images(layers.Resizing(4, 9), layers.Activation("tanh"),
                          layers.UpSampling2D(2, interpolation="bicubic")),
        IMAGE,
    ),
    "padding": (
        lambda: of_images(layers.ZeroPadding2D((1, 2)), layers.Cropping2D(1),
                          layers.Lambda(lambda x: ops.square(ops.pad(x, [[0, 0], [1, 1], [0, 2], [0, 0]],
                                                                     mode="reflect")))),
        IMAGE,
    ),
    "warping": (
        lambda: of_images(layers.Lambda(lambda x: ops.square(ops.image.affine_transform(x, SHIFT)))),
        IMAGE,
    ),
}  # fmt: skip


def hold(report: Any) -> None:
    assert report.ok, str(report)
    assert all(row.difference_error < 1e-4 for row in report.rows), str(report)


@pytest.mark.parametrize("name", FLAT)
def test_a_loss_that_holds_a_gradient_is_checked(name: str) -> None:
    make, shape = FLAT[name]
    rng = np.random.default_rng(3)
    x = rng.normal(size=(6, *shape)).astype("float32")
    y = rng.normal(size=(6, 2)).astype("float32")
    cr.utils.set_random_seed(4)
    model = Flat(make())
    model.compile("sgd", "mse")
    hold(model.check_gradients(x, y))


class Steep(cr.Sequential):
    """A loss with a penalty on its own slope by the inputs."""

    fn: Any

    def compute_loss(self, x: Any = None, y: Any = None, y_pred: Any = None, **_: Any) -> Any:
        slope = cr.grad(lambda a: ops.sum(self.fn(y, self(a))))(x)
        return ops.mean(self.fn(y, y_pred)) + ops.mean(ops.square(slope))


ENTROPIES = {
    "sparse, of logits": (None, lambda t, p: cr.losses.sparse_categorical_crossentropy(t, p, True)),
    "sparse, of probabilities": ("softmax", cr.losses.sparse_categorical_crossentropy),
    "dense, of logits": (None, lambda t, p: cr.losses.categorical_crossentropy(t, p, True, 0.1)),
    "dense, of probabilities": ("softmax", cr.losses.categorical_crossentropy),
    "binary, of logits": (None, lambda t, p: cr.losses.binary_crossentropy(t, p, True)),
    "binary, of probabilities": ("sigmoid", cr.losses.binary_crossentropy),
    "focal": ("softmax", cr.losses.categorical_focal_crossentropy),
    "divergence": ("softmax", cr.losses.kl_divergence),
    "hinge": (None, cr.losses.squared_hinge),
    "cosine": (None, cr.losses.cosine_similarity),
    "log_cosh": (None, cr.losses.log_cosh),
}


@pytest.mark.parametrize("name", ENTROPIES)
def test_a_loss_that_holds_its_own_gradient_is_checked(name: str) -> None:
    activation, fn = ENTROPIES[name]
    model = Steep([layers.Dense(5, activation="tanh"), layers.Dense(3, activation=activation)])
    model.fn = fn
    model.compile("sgd", fn)
    targets = LABELS if name.startswith("sparse") else np.eye(3, dtype="float32")[LABELS]
    hold(model.check_gradients(X, targets))
