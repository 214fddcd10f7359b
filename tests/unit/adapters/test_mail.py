"""Mails: head and text with their places, attachments as files of their own, and whatever real mail programs write."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from headrace.adapters.converters.containers.parts import Parts
from headrace.adapters.converters.files import FileConverter
from headrace.core.errors import ConversionFailed
from tests.support.documents import mail, pdf
from tests.support.growth import PROPORTIONAL, growth

if TYPE_CHECKING:
    from collections.abc import Generator
    from pathlib import Path

    from headrace.core.conversion import Converted

MORE = 4_000
"""Attachments of one name."""


@pytest.fixture(scope="module")
def converter() -> Generator[FileConverter]:
    files = FileConverter()
    yield files
    files.close()


def places(converted: Converted) -> list[tuple[str, int, str]]:
    return [(each.name, each.row, converted.text[each.start : each.end]) for each in converted.places]


def parts(converter: FileConverter, folder: Path, content: bytes, name: str = "a.eml") -> dict[str, str]:
    """What is attached: its text, or why there is none."""
    (folder / name).write_bytes(content)
    found: dict[str, str] = {}
    for part in converter.parts(folder / name):
        try:
            found[part.path] = part.convert().text
        except ConversionFailed as error:
            found[part.path] = error.message
    return found


ALTERNATIVES = """Subject: Hours
MIME-Version: 1.0
Content-Type: multipart/alternative; boundary=b

--b
Content-Type: text/plain

{plain}
--b
Content-Type: text/html; charset=utf-8

