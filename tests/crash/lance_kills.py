"""A writer of LanceDB that is killed with SIGKILL again and again. Run by test_lance_kill.py; prints one JSON object.

Each commit replaces one document's passages by those of the next generation, and tells in a pipe when it begins and when it is done. After
each kill the table must hold exactly one generation: the last that was done, or the one that had begun.
"""

from __future__ import annotations

import asyncio
import json
import os
import random
import select
import signal
import sys
import time
import warnings
from pathlib import Path

from headrace.adapters.stores.lance import LancePassages
from headrace.adapters.stores.lance_search import LanceIndex
from headrace.testing.passages import DIMENSIONS, MADE_BY, axis, passage, scope

KILLS = 12
PASSAGES = 40


def write(folder: Path, start: int, pipe: int) -> None:
    """Commit generation after generation until killed; every third with vectors, every fifth with a tidy."""
    store = LancePassages(folder, dimensions=DIMENSIONS)
    for generation in range(start, sys.maxsize):
        given = [passage("docs/a.md", n, f"Generation g{generation} word{n}.", version=f"g{generation}") for n in range(PASSAGES)]
        os.write(pipe, b"b%d\n" % generation)
        store.replace(["docs/a.md"], given)
        os.write(pipe, b"d%d\n" % generation)
        if generation % 3 == 0:
            store.add_vectors({each.id: axis(0) for each in given}, MADE_BY)
        if generation % 5 == 0:
            store.optimize()


def look(folder: Path) -> str:
    """The generation that the table holds, by every way of looking at it."""

    async def asked() -> set[str]:
        snapshot = await LanceIndex(folder).newest()
        within = scope("staff")
        total, _ = await snapshot.counts(within, MADE_BY)
        hits = await snapshot.by_words("generation", within, 10 * PASSAGES)
        found = await snapshot.passages([hit.key for hit in hits], within)
        assert total == len(found) == PASSAGES, f"{total} rows, {len(found)} found"
        return {each.version for each in found.values()}

    (version,) = asyncio.run(asked())
    assert LancePassages(folder, dimensions=DIMENSIONS).documents() == {"docs/a.md": version}
    return version


def forked(work: object, *args: object) -> int:
    """Start work in a child; it never returns there."""
    pid = os.fork()
    if pid == 0:
        try:
            work(*args)  # pyright: ignore[reportCallIssue]
        except BaseException as error:  # noqa: BLE001  the parent hears of it by the exit code
            sys.stderr.write(f"{error!r}\n")
            os._exit(1)
        os._exit(0)
    return pid


def lines_until(pipe: int, deadline: float, held: bytearray) -> None:
    """Read what the writer tells until the deadline."""
    while (left := deadline - time.monotonic()) > 0:
        if select.select([pipe], [], [], left)[0]:
            held += os.read(pipe, 65536)


def main() -> None:
    """Kill and look."""
    warnings.simplefilter("ignore")
    folder, chance = Path(sys.argv[1]), random.Random(7)
    done = 0
    for _ in range(KILLS):
        out, into = os.pipe()
        heard = bytearray()
        pid = forked(write, folder, done + 1, into)
        os.close(into)
        while not heard:
            heard += os.read(out, 65536)
        lines_until(out, time.monotonic() + chance.uniform(0.01, 0.4), heard)
        os.kill(pid, signal.SIGKILL)
        os.waitpid(pid, 0)
        while more := os.read(out, 65536):
            heard += more
        os.close(out)
        told = heard.decode().split()
        done = max((int(line[1:]) for line in told if line[0] == "d"), default=done)
        begun = max(int(line[1:]) for line in told if line[0] == "b")
        out, into = os.pipe()
        looking = forked(lambda pipe: os.write(pipe, look(folder).encode()), into)
        os.close(into)
        version = os.read(out, 100).decode()
        os.close(out)
        if os.waitpid(looking, 0)[1]:
            sys.exit("the table could not be read after a kill")
        if version not in {f"g{done}", f"g{begun}"}:
            sys.exit(f"after generation {done} was done and {begun} had begun, the table holds {version}")
        done = int(version[1:])
    sys.stdout.write(json.dumps({"generations": done}))


if __name__ == "__main__":
    main()
