"""Who is who: which module of a file belongs to which layer of a model."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from chainrule.saving.torch_weights.layouts import Array
from chainrule.saving.torch_weights.places import Place

__all__ = ["COUNTER", "match", "tensor_name"]

# Batches that a normalisation has seen, which only PyTorch keeps.
COUNTER = "num_batches_tracked"
_LAYER = re.compile(r"^(.*)\[(\d+)\]$")
_OF_LAYER = re.compile(r"_l(\d+)(_reverse)?$")


def tensor_name(module: str, name: str) -> str:
    """The full name of a module's tensor; ``"rnn[1]"`` is the second layer of the module "rnn".

    Examples
    --------
    >>> tensor_name("fc", "weight"), tensor_name("", "weight")
    ('fc.weight', 'weight')
    >>> tensor_name("rnn[1]", "weight_ih_l0_reverse")
    'rnn.weight_ih_l1_reverse'
    """
    numbered = _LAYER.match(module)
    if numbered:
        module = numbered[1]
        name = re.sub(r"_l0(?=$|_)", f"_l{numbered[2]}", name)
    return f"{module}.{name}" if module else name


def match(
    places: Sequence[Place], mapping: Any, arrays: Mapping[str, Array]
) -> tuple[dict[str, str], dict[str, list[str]]]:
    """By place the module whose tensors it takes; and by place the modules, where several would do.

    Several do where they have the same shapes and their names differ in more than numbers.

    Parameters
    ----------
    places : sequence of Place
    mapping : "auto" or dict
        Of places, or of what stands above some of them, to modules, or to what stands above those.
    arrays : mapping
        The file's tensors.

    Raises
    ------
    ValueError
        A mapping of another kind, or of a place that the model does not have.
    """
    if mapping == "auto":
        mapping = {"": ""}
    if not isinstance(mapping, Mapping) or not all(isinstance(v, str) for v in mapping.values()):
        raise ValueError(f"mapping: expected 'auto', or a dict of str to str, got {mapping!r}")
    known = {place.path for place in places}
    found: dict[str, str] = {}
    groups = []
    for key, module in mapping.items():
        if key in known:
            found[key] = module
            continue
        inside = [p for p in places if key == "" or p.path.startswith(f"{key}/")]
        if not inside:
            raise ValueError(f"mapping: expected places of {sorted(known)}, got {key!r}")
        groups.append((inside, module))
    taken = set(found.values())
    unclear: dict[str, list[str]] = {}
    # What stands further below goes first.
    for inside, module in sorted(groups, key=lambda group: len(group[0])):
        for place in inside:
            if place.path in found:
                continue
            candidates = [m for m in _modules(place, module, arrays) if m not in taken]
            if len({re.sub(r"\d+", "#", m) for m in candidates}) > 1:
                unclear[place.path] = candidates
            elif candidates:
                found[place.path] = candidates[0]
                taken.add(candidates[0])
    return found, unclear


def _modules(place: Place, above: str, arrays: Mapping[str, Array]) -> list[str]:
    """The modules below `above` that have just this place's tensors, by number."""
    names = {n: s for link in place.links for n, s in zip(link.names, link.shapes)}
    first = next(iter(names))
    modules = {m for m in map(lambda full: _module(full, first), arrays) if m is not None}
    if above:
        modules = {m for m in modules if _LAYER.sub(r"\1", m) == above or m.startswith(f"{above}.")}
    fitting = []
    for module in modules:
        full = {tensor_name(module, n): shape for n, shape in names.items()}
        if any(n not in arrays or arrays[n].shape != shape for n, shape in full.items()):
            continue
        if not _others(module, full, arrays):
            fitting.append(module)
    return sorted(fitting, key=_natural)


def _module(full: str, name: str) -> str | None:
    """The module that has a tensor of this full name as its `name`, or None."""
    numbered = _OF_LAYER.search(full)
    if numbered and numbered[1] != "0" and "_l0" in name:
        plain = _module(_OF_LAYER.sub(r"_l0\2", full), name)
        return None if plain is None else f"{plain}[{numbered[1]}]"
    if full == name:
        return ""
    return full[: -len(name) - 1] if full.endswith(f".{name}") else None


def _others(module: str, full: Iterable[str], arrays: Mapping[str, Array]) -> list[str]:
    """The module's own tensors beside these, not those of modules in it."""
    numbered = _LAYER.match(module)
    prefix = f"{numbered[1] if numbered else module}.".lstrip(".")
    known = set(full)
    others = []
    for name in arrays:
        rest = name.removeprefix(prefix)
        if not name.startswith(prefix) or "." in rest or name in known or rest == COUNTER:
            continue
        layer = _OF_LAYER.search(rest)
        if layer and layer[1] != (numbered[2] if numbered else "0"):
            continue
        others.append(name)
    return others


def _natural(name: str) -> list[Any]:
    """For sorting "9" before "10"."""
    return [(0, int(p), "") if p.isdigit() else (1, 0, p) for p in re.split(r"(\d+)", name)]
