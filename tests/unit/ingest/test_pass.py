"""A pass: what is new, changed, gone, relabelled or unreadable, and that nothing is done twice."""

from __future__ import annotations

import os
import sqlite3
from typing import TYPE_CHECKING

import pytest

from headrace.core.conversion import TOO_SLOW
from headrace.core.errors import ConversionFailed, NotFound, OperationFailed
from headrace.knowledge.ingest import Configured, Parts, run_pass
from headrace.knowledge.ingest.manifest import Manifest
from headrace.knowledge.ingest.report import Counts, Stage
from tests.support.documents import pdf
from tests.support.ingestion import HashEmbedder, LaterClock, SystemClock, parts, source
from tests.support.sqlite_passages import SqlitePassages

if TYPE_CHECKING:
    from collections.abc import Callable, Generator
    from pathlib import Path

    from headrace.knowledge.ingest.report import Report


class House:
    """One tenant with a folder of documents."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.docs = root / "docs"
        self.docs.mkdir()
        self.store = SqlitePassages(root / "passages.db")
        self.embedder = HashEmbedder()
        self.parts: Parts = parts(root / "state", self.store, self.embedder)
        self.stages: list[Counts] = []

    def write(self, name: str, content: str | bytes) -> Path:
        path = self.docs / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content.encode() if isinstance(content, str) else content)
        return path

    def run(self, *sources: Configured, only: str | None = None, full: bool = False) -> Report:
        self.embedder.asked.clear()
        return run_pass(self.parts, sources or (source("docs", self.docs),), self.stages.append, only=only, full=full)

    def texts(self) -> list[str]:
        return [each.text for each in self.store.passages()]

    def close(self) -> None:
        self.parts.manifest.close()
        self.parts.converter.close()  # pyright: ignore[reportAttributeAccessIssue]
        self.store.close()


@pytest.fixture
def house(tmp_path: Path) -> Generator[House]:
    made = House(tmp_path)
    yield made
    made.close()


def changes(report: Report) -> tuple[int, int, int, int, int]:
    counts = report.counts
    return counts.new, counts.changed, counts.unchanged, counts.deleted, counts.failed


def test_a_first_pass_reads_all_and_a_second_nothing(house: House) -> None:
    house.write("a.md", "# A\n\nFirst words.\n\n## B\n\nSecond words.\n")
    house.write("b.pdf", pdf([["Page one."], ["Page two."]]))
    report = house.run()
    assert changes(report) == (2, 0, 0, 0, 0)
    assert report.counts.passages == report.counts.vectors == 4
    assert [(each.place, each.heading, each.acl) for each in house.store.passages()] == [
        ("line 1", "A", "docs"),
        ("line 5", "A > B", "docs"),
        ("page 1", "", "docs"),
        ("page 2", "", "docs"),
    ]
    for each in house.store.passages():
        assert house.parts.documents.slice(each.version, each.start, each.end) == each.text
    before = house.store.rows()
    again = house.run()
    assert changes(again) == (0, 0, 2, 0, 0)
    assert not house.embedder.asked
    assert house.store.rows() == before


def test_everything_is_searchable_before_the_first_vector(house: House) -> None:
    for number in range(5):
        house.write(f"{number}.md", f"Words of document {number}.")
    house.run()
    embedding = next(counts for counts in house.stages if counts.stage is Stage.EMBEDDING)
    assert (embedding.passages, embedding.vectors, embedding.done) == (5, 0, 5)
    assert house.store.optimized == 2


def test_an_edit_embeds_only_the_passage_that_changed(house: House) -> None:
    house.write("a.md", "# A\n\nFirst words.\n\n## B\n\nSecond words.\n")
    house.run()
    house.write("a.md", "# A\n\nFirst words.\n\n## B\n\nOther words.\n")
    assert changes(house.run()) == (0, 1, 0, 0, 0)
    assert house.embedder.asked == ["A\n\n## B\n\nOther words."]


def test_identical_passages_are_embedded_once(house: House) -> None:
    for number in range(4):
        house.write(f"{number}.md", "The same words everywhere.")
    assert house.run().counts.vectors == 4
    assert house.embedder.asked == ["The same words everywhere."]


def test_touching_a_file_changes_nothing(house: House) -> None:
    path = house.write("a.md", "Words.")
    house.run()
    os.utime(path, (1, 1))
    before = house.store.rows()
    assert changes(house.run()) == (0, 0, 1, 0, 0)
    assert house.store.rows() == before


def test_an_edit_that_keeps_size_and_time_is_seen(house: House) -> None:
    path = house.write("a.md", "One.")
    house.run()
    status = path.stat()
    path.write_text("Two.")
    os.utime(path, ns=(status.st_atime_ns, status.st_mtime_ns))
    assert changes(house.run()) == (0, 1, 0, 0, 0)
    assert house.texts() == ["Two."]


def test_a_file_that_changed_just_now_is_hashed_again_at_the_next_pass(house: House) -> None:
    house.write("a.md", "One.")
    house.parts = parts(
        house.root / "state",
        house.store,
        house.embedder,
        clock=SystemClock(),
        manifest=house.parts.manifest,
        converter=house.parts.converter,
    )
    assert house.run().fresh
    assert house.parts.manifest.rows()["docs/a.md"].stamp == ""


def test_what_is_gone_goes_with_its_text_and_vectors(house: House) -> None:
    path = house.write("a.md", "Secret words.")
    house.write("b.md", "Other words.")
    house.run()
    version = house.store.documents()["docs/a.md"]
    path.unlink()
    assert changes(house.run()) == (0, 0, 1, 1, 0)
    assert house.texts() == ["Other words."]
    with pytest.raises(NotFound):
        house.parts.documents.text(version)
    assert b"Secret" not in b"".join(path.read_bytes() for path in (house.root / "state").rglob("*") if path.is_file())
    house.write("c.md", "Secret words.")
    house.run()
    assert house.embedder.asked == ["Secret words."]


def test_a_superseded_version_resolves_for_thirty_days(house: House) -> None:
    house.write("a.md", "Old words.")
    house.run()
    version = house.store.documents()["docs/a.md"]
    house.write("a.md", "New words.")
    house.run()
    assert house.parts.documents.text(version) == "Old words."
    house.parts = parts(
        house.root / "state",
        house.store,
        house.embedder,
        clock=LaterClock(31),
        manifest=house.parts.manifest,
        converter=house.parts.converter,
    )
    house.run()
    with pytest.raises(NotFound):
        house.parts.documents.text(version)


def test_other_readers_keep_the_vectors(house: House) -> None:
    house.write("hr/pay.md", "Pay is on the 25th.")
    house.write("all.md", "Hello all.")
    house.run()
    report = house.run(source("docs", house.docs, rules=[("hr/**", "hr")]))
    assert report.counts.relabelled == 1
    assert not house.embedder.asked
    assert {each.document: each.acl for each in house.store.passages()} == {"docs/hr/pay.md": "docs:hr/**", "docs/all.md": "docs"}
    assert report.counts.vectors == 2


def test_every_unreadable_document_is_named_each_time(house: House) -> None:
    house.write("a.md", "Words.")
    house.write("broken.pdf", b"%PDF-1.7\n" + b"\x93" * 300)
    house.write("empty.txt", "")
    (house.docs / "link.md").symlink_to(house.docs / "a.md")
    first = house.run()
    assert changes(first) == (1, 0, 0, 0, 3)
    assert {failed.document: failed.reason.split(":")[0] for failed in first.failed} == {
        "docs/broken.pdf": "It is broken",
        "docs/empty.txt": "It is empty.",
        "docs/link.md": "It is a symbolic link, and links are not followed.",
    }
    assert house.run().failed == first.failed
    house.write("broken.pdf", pdf([["Mended."]]))
    assert changes(house.run()) == (0, 1, 1, 0, 2)
    assert house.texts() == ["Words.", "Mended."]


def test_a_document_that_can_no_longer_be_read_goes(house: House) -> None:
    house.write("a.txt", "Words.")
    house.run()
    house.write("a.txt", b"\x00\x01")
    assert changes(house.run()) == (0, 0, 0, 0, 1)
    assert house.texts() == []


def test_a_full_pass_tries_again_what_could_not_be_read(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    house.write("a.md", "Words.")
    house.write("b.md", "More words.")
    convert = house.parts.converter.convert

    def busy(path: Path, within: float | None) -> object:
        if path.name == "b.md":
            raise ConversionFailed("It took longer than 60 s.", code=TOO_SLOW)
        return convert(path, within)

    monkeypatch.setattr(house.parts.converter, "convert", busy)
    assert changes(house.run()) == (1, 0, 0, 0, 1)
    monkeypatch.undo()
    assert changes(house.run()) == (0, 0, 1, 0, 1)
    assert changes(house.run(full=True)) == (0, 1, 1, 0, 0)


def test_a_source_that_is_not_there_keeps_its_documents(house: House) -> None:
    house.write("a.md", "Words.")
    house.run()
    house.docs.rename(house.root / "unmounted")
    report = house.run()
    assert [failed.document for failed in report.failed] == ["docs/"]
    assert changes(report) == (0, 0, 0, 0, 0)
    assert house.texts() == ["Words."]


def test_a_source_that_the_revision_no_longer_has_goes(house: House) -> None:
    house.write("a.md", "Words.")
    other = house.root / "other"
    other.mkdir()
    (other / "b.md").write_text("Other words.")
    house.run(source("docs", house.docs), source("other", other))
    assert changes(house.run(source("docs", house.docs), only="docs")) == (0, 0, 1, 0, 0)
    assert len(house.texts()) == 2
    assert changes(house.run(source("docs", house.docs))) == (0, 0, 1, 1, 0)
    assert house.texts() == ["Words."]


def test_only_leaves_the_other_sources(house: House) -> None:
    house.write("a.md", "Words.")
    other = house.root / "other"
    other.mkdir()
    (other / "b.md").write_text("Other words.")
    both = (source("docs", house.docs), source("other", other))
    assert changes(house.run(*both, only="other")) == (1, 0, 0, 0, 0)
    assert house.texts() == ["Other words."]


@pytest.mark.parametrize("lost", ["manifest", "store", "some passages"])
def test_what_was_lost_is_made_again(house: House, lost: str) -> None:
    house.write("a.md", "# A\n\nFirst words.\n\n## B\n\nSecond words.\n")
    house.write("b.md", "More words.")
    house.run()
    before = house.store.rows()
    if lost == "manifest":
        house.parts.manifest.close()
        house.parts = parts(
            house.root / "state2", house.store, house.embedder, converter=house.parts.converter, documents=house.parts.documents
        )
    elif lost == "store":
        house.store.replace(["docs/a.md", "docs/b.md"], ())
    else:
        house.store.replace(["docs/a.md"], ())
    report = house.run()
    assert house.store.rows() == before
    assert report.counts.vectors == 3


def test_other_weights_make_every_vector_anew(house: House) -> None:
    house.write("a.md", "Words.")
    house.run()
    other = HashEmbedder("words:2")
    house.parts = parts(house.root / "state", house.store, other, manifest=house.parts.manifest, converter=house.parts.converter)
    assert changes(house.run()) == (0, 1, 0, 0, 0)
    assert other.asked == ["Words."]
    assert changes(house.run()) == (0, 0, 1, 0, 0)


def test_without_an_embedder_everything_is_searchable_by_words(house: House) -> None:
    house.write("a.md", "Words.")

    def missing() -> HashEmbedder:
        raise OperationFailed("Model weights are missing.", code="models.missing")

    good = house.parts
    house.parts = parts(house.root / "state", house.store, embedder=None, manifest=good.manifest, converter=good.converter, weights="")
    house.parts = Parts(**{name: getattr(house.parts, name) for name in Parts.__slots__} | {"embedder": missing})
    with pytest.raises(OperationFailed):
        house.run()
    assert house.texts() == ["Words."]
    house.parts = good
    assert house.run().counts.vectors == 1


def test_a_store_that_keeps_no_vectors_is_no_endless_loop(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    house.write("a.md", "Words.")
    monkeypatch.setattr(house.store, "add_vectors", lambda *_: None)
    with pytest.raises(OperationFailed, match="does not keep"):
        house.run()


def test_a_file_that_goes_while_it_is_read_is_named(house: House) -> None:
    house.write("a.md", "Words.")
    house.write("b.md", "Words.")

    class Vanishing:
        def __init__(self, within: Configured, act: Callable[[], object]) -> None:
            self.files = lambda: (list(within.files.files()), act())[0]
            self.digest = within.files.digest

    configured = source("docs", house.docs)
    vanishing = Vanishing(configured, (house.docs / "b.md").unlink)
    report = house.run(Configured(configured.source, vanishing))  # pyright: ignore[reportArgumentType]
    assert [failed.document for failed in report.failed] == ["docs/b.md"]
    assert changes(house.run()) == (0, 0, 1, 1, 0)


def test_front_matter_alone_is_a_document_without_passages(house: House) -> None:
    house.write("a.md", "---\ntitle: Only\n---\n")
    assert changes(house.run()) == (1, 0, 0, 0, 0)
    assert changes(house.run()) == (0, 0, 1, 0, 0)
    assert house.texts() == []


def test_a_manifest_transaction_is_all_or_nothing(tmp_path: Path) -> None:
    manifest = Manifest(tmp_path / "m.db")
    manifest.keep_vectors({b"a": b"1"})
    with pytest.raises(sqlite3.Error):
        manifest.keep_vectors({b"b": b"2", b"c": object()})  # pyright: ignore[reportArgumentType]
    assert manifest.vectors([b"a", b"b", b"c"]) == {b"a": b"1"}
    manifest.close()
