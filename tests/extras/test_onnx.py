"""`Model.export`: ONNX Runtime answers as `predict`, for every layer and for whole models."""

from __future__ import annotations

import os
import warnings
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import chainrule as keras
from chainrule import layers, nlp, ops
from chainrule.base import tree
from tests.extras import need
from tests.processes import printed
from tests.test_testing_sweep import CASES

onnx = need("onnx")
need("onnxruntime")

from tests.onnx_runs import assert_close, assert_same_answers, exported, feeds  # noqa: E402

Array = np.ndarray
ROWS = (1, 3, 7)
RNG = np.random.default_rng(5)

HOST = {"HashedCrossing", "Hashing", "IntegerLookup"}
# What cannot be written for a free size, and how that is said.
FIXED = {
    **{f"Adaptive{kind}Pooling{n}D": "computes other numbers" for kind in ("Max", "Average") for n in (1, 2, 3)},
    **dict.fromkeys(["CenterCrop", "RandomCrop"], "decides by a size"),
}
# Free lengths that fit where 5, 7 and 6 do not.
LENGTHS = {"STFTSpectrogram": (48, 50, 61), "MelSpectrogram": (60, 60, 60), "PositionEmbedding": (5, 6, 1)}
# Weights of the inputs' length.
OF_ONE_LENGTH = {"PReLU"}


def floats(*shape: int) -> Array:
    return RNG.standard_normal(shape).astype("float32")


def tokens(high: int, *shape: int) -> Array:
    return RNG.integers(0, high, shape).astype("int32")


def model_of(name: str, is_free: bool) -> tuple[Any, Any, Any]:
    """A model of one layer of the sweep, the shapes of its inputs, and how their values are drawn."""
    given, shapes, options = CASES[name]
    layer = type(given).from_config(given.get_config()) if isinstance(given, layers.Layer) else given()
    values = options.get("values")
    whole = values is not None and np.asarray(values(RNG, (1,))).dtype.kind == "i"
    dtype = "int32" if whole else "float32"

    def opened(shape: tuple[int | None, ...]) -> tuple[int | None, ...]:
        return (None, *shape[1:]) if is_free and len(shape) > 1 else tuple(shape)

    shapes = tree.map_shape_structure(opened, shapes)
    inputs = tree.map_shape_structure(lambda shape: keras.Input(shape, dtype=dtype), shapes)
    output = layer(**inputs) if isinstance(inputs, dict) else layer(inputs)

    def draw(shape: tuple[int, ...]) -> Array:
        return floats(*shape) if values is None else np.asarray(values(RNG, shape)).astype(dtype)

    return keras.Model(inputs, output), shapes, draw


@pytest.mark.parametrize("is_free", [False, True], ids=["fixed", "free"])
@pytest.mark.parametrize("name", CASES)
def test_layers(name: str, is_free: bool, tmp_path: Path) -> None:
    if is_free and name in OF_ONE_LENGTH:
        pytest.skip("its weights have the length of the inputs")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        model, shapes, draw = model_of(name, is_free)
    if name in HOST or is_free and name in FIXED:
        words = rf"\({name}\), which run before" if name in HOST else FIXED[name]
        with pytest.raises(ValueError, match=words):
            model.export(tmp_path / "m.onnx")
        assert not os.listdir(tmp_path)
        return
    session = exported(model, tmp_path)
    for n, length in zip(ROWS, LENGTHS.get(name, (5, 7, 6))):

        def sized(shape: Any, n: int = n, length: int = length) -> Array:
            return draw((n, *(length if size is None else size for size in shape)))

        assert_same_answers(session, model, tree.map_shape_structure(sized, shapes))


