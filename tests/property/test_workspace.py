"""Whatever is done to a valid workspace, it is either valid still or its faults are told with their places; it never breaks the check."""

from __future__ import annotations

import json
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Any

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from jsonschema import Draft202012Validator

from headrace.config.faults import lines
from headrace.config.located import MOST_NODES, Plain, read
from headrace.config.revision import canonical, of, stored
from headrace.config.schemas import schema
from tests.support.examples import some
from tests.support.workspaces import FILES, checked, lay

if TYPE_CHECKING:
    from headrace.config.check import Checked

PATHS = sorted(path for path in FILES if path != "texts/a.md")
FORMS = {"headrace.yaml": "headrace", "people.yaml": "people", "services": "service", "deployments": "deployment", "sources": "source"}
VALIDATORS: dict[str, Any] = {folder: Draft202012Validator(schema(name)) for folder, name in FORMS.items()}
SPECIAL = [
    "\t",
    "\n",
    " ",
    ":",
    "- ",
    "#",
    "[",
    "]",
    "{",
    "}",
    "&a ",
    "*a",
    "!x ",
    "'",
    '"',
    "|\n",
    "? ",
    "%",
    "---\n",
    "...\n",
    "<<: ",
    "\0",
    "\x85",
    "\u2028",
]
quick = settings(max_examples=some(120), suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large])

scalars = st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(max_size=12)
words = st.sampled_from(
    ["service", "knowledge", "sources", "models", "guards", "input", "price", "folder", "readers", "people", "x", "", "0"]
)
values: st.SearchStrategy[object] = st.recursive(
    scalars, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(words, inner, max_size=3), max_leaves=6
)


def judge(found: Checked, folder: Path) -> None:
    """What holds of every check."""
    for fault in found.faults:
        assert fault.line >= 1
        assert fault.column >= 1
        assert fault.message
        file = folder / fault.path
        if file.is_file():
            assert fault.line <= file.read_bytes().count(b"\n") + file.read_bytes().count(b"\r") + 3 + file.read_text(
                errors="replace"
            ).count("\u2028")
    "\n".join(lines(found.faults)).encode()
    assert (found.workspace is None) == bool(found.faults)
    if found.workspace is not None:
        revision = of(found)
        assert stored(revision.id, canonical(revision.files), revision.data).compile() == found.workspace
        for path, data in found.data.items():
            VALIDATORS[path.split("/", maxsplit=1)[0]].validate(data)


def judged(path: str, content: bytes) -> None:
    with tempfile.TemporaryDirectory() as name:
        folder = lay(Path(name))
        (folder / path).write_bytes(content)
        judge(checked(folder), folder)


@quick
@given(st.sampled_from(PATHS), st.data())
def test_pieces_taken_out_doubled_or_put_in(path: str, data: st.DataObject) -> None:
    text = FILES[path]
    for _ in range(data.draw(st.integers(1, 3))):
        start = data.draw(st.integers(0, len(text)))
        end = data.draw(st.integers(start, min(len(text), start + 30)))
        piece = data.draw(st.sampled_from(["", text[start:end] * 2, *SPECIAL]) | st.text(max_size=5))
        text = text[:start] + piece + text[end:]
    judged(path, text.encode("utf-8", errors="surrogatepass"))


@quick
@given(st.sampled_from(PATHS), st.binary(max_size=60), st.integers(0, 200))
def test_any_bytes(path: str, piece: bytes, place: int) -> None:
    whole = FILES[path].encode()
    judged(path, whole[:place] + piece + whole[place:])


@quick
@given(st.sampled_from([path for path in PATHS if path.endswith(".yaml")]), values, st.data())
def test_any_value_in_any_place(path: str, value: object, data: st.DataObject) -> None:
    root = read(FILES[path]).root
    assert root is not None
    changed = replaced(root.plain(), value, data)
    judged(path, json.dumps(changed).encode())


def replaced(tree: Plain, value: object, data: st.DataObject) -> object:
    """The tree with one of its values, drawn, replaced."""
    if isinstance(tree, dict) and tree and data.draw(st.booleans()):
        word = data.draw(st.sampled_from(sorted(tree)))
        return {**tree, word: replaced(tree[word], value, data)}
    if isinstance(tree, list) and tree and data.draw(st.booleans()):
        place = data.draw(st.integers(0, len(tree) - 1))
        return [replaced(each, value, data) if number == place else each for number, each in enumerate(tree)]
    return value


@quick
@given(values)
def test_what_json_says_yaml_reads_alike(value: object) -> None:
    text = json.dumps(value, ensure_ascii=True)
    held = read(text)
    if held.problems:
        return
    assert held.root is not None
    assert held.root.size <= MOST_NODES
    if all(sign not in text for sign in ("e+", "e-", ".", "\\u")) and not any(len(part) > 18 for part in text.replace(",", " ").split()):
        assert held.root.plain() == value
