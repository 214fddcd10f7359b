"""``identity`` in headrace.yaml: how people sign in, and for how long."""

from __future__ import annotations

from typing import Annotated, Literal
from urllib.parse import urlsplit

from pydantic import BeforeValidator, Field, field_validator

from headrace.config.form import DurationField, Form, Name
from headrace.config.units import read_duration

LOOPBACK = frozenset({"localhost", "127.0.0.1", "::1"})
"""Hosts that are this machine: only to them is a provider spoken to without TLS."""
JOINERS = "members"
"""The group of somebody who joined by signing in."""


def _several(value: object) -> object:
    return [value] if isinstance(value, str) else value


GroupNames = Annotated[tuple[Name, ...], BeforeValidator(_several, json_schema_input_type=Name | tuple[Name, ...])]


class Claims(Form):
    """Which claim of the provider's ID token says what."""

    person: str = Field(
        default="preferred_username", min_length=1, description="Who it is; email counts only where email_verified is true."
    )
    tenant: str | None = Field(default=None, min_length=1, description="The tenant; left out: the one in which they are known.")
    name: str = Field(default="name", min_length=1, description="What people call them.")
    email: str = Field(default="email", min_length=1, description="Their address, shown to administrators.")
    groups: str = Field(default="groups", min_length=1, description="Their groups at the provider.")


class SignIn(Form):
    """A provider of OpenID Connect, with which people sign in to the console."""

    name: str = Field(default="", max_length=60, description="As the button calls it; left out: the issuer's host.")
    issuer: Annotated[str, Field(pattern=r"^https?://[^\s?#]+$")] = Field(
        description="The provider's issuer, to the letter; https, or http on this machine."
    )
    client: str = Field(min_length=1, description="The client id under which Headrace is registered there.")
    secret: Annotated[str, Field(pattern=r"^(env:[A-Z][A-Z0-9_]*|file:/.+)$")] | None = Field(
        default=None, description="env:NAME or file:/path: where the client's secret is. Never the secret itself. Left out: PKCE alone."
    )
    scopes: tuple[Annotated[str, Field(pattern=r"^[\x21\x23-\x5b\x5d-\x7e]+$")], ...] = Field(
        default=("openid", "profile", "email"), min_length=1, description="Scopes that are asked for; openid is always among them."
    )
    claims: Claims = Field(default_factory=Claims, description="Which claim says what.")
    algorithms: tuple[Literal["RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "ES256", "ES384", "ES512", "EdDSA"], ...] = Field(
        default=("RS256", "ES256"), min_length=1, description="Signatures that are believed."
    )
    clock_skew: DurationField = Field(
        default_factory=lambda: read_duration("60 s"),
        alias="clock skew",
        json_schema_extra={"default": "60 s"},
        description="How far the provider's clock may be from ours.",
    )

    @field_validator("issuer")
    @classmethod
    def _encrypted(cls, value: str) -> str:
        parts = urlsplit(value)
        if parts.scheme == "http" and parts.hostname not in LOOPBACK:
            msg = "a provider is reached over https; only one on this machine may use http"
            raise ValueError(msg)
        return value

    @property
    def called(self) -> str:
        """As people know the provider."""
        return self.name or urlsplit(self.issuer).hostname or self.issuer


class SessionLimits(Form):
    """How long somebody who signed in stays so."""

    idle: DurationField = Field(
        default_factory=lambda: read_duration("2 h"),
        json_schema_extra={"default": "2 h"},
        description="Without a request for so long, a session is over.",
    )
    longest: DurationField = Field(
        default_factory=lambda: read_duration("8 h"),
        json_schema_extra={"default": "8 h"},
        description="A session is over by then in any case.",
    )


class Identity(Form):
    """How people sign in, and what their groups elsewhere mean here."""

    sign_in: SignIn | None = Field(default=None, alias="sign in", description="A provider of OpenID Connect; left out: keys alone.")
    groups: dict[str, GroupNames] = Field(
        default_factory=dict, description="A group at the provider, or in a file that is imported, and the group or groups it means here."
    )
    unknown_people: Literal["refuse", "join as member"] = Field(
        default="refuse",
        alias="unknown people",
        description="Somebody whom the provider knows and nobody here does. join as member: they get the group members.",
    )
    sessions: SessionLimits = Field(default_factory=SessionLimits, description="How long somebody who signed in stays so.")
