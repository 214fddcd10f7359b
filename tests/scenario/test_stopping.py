"""Stopping and dying under load: an answer under way is given or named, and nothing hangs."""

from __future__ import annotations

import os
import signal
import subprocess
import tempfile
import threading
import time
from pathlib import Path
from typing import TYPE_CHECKING

import openai
import pytest
from openai import OpenAI

from tests.providers.openai_server import PIECES
from tests.support.installation import STOP_WITHIN, headrace, headrace_up, provide, provider, running

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.support.installation import Installation


@pytest.fixture
def small() -> Iterator[Installation]:
    """An installation without engine and documents: it starts and stops in a second."""
    with tempfile.TemporaryDirectory(prefix="headrace-") as folder, provider() as url:
        workspace = Path(folder) / "workspace"
        headrace("init", "--workspace", str(workspace))
        for kind in ("services", "deployments", "sources"):
            for path in (workspace / kind).glob("*.yaml"):
                path.unlink()
        provide(workspace, url, "good", "slow", "hang")
        with running(workspace) as installation:
            yield installation


def client(installation: Installation) -> OpenAI:
    return OpenAI(base_url=f"{installation.url}/v1", api_key=installation.key("ana"), max_retries=0, timeout=30)


def test_an_answer_under_way_is_given_when_the_installation_stops(small: Installation) -> None:
    with client(small) as asking:
        stream = asking.chat.completions.create(model="on-slow", messages=[{"role": "user", "content": "x"}], stream=True)
        chunks = iter(stream)
        first = next(chunks)
        small.process.send_signal(signal.SIGTERM)
        text = "".join(choice.delta.content or "" for chunk in chunks for choice in chunk.choices)
        assert text == "".join(PIECES)
        small.process.wait(20)
        with pytest.raises(openai.APIConnectionError):
            asking.models.list()
    assert small.process.returncode == 0
    assert [(each["kind"], each.get("outcome")) for each in small.records(first.id)] == [("opened", None), ("settled", "answered")]


def test_a_gateway_that_is_killed_in_mid_answer_leaves_no_answer_unnamed(small: Installation) -> None:
    with client(small) as asking:
        stream = asking.chat.completions.create(model="on-slow", messages=[{"role": "user", "content": "x"}], stream=True)
        first = next(iter(stream))
        before = small.gateway
        os.kill(before, signal.SIGKILL)
        with pytest.raises(openai.APIConnectionError):
            list(stream)
        answer = asking.chat.completions.create(model="on-good", messages=[{"role": "user", "content": "x"}])
        assert answer.choices[0].message.content == "".join(PIECES), "the socket outlived the gateway: the next one answers"
    assert small.gateway != before
    assert [(each["kind"], each.get("outcome")) for each in small.records(first.id)] == [("opened", None), ("interrupted", "interrupted")]


def test_many_answers_under_way_are_given_when_the_installation_stops(small: Installation) -> None:
    answered: list[str | None] = []

    def ask() -> None:
        with client(small) as asking:
            answer = asking.chat.completions.create(model="on-slow", messages=[{"role": "user", "content": "x"}])
            answered.append(answer.choices[0].message.content)

    threads = [threading.Thread(target=ask) for _ in range(10)]
    before = len(small.since())
    for thread in threads:
        thread.start()
    while small.get("/metrics")[1].decode().count("headrace_requests_running 10.0") == 0:
        assert any(thread.is_alive() for thread in threads)
    small.process.send_signal(signal.SIGTERM)
    for thread in threads:
        thread.join(20)
    assert answered == ["".join(PIECES)] * 10
    small.process.wait(20)
    records = [each for each in small.since(before) if each["kind"] == "settled"]
    assert [each["outcome"] for each in records] == ["answered"] * 10


def test_a_stop_is_heeded_while_the_installation_starts(tmp_path: Path) -> None:
    """Where a part does not come up: here the gateway, whose address cannot be written."""
    workspace = tmp_path / "w"
    headrace("init", "--workspace", str(workspace), "--docs", str(_texts(tmp_path)))
    headrace("apply", "--workspace", str(workspace))
    (workspace / ".headrace" / "gateway.new").mkdir()
    with subprocess.Popen(headrace_up(workspace), stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as process:
        until = time.monotonic() + 30
        while not (workspace / ".headrace" / "logs" / "gateway.log").exists():
            assert time.monotonic() < until, "the gateway was not started"
            time.sleep(0.02)
        process.send_signal(signal.SIGTERM)
        assert process.wait(STOP_WITHIN) == 0


def _texts(folder: Path) -> Path:
    texts = folder / "texts"
    texts.mkdir()
    (texts / "a.md").write_text("# A\n\nA text.\n")
    return texts
