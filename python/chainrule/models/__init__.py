"""Models: layers that can be trained."""

from __future__ import annotations

from chainrule.base.namespace import publish
from chainrule.models.cloning import clone_model
from chainrule.models.functional import Functional
from chainrule.models.model import Model, model_from_json
from chainrule.models.sequential import Sequential
from chainrule.saving.files import load_model, save_model

__all__ = [
    "Functional",
    "Model",
    "Sequential",
    "clone_model",
    "load_model",
    "model_from_json",
    "save_model",
]

publish(globals())
