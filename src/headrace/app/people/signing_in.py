"""Signing in with the provider that headrace.yaml names: there with a code challenge, back with a code, in with a session.

State, nonce and code verifier are three derivations of one secret, which only the browser has. So whoever did not begin a sign-in cannot
end it, a code that was caught on its way is worth nothing, and no memory of sign-ins under way can be filled by a stranger.
"""

from __future__ import annotations

import asyncio
import base64
import hashlib
import hmac
from typing import TYPE_CHECKING
from urllib.parse import urlencode

from headrace.adapters.identity import faults
from headrace.adapters.identity.provider import OpenIdProvider
from headrace.app.people.claims import claimed, known
from headrace.core.errors import Forbidden, NotFound, Unauthenticated
from headrace.core.people import Account
from headrace.policy.people import Roster

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from headrace.adapters.identity.provider import Discovery
    from headrace.adapters.stores.control import ControlStore
    from headrace.app.people.claims import Claimed
    from headrace.app.people.joining import Joining
    from headrace.config.identity import SignIn
    from headrace.config.model import Workspace
    from headrace.core.ports import Clock
    from headrace.policy.people import Member
    from headrace.policy.sessions import ConsoleSessions


class ProviderSignIns:
    """Sign-ins of one gateway. Port :class:`headrace.app.http.ports.identity.SignIns`."""

    def __init__(
        self, workspace: Callable[[], Workspace], store: ControlStore, sessions: ConsoleSessions, joining: Joining, clock: Clock
    ) -> None:
        self._workspace = workspace
        self._store = store
        self._sessions = sessions
        self._joining = joining
        self._clock = clock
        self._provider: OpenIdProvider | None = None

    @property
    def provider(self) -> str | None:
        """The provider's name; None where there is none."""
        form = self._workspace().root.identity.sign_in
        return form.called if form is not None else None

    @property
    def lasts_s(self) -> float:
        """Seconds that a session lasts at most."""
        return self._workspace().root.identity.sessions.longest.seconds

    async def begin(self, secret: str, redirect: str) -> str:
        """The provider's address to go to."""
        provider = self._open()
        form, found = provider.form, await provider.discovered()
        challenge = base64.urlsafe_b64encode(hashlib.sha256(_of(secret, "verifier").encode()).digest()).rstrip(b"=").decode()
        asked = {
            "response_type": "code",
            "client_id": form.client,
            "redirect_uri": redirect,
            "scope": " ".join(dict.fromkeys(("openid", *form.scopes))),
            "state": _of(secret, "state"),
            "nonce": _of(secret, "nonce"),
            "code_challenge": challenge,
            "code_challenge_method": "S256",
        }
        return _at(found.authorization_endpoint, asked)

    async def finish(self, secret: str, redirect: str, came: Mapping[str, str]) -> str:
        """The token of a new session."""
        provider = self._open()
        _require_begun_here(secret, came)
        _require_from(provider.form, await provider.discovered(), came)
        if "error" in came:
            raise faults.of_word(came["error"])
        token = await provider.exchange(came.get("code", ""), _of(secret, "verifier"), redirect)
        from headrace.adapters.identity import tokens  # noqa: PLC0415  brings the cryptography along

        claims = await tokens.identity(token, provider, self._clock, _of(secret, "nonce"))
        workspace = self._workspace()
        said = claimed(claims, provider.form, workspace.root.identity)
        member = await self._member(said, provider.form.issuer, workspace)
        now = self._clock.now_us()
        account = Account(provider.form.issuer, said.subject, member.tenant, member.id, said.name, said.email, now, now)
        return await self._sessions.begin_for(account, said.groups, said.provider_session, self.lasts_s)

    async def farewell(self, back: str) -> str | None:
        """The provider's address at which one signs out there too. No token is kept that could be sent along, so it may ask."""
        provider = self._open()
        found = await provider.discovered()
        if found.end_session_endpoint is None:
            return None
        return _at(found.end_session_endpoint, {"client_id": provider.form.client, "post_logout_redirect_uri": back})

    async def signed_out(self, token: str) -> int:
        """End the sessions of whom the provider's logout token names."""
        provider = self._open()
        from headrace.adapters.identity import tokens  # noqa: PLC0415  brings the cryptography along

        subject, session = await tokens.logout(token, provider, self._clock)
        return await asyncio.to_thread(self._store.sessions.end_at_provider, provider.form.issuer, subject, session)

    def _open(self) -> OpenIdProvider:
        """The provider of the revision in force; another one when the revision says so. Raises NotFound where there is none."""
        form = self._workspace().root.identity.sign_in
        if form is None:
            message = "Here one signs in with a key."
            raise NotFound(message, code="identity.no_provider", mend="headrace.yaml may name a provider under identity.")
        if self._provider is None or self._provider.form != form:
            self._provider = OpenIdProvider(form, self._clock)
        return self._provider

    async def _member(self, said: Claimed, issuer: str, workspace: Workspace) -> Member:
        """Who that is here; somebody new where newcomers are let in. Raises Forbidden."""
        roster = Roster(workspace, self._store.people)
        found = known(said, roster)
        if found is not None and roster.taken_by_another(found.tenant, found.id):
            message = "Somebody else has joined under your name here before."
            raise Forbidden(message, code="identity.person_taken", mend="An administrator can untie the two: headrace people untie.")
        if found is not None:
            return found
        if self._store.people.account(issuer, said.subject) is not None:
            message = "Your provider now gives you another name than the one you signed in with before."
            raise Forbidden(message, code="identity.name_changed", mend="An administrator can untie the two: headrace people untie.")
        if workspace.root.identity.unknown_people == "refuse":
            message = f'Your provider calls you "{said.user_name}", and nobody here is called so.'
            raise Forbidden(message, code="identity.unknown_person", mend="Ask an administrator to add you, and sign in again.")
        return await self._joining.join(said, roster)


def _require_begun_here(secret: str, came: Mapping[str, str]) -> None:
    if not hmac.compare_digest(_of(secret, "state").encode(), came.get("state", "").encode()):
        message = "This sign-in was not begun in this browser."
        raise Unauthenticated(message, code="identity.foreign_sign_in", mend=faults.AGAIN)


def _require_from(form: SignIn, found: Discovery, came: Mapping[str, str]) -> None:
    """The answer names its issuer, where the provider says that it does (RFC 9207)."""
    said = came.get("iss")
    if said is None and not found.authorization_response_iss_parameter_supported:
        return
    if said != form.issuer:
        raise faults.not_believed("the answer is of another issuer")


def _of(secret: str, purpose: str) -> str:
    """43 characters that only whoever has the secret can make (base64url of an HMAC)."""
    made = hmac.new(secret.encode(), f"headrace sign-in {purpose}".encode(), hashlib.sha256).digest()
    return base64.urlsafe_b64encode(made).rstrip(b"=").decode()


def _at(address: str, asked: Mapping[str, str]) -> str:
    """The address with these fields, beside those that it has."""
    return f"{address}{'&' if '?' in address else '?'}{urlencode(asked)}"
