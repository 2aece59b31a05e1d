"""MelSpectrogram and STFTSpectrogram: beside Keras, in models, trained, in files, bad input."""

from __future__ import annotations

import inspect
import warnings
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import chainrule as cr
from chainrule import config, layers, ops
from chainrule.checks import check_gradients
from chainrule.errors import DTypeError

RNG = np.random.default_rng(11)
MODES = ("log", "magnitude", "psd", "real", "imag", "angle", "stft")
MEL = [
    {"fft_length": 256, "sequence_stride": 100},
    {"fft_length": 255, "sequence_stride": 64, "sequence_length": 200, "window": "hamming"},
    {"fft_length": 128, "sequence_stride": 64, "power_to_db": False, "mag_exp": 1.0},
    {"fft_length": 128, "sequence_stride": 32, "mag_exp": 1.5, "ref_power": 0.5, "top_db": 30.0},
    {"fft_length": 128, "sequence_stride": 32, "window": None, "min_power": 1e-3},
    {"fft_length": 64, "sequence_stride": 32, "min_freq": 100.0, "max_freq": 3000.0},
]


@pytest.fixture
def keras(monkeypatch: pytest.MonkeyPatch) -> Any:
    monkeypatch.setenv("KERAS_BACKEND", "jax")
    return pytest.importorskip("keras", minversion="3.15")


def _sound(*shape: int) -> Any:
    return RNG.normal(size=shape).astype("float32")


@pytest.mark.parametrize("options", MEL, ids=str)
@pytest.mark.parametrize("shape", [(2, 2000), (2001,)], ids=str)
def test_mel_spectrograms_are_those_of_keras(keras: Any, options: Any, shape: Any) -> None:
    options = {"sampling_rate": 8000, "num_mel_bins": 20, **options}
    x = _sound(*shape)
    expected = np.asarray(keras.layers.MelSpectrogram(**options)(x))
    layer = layers.MelSpectrogram(**options)
    got = layer(x)
    assert got.shape == expected.shape == tuple(layer.compute_output_shape(shape))
    np.testing.assert_allclose(got, expected, rtol=1e-4, atol=2e-4 * np.abs(expected).max())


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("data_format", ["channels_last", "channels_first"])
@pytest.mark.parametrize("expand_dims", [False, True])
@pytest.mark.parametrize("padding", ["valid", "same"])
def test_spectrograms_are_those_of_keras(
    keras: Any, mode: str, data_format: str, expand_dims: bool, padding: str
) -> None:
    options = {
        "mode": mode,
        "frame_length": 60,
        "frame_step": 25,
        "expand_dims": expand_dims,
        "data_format": data_format,
        "padding": padding,
    }
    shape = (2, 300, 3) if data_format == "channels_last" else (2, 3, 300)
    x = _sound(*shape)
    theirs = keras.layers.STFTSpectrogram(**options)
    expected = np.asarray(theirs(x))
    layer = layers.STFTSpectrogram(**options)
    got = layer(x)
    assert got.shape == expected.shape == tuple(layer.compute_output_shape(shape))
    assert [w.path.rpartition("/")[2] for w in layer.weights] == [w.name for w in theirs.weights]
    for ours, other in zip(layer.get_weights(), theirs.get_weights(), strict=True):
        np.testing.assert_allclose(ours, other, atol=2e-6)
    if mode == "angle":
        # Near half a turn the sign is round-off's.
        got, expected = np.cos(got), np.cos(expected)
    np.testing.assert_allclose(got, expected, rtol=2e-3, atol=2e-4)


@pytest.mark.parametrize(
    "options",
    [
        {"scaling": "spectrum", "window": "blackman", "periodic": True},
        {"scaling": None, "window": None},
        {"window": list(np.linspace(0.1, 1.0, 64)), "fft_length": 100},
        {"window": "tukey", "frame_step": 64},
    ],
    ids=str,
)
def test_windows_and_scalings_are_those_of_keras(keras: Any, options: Any) -> None:
    x = _sound(2, 300, 1)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        made = [
            module.layers.STFTSpectrogram("psd", frame_length=64, **options) for module in (cr, keras)
        ]
    got, expected = (np.asarray(layer(x)) for layer in made)
    np.testing.assert_allclose(got, expected, rtol=1e-4, atol=1e-4 * expected.max())


def test_signatures_are_those_of_keras(keras: Any) -> None:
    for name in ("MelSpectrogram", "STFTSpectrogram"):
        theirs = inspect.signature(getattr(keras.layers, name).__init__).parameters
        ours = inspect.signature(getattr(layers, name).__init__).parameters
        assert [(p.name, p.default) for p in ours.values()] == [
            (p.name, p.default) for p in theirs.values()
        ]


def _words(spectrogram: Any, *after: Any) -> Any:
    x = cr.Input((None, 1))
    y = layers.GlobalAveragePooling1D()(spectrogram(x))
    return cr.Model(x, layers.Dense(3, activation="softmax")(y))


def _tones(n: int, length: int) -> tuple[Any, Any]:
    labels = np.arange(n) % 3
    time = np.arange(length)
    x = np.sin((0.3 + 0.7 * labels[:, None]) * time) + 0.3 * _sound(n, length)
    return x[..., None].astype("float32"), labels


