"""The base class of Keras's tests, for chainrule: the assertions and the checks of layers they call."""

from __future__ import annotations

import hashlib
import itertools
import json
import tempfile
from pathlib import Path
from typing import Any

import numpy as np
from absl.testing import parameterized

import chainrule as keras
from chainrule import backend, tree
from chainrule.layers.preprocessing.index_lookup import IndexLookup

__all__ = [
    "TestCase",
    "get_test_data",
    "hash_file",
    "named_product",
    "never",
    "skip_if_backend",
    "unchanged",
]

# Classes that neither Keras nor chainrule make public, and that configurations in tests name.
_NOT_PUBLIC = {"IndexLookup": IndexLookup}


def never() -> bool:
    """Whether a test runs on an accelerator."""
    return False


def unchanged(x: Any, *args: Any) -> Any:
    """Stands for conversions of other backends' tensors."""
    return x


def hash_file(path: Any, algorithm: str = "sha256", chunk_size: int = 0) -> str:
    """The checksum of a file, which tests of `get_file` compare."""
    return hashlib.new(
        "md5" if algorithm == "md5" else "sha256", Path(path).read_bytes()
    ).hexdigest()


def skip_if_backend(backend: str, reason: str) -> Any:
    """A decorator that leaves a test as it is: chainrule is none of Keras's backends."""
    return lambda test: test


def named_product(*tables: Any, **values: Any) -> list[dict[str, Any]]:
    """Every combination of the tables' rows and the arguments' values, with a name for each."""
    rows = [list(table) for table in tables]
    for key, chosen in values.items():
        choices = list(chosen)
        names = [str(getattr(choice, "__name__", choice)).lower() for choice in choices]
        rows.append([{"testcase_name": n, key: c} for n, c in zip(names, choices)])
    found = []
    for combination in itertools.product(*rows):
        merged: dict[str, Any] = {}
        for row in combination:
            merged.update(row)
        merged["testcase_name"] = "_".join(row["testcase_name"] for row in combination)
        found.append(merged)
    return found


def get_test_data(
    train_samples: int,
    test_samples: int,
    input_shape: tuple[int, ...],
    num_classes: int,
    random_seed: int | None = None,
) -> Any:
    """Clouds of points around one centre for each class, as many of each, for training and test."""
    rng = np.random.default_rng(random_seed)
    labels = rng.permutation(np.arange(train_samples + test_samples) % num_classes)
    centres = 2 * num_classes * rng.random((num_classes, *input_shape))
    x = (centres[labels] + rng.normal(size=(len(labels), *input_shape))).astype("float32")
    return (x[:train_samples], labels[:train_samples]), (x[train_samples:], labels[train_samples:])


