from __future__ import annotations

from typing import Any

import numpy as np
from hypothesis import strategies as st

from tests.rows import (
    Array,
    Bad,
    Drawn,
    Row,
    Spec,
    coins,
    draw_array,
    draw_part,
    exactly,
    integers,
    normal,
)

SEED = Spec((2,), exactly([12345, 67]), "uint32")


def attributes(**given: Any) -> dict[str, Any]:
    usual = {"scale": 0.5, "rate": 0.0}
    flags = dict.fromkeys(("causal", "mask", "bias", "zero_masked"), False)
    return {**usual, **flags, **given}


def operands(
    batch: int,
    queries: int,
    keys: int,
    heads: tuple[int, int] = (2, 2),
    depths: tuple[int, int] = (4, 4),
    layout: str = "C",
) -> tuple[Spec, ...]:
    """q, k and v."""
    return (
        Spec((batch, queries, heads[0], depths[0]), layout=layout),
        Spec((batch, keys, heads[1], depths[0]), layout=layout),
        Spec((batch, keys, heads[1], depths[1]), layout=layout),
    )


def mask(*shape: int, layout: str = "C") -> Spec:
    return Spec(shape, coins, "bool", layout)


def nothing(rng: np.random.Generator, shape: tuple[int, ...]) -> Array:
    """Masks whole every other row of scores."""
    allowed = rng.random(shape) < 0.5
    allowed[..., ::2, :] = False
    return allowed


# By name: attributes, inputs, and which of them have gradients.
CASES: dict[str, tuple[dict[str, Any], tuple[Spec, ...], tuple[int, ...]]] = {
    "plain": ({}, operands(2, 3, 5), (0, 1, 2)),
    "one-key": ({}, operands(1, 3, 1), (0, 1, 2)),
    "one-query": ({}, operands(2, 1, 4), (0, 1, 2)),
    "other-depth-of-values": ({}, operands(2, 3, 4, depths=(3, 5)), (0, 1, 2)),
    "grouped": ({}, operands(2, 3, 4, heads=(6, 2), depths=(2, 2)), (0, 1, 2)),
    "one-head-of-keys": ({}, operands(1, 3, 4, heads=(4, 1), depths=(2, 3)), (0, 1, 2)),
    "causal": ({"causal": True}, operands(2, 5, 5), (0, 1, 2)),
    "causal-more-keys": ({"causal": True}, operands(1, 3, 6), (0, 1, 2)),
    "causal-more-queries": ({"causal": True}, operands(1, 6, 3), (0, 1, 2)),
    "mask": ({"mask": True}, (*operands(2, 3, 5), mask(2, 2, 3, 5)), (0, 1, 2)),
    "mask-of-keys": ({"mask": True}, (*operands(2, 3, 5), mask(2, 1, 1, 5)), (0, 1, 2)),
    "mask-of-queries": ({"mask": True}, (*operands(2, 3, 5), mask(2, 1, 3, 1)), (0, 1, 2)),
    "mask-matrix": ({"mask": True}, (*operands(2, 3, 5), mask(3, 5)), (0, 1, 2)),
    "mask-F": (
        {"mask": True},
        (*operands(2, 3, 5, layout="F"), mask(2, 2, 3, 5, layout="F")),
        (0, 1, 2),
    ),
    "masked-rows": (
        {"mask": True},
        (*operands(2, 4, 5), Spec((2, 2, 4, 5), nothing, "bool")),
        (0, 1, 2),
    ),
    "masked-rows-causal": (
        {"mask": True, "causal": True},
        (*operands(1, 5, 7), Spec((1, 1, 5, 7), nothing, "bool")),
        (0, 1, 2),
    ),
    "masked-rows-of-zeros": (
        {"mask": True, "causal": True, "zero_masked": True, "rate": 0.3},
        (*operands(2, 4, 5), Spec((2, 2, 4, 5), nothing, "bool"), SEED),
        (0, 1, 2),
    ),
    "bias": ({"bias": True}, (*operands(2, 3, 5), Spec((2, 2, 3, 5))), (0, 1, 2, 3)),
    "bias-of-heads": ({"bias": True}, (*operands(2, 3, 5), Spec((2, 3, 5))), (0, 1, 2, 3)),
    # What is the same for all keys changes no weight: its gradient is nothing but rounding.
    "bias-of-queries": ({"bias": True}, (*operands(2, 3, 5), Spec((2, 1, 3, 1))), (0, 1, 2)),
    "bias-scalar": ({"bias": True}, (*operands(1, 3, 4), Spec(())), (0, 1, 2)),
    "all": (
        {"mask": True, "bias": True, "causal": True, "rate": 0.3},
        (*operands(2, 4, 5, heads=(2, 1), depths=(2, 3)), mask(2, 1, 1, 5), Spec((2, 1, 5)), SEED),
        (0, 1, 2, 4),
    ),
    "dropout": ({"rate": 0.4}, (*operands(2, 3, 5), SEED), (0, 1, 2)),
    "dropout-causal": (
        {"rate": 0.25, "causal": True},
        (*operands(1, 6, 6, depths=(2, 2)), SEED),
        (0, 1, 2),
    ),
    "backwards": ({"scale": -0.3}, operands(2, 3, 5, layout="backwards"), (0, 1, 2)),
    "no-scale": ({"scale": 0.0}, operands(1, 3, 4), (0, 1, 2)),
}
LONG: dict[str, tuple[dict[str, Any], tuple[Spec, ...], tuple[int, ...]]] = {
    "causal-blocks": ({"causal": True}, operands(1, 150, 150, depths=(3, 2)), (0, 1, 2)),
    "blocks": (
        {"mask": True, "rate": 0.1},
        (*operands(1, 139, 533, heads=(2, 1), depths=(5, 3)), mask(1, 1, 1, 533), SEED),
        (0, 1, 2),
    ),
    "causal-masked-blocks": (
        {"causal": True, "mask": True, "bias": True, "rate": 0.2},
        (
            *operands(1, 140, 700, depths=(3, 2)),
            Spec((1, 1, 140, 700), nothing, "bool"),
            Spec((2, 140, 700)),
            SEED,
        ),
        (0, 1, 2, 4),
    ),
    "no-keys": ({}, operands(2, 3, 0), (0, 1, 2)),
    "no-queries": ({}, operands(2, 0, 3), (0, 1, 2)),
    "no-batch": ({"causal": True}, operands(0, 3, 3), (0, 1, 2)),
    "no-depth": ({}, operands(1, 3, 4, depths=(0, 2)), (0, 1, 2)),
}

