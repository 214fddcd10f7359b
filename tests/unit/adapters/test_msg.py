"""Mails of Outlook: head, text and attachments as of any mail, mails in mails, and nothing that is dropped without a word."""

from __future__ import annotations

import random
import struct
from typing import TYPE_CHECKING

import pytest

from headrace.adapters.converters.containers import compound, msg
from headrace.adapters.converters.files import FileConverter
from headrace.core.errors import ConversionFailed
from tests.support.documents import packed, pdf
from tests.support.outlook import attachment, embedded, outlook, person, properties
from tests.support.outlook import compound as written

if TYPE_CHECKING:
    from collections.abc import Generator
    from pathlib import Path

    from headrace.adapters.converters.containers.compound import Storage

SENT = 133_544_000_000_000_000
"""2024-03-08 in ticks of 100 ns since 1601."""

HEAD = """# Hours

From: Ana <ana@example.org>
To: Ben <ben@example.org>
Cc: Cy <cy@example.org>
Date: Fri, 08 Mar 2024 19:33:20 +0000"""


@pytest.fixture(scope="module")
def converter() -> Generator[FileConverter]:
    files = FileConverter()
    yield files
    files.close()


def parts(converter: FileConverter, folder: Path, content: bytes) -> dict[str, str]:
    """What is attached: its text, or why there is none."""
    (folder / "a.msg").write_bytes(content)
    found: dict[str, str] = {}
    for part in converter.parts(folder / "a.msg"):
        try:
            found[part.path] = part.convert().text
        except ConversionFailed as error:
            found[part.path] = error.message
    return found


def letter(*attached: Storage, text: str = "We open at nine.\r\n\r\nAna\r\n", subject: str = "Hours", head: int = 32) -> Storage:
    people = [person("Ben", "ben@example.org", 1), person("Cy", "cy@example.org", 2), person("Dee", "dee@example.org", 3)]
    texts = {0x0037: subject, 0x1000: text, 0x0C1A: "Ana", 0x5D01: "ana@example.org"}
    return outlook(texts, numbers={0x0039: SENT}, parts=attached, people=people, head=head)


def test_head_text_and_attachments_are_those_of_any_mail(converter: FileConverter, tmp_path: Path) -> None:
    big = "A long note. " * 2000
    content = written(letter(attachment("lease.pdf", pdf([["Five years."]])), attachment("a/b\\c.txt", big.encode())))
    text = converter.text("a.msg", content)
    assert [(each.name, each.row, text.text[each.start : each.end]) for each in text.places] == [
        ("mail head", 0, f"{HEAD}\nAttached: lease.pdf, a_b_c.txt"),
        ("mail text", 1, "We open at nine.\n\nAna"),
    ]
    assert parts(converter, tmp_path, content) == {"lease.pdf": "Five years.", "a_b_c.txt": big}


def test_mails_in_mails_and_archives_in_them_are_opened_within_the_same_bounds(converter: FileConverter, tmp_path: Path) -> None:
    inner = letter(attachment("old.zip", packed({"notes/x.md": b"Very old."})), subject="Inner", text="Within.", head=24)
    found = parts(converter, tmp_path, written(letter(embedded(inner))))
    assert list(found) == ["Inner.eml", "Inner.eml/old.zip/notes/x.md"]
    assert found["Inner.eml"].startswith("# Inner\n\nFrom: Ana <ana@example.org>")
    assert found["Inner.eml"].endswith("Within.")
    assert found["Inner.eml/old.zip/notes/x.md"] == "Very old."
    for depth in range(12):
        inner = letter(embedded(inner), subject=f"Level {depth}", head=24)
    found = parts(converter, tmp_path, written(letter(embedded(inner))))
    assert list(found) == ["/".join(f"Level {n}.eml" for n in range(11, least, -1)) for least in (10, 9, 8, 7)]
    assert found["Level 11.eml/Level 10.eml/Level 9.eml"].endswith("Attached: Level 8.eml\n\nWe open at nine.\n\nAna")
    assert list(found.values())[-1] == "It is attached 3 mails and archives deep. Save it by itself."


def test_what_cannot_be_had_is_said(converter: FileConverter, tmp_path: Path) -> None:
    linked = outlook({0x3707: "plan.docx"}, head=8)
    foreign = embedded({"CONTENTS": b"an object"})
    content = written(letter(foreign, linked, attachment("", b"nameless"), attachment("e.txt", b"")))
    found = parts(converter, tmp_path, content)
    assert found == {
        "attachment": "It is an object of another program, and no file. Save it as a file of its own.",
        "plan.docx": "It is a link to a file, and not attached. Attach the file itself.",
        "attachment (2)": "nameless",
        "e.txt": "It is empty.",
    }


def test_html_stands_for_a_text_that_leaves_it_out(converter: FileConverter) -> None:
    html = b"<p>We open at <b>nine</b> from Monday on, and close at six.</p>"
    both = written(outlook({0x0037: "Hours", 0x1000: "No HTML?", 0x1013: html}))
    alone = written(outlook({0x0037: "Hours", 0x1013: html}))
    assert converter.text("a.msg", both).text == converter.text("a.msg", alone).text == (
        "# Hours\n\n\nWe open at nine from Monday on, and close at six."
    )  # fmt: skip


