"""The rows of `ops.py`: an op at a shape, and how each contestant computes it.

`ours` takes traced tensors, `jax` takes its arrays inside `jit`, `numpy` and `torch` take arrays
and give closures: forms of the same computation, of which the fastest counts. Results of NumPy go
into buffers that are kept, which is the faster form wherever it exists.
"""

from __future__ import annotations

import functools
import importlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import attention_rows
import conv_rows
import ctc_rows
import image_rows
import numpy as np
import sound_rows
from numpy.typing import NDArray

Array = NDArray[Any]
Forms = list[Callable[[], Any]]

FLOPS, BYTES, TIME = "GFLOP/s", "GB/s", "us"
SMALL, LARGE = (128, 512), (4096, 1024)


@dataclass(frozen=True)
class Row:
    """An op at a shape; `work` is its floating-point operations, or the bytes it must move, or 1."""

    op: str
    shape: str
    unit: str
    work: float
    arrays: Callable[[], list[Array]]
    ours: Callable[..., Any]
    jax: Callable[..., Any] | None
    numpy: Callable[..., Forms] | None
    torch: Callable[..., Forms] | None = None

    @property
    def name(self) -> str:
        """As "gemm nn 128x784x512"."""
        return f"{self.op} {self.shape}"


def _ops() -> Any:
    return importlib.import_module("chainrule.ops")


def _jnp() -> Any:
    return importlib.import_module("jax.numpy")


def _normal(*shape: int, seed: int = 0, dtype: Any = np.float32) -> Array:
    return np.random.default_rng([seed, *shape]).standard_normal(shape, dtype=dtype)


def _with_rows(shape: tuple[int, int], rows: int) -> list[Array]:
    return [_normal(*shape), *(_normal(shape[1], seed=1 + i) for i in range(rows))]


def _with_labels(shape: tuple[int, int]) -> list[Array]:
    labels = np.random.default_rng(1).integers(0, shape[1], shape[0])
    return [_normal(*shape), labels.astype(np.int32)]


def _times(*shape: int) -> str:
    return "x".join(map(str, shape))


def _gemm(op: str, form: str, m: int, k: int, n: int) -> Row:
    """a (m, k) @ b (k, n); "t" marks the side that is stored the other way round."""
    flip_a, flip_b = form[0] == "t", form[1] == "t"
    dtype = np.float64 if op == "gemm64" else np.float32

    def arrays() -> list[Array]:
        a, b = ((k, m) if flip_a else (m, k)), ((n, k) if flip_b else (k, n))
        return [_normal(*a, dtype=dtype), _normal(*b, dtype=dtype)]

    def ours(a: Any, b: Any) -> Any:
        dispatch = importlib.import_module("chainrule.tracing.dispatch")
        return dispatch.apply("matmul", {"transpose_a": flip_a, "transpose_b": flip_b}, [a, b])

    def jax(a: Any, b: Any) -> Any:
        return (a.T if flip_a else a) @ (b.T if flip_b else b)

    def numpy(a: Array, b: Array) -> Forms:
        out = np.empty((m, n), dtype)
        left, right = a.T if flip_a else a, b.T if flip_b else b
        return [lambda: np.matmul(left, right, out=out)]

    def torch(a: Array, b: Array) -> Forms:
        torch: Any = importlib.import_module("torch")
        left, right = (torch.from_numpy(x) for x in (a, b))
        left, right = left.T if flip_a else left, right.T if flip_b else right
        out = torch.empty((m, n), dtype=left.dtype)
        return [lambda: torch.matmul(left, right, out=out)]

    work = 2.0 * m * k * n
    return Row(f"{op} {form}", _times(m, k, n), FLOPS, work, arrays, ours, jax, numpy, torch)