def test_kernels_train_in_a_model_of_unknown_length() -> None:
    model = _words(layers.STFTSpectrogram("magnitude", 32, 16))
    assert model.input_shape == (None, None, 1)
    model.compile("adam", "sparse_categorical_crossentropy")
    first = [w.copy() for w in model.layers[1].get_weights()]
    losses = []
    for length in (100, 64, 161):
        history = model.fit(*_tones(12, length), epochs=4, verbose=0)
        losses += history.history["loss"]
    assert losses[-1] < losses[0]
    for before, after in zip(first, model.layers[1].get_weights(), strict=True):
        assert np.abs(before - after).max() > 1e-3


@pytest.mark.parametrize("mode", MODES)
def test_gradients_of_trained_kernels(mode: str) -> None:
    config.set_floatx("float64")
    try:
        x = cr.Input((48, 2))
        y = layers.STFTSpectrogram(mode, 16, 8, padding="same")(x)
        y = layers.Dense(2)(layers.GlobalAveragePooling1D()(y))
        model = cr.Model(x, y)
        model.compile("sgd", "mse")
        report = check_gradients(model, RNG.normal(size=(3, 48, 2)), RNG.normal(size=(3, 2)))
    finally:
        config.set_floatx("float32")
    assert report.ok, report


def test_gradients_flow_through_mel_spectrograms() -> None:
    layer = layers.MelSpectrogram(
        32, 8, sampling_rate=100, num_mel_bins=4, min_freq=1.0, dtype="float64"
    )
    x = RNG.normal(size=(2, 60))
    loss = lambda x: ops.sum(ops.square(layer(x)))  # noqa: E731
    way = RNG.normal(size=x.shape)
    measured = (loss(x + 1e-6 * way) - loss(x - 1e-6 * way)) / 2e-6
    np.testing.assert_allclose(np.sum(cr.grad(loss)(x) * way), measured, rtol=1e-5)
    quiet = layers.MelSpectrogram(
        32, 8, sampling_rate=100, num_mel_bins=4, mag_exp=1.0, power_to_db=False
    )
    zeros = np.zeros((1, 40), "float32")
    assert not cr.grad(lambda x: ops.sum(quiet(x)))(zeros).any()


def test_mel_spectrograms_in_a_model_of_unknown_length() -> None:
    x = cr.Input((None,))
    layer = layers.MelSpectrogram(64, 16, sampling_rate=1000, num_mel_bins=8)
    y = layer(x)
    assert y.shape == (None, 8, None)
    model = cr.Model(x, layers.GlobalAveragePooling1D(data_format="channels_first")(y))
    for length in (100, 163):
        sound = _sound(3, length)
        expected = layer(sound).mean(-1)
        np.testing.assert_allclose(model.predict(sound, verbose=0), expected, rtol=1e-4)


def test_layers_there_and_back(tmp_path: Path) -> None:
    sound = _sound(2, 100, 1)
    model = _words(layers.STFTSpectrogram("psd", 32, window=list(np.hanning(32)), scaling=None))
    model.save(tmp_path / "model.chainrule")
    again = cr.saving.load_model(tmp_path / "model.chainrule")
    np.testing.assert_array_equal(again.predict(sound, verbose=0), model.predict(sound, verbose=0))
    mel = layers.MelSpectrogram(64, window=np.hanning(64), num_mel_bins=8)
    other = layers.MelSpectrogram.from_config(mel.get_config())
    np.testing.assert_array_equal(other(sound[..., 0]), mel(sound[..., 0]))


@pytest.mark.parametrize(
    "call, part",
    [
        (lambda: layers.MelSpectrogram(256, 256, 512), "`fft_length` must be greater than or equal"),
        (lambda: layers.MelSpectrogram(0), "`fft_length` must be a positive integer"),
        (lambda: layers.MelSpectrogram(sequence_stride=0), "sequence_stride=0"),
        (lambda: layers.MelSpectrogram(num_mel_bins=-1), "num_mel_bins=-1"),
        (lambda: layers.MelSpectrogram(min_freq=9000.0), "`min_freq` must be below `max_freq`"),
        (lambda: layers.MelSpectrogram(window="no")(_sound(4000)), "window=no"),
        (lambda: layers.MelSpectrogram(window=[1.0])(_sound(4000)), r"\[2048\]"),
        (lambda: layers.STFTSpectrogram(frame_length=256, frame_step=1024), "frame_step=1024"),
        (lambda: layers.STFTSpectrogram(frame_length=256, frame_step=0), "frame_step=0"),
        (lambda: layers.STFTSpectrogram(frame_length=0), "frame_length=0"),
        (lambda: layers.STFTSpectrogram(frame_length=256, fft_length=128), "fft_length=128"),
        (lambda: layers.STFTSpectrogram(mode="spectrogram"), "mode=spectrogram"),
        (lambda: layers.STFTSpectrogram(scaling="l2"), "scaling=l2"),
        (lambda: layers.STFTSpectrogram(padding="divide"), "padding=divide"),
        (lambda: layers.STFTSpectrogram(data_format="last"), "data_format"),
        (lambda: layers.STFTSpectrogram()(_sound(4, 300)), "ndim"),
    ],
)
def test_bad_arguments_are_refused(call: Any, part: str) -> None:
    with pytest.raises(ValueError, match=part):
        call()


def test_integers_and_odd_lengths() -> None:
    with pytest.raises(DTypeError, match="type=int"):
        layers.STFTSpectrogram()(np.zeros((2, 300, 1), "int32"))
    with pytest.warns(UserWarning, match="recommended to be a power of two"):
        layers.STFTSpectrogram(frame_length=100, fft_length=150)
