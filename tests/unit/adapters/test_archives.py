"""Archives: what they hold is read as files are, names lead nowhere, and bombs end early."""

from __future__ import annotations

import io
import random
import tarfile
import zipfile
from typing import TYPE_CHECKING

import pytest

from headrace.adapters.converters import formats, worker
from headrace.adapters.converters.child import Limits
from headrace.adapters.converters.containers import archives, unpacking
from headrace.adapters.converters.files import FileConverter
from headrace.core.errors import ConversionFailed
from tests.support.documents import mail, packed, pdf, tar
from tests.support.growth import PROPORTIONAL, TIMES, growth

if TYPE_CHECKING:
    from collections.abc import Generator
    from pathlib import Path

MANY = 128
"""Batches of the longer archive."""


@pytest.fixture(scope="module")
def converter() -> Generator[FileConverter]:
    files = FileConverter(Limits(memory=512 << 20))
    yield files
    files.close()


def parts(converter: FileConverter, folder: Path, content: bytes, name: str = "a.zip") -> dict[str, str]:
    """What is in an archive: its text, or why there is none; of the archive itself under its name."""
    (folder / name).write_bytes(content)
    found: dict[str, str] = {}
    try:
        for part in converter.parts(folder / name):
            assert part.path not in found
            try:
                found[part.path] = part.convert().text
            except ConversionFailed as error:
                found[part.path] = error.reason
    except ConversionFailed as error:
        found[name] = error.reason
    return found


FILES = {"a/notes.md": b"# Notes\n", "lease.pdf": pdf([["Five years."]]), ".hidden": b"x", "__MACOSX/._a.md": b"x", "a/": b""}
READ = {"a/notes.md": "# Notes\n", "lease.pdf": "Five years."}


def test_zip_holds_files(converter: FileConverter, tmp_path: Path) -> None:
    assert parts(converter, tmp_path, packed(FILES)) == READ


@pytest.mark.parametrize(
    ("name", "mode"), [("a.tar", "w"), ("a.tar.gz", "w:gz"), ("a.TGZ", "w:gz"), ("a.tar.bz2", "w:bz2"), ("a.tar.xz", "w:xz")]
)
def test_tar_holds_files(converter: FileConverter, tmp_path: Path, name: str, mode: str) -> None:
    assert parts(converter, tmp_path, tar({key: value for key, value in FILES.items() if not key.endswith("/")}, mode), name) == READ


def test_mbox_holds_mails(converter: FileConverter, tmp_path: Path) -> None:
    box = b"".join(b"From ana@example.org Thu Jan  1 00:00:00 2026\n" + mail(f"Mail {n}", "Words.\n") + b"\n" for n in (1, 2))
    assert [text.split("\n")[0] for text in parts(converter, tmp_path, box, "a.mbox").values()] == ["# Mail 1", "# Mail 2"]


def test_archives_within_archives_are_read_to_a_depth(converter: FileConverter, tmp_path: Path) -> None:
    inner = packed({"deep.md": "Deep."})
    for _ in range(3):
        inner = packed({"in.zip": inner, "here.md": "Here."})
    assert parts(converter, tmp_path, inner) == {
        "here.md": "Here.",
        "in.zip/here.md": "Here.",
        "in.zip/in.zip/here.md": "Here.",
        "in.zip/in.zip/in.zip": "It lies 3 archives deep. Unpack it.",
    }
    found = parts(
        converter, tmp_path, packed({"m.eml": mail("In a zip", "Text.", {"x.zip": packed({"y.md": "Why."})}), "broken.zip": b"PK no"})
    )
    assert {key: text.split("\n")[0] for key, text in found.items()} == {
        "m.eml": "# In a zip",
        "m.eml/x.zip/y.md": "Why.",
        "broken.zip": "It is broken: its parts cannot be unpacked. Save or pack it anew.",
    }


@pytest.mark.parametrize("pack", [packed, tar])
def test_names_lead_nowhere(converter: FileConverter, tmp_path: Path, pack: object) -> None:
    assert callable(pack)
    names = ["../out.md", "a/../../out.md", "/etc/passwd", "..\\out.md", "C:\\x.md", "same.md", "./same.md", "x" * 600 + ".md"]
    found = parts(converter, tmp_path, pack(dict.fromkeys(names, b"Words.")), "a.zip" if pack is packed else "a.tgz")
    refused = "Its name leads out of the archive. Pack it anew."
    assert found == {
        "__/out.md": refused,
        "a/__/__/out.md": refused,
        "etc/passwd": "Words.",
        "__/out (2).md": refused,
        "C:/x.md": "Words.",
        "same.md": "Words.",
        "same (2).md": "Words.",
        "x" * 500: "Its name is too long. Pack it under a shorter one.",
    }


def test_links_and_devices_are_not_read(converter: FileConverter, tmp_path: Path) -> None:
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w") as archive:
        for name, kind in (("link.md", tarfile.SYMTYPE), ("hard.md", tarfile.LNKTYPE), ("pipe.md", tarfile.FIFOTYPE)):
            entry = tarfile.TarInfo(name)
            entry.type, entry.linkname = kind, "/etc/passwd"
            archive.addfile(entry)
    assert set(parts(converter, tmp_path, out.getvalue(), "a.tar").values()) == {"It is a link or a device, and neither is read."}
    link = zipfile.ZipInfo("link.md")
    link.external_attr = 0o120777 << 16
    zipped = io.BytesIO()
    with zipfile.ZipFile(zipped, "w") as archive:
        archive.writestr(link, "/etc/passwd")
    assert parts(converter, tmp_path, zipped.getvalue()) == {"link.md": "It is a link, and links are not followed."}


