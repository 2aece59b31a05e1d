from __future__ import annotations

from tests.fusions import Chain, Fused, Left

ATTRS = {"reverse": False, "masked": False}
# Gates, and the shape of what the cell has of its own, for 3 rows of 4 units.
CELLS = {"lstm": (4, (3, 4)), "gru": (3, (12,)), "simple_rnn": (1, None)}


def _attrs(op: str) -> dict:
    return {**ATTRS, "activation": "tanh"} if op == "simple_rnn" else ATTRS


def _inputs(c: Chain, op: str) -> list[int]:
    gates, own = CELLS[op]
    shapes = [(3, 5, gates * 4), (4, gates * 4), (3, 4)]
    return [c.input(*shape) for shape in (*shapes, *([own] if own else []))]


def _grad(c: Chain, op: str, inputs: list[int], results: list[int]) -> list[int]:
    attrs = {**_attrs(op), "by_carries": False} if op == "lstm" else _attrs(op)
    return c.push(f"{op}_grad", attrs, *inputs, *results, c.input(3, 5, 4))


def _both(op: str, **more: bool):
    def build(c: Chain) -> list[int]:
        inputs = _inputs(c, op)
        results = c.push(op, {**_attrs(op), **more}, *inputs)
        return [results[0], *_grad(c, op, inputs, results)]

    return build


def _of_other_inputs(c: Chain) -> list[int]:
    results = c.push("gru", ATTRS, *_inputs(c, "gru"))
    return _grad(c, "gru", _inputs(c, "gru"), results)


def _given(c: Chain) -> list[int]:
    return _grad(c, "simple_rnn", _inputs(c, "simple_rnn"), [c.input(3, 5, 4)])


ROWS = [
    *(Fused(op, _both(op)) for op in CELLS),
    Fused("gradient-alone", lambda c: _both("lstm")(c)[1:]),
    Left("the-other-way", _both("gru", reverse=True)),
    Left("of-other-inputs", _of_other_inputs),
    Left("states-from-elsewhere", _given),
]
