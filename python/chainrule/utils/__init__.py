"""Helpers around training: seeds, labels, summaries, progress bars."""

from __future__ import annotations

from chainrule.base.config import (
    disable_interactive_logging,
    enable_interactive_logging,
    is_interactive_logging_enabled,
)
from chainrule.base.dtypes import standardize_dtype
from chainrule.base.global_state import clear_session
from chainrule.base.namespace import publish
from chainrule.base.registry import (
    CustomObjectScope,
    custom_object_scope,
    get_custom_objects,
    get_registered_name,
    get_registered_object,
    register_keras_serializable,
)
from chainrule.base.seeds import set_random_seed
from chainrule.base.serialization import deserialize_keras_object, serialize_keras_object
from chainrule.tracing.node import get_source_inputs
from chainrule.tracing.tensor import is_keras_tensor
from chainrule.utils.arrays import normalize, pad_sequences, split_dataset, to_categorical
from chainrule.utils.files import get_file
from chainrule.utils.image_dataset import image_dataset_from_directory
from chainrule.utils.images import array_to_img, img_to_array, load_img, save_img
from chainrule.utils.model_plotting import model_to_dot, plot_model
from chainrule.utils.packing import pack_x_y_sample_weight, unpack_x_y_sample_weight
from chainrule.utils.progbar import Progbar
from chainrule.utils.py_dataset import PyDataset
from chainrule.utils.py_dataset import PyDataset as Sequence

__all__ = [
    "CustomObjectScope",
    "Progbar",
    "PyDataset",
    "Sequence",
    "array_to_img",
    "clear_session",
    "custom_object_scope",
    "deserialize_keras_object",
    "disable_interactive_logging",
    "enable_interactive_logging",
    "get_custom_objects",
    "get_file",
    "get_registered_name",
    "get_registered_object",
    "get_source_inputs",
    "image_dataset_from_directory",
    "img_to_array",
    "is_interactive_logging_enabled",
    "is_keras_tensor",
    "load_img",
    "model_to_dot",
    "normalize",
    "pack_x_y_sample_weight",
    "pad_sequences",
    "plot_model",
    "register_keras_serializable",
    "save_img",
    "serialize_keras_object",
    "set_random_seed",
    "split_dataset",
    "standardize_dtype",
    "to_categorical",
    "unpack_x_y_sample_weight",
]

publish(globals())
