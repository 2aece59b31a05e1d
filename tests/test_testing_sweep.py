"""`check_layer` over chainrule's own layers: nothing is called wrong."""

from __future__ import annotations

import warnings
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from chainrule import layers, nlp, ops, saving
from chainrule.testing import check_layer

SEQUENCE, IMAGE, VOLUME, VECTOR = (5, 4), (6, 6, 3), (3, 3, 3, 2), (5,)
BY_AXES = {1: SEQUENCE, 2: IMAGE, 3: VOLUME}


def whole(high: int) -> Callable[..., Any]:
    return lambda generator, shape: generator.integers(0, high, shape).astype("int32")


def shares(generator: np.random.Generator, shape: tuple[int, ...]) -> Any:
    return generator.uniform(0, 1, shape)


@saving.register_keras_serializable("tests_of_testing")
def doubled(x: Any) -> Any:
    return ops.multiply(x, 2)


Case = tuple[Any, Any, dict[str, Any]]
CASES: dict[str, Case] = {}


def add(name: str, layer: Any, shape: Any, **options: Any) -> None:
    assert name not in CASES, name
    CASES[name] = (layer, shape, options)


for plain in ("ELU", "LeakyReLU", "PReLU", "ReLU", "Identity", "Flatten", "UnitNormalization",
              "LayerNormalization", "RMSNormalization", "BatchNormalization", "Masking"):  # fmt: skip
    add(plain, getattr(layers, plain), SEQUENCE)
for noise in ("Dropout", "GaussianDropout", "GaussianNoise", "AlphaDropout"):
    add(noise, lambda noise=noise: getattr(layers, noise)(0.4), SEQUENCE)
# Its mask marks elements, not steps.
add("Softmax", layers.Softmax, SEQUENCE, mask=False)
add("Activation", lambda: layers.Activation("tanh"), SEQUENCE)
add("ActivityRegularization", lambda: layers.ActivityRegularization(0.1, 0.1), SEQUENCE)
add("Dense", layers.Dense(3, activation="relu", kernel_regularizer="l2"), SEQUENCE)
add("EinsumDense", lambda: layers.EinsumDense("abc,cd->abd", (None, 3), bias_axes="d"), SEQUENCE)
add("Embedding", lambda: layers.Embedding(9, 4, mask_zero=True), (6,), values=whole(9))
add("ReversibleEmbedding", lambda: layers.ReversibleEmbedding(9, 4), (6,), values=whole(9))
add("Lambda", lambda: layers.Lambda(doubled), SEQUENCE)
# As in Keras, its statistics are those of all steps.
add("GroupNormalization", lambda: layers.GroupNormalization(2), SEQUENCE, mask=False)

for axes, shape in BY_AXES.items():
    add(f"Conv{axes}D", lambda n=axes: getattr(layers, f"Conv{n}D")(4, 2, padding="same"), shape)
    transposed = f"Conv{axes}DTranspose"
    add(transposed, lambda n=transposed: getattr(layers, n)(3, 2, strides=2), shape)
    for kind in ("Max", "Average"):
        pooling = f"{kind}Pooling{axes}D"
        add(pooling, lambda n=pooling: getattr(layers, n)(2), shape)
        add(f"Global{pooling}", getattr(layers, f"Global{pooling}"), shape)
        add(f"Adaptive{pooling}", lambda n=pooling: getattr(layers, f"Adaptive{n}")(2), shape)
    for kind in ("Cropping", "ZeroPadding"):
        moved = f"{kind}{axes}D"
        add(moved, lambda n=moved: getattr(layers, n)(1), shape)
    add(f"UpSampling{axes}D", lambda n=axes: getattr(layers, f"UpSampling{n}D")(2), shape)
    add(f"SpatialDropout{axes}D", lambda n=axes: getattr(layers, f"SpatialDropout{n}D")(0.4), shape)
for axes, shape in ((1, SEQUENCE), (2, IMAGE)):
    add(f"DepthwiseConv{axes}D", lambda n=axes: getattr(layers, f"DepthwiseConv{n}D")(2), shape)
    add(f"SeparableConv{axes}D", lambda n=axes: getattr(layers, f"SeparableConv{n}D")(4, 2), shape)

for merging in ("Add", "Average", "Concatenate", "Maximum", "Minimum", "Multiply", "Subtract"):
    add(merging, getattr(layers, merging), [VECTOR, VECTOR])
add("Dot", lambda: layers.Dot(axes=1), [VECTOR, VECTOR])
add("Attention", lambda: layers.Attention(use_scale=True), [(4, 3), (5, 3)])
add("AdditiveAttention", layers.AdditiveAttention, [(4, 3), (5, 3)])
add("MultiHeadAttention", layers.MultiHeadAttention(2, 3), {"query": (4, 6), "value": (5, 6)})
grouped = layers.GroupedQueryAttention(3, 4, 2)
add("GroupedQueryAttention", grouped, {"query": (4, 6), "value": (5, 6)})

for recurrent in ("LSTM", "GRU", "SimpleRNN"):
    cell = getattr(layers, recurrent)
    add(recurrent, lambda cell=cell: cell(3, return_sequences=True), SEQUENCE)
    add(f"{recurrent}, dropped", lambda cell=cell: cell(3, dropout=0.2, recurrent_dropout=0.2), SEQUENCE)
