"""A provider of OpenID Connect as a local server: discovery, a page to sign in on, codes with PKCE, signed ID tokens, keys that rotate,
signing out. It checks what a provider checks, and misbehaves on request (`fault`).

    async with openid() as acme:
        acme.people["ana"] = {"preferred_username": "ana", "groups": ["staff"]}

As a program it prints its address and client and runs until it is killed.
"""

from __future__ import annotations

import asyncio
import base64
import contextlib
import hashlib
import hmac
import html
import json
import secrets
import time
import warnings
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qs, unquote, urlencode

import jwt
from aiohttp import web
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from jwt.algorithms import ECAlgorithm, RSAAlgorithm

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Callable

CLIENT = "headrace"
SECRET = "not for anybody's eyes: 50% & more"


@dataclass
class Key:
    """A key of the provider, with its id and the algorithm that it signs with."""

    kid: str
    algorithm: str
    private: Any

    @property
    def public(self) -> dict[str, Any]:
        """As it is published."""
        of = RSAAlgorithm if self.algorithm.startswith(("RS", "PS")) else ECAlgorithm
        return {**of.to_jwk(self.private.public_key(), as_dict=True), "kid": self.kid, "alg": self.algorithm, "use": "sig"}


def rsa_key(kid: str, algorithm: str = "RS256", bits: int = 2048) -> Key:
    """A new RSA key."""
    return Key(kid, algorithm, rsa.generate_private_key(65537, bits))


def ec_key(kid: str) -> Key:
    """A new key on P-256."""
    return Key(kid, "ES256", ec.generate_private_key(ec.SECP256R1()))


FIRST = rsa_key("first")


