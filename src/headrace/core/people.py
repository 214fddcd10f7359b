"""People and their sessions, as the control store keeps them. Times are microseconds since 1970; hashes are SHA-256 in hex."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Final

SESSION_ID: Final = 16
"""Characters of a session's hash that may be shown and recorded: its id."""


@dataclass(frozen=True, slots=True)
class StoredPerson:
    """Somebody who came by import or by signing in, beside those of people.yaml. `groups` are Headrace's, given by the import or by
    joining. `user_name` is what the provider calls them; it is compared without regard to case."""

    tenant: str
    id: str
    user_name: str
    name: str = field(default="", repr=False)
    email: str = field(default="", repr=False)
    external: str = ""
    """The id of the resource in the file that was imported; empty for somebody who joined."""
    groups: tuple[str, ...] = ()
    active: bool = True
    origin: str = "import"
    """``import`` or ``sign-in``."""
    created_us: int = 0
    changed_us: int = 0


@dataclass(frozen=True, slots=True)
class Account:
    """Somebody at a provider: who that is here. The first sign-in ties the two; another account cannot become the same person, nor the
    same account another person, until an administrator unties them."""

    issuer: str
    subject: str
    tenant: str
    person: str
    name: str = field(default="", repr=False)
    email: str = field(default="", repr=False)
    first_us: int = 0
    last_us: int = 0


@dataclass(frozen=True, slots=True)
class StoredSession:
    """A console session: the hash of its token, whose it is, what opened it, and how long it holds.

    Opened by a key (`key_digest`), or by an account of a provider (`issuer`, `subject`, and `provider_session` where the provider named
    one). `groups` are groups at the provider, as its token said them.
    """

    digest: str
    tenant: str
    holder: str
    created_us: int
    seen_us: int
    expires_us: int
    key_digest: str | None = None
    issuer: str | None = None
    subject: str | None = None
    provider_session: str | None = None
    groups: tuple[str, ...] = ()
    key: str = ""
    """The public id of the key that opened it, where that was looked up."""

    @property
    def id(self) -> str:
        """What may be shown of it."""
        return self.digest[:SESSION_ID]
