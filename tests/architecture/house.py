"""The sources as the tests of the house read them: each module's syntax tree, its name, and what it imports."""

from __future__ import annotations

import ast
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

PROJECT = Path(__file__).parents[2]
SOURCES = PROJECT / "src"


@dataclass(frozen=True)
class Imported:
    """A module that another one imports, and where. `typing` is true under ``if TYPE_CHECKING``, `inside` within a function."""

    name: str
    line: int
    typing: bool
    inside: str


@dataclass(frozen=True)
class Module:
    """One file."""

    name: str
    path: Path
    text: str
    tree: ast.Module

    @property
    def place(self) -> str:
        return str(self.path.relative_to(PROJECT))

    def functions(self) -> Iterator[ast.FunctionDef | ast.AsyncFunctionDef]:
        for node in ast.walk(self.tree):
            if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
                yield node

    def imports(self) -> list[Imported]:
        found: list[Imported] = []
        _imports(self.tree, found, typing=False, inside="")
        return found


@cache
def product() -> tuple[Module, ...]:
    """Every module of the package."""
    return tuple(_read(path, SOURCES) for path in sorted((SOURCES / "headrace").rglob("*.py")))


@cache
def everything() -> tuple[Module, ...]:
    """Tests, benchmarks and tools too."""
    others = [path for folder in ("tests", "benchmarks", "tools") for path in sorted((PROJECT / folder).rglob("*.py"))]
    return (*product(), *(_read(path, PROJECT) for path in others))


@cache
def names() -> frozenset[str]:
    """Names of the package's modules and packages."""
    return frozenset(module.name for module in product())


def resolved(name: str) -> str:
    """The module that an import of `name` runs: ``headrace.core.errors.Refused`` is ``headrace.core.errors``."""
    while name and name not in names():
        name = name.rpartition(".")[0]
    return name


def _read(path: Path, root: Path) -> Module:
    parts = path.relative_to(root).with_suffix("").parts
    name = ".".join(parts[:-1] if parts[-1] == "__init__" else parts)
    text = path.read_text(encoding="utf-8")
    return Module(name, path, text, ast.parse(text))


def _imports(node: ast.AST, found: list[Imported], *, typing: bool, inside: str) -> None:
    for child in ast.iter_child_nodes(node):
        if isinstance(child, ast.Import):
            found += [Imported(alias.name, child.lineno, typing, inside) for alias in child.names]
        elif isinstance(child, ast.ImportFrom):
            found += [Imported(f"{child.module}.{alias.name}", child.lineno, typing, inside) for alias in child.names]
        elif isinstance(child, ast.If) and ast.unparse(child.test) == "TYPE_CHECKING":
            for each in child.body:
                _imports(ast.Module([each], []), found, typing=True, inside=inside)
        elif isinstance(child, ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda):
            _imports(child, found, typing=typing, inside=inside or getattr(child, "name", "lambda"))
        else:
            _imports(child, found, typing=typing, inside=inside)
