"""What the guards find, what they find by mistake, and what they cost.

    python benchmarks/guards.py [--quick] [--json FILE]

The texts are public sets that lie beside the checkout. Each set is split in halves by SHA-256 (credentials by their text, personal data by
the template that a text was made from); the rules were written against documented formats and looked at on the *tuned* half only, the
*held-out* half is what the figures are about. The vectors of credentials hold the same made-up value in several file forms, which fall on
both sides; "unseen" counts the held-out ones whose value the tuned half does not hold. The peer is detect-secrets (pip install
detect-secrets), each text as a file of its own, with its default settings; without it the run goes on alone.
"""

from __future__ import annotations

import gzip
import hashlib
import importlib
import json
import re
import statistics
import sys
import sysconfig
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import harness
from headrace.core.text import Action
from headrace.guardrails.catalogue import guards
from headrace.guardrails.fold import fold
from headrace.guardrails.masks import MaskTable
from headrace.guardrails.spans import look
from headrace.guardrails.window import Window

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from headrace.core.ports import Guard

DATA = Path(__file__).resolve().parents[1].parent / "shared" / "data" / "guard"
GUARDS = guards()
RULES: tuple[tuple[Guard, Action], ...] = ((GUARDS["secrets"], Action.REFUSE), (GUARDS["pii"], Action.MASK))
HALVES = ("tuned", "held out")
VECTORS = ("gitleaks_vectors", "detect_secrets_vectors")
KINDS = {"EMAIL_ADDRESS": "email", "PHONE_NUMBER": "phone", "CREDIT_CARD": "payment_card", "US_SSN": "us_ssn", "IP_ADDRESS": "ip_address"}
"""What the set calls them, and we."""
PROMPT = 2048
PIECE = 4
HARD = ("a", "(", "1 1-", "@", "a@b.cc ", "password=", "token=a1b2c3d4e5 ", "030 1234567, ", "-----BEGIN PRIVATE KEY-----AAAAAAAAAAAAAAAA")
"""Pieces of which a text is hard to look through."""


@dataclass(frozen=True)
class Vector:
    """A text that holds a credential, or looks as if it did."""

    text: str
    secret: bool


def half(text: str) -> str:
    """On which side a text falls."""
    return HALVES[hashlib.sha256(text.encode()).digest()[0] % 2]


def rows(name: str) -> list[dict[str, object]]:
    """The rows of a set."""
    path = next(DATA.glob(f"{name}.jsonl*"))
    text = gzip.decompress(path.read_bytes()).decode() if path.suffix == ".gz" else path.read_text(encoding="utf-8")
    return [json.loads(line) for line in text.splitlines()]


def vectors(name: str, side: str) -> list[Vector]:
    """One half of a set of credentials."""
    found = [Vector(str(row["text"]), bool(row["label"])) for row in rows(f"secrets/{name}")]
    return [each for each in found if half(each.text) == side]


def ordinary() -> dict[str, list[str]]:
    """Texts in which nobody means to give anything away."""
    found: dict[str, list[str]] = {}
    for name in (
        "wildguard_benign",
        "self_instruct",
        "cyberseceval_frr",
        "bipia_code_contexts",
        "bipia_table_contexts",
        "bipia_email_contexts",
    ):
        texts = (row.get("text") or row.get("context") for row in rows(f"benign/{name}"))
        found[name] = ["\n".join(text) if isinstance(text, list) else str(text) for text in texts]
    library = sorted(Path(sysconfig.get_path("stdlib")).glob("*.py"))
    return {**found, "Python's library": [path.read_text(encoding="utf-8", errors="replace") for path in library]}


def share(part: int, whole: int) -> str:
    """A share with what it is of."""
    return f"{part / whole:.3f} of {whole}" if whole else "none"


