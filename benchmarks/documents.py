"""What is extracted from public files of many formats, beside markitdown in the same run.

    .venv/bin/python benchmarks/documents.py            all 195 files of ../shared/data/knowledge/docs/files
    .venv/bin/python benchmarks/documents.py --quick    the first three of each format
    .venv/bin/python benchmarks/documents.py --words    the words that only markitdown finds, file by file

Words are compared as sets, a set for each file: runs of letters and digits, in lower case, and no others. Of archives and mails what they
hold counts, too. Seconds are for all files of a format; memory is the most that a converting process took for one of them, with Python and
its libraries. markitdown is no dependency of Headrace: it is installed into build/benchmarks/markitdown once (400 MB), and without a
package index the table stands without it.
"""

from __future__ import annotations

import json
import re
import subprocess
import sys
import time
import venv
from collections import defaultdict
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

import harness
from headrace.adapters.converters.files import FileConverter
from headrace.core.errors import ConversionFailed

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

ROOT = Path(__file__).parents[1]
FILES = ROOT.parent / "shared" / "data" / "knowledge"
PEER = ROOT / "build" / "benchmarks" / "markitdown"
PEER_IS = "markitdown[pptx,docx,xlsx,xls,pdf,outlook]==0.1.9"
_WORD = re.compile(r"[^\W_]+")
_ADDRESS = re.compile(r"(?:https?://|mailto:|data:|file:)[^\s)>\]\"]+")
"""Targets of links, which we leave out on purpose and markitdown keeps: of no side."""
_ASK = """
import json, resource, sys, time, warnings
warnings.simplefilter("ignore")
from markitdown import MarkItDown
peer = MarkItDown(enable_plugins=False)
for path in sys.argv[1:]:
    began = time.monotonic()
    try:
        text, why = peer.convert(path).text_content or "", ""
    except Exception as error:
        text, why = "", type(error).__name__
    memory = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss << 10
    print(json.dumps([path, text, why, time.monotonic() - began, memory]), flush=True)
"""


@dataclass
class Side:
    """What one converter made of the files of a format."""

    words: dict[Path, set[str]] = field(default_factory=dict[Path, set[str]])
    characters: int = 0
    seconds: float = 0.0
    memory: int = 0
    reasons: list[str] = field(default_factory=list[str])

    @property
    def extracted(self) -> int:
        """Files that gave at least a word."""
        return sum(1 for words in self.words.values() if words)


def main() -> None:
    """Convert, compare, print."""
    parser = harness.parser(__doc__)
    parser.add_argument("--words", action="store_true", help="name the words that only markitdown finds")
    args = parser.parse_args()
    index = FILES / "docs" / "files" / "index.jsonl"
    if not index.exists():
        sys.exit(f"needs the data set {index}, which is not there")
    formats = _by_format(index, most=3 if args.quick else None)
    peer = _peer()
    figures: dict[str, float] = {}
    rows = [["format", "files", "extracted", "markitdown", "characters", "both", "only we", "only it", "s", "its s", "MB", "its MB"]]
    everything = [Side(), Side()]
    for name, paths in formats.items():
        ours, theirs = _ours(paths), _theirs(peer, paths) if peer else Side()
        rows.append(_row(name, len(paths), ours, theirs, figures))
        for whole, part in zip(everything, (ours, theirs), strict=True):
            _add(whole, part)
        if args.words:
            _tell(ours, theirs)
    rows.append(_row("all", sum(map(len, formats.values())), *everything, figures))
    harness.table(rows)
    print()
    for reason in sorted(set(everything[0].reasons)):
        print(f"{everything[0].reasons.count(reason):>4}  {reason}")
    harness.write(args, figures, {"markitdown": PEER_IS if peer else "not there"})


def _by_format(index: Path, most: int | None) -> dict[str, list[Path]]:
    found: dict[str, list[Path]] = defaultdict(list)
    for line in index.read_text(encoding="utf-8").splitlines():
        row = json.loads(line)
        found[row["format"] or "none"].append(FILES / row["path"])
    return {name: found[name][:most] for name in sorted(found)}


