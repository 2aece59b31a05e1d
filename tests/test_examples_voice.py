"""The examples of feelings and of spoken digits run, learn, and write what they promise."""

from __future__ import annotations

import re

import numpy as np
import pytest

import chainrule
from chainrule import audio
from chainrule.examples import _voice, speech_emotion, speech_generate
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


def test_what_is_written_of_a_voice():
    rate = 16000
    time = np.arange(rate) / rate
    # A vowel of 150 Hz that rises by an octave, with silence around it.
    phase = 2 * np.pi * 150 * (2**time - 1) / np.log(2)
    vowel = sum(np.sin(k * phase) / k for k in range(1, 20))
    sound = np.concatenate([np.zeros(4000), vowel, np.zeros(4000)]).astype("float32") / 4
    found = _voice.described(sound, rate)
    tracks = 3 * _voice.COEFFICIENTS + 1
    assert found.shape == (len(_voice.SPEEDS), 7 * (tracks + 2) + 2) and np.isfinite(found).all()
    melody = found[:, 7 * tracks : 7 * (tracks + 1)]
    expected = 12 * np.log2(150 * 2**0.5 * np.array(_voice.SPEEDS))
    np.testing.assert_allclose(melody[:, 0], expected, atol=0.3)
    lowest, highest = melody[0, 2], melody[0, 6]
    assert highest - lowest == pytest.approx(0.9 * 12, abs=1)
    louder = _voice.described(3 * sound, rate)
    np.testing.assert_allclose(
        louder[:, 7 * tracks :], found[:, 7 * tracks :], rtol=1e-3, atol=1e-3
    )


def test_readers_are_standardised_over_known_speakers_or_each(tmp_path):
    rng = np.random.default_rng(0)
    speaker, mood = np.repeat([3, 8, 9], 20), np.arange(60) % 7
    rows = speaker == 9
    statistics = rng.normal(size=(60, 5, 4)).astype("float32") + mood[:, None, None]
    seen = speech_emotion.Seen(np.zeros((60, 1, 1)), statistics, speaker, mood)
    asked = {}

    def train(build, x, y, *rest):
        asked["x"], asked["y"] = x, y
        return build(0)

    for own in (False, True):
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(speech_emotion, "train", train)
            told = speech_emotion.read(seen, rows, own, 0, tmp_path)
        assert told.shape == (20, 7)
        np.testing.assert_allclose(told.sum(axis=1), 1, rtol=1e-5)
        assert asked["x"].shape == (200, 4)
        np.testing.assert_array_equal(asked["y"], np.tile(mood[~rows], 5))
        first = asked["x"][:40]
        np.testing.assert_allclose(first.mean(axis=0), 0, atol=1e-5)
        np.testing.assert_allclose(first.std(axis=0), 1, rtol=1e-4)
        # Of others only each speaker's own mean is 0.
        assert (np.abs(first[:20].mean(axis=0)) < 1e-5).all() == own


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

    def trained(name):
        build = lambda seed: speech_emotion.build_model(True, seed, 4, 20, 8)  # noqa: E731
        return speech_emotion.train(build, x, y, 3e-3, 0.02, 3, 1, tmp_path / name)

    straight = trained("straight")
    with monkeypatch.context() as patch:
        patch.setattr(chainrule.callbacks, "BackupAndRestore", interrupted(2))
        with pytest.raises(KeyboardInterrupt):
            trained("stopped")
    again = trained("stopped")
    for one, other in zip(straight.weights, again.weights, strict=True):
        np.testing.assert_array_equal(one, other)
    loaded = trained("stopped")
    np.testing.assert_array_equal(loaded.predict(x, verbose=0), straight.predict(x, verbose=0))
    curves = [read_curves(tmp_path / name / "epochs.csv") for name in ("straight", "stopped")]
    assert curves[0] == curves[1] and sorted(curves[0]) == ["accuracy", "loss"]
    # Twenty trainings share one bar: they say nothing themselves.
    assert capsys.readouterr().out == ""
