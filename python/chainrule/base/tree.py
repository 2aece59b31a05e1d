"""Nested structures of tuples, lists, dicts, named tuples and deques.

A dict's values are visited in the order of its sorted keys, an `OrderedDict`'s in its own order.
Everything else, `None` included, is a leaf. Other containers join with `register_tree_node_class`.
"""

from __future__ import annotations

import warnings
from collections import OrderedDict, defaultdict, deque
from collections.abc import Callable, Iterable
from typing import Any, NamedTuple, TypeVar

from chainrule.base.errors import too_deep

__all__ = [
    "MAP_TO_NONE",
    "assert_same_paths",
    "assert_same_structure",
    "flatten",
    "flatten_with_path",
    "is_nested",
    "lists_to_tuples",
    "map_shape_structure",
    "map_structure",
    "map_structure_up_to",
    "pack_sequence_as",
    "register_tree_node_class",
    "traverse",
]

C = TypeVar("C", bound=type)
_DICTS = (dict, OrderedDict, defaultdict)
_registered: set[type] = set()


class MAP_TO_NONE:
    """What a function given to `traverse` returns to put `None` in a subtree's place."""


class _Node(NamedTuple):
    keys: tuple[Any, ...]
    children: list[Any]
    rebuild: Callable[[list[Any]], Any]


def register_tree_node_class(cls: C) -> C:
    """Class decorator: instances are nodes, by their `tree_flatten` and `tree_unflatten`.

    `tree_flatten()` gives `(children, metadata)` or `(children, metadata, keys)`, and the class
    method `tree_unflatten(metadata, children)` gives the instance back.
    """
    _registered.add(cls)
    return cls


def _sorted_keys(mapping: dict[Any, Any]) -> list[Any]:
    try:
        return sorted(mapping)
    except TypeError:
        return sorted(mapping, key=lambda k: (type(k).__qualname__, str(k)))


def _node(x: Any) -> _Node | None:
    """How `x` divides into children, or `None` for a leaf."""
    cls = type(x)
    if cls in _registered:
        flat = x.tree_flatten()
        children, metadata = list(flat[0]), flat[1]
        keys = tuple(flat[2]) if len(flat) > 2 and flat[2] is not None else range(len(children))
        return _Node(tuple(keys), children, lambda new: cls.tree_unflatten(metadata, new))
    if cls is list or cls is tuple:
        return _Node(tuple(range(len(x))), list(x), cls)
    if cls in _DICTS:
        order = list(x) if cls is OrderedDict else _sorted_keys(x)

        def rebuild(new: list[Any]) -> Any:
            values = dict(zip(order, new, strict=True))
            pairs = [(key, values[key]) for key in x]
            if cls is defaultdict:
                return defaultdict(x.default_factory, dict(pairs))
            return OrderedDict(pairs) if cls is OrderedDict else dict(pairs)

        return _Node(tuple(order), [x[key] for key in order], rebuild)
    if cls is deque:
        return _Node(tuple(range(len(x))), list(x), lambda new: deque(new, maxlen=x.maxlen))
    if isinstance(x, tuple) and hasattr(cls, "_fields"):
        return _Node(tuple(range(len(x))), list(x), lambda new: cls(*new))
    return None


def is_nested(structure: Any) -> bool:
    """Whether `structure` is a container that this module looks into.

    Examples
    --------
    >>> is_nested(42), is_nested({"foo": 42})
    (False, True)
    """
    return _node(structure) is not None


def flatten(structure: Any) -> list[Any]:
    """The leaves, in order.

    Examples
    --------
    >>> flatten([[1, 2, 3], [4, [5], {"b": 7, "a": 6}]])
    [1, 2, 3, 4, 5, 6, 7]
    >>> flatten(None)
    [None]
    """
    node = _node(structure)
    if node is None:
        return [structure]
    try:
        return [leaf for child in node.children for leaf in flatten(child)]
    except RecursionError:
        raise too_deep("a structure") from None


def flatten_with_path(structure: Any) -> list[tuple[tuple[Any, ...], Any]]:
    """Pairs of a leaf's path (its indices and keys) and the leaf.

    Examples
    --------
    >>> flatten_with_path([{"foo": 42}])
    [((0, 'foo'), 42)]
    """
    node = _node(structure)
    if node is None:
        return [((), structure)]
    try:
        return [
            ((key, *path), leaf)
            for key, child in zip(node.keys, node.children, strict=True)
            for path, leaf in flatten_with_path(child)
        ]
    except RecursionError:
        raise too_deep("a structure") from None