FUNCTIONS: dict[str, Any] = {
    name: getattr(ops, name)
    for name in (
        "abs", "arcsinh", "argmax", "argsort", "ceil", "celu", "cos", "cumsum", "cumprod", "digamma", "elu", "erf",
        "exp", "expm1", "flip", "floor", "gelu", "glu", "hard_sigmoid", "hard_swish", "isfinite", "isnan",
        "log_sigmoid", "log_softmax", "logsumexp", "max", "mean", "min", "mish", "negative", "norm",
        "normalize", "prod", "ravel", "relu6", "round", "selu", "sigmoid", "sign", "silu", "sin", "softmax",
        "softplus", "softsign", "sort", "sparse_plus", "square", "squareplus", "std", "sum", "tan", "tanh",
        "tanh_shrink", "transpose", "trunc", "var", "zeros_like",
    )
    if hasattr(ops, name)
}  # fmt: skip
FUNCTIONS |= {
    "arctan2": lambda x: ops.arctan2(x, x[:, ::-1]),
    "argpartition": lambda x: ops.top_k(x, 2)[1],
    "average": lambda x: ops.average(x, axis=-1, weights=[1.0, 2.0, 3.0, 4.0]),
    "broadcast": layers.Lambda(lambda x: ops.broadcast_to(x[:, :1], ops.shape(x))),
    "clip": lambda x: ops.clip(x, -0.5, 0.5),
    "concatenate": lambda x: ops.concatenate([x, 2 * x, x], axis=1),
    "cond": lambda x: ops.where(x > 0, x, ops.square(x)),
    "correlate": lambda x: ops.diff(x, axis=1),
    "cross": lambda x: ops.cross(x[:, 0, :3], x[:, 1, :3]),
    "diagonal": lambda x: ops.diagonal(x, axis1=1, axis2=2),
    "einsum": lambda x: ops.einsum("bij,bkj->bik", x, x),
    "erfinv": lambda x: ops.erfinv(ops.tanh(x)),
    "fft": lambda x: ops.fft((x, 2 * x)),
    "floor_divide": lambda x: ops.floor_divide(x, 0.3) + ops.mod(x, 0.3),
    "gather_rows": lambda x: ops.take(x, [2, 0, -1], axis=1),
    "histogram": lambda x: ops.one_hot(ops.cast(ops.abs(x) * 3, "int32"), 5),
    "in_top_k": lambda x: ops.in_top_k(ops.argmax(x[:, 0], -1), x[:, 1], 2),
    "integers": lambda x: ops.cast(x * 10, "int32") // 3 % 4,
    "lengths": layers.Lambda(lambda x: x * ops.cast(ops.shape(x)[0], "float32")),
    "linspace": lambda x: x + ops.linspace(0.0, 1.0, 4),
    "logical": lambda x: ops.logical_xor(x > 0, ops.any(x > 1, axis=-1, keepdims=True)),
    "moments": lambda x: ops.moments(x, axes=[0, 1])[1],
    "nanmean": lambda x: ops.nanmean(ops.where(x > 0, x, np.nan), axis=2),
    "outer": lambda x: ops.outer(x[0, 0], x[0, 1]),
    "pad": lambda x: ops.pad(x, [[0, 0], [1, 2], [2, 1]], mode="reflect"),
    "padded": lambda x: ops.pad(x, [[1, 0], [0, 0], [2, 1]], constant_values=3.0),
    "quantile": lambda x: ops.quantile(x, 0.3, axis=2),
    "repeat": lambda x: ops.repeat(x, 3, axis=0),
    "rfft": lambda x: ops.irfft(ops.rfft(x)),
    "roll": lambda x: ops.roll(x, 1, axis=0),
    "scan": lambda x: ops.scan(lambda c, row: (c * 0.5 + row, c - row), x[:, 0], ops.swapaxes(x, 0, 1))[1],
    "scatter": lambda x: ops.scatter_update(x, [[0, 1, 2]], [5.0]),
    "median": lambda x: ops.median(x, axis=2),
    "segment_sum": lambda x: ops.segment_sum(x[0], np.array([0, 2, 0]), num_segments=3),
    "slice": lambda x: x[:, ::-2, 1:-1],
    "slice_update": lambda x: ops.slice_update(x, (0, 1, 1), ops.ones((1, 1, 2))),
    "split": lambda x: ops.split(x, [1, 3], axis=-1),
    "stack": lambda x: ops.stack([x, x], axis=1),
    "stft": lambda x: ops.stft(ops.reshape(x, (-1, 12)), 4, 2, 4),
    "tile": lambda x: ops.tile(x, (1, 2, 1)),
    "tril": lambda x: ops.tril(x) + ops.triu(x, 1),
    "unstack": lambda x: ops.unstack(x, axis=1),
    "vectorized": lambda x: ops.matmul(x, ops.swapaxes(x, 1, 2)),
    "while": lambda x: ops.fori_loop(0, 3, lambda i, c: c * 0.5 + 1, x),
}  # fmt: skip


