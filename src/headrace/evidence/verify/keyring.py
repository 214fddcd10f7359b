"""Which key of a log was in force where, from keys that were pinned and the successions that the log shows.

A log changes its key by a record in itself: the act ``ledger.rotate_key``, which holds a signed note of four lines
(``headrace/succession/1``, the log's name, the old key, the new key) under which both keys have signed. Whoever pins any key of that chain
can follow it, forwards and backwards. A key signs receipts up to and with the record that retires it, and checkpoints up to and with the
tree that ends in that record; what it signs beyond is worth nothing.
"""

from __future__ import annotations

import itertools
from dataclasses import dataclass
from typing import TYPE_CHECKING, cast

from headrace.evidence.verify.notes import (
    Broken,
    Unreadable,
    VerifierKey,
    bytes_of,
    check_signature,
    leaf_hash,
    open_note,
    read_checkpoint,
    read_key,
    receipt_text,
    root_from_inclusion,
    text_of_note,
)
from headrace.evidence.verify.parts import integer, parsed, string, thing, things

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

SUCCESSION_DOMAIN = "headrace/succession/1"
ROTATION = "ledger.rotate_key"
SUCCESSION_LINES = 4


@dataclass(frozen=True)
class Reign:
    """A key, and where it signs: receipts of the records after `after`, up to and with `until` (None: to this day)."""

    key: VerifierKey
    after: int
    until: int | None

    def signs_record(self, sequence: int) -> bool:
        """Whether the receipt of this record is its to sign."""
        return self.after < sequence and (self.until is None or sequence <= self.until)

    def signs_tree(self, size: int) -> bool:
        """Whether the checkpoint over a tree of this size is its to sign. Two keys sign the tree that ends in their succession."""
        return self.after < size and (self.until is None or size <= self.until + 1)


def succession_text(log: str, old: str, new: str) -> str:
    """What both keys sign: the new key follows the old one. The keys in their C2SP form."""
    return f"{SUCCESSION_DOMAIN}\n{log}\n{old}\n{new}\n"


class Keyring:
    """The keys of one log that may be trusted: the pinned ones, and those that a succession leads to."""

    def __init__(self, reigns: Sequence[Reign]) -> None:
        self.reigns = reigns

    @property
    def keys(self) -> list[VerifierKey]:
        """Every key of it."""
        return [reign.key for reign in self.reigns]

    @property
    def name(self) -> str:
        """The log's name."""
        return self.reigns[0].key.name

    def check_receipt(self, log: str, sequence: int, leaf: str, time_us: int, signature: str) -> str:
        """Raises Broken unless the key that was in force there has signed it; the log's name."""
        keys = [reign for reign in self.reigns if reign.key.name == log]
        if not keys:
            msg = f"the receipt is of log {log}, the pinned key of {self.name}"
            raise Broken(msg)
        signed, message = bytes_of(signature, "its signature"), receipt_text(log, sequence, leaf, time_us)
        spoken: Broken | None = None
        for reign in keys:
            try:
                check_signature(reign.key, signed, message)
            except Broken as broken:
                spoken = spoken or broken
                continue
            if not reign.signs_record(sequence):
                raise Broken(_beyond(reign, f"record {sequence}"))
            return log
        raise spoken or Broken(log)

    def check_checkpoint(self, note: str) -> tuple[str, int, bytes]:
        """Origin, size and root of a checkpoint. Raises Broken unless a key that was in force at its size has signed it."""
        text, signers = open_note(note, *self.keys)
        origin, size, root = read_checkpoint(text)
        signed = [reign for reign in self.reigns if reign.key in signers and reign.key.name == origin]
        if not signed:
            msg = f"it is of log {origin}"
            raise Broken(msg)
        if not any(reign.signs_tree(size) for reign in signed):
            raise Broken(_beyond(signed[0], f"a tree of {size}"))
        return origin, size, root


