"""Writes the generated pages of docs/reference from the code itself: configuration, command line, errors, API.

python tools/reference.py            write them
python tools/reference.py --check    end with 1 when one of them is not what the code says
"""

from __future__ import annotations

import ast
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import click

from headrace.app.cli.main import COMMANDS
from headrace.app.cli.main import main as headrace
from headrace.app.http.errors import BY_CODE, TABLE
from headrace.app.http.published import reference as api
from headrace.config import reference as configuration
from headrace.core import errors

if TYPE_CHECKING:
    from collections.abc import Iterator

ROOT = Path(__file__).resolve().parents[1]
SOURCE = ROOT / "src" / "headrace"
PAGES = ROOT / "docs" / "reference"
EVERYWHERE = {"help", "workspace", "as_json"}
"""Options of every command: said once."""
_CLI = """# Command line

Every command, made from the commands themselves. All take `--workspace DIR` (or `HEADRACE_WORKSPACE`; default `./workspace`) and
`--json`, and end with 0 (done, and so), 1 (the thing asked for is not so) or 2 (bad use). The reason is on standard error: a sentence,
or with `--json` an object `{"error": {"code", "message", "param", "mend"}}`. JSON is in UTF-8 whatever the locale is.
"""
_ERRORS = """# Errors

Every error that Headrace raises on purpose, made from the code. `code` is stable: match on it. Over HTTP an error is the object `error`
in the form of the OpenAI API (`type`, `code`, `param`, `message`), with `headrace.mend` beside it: what to do next. On the command line it
is one sentence, and with `--json` an object with `code`, `message`, `param` and `mend`. `…` stands for what differs from case to case.

| kind | over HTTP | type |
|---|---|---|
"""
_CODES = """
## By code

| code | kind | HTTP | what it says |
|---|---|---|---|
"""


@dataclass(frozen=True, order=True)
class Raised:
    """A code, the kind of its error, and the sentence where it is raised."""

    code: str
    kind: str
    says: str


def cli() -> str:
    """The page of commands."""
    parts = [_CLI]
    context = click.Context(headrace, info_name="headrace")
    for name in COMMANDS:
        parts += _command(context, name, headrace.get_command(context, name))
    return "\n".join(parts)


def _command(parent: click.Context, name: str, command: click.Command | None) -> Iterator[str]:
    assert command is not None  # noqa: S101 - every name of COMMANDS has its module
    context = click.Context(command, info_name=name, parent=parent)
    if isinstance(command, click.Group):
        yield f"## {context.command_path}\n\n{_plain(command.help)}\n"
        for each in command.list_commands(context):
            yield from _command(context, each, command.get_command(context, each))
        return
    usage = " ".join([context.command_path, *command.collect_usage_pieces(context)])
    yield f"## {context.command_path}\n\n`{usage}`\n\n{_plain(command.help)}\n"
    params = [each for each in command.get_params(context) if each.name not in EVERYWHERE]
    rows = [record for each in params if (record := each.get_help_record(context)) and record[1]]
    if rows:
        yield "| option | meaning |\n|---|---|"
        yield "\n".join(f"| `{option}` | {_plain(words)} |".replace("|`", "\\|`") for option, words in rows) + "\n"


def _plain(text: str | None) -> str:
    return "\n".join(line.strip() for line in (text or "").replace("\b", "").strip().splitlines())


def error_page() -> str:
    """The page of errors."""
    kinds = [f"| {kind.__name__} | {form.status} | `{form.type}` |" for kind, form in TABLE.items()]
    rows = [
        f"| `{each.code}` | {each.kind} | {_status(each)} | {each.says} |"
        for each in sorted(set(raised()), key=lambda each: (each.code, each.says))
    ]
    return _ERRORS + "\n".join(kinds) + "\n" + _CODES + "\n".join(rows) + "\n"


def _status(each: Raised) -> str:
    if each.code in BY_CODE:
        return str(BY_CODE[each.code].status)
    kind = getattr(errors, each.kind)
    found = next((form for known, form in TABLE.items() if known in kind.__mro__ and known is not errors.HeadraceError), None)
    return (
        str((found or TABLE[errors.HeadraceError]).status)
        if not issubclass(kind, (errors.OperationFailed, errors.ConfigurationFaults))
        else "–"
    )


def raised() -> Iterator[Raised]:
    """Every call of an error's class in the sources, with its code."""
    kinds = {name: kind for name, kind in vars(errors).items() if isinstance(kind, type) and issubclass(kind, errors.HeadraceError)}
    for path in sorted(SOURCE.rglob("*.py")):
        if "testing" in path.parts:
            continue
        tree = ast.parse(path.read_text(encoding="utf-8"))
        sentences = _assigned(tree)
        for node in ast.walk(tree):
            if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id in kinds and node.args:
                said = _text(node.args[0], sentences)
                code = next(
                    (_text(each.value, sentences) for each in node.keywords if each.arg == "code"), kinds[node.func.id].default_code
                )
                if said and code:
                    yield Raised(code, node.func.id, said.replace("|", "\\|").replace("\n", " "))


def _assigned(tree: ast.Module) -> dict[str, tuple[tuple[int, str], ...]]:
    """Texts by the name that they were given, with the line: an error's sentence is often named first."""
    found: dict[str, tuple[tuple[int, str], ...]] = {}
    for node in ast.walk(tree):
        if isinstance(node, ast.Assign) and len(node.targets) == 1 and isinstance(node.targets[0], ast.Name):
            text = _text(node.value, {})
            if text:
                name = node.targets[0].id
                found[name] = (*found.get(name, ()), (node.lineno, text))
    return found


def _text(node: ast.expr, sentences: dict[str, tuple[tuple[int, str], ...]]) -> str:
    """A text as it stands in the source; ``…`` for what is filled in."""
    if isinstance(node, ast.Constant):
        return str(node.value) if isinstance(node.value, str) else ""
    if isinstance(node, ast.JoinedStr):
        return "".join(str(part.value) if isinstance(part, ast.Constant) else "…" for part in node.values)
    if isinstance(node, ast.IfExp):
        return _text(node.body, sentences) or _text(node.orelse, sentences)
    if isinstance(node, ast.Name):
        before = sorted((line, text) for line, text in sentences.get(node.id, ()) if line <= node.lineno)
        return before[-1][1] if before else ""
    return ""


def pages() -> dict[str, str]:
    """Every generated page by its file name."""
    return {"configuration.md": configuration.markdown(), "cli.md": cli(), "errors.md": error_page(), "api.md": api.markdown()}


def run(arguments: list[str]) -> int:
    """Write the pages, or compare them."""
    PAGES.mkdir(parents=True, exist_ok=True)
    stale = [name for name, text in pages().items() if not (PAGES / name).exists() or (PAGES / name).read_text(encoding="utf-8") != text]
    if arguments == ["--check"]:
        for name in stale:
            sys.stderr.write(f"docs/reference/{name} is not what the code says: python tools/reference.py writes it anew.\n")
        return int(bool(stale))
    for name in stale:
        (PAGES / name).write_text(pages()[name], encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(run(sys.argv[1:]))