ROWS = [
    Row("attention", name, attributes(**attrs), inputs, grad)
    for name, (attrs, inputs, grad) in {**CASES, **LONG}.items()
]

_Q, _K, _V = operands(2, 3, 5)
INT = Spec((2, 5, 2, 4), integers(0, 9), "int32")
REFUSED: dict[str, tuple[dict[str, Any], tuple[Spec, ...], str, tuple[str, ...]]] = {
    "two-inputs": ({}, (_Q, _K), "ShapeError", ("3 inputs", "2")),
    "no-mask": ({"mask": True}, (_Q, _K, _V), "ShapeError", ("4 inputs", "3")),
    "no-seed": ({"rate": 0.5}, (_Q, _K, _V), "ShapeError", ("4 inputs", "3")),
    "rank": ({}, (Spec((2, 3, 8)), _K, _V), "ShapeError", ("(B, T, N, H)", "(2, 3, 8)")),
    "batch": ({}, (Spec((3, 3, 2, 4)), _K, _V), "ShapeError", ("batch", "(3, 3, 2, 4)")),
    "keys": ({}, (_Q, _K, Spec((2, 4, 2, 4))), "ShapeError", ("values", "(2, 4, 2, 4)")),
    "depth": ({}, (_Q, Spec((2, 5, 2, 3)), _V), "ShapeError", ("depth", "(2, 5, 2, 3)")),
    "heads": ({}, (_Q, _K, Spec((2, 5, 1, 4))), "ShapeError", ("heads", "(2, 5, 1, 4)")),
    "heads-that-do-not-fit": (
        {},
        operands(2, 3, 5, heads=(3, 2)),
        "ShapeError",
        ("multiple", "(2, 3, 3, 4)", "(2, 5, 2, 4)"),
    ),
    "no-heads-of-keys": ({}, operands(2, 3, 5, heads=(2, 0)), "ShapeError", ("multiple",)),
    "mask-shape": (
        {"mask": True},
        (_Q, _K, _V, mask(2, 1, 3, 4)),
        "ShapeError",
        ("mask", "(2, 2, 3, 5)", "(2, 1, 3, 4)"),
    ),
    "mask-larger": (
        {"mask": True},
        (*operands(1, 3, 5), mask(2, 1, 1, 5)),
        "ShapeError",
        ("mask", "(1, 2, 3, 5)", "(2, 1, 1, 5)"),
    ),
    "mask-rank": (
        {"mask": True},
        (_Q, _K, _V, mask(1, 2, 2, 3, 5)),
        "ShapeError",
        ("mask", "(1, 2, 2, 3, 5)"),
    ),
    "mask-dtype": (
        {"mask": True},
        (_Q, _K, _V, Spec((3, 5), integers(0, 2), "int32")),
        "DTypeError",
        ("mask", "bool", "int32"),
    ),
    "bias-shape": (
        {"bias": True},
        (_Q, _K, _V, Spec((3, 4))),
        "ShapeError",
        ("bias", "(2, 2, 3, 5)", "(3, 4)"),
    ),
    "bias-dtype": (
        {"bias": True},
        (_Q, _K, _V, Spec((3, 5), dtype="float64")),
        "DTypeError",
        ("float32", "float64"),
    ),
    "dtype": ({}, (_Q, INT, _V), "DTypeError", ("float32", "int32")),
    "of-ints": ({}, (INT, INT, INT), "DTypeError", ("q", "int32")),
    "rate": ({"rate": 1.0}, (_Q, _K, _V, SEED), "ValueError", ("rate", "1")),
    "scale": ({"scale": float("inf")}, (_Q, _K, _V), "ValueError", ("finite scale", "inf")),
    "seed-shape": (
        {"rate": 0.5},
        (_Q, _K, _V, Spec((1,), integers(0, 9), "uint32")),
        "ShapeError",
        ("(2,)", "(1,)"),
    ),
}
BAD = [
    Bad("attention", name, attributes(**attrs), inputs, error, match)
    for name, (attrs, inputs, error, match) in REFUSED.items()
]


