"""An installation's processes are killed with SIGKILL at every stage of the line, under load; then log and clients are compared.

    python -m tests.crash.line_kills --kills 300 --seed 7

Each kill: clients ask (streamed and whole, on providers that are quick, slow, late, scarce), a stage is waited for, a moment passes, and
the gateway, the ledger or every process at once is killed. When the installation serves again, :mod:`tests.crash.audit` holds the log
against every byte that clients got. Prints what was met; ends with 1 at the first disagreement.
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import os
import random
import signal
import sys
import tempfile
import time
from collections import Counter, deque
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from headrace.config import template
from headrace.config.layout import Layout
from headrace.core.errors import Unavailable
from headrace.evidence.client import LedgerClient
from tests.crash.audit import Log, audit
from tests.crash.journal import Journal
from tests.support.installation import provide, provider, running

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from tests.crash.journal import Entry
    from tests.support.installation import Installation

CLIENTS = 12
LONGEST = 8.0
"""Seconds for which clients ask before a kill that waits for a stage comes all the same."""
BACK_WITHIN = 40.0
STAGES = ("admitted", "reserved", "generated", "opened", "streaming", "released", "settled")
"""What is waited for before a kill: the room that some request is in then."""
VICTIMS = ("gateway", "gateway", "gateway", "ledger", "both", "all")


def lay(workspace: Path, url: str) -> None:
    """A workspace of services on providers alone; two that may have one answer at a time make others wait."""
    for name in ("services", "deployments", "policies"):
        (workspace / name).mkdir(parents=True)
    base = Path(str(template.__file__)).parent / "policies" / "base.cedar"
    (workspace / "policies" / "base.cedar").write_text(base.read_text())
    (workspace / "headrace.yaml").write_text(
        "headrace: 1\nname: crash\ngroups: [curators, reviewers, auditors, administrators, operators]\n"
    )
    (workspace / "people.yaml").write_text("people:\n  - person: ana\n    groups: [members]\n")
    provide(workspace, url, "good", "slow", "late", "obedient", "500", "cut")
    scarce = (workspace / "deployments" / "slow.yaml").read_text().replace("deployment: 'slow'", "deployment: scarce")
    (workspace / "deployments" / "scarce.yaml").write_text(scarce.replace("}\n", ", concurrency: 1}\n", 1))
    (workspace / "services" / "on-scarce.yaml").write_text("service: on-scarce\nmodels: [{deployment: scarce}]\n")


SERVICES = {
    "admitted": ("on-good", "on-obedient"),
    "reserved": ("on-scarce",),
    "generated": ("on-late", "on-slow"),
    "opened": ("on-slow", "on-obedient"),
    "streaming": ("on-slow", "on-cut"),
    "released": ("on-obedient",),
    "settled": ("on-good", "on-500", "on-obedient"),
}
"""Who is asked so that many requests are in that room."""


@dataclass
class Stage:
    """Sets its event once the clients' bytes show that requests have come as far as wanted."""

    name: str
    chance: random.Random
    clients: int = CLIENTS
    reached: asyncio.Event = field(default_factory=asyncio.Event)
    asked: int = 0

    def told(self, entry: Entry) -> None:
        self.asked += not entry.received
        if self._there(entry):
            self.reached.set()

    def _there(self, entry: Entry) -> bool:
        if self.name in {"admitted", "reserved", "generated"}:
            return self.asked >= self.clients
        if self.name == "settled":
            return self.asked > self.clients * 3
        deltas = entry.received.count(b'"content":"') if entry.stream else 0
        return deltas >= {"opened": 1, "streaming": self.chance.randint(3, 7), "released": 9}[self.name]

    def moment(self) -> float:
        """Seconds from there to the kill."""
        longest = {"admitted": 0.004, "reserved": 0.2, "generated": 0.5, "opened": 0.002, "streaming": 0.05, "released": 0.02}
        return self.chance.random() * longest.get(self.name, 0.05)


async def load(journal: Journal, services: tuple[str, ...], chance: random.Random, until: Callable[[], bool]) -> None:
    """Clients that ask one thing after another."""

    async def one(n: int) -> None:
        turn = 0
        while not until():
            turn += 1
            entry = await journal.ask(chance.choice(services), f"question {n}.{turn} {chance.random()}", stream=chance.random() < 0.6)
            if entry.status is None:
                await asyncio.sleep(0.02)  # nobody is there now

    await asyncio.gather(*(one(n) for n in range(CLIENTS)))


def children(pid: int) -> dict[str, int]:
    """The processes that the supervisor runs, by the last part of their module's name."""
    found: dict[str, int] = {}
    for child in Path(f"/proc/{pid}/task/{pid}/children").read_text().split():
        with contextlib.suppress(FileNotFoundError, ProcessLookupError):
            words = Path(f"/proc/{child}/cmdline").read_bytes().split(b"\0")
            if b"-m" in words:
                found[words[words.index(b"-m") + 1].decode().rpartition(".")[2]] = int(child)
    return found


