"""Calls: a model that is called on arrays again and again is compiled.

Only what nobody can tell from a call op by op: a model of chainrule's own layers, functions and ops,
whose call adds no loss, attaches no mask and assigns no variable, with nothing open around it. The
layers' attributes are compared whenever some layer anywhere has got a new one.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np

from chainrule import _core
from chainrule.base import loading, tree
from chainrule.base.tracking import changes
from chainrule.layers.calling import is_within_call
from chainrule.layers.core.lambda_layer import Lambda
from chainrule.tracing.arrays import ENGINE_DTYPES, engine_dtype
from chainrule.tracing.autocast import get_autocast_scope
from chainrule.tracing.masking import get_keras_mask
from chainrule.tracing.scopes import is_any_open
from chainrule.tracing.tensor import KerasTensor
from chainrule.tracing.trace import Trace
from chainrule.tracing.turns import tracing
from chainrule.training.loaded import loader_of
from chainrule.training.runner import packed
from chainrule.training.trace import OutputSpec

__all__ = ["ASIDE", "PLAIN", "Calls"]

# What changes without a change of what the model computes.
ASIDE = frozenset(
    "_losses _loss_ids _losses_override _called _inbound_nodes _outbound_nodes _training _path "
    "_parent_path _tracker built optimizer loss compiled stop_training stop_evaluating "
    "stop_predicting history non_finite run_eagerly steps_per_execution".split()
)
PLAIN = (bool, int, float, str)
_READ = frozenset(np.dtype(name) for name, engine in ENGINE_DTYPES.items() if name == engine)


Facts = list[tuple[str, Any]]


class _Known(NamedTuple):
    # The attributes that it was traced with.
    facts: Facts
    program: _core.Program
    structure: Any
    specs: list[OutputSpec]
    plain: bool


class Calls:
    """The compiled calls of a model by shape, dtype and `training`, each from its second time on."""

    LIMIT = 16

    def __init__(self) -> None:
        self._known: dict[Any, _Known] = {}
        # What has come once.
        self._once: set[Any] = set()
        self._seen = -1
        self._facts: Facts = []
        self._can_compile = False

    def __call__(self, model: Any, x: Any, kwargs: dict[str, Any], call: Callable[..., Any]) -> Any:
        """`call(x, **kwargs)`, which calls the model op by op.

        Parameters
        ----------
        model : Model
        x : ndarray
        kwargs : dict
            `training` or nothing.
        call : callable
        """
        if x.dtype not in _READ or not _is_alone(x):
            return call(x, **kwargs)
        if self._seen != changes.count:
            self._look(model)
        if not self._can_compile:
            return call(x, **kwargs)
        kind = (x.shape, x.dtype, *kwargs.items())
        known = self._known.get(kind)
        if known is not None and known.facts is not self._facts:
            known = None
        if known is None and kind in self._once and tracing.enter_at_once():
            try:
                known = self._compile(model, kind, x, kwargs, call)
            finally:
                tracing.__exit__()
        if known is None:
            return self._first(model, kind, x, kwargs, call)
        outputs: Any = known.program.run((x,))
        return outputs[0] if known.plain else packed(known.structure, known.specs, outputs)

    def _first(
        self, model: Any, kind: Any, x: Any, kwargs: dict[str, Any], call: Callable[..., Any]
    ) -> Any:
        outputs = call(x, **kwargs)
        leaves = tree.flatten(outputs)
        plain = all(type(a) is np.ndarray and get_keras_mask(a) is None for a in leaves)
        if not plain or any(layer._get_own_losses() for layer in model._flatten_layers()):
            self._can_compile = False
        else:
            if len(self._once) >= 4 * self.LIMIT:
                self._once.clear()
            self._once.add(kind)
        return outputs

    def _compile(
        self, model: Any, kind: Any, x: Any, kwargs: dict[str, Any], call: Callable[..., Any]
    ) -> _Known | None:
        facts = self._facts
        try:
            with Trace() as trace:
                structure = call(trace.input("x", x.shape, x.dtype.name), **kwargs)
                leaves = tree.flatten(structure)
                if trace.updated or not all(isinstance(t, KerasTensor) for t in leaves):
                    self._can_compile = False
                    return None
                specs = [OutputSpec(tuple(t.shape), t.dtype) for t in leaves]
                program = trace.compile(leaves)
        finally:
            model._clear_losses()
        shown = tree.pack_sequence_as(structure, specs)
        plain = specs == [shown] and engine_dtype(shown.dtype) == shown.dtype
        while len(self._known) >= self.LIMIT:
            self._known.pop(next(iter(self._known)))
        known = self._known[kind] = _Known(facts, program, shown, specs, plain)
        return known

    def forget(self) -> None:
        """Hold no program."""
        self._known.clear()

    def _look(self, model: Any) -> None:
        """Forget what was compiled where the layers or their attributes are others."""
        seen = changes.count
        layers = model._flatten_layers()
        facts = [fact for layer in layers for fact in _facts_of(layer)]
        if not _same(facts, self._facts):
            self._facts = facts
            self._known.clear()
            self._once.clear()
            self._can_compile = all(map(_is_own_layer, layers)) and loader_of(model) is None
        self._seen = seen


def _is_alone(x: Any) -> bool:
    """Whether the call is that of the numbers alone: nothing is open that has a say in it."""
    return not (
        is_any_open()
        or is_within_call()
        or get_autocast_scope() is not None
        or loading.current() is not None
        or get_keras_mask(x) is not None
    )


def _facts_of(layer: Any) -> Facts:
    own = [(name, value) for name, value in layer.__dict__.items() if name not in ASIDE]
    return [("", layer), *own]


def _same(a: Facts, b: Facts) -> bool:
    """Whether the attributes are the same objects, or numbers and words that are equal."""
    return len(a) == len(b) and all(
        k == l and (v is w or (type(v) is type(w) and isinstance(v, PLAIN) and v == w))
        for (k, v), (l, w) in zip(a, b)
    )


def _is_own_layer(layer: Any) -> bool:
    if isinstance(layer, Lambda) or not _is_own(layer):
        return False
    values = [value for name, value in layer.__dict__.items() if name not in ASIDE]
    nodes = layer.__dict__.get("_nodes", ())
    values += [node.operation for node in nodes]
    values += [value for node in nodes for value in tree.flatten(node.arguments.args)]
    values += [value for node in nodes for value in tree.flatten(node.arguments.kwargs)]
    return all(_is_own(value) for value in values if callable(value))


def _is_own(value: Any) -> bool:
    """Whether a function, or the class of an object, is chainrule's."""
    module = getattr(value, "__module__", None) or ""
    return str(module).split(".")[0] == "chainrule"
