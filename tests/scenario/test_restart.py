"""An upgrade without losing a request: every process is followed by another while official clients ask all the time."""

from __future__ import annotations

import json
import sqlite3
import threading
from contextlib import closing, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from openai import OpenAI

from headrace.adapters.stores.database import look
from headrace.config.layout import Layout
from headrace.evidence.log import audit
from headrace.evidence.verify import keys_of
from tests.support.installation import headrace

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from tests.support.installation import Installation


def children(installation: Installation) -> dict[str, int]:
    """The installation's processes by module."""
    found: dict[str, int] = {}
    for task in Path(f"/proc/{installation.process.pid}/task").glob("*/children"):
        for pid in task.read_text().split():
            words = Path(f"/proc/{pid}/cmdline").read_text().split("\0")
            if "-m" in words:
                found[words[words.index("-m") + 1].rpartition(".")[2]] = int(pid)
    return found


def streamed(client: OpenAI) -> str:
    with client.chat.completions.create(model="on-slow", messages=[{"role": "user", "content": "x"}], stream=True) as events:
        return "".join(event.choices[0].delta.content or "" for event in events if event.choices)


def answered(client: OpenAI, service: str, question: str) -> str:
    answer = client.chat.completions.create(model=service, messages=[{"role": "user", "content": question}], max_tokens=8)
    return answer.choices[0].message.content or ""


@contextmanager
def asking(installation: Installation, key: str) -> Iterator[Callable[[int], bool]]:
    """Clients that ask all the time, for the block, and never ask twice: what fails, fails the test. Gives a way to wait for answers."""
    over, failed, counts = threading.Event(), list[BaseException](), dict[int, int]()
    asks: list[Callable[[OpenAI], str]] = [
        lambda client: answered(client, "on-good", "x"),
        lambda client: answered(client, "on-good", "y"),
        lambda client: answered(client, "help", "How much is the annual fee?"),
        lambda client: answered(client, "local", "Say hello."),
        streamed,
    ]

    def ask(number: int) -> None:
        with OpenAI(base_url=f"{installation.url}/v1", api_key=key, max_retries=0, timeout=60) as client:
            while not over.is_set() and not failed:
                try:
                    assert asks[number](client)
                except BaseException as error:  # noqa: BLE001  it is raised again below
                    failed.append(error)
                counts[number] = counts.get(number, 0) + 1

    def more(each: int) -> bool:
        """Wait until every client has had so many answers more."""
        wanted = {number: counts.get(number, 0) + each for number in range(len(asks))}
        while not failed and any(counts.get(number, 0) < count for number, count in wanted.items()):
            over.wait(0.02)
        return not failed

    clients = [threading.Thread(target=ask, args=(number,)) for number in range(len(asks))]
    for client in clients:
        client.start()
    try:
        yield more
    finally:
        over.set()
        for client in clients:
            client.join()
    if failed:
        raise failed[0]


def test_every_process_is_renewed_under_load_and_no_request_is_lost(installation: Installation, key: str) -> None:
    began = len(installation.since())
    before = children(installation)
    with asking(installation, key) as more:
        assert more(1)
        told = installation.json("restart")
        assert more(1)
        installation.json("restart")  # and the renewed ones are renewed too
        assert more(1)
    assert (told["restarted"], told["supervisor_restarted"]) == (True, False)
    after = children(installation)
    assert before.keys() == after.keys()
    assert {name for name in before if before[name] == after[name]} == set()
    assert installation.gateway == after["gateway"]
    records = installation.since(began)
    assert {each["kind"] for each in records} <= {"opened", "settled"}
    opened = {each["request"] for each in records if each["kind"] == "opened"}
    closed = {each["request"] for each in records if each["kind"] == "settled"}
    assert opened <= closed
    assert {each["outcome"] for each in records if each["kind"] == "settled"} == {"answered"}
    folder = Layout(installation.workspace).ledger
    with closing(look(folder / "log.db")) as database:
        assert audit.whole(database, keys_of(str(folder / "log.vkey"))).size == began + len(records)


def test_code_that_cannot_serve_replaces_nothing(installation: Installation, key: str) -> None:
    """Here: a control store that it says is too new for it."""
    before = children(installation)
    control = Layout(installation.workspace).control

    def schema(version: str) -> str:
        with closing(sqlite3.connect(control, isolation_level=None)) as database:
            (was,) = database.execute("SELECT version_num FROM alembic_version").fetchone()
            database.execute("UPDATE alembic_version SET version_num = ?", (version,))
            return str(was)

    was = schema("9999")
    try:
        error = installation.json("restart", code=1)["error"]
    finally:
        schema(was)
    assert error["code"] == "operation.not_restarted"
    assert "newer Headrace" in error["message"]
    assert children(installation) == before
    with OpenAI(base_url=f"{installation.url}/v1", api_key=key, max_retries=0) as client:
        assert answered(client, "on-good", "x")


def test_nothing_runs(tmp_path: Path) -> None:

    (tmp_path / "headrace.yaml").write_text("headrace: 1\nname: x\n")
    done = headrace("restart", "--json", "--workspace", str(tmp_path), code=1)
    assert json.loads(done.stderr)["error"]["code"] == "operation.not_running"