@pytest.mark.parametrize(
    ("tag", "page", "encoding", "words"),
    [
        (0x3FFD, 950, "big5", "格式測試"),
        (0x3FDE, 65001, "utf-8", "Zürich"),
        (0x3FDE, 28592, "iso8859-2", "Łódź"),
        (0x3FFD, 1251, "cp1251", "Привет"),
    ],
)
def test_old_texts_are_in_the_encoding_that_the_mail_names(
    converter: FileConverter, tag: int, page: int, encoding: str, words: str
) -> None:
    mail: Storage = {
        "__properties_version1.0": properties({tag: page}, 32),
        "__substg1.0_0037001E": words.encode(encoding),
        "__substg1.0_1000001E": f"{words}!\0".encode(encoding),
    }
    assert converter.text("a.msg", written(mail)).text.split() == ["#", words, f"{words}!"]


def test_an_encoding_that_nobody_knows_is_guessed(converter: FileConverter) -> None:
    for page in (0, 4711):
        mail: Storage = {
            "__properties_version1.0": properties({0x3FFD: page}, 32),
            "__substg1.0_1000001E": "Zürich".encode("cp1252"),
            "__substg1.0_0037001E": b"\x01\x02\x03\x04 x",
        }
        assert converter.text("a.msg", written(mail)).text.endswith("Zürich")


def test_odd_mails() -> None:
    assert b"Subject: (no subject)" not in msg.as_eml(written(outlook({0x1000: "x"})))
    far = outlook({0x1000: "x", 0x0C1A: "a@b.example", 0x0C1F: "a@b.example"}, numbers={0x0E06: (1 << 64) - 1})
    assert b"Date" not in msg.as_eml(written(far))
    assert b"From: a@b.example\n" in msg.as_eml(written(far))
    exchange = outlook({0x1000: "x", 0x0C1A: "Ana", 0x0C1F: "/O=ACME/CN=ANA"})
    assert b"From: Ana\n" in msg.as_eml(written(exchange))
    assert b"From: ana@x.example\n" in msg.as_eml(written(outlook({0x5D01: "ana@x.example"})))
    assert msg.only_rich_text(written(outlook({0x1009: b"rtf"})))
    binary = outlook({0x1013: b"\x00\x01\x02\x03\x04\x05 <p>x"})
    assert b"text/html" in msg.as_eml(written(binary))
    list(msg.attached(written(letter(embedded(outlook({0x0037: ""}, head=24))))))


def test_a_head_holds_no_second_line(converter: FileConverter) -> None:
    forged = converter.text("a.msg", written(letter(subject="Hours\r\nBcc: eve@example.org\r\n\r\nDear all")))
    assert forged.text.startswith("# Hours Bcc: eve@example.org Dear all\n\nFrom: Ana")


def test_broken_files_fail_with_a_reason_and_never_hang() -> None:
    whole = written(letter(attachment("x.txt", b"y" * 9000)))
    chance = random.Random(7)
    outcomes = set[str]()
    for _ in range(400):
        broken = bytearray(whole[: chance.randrange(520, len(whole))] if chance.random() < 0.4 else whole)
        for _ in range(chance.randrange(1, 6)):
            at = chance.randrange(0, len(broken) - 4)
            broken[at : at + 4] = struct.pack("<I", chance.choice([0, 1, 2, 3, 0xFFFFFFFE, 0xFFFFFFFF, chance.randrange(1 << 32)]))
        try:
            list(msg.attached(bytes(broken)))
            msg.as_eml(bytes(broken))
            outcomes.add("read")
        except ConversionFailed as error:
            outcomes.add(error.message)
    assert outcomes == {"read", compound.broken().message}


def test_entries_that_share_their_bytes_are_not_read_again_and_again() -> None:
    """A small file whose thousand streams are all the same megabyte."""
    content = bytearray(written({"first": b"z" * 1_000_000, **{f"s{n}": b"x" for n in range(1000)}}))
    at = content.index("first".encode("utf-16-le"))
    start = content[at + 116 : at + 128]
    for n in range(1000):
        name = f"s{n}".encode("utf-16-le")
        where = content.index(name + bytes(64 - len(name)))
        content[where + 116 : where + 128] = start
    with pytest.raises(ConversionFailed, match="broken"):
        compound.storage(bytes(content))


@pytest.mark.parametrize("change", [(0, b"\x00"), (30, b"\x0a"), (32, b"\x07"), (48, b"\xff\xff\xff\x00")])
def test_what_is_no_compound_file(change: tuple[int, bytes]) -> None:
    content = bytearray(written(letter()))
    content[change[0] : change[0] + len(change[1])] = change[1]
    with pytest.raises(ConversionFailed, match="broken"):
        compound.storage(bytes(content))
