"""Answers of every kind as an asker keeps them, with their proofs, and how ``headrace verify`` ends on them."""

from __future__ import annotations

import json
import shutil
from typing import TYPE_CHECKING, Any, TypeAlias

from click.testing import CliRunner

from headrace.app.cli.verify import command
from headrace.config.layout import Layout
from tests.support.apis import serving_api
from tests.support.rooms import KEY

if TYPE_CHECKING:
    from pathlib import Path

Json: TypeAlias = dict[str, Any]
TEXTS = ["One text.", "Zwei Größen – «zwei»."]
QUESTION = "How do I cancel with notice?"


def _chat(service: str) -> tuple[str, Json, str]:
    body: Json = {"model": service, "messages": [{"role": "user", "content": QUESTION}]}
    return "/v1/chat/completions", body, f'[["user","{QUESTION}"]]'


ASKED: dict[str, tuple[str, Json, str]] = {
    "chat": (
        "/v1/chat/completions",
        {"model": "on-good", "messages": [{"role": "user", "content": TEXTS[1]}]},
        f'[["user","{TEXTS[1]}"]]',
    ),
    "numbers": ("/v1/embeddings", {"model": "vectors", "input": TEXTS}, f'["{TEXTS[0]}","{TEXTS[1]}"]'),
    "base64": ("/v1/embeddings", {"model": "vectors", "input": TEXTS[0], "encoding_format": "base64"}, f'["{TEXTS[0]}"]'),
    "quote": _chat("help"),
    "abstain": _chat("strict"),
    "draft": _chat("draft"),
    "search": ("/v1/headrace/search", {"query": TEXTS[0], "service": "help"}, f'[["user","{TEXTS[0]}"]]'),
}


class Given:
    """What an asker has: each answer, its proof, and the log's public key."""

    def __init__(self) -> None:
        self.answers: dict[str, Json] = {}
        self.proofs: dict[str, Json] = {}
        self.key = ""

    async def ask(self, workspace: Path) -> Given:
        async with serving_api() as api:
            for name, (path, body, prompt) in ASKED.items():
                response = await api.served.ask("POST", path, body, Authorization=f"Bearer {KEY}")
                assert response.status == 200, response.body
                self.answers[name] = response.json
                asked = f"/v1/headrace/requests/{response.json['headrace']['request']}/proof"
                proof = (await api.served.ask("GET", asked, Authorization=f"Bearer {KEY}")).json
                self.proofs[name] = {**proof, "prompt": prompt}
            shutil.copytree(api.house.folder / "log", Layout(workspace).ledger, ignore=shutil.ignore_patterns("*-shm"))
            self.key = (api.house.folder / "log" / "log.vkey").read_text().strip()
        return self


def check(folder: Path, given: Given, answer: Json, proof: Json) -> tuple[int, dict[str, str]]:
    """How the command ends, and what it says that is broken."""
    for each, content in (("answer.json", answer), ("proof.json", proof)):
        (folder / each).write_text(json.dumps(content))
    words = [str(folder / "answer.json"), "--proof", str(folder / "proof.json"), "--key", given.key, "--json"]
    done = CliRunner().invoke(command, words)
    broken = {each["name"]: each["why"] for each in json.loads(done.stdout)["links"] if not each["holds"]} if done.stdout else {}
    return done.exit_code, broken
