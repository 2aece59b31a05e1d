"""Models: layers that can be trained."""

from __future__ import annotations

from chainrule.base.namespace import publish
from chainrule.models.cloning import clone_model as clone_model
from chainrule.models.functional import Functional as Functional
from chainrule.models.graph_function import Function as Function
from chainrule.models.model import Model as Model
from chainrule.models.model import model_from_json as model_from_json
from chainrule.models.sequential import Sequential as Sequential
from chainrule.saving.files import load_model as load_model
from chainrule.saving.files import save_model as save_model

publish(globals())
