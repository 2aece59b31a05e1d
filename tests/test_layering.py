"""Who may import whom, in Rust and in Python, where `unsafe` lives, and what the reference uses."""

from __future__ import annotations

import ast
import graphlib
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
RUST = ROOT / "rust"
PYTHON = ROOT / "python" / "chainrule"
REFERENCE = PYTHON / "reference"

# A module may use itself and what stands left of it.
ORDER = (
    "error",
    "dtype",
    "memory",
    "size",
    "tensor",
    "kernels",
    "run",
    "graph",
    "ops",
    "fusions",
    "passes",
    "program",
    "binding",
)
# The floors of the Python package: a module uses its own floor and those before it. The last but
# one is the package itself: what users see, loaded when they use it.
FLOORS = (
    "base",
    "reference",
    "tracing",
    "ops",
    "random",
    "initializers",
    "activations",
    "losses",
    "regularizers",
    "constraints",
    "utils",
    "saving",
    "layers",
    "optimizers",
    "metrics",
    "callbacks",
    "training",
    "checks",
    "diagnosis",
    "profiling",
    "exporting",
    "models",
    "datasets",
    "audio",
    "preprocessing",
    "nlp",
    "applications",
    "testing",
    "sklearn",
    "wrappers",
    # Names of Keras for what stands below.
    "config",
    "errors",
    "tree",
    "dtype_policies",
    "mixed_precision",
    "backend",
    "chainrule",
    "examples",
    "selftest",
)
UNSAFE_ALLOWED = (
    "kernels/",
    "memory.rs",
    "size.rs",
    "program/arena.rs",
    "binding/calls.rs",
    "binding/results.rs",
)

USE = re.compile(r"\b(crate|super(?:::super)*)::(\{[^;]*\}|[a-z_]\w*)")
LINE_COMMENT = re.compile(r"//[^\n]*")
STRING = re.compile(r'"(?:\\.|[^"\\])*"', re.DOTALL)


def source(path: Path) -> str:
    """A Rust file without comments and strings."""
    return STRING.sub('""', LINE_COMMENT.sub("", path.read_text()))


def module_of(path: Path) -> tuple[str, ...]:
    """rust/ops/unary.rs is the module ("ops", "unary"), rust/ops/mod.rs is ("ops",)."""
    parts = list(path.relative_to(RUST).with_suffix("").parts)
    return tuple(parts[:-1] if parts[-1] == "mod" else parts)


def names(group: str) -> list[str]:
    """The first names of `{a::b, c}` or of a single name."""
    if not group.startswith("{"):
        return [group]
    depth, first, found = 0, "", []
    for char in group[1:-1] + ",":
        if char == "," and depth == 0:
            found.append(first.strip().split("::")[0])
            first = ""
            continue
        depth += (char == "{") - (char == "}")
        first += char
    return [name for name in found if name]


def uses(path: Path) -> Iterator[str]:
    """The top-level modules of the crate that a file names by `crate::` or `super::`."""
    module = module_of(path)
    for origin, group in USE.findall(source(path)):
        for name in names(group):
            if origin == "crate":
                yield name
                continue
            above = module[: len(module) - len(origin.split("::"))]
            yield above[0] if above else name


def allowed(user: str, used: str) -> bool:
    return used in ORDER and ORDER.index(used) <= ORDER.index(user)


FILES = sorted(path for path in RUST.rglob("*.rs") if path.name != "lib.rs")


@pytest.mark.parametrize("path", FILES, ids=lambda p: str(p.relative_to(RUST)))
def test_rust_imports_go_to_the_left(path: Path) -> None:
    user = module_of(path)[0]
    assert user in ORDER, f"{user} has no place in the order {ORDER}"
    modules = {file.relative_to(RUST).parts[0].removesuffix(".rs") for file in FILES}
    wrong = sorted({used for used in uses(path) if used in modules and not allowed(user, used)})
    assert not wrong, f"{path.relative_to(ROOT)} uses {wrong}, which stand right of {user}"


@pytest.mark.parametrize("path", FILES, ids=lambda p: str(p.relative_to(RUST)))
def test_unsafe_lives_in_the_kernels_and_the_arena(path: Path) -> None:
    if str(path.relative_to(RUST)).startswith(UNSAFE_ALLOWED):
        return
    assert not re.search(r"\bunsafe\b(?!_)", source(path)), f"{path.relative_to(ROOT)} holds unsafe"


@pytest.mark.parametrize("path", FILES, ids=lambda p: str(p.relative_to(RUST)))
def test_pyo3_lives_in_the_binding(path: Path) -> None:
    if module_of(path)[0] == "binding":
        return
    assert not re.search(r"\b(pyo3|numpy)::", source(path)), f"{path.relative_to(ROOT)} uses pyo3"


