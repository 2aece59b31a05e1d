"""What a notebook shows of models, layers and histories, and what is drawn of a training."""

from __future__ import annotations

import subprocess
import sys
import xml.etree.ElementTree as ElementTree
from typing import Any

import numpy as np
import pytest

import chainrule as keras

L = keras.layers
X, Y = np.ones((8, 3), "float32"), np.ones((8, 1), "float32")


def trained(epochs: int, **options: Any) -> Any:
    model = keras.Sequential([L.Dense(4, name="first"), L.Dense(1, name="out")], name="net")
    model.compile("sgd", "mse", metrics=["mae"])
    return model.fit(X, Y, epochs=epochs, verbose=0, **options)


def cells(page: str) -> list[list[str]]:
    """The texts of the tables' cells, row by row."""
    root = ElementTree.fromstring(f"<div>{page.replace('<br>', '<br/>')}</div>")
    return [["".join(cell.itertext()) for cell in row] for row in root.iter("tr")]


def test_a_model_is_a_table_of_its_layers() -> None:
    inner = keras.Sequential([L.Input((4,)), L.Dense(2, name="deep")], name="in & out")
    x = keras.Input((3,), name="x")
    model = keras.Model(x, inner(L.Dense(4, name="a")(x)), name="net")
    rows = cells(model._repr_html_())
    assert rows[0] == ["Layer (type)", "Output Shape", "Param #"]
    assert rows[1:] == [
        ["x (InputLayer)", "(None, 3)", "0"],
        ["a (Dense)", "(None, 4)", "16"],
        ["in & out (Sequential)", "(None, 2)", "10"],
        ["   └ deep (Dense)", "(None, 2)", "10"],
    ]
    assert "Total params: 26" in model._repr_html_()
    assert cells(keras.Sequential([L.Dense(2)])._repr_html_())[1][1:] == ["?", "0 (unbuilt)"]


def test_a_layer_is_a_table_of_its_weights() -> None:
    layer = L.Dense(2, name="<d>")
    assert "not built" in layer._repr_html_() and cells(layer._repr_html_()) == []
    layer.build((None, 3))
    page = layer._repr_html_()
    assert "&lt;d&gt;" in page and "8 parameters" in page
    assert cells(page)[1:] == [
        ["<d>/kernel", "(3, 2)", "float32", "yes"],
        ["<d>/bias", "(2,)", "float32", "yes"],
    ]


def test_a_history_of_an_older_version() -> None:
    history = trained(1)
    del history._places
    model = history.model
    model.fit(X, Y, epochs=2, verbose=0, callbacks=[history])
    assert len(history.history["loss"]) >= 2 and len(cells(history._repr_html_())) >= 3


def test_a_history_is_a_table_of_its_epochs() -> None:
    history = trained(2, validation_data=(X, Y))
    rows = cells(history._repr_html_())
    assert rows[0] == ["epoch", *history.history] and len(rows) == 3
    assert rows[1][0] == "1" and float(rows[2][1]) == pytest.approx(history.history["loss"][1], rel=1e-3)
    assert len(cells(trained(50)._repr_html_())) == 1 + 20 + 1


SCRIPT = """
import numpy as np, chainrule as keras
model = keras.Sequential([keras.layers.Dense(1)])
model.compile("sgd", "mse")
model.fit(np.ones((64, 3)), np.ones(64), epochs=2, batch_size=1)
model.summary()
"""


@pytest.mark.parametrize("encoding", ["ascii", "utf-8"])
def test_a_pipe_gets_lines_in_its_own_characters(encoding: str) -> None:
    environment = {"PYTHONIOENCODING": encoding, "PYTHONPATH": ":".join(filter(None, sys.path))}
    done = subprocess.run([sys.executable, "-c", SCRIPT], capture_output=True, env=environment)
    assert done.returncode == 0, done.stderr
    text = done.stdout.decode(encoding)
    assert "\r" not in text and "\x1b" not in text
    lines = text.splitlines()
    assert sum("loss:" in line for line in lines) == 2
    assert ("====" in text) == (encoding == "ascii") and ("━━━━" in text) == (encoding == "utf-8")
