"""Hundreds of seeds: every fault (tests/crash/faults.py) at every stage of the line under every load, and what must hold afterwards.

    python -m tests.crash.campaign --seeds 264 [--first 0] [--json FILE]

A seed names its fault, stage and load, and what is random within them; the same seed asks for the same again. Lives of an installation take
two dozen seeds each. After each: no received answer is without its record, none has two, every receipt verifies, places and times only
grow, what was opened has its end, the installation came back without a hand, and the log that it serves goes on from every checkpoint that
it ever signed. Prints a table; ends with 1 when anything did not hold.
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import itertools
import json
import os
import random
import sys
import tempfile
import time
import traceback
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path
from statistics import median
from typing import TYPE_CHECKING

from headrace.config.layout import Layout
from headrace.evidence.log.files import VKEY_FILE
from headrace.evidence.verify import keys_of
from headrace.evidence.verify.growth import verify_growth
from headrace.evidence.verify.keyring import pinned_alone
from tests.crash import faults
from tests.crash.audit import Log, audit
from tests.crash.journal import Journal
from tests.crash.line_kills import SERVICES, STAGES, Killed, Stage, back, lay
from tests.support.installation import provider, running
from tests.support.tile_client import TileClient

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from tests.crash.journal import Entry
    from tests.support.installation import Installation

LOADS = (1, 8, 24)
"""Clients that ask at one time."""
GROUNDED = "grounded"
EVERY_STAGE = (*STAGES, GROUNDED)
SEEDS_IN_A_LIFE = 24
LONGEST = 6.0
"""Seconds that a stage is waited for."""
HELD = (0.3, 1.5)
"""Seconds for which a fault that has to be mended lasts."""
BACK_WITHIN = 180.0
KEPT = 4
"""Earlier checkpoints that a new one is held against each time, beside the newest."""
ASKED_TOO = {"kill engine": "on-local", "kill knowledge": "help", "kill ingest": "help"}
"""Who else is asked, so that the process in question has work."""


@dataclass(frozen=True)
class Seed:
    """One run."""

    number: int
    fault: str
    stage: str
    clients: int


@dataclass
class Outcome:
    """What came of it."""

    seed: Seed
    ends: Counter[str] = field(default_factory=Counter[str])
    back_s: float = 0.0
    broken: str = ""


def seeds(first: int, count: int, names: Sequence[str]) -> list[Seed]:
    """Every fault at every stage under every load, in an order of their own, and again from the beginning when more are wanted."""
    every = list(itertools.product(names, EVERY_STAGE, LOADS))
    random.Random(20261124).shuffle(every)
    return [Seed(number, *every[number % len(every)]) for number in range(first, first + count)]


def lay_whole(workspace: Path, url: str) -> None:
    """Providers, the embedded engine, and documents: every process has something to do."""
    lay(workspace, url)
    (workspace / "sources").mkdir()
    (workspace / "handbook").mkdir()
    (workspace / "handbook" / "travel.md").write_text("# Travel\n\nHotels are booked by the travel desk. Trains are first class.\n")
    (workspace / "sources" / "handbook.yaml").write_text("source: handbook\nfolder: handbook\nreaders: {groups: [members]}\n")
    (workspace / "services" / "help.yaml").write_text("service: help\nknowledge: {sources: [handbook]}\n")
    (workspace / "deployments" / "local.yaml").write_text(
        "deployment: local\nembedded: {model: smollm2-135m-instruct, slots: 4, context: 4096}\nprice: [0.02 EUR per slot-hour]\n"
    )
    (workspace / "services" / "on-local.yaml").write_text("service: on-local\nmodels: [{deployment: local}]\nmax tokens: 12\n")


class Life:
    """One installation, from its first start to its last end, over all its seeds."""

    def __init__(self, workspace: Path, url: str, every: dict[str, Callable[[], faults.Fault]], clock: Path) -> None:
        self._workspace = workspace
        self._faults = every
        self._environment = {
            "PYTHONPATH": os.pathsep.join([str(faults.CLOCK), os.environ.get("PYTHONPATH", "")]),
            "HEADRACE_TEST_CLOCK": str(clock),
        }
        self._checkpoints: dict[int, str] = {}
        self._left: list[Entry] = []
        self._debts_lost = False
        self._now: Outcome | None = None
        self._struck = 0.0
        lay_whole(workspace, url)

    def run(self, waiting: list[Seed], told: Callable[[Outcome], None]) -> None:
        """Each seed in turn. Raises AssertionError when what must hold does not; `self.now` is the seed that it was."""
        with faults.disk(Layout(self._workspace).ledger):
            while waiting or self._now is not None:
                with contextlib.suppress(Killed), running(self._workspace, ready=False, **self._environment) as installation:
                    self._life(installation, waiting, told)
                    self._whole_log(installation)

    @property
    def now(self) -> Outcome | None:
        """The seed under way."""
        return self._now

    def _life(self, installation: Installation, waiting: list[Seed], told: Callable[[Outcome], None]) -> None:
        """From a start to the end of the seeds, or to the next time that the supervisor is killed."""
        installation.until_ready(BACK_WITHIN)
        key = installation.key("client")
        while True:
            if self._now is not None:
                self._settle(installation, key)
                told(self._now)
                self._now = None
            if not waiting:
                return
            seed = waiting.pop(0)
            self._now = Outcome(seed)
            self._left = asyncio.run(self._strike(installation, key, seed))
            self._debts_lost = seed.fault in {"kill everything", "disk read-only"}
            if seed.fault in {"kill everything", "kill supervisor"}:
                installation.process.wait(30)
                raise Killed
            installation.until_ready(BACK_WITHIN)

    async def _strike(self, installation: Installation, key: str, seed: Seed) -> list[Entry]:
        """Ask, wait for the stage, let it happen, mend it; what clients got until then and since."""
        chance = random.Random(seed.number)
        fault, stage = self._faults[seed.fault](), Stage(seed.stage if seed.stage != GROUNDED else "settled", chance, clients=seed.clients)
        journal, over = Journal(installation.url, key, told=stage.told), asyncio.Event()
        services = ("help",) if seed.stage == GROUNDED else SERVICES[seed.stage]
        services += (ASKED_TOO[seed.fault],) if seed.fault in ASKED_TOO else ()
        if seed.fault == "kill ingest":
            (self._workspace / "handbook" / f"{seed.number}.md").write_text(f"# {seed.number}\n\nNote {seed.number} is about nothing.\n")
        asking = asyncio.create_task(load(journal, services, chance, over.is_set, seed.clients))
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(stage.reached.wait(), LONGEST)
        await asyncio.sleep(stage.moment())
        await asyncio.to_thread(fault.strike, installation)
        if not isinstance(fault, faults.Kill):
            await asyncio.sleep(chance.uniform(*HELD))
        self._struck = time.monotonic()
        await asyncio.to_thread(fault.mend, installation)
        over.set()
        await asyncio.wait_for(asking, BACK_WITHIN)
        return journal.entries

    def _settle(self, installation: Installation, key: str) -> None:
        """Wait until it has come back, and hold everything against everything."""
        assert self._now is not None
        asyncio.run(back(self._workspace, BACK_WITHIN))
        self._now.ends = self._audited()
        self._now.back_s = time.monotonic() - self._struck
        self._checkpoint(installation, key)

    def _audited(self) -> Counter[str]:
        """The audit, once what was owed has been paid. Raises AssertionError when it never holds."""
        until = time.monotonic() + BACK_WITHIN
        while True:
            log = Log.of(self._workspace)
            try:
                ends = audit(log, self._left, debts_lost=self._debts_lost)
            except AssertionError:
                if time.monotonic() > until:
                    raise
                time.sleep(0.2)
                continue
            self._receipts(log)
            return ends

    def _receipts(self, log: Log) -> None:
        """Every receipt that somebody holds is signed; places and times only grow."""
        keyring = pinned_alone(keys_of(str(log.folder / VKEY_FILE)))
        for entry in self._left:
            if (held := entry.receipt) is not None:
                keyring.check_receipt(held["log"], held["sequence"], held["leaf"], held["time_us"], held["signature"])
        assert [each["receipt"]["sequence"] for each in log.records] == list(range(len(log.records)))
        times = [each["receipt"]["time_us"] for each in log.records]
        assert times == sorted(times), "the log's clock went back"

    def _checkpoint(self, installation: Installation, key: str) -> None:
        """The checkpoint that is served goes on from every one that was served before."""
        pinned = keys_of(str(Layout(self._workspace).ledger / VKEY_FILE))
        status, content = installation.get("/log/checkpoint", key)
        assert status == 200, content
        kept = sorted(self._checkpoints)
        for size in {*kept[-1:], *random.Random(len(kept)).sample(kept, min(KEPT, len(kept)))}:
            status, growth = installation.get(f"/v1/headrace/log/since/{size}", key)
            assert status == 200, growth
            broken = [link for link in verify_growth(json.loads(growth), self._checkpoints[size], *pinned) if not link.holds]
            assert not broken, broken
        self._checkpoints[int(content.split(b"\n")[1])] = content.decode()

    def _whole_log(self, installation: Installation) -> None:
        """At the end: its tiles make the root of every checkpoint, read as a stranger reads them."""
        key = installation.key("auditor", groups=("auditors",))

        def get(path: str) -> bytes | None:
            status, content = installation.get(f"/log/{path}", key)
            return content if status == 200 else None

        for note in [*self._checkpoints.values(), *filter(None, [(get("checkpoint") or b"").decode()])]:
            _, size, root = TileClient.checkpoint(lambda _, note=note: note.encode())
            assert TileClient(get, size).root() == root, f"the tiles do not make the root that was signed over {size} records"


async def load(journal: Journal, services: Sequence[str], chance: random.Random, until: Callable[[], bool], clients: int) -> None:
    """Clients that ask one thing after another."""

    async def one(n: int) -> None:
        turn = 0
        while not until():
            turn += 1
            entry = await journal.ask(
                chance.choice(services), f"Who books hotels? {n}.{turn} {chance.random()}", stream=chance.random() < 0.6
            )
            if entry.status is None:
                await asyncio.sleep(0.02)  # nobody is there now

    await asyncio.gather(*(one(n) for n in range(clients)))


def campaign(wanted: Sequence[Seed], folder: Path, told: Callable[[Outcome], None]) -> list[Outcome]:
    """All of them; a life that broke ends with its seed, and the next begins."""
    found: list[Outcome] = []
    clock = folder / "clock"
    every = faults.every(clock)

    def ended(outcome: Outcome) -> None:
        found.append(outcome)
        told(outcome)

    waiting = list(wanted)
    with provider() as url:
        for number in itertools.count():
            if not waiting:
                return found
            clock.write_text("0")
            ahead, waiting = waiting[:SEEDS_IN_A_LIFE], waiting[SEEDS_IN_A_LIFE:]
            life = Life(folder / f"life-{number}", url, every, clock)
            try:
                life.run(ahead, ended)
            except (AssertionError, OSError, TimeoutError, ValueError) as error:
                broken = life.now or Outcome(ahead.pop(0) if ahead else wanted[-1])
                broken.broken = "".join(traceback.format_exception(error))
                ended(broken)
            waiting = ahead + waiting
    return found


def table(found: Sequence[Outcome]) -> str:
    """One row a fault."""
    rows = [
        "| fault | seeds | asked | answered | refused or failed | interrupted | no answer came | back after, median | longest | broken |"
    ]
    rows.append("|---|--:|--:|--:|--:|--:|--:|--:|--:|--:|")
    for name in [*dict.fromkeys(sorted(each.seed.fault for each in found)), "all"]:
        some = [each for each in found if name in {each.seed.fault, "all"}]
        ends = sum((each.ends for each in some), Counter[str]())
        came = [each.back_s for each in some if not each.broken] or [0.0]
        other = ends.total() - sum(ends[end] for end in ("answered", "interrupted", "nothing came"))
        rows.append(
            f"| {name} | {len(some)} | {ends.total()} | {ends['answered']} | {other} | {ends['interrupted']} | {ends['nothing came']} "
            f"| {median(came):.1f} s | {max(came):.1f} s | {sum(bool(each.broken) for each in some)} |"
        )
    return "\n".join(rows)


def _told(outcome: Outcome) -> None:
    seed = outcome.seed
    said = outcome.broken or f"{dict(outcome.ends)}, back after {outcome.back_s:.1f} s"
    sys.stderr.write(f"seed {seed.number}: {seed.fault} at {seed.stage} under {seed.clients}: {said}\n")


def main() -> int:
    """A campaign; 1 when anything did not hold."""
    parser = argparse.ArgumentParser(description="Every fault at every stage under every load.")
    parser.add_argument("--seeds", type=int, default=264)
    parser.add_argument("--first", type=int, default=0)
    parser.add_argument("--only", action="append", help="a fault; may be given again")
    parser.add_argument("--json", type=Path)
    given = parser.parse_args()
    began = time.monotonic()
    names = given.only or list(faults.every(Path()))
    folder = Path(tempfile.mkdtemp(prefix="headrace-campaign-"))
    found = campaign(seeds(given.first, given.seeds, names), folder, _told)
    if given.json is not None:
        given.json.write_text(json.dumps([{**vars(each), "seed": vars(each.seed)} for each in found], indent=1))
    sys.stdout.write(f"{table(found)}\n\n{len(found)} seeds in {time.monotonic() - began:.0f} s; kept under {folder}\n")
    return int(any(each.broken for each in found))


if __name__ == "__main__":
    sys.exit(main())
