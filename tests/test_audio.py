"""chainrule.audio: filters, features, sound from magnitudes, WAV files."""

from __future__ import annotations

import wave
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import chainrule as cr
from chainrule import audio, ops
from chainrule.audio.pitch import _ratio
from chainrule.errors import DataError, DTypeError, FileFormatError, ShapeError

RNG = np.random.default_rng(2)


# Filters


def test_scales_there_and_back() -> None:
    hz = np.array([0.0, 10.0, 440.0, 999.9, 1000.0, 1234.5, 20000.0])
    for htk in (False, True):
        mels = audio.hz_to_mel(hz, htk)
        assert (np.diff(mels) > 0).all()
        np.testing.assert_allclose(audio.mel_to_hz(mels, htk), hz, rtol=1e-12, atol=1e-9)
    # Known values: 1000 Hz are about 1000 mels by HTK, 15 by Slaney; 27 steps more are 6400 Hz.
    np.testing.assert_allclose(audio.hz_to_mel(1000.0, htk=True), 1000.0, rtol=2e-5)
    np.testing.assert_allclose(audio.hz_to_mel([1000.0, 6400.0]), [15.0, 42.0], rtol=1e-12)


@pytest.mark.parametrize("htk", [False, True])
def test_filters_are_triangles_over_frequencies(htk: bool) -> None:
    filters = audio.mel_filters(8000, 512, 24, 50.0, 3500.0, htk, None)
    hz = np.arange(257) * 8000 / 512
    mels = np.linspace(*audio.hz_to_mel([50.0, 3500.0], htk), 26)
    edges = audio.mel_to_hz(mels, htk)
    for m, row in enumerate(filters):
        lower, middle, upper = edges[m : m + 3]
        np.testing.assert_allclose(
            row, np.interp(hz, [lower, middle, upper], [0, 1, 0]), atol=1e-12
        )
    # Their neighbours make up for each other between the first middle and the last.
    inside = (hz >= edges[1]) & (hz <= edges[-2])
    np.testing.assert_allclose(filters.sum(0)[inside], 1.0, rtol=1e-12)


def test_slaneys_filters_have_an_area_of_one() -> None:
    filters = audio.mel_filters(16000, 8192, 40)
    np.testing.assert_allclose(filters.sum(1) * 16000 / 8192, 1.0, rtol=2e-2)


def test_filters_are_those_of_librosa() -> None:
    librosa = pytest.importorskip("librosa")
    for htk in (False, True):
        for norm in (None, "slaney"):
            expected = librosa.filters.mel(
                sr=8000, n_fft=400, n_mels=30, fmin=20, fmax=3800, htk=htk, norm=norm
            )
            got = audio.mel_filters(8000, 400, 30, 20, 3800, htk, norm)
            np.testing.assert_allclose(got, expected, rtol=1e-5, atol=1e-7)


# Features


def _tone(hz: float, rate: int = 8000, seconds: float = 0.5) -> Any:
    return np.sin(2 * np.pi * hz * np.arange(int(rate * seconds)) / rate)


def test_a_tone_is_in_its_band() -> None:
    edges = audio.mel_to_hz(np.linspace(0, audio.hz_to_mel(4000.0), 42))
    for hz in (300.0, 1000.0, 2500.0):
        m = audio.mel_spectrogram(_tone(hz), 8000, 512, 128, num_mel_bins=40)
        found = int(m[:, 10].argmax())
        assert edges[found] < hz < edges[found + 2]


def test_features_are_their_formulas() -> None:
    x = RNG.normal(size=(2, 3000))
    options: dict[str, Any] = {"fft_length": 256, "sequence_stride": 100, "num_mel_bins": 20}
    re, im = ops.stft(x, 256, 100, 256)
    filters = audio.mel_filters(8000, 256, 20)
    for power in (1.0, 2.0, 1.3):
        energies = np.hypot(re, im) ** power
        expected = np.einsum("mk,ntk->nmt", filters, energies)
        got = audio.mel_spectrogram(x, 8000, **options, power=power)
        np.testing.assert_allclose(got, expected, rtol=1e-10)
    loud = 10 * np.log10(np.maximum(np.einsum("mk,ntk->nmt", filters, re**2 + im**2), 1e-3) / 2)
    loud = np.maximum(loud, loud.max() - 25)
    got = audio.log_mel(x, 8000, ref=2.0, min_power=1e-3, top_db=25.0, **options)
    np.testing.assert_allclose(got, loud, rtol=1e-10)
    decibels = audio.log_mel(x, 8000, **options)
    k, m = np.arange(13)[:, None], np.arange(20)
    waves = np.cos(np.pi * k * (2 * m + 1) / 40) * np.where(k, np.sqrt(2 / 20), np.sqrt(1 / 20))
    lift = 1 + 11 * np.sin(np.pi * (k + 1) / 22)
    expected = np.einsum("km,nmt->nkt", waves, decibels)
    np.testing.assert_allclose(audio.mfcc(x, 8000, 13, **options), expected, rtol=1e-9, atol=1e-9)
    np.testing.assert_allclose(
        audio.mfcc(x, 8000, 13, 22, **options), lift * expected, rtol=1e-9, atol=1e-9
    )