def _gemms(op: str) -> Iterator[Row]:
    for n in (32, 48, 64, 96, 128, 192, 256, 384, 512, 768, 1024, 1536, 2048):
        yield _gemm(op, "nn", n, n, n)
    layers = {
        32: ((64, 64), (64, 32), (32, 10)),
        128: ((784, 512), (512, 256), (256, 10)),
        512: ((1024, 2048), (2048, 2048), (2048, 1000)),
    }
    for batch, shapes in layers.items():
        for k, n in shapes:
            yield _gemm(op, "nn", batch, k, n)  # x @ w
            yield _gemm(op, "tn", k, batch, n)  # dw = x^T @ dy
            yield _gemm(op, "nt", batch, n, k)  # dx = dy @ w^T


def _tokens() -> Iterator[Row]:
    """Products of a small Transformer: 768 tokens of 128 channels, and their gradients."""
    for k, n in ((128, 128), (128, 512), (512, 128)):
        yield _gemm("tokens", "nn", 768, k, n)
        yield _gemm("tokens", "tn", k, 768, n)
        yield _gemm("tokens", "nt", 768, n, k)


def _few_rows() -> Iterator[Row]:
    """Products of a few samples, as served models have them."""
    for m in (1, 2, 4, 8):
        for k, n in ((64, 64), (784, 512), (2048, 2048)):
            for form in ("nn", "nt"):
                yield _gemm("few rows", form, m, k, n)


def _convs() -> Iterator[Row]:
    for kind, layer in conv_rows.layers():
        yield Row(
            kind,
            layer.name,
            FLOPS,
            layer.work,
            functools.partial(conv_rows.arrays, kind, layer),
            conv_rows.ours(kind, layer),
            conv_rows.jax(kind, layer),
            None,
            conv_rows.torch(kind, layer),
        )


def _attention() -> Iterator[Row]:
    for case in attention_rows.CASES:
        yield Row(
            case.op,
            case.shape,
            FLOPS,
            case.work,
            functools.partial(attention_rows.arrays, case),
            attention_rows.ours(case),
            attention_rows.jax(case),
            None,
        )


def _ctc() -> Iterator[Row]:
    for case in ctc_rows.CASES:
        yield Row(
            case.op,
            case.shape,
            BYTES,
            case.work,
            functools.partial(ctc_rows.arrays, case),
            ctc_rows.ours(case),
            ctc_rows.jax(case),
            None,
            ctc_rows.torch(case),
        )


def _images() -> Iterator[Row]:
    for case in image_rows.CASES:
        yield Row(
            case.op,
            case.shape,
            BYTES,
            case.work,
            functools.partial(image_rows.arrays, case),
            image_rows.ours(case),
            image_rows.jax(case),
            None,
            image_rows.torch(case),
        )


def _sound() -> Iterator[Row]:
    for case in sound_rows.CASES:
        yield Row(
            case.op,
            case.shape,
            TIME,
            1.0,
            functools.partial(sound_rows.arrays, case),
            sound_rows.ours(case),
            sound_rows.jax(case),
            sound_rows.numpy(case),
            sound_rows.torch(case),
        )


def _map(
    op: str,
    shape: tuple[int, ...],
    ours: Callable[..., Any],
    jax: Callable[..., Any] | None,
    numpy: Callable[..., Forms] | None,
    inputs: int = 1,
    positive: bool = False,
    moved: float | None = None,
) -> Row:
    """Element by element: the bytes are those of the inputs and of a result like them."""

    def arrays() -> list[Array]:
        made = [_normal(*shape, seed=i) for i in range(inputs)]
        return [np.abs(a) + np.float32(0.1) for a in made] if positive else made

    size = 4.0 * float(np.prod(shape))
    work = size * (inputs + 1) if moved is None else moved
    return Row(op, _times(*shape), BYTES, work, arrays, ours, jax, numpy)


def _ufunc(name: str) -> Callable[..., Forms]:
    def forms(*arrays: Array) -> Forms:
        function = getattr(np, name)
        out = np.empty(np.broadcast_shapes(*(a.shape for a in arrays)), np.float32)
        return [lambda: function(*arrays, out=out)]

    return forms


