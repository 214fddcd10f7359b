"""What the product declares to need is what it imports, and what the locks hold."""

from __future__ import annotations

import re
import sys
import tomllib
from functools import cache
from importlib import metadata
from typing import Any

import pytest
from packaging.markers import default_environment
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from tests.architecture.house import PROJECT, everything, product

DECLARED: dict[str, Any] = tomllib.loads((PROJECT / "pyproject.toml").read_text(encoding="utf-8"))
IMPORTED_AS = {
    "google-re2": "re2",
    "prometheus-client": "prometheus_client",
    "ruamel-yaml": "ruamel",
    "pydantic": "pydantic",
    "pyjwt": "jwt",
}
"""Where a package's module has another name."""
COMES_WITH = {"pydantic_core": "pydantic", "pyarrow": "lancedb", "markupsafe": "jinja2"}
"""Modules of packages that a declared one is made for."""


def requirements() -> dict[str, Requirement]:
    every = [Requirement(each) for each in DECLARED["project"]["dependencies"]]
    return {canonicalize_name(each.name): each for each in every}


def module_of(name: str) -> str:
    return IMPORTED_AS.get(name, name.replace("-", "_"))


@cache
def imported() -> set[str]:
    """Names of the outer packages that the product imports, for types too."""
    return {each.name.split(".")[0] for module in product() for each in module.imports()} | {
        match for module in product() for match in re.findall(r'import_module\("([a-z0-9_]+)', module.text)
    }


def test_everything_declared_is_imported() -> None:
    assert {name for name in requirements() if module_of(name) not in imported()} == set()


def test_everything_imported_is_declared() -> None:
    known = {module_of(name) for name in requirements()} | COMES_WITH.keys() | {"headrace", "__future__", "pytest"}
    outer = imported() - known - sys.stdlib_module_names
    assert outer == set()


def test_only_the_contract_suites_import_pytest() -> None:
    assert {module.name.split(".")[1] for module in product() for each in module.imports() if each.name.split(".")[0] == "pytest"} <= {
        "testing"
    }


@pytest.mark.parametrize(("folder", "lock"), [("tests/", "test"), ("benchmarks/", "test"), ("tools/", "dev")])
def test_what_tests_and_tools_import_is_locked(folder: str, lock: str) -> None:
    outer = {each.name.split(".")[0] for module in everything() if module.place.startswith(folder) for each in module.imports()}
    outer -= {"headrace", "tests", "__future__", *sys.stdlib_module_names, *(path.stem for path in (PROJECT / folder).iterdir())}
    givers = metadata.packages_distributions()
    missing = {name for name in outer if not {canonicalize_name(giver) for giver in givers.get(name, [])} & pinned(lock).keys()}
    assert missing == set()


@pytest.mark.parametrize(("lock", "groups"), [("base", ("build",)), ("test", ("build", "test")), ("dev", ("build", "test", "check"))])
def test_the_locks_hold_what_is_declared(lock: str, groups: tuple[str, ...]) -> None:
    pins = pinned(lock)
    wanted = [*requirements().values(), *(Requirement(each) for group in groups for each in DECLARED["dependency-groups"][group])]
    for each in wanted:
        version = pins.get(canonicalize_name(each.name))
        assert version is not None, f"{each.name} is not in {lock}.lock: make lock"
        assert each.specifier.contains(version), f"{each} and {version} in {lock}.lock: make lock"


def test_the_locks_agree() -> None:
    base, test, dev = pinned("base"), pinned("test"), pinned("dev")
    assert base.items() <= test.items() <= dev.items()


@pytest.mark.parametrize("lock", ["base", "test", "dev"])
def test_a_lock_names_no_index_and_hashes_everything(lock: str) -> None:
    text = (PROJECT / "requirements" / f"{lock}.lock").read_text(encoding="utf-8")
    assert not re.search(r"https?://|--(extra-)?index-url|--find-links", text)
    for block in re.split(r"\n(?=[a-z0-9])", text):
        assert block.startswith("#") or "--hash=sha256:" in block, block


def pinned(lock: str) -> dict[str, str]:
    """Version by package, for this Python on this machine."""
    text = (PROJECT / "requirements" / f"{lock}.lock").read_text(encoding="utf-8")
    lines = re.findall(r"^([a-z0-9][^\\\n]*?)\s*\\?$", text, re.MULTILINE)
    every = [Requirement(line) for line in lines]
    here = {**default_environment(), "extra": ""}
    return {
        canonicalize_name(each.name): str(each.specifier).removeprefix("==")
        for each in every
        if each.marker is None or each.marker.evaluate(here)
    }
