"""A running installation follows apply and rollback within seconds, without a restart and without losing a request."""

from __future__ import annotations

import json
import threading
import time
from typing import TYPE_CHECKING, Any, Self
from urllib.request import Request, urlopen

import pytest

from tests.support.installation import Installation, running

if TYPE_CHECKING:
    from collections.abc import Iterator

WITHIN = 5.0
ENGINE_WITHIN = 15.0
"""Where a new engine must load first: the old one answers until then."""


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Installation]:
    folder = tmp_path_factory.mktemp("following")
    (folder / "texts").mkdir()
    (folder / "texts" / "a.md").write_text("# Opening hours\n\nThe desk is open from nine to five on working days.\n")
    with running(folder / "workspace", documents=folder / "texts") as installation:
        yield installation


class Asking:
    """Keeps asking a service, side by side, until told to stop; what came of each."""

    def __init__(self, installation: Installation, key: str, service: str, *, threads: int) -> None:
        self._installation, self._key, self._service = installation, key, service
        self._stop = threading.Event()
        self.answers: list[dict[str, Any]] = []
        self.failures: list[str] = []
        self._threads = [threading.Thread(target=self._ask) for _ in range(threads)]

    def __enter__(self) -> Self:
        for each in self._threads:
            each.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stop.set()
        for each in self._threads:
            each.join()

    def revisions(self) -> list[str]:
        return [str(each["headrace"]["revision"]) for each in list(self.answers)]

    def _ask(self) -> None:
        body = {"model": self._service, "messages": [{"role": "user", "content": "When is the desk open?"}], "max_tokens": 6}
        while not self._stop.is_set():
            try:
                self.answers.append(ask(self._installation, self._key, body))
            except OSError as error:
                detail = getattr(error, "read", lambda: b"")()
                self.failures.append(f"{error}: {detail!r}")


def ask(installation: Installation, key: str, body: dict[str, Any]) -> dict[str, Any]:
    headers = {"Authorization": f"Bearer {key}", "Content-Type": "application/json"}
    asked = Request(f"{installation.url}/v1/chat/completions", json.dumps(body).encode(), headers)  # noqa: S310  our own server
    with urlopen(asked, timeout=60) as response:  # noqa: S310
        answered: dict[str, Any] = json.load(response)
    return answered


def until_in_force(asking: Asking, revision: str, within: float) -> None:
    deadline = time.monotonic() + within
    while revision not in asking.revisions():
        assert time.monotonic() < deadline, f"nothing was answered by {revision} within {within:g} s; failures: {asking.failures[:3]}"
        time.sleep(0.02)


def change(installation: Installation, path: str, old: str, new: str) -> None:
    file = installation.workspace / path
    text = file.read_text()
    assert old in text
    file.write_text(text.replace(old, new))


def test_apply_and_rollback_are_followed_without_losing_a_request(served: Installation) -> None:
    gateway, key = served.gateway, served.key("following")
    before = served.json("show")["revision"]
    with Asking(served, key, "help", threads=4) as asking:
        until_in_force(asking, before, WITHIN)
        change(served, "services/help.yaml", "quotes: 2", "quotes: 1")
        after = served.json("apply")["revision"]
        until_in_force(asking, after, WITHIN)
        assert served.json("rollback")["revision"] == before
        asking.answers.clear()
        until_in_force(asking, before, WITHIN)
    assert asking.failures == []
    assert served.gateway == gateway
    change(served, "services/help.yaml", "quotes: 1", "quotes: 2")


def test_a_changed_engine_takes_over_from_the_old_one_between_two_answers(served: Installation) -> None:
    key = served.key("following")
    with Asking(served, key, "local", threads=3) as asking:
        until_in_force(asking, served.json("show")["revision"], ENGINE_WITHIN)
        change(served, "deployments/local.yaml", "slots: 4", "slots: 3")
        after = served.json("apply")["revision"]
        until_in_force(asking, after, ENGINE_WITHIN)
        served.run("rollback")
        change(served, "deployments/local.yaml", "slots: 3", "slots: 4")
        asking.answers.clear()
        until_in_force(asking, served.json("show")["revision"], ENGINE_WITHIN)
    assert asking.failures == []


def test_a_workspace_with_a_fault_changes_nothing(served: Installation) -> None:
    key = served.key("following")
    before = served.json("show")["revision"]
    change(served, "services/help.yaml", "sources: [documents]", "sources: [docments]")
    refused = served.json("apply", code=1)
    assert refused["error"]["faults"][0]["mend"].startswith('Did you mean "documents"')
    assert served.json("show")["revision"] == before
    time.sleep(1.5)
    answer = ask(served, key, {"model": "help", "messages": [{"role": "user", "content": "When is the desk open?"}]})
    assert answer["headrace"]["revision"] == before
    change(served, "services/help.yaml", "sources: [docments]", "sources: [documents]")


def test_a_group_that_is_taken_away_counts_at_the_next_revision(served: Installation) -> None:
    """Readers are looked up in the revision in force: no row of the index is touched."""
    key = served.key("me-too", holder="me", groups=())
    body = {"model": "help", "messages": [{"role": "user", "content": "When is the desk open?"}]}
    assert ask(served, key, body)["headrace"]["mode"] == "quote"
    change(served, "sources/documents.yaml", "groups: [members]", "groups: [curators]")
    change(served, "people.yaml", "groups: [members, curators, administrators]", "groups: [members]")
    after = served.json("apply")["revision"]
    deadline = time.monotonic() + WITHIN
    while (answer := ask(served, key, body))["headrace"]["revision"] != after:
        assert time.monotonic() < deadline
    assert answer["headrace"]["mode"] == "abstain"
    assert answer["headrace"]["nearest"] == []
    change(served, "sources/documents.yaml", "groups: [curators]", "groups: [members]")
    served.run("rollback")
