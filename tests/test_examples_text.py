"""The examples of texts run, learn, and say what they promise."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

import chainrule as cr
from chainrule.examples import _characters, _translation, char_gpt, char_lstm, names_rnn, translate
from tests.example_runs import DRAWN, interrupted, needs, needs_package
from tests.processes import printed

needs_shakespeare = needs("tinyshakespeare.txt")
needs_multi30k = needs("multi30k/train.de.gz", "multi30k/val.de.gz", "multi30k/train.en.gz")
needs_subwords = needs_package("tokenizers")
UNIFORM = np.log(65)


def write_pairs(folder: Path, counts: dict[str, int]) -> None:
    """A language of six words in the form of Multi30k, whose translation turns sentences around."""
    import gzip

    rng = np.random.default_rng(0)
    german, english = (
        ["ein", "hund", "rennt", "katze", "schläft", "froh"],
        ["a", "dog", "runs", "cat", "sleeps", "happy"],
    )
    (folder / "multi30k").mkdir()
    for part, count in counts.items():
        rows = [rng.integers(0, 6, rng.integers(2, 9)) for _ in range(count)]
        for name, words, step in (("de", german, 1), ("en", english, -1)):
            text = "".join(" ".join(words[i] for i in row[::step]) + ".\n" for row in rows)
            with gzip.open(
                folder / "multi30k" / f"{part}.{name}.gz", "wt", encoding="utf-8"
            ) as file:
                file.write(text)


@needs_shakespeare
def test_char_gpt_and_char_lstm(tmp_path, capsys):
    options = ["--quick", "--length", "60", "--out", str(tmp_path)]
    loss = char_gpt.main(options)
    out = capsys.readouterr().out
    assert loss < 2.7 < UNIFORM
    assert f"char_gpt: loss on the held-back text {loss:.3f}" in out and "ROMEO:" in out
    assert "Epoch 3/3" in out and "Total params" in out
    lstm, gpt = char_lstm.main(options)
    out = capsys.readouterr().out
    assert gpt == loss and lstm < 3.1
    assert "Trained before" in out and f"{lstm:.3f} nats a character, the GPT's {loss:.3f}" in out
    assert char_lstm.main(options) == (lstm, gpt)
    assert capsys.readouterr().out.count("Trained before") == 2
    for name in ("char_gpt", "char_lstm"):
        assert (tmp_path / f"{name}.png").exists() == DRAWN


@needs_shakespeare
def test_a_text_goes_on_beyond_the_window():
    text, recipe = _characters.Text(), _characters.Recipe(block=16)
    model = char_gpt.build_model(text, recipe, quick=True)
    written = char_gpt.written(model, "ROMEO:\n", 50, recipe.block, seed=3)
    assert len(written) == 57 and written.startswith("ROMEO:\n")
    assert written == char_gpt.written(model, "ROMEO:\n", 50, recipe.block, seed=3)


@needs_shakespeare
def test_an_lstm_with_its_states_writes_what_whole_passes_write():
    model = char_lstm.CharacterLSTM(_characters.Text(), 8)
    rng = np.random.default_rng(0)
    prompts = [[5, 40, 3], [7], [1, 2, 3, 4, 50]]
    model(np.array([prompts[0]]))
    model.set_weights([rng.standard_normal(w.shape) for w in model.get_weights()])
    for group in (prompts, prompts[:1], prompts[2:]):
        for text, prompt in zip(model.generate(group, 24), group, strict=True):
            expected = list(prompt)
            while len(expected) < 24:
                expected.append(int(np.argmax(model(np.array([expected]))[0, -1])))
            assert text.tolist() == expected


@needs_shakespeare
def test_held_back_windows_are_not_trained_on():
    text, recipe = _characters.Text(), _characters.Recipe(steps=3, block=8, batch_size=2)
    x, y = text.drawn(recipe, seed=1)
    assert x.shape == y.shape == (6, 8)
    np.testing.assert_array_equal(x[:, 1:], y[:, :-1])
    held_x, held_y = text.held_back(recipe)
    assert len(text.train) + len(text.held) == 1115394 and len(text.held) == 111539
    np.testing.assert_array_equal(held_x.reshape(-1)[1:], held_y.reshape(-1)[:-1])
    assert held_x.size > len(text.held) - 9


DIGEST = """
import contextlib, hashlib, io, sys, tempfile
from pathlib import Path
from chainrule.examples import char_gpt
with tempfile.TemporaryDirectory() as folder:
    with contextlib.redirect_stdout(io.StringIO()):
        loss = char_gpt.main(["--quick", "--length", "20", "--out", folder])
    weights = Path(folder, "char_gpt", "final.safetensors").read_bytes()
