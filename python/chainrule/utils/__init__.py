"""Helpers around training: seeds, labels, summaries, progress bars."""

from __future__ import annotations

from chainrule.base.config import disable_interactive_logging as disable_interactive_logging
from chainrule.base.config import enable_interactive_logging as enable_interactive_logging
from chainrule.base.config import is_interactive_logging_enabled as is_interactive_logging_enabled
from chainrule.base.dtypes import standardize_dtype as standardize_dtype
from chainrule.base.global_state import clear_session as clear_session
from chainrule.base.namespace import publish
from chainrule.base.registry import CustomObjectScope as CustomObjectScope
from chainrule.base.registry import custom_object_scope as custom_object_scope
from chainrule.base.registry import get_custom_objects as get_custom_objects
from chainrule.base.registry import get_registered_name as get_registered_name
from chainrule.base.registry import get_registered_object as get_registered_object
from chainrule.base.registry import register_keras_serializable as register_keras_serializable
from chainrule.base.seeds import set_random_seed as set_random_seed
from chainrule.base.serialization import deserialize_keras_object as deserialize_keras_object
from chainrule.base.serialization import serialize_keras_object as serialize_keras_object
from chainrule.tracing.node import get_source_inputs as get_source_inputs
from chainrule.tracing.tensor import is_keras_tensor as is_keras_tensor
from chainrule.utils import bounding_boxes as bounding_boxes
from chainrule.utils.arrays import normalize as normalize
from chainrule.utils.arrays import pad_sequences as pad_sequences
from chainrule.utils.arrays import split_dataset as split_dataset
from chainrule.utils.arrays import to_categorical as to_categorical
from chainrule.utils.audio_dataset import (
    audio_dataset_from_directory as audio_dataset_from_directory,
)
from chainrule.utils.dataset import Dataset as Dataset
from chainrule.utils.files import get_file as get_file
from chainrule.utils.image_dataset import (
    image_dataset_from_directory as image_dataset_from_directory,
)
from chainrule.utils.images import array_to_img as array_to_img
from chainrule.utils.images import img_to_array as img_to_array
from chainrule.utils.images import load_img as load_img
from chainrule.utils.images import save_img as save_img
from chainrule.utils.model_plotting import model_to_dot as model_to_dot
from chainrule.utils.model_plotting import plot_model as plot_model
from chainrule.utils.packing import pack_x_y_sample_weight as pack_x_y_sample_weight
from chainrule.utils.packing import unpack_x_y_sample_weight as unpack_x_y_sample_weight
from chainrule.utils.progbar import Progbar as Progbar
from chainrule.utils.py_dataset import PyDataset as PyDataset
from chainrule.utils.py_dataset import PyDataset as Sequence
from chainrule.utils.text_dataset import (
    text_dataset_from_directory as text_dataset_from_directory,
)
from chainrule.utils.timeseries_dataset import (
    timeseries_dataset_from_array as timeseries_dataset_from_array,
)

publish(
    globals(),
    {"FeatureSpace": "chainrule.layers.preprocessing.feature_space:FeatureSpace"},
)
