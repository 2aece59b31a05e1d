from __future__ import annotations

from hypothesis import strategies as st

from tests.rows import Bad, Drawn, Row, Spec, draw_array, draw_shape, integers, uniform

ACTIVATIONS = ("linear", "relu", "sigmoid", "tanh")
SMALL = uniform(-0.6, 0.6)
BIAS = uniform(-0.1, 0.1)


def _row(
    activation: str, name: str, rows: tuple[int, ...], k: int, n: int, layout: str = "C"
) -> Row:
    inputs = (Spec((*rows, k), layout=layout), Spec((k, n), SMALL, layout=layout), Spec((n,), BIAS))
    return Row("dense", f"{activation}-{name}", {"activation": activation}, inputs, (0, 1, 2))


def _bad(
    name: str, x: Spec, w: Spec, b: Spec, error: str, *match: str, activation: str = "relu"
) -> Bad:
    return Bad("dense", name, {"activation": activation}, (x, w, b), error, match)


ROWS = [
    *(
        _row(activation, name, rows, k, n)
        for activation in ACTIVATIONS
        for name, (rows, k, n) in {
            "matrix": ((5,), 7, 3),
            "vector": ((), 7, 3),
            "deep-batch": ((2, 3), 4, 5),
            "one": ((1,), 1, 1),
            "panels": ((33,), 67, 35),
        }.items()
    ),
    _row("linear", "long", (2,), 1031, 3),
    _row("relu", "many-rows", (1031,), 5, 3),
    _row("tanh", "no-rows", (0,), 4, 3),
    _row("linear", "no-units", (4,), 3, 0),
    _row("sigmoid", "no-features", (4,), 0, 3),
    *(_row("relu", layout, (6,), 8, 4, layout) for layout in ("F", "every_other", "backwards")),
]

_X, _W, _B = Spec((2, 3)), Spec((3, 4)), Spec((4,))
BAD = [
    _bad("width", Spec((2, 5)), _W, _B, "ShapeError", "3", "5"),
    _bad("bias", _X, _W, Spec((3,)), "ShapeError", "4", "(3,)"),
    _bad("bias-rank", _X, _W, Spec((1, 4)), "ShapeError", "(1, 4)"),
    _bad("kernel-rank", _X, Spec((3,)), _B, "ShapeError", "(3,)"),
    _bad("scalar", Spec(()), _W, _B, "ShapeError", "()"),
    _bad("dtype", Spec((2, 3), integers(0, 3), "int32"), _W, _B, "DTypeError", "int32"),
    _bad("activation", _X, _W, _B, "ValueError", "nosuch", activation="nosuch"),
]


def draw(data: st.DataObject) -> Drawn:
    k, n = data.draw(st.integers(1, 5), label="k"), data.draw(st.integers(1, 5), label="n")
    x = draw_array(data, (*draw_shape(data, most=2), k), SMALL)
    w, b = draw_array(data, (k, n), SMALL), draw_array(data, (n,), BIAS)
    activation = data.draw(st.sampled_from(ACTIVATIONS), label="activation")
    # A drawn z may lie on relu's kink.
    return Drawn({"activation": activation}, [x, w, b], (0, 1, 2), activation != "relu")
