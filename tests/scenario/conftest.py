"""One installation for the whole session: three services over documents and the embedded model, and a provider that can misbehave."""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from tests.support.installation import headrace, provide, provider, running
from tests.support.workspaces import edit

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.support.installation import Installation

DOCUMENTS = {
    "fees.md": "# Fees\n\nThe annual fee is 40 francs. It is due in March.\n\n# Notice\n\nYou may cancel with one month of notice.\n",
    "travel.md": "# Travel\n\nHotels are booked by the travel desk. Trains are first class.\n",
}
BEHAVIOURS = ("good", "slow", "late", "echo", "500", "cut", "fault", "hang", "too-long")

DRAFTS = """service: drafts
knowledge: {sources: [documents], mode: draft}
models: [{deployment: echo}]
"""
"""A service whose model writes what it is asked."""
LIMITS = "  headers within: 1 s\n  body within: 1 s\n  body: 200 KB "


@pytest.fixture(scope="session")
def installation() -> Iterator[Installation]:
    """It runs until the session ends: leave it as you found it, and count from where you began."""
    with tempfile.TemporaryDirectory(prefix="headrace-") as folder, provider() as url:
        documents, workspace = Path(folder) / "documents", Path(folder) / "workspace"
        documents.mkdir()
        for name, text in DOCUMENTS.items():
            (documents / name).write_text(text)
        headrace("init", "--workspace", str(workspace), "--docs", str(documents))
        provide(workspace, url, *BEHAVIOURS)
        (workspace / "services" / "vectors.yaml").write_text("service: vectors\nanswer: vectors\nmodels: [{deployment: good}]\n")
        edit(workspace, "headrace.yaml", "  body: 2 MiB ", LIMITS)
        (workspace / "services" / "drafts.yaml").write_text(DRAFTS)
        with running(workspace) as started:
            yield started


@pytest.fixture(scope="session")
def key(installation: Installation) -> str:
    """A key of a member, who may ask."""
    return installation.key("ana")
