"""The examples of feelings and of spoken digits run, learn, and write what they promise."""

from __future__ import annotations

import re

import numpy as np
import pytest

import chainrule
from chainrule import audio
from chainrule.examples import speech_emotion, speech_generate
from chainrule.examples._data import recordings
from chainrule.examples._training import read_curves
from tests.example_runs import DRAWN, interrupted, needs


@needs("emodb.npz")
def test_speech_emotion(tmp_path, capsys):
    accuracy = speech_emotion.main(["--quick", "--out", str(tmp_path)])
    out = capsys.readouterr().out
    assert accuracy["speaker"] > 0.35
    assert "Total params" in out and "precision" in out and "/2 " in out
    assert f"speech_emotion: {accuracy['speaker']:.1%}" in out
    assert (tmp_path / "speech_emotion.png").exists() == DRAWN


@needs("fsdd.npz")
def test_speech_generate(tmp_path, capsys):
    right, own = speech_generate.main(["--quick", "--out", str(tmp_path)])
    out = capsys.readouterr().out
    assert f"speech_generate: {right:.1%} of 60 words" in out and f"{own:.1%} as the speaker" in out
    real = re.search(r"real recordings: ([0-9.]+)% of the digits, ([0-9.]+)% of the speakers", out)
    assert real and float(real[1]) > 30 and float(real[2]) > 35
    (folder,) = tmp_path.glob("speech_generate-*")
    losses = read_curves(folder / "decoder" / "epochs.csv")["frames_loss"]
    assert losses[-1] < 0.7 * losses[0]
    words = sorted((folder / "words").iterdir())
    assert len(words) == 60 and words[0].name == "0_george_0.wav"
    for word in words:
        sound, rate = audio.read_wav(word)
        assert rate == 8000 and 0 < len(sound) <= 6000 and 0.5 < np.abs(sound).max() < 1
    assert (tmp_path / "speech_generate.png").exists() == DRAWN


def test_sounds_keep_their_mel_frames():
    t = np.arange(5000) / speech_generate.RATE
    sweep = np.sin(2 * np.pi * (200 + 300 * t) * t) * np.hanning(len(t))
    frames = speech_generate.mel_frames([sweep, 0.1 * sweep[:3000]])
    assert frames.shape == (2, speech_generate.FRAMES, speech_generate.BANDS)
    assert frames.min() == -1 and frames.max() == pytest.approx(1)
    # What is quieter by any factor looks the same; what has ended is silent.
    np.testing.assert_allclose(speech_generate.mel_frames([0.01 * sweep])[0], frames[0], atol=1e-3)
    assert (frames[1, 34:] == -1).all()
    again = speech_generate.mel_frames(list(speech_generate.sounds_of(frames)))
    assert np.abs(again - frames).mean() < 0.08


def test_a_lesson_is_what_comes_next():
    steps, group = speech_generate.FRAMES // speech_generate.GROUP, speech_generate.GROUP
    frames = np.random.default_rng(0).uniform(
        -1, 1, (2, speech_generate.FRAMES, speech_generate.BANDS)
    )
    lengths = np.array([group, 4 * group + 1])
    x, y, weights = speech_generate.taught(frames, lengths, np.array([3, 4]), np.array([0, 5]))
    assert (x["before"][:, 0] == -1).all()
    np.testing.assert_array_equal(x["before"][:, 1:], y["frames"][:, :-1])
    np.testing.assert_array_equal(y["frames"].reshape(frames.shape), frames)
    assert y["over"][..., 0].sum(axis=1).tolist() == [steps, steps - 4]
    assert weights["frames"].sum(axis=1).tolist() == [3, 7]


def test_gradients_of_the_decoder_and_the_judge():
    rng = np.random.default_rng(0)
    chainrule.utils.set_random_seed(0)
    decoder, _ = speech_generate.build_decoder(5, 2, steps=3)
    wide = speech_generate.GROUP * speech_generate.BANDS
    x = {"before": rng.uniform(-1, 1, (4, 3, wide)).astype("float32")}
    x |= {"digit": np.array([[0], [3], [9], [3]]), "speaker": np.array([[0], [1], [1], [0]])}
    y = {"frames": rng.uniform(-1, 1, (4, 3, wide)), "over": rng.integers(0, 2, (4, 3, 1))}
    weights = {name: np.array([[1, 1, 0], [1, 1, 1], [1, 0, 0], [1, 1, 1]]) for name in y}
    decoder.compile("sgd", **speech_generate.SAID)
    report = decoder.check_gradients(x, y, weights)
    assert report.ok, report

    judge = speech_generate.build_judge(2)
    judge.compile("sgd", **speech_generate.HEARD)
    frames = rng.uniform(-1, 1, (4, speech_generate.FRAMES, speech_generate.BANDS))
    told = {"digit": np.array([0, 3, 9, 3]), "speaker": np.array([0, 1, 1, 0])}
    report = judge.check_gradients(frames.astype("float32"), told)
    assert report.ok, report


