"""The curves of `History.plot`."""

from __future__ import annotations

from pathlib import Path

import pytest

import chainrule as keras
from tests.extras import need
from tests.test_notebooks import X, Y, trained

need("matplotlib")


def test_curves_of_short_runs_have_whole_numbers(tmp_path: Path) -> None:
    figure = trained(3, validation_data=(X, Y), validation_freq=2).plot(tmp_path / "curves.png")
    assert (tmp_path / "curves.png").read_bytes().startswith(b"\x89PNG")
    loss, mae = (axis for axis in figure.axes if axis.get_visible())
    assert [loss.get_title(), mae.get_title()] == ["loss", "mae"]
    assert [list(line.get_xdata()) for line in loss.lines] == [[1, 2, 3], [2]]
    for epochs in (1, 2, 3, 40):
        axis = trained(epochs).plot().axes[0]
        axis.figure.canvas.draw()
        ticks = axis.get_xticks()
        assert len(ticks) and all(float(t).is_integer() for t in ticks), (epochs, ticks)


def test_a_history_without_epochs_has_no_curves() -> None:
    with pytest.raises(ValueError, match="^History.plot: expected at least one epoch, got none"):
        keras.callbacks.History().plot()
