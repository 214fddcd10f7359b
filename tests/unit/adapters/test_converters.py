"""What becomes of each format, and the words with which a file is refused."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from headrace.adapters.converters import clean
from headrace.adapters.converters.decode import decode, decode_html
from headrace.adapters.converters.files import FileConverter
from headrace.core.errors import ConversionFailed
from tests.support.documents import docx, pdf

if TYPE_CHECKING:
    from collections.abc import Generator
    from pathlib import Path


@pytest.fixture(scope="module")
def converter() -> Generator[FileConverter]:
    files = FileConverter()
    yield files
    files.close()


def write(folder: Path, name: str, content: bytes) -> Path:
    path = folder / name
    path.write_bytes(content)
    return path


@pytest.mark.parametrize(
    ("content", "text"),
    [
        ("Grüße\r\n".encode(), "Grüße\r\n"),
        (b"\xef\xbb\xbfa", "a"),
        ("für".encode("utf-16"), "für"),
        ("für".encode("utf-32"), "für"),
        (b"\xfe\xff\x00a", "a"),
        ("k\u00f6nnen \u201cja\u201d".encode("cp1252"), "k\u00f6nnen \u201cja\u201d"),
        (b"a\x81\xe4", "a\x81ä"),
        (b"page one\x0cpage two", "page one\x0cpage two"),
    ],
)
def test_text_is_decoded_as_it_stands(content: bytes, text: str) -> None:
    assert decode(content) == text


@pytest.mark.parametrize("content", [b"a\x00b", bytes(range(32)) * 3, b"\xff\xfea", b"\x89PNG\r\n\x1a\n\x00\x00"])
def test_binary_data_is_no_text(content: bytes) -> None:
    with pytest.raises(ConversionFailed):
        decode(content)


@pytest.mark.parametrize(
    ("content", "text"),
    [
        (b'<meta charset="iso-8859-7">\xe1', '<meta charset="iso-8859-7">\u03b1'),
        ('<meta charset="iso-8859-7">ü'.encode(), '<meta charset="iso-8859-7">ü'),
        (b'<meta charset="no-such">\xfc', '<meta charset="no-such">ü'),
        (b'<meta charset="ascii">\xfc', '<meta charset="ascii">ü'),
        (b"<p>\xfc", "<p>ü"),
        ("<p>ü".encode("utf-16"), "<p>ü"),
    ],
)
def test_html_is_decoded_by_what_it_is(content: bytes, text: str) -> None:
    assert decode_html(content) == text


def test_html_keeps_structure_and_loses_marks(converter: FileConverter, tmp_path: Path) -> None:
    page = (
        "<html><head><title>Fees</title><style>p{}</style><script>track()</script></head><body><h1>Our <em>fees</em></h1>"
        "<p>They are <b>low</b>: see <a href='https://example.org/x_y_z'>the list</a>.<!-- no --></p><ul><li>one<li>two</ul>"
        "<table><tr><th>a</th><th>b</th></tr><tr><td>1</td><td>2</td></tr></table><pre>x  *y*\n  z</pre>"
        "<img src=a.png alt='A chart'></body></html>"
    )
    text = converter.convert(write(tmp_path, "a.html", page.encode())).text
    assert text.startswith("# Our fees\n\nThey are low: see the list.")
    assert "- one\n- two" in text
    assert "| a" in text
    assert "x  *y*\n  z" in text
    assert not any(word in text for word in ("track", "example.org", "Fees", "no -"))


def test_a_title_stands_in_for_a_missing_heading(converter: FileConverter, tmp_path: Path) -> None:
    page = b"<html><head><title>Fees &amp; more</title></head><body><p>None.</p></body></html>"
    assert converter.convert(write(tmp_path, "a.htm", page)).text == "# Fees & more\n\nNone."


def test_docx_gives_headings_and_words(converter: FileConverter, tmp_path: Path) -> None:
    path = write(tmp_path, "a.docx", docx([("Heading1", "Leave"), ("", "25 days * 2 [sic] #1_a."), ("", "Ask <HR> & go.")]))
    assert converter.convert(path).text == "# Leave\n\n25 days * 2 [sic] #1_a.\n\nAsk <HR> & go."


def test_pdf_gives_the_range_of_each_page(converter: FileConverter, tmp_path: Path) -> None:
    converted = converter.convert(write(tmp_path, "a.pdf", pdf([["One."], ["Two (2)."], ["Three."]])))
    assert [(place.name, converted.text[place.start : place.end]) for place in converted.places] == [
        ("page 1", "One."),
        ("page 2", "Two (2)."),
        ("page 3", "Three."),
    ]


def test_lines_that_the_page_broke_are_joined() -> None:
    wide = "This line is as wide as the page lets it be, so it goes"
    text = f"A title\n{wide}\non and on until the sentence ends, which takes a well-\nknown time. "
    text += "Then it ends.\n• item\nNext:\nmore words\n\x00"
    page = clean.page(f"{wide}\n{text}")
    assert f"{wide} on and on" in page
    assert "wellknown" in page
    assert "\n• item\n" in page
    assert "\x00" not in page


@pytest.mark.parametrize(
    ("name", "content", "words"),
    [
        ("a.png", b"\x89PNG", "It is a picture"),
        ("a.md", b" \n ", "It is empty."),
        ("a.pdf", b"hello", "not a PDF"),
        ("a.pdf", b"%PDF-1.7\n" + b"\x93" * 500, "broken"),
        ("a.pdf", pdf([[""]]), "It holds no text"),
        ("a.docx", b"hello", "not a DOCX"),
        ("a.docx", b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + b"\x00" * 600, "encrypted"),
        ("a.docx", b"PK\x03\x04" + b"\x00" * 600, "broken"),
        ("a.docx", docx([("", "")]), "It holds no text."),
        ("a.txt", b"\x00\x01\x02", "binary"),
    ],
)
def test_what_cannot_be_read_is_said_in_words(converter: FileConverter, tmp_path: Path, name: str, content: bytes, words: str) -> None:
    with pytest.raises(ConversionFailed, match=words):
        converter.convert(write(tmp_path, name, content))


def test_links_folders_and_large_files_are_not_read(tmp_path: Path) -> None:
    small = FileConverter(largest=1 << 20)
    (tmp_path / "a.md").symlink_to(write(tmp_path, "b.txt", b"secret"))
    (tmp_path / "c.md").mkdir()
    write(tmp_path, "large.txt", b"x" * ((1 << 20) + 1))
    for name, words in (
        ("a.md", "cannot be opened"),
        ("c.md", "not a regular file"),
        ("large.txt", "larger than 1 MiB"),
        ("gone.txt", "cannot be opened"),
    ):
        with pytest.raises(ConversionFailed, match=words):
            small.convert(tmp_path / name)
