"""Every error has one shape over HTTP, whatever its class."""

from __future__ import annotations

import inspect

import msgspec
import pytest

from headrace.app.http import errors
from headrace.core import errors as tree
from headrace.core.errors import BadRequest, Forbidden, HeadraceError, Overloaded, Refused, Unauthenticated, Unavailable, UpstreamFailed
from headrace.core.text import Action, Finding, Origin
from headrace.core.values import Receipt

CLASSES = [kind for _, kind in inspect.getmembers(tree, inspect.isclass) if issubclass(kind, HeadraceError)]


def made(kind: type[HeadraceError]) -> HeadraceError:
    return kind("Words.", ()) if kind is tree.ConfigurationFaults else kind("Words.")  # pyright: ignore[reportCallIssue]


@pytest.mark.parametrize("kind", CLASSES)
def test_every_error_of_the_tree_has_a_shape(kind: type[HeadraceError]) -> None:
    form = errors.shape(made(kind))
    nearest = next(each for each in kind.__mro__ if each in errors.TABLE)
    assert form == errors.TABLE[nearest]
    assert 400 <= form.status < 600
    assert form.again is (form.status in {502, 503, 504})


@pytest.mark.parametrize("code", list(errors.BY_CODE))
def test_errors_of_http_itself_have_their_own_status(code: str) -> None:
    assert errors.shape(BadRequest("Words.", code=code)) == errors.BY_CODE[code]


def test_a_new_subclass_has_a_place_at_once() -> None:
    class Stranger(UpstreamFailed):
        pass

    assert errors.shape(Stranger("x")).status == 502


def test_headers_tell_whether_and_when_to_ask_again() -> None:
    def said(error: HeadraceError) -> dict[bytes, bytes]:
        return dict(errors.headers(error))

    assert said(Overloaded("x", retry_after=2.1)) == {b"retry-after": b"3"}
    assert said(Overloaded("x", retry_after=0.1)) == {b"retry-after": b"1"}
    assert said(Unavailable("x")) == {b"retry-after": b"2"}
    assert said(UpstreamFailed("x", facts={"retry_after_s": 7})) == {b"retry-after": b"7"}
    assert said(Unauthenticated("x")) == {b"x-should-retry": b"false", b"www-authenticate": b"Bearer"}
    assert said(BadRequest("x", facts={"allow": "GET"}))[b"allow"] == b"GET"
    error = UpstreamFailed("x")
    error.request = "req_1"
    assert said(error) == {b"x-request-id": b"req_1"}


def test_the_body_holds_what_helps_and_nothing_else() -> None:
    finding = Finding("secrets", "1", "api_key", Origin.PROMPT, 2, 5, 9, Action.REFUSE)
    error = Refused("Stopped.", code="guard.secrets", param="messages[2]", mend="Take it out.", facts={"findings": (finding,)})
    error.request = "req_1"
    error.receipt = Receipt("log", 7, "ab", 1, "sig")
    assert msgspec.to_builtins(errors.body(error)) == {
        "error": {
            "type": "permission_error",
            "code": "guard.secrets",
            "param": "messages[2]",
            "message": "Stopped.",
            "headrace": {
                "request": "req_1",
                "mend": "Take it out.",
                "findings": [
                    {
                        "guard": "secrets",
                        "version": "1",
                        "kind": "api_key",
                        "origin": "prompt",
                        "part": 2,
                        "start": 5,
                        "end": 9,
                        "action": "refuse",
                    }
                ],
                "receipt": {"log": "log", "sequence": 7, "leaf": "ab", "signature": "sig", "time_us": 1},
            },
        }
    }


def test_facts_are_told_when_they_are_plain() -> None:
    error = Forbidden(
        "No.",
        facts={
            "policies": ("a/b",),
            "what_would_allow_it": "group x",
            "n": 5,
            "none": None,
            "deep": {"a": 1},
            "rejected": ["x"],
            "findings": 5,
        },
    )
    told = msgspec.to_builtins(errors.body(error))["error"]["headrace"]
    assert told == {"policies": ["a/b"], "what_would_allow_it": "group x", "facts": {"n": 5, "none": None}}
    assert msgspec.to_builtins(errors.body(Forbidden("No.", facts={"policies": 5})))["error"]["headrace"] == {}


def test_a_defect_tells_nothing_of_the_inside(caplog: pytest.LogCaptureFixture) -> None:
    try:
        raise KeyError("SECRET-CONTENT")
    except KeyError as error:
        told = errors.of_defect(error, "req_1")
    assert "SECRET" not in str(told)
    assert "req_1" in caplog.text
    assert "test_errors.py" in caplog.text
    assert "SECRET" not in caplog.text
