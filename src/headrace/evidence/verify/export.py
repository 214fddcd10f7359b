"""An exported log: a folder, or a tar file, of a checkpoint, tiles and entries (C2SP tlog-tiles), checked whole and offline.

Every hash of a tile above the lowest level is the root over the tile below it, the tree's right edge folds to the checkpoint's root, and
every record that is there hashes to its place. Tiles of the lowest level may be left out where their records are; what they would hold is
vouched for by the level above.
"""

from __future__ import annotations

import re
import tarfile
from dataclasses import dataclass
from typing import TYPE_CHECKING

from headrace.evidence.verify.growth import check_growth, told
from headrace.evidence.verify.keyring import Keyring, Successions, pinned_alone
from headrace.evidence.verify.notes import (
    Broken,
    Unreadable,
    VerifierKey,
    complete_subtrees,
    fold,
    leaf_hash,
    read_checkpoint,
    text_of_note,
)
from headrace.evidence.verify.parts import Link, link, parsed, why

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from pathlib import Path

FULL = 256
HASH = 32
TILE_HEIGHT = 8
LENGTH_BYTES = 2
LARGEST_FILE = 1 << 25
SUCCESSION_FILE = "succession.json"
EXPORT_LINKS = ("checkpoint", "tree", "records")
"""And ``succession``, first, where the log's key has changed; and ``consistency``, last, when a kept checkpoint is given."""


class Exported:
    """The files of an export. Nothing is unpacked; names that no tile has are passed over."""

    def __init__(self, path: Path) -> None:
        """Raises Unreadable."""
        self.files: dict[str, bytes] = {}
        try:
            if path.is_dir():
                self._folder(path)
            else:
                self._tar(path)
        except (OSError, EOFError, tarfile.TarError) as error:
            msg = f"{path} cannot be read as a folder or tar file of a log ({why(error)})"
            raise Unreadable(msg) from error
        if "checkpoint" not in self.files:
            msg = f"{path} holds no checkpoint"
            raise Unreadable(msg)

    def text(self, name: str) -> str:
        """A file's text. Raises Unreadable."""
        try:
            return self.files[name].decode()
        except ValueError as error:
            msg = f"{name} is not in UTF-8"
            raise Unreadable(msg) from error

    def successions(self) -> Mapping[str, object]:
        """What is shown of successions. Raises Unreadable."""
        if SUCCESSION_FILE not in self.files:
            return {}
        try:
            return parsed(self.text(SUCCESSION_FILE))
        except (ValueError, RecursionError) as error:
            msg = f"{SUCCESSION_FILE} cannot be read as JSON"
            raise Unreadable(msg) from error

    def _folder(self, path: Path) -> None:
        for each in path.rglob("*"):
            if each.is_file():
                self._keep(each.relative_to(path).as_posix(), each.stat().st_size, each.read_bytes)

    def _tar(self, path: Path) -> None:
        with tarfile.open(path) as tar:
            for member in tar:
                held = tar.extractfile(member) if member.isfile() else None
                if held is not None:
                    self._keep(member.name.removeprefix("./"), member.size, held.read)

    def _keep(self, name: str, size: int, read: Callable[[], bytes]) -> None:
        if not re.fullmatch(rf"checkpoint|{re.escape(SUCCESSION_FILE)}|tile/.+", name):
            return
        if size > LARGEST_FILE or name in self.files:
            msg = f"{name} stands twice, or is too large"
            raise Unreadable(msg)
        self.files[name] = read()


