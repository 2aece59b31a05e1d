"""Texts and sounds of folders, windows of series: batches, orders, parts; damaged files are named."""

from __future__ import annotations

import struct
import wave
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import chainrule as cr
from chainrule import layers
from chainrule.errors import FileFormatError
from chainrule.utils import (
    audio_dataset_from_directory,
    pad_sequences,
    text_dataset_from_directory,
    timeseries_dataset_from_array,
)
from chainrule.utils.wav import read_wav, resample


@pytest.fixture
def texts(tmp_path: Path) -> Path:
    for name in ("neg", "pos"):
        (tmp_path / name).mkdir()
        for i in range(5):
            (tmp_path / name / f"{i}.txt").write_text(f"{name} {i} é\n", encoding="utf-8")
    (tmp_path / "readme.md").write_text("no text")
    return tmp_path


def write_wav(path: Path, samples: Any, rate: int = 8000) -> None:
    samples = np.asarray(samples)
    with wave.open(str(path), "wb") as file:
        file.setnchannels(samples.shape[1] if samples.ndim > 1 else 1)
        file.setsampwidth(samples.dtype.itemsize)
        file.setframerate(rate)
        file.writeframes(samples.tobytes())


def raw_wav(form: bytes, data: bytes, size: int | None = None) -> bytes:
    body = b"WAVEfmt " + struct.pack("<I", len(form)) + form
    body += b"data" + struct.pack("<I", len(data) if size is None else size) + data
    return b"RIFF" + struct.pack("<I", len(body)) + body


@pytest.fixture
def sounds(tmp_path: Path) -> Path:
    for name in ("high", "low"):
        (tmp_path / name).mkdir()
        for i in range(4):
            write_wav(tmp_path / name / f"{i}.wav", np.full(20 + i, 2**14, "<i2"))
    return tmp_path


def test_texts_of_a_folder(texts: Path, capsys: Any) -> None:
    data = text_dataset_from_directory(texts, shuffle=False, batch_size=4)
    assert "Found 10 files belonging to 2 classes." in capsys.readouterr().out
    x, y = [*data][1]
    assert x.tolist() == ["neg 4 é\n", "pos 0 é\n", "pos 1 é\n", "pos 2 é\n"]
    assert y.tolist() == [0, 1, 1, 1] and data.class_names == ["neg", "pos"] and len(data) == 3
    alone = text_dataset_from_directory(
        texts, labels=None, batch_size=None, max_length=3, shuffle=False, verbose=False
    )
    assert list(alone)[:2] == ["neg", "neg"]
    hot = text_dataset_from_directory(texts, label_mode="categorical", verbose=False)
    assert next(iter(hot))[1].shape == (10, 2)


def test_epochs_have_orders_of_their_own(texts: Path) -> None:
    data = text_dataset_from_directory(texts, seed=3, verbose=False)
    first, second = (np.concatenate([x for x, _ in data]).tolist() for _ in range(2))
    assert first != second and sorted(first) == sorted(second)
    again = text_dataset_from_directory(texts, seed=3, verbose=False)
    assert np.concatenate([x for x, _ in again]).tolist() == first
    parts = text_dataset_from_directory(
        texts, seed=3, validation_split=0.2, subset="both", verbose=False
    )
    assert [len(part.file_paths) for part in parts] == [8, 2]
    assert not set(parts[0].file_paths) & set(parts[1].file_paths)


def test_texts_of_a_folder_train(texts: Path) -> None:
    data = text_dataset_from_directory(texts, batch_size=4, verbose=False)
    words = layers.TextVectorization(output_mode="multi_hot")
    words.adapt(data)
    inside = cr.Sequential(
        [cr.Input((), dtype="string"), words, layers.Dense(1, activation="sigmoid")]
    )
    outside = cr.Sequential([layers.Dense(1, activation="sigmoid")])
    for model, given_data in ((inside, data), (outside, data.map(lambda x, y: (words(x), y)))):
        model.compile(cr.optimizers.Adam(0.1), "binary_crossentropy", metrics=["accuracy"])
        history = model.fit(given_data, epochs=20, verbose=0).history
        assert history["accuracy"][-1] == 1.0


