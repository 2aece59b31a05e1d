"""A model as a table: layers, output shapes, numbers of weights."""

from __future__ import annotations

import math
import re
import shutil
import textwrap
from collections.abc import Callable, Iterable, Sequence
from html import escape
from typing import Any

import numpy as np

from chainrule.base import tree
from chainrule.utils.io import plain, print_msg
from chainrule.utils.tables import html_table

__all__ = [
    "count_params",
    "layer_html",
    "print_summary",
    "readable_memory_size",
    "summary_html",
    "weight_memory_size",
]

DEFAULT_LINE_LENGTH = 88


def count_params(weights: Iterable[Any]) -> int:
    """The number of scalars in the weights, each weight once."""
    return sum(math.prod(w.shape) for w in {id(w): w for w in weights}.values())


def weight_memory_size(weights: Iterable[Any]) -> int:
    """The bytes of the weights, each weight once."""
    unique = {id(w): w for w in weights}.values()
    return sum(math.prod(w.shape) * np.dtype(w.dtype).itemsize for w in unique)


def readable_memory_size(size: float) -> str:
    """Bytes in words.

    Examples
    --------
    >>> readable_memory_size(300), readable_memory_size(3 * 1024**2)
    ('300.00 B', '3.00 MB')
    """
    for unit in ("B", "KB", "MB", "GB", "TB"):
        if size < 1024:
            return f"{size:.2f} {unit}"
        size /= 1024
    return f"{size:.2f} PB"


def print_summary(
    model: Any,
    line_length: int | None = None,
    positions: Sequence[float] | None = None,
    print_fn: Callable[[str], Any] | None = None,
    expand_nested: bool = False,
    show_trainable: bool = False,
    layer_range: Sequence[str] | None = None,
) -> None:
    """Print a model's layers with their output shapes and numbers of weights.

    Parameters
    ----------
    model : Model
    line_length : int, optional
        The most characters a line may have. Default: 88, or the terminal's width.
    positions : sequence of float, optional
        Where the columns end, as fractions of the line. Default: as wide as needed.
    print_fn : callable, optional
        Called with each line; in plain characters where it cannot encode others. Default: prints.
    expand_nested : bool
        Show the layers of nested models too. Default: False.
    show_trainable : bool
        Show which layers train. Default: False.
    layer_range : pair of str, optional
        Names (or regular expressions) of the first and the last layer to show.

    Raises
    ------
    ValueError
        When `layer_range` names no layers, or the line is too short.
    """
    header, rows = _layers(model, expand_nested, show_trainable, layer_range)
    if line_length is None:
        width = DEFAULT_LINE_LENGTH + 20 * ("Connected to" in header) + 12 * show_trainable
        line_length = min(width, shutil.get_terminal_size((width, 24)).columns)
    widths = _widths(header, rows, line_length, positions)
    for line in [
        f'Model: "{model.name}"',
        *_table(header, rows, widths),
        *_totals(model),
    ]:
        _write(line, print_fn or print_msg)


def summary_html(model: Any) -> str:
    """The same table for a notebook, with the layers of nested models.

    Examples
    --------
    >>> import chainrule as keras
    >>> model = keras.Sequential([keras.Input((3,)), keras.layers.Dense(2, name="out")])
    >>> "<td>out (Dense)</td><td>(None, 2)</td><td>8</td>" in summary_html(model)
    True
    """
    header, rows = _layers(model, expand_nested=True, show_trainable=False, layer_range=None)
    totals = "<br>".join(escape(line.strip()) for line in _totals(model))
    title = f"{type(model).__name__} <b>{escape(model.name)}</b>"
    return f"<p>{title}</p>{html_table(header, rows)}<p>{totals}</p>"


