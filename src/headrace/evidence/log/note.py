"""C2SP signed notes and checkpoints: the log's key, and what it signs."""

from __future__ import annotations

import base64
import os
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from headrace.core.errors import OperationFailed
from headrace.evidence.log.files import KEY_FILE, VKEY_FILE
from headrace.evidence.verify.notes import ED25519, key_id, receipt_text

if TYPE_CHECKING:
    from pathlib import Path


@dataclass(frozen=True)
class LogKey:
    """The log's private key, under its name (which is the checkpoints' origin)."""

    name: str
    private: Ed25519PrivateKey = field(repr=False)

    @property
    def public(self) -> bytes:
        """The 32 bytes of the public key (RFC 8032)."""
        return self.private.public_key().public_bytes_raw()

    @property
    def vkey(self) -> str:
        """The verifier key in its C2SP form: what others pin."""
        encoded = base64.b64encode(bytes([ED25519]) + self.public).decode()
        return f"{self.name}+{key_id(self.name, self.public).hex()}+{encoded}"

    @property
    def id(self) -> bytes:
        """Its C2SP key id."""
        return key_id(self.name, self.public)

    @classmethod
    def new(cls, name: str) -> LogKey:
        """A key that never was, under this name."""
        return cls(name, Ed25519PrivateKey.generate())

    def sign_note(self, text: str) -> str:
        """The note: text, blank line, signature line. `text` ends in a newline."""
        return f"{text}\n{self._line(text)}"

    def sign_too(self, note: str) -> str:
        """The note with this key's signature under those that it has."""
        return note + self._line(note.rpartition("\n\n")[0] + "\n")

    def _line(self, text: str) -> str:
        signature = base64.b64encode(self.id + self.private.sign(text.encode())).decode()
        return f"— {self.name} {signature}\n"

    def checkpoint(self, size: int, root: bytes) -> str:
        """The signed checkpoint of a tree (C2SP tlog-checkpoint)."""
        return self.sign_note(f"{self.name}\n{size}\n{base64.b64encode(root).decode()}\n")

    def sign_receipt(self, sequence: int, leaf: str, time_us: int) -> str:
        """A receipt's signature, base64."""
        return base64.b64encode(self.private.sign(receipt_text(self.name, sequence, leaf, time_us))).decode()


def load_or_create(folder: Path, *, may_create: bool) -> LogKey:
    """The log's key; made on first use with mode 0600, its public half beside it in ``log.vkey``.

    The log's name is ``headrace.local/`` and eight random bytes: two installations never share one. Raises OperationFailed when the file
    is not a key, or is gone and `may_create` says that there are records signed with it; OSError.
    """
    path = folder / KEY_FILE
    try:
        content = path.read_text(encoding="utf-8")
    except FileNotFoundError:
        if not may_create:
            raise _lost(path, "is gone") from None
        return _create(folder)
    except ValueError as error:
        raise _lost(path, "cannot be read") from error
    try:
        key = _parsed(content)
    except ValueError as error:
        raise _lost(path, "cannot be read") from error
    published = _published(folder)
    if published is None:
        write_public(folder / VKEY_FILE, key)
    elif published != key.vkey:
        raise _lost(path, f"is not the one of {VKEY_FILE}")
    return key


def _lost(path: Path, how: str) -> OperationFailed:
    return OperationFailed(
        f"The log's signing key {how}.",
        code="ledger.bad_key",
        param=str(path),
        mend="Restore it from your backup. To begin a new log instead, move the whole folder aside.",
    )


def _published(folder: Path) -> str | None:
    try:
        return (folder / VKEY_FILE).read_text(encoding="utf-8").strip()
    except (FileNotFoundError, ValueError):
        return None


def _create(folder: Path) -> LogKey:
    key = LogKey.new(f"headrace.local/{os.urandom(8).hex()}")
    write_public(folder / VKEY_FILE, key)
    write_private(folder / KEY_FILE, key)
    return key


def read_private(path: Path) -> LogKey | None:
    """The key in this file; None when it holds none. Raises OSError."""
    try:
        return _parsed(path.read_text(encoding="utf-8"))
    except ValueError:
        return None


def write_private(path: Path, key: LogKey) -> None:
    """The key, for its owner alone; whole and on disk. Raises OSError."""
    seed = base64.b64encode(key.private.private_bytes_raw()).decode()
    _write(path, f"{key.name} {seed}\n", 0o600)


def write_public(path: Path, key: LogKey) -> None:
    """What others pin; whole and on disk. Raises OSError."""
    _write(path, f"{key.vkey}\n", 0o644)


def _parsed(content: str) -> LogKey:
    """Raises ValueError."""
    name, seed = content.split()
    return LogKey(name, Ed25519PrivateKey.from_private_bytes(base64.b64decode(seed, validate=True)))


def _write(path: Path, content: str, mode: int) -> None:
    """Whole and on disk, or not there."""
    temporary = path.with_suffix(path.suffix + ".new")
    descriptor = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, mode)
    try:
        os.write(descriptor, content.encode())
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
    temporary.replace(path)
    sync_folder(path.parent)


def sync_folder(folder: Path) -> None:
    """Make what was created or renamed in a folder durable. Raises OSError."""
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