@pytest.mark.parametrize("name", FUNCTIONS)
def test_functions_in_a_model(name: str, tmp_path: Path) -> None:
    x = keras.Input((3, 4))
    model = keras.Model(x, FUNCTIONS[name](x))
    session = exported(model, tmp_path)
    for n in ROWS:
        assert_same_answers(session, model, floats(n, 3, 4))


class Subclassed(keras.Model):
    def __init__(self) -> None:
        super().__init__()
        self.inner = layers.Dense(4, activation="gelu")
        self.around = layers.Bidirectional(layers.GRU(3, return_sequences=True))

    def call(self, x: Any) -> Any:
        hidden = self.around(self.inner(x))
        return {"steps": hidden, "best": ops.top_k(ops.sum(hidden, 1), 2)[0]}


def convolutional() -> Any:
    """Residual blocks, strides, a transposed convolution and gates, over images of any size."""
    x = keras.Input((None, None, 3))
    y = layers.Conv2D(8, 7, strides=2, padding="same", use_bias=False)(x)
    y = layers.ReLU()(layers.BatchNormalization()(y))
    y = layers.MaxPooling2D(3, 2, padding="same")(y)
    for _ in range(2):
        rest = layers.ReLU()(layers.BatchNormalization()(layers.Conv2D(8, 3, padding="same")(y)))
        y = layers.Add()([y, layers.DepthwiseConv2D(3, padding="same")(rest)])
    y = layers.AveragePooling2D(3, 2, padding="same")(y)
    z = layers.Conv2DTranspose(4, 3, strides=2, padding="same")(y)
    gate = layers.Conv2D(4, 1, activation="sigmoid")(layers.GlobalAveragePooling2D(keepdims=True)(z))
    z = layers.Multiply()([z, gate])
    bilinear = layers.UpSampling2D(2, interpolation="bilinear")(z)
    return keras.Model(x, [layers.GlobalMaxPooling2D()(y), z, bilinear])


def recurrent() -> Any:
    """States in and out, masks, cells of one's own choice."""
    ids = keras.Input((None,), dtype="int32")
    masked = layers.Embedding(20, 6, mask_zero=True)(ids)
    y = layers.LSTM(4, return_sequences=True)(masked)
    y = layers.SimpleRNN(3, go_backwards=True)(layers.GRU(4, return_sequences=True)(y))
    x = layers.Embedding(20, 6)(ids)
    all_h, h, c = layers.LSTM(4, return_sequences=True, return_state=True)(x)
    following = layers.LSTM(4)(all_h, initial_state=[h, c])
    older, state = layers.GRU(4, return_state=True, reset_after=False)(x)
    newer = layers.GRU(4, activation="relu")(x)
    linear = layers.SimpleRNN(2, activation=None, use_bias=False)(x)
    return keras.Model(ids, [y, all_h, h, c, following, older, state, newer, linear])