def layer_html(layer: Any) -> str:
    """A layer for a notebook: class, name, output shape, and a table of its weights.

    Examples
    --------
    >>> import chainrule as keras
    >>> layer = keras.layers.Dense(2, name="out")
    >>> layer.build((None, 3))
    >>> layer_html(layer).count("<tr>")
    3
    """
    built = f"{layer.count_params():,} parameters" if layer.built else "not built"
    about = f"output {_output_shape(layer)}, {built}"
    rows = [
        (w.path, str(tuple(w.shape)), str(w.dtype), "yes" if w.trainable else "no")
        for w in layer.weights
    ]
    table = html_table(("weight", "shape", "dtype", "trains"), rows) if rows else ""
    title = f"{type(layer).__name__} <b>{escape(layer.name)}</b>"
    return f"<p>{title}: {escape(about)}</p>{table}"


def _layers(
    model: Any, expand_nested: bool, show_trainable: bool, layer_range: Sequence[str] | None
) -> tuple[list[str], list[list[str]]]:
    """Head and cells of the table."""
    layers = list(getattr(model, "operations", model.layers))
    nodes = getattr(model, "_nodes", None)
    connected = not _is_chain(nodes or ())
    first, last = _bounds(layers, layer_range)
    header = ["Layer (type)", "Output Shape", "Param #"]
    if connected:
        header.append("Connected to")
    if show_trainable:
        header.append("Trainable")
    rows: list[list[str]] = []
    for layer in layers[first:last]:
        within = nodes if connected else None
        rows.extend(_rows(layer, within, show_trainable, expand_nested, 0))
    return header, rows


def _write(line: str, write: Callable[[str], Any]) -> None:
    """Write in other characters where, say, a file of the user's lacks those of the line."""
    try:
        write(line)
    except UnicodeEncodeError as error:
        write(plain(line, error.encoding))


def _rows(
    layer: Any, calls: Any, show_trainable: bool, expand_nested: bool, level: int
) -> list[list[str]]:
    prefix = "   " * level + "└ " if level else ""
    if not hasattr(layer, "built"):
        params = "0"
    else:
        params = f"{layer.count_params():,}" if layer.built else "0 (unbuilt)"
    fields = [f"{prefix}{layer.name} ({type(layer).__name__})", _output_shape(layer), params]
    if calls is not None:
        fields.append(_connections(layer, calls))
    if show_trainable:
        weights = getattr(layer, "weights", None)
        fields.append("-" if not weights else "Y" if layer.trainable else "N")
    rows = [fields]
    if expand_nested:
        within = None if calls is None else getattr(layer, "_nodes", ())
        inner_layers = getattr(layer, "operations", None) or getattr(layer, "layers", None) or ()
        for inner in inner_layers:
            rows.extend(_rows(inner, within, show_trainable, expand_nested, level + 1))
    return rows


def _output_shape(layer: Any) -> str:
    """The shape of the layer's last output, or `?` where nothing tells."""
    nodes = getattr(layer, "_inbound_nodes", None)
    shapes: Any
    if nodes:
        shapes = tree.map_structure(lambda x: tuple(x.shape), nodes[-1].output_tensors)
    else:
        build_shapes = getattr(layer, "_build_shapes_dict", None)
        if not build_shapes:
            return "?"
        try:
            shapes = layer.compute_output_shape(**build_shapes)
        except NotImplementedError:
            return "?"
    texts: list[str] = []
    tree.map_shape_structure(lambda s: texts.append(str(tuple(s))), shapes)
    if len(texts) == 1:
        return texts[0]
    return str(tree.map_shape_structure(tuple, shapes))


def _connections(layer: Any, calls: Sequence[Any]) -> str:
    """Where the layer's inputs come from, in the model's own calls of it."""
    names = [
        f"{x._keras_history.operation.name}[{x._keras_history.node_index}]"
        f"[{x._keras_history.tensor_index}]"
        for node in calls
        if node.operation is layer
        for x in node.input_tensors
        if x._keras_history.operation is not None
    ]
    return ", ".join(names) or "-"


