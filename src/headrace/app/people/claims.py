"""What a provider's claims say of somebody, and who that is here."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, cast

from headrace.core.errors import Forbidden

if TYPE_CHECKING:
    from collections.abc import Mapping

    from headrace.config.identity import Identity, SignIn
    from headrace.policy.people import Member, Roster

MOST_GROUPS: Final = 1000
_LONGEST: Final = 254
_ASK: Final = "Ask an administrator of Headrace."


@dataclass(frozen=True, slots=True)
class Claimed:
    """Somebody, as their provider describes them. `groups` are those at the provider that mean something here."""

    subject: str
    user_name: str
    tenant: str | None
    name: str
    email: str
    groups: tuple[str, ...]
    provider_session: str | None


def claimed(claims: Mapping[str, object], form: SignIn, identity: Identity) -> Claimed:
    """What the claims of a checked token say. Raises Forbidden when they do not say who it is."""
    words = form.claims
    user_name = claims.get(words.person)
    if not isinstance(user_name, str) or not 0 < len(user_name) <= _LONGEST or not user_name.isprintable():
        message = f'Your provider does not say who you are: its token has no usable "{words.person}".'
        raise Forbidden(message, code="identity.no_name", mend=_ASK)
    if words.person == "email" and claims.get("email_verified") is not True:
        message = "Your provider does not vouch for your e-mail address."
        raise Forbidden(message, code="identity.no_name", mend="Confirm the address there, or ask an administrator of Headrace.")
    tenant = claims.get(words.tenant) if words.tenant is not None else None
    if words.tenant is not None and not isinstance(tenant, str):
        message = "Your provider does not say which tenant you belong to."
        raise Forbidden(message, code="identity.no_tenant", mend=_ASK)
    session = claims.get("sid")
    return Claimed(
        subject=str(claims["sub"]),
        user_name=user_name,
        tenant=cast("str | None", tenant),
        name=_text(claims.get(words.name)),
        email=_text(claims.get(words.email)),
        groups=_groups(claims.get(words.groups), identity),
        provider_session=session if isinstance(session, str) and len(session) <= _LONGEST else None,
    )


def known(said: Claimed, roster: Roster) -> Member | None:
    """Who that is here; None when nobody is. Raises Forbidden when several may be meant, or they may not come in."""
    if said.tenant is not None and said.tenant not in roster.members.tenants:
        message = "Your provider names a tenant that is not here."
        raise Forbidden(message, code="identity.no_tenant", mend=_ASK)
    found = roster.called(said.user_name, said.tenant)
    if len(found) > 1:
        message = "More than one person here is called as your provider calls you."
        raise Forbidden(message, code="identity.several_people", mend=_ASK)
    if found and not found[0].active:
        message = "You may not come in any more."
        raise Forbidden(message, code="identity.not_active", mend=_ASK)
    return found[0] if found else None


def _groups(value: object, identity: Identity) -> tuple[str, ...]:
    listed = cast("list[object]", value) if isinstance(value, list) else [value]
    return tuple(dict.fromkeys(each for each in listed[:MOST_GROUPS] if isinstance(each, str) and each in identity.groups))


def _text(value: object) -> str:
    return value[:_LONGEST] if isinstance(value, str) and value.isprintable() else ""
