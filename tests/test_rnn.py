"""Recurrent layers: Keras's numbers, masks, states, a user's own cells, dropout, files, bits."""

from __future__ import annotations

import hashlib
import itertools
from typing import Any

import numpy as np
import pytest

import chainrule as cr
from chainrule import layers, ops
from chainrule.errors import GradientError, ShapeError
from tests.processes import printed

RNG = np.random.default_rng(0)
X = RNG.standard_normal((3, 6, 5)).astype("float32")
# Some steps, none at the start, none at all.
MASK = np.array([[1, 1, 1, 1, 0, 0], [0, 0, 1, 1, 0, 1], [0, 0, 0, 0, 0, 0]], bool)
KINDS: list[tuple[str, dict[str, Any]]] = [
    ("LSTM", {}),
    ("LSTM", {"use_bias": False, "unit_forget_bias": False}),
    ("LSTM", {"activation": "relu"}),
    ("GRU", {}),
    ("GRU", {"use_bias": False}),
    ("GRU", {"reset_after": False}),
    ("SimpleRNN", {}),
    ("SimpleRNN", {"activation": "relu"}),
    ("SimpleRNN", {"activation": "elu", "use_bias": False}),
]
WAYS = [
    (sequences, backwards, masked, given, zero)
    for sequences, backwards, masked, given, zero in itertools.product((False, True), repeat=5)
    if masked or not zero
]


@pytest.fixture(name="keras")
def _keras(monkeypatch: Any) -> Any:
    monkeypatch.setenv("KERAS_BACKEND", "jax")
    return pytest.importorskip("keras")


def drawn(layer: Any) -> list[np.ndarray]:
    return [RNG.standard_normal(w.shape).astype("float32") / 2 for w in layer.get_weights()]


def same(theirs: Any, ours: Any, tolerance: float = 5e-6) -> None:
    theirs, ours = cr.tree.flatten(theirs), cr.tree.flatten(ours)
    for a, b in zip(theirs, ours, strict=True):
        np.testing.assert_allclose(np.asarray(b), np.asarray(a), atol=tolerance, rtol=1e-5)


@pytest.mark.parametrize(("name", "options"), KINDS)
@pytest.mark.parametrize(("sequences", "backwards", "masked", "given", "zero"), WAYS)
def test_as_keras(
    keras: Any,
    name: str,
    options: dict[str, Any],
    sequences: bool,
    backwards: bool,
    masked: bool,
    given: bool,
    zero: bool,
) -> None:
    config = {
        **options,
        "return_sequences": sequences,
        "return_state": True,
        "go_backwards": backwards,
        "zero_output_for_mask": zero,
    }
    theirs, ours = (getattr(k.layers, name)(4, **config) for k in (keras, cr))
    theirs.build(X.shape)
    ours.build(X.shape)
    weights = drawn(theirs)
    theirs.set_weights(weights)
    ours.set_weights(weights)
    count = 2 if name == "LSTM" else 1
    states = [RNG.standard_normal((3, 4)).astype("float32") for _ in range(count)]
    arguments = {"mask": MASK if masked else None, "initial_state": states if given else None}
    same(theirs(X, **arguments), ours(X, **arguments))


@pytest.mark.parametrize("mode", ["concat", "sum", "mul", "ave", None])
@pytest.mark.parametrize("sequences", [False, True])
@pytest.mark.parametrize("state", [False, True])
def test_bidirectional_as_keras(keras: Any, mode: Any, sequences: bool, state: bool) -> None:
    def make(k: Any) -> Any:
        inner = k.layers.GRU(4, return_sequences=sequences, return_state=state)
        return k.layers.Bidirectional(inner, merge_mode=mode)

    theirs, ours = make(keras), make(cr)
    theirs(X), ours(X)
    weights = drawn(theirs)
    theirs.set_weights(weights)
    ours.set_weights(weights)
    for mask in (None, MASK):
        same(theirs(X, mask=mask), ours(X, mask=mask))
    symbolic = cr.tree.flatten(ours(cr.KerasTensor((None, None, 5))))
    known = cr.tree.flatten(ours(X))
    assert [s.shape[-1] for s in symbolic] == [y.shape[-1] for y in known]


def _network(k: Any) -> Any:
    ids = k.layers.Input((None,), dtype="int32")
    h = k.layers.Embedding(30, 8, mask_zero=True)(ids)
    h = k.layers.Bidirectional(k.layers.LSTM(6, return_sequences=True))(h)
    h = k.layers.GRU(5, return_sequences=True)(h)
    h = k.layers.SimpleRNN(5)(h)
    return k.Model(ids, k.layers.Dense(3, activation="softmax")(h))


