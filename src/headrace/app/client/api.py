"""A plain client of our own public API, for the command line: standard library only, so that it starts at once."""

from __future__ import annotations

import http.client
import json
from dataclasses import dataclass
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from headrace.app.client.reading import map_of, maps_of
from headrace.app.processes.installation import address
from headrace.core.errors import HeadraceError, OperationFailed, Unavailable

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from headrace.config.layout import Layout

ANSWER_WITHIN = 300.0


@dataclass(frozen=True, slots=True)
class Api:
    """The API at `url`, asked with `key`."""

    url: str
    key: str

    @classmethod
    def running(cls, layout: Layout, key: str) -> Api:
        """The installation that serves this workspace. Raises OperationFailed when none does."""
        found = address(layout)
        if found is None:
            msg = f"Nothing serves the workspace {layout.workspace}."
            raise OperationFailed(msg, code="operation.not_running", mend=f"Start it: headrace up --workspace {layout.workspace}")
        return cls(str(found["url"]), key)

    def chat(self, service: str, question: str, **more: object) -> Mapping[str, object]:
        """The whole answer. Raises the API's error as a HeadraceError with its code, place and mend."""
        return self._json("POST", "/v1/chat/completions", {"model": service, "messages": [{"role": "user", "content": question}], **more})

    def services(self) -> list[str]:
        """Names of the services that this key may ask."""
        return [str(each.get("id")) for each in maps_of(self._json("GET", "/v1/models", None).get("data"))]

    def readiness(self) -> Mapping[str, str]:
        """What each part of the installation says of itself: ``ready``, or what it is doing."""
        connection, response = self._sent("GET", "/readyz", None)
        try:
            parts = map_of(map_of(json.loads(response.read())).get("parts"))
        finally:
            connection.close()
        return {name: str(word) for name, word in parts.items()}

    def proof(self, request: str) -> Mapping[str, object]:
        """The proof bundle of one's own request."""
        return self._json("GET", f"/v1/headrace/requests/{request}/proof", None)

    def stream(self, service: str, question: str, **more: object) -> Iterator[Mapping[str, object]]:
        """The events of a streamed answer. Raises as :meth:`chat`, also in the middle."""
        body = {"model": service, "messages": [{"role": "user", "content": question}], "stream": True, **more}
        connection, response = self._send("POST", "/v1/chat/completions", body)
        try:
            for line in response:
                data = line.strip().removeprefix(b"data: ")
                if not line.startswith(b"data: ") or data == b"[DONE]":
                    continue
                event = json.loads(data)
                if "error" in event:
                    raise _error(event)
                yield event
        finally:
            connection.close()

    def _json(self, method: str, path: str, body: object) -> Mapping[str, object]:
        connection, response = self._send(method, path, body)
        try:
            answered: Mapping[str, object] = json.loads(response.read())
        finally:
            connection.close()
        return answered

    def _send(self, method: str, path: str, body: object) -> tuple[http.client.HTTPConnection, http.client.HTTPResponse]:
        """An exchange that succeeded. Raises the API's error."""
        connection, response = self._sent(method, path, body)
        if response.status >= http.client.BAD_REQUEST:
            detail = response.read()
            connection.close()
            raise _error(json.loads(detail))
        return connection, response

    def _sent(self, method: str, path: str, body: object) -> tuple[http.client.HTTPConnection, http.client.HTTPResponse]:
        parts = urlsplit(self.url)
        connection = http.client.HTTPConnection(parts.hostname or "127.0.0.1", parts.port, timeout=ANSWER_WITHIN)
        headers = {"Authorization": f"Bearer {self.key}", "Content-Type": "application/json", "User-Agent": "headrace-cli/1"}
        try:
            connection.request(method, path, None if body is None else json.dumps(body), headers)
            response = connection.getresponse()
        except OSError as error:
            connection.close()
            msg = f"{self.url} does not answer ({error.strerror or error})."
            raise Unavailable(msg, code="operation.no_answer", mend="See whether headrace up still runs.") from error
        return connection, response


def _error(body: Mapping[str, object]) -> HeadraceError:
    fields = map_of(body.get("error"))
    ours = map_of(fields.get("headrace"))
    error = HeadraceError(
        str(fields.get("message", "The request failed.")),
        code=str(fields.get("code", "internal.error")),
        param=str(fields["param"]) if fields.get("param") else None,
        mend=str(ours["mend"]) if ours.get("mend") else None,
    )
    error.request = str(ours["request"]) if ours.get("request") else None
    return error
