"""Weights from and to PyTorch's files: the same predictions both ways."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import chainrule as keras
from chainrule import layers
from chainrule.errors import FileFormatError, ShapeError

torch = pytest.importorskip("torch")
safetensors = pytest.importorskip("safetensors.torch")

RNG = np.random.default_rng(0)


def to_torch(x: Any) -> Any:
    """Channels first, as PyTorch has images and sequences of them."""
    return torch.tensor(np.moveaxis(x, -1, 1).copy())


def module(*parts: Any) -> Any:
    return torch.nn.Sequential(*parts)


class Net(torch.nn.Module):
    """A module of named parts, and what it does with them."""

    def __init__(self, call: Callable[..., Any], **parts: Any) -> None:
        super().__init__()
        for name, part in parts.items():
            setattr(self, name, part)
        self._call = call

    def forward(self, x: Any) -> Any:
        return self._call(self, x)


def shaken(net: Any) -> Any:
    """With numbers other than those that a new module has, running statistics too."""
    torch.manual_seed(0)
    with torch.no_grad():
        for tensor in net.state_dict().values():
            if tensor.dtype == torch.float32:
                tensor.copy_(torch.rand_like(tensor) * 0.5 + 0.05)
    return net.eval()


def case_mlp() -> Any:
    nn = torch.nn
    net = Net(
        lambda m, x: m.out(m.norm(torch.relu(m.fc1(x)))),
        fc1=nn.Linear(6, 8),
        norm=nn.LayerNorm(8),
        out=nn.Linear(8, 3, bias=False),
    )
    model = keras.Sequential(
        [
            keras.Input((6,)),
            layers.Dense(8, activation="relu"),
            layers.LayerNormalization(epsilon=1e-5),
            layers.Dense(3, use_bias=False),
        ]
    )
    x = RNG.normal(size=(4, 6)).astype("float32")
    return net, model, {"dense": "fc1", "layer_normalization": "norm", "dense_1": "out"}, x, None


def case_convnet() -> Any:
    nn = torch.nn
    net = module(
        nn.Conv2d(3, 6, 3),
        nn.BatchNorm2d(6),
        nn.ReLU(),
        nn.Conv2d(6, 6, 3, groups=6, bias=False),
        nn.Conv2d(6, 8, 1, groups=2),
        nn.ConvTranspose2d(8, 5, 2, stride=2),
        nn.GroupNorm(5, 5),
        nn.Flatten(),
        nn.BatchNorm1d(5 * 8 * 8),
        nn.Linear(5 * 8 * 8, 4),
    )
    model = keras.Sequential(
        [
            keras.Input((8, 8, 3)),
            layers.Conv2D(6, 3),
            layers.BatchNormalization(epsilon=1e-5),
            layers.ReLU(),
            layers.DepthwiseConv2D(3, use_bias=False),
            layers.Conv2D(8, 1, groups=2),
            layers.Conv2DTranspose(5, 2, strides=2),
            layers.GroupNormalization(5, epsilon=1e-5),
            layers.Flatten(),
            layers.BatchNormalization(epsilon=1e-5),
            layers.Dropout(0.5),
            layers.Dense(4),
        ]
    )
    return net, model, "auto", RNG.normal(size=(2, 8, 8, 3)).astype("float32"), to_torch


def case_sequences() -> Any:
    nn = torch.nn
    net = module(nn.Conv1d(3, 6, 2), nn.Conv1d(6, 12, 3, groups=6), nn.ConvTranspose1d(12, 2, 3))
    model = keras.Sequential(
        [
            keras.Input((9, 3)),
            layers.Conv1D(6, 2),
            layers.DepthwiseConv1D(3, depth_multiplier=2),
            layers.Conv1DTranspose(2, 3),
        ]
    )
    return net, model, "auto", RNG.normal(size=(2, 9, 3)).astype("float32"), to_torch


def case_volumes() -> Any:
    nn = torch.nn
    net = module(nn.Conv3d(2, 3, 2), nn.ConvTranspose3d(3, 4, 2), nn.BatchNorm3d(4, affine=False))
    model = keras.Sequential(
        [
            keras.Input((4, 5, 6, 2)),
            layers.Conv3D(3, 2),
            layers.Conv3DTranspose(4, 2),
            layers.BatchNormalization(epsilon=1e-5, center=False, scale=False),
        ]
    )
    return net, model, "auto", RNG.normal(size=(2, 4, 5, 6, 2)).astype("float32"), to_torch


def case_lstm() -> Any:
    nn = torch.nn
    net = Net(
        lambda m, x: m.head(m.rnn(m.words(x))[0][:, -1]),
        words=nn.Embedding(11, 5),
        rnn=nn.LSTM(5, 4, num_layers=2, batch_first=True),
        head=nn.Linear(4, 2),
    )
    model = keras.Sequential(
        [
            keras.Input((7,), dtype="int32"),
            layers.Embedding(11, 5),
            layers.LSTM(4, return_sequences=True),
            layers.LSTM(4),
            layers.Dense(2),
        ]
    )
    mapping = {"embedding": "words", "lstm": "rnn", "lstm_1": "rnn[1]", "dense": "head"}
    return net, model, mapping, RNG.integers(0, 11, (3, 7)), None


def case_gru() -> Any:
    nn = torch.nn
    net = Net(
        lambda m, x: m.out(m.rnn(x)[0])[0],
        rnn=nn.GRU(5, 4, bidirectional=True, batch_first=True),
        out=nn.RNN(8, 3, batch_first=True),
    )
    model = keras.Sequential(
        [
            keras.Input((6, 5)),
            layers.Bidirectional(layers.GRU(4, return_sequences=True)),
            layers.SimpleRNN(3, return_sequences=True),
        ]
    )
    return net, model, "auto", RNG.normal(size=(2, 6, 5)).astype("float32"), None


def case_attention() -> Any:
    net = Net(
        lambda m, x: m.attn(x, x, x, need_weights=False)[0],
        attn=torch.nn.MultiheadAttention(8, 2, batch_first=True),
    )
    inputs = keras.Input((5, 8))
    model = keras.Model(inputs, layers.MultiHeadAttention(2, 4)(inputs, inputs))
    return net, model, "auto", RNG.normal(size=(2, 5, 8)).astype("float32"), None


def case_cross_attention() -> Any:
    net = Net(
        lambda m, x: m.attn(x[..., :8], x[..., :6], x[..., :3], need_weights=False)[0],
        attn=torch.nn.MultiheadAttention(8, 2, batch_first=True, kdim=6, vdim=3),
    )
    inputs = keras.Input((5, 8))
    found = layers.MultiHeadAttention(2, 4)(inputs, inputs[..., :3], inputs[..., :6])
    model = keras.Model(inputs, found)
    return net, model, "auto", RNG.normal(size=(2, 5, 8)).astype("float32"), None


def case_encoder() -> Any:
    layer = torch.nn.TransformerEncoderLayer(8, 2, 16, batch_first=True, norm_first=True)
    net = torch.nn.TransformerEncoder(layer, 2, enable_nested_tensor=False)
    model = keras.Sequential(
        [
            keras.Input((5, 8)),
            *[keras.nlp.TransformerEncoder(16, 2, normalize_first=True) for _ in range(2)],
        ]
    )
    mapping = {"transformer_encoder": "layers.0", "transformer_encoder_1": "layers.1"}
    return net, model, mapping, RNG.normal(size=(2, 5, 8)).astype("float32"), None


CASES = {
    name.removeprefix("case_"): case
    for name, case in list(globals().items())
    if name.startswith("case_")
}


def expect_same(net: Any, model: Any, x: Any, convert: Any) -> None:
    with torch.no_grad():
        theirs = net(torch.tensor(x) if convert is None else convert(x)).numpy()
    ours = model.predict(x, verbose=0)
    if convert is not None and ours.ndim > 2:
        theirs = np.moveaxis(theirs, 1, -1)
    np.testing.assert_allclose(ours, theirs, rtol=1e-5, atol=1e-5)


@pytest.mark.parametrize("case", CASES.values(), ids=CASES)
def test_predictions_are_the_same_both_ways(case: Any, tmp_path: Path) -> None:
    net, model, mapping, x, convert = case()
    path = tmp_path / "m.safetensors"
    safetensors.save_file(shaken(net).state_dict(), path)
    report = model.load_weights(path, mapping=mapping)
    assert report.fits, str(report)
    expect_same(net, model, x, convert)
    for weight in model.weights:
        if weight.dtype == "float32":
            weight.assign(RNG.uniform(0.1, 0.4, weight.shape))
    model.save_weights(path, mapping=report.mapping)
    state = safetensors.load_file(path)
    net.load_state_dict(state, strict=True)
    expect_same(net, model, x, convert)


def files(tmp_path: Path, **tensors: tuple[int, ...]) -> Path:
    path = tmp_path / "m.safetensors"
    made = {name.replace("__", "."): torch.rand(shape) for name, shape in tensors.items()}
    safetensors.save_file(made, path)
    return path


def small() -> Any:
    return keras.Sequential([keras.Input((3,)), layers.Dense(2), layers.Dense(2)])


def test_a_dry_run_tells_all_and_changes_nothing(tmp_path: Path) -> None:
    model = small()
    before = model.get_weights()
    path = files(tmp_path, a__weight=(2, 3), a__bias=(3,), c__weight=(1, 1))
    report = model.load_weights(path, mapping={"dense": "a", "dense_1": "b"}, dry_run=True)
    verdicts = {row.name: row.verdict for row in report.rows}
    assert verdicts == {
        "a.weight": "fits",
        "a.bias": "shape",
        "b.weight": "missing",
        "b.bias": "missing",
        "c.weight": "no layer takes it",
    }
    text = str(report)
    assert "4 of 5 tensors do not fit" in text and "kernel (3, 2)" in text
    assert "<td>no layer takes it</td>" in report._repr_html_()
    with pytest.raises(FileFormatError, match="b.bias"):
        model.load_weights(path, mapping={"dense": "a", "dense_1": "b"})
    for a, b in zip(before, model.get_weights()):
        np.testing.assert_array_equal(a, b)
    with pytest.warns(UserWarning, match="4 of 5 tensors do not fit"):
        model.load_weights(path, mapping={"dense": "a", "dense_1": "b"}, skip_mismatch=True)
    after = model.get_weights()
    assert not np.array_equal(after[0], before[0])
    np.testing.assert_array_equal(after[1], before[1])


def test_other_shapes_are_an_error_of_shapes(tmp_path: Path) -> None:
    path = files(tmp_path, a__weight=(2, 3), a__bias=(2,), b__weight=(2, 2), b__bias=(7,))
    with pytest.raises(ShapeError, match="b.bias"):
        small().load_weights(path, mapping={"dense": "a", "dense_1": "b"})


def test_auto_goes_by_number_and_refuses_to_guess(tmp_path: Path) -> None:
    model = keras.Sequential([keras.Input((2,)), *[layers.Dense(2) for _ in range(11)]])
    numbered = {
        f"l__{i}__{n}": s for i in range(11) for n, s in (("weight", (2, 2)), ("bias", (2,)))
    }
    report = model.load_weights(files(tmp_path, **numbered), mapping="auto")
    assert [report.mapping[f"dense_{i}"] for i in (1, 2, 10)] == ["l.1", "l.2", "l.10"]
    model = keras.Sequential([keras.Input((2,)), layers.Dense(2), layers.Dense(2)])
    path = files(tmp_path, a__weight=(2, 2), a__bias=(2,), b__weight=(2, 2), b__bias=(2,))
    with pytest.raises(FileFormatError, match=r"one of \['a', 'b'\]"):
        model.load_weights(path, mapping="auto")


def test_prefixes_map_what_is_below(tmp_path: Path) -> None:
    parts = torch.nn.Sequential(torch.nn.Linear(3, 4), torch.nn.ReLU(), torch.nn.Linear(4, 4))
    net = Net(lambda m, x: m.head(m.body(x)), head=torch.nn.Linear(4, 4), body=parts)
    body = keras.Sequential([keras.Input((3,)), layers.Dense(4, "relu"), layers.Dense(4)])
    model = keras.Sequential([keras.Input((3,)), body, layers.Dense(4)])
    path = tmp_path / "m.safetensors"
    safetensors.save_file(shaken(net).state_dict(), path)
    mapping = {"sequential": "body", "dense": "head"}
    report = model.load_weights(path, mapping=mapping)
    assert report.mapping == {
        "dense": "head",
        "sequential/dense": "body.0",
        "sequential/dense_1": "body.2",
    }
    expect_same(net, model, RNG.normal(size=(2, 3)).astype("float32"), None)
    model.save_weights(path, mapping=mapping)
    assert set(safetensors.load_file(path)) == {
        f"{m}.{n}" for m in ("head", "body.dense", "body.dense_1") for n in ("weight", "bias")
    }


def test_another_epsilon_is_told(tmp_path: Path) -> None:
    model = keras.Sequential([keras.Input((3,)), layers.BatchNormalization()])
    path = tmp_path / "m.safetensors"
    safetensors.save_file(torch.nn.BatchNorm1d(3).state_dict(), path)
    report = model.load_weights(path, mapping="auto")
    assert "epsilon=0.001; PyTorch's default is 1e-05" in str(report)


@pytest.mark.parametrize("dtype", ["float16", "bfloat16", "float64"])
def test_other_floats_come_and_go(dtype: str, tmp_path: Path) -> None:
    path = tmp_path / "m.safetensors"
    net = torch.nn.Linear(3, 2).to(getattr(torch, dtype))
    safetensors.save_file(net.state_dict(), path)
    model = keras.Sequential([keras.Input((3,)), layers.Dense(2, dtype=dtype)])
    model.load_weights(path, mapping={"dense": ""})
    model.save_weights(path, mapping={"dense": ""})
    for name, tensor in safetensors.load_file(path).items():
        assert torch.equal(tensor, net.state_dict()[name])


@pytest.mark.parametrize("ending", ["pt", "pth"])
def test_pickles_are_refused_with_the_remedy(ending: str, tmp_path: Path) -> None:
    for i, zipped in enumerate((True, False)):
        path = tmp_path / f"m{i}.{ending}"
        state = torch.nn.Linear(3, 2).state_dict()
        torch.save(state, path, _use_new_zipfile_serialization=zipped)
        with pytest.raises(FileFormatError, match="safetensors.torch.save_file"):
            small().load_weights(path, mapping="auto")
        with pytest.raises(FileFormatError, match="safetensors.torch.save_file"):
            small().load_weights(path)


def test_what_cannot_be_mapped_is_named(tmp_path: Path) -> None:
    path = files(tmp_path, a__weight=(2, 3))
    model = small()
    with pytest.raises(ValueError, match="mapping: expected places of .*, got 'dense_7'"):
        model.load_weights(path, mapping={"dense_7": "a"})
    with pytest.raises(ValueError, match="mapping: expected 'auto', or a dict"):
        model.load_weights(path, mapping=["a"])
    with pytest.raises(ValueError, match="expected a mapping with dry_run"):
        model.load_weights(path, dry_run=True)
    with pytest.raises(ValueError, match="expected a module for the layer at 'dense_1'"):
        model.save_weights(path, mapping={"dense": "a"})
    with pytest.raises(ValueError, match="got 'a' twice"):
        model.save_weights(path, mapping={"dense": "a", "dense_1": "a"})
    old = keras.Sequential([keras.Input((3, 2)), layers.GRU(2, reset_after=False)])
    with pytest.raises(ValueError, match="expected reset_after=True"):
        old.save_weights(path, mapping="auto")
    other = keras.Sequential([keras.Input((8, 8, 3)), layers.SeparableConv2D(4, 3)])
    with pytest.raises(ValueError, match="expected weights of which PyTorch's layout is known"):
        other.save_weights(path, mapping="auto")


def test_lora_is_merged_into_what_is_written(tmp_path: Path) -> None:
    model = keras.Sequential([keras.Input((4,)), keras.layers.Dense(3)])
    layer = model.layers[0]
    layer.enable_lora(2, b_initializer="ones")
    x = np.random.default_rng(0).normal(size=(5, 4)).astype("float32")
    expected = model.predict(x, verbose=0)
    path = tmp_path / "weights.safetensors"
    model.save_weights(path, mapping={"dense": "linear"})
    net = Net(lambda net, x: net.linear(x), linear=torch.nn.Linear(4, 3))
    net.load_state_dict(safetensors.load_file(path))
    with torch.no_grad():
        theirs = net(torch.from_numpy(x)).numpy()
    np.testing.assert_allclose(theirs, expected, rtol=1e-5, atol=1e-6)
    model.load_weights(path, mapping={"dense": "linear"})
    np.testing.assert_allclose(model.predict(x, verbose=0), expected, rtol=1e-5, atol=1e-6)
