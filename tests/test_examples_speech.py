"""The examples that recognise spoken digits run, learn, and write what they promise."""

from __future__ import annotations


import numpy as np
import pytest

import chainrule
from chainrule import ops
from chainrule.errors import DataError, ShapeError
from chainrule.examples import speech_ctc, speech_digits
from chainrule.examples._data import Recordings, recordings
from chainrule.examples._training import read_curves
from tests.example_runs import DRAWN, interrupted, needs
from tests.processes import printed

needs_fsdd = needs("fsdd.npz")
MEAN, VARIANCE = np.full(6, -40.0), np.full(6, 300.0)


@needs_fsdd
def test_speech_digits(tmp_path, capsys):
    accuracies = speech_digits.main(["--quick", "--out", str(tmp_path)])
    out = capsys.readouterr().out
    assert accuracies["gru"] > 0.5 and accuracies["convnet"] > 0.3
    assert "Epoch 8/8" in out and "Total params" in out and "recordings" in out
    line = "speech_digits: test accuracy of 300 recordings: bidirectional GRU "
    assert f"{line}{accuracies['gru']:.1%}, 1-D convnet {accuracies['convnet']:.1%}; " in out
    assert (tmp_path / "speech_digits.png").exists() == DRAWN


@needs_fsdd
def test_speech_ctc(tmp_path, capsys):
    rates = speech_ctc.main(["--quick", "--out", str(tmp_path)])
    out = capsys.readouterr().out
    assert "Epoch 14/14" in out and "Total params" in out
    assert f"greedy {rates['greedy']:.1%}, beam search {rates['beam_search']:.1%}; " in out
    assert max(rates.values()) < 0.5
    curves = read_curves(next(tmp_path.glob("speech_ctc-*")) / "epochs.csv")
    assert curves["val_loss"][-1] < 0.4 * curves["val_loss"][0]
    assert (tmp_path / "speech_ctc.png").exists() == DRAWN


DIGEST = """
import hashlib, pathlib, tempfile
from chainrule.examples import speech_ctc
with tempfile.TemporaryDirectory() as folder:
    rates = speech_ctc.main(["--quick", "--out", folder])
    (weights,) = pathlib.Path(folder).rglob("final.safetensors")
    print()
    print(hashlib.sha256(weights.read_bytes()).hexdigest(), sorted(rates.items()))
"""


@needs_fsdd
def test_speech_ctc_gives_the_same_bits_for_any_number_of_threads():
    one, two = (printed(DIGEST, threads, "").splitlines()[-1] for threads in (1, 2))
    assert len(one) > 64 and one == two


