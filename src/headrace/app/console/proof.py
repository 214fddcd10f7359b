"""The proof of an answer, as one file that can be checked anywhere: the ledger's bundle, with the texts that its commitments are over."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

import msgspec

from headrace.app.http.exchange.wire import encode
from headrace.core.errors import BadRequest, NotFound
from headrace.pipeline.settle import prompt_text

if TYPE_CHECKING:
    from headrace.app.console.visit import Visit
    from headrace.core.flow import Answer, Received

_REQUEST: Final = re.compile(r"req_[0-9A-HJKMNP-TV-Z]{26}")
_LONGEST_SALT = 128


class Opening(msgspec.Struct, forbid_unknown_fields=True):
    """What opens the commitments of a record. It is in the page that shows the answer and nowhere else: the ledger keeps no text."""

    text: str
    prompt: str
    salts: dict[str, str]


def opening(received: Received, answer: Answer) -> str:
    """The opening as a field of a form: JSON, in which no line end can be changed on the way."""
    return msgspec.json.encode(Opening(answer.text, prompt_text(received), answer.salts)).decode()


async def download(visit: Visit) -> None:
    """The proof as a file. Raises NotFound when there is no such record, or it is not for this person; Unavailable."""
    session, fields = await visit.signed_form()
    request = fields.get("request", "")
    found = await visit.gateway.requests.proof(session.principal, request) if _REQUEST.fullmatch(request) else None
    if found is None:
        message = "There is no record of this request that you may read."
        raise NotFound(message, code="proof.not_there", mend="A proof is given to whoever asked, and to auditors.")
    opened = _opening(fields.get("opens", ""))
    bundle: dict[str, object] = dict(found)
    if opened is not None:
        bundle |= {"text": opened.text, "prompt": opened.prompt, "salts": opened.salts}
    name = f'attachment; filename="{request}.proof.json"'.encode()
    await visit.sender.whole(200, encode(bundle), [(b"content-disposition", name)])


def _opening(given: str) -> Opening | None:
    """What the page sent along; None when it had no text (a refused or stopped answer). Raises BadRequest."""
    if not given:
        return None
    try:
        opened = msgspec.json.decode(given, type=Opening)
    except (msgspec.DecodeError, UnicodeEncodeError):
        opened = None
    if opened is None or any(len(salt) > _LONGEST_SALT for salt in opened.salts.values()):
        raise BadRequest(
            "What should open the proof cannot be read.", param="opens", mend="Load the page anew, ask again, and take that proof."
        )
    return opened
