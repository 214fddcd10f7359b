"""Names are held where their words stand together; what denies the evidence is seen."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from headrace.knowledge.checking.names import Names
from headrace.knowledge.checking.polarity import contrary
from headrace.knowledge.checking.unknown import unknown

if TYPE_CHECKING:
    from collections.abc import Iterator

HELD = [
    ("Thomas K. Arnold joined Video Store.", "Thomas Arnold joined."), ("Ana pays", "Ana's fee"), ("staff may", "Employees may"),
    ("booking a desk", "Book a desk. Booked desks stay."), ("Zürich", "Zurich"), ("the european parliament", "the European Parliament"),
    ("the WHO", "the WHO says"), ("see this and/or that", "This e.g. and/or that"), ("mail a@b.ch now", "write to a@b.ch"),
    ("see [EMAIL_1]", "see [EMAIL_1]"), ("University of Zurich", "the University of Zurich"), ("x", "However, I think so. Yes."),
    ("in March", "In March it is due."), ("an iPhone", "iPhone"), ("O'Brien", "O'Brien said"), ("Normans", "the Norman"),
    ("THE FEE IS DUE", "The fee is due"), ("the fee is due", "THE FEE IS DUE"), ("x", "at 10:30 or 3.5kg"),
    ("see https://a.b/c", "https://a.b/c"), ("年会费是四十法郎。", "会费四十"), ("Ana (安娜) leads", "安娜 leads"), ("see //a/b", "//a/b"),
    ("see shop.example", "see shop。example"), ("ask @team and #help", "@team or #help"), ("会议结束。IBM 来了", "会议结束。IBM 来了"),
    ("Zu\u0308rich", "Zürich"), ("аna", "аna"), ("see a@b.ch", "write: a@b.ch"),
]  # fmt: skip
LACKING = [
    ("Thomas K. Arnold met John Smith.", "Thomas Smith joined."), ("fees are due", "Ana pays the fees."), ("staff may", "Workers may"),
    ("ask who is us", "the WHO says"), ("mail a@b.ch", "write to ab@b.ch"), ("phone", "an iPhone"),
    ("in May", "In March it is due."), ("the fee", "The fee: Smith pays"), ("x", "Smith. Jones pays"),
    ("see https://a.b/c", "https://a.b/d"),
    ("Paris. In Hilton hotels", "Paris Hilton came"), ("a", "x_y"), ("Ana leads", "it is led by 马云"), ("Ana leads", "led by محمد"),
    ("evil or phish", "see [this](//evil/phish)"),
    ("evil. com", "see evil。com"), ("evil com", "see evil．com"), ("evil com", "see evil｡com"), ("evil com", "see evil․com"),
    ("evil", "ask @evil"), ("evil", "see #evil"), ("ana", "аna"), ("Ana", "Аna"), ("zone", "the zοne"),
    ("14 days", "\u202e14 days"), ("a\u202db", "a\u202eb"), ("Ana Muster", "Ana Mus\u0336tre"),
]  # fmt: skip


@pytest.mark.parametrize(("evidence", "said"), HELD)
def test_a_name_is_held(evidence: str, said: str) -> None:
    assert Names(evidence).lacking(said) == []


@pytest.mark.parametrize(("evidence", "said"), LACKING)
def test_a_name_is_not_held(evidence: str, said: str) -> None:
    assert Names(evidence).lacking(said)


@pytest.mark.parametrize(
    ("said", "pieces"),
    [
        ("our partner zentrix pays", ["our", "partner", "zen", "tri", "x", "pays"]),
        ("ask zentrix-ag", ["ask", "zen", "tri", "x", "-", "a", "g"]), ("zorblax: pays", ["zo", "rb", "lax", ":", "pays"]),
        ("das jahresgeld", ["das", "jahr", "es", "gel", "d"]),
    ],
)  # fmt: skip
def test_a_word_in_pieces_that_the_sources_lack_is_a_name(said: str, pieces: list[str]) -> None:
    rare = unknown(said, list(_spans(said, pieces)))
    assert Names("our partner pays").lacking(said, rare)
    assert not Names(f"They say: {said}.").lacking(said, rare)


@pytest.mark.parametrize(
    ("said", "pieces"),
    [
        ("the borrowers pay", ["the", "borrow", "ers", "pay"]), ("Zentrix pays", ["zen", "tri", "x", "pays"]),
        ("it is reimbursed", ["it", "is", "rei", "mb", "ursed"]), ("a 25mm lens", ["a", "25", "mm", "lens"]),
        ("die 会议", ["die", "会", "议"]),
        ("a.zentrix.com", ["a", ".", "zen", "tri", "x", ".", "com"]),
    ],
)  # fmt: skip
def test_a_plain_word_is_no_name_for_its_pieces(said: str, pieces: list[str]) -> None:
    found = unknown(said, list(_spans(said, pieces)))
    assert [name for name in Names("they reimburse").lacking(said, found) if name.words and name.loose and said.islower()] == []


def _spans(text: str, pieces: list[str]) -> Iterator[tuple[int, int]]:
    at = 0
    for piece in pieces:
        at = text.lower().index(piece, at)
        yield at, at + len(piece)
        at += len(piece)


@pytest.mark.parametrize(
    ("said", "evidence"),
    [
        ("Dogs are not allowed.", "Dogs are allowed."), ("Dogs are allowed.", "Dogs are not allowed."),
        ("Dogs are allowed.", "No dogs are allowed."),
        ("Dogs are forbidden.", "Dogs are allowed."), ("The key is invalid.", "The key is valid."),
        ("The key is valid.", "The key is invalid."),
        ("The fee is due before March.", "The fee is due after March."), ("You can cancel.", "You can't cancel."),
    ],
)  # fmt: skip
def test_the_contrary_is_seen(said: str, evidence: str) -> None:
    assert contrary(said, evidence)


@pytest.mark.parametrize(
    ("said", "evidence"),
    [
        ("Dogs are allowed.", "Dogs are allowed on Fridays. They stay on a lead."), ("Dogs are not forbidden.", "Dogs are allowed."),
        ("You can't cancel.", "You cannot cancel the contract."),
        ("It is not refunded after March.", "Fees are not refunded after March."),
        ("Dogs may come.", "Dogs may come but not cats."), ("The fee is due.", "The fee is due."),
    ],
)  # fmt: skip
def test_what_agrees_is_no_contrary(said: str, evidence: str) -> None:
    assert not contrary(said, evidence)