def _ids(rows: int = 16) -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(3)
    ids = rng.integers(1, 30, (rows, 9)).astype("int32")
    ids[rows // 2 :, 6:] = 0
    ids[3] = 0
    return ids, rng.integers(0, 3, rows)


def test_ten_steps_equal_keras(keras: Any) -> None:
    theirs, ours = _network(keras), _network(cr)
    weights = drawn(theirs)
    ids, classes = _ids()
    losses = []
    for k, model in ((keras, theirs), (cr, ours)):
        model.set_weights(weights)
        model.compile(k.optimizers.Adam(1e-2), "sparse_categorical_crossentropy")
        losses.append([float(model.train_on_batch(ids, classes)) for _ in range(10)])
    np.testing.assert_allclose(*losses, atol=1e-5)


def test_every_gradient_is_right() -> None:
    cr.utils.set_random_seed(0)
    model = _network(cr)
    model.compile("sgd", "sparse_categorical_crossentropy")
    ids, classes = _ids(5)
    report = model.check_gradients(ids, classes)
    assert report.ok, report


@pytest.mark.parametrize("layer", ["LSTM", "GRU", "SimpleRNN"])
def test_a_second_derivative_is_refused(layer: str) -> None:
    rnn = getattr(layers, layer)(3)
    rnn.build(X.shape)
    first = cr.grad(lambda x: ops.sum(rnn(x)))
    assert first(X).shape == X.shape
    with pytest.raises(GradientError, match="_grad"):
        cr.grad(lambda x: ops.sum(first(x)))(X)


def test_states_are_kept_over_batches() -> None:
    whole = layers.LSTM(4, return_sequences=True)
    parts = layers.LSTM(4, return_sequences=True, stateful=True)
    whole.build(X.shape)
    parts.build(X.shape)
    parts.set_weights(whole.get_weights())
    expected = np.asarray(whole(X))
    for _ in range(2):
        found = [np.asarray(parts(X[:, at : at + 2])) for at in (0, 2, 4)]
        np.testing.assert_allclose(np.concatenate(found, 1), expected, atol=1e-6)
        parts.reset_states()
    with pytest.raises(ShapeError, match="batch size: 3\n.*batch size: 2"):
        parts(X[:2])
    np.testing.assert_array_equal(np.asarray(parts.states[0]), 0)
    with pytest.raises(ValueError, match="static"):
        layers.GRU(4, stateful=True)(cr.Input((6, 5)))


def test_a_stateful_model_trains_and_predicts() -> None:
    model = cr.Sequential([cr.Input(batch_shape=(3, 2, 5)), layers.GRU(4, stateful=True)])
    model.compile("sgd", "mse")
    first = model.predict(X[:, :2], verbose=0)
    again = model.predict(X[:, :2], verbose=0)
    assert not np.allclose(first, again)
    model.layers[0].reset_states()
    np.testing.assert_array_equal(model.predict(X[:, :2], verbose=0), first)
    model.fit(X[:, :2], np.zeros((3, 4)), batch_size=3, epochs=2, shuffle=False, verbose=0)


class Leaky(layers.Layer):
    """A cell of a user's own: a state and an output of different sizes."""

    def __init__(self, units: int, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.state_size = units
        self.output_size = 2

    def build(self, shape: Any) -> None:
        self.w = self.add_weight((shape[-1], self.state_size), name="w")
        self.out = self.add_weight((self.state_size, 2), name="out")

    def call(self, x: Any, states: Any) -> Any:
        h = 0.5 * states[0] + ops.matmul(x, self.w)
        return ops.matmul(h, self.out), [h]


def test_a_cell_of_a_users_own() -> None:
    layer = layers.RNN(Leaky(3), return_sequences=True, return_state=True)
    y, h = layer(X)
    expected = np.zeros((3, 3))
    for t in range(6):
        expected = 0.5 * expected + X[:, t] @ np.asarray(layer.cell.w)
        np.testing.assert_allclose(y[:, t], expected @ np.asarray(layer.cell.out), atol=1e-5)
    np.testing.assert_allclose(h, expected, atol=1e-5)
    masked, _ = layer(X, mask=MASK)
    np.testing.assert_array_equal(masked[2], 0)
    np.testing.assert_array_equal(masked[0, 4], masked[0, 3])
    x = cr.Input((None, 5))
    model = cr.Model(x, layers.RNN([Leaky(3), layers.LSTMCell(4)], return_sequences=True)(x))
    assert model.output_shape == (None, None, 4)
    for steps in (1, 4):
        assert model.predict(X[:, :steps], verbose=0).shape == (3, steps, 4)


@pytest.mark.parametrize("kind", ["LSTM", "GRU", "SimpleRNN"])
def test_lengths(kind: str) -> None:
    layer = getattr(layers, kind)(4, return_sequences=True)
    model = cr.Sequential([cr.Input((None, 5)), layer])
    assert model.output_shape == (None, None, 4)
    for rows, steps in ((3, 6), (1, 6), (3, 1), (2, 0)):
        assert model.predict(X[:rows, :steps], verbose=0).shape == (rows, steps, 4)
    np.testing.assert_allclose(layer(X)[:, :2], layer(X[:, :2]), atol=1e-6)


@pytest.mark.parametrize("kind", ["LSTM", "GRU", "SimpleRNN"])
def test_dropout(kind: str) -> None:
    layer = getattr(layers, kind)(4, dropout=0.5, seed=1)
    np.testing.assert_array_equal(layer(X), layer(X, training=False))
    first, second = layer(X, training=True), layer(X, training=True)
    assert not np.allclose(first, second)
    # One mask for all steps: a sequence of equal steps stays one.
    equal = np.repeat(X[:, :1], 6, axis=1)
    cell = layer.cell
    masked = equal * np.asarray(ops.expand_dims(_first(cell.get_dropout_mask(equal[:, 0])), 1))
    np.testing.assert_allclose(layer(equal, training=True), layer(masked), atol=1e-6)
    state = getattr(layers, kind)(4, recurrent_dropout=0.5)
    assert not np.allclose(state(X, training=True), state(X))
    model = cr.Sequential([state, layers.Dense(1)])
    model.compile("sgd", "mse")
    assert np.isfinite(model.fit(X, np.zeros((3, 1)), verbose=0).history["loss"]).all()


def test_use_cudnn_is_kept_where_keras_has_it() -> None:
    both = layers.Bidirectional(layers.GRU(2, use_cudnn=False))
    assert both.forward_layer.use_cudnn is both.backward_layer.use_cudnn is False
    assert not hasattr(layers.Bidirectional(layers.SimpleRNN(2)).forward_layer, "use_cudnn")
    with pytest.raises(ValueError, match="use_cudnn"):
        layers.SimpleRNN(2, use_cudnn=False)


def _first(masks: Any) -> Any:
    return masks[0] if isinstance(masks, list) else masks


@pytest.mark.parametrize(
    "make",
    [
        lambda: layers.LSTM(4, dropout=0.1, return_state=True, kernel_regularizer="l2", name="own"),
        lambda: layers.GRU(4, reset_after=False, go_backwards=True),
        lambda: layers.SimpleRNN(4, activation="relu", return_sequences=True),
        lambda: layers.Bidirectional(layers.LSTM(4), merge_mode="sum"),
        lambda: layers.Bidirectional(layers.GRU(4), backward_layer=layers.LSTM(4, go_backwards=True)),
        lambda: layers.RNN([layers.LSTMCell(4), layers.GRUCell(3)], return_sequences=True),
    ],
)
def test_configs_and_files(make: Any, tmp_path: Any) -> None:
    layer = make()
    again = type(layer).from_config(layer.get_config())
    assert again.get_config() == layer.get_config()
    x = cr.Input((None, 5))
    y = layer(x)
    model = cr.Model(x, y)
    model.save(tmp_path / "m.chainrule")
    loaded = cr.models.load_model(tmp_path / "m.chainrule")
    for a, b in zip(cr.tree.flatten(model(X)), cr.tree.flatten(loaded(X)), strict=True):
        np.testing.assert_array_equal(a, b)


@pytest.mark.parametrize(
    ("call", "error", "match"),
    [
        (lambda: layers.LSTM(0), ValueError, "units"),
        (lambda: layers.RNN(object()), ValueError, "call"),
        (lambda: layers.Bidirectional("lstm"), ValueError, "Layer"),
        (lambda: layers.Bidirectional(layers.LSTM(2), merge_mode="max"), ValueError, "max"),
        (lambda: layers.Bidirectional(layers.LSTM(2), backward_layer=layers.LSTM(2)), ValueError, "go_backwards"),
        (lambda: layers.LSTM(4)(X[0]), ValueError, "ndim"),
        (lambda: layers.LSTM(4)(X, initial_state=[np.zeros((2, 4))] * 2), ShapeError, r"\(3, 4\).*\(2, 4\)"),
        (lambda: layers.GRU(4)(X, mask=np.ones((3, 5), bool)), ShapeError, r"\(3, 6\).*\(3, 5\)"),
    ],
)  # fmt: skip
def test_what_does_not_fit_is_refused(call: Any, error: type[Exception], match: str) -> None:
    with pytest.raises(error, match=match):
        call()


def digest() -> str:
    """SHA-256 of the weights after some steps with masks and dropout."""
    cr.utils.set_random_seed(5)
    rng = np.random.default_rng(1)
    ids = rng.integers(0, 50, (120, 11)).astype("int32")
    model = cr.Sequential(
        [
            layers.Embedding(50, 24, mask_zero=True),
            layers.Bidirectional(layers.LSTM(40, return_sequences=True, dropout=0.2)),
            layers.GRU(33, recurrent_dropout=0.1),
            layers.Dense(3, activation="softmax"),
        ]
    )
    model.compile("adam", "sparse_categorical_crossentropy")
    model.fit(ids, ids[:, 0] % 3, batch_size=40, epochs=1, verbose=0)
    found = hashlib.sha256()
    for weight in model.get_weights():
        assert np.isfinite(weight).all()
        found.update(np.ascontiguousarray(weight).tobytes())
    return found.hexdigest()


@pytest.mark.parametrize(
    ("threads", "isa"), [(1, ""), (3, ""), (8, ""), (2, "scalar"), (2, "avx2"), (2, "avx512")]
)
def test_the_same_bits(threads: int, isa: str) -> None:
    there = printed("from tests.test_rnn import *; print(digest())", threads, isa)
    assert there == digest()