@pytest.mark.parametrize("relative", [True, False])
def test_gradients_of_the_network_that_hears_moods(relative):
    rng = np.random.default_rng(0)
    chainrule.utils.set_random_seed(0)
    model = speech_emotion.build_model(relative, filters=6, frames=24, bands=8)
    model.compile("sgd", "categorical_crossentropy")
    x = rng.standard_normal((6, 24, 8)).astype("float32")
    report = model.check_gradients(x, np.eye(7, dtype="float32")[[0, 1, 2, 3, 6, 6]])
    assert report.ok, report


def test_attentive_statistics():
    x = np.random.default_rng(0).standard_normal((2, 5, 3)).astype("float32")
    layer = speech_emotion.AttentiveStatistics(4)
    layer.build(x.shape)
    layer.score.kernel.assign(np.zeros((4, 3)))
    # Without scores all frames weigh the same.
    expected = np.concatenate([x.mean(axis=1), x.std(axis=1)], axis=-1)
    np.testing.assert_allclose(layer(x), expected, rtol=1e-4)
    again = speech_emotion.AttentiveStatistics.from_config(layer.get_config())
    assert again.units == 4


def test_bands_are_standardised_over_the_known_rows_or_each_speaker():
    rng = np.random.default_rng(0)
    speaker = np.array([3, 3, 8, 8, 8])
    x = rng.normal(2 * speaker[:, None, None], 3, (5, 40, 2)).astype("float32")
    known = speech_emotion.standardised(x, speaker, speaker == 3)
    np.testing.assert_allclose(known[:2].mean(axis=(0, 1)), 0, atol=1e-5)
    np.testing.assert_allclose(known[:2].std(axis=(0, 1)), 1, rtol=1e-5)
    assert (known[2:].mean(axis=(0, 1)) > 1).all()
    own = speech_emotion.standardised(x, speaker)
    for rows in (own[:2], own[2:]):
        np.testing.assert_allclose(rows.mean(axis=(0, 1)), 0, atol=1e-5)
        np.testing.assert_allclose(rows.std(axis=(0, 1)), 1, rtol=1e-5)


@needs("emodb.npz")
def test_some_recordings_are_chosen():
    data = recordings("emodb.npz")
    rows = np.array([5, 17])
    few = speech_emotion.chosen(data, rows)
    assert len(few) == 2 and few.labels["speaker"].tolist() == data.labels["speaker"][rows].tolist()
    np.testing.assert_array_equal(few.sound(1), data.sound(17))
    assert len(few.labels["emotions"]) == 7


def test_a_training_goes_on_where_it_was_stopped(tmp_path, capsys, monkeypatch):
    rng = np.random.default_rng(0)
    x, y = rng.standard_normal((50, 20, 8)).astype("float32"), np.arange(50) % 7
    build = speech_emotion.build_model
    small = {"filters": 4, "frames": 20, "bands": 8}
    monkeypatch.setattr(
        speech_emotion, "build_model", lambda relative, seed: build(relative, seed, **small)
    )
    straight = speech_emotion.train(x, y, True, 3, 1, tmp_path / "straight")
    with monkeypatch.context() as patch:
        patch.setattr(chainrule.callbacks, "BackupAndRestore", interrupted(2))
        with pytest.raises(KeyboardInterrupt):
            speech_emotion.train(x, y, True, 3, 1, tmp_path / "stopped")
    again = speech_emotion.train(x, y, True, 3, 1, tmp_path / "stopped")
    for one, other in zip(straight.weights, again.weights, strict=True):
        np.testing.assert_array_equal(one, other)
    loaded = speech_emotion.train(x, y, True, 3, 1, tmp_path / "stopped")
    np.testing.assert_array_equal(loaded.predict(x, verbose=0), straight.predict(x, verbose=0))
    curves = [read_curves(tmp_path / name / "epochs.csv") for name in ("straight", "stopped")]
    assert curves[0] == curves[1] and sorted(curves[0]) == ["accuracy", "loss"]
    # Twenty trainings share one bar: they say nothing themselves.
    assert capsys.readouterr().out == ""
