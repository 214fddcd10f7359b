"""One provider of OpenID Connect, as far as a sign-in needs it: its published description, its keys, and the exchange of a code.

Nothing that it sends is believed beyond its form, and no answer is followed elsewhere. What it publishes is remembered: the description
for an hour, its keys for ten minutes; a token with a key that is not among them makes us look again, at most every half minute.
"""

from __future__ import annotations

import base64
import os
from pathlib import Path
from typing import TYPE_CHECKING, Final, TypeVar
from urllib.parse import quote, urlencode, urlsplit

import msgspec

from headrace.adapters.http.client import Client
from headrace.adapters.http.faults import ExchangeFailed, NotHttp, TooLong
from headrace.adapters.http.reach import Site
from headrace.adapters.identity import faults
from headrace.config.identity import LOOPBACK

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from headrace.config.identity import SignIn
    from headrace.core.ports import Clock

DISCOVERY_LASTS_S: Final = 3600.0
KEYS_LAST_S: Final = 600.0
LOOK_AGAIN_S: Final = 30.0
"""Between two looks for a key that was not there."""
MOST: Final = 256 * 1024
"""Bytes of one answer."""
WITHIN_S: Final = 5.0
_OK: Final = 200
_LONGEST_SECRET: Final = 4096

T = TypeVar("T")
Jwk = dict[str, object]


class Discovery(msgspec.Struct):
    """What a provider says of itself (OpenID Connect Discovery 1.0), as far as we use it."""

    issuer: str
    authorization_endpoint: str
    token_endpoint: str
    jwks_uri: str
    end_session_endpoint: str | None = None
    token_endpoint_auth_methods_supported: list[str] | None = None
    code_challenge_methods_supported: list[str] | None = None
    authorization_response_iss_parameter_supported: bool = False


class _Keys(msgspec.Struct):
    keys: list[Jwk]


class _Tokens(msgspec.Struct):
    id_token: str


class _Refusal(msgspec.Struct):
    error: str = ""


