"""y = the gradient of `ctc_loss` by its logits, times dout

Shapes: the inputs of `ctc_loss`, dout (N); y as logits. Dtypes: logits and dout floats.
It has no derivative.
Errors: those of `ctc_loss`.
Source: Graves, Fernandez, Gomez and Schmidhuber, Connectionist Temporal Classification, ICML 2006,
equation 15, for the logits.
"""

from __future__ import annotations

from collections.abc import Sequence

from chainrule.reference import ctc_loss
from chainrule.reference._arrays import Array, Attrs


def forward(attrs: Attrs, *inputs: Array) -> Array:
    """y = dout (softmax(logits) - the share of the alignments in each class)"""
    return ctc_loss.gradient(attrs, inputs[:4], inputs[4])


def backward(
    attrs: Attrs, inputs: Sequence[Array], outputs: Sequence[Array], douts: Sequence[Array | None]
) -> tuple[Array | None, ...]:
    """None for every input: the core refuses to derive it"""
    return (None,) * len(inputs)
