"""What ``headrace init`` writes."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from headrace.config import template
from headrace.config.located import read
from headrace.core.errors import OperationFailed
from tests.support.workspaces import checked, lay

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture
def documents(tmp_path: Path) -> Path:
    folder = tmp_path / "my documents: all #1"
    folder.mkdir()
    return folder


def test_it_writes_a_workspace_that_checks(tmp_path: Path, documents: Path) -> None:
    workspace = tmp_path / "deep" / "workspace"
    written = template.write(workspace, documents)
    assert {"headrace.yaml", "people.yaml", ".gitignore", "README.md", "policies/base.cedar"} <= set(written)
    assert all((workspace / path).is_file() for path in written)
    found = checked(workspace)
    assert found.faults == ()
    assert found.workspace is not None
    assert set(found.workspace.services) == {"help", "local", "extract", "embed"}
    assert found.workspace.sources["documents"].folder == str(documents)
    assert list(found.workspace.sources["documents"].exclude) == ["**/.*", "**/.*/**"]
    assert (workspace / ".headrace/schemas/service.json").is_file()
    assert (workspace / ".headrace").stat().st_mode & 0o777 == 0o700
    assert [each.name for each in workspace.parent.iterdir()] == ["workspace"]


def test_an_empty_folder_and_a_fresh_repository_will_do(tmp_path: Path, documents: Path) -> None:
    (tmp_path / "w" / ".git").mkdir(parents=True)
    template.write(tmp_path / "w", documents)
    assert checked(tmp_path / "w").faults == ()
    assert (tmp_path / "w" / ".git").is_dir()


def test_without_documents_it_reads_headraces_own(tmp_path: Path) -> None:
    (tmp_path / "checkout" / "docs").mkdir(parents=True)
    template.write(tmp_path / "w", None, checkout=tmp_path / "checkout")
    found = checked(tmp_path / "w")
    assert found.workspace is not None
    source = found.workspace.sources["documents"]
    assert source.folder == str(tmp_path / "checkout" / "docs")
    assert list(source.exclude) == ["**/.*", "**/.*/**", "decisions/**"]


def test_what_is_passed_over_of_our_own_documents_is_read_of_others(tmp_path: Path, documents: Path) -> None:
    (tmp_path / "checkout" / "docs").mkdir(parents=True)
    template.write(tmp_path / "w", None, checkout=tmp_path / "checkout")
    assert template.point_documents(tmp_path / "w", documents)
    found = checked(tmp_path / "w")
    assert found.workspace is not None
    source = found.workspace.sources["documents"]
    assert (source.folder, list(source.exclude)) == (str(documents), ["**/.*", "**/.*/**"])


def test_without_a_checkout_it_brings_a_folder_of_its_own(tmp_path: Path) -> None:
    assert "documents/README.md" in template.write(tmp_path / "w", None, checkout=tmp_path)
    assert checked(tmp_path / "w").faults == ()


def test_a_workspace_is_never_written_over(tmp_path: Path, documents: Path) -> None:
    template.write(tmp_path / "w", documents)
    (tmp_path / "w/people.yaml").write_text("people: []\n")
    with pytest.raises(OperationFailed, match="is a workspace already") as caught:
        template.write(tmp_path / "w", documents)
    assert caught.value.code == "workspace.exists"
    assert (tmp_path / "w/people.yaml").read_text() == "people: []\n"


def test_a_folder_with_other_things_is_left_alone(tmp_path: Path, documents: Path) -> None:
    (tmp_path / "w").mkdir()
    (tmp_path / "w" / "letter.txt").write_text("x")
    (tmp_path / "file").write_text("x")
    (tmp_path / "link").symlink_to(tmp_path / "nowhere")
    for name in ("w", "file", "link"):
        with pytest.raises(OperationFailed) as caught:
            template.write(tmp_path / name, documents)
        assert caught.value.code == "workspace.not_empty"
    assert [each.name for each in (tmp_path / "w").iterdir()] == ["letter.txt"]


@pytest.mark.parametrize("name", ["nowhere", "a\udcffb", "a\0b"])
def test_documents_that_are_not_there(tmp_path: Path, name: str) -> None:
    with pytest.raises(OperationFailed, match="There is no folder"):
        template.write(tmp_path / "w", tmp_path / name)
    assert list(tmp_path.iterdir()) == []


def test_a_disk_that_does_not_take_it(tmp_path: Path, documents: Path) -> None:
    (tmp_path / "file").write_text("x")
    with pytest.raises(OperationFailed, match="could not be written"):
        template.write(tmp_path / "file" / "w", documents)
    assert sorted(each.name for each in tmp_path.iterdir()) == ["file", documents.name]


def test_pointing_to_other_documents_keeps_the_rest(tmp_path: Path, documents: Path) -> None:
    template.write(tmp_path / "w", documents)
    path = tmp_path / "w/sources/documents.yaml"
    before = path.read_text()
    other = tmp_path / "other"
    other.mkdir()
    assert template.point_documents(tmp_path / "w", other)
    after = path.read_text()
    changed = [(old, new) for old, new in zip(before.splitlines(), after.splitlines(), strict=True) if old != new]
    assert len(changed) == 1
    assert "# a relative path starts at the workspace" in changed[0][1]
    assert not template.point_documents(tmp_path / "w", other)
    found = checked(tmp_path / "w")
    assert found.workspace is not None
    assert found.workspace.sources["documents"].folder == str(other)


def test_a_folder_inside_is_named_from_there(tmp_path: Path) -> None:
    template.write(tmp_path / "w", tmp_path)
    (tmp_path / "w/12").mkdir()
    template.point_documents(tmp_path / "w", tmp_path / "w/12")
    found = checked(tmp_path / "w")
    assert found.workspace is not None
    assert found.workspace.sources["documents"].folder == "12"


def test_which_source_is_meant(tmp_path: Path, documents: Path) -> None:
    lay(tmp_path / "w")
    assert template.point_documents(tmp_path / "w", documents)
    (tmp_path / "w/sources/more.yaml").write_text("source: more\n")
    with pytest.raises(OperationFailed, match="which one is meant"):
        template.point_documents(tmp_path / "w", documents)


@pytest.mark.parametrize(
    "text", ["", "source: [\n", "source: a\n", "folder:\nsource: a\n", "folder: |\n  a\nsource: b\n", "folder: a\nfolder: b\n"]
)
def test_a_file_that_cannot_be_edited_in_place_is_left_alone(tmp_path: Path, documents: Path, text: str) -> None:
    path = lay(tmp_path / "w") / "sources/documents.yaml"
    path.write_text(text)
    with pytest.raises(OperationFailed, match="no folder that could be set"):
        template.point_documents(tmp_path / "w", documents)
    assert path.read_text() == text


@pytest.mark.parametrize(
    "text", ["folder: 'old' # why\nsource: a\n", "{folder: old, source: a}\n", "folder: !!str old\nsource: a\n", "folder: 7\nsource: a\n"]
)
def test_however_the_folder_was_written(tmp_path: Path, documents: Path, text: str) -> None:
    path = lay(tmp_path / "w") / "sources/documents.yaml"
    path.write_text(text)
    assert template.point_documents(tmp_path / "w", documents)
    root = read(path.read_text()).root
    assert root is not None
    assert root.plain() == {"folder": str(documents), "source": "a"}
    assert ("# why" in path.read_text()) == ("# why" in text)


def test_a_source_that_is_not_text_is_left_alone(tmp_path: Path, documents: Path) -> None:
    path = lay(tmp_path / "w") / "sources/documents.yaml"
    path.write_bytes(b"folder: \xff\n")
    with pytest.raises(OperationFailed, match="no folder that could be set"):
        template.point_documents(tmp_path / "w", documents)
