"""Facts in words: how an answer's figures, citations and errors read on a page."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import Context
from typing import TYPE_CHECKING, Final
from urllib.parse import urlencode

from markupsafe import Markup, escape

from headrace.app.console.grids import GRID, grid
from headrace.app.http import errors
from headrace.core.errors import Unauthenticated
from headrace.core.values import Mode

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from headrace.app.http.errors import FlawWords
    from headrace.app.http.openai.response import FindingWords
    from headrace.app.http.ports.gateway import Earned, Offer
    from headrace.app.http.ports.library import Readership
    from headrace.app.http.ports.revisions import ServiceForm
    from headrace.core.errors import HeadraceError
    from headrace.core.flow import Answer, Citation
    from headrace.core.text import Finding
    from headrace.core.values import Money, Usage

MEND: Final[Mapping[str, str]] = {
    "policy.denied": "Choose another service, or ask its owner for access.",
    "request.unknown_model": "Load the page anew: it lists the services that you may ask now.",
    "request.schema_needed": "Ask it through the API: the console has no place for a schema.",
    "request.prompt_too_long": "Shorten the question.",
    "identity.unknown_key": "Sign in with a key that is valid.",
    "identity.expired_key": "Sign in with a key that is valid; headrace keys create makes one.",
    "identity.revoked_key": "Sign in with a key that is valid; headrace keys create makes one.",
}
"""What to do next, where the error's own words speak to a program."""
SLOWEST_SHARE: Final = 0.5
"""A stage that takes this share of the time is the one to look at."""
WORTH_NAMING_US: Final = 100
"""A stage that took less is told together with others like it."""
WIDTH: Final = 1000
"""Units in which the strip of stages is drawn."""
MODES: Final[Mapping[Mode, str]] = {
    Mode.QUOTE: "quoted: the sentences of the sources, word for word",
    Mode.DRAFT: "drafted: written by a model from the sources, each sentence checked against them",
    Mode.ABSTAIN: "abstained: nothing that you may read answers this",
    Mode.GENERATE: "generated: written by a model, without sources",
}
"""How an answer came about."""
FIGURES: Final = 4
"""Figures of an amount that are shown, and hundredths at least."""
_PIECE = re.compile(
    rf"(?P<block>^```.*?^```[ \t]*$)|(?P<grid>{GRID})|(?P<inline>(?<!`)`[^`\n]+`(?!`))|\[(?P<n>\d{{1,4}})\](?=\n\n|\Z)",
    re.MULTILINE | re.DOTALL,
)
"""What is set apart in an answer: a fenced block, a table, code within a line, the mark of a citation."""
_DRAFTED = re.compile(_PIECE.pattern.replace(r"(?=\n\n|\Z)", r"(?=[\s\[]|\Z)"), _PIECE.flags)
"""The same in a draft, where each sentence has its marks."""
_UNSEEN = re.compile(
    "([\x00-\x1f\x7f-\x9f\u00ad\u061c\u115f\u1160\u17b4\u17b5\u180e\u200b-\u200f\u2028-\u202e\u2060-\u206f\u3164\ufe00-\ufe0f\ufeff\uffa0"
    "\ufff9-\ufffb\ud800-\udfff\U0001bca0-\U0001bca3\U000e0000-\U000e0fff])"
)
"""Characters that show nothing, or turn what stands around them: controls, joiners, bidirectional marks, variation selectors, tags. A lone
surrogate is what a file name has that is no text."""
_LONG_LINE = 40
"""A line that was broken by its writer's editor is longer than this, or the next goes on with a small letter."""
_WRAPPED = re.compile(rf"(?<=[^\n]{{{_LONG_LINE}}})[ \t]*\n(?=[^\W\d_]|[`“„(*_])|(?<=[^\n:;{{])[ \t]*\n(?=[a-zß-öø-ÿ])")


@dataclass(frozen=True, slots=True)
class Said:
    """An error as a person reads it."""

    status: int
    message: str
    mend: str | None
    code: str
    param: str | None
    facts: FlawWords
    sign_in: bool
    """Signing in again is what mends it."""


def said(error: HeadraceError) -> Said:
    """An error as a person reads it: what is so, and what to do next."""
    body = errors.body(error).error
    return Said(
        status=errors.shape(error).status,
        message=error.message,
        mend=MEND.get(error.code, error.mend),
        code=error.code,
        param=error.param,
        facts=body.headrace,
        sign_in=isinstance(error, Unauthenticated),
    )