def transformer() -> Any:
    ids = keras.Input((None,), dtype="int32")
    x = nlp.TokenAndPositionEmbedding(30, 16, 8, mask_zero=True)(ids)
    x = nlp.TransformerDecoder(16, 2)(nlp.TransformerEncoder(16, 2)(x))
    return keras.Model(ids, layers.Dense(5)(x))


def bert() -> Any:
    model = nlp.Bert(30, 2, 2, 8, 16, max_sequence_length=16, pooler=True)
    model(tokens(30, 1, 4))
    return model


def gpt() -> Any:
    model = nlp.GPT(30, 2, 2, 8, 16, max_sequence_length=16)
    model(tokens(30, 1, 4))
    return model


def subclassed() -> Any:
    model = Subclassed()
    model(floats(1, 5, 3))
    return model


def dictionaries() -> Any:
    a, b = keras.Input((4,), name="a"), keras.Input((4,), name="b")
    total = layers.Add(name="total")([a, b])
    return keras.Model({"a": a, "b": b}, {"sum": total, "parts": [a, layers.Dense(2)(b)]})


def nested() -> Any:
    inner = keras.Sequential([keras.Input((6,)), layers.Dense(4, activation="relu"), layers.Dropout(0.5)])
    return keras.Sequential([keras.Input((6,)), inner, layers.Dense(3), layers.Softmax()])


def sequences(n: int, length: int) -> Array:
    return floats(n, length, 3)


def ids(n: int, length: int) -> Array:
    return tokens(20, n, length)


MODELS: dict[str, tuple[Any, Any]] = {
    "convolutional": (convolutional, lambda n, length: floats(n, 20 + length, 33, 3)),
    "recurrent": (recurrent, ids),
    "transformer": (transformer, ids),
    "bert": (bert, ids),
    "gpt": (gpt, ids),
    "subclassed": (subclassed, lambda n, length: floats(n, 5, 3)),
    "dictionaries": (dictionaries, lambda n, length: {"a": floats(n, 4), "b": floats(n, 4)}),
    "nested": (nested, lambda n, length: floats(n, 6)),
}


@pytest.mark.parametrize("name", MODELS)
def test_models(name: str, tmp_path: Path) -> None:
    make, draw = MODELS[name]
    model = make()
    session = exported(model, tmp_path)
    for n, length in zip(ROWS, (5, 9, 2)):
        assert_same_answers(session, model, draw(n, length))


def test_names_and_free_sizes_are_those_of_the_model(tmp_path: Path) -> None:
    x = keras.Input((None, 3), name="sound")
    model = keras.Model(x, layers.Dense(2, name="scores")(x), name="speech")
    session = exported(model, tmp_path)
    assert [(x.name, x.shape) for x in session.get_inputs()] == [("sound", ["batch", "dim_0_1", 3])]
    assert [(x.name, x.shape) for x in session.get_outputs()] == [("scores", ["batch", "dim_0_1", 2])]
    graph = onnx.load(tmp_path / "model.onnx").graph
    assert graph.name == "speech"
    assert [x.name for x in graph.initializer] == ["scores/kernel", "scores/bias"]
    assert all(node.name.startswith("speech/scores/") for node in graph.node)


def test_a_convnet_is_as_short_as_one_would_write_it(tmp_path: Path) -> None:
    model = keras.Sequential([
        keras.Input((28, 28, 1)), layers.Conv2D(8, 3, activation="relu"), layers.MaxPooling2D(),
        layers.Conv2D(16, 3, padding="same"), layers.BatchNormalization(), layers.ReLU(),
        layers.GlobalAveragePooling2D(), layers.Dropout(0.5), layers.Dense(10, activation="softmax"),
    ])  # fmt: skip
    assert_same_answers(exported(model, tmp_path), model, floats(3, 28, 28, 1))
    kinds = [node.op_type for node in onnx.load(tmp_path / "model.onnx").graph.node]
    assert kinds == (
        "Transpose Conv Relu MaxPool Conv Mul Add Relu ReduceMean Gemm Softmax".split()
    )


