"""The examples run and say what they promise."""

from __future__ import annotations

import importlib.util

import pytest

from chainrule.datasets import mnist
from chainrule.examples import digits, transfer


def test_digits(tmp_path, capsys):
    path = tmp_path / "curves.png"
    accuracy = digits.main(["--epochs", "6", "--seed", "1", "--out", str(path)])
    out = capsys.readouterr().out
    assert accuracy > 0.93
    assert f"test accuracy: {accuracy:.1%}" in out
    assert "Epoch 6/6" in out and "Total params" in out and "precision" in out
    assert "WRONG" not in out
    assert path.exists() == (importlib.util.find_spec("matplotlib") is not None)


def test_digits_reads_well_enough(capsys, tmp_path):
    assert digits.main(["--out", str(tmp_path / "curves.png")]) >= 0.97


def test_transfer(tmp_path, capsys):
    try:
        mnist.load_data()
    except OSError as error:
        pytest.skip(f"MNIST is not here: {error}")
    path = tmp_path / "transfer.png"
    options = "--images 4000 --pretrain-epochs 1 --shots 5 --epochs 8 --out".split()
    accuracy = transfer.main([*options, str(path)])
    out = capsys.readouterr().out
    assert accuracy["fine-tuned"] > accuracy["new weights"] + 0.05
    assert min(accuracy["frozen body"], accuracy["fine-tuned"]) > 0.6
    for name, value in accuracy.items():
        assert f"{name:>12}  {value:.1%}" in out
    assert path.exists() == (importlib.util.find_spec("matplotlib") is not None)
