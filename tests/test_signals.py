"""Fourier transforms of signals: the public ops beside NumPy and Keras, gradients, bad input."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import chainrule as cr
from chainrule import layers, models, ops
from chainrule.errors import DTypeError, ShapeError

RNG = np.random.default_rng(3)
WINDOWS: tuple[Any, ...] = ("hann", "hamming", None, RNG.uniform(0.2, 1.0, 10))
# sequence_length, sequence_stride, fft_length, window, center
CUTS = [
    (10, stride, n, window, center)
    for stride, n in ((2, 10), (3, 16), (5, 11), (12, 12))
    for window in WINDOWS
    for center in (True, False)
]
# Of windows that lie side by side JAX gives back a part alone (36 of SciPy's 60 numbers).
BESIDE_KERAS = [
    (10, stride, n, window, center)
    for (stride, n), center in (((2, 10), True), ((3, 16), False), ((5, 11), True))
    for window in WINDOWS
]


@pytest.fixture
def keras(monkeypatch: pytest.MonkeyPatch) -> Any:
    monkeypatch.setenv("KERAS_BACKEND", "jax")
    return pytest.importorskip("keras", minversion="3.15")


def _pair(z: Any) -> tuple[Any, Any]:
    return z.real, z.imag


def _check(got: Any, expected: Any, dtype: str = "float64") -> None:
    """Relative to the largest number: parts that are 0 are nearly so elsewhere."""
    scale = max(float(np.max(np.abs(part), initial=0.0)) for part in expected) or 1.0
    allowed = {"float64": 1e-12, "float32": 2e-6}[dtype] * scale
    for a, b in zip(got, expected, strict=True):
        assert isinstance(a, np.ndarray) and a.shape == b.shape and a.dtype == dtype
        assert float(np.max(np.abs(a - b), initial=0.0)) <= allowed


@given(data=st.data())
def test_transforms_are_those_of_numpy(data: st.DataObject) -> None:
    dtype = data.draw(st.sampled_from(["float32", "float64"]))
    lead = data.draw(st.lists(st.integers(1, 3), max_size=2), label="leading axes")
    shape = (*lead, *(data.draw(st.integers(1, 70), label=label) for label in ("m", "n")))
    n = data.draw(st.none() | st.integers(1, 90), label="fft_length")
    rng = np.random.default_rng(data.draw(st.integers(0, 99)))
    re, im = rng.standard_normal((2, *shape)).astype(dtype)
    z = re.astype("float64") + 1j * im
    _check(ops.fft((re, im)), _pair(np.fft.fft(z)), dtype)
    _check(ops.fft2((re, im)), _pair(np.fft.fft2(z)), dtype)
    _check(ops.ifft2((re, im)), _pair(np.fft.ifft2(z)), dtype)
    _check(ops.rfft(re, n), _pair(np.fft.rfft(z.real, n)), dtype)
    if n is not None or shape[-1] > 1:
        _check([ops.irfft([re, im], n)], [np.fft.irfft(z, n)], dtype)


@pytest.mark.parametrize("arguments", CUTS, ids=str)
def test_short_transforms_are_their_sums(arguments: Any) -> None:
    length, stride, n, window, center = arguments
    x = RNG.normal(size=(2, 3, 50))
    named = {"hann": np.hanning(11)[:-1], "hamming": np.hamming(11)[:-1]}
    weights = np.ones(n)
    if window is not None:
        before = (n - length) // 2
        values = named[window] if isinstance(window, str) else window
        weights = np.pad(values, (before, n - length - before))
    padded = np.pad(x, [(0, 0), (0, 0), (n // 2, n // 2)], mode="reflect") if center else x
    starts = range(0, padded.shape[-1] - n + 1, stride)
    frames = np.stack([padded[..., s : s + n] for s in starts], axis=-2)
    _check(ops.stft(x, *arguments), _pair(np.fft.rfft(frames * weights)))


@pytest.mark.parametrize("arguments", BESIDE_KERAS, ids=str)
def test_short_transforms_are_those_of_keras(keras: Any, arguments: Any) -> None:
    length, stride, n, window, center = arguments
    x = RNG.normal(size=(2, 50)).astype("float32")
    pair = [np.asarray(part) for part in keras.ops.stft(x, *arguments)]
    _check(ops.stft(x, *arguments), pair, "float32")
    for long in (None, 17):
        got = ops.istft(tuple(pair), length, stride, n, long, window, center)
        expected = np.asarray(keras.ops.istft(tuple(pair), length, stride, n, long, window, center))
        np.testing.assert_allclose(got, expected, rtol=2e-4, atol=2e-4 * np.abs(expected).max())


def test_signatures_are_those_of_keras(keras: Any) -> None:
    for name in ("fft", "fft2", "ifft2", "rfft", "irfft", "stft", "istft", "extract_sequences"):
        def parameters(module: Any) -> list[Any]:
            found = inspect.signature(getattr(module, name)).parameters.values()
            return [(p.name, p.default) for p in found]

        assert parameters(ops) == parameters(keras.ops), name


@pytest.mark.parametrize("center", [True, False])
@pytest.mark.parametrize("n, stride", [(16, 4), (15, 5), (1, 1), (2, 1)])
def test_signals_come_back(n: int, stride: int, center: bool) -> None:
    x = RNG.normal(size=(3, 61))
    window = None if n < 3 else "hamming"
    back = ops.istft(ops.stft(x, n, stride, n, window, center), n, stride, n, None, window, center)
    factor = n / stride if window is None else 1.0
    np.testing.assert_allclose(back, factor * x[:, : back.shape[-1]], atol=1e-12)
    around = n // 2 * 2 if center else 0
    frames = (61 + around - n) // stride + 1
    assert back.shape == (3, n + stride * (frames - 1) - around)


def test_nothing_lies_where_no_window_does() -> None:
    re, im = np.ones((3, 3)), np.zeros((3, 3))
    re[:, 1] = 3.0
    y = ops.istft((re, im), 2, 8, 4, None, [0.0, 1.0], False)
    assert y.shape == (20,) and np.flatnonzero(y).tolist() == [2, 10, 18]


def test_sequences_overlap_as_they_should() -> None:
    assert ops.extract_sequences([1, 2, 3, 4, 5, 6], 3, 2).tolist() == [[1, 2, 3], [3, 4, 5]]
    assert ops.extract_sequences(np.zeros((2, 2)), 3, 1).shape == (2, 0, 3)


def _gradients(function: Callable[..., Any], *xs: Any) -> Any:
    """Of the squares of all results, weighed."""

    def loss(*xs: Any) -> Any:
        results = function(*xs)
        results = results if isinstance(results, (tuple, list)) else [results]
        return sum(ops.sum(ops.sin(y + 0.3 * i) * (i + 1)) for i, y in enumerate(results))

    return loss, cr.grad(loss, argnums=tuple(range(len(xs))))(*xs)


@pytest.mark.parametrize(
    "function, shapes",
    [
        (lambda a, b: ops.fft((a, b)), [(2, 7), (2, 7)]),
        (lambda a, b: ops.fft2((a, b)), [(2, 3, 4), (2, 3, 4)]),
        (lambda a, b: ops.ifft2((a, b)), [(3, 5), (3, 5)]),
        (lambda a, b: ops.fft((a, b))[1], [(5,), (5,)]),
        (lambda a: ops.rfft(a, 5)[0], [(2, 8)]),
        (lambda a: ops.rfft(a, 12), [(2, 8)]),
        (lambda a, b: ops.irfft((a, b)), [(2, 5), (2, 5)]),
        (lambda a, b: ops.irfft((a, b), 7), [(2, 6), (2, 6)]),
        (lambda a, w: ops.stft(a, 4, 2, 6, w), [(2, 11), (4,)]),
        (lambda a, b, w: ops.istft((a, b), 4, 2, 6, None, w), [(3, 4), (3, 4), (4,)]),
        (lambda a: ops.extract_sequences(a, 4, 1), [(9,)]),
    ],
)
def test_gradients_are_finite_differences(function: Any, shapes: Any) -> None:
    xs = [RNG.uniform(0.4, 1.5, shape) for shape in shapes]
    loss, gradients = _gradients(function, *xs)
    for i, (x, gradient) in enumerate(zip(xs, gradients, strict=True)):
        way = RNG.normal(size=x.shape)
        moved = [
            float(loss(*xs[:i], x + sign * 1e-5 * way, *xs[i + 1 :])) for sign in (1.0, -1.0)
        ]
        measured = (moved[0] - moved[1]) / 2e-5
        assert abs(measured - float(np.sum(gradient * way))) <= 1e-6 * (1 + abs(measured))


def test_lengths_that_are_known_when_it_runs() -> None:
    x = layers.Input((None,))
    re, im = ops.stft(x, 16, 4, 16)
    assert re.shape == (None, None, 9)
    y = ops.istft((re, im), 16, 4, 16)
    longer = ops.rfft(x, 32)[0]
    cut = ops.istft((re, im), 16, 4, 16, 7)
    own = ops.irfft(ops.rfft(x))
    assert (y.shape, longer.shape, cut.shape, own.shape) == (
        (None, None), (None, 17), (None, 7), (None, None),
    )  # fmt: skip
    model = models.Model(x, [y, longer, cut, own])
    for n in (20, 41, 64):
        signal = RNG.normal(size=(2, n)).astype("float32")
        back, spectrum, first, same = model.predict(signal, verbose=0)
        np.testing.assert_allclose(back, signal[:, : back.shape[1]], atol=1e-5)
        np.testing.assert_allclose(first, signal[:, :7], atol=1e-5)
        assert same.shape == (2, n // 2 * 2)
        expected = np.fft.rfft(signal, 32).real
        np.testing.assert_allclose(spectrum, expected, atol=1e-5 * np.abs(expected).max())


X = np.ones((2, 8), "float32")


@pytest.mark.parametrize(
    "call, error, part",
    [
        (lambda: ops.fft(X), ValueError, "tuple of two tensors"),
        (lambda: ops.fft((X,)), ValueError, "tuple of two tensors"),
        (lambda: ops.fft((X, X[0])), ShapeError, r"same shape.*\(2, 8\).*\(8,\)"),
        (lambda: ops.fft2((X[0], X[0])), ShapeError, "rank >= 2"),
        (lambda: ops.ifft2((X, X.T)), ShapeError, "same shape"),
        (lambda: ops.fft((1.0, 2.0)), ShapeError, "rank >= 1"),
        (lambda: ops.fft((X[:, :0], X[:, :0])), ShapeError, "1 element"),
        (lambda: ops.rfft(1.0), ShapeError, "rank >= 1"),
        (lambda: ops.rfft(X, 0), ValueError, "`fft_length` must be a positive integer.*0"),
        (lambda: ops.rfft(X, -3), ValueError, "fft_length=-3"),
        (lambda: ops.rfft(X, 2.5), ValueError, "fft_length=2.5"),
        (lambda: ops.rfft(X, 2**62), ShapeError, "bytes"),
        (lambda: ops.rfft(["a"]), DTypeError, "x"),
        (lambda: ops.irfft((X[:, :1], X[:, :1])), ShapeError, "2 elements or more"),
        (lambda: ops.irfft((X, X), 0), ValueError, "positive integer"),
        (lambda: ops.irfft((X, X), 2**62), ShapeError, "bytes"),
        (lambda: ops.stft(X, 4, 0, 4), ValueError, "`sequence_stride` must be a positive integer"),
        (lambda: ops.stft(X, 4, 1.5, 4), ValueError, "sequence_stride=1.5"),
        (lambda: ops.stft(X, 8, 2, 4), ValueError, "equal or larger than `sequence_length`"),
        (lambda: ops.stft(X, 4, 2, 4, "hanning"), ValueError, "window=hanning"),
        (lambda: ops.stft(X, 4, 2, 4, [1.0] * 5), ShapeError, r"\[4\].*\(5,\)"),
        (lambda: ops.stft(X.astype("int32"), 4, 2, 4), DTypeError, "type=int32"),
        (lambda: ops.stft(X[:, :0], 4, 2, 4), ShapeError, r"stft: .* at least one .*, 0\)$"),
        (lambda: ops.istft((X, X), 4, -1, 4), ValueError, "sequence_stride=-1"),
        (lambda: ops.istft((X, X), 4, 2, 4, 0), ValueError, "`length`"),
        (lambda: ops.istft((X[0], X[0]), 4, 2, 4), ShapeError, "rank >= 2"),
        (lambda: ops.istft((X[:0], X[:0]), 4, 2, 4), ShapeError, "one frame or more"),
        (lambda: ops.istft((X, X), 4, 2, 4, None, [1.0]), ShapeError, r"\[4\].*\(1,\)"),
        (lambda: ops.extract_sequences(X, 0, 1), ValueError, "sequence_length=0"),
        (lambda: ops.extract_sequences(3.0, 1, 1), ShapeError, "rank >= 1"),
    ],
)  # fmt: skip
def test_bad_input_is_refused(call: Any, error: Any, part: str) -> None:
    with pytest.raises(error, match=part):
        call()
