"""Pictures of models: nothing overlaps, every edge is there, text fits, files are what they say."""

from __future__ import annotations

import builtins
import itertools
import xml.etree.ElementTree as ElementTree
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import chainrule as cr
from chainrule import layers, ops
from chainrule.utils import model_to_dot, plot_model
from chainrule.utils.drawing.diagram import Options, describe
from chainrule.utils.drawing.layered import layered
from chainrule.utils.drawing.picture import Picture, arrange, text_width

ALL = Options(True, True, True, True, True, True)
DIRECTIONS = ["TB", "LR", "BT", "RL"]


def siamese() -> Any:
    """Three inputs, two outputs, and a nested model that is called twice."""
    patch = cr.Input((6, 6, 1), name="patch")
    x = layers.Dense(8, activation="relu", name="features")(layers.Flatten()(patch))
    encoder = cr.Model(patch, layers.BatchNormalization(name="norm")(x), name="encoder")
    left, right = cr.Input((6, 6, 1), name="left"), cr.Input((6, 6, 1), name="right")
    extra = cr.Input((5,), name="extra")
    a, b = encoder(left), encoder(right)
    joined = layers.Concatenate(name="joined")([ops.abs(a - b), a, extra])
    hidden = layers.Dense(8, name="hidden")(joined)
    hidden = layers.Add(name="sum")([hidden, layers.Dense(8, name="more")(hidden)])
    same = layers.Dense(1, activation="sigmoid", name="same")(hidden)
    return cr.Model([left, right, extra], {"same": same, "digit": layers.Dense(10)(a)})


def residual(blocks: int = 4) -> Any:
    start = cr.Input((8,))
    x = layers.Dense(8)(start)
    for block in range(blocks):
        skip = layers.Dense(8)(x) if block % 2 else x
        x = layers.Add()([layers.Dense(8)(layers.ReLU()(layers.Dense(8)(x))), skip])
    return cr.Model(start, x)


def deep() -> Any:
    inner = cr.Sequential([cr.Input((4,)), layers.Dense(3), layers.Dense(4)], name="inner")
    return cr.Sequential(
        [cr.Input((4,)), cr.Sequential([inner, layers.Dense(2)], name="outer"), layers.Dense(1)]
    )


MODELS = [siamese, residual, deep]


def rectangles_of(picture: Picture, frames: bool) -> list[tuple[float, float, float, float]]:
    found = [placed for placed in picture.placed if (placed.item.number < 0) == frames]
    return [(p.x, p.y, p.x + p.width, p.y + p.height) for p in found]


def overlap(a: Any, b: Any) -> bool:
    return bool(a[0] < b[2] and b[0] < a[2] and a[1] < b[3] and b[1] < a[3])


def check_picture(picture: Picture) -> None:
    boxes = rectangles_of(picture, frames=False)
    for a, b in itertools.combinations(boxes, 2):
        assert not overlap(a, b)
    for x0, y0, x1, y1 in boxes:
        assert 0 <= x0 < x1 <= picture.width and 0 <= y0 < y1 <= picture.height
    for edges in rectangles_of(picture, frames=True):
        for box in boxes:
            inside = box[0] > edges[0] and box[1] > edges[1]
            inside = inside and box[2] < edges[2] and box[3] < edges[3]
            assert inside or not overlap(box, edges)
    for line in picture.lines:
        points = list(itertools.chain.from_iterable(line.steps))
        for (x0, y0), (x1, y1) in itertools.pairwise(points):
            low, high = (min(x0, x1), min(y0, y1)), (max(x0, x1), max(y0, y1))
            for a, b, c, d in boxes:  # no line passes through a box
                touches = low[0] < c - 0.5 and a + 0.5 < high[0] + 0.01
                touches = touches and low[1] < d - 0.5 and b + 0.5 < high[1] + 0.01
                assert not touches, (points, (a, b, c, d))


@pytest.mark.parametrize("make", MODELS)
@pytest.mark.parametrize("rankdir", DIRECTIONS)
@pytest.mark.parametrize("options", [Options(), ALL])
def test_nothing_overlaps(make: Any, rankdir: str, options: Options) -> None:
    check_picture(arrange(*describe(make(), options), rankdir))


