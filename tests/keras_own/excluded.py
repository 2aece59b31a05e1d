"""Which of Keras's tests are left out, and why: only what chainrule's README says it does not have."""

from __future__ import annotations

import os
from fnmatch import fnmatchcase

__all__ = ["reason"]

_BACKEND = "of another backend of Keras"
_DEVICES = "several devices (distribution)"
_PRIVATE = "looks at what is private to Keras, not at what it does"
_LOADING = "loads Python code, or classes that are not registered, from a configuration"
_COMPLEX = "complex tensors (a complex tensor is a pair of real ones)"
_SPARSE = "sparse and ragged tensors"
_TENSORFLOW = "writes or reads files of TensorFlow"
_QUANTIZATION = "quantization"

# Pattern of `file` or `file::Class::test` -> why.
_EXCLUDED = {
    "applications/*": "trained networks (applications)",
    "backend/common/backend_utils_test.py": _PRIVATE,
    "backend/common/dtypes_test.py::*_lattice*": _PRIVATE,
    "backend/common/dtypes_test.py::*_least_upper_bound*": _PRIVATE,
    "backend/common/dtypes_test.py::*_weak_type*": _PRIVATE,
    "backend/common/keras_tensor_test.py::*_method": _PRIVATE,
    "backend/common/remat_test.py::*_stack_management": _PRIVATE,
    "backend/common/variables_test.py::*complex*": _COMPLEX,
    "backend/common/variables_test.py::*shape_equal*": _PRIVATE,
    "backend/jax/*": _BACKEND,
    "backend/tensorflow/*": _BACKEND,
    "backend/torch/*": _BACKEND,
    "callbacks/backup_and_restore_test.py::*test_best_case_*": _PRIVATE,
    "callbacks/backup_and_restore_test.py::*test_backup_corrupted": _PRIVATE,
    "callbacks/orbax_checkpoint_test.py": "files of Orbax",
    "callbacks/tensorboard_test.py::*_projector_callback": _TENSORFLOW,
    "callbacks/tensorboard_test.py::*_non_blocking": _BACKEND,
    "distillation/*": "distillation",
    "distribution/*": _DEVICES,
    "export/litert*": _TENSORFLOW,
    "export/openvino_test.py": "writes models for OpenVINO",
    "export/saved_model_test.py": _TENSORFLOW,
    "export/tfsm_layer_test.py": _TENSORFLOW,
    "export/torch_test.py": "writes programs of PyTorch",
    "layers/core/lambda_layer_test.py::*test_correctness*": _LOADING,
    "layers/core/wrapper_test.py::*test_wrapper_basics": _LOADING,
    "layers/layer_test.py::*remat*": _PRIVATE,
    "layers/layer_test.py::*gptq*": _QUANTIZATION,
    "layers/layer_test.py::*test_not_implemented_error_*": _QUANTIZATION,
    "layers/layer_test.py::*test_serialize_dtype": _QUANTIZATION,
    "layers/attention/multi_head_attention_test.py::*test_dtype_policy_map": _QUANTIZATION,
    "layers/attention/multi_head_attention_test.py::*test_quantize_int8": _QUANTIZATION,
    "layers/preprocessing/data_layer_test.py": _PRIVATE,
    **{
        f"{file}_test.py::*{word}*": _QUANTIZATION
        for file in (
            *("dtype_policies/dtype_policy", "layers/core/dense", "layers/core/einsum_dense"),
            *("layers/core/embedding", "layers/core/reversible_embedding"),
        )
        for word in (
            *("quantiz", "Quantiz", "_int4", "_int8", "float8", "gptq", "GPTQ", "awq", "AWQ"),
            "test_legacy_load_own_variables",
        )
    },
    "dtype_policies/dtype_policy_test.py::DTypePolicyTest::test_eq": _QUANTIZATION,
    **{
        f"dtype_policies/dtype_policy_map_test.py::DTypePolicyMapTest::test_{name}": _QUANTIZATION
        for name in (
            *("basic_usage", "add", "get", "delete", "len", "iter", "in", "default_policy"),
            "serialization",
        )
    },
    "layers/preprocessing/index_lookup_test.py::*test_invert": _BACKEND,
    "layers/preprocessing/index_lookup_test.py::*test_save_and_load_assets_string_vocab": _BACKEND,
    "layers/rnn/bidirectional_test.py::*_eligibility": _PRIVATE,
    "layers/rnn/conv_lstm_test.py": _PRIVATE,
    "layers/rnn/dropout_rnn_cell_test.py::*test_basics": _LOADING,
    "layers/rnn/rnn_test.py::*test_basics": _LOADING,
    "layers/rnn/rnn_test.py::*test_serialization": _LOADING,
    "layers/preprocessing/image_preprocessing/random_brightness_test.py::*test_set_factor*": _PRIVATE,
    "legacy/saving/json_utils_test.py": _PRIVATE,
    "metrics/confusion_metrics_test.py::*AUCTest::test_config*": _PRIVATE,
    "models/functional_test.py::*test_for_functional_in_sequential": "trained networks (applications)",
    "models/model_test.py::*test_quantize*": _QUANTIZATION,
    "models/variable_mapping_test.py": _PRIVATE,
    "ops/core_test.py::CoreOpsStaticShapeTest::test_convert_to_tensor": _SPARSE,
    "ops/core_test.py::*test_cond_check_output_spec": _PRIVATE,
    "ops/linalg_test.py::*ShapeTest::test_eig": _COMPLEX,
    "ops/linalg_test.py::*test_qr_init_invalid_mode": _PRIVATE,
    "ops/math_test.py::*test_extract_sequences_init*": _PRIVATE,
    "ops/math_test.py::*view_as_*": _COMPLEX,
    "ops/nn_test.py::NNOpsBehaviorTest::test_check_shape_first_dim*": _PRIVATE,
    "ops/nn_test.py::NNOps*ShapeTest::test_one_hot": _SPARSE,
    "ops/nn_test.py::NNOps*ShapeTest::test_multi_hot": _SPARSE,
    "ops/numpy_test.py::*broadcast_shapes*": _PRIVATE,
    "ops/numpy_test.py::*_sparse": _SPARSE,
    "ops/numpy_test.py::*shape_*equal*": _PRIVATE,
    **{
        f"ops/operation_utils_test.py::*test_{name}*": _PRIVATE
        for name in ("compute", "reduce_shape", "validate")
    },
    "ops/symbolic_arguments_test.py": _PRIVATE,
    "optimizers/multi_optimizer_test.py::*test_tensorboard_logging*": _PRIVATE,
    "random/random_test.py::*_tf_data_*": "tf.data",
    "saving/saving_lib_test.py::*io_store*": _PRIVATE,
    "saving/saving_lib_test.py::*test_allows_incompressible_member": _PRIVATE,
    "saving/saving_lib_test.py::*test_rejects_*": _PRIVATE,
    "saving/saving_lib_test.py::*test_safe_mode": _LOADING,
    "saving/saving_lib_test.py::*_skips_missing_nested_containers": "a file that Keras does not ship",
    "saving/serialization_lib_test.py::*test_lambda_*": _LOADING,
    "saving/serialization_lib_test.py::*test_safe_mode_scope": _LOADING,
    "saving/serialization_lib_test.py::*test_shared_inner_layer": _PRIVATE,
    "saving/serialization_lib_test.py::*test_shared_object": _PRIVATE,
    "legacy/saving/legacy_h5_format_test.py::*test_saving_lambda": _LOADING,
    "trainers/data_adapters/grain_dataset_adapter_test.py": "data of Grain",
    "trainers/data_adapters/tf_dataset_adapter_test.py": "tf.data",
    "trainers/data_adapters/*": _PRIVATE,
    "trainers/epoch_iterator_test.py": _PRIVATE,
    **{
        f"trainers/trainer_test.py::*test_{name}": _PRIVATE
        for name in ("metric_tracking", "multiple_compiles", "nested_trainer_metrics*")
    },
    "trainers/trainer_test.py::*jax_model_weights": _BACKEND,
    "trainers/trainer_test.py::*test_symbolic_build": _PRIVATE,
    "tree/tree_test.py::*dmtree*": "the package dmtree",
    "utils/backend_utils_test.py": _BACKEND,
    "utils/code_stats_test.py": _PRIVATE,
    "utils/dataset_utils_test.py::*test_split_dataset_*": "parts as data sets of TensorFlow or PyTorch",
    "utils/dtype_utils_test.py": _PRIVATE,
    **{
        f"utils/file_utils_test.py::{name}Test::*": _PRIVATE
        for name in (
            *("PathToString", "ResolvePath", "ResolveSubPath", "IsLinkInDir", "FilterSafePaths"),
            *("ExtractArchive", "HashFile", "ResolveHasher", "IsRemotePath"),
        )
    },
    **{
        f"utils/file_utils_test.py::GetFileTest::test_{name}*": _PRIVATE
        for name in (
            *("exists", "file_open", "isdir", "join", "listdir", "makedirs", "copy", "remove"),
            "handle_complex_paths",
        )
    },
    "utils/io_utils_test.py": _PRIVATE,
    **{
        f"utils/naming_test.py::*test_{name}*": _PRIVATE
        for name in ("get_object_name", "reset_uids", "uniquify")
    },
    "utils/numerical_utils_test.py::*_pos_neg_masks": _PRIVATE,
    "utils/file_utils_test.py::TestRaiseIfNoGFile::*": _PRIVATE,
    "utils/file_utils_test.py::TestValidateFile::*": _PRIVATE,
    "utils/jax_layer_test.py": "layers of JAX and Flax code",
    "utils/python_utils_test.py": _PRIVATE,
    **{
        f"utils/text_dataset_utils_test.py::*_{name}_tf": "tf.data"
        for name in ("binary", "multiclass", "not_batched", "standalone")
    },
    "utils/timeseries_dataset_utils_test.py::*test_shuffle_tf": "tf.data",
    "utils/torch_utils_test.py": "layers of PyTorch modules",
}


# Thousands of dtypes of results, each compared with JAX's: run with `--long`.
_LONG = {
    "ops/numpy_test.py::NumpyDtypeTest::*": "the dtypes of results, in some hours: --long",
}


def reason(test: str) -> str | None:
    """Why a file of tests, or a test, is left out; None where it is not."""
    known = _EXCLUDED if os.environ.get("KERAS_OWN_LONG") else {**_EXCLUDED, **_LONG}
    return next((why for pattern, why in known.items() if fnmatchcase(test, pattern)), None)
