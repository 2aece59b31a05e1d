"""The table of a model's layers."""

from __future__ import annotations

from types import SimpleNamespace

import numpy as np
import pytest

from chainrule.utils.summary import print_summary


def weight(*shape):
    return SimpleNamespace(shape=shape, dtype="float32")


class Layer:
    built = True
    trainable = True
    _inbound_nodes = ()

    def __init__(self, name, shape, weights=(), layers=()):
        self.name = name
        self._build_shapes_dict = {"input_shape": shape} if shape else None
        self.weights = list(weights)
        self.layers = list(layers)

    def compute_output_shape(self, input_shape):
        return input_shape

    def count_params(self):
        return sum(int(np.prod(w.shape)) for w in self.weights)


class Model(Layer):
    def __init__(self, layers):
        super().__init__("model", (None, 4), [w for layer in layers for w in layer.weights], layers)
        self.trainable_weights = self.weights
        self.non_trainable_weights = []
        self.optimizer = None


def lines_of(model, **options):
    lines = []
    print_summary(model, print_fn=lines.append, **options)
    return lines


@pytest.fixture
def model():
    inner = Layer("inner", (None, 4))
    return Model(
        [
            Layer("first", (None, 4), [weight(3, 4), weight(4)]),
            Layer("nest", (None, 4), layers=[inner]),
            Layer("later", None),
        ]
    )


def test_the_whole_table(model):
    assert lines_of(model) == [
        'Model: "model"',
        "┏━━━━━━━━━━━━━━━┳━━━━━━━━━━━━━━┳━━━━━━━━━┓",
        "┃ Layer (type)  ┃ Output Shape ┃ Param # ┃",
        "┡━━━━━━━━━━━━━━━╇━━━━━━━━━━━━━━╇━━━━━━━━━┩",
        "│ first (Layer) │ (None, 4)    │      16 │",
        "├───────────────┼──────────────┼─────────┤",
        "│ nest (Layer)  │ (None, 4)    │       0 │",
        "├───────────────┼──────────────┼─────────┤",
        "│ later (Layer) │ ?            │       0 │",
        "└───────────────┴──────────────┴─────────┘",
        " Total params: 16 (64.00 B)",
        " Trainable params: 16 (64.00 B)",
        " Non-trainable params: 0 (0.00 B)",
    ]


def test_nested_layers_and_trainability(model):
    text = "\n".join(lines_of(model, expand_nested=True, show_trainable=True))
    assert "   └ inner (Layer)" in text
    assert "Trainable" in text and "│ Y " in text


def test_a_range_of_layers(model):
    text = "\n".join(lines_of(model, layer_range=["nest", "later"]))
    assert "first" not in text and "nest" in text and "later" in text
    with pytest.raises(ValueError, match="layer_range"):
        lines_of(model, layer_range=["nest", "missing"])
    with pytest.raises(ValueError, match="layer_range"):
        lines_of(model, layer_range=["nest"])


@pytest.mark.parametrize("length", [40, 60, 30])
def test_no_line_is_longer_than_asked(model, length):
    model.layers[0].name = "a_layer_with_quite_a_long_name_to_be_wrapped"
    lines = lines_of(model, line_length=length)
    assert max(len(line) for line in lines if line[0] in "┏┃│├└") <= length


def test_positions(model):
    lines = lines_of(model, line_length=80, positions=[0.5, 0.8, 1.0])
    assert len(lines[1]) == 80
    with pytest.raises(ValueError, match="positions"):
        lines_of(model, positions=[0.5, 1.0])
