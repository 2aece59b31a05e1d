"""The strategies for hypothesis: what they draw is sound, and hypothesis alone is asked for."""

from __future__ import annotations

import subprocess
import sys
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from chainrule import layers
from chainrule.testing import check_layer, strategies


@settings(max_examples=25)
@given(strategies.layers_and_shapes())
def test_drawn_layers_are_sound(drawn: Any) -> None:
    layer, shape = drawn
    assert isinstance(layer, layers.Layer) and not layer.weights
    report = check_layer(layer, shape, threads=[1, 2], dtypes=["float64"])
    assert report.ok, f"{layer.get_config()} {shape}\n{report}"


@settings(max_examples=15)
@given(st.data())
def test_drawn_models_train_on_drawn_batches(data: Any) -> None:
    model = data.draw(strategies.models())
    x, y = data.draw(strategies.batches(model))
    assert x.shape == (len(y), *model.input_shape[1:]) and 2 <= len(y) <= 8
    before = [w.copy() for w in model.get_weights()]
    loss = model.train_on_batch(x, y)
    assert np.isfinite(loss)
    assert [w.shape for w in model.get_weights()] == [w.shape for w in before]


@settings(max_examples=10)
@given(strategies.models((4, 3), max_layers=1), strategies.input_shapes(2, 2, 4))
def test_what_is_asked_for_is_drawn(model: Any, shape: Any) -> None:
    assert model.input_shape == (None, 4, 3)
    assert len(shape) == 2 and all(2 <= n <= 4 for n in shape)


@pytest.mark.parametrize("shape", [(), (2, 2, 2, 2)])
def test_shapes_of_other_ranks_are_refused(shape: Any) -> None:
    with pytest.raises(ValueError, match="expected one to three axes"):
        strategies.layers(shape)


def test_hypothesis_is_imported_by_the_strategies_alone() -> None:
    script = (
        "import sys; sys.modules['hypothesis'] = None\n"
        "import chainrule.testing as t; t.check_layer, t.compare_gradients\n"
        "try:\n    t.strategies\nexcept ImportError as error:\n    print(error)"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    assert "pip install hypothesis" in done.stdout
