"""One request to the console: what came with it, who is there, and the ways to answer."""

from __future__ import annotations

from functools import cached_property
from typing import TYPE_CHECKING, Final, cast
from urllib.parse import parse_qsl, quote

from headrace.app.console.area import Entry
from headrace.app.console.render import page
from headrace.app.console.session import FORM_FIELD, Session, check_form, session_token
from headrace.app.http.exchange.wire import Sender, header, read_body
from headrace.core.errors import BadRequest, Unauthenticated

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from starlette.types import Receive, Scope, Send

    from headrace.app.console.area import Areas
    from headrace.app.http.ports.gateway import Gateway

HTML: Final = b"text/html; charset=utf-8"
FORM_MEDIA: Final = "application/x-www-form-urlencoded"
MOST_FIELDS: Final = 32


class Visit:
    """A request and its response. `name` is what ended its path, where a page has one path for many things."""

    def __init__(self, gateway: Gateway, areas: Areas, scope: Scope, receive: Receive, send: Send) -> None:
        self.gateway = gateway
        self.name = ""
        self._areas = areas
        self._session: Session | None = None
        self.scope = scope
        self.receive = receive
        self.sender = Sender(scope, send)

    @cached_property
    def query(self) -> Mapping[str, str]:
        """The fields of the address. Raises BadRequest."""
        return _fields(self.scope["query_string"])

    async def form(self) -> Mapping[str, str]:
        """The fields of the form that was sent; line ends are LF. Raises BadRequest, ClientGone."""
        media = header(self.scope, b"content-type").partition(";")[0].strip().lower()
        if media != FORM_MEDIA:
            message = "A form of the console is expected here."
            raise BadRequest(message, param="Content-Type", mend=f"Send {FORM_MEDIA}.")
        body = await read_body(self.scope, self.receive, self.gateway.limits)
        return {name: value.replace("\r\n", "\n") for name, value in _fields(body).items()}

    async def session(self) -> Session:
        """Who is signed in. Raises Unauthenticated."""
        token = session_token(self.scope)
        if token is None:
            raise Unauthenticated("You are not signed in.", code="identity.no_session", mend="Sign in with a key.")
        self._session = Session(token, await self.gateway.authenticate(token))
        return self._session

    async def signed_form(self) -> tuple[Session, Mapping[str, str]]:
        """Who is signed in, and the form that a page of that very session sent. Raises Unauthenticated, Forbidden, BadRequest."""
        fields = await self.form()
        session = await self.session()
        check_form(session.token, fields.get(FORM_FIELD, ""))
        return session, fields

    async def page(
        self, template: str, content: Mapping[str, object], status: int = 200, headers: Sequence[tuple[bytes, bytes]] = ()
    ) -> None:
        """A whole page. Once :meth:`session` has said who is there, it has the navigation, and every template knows `principal` and
        `form` (the token that its forms must send)."""
        await self.sender.whole(status, page(template, {**self._around(), **content}).encode(), headers, HTML)

    def onward(self) -> Entry:
        """Where somebody may go on: to the first entry of their navigation; who is not signed in, to the beginning."""
        found = self._around().get("navigation")
        return cast("list[Entry]", found)[0] if found else Entry("Ask", "/console/", "")

    def forget(self) -> None:
        """Answer as if nobody were signed in."""
        self._session = None

    def _around(self) -> Mapping[str, object]:
        if (session := self._session) is None:
            return {}
        entries = self._areas.navigation(self.gateway, session.principal, str(self.scope["path"]))
        return {"principal": session.principal, "form": session.form, "navigation": entries}

    async def go(self, location: str, *headers: tuple[bytes, bytes]) -> None:
        """Send the browser on to another page, with GET."""
        await self.sender.whole(303, b"", [(b"location", location.encode("ascii")), *headers], HTML)

    def here(self) -> str:
        """The path and query of this request, as a link within the console. The path holds no more than our own table has."""
        asked = quote(self.scope["query_string"].decode("latin-1"), safe="%&=+/:;,~@!*'()?-._")
        return f"{self.scope['path']}?{asked}" if asked else str(self.scope["path"])


def _fields(encoded: bytes) -> dict[str, str]:
    """Fields by name; the first of a name counts. Raises BadRequest for what is not UTF-8, for NUL, and for too many."""
    try:
        pairs = parse_qsl(encoded.decode("ascii"), keep_blank_values=True, encoding="utf-8", errors="strict", max_num_fields=MOST_FIELDS)
    except ValueError:
        message = "What was sent is not text, or has too many parts."
        raise BadRequest(message, code="request.invalid_text", mend="Send it again from a page of the console.") from None
    found: dict[str, str] = {}
    for name, value in pairs:
        if "\0" in value:
            message = "This text has a character that no text has (NUL)."
            raise BadRequest(message, code="request.invalid_text", mend="Remove it.")
        found.setdefault(name, value)
    return found
