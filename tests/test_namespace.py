"""What public modules show, and what they say of names that are not there."""

from __future__ import annotations

import importlib
import inspect
import pickle
import py_compile
import re
import subprocess
import sys
from pathlib import Path
from types import ModuleType

import pytest

import chainrule
from chainrule.base import keras_names
from chainrule.base.namespace import explain
from chainrule.errors import MissingNameError


def resolve(path: str) -> object:
    """The value of a name below chainrule."""
    value: object = chainrule
    for part in path.split("."):
        value = getattr(value, part)
    return value


def is_there(path: str) -> bool:
    try:
        resolve(path)
    except AttributeError:
        return False
    except ImportError:  # it is, and needs an extra that is not installed
        return True
    return True


README = Path(__file__).resolve().parents[1] / "README.md"
MODULES = sorted(m for m in keras_names.NAMES if not m or is_there(m))
PATHS = [f"{m}.{n}".lstrip(".") for m in MODULES for n in keras_names.NAMES[m].split()]
MISSING = [path for path in PATHS if not is_there(path)]


def test_the_table_is_keras() -> None:
    keras = pytest.importorskip("keras", minversion="3.15")
    for module, names in keras_names.NAMES.items():
        place = keras
        for part in module.split(".") if module else ():
            place = getattr(place, part)
        for name in names.split():
            assert hasattr(place, name), f"keras.{module} has no {name}"


@pytest.mark.parametrize("module", MODULES)
def test_every_name_of_keras_is_there_or_is_said_to_be_missing(module: str) -> None:
    full = f"chainrule.{module}".rstrip(".")
    place = importlib.import_module(full)
    for name in keras_names.NAMES[module].split():
        if is_there(f"{module}.{name}".lstrip(".")):
            continue
        with pytest.raises(AttributeError, match=f"^{full}.{name} is not built yet"):
            getattr(place, name)
        with pytest.raises(ImportError, match=f"^{full}.{name} is not built yet"):
            exec(f"from {full} import {name}", {})
        assert name not in dir(place)
        assert getattr(place, name, None) is None


@pytest.mark.parametrize("module", [*MODULES, "errors", "ops.core", "ops.math"])
def test_dir_lists_the_public_names(module: str) -> None:
    place = importlib.import_module(f"chainrule.{module}".rstrip("."))
    shown = [name for name in dir(place) if not name.startswith("_")]
    if hasattr(place, "__all__"):
        assert shown == sorted(n for n in place.__all__ if not n.startswith("_"))
    for name in shown:
        try:
            value = getattr(place, name)
        except ImportError:  # of an extra
            continue
        home = value.__name__ if isinstance(value, ModuleType) else f"{type(value)}"
        assert "dispatch" not in home and name not in ("annotations", "Any", "np", "publish")
        if isinstance(value, ModuleType):
            assert home == "chainrule.reference" or "__getattr__" in vars(value), name


def test_names_of_keras_are_all_shown() -> None:
    for path in set(PATHS) - set(MISSING):
        module, _, name = path.rpartition(".")
        assert name in dir(importlib.import_module(f"chainrule.{module}".rstrip("."))), path


@pytest.mark.parametrize(
    "module, name, words",
    [
        ("", "Dense", "Did you mean 'chainrule.layers.Dense'?"),
        ("", "optimisers", "Did you mean 'optimizers'"),
        ("backend", "mean", "Did you mean 'chainrule.ops.mean'?"),
        ("callbacks", "tensorboard", "Did you mean 'TensorBoard'?"),
        ("callbacks", "orbaxcheckpoint", "Did you mean 'OrbaxCheckpoint' (not built yet)?"),
        ("layers", "dense", "Did you mean 'Dense'?"),
        ("layers", "BatchNorm", "Did you mean 'BatchNormalization'?"),
        ("layers", "Maxpool2d", "Did you mean 'MaxPool2D'"),
        ("layers", "xyzzy", "module 'chainrule.layers' has no attribute 'xyzzy'"),
        ("losses", "mse", "nor in Keras 3; use `losses.mean_squared_error`"),
        ("ops.numpy", "mena", "Did you mean 'mean'?"),
        ("optimizers", "relu", "Did you mean 'chainrule.ops.relu'?"),
        ("utils", "np_utils", "use `utils.to_categorical`"),
    ],
)
def test_a_misspelt_name_gets_a_suggestion(module: str, name: str, words: str) -> None:
    full = f"chainrule.{module}".rstrip(".")
    with pytest.raises(AttributeError) as caught:
        getattr(importlib.import_module(full), name)
    assert words in str(caught.value)
    with pytest.raises(ImportError) as failed:
        exec(f"from {full} import {name}", {})
    assert str(failed.value) == str(caught.value) == explain(full, name)


@pytest.mark.parametrize(
    "statement, words",
    [
        ("import chainrule.distribution", "chainrule.distribution is not built yet"),
        (
            "from chainrule.applications.xception import Xception",
            "chainrule.applications.xception is not built",
        ),
        ("import chainrule.layers.TFSMLayer", "chainrule.layers.TFSMLayer is not built yet"),
        ("from chainrule.preprocessing.text import Tokenizer", "TextVectorization"),
        ("import chainrule.layrs", "Did you mean 'layers'"),
    ],
)
def test_imports_of_modules_fail_with_the_sentence(statement: str, words: str) -> None:
    with pytest.raises(ImportError) as caught:
        exec(statement, {})
    assert words in str(caught.value)
    assert isinstance(caught.value, ModuleNotFoundError) or "application" not in statement


