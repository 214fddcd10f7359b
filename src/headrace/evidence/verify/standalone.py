"""The verifier as one file: the modules of this package one after another, without what they import of each other."""

from __future__ import annotations

import ast
from itertools import takewhile
from pathlib import Path

MODULES = ("notes", "parts", "keyring", "response", "told", "answer", "growth", "export", "main")
_HEAD = '''"""Check what a Headrace log says, offline: this file alone, Python 3.11 and the `cryptography` package.

    python verify.py BUNDLE.json --key VKEY                        an answer against its receipt
    python verify.py ANSWER.json --proof PROOF.json --key VKEY     the same, from the answer as it came and its proof
    python verify.py GROWTH.json --since CHECKPOINT --key VKEY     today's log against a checkpoint that you kept
    python verify.py LOG [--since CHECKPOINT] --key VKEY           an exported log: a folder, or a tar file

VKEY is the log's public key in the C2SP form ``<name>+<key id>+<base64>``, or a file of such lines; get it once, from someone you trust.
A bundle is JSON: ``record`` (the record's canonical JSON, as text), ``receipt``, ``proof`` and ``checkpoint`` as the gateway gives them
under ``/v1/headrace/requests/ID/proof``, and from the answer itself ``text`` and ``salts``, or the whole of it as it came: a chat
completion or a list of embeddings, as ``response``. ``prompt``, to check it too, is the JSON array of [role, text] (of embeddings: of the
texts) that was asked, without spaces. A bundle's links:

    text         the answer, or vectors (and prompt), against its salted commitment in the record
    record       the record against the leaf hash in the receipt
    facts        (of a whole answer) what it tells of itself against the record: citations, passages, tokens, cost, and the like
    succession   (where the log's key has changed) each key signed for by the one before it and after it, and in the log
    receipt      the receipt's signature by the key that was in force, over log, sequence, leaf and time
    inclusion    the leaf against the root in the checkpoint (RFC 9162)
    checkpoint   the checkpoint's signature by the key that was in force, and its origin (C2SP tlog-checkpoint, signed-note)

A growth is what ``/v1/headrace/log/since/SIZE`` gives: ``kept`` and ``checkpoint`` are signed, and by ``consistency`` the one goes on
from the other (RFC 9162): a log that was rewritten, truncated or forked fails there, by that word. Of an exported log ``tree`` says that
its tiles fold to the checkpoint's root, and ``records`` that each record in it hashes to its place (C2SP tlog-tiles).

Exit status: 0 all hold, 1 one does not, 2 what was given or the key cannot be read.
"""
'''


def source() -> str:
    """The program's text. It imports nothing of Headrace."""
    imports: set[str] = set()
    typing: set[str] = set()
    bodies: list[str] = []
    for name in MODULES:
        text = (Path(__file__).parent / f"{name}.py").read_text(encoding="utf-8")
        statements = ast.parse(text).body
        last = 0
        for each in takewhile(_stands_at_the_head, statements):
            if isinstance(each, ast.If):
                typing |= {line for inner in each.body for line in _kept(inner)}
            elif not isinstance(each, ast.Expr):
                imports |= _kept(each)
            last = each.end_lineno or 0
        bodies.append("\n".join(text.splitlines()[last:]).strip("\n"))
    known = "\n".join(
        ["from __future__ import annotations\n", *sorted(imports), "\nif TYPE_CHECKING:", *(f"    {line}" for line in sorted(typing))]
    )
    return "\n\n\n".join([f"{_HEAD}\n{known}", *bodies, 'if __name__ == "__main__":\n    sys.exit(main())']) + "\n"


def _stands_at_the_head(statement: ast.stmt) -> bool:
    """Whether it is the docstring, an import, or what only type checkers read."""
    typing = isinstance(statement, ast.If) and isinstance(statement.test, ast.Name)
    return typing or isinstance(statement, ast.Import | ast.ImportFrom | ast.Expr)


def _kept(statement: ast.stmt) -> set[str]:
    """The import as a line; nothing when it is of this package, or stands first anyway."""
    text = ast.unparse(statement)
    return set() if "headrace" in text or "__future__" in text else {text}
