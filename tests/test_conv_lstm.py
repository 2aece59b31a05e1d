"""ConvLSTM1D, 2D and 3D: Keras's numbers, shapes, masks, states, dropout, gradients, configs."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import chainrule as cr
from chainrule import layers, ops
from chainrule.errors import ShapeError

RNG = np.random.default_rng(0)
SIZES = (7, 6, 5)
OPTIONS: list[dict[str, Any]] = [
    {},
    {"padding": "same"},
    {"strides": 2, "padding": "same"},
    {"strides": 2},
    {"dilation_rate": 2},
    {"dilation_rate": 2, "padding": "same"},
    {"data_format": "channels_first"},
    {"data_format": "channels_first", "strides": 2, "padding": "same"},
    {"use_bias": False, "activation": "relu", "recurrent_activation": "hard_sigmoid"},
    {"unit_forget_bias": False},
    {"kernel_size": "two"},
]
MASK = np.array([[1, 1, 0, 1], [0, 0, 1, 0], [0, 0, 0, 0]], bool)


@pytest.fixture(name="keras")
def _keras(monkeypatch: Any) -> Any:
    monkeypatch.setenv("KERAS_BACKEND", "jax")
    return pytest.importorskip("keras")


def images(rank: int, first: bool = False, rows: int = 3) -> np.ndarray:
    sizes = SIZES[:rank]
    shape = (rows, 4, 2, *sizes) if first else (rows, 4, *sizes, 2)
    return RNG.standard_normal(shape).astype("float32")


def made(k: Any, rank: int, **options: Any) -> Any:
    options = dict(options)
    window = options.pop("kernel_size", 3)
    window = (2, 3, 2)[:rank] if window == "two" else window
    return getattr(k.layers, f"ConvLSTM{rank}D")(3, window, **options)


def pair(keras: Any, rank: int, x: np.ndarray, **options: Any) -> tuple[Any, Any]:
    theirs, ours = (made(k, rank, **options) for k in (keras, cr))
    for layer in (theirs, ours):
        layer.build(x.shape)
    weights = [RNG.standard_normal(w.shape).astype("float32") / 3 for w in theirs.get_weights()]
    theirs.set_weights(weights)
    ours.set_weights(weights)
    return theirs, ours


def same(theirs: Any, ours: Any) -> None:
    theirs, ours = cr.tree.flatten(theirs), cr.tree.flatten(ours)
    for a, b in zip(theirs, ours, strict=True):
        np.testing.assert_allclose(np.asarray(b), np.asarray(a), atol=5e-6, rtol=1e-5)


@pytest.mark.parametrize("options", OPTIONS, ids=str)
@pytest.mark.parametrize("rank", [1, 2, 3])
def test_as_keras(keras: Any, rank: int, options: dict[str, Any]) -> None:
    x = images(rank, "data_format" in options)
    for sequences in (False, True):
        config = {**options, "return_sequences": sequences, "return_state": True}
        theirs, ours = pair(keras, rank, x, **config)
        same(theirs(x), ours(x))
        known = [tuple(shape) for shape in ours.compute_output_shape(x.shape)]
        assert known == [tuple(shape) for shape in theirs.compute_output_shape(x.shape)]
        traced = cr.Model(inputs := cr.Input(x.shape[1:]), ours(inputs)).predict(x, verbose=0)
        same(theirs(x), traced)


@pytest.mark.parametrize("backwards", [False, True])
@pytest.mark.parametrize("sequences", [False, True])
def test_states_in_and_out_as_keras(keras: Any, backwards: bool, sequences: bool) -> None:
    x = images(2)
    config = {"go_backwards": backwards, "return_sequences": sequences, "return_state": True}
    theirs, ours = pair(keras, 2, x, padding="same", **config)
    states = [RNG.standard_normal((3, 7, 6, 3)).astype("float32") for _ in range(2)]
    same(theirs(x, initial_state=states), ours(x, initial_state=states))


@pytest.mark.parametrize("backwards", [False, True])
def test_a_mask_leaves_steps_out(backwards: bool) -> None:
    """Keras itself fails at masks of images (JAX), so each row is compared with its seen steps."""
    x = images(2)
    layer = layers.ConvLSTM2D(3, 3, return_state=True, go_backwards=backwards)
    masked = layer(x, mask=MASK)
    for row, seen in enumerate(MASK[:2]):
        for got, want in zip(masked, layer(x[row : row + 1, seen])):
            np.testing.assert_allclose(got[row : row + 1], want, atol=1e-6)


def test_gradients_equal_keras(keras: Any) -> None:
    x, losses = images(2), []
    theirs, ours = pair(keras, 2, x)
    for k, layer in ((keras, theirs), (cr, ours)):
        model = k.Sequential([k.Input(x.shape[1:]), layer, k.layers.GlobalAveragePooling2D()])
        model.compile(k.optimizers.SGD(0.5), "mse")
        losses.append([float(model.train_on_batch(x, np.ones((3, 3)))) for _ in range(5)])
    np.testing.assert_allclose(*losses, rtol=1e-5)


@pytest.mark.parametrize(
    ("rank", "options"),
    [
        (1, {"strides": 2, "return_sequences": True}),
        (2, {"padding": "same", "dropout": 0.3, "recurrent_dropout": 0.4, "seed": 1}),
        (3, {"dilation_rate": 2, "data_format": "channels_first"}),
    ],
)
def test_every_gradient_is_right(rank: int, options: dict[str, Any]) -> None:
    x = images(rank, "data_format" in options, rows=2)
    cr.utils.set_random_seed(0)
    model = cr.Sequential([cr.Input(x.shape[1:]), made(cr, rank, **options), layers.Flatten()])
    model.compile("sgd", "mse")
    y = RNG.standard_normal(model.output_shape[1:])
    assert model.check_gradients(x, np.stack([y, -y])).ok


def test_dropout_is_one_mask_a_gate_for_all_steps() -> None:
    x = np.ones((2, 5, 6, 6, 1), "float32")
    options = {"dropout": 0.5, "recurrent_dropout": 0.5, "return_sequences": True}
    layer = layers.ConvLSTM2D(2, 1, seed=0, recurrent_activation="linear", **options)
    first, second = layer(x, training=True), layer(x, training=True)
    assert not np.array_equal(first, second)
    np.testing.assert_array_equal(layer(x), layer(x, training=False))
    nothing = layers.ConvLSTM2D(2, 1, dropout=1.0, recurrent_dropout=1.0)
    np.testing.assert_array_equal(nothing(x, training=True), nothing(x))
    masks = []

    class Watched(layers.ConvLSTM2D.cell_class):
        def get_dropout_mask(self, step_input: Any) -> Any:
            masks.append(super().get_dropout_mask(step_input))
            return masks[-1]

    cell = Watched(2, 1, dropout=0.5)
    layers.RNN(cell)(x, training=True)
    assert len(masks) == 5 and all(mask is masks[0] for mask in masks)
    assert len({mask.tobytes() for mask in masks[0]}) == 4
    with_masks = cr.Sequential([cr.Input(x.shape[1:]), layers.ConvLSTM2D(2, 1, dropout=0.5)])
    with_masks.compile("sgd", "mse")
    assert np.isfinite(with_masks.train_on_batch(x, np.ones((2, 6, 6, 2))))


def test_states_are_kept_over_batches() -> None:
    x = images(1)
    layer = layers.ConvLSTM1D(3, 3, padding="same", stateful=True)
    once = layers.ConvLSTM1D(3, 3, padding="same")
    layer.build(x.shape)
    once.build(x.shape)
    once.set_weights(layer.get_weights()[: len(once.get_weights())])
    layer(x)
    np.testing.assert_allclose(layer(x), once(np.concatenate([x, x], 1)), atol=1e-6)
    layer.reset_state()
    np.testing.assert_allclose(layer(x), once(x), atol=1e-6)


@pytest.mark.parametrize("rank", [1, 2, 3])
def test_configs_go_there_and_back(keras: Any, rank: int) -> None:
    options = {"strides": 1, "padding": "same", "dropout": 0.1, "return_sequences": True}
    theirs, ours = (made(k, rank, **options) for k in (keras, cr))
    config = ours.get_config()
    assert set(config) >= set(theirs.get_config()) - {"dtype"}
    again = type(ours).from_config(config)
    assert again.get_config() == config
    assert again.cell.name == "conv_lstm_cell"


def test_what_does_not_fit_is_refused() -> None:
    with pytest.raises(ValueError, match="strides"):
        layers.ConvLSTM2D(2, 3, strides=2, dilation_rate=2)
    with pytest.raises(ValueError, match="filters"):
        layers.ConvLSTM1D(0, 3)
    with pytest.raises(ValueError, match="static input shapes for the spatial"):
        layers.ConvLSTM1D(2, 3)(cr.Input((None, None, 3)))
    with pytest.raises(ValueError, match="ndim|axes"):
        layers.ConvLSTM2D(2, 3)(np.ones((2, 3, 4, 5)))
    with pytest.raises(ShapeError, match="zero or negative"):
        layers.ConvLSTM2D(2, 9)(np.ones((1, 2, 4, 4, 1)))


def test_rows_that_are_masked_whole_keep_their_state() -> None:
    x = images(2)
    states = [RNG.standard_normal((3, 7, 6, 3)).astype("float32") for _ in range(2)]
    layer = layers.ConvLSTM2D(3, 3, padding="same")
    y = layer(x, mask=MASK, initial_state=states)
    np.testing.assert_array_equal(y[2], states[0][2])
    assert bool(ops.all(ops.isfinite(y)))
