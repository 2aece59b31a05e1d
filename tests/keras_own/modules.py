"""`keras` and its modules with chainrule's objects in them, found by their public names.

A module of Keras, whatever its path, becomes a `Stand`: a name of it is looked up in the public
module of chainrule with the same path, then in those above it, then in `ELSEWHERE`. Files of tests
alone are Keras's own. A name that is not found is an `absent` class, so that the other tests of
the file still run.
"""

from __future__ import annotations

import importlib
import sys
import unittest
from importlib.machinery import ModuleSpec, PathFinder, SourceFileLoader
from pathlib import Path
from types import ModuleType
from typing import Any

import chainrule
from chainrule.errors import MissingNameError

__all__ = ["install", "source_folder"]

_TESTS = "tests.keras_own"
# Public homes that are tried for every name, after those of its path.
_HOMES = (
    *("backend", "utils", "utils.bounding_boxes", "saving", "layers", "ops", "models", "tree"),
    *("config", "dtype_policies", "base.dtypes"),
)
# Names that Keras's tests take from modules that are not public, and where chainrule has them.
# A key is the end of the full name; a value is "module" or "module:name".
ELSEWHERE = {
    "src.testing.TestCase": f"{_TESTS}.case:TestCase",
    "test_case.TestCase": f"{_TESTS}.case:TestCase",
    "testing.assert_allclose": "numpy.testing:assert_allclose",
    "testing.assert_array_equal": "numpy.testing:assert_array_equal",
    "test_utils.get_test_data": f"{_TESTS}.case:get_test_data",
    "test_utils.named_product": f"{_TESTS}.case:named_product",
    **{
        f"testing.{name}": f"{_TESTS}.case:never"
        for name in (
            *("uses_gpu", "uses_tpu", "jax_uses_gpu", "jax_uses_tpu"),
            *("tensorflow_uses_gpu", "tensorflow_uses_tpu", "torch_uses_gpu"),
        )
    },
    "global_state.get_global_attribute": "chainrule.base.global_state:get_global_attribute",
    "global_state.set_global_attribute": "chainrule.base.global_state:set_global_attribute",
    "name_scope.current_path": "chainrule.base.name_scopes:current_path",
    "remat.get_current_remat_mode": "chainrule.tracing.remat:current_remat_mode",
    "compile_utils.CompileLoss": "chainrule.training.compile_loss:CompileLoss",
    "compile_utils.CompileMetrics": "chainrule.training.compile_metrics:CompileMetrics",
    "models.Functional": "chainrule.models.functional:Functional",
    "function.Function": "chainrule:Function",
    "functional.Functional": "chainrule.models.functional:Functional",
    "trainer.JAXTrainer": "chainrule.training.trainer:Trainer",
    "naming.auto_name": "chainrule.base.naming:auto_name",
    "naming.to_snake_case": "chainrule.base.naming:to_snake_case",
    "node.Node": "chainrule.tracing.node:Node",
    "utils.tracking": "chainrule.base.tracking",
    **{
        f"tracking.{name}": f"chainrule.base.tracking:{name}"
        for name in ("TrackedDict", "TrackedList", "TrackedOrderedDict", "TrackedSet")
    },
    "src.backend.core": "keras.src.backend.core",
    "layers.IndexLookup": "chainrule.layers.preprocessing.index_lookup:IndexLookup",
    "file_utils.hash_file": f"{_TESTS}.case:hash_file",
    "summary_utils.print_summary": "chainrule.utils.summary:print_summary",
    "backend.standardize_data_format": "chainrule.base.config:standardize_data_format",
    "file_utils.File": "builtins:open",
    "file_utils.copy": "shutil:copyfile",
    "file_utils.exists": "os.path:exists",
    "file_utils.join": "os.path:join",
    "file_utils.makedirs": "os:makedirs",
    "file_utils.rmtree": "shutil:rmtree",
    "legacy_h5_format.load_model_from_hdf5": "chainrule.saving:load_model",
    "legacy_h5_format.save_model_to_hdf5": "chainrule.saving:save_model",
    "saving_lib.load_weights_only": "chainrule.saving:load_weights",
    "saving_lib.save_weights_only": "chainrule.saving:save_weights",
    "saving_lib._CONFIG_FILENAME": f"{_TESTS}.modules:CONFIG_FILE",
    "saving_lib._METADATA_FILENAME": f"{_TESTS}.modules:METADATA_FILE",
    "object_registration.GLOBAL_CUSTOM_NAMES": "chainrule.base.registry:GLOBAL_CUSTOM_NAMES",
    "object_registration.GLOBAL_CUSTOM_OBJECTS": "chainrule.base.registry:GLOBAL_CUSTOM_OBJECTS",
    "io_utils.set_logging_verbosity": f"{_TESTS}.case:unchanged",
    "module_utils.tensorflow": "tensorflow",
    "module_utils.optree": f"{_TESTS}.modules:PRESENT_PACKAGE",
    "tree.optree_impl": "chainrule.tree",
    "utils.backend_utils.convert_tf_tensor": f"{_TESTS}.case:unchanged",
    "module_utils.dmtree": f"{_TESTS}.modules:ABSENT_PACKAGE",
}
# Classes of operations whose function has another name.
_RENAMED = {"LayerNorm": "LayerNormalization", "RMSNorm": "RmsNormalization"}
# Modules of Keras that its tests take expected values from, and that are run as they are.
_ORACLES = ("keras.src.backend.common.backend_utils",)
# Members of a `.keras` file.
CONFIG_FILE, METADATA_FILE = "config.json", "metadata.json"
# What pytest and Python ask of any module.
_NOT_NAMES = ("__", "pytest", "setUp", "setup_", "tearDown", "teardown_")