@dataclass(frozen=True)
class Tree:
    """The tree of an export, read from its tiles."""

    files: Mapping[str, bytes]
    size: int

    def tile(self, level: int, index: int) -> bytes | None:
        """A tile's hashes, as wide as the tree has them; None when it is not there. Raises Broken when it has another length."""
        width = min(FULL, (self.size >> (TILE_HEIGHT * level)) - index * FULL)
        name = tile_name(str(level), index, width)
        found = self.files.get(name)
        if found is not None and len(found) != width * HASH:
            msg = f"{name} has {len(found)} bytes, not {width * HASH}"
            raise Broken(msg)
        return found

    def node(self, height: int, index: int) -> bytes:
        """The root of the complete subtree of 2^height leaves at this place. Raises Broken when its tile is missing."""
        level, above = divmod(height, TILE_HEIGHT)
        first = index << above
        tile = self.tile(level, first // FULL)
        if tile is None:
            msg = f"a tile of level {level} is missing: {first // FULL}"
            raise Broken(msg)
        at = first % FULL
        return _root([tile[n * HASH : (n + 1) * HASH] for n in range(at, at + (1 << above))])

    def root(self, size: int) -> bytes:
        """The root over the first `size` leaves."""
        return fold([self.node(level, index) for level, index in complete_subtrees(0, size)])


def verify_export(exported: Exported, kept: str | None, *pinned: VerifierKey) -> list[Link]:
    """Check an export; with a checkpoint that was `kept`, also that the log goes on from it. Raises Unreadable."""
    note, successions = exported.text("checkpoint"), Successions(exported.successions())
    keyring, links = pinned_alone(pinned), list[Link]()
    if successions:
        try:
            keyring = successions.keyring(pinned)
        except Broken as broken:
            links.append(Link("succession", holds=False, why=str(broken)))
        else:
            links.append(link("succession", lambda: _succession_of_export(successions, keyring, note)))
    links.append(link("checkpoint", lambda: told(keyring, note)))
    links.append(link("tree", lambda: _tree(exported, note)))
    links.append(link("records", lambda: _records(exported, note)))
    if kept is not None:
        links.append(link("kept", lambda: told(keyring, kept)))
        links.append(link("consistency", lambda: _consistency(exported, note, kept)))
    return links


def _succession_of_export(successions: Successions, keyring: Keyring, note: str) -> str:
    _, size, root = read_checkpoint(text_of_note(note))
    return successions.check(keyring, root, size)


def _grown(exported: Exported, note: str) -> tuple[Tree, bytes]:
    _, size, root = read_checkpoint(text_of_note(note))
    return Tree(exported.files, size), root


def _tree(exported: Exported, note: str) -> str:
    tree, root = _grown(exported, note)
    if tree.root(tree.size) != root:
        msg = "the tiles do not fold to the checkpoint's root"
        raise Broken(msg)
    count = 0
    for level in reversed(range(-(-tree.size.bit_length() // TILE_HEIGHT))):  # from the top: no more is looked for than is vouched for
        for index in range(-(-(tree.size >> (TILE_HEIGHT * level)) // FULL)):
            count += _check_tile(tree, level, index)
    return f"{count} tiles fold to the root over {tree.size} records"


def _check_tile(tree: Tree, level: int, index: int) -> int:
    """1 when the tile is there and is what the level above says; 0 when it is of the lowest level and left out. Raises Broken."""
    tile = tree.tile(level, index)
    if tile is None:
        if level:
            msg = f"a tile of level {level} is missing: {index}"
            raise Broken(msg)
        return 0
    full = len(tile) == FULL * HASH
    if full and _root([tile[at : at + HASH] for at in range(0, len(tile), HASH)]) != tree.node(TILE_HEIGHT * (level + 1), index):
        msg = f"tile {index} of level {level} is not the one that the level above it was made from"
        raise Broken(msg)
    return 1


def _records(exported: Exported, note: str) -> str:
    tree, _ = _grown(exported, note)
    count = 0
    for name, content in sorted(exported.files.items()):  # a checkpoint that nobody signed may speak of more than can be counted
        index = _place_of_entries(name)
        width = min(FULL, tree.size - index * FULL)
        if index < 0 or width < 1 or name != tile_name("entries", index, width):
            continue
        tile = tree.tile(0, index)
        hashes = b"".join(leaf_hash(entry) for entry in entries_of(content))
        if tile is None or hashes != tile:
            msg = f"the records from {index * FULL} on are not those that were hashed"
            raise Broken(msg)
        count += width
    return f"{count} of {tree.size} records are here, and each hashes to its place" if count else "no records are here, hashes alone"


def _place_of_entries(name: str) -> int:
    """Which bundle of entries a file is by its name, whatever its width; -1 when it is none."""
    found = re.fullmatch(r"tile/entries/((?:x\d{3}/){0,5}\d{3})(?:\.p/\d+)?", name, re.ASCII)
    return int(found[1].replace("x", "").replace("/", "")) if found else -1


def entries_of(content: bytes) -> list[bytes]:
    """The entries of a bundle: each after its length, two bytes, big-endian. Raises Broken."""
    found: list[bytes] = []
    at = 0
    while at < len(content):
        length = int.from_bytes(content[at : at + LENGTH_BYTES], "big")
        entry = content[at + LENGTH_BYTES : at + LENGTH_BYTES + length]
        if at + LENGTH_BYTES > len(content) or len(entry) != length:
            msg = "a bundle of entries ends in the middle of one"
            raise Broken(msg)
        found.append(entry)
        at += LENGTH_BYTES + length
    return found


def _consistency(exported: Exported, note: str, kept: str) -> str:
    tree, _ = _grown(exported, note)
    return check_growth(kept, note, lambda old, _new, old_root, _root: tree.root(old) == old_root)


def tile_name(level: str, index: int, width: int) -> str:
    """How C2SP tlog-tiles names a tile."""
    digits = str(index)
    digits = digits.zfill(-(-len(digits) // 3) * 3)
    steps = [digits[at : at + 3] for at in range(0, len(digits), 3)]
    partial = "" if width == FULL else f".p/{width}"
    return f"tile/{level}/{'/'.join([*(f'x{step}' for step in steps[:-1]), steps[-1]])}{partial}"


def _root(hashes: list[bytes]) -> bytes:
    """The root over a power of two of hashes."""
    while len(hashes) > 1:
        pairs = zip(hashes[::2], hashes[1::2], strict=True)
        hashes = [_pair(*pair) for pair in pairs]
    return hashes[0]


def _pair(left: bytes, right: bytes) -> bytes:
    return fold([left, right])
