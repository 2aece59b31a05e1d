"""How PyTorch lays out the weights of each layer.

A `Link` joins variables of a layer to tensors of a module. Layers are known by the names of their
classes, as this stands below them.

`Linear` holds (outputs, inputs), convolutions (outputs, inputs / groups, *kernel), transposed ones
(inputs, outputs, *kernel); `LSTM` has its gates in the order i, f, g, o as here, `GRU` r, z, n where
z, r, n stand here; both have a bias of the inputs and one of the state, which are added but in a GRU's
n. `MultiheadAttention` joins the matrices of query, key and value in ``in_proj_weight``. See the
"Variables" of these modules in torch.nn's documentation.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

__all__ = ["LAYOUTS", "Link", "apart", "layout_of", "together"]

Array = NDArray[Any]
Arrays = Sequence[Array]


class Link(NamedTuple):
    """Variables whose numbers are those of some tensors.

    Attributes
    ----------
    names : tuple of str
        The tensors, below their module.
    shapes : tuple of tuple of int
        Theirs.
    variables : tuple of Variable
    to_ours, to_theirs : callable
        From the arrays of one side to those of the other.
    """

    names: tuple[str, ...]
    shapes: tuple[tuple[int, ...], ...]
    variables: tuple[Any, ...]
    to_ours: Callable[[Arrays], list[Array]]
    to_theirs: Callable[[Arrays], list[Array]]

    def below(self, name: str) -> Link:
        """The same in a module that has this one under `name`."""
        return self._replace(names=tuple(f"{name}.{n}" for n in self.names))


def _moved(name: str, variable: Any, axes: Sequence[int] | None = None) -> Link:
    """One tensor that has the variable's axes in another order."""
    order = list(range(len(variable.shape))) if axes is None else list(axes)
    back = np.argsort(order)
    return Link(
        (name,),
        (tuple(variable.shape[axis] for axis in order),),
        (variable,),
        lambda theirs: [theirs[0].transpose(back)],
        lambda ours: [ours[0].transpose(order)],
    )


def _biased(weight: Link, bias: Any) -> list[Link]:
    return [weight] if bias is None else [weight, _moved("bias", bias)]


def _channels_first(flattened: tuple[int, ...]) -> Array:
    """Where each number of a flattened (channels, ...) lies in a flattened (..., channels)."""
    places = np.arange(int(np.prod(flattened))).reshape(flattened)
    return np.moveaxis(places, -1, 0).ravel()


def _dense(layer: Any, flattened: tuple[int, ...] | None) -> list[Link]:
    kernel = layer._kernel
    link = _moved("weight", kernel, (1, 0))
    if flattened is not None:
        order = _channels_first(flattened)
        back = np.argsort(order)
        link = link._replace(
            to_ours=lambda theirs: [theirs[0].T[back]],
            to_theirs=lambda ours: [ours[0][order].T],
        )
    return _biased(link, layer.bias)


def _conv(layer: Any, flattened: Any) -> list[Link]:
    rank = layer.rank
    return _biased(_moved("weight", layer._kernel, (rank + 1, rank, *range(rank))), layer.bias)


def _conv_transpose(layer: Any, flattened: Any) -> list[Link]:
    rank = layer.rank
    return _biased(_moved("weight", layer.kernel, (rank + 1, rank, *range(rank))), layer.bias)


def _depthwise(layer: Any, flattened: Any) -> list[Link]:
    """(*k, I, M) beside a convolution of I groups: (I * M, 1, *k)."""
    rank = layer.rank
    *sizes, inputs, multiplier = layer.kernel.shape
    first = [rank, rank + 1, *range(rank)]
    back = np.argsort(first)
    weight = Link(
        ("weight",),
        ((inputs * multiplier, 1, *sizes),),
        (layer.kernel,),
        lambda theirs: [theirs[0].reshape(inputs, multiplier, *sizes).transpose(back)],
        lambda ours: [ours[0].transpose(first).reshape(-1, 1, *sizes)],
    )
    return _biased(weight, layer.bias)


