"""Signing in with a real provider: every check of what it says, and everything that it may do wrong."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
import pytest_asyncio

from headrace.adapters.identity import provider as provider_module
from headrace.adapters.identity.provider import KEYS_LAST_S, LOOK_AGAIN_S
from headrace.core.errors import HeadraceError, NotFound
from tests.providers.openid_server import SECRET, ec_key, rsa_key
from tests.support.sign_ins import BACK, MINE, Desk, desk

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator
    from pathlib import Path


@pytest_asyncio.fixture
async def at(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> AsyncGenerator[Desk]:
    monkeypatch.setenv("ACME_SECRET", SECRET)
    async with desk(tmp_path) as made:
        yield made


async def refused(at: Desk, fault: str = "") -> HeadraceError:
    """How a sign-in ends that must not succeed; no session begins, and neither secrets nor the provider's words are in the error."""
    at.acme.fault = fault
    with pytest.raises(HeadraceError) as caught:
        await at.token()
    assert at.store.sessions.every(0) == []
    said = f"{caught.value} {caught.value.facts}"
    assert SECRET not in said
    assert MINE not in said
    assert "<" not in said
    assert caught.value.mend
    return caught.value


async def test_somebody_signs_in(at: Desk) -> None:
    at.acme.people["ana"]["groups"] = ["acme-audit", "acme-unknown"]
    at.says(**{"sign in": at.form(), "groups": {"acme-audit": "auditors", "acme-hr": ["hr"]}})
    token = await at.token()
    principal = await at.who(token)
    assert (principal.id, principal.kind, principal.tenant) == ("ana", "person", "default")
    assert principal.groups == {"members", "auditors"}
    assert principal.services is None
    (session,) = at.store.sessions.every(0)
    assert principal.key == f"ses_{session.id}"
    assert token not in str(session)
    assert session.groups == ("acme-audit",)
    (account,) = at.store.people.accounts("default")
    assert (account.subject, account.person, account.name) == ("sub-ana", "ana", "Ana Keller")
    assert at.acts == []
    assert at.acme.calls == ["discovery", "authorize", "token", "keys"]
    await at.token()
    assert at.acme.calls[4:] == ["authorize", "token"]  # the rest is remembered


@pytest.mark.parametrize("algorithm", ["RS256", "PS384", "ES256"])
async def test_signatures_that_are_allowed(at: Desk, algorithm: str) -> None:
    at.acme.keys = [ec_key("k") if algorithm == "ES256" else rsa_key("k", algorithm)]
    at.says(**{"sign in": at.form(algorithms=[algorithm])})
    assert (await at.who(await at.token())).id == "ana"
    at.says(**{"sign in": at.form(algorithms=["RS512"])})
    at.store.sessions.end_at_provider(at.acme.url, "sub-ana", None)
    assert "not signed in a way that is allowed" in (await refused(at)).message


TOKENS = {
    "alg none": "not signed in a way that is allowed",
    "shared secret": "not signed in a way that is allowed",
    "another key": "not one for such a signature",
    "forged": "signature does not hold",
    "unknown key": "a key that the provider does not publish",
    "critical": "is no token",
    "number as kid": "is no token",
    "claims of no object": "claims cannot be read",
    "key for secrets": "not one for such a signature",
    "broken key": "cannot be checked",
    "two of one id": "a key that the provider does not publish",
    "wrong nonce": "made for another sign-in",
    "no nonce": "made for another sign-in",
    "wrong audience": "meant for somebody else",
    "no audience": "meant for somebody else",
    "several audiences": "given to somebody else",
    "given to somebody else": "given to somebody else",
    "wrong issuer": "of another issuer",
    "expired": "has expired",
    "no expiry": "has no exp",
    "expiry in words": "has no exp",
    "expiry is true": "has no exp",
    "from the future": "from the future",
    "not yet": "from the future",
    "no time": "has no iat",
    "no subject": "does not say whom",
}


@pytest.mark.parametrize("fault", TOKENS)
async def test_a_token_that_does_not_hold(at: Desk, fault: str) -> None:
    error = await refused(at, fault)
    assert error.code == "identity.token_refused"
    assert TOKENS[fault] in error.message


async def test_es256_is_not_taken_where_only_rsa_is_allowed(at: Desk) -> None:
    at.says(**{"sign in": at.form(algorithms=["ES256"])})
    at.acme.keys = [rsa_key("k", "RS256")]
    assert "not signed in a way that is allowed" in (await refused(at)).message
    at.acme.keys = [ec_key("k")]
    at.acme.fault = "another key"
    at.clock.pass_time(KEYS_LAST_S)
    assert "signature does not hold" in (await refused(at, "another key")).message


