"""``headrace verify``: check an answer and its receipt, or a log, offline, with nothing but the log's public key."""

from __future__ import annotations

from contextlib import closing
from pathlib import Path
from typing import TYPE_CHECKING

import click

from headrace.app.cli.options import BAD_USE, json_option, print_error, print_json, told, workspace_option
from headrace.config.layout import Layout
from headrace.core.errors import OperationFailed
from headrace.evidence import verify
from headrace.evidence.log.files import VKEY_FILE
from headrace.evidence.log.reader import LogReader
from headrace.evidence.verify import main
from headrace.evidence.verify.growth import verify_growth
from headrace.evidence.verify.notes import read_checkpoint, text_of_note
from headrace.evidence.verify.standalone import source

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence


@click.command("verify")
@click.argument("given", required=False, type=click.Path(path_type=Path))
@click.option(
    "--since", type=click.Path(path_type=Path, dir_okay=False), help="A checkpoint that you kept: nothing of it may be rewritten."
)
@click.option(
    "--proof",
    type=click.Path(path_type=Path, dir_okay=False),
    help="The proof of the answer that is GIVEN. Default: from the workspace's own log.",
)
@click.option(
    "--key",
    "keys",
    multiple=True,
    help="A public key of the log (name+id+base64), or a file of them; may be repeated. Default: the workspace's own log.vkey.",
)
@click.option("--standalone", type=click.Path(path_type=Path, dir_okay=False), help="Write the verifier as one file of its own, instead.")
@workspace_option
@json_option
@told
def command(
    given: Path | None,
    since: Path | None,
    proof: Path | None,
    keys: tuple[str, ...],
    standalone: Path | None,
    workspace: Path,
    *,
    as_json: bool,
) -> int:
    """Check GIVEN, link by link: an answer's proof, an answer as the API gave it (text or vectors), the growth of a log, or an exported log
    (a folder or tar file). Of an answer as it came, what it tells of itself is held against its record, and what no record holds is named.

    With --since alone, the workspace's own log against a checkpoint that was kept: one that was rewritten, truncated or forked is found.
    Offline: nothing is asked of the installation, and with GIVEN and --key nothing is read of the workspace. Ends with 0 when every link
    holds, 1 when one does not, 2 when something cannot be read. To check as a stranger, pin a key that you were given another way.
    """
    layout = Layout(workspace)
    pinned = keys or (str(layout.ledger / VKEY_FILE),)
    if standalone is None and given is not None:
        return _report(lambda: main.check(given, since, verify.keys_of(*pinned), lambda of: _proof(layout, proof, of)), as_json=as_json)
    if standalone is None and since is not None:
        return _report(lambda: _own(layout, since, verify.keys_of(*pinned)), as_json=as_json)
    if standalone is not None and given is None and since is None:
        return _write(standalone, as_json=as_json)
    message = "Give what to check, --since a checkpoint, or --standalone FILE to write the verifier to."
    raise click.UsageError(message)


def _report(check: Callable[[], list[verify.Link]], *, as_json: bool) -> int:
    try:
        links = check()
    except verify.Unreadable as error:
        mend = "Give an answer, or what headrace ask --proof or headrace log export wrote, and the log's public key with --key."
        print_error(OperationFailed(f"Not checked: {error}.", code="verify.unreadable", mend=mend))
        return BAD_USE
    _show(links, as_json=as_json)
    return 0 if all(link.holds for link in links) else 1


def _proof(layout: Layout, given: Path | None, request: str) -> Mapping[str, object]:
    """The proof of an answer, from the file or from the workspace's own log. Raises Unreadable."""
    if given is not None:
        return main.proof_in(given)
    with closing(LogReader(layout.ledger)) as reader:
        found = reader.bundle(request)
    if found is None:
        message = f"the workspace's log has no end of a request {request}"
        raise verify.Unreadable(message)
    return found


def _own(layout: Layout, since: Path, pinned: Sequence[verify.VerifierKey]) -> list[verify.Link]:
    """The workspace's own log against a kept checkpoint. Raises Unreadable."""
    kept = main.read_note(since)
    try:
        _, size, _ = read_checkpoint(text_of_note(kept))
    except verify.Broken as broken:
        message = f"{since} is no checkpoint: {broken}"
        raise verify.Unreadable(message) from broken
    with closing(LogReader(layout.ledger)) as reader:
        return verify_growth(reader.growth(size) or reader.growth(0) or {}, kept, *pinned)


def _show(links: list[verify.Link], *, as_json: bool) -> None:
    broken = [link.name for link in links if not link.holds]
    if as_json:
        print_json(
            {"holds": not broken, "broken": broken, "links": [{"name": link.name, "holds": link.holds, "why": link.why} for link in links]}
        )
        return
    for link in links:
        click.echo(f"{'holds' if link.holds else 'BROKEN':<8}{link.name:<12}{link.why}")


def _write(path: Path, *, as_json: bool) -> int:
    text = source()
    try:
        path.write_text(text, encoding="utf-8")
    except OSError as error:
        message = f"The verifier cannot be written: {error.strerror}."
        raise OperationFailed(
            message, code="verify.unwritable", param=str(path), mend="Name a file in a folder that can be written."
        ) from error
    if as_json:
        print_json({"written": str(path)})
    else:
        click.echo(f"{path}: needs Python 3.11 and the cryptography package; run it with: python {path} BUNDLE.json --key KEY")
    return 0