cells = lambda: [layers.LSTMCell(3), layers.GRUCell(2), layers.SimpleRNNCell(2)]  # noqa: E731
add("RNN", lambda: layers.RNN(layers.StackedRNNCells(cells())), (None, 4))
add("Bidirectional", lambda: layers.Bidirectional(layers.GRU(2, return_sequences=True)), SEQUENCE)
add("TimeDistributed", lambda: layers.TimeDistributed(layers.Dense(3)), SEQUENCE)
add("ConvLSTM1D", lambda: layers.ConvLSTM1D(2, 2), (3, 5, 2))
add("ConvLSTM2D", lambda: layers.ConvLSTM2D(1, 2, data_format="channels_first"), (2, 1, 4, 4))
add("ConvLSTM3D", lambda: layers.ConvLSTM3D(1, 2), (2, 2, 2, 2, 1))

add("Permute", lambda: layers.Permute((2, 1)), SEQUENCE)
add("RepeatVector", lambda: layers.RepeatVector(3), VECTOR)
add("Reshape", lambda: layers.Reshape((2, -1)), (6, 2))
add("CategoryEncoding", lambda: layers.CategoryEncoding(9), (6,), values=whole(9))
add("Discretization", lambda: layers.Discretization([0.0, 1.0]), VECTOR)
add("HashedCrossing", lambda: layers.HashedCrossing(5), [(1,), (1,)], values=whole(9))
add("Hashing", lambda: layers.Hashing(5), VECTOR, values=whole(9))
add("IntegerLookup", lambda: layers.IntegerLookup(vocabulary=[1, 2]), VECTOR, values=whole(5))
add("Rescaling", lambda: layers.Rescaling(2.0, 1.0), VECTOR)
add("Normalization", lambda: layers.Normalization(mean=1.0, variance=4.0), VECTOR)
add("Resizing", lambda: layers.Resizing(4, 5), IMAGE)
add("CenterCrop", lambda: layers.CenterCrop(3, 3), IMAGE)
sound = {"sampling_rate": 100, "num_mel_bins": 4, "min_freq": 1.0}
add("MelSpectrogram", lambda: layers.MelSpectrogram(32, 8, **sound), (60,))
add("STFTSpectrogram", lambda: layers.STFTSpectrogram("psd", 16, 8), (48, 2))

AUGMENTATIONS: dict[str, dict[str, Any]] = {
    "AutoContrast": {}, "Equalization": {}, "RandomBrightness": {"factor": 0.2},
    "RandomColorDegeneration": {"factor": 0.5}, "RandomContrast": {"factor": 0.5},
    "RandomCrop": {"height": 4, "width": 4}, "RandomErasing": {}, "RandomFlip": {},
    "RandomGaussianBlur": {}, "RandomGrayscale": {}, "RandomHue": {"factor": 0.2}, "RandomInvert": {},
    "RandomPosterization": {"factor": 4}, "RandomRotation": {"factor": 0.2},
    "RandomSaturation": {"factor": 0.5}, "RandomSharpness": {"factor": 0.5},
    "RandomShear": {"x_factor": 0.2}, "RandomTranslation": {"height_factor": 0.2, "width_factor": 0.2},
    "RandomZoom": {"height_factor": 0.2}, "RandomPerspective": {}, "Solarization": {},
}  # fmt: skip
for name, given in AUGMENTATIONS.items():
    add(name, lambda n=name, given=given: getattr(layers, n)(**given), IMAGE, values=shares,
        dtypes=["float32"])

add("TransformerEncoder", lambda: nlp.TransformerEncoder(8, 2), SEQUENCE)
add("TransformerDecoder", lambda: nlp.TransformerDecoder(8, 2), SEQUENCE)
add("PositionEmbedding", lambda: nlp.PositionEmbedding(6), SEQUENCE)
add("RotaryEmbedding", nlp.RotaryEmbedding, SEQUENCE)
add("SinePositionEncoding", nlp.SinePositionEncoding, SEQUENCE)
tokens = lambda: nlp.TokenAndPositionEmbedding(9, 5, 4)  # noqa: E731
add("TokenAndPositionEmbedding", tokens, VECTOR, values=whole(9))

# What the sweep leaves out, and why.
LEFT_OUT = {
    "Layer, Wrapper": "bases",
    "InputLayer": "has no call",
    "SpectralNormalization": "outside of a training step it changes its kernel, inside it does not",
    "TextVectorization, StringLookup, Pipeline": "of texts, or of other layers",
    "CutMix, MixUp": "take labels too",
    "MaxNumBoundingBoxes": "takes boxes and labels",
    "AugMix, RandAugment, RandomColorJitter, RandomElasticTransform": "seconds each, as those above",
    "LSTMCell, GRUCell, SimpleRNNCell, StackedRNNCells": "run in RNN",
}


@pytest.mark.parametrize("name", CASES)
def test_layers_of_chainrule_pass(name: str) -> None:
    layer, shape, options = CASES[name]
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        report = check_layer(layer, shape, threads=[1, 3], **options)
    assert report.ok, str(report)


def test_the_sweep_is_of_every_layer() -> None:
    classes = {
        value
        for value in (getattr(layers, name) for name in dir(layers) if not name.startswith("_"))
        if isinstance(value, type) and issubclass(value, layers.Layer)
    }
    named = {part for names in LEFT_OUT for part in names.split(", ")}
    missing = {kind.__name__ for kind in classes} - set(CASES) - named
    assert not missing
    assert named <= {kind.__name__ for kind in classes}
