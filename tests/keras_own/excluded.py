"""Which of Keras's tests are left out, and why: only what chainrule's README says it does not have."""

from __future__ import annotations

from fnmatch import fnmatchcase

__all__ = ["reason"]

_BACKEND = "of another backend of Keras"
_DEVICES = "several devices (distribution)"
_PRIVATE = "looks at what is private to Keras, not at what it does"
_TENSORFLOW = "writes or reads files of TensorFlow"

# Pattern of `file` or `file::Class::test` -> why.
_EXCLUDED = {
    "applications/*": "trained networks (applications)",
    "backend/common/backend_utils_test.py": _PRIVATE,
    "backend/common/keras_tensor_test.py::*_method": _PRIVATE,
    "backend/jax/*": _BACKEND,
    "backend/tensorflow/*": _BACKEND,
    "backend/torch/*": _BACKEND,
    "distillation/*": "distillation",
    "distribution/*": _DEVICES,
    "export/litert*": _TENSORFLOW,
    "export/openvino_test.py": "writes models for OpenVINO",
    "export/saved_model_test.py": _TENSORFLOW,
    "export/tfsm_layer_test.py": _TENSORFLOW,
    "export/torch_test.py": "writes programs of PyTorch",
    "trainers/data_adapters/grain_dataset_adapter_test.py": "data of Grain",
    "trainers/data_adapters/tf_dataset_adapter_test.py": "tf.data",
    "utils/jax_layer_test.py": "layers of JAX and Flax code",
    "utils/torch_utils_test.py": "layers of PyTorch modules",
}


def reason(test: str) -> str | None:
    """Why a file of tests, or a test, is left out; None where it is not."""
    return next((why for pattern, why in _EXCLUDED.items() if fnmatchcase(test, pattern)), None)