def short(digest: str) -> str:
    """The first characters of a hash: enough to compare by eye."""
    return digest[:12]


def count(number: int, one: str) -> str:
    """``1 character``, ``2,000 characters``."""
    return f"{number:,} {one}{'' if number == 1 else 's'}"


def lasting(seconds: float) -> str:
    """A length of time, in the largest unit that says it whole."""
    for unit, size in (("day", 86400), ("hour", 3600), ("minute", 60)):
        if seconds >= size and seconds % size == 0:
            return count(round(seconds / size), unit)
    return count(round(seconds), "second")


def amount(cost: Money) -> str:
    """An amount without zeros that say nothing. One of more figures than anybody reads is rounded, and says so; the record has it all."""
    rounded = Context(prec=max(FIGURES, cost.amount.adjusted() + 3)).plus(cost.amount)
    figures = f"{rounded:f}"
    figures = figures.rstrip("0").rstrip(".") if "." in figures else figures
    return f"{'' if rounded == cost.amount else '≈ '}{figures} {cost.currency}"


def tokens(usage: Usage) -> str:
    """Tokens as disjoint parts."""
    if not (usage.input or usage.input_cached or usage.output):
        return "no tokens"
    cached = f" + {usage.input_cached:,} cached" if usage.input_cached else ""
    return f"{usage.input:,}{cached} tokens in · {usage.output:,} out"


def arrived(time_us: int) -> str:
    """A moment by the ledger's clock, to the millisecond."""
    return datetime.fromtimestamp(time_us / 1_000_000, tz=UTC).isoformat(" ", "milliseconds").removesuffix("+00:00") + " UTC"


def moment(time_us: int) -> str:
    """A moment to the minute."""
    return datetime.fromtimestamp(time_us / 1_000_000, tz=UTC).strftime("%Y-%m-%d %H:%M UTC")


def ago(time_us: int, now_us: int) -> Markup:
    """How long ago it was, in the largest unit that fits; the moment itself is at hand."""
    seconds = max(0, now_us - time_us) // 1_000_000
    unit, size = next(((unit, size) for unit, size in _UNITS if seconds >= size), ("", 0))
    words = f"{count(seconds // size, unit)} ago" if size else "just now"
    stamp = datetime.fromtimestamp(time_us / 1_000_000, tz=UTC).isoformat(timespec="seconds")
    return Markup('<time datetime="{}" title="{}">{}</time>').format(stamp, moment(time_us), words)


_UNITS: Final = (("day", 86_400), ("hour", 3_600), ("minute", 60), ("second", 1))


def finding(found: Finding | FindingWords) -> str:
    """What kind of thing a guard found, what was done about it, and where; never the thing itself."""
    kind = found.kind.replace("_", " ").replace("-", " ")
    done, where = _DONE.get(str(found.action), str(found.action)), _WHERE.get(str(found.origin), str(found.origin))
    return f"{kind} {done} in the {where} (characters {found.start} to {found.end})"


_DONE: Final[Mapping[str, str]] = {"flag": "seen", "mask": "masked", "refuse": "refused"}
_WHERE: Final[Mapping[str, str]] = {"prompt": "question", "passage": "sources", "output": "answer"}


@dataclass(frozen=True, slots=True)
class Bar:
    """One stage: its time, and where it lies in the strip of all of them."""

    name: str
    us: int
    start: int
    width: int
    slowest: bool


