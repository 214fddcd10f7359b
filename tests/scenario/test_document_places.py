"""A question to a real installation is answered from a workbook, a presentation, a mail and an archive, and the citation says where."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from openai import OpenAI

from tests.support.documents import mail, packed, pdf, pptx, shape, xlsx
from tests.support.installation import Installation, running

if TYPE_CHECKING:
    from collections.abc import Iterator

STOCK = {"B2": "Warehouse", "C2": "Pallets in stock", "D2": "Manager"} | {
    f"{column}{row}": value
    for row, (town, pallets, manager) in enumerate([("Basel", 812, "Frey"), ("Chur", 77, "Caduff"), ("Thun", 345, "Wenger")], start=3)
    for column, value in (("B", town), ("C", pallets), ("D", manager))
}
ASKED = [
    ("How many pallets are in stock in the warehouse Chur?", "documents/stock.xlsx", "sheet “Stock”, B2:D5", "| Chur | 77 | Caduff |"),
    ("Which colour does the new delivery van have?", "documents/plans.pptx", "slide 2", "The new delivery van is green."),
    ("When does the plumber come to repair the boiler?", "documents/boiler.eml", "mail text, line 3", "The plumber comes on Tuesday"),
    ("How long does the lease of the garage run?", "documents/old.zip/leases/garage.pdf", "page 2", "The lease of the garage"),
    ("Who may use the sauna on Sundays?", "documents/boiler.eml/rules.pdf", "page 1", "On Sundays, guests may use the sauna."),
]  # fmt: skip


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Installation]:
    folder = tmp_path_factory.mktemp("places")
    texts = folder / "texts"
    texts.mkdir()
    rules = pdf([["On Sundays, guests may use the sauna."]])
    (texts / "stock.xlsx").write_bytes(xlsx({"Stock": STOCK}))
    slides = [[shape(["Plans"], "title")], [shape(["Vehicles"], "title"), shape(["The new delivery van is green."], "body")]]
    (texts / "plans.pptx").write_bytes(pptx(slides))
    (texts / "boiler.eml").write_bytes(
        mail("The boiler", "Dear Ben,\n\nThe plumber comes on Tuesday to repair the boiler.\n", {"rules.pdf": rules})
    )
    garage = pdf([["A contract between two parties."], ["The lease of the garage runs for seven years."]])
    (texts / "old.zip").write_bytes(packed({"leases/garage.pdf": garage}))
    with running(folder / "workspace", documents=texts) as installation:
        yield installation


@pytest.fixture(scope="module")
def key(served: Installation) -> str:
    return served.key("ana")


@pytest.mark.parametrize(("question", "document", "place", "words"), ASKED)
def test_a_citation_names_the_place(served: Installation, key: str, question: str, document: str, place: str, words: str) -> None:
    client = OpenAI(base_url=f"{served.url}/v1", api_key=key, max_retries=0)
    answer = client.chat.completions.create(model="help", messages=[{"role": "user", "content": question}])
    said: dict[str, Any] = answer.model_extra["headrace"]  # pyright: ignore[reportOptionalSubscript]
    cited = said["citations"][0]
    assert (cited["document"], cited["place"]) == (document, place)
    assert words in cited["quote"]


def test_search_names_the_place(served: Installation) -> None:
    found = served.run("search", "How many pallets are in stock in Chur?")
    assert "documents/stock.xlsx, sheet “Stock”, B2:D5" in found
