"""What every Guard does.

Fixtures to give: `guard`; `examples`, texts with what is to be found in them (text, kind, the stretch itself); `harmless`, texts in which
nothing is to be found.
"""

from __future__ import annotations

import re
import time
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

    from headrace.core.ports import Detected, Guard

PROSE = "The lamp on the desk was lit, and nobody spoke. "
FOREIGN = "Ü 日本 🙂 "
LARGE = 1 << 18
"""Characters of a text that is meant to be hard."""
PATIENCE = 6.0
"""Seconds of processor time for one such text. Work that grows with the square of the length takes minutes."""
HARD = (
    *(
        piece * (LARGE // len(piece))
        for piece in ("a", "(", "1", "-", "@", "a@", "é", "[", "x=", "1 ", "11-", "4444 ", "a.b ", "://:", '"')
    ),
    "a" * LARGE + "@",
    "password" * (LARGE // 16) + "=" * (LARGE // 2),
)


def places(found: Sequence[Detected]) -> list[tuple[str, int, int]]:
    """What was found, comparable."""
    return [(each.kind, each.start, each.end) for each in found]


def moved(found: Sequence[Detected], by: int, since: int) -> list[tuple[str, int, int]]:
    """What was found in a later part of a text, by its place in the whole, from `since` on."""
    return sorted((each.kind, each.start + by, each.end + by) for each in found if each.start + by >= since)


class GuardContract:
    """Derive, and give the fixtures."""

    def test_it_has_a_name_and_a_version(self, guard: Guard) -> None:
        """A word that a service file can hold, and one line that stays."""
        assert re.fullmatch(r"[a-z][a-z0-9_-]*", guard.name)
        assert guard.version == guard.version.strip() != ""
        assert guard.reach > 0

    def test_what_is_there_is_found(self, guard: Guard, examples: Sequence[tuple[str, str, str]]) -> None:
        """The very stretch, under its kind."""
        missed = [
            (text, kind)
            for text, kind, stretch in examples
            if (kind, text.index(stretch), text.index(stretch) + len(stretch)) not in places(guard.inspect(text))
        ]
        assert missed == []

    def test_what_is_not_there_is_not_found(self, guard: Guard, harmless: Sequence[str]) -> None:
        """Nothing at all."""
        assert [(text, places(found)) for text in harmless if (found := guard.inspect(text))] == []

    def test_matches_are_well_formed(self, guard: Guard, examples: Sequence[tuple[str, str, str]]) -> None:
        """In order of start, not empty, within the text, with a plain kind and a confidence."""
        text = PROSE.join(each[0] for each in examples)
        found = guard.inspect(text)
        assert [each.start for each in found] == sorted(each.start for each in found)
        for each in found:
            assert 0 <= each.start < each.end <= len(text)
            assert re.fullmatch(r"[a-z][a-z0-9_]+", each.kind)
            assert 0 < each.confidence <= 1

    def test_it_is_pure(self, guard: Guard, examples: Sequence[tuple[str, str, str]]) -> None:
        """Same text, same result, whatever it saw between."""
        before = [places(guard.inspect(text)) for text, _, _ in examples]
        after = [places(guard.inspect(text)) for text, _, _ in reversed(examples)]
        assert before == list(reversed(after))

    def test_offsets_are_characters(self, guard: Guard, examples: Sequence[tuple[str, str, str]]) -> None:
        """Not bytes, not UTF-16."""
        for text, _, _ in examples:
            assert moved(guard.inspect(FOREIGN + text), -len(FOREIGN), 0) == sorted(places(guard.inspect(text))), text

    def test_what_is_settled_stays(self, guard: Guard, examples: Sequence[tuple[str, str, str]]) -> None:
        """However much of a text is there, what it says up to the settled place is what the whole says."""
        for first, second in zip(examples, [*examples[1:], examples[0]], strict=True):
            text = f"{PROSE}{first[0]} {PROSE}{second[0]}"
            whole = places(guard.inspect(text))
            for cut in range(len(text) + 1):
                found = guard.inspect(text[:cut])
                settled = guard.settled(text[:cut], found)
                assert 0 <= settled <= cut
                early = [each for each in places(found) if each[1] < settled]
                assert early == [each for each in whole if each[1] < settled], (text, cut)

    def test_what_comes_far_behind_does_not_matter(self, guard: Guard, examples: Sequence[tuple[str, str, str]]) -> None:
        """A match depends on no more than `reach` characters before it."""
        for text, _, _ in examples:
            long = f"{text} {PROSE * (guard.reach // len(PROSE) + 1)}{text}"
            whole = guard.inspect(long)
            for cut in range(len(text) + 2):
                since = cut + guard.reach
                assert moved(guard.inspect(long[cut:]), cut, since) == moved(whole, 0, since), (text, cut)

    def test_no_more_is_held_back_than_it_says(self, guard: Guard, harmless: Sequence[str]) -> None:
        """While nothing is under way."""
        for text in (*harmless, "x" * 5000, PROSE * 50):
            assert guard.settled(text, guard.inspect(text)) >= len(text) - guard.reach

    def test_strange_text_is_text(self, guard: Guard, examples: Sequence[tuple[str, str, str]]) -> None:
        """Nothing, halves of surrogate pairs, control characters: no error, and what stands among them is found."""
        assert places(guard.inspect("")) == []
        for strange in ("\ud800", "\udfff\x00", "\x00\x01\x1b[0m", "\ufffd\ufffe"):
            guard.inspect(strange)
            among = [(f"{strange} {text} {strange}", kind) for text, kind, _ in examples]
            assert [text for text, kind in among if kind not in {each.kind for each in guard.inspect(text)}] == []

    def test_hard_texts_take_time_by_their_length(self, guard: Guard, examples: Sequence[tuple[str, str, str]]) -> None:
        """Not by its square."""
        longest = max((text for text, _, _ in examples), key=len)
        for text in (*HARD, *(each * (LARGE // len(each)) for each in (longest, examples[0][0] + " ", examples[-1][0] + "\n"))):
            began = time.process_time()
            guard.settled(text, guard.inspect(text))
            assert time.process_time() - began < PATIENCE, text[:40]
