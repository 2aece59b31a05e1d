"""What the documentation says: every example runs, every public name is described."""

from __future__ import annotations

import doctest
import importlib
import inspect
import pkgutil
import re
from collections.abc import Iterator
from importlib.util import find_spec
from pathlib import Path
from types import ModuleType

import pytest

import chainrule
from chainrule import config

README = Path(__file__).resolve().parents[1] / "README.md"
FLAGS = doctest.ELLIPSIS | doctest.NORMALIZE_WHITESPACE

MODULES = [
    "chainrule",
    *(
        found.name
        for found in pkgutil.walk_packages(chainrule.__path__, "chainrule.")
        if found.name != "chainrule._core" and not found.name.endswith("__main__")
    ),
]
# Examples of these need an extra.
EXTRAS = {
    "chainrule.nlp.tokenizers.byte_pair_tokenizer": "tokenizers",
    "chainrule.nlp.tokenizers.file_tokenizer": "tokenizers",
    "chainrule.nlp.tokenizers.word_piece_tokenizer": "tokenizers",
    "chainrule.utils.image_dataset": "PIL",
    "chainrule.utils.images": "PIL",
}
# What these packages show needs one.
PACKAGES = {
    "chainrule.exporting.onnx": "onnx",
    "chainrule.sklearn": "sklearn",
    "chainrule.wrappers": "sklearn",
}


def needed(name: str) -> str | None:
    """The extra of a module, if it has one."""
    return EXTRAS.get(name) or next(
        (extra for package, extra in PACKAGES.items() if f"{name}.".startswith(f"{package}.")), None
    )


PUBLIC = [
    name
    for name in MODULES
    if not any(p.startswith("_") for p in name.split(".")[1:])
    and (name in EXTRAS or not needed(name) or find_spec(needed(name) or ""))
]


@pytest.fixture
def fresh(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Files go to a temporary folder; global settings and automatic names are put back."""
    monkeypatch.chdir(tmp_path)
    chainrule.utils.clear_session(free_memory=False)
    known = config.floatx(), config.epsilon(), config.image_data_format()
    yield
    config.set_floatx(known[0])
    config.set_epsilon(known[1])
    config.set_image_data_format(known[2])
    chainrule.utils.clear_session(free_memory=False)


@pytest.mark.parametrize("name", MODULES)
def test_examples_of_docstrings_run(name: str, fresh: None) -> None:
    extra = needed(name)
    if extra is not None:
        pytest.importorskip(extra)
    module = importlib.import_module(name)
    report: list[str] = []
    runner = doctest.DocTestRunner(optionflags=FLAGS)
    for example in doctest.DocTestFinder(exclude_empty=True).find(module, name):
        runner.run(example, out=report.append)
    assert runner.summarize(verbose=False).failed == 0, "".join(report)


def defined(module: ModuleType) -> Iterator[tuple[str, object]]:
    """The public functions and classes of a module, and the public methods of its classes."""
    for name, value in vars(module).items():
        if name.startswith("_") or getattr(value, "__module__", None) != module.__name__:
            continue
        if inspect.isclass(value):
            yield name, value
            for key, member in vars(value).items():
                if isinstance(member, property):
                    member = member.fget
                elif isinstance(member, (classmethod, staticmethod)):
                    member = member.__func__
                if not key.startswith("_") and inspect.isfunction(member):
                    yield f"{name}.{key}", getattr(value, key)
        elif inspect.isfunction(value):
            yield name, value


@pytest.mark.parametrize("name", PUBLIC)
def test_every_public_name_has_a_docstring(name: str) -> None:
    module = importlib.import_module(name)
    assert module.__doc__, f"{name} has no docstring"
    bare = [key for key, value in defined(module) if not (inspect.getdoc(value) or "").strip()]
    assert not bare, f"{name}: no docstring for {', '.join(bare)}"


def test_every_exported_name_is_there_and_described() -> None:
    missing = []
    for name in PUBLIC:
        module = importlib.import_module(name)
        for key in getattr(module, "__all__", ()):
            value = getattr(module, key)
            if (inspect.isclass(value) or callable(value)) and not inspect.getdoc(value):
                missing.append(f"{name}.{key}")
    assert not missing


def test_classes_describe_their_own_parameters() -> None:
    """`help` of a public class names what it takes, and points at no class that is not public."""
    seen, wrong = set(), []
    for name in PUBLIC:
        module = importlib.import_module(name)
        for key in dir(module) if "__getattr__" in vars(module) else ():
            value = getattr(module, key)
            if not inspect.isclass(value) or value in seen or issubclass(value, BaseException):
                continue
            seen.add(value)
            text = inspect.getdoc(value) or ""
            taken = [p.name for p in inspect.signature(value).parameters.values() if p.kind < 2]
            lacking = [
                p for p in taken if p not in ("name", "dtype") and not re.search(rf"\b{p}\b", text)
            ]
            private = re.findall(r"`_*(?:Base[A-Z]|_[A-Z])\w+`", text)
            if lacking or private:
                wrong.append(f"{name}.{key}: {lacking + private}")
    assert len(seen) > 200 and not wrong, "\n".join(wrong)


def blocks(text: str) -> list[str]:
    """The Python code blocks of a Markdown text, in order."""
    return re.findall(r"^```(?:python|py)\n(.*?)^```", text, re.DOTALL | re.MULTILINE)


def packages(block: str) -> list[str]:
    """What a block of the README needs besides the wheel: said by its first line, and imported."""
    if not block.startswith("# pip install"):
        return []
    extra = re.findall(r"\[(\w+)\]", block.partition("\n")[0])
    imported = re.findall(r"^(?:import|from) (?!chainrule)(\w+)", block, re.MULTILINE)
    return [_PACKAGE.get(name, name) for name in [*extra, *imported]]


# The package of an extra that is not called so.
_PACKAGE = {"h5": "h5py", "tables": "narwhals", "tensorboard": "tensorboardX"}


@pytest.mark.skipif(not README.exists(), reason="no README.md beside the tests")
@pytest.mark.parametrize("with_extras", [False, True])
def test_the_blocks_of_the_readme_run_in_order(with_extras: bool, fresh: None) -> None:
    found = blocks(README.read_text(encoding="utf-8"))
    assert found, "README.md holds no Python"
    if with_extras:
        for name in sorted({name for block in found for name in packages(block)}):
            pytest.importorskip(name)
    space: dict[str, object] = {"__name__": "__main__"}
    for number, block in enumerate(found, 1):
        if with_extras or not packages(block):
            exec(compile(block, f"README.md, block {number}", "exec"), space)
