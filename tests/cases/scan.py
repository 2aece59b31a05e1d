from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from hypothesis import strategies as st

from chainrule import _core
from tests.rows import Bad, Drawn, Row, Spec, coins, draw_array, integers, uniform

class Step:
    """A step under construction: its values are numbers, its inputs those of some shapes."""

    def __init__(self, *inputs: Spec) -> None:
        self.graph = _core.Graph()
        dtypes = ["float32" if x.dtype == "float" else x.dtype for x in inputs]
        self.inputs = [self.graph.input("", x.shape, d) for x, d in zip(inputs, dtypes)]

    def __call__(self, op: str, *values: int, **attrs: Any) -> int:
        return self.graph.push(op, attrs, list(values))[0]

    def unary(self, function: str, x: int) -> int:
        return self("unary", x, function=function)

    def binary(self, function: str, a: int, b: int) -> int:
        return self("binary", a, b, function=function)

    def matmul(self, a: int, b: int) -> int:
        return self("matmul", a, b, transpose_a=False, transpose_b=False)

    def attrs(self, outputs: Sequence[int], **attrs: Any) -> dict[str, Any]:
        return {"body": self.graph.body(self.inputs, list(outputs)), **attrs}


def attrs_of(
    length: int, carries: int = 1, sequences: int = 1, reverse: bool = False
) -> dict[str, Any]:
    return {"length": length, "carries": carries, "sequences": sequences, "reverse": reverse}


def row_spec(spec: Spec) -> Spec:
    return Spec(spec.shape[1:], spec.values, spec.dtype)


def simple_rnn(length: int = 5, rows: int = 2, reverse: bool = False, layout: str = "C") -> Row:
    """h' = tanh(x @ w + h @ u); y = h' * h'"""
    h, x = Spec((rows, 3), layout=layout), Spec((length, rows, 4), layout=layout)
    w, u = Spec((4, 3), uniform(-0.5, 0.5)), Spec((3, 3), uniform(-0.5, 0.5), layout=layout)
    step = Step(h, row_spec(x), w, u)
    state, now, kernel, recurrent = step.inputs
    total = step.binary("add", step.matmul(now, kernel), step.matmul(state, recurrent))
    new = step.unary("tanh", total)
    attrs = step.attrs([new, step.unary("square", new)], **attrs_of(length, reverse=reverse))
    name = f"tanh-{length}-of-{rows}{'-reverse' if reverse else ''}-{layout}"
    return Row("scan", name, attrs, (h, x, w, u), (0, 1, 2, 3))


def two_carries() -> Row:
    """c' = sigmoid(a) c + x; a' = a x; no y"""
    c, a, x = Spec((3,)), Spec((3,)), Spec((4, 3))
    step = Step(c, a, row_spec(x))
    gate = step.unary("sigmoid", step.inputs[1])
    first = step.binary("add", step.binary("mul", gate, step.inputs[0]), step.inputs[2])
    second = step.binary("mul", step.inputs[1], step.inputs[2])
    attrs = step.attrs([first, second], **attrs_of(4, 2, 1))
    return Row("scan", "two-carries", attrs, (c, a, x), (0, 1, 2))


def only_y() -> Row:
    """y = sum(x w), without a carry"""
    x, w = Spec((4, 2, 3)), Spec((3,))
    step = Step(row_spec(x), w)
    product = step.binary("mul", *step.inputs)
    total = step("reduce", product, function="sum", axes=[1], keepdims=False)
    return Row("scan", "only-y", step.attrs([total], **attrs_of(4, 0, 1)), (x, w), (0, 1))


def without_sequences(length: int) -> Row:
    """c' = w sin(c)"""
    c, w = Spec((3,)), Spec((3,))
    step = Step(c, w)
    new = step.binary("mul", step.inputs[1], step.unary("sin", step.inputs[0]))
    attrs = step.attrs([new, new], **attrs_of(length, 1, 0))
    return Row("scan", f"without-sequences-{length}", attrs, (c, w), (0, 1))


def counter() -> Row:
    """c' = c w where n < 5, else c + x; n' = n + 1; y = n, c, c', c' for an integer n"""
    c, n, x = Spec((2,)), Spec((), integers(3, 4), "int32"), Spec((4, 2))
    w, unused = Spec((2,)), Spec((1,))
    step = Step(c, n, row_spec(x), w, unused)
    before, number, row, factor, _ = step.inputs
    more = step.binary("add", number, step.graph.constant(np.array(1, "int32")))
    below = step.binary("lt", number, step.graph.constant(np.array(5, "int32")))
    product = step.binary("mul", before, factor)
    new = step("select", below, product, step.binary("add", before, row))
    attrs = step.attrs([new, more, number, before, new, new], **attrs_of(4, 2, 1))
    return Row("scan", "counter", attrs, (c, n, x, w, unused), (0, 2, 3, 4))