def _is_chain(nodes: Sequence[Any]) -> bool:
    """Whether every call takes the one output of the call before, and no layer is called twice."""
    before = None
    for node in nodes:
        sources = [x._keras_history.operation for x in node.input_tensors]
        if len(sources) != 1 or (before is not None and sources[0] is not before):
            return False
        before = node.operation
    return len({id(node.operation) for node in nodes}) == len(nodes)


def _bounds(layers: Sequence[Any], layer_range: Sequence[str] | None) -> tuple[int, int]:
    if layer_range is None:
        return 0, len(layers)
    if len(layer_range) != 2 or not all(isinstance(name, str) for name in layer_range):
        raise ValueError(
            "layer_range must be a list or tuple of length 2 with string type only. "
            f"Received: {layer_range}"
        )
    found = [
        [i for i, layer in enumerate(layers) if re.match(name, layer.name)]
        for name in layer_range
    ]
    if not all(found):
        raise ValueError(
            f"layer_range does not match the layer names in the model. Received: {layer_range}, "
            f"the names are {[layer.name for layer in layers]}"
        )
    low, high = min(found[0]), max(found[1])
    if low > high:
        low, high = min(found[1]), max(found[0])
    return low, high + 1


def _widths(
    header: Sequence[str],
    rows: Sequence[Sequence[str]],
    line_length: int,
    positions: Sequence[float] | None,
) -> list[int]:
    """The characters of each column, without its borders and spaces."""
    if positions is not None:
        ends = [int(p * line_length) if p <= 1 else int(p) for p in positions]
        if len(ends) != len(header):
            raise ValueError(
                f"print_summary: expected {len(header)} positions, got {len(ends)}: {positions}"
            )
        widths = [end - start - 3 for start, end in zip([1, *ends[:-1]], ends, strict=True)]
    else:
        widths = [max(map(len, column)) for column in zip(header, *rows, strict=True)]
        while sum(widths) + 3 * len(widths) + 1 > line_length and max(widths) > 4:
            widths[widths.index(max(widths))] -= 1
    if min(widths) < 1:
        raise ValueError(
            f"print_summary: a line of {line_length} characters is too short for {len(header)} "
            "columns."
        )
    return widths


def _table(
    header: Sequence[str], rows: Sequence[Sequence[str]], widths: Sequence[int]
) -> list[str]:
    def rule(left: str, line: str, cross: str, right: str) -> str:
        return left + cross.join(line * (width + 2) for width in widths) + right

    def cells(fields: Sequence[str], bar: str) -> list[str]:
        wrapped = [
            textwrap.wrap(field, width, drop_whitespace=True, initial_indent="") or [""]
            for field, width in zip(fields, widths, strict=True)
        ]
        lines = []
        for i in range(max(map(len, wrapped))):
            parts = []
            for column, (texts, width) in enumerate(zip(wrapped, widths, strict=True)):
                text = texts[i] if i < len(texts) else ""
                parts.append(f" {text:>{width}} " if column == 2 else f" {text:<{width}} ")
            lines.append(bar + bar.join(parts) + bar)
        return lines

    lines = [rule("┏", "━", "┳", "┓"), *cells(header, "┃"), rule("┡", "━", "╇", "┩")]
    for i, row in enumerate(rows):
        if i:
            lines.append(rule("├", "─", "┼", "┤"))
        lines.extend(cells(row, "│"))
    return [*lines, rule("└", "─", "┴", "┘")]


def _totals(model: Any) -> list[str]:
    groups = [
        ("Trainable params", list(model.trainable_weights)),
        ("Non-trainable params", list(model.non_trainable_weights)),
    ]
    optimizer = getattr(model, "optimizer", None)
    if optimizer is not None and optimizer.built:
        groups.append(("Optimizer params", list(optimizer.variables)))
    groups.insert(0, ("Total params", [w for _, weights in groups for w in weights]))
    return [
        f" {name}: {count_params(weights):,} ({readable_memory_size(weight_memory_size(weights))})"
        for name, weights in groups
    ]