def _beyond(reign: Reign, what: str) -> str:
    return f"the key {reign.key.id.hex()} signed it, and {what} is not its to sign: it signs after record {reign.after} to {reign.until}"


def pinned_alone(pinned: Sequence[VerifierKey]) -> Keyring:
    """What the pinned keys say by themselves: no succession is known, so each may sign anything. Raises Unreadable when there is none."""
    if not pinned:
        msg = "no key is pinned"
        raise Unreadable(msg)
    return Keyring([Reign(key, -1, None) for key in pinned])


class Successions:
    """The successions that a file shows under a checkpoint: records of the log, each with its place and its path to the root."""

    def __init__(self, parts: Mapping[str, object]) -> None:
        """Raises Unreadable when they are not of the form."""
        shown = things(parts, "succession") if "succession" in parts else []
        self.shown = [_Shown(cast("dict[str, object]", each) if isinstance(each, dict) else {}) for each in shown]

    def __bool__(self) -> bool:
        return bool(self.shown)

    def keyring(self, pinned: Sequence[VerifierKey]) -> Keyring:
        """The keys of the chain. Raises Broken when it does not hold together, or holds no pinned key."""
        alone = pinned_alone(pinned)
        if not self.shown:
            return alone
        ordered = sorted(self.shown, key=lambda each: each.index)
        keys = [each.keys() for each in ordered]
        for (_, before), (old, _) in itertools.pairwise(keys):
            if before.text != old.text:
                msg = "a succession begins with another key than the one before it ended with"
                raise Broken(msg)
        chain = [keys[0][0], *(new for _, new in keys)]
        if not {key.text for key in chain} & {key.text for key in pinned}:
            msg = "the chain of keys holds none that is pinned"
            raise Broken(msg)
        places = [-1, *(each.index for each in ordered)]
        ends: list[int | None] = [*places[1:], None]
        return Keyring([Reign(*each) for each in zip(chain, places, ends, strict=True)])

    def check(self, keyring: Keyring, root: bytes, size: int) -> str:
        """Raises Broken unless each of them is in the tree; what was found."""
        for each in self.shown:
            each.check(root, size)
        ids = " → ".join(key.id.hex() for key in keyring.keys)
        return f"the log's keys: {ids}, each signed for by its neighbour, and in the log"


class _Shown:
    """One succession as it is shown."""

    def __init__(self, parts: Mapping[str, object]) -> None:
        self.record = string(parts, "record")
        self.index = integer(parts, "index")
        self.hashes = [str(each) for each in things(parts, "hashes")]

    def keys(self) -> tuple[VerifierKey, VerifierKey]:
        """The old and the new key, both of which have signed. Raises Broken."""
        try:
            record = parsed(self.record)
            if record.get("kind") != "act" or record.get("act") != ROTATION:
                msg = "a record that is no succession is shown as one"
                raise Broken(msg)
            note = string(thing(record, "facts"), "note")
            lines = text_of_note(note).split("\n")
            if len(lines) != SUCCESSION_LINES + 1:
                msg = "a succession is not of its form"
                raise Broken(msg)
            old, new = read_key(lines[2]), read_key(lines[3])
        except (ValueError, RecursionError, Unreadable) as error:
            msg = f"a succession cannot be read ({error})"
            raise Broken(msg) from error
        text, signers = open_note(note, old, new)
        if text != succession_text(old.name, old.text, new.text) or old.name != new.name:
            msg = "a succession is not of its form"
            raise Broken(msg)
        if {key.id for key in signers} != {old.id, new.id}:
            msg = "a succession is not signed by both of its keys"
            raise Broken(msg)
        return old, new

    def check(self, root: bytes, size: int) -> None:
        path = [bytes_of(each, "a hash") for each in self.hashes]
        try:
            found = root_from_inclusion(leaf_hash(self.record.encode()), self.index, size, path)
        except ValueError as error:
            raise Broken(str(error)) from error
        if found != root:
            msg = f"the succession at record {self.index} is not in the tree of the checkpoint"
            raise Broken(msg)
