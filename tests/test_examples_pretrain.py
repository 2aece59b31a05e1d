"""The example that trains a Bert from nothing runs and says what it promises."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

import chainrule as cr
from chainrule import _core
from chainrule.examples import bert_pretrain
from chainrule.examples._words import KINDS, MASK, PAD, SPECIAL, UNKNOWN
from chainrule.examples.bert_pretrain import NOTHING, HiddenWords
from tests.example_runs import DRAWN, interrupted, needs

needs_captions = needs("multi30k/train.en.gz")


@needs_captions
def test_bert_pretrain(tmp_path: Path, capsys: Any) -> None:
    figures = bert_pretrain.main(["--quick", "--out", str(tmp_path)])
    out = capsys.readouterr().out
    assert figures["loss"] < figures["first"] - 0.2
    assert figures["loss"] < figures["frequency"] - 0.2
    assert f"bert_pretrain: masked loss {figures['loss']:.2f} nats" in out
    assert (tmp_path / "bert_pretrain.png").exists() == DRAWN


def captions(rows: int = 400) -> list[Any]:
    """Captions of words and, one in some dozens, unknown ones."""
    rng = np.random.default_rng(1)
    known = np.array([UNKNOWN, *range(len(SPECIAL), 40)], "int32")
    return [rng.choice(known, rng.integers(1, 33)) for _ in range(rows)]


def test_words_are_hidden_as_devlin_says() -> None:
    data = HiddenWords(captions(4000), 40, 50, seed=3, again=True, share=0.15)
    kept, shown, asked, known = [], [], 0, 0
    for index in range(len(data)):
        inputs, words = data[index]
        ids = inputs["token_ids"]
        at_places = np.take_along_axis(ids, inputs["places"].astype("int64"), axis=1)
        real = words != NOTHING
        assert not np.isin(words[real], [PAD, UNKNOWN, MASK]).any()
        assert (at_places[real] != PAD).all()
        # Nothing else is hidden, and no place is asked for twice.
        assert (ids == MASK).sum() == (at_places[real] == MASK).sum()
        assert all(len(set(row)) == len(row) for row in inputs["places"].tolist())
        shown.append(at_places[real])
        kept.append(words[real])
        asked += real.sum()
        known += inputs["padding_mask"].sum()
    was, now = np.concatenate(kept), np.concatenate(shown)
    assert asked / known == pytest.approx(0.15, abs=0.02)
    assert (now == MASK).mean() == pytest.approx(0.8, abs=0.02)
    assert (now == was).mean() == pytest.approx(0.1, abs=0.02)
    assert now.min() >= MASK
    assert set(range(len(SPECIAL), 40)) <= set(now)


def test_a_caption_of_unknown_words_is_asked_nothing() -> None:
    data = HiddenWords([np.array([UNKNOWN, UNKNOWN], "int32")], 9, 4, seed=0, again=False)
    inputs, words = data[0]
    assert (words == NOTHING).all()
    assert inputs["token_ids"].tolist() == [[UNKNOWN, UNKNOWN, PAD, PAD]]


def test_epochs_hide_other_words_and_validation_the_same() -> None:
    train, held = (HiddenWords(captions(), 40, 50, seed=3, again=again) for again in (True, False))
    for data, same in ((train, False), (held, True)):
        first = [data[index] for index in range(len(data))]
        data.on_epoch_end()
        second = [data[index] for index in range(len(data))]
        equal = [
            a[1].shape == b[1].shape and bool((a[1] == b[1]).all())
            for a, b in zip(first, second, strict=True)
        ]
        assert all(equal) == same
    other = HiddenWords(captions(), 40, 50, seed=3, again=True)
    other.restore_state(train.backup_state())
    for index in range(len(train)):
        np.testing.assert_array_equal(train[index][1], other[index][1])


def test_gradients() -> None:
    model = bert_pretrain.build_model(12, 8, 1, dropout=0.0)
    bert_pretrain.prepare(model, 1e-3, 10)
    rows = [np.array(row, "int32") for row in ([3, 4, 5, 6, 7, 8, 9, 10, 11], [11, 5, 3], [7])]
    inputs, words = HiddenWords(rows, 12, 3, seed=0, again=False)[0]
    report = model.check_gradients(inputs, words)
    assert report.ok, str(report)


def test_loss_is_the_mean_over_hidden_words() -> None:
    model = bert_pretrain.build_model(40, 8, 1)
    bert_pretrain.prepare(model, 1e-3, 10)
    data = HiddenWords(captions(50), 40, 50, seed=0, again=False)
    counts = np.array([0, 0, 0] + [2] * 37)
    loss = bert_pretrain.evaluated(model, data, counts)
    assert loss.frequency == pytest.approx(np.log(37))
    assert loss.words == (data[0][1] != NOTHING).sum()
    assert loss.network == pytest.approx(float(model.evaluate(data, verbose=0)), rel=1e-5)


def test_a_stopped_training_goes_on_to_the_same_bits(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    names = [word for kind in KINDS.values() for word in kind.split()]
    words = np.array([*names, "guitar", "beach"])
    rng = np.random.default_rng(0)
    texts = [" ".join(rng.choice(words, rng.integers(2, 7))) for _ in range(150)]
    monkeypatch.setattr(bert_pretrain, "lines", lambda name: texts)
    monkeypatch.setattr(bert_pretrain, "QUICK", bert_pretrain.QUICK._replace(width=8, epochs=2))
    monkeypatch.setattr(bert_pretrain, "save_figure", lambda *drawn: None)

    def weights(name: str) -> dict[str, Any]:
        bert_pretrain.main(["--quick", "--out", str(tmp_path / name)])
        return _core.load_safetensors(str(next((tmp_path / name).rglob("final.safetensors"))))[0]

    straight = weights("straight")
    with monkeypatch.context() as patch:
        patch.setattr(cr.callbacks, "BackupAndRestore", interrupted(1))
        with pytest.raises(KeyboardInterrupt):
            weights("stopped")
    again = weights("stopped")
    assert straight.keys() == again.keys()
    for name, array in straight.items():
        np.testing.assert_array_equal(array, again[name])