def test_every_hint_is_of_a_name_that_is_missing() -> None:
    """One that has been built needs no hint any more."""
    unused = dict.fromkeys([*keras_names.HINTS, *keras_names.OLD])
    for path in [*MISSING, *(old for old in keras_names.OLD if not is_there(old))]:
        text = keras_names.hint(path)
        for pattern, known in {**keras_names.HINTS, **keras_names.OLD}.items():
            if text and known == text:
                unused.pop(pattern, None)
    assert not unused


def test_hints_name_what_is_there() -> None:
    for text in [*keras_names.HINTS.values(), *keras_names.OLD.values()]:
        if "not built" in text:
            continue
        for path in re.findall(r"`((?:\w+\.)+\w+)`", text):
            home = importlib.import_module("numpy") if path.startswith("numpy.") else None
            if home is not None:
                for part in path.split("(")[0].split(".")[1:]:
                    home = getattr(home, part)
            elif path.startswith("Model."):
                assert hasattr(chainrule.Model, path.removeprefix("Model."))
            else:
                assert is_there(path.removeprefix("chainrule.")), path


def test_probes_of_underscored_names_are_plain_misses() -> None:
    for module in (chainrule, chainrule.layers, chainrule.config):
        for name in ("__wrapped__", "_ipython_display_", "__fspath__", "__array__"):
            assert not hasattr(module, name)
        inspect.getmembers(module)
    assert inspect.unwrap(chainrule.layers) is chainrule.layers  # type: ignore[arg-type]


def test_the_error_is_pickled_whole() -> None:
    error = pickle.loads(pickle.dumps(MissingNameError("chainrule.layers", "Dens")))
    assert (type(error), str(error)) == (MissingNameError, explain("chainrule.layers", "Dens"))


def test_asking_whether_a_name_is_there_loads_nothing() -> None:
    script = (
        "import sys, chainrule; before = set(sys.modules); hasattr(chainrule, 'LSTM');"
        "print(*sorted(m for m in set(sys.modules) - before if m not in ('difflib',)))"
    )
    done = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, check=True
    )
    assert done.stdout.split() == []


@pytest.mark.skipif(not README.exists(), reason="no README.md beside the tests")
def test_what_the_readme_calls_missing_is_missing() -> None:
    """The list of what is not there shrinks with what is built."""
    text = README.read_text(encoding="utf-8")
    start = text.index("What Keras has and chainrule does not")
    listed = text[start : text.index("\n## ", start)].split("\n- ")[1:]
    named = set(re.findall(r"`(\w+)`", "".join(listed)))
    last = {path.rpartition(".")[2] for path in MISSING}
    assert len(named & last) > 3
    homes = {path.rpartition(".")[0] for path in PATHS}
    for name in named - {"tf", "run_eagerly", "text_", "audio_"}:
        assert not any(is_there(f"{home}.{name}".lstrip(".")) for home in homes), name


@pytest.mark.parametrize("with_source", [True, False])
def test_late_imports_are_read_from_the_source_and_run_where_there_is_none(
    tmp_path: Path, with_source: bool
) -> None:
    (tmp_path / "shop").mkdir()
    source = tmp_path / "shop" / "__init__.py"
    source.write_text(
        "from typing import TYPE_CHECKING\n"
        "from chainrule.base.namespace import late, publish\n"
        "if TYPE_CHECKING or not late(globals()):\n"
        "    from chainrule.errors import ShapeError as WrongShape\n"
        "    from shop import bread as bread\n"
        "publish(globals())\n"
    )
    (tmp_path / "shop" / "bread.py").touch()
    if not with_source:
        py_compile.compile(str(source), str(source.with_suffix(".pyc")))
        source.unlink()
    script = (
        "import sys, shop; print('chainrule.errors' in sys.modules, sorted(shop.__all__)[:1]);"
        "print(shop.WrongShape.__name__, shop.bread.__name__)"
    )
    done = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, check=True, cwd=tmp_path
    )
    first, second = done.stdout.splitlines()
    assert first == f"{not with_source} ['WrongShape']"
    assert second == "ShapeError shop.bread"


def test_pickles_find_modules_under_the_names_that_they_had() -> None:
    assert pickle.loads(b"cchainrule.variable\nVariable\n.") is chainrule.Variable
    assert pickle.loads(b"cchainrule.dtypes\nDTypePolicy\n.") is chainrule.DTypePolicy
    home = sys.modules["chainrule.tracing.variable"]
    assert home is sys.modules["chainrule.variable"]
    assert home.__spec__ is not None and home.__spec__.name == home.__name__


@pytest.mark.parametrize(
    "code, shown",
    [
        ("chainrule.Variable('ones', shape=(2,)) + 1", "[2. 2.]"),
        ("chainrule.backend.Variable('ones', shape=(2,)) + 1", "[2. 2.]"),
        ("chainrule.grad(lambda x: (x * x)[0])(np.array([3.0]))", "[6.]"),
        ("(chainrule.KerasTensor((2,)) + 1).shape", "(2,)"),
        ("chainrule.random.SeedGenerator(1).state + 1", "[2 1]"),
        ("chainrule.config.dtype_policy().convert_input(np.ones(1), True, 'float32')", "[1.]"),
    ],
)
def test_the_first_name_that_is_used_finds_ops_and_initializers(code: str, shown: str) -> None:
    script = f"import numpy as np, chainrule; print({code})"
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True)
    assert done.stdout.strip() == shown, done.stderr