async def test_a_weak_key_is_no_key(at: Desk) -> None:
    at.acme.keys = [rsa_key("weak", bits=1024)]
    assert "cannot be checked" in (await refused(at)).message


async def test_a_key_without_id_or_algorithm_is_taken_where_it_is_certain(at: Desk) -> None:
    at.acme.fault = "no kid"
    assert (await at.who(await at.token())).id == "ana"
    at.acme.fault = "key without alg"
    at.clock.pass_time(KEYS_LAST_S)
    assert (await at.who(await at.token())).id == "ana"
    at.acme.keys.append(rsa_key("second"))
    at.store.sessions.end_at_provider(at.acme.url, "sub-ana", None)
    at.clock.pass_time(KEYS_LAST_S)
    assert "does not publish" in (await refused(at, "no kid")).message


async def test_clocks_may_differ_by_as_much_as_is_said(at: Desk) -> None:
    theirs = at.acme.now()
    at.acme.now = lambda: theirs
    at.clock.pass_time(300 + 50)  # past the token's time, within the skew
    assert (await at.who(await at.token())).id == "ana"
    at.clock.pass_time(-700)
    at.says(**{"sign in": at.form(**{"clock skew": "1000 s"})})
    assert (await at.who(await at.token())).id == "ana"


async def test_keys_that_rotate(at: Desk) -> None:
    await at.token()
    at.acme.keys = [rsa_key("next")]
    await at.token()
    assert at.acme.calls.count("keys") == 2
    at.store.sessions.end_at_provider(at.acme.url, "sub-ana", None)
    at.acme.fault = "unknown key"
    for _ in range(3):
        await refused(at, "unknown key")
    assert at.acme.calls.count("keys") == 2  # a stranger's tokens do not make us ask and ask
    at.clock.pass_time(LOOK_AGAIN_S)
    await refused(at, "unknown key")
    assert at.acme.calls.count("keys") == 3
    at.clock.pass_time(KEYS_LAST_S)
    at.acme.fault = ""
    at.acme.keys = [rsa_key("first")]  # the id that was there before, and another key
    await at.token()


async def test_a_description_is_remembered_and_renewed(at: Desk) -> None:
    await at.token()
    at.clock.pass_time(provider_module.DISCOVERY_LASTS_S)
    await at.token()
    assert at.acme.calls.count("discovery") == 2


PROVIDER = {
    "discovery slow": ("identity.provider_away", "in time"),
    "discovery garbage": ("identity.provider_garbage", "description cannot be read"),
    "discovery fails": ("identity.provider_garbage", "it says 500"),
    "discovery endless": ("identity.provider_garbage", "too long"),
    "discovery elsewhere": ("identity.provider_garbage", "it says 302"),
    "another issuer": ("identity.provider_garbage", "of another issuer"),
    "no https": ("identity.provider_garbage", "without https"),
    "no port": ("identity.provider_garbage", "without https"),
    "keys slow": ("identity.provider_away", "in time"),
    "keys garbage": ("identity.provider_garbage", "list of keys cannot be read"),
    "keys fails": ("identity.provider_garbage", "it says 500"),
    "token slow": ("identity.provider_away", "in time"),
    "token garbage": ("identity.provider_garbage", "answer to the code cannot be read"),
    "token fails": ("identity.provider_garbage", "it says 500"),
    "no token": ("identity.provider_garbage", "cannot be read"),
    "says access_denied": ("identity.provider_refused", "did not let you in"),
    "says whatever <b>it</b> wants": ("identity.provider_refused", "answered with an error"),
}