print(loss.hex(), hashlib.sha256(weights).hexdigest())
"""


@needs_shakespeare
def test_char_gpt_has_the_same_bits_for_any_number_of_threads():
    one, two = (printed(DIGEST, threads, "") for threads in (1, 2))
    assert one == two and len(one.split()[1]) == 64


@needs_shakespeare
@needs_package("torch")
def test_char_gpt_and_pytorch_train_alike():
    """From the same weights on the same batches both come to the same loss."""
    from chainrule.examples._torch_gpt import TorchGPT

    cr.utils.set_random_seed(0)
    text, recipe = _characters.Text(), _characters.Recipe(steps=120, block=16, batch_size=4)
    model = char_gpt.build_model(text, recipe, quick=True)
    _characters.prepare(model, recipe, 1e-3)
    peer = TorchGPT(model, recipe.steps, 1e-3)
    held_x, held_y = (a[:200] for a in text.held_back(recipe))
    x, y = text.drawn(recipe, 0)
    first = peer.loss(held_x, held_y)
    assert first == pytest.approx(model.evaluate(held_x, held_y, verbose=0), abs=1e-4)
    model.fit(x, y, batch_size=4, shuffle=False, verbose=0)
    peer.fit(x, y, 4)
    ours, theirs = model.evaluate(held_x, held_y, verbose=0), peer.loss(held_x, held_y)
    assert theirs < first - 0.5 and ours == pytest.approx(theirs, abs=5e-3)


@needs("names.txt")
def test_names_rnn(tmp_path, capsys):
    losses = names_rnn.main(["--quick", "--out", str(tmp_path)])
    out = capsys.readouterr().out
    assert max(losses.values()) < 2.8 < np.log(27)
    for kind in ("SimpleRNN", "LSTM"):
        assert f"{kind} makes up: " in out and f"{kind} {losses[kind]:.3f}" in out
    assert (tmp_path / "names_rnn.png").exists() == DRAWN


@pytest.mark.parametrize("kind", ["SimpleRNN", "LSTM"])
def test_the_norms_of_names_rnn_are_those_of_differences(kind):
    """The gradient by the state after a step, against differences of the loss in that state."""
    tokenizer = cr.nlp.CharacterTokenizer("abc\n")
    model = names_rnn.NameSpeller(kind, tokenizer, 4)
    x, y = np.array([[1, 2, 3, 0, 1, 2]]), np.array([3])
    model(x)
    norms = names_rnn.gradient_norms(model, x, y)

    def loss(states: Any, step: int) -> float:
        embedded = model.embedding(x)
        for later in range(step + 1, 6):
            _, states = model.recurrence.cell(embedded[:, later], states)
        logits = np.float64(model.scores(states[0]))[0]
        return float(np.log(np.exp(logits).sum()) - logits[3])

    embedded, states = model.embedding(x), model.empty_cache(1, 0)
    for step in range(6):
        _, states = model.recurrence.cell(embedded[:, step], states)
        slopes = []
        for part in range(model.states):
            for unit in range(4):
                moved = [
                    [
                        np.array(s) + (np.eye(4, dtype="float32")[unit] * d if i == part else 0)
                        for i, s in enumerate(states)
                    ]
                    for d in (0.02, -0.02)
                ]
                slopes.append((loss(moved[0], step) - loss(moved[1], step)) / 0.04)
        assert norms[step] == pytest.approx(np.linalg.norm(slopes), rel=2e-2, abs=2e-5)


def test_gradients_of_the_networks():
    tokenizer = cr.nlp.CharacterTokenizer("abcdefgh\n")
    speller = names_rnn.NameSpeller("LSTM", tokenizer, 4)
    rng = np.random.default_rng(0)
    x, y = rng.integers(0, 9, (2, 2, 5))
    speller.compile("adam", cr.losses.SparseCategoricalCrossentropy(from_logits=True))
    assert speller.check_gradients(x, y).ok
    source, text, target = rng.integers(1, 12, (3, 2, 5))
    source[1, 3:], target[0, 4:] = translate.PAD, translate.PAD
    inputs = {"encoder_token_ids": source, "decoder_token_ids": text}
    for name in translate.RECIPES:
        recipe = translate.RECIPES[name]._replace(width=8, depth=1, dropout=0.0)
        model = translate.build_model(name, 12, recipe)
        translate.prepare(model, recipe, 2000)
        report = model.check_gradients(inputs, target)
        assert report.ok, report


def test_smoothed_crossentropy_is_the_formula():
    rng = np.random.default_rng(0)
    y, scores = np.array([[3, 1, 0], [2, 0, 0]]), rng.standard_normal((2, 3, 5))
    logs = scores - np.log(np.exp(scores).sum(-1, keepdims=True))
    targets = 0.9 * np.eye(5)[y] + 0.1 / 5
    losses = -(targets * logs).sum(-1)[y != 0]
    assert float(_translation.smoothed_crossentropy(y, scores)) == pytest.approx(
        losses.mean(), abs=1e-5
    )


@pytest.mark.parametrize("name", ["transformer", "gru"])
def test_translators_write_what_whole_passes_write(name):
    cr.utils.set_random_seed(3)
    recipe = translate.RECIPES[name]._replace(width=16, depth=2)
    model = translate.build_model(name, 20, recipe)
    rng = np.random.default_rng(1)
    sources = [rng.integers(4, 20, n) for n in (3, 18, 7)]
    model({"encoder_token_ids": sources[0][None], "decoder_token_ids": np.array([[2, 5]])})
    model.set_weights([2 * w for w in model.get_weights()])
    made = model.generate(sources, 20)
    for source, text in zip(sources, made, strict=True):
        expected = [translate.START]
        while len(expected) < 20 and expected[-1] != translate.END:
            scores = model(
                {"encoder_token_ids": source[None], "decoder_token_ids": np.array([expected])}
            )
            expected.append(int(np.argmax(scores[0, -1])))
        assert text.tolist() == expected[1:]


@needs_subwords
def test_batches_hold_every_pair_once_in_few_shapes(tmp_path, monkeypatch):
    monkeypatch.setenv("CHAINRULE_DATA", str(tmp_path))
    write_pairs(tmp_path, {"train": 200})
    pairs = _translation.pairs_of("train")
    subwords = _translation.subwords_of([*pairs.german, *pairs.english], 60)
    for text in pairs.english[:20] + pairs.german[:20]:
        assert subwords.decode(subwords.encode(text).ids) == text
    batches = _translation.Batches(pairs, subwords, 64, seed=1)
    epochs = []
    for _ in range(2):
        found, shapes = [], []
        for inputs, target in batches:
            source, text = inputs["encoder_token_ids"], inputs["decoder_token_ids"]
            assert source.shape[1] % 4 == target.shape[1] % 4 == 0 and text.shape == target.shape
            assert (text[:, 0] == _translation.START).all()
            assert target.size <= max(64, target.shape[1])
            np.testing.assert_array_equal(text[:, 1:], target[:, :-1])
            shapes.append((source.shape, target.shape))
            for row, line in zip(source, target, strict=True):
                found.append((subwords.decode(row.tolist()), subwords.decode(line.tolist())))
        assert sorted(found) == sorted(zip(*pairs, strict=True))
        epochs.append((found, sorted(shapes)))
        state = batches.backup_state()
        batches.on_epoch_end()
    assert epochs[0][0] != epochs[1][0] and epochs[0][1] == epochs[1][1]
    again = _translation.Batches(pairs, subwords, 64, seed=1)
    again.restore_state(state)
    lines = [subwords.decode(row.tolist()) for _, target in again for row in target]
    assert lines == [english for _, english in epochs[1][0]]


@needs_subwords
@needs_package("sacrebleu")
def test_a_translation_that_was_stopped_goes_on_to_the_same_bits(tmp_path, capsys, monkeypatch):
    monkeypatch.setenv("CHAINRULE_DATA", str(tmp_path))
    write_pairs(tmp_path, {"train": 600, "val": 20, "test_2016_flickr": 20})
    recipe = translate.Recipe(32, 1, 0.1, 1e-2, 4, warm_up=10, tokens=256, subwords=60)
    monkeypatch.setitem(translate.RECIPES, "gru", recipe)
    straight = translate.main(["--network", "gru", "--out", str(tmp_path / "straight")])
    out = capsys.readouterr().out
    assert "Epoch 4/4" in out and f"BLEU on test_2016_flickr {straight['test']:.2f}" in out
    assert straight["test"] > 30
    with monkeypatch.context() as patch:
        patch.setattr(cr.callbacks, "BackupAndRestore", interrupted(2))
        with pytest.raises(KeyboardInterrupt):
            translate.main(["--network", "gru", "--out", str(tmp_path / "stopped")])
    assert translate.main(["--network", "gru", "--out", str(tmp_path / "stopped")]) == straight
    one, other = (
        next((tmp_path / name).rglob("final.safetensors")).read_bytes()
        for name in ("straight", "stopped")
    )
    assert one == other
    capsys.readouterr()
    assert translate.main(["--network", "gru", "--out", str(tmp_path / "stopped")]) == straight
    assert "Trained before" in capsys.readouterr().out
    picture = tmp_path / "straight" / "translate_gru.png"
    assert picture.exists() == DRAWN


@needs_multi30k
@needs_subwords
@needs_package("sacrebleu")
@pytest.mark.parametrize("network", ["transformer", "gru"])
def test_translate(network, tmp_path, capsys):
    figures = translate.main(["--quick", "--network", network, "--out", str(tmp_path)])
    out = capsys.readouterr().out
    assert f"translate ({network}): BLEU on test_2016_flickr {figures['test']:.2f}" in out
    assert "Total params" in out
    curve = np.genfromtxt(
        tmp_path / f"translate_{network}" / "epochs.csv", delimiter=",", names=True
    )["val_loss"]
    assert curve[-1] < curve[0] - 0.5 and curve[-1] < np.log(1000) - 2
    assert (tmp_path / f"translate_{network}.png").exists() == DRAWN


def test_a_missing_package_is_named():
    with pytest.raises(
        ImportError, match="translate needs the package no_such: pip install no_such"
    ):
        _translation.require("no_such", "translate")