def test_one_node_runs_a_recurrence_and_shared_weights_are_written_once(tmp_path: Path) -> None:
    x, shared = keras.Input((None, 4)), layers.LSTM(4, return_sequences=True, name="shared")
    model = keras.Model(x, layers.GRU(3)(shared(shared(x))))
    assert_same_answers(exported(model, tmp_path), model, floats(2, 5, 4))
    graph = onnx.load(tmp_path / "model.onnx").graph
    assert [n.op_type for n in graph.node if n.op_type in ("LSTM", "GRU", "Scan")] == ["LSTM", "LSTM", "GRU"]
    assert sum(list(x.dims) == [1, 16, 4] for x in graph.initializer) == 2  # W and R of both calls


def test_states_come_in_and_go_out(tmp_path: Path) -> None:
    x = keras.Input(batch_shape=(2, 4, 3))
    model = keras.Model(x, layers.LSTM(3, stateful=True, name="rnn")(x))
    session = exported(model, tmp_path)
    first, *states = (x.name for x in session.get_inputs())
    _, *after = (x.name for x in session.get_outputs())
    assert len(states) == 2 and after == [f"{name}/next" for name in states]
    given: dict[str, Array] = {name: np.zeros((2, 3), "float32") for name in states}
    for _ in range(3):
        given[first] = floats(2, 4, 3)
        answer, *kept = session.run(None, given)
        assert_close(answer, model.predict_on_batch(given[first]))
        given.update(zip(states, kept))


def test_a_signature_stands_in_the_place_of_the_models(tmp_path: Path) -> None:
    model = Subclassed()
    with pytest.raises(ValueError, match="expected a model that has been built, got 'subclassed"):
        model.export(tmp_path / "m.onnx")
    spec = keras.layers.InputSpec(shape=(None, None, 3), dtype="float32", name="seen")
    session = exported(model, tmp_path, input_signature=[spec])
    assert [x.name for x in session.get_inputs()] == ["seen"]
    for n, length in ((1, 4), (3, 1)):
        assert_same_answers(session, model, floats(n, length, 3))
    dense = nested()
    session = exported(dense, tmp_path, input_signature=keras.layers.InputSpec(shape=(2, 6), dtype="float32"))
    assert session.get_inputs()[0].shape == [2, 6]
    session = exported(dense, tmp_path, input_signature=[np.zeros((5, 6), "float32")])
    assert session.get_inputs()[0].shape == ["batch", 6]
    for wrong, error, words in (
        ([spec, spec], ValueError, "of the 1 inputs"),
        (["x"], TypeError, "InputSpec, KerasTensor or arrays"),
        ([keras.layers.InputSpec(ndim=2)], ValueError, "`shape` and `dtype`"),
    ):
        with pytest.raises(error, match=words):
            dense.export(tmp_path / "m.onnx", input_signature=wrong)


@pytest.mark.parametrize("dtype", ["float64", "mixed_float16", "mixed_bfloat16"])
def test_other_dtypes(dtype: str, tmp_path: Path) -> None:
    x = keras.Input((4,), dtype="float64" if dtype == "float64" else None)
    model = keras.Model(x, layers.Dense(3, dtype=dtype)(layers.LayerNormalization(dtype=dtype)(x)))
    session = exported(model, tmp_path)
    array = floats(3, 4).astype(x.dtype)
    (answer,) = session.run(None, feeds(session, [array]))
    expected = model.predict_on_batch(array)
    # Of bfloat16, which NumPy lacks, the file gives float32, not rounded.
    if dtype == "mixed_bfloat16":
        assert answer.dtype == "float32"
        assert_close(answer, expected.astype("float32"), 1e-2)
    else:
        assert_close(answer, expected, 1e-3 if dtype == "mixed_float16" else 1e-5)


