"""Small rooms with plain names: what a reader of any file may expect of it."""

from __future__ import annotations

import ast
import re

from tests.architecture.house import everything, product

LONGEST_FILE = 400
LONGEST_FUNCTION = 40
SAYS_NOTHING = {"manager", "helper", "helpers", "util", "utils", "common", "base", "handler", "handlers", "processor", "misc"}
LIGHT = "the gateway commits to texts and verifies nothing: it stays 7 MB lighter without the cryptography"
LATE = {
    ("headrace.app.processes.knowledge", "_loaded"): "the vector store takes seconds to import; the process listens meanwhile",
    ("headrace.app.cli.search", "_found"): "only a search without a running installation pays for the native libraries",
    ("headrace.app.people.signing_in", "finish"): LIGHT,
    ("headrace.app.people.signing_in", "signed_out"): LIGHT,
    ("headrace.evidence.verify.notes", "check_signature"): LIGHT,
    ("headrace.evidence.verify.notes", "read_key"): LIGHT,
}
"""Imports inside a function, by module and function, with the reason."""


def test_files_are_short() -> None:
    lengths = {module.place: module.text.count("\n") for module in everything()}
    assert {place: lines for place, lines in lengths.items() if lines > LONGEST_FILE} == {}


def test_functions_are_short() -> None:
    lengths = {
        f"{module.place}:{function.lineno} {function.name}": (function.end_lineno or 0) - function.lineno + 1
        for module in everything()
        for function in module.functions()
    }
    assert {place: lines for place, lines in lengths.items() if lines > LONGEST_FUNCTION} == {}


def test_nothing_is_imported_inside_a_function() -> None:
    late = {(module.name, each.inside) for module in product() for each in module.imports() if each.inside}
    assert late == set(LATE)


def test_every_module_says_what_it_is() -> None:
    assert [module.place for module in product() if not ast.get_docstring(module.tree) and module.tree.body] == []


def test_names_say_something() -> None:
    words = {module.name: set(re.split(r"[_.]", module.name.lower())) for module in product()}
    assert {name: found for name, parts in words.items() if (found := parts & SAYS_NOTHING)} == {}


def test_nothing_is_left_to_do() -> None:
    marks = re.compile(r"\b(TODO|FIXME|XXX|HACK)\b")
    assert [module.place for module in product() if marks.search(module.text)] == []


def test_no_test_is_skipped_for_good_and_none_is_expected_to_fail() -> None:
    forbidden = re.compile(r"mark\.(skip\(|xfail)|pytest\.xfail")
    tests = [module for module in everything() if module.place.startswith("tests/") and "architecture" not in module.place]
    assert [module.place for module in tests if forbidden.search(module.text)] == []