@pytest.mark.parametrize(
    "options, part",
    [
        ({"labels": "x"}, "`labels`"),
        ({"labels": [0, 1]}, "for each of 10 text files"),
        ({"label_mode": "x"}, "`label_mode`"),
        ({"subset": "x"}, "`subset`"),
        ({"validation_split": 2}, "`validation_split` must be between 0 and 1"),
        ({"validation_split": 0.2}, "`validation_split` must be set"),
        ({"validation_split": 0.2, "subset": "training"}, "a `seed`"),
        ({"class_names": ["x"]}, "`class_names` passed did not match"),
        ({"format": "x"}, "`format`"),
        ({"batch_size": 0}, "`batch_size`"),
    ],
)
def test_bad_arguments_for_folders(texts: Path, options: dict[str, Any], part: str) -> None:
    with pytest.raises(ValueError, match=part):
        text_dataset_from_directory(texts, verbose=False, **options)


def test_folders_without_files(tmp_path: Path) -> None:
    (tmp_path / "a").mkdir()
    with pytest.raises(ValueError, match="No text files found in directory"):
        text_dataset_from_directory(tmp_path, verbose=False)
    with pytest.raises(ValueError, match="No audio files found in directory"):
        audio_dataset_from_directory(tmp_path, verbose=False)
    with pytest.raises(FileNotFoundError, match="text_dataset_from_directory"):
        text_dataset_from_directory(tmp_path / "none", verbose=False)


def test_a_text_in_another_encoding_is_named(texts: Path) -> None:
    (texts / "neg" / "0.txt").write_bytes(b"caf\xe9")
    data = text_dataset_from_directory(texts, shuffle=False, verbose=False)
    with pytest.raises(FileFormatError, match=r"0\.txt': expected text in UTF-8.*at byte 3"):
        next(iter(data))


def test_sounds_of_a_folder(sounds: Path) -> None:
    data = audio_dataset_from_directory(sounds, shuffle=False, verbose=False)
    x, y = next(iter(data))
    assert x.shape == (8, 23, 1) and x.dtype == np.float32 and y.tolist() == [0] * 4 + [1] * 4
    assert x[0, :20, 0].tolist() == [0.5] * 20 and not x[0, 20:].any()
    cut = audio_dataset_from_directory(sounds, output_sequence_length=5, verbose=False)
    assert next(iter(cut))[0].shape == (8, 5, 1)
    half = audio_dataset_from_directory(sounds, sampling_rate=4000, verbose=False)
    assert next(iter(half))[0].shape == (8, 12, 1)
    write_wav(sounds / "low" / "9.wav", np.zeros((5, 2), "<i2"))
    with pytest.raises(FileFormatError, match=r"9\.wav': expected 1 channels"):
        next(iter(audio_dataset_from_directory(sounds, shuffle=False, verbose=False)))
    for options, part in (
        ({"ragged": True}, "`ragged=True` is not supported"),
        ({"ragged": True, "output_sequence_length": 3}, "Cannot set both"),
        ({"sampling_rate": 1.2}, "should have an integer value"),
        ({"sampling_rate": -2}, "should be higher than 0"),
    ):
        with pytest.raises(ValueError, match=part):
            audio_dataset_from_directory(sounds, verbose=False, **options)


@pytest.mark.parametrize("dtype, scale", [("u1", 2**7), ("<i2", 2**15), ("<i4", 2**31)])
def test_samples_of_pcm(tmp_path: Path, dtype: str, scale: int) -> None:
    samples = np.array([[0, 1], [5, 100]]).astype(dtype)
    write_wav(tmp_path / "a.wav", samples, 16000)
    found, rate = read_wav(tmp_path / "a.wav")
    expected = (samples.astype(float) - (128 if dtype == "u1" else 0)) / scale
    assert rate == 16000
    np.testing.assert_allclose(found, expected, rtol=1e-6)


PCM16 = struct.pack("<HHIIHH", 1, 1, 8000, 16000, 2, 16)


@pytest.mark.parametrize(
    "content, part",
    [
        (b"", "a WAV file, got an empty file"),
        (b"ID3 and so on, an MP3", "a WAV file, got 21 bytes of another kind"),
        (b"RIFF\0\0\0\0WAVE", "cut off before"),
        (raw_wav(PCM16, bytes(10), 100), "expected 100 bytes of data, got 10: it is cut off"),
        (raw_wav(PCM16, bytes(3)), "whole steps of 2 bytes"),
        (raw_wav(PCM16[:8], bytes(4)), "16 bytes of format"),
        (raw_wav(struct.pack("<HHIIHH", 1, 1, 8000, 16000, 2, 12), bytes(2)), "got 12 bits"),
        (raw_wav(struct.pack("<HHIIHH", 1, 1, 8000, 24000, 3, 24), bytes(4)), "steps of 3 bytes"),
        (raw_wav(struct.pack("<HHIIHH", 3, 1, 8000, 32000, 4, 32), bytes(4)), "floating-point"),
        (raw_wav(struct.pack("<HHIIHH", 6, 1, 8000, 8000, 1, 8), bytes(4)), "A-law, compressed"),
        (raw_wav(struct.pack("<HHIIHH", 7, 1, 8000, 8000, 1, 8), bytes(4)), "mu-law, compressed"),
        (raw_wav(struct.pack("<HHIIHH", 1, 0, 8000, 8000, 1, 8), bytes(4)), "0 channels"),
    ],
)
def test_damaged_sounds_are_named(tmp_path: Path, content: bytes, part: str) -> None:
    (tmp_path / "x.wav").write_bytes(content)
    with pytest.raises(FileFormatError, match=part):
        read_wav(tmp_path / "x.wav")


