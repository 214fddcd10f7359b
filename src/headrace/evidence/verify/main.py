"""The program: what it reads, and what it says."""

from __future__ import annotations

import argparse
import sys
import tarfile
from pathlib import Path
from typing import TYPE_CHECKING

from headrace.evidence.verify.answer import verify
from headrace.evidence.verify.export import Exported, verify_export
from headrace.evidence.verify.growth import verify_growth
from headrace.evidence.verify.notes import Unreadable
from headrace.evidence.verify.parts import keys_of, read_bundle, why
from headrace.evidence.verify.response import is_response, request_of

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from headrace.evidence.verify.notes import VerifierKey
    from headrace.evidence.verify.parts import Link


def check(given: Path, kept: Path | None, keys: Sequence[VerifierKey], proof_of: Callable[[str], Mapping[str, object]]) -> list[Link]:
    """The links of whatever was given: a proof bundle, an answer (`proof_of` gives the proof of a request), a growth (with the `kept`
    checkpoint), or an exported log. Raises Unreadable."""
    note = read_note(kept) if kept is not None else None
    if given.is_dir() or (given.is_file() and tarfile.is_tarfile(given)):
        return verify_export(Exported(given), note, *keys)
    parts = read_bundle(given)
    if "consistency" not in parts:
        if note is not None:
            msg = f"{given} is no growth of a log, so there is nothing in it to hold against a kept checkpoint"
            raise Unreadable(msg)
        return verify({**proof_of(request_of(parts)), "response": parts} if is_response(parts) else parts, *keys)
    if note is None:
        msg = f"{given} is the growth of a log: give the checkpoint that was kept, with --since"
        raise Unreadable(msg)
    return verify_growth(parts, note, *keys)


def read_note(path: Path) -> str:
    """A checkpoint that was kept. Raises Unreadable."""
    try:
        return path.read_text(encoding="utf-8")
    except (OSError, ValueError) as error:
        msg = f"{path} cannot be read as a checkpoint ({why(error)})"
        raise Unreadable(msg) from error


def proof_in(path: Path | None) -> Mapping[str, object]:
    """The proof that was given with an answer. Raises Unreadable."""
    if path is None:
        msg = "an answer is checked with its proof: give it, with --proof"
        raise Unreadable(msg)
    return read_bundle(path)


def main() -> int:
    """Run it; the exit status."""
    parser = argparse.ArgumentParser(description="Check an answer against its receipt, or a log against itself, offline.")
    parser.add_argument("given", type=Path, help="a proof bundle, an answer, a growth, or an exported log (a folder or a tar file)")
    parser.add_argument("--proof", type=Path, help="the proof of the answer that is given")
    parser.add_argument("--key", required=True, action="append", help="a public key of the log, or a file of them; may be given again")
    parser.add_argument("--since", type=Path, help="a checkpoint that you kept")
    asked = parser.parse_args()
    try:
        links = check(asked.given, asked.since, keys_of(*asked.key), lambda _: proof_in(asked.proof))
    except Unreadable as error:
        sys.stderr.write(f"{error}\n")
        return 2
    for each in links:
        sys.stdout.write(f"{'holds' if each.holds else 'BROKEN':<8}{each.name:<12}{each.why}\n")
    return 0 if all(each.holds for each in links) else 1