@dataclass
class OpenIdServer:
    """The provider. `faults` are tried at the endpoint or on the token that they are named for."""

    url: str
    people: dict[str, dict[str, Any]] = field(default_factory=lambda: {"ana": {"preferred_username": "ana", "name": "Ana Keller"}})
    keys: list[Key] = field(default_factory=lambda: [FIRST])
    fault: str = ""
    asks: bool = False
    """Show a page to sign in on; otherwise `who` is signed in already."""
    who: str = "ana"
    methods: tuple[str, ...] | None = ("client_secret_basic",)
    names_issuer: bool = False
    codes: dict[str, dict[str, str]] = field(default_factory=dict[str, dict[str, str]])
    calls: list[str] = field(default_factory=list[str])
    claims: dict[str, Any] = field(default_factory=dict[str, Any])
    """Claims that replace those of the next tokens; None takes one away."""
    now: Callable[[], float] = time.time
    typ: str = "JWT"
    """Kind of the ID tokens."""
    signed: dict[str, Any] = field(default_factory=dict[str, Any])
    """The last token's claims."""

    def discovery(self) -> dict[str, Any]:
        """What it says of itself."""
        said = {
            "issuer": self.url,
            "authorization_endpoint": f"{self.url}/authorize",
            "token_endpoint": f"{self.url}/token",
            "jwks_uri": f"{self.url}/keys",
            "end_session_endpoint": f"{self.url}/end",
            "response_types_supported": ["code"],
            "subject_types_supported": ["public"],
            "id_token_signing_alg_values_supported": ["RS256"],
            "token_endpoint_auth_methods_supported": list(self.methods) if self.methods is not None else None,
            "code_challenge_methods_supported": ["S256"],
            "authorization_response_iss_parameter_supported": self.names_issuer,
        }
        said |= {
            "another issuer": {"issuer": "https://elsewhere.example"},
            "no https": {"token_endpoint": "http://elsewhere.example/token"},
            "no port": {"token_endpoint": "https://elsewhere.example:70000/token"},
            "no end": {"end_session_endpoint": None},
        }.get(self.fault, {})
        return said

    def token(self, nonce: str, who: str) -> str:
        """A signed ID token, or what the fault makes of it."""
        now = int(self.now())
        claims = {"iss": self.url, "aud": CLIENT, "sub": f"sub-{who}", "iat": now, "exp": now + 300, "nonce": nonce, "sid": f"sid-{who}"}
        claims |= self.people[who]
        claims |= _WRONG.get(self.fault, {})
        claims |= self.claims
        if self.fault == "expired":
            claims["exp"] = now - 3600
        if self.fault == "from the future":
            claims["iat"] = now + 3600
        if self.fault == "not yet":
            claims["nbf"] = now + 3600
        self.signed = {name: value for name, value in claims.items() if value is not None}
        return self.sign(self.signed, self.typ)

    def sign(self, claims: dict[str, Any], typ: str) -> str:
        """A token with these claims, signed as the fault wants it."""
        key = self.keys[0]
        header = {"kid": key.kid, "typ": typ}
        match self.fault:
            case "alg none":
                return f"{_part({'alg': 'none', **header})}.{_part(claims)}."
            case "number as kid":
                return f"{_part({'alg': 'RS256', 'kid': 7})}.{_part(claims)}.AAAA"
            case "claims of no object":
                return jwt.api_jws.encode(b"[]", key.private, key.algorithm, headers=header)
            case "shared secret":
                return self._confused(claims, header)
            case "another key":
                key = ec_key(key.kid)
            case "forged":
                key = rsa_key(key.kid)
            case "unknown key":
                header["kid"] = "nobody's"
            case "critical":
                header |= {"crit": ["b64"], "b64": True}  # pyright: ignore[reportAssignmentType]
            case "no kid":
                header.pop("kid")
            case _:
                pass
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # a weak key is meant
            return jwt.encode(claims, key.private, key.algorithm, headers=header)

    def _confused(self, claims: dict[str, Any], header: dict[str, Any]) -> str:
        """HMAC under the public key: the oldest trick with tokens."""
        secret = self.keys[0].private.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
        signed = f"{_part({'alg': 'HS256', **header})}.{_part(claims)}"
        return f"{signed}.{_base64(hmac.new(secret, signed.encode(), hashlib.sha256).digest())}"

    def logout_token(self, **claims: Any) -> str:
        """The provider's word that somebody signed out."""
        now = int(self.now())
        said = {"iss": self.url, "aud": CLIENT, "iat": now, "exp": now + 120, "jti": secrets.token_hex(8)}
        said |= {"events": {"http://schemas.openid.net/event/backchannel-logout": {}}} | claims
        return self.sign({name: value for name, value in said.items() if value is not None}, "logout+jwt")

    # Endpoints

    async def describe(self, request: web.Request) -> web.StreamResponse:
        self.calls.append("discovery")
        return await self._answer("discovery", web.json_response(self.discovery()))

    async def published(self, request: web.Request) -> web.StreamResponse:
        self.calls.append("keys")
        listed = [each.public for each in self.keys]
        if self.fault == "key for secrets":
            listed = [{"kty": "oct", "kid": each.kid, "k": "AAAA"} for each in self.keys]
        if self.fault == "key without alg":
            listed = [{name: value for name, value in each.items() if name not in {"alg", "use"}} for each in listed]
        if self.fault == "broken key":
            listed = [{**each, "n": "!!", "e": ""} for each in listed]
        if self.fault == "two of one id":
            listed += listed
        return await self._answer("keys", web.json_response({"keys": listed}))

    async def authorize(self, request: web.Request) -> web.StreamResponse:
        """The page to sign in on, or straight back."""
        self.calls.append("authorize")
        asked = dict(request.query)
        assert asked["response_type"] == "code"
        assert asked["client_id"] == CLIENT
        assert "openid" in asked["scope"].split()
        assert asked["code_challenge_method"] == "S256"
        if self.asks and request.method == "GET":
            options = "".join(f'<option value="{html.escape(name)}">{html.escape(name)}</option>' for name in self.people)
            page = f'<h1>Acme</h1><form method="post"><select name="who">{options}</select><button>Continue</button></form>'
            return web.Response(text=f"<!doctype html><html lang='en'><title>Acme</title>{page}", content_type="text/html")
        who = str((await request.post()).get("who", self.who)) if request.method == "POST" else self.who
        back = {"state": asked["state"]}
        if self.fault.startswith("says "):
            back |= {"error": self.fault.removeprefix("says "), "error_description": "<script>alert(1)</script>"}
        else:
            code = secrets.token_urlsafe(16)
            self.codes[code] = {**asked, "who": who}
            back["code"] = code
        if self.names_issuer:
            back["iss"] = self.url if self.fault != "answer of another issuer" else "https://elsewhere.example"
        raise web.HTTPFound(f"{asked['redirect_uri']}?{urlencode(back)}")

    async def tokens(self, request: web.Request) -> web.StreamResponse:
        """A code becomes an ID token, once."""
        self.calls.append("token")
        fields = {name: values[0] for name, values in parse_qs(await request.text()).items()}
        if not self._is_client(request, fields):
            return web.json_response({"error": "invalid_client"}, status=401)
        asked = self.codes.pop(fields.get("code", ""), None)
        challenge = _base64(hashlib.sha256(fields.get("code_verifier", "").encode()).digest())
        if asked is None or asked["redirect_uri"] != fields["redirect_uri"] or asked["code_challenge"] != challenge:
            return web.json_response({"error": "invalid_grant"}, status=400)
        given = {"access_token": "unused", "token_type": "Bearer", "id_token": self.token(asked["nonce"], asked["who"])}
        if self.fault == "no token":
            del given["id_token"]
        return await self._answer("token", web.json_response(given))

    async def end(self, request: web.Request) -> web.StreamResponse:
        """Signing out here."""
        self.calls.append("end")
        back = request.query["post_logout_redirect_uri"]
        return web.Response(text=f'<!doctype html><title>Bye</title><a href="{html.escape(back)}">Back</a>', content_type="text/html")

    def _is_client(self, request: web.Request, fields: dict[str, str]) -> bool:
        if self.methods is None:
            return fields.get("client_id") == CLIENT
        if "client_secret_basic" in self.methods:
            sent = base64.b64decode(request.headers.get("Authorization", "").removeprefix("Basic ")).decode()
            return sent.partition(":")[0] == CLIENT and unquote(sent.partition(":")[2]) == SECRET
        return (fields.get("client_id"), fields.get("client_secret")) == (CLIENT, SECRET)

    async def _answer(self, at: str, good: web.Response) -> web.StreamResponse:
        """The answer, or what is wrong with this endpoint."""
        if self.fault == f"{at} slow":
            await asyncio.sleep(60)
        if self.fault == f"{at} garbage":
            return web.Response(text="<html>Welcome to our <b>intranet</b></html>", content_type="text/html")
        if self.fault == f"{at} fails":
            return web.Response(text="<h1>500 secret stack trace</h1>", status=500, content_type="text/html")
        if self.fault == f"{at} endless":
            return web.Response(text="[" * 1_000_000)
        if self.fault == f"{at} elsewhere":
            raise web.HTTPFound("https://elsewhere.example/")
        return good


