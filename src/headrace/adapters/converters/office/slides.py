"""Presentations (PPTX) to Markdown, slide by slide: titles, lists, tables, the figures of charts, words of diagrams, notes and comments.

Read from their XML, because kreuzberg 4.10 loses which slide a text is on, and charts (decision 0104). Runs in the conversion child.
"""

from __future__ import annotations

import io
import re
import zipfile
from typing import TYPE_CHECKING

from headrace.adapters.converters.layout import Layout
from headrace.adapters.converters.office.package import OFFICE, RELATION, Package
from headrace.adapters.converters.office.tables import cell
from headrace.core.errors import ConversionFailed

if TYPE_CHECKING:
    from collections.abc import Iterator
    from xml.etree.ElementTree import Element

_A = f"{{{OFFICE}drawingml/2006/main}}"
_P = f"{{{OFFICE}presentationml/2006/main}}"
_C = f"{{{OFFICE}drawingml/2006/chart}}"
_DIAGRAM = f"{{{OFFICE}drawingml/2006/diagram}}"
_CHOICE = f"{{{OFFICE}markup-compatibility/2006}}"
_PRESENTATION = "ppt/presentation.xml"
_SLIDE = re.compile(r"ppt/slides/slide(\d+)\.xml")
_TITLES = frozenset({"title", "ctrTitle"})
_FURNITURE = frozenset({"dt", "ftr", "sldNum", "sldImg", "hdr"})
"""Placeholders that say the same on every slide."""
_FILE_NAME = re.compile(r"\S+\.\w{2,4}")
_DEEPEST = 32
"""Groups within groups."""


def presentation(content: bytes) -> Layout:
    """A presentation in the order in which it is shown, hidden slides included. Raises ConversionFailed, and what zipfile raises."""
    layout = Layout()
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        package = Package(archive)
        paths = _slides(package)
        if not paths:
            raise ConversionFailed("It holds no slides.", code="ingest.empty")
        for number, path in enumerate(paths, start=1):
            slide = package.xml(path)
            related = package.related(path)
            title, body = _Slide(package, related).read(slide)
            layout.add("\n\n".join([f"## {title}"] * bool(title) + body), f"slide {number}")
            said = [f"{kind}:\n{words}" for kind, words in _asides(package, related)]
            layout.add("\n\n".join(said), f"slide {number}, notes", heading=title)
    return layout


def _slides(package: Package) -> list[str]:
    """The slides in the order in which they are shown; by their number where the presentation does not say."""
    if package.has(_PRESENTATION):
        related = package.related(_PRESENTATION)
        ids = [each.get(f"{RELATION}id", "") for each in package.xml(_PRESENTATION).iter(f"{_P}sldId")]
        paths = [related[key][1] for key in ids if key in related]
        if paths:
            return [path for path in paths if package.has(path)]
    found = (_SLIDE.fullmatch(name) for name in package.names)
    return [each[0] for each in sorted(filter(None, found), key=lambda each: int(each[1]))]


class _Slide:
    def __init__(self, package: Package, related: dict[str, tuple[str, str]]) -> None:
        self._package = package
        self._related = related

    def read(self, slide: Element, *, listed: bool = True) -> tuple[str, list[str]]:
        """Its title, and the Markdown of everything else on it. `listed`: the paragraphs of its body are a list."""
        titles: list[str] = []
        body: list[str] = []
        tree = slide.find(f"{_P}cSld/{_P}spTree")
        for shape in _shapes(tree) if tree is not None else ():
            role = shape.find(f"{_P}nvSpPr/{_P}nvPr/{_P}ph")
            kind = "" if role is None else role.get("type", "body")
            if kind in _FURNITURE:
                continue
            if kind in _TITLES and not titles:
                titles = [" ".join(_text(shape).split())]
            else:
                body += [each for each in self._of(shape, listed=listed and kind == "body") if each.strip()]
        return titles[0] if titles else "", body

    def _of(self, shape: Element, *, listed: bool) -> Iterator[str]:
        if shape.tag == f"{_P}graphicFrame":
            for table in shape.iter(f"{_A}tbl"):
                yield _table(table)
            for chart in shape.iter(f"{_C}chart"):
                yield from self._chart(chart.get(f"{RELATION}id", ""))
            for diagram in shape.iter(f"{_DIAGRAM}relIds"):
                yield from self._diagram(diagram.get(f"{RELATION}dm", ""))
        elif shape.tag == f"{_P}pic":
            yield _described(shape)
        else:
            yield _text(shape, listed=listed)

    def _part(self, key: str) -> Element | None:
        _, path = self._related.get(key, ("", ""))
        return self._package.xml(path) if self._package.has(path) else None

    def _chart(self, key: str) -> Iterator[str]:
        part = self._part(key)
        if part is None:
            return
        title = part.find(f".//{_C}title")
        if title is not None:
            yield " ".join("".join(each.itertext()) for each in title.iter(f"{_A}p")).strip()
        for plot in part.iter(f"{_C}plotArea"):
            yield _series(plot)

    def _diagram(self, key: str) -> Iterator[str]:
        part = self._part(key)
        if part is not None:
            points = ("".join(each.text or "" for each in point.iter(f"{_A}t")) for point in part.iter(f"{_DIAGRAM}pt"))
            yield "\n".join(f"- {words}" for words in points if words.strip())


