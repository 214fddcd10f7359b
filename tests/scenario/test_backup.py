"""A backup taken under load, restored under another path: the same answer with the same citation, old receipts that verify, a log that goes
on; and what is found when the one that was backed up goes on too."""

from __future__ import annotations

import itertools
import shutil
import threading
from contextlib import closing, contextmanager
from typing import TYPE_CHECKING, Any

from headrace.adapters.stores.database import look
from headrace.app.client.api import Api
from headrace.app.client.proofs import bundle_of
from headrace.config.layout import Layout
from headrace.evidence.log import audit
from headrace.evidence.log.merkle import consistency_proof
from headrace.evidence.log.reader import LogReader
from headrace.evidence.log.store import node_reader
from headrace.evidence.verify import keys_of, verify
from headrace.evidence.verify.keyring import pinned_alone
from headrace.evidence.verify.notes import consistent
from tests.support.installation import running

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from headrace.evidence.log.audit import Audited
    from tests.support.installation import Installation

QUESTION = "How much is the annual fee?"


@contextmanager
def load(api: Api) -> Iterator[list[Any]]:
    """Three clients that ask all the time, for the block; their answers."""
    over, answers = threading.Event(), list[Any]()

    def ask(number: int) -> None:
        for turn in itertools.count():
            if over.is_set():
                return
            answers.append(api.chat("on-good", f"{number} {turn}"))

    clients = [threading.Thread(target=ask, args=(number,)) for number in range(3)]
    for each in clients:
        each.start()
    try:
        yield answers
    finally:
        over.set()
        for each in clients:
            each.join()


def proved(workspace: Path) -> Audited:
    """The whole ledger of a workspace."""
    folder = Layout(workspace).ledger
    with closing(look(folder / "log.db")) as database:
        return audit.whole(database, keys_of(str(folder / "log.vkey")))


def root_at(checkpoint: str, workspace: Path) -> tuple[int, bytes]:
    keys = keys_of(str(Layout(workspace).ledger / "log.vkey"))
    _, size, root = pinned_alone(keys).check_checkpoint(checkpoint)
    return size, root


def goes_on_from(old: str, workspace: Path) -> bool:
    """Whether a workspace's log proves that it begins with an older checkpoint's tree."""
    size, root = root_at(old, workspace)
    now = proved(workspace)
    with closing(look(Layout(workspace).ledger / "log.db")) as database:
        path = consistency_proof(node_reader(database), size, now.size)
    return consistent(size, now.size, root, bytes.fromhex(now.root), path)


def test_backed_up_under_load_and_restored_elsewhere(installation: Installation, key: str, tmp_path: Path) -> None:
    api = Api(installation.url, key)
    before = api.chat("help", QUESTION)
    with load(api) as answers:
        while len(answers) < 20:
            pass
        taken = installation.json("backup", str(tmp_path / "all.tar"), "--with-signing-key")
        during = len(answers)
        while len(answers) < during + 20:  # it serves on
            pass
    restored = tmp_path / "again"
    told = installation.json("restore", str(tmp_path / "all.tar"), "--into", str(restored))
    assert told["records"] > 20
    assert told["checkpoint"] == taken["checkpoint"]

    facts = before["headrace"]
    with LogReader(Layout(restored).ledger) as log:
        bundle = log.bundle(facts["request"])
    assert bundle is not None
    text = before["choices"][0]["message"]["content"]
    whole = {**bundle, "text": text, "salts": facts["receipt"]["salts"]}
    links = verify(whole, *keys_of(str(Layout(installation.workspace).ledger / "log.vkey")))
    assert [link.name for link in links if not link.holds] == []

    shutil.copytree(installation.workspace.parent / "documents", tmp_path / "documents")  # where the restored one's source leads: beside it
    with running(restored) as again:
        after = Api(again.url, key).chat("help", QUESTION)
        assert after["choices"] == before["choices"]
        assert after["headrace"]["citations"] == facts["citations"]
        fresh = bundle_of(Api(again.url, key), after["headrace"]["request"], text, after["headrace"]["receipt"]["salts"])
        assert all(link.holds for link in verify(fresh, *keys_of(str(Layout(restored).ledger / "log.vkey"))))
    assert goes_on_from(taken["checkpoint"], restored)

    # The one that was backed up went on too: both begin with the backup's tree, and neither with the other's.
    one, other = proved(installation.workspace), proved(restored)
    assert goes_on_from(taken["checkpoint"], installation.workspace)
    older, longer = sorted(((one.size, one.checkpoint, installation.workspace), (other.size, other.checkpoint, restored)))
    assert older[0] > root_at(taken["checkpoint"], restored)[0]
    assert not goes_on_from(older[1], longer[2])