_WRONG: dict[str, dict[str, Any]] = {
    "wrong nonce": {"nonce": "another"},
    "no nonce": {"nonce": None},
    "wrong audience": {"aud": "somebody"},
    "no audience": {"aud": None},
    "several audiences": {"aud": [CLIENT, "somebody"]},
    "given to somebody else": {"aud": [CLIENT, "somebody"], "azp": "somebody"},
    "wrong issuer": {"iss": "https://elsewhere.example"},
    "no expiry": {"exp": None},
    "expiry in words": {"exp": "tomorrow"},
    "expiry is true": {"exp": True},
    "no subject": {"sub": None},
    "no time": {"iat": None},
}


def _part(value: dict[str, Any]) -> str:
    return _base64(json.dumps(value).encode())


def _base64(value: bytes) -> str:
    return base64.urlsafe_b64encode(value).rstrip(b"=").decode()


@contextlib.asynccontextmanager
async def openid() -> AsyncGenerator[OpenIdServer]:
    """A provider on a free port of this machine, for the block."""
    serving = OpenIdServer("")
    application = web.Application()
    application.router.add_get("/.well-known/openid-configuration", serving.describe)
    application.router.add_get("/keys", serving.published)
    application.router.add_route("*", "/authorize", serving.authorize)
    application.router.add_post("/token", serving.tokens)
    application.router.add_get("/end", serving.end)
    runner = web.AppRunner(application, access_log=None, shutdown_timeout=0.1)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    serving.url = f"http://127.0.0.1:{runner.addresses[0][1]}"
    try:
        yield serving
    finally:
        await runner.cleanup()


async def _forever() -> None:
    async with openid() as serving:
        serving.asks = True
        print(json.dumps({"url": serving.url, "client": CLIENT, "secret": SECRET}), flush=True)
        await asyncio.Event().wait()


if __name__ == "__main__":
    with contextlib.suppress(KeyboardInterrupt):
        asyncio.run(_forever())
