"""The first minute: what ``make up`` shows once everything runs. Three services, asked through the public API, each proven offline.

Every line is something that was just measured or checked; when one of them is not true, the first minute says so and fails.
"""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import click

from headrace.app.cli.sentences import answer_lines
from headrace.app.client.proofs import bundle_of
from headrace.app.client.reading import facts_of, map_of, maps_of, text_of
from headrace.config.template import CHECKOUT
from headrace.core.errors import HeadraceError, OperationFailed
from headrace.evidence.log.files import VKEY_FILE
from headrace.evidence.verify import standalone
from headrace.knowledge.documents.store import DocumentStore
from headrace.knowledge.passages.blocks import Kind, structure

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from headrace.app.client.api import Api
    from headrace.config.layout import Layout
    from headrace.config.model import Workspace

OWN_QUESTION = "How do I return to an earlier revision?"
"""Asked of Headrace's own documents; any other folder is asked about one of its headings."""
PLAIN_QUESTION = "Write one friendly sentence that welcomes a new colleague."
EXTRACT_TEXT = "Maria Keller from Bern ordered 3 garden chairs on 2 May; please deliver before Friday."
EXTRACTED = ("name", "city", "item", "quantity")
EXTRACT_SCHEMA = {
    "type": "object",
    "properties": {"name": {"type": "string"}, "city": {"type": "string"}, "item": {"type": "string"}, "quantity": {"type": "integer"}},
    "required": list(EXTRACTED),
    "additionalProperties": False,
}


DOCUMENTS_LOOKED_AT = 20
WORDS_OF_A_HEADING = 3
EVENTS_OF_A_STREAM = 3
"""Who speaks, some text, and the end: fewer would be an answer in one piece."""


@dataclass(frozen=True, slots=True)
class Shown:
    """One call of the first minute: its title, the question, the response."""

    title: str
    question: str
    response: Mapping[str, object]


def show(api: Api, layout: Layout, question: str) -> None:
    """Call the three services, print what came, and verify each receipt. Raises OperationFailed when anything was not true."""
    pin = (layout.ledger / VKEY_FILE).read_text(encoding="utf-8").strip()
    offered = api.services()
    for name, call in (("help", _help), ("local", _local), ("extract", _extract)):
        if name not in offered:
            click.echo(f"\n{name:<17}is no service of this workspace, or not one that this key may ask")
            continue
        shown = call(api, question)
        click.echo("")
        click.echo(f"{shown.title:<17}{json.dumps(shown.question, ensure_ascii=False)}")
        for line in answer_lines(shown.response):
            click.echo(line)
        click.echo(f"{'receipt':<17}{_verified(api, shown, pin)}")


def question_for(layout: Layout, workspace: Workspace) -> str:
    """Something that the documents are likely to answer: of Headrace's own, a question that they do; of others, what stands under the first
    heading that says something."""
    source = workspace.sources.get("documents")
    own = CHECKOUT / "docs"
    if source is not None and own.is_dir() and (layout.workspace / source.folder).resolve() == own.resolve():
        return OWN_QUESTION
    return next((f"What is said about {heading}?" for heading in _headings(layout)), OWN_QUESTION)


def _headings(layout: Layout) -> Iterator[str]:
    for manifest in layout.manifests():
        store = DocumentStore(manifest.parent / layout.documents("any").name)
        for version in sorted(store.versions())[:DOCUMENTS_LOOKED_AT]:
            for block in structure(store.text(version), markdown=True).blocks:
                if block.kind is Kind.HEADING and len(block.title.split()) >= WORDS_OF_A_HEADING:
                    yield block.title


def _help(api: Api, question: str) -> Shown:
    response = api.chat("help", question)
    facts = facts_of(response)
    if (facts.get("mode") == "quote") != bool(facts.get("citations")):
        raise _untrue("help quoted without a citation, or cited without a quote")
    if question == OWN_QUESTION and facts.get("mode") != "quote":
        raise _untrue("help did not answer a question that its documents answer")
    return Shown("help", question, response)


def _local(api: Api, question: str) -> Shown:
    """Streamed; what comes first shows that it is. The last event carries our facts. Put together, it is an answer like any other."""
    del question
    pieces: list[str] = []
    facts: Mapping[str, object] = {}
    events = 0
    for event in api.stream("local", PLAIN_QUESTION, max_tokens=60):
        events += 1
        pieces += [str(map_of(choice.get("delta")).get("content") or "") for choice in maps_of(event.get("choices"))]
        facts = map_of(event.get("headrace")) or facts
    if events < EVENTS_OF_A_STREAM or not "".join(pieces).strip():
        raise _untrue("local did not stream an answer")
    response = {"choices": [{"message": {"content": "".join(pieces)}}], "headrace": facts}
    return Shown("local, streamed", PLAIN_QUESTION, response)


def _extract(api: Api, question: str) -> Shown:
    del question
    schema = {"type": "json_schema", "json_schema": {"name": "order", "schema": EXTRACT_SCHEMA, "strict": True}}
    response = api.chat("extract", EXTRACT_TEXT, response_format=schema)
    text = text_of(response)
    try:
        found = map_of(json.loads(text))
    except json.JSONDecodeError:
        raise _untrue("extract did not answer in JSON") from None
    if set(found) != set(EXTRACTED):
        raise _untrue("extract did not keep to the schema")
    return Shown("extract", EXTRACT_TEXT, response)


def _verified(api: Api, shown: Shown, pin: str) -> str:
    """Verify in another process that has the bundle and the log's public key, and nothing else of this workspace."""
    facts = facts_of(shown.response)
    receipt = map_of(facts.get("receipt"))
    bundle = bundle_of(api, str(facts.get("request")), text_of(shown.response), receipt.get("salts"), [("user", shown.question)])
    with tempfile.TemporaryDirectory(prefix="headrace-verify-") as folder:
        path = Path(folder) / "bundle.json"
        path.write_text(json.dumps(bundle, ensure_ascii=False))
        command = [sys.executable, "-I", "-c", standalone.source(), str(path), "--key", pin]
        done = subprocess.run(command, check=False, capture_output=True, text=True, cwd=folder, env={}, timeout=60)
    if done.returncode != 0:
        raise _untrue(f"a receipt did not verify: {(done.stdout + done.stderr).strip()}")
    return f"record {receipt.get('sequence')} · verified offline ✓"


def snippet(api: Api, question: str) -> Sequence[str]:
    """What to paste into Python with the official SDK."""
    asked = f'[{{"role": "user", "content": {json.dumps(question, ensure_ascii=False)}}}]'
    return (
        "from openai import OpenAI  # pip install openai",
        f'client = OpenAI(base_url="{api.url}/v1", api_key="{api.key}")',
        f'print(client.chat.completions.create(model="help", messages={asked}).choices[0].message.content)',
    )


def _untrue(what: str) -> HeadraceError:
    return OperationFailed(f"The first minute is not true: {what}.", code="operation.first_minute", mend="See headrace trace and the logs.")