@settings(max_examples=60, deadline=None)
@given(st.data())
def test_layouts_of_any_graph(data: Any) -> None:
    count = data.draw(st.integers(1, 14))
    size = st.tuples(st.floats(10, 200), st.floats(10, 90))
    sizes = data.draw(st.lists(size, min_size=count, max_size=count))
    pairs = [(a, b) for b in range(count) for a in range(b)]
    chosen = data.draw(st.lists(st.sampled_from(pairs), unique=True, max_size=30)) if pairs else []
    middles, routes, _ = layered(sizes, [(a, b, 0.0, 0.0) for a, b in chosen])
    boxes = [(u - w / 2, v - h / 2, u + w / 2, v + h / 2) for (u, v), (w, h) in zip(middles, sizes)]
    for a, b in itertools.combinations(boxes, 2):
        assert not overlap(a, b)
    for (a, b), route in zip(chosen, routes):
        assert middles[a][1] < middles[b][1]
        heights = [v for _, v in route]
        assert all(low <= high + 1e-9 for low, high in itertools.pairwise(heights))
        assert route[0] == pytest.approx((middles[a][0], boxes[a][3]))
        assert route[-1] == pytest.approx((middles[b][0], boxes[b][1]))


def test_a_circle_is_refused() -> None:
    with pytest.raises(ValueError, match="cycle"):
        layered([(1.0, 1.0)] * 2, [(0, 1, 0.0, 0.0), (1, 0, 0.0, 0.0)])


def test_chains_are_straight() -> None:
    picture = arrange(*describe(residual(), Options(names=True)))
    middles = {p.item.subtitle: p.x + p.width / 2 for p in picture.placed}
    spine = [v for name, v in middles.items() if name.startswith(("re_lu", "add", "input"))]
    assert np.ptp(spine) < 0.1


def test_a_box_for_each_call_and_an_edge_for_each_tensor() -> None:
    group, found = describe(siamese(), Options(names=True))
    boxes = {box.number: box for box in group.boxes()}
    calls = [box.subtitle for box in boxes.values() if box.subtitle.startswith("encoder")]
    assert calls == ["encoder  ·  call 1 of 2", "encoder  ·  call 2 of 2"]
    edges = {(boxes[a].title, boxes[b].title) for a, b in found}
    assert ("Functional", "Subtract") in edges and ("Subtract", "Abs") in edges
    (joined,) = (n for n, box in boxes.items() if box.title == "Concatenate")
    assert sum(b == joined for _, b in found) == 3


def test_nested_models_are_opened_on_demand() -> None:
    shut, _ = describe(deep(), Options())
    assert [box.title for box in shut.boxes()] == ["InputLayer", "Sequential", "Dense"]
    opened, edges = describe(deep(), Options(nested=True))
    titles = [box.title for box in opened.boxes()]
    assert titles == ["InputLayer", "Dense", "Dense", "Dense", "Dense"]
    assert edges == [(0, 1), (1, 2), (2, 3), (3, 4)]
    outer = opened.items[1]
    assert outer.title == "outer" and outer.items[0].title == "inner"


def test_what_is_said_of_a_layer() -> None:
    model = cr.Sequential([cr.Input((3,)), layers.Dense(2, activation="tanh", name="last")])
    model.layers[0].trainable = False
    box = describe(model, ALL)[0].boxes()[1]
    assert (box.title, box.subtitle) == ("Dense", "last")
    assert box.rows == [
        ("activation", "tanh"),
        ("input", "(None, 3)"),
        ("output", "(None, 2)"),
        ("dtype", "float32"),
        ("trains", "no"),
    ]