def _normalization(layer: Any, flattened: Any) -> list[Link]:
    pairs = (("weight", layer.gamma), ("bias", layer.beta))
    return [_moved(name, variable) for name, variable in pairs if variable is not None]


def _batch_normalization(layer: Any, flattened: tuple[int, ...] | None) -> list[Link]:
    links = _normalization(layer, flattened)
    links.append(_moved("running_mean", layer.moving_mean))
    links.append(_moved("running_var", layer.moving_variance))
    if flattened is not None:
        order = _channels_first(flattened)
        back = np.argsort(order)
        links = [
            link._replace(
                to_ours=lambda theirs: [theirs[0][back]], to_theirs=lambda ours: [ours[0][order]]
            )
            for link in links
        ]
    return links


def _scale(layer: Any, flattened: Any) -> list[Link]:
    return [_moved("weight", layer.scale)]


def _embedding(layer: Any, flattened: Any) -> list[Link]:
    return [_moved("weight", layer._embeddings)]


def _recurrent(layer: Any, suffix: str, blocks: Sequence[int]) -> list[Link]:
    """`blocks`: PyTorch's gates, by their places here, which are their own inverse."""
    cell = layer.cell
    units = cell.kernel.shape[-1]

    def reordered(array: Array) -> Array:
        parts = np.split(array, len(blocks), axis=-1)
        return np.concatenate([parts[i] for i in blocks], axis=-1)

    links = []
    for name, variable in (("ih", cell.kernel), ("hh", cell.recurrent_kernel)):
        links.append(
            Link(
                (f"weight_{name}_l0{suffix}",),
                ((units, variable.shape[0]),),
                (variable,),
                lambda theirs: [reordered(theirs[0].T)],
                lambda ours: [reordered(ours[0]).T],
            )
        )
    if cell.bias is None:
        return links
    is_double = len(cell.bias.shape) == 2  # of the inputs, and of the state

    def to_ours(theirs: Arrays) -> list[Array]:
        pair = np.stack([reordered(bias) for bias in theirs])
        return [pair if is_double else pair.sum(axis=0)]

    def to_theirs(ours: Arrays) -> list[Array]:
        pair = ours[0] if is_double else np.stack([ours[0], np.zeros_like(ours[0])])
        return [reordered(bias) for bias in pair]

    names = (f"bias_ih_l0{suffix}", f"bias_hh_l0{suffix}")
    return [*links, Link(names, ((units,), (units,)), (cell.bias,), to_ours, to_theirs)]


def _lstm(layer: Any, flattened: Any, suffix: str = "") -> list[Link]:
    return _recurrent(layer, suffix, (0, 1, 2, 3))


def _gru(layer: Any, flattened: Any, suffix: str = "") -> list[Link]:
    if not layer.cell.reset_after:
        raise ValueError(
            f"layer '{layer.name}': expected reset_after=True, as PyTorch's GRU computes, got False"
        )
    return _recurrent(layer, suffix, (1, 0, 2))


def _simple_rnn(layer: Any, flattened: Any, suffix: str = "") -> list[Link]:
    return _recurrent(layer, suffix, (0,))


def _bidirectional(layer: Any, flattened: Any) -> list[Link] | None:
    inner: Any = _find(layer.forward_layer, _DIRECTED)
    if inner is None:
        return None
    backward = inner(layer.backward_layer, None, "_reverse")
    return [*inner(layer.forward_layer, None), *backward]


def together(arrays: Arrays, rows: int | None = None) -> Array:
    """Matrices over heads, as (D, N, K) and (N, K, D), side by side as (rows, ...); or biases, as (...).

    Parameters
    ----------
    arrays : sequence of array
    rows : int, optional
        Inputs of each of them. Default: they are biases.
    """
    flat = [a.ravel() if rows is None else a.reshape(rows, -1) for a in arrays]
    return np.concatenate(flat, axis=-1)