def _asides(package: Package, related: dict[str, tuple[str, str]]) -> Iterator[tuple[str, str]]:
    """Notes of the speaker, and comments."""
    for kind, path in related.values():
        if kind == "notesSlide" and package.has(path):
            _, body = _Slide(package, {}).read(package.xml(path), listed=False)
            if body:
                yield "Notes", "\n\n".join(body)
        elif kind == "comments" and package.has(path):
            part = package.xml(path)
            legacy = [each.text or "" for each in part.iter(f"{_P}text")]
            words = legacy or ["".join(run.text or "" for run in each.iter(f"{_A}t")) for each in part.iter(f"{_A}p")]
            if any(words):
                yield "Comments", "\n\n".join(filter(None, words))


def _shapes(tree: Element, depth: int = 0) -> Iterator[Element]:
    """The shapes of a slide in order, those of groups among them; of alternatives the first."""
    for shape in tree:
        if shape.tag == f"{_P}grpSp" and depth < _DEEPEST:
            yield from _shapes(shape, depth + 1)
        elif shape.tag == f"{_CHOICE}AlternateContent" and len(shape):
            yield from _shapes(shape[0], depth + 1)
        elif shape.tag in {f"{_P}sp", f"{_P}graphicFrame", f"{_P}pic"}:
            yield shape


def _text(shape: Element, *, listed: bool = False) -> str:
    """The paragraphs of a shape: lines, or the items of a list by their level."""
    lines: list[str] = []
    for body in shape.iter(f"{_P}txBody"):
        for paragraph in body.iter(f"{_A}p"):
            words = _words(paragraph)
            if not words:
                continue
            properties = paragraph.find(f"{_A}pPr")
            level = 0 if properties is None else int(properties.get("lvl", "0"))
            plain = properties is not None and properties.find(f"{_A}buNone") is not None
            lines.append(words if plain or not (listed or level) else f"{'  ' * level}- {words}")
    return ("\n" if listed else "\n\n").join(lines)


def _words(paragraph: Element) -> str:
    pieces = (" " if each.tag == f"{_A}br" else each.text or "" for each in paragraph.iter() if each.tag in {f"{_A}t", f"{_A}br"})
    return " ".join("".join(pieces).split())


def _table(table: Element) -> str:
    rows = [
        [cell(" ".join(_words(each) for each in column.iter(f"{_A}p"))) for column in row.iter(f"{_A}tc")] for row in table.iter(f"{_A}tr")
    ]
    return _markdown([row for row in rows if any(row)])


def _described(picture: Element) -> str:
    """What its author says that a picture shows, unless that is the name of a file."""
    named = picture.find(f"{_P}nvPicPr/{_P}cNvPr")
    words = " ".join((named.get("descr", "") if named is not None else "").split())
    return "" if _FILE_NAME.fullmatch(words) else words


def _series(plot: Element) -> str:
    """The figures of a chart as they were drawn last: a row for each category."""
    head, columns, categories = [""], list[list[str]](), list[str]()
    for series in plot.iter(f"{_C}ser"):
        name = series.find(f"{_C}tx")
        head.append(cell(" ".join(_points(name))))
        named = _points(series.find(f"{_C}cat")) or _points(series.find(f"{_C}xVal"))
        categories = named if len(named) > len(categories) else categories
        columns.append(_points(series.find(f"{_C}val")) or _points(series.find(f"{_C}yVal")))
    count = max((len(each) for each in [categories, *columns]), default=0)
    rows = [[cell(each[at]) if at < len(each) else "" for each in [categories, *columns]] for at in range(count)]
    return _markdown([head, *rows]) if rows else ""


def _points(part: Element | None) -> list[str]:
    """The values that are kept of a series; those that are missing among them empty."""
    if part is None:
        return []
    found: dict[int, str] = {}
    for point in part.iter(f"{_C}pt"):
        found[int(point.get("idx", "0"))] = " ".join("".join(value.text or "" for value in point.iter(f"{_C}v")).split())
    return [found.get(at, "") for at in range(min(max(found, default=-1) + 1, 10_000))]


def _markdown(rows: list[list[str]]) -> str:
    if not rows:
        return ""
    width = max(map(len, rows))
    lines = ["| " + " | ".join([*row, *[""] * (width - len(row))]) + " |" for row in rows]
    return "\n".join([lines[0], "|" + " --- |" * width, *lines[1:]])
