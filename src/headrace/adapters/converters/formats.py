"""The formats that are read, by the endings of names, and what each file must begin with to be one."""

from __future__ import annotations

from headrace.core.containers import is_archive
from headrace.core.errors import ConversionFailed

MARKDOWN = "text/markdown"
PLAIN = "text/plain"
HTML = "text/html"
PDF = "application/pdf"
DOCX = "application/vnd.openxmlformats-officedocument.wordprocessingml.document"
PPTX = "application/vnd.openxmlformats-officedocument.presentationml.presentation"
XLSX = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"
XLSB = "application/vnd.ms-excel.sheet.binary.macroenabled.12"
XLS = "application/vnd.ms-excel"
ODS = "application/vnd.oasis.opendocument.spreadsheet"
ODT = "application/vnd.oasis.opendocument.text"
CSV = "text/csv"
TSV = "text/tab-separated-values"
EML = "message/rfc822"
MSG = "application/vnd.ms-outlook"
DOC = "application/msword"
PPT = "application/vnd.ms-powerpoint"
RTF = "application/rtf"
EPUB = "application/epub+zip"
ZIP = "application/zip"
TAR = "application/x-tar"
MBOX = "application/mbox"

MEDIA_TYPES = {
    **dict.fromkeys((".md", ".markdown", ".mdx"), MARKDOWN),
    **dict.fromkeys((".txt", ".text", ".rst", ".adoc", ".org", ".log", ".vtt", ".srt", ""), PLAIN),
    **dict.fromkeys((".html", ".htm", ".xhtml"), HTML),
    ".pdf": PDF,
    **dict.fromkeys((".docx", ".docm"), DOCX),
    **dict.fromkeys((".pptx", ".pptm", ".ppsx", ".potx"), PPTX),
    **dict.fromkeys((".xlsx", ".xlsm", ".xltx"), XLSX),
    ".xlsb": XLSB,
    ".xls": XLS,
    ".ods": ODS,
    ".odt": ODT,
    ".csv": CSV,
    **dict.fromkeys((".tsv", ".tab"), TSV),
    **dict.fromkeys((".eml", ".mht", ".mhtml"), EML),
    ".msg": MSG,
    ".doc": DOC,
    ".ppt": PPT,
    ".rtf": RTF,
    ".epub": EPUB,
    ".zip": ZIP,
    **dict.fromkeys((".tar", ".tgz", ".tbz2", ".txz"), TAR),
    ".mbox": MBOX,
}
"""What a file is taken for, by the ending of its name; a name without one (README, LICENSE) for plain text."""
SHEETS = frozenset({XLSX, XLSB, XLS, ODS})
SEPARATED = frozenset({CSV, TSV})
PACKED = frozenset({DOCX, PPTX, XLSX, XLSB, ODS, ODT, EPUB})
"""Formats that are ZIP archives within."""
OLD_OFFICE = frozenset({DOC, PPT, MSG})
_OLE = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"
_PDF_WITHIN = 1024
_SAVE_AS_PDF = {".pages", ".key", ".numbers", ".one", ".vsdx", ".vsd", ".xps", ".pub", ".djvu", ".odp", ".odg"}
_PICTURES = {".png", ".jpg", ".jpeg", ".gif", ".bmp", ".tif", ".tiff", ".webp", ".heic", ".svg"}
_READ = "Text, Markdown, HTML, PDF, office documents, CSV, mails and archives are"


def media_type(name: str) -> str:
    """What a file of this name is taken for. Raises ConversionFailed when it is not read."""
    if is_archive(name) and not name.lower().endswith((".zip", ".mbox")):
        return TAR
    ending = _ending(name)
    found = MEDIA_TYPES.get(ending)
    if found is not None:
        return found
    if ending in _PICTURES:
        raise ConversionFailed("It is a picture, and pictures are not read.", code="ingest.unsupported", mend="Exclude it from the source.")
    mend = "Save it as PDF." if ending in _SAVE_AS_PDF else "Save it as one of them, or exclude it from the source."
    raise ConversionFailed(f"Files of the kind {ending} are not read. {_READ}.", code="ingest.unsupported", mend=mend)


def _ending(name: str) -> str:
    """The ending of a name; none of a name that begins with a dot and has no other."""
    stem, dot, ending = name.rpartition(".")
    return f".{ending.lower()}" if dot and stem.rpartition("/")[2] else ""


def check(content: bytes, media: str) -> None:
    """Raises ConversionFailed when a file plainly is not what its name says."""
    if media in PACKED and content.startswith(_OLE):
        raise ConversionFailed("It is encrypted, or an old Office document under a new name.", mend="Save it without a password.")
    fits = {
        PDF: b"%PDF-" in content[:_PDF_WITHIN],
        RTF: content.lstrip().startswith(b"{\\rtf"),
        **dict.fromkeys(PACKED, content.startswith(b"PK")),
        **dict.fromkeys(OLD_OFFICE, content.startswith(_OLE)),
    }
    if not fits.get(media, True):
        kind = next(ending for ending, known in MEDIA_TYPES.items() if known == media).lstrip(".").upper()
        article = "an" if kind[0] in "EMORX" else "a"
        raise ConversionFailed(f"It is not {article} {kind}, whatever its name says.", mend="Give it the ending of what it is.")
