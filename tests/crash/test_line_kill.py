"""Kill -9 under load: the clients' journals against the log. The large campaign is ``python -m tests.crash.line_kills``."""

from __future__ import annotations

import dataclasses
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from tests.crash.audit import Log, audit
from tests.crash.journal import Entry, Journal
from tests.crash.line_kills import SERVICES, STAGES, Campaign, lay, plan
from tests.support.installation import provider, running

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.support.installation import Installation

ROOT = Path(__file__).parents[2]
FEW = (
    ("streaming", "gateway"),
    ("settled", "gateway"),
    ("released", "both"),
    ("generated", "all"),
    ("opened", "ledger"),
    ("reserved", "gateway"),
)


def test_no_received_answer_is_without_its_record_when_processes_are_killed(tmp_path: Path) -> None:
    with provider() as url:
        lay(tmp_path / "workspace", url)
        campaign = Campaign(tmp_path / "workspace", seed=5)
        campaign.run(FEW)
    assert campaign.kills.total() == len(FEW)
    assert campaign.ends["answered"] > 10
    assert campaign.ends["interrupted"] > 0


@pytest.mark.long
@pytest.mark.timeout(3000)
def test_three_hundred_kills() -> None:
    command = [sys.executable, "-m", "tests.crash.line_kills", "--kills", "300", "--seed", "1"]
    done = subprocess.run(command, check=False, capture_output=True, text=True, cwd=ROOT)
    assert done.returncode == 0, done.stderr


def test_a_plan_has_every_stage() -> None:
    assert {stage for stage, _ in plan(42, 3)} == set(STAGES) == SERVICES.keys()
    assert plan(50, 3) == plan(50, 3) != plan(50, 4)


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Installation]:
    workspace = tmp_path_factory.mktemp("audit") / "workspace"
    with provider() as url:
        lay(workspace, url)
        with running(workspace, ready=False) as started:
            started.until_ready()
            yield started


async def asked(served: Installation) -> tuple[Entry, Entry, Entry]:
    """A whole answer, a streamed one, and a refusal."""
    journal = Journal(served.url, served.key("client"))
    whole, streamed = await journal.ask("on-good", "a", stream=False), await journal.ask("on-good", "b", stream=True)
    return whole, streamed, await journal.ask("nothing", "c", stream=False)


async def test_the_audit_sees_what_is_wrong(served: Installation) -> None:
    """It passes what is so, and nothing else."""
    whole, streamed, refused = await asked(served)
    log = Log.of(served.workspace)
    assert audit(log, (whole, streamed, refused)) == {"answered": 2, "refused": 1}
    assert whole.text == streamed.text == "The answer to this question is forty-two."

    def place(entry: Entry, kind: str) -> int:
        return next(n for n in log.places[str(entry.request)] if log.records[n]["kind"] == kind)

    def without(entry: Entry, kind: str) -> Log:
        changed = Log.of(served.workspace)
        changed.places[str(entry.request)].remove(place(entry, kind))
        return changed

    wrong = {
        "an answer that the log does not know": (without(whole, "settled"), whole),
        "a stream that was never opened": (without(streamed, "opened"), streamed),
        "a stream without an end": (without(streamed, "settled"), streamed),
        "another text than was committed to": (log, _changed(streamed, b"answer to", b"answer of")),
        "another place in the log": (log, _changed(whole, b'"sequence":', b'"sequence":1')),
        "no id": (log, _changed(whole, str(whole.request).encode(), b"req_no")),
    }
    doubled = Log.of(served.workspace)
    doubled.places[str(whole.request)] *= 2
    for why, (changed, entry) in {**wrong, "two ends": (doubled, whole)}.items():
        with pytest.raises((AssertionError, ValueError)):
            _audit(changed, entry, why)


async def test_the_audit_lets_go_of_one_thing_only_and_only_when_everything_was_killed(served: Installation) -> None:
    """A request that a stopping gateway turned away, which the ledger is owed. Never an answer, no other error, after no other kill."""
    whole, streamed, _ = await asked(served)
    log = Log.of(served.workspace)
    for entry in (whole, streamed):
        del log.places[str(entry.request)]
    said = f'{{"error":{{"code":"internal.stopping","headrace":{{"request":"{whole.request}"}}}}}}'
    turned_away = Entry("x", stream=False, received=f"HTTP/1.1 503 Service Unavailable\r\n\r\n{said}".encode(), whole=True)
    assert audit(log, [turned_away], debts_lost=True) == {"owed": 1}
    with pytest.raises(AssertionError, match="the log does not know it"):
        audit(log, [turned_away])
    another = _changed(turned_away, b"internal.stopping", b"internal.ledger_unavailable")
    for entry in (whole, streamed, another):
        with pytest.raises(AssertionError, match="the log does not know it"):
            audit(log, [entry], debts_lost=True)


def _audit(log: Log, entry: Entry, why: str) -> None:
    audit(log, [entry])
    pytest.fail(f"{why} passed")  # pytest's own Failed is neither of what is expected


def _changed(entry: Entry, old: bytes, new: bytes) -> Entry:
    assert old in entry.received
    return dataclasses.replace(entry, received=entry.received.replace(old, new))
