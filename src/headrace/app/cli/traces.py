"""A request's record as a story: one line a room, each true by what the record says, and the proof that it does."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING

from headrace.app.cli.drafts import drafted
from headrace.app.cli.sentences import mapping, mappings, milliseconds, money, names

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from headrace.app.cli.sentences import Json

WHY: Mapping[str, str] = {
    "capacity.overloaded": "no slot came free in time",
    "internal.engine_loading": "the engine was loading its model",
    "internal.engine_unavailable": "the engine was not there",
    "internal.error": "Headrace itself failed; the gateway's log says where",
    "internal.interrupted": "the gateway ended in the middle",
    "internal.knowledge_unavailable": "the knowledge process was not there",
    "internal.ledger_unavailable": "the ledger was not there when it was to be recorded",
    "policy.denied": "policy does not allow it",
    "policy.no_placement": "no deployment may be given this text",
    "request.cancelled": "the client left",
    "request.prompt_too_long": "the prompt does not fit",
    "request.unknown_model": "there is no such service",
    "request.unsupported_schema": "the model could not keep to the JSON Schema",
    "upstream.broken": "the model broke off before it answered",
    "upstream.garbage": "the model sent what is not an answer",
    "upstream.rate_limited": "the provider took no more requests",
    "upstream.timeout": "it was not done in time",
    "upstream.too_much": "the model wrote more than it was asked for",
    "upstream.truncated": "the model's answer broke off",
    "upstream.unauthorized": "the provider did not accept the deployment's key",
    "upstream.unreachable": "the model could not be reached",
}
"""What ended a request, by the code of its error. Any other code speaks for itself."""
_OUTCOME = {"refused": "refused", "failed": "failed", "cancelled": "ended", "interrupted": "interrupted"}


def trace_lines(record: Json, receipt: Json, proven: Sequence[str] = ()) -> list[str]:
    """The lines of a record. `proven`: what was just verified of it, in words."""
    place = " · ".join([f"record {_number(receipt.get('sequence'))} of log {receipt.get('log')}", *proven])
    if record.get("kind") == "act":
        return _act(record, place)
    lines = [_stage(each, record) for each in mappings(record.get("stages"))]
    return [*lines, *_end(record, place)]


def _line(name: str, when: str, text: str) -> str:
    return f"{f'{name} ':<11}{when:<15}{text}".rstrip()


def _stage(stage: Json, record: Json) -> str:
    name, facts = str(stage.get("stage")), mapping(stage.get("facts"))
    if name == "received":
        return _line(name, _clock(record.get("received_us")), _received(facts, record))
    if name == "released":
        return _line(name, f"+{milliseconds(_int(stage.get('us')))}", _released(facts, record))
    ended = record.get("at") == name
    said = [_ending(record)] if ended else []
    if facts and (told := (_ENDED if ended else _TOLD).get(name, _plain)(facts)):
        said.append(told)
    return _line(name, f"+{milliseconds(_int(stage.get('us')))}", " · ".join(said))


def _end(record: Json, place: str) -> list[str]:
    """The last lines: what came of it, what it cost, where that is written."""
    kind, written = record.get("kind"), _clock(record.get("time_us"))
    if kind == "opened":
        return [_line("opened", written, f"it is under way, or its gateway has ended and none has started since · {place}")]
    if kind == "interrupted":
        said = "its gateway ended in the middle: what left after the opening is not known"
        return [_line("interrupted", written, f"{said} · {place}")]
    lines: list[str] = []
    stages = [str(each.get("stage")) for each in mappings(record.get("stages"))]
    if record.get("outcome") != "answered" and record.get("at") not in stages:
        lines.append(_line(str(record.get("at")), "", _ending(record)))
    cost = mapping(record.get("cost"))
    took = milliseconds(_int(record.get("time_us")) - _int(record.get("received_us")))
    said = f"{record.get('outcome')} after {took} · {money(cost)}"
    return [*lines, _line("settled", written, f"{said} · {place}")]


def _act(record: Json, place: str) -> list[str]:
    facts = mapping(record.get("facts"))
    told = " · ".join(f"{name.removesuffix('_us')} {_value(name, value)}" for name, value in facts.items() if value is not None)
    return [
        _line("act", _clock(record.get("time_us")), f"{record.get('act')} by {record.get('by')}"),
        *([_line("facts", "", told)] if told else []),
        _line("settled", "", place),
    ]


def _ending(record: Json) -> str:
    code = str(record.get("error"))
    outcome = _OUTCOME.get(str(record.get("outcome")), str(record.get("outcome")))
    if code.startswith("guard."):
        return f"{outcome}: guard {code.removeprefix('guard.')} stopped it"
    return f"{outcome}: {WHY[code]} ({code})" if code in WHY else f"{outcome}: {code}"


def _received(facts: Json, record: Json) -> str:
    how = "streamed" if facts.get("stream") else "whole"
    size = f"{_count(facts.get('messages'), 'message')}, {_count(facts.get('characters'), 'character')}"
    who = f"key {record.get('key')} ({record.get('principal')}, tenant {record.get('tenant')})"
    asked = f"service {record.get('service')}" if record.get("service") else "a service that is not there"
    return f"POST {facts.get('endpoint')} · {how} · {facts.get('client')} · {size} · {who} · {asked}"


def _admitted(facts: Json) -> str:
    owed = f" · obliged to {names(facts.get('obligations'))}" if facts.get("obligations") else ""
    return f"allowed by {_policies(facts)}{owed} · revision {str(facts.get('revision'))[:12]}"


def _denied(facts: Json) -> str:
    said = [f"by {_policies(facts)}"] if facts.get("policies") else []
    said += [f"allowed with {facts['what_would_allow_it']}"] if facts.get("what_would_allow_it") else []
    return " · ".join(said)


def _policies(facts: Json) -> str:
    return names(facts.get("policies")) or "no policy"


def _findings(facts: Json) -> str:
    found = mappings(facts.get("findings"))
    return " · ".join(_finding(each) for each in found) if found else "nothing found"


def _finding(found: Json) -> str:
    done = {"mask": "masked", "refuse": "refused", "flag": "flagged"}.get(str(found.get("action")), str(found.get("action")))
    place = {"prompt": f"messages[{found.get('part')}]", "passage": f"passage {_int(found.get('part')) + 1}"}.get(
        str(found.get("origin")), str(found.get("origin"))
    )
    return f"{str(found.get('kind')).replace('_', ' ')} {done} ({place}, {found.get('start')}–{found.get('end')})"


def _grounded(facts: Json) -> str:
    passages = mappings(facts.get("passages"))
    arms = [f"{arm} {' '.join(_rank(each, arm) for each in passages)}" for arm in _arms(passages)]
    how = f" ({', '.join(arms)})" if arms else ""
    earned = {"quote": "it earns a quote", "draft": "it earns a draft", "abstain": "it earns no quote"}.get(
        str(facts.get("mode")), f"mode {facts.get('mode')}"
    )
    confidence = f"confidence {_int(facts.get('confidence_ppm')) / 1_000_000:.2f}: {earned}"
    found = f" · {_findings(facts)}" if facts.get("findings") else ""
    return f"{len(passages)} of {_count(facts.get('candidates'), 'passage')}{how} · {confidence} · index v{facts.get('index')}{found}"


def _arms(passages: Sequence[Json]) -> list[str]:
    return sorted({str(arm) for each in passages for arm in mapping(each.get("ranks"))})


def _rank(passage: Json, arm: str) -> str:
    rank = mapping(passage.get("ranks")).get(arm)
    return f"#{rank}" if rank else "–"


def _routed(facts: Json) -> str:
    chosen = facts.get("deployment")
    if chosen is None:
        return "no model was needed"
    against = "".join(f" · {each.get('deployment')} not: {each.get('reason')}" for each in mappings(facts.get("rejected")))
    among = f"first of {facts.get('considered')} that policy allows" if facts.get("considered") != 1 else "allowed"
    return f"{chosen}: {among} ({_policies(facts)}){against}"


def _not_routed(facts: Json) -> str:
    return f"tried {names(facts.get('rejected'))}" if facts.get("rejected") else ""


def _reserved(facts: Json) -> str:
    if not facts.get("answer_tokens"):
        return "nothing needed reserving"
    prompt, context, answer = facts.get("prompt_tokens"), facts.get("context_tokens"), facts.get("answer_tokens")
    fits = f"prompt {prompt} and answer up to {answer} of {context} tokens" if prompt is not None else f"answer up to {answer} tokens"
    most = f" · {facts.get('most')} at most" if facts.get("most") else ""
    return f"{fits} · slot after {milliseconds(facts.get('waited_us'))}{most}"


def _not_reserved(facts: Json) -> str:
    if "prompt_tokens" not in facts:
        return ""
    asked = f" and max_tokens asks for {facts['answer_tokens']}" if facts.get("answer_tokens") else ""
    return f"prompt {facts.get('prompt_tokens')} tokens{asked}, the context holds {facts.get('context_tokens')}"


def _generated(facts: Json) -> str:
    mode = facts.get("mode")
    if mode not in {"generate", "draft"}:
        return {"quote": "quoted: no model was needed", "abstain": "abstained: no model was needed"}.get(str(mode), str(mode))
    if facts.get("finish") is None and facts.get("first_token_us") is None:
        return ""
    counted = "" if facts.get("reported") else " (counted here)"
    cached = f" and {facts.get('input_cached')} from the prefix cache" if facts.get("input_cached") else ""
    tokens = f"{facts.get('input')} tokens in{cached}, {facts.get('output')} out{counted}"
    first = facts.get("first_token_us")
    begun = "no text" if first is None else f"first text after {milliseconds(first)}"
    busy = f" · {milliseconds(facts.get('slot_us'))} of the engine" if facts.get("slot_us") else ""
    finish = {"stop": "it came to its end", "length": "cut at its length", "content_filter": "the model's own filter ended it"}
    return f"{tokens} · {begun}{busy} · {finish.get(str(facts.get('finish')), 'broken off')}"


def _checked(facts: Json) -> str:
    held = f" · held back {facts.get('held_back')} characters at most" if facts.get("held_back") else ""
    return f"{drafted(facts)}{_findings(facts)}{held}"


def _released(facts: Json, record: Json) -> str:
    """A whole answer leaves when it is settled, or not at all; of a stream some has left, whatever came then."""
    whole = record.get("outcome") == "answered"
    ended = [_ending(record)] if record.get("at") == "released" else []
    if not whole and not _streamed(record):
        return " · ".join([*ended, "nothing was sent"])
    said = [*ended, f"{_count(facts.get('characters'), 'character')}{'' if whole else ' sent'}"]
    said += [f"{_count(facts.get('unmasked'), 'mask')} undone ({_policies(facts)})"] if facts.get("unmasked") else []
    said += [_count(len(mappings(facts.get("citations"))), "citation")] if facts.get("citations") else []
    return " · ".join(said)


def _streamed(record: Json) -> bool:
    received = (mapping(each.get("facts")) for each in mappings(record.get("stages")) if each.get("stage") == "received")
    return any(facts.get("stream") for facts in received)


def _plain(facts: Json) -> str:
    return " · ".join(f"{name.removesuffix('_us')} {_value(name, value)}" for name, value in facts.items() if value is not None)


_TOLD: Mapping[str, Callable[[Json], str]] = {
    "admitted": _admitted,
    "screened": _findings,
    "grounded": _grounded,
    "routed": _routed,
    "reserved": _reserved,
    "generated": _generated,
    "checked": _checked,
}
"""What each room did."""
_ENDED: Mapping[str, Callable[[Json], str]] = {
    **_TOLD,
    "admitted": _denied,
    "grounded": _plain,
    "routed": _not_routed,
    "reserved": _not_reserved,
}
"""What a room that ended the request says of it: its facts are those of the error, but for the streams, which have come some way."""


def _clock(us: object) -> str:
    return datetime.fromtimestamp(_int(us) / 1_000_000, tz=UTC).strftime("%H:%M:%S.%f")[:-3]


def _value(name: str, value: object) -> str:
    if isinstance(value, list):
        return names(value) or "none"  # pyright: ignore[reportUnknownArgumentType]
    if name.endswith("_us"):
        return datetime.fromtimestamp(_int(value) / 1_000_000, tz=UTC).strftime("%Y-%m-%d %H:%M:%S")
    return str(value)[:16] if name in {"revision", "before"} else str(value)


def _count(number: object, thing: str) -> str:
    return f"{_number(number)} {thing}{'' if _int(number) == 1 else 's'}"


def _number(value: object) -> str:
    return f"{_int(value):,}"


def _int(value: object) -> int:
    return value if isinstance(value, int) else 0
