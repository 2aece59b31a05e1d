"""Nested structures."""

from __future__ import annotations

from collections import OrderedDict, defaultdict, deque, namedtuple

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chainrule import layers, tree

Point = namedtuple("Point", ["x", "y"])

leaves = st.one_of(st.none(), st.integers(), st.text(max_size=2))
trees = st.recursive(
    leaves,
    lambda children: st.one_of(
        st.lists(children, max_size=3),
        st.lists(children, max_size=3).map(tuple),
        st.lists(children, max_size=3).map(deque),
        st.dictionaries(st.text(max_size=2), children, max_size=3),
        st.dictionaries(st.text(max_size=2), children, max_size=3).map(OrderedDict),
        st.builds(Point, children, children),
    ),
    max_leaves=12,
)


@given(trees)
def test_flatten_and_pack_are_inverse(structure):
    flat = tree.flatten(structure)
    assert tree.pack_sequence_as(structure, flat) == structure
    numbered = tree.pack_sequence_as(structure, range(len(flat)))
    assert tree.flatten(numbered) == list(range(len(flat)))
    tree.assert_same_structure(structure, numbered)


@given(trees)
def test_paths_lead_to_their_leaves(structure):
    for path, leaf in tree.flatten_with_path(structure):
        found = structure
        for key in path:
            found = found[key]
        assert found is leaf


@given(trees)
def test_map_keeps_types(structure):
    mapped = tree.map_structure(lambda x: x, structure)
    assert mapped == structure and type(mapped) is type(structure)


def test_order_of_dicts():
    assert tree.flatten({"b": 2, "a": 1}) == [1, 2]
    assert tree.flatten(OrderedDict([("b", 2), ("a", 1)])) == [2, 1]
    packed = tree.pack_sequence_as(defaultdict(list, {"b": 0, "a": 0}), [1, 2])
    assert packed == {"a": 1, "b": 2} and packed.default_factory is list


def test_none_can_be_skipped():
    assert tree.map_structure(lambda x: x + 1, [1, None], none_is_leaf=False) == [2, None]


def test_traverse_replaces_subtrees():
    drop_dicts = lambda x: tree.MAP_TO_NONE if isinstance(x, dict) else None  # noqa: E731
    assert tree.traverse(drop_dicts, [1, {"a": 2}, (3,)]) == [1, None, (3,)]


def test_shapes_are_leaves():
    shapes = [(None, 3), {"a": (2,)}]
    assert tree.map_shape_structure(lambda s: s[1:], shapes) == [(3,), {"a": ()}]


@pytest.mark.parametrize(
    ("a", "b", "words"),
    [
        ([1], (1,), "list"),
        ((1, 2), (1,), "arity"),
        ({"a": 1}, {"b": 1}, "keys"),
        (Point(1, 2), (1, 2), "Point"),
        (1, [1], "nested structure"),
    ],
)
def test_differences_are_named(a, b, words):
    with pytest.raises(ValueError, match=words):
        tree.assert_same_structure(a, b)


@pytest.mark.parametrize(("count", "word"), [(1, "few"), (3, "many")])
def test_pack_wants_the_right_number_of_leaves(count, word):
    with pytest.raises(ValueError, match=word):
        tree.pack_sequence_as([0, 0], range(count))


def test_registered_classes_are_nodes():
    @tree.register_tree_node_class
    class Pair:
        def __init__(self, a, b):
            self.items = (a, b)

        def tree_flatten(self):
            return self.items, None

        @classmethod
        def tree_unflatten(cls, metadata, children):
            return cls(*children)

    doubled = tree.map_structure(lambda x: 2 * x, [Pair(1, 2), 3])
    assert doubled[0].items == (2, 4) and doubled[1] == 6


def test_an_ordered_dict_of_a_layer_keeps_its_order() -> None:
    layer = layers.Layer()
    layer.parts = OrderedDict(b=2, a=1)
    assert tree.flatten(layer.parts) == [2, 1]
    assert list(tree.map_structure(lambda x: x + 1, layer.parts).items()) == [("b", 3), ("a", 2)]