def _check_same_node(a: Any, node: _Node, b: Any) -> None:
    """Raise when `b` is no container of the same kind and size as `a`."""
    other = _node(b)
    same_kind = type(a) is type(b) or (type(a) in _DICTS and type(b) in _DICTS)
    name = type(a).__name__
    if isinstance(a, tuple) and type(a) is not tuple:
        name = f"namedtuple {type(a).__module__}.{name}"
    if other is None or not same_kind:
        raise ValueError(
            "The structures don't have the same nested structure. "
            f"Expected an instance of {name}, got {b!r} (of type {type(b).__name__})."
        )
    if len(node.keys) != len(other.keys):
        raise ValueError(
            "The structures don't have the same nested structure: Node arity mismatch, the number "
            f"of items should be {len(node.keys)} and is {len(other.keys)} in {b!r}."
        )
    in_order = type(a) in _registered
    if (node.keys != other.keys) if in_order else (set(node.keys) != set(other.keys)):
        what = "Node context mismatch" if in_order else "dictionary key mismatch"
        raise ValueError(
            f"The structures don't have the same nested structure: {what}, "
            f"expected the keys {list(node.keys)}, got {list(other.keys)}."
        )


def _children_like(node: _Node, other: Any) -> list[Any]:
    """The children of `other` in the order of `node`'s keys."""
    if isinstance(other, dict):
        return [other[key] for key in node.keys]
    found = _node(other)
    assert found is not None
    by_key = dict(zip(found.keys, found.children, strict=True))
    return [by_key[key] for key in node.keys]


def map_structure(func: Callable[..., Any], *structures: Any, none_is_leaf: bool = True) -> Any:
    """The structure of `func(leaf, ...)` over corresponding leaves.

    Parameters
    ----------
    func : callable
        Takes one leaf of each structure.
    *structures
        Structures of the same layout.
    none_is_leaf : bool
        When false, `None` stays `None` and `func` does not see it.

    Raises
    ------
    TypeError
        When `func` is not callable.
    ValueError
        When no structure is given, or their layouts differ.

    Examples
    --------
    >>> map_structure(lambda a, b: a * b, [1, (2, 3)], [10, (20, 30)])
    [10, (40, 90)]
    """
    if not callable(func):
        raise TypeError(f"`func` must be callable. Received: {func!r}")
    if not structures:
        raise ValueError("map_structure needs at least one structure.")

    try:
        return _map(func, structures, none_is_leaf)
    except RecursionError:
        raise too_deep("a structure") from None


# Written as a function of its own: an inner one that calls itself would be a cycle, which keeps what
# `func` holds alive until the next garbage collection.
def _map(func: Callable[..., Any], parts: tuple[Any, ...], none_is_leaf: bool) -> Any:
    first = parts[0]
    if first is None and not none_is_leaf:
        if any(part is not None for part in parts):
            raise ValueError(
                "The structures don't have the same nested structure: "
                f"expected None everywhere, got {parts}."
            )
        return None
    node = _node(first)
    if node is None:
        for part in parts[1:]:
            if is_nested(part):
                raise ValueError(
                    "The structures don't have the same nested structure: "
                    f"{first!r} stands against {part!r}."
                )
        return func(*parts)
    for part in parts[1:]:
        _check_same_node(first, node, part)
    columns = [node.children, *(_children_like(node, part) for part in parts[1:])]
    return node.rebuild([_map(func, row, none_is_leaf) for row in zip(*columns, strict=True)])


def map_structure_up_to(
    shallow_structure: Any, func: Callable[..., Any], *structures: Any
) -> Any:
    """`map_structure` that goes no deeper than `shallow_structure`.

    Examples
    --------
    >>> map_structure_up_to([None, None], len, [[1, 1], [2, 2, 2]])
    [2, 3]
    """
    if not callable(func):
        raise TypeError(f"`func` must be callable. Received: {func!r}")
    if not structures:
        raise ValueError("map_structure_up_to needs at least one structure.")

    node = _node(shallow_structure)
    if node is None:
        return func(*structures)
    for part in structures:
        _check_same_node(shallow_structure, node, part)
    columns = [node.children, *(_children_like(node, part) for part in structures)]
    rows = zip(*columns, strict=True)
    try:
        return node.rebuild([map_structure_up_to(row[0], func, *row[1:]) for row in rows])
    except RecursionError:
        raise too_deep("a structure") from None


