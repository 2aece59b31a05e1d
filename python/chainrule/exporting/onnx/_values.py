"""What the translation of a graph knows of its values, and of the calls that make them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from chainrule.base.sizes import Size

__all__ = ["Array", "First", "Made", "Node", "Shape", "Spec", "Value", "last_first", "first_last"]

Array = NDArray[Any]
Shape = tuple[Any, ...]


@dataclass(frozen=True)
class Spec:
    """Shape and dtype, as the core infers them."""

    shape: Shape
    dtype: str

    @property
    def is_known(self) -> bool:
        """Whether every size is a number."""
        return not any(isinstance(n, Size) for n in self.shape)

    @property
    def nbytes(self) -> int:
        """Of known sizes."""
        return int(np.prod(self.shape, dtype=np.int64)) * np.dtype(self.dtype).itemsize


@dataclass
class Value:
    """A value of the core's graph, and how the file has it.

    Attributes
    ----------
    spec : Spec
    name : str, optional
        Its tensor in the file; None as long as nobody has asked for it.
    first : str, optional
        The tensor with the channels, the last axis here, behind the batch, as ONNX's images have them.
    array : ndarray, optional
        The numbers of what is the same for all inputs of the model.
    label : str
        What the tensor of such numbers is called.
    origin : Node, optional
        The call that made it.
    last : str, optional
        The tensor (batch, 1, ...) of its last step.
    """

    spec: Spec
    name: str | None = None
    first: str | None = None
    array: Array | None = None
    label: str = "constant"
    origin: Node | None = None
    last: str | None = None

    @property
    def shape(self) -> Shape:
        """The sizes of its axes."""
        return self.spec.shape

    @property
    def dtype(self) -> str:
        """The name of its dtype."""
        return self.spec.dtype

    @property
    def rank(self) -> int:
        """How many axes it has."""
        return len(self.spec.shape)

    @property
    def is_float(self) -> bool:
        """Whether it holds floats."""
        return self.dtype.startswith("float")

    @property
    def is_first(self) -> bool:
        """Whether the file has it with its channels first alone."""
        return self.name is None and self.first is not None


@dataclass(frozen=True)
class Node:
    """A call of an op of the core."""

    op: str
    attrs: Mapping[str, Any]
    inputs: tuple[Value, ...]
    outputs: tuple[Spec, ...]
    # Of each output the calls that read it, None where the model's user does.
    readers: tuple[tuple[tuple[str, Mapping[str, Any]] | None, ...], ...] = field(default=())

    @property
    def spec(self) -> Spec:
        """Of the only output, or the first one."""
        return self.outputs[0]


class First(str):
    """The name of a tensor with its channels first."""


# What a translation gives for an output: a tensor, or a value that it is.
Made = str | Value


def last_first(rank: int) -> list[int]:
    """The transposition that brings the last axis behind the first."""
    return [0, rank - 1, *range(1, rank - 1)]


def first_last(rank: int) -> list[int]:
    """The transposition that takes it back."""
    return [0, *range(2, rank), 1]