def test_features_can_be_part_of_a_model() -> None:
    x = cr.Input((None,))
    y = audio.mfcc(x, 8000, 5, fft_length=128, sequence_stride=64, num_mel_bins=12)
    model = cr.Model(x, y)
    sound = RNG.normal(size=(2, 700)).astype("float32")
    expected = audio.mfcc(sound, 8000, 5, fft_length=128, sequence_stride=64, num_mel_bins=12)
    np.testing.assert_allclose(model.predict(sound, verbose=0), expected, rtol=1e-4, atol=1e-3)
    loss = lambda x: ops.sum(audio.mfcc(x, 8000, 3, fft_length=64, sequence_stride=32))  # noqa: E731
    wide = sound.astype("float64")
    way = RNG.normal(size=wide.shape)
    measured = (loss(wide + 1e-6 * way) - loss(wide - 1e-6 * way)) / 2e-6
    np.testing.assert_allclose(np.sum(cr.grad(loss)(wide) * way), measured, rtol=1e-4)


# Pitch, and how features change


@pytest.mark.parametrize("hz", [70.0, 123.4, 311.0, 480.0])
def test_the_pitch_of_a_voice_is_that_of_its_overtones(hz: float) -> None:
    time = np.arange(8000) / 16000
    tone = sum(np.sin(2 * np.pi * k * hz * time + k) / k for k in range(1, 6))
    sound = np.stack([tone, 0.01 * tone + 0.3, np.zeros(8000)])
    frequency, sure = audio.pitch(sound, 16000, 1024, 160)
    assert frequency.shape == sure.shape == (3, 51)
    inner = slice(4, -4)
    np.testing.assert_allclose(frequency[:2, inner], hz, rtol=2e-3)
    assert (sure[:2, inner] > 0.99).all()
    # The same for any loudness, and nothing in silence.
    assert (frequency[2] == 0).all() and (sure[2] == 0).all()


def test_a_pitch_that_rises_is_followed_and_noise_has_none() -> None:
    time = np.arange(16000) / 16000
    rising = np.sin(2 * np.pi * (100 * time + 50 * time**2))
    frequency, sure = audio.pitch(rising, 16000, 1024, 400)
    middles = np.arange(frequency.shape[-1]) * 400 / 16000
    np.testing.assert_allclose(frequency[2:-2], (100 + 100 * middles)[2:-2], rtol=0.02)
    noise = RNG.normal(size=16000)
    assert audio.pitch(noise, 16000, 1024, 400)[1].mean() < 0.3 < 0.9 < sure[2:-2].min()


def test_the_ratio_of_yin_is_its_formula() -> None:
    x = RNG.normal(size=64)
    half, longest = 32, 20
    apart = [((x[:half] - x[lag : lag + half]) ** 2).sum() for lag in range(longest + 1)]
    expected = [1.0] + [lag * apart[lag] / sum(apart[1 : lag + 1]) for lag in range(1, longest + 1)]
    np.testing.assert_allclose(_ratio(x[None], longest)[0], expected, rtol=1e-9)


def test_deltas_are_slopes_of_lines_through_the_frames() -> None:
    x = RNG.normal(size=(2, 3, 12))
    padded = np.pad(x, [(0, 0), (0, 0), (3, 3)], mode="edge")
    slopes = [
        np.polyfit(np.arange(-3, 4), padded[..., t : t + 7].reshape(6, 7).T, 1)[0]
        for t in range(12)
    ]
    expected = np.stack(slopes, axis=-1).reshape(2, 3, 12)
    np.testing.assert_allclose(audio.deltas(x, 7), expected, rtol=1e-9, atol=1e-12)
    inputs = cr.Input((3, 12))
    model = cr.Model(inputs, audio.deltas(inputs, 7))
    np.testing.assert_allclose(model.predict(x, verbose=0), expected, rtol=1e-4, atol=1e-5)


# Sound from magnitudes