class TestCase(parameterized.TestCase):
    """Assertions on tensors, and the round of checks that `run_layer_test` is."""

    maxDiff = None

    def setUp(self) -> None:
        keras.utils.clear_session(free_memory=False)

    def get_temp_dir(self) -> str:
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        return folder.name

    def convert_to_numpy(self, x: Any) -> Any:
        return np.asarray(x.value if isinstance(x, keras.Variable) else x)

    def assertAllClose(  # noqa: N802
        self,
        actual: Any,
        desired: Any,
        atol: float = 1e-6,
        rtol: float = 1e-6,
        tpu_atol: float | None = None,
        tpu_rtol: float | None = None,
        msg: str | None = None,
    ) -> None:
        x, y = self.convert_to_numpy(actual), self.convert_to_numpy(desired)
        np.testing.assert_allclose(x, y, rtol=rtol, atol=atol, err_msg=msg or "")

    def assertNotAllClose(  # noqa: N802
        self, x1: Any, x2: Any, atol: float = 1e-6, rtol: float = 1e-6, msg: str | None = None
    ) -> None:
        with self.assertRaises(AssertionError, msg=msg):
            self.assertAllClose(x1, x2, atol, rtol)

    def assertAlmostEqual(  # type: ignore[override]  # noqa: N802
        self,
        actual: Any,
        desired: Any,
        decimal: int = 3,
        tpu_decimal: int | None = None,
        msg: str | None = None,
    ) -> None:
        x, y = self.convert_to_numpy(actual), self.convert_to_numpy(desired)
        np.testing.assert_almost_equal(x, y, decimal, err_msg=msg or "")

    def assertAllEqual(self, actual: Any, desired: Any, msg: str | None = None) -> None:  # noqa: N802
        x, y = self.convert_to_numpy(actual), self.convert_to_numpy(desired)
        np.testing.assert_array_equal(x, y, err_msg=msg or "")

    def assertLen(self, iterable: Any, expected_len: int, msg: str | None = None) -> None:  # noqa: N802
        self.assertEqual(len(iterable), expected_len, msg)

    def assertSparse(self, x: Any, sparse: bool = True) -> None:  # noqa: N802
        self.assertEqual(bool(getattr(x, "sparse", False)), sparse)

    def assertRagged(self, x: Any, ragged: bool = True) -> None:  # noqa: N802
        self.assertEqual(bool(getattr(x, "ragged", False)), ragged)

    def assertDType(self, x: Any, dtype: Any, msg: str | None = None) -> None:  # noqa: N802
        found = backend.standardize_dtype(x.dtype if hasattr(x, "dtype") else type(x))
        self.assertEqual(found, backend.standardize_dtype(dtype), msg)

    def assertFileExists(self, path: Any) -> None:  # noqa: N802
        self.assertTrue(Path(path).is_file(), f"there is no file {path}")

    def run_class_serialization_test(self, instance: Any, custom_objects: Any = None) -> Any:
        """Configs there and back: `from_config`, then `serialize_keras_object` by way of JSON."""
        saving = keras.saving
        custom_objects = {**_NOT_PUBLIC, **(custom_objects or {})}
        config, attributes = _json(instance.get_config()), set(dir(instance))
        with saving.custom_object_scope(custom_objects):
            again = type(instance).from_config(instance.get_config())
        self.assertEqual(_json(again.get_config()), config)
        self.assertEqual(set(dir(again)), attributes)
        text = json.dumps(saving.serialize_keras_object(instance), default=str)
        with saving.custom_object_scope(custom_objects):
            again = saving.deserialize_keras_object(json.loads(text))
        self.assertEqual(_json(again.get_config()), config)
        self.assertEqual(set(dir(again)) - {"__annotations__"}, attributes - {"__annotations__"})
        return again

    def run_layer_test(
        self,
        layer_cls: Any,
        init_kwargs: dict[str, Any],
        input_shape: Any = None,
        input_dtype: Any = None,
        input_sparse: bool = False,
        input_ragged: bool = False,
        input_data: Any = None,
        call_kwargs: dict[str, Any] | None = None,
        expected_output_shape: Any = None,
        expected_output_dtype: Any = None,
        expected_output_sparse: bool = False,
        expected_output_ragged: bool = False,
        expected_output: Any = None,
        expected_num_trainable_weights: int | None = None,
        expected_num_non_trainable_weights: int | None = None,
        expected_num_non_trainable_variables: int | None = None,
        expected_num_seed_generators: int | None = None,
        expected_num_losses: int | None = None,
        supports_masking: bool | None = None,
        expected_mask_shape: Any = None,
        custom_objects: Any = None,
        run_training_check: bool = True,
        run_mixed_precision_check: bool = True,
        assert_built_after_instantiation: bool = False,
        tpu_atol: float | None = None,
        tpu_rtol: float | None = None,
    ) -> None:
        """Config, building, symbolic and eager calls, a training step, and mixed precision."""
        if input_sparse or input_ragged:
            self.skipTest("sparse and ragged tensors")
        given = call_kwargs or {}

        def make(**more: Any) -> Any:
            return layer_cls(**{**(init_kwargs or {}), **more})

        def call(layer: Any, x: Any) -> Any:
            return layer(**x, **given) if isinstance(x, dict) else layer(x, **given)

        layer = make()
        self.run_class_serialization_test(layer, custom_objects)
        if supports_masking is not None:
            self.assertEqual(layer.supports_masking, supports_masking)
        data = input_data
        if data is None and input_shape is not None:
            data = _with_shapes(_drawn, input_shape, input_dtype)

        def check_counts(layer: Any) -> None:
            self.assertTrue(layer.built)
            counts = {
                "trainable_weights": expected_num_trainable_weights,
                "non_trainable_weights": expected_num_non_trainable_weights,
                "non_trainable_variables": expected_num_non_trainable_variables,
            }
            for name, count in counts.items():
                if count is not None:
                    self.assertLen(getattr(layer, name), count, f"unexpected number of {name}")
            if expected_num_seed_generators is not None:
                self.assertLen(_seed_generators(layer), expected_num_seed_generators)

        def check_output(layer: Any, output: Any, eager: bool) -> None:
            if expected_output_shape is not None:
                shapes = tree.map_structure(lambda x: tuple(x.shape), output)
                tree.map_structure_up_to(
                    output, self._check_shape, expected_output_shape, output, shapes
                )
            if expected_output_dtype is not None:
                tree.map_structure(self.assertDType, output, expected_output_dtype)
            if eager and expected_output is not None:
                tree.map_structure(self.assertAllClose, expected_output, output)
            if eager and expected_num_losses is not None:
                self.assertLen(layer.losses, expected_num_losses)

        if data is not None:
            shapes = tree.map_structure(lambda x: tuple(x.shape), data)
            layer = make()
            if isinstance(input_shape, dict):
                layer.build(**input_shape)
            else:
                layer.build(shapes if input_shape is None else input_shape)
            check_counts(layer)
            if input_shape is None:
                symbols = tree.map_structure(lambda x: keras.KerasTensor(x.shape, x.dtype), data)
            else:
                symbols = _with_shapes(keras.KerasTensor, input_shape, input_dtype)
            layer = make()
            symbolic = call(layer, symbols)
            check_counts(layer)
            check_output(layer, symbolic, eager=False)
            if expected_mask_shape is not None:
                self.assertEqual(layer.compute_mask(symbols).shape, expected_mask_shape)
        if assert_built_after_instantiation:
            self.assertTrue(make().built)
            overridden = type("Overridden", (layer_cls,), {"build": lambda self, *args: None})
            self.assertFalse(overridden(**init_kwargs).built)
        if data is None:
            return
        layer = make()
        output = call(layer, data)
        check_counts(layer)
        check_output(layer, output, eager=True)
        if run_training_check:
            _train(layer, data, output)
        if run_mixed_precision_check:
            self._check_mixed_precision(make(dtype="mixed_float16"), data, call)

    def _check_shape(self, expected: Any, x: Any, shapes: Any) -> None:
        sizes = tuple(x.shape)
        self.assertEqual(len(expected), len(sizes), f"shapes {shapes}")
        for wanted, size in zip(expected, sizes):
            self.assertTrue(wanted is None or wanted == size, f"shapes {shapes}, not {expected}")

    def _check_mixed_precision(self, layer: Any, data: Any, call: Any) -> None:
        output = call(layer, data)

        def symbol(x: Any) -> Any:
            dtype = backend.standardize_dtype(x.dtype)
            cast = layer.autocast and backend.is_float_dtype(dtype)
            return keras.KerasTensor(x.shape, layer.compute_dtype if cast else dtype)

        symbols = tree.map_structure(symbol, data)
        spec = (
            layer.compute_output_spec(**symbols)
            if isinstance(symbols, dict)
            else layer.compute_output_spec(symbols)
        )
        for x, expected in zip(tree.flatten(output), tree.flatten(spec)):
            self.assertDType(x, expected.dtype)
        for weight in layer.weights:
            if backend.is_float_dtype(weight.dtype):
                self.assertDType(weight, "float32")