def imports(path: Path) -> Iterator[str]:
    """What a Python file imports, in functions and for type checkers too."""
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path.name}: imports are absolute"
            base = node.module or ""
            yield from (f"{base}.{alias.name}" for alias in node.names)
        elif isinstance(node, ast.Call) and ast.unparse(node.func).endswith("import_module"):
            yield from (x.value for x in node.args if isinstance(x, ast.Constant))


def python_modules(root: Path) -> dict[str, Path]:
    """The files of a package by their modules' full names."""
    found = {}
    for path in sorted(root.rglob("*.py")):
        parts = path.relative_to(root.parent).with_suffix("").parts
        found[".".join(parts[:-1] if parts[-1] == "__init__" else parts)] = path
    return found


def python_uses(modules: dict[str, Path]) -> dict[str, set[str]]:
    """Every module, and those of the same package that it imports."""
    graph: dict[str, set[str]] = {}
    for module, path in modules.items():
        used = set()
        for name in imports(path):
            # A name in a module is a use of the module. The core is below all floors.
            home = name if name in modules else name.rpartition(".")[0]
            if home in modules and not name.endswith("._core"):
                used.add(home)
        graph[module] = used - {module}
    return graph


def floor_of(module: str) -> str:
    """chainrule.ops.math stands on the floor "ops", chainrule itself on "chainrule"."""
    return module.split(".")[1] if "." in module else module


def wrong_floors(graph: dict[str, set[str]]) -> list[str]:
    """The imports that go up, in words."""
    return [
        f"{module} imports {used}"
        for module, uses in graph.items()
        for used in sorted(uses)
        if FLOORS.index(floor_of(used)) > FLOORS.index(floor_of(module))
    ]


MODULES = python_modules(PYTHON)


def test_every_python_module_has_a_floor() -> None:
    assert {floor_of(module) for module in MODULES} == set(FLOORS)


def test_python_imports_go_down() -> None:
    assert not wrong_floors(python_uses(MODULES))


def test_no_python_modules_import_each_other_in_a_circle() -> None:
    try:
        graphlib.TopologicalSorter(python_uses(MODULES)).prepare()
    except graphlib.CycleError as error:
        raise AssertionError(f"a circle: {' <- '.join(error.args[1])}") from error


@pytest.mark.parametrize("path", sorted(REFERENCE.glob("*.py")), ids=lambda p: p.name)
def test_the_reference_uses_numpy_and_itself_only(path: Path) -> None:
    own = ("chainrule.reference", "chainrule.base.errors")
    for name in imports(path):
        assert not name.startswith("chainrule") or name.startswith(own), f"{path.name}: {name}"
        assert name.split(".")[0] not in ("scipy", "jax", "sklearn"), f"{path.name}: {name}"


def test_the_parser_sees_what_it_should(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tests.test_layering.RUST", tmp_path)
    (tmp_path / "ops").mkdir()
    file = tmp_path / "ops" / "unary.rs"
    file.write_text(
        "// use crate::comment;\n"
        "use crate::{error::{Error, Result}, program};\n"
        "use super::check;\nuse super::super::graph::Op;\n"
        'fn f() { crate::binding::g("crate::text::x") }\n'
    )
    assert list(uses(file)) == ["error", "program", "ops", "graph", "binding"]
    assert allowed("ops", "graph") and not allowed("ops", "program")


def test_an_upward_import_and_a_circle_are_seen(tmp_path: Path) -> None:
    package = tmp_path / "chainrule"
    for folder in ("base", "ops"):
        (package / folder).mkdir(parents=True)
        (package / folder / "__init__.py").touch()
    (package / "__init__.py").write_text("from chainrule import _core\n")
    (package / "base" / "low.py").write_text("def f():\n    from chainrule.ops import high\n")
    (package / "ops" / "high.py").write_text(
        "from typing import TYPE_CHECKING\n"
        "from chainrule.base import low\n"
        "if TYPE_CHECKING:\n    from chainrule.ops.other import Name\n"
    )
    (package / "ops" / "other.py").write_text(
        "import importlib\nimportlib.import_module('chainrule.ops.high')\n"
    )
    graph = python_uses(python_modules(package))
    assert graph == {
        "chainrule": set(),
        "chainrule.base": set(),
        "chainrule.base.low": {"chainrule.ops.high"},
        "chainrule.ops": set(),
        "chainrule.ops.high": {"chainrule.base.low", "chainrule.ops.other"},
        "chainrule.ops.other": {"chainrule.ops.high"},
    }
    assert wrong_floors(graph) == ["chainrule.base.low imports chainrule.ops.high"]
    with pytest.raises(graphlib.CycleError):
        graphlib.TopologicalSorter(graph).prepare()
    with pytest.raises(graphlib.CycleError):
        graphlib.TopologicalSorter({m: u for m, u in graph.items() if "base" not in m}).prepare()
