"""Revisions: named by their content, read without YAML."""

from __future__ import annotations

import subprocess
import sys
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from headrace.config import revision as revision_form
from headrace.config.revision import canonical, identity, of, stored
from headrace.core.errors import OperationFailed
from tests.support.workspaces import FILES, checked, edit, lay

if TYPE_CHECKING:
    from pathlib import Path


def test_the_id_is_the_content(tmp_path: Path) -> None:
    first, second = lay(tmp_path / "a"), lay(tmp_path / "b")
    assert of(checked(first)).id == of(checked(second)).id
    edit(second, "services/help.yaml", "passages: 6", "passages: 5")
    assert of(checked(first)).id != of(checked(second)).id
    assert len(of(checked(first)).short) == 12


def test_the_id_has_a_known_answer() -> None:
    files = {"b": 'q"\n\u00e9\u001f', "a": "x", "\U0001f600": "", "\uffff": ""}
    assert canonical(files) == '{"a":"x","b":"q\\"\\n\u00e9\\u001f","\U0001f600":"","\uffff":""}'
    assert identity({"a": "x"}) == "bac82bcae3ff0e486fd02d6dce53dc6444bcbd21f6ab5dea0a69e86e8b723b7f"


def test_what_is_read_again_is_what_was_checked(tmp_path: Path) -> None:
    found = checked(lay(tmp_path))
    revision = of(found)
    again = stored(revision.id, canonical(revision.files), revision.data)
    assert again == revision
    assert again.compile() == found.workspace


def test_a_workspace_without_people(tmp_path: Path) -> None:
    (tmp_path / "headrace.yaml").write_text("headrace: 1\nname: bare\n")
    found = checked(tmp_path)
    assert of(found).compile() == found.workspace


def test_faults_make_no_revision(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="with faults"):
        of(checked(tmp_path))


def test_files_that_were_changed_in_the_store(tmp_path: Path) -> None:
    revision = of(checked(lay(tmp_path)))
    with pytest.raises(OperationFailed, match="not those that its id names"):
        stored(revision.id, canonical({**revision.files, "people.yaml": "people: []\n"}), revision.data)


def test_data_of_another_version(tmp_path: Path) -> None:
    revision = of(checked(lay(tmp_path)))
    with pytest.raises(OperationFailed, match="another version of Headrace") as caught:
        replace(revision, data=revision.data.replace('"passages":6', '"passages":{}')).compile()
    assert caught.value.code == "workspace.unreadable_revision"


def test_reading_one_needs_no_yaml() -> None:
    program = (
        f"import sys, {revision_form.__name__}; print([name for name in sys.modules if name.startswith(('ruamel', 'alembic', 'difflib'))])"
    )
    done = subprocess.run([sys.executable, "-c", program], check=True, capture_output=True, text=True, timeout=30)
    assert done.stdout.strip() in {"[]", "['difflib']"}


def test_every_file_is_in_it(tmp_path: Path) -> None:
    assert dict(of(checked(lay(tmp_path))).files) == {path: text for path, text in FILES.items() if path != "texts/a.md"}