@pytest.mark.parametrize("fault", PROVIDER)
async def test_a_provider_that_misbehaves(at: Desk, fault: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(provider_module, "WITHIN_S", 0.2 if fault.endswith("slow") else 20)
    error = await refused(at, fault)
    code, words = PROVIDER[fault]
    assert error.code == code
    assert words in error.message


async def test_a_provider_that_is_not_there(at: Desk) -> None:
    at.says(**{"sign in": at.form(issuer="http://127.0.0.1:9")})
    assert (await refused(at)).code == "identity.provider_away"


async def test_the_answer_belongs_to_who_asked(at: Desk) -> None:
    came = await at.came()
    for secret, answer in (("x" * 43, came), (MINE, {**came, "state": "another"}), (MINE, {"code": came["code"]})):
        with pytest.raises(HeadraceError) as caught:
            await at.sign_ins.finish(secret, BACK, answer)
        assert caught.value.code == "identity.foreign_sign_in"
    theirs = await at.came("t" * 43)
    with pytest.raises(HeadraceError) as caught:  # their code, put into my answer
        await at.sign_ins.finish(MINE, BACK, {**came, "code": theirs["code"]})
    assert caught.value.code == "identity.sign_in_spent"
    await at.sign_ins.finish(MINE, BACK, came)
    with pytest.raises(HeadraceError) as caught:
        await at.sign_ins.finish(MINE, BACK, came)
    assert caught.value.code == "identity.sign_in_spent"
    with pytest.raises(HeadraceError) as caught:  # back to another place than was asked
        await at.sign_ins.finish(MINE, "http://evil.example/", await at.came())
    assert caught.value.code == "identity.sign_in_spent"


async def test_an_answer_that_names_its_issuer(at: Desk) -> None:
    at.acme.names_issuer = True
    came = await at.came()
    with pytest.raises(HeadraceError, match="of another issuer"):
        await at.sign_ins.finish(MINE, BACK, {name: value for name, value in came.items() if name != "iss"})
    assert "of another issuer" in (await refused(at, "answer of another issuer")).message
    at.acme.fault = ""
    await at.token()


async def test_how_the_client_says_who_it_is(at: Desk, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    at.acme.methods = ("client_secret_post",)
    await at.token()
    (tmp_path / "secret").write_text(f"{SECRET}\n")
    at.says(**{"sign in": at.form(secret=f"file:{tmp_path / 'secret'}")})
    await at.token()
    at.acme.methods = None
    at.says(**{"sign in": at.form(secret=None)})
    await at.token()
    at.acme.methods = ("client_secret_basic",)
    at.store.sessions.end_at_provider(at.acme.url, "sub-ana", None)
    monkeypatch.setenv("ACME_SECRET", "wrong")
    at.says(**{"sign in": at.form()})
    assert (await refused(at)).code == "identity.client_refused"
    for where in ("env:NOT_SET_ANYWHERE", f"file:{tmp_path}", f"file:{tmp_path}/none"):
        at.says(**{"sign in": at.form(secret=where)})
        error = await refused(at)
        assert (error.code, error.param) == ("identity.no_secret", where)


async def test_without_a_provider(at: Desk) -> None:
    at.says()
    assert at.sign_ins.provider is None
    with pytest.raises(NotFound):
        await at.sign_ins.begin(MINE, BACK)


async def test_signing_out_there_too(at: Desk) -> None:
    farewell = await at.sign_ins.farewell("http://here/")
    assert farewell == f"{at.acme.url}/end?client_id=headrace&post_logout_redirect_uri=http%3A%2F%2Fhere%2F"
    at.acme.fault = "no end"
    at.clock.pass_time(provider_module.DISCOVERY_LASTS_S)
    assert await at.sign_ins.farewell("http://here/") is None


async def test_the_provider_says_that_somebody_signed_out(at: Desk) -> None:
    at.acme.people["eva"] = {"preferred_username": "eva.muster@acme.example"}
    first, second = await at.token(), await at.token("eva")
    assert await at.sign_ins.signed_out(at.acme.logout_token(sub="sub-nobody")) == 0
    assert await at.sign_ins.signed_out(at.acme.logout_token(sid="sid-ana")) == 1
    with pytest.raises(HeadraceError, match="over"):
        await at.who(first)
    assert (await at.who(second)).id == "eva"
    id_token = at.acme.token("n", "eva")
    for wrong in (
        id_token,
        "nonsense",
        "é" * 9,
        "a" * 70_000,
        at.acme.logout_token(),
        at.acme.logout_token(sub="sub-eva", nonce="n"),
        at.acme.logout_token(sub="sub-eva", aud="somebody"),
        at.acme.logout_token(sub="sub-eva", iss="https://elsewhere.example"),
        at.acme.logout_token(sub="sub-eva", exp=1),
        at.acme.logout_token(sub="sub-eva", iat=2_000_000_000_0),
        at.acme.logout_token(sub="sub-eva", events={}),
        at.acme.logout_token(sub=7),
    ):
        with pytest.raises(HeadraceError) as caught:
            await at.sign_ins.signed_out(wrong)
        assert caught.value.code == "identity.token_refused"
    assert (await at.who(second)).id == "eva"


async def test_a_sign_out_there_ends_sessions_whose_number_there_is_not_known(at: Desk) -> None:
    at.acme.people["ana"]["sid"] = None
    token = await at.token()
    assert await at.sign_ins.signed_out(at.acme.logout_token(sub="sub-eva", sid="sid-eva")) == 0
    assert await at.sign_ins.signed_out(at.acme.logout_token(sub="sub-ana", sid="sid-ana")) == 1
    with pytest.raises(HeadraceError, match="over"):
        await at.who(token)


async def test_a_logout_token_is_no_id_token(at: Desk) -> None:
    at.acme.typ = "logout+jwt"
    assert "no ID token" in (await refused(at)).message