def _ours(paths: Sequence[Path]) -> Side:
    side = Side()
    converter = FileConverter()
    try:
        for path in paths:
            began = time.monotonic()
            texts = list(_texts(converter, path, side))
            side.seconds += time.monotonic() - began
            side.characters += sum(map(len, texts))
            side.words[path] = _words("\n".join(texts))
            side.memory = max(side.memory, _peak(converter.child.pid))
    finally:
        converter.close()
    return side


def _texts(converter: FileConverter, path: Path, side: Side) -> Iterator[str]:
    reasons: list[str] = []
    try:
        if path.suffix not in {".zip", ".mbox"}:
            yield converter.convert(path).text
    except ConversionFailed as error:
        reasons.append(error.message)
    try:
        for part in converter.parts(path):
            try:
                yield part.convert().text
            except ConversionFailed as error:
                reasons.append(f"(within a file) {error.message}")
    except ConversionFailed as error:
        reasons.append(error.message)
    side.reasons += dict.fromkeys(reasons)


def _theirs(python: Path, paths: Sequence[Path]) -> Side:
    side = Side()
    done = subprocess.run((python, "-c", _ASK, *paths), capture_output=True, text=True, timeout=900, check=False)
    for line in done.stdout.splitlines():
        path, text, why, seconds, memory = json.loads(line)
        side.words[Path(path)] = _words(text)
        side.characters += len(text)
        side.seconds += seconds
        side.memory = max(side.memory, memory)
        side.reasons += [why] if why else []
    return side


def _words(text: str) -> set[str]:
    return set(_WORD.findall(_ADDRESS.sub(" ", text).casefold()))


def _peak(pid: int | None) -> int:
    """Bytes that a process took at most; 0 when there is none."""
    if pid is None:
        return 0
    status = Path(f"/proc/{pid}/status").read_text(encoding="ascii")
    return int(status.partition("VmHWM:")[2].split()[0]) << 10


def _row(name: str, count: int, ours: Side, theirs: Side, figures: dict[str, float]) -> list[str]:
    both = sum(len(words & theirs.words.get(path, set())) for path, words in ours.words.items())
    we = sum(len(words - theirs.words.get(path, set())) for path, words in ours.words.items())
    it = sum(len(words - ours.words.get(path, set())) for path, words in theirs.words.items())
    whole = max(1, both + we + it)
    measured = {
        "extracted": ours.extracted, "peer_extracted": theirs.extracted, "both": both / whole, "only_we": we / whole, "only_it": it / whole,
        "seconds": ours.seconds, "peer_seconds": theirs.seconds, "memory_mb": ours.memory >> 20, "peer_memory_mb": theirs.memory >> 20,
    }  # fmt: skip
    figures.update({f"{name}_{what}": float(value) for what, value in measured.items()})
    shares = [f"{100 * part / whole:.1f} %" for part in (both, we, it)]
    seconds = [f"{side.seconds:.2f}" for side in (ours, theirs)]
    memory = [f"{side.memory >> 20}" for side in (ours, theirs)]
    return [name, f"{count}", f"{ours.extracted}", f"{theirs.extracted}", f"{ours.characters:,}", *shares, *seconds, *memory]


def _add(whole: Side, part: Side) -> None:
    whole.words |= part.words
    whole.characters += part.characters
    whole.seconds += part.seconds
    whole.memory = max(whole.memory, part.memory)
    whole.reasons += part.reasons


def _tell(ours: Side, theirs: Side) -> None:
    for path, words in theirs.words.items():
        missing = words - ours.words.get(path, set())
        if missing:
            print(f"{path.relative_to(FILES / 'docs' / 'files')}: {len(missing)} of {len(words)}: {' '.join(sorted(missing)[:40])}")


def _peer() -> Path | None:
    """The Python that has markitdown, made when it is not there; None when it cannot be made."""
    python = PEER / "bin" / "python"
    if not python.exists():
        venv.create(PEER, with_pip=True)
    asked = subprocess.run((python, "-c", "import markitdown"), capture_output=True, check=False)
    if asked.returncode:
        command = (python, "-m", "pip", "install", "--quiet", "--disable-pip-version-check", PEER_IS)
        if subprocess.run(command, check=False).returncode:
            print("markitdown could not be installed: the table stands without it", file=sys.stderr)
            return None
    return python


if __name__ == "__main__":
    main()
