"""Presentations: slides in the order in which they are shown, with all that stands on them."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from headrace.adapters.converters.files import FileConverter
from headrace.core.errors import ConversionFailed
from tests.support.documents import packed, pptx, shape, slide_table

if TYPE_CHECKING:
    from collections.abc import Generator

    from headrace.core.conversion import Converted

CHART = """<c:chartSpace xmlns:c="http://schemas.openxmlformats.org/drawingml/2006/chart"
 xmlns:a="http://schemas.openxmlformats.org/drawingml/2006/main"><c:chart><c:title><c:tx><c:rich><a:p><a:r><a:t>Ducks a year</a:t></a:r>
</a:p></c:rich></c:tx></c:title><c:plotArea><c:barChart><c:ser><c:tx><c:strRef><c:strCache><c:pt idx="0"><c:v>Mallards</c:v></c:pt>
</c:strCache></c:strRef></c:tx><c:cat><c:strRef><c:strCache><c:pt idx="0"><c:v>2023</c:v></c:pt>
<c:pt idx="2"><c:v>2025</c:v></c:pt></c:strCache>
</c:strRef></c:cat><c:val><c:numRef><c:numCache><c:pt idx="0"><c:v>14</c:v></c:pt>
<c:pt idx="2"><c:v>17</c:v></c:pt></c:numCache></c:numRef></c:val>
</c:ser></c:barChart></c:plotArea></c:chart></c:chartSpace>"""
FRAME = """<p:graphicFrame><a:graphic><a:graphicData><c:chart xmlns:c="http://schemas.openxmlformats.org/drawingml/2006/chart"
 r:id="c1"/></a:graphicData></a:graphic></p:graphicFrame>"""
DIAGRAM = """<p:graphicFrame><a:graphic><a:graphicData><d:relIds xmlns:d="http://schemas.openxmlformats.org/drawingml/2006/diagram"
 r:dm="d1"/></a:graphicData></a:graphic></p:graphicFrame>"""
POINTS = """<d:dataModel xmlns:d="http://schemas.openxmlformats.org/drawingml/2006/diagram"
 xmlns:a="http://schemas.openxmlformats.org/drawingml/2006/main"><d:ptLst><d:pt><d:t><a:p><a:r><a:t>Plan</a:t></a:r></a:p></d:t></d:pt>
<d:pt><d:t><a:p><a:r><a:t>Build</a:t></a:r></a:p></d:t></d:pt></d:ptLst></d:dataModel>"""
RELATED = """<Relationships xmlns="http://schemas.openxmlformats.org/package/2006/relationships">
<Relationship Id="c1" Type="x/chart" Target="../charts/chart1.xml"/>
<Relationship Id="d1" Type="x/diagramData" Target="../diagrams/data1.xml"/>
<Relationship Id="k1" Type="x/comments" Target="../comments/comment1.xml"/>
<Relationship Id="e" Type="x/hyperlink" Target="http://a" TargetMode="External"/>
</Relationships>"""
COMMENTS = (
    '<p:cmLst xmlns:p="http://schemas.openxmlformats.org/presentationml/2006/main">'
    "<p:cm><p:text>Check this figure.</p:text></p:cm></p:cmLst>"
)


@pytest.fixture(scope="module")
def converter() -> Generator[FileConverter]:
    files = FileConverter()
    yield files
    files.close()


def places(converted: Converted) -> dict[str, str]:
    return {each.name: converted.text[each.start : each.end] for each in converted.places}


def test_slides_come_in_the_order_in_which_they_are_shown(converter: FileConverter) -> None:
    title, points = shape(["Plans & goals"], "title"), shape(["Grow by 5 %.", "Open in Basel."], "body")
    deck = pptx(
        [
            [points, title],
            [shape(["No title here."]), shape(["12"], "sldNum")],
            [slide_table([["Town", "Staff"], ["Bern|BE", "12"]])],
            [shape([""])],
        ],
        notes={2: "Say it slowly."},
    )
    assert places(converter.text("a.pptx", deck)) == {
        "slide 1": "## Plans & goals\n\n- Grow by 5 %.\n- Open in Basel.",
        "slide 2": "No title here.",
        "slide 2, notes": "Notes:\nSay it slowly.",
        "slide 3": "| Town | Staff |\n| --- | --- |\n| Bern\\|BE | 12 |",
    }


def test_charts_diagrams_groups_and_comments_are_read(converter: FileConverter) -> None:
    group = f"<p:grpSp><p:grpSp>{shape(['Deep inside.'])}</p:grpSp></p:grpSp>"
    picture = '<p:pic><p:nvPicPr><p:cNvPr id="4" name="p" descr="A map of the offices"/></p:nvPicPr></p:pic>'
    file = '<p:pic><p:nvPicPr><p:cNvPr id="5" name="p" descr="IMG_12.jpg"/></p:nvPicPr></p:pic>'
    more = {
        "ppt/slides/_rels/slide1.xml.rels": RELATED,
        "ppt/charts/chart1.xml": CHART,
        "ppt/diagrams/data1.xml": POINTS,
        "ppt/comments/comment1.xml": COMMENTS,
    }
    found = places(converter.text("a.pptx", pptx([[group, picture, file, FRAME, DIAGRAM]], more=more)))
    table = "|  | Mallards |\n| --- | --- |\n| 2023 | 14 |\n|  |  |\n| 2025 | 17 |"
    assert found == {
        "slide 1": f"Deep inside.\n\nA map of the offices\n\nDucks a year\n\n{table}\n\n- Plan\n- Build",
        "slide 1, notes": "Comments:\nCheck this figure.",
    }


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (b"hello", "not a PPTX"),
        (packed({"a": "b"}), "no slides"),
        (packed({"ppt/slides/slide1.xml": "<p:sld"}), "broken"),
        (pptx([[shape([""])]]), "no text"),
    ],
)  # fmt: skip
def test_what_cannot_be_read_is_said_in_words(converter: FileConverter, content: bytes, reason: str) -> None:
    with pytest.raises(ConversionFailed) as refused:
        converter.text("a.pptx", content)
    assert reason in refused.value.reason


def test_a_slide_whose_number_is_no_number_ends_nothing(converter: FileConverter) -> None:
    level = '<p:sp><p:txBody><a:p><a:pPr lvl="deep"/><a:r><a:t>Words</a:t></a:r></a:p></p:txBody></p:sp>'
    with pytest.raises(ConversionFailed, match="broken"):
        converter.text("a.pptx", pptx([[level]]))
    assert converter.text("b.pptx", pptx([[shape(["Still here."])]])).text == "Still here."