def test_bombs_end_early(converter: FileConverter, tmp_path: Path) -> None:
    big = bytes(archives.LARGEST_FILE + 1)
    found = parts(converter, tmp_path, packed({"big.txt": big, "small.md": "Words."}))
    assert found == {"big.txt": "It is larger than 64 MiB. Divide it.", "small.md": "Words."}
    many = packed({f"{n}.txt": bytes(8 << 20) for n in range(8)})
    assert parts(converter, tmp_path, many)["a.zip"] == "It unpacks to more than 32 MiB. Unpack it, or divide it into smaller archives."
    files = packed({f"{n}.md": "" for n in range(archives.MOST_FILES + 1)})
    assert parts(converter, tmp_path, files)["a.zip"].startswith("It holds more than 10,000 files.")
    assert parts(converter, tmp_path, tar({"big.txt": big}, "w:xz"), "a.tar.xz") == {"big.txt": "It is larger than 64 MiB. Divide it."}


def test_what_honestly_holds_much_is_read_in_batches(converter: FileConverter, tmp_path: Path) -> None:
    noise = random.Random(1)
    files = {f"{n}.txt": noise.randbytes(3 << 19).hex().encode() for n in range(4)}
    assert {name: len(text) for name, text in parts(converter, tmp_path, packed(files)).items()} == dict.fromkeys(files, 3 << 20)


def test_encrypted_and_broken_members_do_not_hide_the_others(converter: FileConverter, tmp_path: Path) -> None:
    content = bytearray(packed({"a.md": "First words that are long enough.", "b.md": "Second."}))
    place = content.index(b"a.md") + 6
    content[place : place + 4] = b"\xff\xff\xff\xff"
    found = parts(converter, tmp_path, bytes(content))
    assert found == {"a.md": "It is broken: it cannot be unpacked. Pack it anew.", "b.md": "Second."}
    content = bytearray(packed({"a.md": "Words."}))
    content[content.index(b"PK\x01\x02") + 8] |= 1
    assert parts(converter, tmp_path, bytes(content)) == {"a.md": "It is encrypted: a password is needed. Pack it without one."}


@pytest.mark.parametrize(
    ("name", "content"),
    [("a.zip", b"no"), ("a.zip", packed(FILES)[:200]), ("a.tar", b"no" * 999), ("a.tgz", b"\x1f\x8b no"), ("a.tgz", tar(FILES)[:60])],
)
def test_a_broken_archive_says_so(converter: FileConverter, tmp_path: Path, name: str, content: bytes) -> None:
    assert "It is broken" in parts(converter, tmp_path, content, name)[name]


def sized(files: int, size: int) -> bytes:
    """An archive of so many files of so many bytes."""
    return tar({f"{number:05}.md": (b"%d\n" % number).rjust(size, b".") for number in range(files)}, "w:gz")


def batches(content: bytes) -> int:
    """How many batches an archive is asked for in, as the parent asks."""
    first = count = 0
    sent = content
    while True:
        reply = worker._convert(worker.Request(formats.TAR, sent, first, container=-1))
        assert not reply.reason
        first, count, sent = first + len(reply.held), count + 1, b""
        if not reply.more:
            return count


def test_the_work_on_an_archive_grows_with_it(monkeypatch: pytest.MonkeyPatch) -> None:
    """It was unpacked from its start for every batch: 64 batches, 64 times."""
    monkeypatch.setattr(unpacking, "BATCH", 64 << 10)
    made = {many: sized(many, 64 << 10) for many in (MANY, MANY // TIMES)}
    assert [batches(content) for content in made.values()] == [MANY, MANY // TIMES]
    assert growth(lambda many: batches(made[int(many)]), str, MANY) < PROPORTIONAL


def test_an_archive_in_batches_is_whole_whatever_is_read_between_them(tmp_path: Path) -> None:
    """In another archive, mails among it, and over children that are replaced after a few files."""
    inner = sized(40, 500 << 10)
    outer = tar({"in.tar.gz": inner, "m.eml": mail("A mail", "Text.", {"x.tar.gz": inner}), "z.pdf": pdf([["Five years."]])}, "w:gz")
    converter = FileConverter(Limits(memory=512 << 20, files=2))
    try:
        found = parts(converter, tmp_path, outer, "a.tar.gz")
    finally:
        converter.close()
    names = [f"{number:05}.md" for number in range(40)]
    assert list(found) == [*(f"in.tar.gz/{name}" for name in names), "m.eml", *(f"m.eml/x.tar.gz/{name}" for name in names), "z.pdf"]
    assert all(found[f"in.tar.gz/{name}"].endswith(f".{int(name[:5])}\n") for name in names)
    assert found["z.pdf"].strip() == "Five years."


def test_containers_that_nobody_asks_for_any_more_are_let_go(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(unpacking, "BATCH", 1)
    opened = unpacking.Opened()
    for number in range(unpacking.MOST_OPEN + 1):
        opened.keep(number, unpacking.Unpacking(archives.held(sized(2, 1), formats.TAR)))
    assert [number for number in range(unpacking.MOST_OPEN + 1) if opened.take(number, 0) is not None] == [1, 2, 3, 4]
