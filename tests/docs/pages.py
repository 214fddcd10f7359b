"""The pages of the documentation as programs: their commands, their snippets, and what a comment says about running them.

A comment before a block speaks to the tests and is not shown to readers:

    <!-- not run: REASON -->            the block is for reading only
    <!-- edit: FILE after "LINE" -->    the block is put into FILE, after the line that begins so
    <!-- new: FILE -->                  the block is what FILE holds

A command that should end with another code than 0 says so: ``# ends with 1``.
"""

from __future__ import annotations

import re
import shlex
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
_FENCE = re.compile(r"^(?P<indent> *)```(?P<kind>\w*)\n(?P<body>.*?)^(?P=indent)```$", re.MULTILINE | re.DOTALL)
_COMMENT = re.compile(r"<!-- (not run|edit|new): (.+?) -->\s*$")
_ENDS = re.compile(r"#\s*ends with (\d)\s*$")
_EDIT = re.compile(r'(\S+) after "(.+)"')


@dataclass(frozen=True)
class Block:
    """A fenced block: what kind it is, where it stands, and what the comment before it says."""

    page: Path
    line: int
    kind: str
    body: str
    said: tuple[str, str] | None

    @property
    def read_only(self) -> bool:
        return self.said is not None and self.said[0] == "not run"

    def commands(self) -> list[tuple[int, str, int]]:
        """Line, command and the code that it should end with. A backslash at the end of a line goes on with the next."""
        found: list[tuple[int, str, int]] = []
        begun = ""
        for offset, text in enumerate(self.body.splitlines()):
            if not begun and not text.startswith("$ "):
                continue
            begun += text if begun else text[2:]
            if begun.endswith("\\"):
                begun = begun[:-1]
                continue
            ends = _ENDS.search(begun)
            found.append((self.line + 1 + offset, begun, int(ends[1]) if ends else 0))
            begun = ""
        return found


def pages() -> list[Path]:
    """Every page that people read, decisions apart: those tell how it came about."""
    return [
        ROOT / "README.md",
        ROOT / "CONTRIBUTING.md",
        *sorted(each for each in (ROOT / "docs").rglob("*.md") if "decisions" not in each.parts),
    ]


def blocks(page: Path) -> list[Block]:
    text = page.read_text(encoding="utf-8")
    found: list[Block] = []
    for match in _FENCE.finditer(text):
        comment = _COMMENT.search(text[: match.start()].rstrip(" "))
        line = text.count("\n", 0, match.start()) + 1
        found.append(Block(page, line, match["kind"], match["body"], (comment[1], comment[2]) if comment else None))
    return found


def script(page: Path, elsewhere: dict[str, str]) -> str:
    """The page as one shell script: what a command exports, the next one sees. It ends where one ends otherwise than told."""
    lines = ["set -u"]
    for number, block in enumerate(blocks(page)):
        if block.read_only:
            continue
        if block.kind == "console":
            for line, command, code in block.commands():
                if command.split("#")[0].strip() not in elsewhere:
                    lines += [command, _expect(page, line, command, code)]
        elif block.kind == "python":
            lines += [f"python snippets/{number}.py", _expect(page, block.line, "the snippet", 0)]
        elif block.said is not None and block.said[0] == "edit":
            lines += [f"python edit.py {number} {shlex.quote(block.said[1])}", _expect(page, block.line, "the edit", 0)]
        elif block.said is not None and block.said[0] == "new":
            lines += [f"cat > {shlex.quote(block.said[1])} <<'END'\n{block.body}END"]
    return "\n".join(lines) + "\n"


def _expect(page: Path, line: int, what: str, code: int) -> str:
    said = shlex.quote(f"{page.relative_to(ROOT)}:{line}: {what}")
    return f'ended=$?; if [ $ended -ne {code} ]; then echo {said} "ended with $ended, not {code}" >&2; exit 1; fi'


def edited(text: str, block: str, where: str) -> str:
    """A file's text with a block put in after the line that begins as told."""
    match = _EDIT.fullmatch(where)
    assert match is not None, where
    lines = text.splitlines(keepends=True)
    at = next(number for number, line in enumerate(lines) if line.strip().startswith(match[2]))
    return "".join([*lines[: at + 1], block, *lines[at + 1 :]])


def file_of(where: str) -> str:
    match = _EDIT.fullmatch(where)
    assert match is not None, where
    return match[1]
