"""Who may import whom in Rust, where `unsafe` lives, and what the reference uses."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
RUST = ROOT / "rust"
REFERENCE = ROOT / "python" / "chainrule" / "reference"

# A module may use itself and what stands left of it.
ORDER = (
    "error",
    "dtype",
    "memory",
    "tensor",
    "kernels",
    "attrs",
    "graph",
    "ops",
    "passes",
    "program",
    "binding",
)
UNSAFE_ALLOWED = ("kernels/", "memory.rs", "program/arena.rs", "binding/calls.rs", "binding/results.rs")

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
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path.name}: imports are absolute"
            base = node.module or ""
            yield from (f"{base}.{alias.name}" for alias in node.names)


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
