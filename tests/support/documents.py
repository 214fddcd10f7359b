"""Documents made on the spot: PDF, DOCX and PPTX without a library, so that every byte is known; workbooks and mails with one."""

from __future__ import annotations

import io
import tarfile
import zipfile
from email.message import EmailMessage
from typing import TYPE_CHECKING
from xml.sax.saxutils import escape

import openpyxl

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

_FORMAT = "application/vnd.openxmlformats-officedocument.wordprocessingml"
_TYPES = (
    '<?xml version="1.0"?><Types xmlns="http://schemas.openxmlformats.org/package/2006/content-types">'
    '<Default Extension="rels" ContentType="application/vnd.openxmlformats-package.relationships+xml"/>'
    f'<Override PartName="/word/document.xml" ContentType="{_FORMAT}.document.main+xml"/>'
    f'<Override PartName="/word/styles.xml" ContentType="{_FORMAT}.styles+xml"/></Types>'
)
_RELATIONS = (
    '<?xml version="1.0"?><Relationships xmlns="http://schemas.openxmlformats.org/package/2006/relationships"><Relationship Id="r1" '
    'Type="http://schemas.openxmlformats.org/officeDocument/2006/relationships/officeDocument" Target="word/document.xml"/></Relationships>'
)
_STYLE_RELATIONS = (
    '<?xml version="1.0"?><Relationships xmlns="http://schemas.openxmlformats.org/package/2006/relationships"><Relationship Id="r1" '
    'Type="http://schemas.openxmlformats.org/officeDocument/2006/relationships/styles" Target="styles.xml"/></Relationships>'
)
_WORD = 'xmlns:w="http://schemas.openxmlformats.org/wordprocessingml/2006/main"'
_STYLES = (
    f'<?xml version="1.0"?><w:styles {_WORD}><w:style w:type="paragraph" w:styleId="Heading1"><w:name w:val="heading 1"/>'
    '<w:pPr><w:outlineLvl w:val="0"/></w:pPr></w:style></w:styles>'
)
_ESCAPES = {ord(character): f"\\{character}" for character in "()\\"}


def pdf(pages: Sequence[Sequence[str]]) -> bytes:
    """A PDF of these pages, each a list of lines (Latin-1)."""
    count = len(pages)
    kids = " ".join(f"{4 + 2 * number} 0 R" for number in range(count))
    objects = [
        "<</Type/Catalog/Pages 2 0 R>>",
        f"<</Type/Pages/Kids[{kids}]/Count {count}>>",
        "<</Type/Font/Subtype/Type1/BaseFont/Helvetica/Encoding/WinAnsiEncoding>>",
    ]
    for number, lines in enumerate(pages):
        shown = "".join(f"({line.translate(_ESCAPES)}) Tj T*\n" for line in lines)
        content = f"BT /F1 11 Tf 14 TL 50 800 Td\n{shown}ET"
        objects += [
            f"<</Type/Page/Parent 2 0 R/MediaBox[0 0 595 842]/Resources<</Font<</F1 3 0 R>>>>/Contents {5 + 2 * number} 0 R>>",
            f"<</Length {len(content.encode('latin-1'))}>>\nstream\n{content}\nendstream",
        ]
    out = bytearray(b"%PDF-1.4\n")
    places: list[int] = []
    for number, body in enumerate(objects, start=1):
        places.append(len(out))
        out += f"{number} 0 obj\n{body}\nendobj\n".encode("latin-1")
    table = len(out)
    rows = "".join(f"{place:010d} 00000 n \n" for place in places)
    out += f"xref\n0 {len(objects) + 1}\n0000000000 65535 f \n{rows}trailer\n<</Size {len(objects) + 1}/Root 1 0 R>>\n".encode()
    return bytes(out + f"startxref\n{table}\n%%EOF\n".encode())


def _paragraph(style: str, words: str) -> str:
    form = f'<w:pPr><w:pStyle w:val="{style}"/></w:pPr>' if style else ""
    return f'<w:p>{form}<w:r><w:t xml:space="preserve">{escape(words)}</w:t></w:r></w:p>'


def docx(paragraphs: Sequence[tuple[str, str]]) -> bytes:
    """A DOCX of these paragraphs: style (``""`` or ``Heading1``) and words."""
    body = "".join(_paragraph(style, words) for style, words in paragraphs)
    parts = {
        "[Content_Types].xml": _TYPES,
        "_rels/.rels": _RELATIONS,
        "word/_rels/document.xml.rels": _STYLE_RELATIONS,
        "word/styles.xml": _STYLES,
        "word/document.xml": f'<?xml version="1.0"?><w:document {_WORD}><w:body>{body}</w:body></w:document>',
    }
    return packed(parts)