def _with_shapes(make: Any, shapes: Any, dtypes: Any) -> Any:
    """`make(shape, dtype)` for every shape; keys of a dict lose their `_shape`."""
    if isinstance(shapes, dict):
        kinds = dtypes or dict.fromkeys(shapes)
        return {
            key.removesuffix("_shape"): make(shape, kinds[key] or "float32")
            for key, shape in shapes.items()
        }
    if shapes and isinstance(shapes[0], (list, tuple)):
        kinds = dtypes or [None] * len(shapes)
        return type(shapes)(_with_shapes(make, s, d) for s, d in zip(shapes, kinds))
    return make(shapes, dtypes or "float32")


def _drawn(shape: Any, dtype: str) -> Any:
    return keras.ops.cast(3 * keras.random.uniform(shape), dtype)


def _seed_generators(layer: Any) -> list[Any]:
    return [g for x in layer._flatten_layers() for g in getattr(x, "_seed_generators", ())]


def _json(config: Any) -> str:
    return json.dumps(config, default=repr, sort_keys=True)


class _Sum(keras.losses.Loss):
    """The sum of the outputs, whatever the targets."""

    def __call__(self, y_true: Any, y_pred: Any, sample_weight: Any = None) -> Any:
        return keras.ops.sum(y_pred)


class _Wrapped(keras.Model):
    def __init__(self, layer: Any) -> None:
        super().__init__()
        self.layer = layer

    def call(self, x: Any, training: bool = False) -> Any:
        return self.layer(**x, training=training) if isinstance(x, dict) else self.layer(x)


def _train(layer: Any, x: Any, y: Any) -> None:
    """A step of `fit` on one batch, with targets of its length that the loss does not look at."""
    count = len(tree.flatten(x)[0])
    y = tree.map_structure(lambda output: np.zeros((count, *output.shape[1:]), "float32"), y)
    model = _Wrapped(layer)
    model.compile(optimizer="sgd", loss=_Sum())
    model.fit(iter([(x, y)]), steps_per_epoch=1, epochs=1, verbose=0)
