"""Hosts, origins, cookies and form tokens."""

from __future__ import annotations

import pytest

from headrace.app.console import session
from headrace.app.console.shield import check_host, check_origin, is_secure
from headrace.core.errors import BadRequest, Forbidden

TOKEN = f"hrs_{'t' * 43}"
OTHER = f"hrs_{'u' * 43}"
RANDOM = "r" * 43


def scope(scheme: str = "http", **headers: str) -> dict[str, object]:
    return {"scheme": scheme, "headers": [(name.replace("_", "-").encode(), value.encode()) for name, value in headers.items()]}


@pytest.mark.parametrize(
    "host",
    ["localhost", "localhost:8080", "127.0.0.1:8080", "10.1.2.3", "[::1]:8080", "[fe80::1]", "console.example", "CONSOLE.example:443"],
)
def test_our_names(host: str) -> None:
    check_host(scope(host=host), {"console.example"})


@pytest.mark.parametrize(
    "host",
    [
        "", "evil.example", "console.example.evil.example", "evil.example:8080", "localhost.evil.example", "127.0.0.1.evil.example",
        "a@localhost", "localhost:x", "localhost/", "[::1", "2130706433.", "lo calhost", "console.example.",
    ],
)  # fmt: skip
def test_foreign_names(host: str) -> None:
    with pytest.raises(BadRequest) as raised:
        check_host(scope(host=host), {"console.example"})
    assert raised.value.code == "request.foreign_host"
    assert host == "" or host not in raised.value.message


@pytest.mark.parametrize(
    "headers",
    [
        {"host": "localhost:8080", "origin": "http://localhost:8080"},
        {"host": "localhost:8080", "origin": "http://localhost:8080", "sec_fetch_site": "same-origin"},
        {"host": "localhost:8080", "sec_fetch_site": "same-origin"},
        {"host": "console.example", "origin": "https://console.example"},
        {"host": "console.example:443", "origin": "https://console.example"},
        {"host": "[::1]:8080", "origin": "http://[::1]:8080"},
    ],
)
def test_our_own_forms(headers: dict[str, str]) -> None:
    check_origin(scope(**headers))


@pytest.mark.parametrize(
    "headers",
    [
        {"host": "localhost:8080"},
        {"host": "localhost:8080", "origin": "null"},
        {"host": "localhost:8080", "origin": "null", "sec_fetch_site": "same-origin"},
        {"host": "localhost:8080", "origin": "http://localhost:8081"},
        {"host": "localhost:8080", "origin": "http://localhost"},
        {"host": "localhost:8080", "origin": "http://evil.example"},
        {"host": "localhost:8080", "origin": "http://localhost:8080", "sec_fetch_site": "cross-site"},
        {"host": "localhost:8080", "origin": "http://localhost:8080", "sec_fetch_site": "same-site"},
        {"host": "localhost:8080", "sec_fetch_site": "none"},
        {"host": "localhost:8080", "sec_fetch_site": "cross-site"},
        {"host": "localhost:8080", "origin": "ftp://localhost:8080"},
        {"host": "localhost:8080", "origin": "http://localhost:port"},
        {"host": "localhost:8080", "origin": "http://[broken"},
        {"host": "localhost:8080", "origin": "http://localhost:8080.evil.example"},
    ],
)
def test_foreign_forms(headers: dict[str, str]) -> None:
    with pytest.raises(Forbidden) as raised:
        check_origin(scope(**headers))
    assert raised.value.code == "request.foreign_origin"


@pytest.mark.parametrize(
    ("found", "secure"),
    [
        (scope(), False),
        (scope("https"), True),
        (scope(origin="https://console.example"), True),
        (scope(x_forwarded_proto="https"), True),
        (scope(forwarded="for=1.2.3.4;proto=https"), True),
        (scope(origin="http://console.example", x_forwarded_proto="http"), False),
    ],
)
def test_https_is_known(found: dict[str, object], *, secure: bool) -> None:
    assert is_secure(found) is secure


def test_cookies_over_http() -> None:
    _, value = session.keep_session(scope(host="127.0.0.1:8080"), TOKEN)
    assert value.decode() == f"headrace-8080={TOKEN}; Path=/; HttpOnly; SameSite=Strict"


def test_cookies_over_https() -> None:
    _, value = session.keep_session(scope("https", host="console.example"), TOKEN)
    assert value.decode() == f"__Host-headrace={TOKEN}; Path=/; HttpOnly; SameSite=Strict; Secure"
    _, gone = session.drop_session(scope("https", host="console.example"))
    assert gone.decode() == "__Host-headrace=; Path=/; HttpOnly; SameSite=Strict; Max-Age=0; Secure"


def test_over_https_only_the_protected_cookie_counts() -> None:
    both = f"headrace={OTHER}; __Host-headrace={TOKEN}"
    assert session.session_token(scope("https", host="console.example", cookie=both)) == TOKEN
    assert session.session_token(scope("https", host="console.example", cookie=f"headrace={OTHER}")) is None
    assert session.session_token(scope("http", host="console.example", cookie=both)) == TOKEN
    assert session.session_token(scope("http", host="console.example", cookie=f"headrace={OTHER}")) == OTHER


@pytest.mark.parametrize(
    "cookie",
    ["", "headrace-8080=", "headrace=x", "headrace-8080=hr_live_" + "k" * 46, f"headrace-8080={TOKEN}x", "headrace-8080=\x01", "=;;=\\"],
)
def test_what_is_no_token(cookie: str) -> None:
    assert session.session_token(scope(host="127.0.0.1:8080", cookie=cookie)) is None


def test_neighbours_cookies_do_not_matter() -> None:
    cookie = f'a,b="x; y=1; =; headrace-8080x=1; headrace-8080={TOKEN}; headrace-8080={OTHER}; ä:c=d'
    assert session.session_token(scope(host="127.0.0.1:8080", cookie=cookie)) == TOKEN


def test_another_port_is_another_installation() -> None:
    cookie = f"headrace-8080={TOKEN}"
    assert session.session_token(scope(host="127.0.0.1:8080", cookie=cookie)) == TOKEN
    assert session.session_token(scope(host="127.0.0.1:8081", cookie=cookie)) is None


def test_the_sign_in_forms_cookie_may_come_from_before_https_was_known() -> None:
    assert session.form_secret(scope("https", host="console.example", cookie=f"headrace-form={RANDOM}")) == RANDOM
    assert session.form_secret(scope(host="console.example", cookie="headrace-form=short")) is None
    _, value = session.keep_form(scope(host="console.example"), RANDOM)
    assert value.startswith(b"headrace-form=")


def test_a_form_token_belongs_to_one_session() -> None:
    session.check_form(TOKEN, session.form_token(TOKEN))
    for secret, given in ((TOKEN, session.form_token(OTHER)), (TOKEN, ""), (TOKEN, TOKEN), (None, session.form_token(TOKEN))):
        with pytest.raises(Forbidden) as raised:
            session.check_form(secret, given)
        assert raised.value.code == "request.stale_form"
    assert TOKEN not in session.form_token(TOKEN)


def test_a_form_token_of_other_characters_is_refused_too() -> None:
    with pytest.raises(Forbidden):
        session.check_form(TOKEN, "ä" * 64)