_DRAWING = "http://schemas.openxmlformats.org/drawingml/2006/main"
_DECK = "http://schemas.openxmlformats.org/presentationml/2006/main"
_RELATED = "http://schemas.openxmlformats.org/officeDocument/2006/relationships"
_NAMES = f'xmlns:p="{_DECK}" xmlns:a="{_DRAWING}" xmlns:r="{_RELATED}"'
_PARTS = "http://schemas.openxmlformats.org/package/2006/relationships"


def shape(words: Sequence[str], kind: str = "") -> str:
    """A shape of a slide: paragraphs, in a placeholder of this kind (``title``, ``body``) or in a box of their own."""
    placeholder = f'<p:ph type="{kind}"/>' if kind else ""
    text = "".join(f"<a:p><a:r><a:t>{escape(each)}</a:t></a:r></a:p>" for each in words)
    return f"<p:sp><p:nvSpPr><p:nvPr>{placeholder}</p:nvPr></p:nvSpPr><p:txBody>{text}</p:txBody></p:sp>"


def slide_table(rows: Sequence[Sequence[str]]) -> str:
    """A table of a slide."""
    cells = "".join(
        "<a:tr>" + "".join(f"<a:tc><a:txBody><a:p><a:r><a:t>{escape(each)}</a:t></a:r></a:p></a:txBody></a:tc>" for each in row) + "</a:tr>"
        for row in rows
    )
    return f"<p:graphicFrame><a:graphic><a:graphicData><a:tbl>{cells}</a:tbl></a:graphicData></a:graphic></p:graphicFrame>"


def pptx(slides: Sequence[Sequence[str]], notes: Mapping[int, str] | None = None, more: Mapping[str, str] | None = None) -> bytes:
    """A presentation of these slides (each a list of shapes), with notes by number of the slide and further parts by their path. Slides
    are stored in the opposite order, so that only the presentation says which comes first."""
    count = len(slides)
    parts = {
        "ppt/presentation.xml": f"<p:presentation {_NAMES}><p:sldIdLst>"
        + "".join(f'<p:sldId id="{256 + n}" r:id="s{n}"/>' for n in range(count))
        + "</p:sldIdLst></p:presentation>",
        "ppt/_rels/presentation.xml.rels": _relations((f"s{n}", "slide", f"slides/slide{count - n}.xml") for n in range(count)),
    }
    for n, shapes in enumerate(slides):
        path = f"slide{count - n}.xml"
        parts[f"ppt/slides/{path}"] = f"<p:sld {_NAMES}><p:cSld><p:spTree>{''.join(shapes)}</p:spTree></p:cSld></p:sld>"
        if words := (notes or {}).get(n + 1):
            parts[f"ppt/slides/_rels/{path}.rels"] = _relations([("n1", "notesSlide", f"../notesSlides/notes{n}.xml")])
            note = shape([words], "body") + shape(["7"], "sldNum")
            parts[f"ppt/notesSlides/notes{n}.xml"] = f"<p:notes {_NAMES}><p:cSld><p:spTree>{note}</p:spTree></p:cSld></p:notes>"
    return packed({**parts, **(more or {})})


def _relations(each: Iterable[tuple[str, str, str]]) -> str:
    inner = "".join(f'<Relationship Id="{key}" Type="{_RELATED}/{kind}" Target="{target}"/>' for key, kind, target in each)
    return f'<Relationships xmlns="{_PARTS}">{inner}</Relationships>'


def packed(parts: Mapping[str, str | bytes]) -> bytes:
    """A ZIP archive of these files."""
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in parts.items():
            archive.writestr(name, content)
    return out.getvalue()


def tar(files: Mapping[str, bytes], mode: str = "w:gz") -> bytes:
    """A tar archive."""
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode=mode) as archive:  # pyright: ignore[reportCallIssue, reportArgumentType]
        for name, content in files.items():
            entry = tarfile.TarInfo(name)
            entry.size = len(content)
            archive.addfile(entry, io.BytesIO(content))
    return out.getvalue()


def xlsx(sheets: Mapping[str, Mapping[str, object]]) -> bytes:
    """A workbook: cells by their address, by sheet."""
    book = openpyxl.Workbook()
    for name, cells in sheets.items():
        sheet = book.create_sheet(name)
        for address, value in cells.items():
            sheet[address] = value
    del book[book.sheetnames[0]]
    out = io.BytesIO()
    book.save(out)
    return out.getvalue()


def mail(subject: str, text: str, attached: Mapping[str, bytes] | None = None) -> bytes:
    """A mail with these attachments."""
    message = EmailMessage()
    message["From"], message["To"], message["Subject"] = "Ana <ana@example.org>", "Ben <ben@example.org>", subject
    message.set_content(text)
    for name, content in (attached or {}).items():
        message.add_attachment(content, maintype="application", subtype="octet-stream", filename=name)
    return message.as_bytes()
