"""A log against itself: whether today's checkpoint goes on from one that was kept, with nothing rewritten, taken away or branched off."""

from __future__ import annotations

from typing import TYPE_CHECKING

from headrace.evidence.verify.keyring import Keyring, Successions, pinned_alone
from headrace.evidence.verify.notes import Broken, VerifierKey, bytes_of, consistent, read_checkpoint, text_of_note
from headrace.evidence.verify.parts import Link, link, string, things

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

GROWTH_LINKS = ("kept", "checkpoint", "consistency")
"""And ``succession``, first, where the log's key has changed."""


def verify_growth(parts: Mapping[str, object], kept: str, *pinned: VerifierKey) -> list[Link]:
    """Check a growth (today's checkpoint, and the proof that leads to it) against a checkpoint that was kept. Raises Unreadable."""
    now = string(parts, "checkpoint")
    hashes = [str(each) for each in things(parts, "consistency")]
    successions, keyring, links = Successions(parts), pinned_alone(pinned), list[Link]()

    def goes_on(old: int, new: int, old_root: bytes, root: bytes) -> bool:
        return consistent(old, new, old_root, root, [bytes_of(each, "a hash") for each in hashes])

    if successions:
        try:
            keyring = successions.keyring(pinned)
        except Broken as broken:
            links.append(Link("succession", holds=False, why=str(broken)))
        else:
            links.append(link("succession", lambda: _succession_since(successions, keyring, now)))
    return [
        *links,
        link("kept", lambda: told(keyring, kept)),
        link("checkpoint", lambda: told(keyring, now)),
        link("consistency", lambda: check_growth(kept, now, goes_on)),
    ]


def told(keyring: Keyring, note: str) -> str:
    """Whose checkpoint it is, and how large. Raises Broken."""
    origin, size, _ = keyring.check_checkpoint(note)
    return f"signed by {origin}, {size} records"


def check_growth(kept: str, now: str, goes_on: Callable[[int, int, bytes, bytes], bool]) -> str:
    """Raises Broken, saying how, when the tree of `now` does not begin with that of `kept`; `goes_on` tells by both sizes and roots."""
    old_origin, old, old_root = read_checkpoint(text_of_note(kept))
    origin, new, root = read_checkpoint(text_of_note(now))
    if old_origin != origin:
        msg = f"another log: the kept checkpoint is of {old_origin}, this one of {origin}"
        raise Broken(msg)
    if new < old:
        msg = f"truncated: {old} records were signed for, and {new} are left"
        raise Broken(msg)
    if new == old and root != old_root:
        msg = f"forked: two trees of {new} records, and they are not the same"
        raise Broken(msg)
    if not goes_on(old, new, old_root, root):
        msg = f"rewritten: the tree of {new} records does not begin with the {old} that were signed for"
        raise Broken(msg)
    return f"the first {old} of {new} records are those that were signed for"


def _succession_since(successions: Successions, keyring: Keyring, now: str) -> str:
    _, size, root = read_checkpoint(text_of_note(now))
    return successions.check(keyring, root, size)