def credentials(finds: Callable[[str], bool]) -> tuple[list[list[str]], dict[str, float]]:
    """Recall, and false alarms on what was made to look like a credential."""
    table = [["credentials", "half", "found", "found, unseen values", "false alarms on look-alikes"]]
    figures: dict[str, float] = {}
    for name in VECTORS:
        known = {value(each.text) for each in vectors(name, HALVES[0])}
        for side in HALVES:
            every = [(each, finds(each.text)) for each in vectors(name, side)]
            hits = [found for each, found in every if each.secret]
            unseen = [found for each, found in every if each.secret and side == HALVES[1] and value(each.text) not in known]
            false = [found for each, found in every if not each.secret]
            table.append([name, side, share(sum(hits), len(hits)), share(sum(unseen), len(unseen)), f"{sum(false)} of {len(false)}"])
            if side == HALVES[1]:
                short = name.removesuffix("_vectors")
                figures[f"secrets_recall_{short}"] = sum(hits) / len(hits)
                figures[f"secrets_recall_unseen_{short}"] = sum(unseen) / len(unseen)
                figures[f"secrets_false_alarm_rate_{short}"] = sum(false) / len(false)
    return table, figures


def value(text: str) -> str:
    """The longest run of a text without white space, quotes and signs of assignment: the same in every file form."""
    return max(re.findall(r"[A-Za-z0-9_.~/+-]+", text), key=len, default="")


def false_alarms(names: Sequence[str]) -> tuple[list[list[str]], dict[str, float]]:
    """Ordinary texts in which a guard sees something. Mails hold real addresses: there the guard for personal data is right."""
    table = [["ordinary texts", "texts", *(f"{name} sees something" for name in names)]]
    alarmed = whole = 0
    for name, texts in ordinary().items():
        seen = {guard: sum(bool(GUARDS[guard].inspect(text)) for text in texts) for guard in names}
        table.append([name, str(len(texts)), *(str(count) for count in seen.values())])
        alarmed, whole = alarmed + seen["secrets"], whole + len(texts)
    return table, {"secrets_false_alarm_rate_ordinary": alarmed / whole}


def personal() -> tuple[list[list[str]], dict[str, float]]:
    """Recall (all of a span masked) and precision (what is found overlaps one) by kind."""
    table = [["personal data", "half", "masked", "precision"]]
    figures: dict[str, float] = {}
    for side in HALVES:
        hits = dict.fromkeys(KINDS.values(), 0)
        gold, found, right = hits.copy(), hits.copy(), hits.copy()
        for row in rows("pii/presidio_synth_v2"):
            if half(str(row["template_id"])) != side:
                continue
            matches = GUARDS["pii"].inspect(str(row["text"]))
            spans = [(start, end, KINDS[kind]) for start, end, kind in row["spans"] if kind in KINDS]  # type: ignore[attr-defined]
            for start, end, kind in spans:
                gold[kind] += 1
                hits[kind] += any(each.start <= start and each.end >= end for each in matches)
            for each in matches:
                if each.kind in found:
                    found[each.kind] += 1
                    right[each.kind] += any(each.start < end and each.end > start for start, end, _ in spans)
        for kind, count in gold.items():
            if count:
                table.append([kind, side, share(hits[kind], count), share(right[kind], found[kind])])
                if side == HALVES[1]:
                    figures[f"pii_recall_{kind}"] = hits[kind] / count
                    figures[f"pii_precision_{kind}"] = right[kind] / max(1, found[kind])
    return table, figures


def timed(work: Callable[[], object], repeats: int) -> float:
    """The quickest of several runs, in seconds: the others waited for something else."""
    times: list[float] = []
    for _ in range(repeats):
        began = time.perf_counter()
        work()
        times.append(time.perf_counter() - began)
    return min(times)


def prompts() -> list[str]:
    """Ordinary texts in pieces of 2 KB."""
    pool = "\n".join(text for name, texts in ordinary().items() if not name.startswith("Python") for text in texts)
    return [pool[at : at + PROMPT] for at in range(0, len(pool) - PROMPT, PROMPT)]


