"""The folder source: what it offers, what it refuses, and what it never follows."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

import pytest

from headrace.adapters.sources.folder import Folder
from headrace.core.errors import ConversionFailed, OperationFailed

if TYPE_CHECKING:
    from pathlib import Path


def write(root: Path, *names: str) -> None:
    for name in names:
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(f"about {name}")


def test_files_come_in_order_of_path_without_hidden_ones(tmp_path: Path) -> None:
    write(tmp_path, "b.md", "a/z.md", "a.md", ".git/config", ".hidden.md", "a/.x/y.md", "node_modules/p/readme.md")
    assert [file.path for file in Folder(tmp_path).files()] == ["a.md", "a/z.md", "b.md"]


def test_globs_choose(tmp_path: Path) -> None:
    write(tmp_path, "a.md", "a.txt", "hr/pay.md", "hr/old/pay.md", "drafts/x.md")
    found = Folder(tmp_path, include=("**/*.md",), exclude=("drafts/**", "hr/*/*")).files()
    assert [file.path for file in found] == ["a.md", "hr/pay.md"]


def test_links_are_named_and_never_followed(tmp_path: Path) -> None:
    root, outside = tmp_path / "root", tmp_path / "outside"
    write(root, "a.md")
    write(outside, "secret.md")
    (root / "out.md").symlink_to(outside / "secret.md")
    (root / "folder").symlink_to(outside)
    (root / "loop").symlink_to(root)
    files = {file.path: file.refused for file in Folder(root).files()}
    assert set(files) == {"a.md", "out.md", "folder", "loop"}
    assert not files["a.md"]
    assert all("symbolic link" in files[name] for name in ("out.md", "folder", "loop"))


def test_what_is_no_file_or_too_large_is_named(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe.md")
    write(tmp_path, "large.md")
    (tmp_path / os.fsdecode(b"caf\xe9.md")).write_text("x")
    refused = {file.path: file.refused for file in Folder(tmp_path, largest=5).files()}
    assert "regular" in refused["pipe.md"]
    assert "MiB" in refused["large.md"]
    assert "UTF-8" in refused["caf\ufffd.md"]


def test_a_folder_that_is_not_there_is_no_empty_folder(tmp_path: Path) -> None:
    with pytest.raises(OperationFailed):
        list(Folder(tmp_path / "gone").files())


def test_the_signature_follows_every_change(tmp_path: Path) -> None:
    folder = Folder(tmp_path)
    signatures = {folder.signature()[0]}
    write(tmp_path, "a.md")
    signatures.add(folder.signature()[0])
    before = (tmp_path / "a.md").stat()
    (tmp_path / "a.md").write_text("About a.md")
    os.utime(tmp_path / "a.md", ns=(before.st_atime_ns, before.st_mtime_ns))  # size and mtime are as before; ctime is not
    signatures.add(folder.signature()[0])
    (tmp_path / "a.md").rename(tmp_path / "b.md")
    signatures.add(folder.signature()[0])
    assert len(signatures) == 4
    assert folder.signature() == folder.signature()


def test_a_digest_reads_no_link(tmp_path: Path) -> None:
    write(tmp_path, "a.md")
    folder = Folder(tmp_path)
    (file,) = folder.files()
    assert len(folder.digest(file)) == 64
    (tmp_path / "a.md").rename(tmp_path / ".b")
    (tmp_path / "a.md").symlink_to(tmp_path / ".b")
    with pytest.raises(ConversionFailed):
        folder.digest(file)


def test_an_accent_written_in_two_characters_is_excluded_all_the_same(tmp_path: Path) -> None:
    folder = tmp_path / "priv\u0065\u0301"
    folder.mkdir()
    (folder / "a.md").write_text("private")
    (tmp_path / "e\u0301.md").write_text("public")
    found = list(Folder(tmp_path, include=("**/*",), exclude=("priv\u00e9/**",)).files())
    assert [file.path for file in found] == ["e\u0301.md"]