@given(st.binary(max_size=80))
def test_no_bytes_break_the_reader(content: bytes) -> None:
    import tempfile

    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "x.wav"
        path.write_bytes(b"RIFF\0\0\0\0WAVE" + content)
        with pytest.raises(FileFormatError):
            read_wav(path)


def test_resampling_keeps_a_sine() -> None:
    t = np.arange(8000) / 8000
    wave_of = lambda rate: np.sin(2 * np.pi * 440 * np.arange(rate) / rate)[:, None]  # noqa: E731
    for rate in (4000, 11025, 16000):
        found = resample(wave_of(8000), 8000, rate)
        assert len(found) == rate
        middle = slice(rate // 10, -rate // 10)
        np.testing.assert_allclose(found[middle], wave_of(rate)[middle], atol=5e-3)
    high = np.sin(2 * np.pi * 3500 * t)[:, None]
    assert np.abs(resample(high, 8000, 4000)[200:-200]).max() < 0.02


@given(
    st.integers(1, 5), st.integers(1, 3), st.integers(1, 3), st.integers(12, 30), st.booleans()
)
def test_windows_against_plain_python(
    length: int, stride: int, rate: int, steps: int, shuffle: bool
) -> None:
    data = list(range(steps))
    targets = [10 * x for x in data]
    batches = timeseries_dataset_from_array(
        data, targets, length, stride, rate, batch_size=4, shuffle=shuffle
    )
    count = steps - (length - 1) * rate
    expected = [
        (data[i : i + length * rate : rate], targets[i]) for i in range(0, count, stride)
    ]
    for _ in range(2):
        found = [(x, y) for a, b in batches for x, y in zip(a.tolist(), b.tolist())]
        assert sorted(found) == expected
        assert shuffle or found == expected


def test_windows_of_a_part() -> None:
    data = np.arange(100).reshape(50, 2)
    batches = timeseries_dataset_from_array(
        data, None, 4, start_index=10, end_index=20, batch_size=None
    )
    windows = list(batches)
    assert len(windows) == 7
    assert windows[0].tolist() == data[10:14].tolist()
    for options, part in (
        ({"start_index": -1}, "`start_index` must be 0 or greater"),
        ({"start_index": 60}, "`start_index` must be lower than the length"),
        ({"start_index": 5, "end_index": 4}, "`end_index` must be higher than `start_index`"),
        ({"end_index": 60}, "`end_index` must be lower"),
        ({"sampling_rate": 0}, "`sampling_rate` must be higher than 0"),
        ({"sequence_stride": 50}, "`sequence_stride` must be lower"),
        ({"start_index": 48}, "expected data and targets for one window"),
        ({"format": "x"}, "`format`"),
    ):
        with pytest.raises(ValueError, match=part):
            timeseries_dataset_from_array(data, None, 4, **options)


@given(
    st.lists(st.lists(st.integers(-9, 9), max_size=6), min_size=1, max_size=5),
    st.one_of(st.none(), st.integers(1, 7)),
    st.sampled_from(["pre", "post"]),
    st.sampled_from(["pre", "post"]),
    st.integers(-3, 3),
)
def test_padding_against_plain_python(
    rows: list[list[int]], maxlen: int | None, padding: str, truncating: str, value: int
) -> None:
    length = max(map(len, rows)) if maxlen is None else maxlen
    expected = []
    for row in rows:
        kept = row[max(0, len(row) - length) :] if truncating == "pre" else row[:length]
        fill = [value] * (length - len(kept))
        expected.append(fill + kept if padding == "pre" else kept + fill)
    found = pad_sequences(rows, maxlen, padding=padding, truncating=truncating, value=value)
    assert found.tolist() == expected


def test_texts_are_padded() -> None:
    found = pad_sequences([["a"], ["b", "c"]], dtype=object, value="", padding="post")
    assert found.tolist() == [["a", ""], ["b", "c"]]
