"""What clients hold against what the log holds: no received answer without its record, none doubled, interrupted ones named."""

from __future__ import annotations

import json
from collections import Counter
from http import HTTPStatus
from typing import TYPE_CHECKING, Any

from headrace.config.layout import Layout
from headrace.evidence import verify
from headrace.evidence.commitment import commit
from headrace.evidence.log.files import VKEY_FILE
from headrace.evidence.log.reader import LogReader

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

    from tests.crash.journal import Entry

STOPPING = b'"code":"internal.stopping"'
ENDS = {"answered", "refused", "failed", "cancelled", "interrupted"}


class Log:
    """The log of a workspace, read as an auditor does: every record once, by request and kind."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.records: list[dict[str, Any]] = []
        self.places: dict[str, list[int]] = {}
        with LogReader(folder) as reader:
            while (found := reader.at(len(self.records))) is not None:
                self.places.setdefault(str(found["record"]["request"]), []).append(len(self.records))
                self.records.append({**found["record"], "receipt": found["receipt"]})

    @classmethod
    def of(cls, workspace: Path) -> Log:
        """The log that the installation on this workspace keeps."""
        return cls(Layout(workspace).ledger)

    def of_request(self, request: str) -> list[dict[str, Any]]:
        """Its records, in order."""
        return [self.records[place] for place in self.places.get(request, [])]

    def end(self, request: str) -> dict[str, Any]:
        """Its one end."""
        (found,) = [each for each in self.of_request(request) if each["kind"] != "opened"]
        return found


def audit(log: Log, entries: Iterable[Entry], *, debts_lost: bool = False) -> Counter[str]:
    """Raises AssertionError with what does not agree; how often each end was met.

    `debts_lost`: ledger and gateway were killed at once, so a gateway that was told to stop may have died owing the end of a request that
    it had turned away (decision 0097). After any other kill every response has its record.
    """
    ends: Counter[str] = Counter()
    for request, places in log.places.items():
        kinds = [log.records[place]["kind"] for place in places]
        assert kinds in (["settled"], ["opened", "settled"], ["opened", "interrupted"], ["act"]), f"{request}: {kinds}"
    for entry in entries:
        if entry.status is None:
            ends["nothing came"] += 1
            continue
        ends[_agree(log, entry, debts_lost=debts_lost)] += 1
    return ends


def _agree(log: Log, entry: Entry, *, debts_lost: bool) -> str:
    """One client's bytes against the log."""
    request = entry.request
    assert request is not None, f"a response without the request's id: {entry.received!r}"
    if entry.status == 401:
        return "turned away"
    records = log.of_request(request)
    if not records and debts_lost and entry.status == HTTPStatus.SERVICE_UNAVAILABLE and STOPPING in entry.received:
        assert entry.receipt is None, f"{request} was given a receipt, and the log does not know it"
        return "owed"
    assert records, f"{request} was given {len(entry.received)} bytes, and the log does not know it"
    end = log.end(request)
    assert end["outcome"] in ENDS
    if entry.status == 200 and not entry.stream:
        assert end["outcome"] == "answered", f"{request}: a byte of an answer came, and its end is {end['outcome']}"
    if entry.status == 200 and entry.stream:
        assert records[0]["kind"] == "opened", f"{request}: text came before its opening was recorded"
    if entry.receipt is not None:
        _receipted(log, entry, end)
    elif entry.text and end["outcome"] == "interrupted":
        assert end["error"] == "internal.interrupted"
    return str(end["outcome"])


def _receipted(log: Log, entry: Entry, end: dict[str, Any]) -> None:
    """Who holds a receipt holds the place of the record, and the salts open its commitments to exactly what came."""
    receipt = entry.receipt
    assert receipt is not None
    assert {name: receipt[name] for name in ("log", "sequence", "leaf", "time_us", "signature")} == end["receipt"]
    if "salts" not in receipt:
        assert end["outcome"] in {"refused", "failed"}
        return
    assert end["outcome"] == "answered"
    salts = {name: bytes.fromhex(salt) for name, salt in receipt["salts"].items()}
    prompt = json.dumps([["user", entry.prompt]], ensure_ascii=False, separators=(",", ":"))
    assert end["commitments"] == {"answer": commit(salts["answer"], entry.text), "prompt": commit(salts["prompt"], prompt)}
    with LogReader(log.folder) as reader:
        bundle = reader.bundle(str(end["request"]))
    assert bundle is not None
    whole = {**bundle, "text": entry.text, "salts": receipt["salts"], "prompt": prompt}
    broken = [link for link in verify.verify(whole, verify.key_of(str(log.folder / VKEY_FILE))) if not link.holds]
    assert not broken, broken