def apart(array: Array, shapes: Sequence[tuple[int, ...]]) -> list[Array]:
    """The way back from `together`: arrays of these shapes."""
    rows = 1 if array.ndim == 1 else len(array)
    ends = np.cumsum([int(np.prod(shape)) // rows for shape in shapes])[:-1]
    parts = np.split(array, ends, axis=-1)
    return [part.reshape(shape) for part, shape in zip(parts, shapes, strict=True)]


def _matrices(name: str, kernels: Sequence[Any], inputs: int) -> Link:
    """Matrices over heads, the outputs of one above those of the next."""
    shapes = [tuple(kernel.shape) for kernel in kernels]
    outputs = sum(int(np.prod(shape)) for shape in shapes) // inputs
    return Link(
        (name,),
        ((outputs, inputs),),
        tuple(kernels),
        lambda theirs: apart(theirs[0].T, shapes),
        lambda ours: [together(ours, inputs).T],
    )


def _biases(name: str, biases: Sequence[Any]) -> Link:
    shapes = [tuple(bias.shape) for bias in biases]
    return Link(
        (name,),
        ((sum(int(np.prod(shape)) for shape in shapes),),),
        tuple(biases),
        lambda theirs: apart(theirs[0], shapes),
        lambda ours: [together(ours)],
    )


def _attention(layer: Any, flattened: Any) -> list[Link]:
    parts = [layer.query_dense, layer.key_dense, layer.value_dense]
    kernels = [part._kernel for part in parts]
    inputs = [kernel.shape[0] for kernel in kernels]
    if len(set(inputs)) == 1:
        links = [_matrices("in_proj_weight", kernels, inputs[0])]
    else:
        links = [
            _matrices(f"{name}_proj_weight", [kernel], size)
            for name, kernel, size in zip("qkv", kernels, inputs)
        ]
    output = layer.output_dense
    joined = int(np.prod(output._kernel.shape[:-1]))
    links.append(_matrices("out_proj.weight", [output._kernel], joined))
    if output.bias is None:
        return links
    biases = _biases("in_proj_bias", [part.bias for part in parts])
    return [*links, biases, _moved("out_proj.bias", output.bias)]


def _transformer_encoder(layer: Any, flattened: Any) -> list[Link]:
    parts = {
        "self_attn": _attention(layer._self_attention_layer, None),
        "linear1": _dense(layer._feedforward_intermediate_dense, None),
        "linear2": _dense(layer._feedforward_output_dense, None),
        "norm1": _normalization(layer._self_attention_layer_norm, None),
        "norm2": _normalization(layer._feedforward_layer_norm, None),
    }
    return [link.below(name) for name, links in parts.items() for link in links]


Layout = Callable[..., "list[Link] | None"]

_DIRECTED: dict[str, Callable[..., list[Link]]] = {
    "LSTM": _lstm,
    "GRU": _gru,
    "SimpleRNN": _simple_rnn,
}
# By the name of a class, or of one that it derives from.
LAYOUTS: dict[str, Layout] = {
    **_DIRECTED,
    "BaseConv": _conv,
    "BaseConvTranspose": _conv_transpose,
    "BaseDepthwiseConv": _depthwise,
    "BatchNormalization": _batch_normalization,
    "Bidirectional": _bidirectional,
    "Dense": _dense,
    "Embedding": _embedding,
    "GroupNormalization": _normalization,
    "LayerNormalization": _normalization,
    "MultiHeadAttention": _attention,
    "RMSNormalization": _scale,
    "TransformerEncoder": _transformer_encoder,
}


def _find(layer: Any, layouts: Mapping[str, Layout]) -> Layout | None:
    names = [cls.__name__ for cls in type(layer).__mro__]
    return next((layouts[name] for name in names if name in layouts), None)


def layout_of(layer: Any, flattened: tuple[int, ...] | None = None) -> list[Link] | None:
    """The links of a layer, or None where it is known by its parts.

    Parameters
    ----------
    layer : Layer
        Built.
    flattened : tuple of int, optional
        (..., channels) that the layer's inputs were before `Flatten`, which PyTorch flattens with the
        channels first.

    Raises
    ------
    ValueError
        A layer that PyTorch has no counterpart of.
    """
    layout = _find(layer, LAYOUTS)
    return None if layout is None else layout(layer, flattened)