@pytest.mark.parametrize("center", [True, False])
def test_a_sound_from_its_magnitudes(center: bool) -> None:
    x = np.stack([_tone(440) + 0.5 * _tone(660), _tone(300) * np.linspace(1, 0, 4000)])
    lengths = (256, 64, 256)
    S = np.hypot(*ops.stft(x, *lengths, "hann", center))
    errors = [
        audio.spectral_convergence(
            S,
            audio.griffin_lim(S, *lengths, count, "hann", center, seed=1),
            *lengths,
            "hann",
            center,
        )
        for count in (1, 8, 60)
    ]
    assert errors[0] > errors[1] > errors[2] and errors[2] < 0.1
    plain = audio.griffin_lim(S, *lengths, 60, "hann", center, momentum=0.0, seed=1)
    assert errors[2] < audio.spectral_convergence(S, plain, *lengths, "hann", center)
    again = [audio.griffin_lim(S, *lengths, 2, "hann", center, seed=seed) for seed in (1, 1, 2)]
    assert (again[0] == again[1]).all() and (again[0] != again[2]).any()


def test_lengths_and_dtypes_of_sounds_from_magnitudes() -> None:
    x = _tone(440).astype("float32")
    S = np.hypot(*ops.stft(x, 128, 32, 128))
    y = audio.griffin_lim(S, 128, 32, 128, 2, length=3000)
    assert y.shape == (3000,) and y.dtype == np.float32
    assert audio.spectral_convergence(S, x, 128, 32, 128) < 1e-6
    assert audio.spectral_convergence(S, 0 * x, 128, 32, 128) == 1.0
    silence = audio.griffin_lim(0 * S, 128, 32, 128, 2)
    assert not silence.any()


# Files


@pytest.mark.parametrize("bits", [8, 16, 24, 32])
@pytest.mark.parametrize("channels", [None, 1, 3])
def test_files_there_and_back(tmp_path: Path, bits: int, channels: int | None) -> None:
    shape = (50,) if channels is None else (50, channels)
    whole = 2.0 ** (bits - 1)
    x = np.floor(RNG.uniform(-1, 1, shape) * whole) / whole
    audio.write_wav(tmp_path / "a.wav", x, 22050, bits)
    with wave.open(str(tmp_path / "a.wav")) as file:
        assert (file.getsampwidth() * 8, file.getframerate()) == (bits, 22050)
        assert (file.getnchannels(), file.getnframes()) == (channels or 1, 50)
    y, rate = audio.read_wav(tmp_path / "a.wav")
    assert rate == 22050 and y.shape == (50, channels or 1) and y.dtype == np.float32
    np.testing.assert_allclose(y.reshape(shape), x, atol=1e-7)


def test_what_is_too_loud_is_cut(tmp_path: Path) -> None:
    for bits in (8, 16, 24, 32):
        audio.write_wav(tmp_path / "a.wav", np.array([2.0, -2.0, 1.0]), 8000, bits)
        y, _ = audio.read_wav(tmp_path / "a.wav")
        np.testing.assert_allclose(y[:, 0], [1.0, -1.0, 1.0], atol=2.0 ** (1 - bits) + 1e-7)


def test_a_refused_file_leaves_the_old_one(tmp_path: Path) -> None:
    path = tmp_path / "a.wav"
    audio.write_wav(path, np.zeros(5), 8000)
    before = path.read_bytes()
    x = np.zeros(5)
    for samples, rate, bits, error, part in (
        (np.zeros(5, "int16"), 8000, 16, DTypeError, "int16"),
        (np.zeros((2, 2, 2)), 8000, 16, ShapeError, r"\(2, 2, 2\)"),
        (np.zeros((2, 0)), 8000, 16, ShapeError, r"\(2, 0\)"),
        (np.array([np.nan]), 8000, 16, DataError, "NaN"),
        (x, 0, 16, ValueError, "got 0"),
        (x, 8000.5, 16, ValueError, "8000.5"),
        (x, 8000, 12, ValueError, "got 12"),
    ):
        with pytest.raises(error, match=part):
            audio.write_wav(path, samples, rate, bits)
    assert path.read_bytes() == before and len(list(tmp_path.iterdir())) == 1
    path.write_bytes(before[:-4])
    with pytest.raises(FileFormatError, match=r"a\.wav.*cut off"):
        audio.read_wav(path)


S = np.ones((4, 5))
X = np.ones(3000)


