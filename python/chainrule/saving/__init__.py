"""Objects to config dicts and back, models to files and back."""

from __future__ import annotations

from typing import TYPE_CHECKING

from chainrule.base.namespace import late, publish
from chainrule.base.registry import CustomObjectScope as CustomObjectScope
from chainrule.base.registry import custom_object_scope as custom_object_scope
from chainrule.base.registry import get_custom_objects as get_custom_objects
from chainrule.base.registry import get_registered_name as get_registered_name
from chainrule.base.registry import get_registered_object as get_registered_object
from chainrule.base.registry import register_keras_serializable as register_keras_serializable
from chainrule.base.serialization import deserialize_keras_object as deserialize_keras_object
from chainrule.base.serialization import serialize_keras_object as serialize_keras_object
from chainrule.saving.files import load_model as load_model
from chainrule.saving.files import load_weights as load_weights
from chainrule.saving.files import save_model as save_model
from chainrule.saving.files import save_weights as save_weights

if TYPE_CHECKING or not late(globals()):
    from chainrule.saving.torch_weights.files import load_torch_weights as load_torch_weights
    from chainrule.saving.torch_weights.files import save_torch_weights as save_torch_weights

publish(globals())
