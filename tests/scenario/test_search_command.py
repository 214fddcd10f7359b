"""``headrace search`` from outside: with and without a running knowledge process, as the operator and as others."""

from __future__ import annotations

import asyncio
import json
import os
import subprocess
import sys
import time
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import pytest
from click.testing import CliRunner

from headrace.app.cli.main import main
from headrace.app.ingest.passes import ingest
from headrace.config.layout import Layout
from headrace.core.errors import Unavailable
from headrace.knowledge.client import KnowledgeClient
from headrace.testing.passages import scope
from tests.providers.engine import embedder as weights

if TYPE_CHECKING:
    from collections.abc import Generator, Mapping
    from pathlib import Path

QUESTION = "how long may goods be sent back?"


@pytest.fixture(scope="module")
def layout(tmp_path_factory: pytest.TempPathFactory) -> Layout:
    """A workspace whose documents are ingested; a part of them is for people of one group."""
    weights()
    home = tmp_path_factory.mktemp("home")
    (home / "docs" / "hr").mkdir(parents=True)
    (home / "docs" / "returns.md").write_text("# Returns\n\nGoods come back within thirty days.\n\n## Costs\n\nReturns are free.\n")
    (home / "docs" / "hr" / "pay.md").write_text("# Pay\n\nPay comes on the 25th, and goods of one's own may be bought at cost.\n")
    workspace = home / "workspace"
    search("init", "--docs", str(home / "docs"), workspace=workspace)
    source = workspace / "sources" / "documents.yaml"
    source.write_text(source.read_text() + "rules:\n  - path: hr/**\n    readers:\n      groups: [hr]\n")
    people = workspace / "people.yaml"
    people.write_text(people.read_text().replace("people:\n", "people:\n  - person: pia\n    groups: [hr]\n", 1))
    search("apply", workspace=workspace)
    layout = Layout(workspace)
    ingest(layout, lambda _: None)
    return layout


def search(*words: str, workspace: Path, code: int = 0) -> str:
    result = CliRunner().invoke(main, list(words), env={"HEADRACE_WORKSPACE": str(workspace)})
    assert result.exception is None or isinstance(result.exception, SystemExit), result.exception
    assert result.exit_code == code, result.output
    return result.stdout if code == 0 else result.stderr


@contextmanager
def knowledge(layout: Layout, environment: Mapping[str, str] = os.environ) -> Generator[subprocess.Popen[str]]:
    """The knowledge process, once it listens."""
    command = [sys.executable, "-m", "headrace.app.processes.knowledge", "--workspace", str(layout.workspace), "--name", "knowledge"]
    process = subprocess.Popen(command, stderr=subprocess.PIPE, text=True, env=dict(environment))
    try:
        while not layout.socket("knowledge").exists():
            assert process.poll() is None, "the knowledge process ended"
            time.sleep(0.01)
        yield process
    finally:
        process.terminate()
        process.wait(20)
        assert process.stderr is not None
        process.stderr.close()
        layout.socket("knowledge").unlink(missing_ok=True)


def test_the_same_is_found_with_and_without_a_running_process(layout: Layout) -> None:
    alone = search("search", QUESTION, "--k", "2", "--json", workspace=layout.workspace)
    found: list[dict[str, Any]] = json.loads(alone)
    assert [each["rank"] for each in found] == [1, 2]
    best = found[0]
    assert set(best) == {"document", "version", "start", "end", "text", "rank", "ranks"}
    assert (best["document"], best["start"], best["ranks"]) == ("documents/returns.md", 0, {"bm25": 1, "dense": 1})
    assert best["text"].startswith("# Returns")
    assert len(best["text"]) == best["end"] - best["start"]
    with knowledge(layout):
        assert search("search", QUESTION, "--k", "2", "--json", workspace=layout.workspace) == alone


def test_everybody_finds_what_they_may_read(layout: Layout) -> None:
    def documents(*words: str) -> set[str]:
        return {each["document"] for each in json.loads(search("search", "goods", "--json", *words, workspace=layout.workspace))}

    assert documents() == {"documents/returns.md"}
    assert documents("--as", "me") == {"documents/returns.md"}
    assert documents("--as", "pia") == {"documents/hr/pay.md"}
    assert documents("--service", "help", "--source", "documents") == {"documents/returns.md"}


def test_people_read_places_and_ranks(layout: Layout) -> None:
    said = search("search", QUESTION, "--k", "1", workspace=layout.workspace)
    assert "  1  documents/returns.md, line 1   (bm25 #1, dense #1)" in said
    assert "Goods come back within thirty days." in said
    assert said.splitlines()[-1].startswith("1 of 2 passages · bm25, dense · index v")


def test_raw_scores_are_for_curators(layout: Layout) -> None:
    (best,) = json.loads(search("search", QUESTION, "--k", "1", "--json", "--scores", workspace=layout.workspace))
    assert set(best["scores"]) == {"bm25", "dense", "fused"}
    assert "fused 1.000" in search("search", QUESTION, "--k", "1", "--scores", workspace=layout.workspace)
    assert "pia may not see raw scores" in search("search", QUESTION, "--scores", "--as", "pia", workspace=layout.workspace, code=1)


def test_what_is_not_so_ends_with_one_and_bad_use_with_two(layout: Layout, tmp_path: Path) -> None:
    assert "headrace init" in search("search", "goods", workspace=tmp_path, code=1)
    assert 'Did you mean "help"?' in search("search", "goods", "--service", "helf", workspace=layout.workspace, code=1)
    assert search("search", "goods", "--k", "0", workspace=layout.workspace, code=2)
    assert json.loads(search("search", "", "--json", workspace=layout.workspace)) == []


def test_without_weights_search_is_by_words(layout: Layout, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HEADRACE_MODELS", str(tmp_path))
    said = search("search", "goods", workspace=layout.workspace)
    assert "(bm25 #1)" in said
    assert "passages · bm25 · index v" in said


async def test_a_search_waits_while_the_embedder_loads(layout: Layout) -> None:
    within = scope("documents", sources=("documents",))
    with knowledge(layout) as process:
        client = KnowledgeClient(layout.socket("knowledge"))
        with pytest.raises(Unavailable) as warming:
            await client.ready()
        assert warming.value.code == "internal.knowledge_loading"
        found = await client.find(QUESTION, within, 1, quotes=1)
        assert found.quotes[0].text == "Goods come back within thirty days."
        await client.ready()
        process.kill()
        process.wait()
        with pytest.raises(Unavailable) as gone:
            await client.find(QUESTION, within, 1)
        assert gone.value.code == "internal.knowledge_unavailable"
        await client.close()
    with knowledge(layout):
        again = await client.find(QUESTION, within, 1, quotes=1)
        assert again == found
        await client.close()


async def test_without_weights_the_process_says_so_and_ends(layout: Layout, tmp_path: Path) -> None:
    with knowledge(layout, {**os.environ, "HEADRACE_MODELS": str(tmp_path)}) as process:
        assert await asyncio.to_thread(process.wait, 30) == 1
        assert process.stderr is not None
        assert 'The model "all-minilm-l6-v2" is not here.' in process.stderr.read()
