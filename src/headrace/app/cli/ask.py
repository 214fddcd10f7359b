"""``headrace ask``: ask a service through the public API, as a client would."""

from __future__ import annotations

from contextlib import nullcontext
from pathlib import Path
from typing import TYPE_CHECKING

import click
import msgspec

from headrace.app.acts.operator import brief_key
from headrace.app.cli.options import json_option, print_json, told, workspace_option
from headrace.app.cli.sentences import answer_lines
from headrace.app.client.api import Api
from headrace.app.client.proofs import bundle_of
from headrace.app.client.reading import facts_of, map_of, text_of
from headrace.config.layout import Layout
from headrace.core.errors import OperationFailed

if TYPE_CHECKING:
    from collections.abc import Mapping


@click.command("ask")
@click.argument("question")
@click.option("--service", default="help", show_default=True, help="The service to ask.")
@click.option(
    "--key",
    envvar="HEADRACE_KEY",
    help="The key to ask with (or HEADRACE_KEY). Without one the operator asks, with a key that lasts a minute.",
)
@click.option("--tenant", default=None, help="The operator's tenant, when no key is given; default: the workspace's first.")
@click.option(
    "--proof", type=click.Path(path_type=Path, dir_okay=False), help="Write there what headrace verify needs to check the answer."
)
@workspace_option
@json_option
@told
def command(
    question: str, service: str, key: str | None, tenant: str | None, proof: Path | None, workspace: Path, *, as_json: bool
) -> None:
    """Ask SERVICE the QUESTION, through the running installation's public API."""
    layout = Layout(workspace)
    with brief_key(layout, tenant) if key is None else nullcontext(key) as secret:
        api = Api.running(layout, secret)
        response = api.chat(service, question)
        if proof is not None:
            _write(proof, _bundle(api, question, response))
    if as_json:
        print_json(response)
        return
    for line in answer_lines(response):
        click.echo(line)


def _bundle(api: Api, question: str, response: Mapping[str, object]) -> Mapping[str, object]:
    facts = facts_of(response)
    salts = map_of(facts.get("receipt")).get("salts")
    return bundle_of(api, str(facts.get("request")), text_of(response), salts, [("user", question)])


def _write(path: Path, bundle: Mapping[str, object]) -> None:
    try:
        path.write_bytes(msgspec.json.format(msgspec.json.encode(bundle), indent=2) + b"\n")
    except OSError as error:
        message = f"The proof cannot be written: {error.strerror}."
        raise OperationFailed(
            message, code="ask.unwritable", param=str(path), mend="Name a file in a folder that can be written."
        ) from error