class _Package:
    """Stands for an optional package of Keras."""

    def __init__(self, available: bool) -> None:
        self.available = available


ABSENT_PACKAGE, PRESENT_PACKAGE = _Package(False), _Package(True)


def source_folder() -> Path:
    """`keras/src` of the installed Keras, found without an import of it."""
    spec = PathFinder.find_spec("keras")
    if spec is None or not spec.submodule_search_locations:
        raise SystemExit("Keras is not installed: pip install 'chainrule[keras]'")
    return Path(list(spec.submodule_search_locations)[0]) / "src"


def absent(path: str) -> type:
    """A class that says, when it is made, that chainrule has no such name."""

    def __init__(self: Any, *args: Any, **kwargs: Any) -> None:
        raise AttributeError(f"chainrule has no {path}")

    return type(path.rpartition(".")[2], (), {"__init__": __init__})


def operation_class(module: str, name: str) -> type | None:
    """What stands for the class that Keras has, not publicly, for each function of `ops`.

    Made with the function's settings and called on tensors, it calls chainrule's function.
    """
    if not module.startswith("keras.src.ops") or not name[0].isupper():
        return None
    name = _RENAMED.get(name, name)
    for home in ("ops", "ops.numpy", "ops.nn", "ops.linalg", "ops.image"):
        functions = importlib.import_module(f"chainrule.{home}")
        for plain in dir(functions):
            if plain.replace("_", "") == name.lower() and plain[0].islower():
                return _operation(name, getattr(functions, plain))
    return None


def _operation(name: str, function: Any) -> type:
    def __init__(self: Any, *args: Any, **kwargs: Any) -> None:
        self.args, self.kwargs = args, kwargs

    def __call__(self: Any, *tensors: Any, **more: Any) -> Any:
        first, then = tensors, self.args
        if name in ("Einsum", "ForiLoop", "WhileLoop"):
            first, then = then, first
        return function(*first, *then, **self.kwargs, **more)

    names = ("__call__", "call", "symbolic_call", "compute_output_spec")
    return type(name, (), {"__init__": __init__, **dict.fromkeys(names, __call__)})


