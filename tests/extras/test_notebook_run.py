"""A notebook, run by Jupyter's own client: what each cell shows."""

from __future__ import annotations

import sys
from typing import Any

import pytest

from tests.extras import need

nbformat = need("nbformat")
nbclient = need("nbclient")
need("ipykernel")
need("matplotlib")

CELLS = {
    "begin": """
        import numpy as np, chainrule as keras
        model = keras.Sequential([keras.layers.Dense(4, name="first"), keras.layers.Dense(1)])
        model.compile("sgd", "mse")
        x = np.ones((64, 3), "float32")
    """,
    "fit": "history = model.fit(x, x[:, :1], epochs=2, batch_size=1)",
    "history": "history",
    "model": "model",
    "layer": "model.layers[0]",
    "summary": "model.summary()",
    "curves": "history.plot()",
    "profile": "model.profile(x, x[:, :1], steps=2)",
}


@pytest.fixture(scope="module")
def shown() -> Any:
    """The outputs by cell."""
    sources = ("\n".join(line.strip() for line in text.splitlines()) for text in CELLS.values())
    notebook = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(s) for s in sources])
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("PYTHONPATH", ":".join(filter(None, sys.path)))
        nbclient.NotebookClient(notebook, timeout=60, kernel_name="python3").execute()
    return {name: cell.outputs for name, cell in zip(CELLS, notebook.cells)}


def test_bars_are_drawn_in_place_and_end_whole(shown: Any) -> None:
    text = "".join(output.text for output in shown["fit"])
    assert text.startswith("Epoch 1/2\n") and text.count("64/64 ━━━━") >= 2
    assert "\r" in text and text.endswith("\n") and text.count("\n") == 4


@pytest.mark.parametrize("name, words", [
    ("history", "<th>epoch</th><th>loss</th>"),
    ("model", "first (Dense)"),
    ("layer", "first/kernel"),
    ("profile", "<svg"),
])  # fmt: skip
def test_objects_are_shown_as_tables(shown: Any, name: str, words: str) -> None:
    (output,) = shown[name]
    assert "<table>" in output.data["text/html"] and words in output.data["text/html"]


def test_the_summary_is_text_and_curves_are_a_picture(shown: Any) -> None:
    assert "┃ Layer (type)" in "".join(output.text for output in shown["summary"])
    (output,) = shown["curves"]
    assert output.data["image/png"].startswith("iVBOR")