def assert_same_structure(a: Any, b: Any, check_types: bool | None = None) -> None:
    """Raise a `ValueError` unless `a` and `b` nest in the same way.

    `dict`, `OrderedDict` and `defaultdict` with the same keys count as the same; lists, tuples,
    deques and different named tuples do not. `check_types` is kept for old code and does nothing.

    Examples
    --------
    >>> assert_same_structure([(0, 1)], [(2, 3)])
    """
    if check_types is not None:
        warnings.warn(
            "The `check_types` argument is deprecated and no longer has any effect. "
            "For a looser check, use `assert_same_paths`.",
            DeprecationWarning,
            stacklevel=2,
        )
    map_structure(lambda *leaves: None, a, b)


def assert_same_paths(a: Any, b: Any) -> None:
    """Raise a `ValueError` unless `a` and `b` have leaves at the same paths.

    Examples
    --------
    >>> assert_same_paths([0, 1], (2, 3))
    """
    a_paths = {path for path, _ in flatten_with_path(a)}
    b_paths = {path for path, _ in flatten_with_path(b)}
    if a_paths != b_paths:
        message = "`a` and `b` don't have the same paths."
        if a_paths - b_paths:
            message += f"\nPaths in `a` missing in `b`:\n{a_paths - b_paths}"
        if b_paths - a_paths:
            message += f"\nPaths in `b` missing in `a`:\n{b_paths - a_paths}"
        raise ValueError(message)


def pack_sequence_as(structure: Any, flat_sequence: Iterable[Any]) -> Any:
    """`structure` with its leaves replaced, in order, by the items of `flat_sequence`.

    Raises
    ------
    TypeError
        When `flat_sequence` is not iterable.
    ValueError
        When it has too few or too many items.

    Examples
    --------
    >>> pack_sequence_as({"key3": "", "key1": "", "key2": ""}, ["v1", "v2", "v3"])
    {'key3': 'v3', 'key1': 'v1', 'key2': 'v2'}
    """
    if not isinstance(flat_sequence, Iterable):
        raise TypeError(f"`flat_sequence` must be an iterable. Received: {flat_sequence!r}")
    leaves = list(flat_sequence)
    expected = len(flatten(structure))
    if len(leaves) != expected:
        word = "few" if len(leaves) < expected else "many"
        raise ValueError(f"Too {word} leaves: expected: {expected}, got: {len(leaves)}.")
    remaining = iter(leaves)
    return map_structure(lambda _: next(remaining), structure)


def traverse(func: Callable[[Any], Any], structure: Any, top_down: bool = True) -> Any:
    """Apply `func` to every subtree, depth first.

    Where `func` returns something, it replaces the subtree (`MAP_TO_NONE` puts `None`); where it
    returns `None`, the subtree stays, and top-down the walk goes on into it.

    Examples
    --------
    >>> traverse(lambda x: sum(x) if type(x) is tuple else None, [(1, 2), [3]])
    [3, [3]]
    """
    if not callable(func):
        raise TypeError(f"`func` must be callable. Received: {func!r}")

    def walk_children() -> Any:
        node = _node(structure)
        if node is None:
            return structure
        try:
            return node.rebuild([traverse(func, child, top_down) for child in node.children])
        except RecursionError:
            raise too_deep("a structure") from None

    if top_down:
        result = func(structure)
        if result is None:
            return walk_children()
    else:
        walked = walk_children()
        result = func(walked)
        if result is None:
            return walked
    return None if result is MAP_TO_NONE else result


def lists_to_tuples(structure: Any) -> Any:
    """The structure with every list turned into a tuple.

    Examples
    --------
    >>> lists_to_tuples([1, {"a": [2, 3]}])
    (1, {'a': (2, 3)})
    """
    return traverse(lambda x: tuple(x) if isinstance(x, list) else None, structure, top_down=False)


def map_shape_structure(func: Callable[[Any], Any], structure: Any) -> Any:
    """`map_structure` whose leaves are shapes: tuples or lists of ints and `None`.

    Examples
    --------
    >>> map_shape_structure(len, [(None, 3), {"a": (1, 2, 3)}])
    [2, {'a': 3}]
    """
    x = structure
    if isinstance(x, (list, tuple)) and all(e is None or isinstance(e, int) for e in x):
        return func(x)
    node = _node(x)
    if node is None:
        return func(x)
    try:
        return node.rebuild([map_shape_structure(func, child) for child in node.children])
    except RecursionError:
        raise too_deep("a structure") from None