def _elementwise() -> Iterator[Row]:
    plain = ("negative", "square", "floor", "sqrt", "exp", "log", "tanh", "sin", "expm1", "log1p")
    pairs = ("add", "multiply", "divide", "maximum", "power")
    for shape in (SMALL, LARGE):
        for name in plain:
            yield _map(
                name,
                shape,
                lambda x, name=name: getattr(_ops(), name)(x),
                lambda x, name=name: getattr(_jnp(), name)(x),
                _ufunc(name),
                positive=name in ("sqrt", "log", "log1p"),
            )
        for name in pairs:
            yield _map(
                name,
                shape,
                lambda x, y, name=name: getattr(_ops(), name)(x, y),
                lambda x, y, name=name: getattr(_jnp(), name)(x, y),
                _ufunc(name),
                inputs=2,
                positive=name == "power",
            )
        for name in ("relu", "sigmoid", "gelu", "silu", "softplus", "erf"):
            yield _map(
                name,
                shape,
                lambda x, name=name: getattr(_ops(), name)(x),
                lambda x, name=name: _jax_activation(name, x),
                _numpy_activation.get(name),
            )
        yield _map("where", shape, _ours_where, _jax_where, _numpy_where, inputs=3)
        yield _map("chain of 6", shape, _chain, _chain, _numpy_chain, inputs=2)
        yield Row(
            "add a row",
            _times(*shape),
            BYTES,
            8.0 * shape[0] * shape[1],
            functools.partial(_with_rows, shape, 1),
            lambda x, y: _ops().add(x, y),
            lambda x, y: x + y,
            _ufunc("add"),
        )


def _jax_activation(name: str, x: Any) -> Any:
    if name == "erf":
        return importlib.import_module("jax.scipy.special").erf(x)
    nn = importlib.import_module("jax.nn")
    return nn.gelu(x, approximate=True) if name == "gelu" else getattr(nn, name)(x)


def _numpy_relu(x: Array) -> Forms:
    out = np.empty_like(x)
    return [lambda: np.maximum(x, 0, out=out)]


def _numpy_sigmoid(x: Array) -> Forms:
    out = np.empty_like(x)

    def by_exp() -> None:
        np.negative(x, out=out)
        np.exp(out, out=out)
        np.add(out, 1, out=out)
        np.reciprocal(out, out=out)

    def by_tanh() -> None:
        np.multiply(x, np.float32(0.5), out=out)
        np.tanh(out, out=out)
        np.multiply(out, np.float32(0.5), out=out)
        np.add(out, np.float32(0.5), out=out)

    return [by_exp, by_tanh]


_numpy_activation: dict[str, Callable[..., Forms]] = {
    "relu": _numpy_relu,
    "sigmoid": _numpy_sigmoid,
}


def _ours_where(c: Any, x: Any, y: Any) -> Any:
    return _ops().where(_ops().greater(c, 0.0), x, y)


def _jax_where(c: Any, x: Any, y: Any) -> Any:
    return _jnp().where(c > 0, x, y)


def _numpy_where(c: Array, x: Array, y: Array) -> Forms:
    def in_place() -> None:
        np.copyto(out, y)
        np.copyto(out, x, where=np.greater(c, 0, out=mask))

    out, mask = np.empty_like(x), np.empty(c.shape, np.bool_)
    return [in_place, lambda: np.where(c > 0, x, y)]


def _chain(x: Any, y: Any) -> Any:
    return ((x * 1.5 + y) * x - y) * 0.5 + x


def _numpy_chain(x: Array, y: Array) -> Forms:
    out = np.empty_like(x)

    def in_place() -> None:
        np.multiply(x, np.float32(1.5), out=out)
        np.add(out, y, out=out)
        np.multiply(out, x, out=out)
        np.subtract(out, y, out=out)
        np.multiply(out, np.float32(0.5), out=out)
        np.add(out, x, out=out)

    return [in_place]