def draw_operands(data: st.DataObject) -> Drawn:
    batch, queries, keys, kinds, group, depth, value_depth = (
        data.draw(st.integers(1, most), label=label)
        for label, most in {"B": 2, "T": 5, "S": 5, "K": 2, "N / K": 2, "H": 3, "E": 3}.items()
    )
    heads = kinds * group
    inputs = [
        draw_array(data, (batch, queries, heads, depth), normal),
        draw_array(data, (batch, keys, kinds, depth), normal),
        draw_array(data, (batch, keys, kinds, value_depth), normal),
    ]
    scores = (batch, heads, queries, keys)
    flags = ("causal", "mask", "bias", "zero_masked")
    given = {name: data.draw(st.booleans(), label=name) for name in flags}
    grad = [0, 1, 2]
    if given["mask"]:
        inputs.append(draw_array(data, draw_part(data, scores), coins, "bool"))
    if given["bias"]:
        grad.append(len(inputs))
        inputs.append(draw_array(data, draw_part(data, scores), normal))
    rate = data.draw(st.sampled_from([0.0, 0.0, 0.1, 0.5]), label="rate")
    if rate:
        inputs.append(draw_array(data, (2,), integers(0, 2**32), "uint32"))
    scale = data.draw(st.sampled_from([0.5, 1.0, 0.25]), label="scale")
    return Drawn(attributes(scale=scale, rate=rate, **given), inputs, tuple(grad))


def draw(data: st.DataObject) -> Drawn:
    return draw_operands(data)