def tones(rows, seed=0):
    """Recordings of two speakers whose digits are tones, of 0.1 to 0.2 seconds."""
    rng = np.random.default_rng(seed)
    digit = np.arange(rows) % 10
    lengths = rng.integers(800, 1600, rows)
    sounds = [
        (8000 * np.sin((0.1 + 0.2 * d) * np.arange(n))).astype("int16")
        for d, n in zip(digit, lengths)
    ]
    labels = {
        "digit": digit.astype("uint8"),
        "speaker": (np.arange(rows) // 10 % 2).astype("uint8"),
    }
    offsets = np.concatenate([[0], np.cumsum(lengths)])
    return Recordings(np.concatenate(sounds), offsets, labels)


def test_strings_hold_what_they_say():
    data = tones(40)
    rows = np.arange(40)[np.arange(40) % 10 != 3]
    made = speech_ctc.strings(data, rows, 70, 5)
    again = speech_ctc.strings(data, rows, 70, 5)
    other = speech_ctc.strings(data, rows, 70, 6)
    assert len(made) == 70 and {len(s.digits) for s in made} == {3, 4, 5, 6}
    assert not any(3 in s.digits for s in made)
    assert all(np.array_equal(a.frames, b.frames) for a, b in zip(made, again))
    assert [s.digits.tolist() for s in made] != [s.digits.tolist() for s in other]
    for string in made:
        seconds = len(string.frames) * speech_ctc.HOP / speech_ctc.RATE
        ends = [0.0, *string.places.ravel(), seconds]
        assert np.all(np.diff(ends)[::2] > 0.03) and string.frames.dtype == np.float32
        # The digits are louder than the noise between them.
        middles = (string.places.mean(axis=1) * speech_ctc.RATE / speech_ctc.HOP).astype(int)
        loudness = string.frames.max(axis=1)
        assert loudness[middles].min() > np.median(loudness[: int(ends[1] * 62) - 1]) + 5
        assert string.frames.min() > speech_ctc.NOTHING


def test_batches_hold_each_string_once_behind_padding():
    made = speech_ctc.strings(tones(40), np.arange(40), 21, 0)
    batches = speech_ctc.Batches(made, batch_size=8)
    assert len(batches) == 3 and sorted(np.concatenate(batches.rows)) == list(range(21))
    for index, rows in enumerate(batches.rows):
        x, y = batches[index]
        assert x.shape[1] % speech_ctc.STEP == 0 and y.shape == (len(rows), 6)
        for row, frames, labels in zip(rows, x, y):
            length = len(made[row].frames)
            np.testing.assert_array_equal(frames[:length], made[row].frames)
            assert (frames[length:] == speech_ctc.NOTHING).all()
            assert labels[labels > 0].tolist() == (made[row].digits + 1).tolist()


def test_padding_changes_neither_loss_nor_what_is_heard():
    made = speech_ctc.strings(tones(40), np.arange(40), 6, 0)
    chainrule.utils.set_random_seed(0)
    mean = np.full(speech_ctc.BANDS, -40.0)
    model = speech_ctc.build_model(6, mean, mean**2, 0)
    model.compile("sgd", "ctc")
    together, alone = speech_ctc.Batches(made), speech_ctc.Batches(made, batch_size=1)
    loss = model.evaluate(together, verbose=0)
    assert loss == pytest.approx(model.evaluate(alone, verbose=0), rel=1e-5)
    one = speech_ctc.Batches(made[:1])
    x = np.pad(one[0][0], [(0, 0), (0, 30), (0, 0)], constant_values=speech_ctc.NOTHING)
    frames = -(-len(made[0].frames) // speech_ctc.STRIDE)
    logits = model.predict(x, verbose=0)
    assert logits.shape == (1, x.shape[1] // speech_ctc.STRIDE, 11)
    expected = ops.ctc_loss([made[0].digits + 1], logits, [len(made[0].digits)], [frames])
    assert model.evaluate(one, verbose=0) == pytest.approx(float(expected[0]), rel=1e-5)
    for strategy in ("greedy", "beam_search"):
        heard = [speech_ctc.recognised(model, each, strategy) for each in (together, alone)]
        assert heard[0] == heard[1] and len(heard[0]) == 6


def test_word_error_rates():
    strings = [
        speech_ctc.String(np.array(digits), np.zeros((0, 1)), np.zeros((0, 2)))
        for digits in ([1, 2, 3], [4, 4, 5, 6, 7])
    ]
    assert speech_ctc.word_error_rate(strings, [[1, 2, 3], [4, 4, 5, 6, 7]]) == 0
    assert speech_ctc.word_error_rate(strings, [[1, 3], [4, 5, 6, 8, 7]]) == 3 / 8


@pytest.mark.parametrize("kind", ["gru", "convnet"])
def test_gradients_of_the_networks_of_single_digits(kind):
    chainrule.utils.set_random_seed(0)
    model = speech_digits.build_model(kind, 4, MEAN, VARIANCE, 0)
    model.compile("sgd", "sparse_categorical_crossentropy")
    x = np.random.default_rng(0).normal(-40, 17, (3, 20, 6)).astype("float32")
    x[1, 12:] = speech_digits.SILENCE
    report = model.check_gradients(x, np.array([0, 4, 9]))
    assert report.ok, report


def test_gradients_of_the_network_of_strings():
    chainrule.utils.set_random_seed(0)
    model = speech_ctc.build_model(4, MEAN, VARIANCE, 0)
    model.compile("sgd", "ctc")
    x = np.random.default_rng(0).normal(-40, 17, (3, 24, 6)).astype("float32")
    x[1, 14:] = speech_ctc.NOTHING
    report = model.check_gradients(x, np.array([[1, 10, 10], [3, 2, 0], [5, 5, 5]]))
    assert report.ok, report


def test_speech_ctc_goes_on_where_it_was_stopped(tmp_path, capsys, monkeypatch):
    data = tones(200)
    data.labels["index"] = np.arange(200) // 10
    monkeypatch.setattr(speech_ctc, "recordings", lambda *_: data)
    monkeypatch.setattr(speech_ctc, "QUICK", (24, 8, 8, 4, 8, 4, 0.01))
    options = ["--quick", "--out"]
    straight = speech_ctc.main([*options, str(tmp_path / "straight")])
    with monkeypatch.context() as patch:
        patch.setattr(chainrule.callbacks, "BackupAndRestore", interrupted(2))
        with pytest.raises(KeyboardInterrupt):
            speech_ctc.main([*options, str(tmp_path / "stopped")])
    assert speech_ctc.main([*options, str(tmp_path / "stopped")]) == straight
    files = [
        next((tmp_path / name).rglob("final.safetensors")).read_bytes()
        for name in ("straight", "stopped")
    ]
    assert files[0] == files[1]
    capsys.readouterr()
    assert speech_ctc.main([*options, str(tmp_path / "stopped")]) == straight
    assert "Trained before" in capsys.readouterr().out


def test_sounds_are_cut_and_padded_to_a_second():
    short, long = np.full(400, 0.5, "float32"), np.full(20000, 0.5, "float32")
    frames = speech_digits.features([short, long])
    assert frames.shape == (2, 101, 40)
    np.testing.assert_allclose(frames[0, 8:], speech_digits.SILENCE, atol=1e-4)
    assert frames[0, :4].max() > -40 and (frames[1].max(axis=-1) > -40).all()
    mean, variance = speech_digits.statistics(frames)
    assert mean.shape == variance.shape == (40,) and mean.max() > -60


def write(folder, lengths, **more):
    lengths = np.asarray(lengths)
    offsets = np.concatenate([[0], np.cumsum(lengths)])
    np.savez(folder / "some.npz", audio=np.ones(lengths.sum(), "int16"), offsets=offsets, **more)


def test_recordings_of_another_rate_or_of_no_length_are_refused(tmp_path, monkeypatch):
    monkeypatch.setenv("CHAINRULE_DATA", str(tmp_path))
    write(tmp_path, [3, 2], rate=16000)
    assert [len(recordings("some.npz", rate).sound(1)) for rate in (None, 16000)] == [2, 2]
    with pytest.raises(
        DataError, match=r"some.npz: expected 8000 .* a second, got 16000; `audio.res"
    ):
        recordings("some.npz", 8000)
    write(tmp_path, [3, 0, 2])
    with pytest.raises(DataError, match=r"some.npz: expected samples .* got none in number 1"):
        recordings("some.npz", 8000)


def test_a_sound_of_no_length_has_no_features():
    for shape in ((0,), (2, 0)):
        with pytest.raises(ShapeError, match=r"stft: expected .* at least one .* got \("):
            chainrule.audio.log_mel(np.zeros(shape, "float32"), 8000)
