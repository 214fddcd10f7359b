"""The hold-back window, where properties do not say it plainly enough."""

from __future__ import annotations

from typing import TYPE_CHECKING

from headrace.core.text import Action, Origin
from headrace.guardrails.catalogue import guards
from headrace.guardrails.masks import MaskTable
from headrace.guardrails.patterns import REACH
from headrace.guardrails.window import Window
from tests.support.guards import key_block, made

if TYPE_CHECKING:
    from collections.abc import Sequence

    from headrace.core.ports import Detected, Guard

GUARDS = guards()
MAIL = "ana.muster@example.org"
RULES: tuple[tuple[Guard, Action], ...] = ((GUARDS["secrets"], Action.REFUSE), (GUARDS["pii"], Action.MASK))


class Counting:
    """A real guard that counts the characters which it is shown."""

    def __init__(self, guard: Guard) -> None:
        self.name, self.version, self.reach = guard.name, guard.version, guard.reach
        self._guard = guard
        self.shown = 0

    def inspect(self, text: str) -> Sequence[Detected]:
        self.shown += len(text)
        return self._guard.inspect(text)

    def settled(self, text: str, found: Sequence[Detected]) -> int:
        return self._guard.settled(text, found)


def test_without_guards_nothing_waits() -> None:
    window = Window((), MaskTable())
    assert (window.push(MAIL), window.finish(), window.reach) == (MAIL, "", 0)


def test_in_prose_only_the_last_word_waits() -> None:
    window = Window(RULES, MaskTable())
    assert window.reach == REACH
    assert [window.push(part) for part in ("The lamp", " was l", "it. It", " was ")] == ["The ", "lamp was ", "lit. ", "It was "]


def test_a_match_waits_until_it_is_whole_and_leaves_as_its_mask() -> None:
    masks = MaskTable()
    masks.mask("email", MAIL, Origin.PROMPT)
    window = Window(RULES, masks)
    assert [window.push(part) for part in ("Write to ana", ".muster@exam", "ple.or", "g", ", pl", "ease.")] == [
        "Write to ",
        "",
        "",
        "",
        "[EMAIL_1], ",
        "",
    ]
    assert (window.push(" "), window.finish()) == ("please. ", "")
    assert [(each.kind, each.start, each.end, each.origin, each.part) for each in window.findings] == [("email", 9, 31, Origin.OUTPUT, 0)]


def test_a_stopped_answer_ends_before_the_match() -> None:
    key = made("ghp_{w36}")
    window = Window(RULES, MaskTable())
    sent = [window.push(part) for part in ("Mail ", f"{MAIL}, ", "key ", key[:20], key[20:], " and ", "more")]
    assert "".join(sent) == "Mail [EMAIL_1], key "
    assert window.refusal is not None
    assert (window.push("x"), window.finish()) == ("", "")
    assert window.refusal.code == "guard.secrets"
    assert key not in str(window.refusal)
    assert [each.kind for each in window.findings] == ["email", "github_token"]


def test_a_key_that_does_not_end_is_held_to_the_last_and_looked_at_a_few_times() -> None:
    body = key_block().partition("-----END")[0] + "".join(made(f"{{b60}}{n}") + "\n" for n in range(400))
    guard = Counting(GUARDS["secrets"])
    window = Window(((guard, Action.MASK),), MaskTable())
    assert "".join(window.push(each) for each in f"Here: {body}") == "Here: "
    assert window.finish() == "[PRIVATE_KEY_1]"
    assert guard.shown < 40 * len(body)


def test_memory_does_not_grow_with_the_answer() -> None:
    window = Window(RULES, MaskTable())
    for _ in range(300):
        window.push("The lamp on the desk was lit, and nobody spoke. ")
    assert len(window._text) <= REACH + 60


def test_flags_change_nothing() -> None:
    window = Window(((GUARDS["pii"], Action.FLAG),), MaskTable())
    text = f"Write to {MAIL}, please. "
    assert window.push(text) + window.finish() == text
    assert [(each.kind, each.action) for each in window.findings] == [("email", Action.FLAG)]