def _softmaxes() -> Iterator[Row]:
    def numpy(x: Array) -> Forms:
        out = np.empty_like(x)

        def in_place() -> None:
            np.subtract(x, x.max(axis=1, keepdims=True), out=out)
            np.exp(out, out=out)
            np.divide(out, out.sum(axis=1, keepdims=True), out=out)

        return [in_place]

    for shape in ((128, 10), (512, 1000), LARGE):
        for name in ("softmax", "log_softmax"):
            yield _map(
                name,
                shape,
                lambda x, name=name: getattr(_ops(), name)(x),
                lambda x, name=name: getattr(importlib.import_module("jax.nn"), name)(x),
                numpy if name == "softmax" else None,
            )
        yield Row(
            "cross-entropy, gradient",
            _times(*shape),
            BYTES,
            8.0 * shape[0] * shape[1],
            functools.partial(_with_labels, shape),
            _ours_cross_entropy,
            _jax_cross_entropy,
            None,
        )


def _ours_cross_entropy(x: Any, labels: Any) -> Any:
    ops = _ops()
    loss = ops.mean(ops.sparse_categorical_crossentropy(labels, x, from_logits=True))
    return [loss, *x.trace.gradients(loss, [x])]


def _jax_cross_entropy(x: Any, labels: Any) -> Any:
    jax, jnp = importlib.import_module("jax"), _jnp()

    def loss(x: Any) -> Any:
        picked = jnp.take_along_axis(x, labels[:, None], 1)[:, 0]
        return (jax.nn.logsumexp(x, 1) - picked).mean()

    return jax.value_and_grad(loss)(x)


def _reductions() -> Iterator[Row]:
    for shape in (SMALL, LARGE):
        for name in ("sum", "mean", "max", "var", "argmax"):
            for axis in (0, 1, None):
                if axis is None and name == "argmax":
                    continue
                yield Row(
                    f"{name} over {'all' if axis is None else f'axis {axis}'}",
                    _times(*shape),
                    BYTES,
                    4.0 * shape[0] * shape[1],
                    functools.partial(_with_rows, shape, 0),
                    lambda x, name=name, axis=axis: getattr(_ops(), name)(x, axis=axis),
                    lambda x, name=name, axis=axis: getattr(_jnp(), name)(x, axis=axis),
                    lambda x, name=name, axis=axis: [lambda: getattr(np, name)(x, axis=axis)],
                )


def _norms() -> Iterator[Row]:
    def normalized(axis: int) -> Callable[..., Any]:
        def jax(x: Any, gamma: Any, beta: Any) -> Any:
            mean, variance = x.mean(axis, keepdims=True), x.var(axis, keepdims=True)
            inverse = importlib.import_module("jax.lax").rsqrt(variance + 1e-3)
            return (x - mean) * inverse * gamma + beta

        return jax

    def numpy(axis: int) -> Callable[..., Forms]:
        def forms(x: Array, gamma: Array, beta: Array) -> Forms:
            out, square = np.empty_like(x), np.empty_like(x)

            def in_place() -> None:
                np.subtract(x, x.mean(axis, keepdims=True), out=out)
                variance = np.square(out, out=square).mean(axis, keepdims=True)
                np.divide(out, np.sqrt(variance + np.float32(1e-3)), out=out)
                np.multiply(out, gamma, out=out)
                np.add(out, beta, out=out)

            return [in_place]

        return forms

    def ours(axis: int) -> Callable[..., Any]:
        def layer(x: Any, gamma: Any, beta: Any) -> Any:
            apply = importlib.import_module("chainrule.tracing.dispatch").apply
            if axis == 1:
                return apply("layer_norm", {"epsilon": 1e-3, "axes": [1]}, [x, gamma, beta])
            return apply("batch_norm", {"epsilon": 1e-3}, [x, gamma, beta], outputs=3)[0]

        return layer

    def ours_gradient(axis: int) -> Callable[..., Any]:
        def both(x: Any, gamma: Any, beta: Any) -> Any:
            y = ours(axis)(x, gamma, beta)
            return [y, *x.trace.gradients(_ops().sum(y * y), [x, gamma, beta])]

        return both

    def jax_gradient(axis: int) -> Callable[..., Any]:
        def both(*given: Any) -> Any:
            def loss(*given: Any) -> Any:
                y = normalized(axis)(*given)
                return (y * y).sum(), y

            jax = importlib.import_module("jax")
            return jax.value_and_grad(loss, argnums=(0, 1, 2), has_aux=True)(*given)

        return both

    for shape in (SMALL, LARGE):
        for name, axis in (("layer norm", 1), ("batch norm", 0)):
            size, text = 4.0 * shape[0] * shape[1], _times(*shape)
            made = functools.partial(_with_rows, shape, 2)
            yield Row(name, text, BYTES, 2 * size, made, ours(axis), normalized(axis), numpy(axis))
            yield Row(
                f"{name}, gradients",
                text,
                BYTES,
                3 * size,
                made,
                ours_gradient(axis),
                jax_gradient(axis),
                None,
            )


