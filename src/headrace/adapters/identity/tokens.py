"""What a provider's token says, once every check has passed (OpenID Connect Core 1.0, 3.1.3.7; Back-Channel Logout 1.0, 2.6).

The signature is the library's to check, with an algorithm that headrace.yaml allows and that fits the key; everything else is checked
here. Imported with the first sign-in: it brings ``cryptography`` along.
"""

from __future__ import annotations

import warnings
from typing import TYPE_CHECKING, Final, cast

import jwt
import msgspec
from jwt.api_jws import PyJWS

from headrace.adapters.identity import faults

if TYPE_CHECKING:
    from collections.abc import Mapping

    from headrace.adapters.identity.provider import Jwk, OpenIdProvider
    from headrace.config.identity import SignIn
    from headrace.core.ports import Clock

LONGEST: Final = 64 * 1024
_KEYS: Final[Mapping[str, tuple[str, str | None]]] = {
    **dict.fromkeys(("RS256", "RS384", "RS512", "PS256", "PS384", "PS512"), ("RSA", None)),
    "ES256": ("EC", "P-256"),
    "ES384": ("EC", "P-384"),
    "ES512": ("EC", "P-521"),
    "EdDSA": ("OKP", "Ed25519"),
}
"""The kind of key, and its curve, that an algorithm is used with."""
_LOGOUT: Final = "http://schemas.openid.net/event/backchannel-logout"
_OTHER_KINDS: Final = frozenset({"logout+jwt", "at+jwt"})
_jws = PyJWS(options={"enforce_minimum_key_length": True})


async def identity(token: str, provider: OpenIdProvider, clock: Clock, nonce: str) -> Mapping[str, object]:
    """The claims of an ID token that was asked for with this nonce. Raises Unauthenticated naming the check that failed."""
    kind, claims = await _signed(token, provider)
    if kind in _OTHER_KINDS:
        raise faults.not_believed("it is no ID token")
    now, skew = clock.now_us() / 1_000_000, provider.form.clock_skew.seconds
    _addressed(claims, provider.form)
    if _time(claims, "exp") <= now - skew:
        raise faults.not_believed("it has expired")
    _begun(claims, now + skew)
    if claims.get("nonce") != nonce:
        raise faults.not_believed("it was made for another sign-in")
    _subject(claims)
    return claims


async def logout(token: str, provider: OpenIdProvider, clock: Clock) -> tuple[str | None, str | None]:
    """Whose sessions end: the subject and the provider's session id, at least one of them. Raises Unauthenticated."""
    _, claims = await _signed(token, provider)
    now, skew = clock.now_us() / 1_000_000, provider.form.clock_skew.seconds
    _addressed(claims, provider.form)
    events = claims.get("events")
    if not isinstance(events, dict) or _LOGOUT not in events or "nonce" in claims:
        raise faults.not_believed("it is no logout token")
    if _time(claims, "exp") <= now - skew:
        raise faults.not_believed("it has expired")
    _begun(claims, now + skew)
    subject, session = claims.get("sub"), claims.get("sid")
    if not isinstance(subject, str | None) or not isinstance(session, str | None) or not (subject or session):
        raise faults.not_believed("it does not say whose session ends")
    return subject, session


async def _signed(token: str, provider: OpenIdProvider) -> tuple[str, Mapping[str, object]]:
    """The kind and the claims of a token that the provider signed."""
    if len(token) > LONGEST or not token.isascii():
        raise faults.not_believed("it is no token")
    try:
        header = cast("Mapping[str, object]", jwt.get_unverified_header(token))
    except jwt.PyJWTError as error:
        raise faults.not_believed("it is no token") from error
    algorithm, kid = header.get("alg"), header.get("kid")
    if not isinstance(algorithm, str) or algorithm not in provider.form.algorithms:
        raise faults.not_believed("it is not signed in a way that is allowed here")
    if "crit" in header or not isinstance(kid, str | None):
        raise faults.not_believed("its header asks for what is not understood here")
    payload = _verified(token, await provider.key(kid), algorithm)
    try:
        return str(header.get("typ", "")).lower(), msgspec.json.decode(payload, type=dict[str, object])
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise faults.not_believed("its claims cannot be read") from error


def _verified(token: str, key: Jwk, algorithm: str) -> bytes:
    kind, curve = _KEYS[algorithm]
    fits = key.get("kty") == kind and (curve is None or key.get("crv") == curve)
    if not fits or key.get("alg", algorithm) != algorithm or key.get("use", "sig") != "sig":
        raise faults.not_believed("its key is not one for such a signature")
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("error")
            found = _jws.decode_complete(token, jwt.PyJWK(key, algorithm), algorithms=[algorithm])
    except jwt.InvalidSignatureError as error:
        raise faults.not_believed("its signature does not hold") from error
    except (jwt.PyJWTError, ValueError, TypeError, Warning) as error:
        raise faults.not_believed("its signature cannot be checked") from error
    return cast("bytes", found["payload"])


def _addressed(claims: Mapping[str, object], form: SignIn) -> None:
    if claims.get("iss") != form.issuer:
        raise faults.not_believed("it is of another issuer")
    audience = claims.get("aud")
    listed = cast("list[object]", audience) if isinstance(audience, list) else [audience]
    if form.client not in listed:
        raise faults.not_believed("it is meant for somebody else")
    authorised = claims.get("azp")
    if (len(listed) > 1 or authorised is not None) and authorised != form.client:
        raise faults.not_believed("it was given to somebody else")


def _begun(claims: Mapping[str, object], latest: float) -> None:
    if _time(claims, "iat") > latest or ("nbf" in claims and _time(claims, "nbf") > latest):
        raise faults.not_believed("it is from the future: the clocks differ by more than is allowed")


def _time(claims: Mapping[str, object], name: str) -> float:
    found = claims.get(name)
    if isinstance(found, bool) or not isinstance(found, int | float):
        raise faults.not_believed(f"it has no {name}")
    return found


def _subject(claims: Mapping[str, object]) -> None:
    subject = claims.get("sub")
    if not isinstance(subject, str) or not 0 < len(subject) <= 255 or not subject.isascii():  # noqa: PLR2004  the specification's bound
        raise faults.not_believed("it does not say whom it is about")
