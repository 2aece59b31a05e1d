"""ONNX: every op of the core as nodes of the open format, one file an op, named as in Rust.

Each file holds ``translate(g, node)``: it adds nodes to the graph and gives the tensor of each output.
`load` finds it by the op's name. What ONNX cannot hold stands in `REFUSED`, with the reason.
"""

from __future__ import annotations

import importlib
import pkgutil
from collections.abc import Callable
from typing import Any

__all__ = ["REFUSED", "load", "names"]

_DERIVATIVE = "it is a part of a derivative, which a file for predictions does not hold"
_ALIGNMENTS = "ONNX has no node for alignments of labels with frames"
_DRAWS = "ONNX's random numbers are not those of this package, so that nothing could be checked"

_DECOMPOSITION = "ONNX has no node for systems and decompositions of matrices"

# Why an op has no translation.
REFUSED = {
    "bitcast": "ONNX has no node that reads bytes as another dtype in every version that is written",
    **dict.fromkeys(
        ["cholesky", "cofactors", "determinant", "eigh", "lu", "pinv", "qr", "solve", "solve_triangular", "svd"],
        _DECOMPOSITION,
    ),
    "adam": "it updates weights, which a file for predictions does not do",
    "attention_grad": _DERIVATIVE,
    "conv_kernel_grad": _DERIVATIVE,
    "cross_entropy_grad": _DERIVATIVE,
    "ctc_beam_search": _ALIGNMENTS,
    "ctc_loss": _ALIGNMENTS,
    "ctc_loss_grad": _ALIGNMENTS,
    "dropout": _DRAWS,
    "gru_grad": _DERIVATIVE,
    "layer_norm_grad": _DERIVATIVE,
    "lstm_grad": _DERIVATIVE,
    "numpy_function": "it is Python code, which no file can hold",
    "pool_grad": _DERIVATIVE,
    "pool_pick": _DERIVATIVE,
    "random": _DRAWS,
    "resize_grad": _DERIVATIVE,
    "simple_rnn_grad": _DERIVATIVE,
    "warp_grad": _DERIVATIVE,
}


def names() -> list[str]:
    """The ops that have a translation, sorted.

    Examples
    --------
    >>> "softmax" in names()
    True
    """
    found = (module.name for module in pkgutil.iter_modules(__path__))
    return sorted(name for name in found if not name.startswith("_"))


def load(op: str, layer: str = "") -> Callable[[Any, Any], Any]:
    """The translation of an op.

    Raises
    ------
    ValueError
        An op that ONNX cannot hold; the message names the layer that calls it.
    """
    if op in REFUSED:
        where = f"layer '{layer}'" if layer else "the model"
        raise ValueError(f"export: {where} calls the op '{op}', which has no ONNX form: {REFUSED[op]}")
    translate: Callable[[Any, Any], Any] = importlib.import_module(f"{__name__}.{op}").translate
    return translate