def _pools() -> Iterator[Row]:
    """The pools of mnist_convnet; the bytes are those of the image and of the result."""
    half = {"window": [2, 2], "strides": [2, 2], "padding": [0, 0, 0, 0]}

    def ours(function: str) -> Callable[..., Any]:
        apply = importlib.import_module("chainrule.tracing.dispatch").apply
        return lambda x: apply("pool", {"function": function, **half}, [x])

    def jax(function: str) -> Callable[..., Any]:
        def pooled(x: Any) -> Any:
            lax = importlib.import_module("jax.lax")
            start, fold = (-np.inf, lax.max) if function == "max" else (0.0, lax.add)
            y = lax.reduce_window(x, start, fold, (1, 2, 2, 1), (1, 2, 2, 1), "valid")
            return y if function == "max" else y / 4

        return pooled

    def numpy(function: str) -> Callable[..., Forms]:
        def forms(x: Array) -> Forms:
            n, h, w, c = (x.shape[0], x.shape[1] // 2, x.shape[2] // 2, x.shape[3])
            parts = [x[:, i : 2 * h : 2, j : 2 * w : 2] for i in (0, 1) for j in (0, 1)]
            fold = np.maximum if function == "max" else np.add
            out = np.empty((n, h, w, c), np.float32)

            def in_place() -> None:
                fold(parts[0], parts[1], out=out)
                fold(out, parts[2], out=out)
                fold(out, parts[3], out=out)
                if function == "mean":
                    np.multiply(out, np.float32(0.25), out=out)

            return [in_place]

        return forms

    def gradient(function: str, x: Any, dy: Any) -> Any:
        pooled = ours(function)(x)
        return [pooled, *x.trace.gradients(_ops().sum(pooled * dy), [x])]

    def jax_gradient(function: str, x: Any, dy: Any) -> Any:
        pooled, back = importlib.import_module("jax").vjp(jax(function), x)
        return pooled, *back(dy)

    for shape in ((128, 26, 26, 32), (128, 11, 11, 64)):
        halved = (shape[0], shape[1] // 2, shape[2] // 2, shape[3])
        size, result = 4.0 * float(np.prod(shape)), 4.0 * float(np.prod(halved))
        text = _times(*shape)
        for function in ("max", "mean"):
            yield _map(
                f"{function} pool 2x2",
                shape,
                ours(function),
                jax(function),
                numpy(function),
                moved=size + result,
            )
            yield Row(
                f"{function} pool 2x2, gradient",
                text,
                BYTES,
                2 * size + 2 * result,
                lambda shape=shape, halved=halved: [_normal(*shape), _normal(*halved, seed=1)],
                functools.partial(gradient, function),
                functools.partial(jax_gradient, function),
                None,
            )
    for shape in ((128, 8, 8, 64), (32, 7, 7, 2048)):
        yield _map(
            "global average pool",
            shape,
            lambda x: _ops().mean(x, axis=(1, 2)),
            lambda x: x.mean((1, 2)),
            lambda x: [lambda: np.mean(x, axis=(1, 2))],
            moved=4.0 * float(np.prod(shape)),
        )


def _randoms() -> Iterator[Row]:
    def ours(x: Any) -> Any:
        random = importlib.import_module("chainrule.random")
        return random.dropout(x, 0.2, seed=random.SeedGenerator(1))

    def jax(x: Any) -> Any:
        random = importlib.import_module("jax.random")
        # A key that depends on the data: with a constant one, the mask would be one as well.
        key = random.fold_in(random.key(1), (x[0, 0] * 1e6).astype("int32"))
        return _jnp().where(random.bernoulli(key, 0.8, x.shape), x / 0.8, 0)

    def numpy(x: Array) -> Forms:
        rng = np.random.Generator(np.random.SFC64(1))
        draws, out, mask = np.empty_like(x), np.empty_like(x), np.empty(x.shape, np.bool_)

        def in_place() -> None:
            rng.random(out=draws, dtype=np.float32)
            np.less(draws, 0.8, out=mask)
            np.multiply(x, mask, out=out)
            np.multiply(out, np.float32(1.25), out=out)

        return [in_place]

    for shape in (SMALL, LARGE):
        yield _map("dropout 0.2", shape, ours, jax, numpy)


def _update(kind: str, shape: tuple[int, ...]) -> Row:
    """One step of an optimizer on one variable: its arrays are the weight, gradient and slots."""
    slots = {"SGD": 0, "momentum": 1, "Adam": 2}[kind]

    def arrays() -> list[Array]:
        first = [_normal(*shape), _normal(*shape, seed=1)]
        return first + [np.zeros(shape, np.float32) for _ in range(slots)]

    def ours(w: Any, g: Any, *_: Any) -> Any:
        optimizers = importlib.import_module("chainrule.optimizers")
        made = {
            "SGD": lambda: optimizers.SGD(0.01),
            "momentum": lambda: optimizers.SGD(0.01, momentum=0.9),
            "Adam": lambda: optimizers.Adam(0.001),
        }[kind]()
        return made, w, g

    def jax(w: Any, g: Any, *slots: Any) -> Any:
        if kind == "SGD":
            return (w - 0.01 * g, g)
        if kind == "momentum":
            m = 0.9 * slots[0] - 0.01 * g
            return (w + m, g, m)
        m, v = slots[0] + (g - slots[0]) * 0.1, slots[1] + (g * g - slots[1]) * 0.001
        return (w - 0.001 * m / (_jnp().sqrt(v) + 1e-7), g, m, v)

    def numpy(w: Array, g: Array, *slots: Array) -> Forms:
        s = np.empty_like(w)

        def sgd() -> None:
            np.multiply(g, np.float32(0.01), out=s)
            np.subtract(w, s, out=w)

        def momentum() -> None:
            np.multiply(g, np.float32(0.01), out=s)
            np.multiply(slots[0], np.float32(0.9), out=slots[0])
            np.subtract(slots[0], s, out=slots[0])
            np.add(w, slots[0], out=w)

        def adam() -> None:
            m, v = slots
            np.subtract(g, m, out=s)
            np.multiply(s, np.float32(0.1), out=s)
            np.add(m, s, out=m)
            np.square(g, out=s)
            np.subtract(s, v, out=s)
            np.multiply(s, np.float32(0.001), out=s)
            np.add(v, s, out=v)
            np.sqrt(v, out=s)
            np.add(s, np.float32(1e-7), out=s)
            np.divide(m, s, out=s)
            np.multiply(s, np.float32(0.001), out=s)
            np.subtract(w, s, out=w)

        return [{"SGD": sgd, "momentum": momentum, "Adam": adam}[kind]]

    work = 4.0 * float(np.prod(shape)) * (3 + 2 * slots)
    return Row(f"update {kind}", _times(*shape), BYTES, work, arrays, ours, jax, numpy)


def rows() -> list[Row]:
    """All of them, in the order of the table."""
    found = [*_gemms("gemm"), *_gemms("gemm64"), *_tokens(), *_few_rows(), *_convs()]
    found += [*_attention(), *_ctc(), *_images(), *_sound(), *_elementwise()]
    found += [*_softmaxes(), *_reductions(), *_norms(), *_pools(), *_randoms()]
    for shape in ((64, 64), (784, 512), (2048, 2048)):
        found += [_update(kind, shape) for kind in ("SGD", "momentum", "Adam")]
    return found
