"""plot_model and model_to_dot: a picture of a model's layers and how they are connected."""

from __future__ import annotations

import importlib
import os
import shutil
import sys
from html import escape
from pathlib import Path
from typing import Any

from chainrule.utils.drawing.diagram import Item, Options, describe
from chainrule.utils.drawing.picture import (
    FRAME_EDGE,
    FRAMES,
    PALE,
    WIRE,
    arrange,
    save_with_matplotlib,
    svg,
)
from chainrule.utils.writing import replacing

__all__ = ["model_to_dot", "plot_model"]


def plot_model(
    model: Any,
    to_file: Any = "model.png",
    show_shapes: bool = False,
    show_dtype: bool = False,
    show_layer_names: bool = False,
    rankdir: str = "TB",
    expand_nested: bool = False,
    dpi: int = 200,
    show_layer_activations: bool = False,
    show_trainable: bool = False,
) -> Any:
    """Draw a model to a file.

    Graphviz draws where both it and pydot are installed; else chainrule itself: SVG without any
    package, other formats (PNG, PDF) with matplotlib.

    Parameters
    ----------
    model : Model
        Built. A layer that is called several times stands there once for each call.
    to_file : str or path
        The end of the name gives the format. Default "model.png".
    show_shapes, show_dtype : bool
        Of inputs and outputs. Default False.
    show_layer_names : bool
        Beside the class. Default False.
    rankdir : {"TB", "LR", "BT", "RL"}
        From top to bottom (default), left to right, and their opposites.
    expand_nested : bool
        Draw the layers of nested models, with a frame around them. Default False.
    dpi : int
        Dots an inch, for formats of dots. Default 200.
    show_layer_activations, show_trainable : bool
        Default False.

    Returns
    -------
    IPython.display.Image or SVG
        In a notebook, of these two formats; elsewhere None.

    Raises
    ------
    ImportError
        A format that needs a package that is not installed.
    ValueError
        A model that is not built, a file name without an end, or an unknown `rankdir`.

    Examples
    --------
    >>> import os, tempfile, chainrule as keras
    >>> model = keras.Sequential([keras.Input((3,)), keras.layers.Dense(2)])
    >>> path = os.path.join(tempfile.mkdtemp(), "model.svg")
    >>> plot_model(model, path, show_shapes=True)
    >>> os.path.exists(path)
    True
    """
    path = Path(os.fspath(to_file))
    suffix = path.suffix.lower()
    if not suffix:
        raise ValueError(f"plot_model: expected a file name like 'model.svg', got '{path}'")
    options = Options(
        shapes=show_shapes,
        dtype=show_dtype,
        names=show_layer_names,
        activations=show_layer_activations,
        trainable=show_trainable,
        nested=expand_nested,
    )
    group, edges = describe(model, options)
    pydot = _pydot()
    with replacing(path) as temporary:
        if pydot is not None and shutil.which("dot") is not None:
            _to_dot(pydot, group, edges, rankdir, dpi).write(temporary, format=suffix[1:])
        elif suffix == ".svg":
            Path(temporary).write_text(svg(arrange(group, edges, rankdir)), encoding="utf-8")
        else:
            save_with_matplotlib(arrange(group, edges, rankdir), temporary, suffix[1:], dpi)
    return _for_notebook(path, suffix)


def model_to_dot(
    model: Any,
    show_shapes: bool = False,
    show_dtype: bool = False,
    show_layer_names: bool = True,
    rankdir: str = "TB",
    expand_nested: bool = False,
    dpi: int = 200,
    subgraph: bool = False,
    show_layer_activations: bool = False,
    show_trainable: bool = False,
) -> Any:
    """A model as a graph of pydot; the parameters are those of `plot_model`.

    Parameters
    ----------
    subgraph : bool
        Give a `pydot.Cluster` instead of a `pydot.Dot`. Default False.

    Raises
    ------
    ImportError
        pydot is not installed.
    """
    pydot = _pydot()
    if pydot is None:
        raise ImportError("model_to_dot: expected pydot to be installed (`pip install pydot`)")
    options = Options(
        shapes=show_shapes,
        dtype=show_dtype,
        names=show_layer_names,
        activations=show_layer_activations,
        trainable=show_trainable,
        nested=expand_nested,
    )
    cluster = model.name if subgraph else None
    return _to_dot(pydot, *describe(model, options), rankdir, dpi, cluster)


def _pydot() -> Any:
    try:
        import pydot
    except ImportError:
        return None
    return pydot


def _to_dot(
    pydot: Any,
    group: Item,
    edges: list[tuple[int, int]],
    rankdir: str,
    dpi: int,
    cluster: str | None = None,
) -> Any:
    if cluster is None:
        graph = pydot.Dot(graph_type="digraph", rankdir=rankdir, dpi=str(dpi))
    else:
        graph = pydot.Cluster(graph_name=cluster, label=cluster)
    graph.set("fontname", "Helvetica")
    graph.set_node_defaults(shape="plaintext", fontname="Helvetica", fontsize="12")
    graph.set_edge_defaults(color=WIRE, arrowsize="0.7")
    _add_group(pydot, graph, group, "group", 0)
    for source, target in edges:
        graph.add_edge(pydot.Edge(str(source), str(target)))
    return graph


def _add_group(pydot: Any, graph: Any, group: Item, name: str, depth: int) -> None:
    for place, item in enumerate(group.items):
        if item.number >= 0:
            graph.add_node(pydot.Node(str(item.number), label=_html(item)))
            continue
        inner = pydot.Cluster(
            graph_name=f"{name}_{place}",
            label=f"{item.title}\\n{item.subtitle}",
            style="filled,rounded",
            fillcolor=FRAMES[min(depth, len(FRAMES) - 1)],
            color=FRAME_EDGE,
            labeljust="l",
        )
        _add_group(pydot, inner, item, f"{name}_{place}", depth + 1)
        graph.add_subgraph(inner)


def _html(box: Item) -> str:
    """The box as a table of graphviz."""
    lines = [f'<font color="white"><b>{escape(box.title)}</b></font>']
    if box.subtitle:
        lines.append(f'<font color="white">{escape(box.subtitle)}</font>')
    rows = [f'<tr><td colspan="2" bgcolor="{box.color}">{"<br/>".join(lines)}</td></tr>']
    rows += [
        f'<tr><td align="left"><font color="{PALE}">{escape(label)}</font></td>'
        f'<td align="left">{escape(text)}</td></tr>'
        for label, text in box.rows
    ]
    return (
        f'<<table border="1" cellborder="0" cellspacing="0" cellpadding="4" color="{box.color}">'
        f"{''.join(rows)}</table>>"
    )


def _for_notebook(path: Path, suffix: str) -> Any:
    """What a notebook shows; None outside of one."""
    shell = sys.modules.get("IPython")
    if shell is None or shell.get_ipython() is None or suffix not in (".png", ".svg"):
        return None
    display: Any = importlib.import_module("IPython.display")
    return (display.Image if suffix == ".png" else display.SVG)(filename=str(path))