def bars(stages: Mapping[str, int]) -> Sequence[Bar]:
    """The stages in order, side by side over :data:`WIDTH` units in proportion to their times."""
    whole = sum(stages.values()) or 1
    found: list[Bar] = []
    before = 0
    for name, us in stages.items():
        start = WIDTH * before // whole
        before += us
        found.append(Bar(name, us, start, WIDTH * before // whole - start, us > SLOWEST_SHARE * whole))
    return found


def told(stages: Mapping[str, int]) -> Sequence[Bar]:
    """The stages that took a time worth naming, and the rest of them as one."""
    every = bars(stages)
    named = [bar for bar in every if bar.us >= WORTH_NAMING_US]
    rest = sum(bar.us for bar in every if bar.us < WORTH_NAMING_US)
    return [*named, Bar("rest", rest, 0, 0, slowest=False)] if rest else named


def linked(answer: Answer) -> Markup:
    """The answer's text, character for character: code in a face of its own, tables as tables, and each ``[n]`` that ends a quoted
    paragraph as a link to its citation. Only lines of quoted prose are joined where their writer's editor broke them."""
    cited = {str(each.n) for each in answer.citations}
    made = Markup()
    done = 0
    piece = _DRAFTED if answer.mode is Mode.DRAFT else _PIECE
    for found in piece.finditer(answer.text):
        if found["n"] is not None and found["n"] not in cited:
            continue
        made += _prose(answer.text[done : found.start()], answer.mode)
        done = found.end()
        if found["n"] is not None:
            link = Markup('<a class="mark" href="#{}" aria-label="source {}">[{}]</a>')
            made += link.format(anchor(answer.call.request, int(found["n"])), found["n"], found["n"])
        elif found["grid"]:
            made += grid(found[0])
        else:
            made += Markup('<code class="{}">{}</code>').format("block" if found["block"] else "inline", found[0])
    return made + _prose(answer.text[done:], answer.mode)


def _prose(text: str, mode: Mode) -> Markup:
    return escape(_WRAPPED.sub(" ", text) if mode is Mode.QUOTE else text)


def breakable(name: str) -> Markup:
    """A document's name as it stands: apart from the direction of what is around it, with characters that cannot be seen made visible;
    it may be broken behind a slash."""
    pieces = [_piece(piece) for piece in _UNSEEN.split(name)]
    return Markup("<bdi>{}</bdi>").format(Markup().join(pieces))


def visible(name: str) -> str:
    """The same as plain text, for a title or a label."""
    return _UNSEEN.sub(lambda found: _code(found[0]), name)


def _piece(piece: str) -> Markup:
    if _UNSEEN.fullmatch(piece):
        return Markup('<span class="unprinted">{}</span>').format(_code(piece))
    return escape(piece).replace("/", Markup("/<wbr>"))


def _code(character: str) -> str:
    """``U+202E``."""
    return f"U+{ord(character):04X}"


def anchor(request: str, n: int) -> str:
    """The id of a citation on a page that shows several answers."""
    return f"{request}-{n}"


def document_link(cited: Citation) -> str:
    """The page that opens the document at the quote."""
    asked = urlencode({"name": cited.document, "version": cited.version, "start": cited.start, "end": cited.end})
    return f"/console/document?{asked}#quote"


def text_page(name: str, version: str) -> str:
    """The page that shows a version's text from its beginning."""
    return f"/console/document?{urlencode({'name': name, 'version': version})}"


def versions_page(name: str) -> str:
    """The page that lists a document's versions."""
    return f"/console/versions?{urlencode({'name': name})}"


def readership(readers: Readership) -> str:
    """Who may read, in words."""
    return ", ".join([*(f"group {group}" for group in readers.groups), *readers.people]) or "nobody"


def offer_mode(offer: Offer) -> str:
    """How a service answers, for whoever asks it; of one that drafts also what its deployments earn."""
    if offer.mode == "draft":
        return " · ".join(("drafted from documents, each sentence checked", *map(_earned, offer.earned)))
    return "from documents, cited" if offer.grounded else _ungrounded(json=offer.json, vectors=offer.vectors)


def _earned(earned: Earned) -> str:
    said = "is not measured" if earned.mode == "not measured" else f"earns {earned.mode}s"
    return f"{earned.deployment} {said}" + (f" ({count(earned.asked, 'question')}, {earned.day})" if earned.day else "")


def form_mode(form: ServiceForm) -> str:
    """How a service answers, as its file says."""
    if form.mode:
        return f"{form.mode}, from {', '.join(form.sources)}"
    return _ungrounded(json=form.json, vectors=form.vectors)


def _ungrounded(*, json: bool, vectors: bool) -> str:
    return "JSON, by a schema" if json else "vectors of texts, for programs" if vectors else "written by a model, without sources"


def size(of: int) -> str:
    """Bytes in the unit that gives few figures."""
    value, unit = float(of), "B"
    for larger in ("KB", "MB", "GB"):
        if value < 1000:  # noqa: PLR2004 - three figures
            break
        value, unit = value / 1000, larger
    return f"{of:,} B" if unit == "B" else f"{value:.1f} {unit}" if value < 10 else f"{value:,.0f} {unit}"  # noqa: PLR2004 - two figures at least
