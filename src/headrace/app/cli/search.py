"""``headrace search``: what the documents hold about a question, as someone may read it."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

import click

from headrace.app.cli.options import json_option, print_json, told, workspace_option
from headrace.app.cli.plain import plain_name
from headrace.app.revisions import current_workspace
from headrace.app.search.scopes import asker, require_curator, scope
from headrace.config.layout import Layout
from headrace.core.errors import OperationFailed, Unavailable
from headrace.knowledge.client import KnowledgeClient

if TYPE_CHECKING:
    from pathlib import Path

    from headrace.core.values import Found, Passage, Scope

SHOWN = 240
"""Characters of a passage that people are shown."""


@click.command("search")
@click.argument("query")
@click.option("--k", "limit", default=5, show_default=True, type=click.IntRange(1, 100), help="Passages to bring.")
@click.option("--service", default=None, help="Search what this service may know.")
@click.option("--source", "sources", multiple=True, help="Search this source; may be given several times.")
@click.option("--tenant", default=None, help="The tenant; default: the workspace's first.")
@click.option("--as", "person", default=None, help="See what this person or application of people.yaml may read; default: the operator.")
@click.option("--scores", is_flag=True, help="Show raw scores too. For curators: they tell of documents that one may not read.")
@workspace_option
@json_option
@told
def command(
    query: str,
    limit: int,
    service: str | None,
    sources: tuple[str, ...],
    tenant: str | None,
    person: str | None,
    workspace: Path,
    *,
    scores: bool,
    as_json: bool,
) -> None:
    """Search the documents for QUERY, by words and by meaning; best passages first.

    Asks the running installation where there is one; otherwise it opens the passages itself, which takes some seconds.
    """
    layout = Layout(workspace)
    form = current_workspace(layout)
    principal = asker(form, tenant, person)
    if scores:
        require_curator(form, principal)
    found = asyncio.run(_found(layout, query, scope(form, principal, service, sources), limit, scores=scores))
    if as_json:
        print_json([_for_programs(each, scores=scores) for each in found.passages])
        return
    for each in found.passages:
        click.echo(_for_people(each))
    click.echo(f"{len(found.passages)} of {found.candidates:,} passages · {', '.join(found.arms)} · index v{found.index_version}")


async def _found(layout: Layout, query: str, within: Scope, limit: int, *, scores: bool) -> Found:
    client = KnowledgeClient(layout.socket("knowledge"))
    try:
        return await client.find(query, within, limit, scores=scores)
    except Unavailable as gone:
        if gone.code != "internal.knowledge_unavailable":
            raise
    finally:
        await client.close()
    # Imported here, and not before: only a search without a running installation pays for the native libraries.
    from headrace.app.search import drivers  # noqa: PLC0415

    try:
        embedder = drivers.embedder()
    except OperationFailed as missing:
        if missing.code != "models.missing":
            raise
        embedder = None  # searchable by words all the same; the arms say so
    return await drivers.retrieval(layout, embedder).find(query, within, limit, scores=scores)


def _for_programs(passage: Passage, *, scores: bool) -> dict[str, object]:
    raw = {"scores": passage.scores} if scores else {}
    return {
        "document": passage.document,
        "version": passage.version,
        "start": passage.start,
        "end": passage.end,
        "text": passage.text,
        "rank": passage.rank,
        "ranks": passage.ranks,
        **raw,
    }


def _for_people(passage: Passage) -> str:
    arms = [f"{arm} #{rank}" for arm, rank in passage.ranks.items()]
    raw = [f"{arm} {score:.3f}" for arm, score in passage.scores.items()]
    words = " ".join(passage.text.split())
    shown = words if len(words) <= SHOWN else f"{words[:SHOWN].rsplit(' ', 1)[0]} …"
    where = plain_name(f"{passage.document}, {passage.place}")
    return f"{passage.rank:>3}  {where}   ({', '.join(arms + raw)})\n     {plain_name(shown)}"
