"""Graph: the ONNX graph under construction, to which translations add nodes."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from hashlib import sha256
from typing import Any

import numpy as np
from onnx import NodeProto, TensorProto, ValueInfoProto, helper, numpy_helper

from chainrule.base.sizes import Size
from chainrule.exporting.onnx._values import Array, First, Shape, Spec, Value, first_last, last_first

__all__ = ["Graph", "element_type"]

# What a step of a loop gives: its carries, and what is stacked.
Step = tuple[Sequence[str], Sequence[tuple[str, Spec]]]
Input = Any  # Value, name of a tensor, array, or None for an input that is left out


def element_type(dtype: str) -> int:
    """ONNX's number of a dtype; NumPy has no bfloat16, which is kept in float32."""
    name = {"float32": "FLOAT", "bfloat16": "FLOAT", "float64": "DOUBLE"}.get(dtype, dtype.upper())
    return int(getattr(TensorProto, name))


class Graph:
    """Nodes in their order; the outermost graph holds what all share: weights, sizes and names.

    Parameters
    ----------
    around : Graph, optional
        The graph of which this is the body of a loop. What is around can be read inside.
    """

    def __init__(self, around: Graph | None = None) -> None:
        self.root: Graph = self if around is None else around.root
        self.nodes: list[NodeProto] = []
        if around is None:
            self.layer = ""
            self.initializers: dict[str, TensorProto] = {}
            # Where each symbol of a size can be read: an input of the model, and its axis.
            self.symbols: dict[int, tuple[str, int]] = {}
            # What these axes are called.
            self.dims: dict[tuple[str, int], str] = {}
            # What has an axis of a size that is computed of symbols: it can be read there.
            self.places: dict[Size, tuple[Value, int]] = {}
            self._names: set[str] = set()
            self._constants: dict[Any, str] = {}
            self._sizes: dict[Any, str] = {}

    # Names

    def unique(self, name: str) -> str:
        """The name, or with a number behind it where it is taken."""
        root = self.root
        found, count = name, 1
        while found in root._names:
            count += 1
            found = f"{name}_{count}"
        root._names.add(found)
        return found

    def _in_layer(self, name: str) -> str:
        layer = self.root.layer
        return self.unique(f"{layer}/{name}" if layer else name)

    # Nodes

    def node(self, kind: str, *inputs: Input, **attributes: Any) -> str:
        """Add a node of one output; gives the name of its tensor."""
        return self.nodes_of(kind, 1, *inputs, **attributes)[0]

    def nodes_of(self, kind: str, count: int, *inputs: Input, **attributes: Any) -> list[str]:
        """Add a node of several outputs; gives the names of their tensors."""
        given = [self.tensor(x) for x in inputs]
        while given and not given[-1]:
            given.pop()
        name = self._in_layer(kind)
        outputs = [name] if count == 1 else [self.unique(f"{name}:{at}") for at in range(count)]
        self.nodes.append(helper.make_node(kind, given, outputs, name=name, **attributes))
        return outputs

    def tensor(self, x: Input) -> str:
        """The name of a tensor: of a value with the axes in their order, or of an array's constant."""
        if x is None:
            return ""
        if isinstance(x, str):
            return x
        if isinstance(x, np.ndarray):
            return self.constant(x)
        if x.name is None and x.array is not None:
            x.name = self.constant(x.array, x.label)
        elif x.name is None:
            assert x.first is not None, "every value has a tensor"
            x.name = self.node("Transpose", x.first, perm=first_last(x.rank))
        return str(x.name)

    def first(self, x: Value) -> str:
        """The name of a value's tensor with its channels first."""
        if x.first is None and x.array is not None:
            x.first = self.constant(x.array.transpose(last_first(x.rank)), x.label)
        elif x.first is None:
            x.first = self.node("Transpose", x, perm=last_first(x.rank))
        return x.first

    # Constants

    def constant(self, array: Array, label: str = "constant") -> str:
        """The tensor of these numbers; equal ones are one."""
        root = self.root
        array = np.asarray(array, order="C")
        key = (array.dtype.name, array.shape, sha256(array.tobytes()).digest())
        if key not in root._constants:
            name = self.unique(label) if label != "constant" else self._in_layer(label)
            root.initializers[name] = numpy_helper.from_array(array, name)
            root._constants[key] = name
        return root._constants[key]

    def number(self, x: float, dtype: str) -> str:
        """A scalar constant."""
        return self.constant(np.asarray(x, dtype))

    def ints(self, *numbers: int) -> str:
        """A vector of int64."""
        return self.constant(np.asarray(numbers, np.int64))

    # Sizes

    def size(self, n: Any) -> str:
        """The tensor (1) of int64 of a size."""
        root = self.root
        if not isinstance(n, Size):
            return self.ints(int(n))
        if n not in root._sizes:
            # In the outermost graph, so that what comes later finds it, inside loops too.
            layer, root.layer = root.layer, "sizes"
            root._sizes[n] = root._sum(n)
            root.layer = layer
        return root._sizes[n]

    def _sum(self, n: Size) -> str:
        if n in self.places:
            value, axis = self.places[n]
            if value.is_first:
                axis = last_first(value.rank).index(axis)
            return self.node("Shape", value.first if value.is_first else value, start=axis, end=axis + 1)
        total: str | None = None
        for count, factors in n.products():
            product: str | None = None
            for factor in factors:
                found = self._factor(*factor)
                product = found if product is None else self.node("Mul", product, found)
            if product is None:
                product = self.ints(count)
            elif count != 1:
                product = self.node("Mul", product, self.ints(count))
            total = product if total is None else self.node("Add", total, product)
        assert total is not None, "a size that is not known is a sum"
        return total

    def _factor(self, kind: str, a: Any, b: Any) -> str:
        if kind == "symbol":
            name, axis = self.symbols[a]
            return self.node("Shape", name, start=axis, end=axis + 1)
        x, y = self.size(a), self.size(b)
        if kind == "larger":
            return self.node("Max", x, y)
        if kind == "product":
            return self.node("Mul", x, y)
        if _is_above(a) and _is_above(b):
            return self.node("Div", x, y)
        # Rounded down, where `Div` rounds towards 0.
        return self.node("Div", self.node("Sub", x, self.node("Mod", x, y)), y)

    def symbol_of(self, n: Size) -> tuple[str, int] | None:
        """The input and its axis whose size it is, if it is one's."""
        products = n.products()
        if len(products) == 1 and products[0][0] == 1 and len(products[0][1]) == 1:
            kind, symbol, _ = products[0][1][0]
            return self.root.symbols[int(symbol)] if kind == "symbol" else None
        return None

    def vector(self, sizes: Iterable[Any]) -> str:
        """The tensor of int64 that holds these sizes."""
        sizes = list(sizes)
        if not any(isinstance(n, Size) for n in sizes):
            return self.ints(*sizes)
        parts = [self.size(n) for n in sizes]
        return parts[0] if len(parts) == 1 else self.node("Concat", *parts, axis=0)

    def scalar_size(self, n: Any, dtype: str = "int64") -> str:
        """The tensor () of a size."""
        if not isinstance(n, Size):
            return self.number(n, dtype)
        scalar = self.node("Squeeze", self.size(n), self.ints(0))
        return self.cast(scalar, "int64", dtype)

    # What many translations need

    def cast(self, x: Input, source: str, dtype: str) -> str:
        """`x`, which is of the dtype `source`, in another."""
        same = element_type(source) == element_type(dtype)
        return self.tensor(x) if same else self.node("Cast", x, to=element_type(dtype))

    def transpose(self, x: Input, axes: Sequence[int]) -> str:
        """`x` with its axes in another order."""
        if list(axes) == sorted(axes):
            return self.tensor(x)
        if isinstance(x, Value) and x.array is not None:
            return self.constant(x.array.transpose(axes), x.label)
        return self.node("Transpose", x, perm=list(axes))

    def reshape(self, x: Input, before: Shape, after: Shape) -> str:
        """`x` of the shape `before` under another shape."""
        if len(before) == len(after) and all(a == b for a, b in zip(before, after)):
            return self.tensor(x)
        if any(n == 0 for n in after if not isinstance(n, Size)):
            return self.node("Reshape", x, self.vector(after), allowzero=1)
        # 0 keeps a size that stands at the same place, -1 is what is left over.
        target: list[Any] = [
            0 if isinstance(n, Size) and at < len(before) and before[at] == n else n
            for at, n in enumerate(after)
        ]
        unknown = [at for at, n in enumerate(target) if isinstance(n, Size)]
        if len(unknown) == 1:
            target[unknown[0]] = -1
        return self.node("Reshape", x, self.vector(target))

    def expand(self, x: Input, shape: Shape) -> str:
        """`x` repeated to a shape."""
        return self.node("Expand", x, self.vector(shape))

    def zeros(self, spec: Spec) -> str:
        """A tensor of zeros."""
        return self.expand(self.number(0, spec.dtype), spec.shape)

    def range(self, n: Any, dtype: str = "int64") -> str:
        """0, 1, ..., n - 1."""
        if not isinstance(n, Size):
            return self.constant(np.arange(n, dtype=dtype))
        ends = self.number(0, "int64"), self.scalar_size(n), self.number(1, "int64")
        return self.cast(self.node("Range", *ends), "int64", dtype)

    def squeeze(self, x: Input, *axes: int) -> str:
        """`x` without axes of size 1."""
        return self.node("Squeeze", x, self.ints(*axes))

    def unsqueeze(self, x: Input, *axes: int) -> str:
        """`x` with new axes of size 1 at these places of the result."""
        return self.node("Unsqueeze", x, self.ints(*axes))

    def slice(self, x: Input, axis: int, start: Any, stop: Any, step: int = 1) -> str:
        """A part of `x` along one axis."""
        ends = self.vector([start]), self.vector([stop])
        return self.node("Slice", x, *ends, self.ints(axis), self.ints(step))

    def reversed(self, x: Input, axis: int) -> str:
        """`x` from its end along one axis."""
        return self.slice(x, axis, -1, np.iinfo(np.int64).min, -1)

    def where(self, condition: Input, a: Input, b: Input, dtype: str) -> str:
        """`a` where the condition holds, else `b`; of bools too, which `Where` does not take everywhere."""
        if dtype not in ("bool", "uint32", "uint64"):
            return self.node("Where", condition, a, b)
        between = "uint8" if dtype == "bool" else "int64"
        x, y = self.cast(a, dtype, between), self.cast(b, dtype, between)
        return self.cast(self.node("Where", condition, x, y), between, dtype)

    def scan(
        self,
        carries: Sequence[tuple[Input, Spec]],
        sequences: Sequence[tuple[Input, Spec]],
        body: Callable[[Graph, list[str], list[str]], Step],
        axis: int = 0,
        reverse: bool = False,
        length: Any = None,
    ) -> list[str]:
        """The last carries, and what `body` gives at every step, stacked along `axis`.

        Parameters
        ----------
        carries, sequences : sequence of (tensor, Spec)
            The spec is that of one step.
        body : callable
            Of the graph of a step, its carries and its rows; gives the new carries, and what is stacked,
            with the specs of one step.
        length : int or Size, optional
            The number of steps, which has to be given where there is no sequence. Of no steps there are only
            the carries.
        """
        sequences = list(sequences)
        if length == 0:
            return [self.tensor(x) for x, _ in carries]
        counted = not sequences
        if counted:
            sequences = [(self.range(length), Spec((), "int64"))]
            if axis:
                raise ValueError("scan: without a sequence steps are stacked along axis 0")
        inside = Graph(around=self)
        names = [self.unique("carry") for _ in carries]
        rows = [self.unique("row") for _ in sequences]
        after, made = body(inside, names, [] if counted else rows)
        outputs = [inside.node("Identity", x) for x in [*after, *(x for x, _ in made)]]
        kinds = [spec for _, spec in carries]
        specs = [*kinds, *(spec for _, spec in sequences)]
        given = [_info(name, spec) for name, spec in zip([*names, *rows], specs)]
        specs = [*kinds, *(spec for _, spec in made)]
        results = [_info(name, spec) for name, spec in zip(outputs, specs)]
        graph = helper.make_graph(inside.nodes, self._in_layer("step"), given, results)
        count = len(outputs)
        turned = [int(reverse)]
        stacking = {"scan_output_axes": [axis] * len(made), "scan_output_directions": turned * len(made)}
        if not made:
            stacking = {}
        found: list[str] = self.nodes_of(
            "Scan",
            count,
            *(x for x, _ in carries),
            *(x for x, _ in sequences),
            body=graph,
            num_scan_inputs=len(sequences),
            scan_input_axes=[axis] * len(sequences),
            scan_input_directions=turned * len(sequences),
            **stacking,
        )
        return found

    def made(self, x: Any, spec: Spec) -> Value:
        """The value that a translation gave."""
        if isinstance(x, Value):
            return x
        if isinstance(x, First):
            return Value(spec, first=str(x))
        return Value(spec, name=x)


def _is_above(n: Any) -> bool:
    """Whether a size is surely not below 0."""
    try:
        return bool(n >= 0)
    except TypeError:
        return False


def _info(name: str, spec: Spec) -> ValueInfoProto:
    shape = [None if isinstance(n, Size) else int(n) for n in spec.shape]
    return helper.make_tensor_value_info(name, element_type(spec.dtype), shape)
