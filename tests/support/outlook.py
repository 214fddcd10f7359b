"""Mails as Outlook writes them (MSG): properties in a compound file. Small ones lie in the short sectors, as in real files."""

from __future__ import annotations

import struct
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from headrace.adapters.converters.containers.compound import Storage

FREE, END, TABLE = 0xFFFFFFFF, 0xFFFFFFFE, 0xFFFFFFFD
SECTOR, SHORT, CUTOFF = 512, 64, 4096


def compound(root: Storage) -> bytes:
    """A compound file of version 3 that holds this."""
    entries: list[list[int | str]] = []
    short, whole = bytearray(), bytearray()
    short_next: list[int] = []
    following: list[int] = []

    def chain(content: bytes, unit: int, into: bytearray, table: list[int]) -> int:
        if not content:
            return END
        first, count = len(table), -(-len(content) // unit)
        into += content.ljust(count * unit, b"\0")
        table += [*range(first + 1, first + count), END]
        return first

    def enter(name: str, value: bytes | Storage, kind: int) -> int:
        at = len(entries)
        entries.append([name, kind, FREE, FREE, FREE, END, 0])
        if isinstance(value, bytes):
            small = len(value) < CUTOFF
            start = chain(value, SHORT if small else SECTOR, short if small else whole, short_next if small else following)
            entries[at][5:] = [start, len(value)]
            return at
        before = -1
        for key, each in value.items():
            child = enter(key, each, 2 if isinstance(each, bytes) else 1)
            if before < 0:
                entries[at][4] = child
            else:
                entries[before][3] = child
            before = child
        return at

    enter("Root Entry", root, 5)
    entries[0][5:] = [chain(bytes(short), SECTOR, whole, following), len(short)]
    first_entry = chain(b"".join(map(_entry, entries)), SECTOR, whole, following)
    table = b"".join(struct.pack("<I", each) for each in short_next)
    first_short = chain(table + b"\xff" * (-len(table) % SECTOR), SECTOR, whole, following)
    return _with_tables(whole, following, first_entry, first_short)


def _with_tables(whole: bytearray, following: list[int], first_entry: int, first_short: int) -> bytes:
    """The sectors behind a head, and the tables that say which follows which."""
    tables = 1
    while tables * SECTOR // 4 < len(following) + tables:
        tables += 1
    at = [len(following) + n for n in range(tables)]
    following += [TABLE] * tables
    whole += b"".join(struct.pack("<I", each) for each in following).ljust(tables * SECTOR, b"\xff")
    head = struct.pack("<8s16xHHHHH6xIIIIIIIIII", b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", 0x3E, 3, 0xFFFE, 9, 6, 0, tables, first_entry, 0, CUTOFF, first_short, 1, END, 0, 0)  # fmt: skip  # noqa: E501
    return (head[:76] + struct.pack("<109I", *at, *[FREE] * (109 - tables))) + bytes(whole)


def _entry(entry: Sequence[int | str]) -> bytes:
    name, kind, left, right, below, start, size = entry
    words = str(name).encode("utf-16-le")
    return struct.pack("<64sHBBIII36xIQ", words, len(words) + 2, kind, 1, left, right, below, start, size)


def outlook(
    texts: Mapping[int, str | bytes],
    *,
    numbers: Mapping[int, int] | None = None,
    parts: Sequence[Storage] = (),
    people: Sequence[Storage] = (),
    head: int = 32,
) -> Storage:
    """A mail: texts (Unicode) and bytes by their tag, numbers by theirs, attachments and recipients."""
    made: Storage = {"__properties_version1.0": properties(numbers or {}, head)}
    for tag, value in texts.items():
        if isinstance(value, str):
            made[f"__substg1.0_{tag:04X}001F"] = value.encode("utf-16-le")
        else:
            made[f"__substg1.0_{tag:04X}0102"] = value
    made |= {f"__attach_version1.0_#{n:08X}": each for n, each in enumerate(parts)}
    return made | {f"__recip_version1.0_#{n:08X}": each for n, each in enumerate(people)}


def properties(numbers: Mapping[int, int], head: int) -> bytes:
    """The properties of fixed size."""
    return bytes(head) + b"".join(struct.pack("<HHIQ", 3, tag, 6, value) for tag, value in numbers.items())


def attachment(name: str, content: bytes) -> Storage:
    """A file that is attached."""
    return outlook({0x3707: name, 0x3701: content}, head=8)


def embedded(inner: Storage) -> Storage:
    """A mail, or an object of another program, that is attached."""
    return {**outlook({}, head=8), "__substg1.0_3701000D": inner}


def person(name: str, address: str, kind: int) -> Storage:
    """A recipient: 1 to, 2 copy, 3 blind copy."""
    return outlook({0x3001: name, 0x39FE: address}, numbers={0x0C15: kind}, head=8)