@pytest.mark.parametrize(
    "call, error, part",
    [
        (lambda: audio.mel_filters(0, 256), ValueError, "above 0, got 0"),
        (lambda: audio.mel_filters(8000, 0), ValueError, "above 0"),
        (lambda: audio.mel_filters(8000, 256, 0), ValueError, "and 0"),
        (lambda: audio.mel_filters(8000, 256, norm="l1"), ValueError, "'l1'"),
        (lambda: audio.mel_filters(8000, 256, 40, 5000.0), ValueError, "5000.0 and 4000.0"),
        (lambda: audio.power_to_db(S, min_power=0.0), ValueError, "min_power=0.0"),
        (lambda: audio.power_to_db(S, top_db=-1.0), ValueError, "top_db=-1.0"),
        (lambda: audio.mfcc(np.ones(3000), num_mfcc=129), ValueError, "1 to 128, got 129"),
        (lambda: audio.mfcc(np.ones(3000), lifter=-1), ValueError, "got -1"),
        (lambda: audio.pitch(X, 16000, min_freq=0.0), ValueError, "got 0.0, 500.0"),
        (lambda: audio.pitch(X, 16000, max_freq=9000.0), ValueError, "9000.0"),
        (lambda: audio.pitch(X, 16000, 512), ValueError, "above 535.*got 512"),
        (lambda: audio.pitch(X, 16000, threshold=0.0), ValueError, "got 0.0 and 512"),
        (lambda: audio.pitch(X, 16000, sequence_stride=0), ValueError, "got 0.1 and 0"),
        (lambda: audio.pitch(X[:900], 16000), ShapeError, r"longer than 1024.*\(900,\)"),
        (lambda: audio.pitch(X * np.nan, 16000), DataError, "finite"),
        (lambda: audio.deltas(S, 4), ValueError, "odd width of 3 or more, got 4"),
        (lambda: audio.deltas(S, 1), ValueError, "got 1"),
        (lambda: audio.griffin_lim(S, 4, 2, 4), ShapeError, r"frames, 3.*\(4, 5\)"),
        (lambda: audio.griffin_lim(S[0], 8, 2, 8), ShapeError, r"\(5,\)"),
        (lambda: audio.griffin_lim(-S, 8, 2, 8), DataError, "0 or more"),
        (lambda: audio.griffin_lim(S * np.nan, 8, 2, 8), DataError, "finite"),
        (lambda: audio.griffin_lim(S, 8, 2, 8, 0), ValueError, "got 0 and"),
        (lambda: audio.griffin_lim(S, 8, 2, 8, momentum=-1.0), ValueError, "-1.0"),
        (lambda: audio.griffin_lim(S, 8, 0, 8), ValueError, "sequence_stride=0"),
        (lambda: audio.spectral_convergence(0 * S, np.ones(8), 8, 2, 8), DataError, "none"),
    ],
)
def test_bad_input_is_refused(call: Any, error: Any, part: str) -> None:
    with pytest.raises(error, match=part):
        call()


# Magnitudes of mel bands


@pytest.mark.parametrize(("power", "norm", "htk"), [(2.0, "slaney", False), (1.0, None, True)])
def test_magnitudes_of_mel_bands(power: float, norm: str | None, htk: bool) -> None:
    t = np.arange(6000) / 8000
    x = np.sin(2 * np.pi * (300 + 400 * t) * t) + 0.5 * np.sin(2 * np.pi * 2500 * t)
    scale = {"norm": norm, "htk": htk, "max_freq": 3500.0, "power": power}
    m = audio.mel_spectrogram(np.stack([x, x[::-1]]), 8000, 512, 128, num_mel_bins=40, **scale)
    errors = []
    for iterations in (1, 8, 64):
        S = audio.mel_to_magnitudes(m, 8000, 512, iterations=iterations, **scale)
        assert S.shape == (2, m.shape[-1], 257) and S.dtype == m.dtype and (S >= 0).all()
        filters = audio.mel_filters(8000, 512, 40, max_freq=3500.0, norm=norm, htk=htk)
        again = filters @ (S**power).swapaxes(-1, -2)
        errors.append(np.linalg.norm(again - m) / np.linalg.norm(m))
    assert errors[0] > errors[1] > errors[2] and errors[2] < 0.05
    # No filter covers what is above 3500 Hz.
    assert (S[..., 225:] == 0).all()


def test_magnitudes_of_silence_and_dtypes() -> None:
    silent = audio.mel_to_magnitudes(np.zeros((20, 3), "float32"), 8000, 256)
    assert silent.dtype == "float32" and silent.shape == (3, 129) and (silent == 0).all()
    assert audio.mel_to_magnitudes(np.ones((20, 3), "int32"), 8000, 256).dtype == "float32"


@pytest.mark.parametrize(
    ("m", "options", "error", "part"),
    [
        (np.ones(4), {}, ShapeError, r"\(\.\.\., bands, frames\), got shape \(4,\)"),
        (-np.ones((4, 2)), {}, DataError, "0 or more"),
        (np.full((4, 2), np.nan), {}, DataError, "finite"),
        (np.ones((4, 2)), {"iterations": 0}, ValueError, "1 or more iterations"),
        (np.ones((4, 2)), {"power": 0.0}, ValueError, "a power above 0"),
        (np.ones((4, 2)), {"norm": "area"}, ValueError, "`norm`"),
    ],
)
def test_bad_mel_bands_are_refused(m: Any, options: Any, error: Any, part: str) -> None:
    with pytest.raises(error, match=part):
        audio.mel_to_magnitudes(m, 8000, 256, **options)
