"""The examples run and say what they promise."""

from __future__ import annotations

import importlib.util

from chainrule.examples import digits


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
