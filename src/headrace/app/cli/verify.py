"""``headrace verify``: check an answer and its receipt offline, with nothing but the log's public key."""

from __future__ import annotations

from pathlib import Path

import click

from headrace.app.cli.options import json_option, print_error, print_json, told, workspace_option
from headrace.config.layout import Layout
from headrace.core.errors import OperationFailed
from headrace.evidence import verify
from headrace.evidence.log.files import VKEY_FILE
from headrace.evidence.verify import standalone

BAD_USE = 2


@click.command("verify")
@click.argument("bundle", required=False, type=click.Path(path_type=Path, dir_okay=False))
@click.option("--key", help="The log's public key (name+id+base64), or a file that holds it. Default: the workspace's own log.vkey.")
@click.option("--standalone", type=click.Path(path_type=Path, dir_okay=False), help="Write the verifier as one file of its own, instead.")
@workspace_option
@json_option
@told
def command(bundle: Path | None, key: str | None, standalone: Path | None, workspace: Path, *, as_json: bool) -> int:
    """Check BUNDLE, link by link: text, record, receipt, inclusion, checkpoint.

    Offline: nothing is asked of the installation, and with --key nothing is read of the workspace. Ends with 0 when every link holds, 1
    when one does not, 2 when bundle or key cannot be read. To check as a stranger, pin a key that you were given another way.
    """
    if bundle is not None and standalone is None:
        return _check(bundle, key or str(Layout(workspace).ledger / VKEY_FILE), as_json=as_json)
    if bundle is None and standalone is not None:
        return _write(standalone, as_json=as_json)
    message = "Give a BUNDLE to check, or --standalone FILE to write the verifier to."
    raise click.UsageError(message)


def _check(bundle: Path, key: str, *, as_json: bool) -> int:
    try:
        links = verify.verify(verify.read_bundle(bundle), verify.key_of(key))
    except verify.Unreadable as error:
        mend = "Give the file that headrace ask --proof wrote, and the log's public key with --key."
        print_error(OperationFailed(f"Not checked: {error}.", code="verify.unreadable", mend=mend))
        return BAD_USE
    _show(links, as_json=as_json)
    return 0 if all(link.holds for link in links) else 1


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
    source = standalone.source()
    try:
        path.write_text(source, encoding="utf-8")
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