def masked() -> Row:
    """c' = tanh(c + x) where the mask is true, else c"""
    c, x, mask = Spec((3, 2)), Spec((5, 3, 2)), Spec((5, 3, 1), coins, "bool")
    step = Step(c, row_spec(x), row_spec(mask))
    new = step.unary("tanh", step.binary("add", step.inputs[0], step.inputs[1]))
    new = step("select", step.inputs[2], new, step.inputs[0])
    attrs = step.attrs([new, new], **attrs_of(5, 1, 2))
    return Row("scan", "masked", attrs, (c, x, mask), (0, 1))


def dropped() -> Row:
    """c' = dropout(c + x) with a seed for each step"""
    c, x = Spec((3, 2)), Spec((4, 3, 2))
    seeds = Spec((4, 2), integers(0, 2**32), "uint32")
    step = Step(c, row_spec(x), row_spec(seeds))
    total = step.binary("add", step.inputs[0], step.inputs[1])
    new = step("dropout", total, step.inputs[2], rate=0.4)
    attrs = step.attrs([new, new], **attrs_of(4, 1, 2))
    return Row("scan", "dropout", attrs, (c, x, seeds), (0, 1))


def invariant() -> Row:
    """c' = c + transpose(w) @ x: what does not change from step to step"""
    c, x, w = Spec((3, 1)), Spec((4, 2, 1)), Spec((2, 3))
    step = Step(c, row_spec(x), w)
    turned = step("transpose", step.unary("tanh", step.inputs[2]), axes=[1, 0])
    new = step.binary("add", step.inputs[0], step.matmul(turned, step.inputs[1]))
    attrs = step.attrs([new], **attrs_of(4, reverse=True))
    return Row("scan", "invariant", attrs, (c, x, w), (0, 1, 2))


def nested() -> Row:
    """A scan in a scan: for every row of x, c' = sin(c) * w over its elements"""
    c, x, w = Spec((2,)), Spec((3, 4, 2)), Spec((2,))
    inner = Step(c, Spec((2,)), w)
    new = inner.unary("sin", inner.binary("add", inner.inputs[0], inner.inputs[1]))
    new = inner.binary("mul", new, inner.inputs[2])
    step = Step(c, row_spec(x), w)
    attrs = inner.attrs([new, new], **attrs_of(4))
    last, all_of_them = step.graph.push("scan", attrs, step.inputs)
    attrs = step.attrs([last, all_of_them], **attrs_of(3))
    return Row("scan", "nested", attrs, (c, x, w), (0, 1, 2))


ROWS = [
    *(simple_rnn(length) for length in (0, 1, 2, 5, 12)),
    simple_rnn(3, reverse=True),
    simple_rnn(7, 33),
    simple_rnn(3, layout="F"),
    simple_rnn(4, layout="every_other"),
    simple_rnn(4, layout="backwards"),
    two_carries(),
    only_y(),
    without_sequences(0),
    without_sequences(3),
    counter(),
    masked(),
    dropped(),
    invariant(),
    nested(),
]

_RNN = simple_rnn(4)
_BODY = _RNN.attrs["body"]


def _bad(name: str, error: str, *match: str, inputs: Any = _RNN.inputs, **attrs: Any) -> Bad:
    return Bad("scan", name, {**_RNN.attrs, **attrs}, tuple(inputs), error, match)


def _with_node(**changes: Any) -> dict[str, Any]:
    return {**_BODY, "nodes": [{**_BODY["nodes"][0], **changes}, *_BODY["nodes"][1:]]}


_H, _X, *_WEIGHTS = _RNN.inputs
BAD = [
    _bad("one-input", "ShapeError", "4 inputs", "1", inputs=[_H]),
    _bad("steps", "ShapeError", "4 steps", "(3, 2, 4)", inputs=[_H, Spec((3, 2, 4)), *_WEIGHTS]),
    _bad("no-rows", "ShapeError", "4 steps", "()", inputs=[_H, Spec(()), *_WEIGHTS]),
    _bad("length", "ShapeError", "5 steps", "(4, 2, 4)", length=5),
    _bad("carry", "ShapeError", "carry 0", "(1, 3)", inputs=[Spec((1, 3)), _X, *_WEIGHTS]),
    _bad("too-many", "ValueError", "7 inputs", "4", carries=2, sequences=5),
    _bad("carries", "ValueError", "3 outputs", "2", carries=3),
    _bad("no-outputs", "ValueError", "outputs", "0", body={**_BODY, "outputs": []}, carries=0),
    _bad("unknown-op", "ValueError", "lstn", body=_with_node(op="lstn")),
    _bad("unknown-field", "ValueError", "colour", body=_with_node(colour=1)),
    _bad("attributes", "ValueError", "transpose_c", body=_with_node(attrs={"transpose_c": True})),
    _bad("negative", "ValueError", "-1", length=-1),
    _bad("not-a-body", "ValueError", "body", body=3),
]


def draw(data: st.DataObject) -> Drawn:
    length = data.draw(st.integers(1, 6), label="length")
    rows = data.draw(st.integers(1, 4), label="rows")
    row = simple_rnn(length, rows, data.draw(st.booleans(), label="reverse"))
    inputs = [draw_array(data, spec.shape, uniform(-0.7, 0.7)) for spec in row.inputs]
    return Drawn(row.attrs, inputs, (0, 1, 2, 3))
