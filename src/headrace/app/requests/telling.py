"""What each room did, in sentences: the same words in a terminal and on a page. Each is true by what the record says."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING, Final

from headrace.app.requests.drafts import drafted
from headrace.app.requests.figures import counted, duration, names, number
from headrace.evidence.facts import items, mapping, mappings, text, texts, whole

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from headrace.evidence.facts import Json, RequestFacts, StageFacts

WHY: Final[Mapping[str, str]] = {
    "capacity.overloaded": "no slot came free in time",
    "internal.engine_loading": "the engine was loading its model",
    "internal.engine_unavailable": "the engine was not there",
    "internal.error": "Headrace itself failed; the gateway's log says where",
    "internal.interrupted": "the gateway ended in the middle",
    "internal.knowledge_unavailable": "the knowledge process was not there",
    "internal.ledger_unavailable": "the ledger was not there when it was to be recorded",
    "policy.denied": "policy does not allow it",
    "policy.key_bound": "the key is bound to other services",
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
_NTH: Final = {1: "st", 2: "nd", 3: "rd"}
_OUTCOME: Final = {"refused": "refused", "failed": "failed", "cancelled": "ended", "interrupted": "interrupted"}


def told(stage: StageFacts, facts: RequestFacts) -> list[str]:
    """What a room did, and when it ended the request, how."""
    if stage.name == "received":
        return _received(stage.facts, facts)
    if stage.name == "released":
        return _released(stage.facts, facts)
    said = [ending(facts)] if stage.ended else []
    if stage.facts:
        said += (_ENDED if stage.ended else _TOLD).get(stage.name, plain)(stage.facts)
    return said


def ending(facts: RequestFacts) -> str:
    """What ended a request that was not answered, and how."""
    return f"{_OUTCOME.get(facts.outcome, facts.outcome)}: {why(facts)}"


def why(facts: RequestFacts) -> str:
    """What ended a request that was not answered."""
    code = str(facts.error)
    if code.startswith("guard."):
        return f"guard {code.removeprefix('guard.')} stopped it"
    return f"{WHY[code]} ({code})" if code in WHY else code


def plain(facts: Json) -> list[str]:
    """Facts that nobody has words for, by their names."""
    return [f"{name.removesuffix('_us')} {value_of(name, value)}" for name, value in facts.items() if value is not None]


def value_of(name: str, value: object) -> str:
    """The value of a fact, by its name."""
    if items(value) or value == []:
        return names(value) or "none"
    if name.endswith("_us"):
        return datetime.fromtimestamp(whole(value) / 1_000_000, tz=UTC).strftime("%Y-%m-%d %H:%M:%S")
    return str(value)[:16] if name in {"revision", "before"} else str(value)


def found_where(found: Json) -> str:
    """What a guard found, what was done about it, and where; never the thing itself."""
    done = {"mask": "masked", "refuse": "refused", "flag": "flagged"}.get(str(found.get("action")), str(found.get("action")))
    number, origin = whole(found.get("part")), str(found.get("origin"))
    place = {"prompt": f"{_nth(number)} message", "passage": f"{_nth(number)} passage", "output": "answer"}.get(origin, origin)
    return f"{str(found.get('kind')).replace('_', ' ')} {done} in the {place}, characters {found.get('start')}–{found.get('end')}"


def _nth(number: int) -> str:
    """``first`` for 0, as people count; beyond the words the figure."""
    words = ("first", "second", "third", "fourth", "fifth", "sixth", "seventh", "eighth", "ninth", "tenth")
    return words[number] if number < len(words) else f"{number + 1}{_NTH.get((number + 1) % 10, 'th') if number % 100 // 10 != 1 else 'th'}"


def _received(stage: Json, facts: RequestFacts) -> list[str]:
    return [
        f"POST {stage.get('endpoint')}",
        "streamed" if facts.streamed else "whole",
        str(stage.get("client")),
        f"{counted(stage.get('messages'), 'message')}, {counted(stage.get('characters'), 'character')}",
        f"key {facts.key} ({facts.principal}, tenant {facts.tenant})",
        f"service {facts.service}" if facts.service else "a service that is not there",
    ]


def _admitted(facts: Json) -> list[str]:
    owed = [f"obliged to {names(facts.get('obligations'))}"] if facts.get("obligations") else []
    return [f"allowed by {_policies(facts)}", *owed, f"revision {str(facts.get('revision'))[:12]}"]


def _denied(facts: Json) -> list[str]:
    said = [f"by {_policies(facts)}"] if facts.get("policies") else []
    return said + ([f"allowed with {facts['what_would_allow_it']}"] if facts.get("what_would_allow_it") else [])


def _policies(facts: Json) -> str:
    return names(facts.get("policies")) or "no policy"


def _findings(facts: Json) -> list[str]:
    left_out = [f"{number(facts['findings_left_out'])} more"] if facts.get("findings_left_out") else []
    return [*(found_where(each) for each in mappings(facts.get("findings"))), *left_out] or ["nothing found"]


def _grounded(facts: Json) -> list[str]:
    passages = mappings(facts.get("passages"))
    arms = [f"{arm} {' '.join(_rank(each, arm) for each in passages)}" for arm in _arms(passages)]
    how = f" ({', '.join(arms)})" if arms else ""
    enough = {"quote": "enough to quote", "draft": "enough to draft", "abstain": "too little to quote"}.get(
        str(facts.get("mode")), f"mode {facts.get('mode')}"
    )
    return [
        f"{len(passages)} of {counted(facts.get('candidates'), 'passage')}{how}",
        f"confidence {whole(facts.get('confidence_ppm')) / 1_000_000:.2f}: {enough}",
        f"index v{facts.get('index')}",
        *(_findings(facts) if facts.get("findings") else []),
    ]


def _searched(facts: Json) -> list[str]:
    passages = mappings(facts.get("passages"))
    ways = [f"{arm} {' '.join(_rank(each, arm) for each in passages)}" for arm in _arms(passages)] or texts(facts.get("arms"))
    unmasked = [f"{counted(facts.get('unmasked'), 'mask')} undone"] if facts.get("unmasked") else []
    return [
        f"{len(passages)} of {counted(facts.get('candidates'), 'passage')} that the asker may read ({', '.join(ways)})",
        counted(facts.get("quotes"), "quote"),
        f"index v{facts.get('index')}",
        *(_findings(facts) if facts.get("findings") else []),
        *unmasked,
    ]


def _embedded(facts: Json) -> list[str]:
    by = [f"by {facts['model']} on {facts.get('deployment')}"] if facts.get("model") else []
    slot = [f"{duration(facts.get('slot_us'))} of the embedder"] if facts.get("slot_us") else []
    made = f"{counted(facts.get('vectors'), 'vector')} of {counted(facts.get('dimensions'), 'dimension')}"
    return [made, *by, f"{counted(facts.get('input'), 'token')} in", *slot]


def _arms(passages: Sequence[Json]) -> list[str]:
    return sorted({str(arm) for each in passages for arm in mapping(each.get("ranks"))})


def _rank(passage: Json, arm: str) -> str:
    rank = mapping(passage.get("ranks")).get(arm)
    return f"#{rank}" if rank else "–"


def _routed(facts: Json) -> list[str]:
    chosen = facts.get("deployment")
    if chosen is None:
        return ["no model was needed"]
    against = [f"{each.get('deployment')} not: {each.get('reason')}" for each in mappings(facts.get("rejected"))]
    among = f"first of {facts.get('considered')} that policy allows" if facts.get("considered") != 1 else "allowed"
    return [f"{chosen}: {among} ({_policies(facts)})", *against]


def _not_routed(facts: Json) -> list[str]:
    return [f"tried {names(facts.get('rejected'))}"] if facts.get("rejected") else []


def _reserved(facts: Json) -> list[str]:
    if not facts.get("answer_tokens"):
        return ["nothing needed reserving"]
    prompt, context, answer = facts.get("prompt_tokens"), facts.get("context_tokens"), facts.get("answer_tokens")
    fits = f"prompt {prompt} and answer up to {answer} of {context} tokens" if prompt is not None else f"answer up to {answer} tokens"
    most = [f"{facts.get('most')} at most"] if facts.get("most") else []
    return [fits, f"slot after {duration(facts.get('waited_us'))}", *most]


def _not_reserved(facts: Json) -> list[str]:
    if "prompt_tokens" not in facts:
        return []
    asked = f" and max_tokens asks for {facts['answer_tokens']}" if facts.get("answer_tokens") else ""
    return [f"prompt {facts.get('prompt_tokens')} tokens{asked}, the context holds {facts.get('context_tokens')}"]


def _generated(facts: Json) -> list[str]:
    mode = facts.get("mode")
    if mode not in {"generate", "draft"}:
        return [{"quote": "quoted: no model was needed", "abstain": "abstained: no model was needed"}.get(str(mode), str(mode))]
    if facts.get("finish") is None and facts.get("first_token_us") is None:
        return []
    counted_here = "" if facts.get("reported") else " (counted here)"
    cached = f" and {facts.get('input_cached')} from the prefix cache" if facts.get("input_cached") else ""
    first = facts.get("first_token_us")
    finish = {"stop": "it came to its end", "length": "cut at its length", "content_filter": "the model's own filter ended it"}
    return [
        f"{facts.get('input')} tokens in{cached}, {facts.get('output')} out{counted_here}",
        "no text" if first is None else f"first text after {duration(first)}",
        *([f"{duration(facts.get('slot_us'))} of the engine"] if facts.get("slot_us") else []),
        finish.get(str(facts.get("finish")), "broken off"),
    ]


def _checked(facts: Json) -> list[str]:
    held = [f"held back {facts.get('held_back')} characters at most"] if facts.get("held_back") else []
    return [*drafted(facts), *_findings(facts), *held]


def _released(stage: Json, facts: RequestFacts) -> list[str]:
    """A whole answer leaves when it is settled, or not at all; of a stream some has left, whatever came then."""
    answered = facts.outcome == "answered"
    ended = [ending(facts)] if facts.at == "released" else []
    if not answered and not facts.streamed:
        return [*ended, "nothing was sent"]
    said = [*ended, f"{counted(stage.get('characters'), 'character')}{'' if answered else ' sent'}"]
    said += [f"{counted(stage.get('unmasked'), 'mask')} undone ({_policies(stage)})"] if stage.get("unmasked") else []
    return said + ([_cited(facts.citations)] if facts.citations else [])


def _cited(citations: Sequence[Json]) -> str:
    """How much was cited, and the places as far as the record tells them."""
    places = [place for each in citations if (place := text(each.get("place")))]
    return counted(len(citations), "citation") + (f" ({'; '.join(places)})" if places else "")


_TOLD: Final[Mapping[str, Callable[[Json], list[str]]]] = {
    "admitted": _admitted,
    "screened": _findings,
    "grounded": _grounded,
    "routed": _routed,
    "reserved": _reserved,
    "generated": _generated,
    "checked": _checked,
    "searched": _searched,
    "embedded": _embedded,
}
"""What each room did."""
_ENDED: Final[Mapping[str, Callable[[Json], list[str]]]] = {
    **_TOLD,
    "admitted": _denied,
    "grounded": plain,
    "searched": _denied,
    "embedded": plain,
    "routed": _not_routed,
    "reserved": _not_reserved,
}
"""What a room that ended the request says of it: its facts are those of the error, but for the streams, which have come some way."""