def kill(installation: Installation, victim: str) -> None:
    """SIGKILL, to whom it is meant for."""
    pids = children(installation.process.pid)
    chosen = {"gateway": ["gateway"], "ledger": ["ledger"], "both": ["gateway", "ledger"], "all": list(pids)}[victim]
    if victim == "all":
        installation.process.kill()
    for name in chosen:
        with contextlib.suppress(ProcessLookupError, KeyError):
            os.kill(pids[name], signal.SIGKILL)


async def back(workspace: Path, within: float = BACK_WITHIN) -> None:
    """Wait until the ledger and a gateway are there, and nothing that was opened is without its end."""
    client = LedgerClient(Layout(workspace).socket("ledger"))
    deadline = time.monotonic() + within
    try:
        while True:
            with contextlib.suppress(Unavailable):
                await client.ready()
                log = Log.of(workspace)
                if all(len(places) > 1 or log.records[places[0]]["kind"] != "opened" for places in log.places.values()):
                    return
            assert time.monotonic() < deadline, "something that was opened has no end"
            await asyncio.sleep(0.1)
    finally:
        await client.close()


class Killed(Exception):
    """Every process of the installation was killed; it must be started again."""


class Campaign:
    """One workspace, killed again and again."""

    def __init__(self, workspace: Path, seed: int, told: Callable[[Campaign], None] | None = None) -> None:
        self._workspace = workspace
        self.told = told
        self._chance = random.Random(seed)
        self._left: list[Entry] = []
        self._all_killed = False
        self.ends: Counter[str] = Counter()
        self.kills: Counter[str] = Counter()

    def run(self, plan: Sequence[tuple[str, str]]) -> None:
        """Kill at each (stage, victim). Raises AssertionError when the log and the clients disagree."""
        waiting = deque(plan)
        while waiting or self._left:
            with contextlib.suppress(Killed), running(self._workspace, ready=False) as installation:
                self._life(installation, waiting)

    def _life(self, installation: Installation, waiting: deque[tuple[str, str]]) -> None:
        """From a start to the end of the plan, or to the next time that everything is killed."""
        installation.until_ready()
        key = installation.key("client")
        asyncio.run(back(self._workspace))
        self._compare()
        while waiting:
            stage, victim = waiting.popleft()
            self._all_killed = victim == "all"
            self._left = asyncio.run(self._kill(installation, key, Stage(stage, self._chance), victim))
            if victim == "all":
                raise Killed
            installation.until_ready()
            asyncio.run(back(self._workspace))
            self._compare()

    async def _kill(self, installation: Installation, key: str, stage: Stage, victim: str) -> list[Entry]:
        """Ask, wait for the stage, and kill; what clients got until then and since."""
        journal = Journal(installation.url, key, told=stage.told)
        over = asyncio.Event()
        asking = asyncio.create_task(load(journal, SERVICES[stage.name], self._chance, over.is_set))
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(stage.reached.wait(), LONGEST)
        await asyncio.sleep(stage.moment())
        await asyncio.to_thread(kill, installation, victim)
        over.set()
        self.kills[f"{stage.name}/{victim}"] += 1
        await asyncio.wait_for(asking, BACK_WITHIN)
        return journal.entries

    def _compare(self) -> None:
        self.ends += audit(Log.of(self._workspace), self._left, debts_lost=self._all_killed)
        self._left = []
        if self.told is not None:
            self.told(self)


def plan(kills: int, seed: int) -> list[tuple[str, str]]:
    """Every stage with every victim, shuffled, as often as it takes."""
    chance = random.Random(seed)
    found: list[tuple[str, str]] = []
    while len(found) < kills:
        every = [(stage, victim) for stage in STAGES for victim in VICTIMS]
        chance.shuffle(every)
        found += every
    return found[:kills]


def _progress(campaign: Campaign) -> None:
    sys.stderr.write(f"{campaign.kills.total()} kills: {dict(campaign.ends)}\n")


def main() -> None:
    """A campaign from a seed."""
    parser = argparse.ArgumentParser(description="Kill an installation at every stage of the line.")
    parser.add_argument("--kills", type=int, default=300)
    parser.add_argument("--seed", type=int, default=int(time.time()))
    given = parser.parse_args()
    began = time.monotonic()
    with tempfile.TemporaryDirectory(prefix="headrace-crash-") as folder, provider() as url:
        workspace = Path(folder) / "workspace"
        lay(workspace, url)
        campaign = Campaign(workspace, given.seed, _progress)
        campaign.run(plan(given.kills, given.seed))
        records = len(Log.of(workspace).records)
    sys.stdout.write(f"seed {given.seed}: {campaign.kills.total()} kills, {records} records, {time.monotonic() - began:.0f} s\n")
    for title, counted in (("stage/victim", campaign.kills), ("what clients met", campaign.ends)):
        sys.stdout.write(f"{title}: " + ", ".join(f"{name} {count}" for name, count in sorted(counted.items())) + "\n")


if __name__ == "__main__":
    main()
