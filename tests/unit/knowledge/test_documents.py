"""Stored texts: by content, complete or not there, with places that people find."""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING

import pytest

from headrace.core.errors import NotFound
from headrace.core.values import Place
from headrace.knowledge.documents import store as documents
from headrace.knowledge.documents.store import DocumentStore

if TYPE_CHECKING:
    from pathlib import Path

DOCX = "application/vnd.openxmlformats-officedocument.wordprocessingml.document"


def test_a_version_is_the_hash_of_its_text(tmp_path: Path) -> None:
    store = DocumentStore(tmp_path)
    version = store.put("Grüße\r\n", "text/plain")
    assert version == hashlib.sha256("Grüße\r\n".encode()).hexdigest()
    assert DocumentStore(tmp_path).text(version) == "Grüße\r\n"
    assert store.slice(version, 2, 5) == "üße"
    assert store.versions() == {version}


def test_the_first_form_of_a_text_stays(tmp_path: Path) -> None:
    store = DocumentStore(tmp_path)
    version = store.put("a\nb", "application/pdf", [Place(0, 1, "page 1"), Place(2, 3, "page 2")])
    assert store.put("a\nb", "text/plain") == version
    assert store.place(version, 2) == "page 2"


@pytest.mark.parametrize(
    ("text", "media_type", "offset", "place"),
    [
        ("a\nb\r\nc\rd", "text/plain", 0, "line 1"),
        ("a\nb\r\nc\rd", "text/plain", 2, "line 2"),
        ("a\nb\r\nc\rd", "text/plain", 5, "line 3"),
        ("a\nb\r\nc\rd", "text/markdown", 7, "line 4"),
        ("One.\n\nTwo.", DOCX, 6, "paragraph 2"),
        ("One.\n\n## Part A\n\nTwo.", DOCX, 17, "section “Part A”"),
        ("## Part A\n\nTwo.", "text/html", 4, "section “Part A”"),
    ],
)
def test_places(tmp_path: Path, text: str, media_type: str, offset: int, place: str) -> None:
    store = DocumentStore(tmp_path)
    assert store.place(store.put(text, media_type), offset) == place


def test_what_is_not_there_is_not_found(tmp_path: Path) -> None:
    store = DocumentStore(tmp_path)
    version = store.put("abc", "text/plain")
    for call in (
        lambda: store.text("0" * 64),
        lambda: store.text("../../etc/passwd"),
        lambda: store.slice(version, 2, 9),
        lambda: store.slice(version, -1, 2),
    ):
        with pytest.raises(NotFound):
            call()


def test_a_sweep_leaves_what_is_kept(tmp_path: Path) -> None:
    store = DocumentStore(tmp_path)
    kept, gone = store.put("kept", "text/plain"), store.put("gone", "text/plain")
    store.text(gone)
    (tmp_path / gone[:2] / "half.txt.new").write_text("left by a writer that was killed")
    assert store.sweep({kept}) == 1
    assert store.versions() == {kept}
    assert sorted(path.name for path in tmp_path.glob("*/*")) == [f"{kept}.json", f"{kept}.txt"]
    with pytest.raises(NotFound):
        store.text(gone)


def test_the_memory_for_recent_texts_is_bounded(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(documents, "_KEPT_CHARACTERS", 25)
    store = DocumentStore(tmp_path)
    versions = [store.put(f"{number}" * 10, "text/plain") for number in range(5)]
    assert [store.text(version)[0] for version in versions * 2] == list("0123401234")
    assert len(store._recent) == 2
