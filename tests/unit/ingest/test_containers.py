"""Archives and mails in a pass: what they hold is followed like files, has their readers, and slow files delay nobody."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from headrace.adapters.converters.child import Limits
from headrace.adapters.converters.files import FileConverter
from headrace.config.readers import acl_of, may_read
from headrace.core.values import Principal
from headrace.knowledge.ingest import Pass, run_all
from headrace.knowledge.ingest import run as passes
from headrace.knowledge.ingest.report import Stage
from tests.support.documents import mail, packed, pdf
from tests.support.ingestion import HashEmbedder, parts, source
from tests.support.sqlite_passages import SqlitePassages
from tests.unit.ingest.test_pass import House, changes

if TYPE_CHECKING:
    from collections.abc import Generator, Sequence
    from pathlib import Path

    import numpy as np
    from numpy.typing import NDArray

    from headrace.core.values import StoredPassage

SLOW = pdf([[f"line {line} of page {page}" for line in range(60)] for page in range(9000)])
"""Takes seconds to convert."""


@pytest.fixture
def house(tmp_path: Path) -> Generator[House]:
    made = House(tmp_path)
    yield made
    made.close()


def held(house: House) -> dict[str, str]:
    return {each.document: each.text for each in house.store.passages()}


def failed(house: House, **how: bool) -> dict[str, str]:
    return {each.document: each.reason for each in house.run(**how).failed}


def test_what_an_archive_holds_follows_its_changes(house: House) -> None:
    house.write("a.zip", packed({"one.md": "One.", "two.md": "Two.", "x.png": "?"}))
    house.write("b.md", "Alone.")
    report = house.run()
    assert changes(report) == (3, 0, 0, 0, 1)
    assert report.counts.found == report.counts.done == 4
    assert held(house) == {"docs/a.zip/one.md": "One.", "docs/a.zip/two.md": "Two.", "docs/b.md": "Alone."}
    report = house.run()
    assert changes(report) == (0, 0, 3, 0, 1)
    assert report.counts.found == report.counts.done == 4
    house.write("a.zip", packed({"one.md": "One.", "three.md": "Three."}))
    assert changes(house.run()) == (1, 0, 2, 2, 0)
    assert held(house).keys() == {"docs/a.zip/one.md", "docs/a.zip/three.md", "docs/b.md"}
    house.write("a.zip", packed({"one.md": "Another."}))
    assert changes(house.run()) == (0, 1, 1, 1, 0)
    (house.docs / "a.zip").unlink()
    assert changes(house.run()) == (0, 0, 1, 1, 0)
    assert held(house).keys() == {"docs/b.md"}
    assert house.parts.documents.versions() >= {each.version for each in house.store.passages()}


def test_a_mail_is_read_beside_what_is_attached(house: House) -> None:
    house.write("m.eml", mail("Lease", "See it.", {"lease.pdf": pdf([["Five years."]])}))
    assert changes(house.run()) == (2, 0, 0, 0, 0)
    assert [(each.document, each.place) for each in house.store.passages()] == [
        ("docs/m.eml", "mail head"),
        ("docs/m.eml", "mail text, line 1"),
        ("docs/m.eml/lease.pdf", "page 1"),
    ]
    house.write("m.eml", b"hello")
    assert failed(house) == {"docs/m.eml": "It is not a mail, whatever its name says."}
    assert held(house) == {}


def test_an_archive_that_breaks_loses_what_it_held(house: House) -> None:
    house.write("a.zip", packed({"one.md": "One."}))
    house.run()
    house.write("a.zip", b"PK no longer")
    assert failed(house) == {"docs/a.zip": "It is broken: its parts cannot be unpacked. Save or pack it anew."}
    assert held(house) == {}
    assert failed(house) == failed(house, full=True)
    house.write("a.zip", packed({}))
    assert failed(house) == {"docs/a.zip": "It holds no files."}
    house.write("a.zip", packed({"one.md": "One."}))
    assert changes(house.run()) == (1, 0, 0, 0, 0)


def test_lost_passages_of_a_part_are_read_again(house: House) -> None:
    house.write("a.zip", packed({"one.md": "One.", "two.md": "Two."}))
    house.run()
    house.store.replace(["docs/a.zip/two.md"], ())
    assert changes(house.run()) == (0, 1, 1, 0, 0)
    assert held(house) == {"docs/a.zip/one.md": "One.", "docs/a.zip/two.md": "Two."}


RULES = [("secret.zip", "hr"), ("**/public.md", "everyone"), ("secret.zip/**", "everyone"), ("*", "staff")]


def test_what_is_held_has_the_readers_of_the_file_that_holds_it(house: House) -> None:
    form = source("docs", house.docs, RULES)
    house.write("secret.zip", packed({"public.md": "A salary.", "in.zip": packed({"public.md": "Another."})}))
    house.write("open.eml", mail("Open", "Words."))
    house.run(form)
    acls = {each.document: each.acl for each in house.store.passages()}
    assert acls == {"docs/open.eml": "docs:*"} | dict.fromkeys(
        ("docs/secret.zip/public.md", "docs/secret.zip/in.zip/public.md"), "docs:secret.zip"
    )
    staff = Principal("ann", "person", "default", frozenset({"staff", "everyone"}), "k")
    for path in ("secret.zip", "secret.zip/public.md", "secret.zip/in.zip/public.md", "secret.zip/no/such"):
        assert acl_of(form.source, path) == "docs:secret.zip"
        assert not may_read(form.source, path, staff)
    moved = source("docs", house.docs, [("*.zip", "board"), *RULES[1:]])
    report = house.run(moved)
    assert report.counts.relabelled == 2
    assert report.counts.vectors == report.counts.passages


def test_a_folder_named_like_an_archive_is_not_taken_for_one(house: House) -> None:
    house.write("secret.zip/public.md", "A folder.")
    reason = "It is a folder with the name of an archive or a mail, and is not read. Rename it."
    assert failed(house) == {"docs/secret.zip": reason}
    assert held(house) == {}


def test_a_file_that_takes_all_its_time_delays_nobody(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(passes, "PATIENCE", 0.3)
    house.parts.converter.close()  # pyright: ignore[reportAttributeAccessIssue]
    object.__setattr__(house.parts, "converter", FileConverter(Limits(seconds=2.0)))
    house.write("a slow.pdf", SLOW)
    house.write("b.zip", packed({"1.md": "First.", "2 slow.pdf": SLOW, "3.md": "Third."}))
    house.write("c.md", "Quick.")
    seen: dict[Stage, dict[str, str]] = {}
    told: list[tuple[Stage, int, int]] = []
    form = Pass(house.parts, (source("docs", house.docs),), lambda counts: told.append((counts.stage, counts.passages, counts.vectors)))
    form.read()
    seen[Stage.READING] = held(house)
    form.embed()
    assert told[-1][1] == told[-1][2] == len(seen[Stage.READING])
    form.read_slow()
    form.embed()
    report = form.report()
    assert seen[Stage.READING]["docs/c.md"] == "Quick."
    assert "docs/b.zip/3.md" not in seen[Stage.READING]
    assert held(house) == {"docs/b.zip/1.md": "First.", "docs/b.zip/3.md": "Third.", "docs/c.md": "Quick."}
    assert {each.document for each in report.failed} == {"docs/a slow.pdf", "docs/b.zip/2 slow.pdf"}
    assert all(each.reason.startswith("It took longer than 2 s.") for each in report.failed)
    assert changes(report) == (3, 0, 0, 0, 2)
    assert report.counts.found == report.counts.done == 5
    again = house.run()
    assert changes(again) == (0, 0, 3, 0, 2)


def test_a_slow_file_gets_all_the_time_that_a_file_may_take(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(passes, "PATIENCE", 0.01)
    house.write("long.pdf", pdf([[f"line {line} of page {page}" for line in range(40)] for page in range(200)]))
    house.write("b.md", "Quick.")
    report = house.run()
    assert changes(report) == (2, 0, 0, 0, 0)
    assert [each.stage for each in house.stages if each.stage in {Stage.EMBEDDING, Stage.SLOW}][-1] is Stage.EMBEDDING
    assert Stage.SLOW in {each.stage for each in house.stages}


def test_every_tenant_can_be_searched_before_any_has_vectors(tmp_path: Path) -> None:
    class Watching(HashEmbedder):
        found: list[list[StoredPassage]]

        def embed(self, texts: Sequence[str]) -> NDArray[np.float32]:
            self.found.append([each for store in stores for each in store.passages()])
            return super().embed(texts)

    embedder = Watching()
    embedder.found = []
    stores = [SqlitePassages(tmp_path / f"{name}.db") for name in ("a", "b")]
    runs: list[Pass] = []
    for name, store in zip(("a", "b"), stores, strict=True):
        (tmp_path / name).mkdir()
        (tmp_path / name / "x.md").write_text(f"Words of {name}.")
        runs.append(Pass(parts(tmp_path / f"state-{name}", store, embedder), (source(name, tmp_path / name),), lambda _: None))
    reports = run_all(runs)
    assert [report.counts.vectors for report in reports] == [1, 1]
    assert [[each.document for each in seen] for seen in embedder.found] == [["a/x.md", "b/x.md"]] * 2