<p>We open at <b>nine</b> from Monday on, and close at six.</p>
--b--
"""


def test_head_and_text_are_places(converter: FileConverter, tmp_path: Path) -> None:
    content = mail("Opening hours", "\nWe open at nine.\n\nAna\n", {"lease.pdf": pdf([["Five years."]]), "a/b\\c.txt": b"Notes."})
    head = "# Opening hours\n\nFrom: Ana <ana@example.org>\nTo: Ben <ben@example.org>\nAttached: lease.pdf, a_b_c.txt"
    assert places(converter.text("a.eml", content)) == [("mail head", 0, head), ("mail text", 2, "We open at nine.\n\nAna")]
    assert parts(converter, tmp_path, content) == {"lease.pdf": "Five years.", "a_b_c.txt": "Notes."}


@pytest.mark.parametrize(
    ("plain", "text"),
    [
        ("We open at nine, and close at six.", "We open at nine, and close at six."),
        ("No HTML?", "We open at nine from Monday on, and close at six."),
    ],
)  # fmt: skip
def test_of_alternatives_one_is_read(converter: FileConverter, plain: str, text: str) -> None:
    converted = converter.text("a.eml", ALTERNATIVES.format(plain=plain).encode())
    assert [said for name, _, said in places(converted) if name == "mail text"] == [text]


@pytest.mark.parametrize(
    ("head", "subject"),
    [
        (b"Subject: =?utf-8?q?Gr=C3=BC=C3=9Fe?= =?iso-8859-1?q?_=E4?=", "Grüße ä"),
        ("Subject: Grüße".encode(), "Grüße"),
        ("Subject: Grüße".encode("cp1252"), "Grüße"),
        (b"Subject: =?iso-2022-jp?B?GyRCJUYlOSVIGyhC?=", "テスト"),
        (b"Subject: =?no-such-charset?q?abc?=", "=?no-such-charset?q?abc?="),
        (b"Subject : Old\r\nX: y", "Old"),
        (b"Subject: one\r\n two", "one two"),
    ],
)
def test_subjects_are_read_as_written(converter: FileConverter, head: bytes, subject: str) -> None:
    converted = converter.text("a.eml", head + b"\r\n\r\nText.\r\n")
    assert converted.text.startswith(f"# {subject}\n")
    assert {each.heading for each in converted.places} == {subject}


def test_texts_are_decoded_as_declared_or_as_they_look(converter: FileConverter) -> None:
    for charset, words in (("iso-8859-1", "Grüße"), ("no-such", "Grüße"), ("iso-2022-jp", "テスト")):
        sent = words.encode("utf-8" if charset == "no-such" else charset)
        converted = converter.text("a.eml", b"Subject: a\nContent-Type: text/plain; charset=" + charset.encode() + b"\n\n" + sent)
        assert converted.text.endswith(words)
    assert converter.text("a.eml", "Subject: a\n\nGrüße".encode("utf-16")).text.endswith("Grüße")


def test_a_mail_within_a_mail_is_a_file_of_its_own(converter: FileConverter, tmp_path: Path) -> None:
    inner = mail("The lease", "See below.", {"lease.pdf": pdf([["Five years."]])})
    head = b"Subject: Fwd\nMIME-Version: 1.0\nContent-Type: multipart/mixed; boundary=b\n\n--b\nContent-Type: message/rfc822\n\n"
    found = parts(converter, tmp_path, head + inner + b"\n--b--\n")
    assert list(found) == ["The lease.eml", "The lease.eml/lease.pdf"]
    assert found["The lease.eml"].endswith("See below.")
    assert found["The lease.eml/lease.pdf"] == "Five years."


def test_signatures_and_decoration_are_no_files(converter: FileConverter, tmp_path: Path) -> None:
    kinds = (
        "Content-Type: application/pgp-signature; name=s.asc",
        "Content-Type: image/png; name=logo.png\nContent-ID: <a>",
        "Content-Type: image/png\nContent-Disposition: inline",
    )
    body = "".join(f"--b\n{kind}\n\nx\n" for kind in kinds) + "--b\nContent-Type: image/png; name=plan.png\n\nx\n--b--\n"
    found = parts(converter, tmp_path, f"Subject: a\nContent-Type: multipart/mixed; boundary=b\n\n{body}".encode())
    assert found == {"plan.png": "It is a picture, and pictures are not read."}


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (b"hello", "not a mail"),
        (b"Subject: a\nContent-Type: application/pkcs7-mime; name=smime.p7m\n\nMIIB\n", "encrypted"),
        (b"Content-Type: text/plain\n\n", "no text"),
    ],
)  # fmt: skip
def test_what_cannot_be_read_is_said_in_words(converter: FileConverter, content: bytes, reason: str) -> None:
    with pytest.raises(ConversionFailed) as refused:
        converter.text("a.eml", content)
    assert reason in refused.value.reason


def test_deep_and_many_parts_end(converter: FileConverter) -> None:
    deep = b"Subject: a\n" + b"".join(b"Content-Type: multipart/mixed; boundary=b%d\n\n--b%d\n" % (n, n) for n in range(3000))
    with pytest.raises(ConversionFailed, match="broken"):
        converter.text("a.eml", deep)
    many = b"Subject: a\nContent-Type: multipart/mixed; boundary=b\n\n" + b"--b\nContent-Type: text/plain\n\nx\n" * 5000
    assert converter.text("a.eml", many).text.count("x") == 5000


def test_very_many_attachments_of_one_name_are_numbered_in_proportion(converter: FileConverter) -> None:
    def numbered(count: str) -> list[str]:
        parts = Parts(converter.child, converter.text, None)
        return [parts._free("a.txt") for _ in count]  # pyright: ignore[reportPrivateUsage]

    assert numbered("xxx") == ["a.txt", "a (2).txt", "a (3).txt"]
    assert growth(numbered, lambda many: "x" * many, MORE) < PROPORTIONAL


def test_what_lies_too_deep_is_named_and_not_dropped(converter: FileConverter, tmp_path: Path) -> None:
    inner = mail("In 0", "Text 0", {"a.txt": b"Notes."})
    for depth in range(1, 4):
        inner = mail(f"In {depth}", f"Text {depth}", {f"{depth}.eml": inner})
    found = parts(converter, tmp_path, inner)
    assert list(found) == ["3.eml", "3.eml/2.eml", "3.eml/2.eml/1.eml", "3.eml/2.eml/1.eml/a.txt"]
    assert found["3.eml/2.eml/1.eml/a.txt"] == "It is attached 3 mails and archives deep. Save it by itself."
