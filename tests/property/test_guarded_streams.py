"""Screening a stream: however it is cut, it comes to what screening the whole text comes to, and nothing of a stopped stretch leaves."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from hypothesis import given, settings
from hypothesis import strategies as st

from headrace.core.text import Action, Origin
from headrace.guardrails.catalogue import guards
from headrace.guardrails.fold import fold
from headrace.guardrails.masks import MaskTable, Unmasking
from headrace.guardrails.spans import look
from headrace.guardrails.window import Window
from tests.support.examples import some
from tests.support.guards import personal_examples, secret_examples

if TYPE_CHECKING:
    from headrace.core.ports import Guard
    from headrace.guardrails.spans import Ruled

GUARDS = guards()
THINGS = [text for text, _, _ in (*secret_examples()[::5], *personal_examples(), *secret_examples()[-30:])]
BETWEEN = [
    "The lamp was lit. ",
    "and then, ", "hello ", "\n", " ", ".", "-", "/", "(", ")", '"', "'", "@", "=", ":", "1", "12", "2024", "x", "Ab9",
    "é", "日本", "🙂", "\u200b", "\uff10", "\uff20", "\u2013", "\u00a0", "[EMAIL_1]", "[", "password: ", "token=", "-----BEGIN", "-----END",
    "xoxb-", "https://u:", "ghp_", "eyJhbGciOiJIUzI1NiJ9.eyJ", "Tel. ", "q" * 270, "日本語" * 90, "Zx8+/" * 60, "1 " * 40, "\u200b" * 270,
    "password:" * 30,
]  # fmt: skip


@st.composite
def pieces(draw: st.DrawFn) -> str:
    """A thing to be found, or part of one, or several, or written in another way; or what may stand beside it."""
    text = draw(st.sampled_from(THINGS) | st.sampled_from(BETWEEN))
    match draw(st.integers(0, 9)):
        case 0:
            return text[draw(st.integers(0, len(text))) :]
        case 1:
            return text[: draw(st.integers(0, len(text)))]
        case 2:
            return text * draw(st.integers(2, 4))
        case 3:
            return "".join(chr(ord(each) + 0xFEE0) if "!" <= each <= "~" else each for each in text)
        case 4:
            return "\u200b".join(text)
        case _:
            return text


TEXTS = st.lists(pieces(), max_size=7).map("".join)
RULES = st.tuples(*(st.tuples(st.just(GUARDS[name]), st.sampled_from([*Action, Action.MASK])) for name in ("secrets", "pii")))
Rules = tuple[tuple["Guard", Action], ...]


@st.composite
def cut(draw: st.DrawFn, text: str) -> list[str]:
    """The text in pieces: one, single characters, or any."""
    size = draw(st.sampled_from([0, 1, 5, 40]))
    if size < 2:
        return list(text) if size else [text]
    places = sorted(draw(st.lists(st.integers(0, len(text)), max_size=len(text) // size + 2)))
    return [text[start:end] for start, end in zip([0, *places], [*places, len(text)], strict=True)]


class Outcome(NamedTuple):
    """What left, what was found, and whether it was stopped."""

    text: str
    found: list[tuple[str, int, int, Action]]
    stopped: bool


def streamed(parts: list[str], rules: Rules) -> Outcome:
    """What the window makes of it."""
    window = Window(rules, MaskTable())
    sent: list[str] = []
    for part in parts:
        sent.append(window.push(part))
        if window.refusal is not None:
            break
    sent.append(window.finish())
    if window.refusal is not None:
        assert window.push("more") + window.finish() == ""
    return Outcome("".join(sent), [(each.kind, each.start, each.end, each.action) for each in window.findings], window.refusal is not None)


def labelled(text: str, found: list[Ruled]) -> Outcome:
    """What must become of the whole, character by character: the first mask that covers one owns it."""
    masks = MaskTable()
    owners: list[int | None] = [None] * len(text)
    said: list[tuple[str, int, int, Action]] = []
    end = len(text)
    for number, (span, _, _, action) in enumerate(found):
        free = [at for at in range(span.start, span.end) if owners[at] is None]
        if action is Action.REFUSE:
            said.append((span.kind, span.start, span.end, action))
            end = span.start
            break
        if not free:
            continue
        if action is Action.MASK:
            said.append((span.kind, free[0], span.end, action))
            for at in free:
                owners[at] = number
        else:
            said.append((span.kind, span.start, span.end, action))
    left: list[str] = []
    at = 0
    while at < end:
        owner = owners[at]
        until = at + 1
        while owner is not None and until < len(text) and owners[until] == owner:
            until += 1
        left.append(text[at] if owner is None else masks.mask(found[owner].span.kind, text[at:until], Origin.OUTPUT))
        at = until
    return Outcome("".join(left), said, end < len(text))


@settings(max_examples=some(250))
@given(TEXTS, RULES, st.data())
def test_how_a_stream_is_cut_plays_no_part(text: str, rules: Rules, data: st.DataObject) -> None:
    expected = labelled(text, look(fold(text), rules).found)
    assert streamed(data.draw(cut(text)), rules) == expected


@settings(max_examples=some(150))
@given(st.lists(pieces(), max_size=5).map("".join), st.sampled_from(THINGS), st.lists(pieces(), max_size=3).map("".join), st.data())
def test_nothing_of_a_stopped_stretch_leaves(before: str, thing: str, behind: str, data: st.DataObject) -> None:
    text = f"{before}\n{thing}\n{behind}"
    rules: Rules = tuple((guard, Action.REFUSE) for guard in GUARDS.values())
    outcome = streamed(data.draw(cut(text)), rules)
    assert outcome.stopped
    first = min(each.span.start for each in look(fold(text), rules).found)
    assert outcome.text == text[:first]


@settings(max_examples=some(150))
@given(TEXTS, st.data())
def test_what_was_masked_comes_back(text: str, data: st.DataObject) -> None:
    masks = MaskTable()
    masks.reserve(text)
    found = look(fold(text), tuple((guard, Action.MASK) for guard in GUARDS.values())).found
    pieces_of: list[str] = []
    at = 0
    for each in found:
        if each.span.end > at:
            start = max(at, each.span.start)
            pieces_of += text[at:start], masks.mask(each.span.kind, text[start : each.span.end], Origin.PROMPT)
            at = each.span.end
    masked = "".join([*pieces_of, text[at:]])
    assert masks.unmask(masked)[0] == text
    unmasking = Unmasking(masks.unmask)
    parts = [unmasking.push(part) for part in data.draw(cut(masked))]
    assert "".join([*parts, unmasking.finish()]) == text
    assert unmasking.undone == masks.unmask(masked)[1]


@settings(max_examples=some(200))
@given(TEXTS, st.sampled_from(sorted(GUARDS)))
def test_no_sign_no_match(text: str, name: str) -> None:
    """What is not looked for because no sign of it was seen would not have been found."""
    guard = GUARDS[name]
    data = fold(text).text.encode("utf-8", "replace")
    every = {span for each in guard._recognisers for span in each.find(data)}
    assert len({(each.kind, each.start, each.end) for each in every}) == len(
        {(each.kind, each.start, each.end) for each in guard.inspect(fold(text).text)}
    )


@settings(max_examples=some(200))
@given(
    st.lists(st.text("[]AB_12E ", max_size=6) | st.sampled_from(["[EMAIL_1]", "[EMAIL_2]", "[IBAN_1]", "a"]), max_size=12).map("".join),
    st.data(),
)
def test_masks_are_undone_however_the_text_is_cut(text: str, data: st.DataObject) -> None:
    masks = MaskTable()
    masks.mask("email", "ana@x.org", Origin.PROMPT)
    masks.mask("email", "ben@x.org", Origin.OUTPUT)
    masks.mask("iban", "[EMAIL_1]", Origin.PASSAGE)
    unmasking = Unmasking(masks.unmask)
    parts = [unmasking.push(part) for part in data.draw(cut(text))]
    assert "".join([*parts, unmasking.finish()]) == text.replace("[EMAIL_1]", "ana@x.org").replace("[IBAN_1]", "[EMAIL_1]")