def test_a_subclass_is_a_box_or_its_layers() -> None:
    class Own(cr.Model):
        def __init__(self) -> None:
            super().__init__()
            self.first = layers.Dense(3)
            self.second = layers.Dense(2)

        def call(self, x: Any) -> Any:
            return self.second(self.first(x))

    model = Own()
    with pytest.raises(ValueError, match="expected a built model"):
        describe(model, Options())
    model(np.ones((1, 4), "float32"))
    assert [box.title for box in describe(model, Options())[0].boxes()] == ["Own"]
    opened, edges = describe(model, Options(nested=True))
    assert [box.title for box in opened.boxes()] == ["Dense", "Dense"]
    check_picture(arrange(opened, edges))


@pytest.mark.parametrize("make", MODELS)
def test_svg(make: Any, tmp_path: Any, monkeypatch: Any) -> None:
    monkeypatch.setattr("chainrule.utils.model_plotting._pydot", lambda: None)
    path = tmp_path / "model.svg"
    assert plot_model(make(), path, show_shapes=True, expand_nested=True) is None
    root = ElementTree.parse(path).getroot()
    assert root.tag.endswith("svg") and float(root.get("width", "0")) > 0
    texts = [e.text for e in root.iter() if e.tag.endswith("text")]
    assert "InputLayer" in texts and "output" in texts


def test_names_are_escaped(tmp_path: Any, monkeypatch: Any) -> None:
    monkeypatch.setattr("chainrule.utils.model_plotting._pydot", lambda: None)
    model = cr.Sequential([cr.Input((3,)), layers.Dense(2, name="a<b & $c$")])
    plot_model(model, tmp_path / "m.svg", show_layer_names=True)
    texts = [e.text for e in ElementTree.parse(tmp_path / "m.svg").getroot().iter()]
    assert "a<b & $c$" in texts


def test_png_and_pdf(tmp_path: Any, monkeypatch: Any) -> None:
    pytest.importorskip("matplotlib")
    monkeypatch.setattr("chainrule.utils.model_plotting._pydot", lambda: None)
    plot_model(siamese(), str(tmp_path / "m.png"), show_layer_names=True, dpi=96)
    plot_model(siamese(), str(tmp_path / "m.pdf"))
    assert (tmp_path / "m.png").read_bytes()[:4] == b"\x89PNG"
    assert (tmp_path / "m.pdf").read_bytes()[:4] == b"%PDF"


def test_text_fits() -> None:
    pytest.importorskip("matplotlib")
    from matplotlib.font_manager import FontProperties
    from matplotlib.textpath import TextPath

    picture = arrange(*describe(siamese(), ALL))
    for mark in picture.marks():
        if mark.text:
            font = FontProperties(family="DejaVu Sans", weight="bold" if mark.bold else "normal")
            drawn = TextPath((0, 0), mark.text, size=mark.size, prop=font).get_extents().width
            assert drawn <= text_width(mark.text, mark.size, mark.bold)


def test_what_is_missing_is_named(tmp_path: Any, monkeypatch: Any) -> None:
    monkeypatch.setattr("chainrule.utils.model_plotting._pydot", lambda: None)
    with pytest.raises(ImportError, match="pip install pydot"):
        model_to_dot(deep())
    found = builtins.__import__

    def without(name: str, *args: Any, **kwargs: Any) -> Any:
        if name.startswith("matplotlib"):
            raise ImportError(name)
        return found(name, *args, **kwargs)

    monkeypatch.setattr(builtins, "__import__", without)
    with pytest.raises(ImportError, match=r"pip install matplotlib.*\.svg"):
        plot_model(deep(), tmp_path / "m.png")
    with pytest.raises(ValueError, match="a file name like"):
        plot_model(deep(), tmp_path / "model")
    with pytest.raises(ValueError, match="rankdir"):
        plot_model(deep(), tmp_path / "m.svg", rankdir="UP")


def test_pydot() -> None:
    pydot = pytest.importorskip("pydot")
    graph = model_to_dot(siamese(), expand_nested=True, show_shapes=True)
    assert isinstance(graph, pydot.Dot)
    assert len(graph.get_edges()) == len(describe(siamese(), ALL)[1])
    assert len(graph.get_subgraphs()) == 2
    assert isinstance(model_to_dot(deep(), subgraph=True), pydot.Cluster)