class Stand(ModuleType):
    """A module of Keras, with chainrule's objects."""

    def __getattr__(self, name: str) -> Any:
        if name.startswith(_NOT_NAMES):
            raise AttributeError(name)
        try:
            value = find(self.__name__, name)
        except AttributeError:
            value = absent(f"{self.__name__}.{name}")
        setattr(self, name, value)
        return value


def find(module: str, name: str) -> Any:
    """What `name` of Keras's `module` is in chainrule; AttributeError where there is nothing."""
    full = f"{module}.{name}"
    for end, home in ELSEWHERE.items():
        if full.endswith(f".{end}"):
            place, _, chosen = home.partition(":")
            loaded = importlib.import_module(place)
            return getattr(loaded, chosen) if chosen else loaded
    if module.startswith("keras.src") and _on_disk(full):
        return importlib.import_module(full)
    if operation := operation_class(module, name):
        return operation
    path = module.split(".")[1:]
    path = path[1:] if path[:1] == ["src"] else path
    above = [".".join(path[:length]) for length in range(len(path), -1, -1)]
    for home in [*above, *_HOMES]:
        try:
            return getattr(importlib.import_module(f"chainrule.{home}".rstrip(".")), name)
        except (ImportError, MissingNameError, AttributeError):
            continue
    raise AttributeError(full)


def _on_disk(full: str) -> Path | None:
    """The file of a module of Keras, if there is one."""
    place = source_folder().parent.joinpath(*full.split(".")[1:])
    files = (place / "__init__.py", place.with_name(f"{place.name}.py"))
    return next((file for file in files if file.exists()), None)


class _Finder:
    """Gives `keras` and everything below it; packages that are not installed skip tests."""

    @staticmethod
    def find_spec(fullname: str, path: Any = None, target: Any = None) -> ModuleSpec | None:
        first = fullname.partition(".")[0]
        if first in _SKIPPING and PathFinder.find_spec(first) is None:
            return ModuleSpec(fullname, _Skipping, is_package=True)  # type: ignore[arg-type]
        if first != "keras":
            return None
        file = _on_disk(fullname)
        if (fullname.endswith("_test") or fullname in _ORACLES) and file is not None:
            return ModuleSpec(fullname, SourceFileLoader(fullname, str(file)), origin=str(file))
        spec = ModuleSpec(fullname, _Stands, is_package=True)  # type: ignore[arg-type]
        spec.origin = None if file is None else str(file)
        return spec


class _Stands:
    @staticmethod
    def create_module(spec: ModuleSpec) -> ModuleType:
        module = Stand(spec.name)
        module.__file__ = spec.origin
        return module

    @staticmethod
    def exec_module(module: ModuleType) -> None:
        if module.__name__ == "keras":
            module.__version__ = "3.15"  # type: ignore[attr-defined]


# Packages with which some of Keras's tests make data or expected values.
_SKIPPING = ("tensorflow", "tf_keras", "flax", "grain", "dmtree", "orbax", "tensorflow_datasets")


class _Skipper(ModuleType):
    """Something of a package that is not installed: what uses it in a test skips the test."""

    available = False

    def __getattr__(self, name: str) -> Any:
        if name.startswith(_NOT_NAMES):
            raise AttributeError(name)
        return _Skipper(f"{self.__name__}.{name}")

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        raise unittest.SkipTest(f"needs the package {self.__name__.partition('.')[0]}")

    def __mro_entries__(self, bases: Any) -> Any:
        return self()


class _Skipping:
    @staticmethod
    def create_module(spec: ModuleSpec) -> ModuleType:
        return _Skipper(spec.name)

    @staticmethod
    def exec_module(module: ModuleType) -> None:
        pass


def install() -> None:
    """Let `import keras` give chainrule from now on, and `conftest` what Keras's tests take there."""
    assert "keras" not in sys.modules, "Keras itself is loaded already"
    chainrule.utils  # noqa: B018  the package loads late
    sys.modules["conftest"] = importlib.import_module(f"{_TESTS}.case")
    sys.meta_path.insert(0, _Finder)  # type: ignore[arg-type]