class OpenIdProvider:
    """A provider. For one event loop."""

    def __init__(self, form: SignIn, clock: Clock) -> None:
        self.form = form
        self._clock = clock
        self._discovered: tuple[float, Discovery] | None = None
        self._keys: tuple[float, Sequence[Jwk]] | None = None
        self._missed: float | None = None
        """When we last looked again for a key that was not there."""

    async def discovered(self) -> Discovery:
        """What it says of itself. An older word stands while it cannot be asked. Raises Unavailable, UpstreamFailed."""
        now = self._clock.monotonic()
        if self._discovered is not None and now - self._discovered[0] < DISCOVERY_LASTS_S:
            return self._discovered[1]
        found = await self._get(f"{self.form.issuer.rstrip('/')}/.well-known/openid-configuration", Discovery, "description")
        if found.issuer != self.form.issuer:
            raise faults.garbage("description is of another issuer")
        for address in (found.authorization_endpoint, found.token_endpoint, found.jwks_uri, found.end_session_endpoint):
            if address is not None and not _safe(address):
                raise faults.garbage("description has an address without https")
        self._discovered = (now, found)
        return found

    async def key(self, kid: str | None) -> Jwk:
        """Its key of this id; without an id, its only key. Raises Unauthenticated when it has none, Unavailable, UpstreamFailed."""
        now = self._clock.monotonic()
        if self._keys is None or now - self._keys[0] >= KEYS_LAST_S:
            await self._look(now)
        found = self._among(kid)
        if found is None and (self._missed is None or now - self._missed >= LOOK_AGAIN_S):
            self._missed = now
            await self._look(now)
            found = self._among(kid)
        if found is None:
            raise faults.not_believed("it was signed with a key that the provider does not publish")
        return found

    async def exchange(self, code: str, verifier: str, redirect: str) -> str:
        """The ID token for a code. Raises Unauthenticated when the code is spent, Unavailable, UpstreamFailed, OperationFailed."""
        found = await self.discovered()
        secret = secret_of(self.form.secret) if self.form.secret is not None else None
        fields = {"grant_type": "authorization_code", "code": code, "redirect_uri": redirect, "code_verifier": verifier}
        headers = {"Accept": "application/json"}
        by_post = found.token_endpoint_auth_methods_supported is not None and "client_secret_basic" not in (
            found.token_endpoint_auth_methods_supported
        )
        if secret is None:
            fields["client_id"] = self.form.client
        elif by_post:
            fields |= {"client_id": self.form.client, "client_secret": secret}
        else:
            pair = f"{quote(self.form.client, safe='')}:{quote(secret, safe='')}"  # RFC 6749, 2.3.1
            headers["Authorization"] = f"Basic {base64.b64encode(pair.encode()).decode()}"
        status, body = await self._fetch("POST", found.token_endpoint, headers, fields)
        if status != _OK:
            raise faults.of_exchange(_word(body), status)
        return _read(body, _Tokens, "answer to the code").id_token

    async def _look(self, now: float) -> None:
        self._keys = (now, (await self._get((await self.discovered()).jwks_uri, _Keys, "list of keys")).keys)

    def _among(self, kid: str | None) -> Jwk | None:
        """Only a key that is there once: of two with one id, nobody can say which is meant."""
        keys = self._keys[1] if self._keys is not None else ()
        found = [each for each in keys if kid is None or each.get("kid") == kid]
        return found[0] if len(found) == 1 else None

    async def _get(self, url: str, form: type[T], what: str) -> T:
        status, body = await self._fetch("GET", url, {"Accept": "application/json"})
        if status != _OK:
            raise faults.garbage(f"{what} is not there (it says {status})")
        return _read(body, form, what)

    async def _fetch(self, method: str, url: str, headers: Mapping[str, str], fields: Mapping[str, str] | None = None) -> tuple[int, bytes]:
        """Status and body. A connection serves once: sign-ins are seldom, and what a provider names may be several sites."""
        parts = urlsplit(url)
        said = {**headers, "Accept-Encoding": "identity"}
        body = None
        if fields is not None:
            said["Content-Type"] = "application/x-www-form-urlencoded"
            body = urlencode(fields).encode()
        client = Client(Site.of(url), connections=1, within=WITHIN_S)
        try:
            target = f"{parts.path or '/'}?{parts.query}" if parts.query else parts.path or "/"
            response = await client.ask(client.head(method, target, said), body)
            try:
                return response.status, await response.read_whole(MOST)
            finally:
                response.close()
        except TimeoutError as error:
            raise faults.away("does not answer in time") from error
        except TooLong as error:
            raise faults.garbage("answer is too long") from error
        except NotHttp as error:
            raise faults.garbage("answer is no HTTP") from error
        except ExchangeFailed as error:
            raise faults.away("cannot be reached") from error
        finally:
            await client.close()


def secret_of(where: str) -> str:
    """The client's secret, read anew each time, so that it can be changed in place. Raises OperationFailed that names where, never what."""
    kind, _, name = where.partition(":")
    if kind == "env":
        secret = os.environ.get(name, "")
    else:
        try:
            with Path(name).open("rb") as file:
                secret = file.read(_LONGEST_SECRET).decode().strip()
        except (OSError, UnicodeDecodeError) as error:
            raise faults.no_secret(where) from error
    if not secret:
        raise faults.no_secret(where)
    return secret


def _safe(address: str) -> bool:
    try:
        parts = urlsplit(address)
        known = bool(parts.hostname) and parts.port != 0
    except ValueError:
        return False
    return known and (parts.scheme == "https" or (parts.scheme == "http" and parts.hostname in LOOPBACK))


def _read(body: bytes, form: type[T], what: str) -> T:
    try:
        return msgspec.json.decode(body, type=form)
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise faults.garbage(f"{what} cannot be read") from error


def _word(body: bytes) -> str:
    try:
        return msgspec.json.decode(body, type=_Refusal).error
    except (msgspec.DecodeError, UnicodeDecodeError):
        return ""
