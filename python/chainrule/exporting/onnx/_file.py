"""The file of a traced model: inputs, weights and outputs around its nodes."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np
from onnx import AttributeProto, ModelProto, NodeProto, ValueInfoProto, helper

from chainrule.base import tree
from chainrule.base.sizes import Size
from chainrule.exporting.onnx._graph import Graph, element_type
from chainrule.exporting.onnx._model import walk
from chainrule.exporting.onnx._values import Spec, Value
from chainrule.exporting.traced import Traced
from chainrule.reference.walk import ancestors
from chainrule.tracing.arrays import engine_array, engine_dtype

__all__ = ["LARGEST", "model_of"]

# Bytes of the weights; a message of protobuf holds less than 2**31.
LARGEST = (1 << 31) - (1 << 20)


def model_of(traced: Traced, name: str, output_names: Sequence[str], opset: int) -> ModelProto:
    """The model in ONNX.

    Parameters
    ----------
    traced : Traced
    name : str
        Of the graph.
    output_names : sequence of str
        As many as there are outputs.
    opset : int
        The version of ONNX's operators.

    Raises
    ------
    ValueError
        An op without ONNX form, weights beyond 2 GB.
    """
    g = Graph()
    values: dict[int, Value] = {}
    inputs = _feed(g, traced, values)
    outputs = [x for x in tree.flatten(traced.outputs) if x is not None]
    states = _states(traced, [int(x.value) for x in outputs])
    after = {id(variable): tensor for variable, tensor in states}
    wanted = list(output_names)
    for variable, tensor in traced.variables:
        spec = Spec(tuple(variable.shape), engine_dtype(variable.stored_dtype))
        if id(variable) in after:
            tensor_name = g.unique(variable.path)
            wanted.append(f"{tensor_name}/next")
            inputs.append(helper.make_tensor_value_info(tensor_name, element_type(spec.dtype), spec.shape))
            values[int(tensor.value)] = Value(spec, name=tensor_name)
        else:
            array = engine_array(np.asarray(variable.numpy()))
            _check_size(array.nbytes, name)
            values[int(tensor.value)] = Value(spec, array=array, label=variable.path)
    for number, size in traced.sizes.items():
        values[number] = Value(Spec((), "int32"), name=g.scalar_size(size, "int32"))
    read = [variable for variable, _ in traced.variables if id(variable) in after]
    targets = [*outputs, *(after[id(variable)] for variable in read)]
    walk(g, traced.graph, values, [int(x.value) for x in targets])
    g.layer = ""
    results = _results(g, values, targets, wanted)
    _check_size(sum(len(x.raw_data) for x in g.initializers.values()), name)
    nodes = _used(g.nodes, [x.name for x in results])
    used = {x for node in nodes for x in _reads(node)} | {x.name for x in results}
    initializers = [x for key, x in g.initializers.items() if key in used]
    graph = helper.make_graph(nodes, name, inputs, results, initializers)
    opsets = [helper.make_opsetid("", opset)]
    model = helper.make_model(graph, opset_imports=opsets, producer_name="chainrule")
    model.ir_version = helper.find_min_ir_version_for(opsets)
    return model


def _feed(g: Graph, traced: Traced, values: dict[int, Value]) -> list[ValueInfoProto]:
    """The model's inputs, and where the sizes are that they leave free."""
    inputs = []
    for number, (given, tensor) in enumerate(traced.inputs):
        name = g.unique(given.name)
        dims = [_dim(number, axis, n) for axis, n in enumerate(given.shape)]
        g.dims.update({(name, axis): str(dim) for axis, dim in enumerate(dims)})
        inputs.append(helper.make_tensor_value_info(name, element_type(given.dtype), dims))
        for axis, n in enumerate(tensor.shape):
            if isinstance(n, Size):
                ((_, ((_, symbol, _),)),) = n.products()
                g.symbols.setdefault(symbol, (name, axis))  # type: ignore[arg-type]
        dtype = engine_dtype(given.dtype)
        spec = Spec(tuple(tensor.shape), dtype)
        values[int(tensor.value)] = Value(spec, name=g.cast(name, given.dtype, dtype))
    return inputs


def _dim(number: int, axis: int, n: int | None) -> int | str:
    """A size, or the name of one that is free."""
    if n is not None:
        return n
    return f"dim_{number}_{axis}" if axis else "batch"


def _states(traced: Traced, outputs: Sequence[int]) -> list[tuple[Any, Any]]:
    """What a prediction changes and a later one reads."""
    read = {v for node in ancestors(traced.graph.nodes(), outputs) for v in node["outputs"]}
    known = {id(variable) for variable, tensor in traced.variables if int(tensor.value) in read}
    return [(variable, after) for variable, after in traced.updates if id(variable) in known]


def _check_size(nbytes: int, name: str) -> None:
    if nbytes > LARGEST:
        raise ValueError(
            f"export: expected at most {LARGEST} bytes of weights, which one ONNX file can hold, got "
            f"{nbytes} of model '{name}'; export its parts"
        )


def _results(
    g: Graph, values: dict[int, Value], targets: Sequence[Any], names: Sequence[str]
) -> list[ValueInfoProto]:
    """The outputs under their names, in the dtypes in which the model gives them."""
    dims = {n: _dim_of(g, n) for x in targets for n in x.shape if isinstance(n, Size)}
    results: list[ValueInfoProto] = []
    for tensor, wanted in zip(targets, names, strict=True):
        value = values[int(tensor.value)]
        name = g.cast(value, value.dtype, tensor.dtype)
        wanted = g.unique(wanted)
        made = [node for node in g.nodes if name in node.output]
        if not made or any(name == x.name for x in results):
            g.node("Identity", name)
            name = g.nodes[-1].output[0]
        _rename(g.nodes, name, wanted)
        for other in values.values():
            other.name = wanted if other.name == name else other.name
        shape = [dims[n] if isinstance(n, Size) else n for n in tensor.shape]
        results.append(helper.make_tensor_value_info(wanted, element_type(tensor.dtype), shape))
    return results


def _dim_of(g: Graph, n: Size) -> str | None:
    """The name of a free size of an input, None for what is computed of sizes."""
    place = g.symbol_of(n)
    return None if place is None else g.dims[place]


def _bodies(node: NodeProto) -> Iterator[NodeProto]:
    """The nodes of the loops inside a node."""
    for attribute in node.attribute:
        if attribute.type == AttributeProto.GRAPH:
            for inner in attribute.g.node:
                yield inner
                yield from _bodies(inner)


def _reads(node: NodeProto) -> Iterator[str]:
    yield from node.input
    for inner in _bodies(node):
        yield from inner.input


def _rename(nodes: Sequence[NodeProto], old: str, new: str) -> None:
    for node in (inner for outer in nodes for inner in (outer, *_bodies(outer))):
        for names in (node.input, node.output):
            for at, name in enumerate(names):
                if name == old:
                    names[at] = new


def _used(nodes: Sequence[NodeProto], targets: Sequence[str]) -> list[NodeProto]:
    """The nodes that the targets are computed from, in their order."""
    wanted, kept = set(targets), []
    for node in reversed(nodes):
        if wanted.intersection(node.output):
            wanted.update(_reads(node))
            kept.append(node)
    return kept[::-1]