def test_integers_of_a_byte_and_inputs_that_are_outputs(tmp_path: Path) -> None:
    x = keras.Input((4,), dtype="int8", name="x")
    model = keras.Model(x, [x, x, ops.cast(x, "float32") / 2])
    session = exported(model, tmp_path)
    first, second, third = (x.name for x in session.get_outputs())
    assert (first, second) == ("x_2", "x_3") and third.startswith("true_divide")
    assert_same_answers(session, model, np.arange(-6, 6, dtype="int8").reshape(3, 4))


@pytest.mark.parametrize("opset", [20, 23])
def test_other_opsets(opset: int, tmp_path: Path) -> None:
    model = transformer()
    session = exported(model, tmp_path, opset_version=opset)
    assert onnx.load(tmp_path / "model.onnx").opset_import[0].version == opset
    assert_same_answers(session, model, tokens(20, 3, 5))


class Drawing(layers.Layer):
    def call(self, x: Any) -> Any:
        return x + keras.random.normal(ops.shape(x), seed=self.seed)

    def __init__(self) -> None:
        super().__init__(name="noise")
        self.seed = keras.random.SeedGenerator(3)


class Averaging(layers.Layer):
    def call(self, x: Any) -> Any:
        return ops.sum(x, axis=1) * (1.0 / x.shape[1])


def test_what_cannot_be_written_is_refused_and_nothing_is(tmp_path: Path) -> None:
    path, model = tmp_path / "m.onnx", nested()
    text = keras.Input((), dtype="string")
    words = layers.TextVectorization(vocabulary=["a", "b"], output_sequence_length=3, name="words")(text)
    x, steps = keras.Input((3,)), keras.Input((None, 3))
    for made, options, words_of_error in (
        (model, {"format": "tf_saved_model"}, "a format that is built, 'onnx', got 'tf_saved_model'"),
        (model, {"opset_version": 7}, "opset_version from 20"),
        (keras.Model(text, layers.Embedding(5, 2)(words)), {}, r"'words' \(TextVectorization\), which run before"),
        (keras.Model(x, Drawing()(x)), {}, "layer '.*noise' calls the op 'random'"),
        (keras.Model(steps, Averaging()(steps)), {}, "computes other numbers where a size is free"),
        (keras.Sequential([layers.Dense(2)]), {}, "expected a model that has been built"),
    ):
        with pytest.raises(ValueError, match=words_of_error):
            made.export(path, **options)
    with pytest.raises(ValueError, match=r"ends in '\.onnx', got .*m\.pb"):
        model.export(tmp_path / "m.pb")
    with pytest.raises(TypeError, match="no keyword but opset_version, got \\['opset'\\]"):
        model.export(path, opset=21)
    with pytest.raises(FileNotFoundError):
        model.export(tmp_path / "none" / "m.onnx")
    assert not os.listdir(tmp_path)
    fixed = keras.Input((4, 3))
    model = keras.Model(fixed, Averaging()(fixed))
    assert_same_answers(exported(model, tmp_path), model, floats(2, 4, 3))


def test_weights_beyond_what_one_file_holds_are_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("chainrule.exporting.onnx._file.LARGEST", 100)
    with pytest.raises(ValueError, match="at most 100 bytes of weights"):
        nested().export(tmp_path / "m.onnx")
    assert not os.listdir(tmp_path)


def test_it_says_where_the_file_is(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    nested().export(tmp_path / "m.onnx")
    assert capsys.readouterr().out == f"Saved artifact at '{tmp_path / 'm.onnx'}'.\n"
    nested().export(str(tmp_path / "m.onnx"), verbose=False)
    assert capsys.readouterr().out == ""


def test_the_package_is_imported_when_a_model_is_exported() -> None:
    code = (
        "import sys, chainrule as keras\n"
        "model = keras.Sequential([keras.Input((3,)), keras.layers.Dense(2)])\n"
        "print('onnx' in sys.modules, 'chainrule.exporting' in sys.modules)"
    )
    assert printed(code, 1, "").split() == ["False", "False"]