def cost(*, quick: bool) -> tuple[list[list[str]], dict[str, float]]:
    """Time for a prompt, for a large text, for a piece of a stream; and how much a stream holds back."""
    texts = prompts()[:100] if quick else prompts()
    repeats = 3 if quick else 7
    each = sorted(timed(lambda text=text: look(fold(text), RULES), repeats) * 1e6 for text in texts)
    pool = "".join(texts)
    figures = {"prompt_2kb_us": statistics.median(each), "prompt_2kb_p99_us": each[len(each) * 99 // 100]}
    for name, guard in GUARDS.items():
        figures[f"{name}_mb_per_s"] = len(pool) / 1e6 / timed(lambda guard=guard: guard.inspect(pool), repeats)
    stream = pool[:40_000]
    held = list(holding(stream))
    figures["stream_piece_us"] = timed(lambda: list(holding(stream)), repeats) / len(held) * 1e6
    figures["stream_held_mean"], figures["stream_held_max"] = statistics.fmean(held), max(held)
    size = 1 << (16 if quick else 20)
    figures["hard_s_per_mb"] = (
        max(timed(lambda piece=piece: look(fold(piece * (size // len(piece))), RULES), 1) for piece in HARD) * (1 << 20) / size
    )
    names = {
        "prompt_2kb_us": "2 KB prompt, both guards, µs (median)",
        "prompt_2kb_p99_us": "2 KB prompt, both guards, µs (p99)",
        "secrets_mb_per_s": "secrets on one large text, MB/s",
        "pii_mb_per_s": "pii on one large text, MB/s",
        "stream_piece_us": f"stream, both guards, µs for a piece of {PIECE} characters",
        "stream_held_mean": "stream, characters held back (mean)",
        "stream_held_max": "stream, characters held back (most)",
        "hard_s_per_mb": "worst text, both guards, s for a million characters",
    }
    return [["cost", ""], *([words, f"{figures[name]:,.1f}"] for name, words in names.items())], figures


def holding(text: str) -> Iterator[int]:
    """How many characters wait after each piece of a streamed text. Masks may change lengths, so refusals and masks are left out."""
    window = Window([(guard, Action.FLAG) for guard in GUARDS.values()], MaskTable())
    waiting = 0
    for at in range(0, len(text), PIECE):
        piece = text[at : at + PIECE]
        waiting += len(piece) - len(window.push(piece))
        yield waiting


def peer() -> dict[str, object]:
    """detect-secrets on the same vectors and texts, when it is installed."""
    try:
        scanning = importlib.import_module("detect_secrets.core.secrets_collection")
        settings = importlib.import_module("detect_secrets.settings")
    except ImportError:
        sys.stdout.write("\nThe peer, detect-secrets, is not installed.\n")
        return {}
    path = Path(tempfile.mkdtemp()) / "text.txt"

    def finds(text: str) -> bool:
        path.write_text(text, encoding="utf-8", errors="replace")
        with settings.default_settings():
            found = scanning.SecretsCollection()
            found.scan_file(str(path))
        return bool(found)

    table, figures = credentials(finds)
    sys.stdout.write("\ndetect-secrets\n")
    harness.table(table)
    texts = [text for name, some in ordinary().items() for text in some[:100] if not name.startswith("Python")]
    alarms = sum(map(finds, texts))
    began = time.perf_counter()
    finds("\n".join(prompts()[:100]))
    figures |= {"ordinary": alarms / len(texts), "mb_per_s": 100 * PROMPT / 1e6 / (time.perf_counter() - began)}
    sys.stdout.write(f"false alarms on ordinary texts: {alarms} of {len(texts)}; {figures['mb_per_s']:.2f} MB/s\n")
    return {"name": "detect-secrets", **figures}


def main() -> None:
    """Run it."""
    args = harness.parser(__doc__).parse_args()
    if not DATA.is_dir():
        sys.exit(f"The test collections are not here: {DATA}")
    figures: dict[str, float] = {}
    finds = GUARDS["secrets"].inspect
    for made in (credentials(lambda text: bool(finds(text))), false_alarms(tuple(GUARDS)), personal(), cost(quick=args.quick)):
        harness.table(made[0])
        sys.stdout.write("\n")
        figures |= made[1]
    harness.write(args, figures, peer())


if __name__ == "__main__":
    main()
