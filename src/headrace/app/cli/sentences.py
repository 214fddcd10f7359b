"""Records and answers in words: what ``ask``, ``trace`` and the first minute print."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import TypeAlias, cast

Json: TypeAlias = Mapping[str, object]

WHOLE_FROM_MS = 10
"""From here on tenths say nothing."""
SHOWN_FROM_US = 50
"""What took less is left out of an answer's times."""


def milliseconds(us: object) -> str:
    """``2.3 ms`` from microseconds."""
    value = int(str(us)) / 1000
    return f"{value:.0f} ms" if value >= WHOLE_FROM_MS else f"{value:.1f} ms"


def _map(value: object) -> Json:
    return cast("Json", value) if isinstance(value, Mapping) else {}


def _items(value: object) -> Sequence[object]:
    return cast("Sequence[object]", value) if isinstance(value, Sequence) and not isinstance(value, str) else ()


def _list(value: object) -> Sequence[Json]:
    return [cast("Json", each) for each in _items(value) if isinstance(each, Mapping)]


def _names(value: object) -> str:
    return ", ".join(str(each) for each in _items(value))


def trace_lines(record: Json, receipt: Json) -> list[str]:
    """One line a stage, as in ``headrace trace``."""
    lines: list[str] = []
    for stage in _list(record.get("stages")):
        name, facts = str(stage.get("stage")), _map(stage.get("facts"))
        if name == "received":
            came = datetime.fromtimestamp(int(str(record["received_us"])) / 1_000_000, tz=UTC)
            when, text = came.strftime("%H:%M:%S.%f")[:-3], _received(facts)
        else:
            when, text = f"+{milliseconds(stage.get('us', 0))}", SENTENCES.get(name, _plain)(facts, record)
        lines.append(f"{name:<11}{when:<15}{text}".rstrip())
    lines.append(f"{'settled':<11}{'':<15}{_settled(record, receipt)}")
    return lines


def _received(facts: Json) -> str:
    words = ["POST", facts.get("endpoint"), "·", "streamed" if facts.get("stream") else "whole", "·", facts.get("client")]
    return f"{' '.join(str(word) for word in words)} · {facts.get('messages')} messages, {facts.get('characters')} characters"


def _admitted(facts: Json, record: Json) -> str:
    if not facts:
        return f"refused: {record.get('error')}"
    who = f"{facts.get('principal')}, tenant {facts.get('tenant')}, key {facts.get('key')}"
    return f"allowed by {_names(facts.get('policies'))} · {who} · revision {str(facts.get('revision'))[:12]}"


def _finding_words(facts: Json) -> str:
    found = _list(facts.get("findings"))
    if not found:
        return "nothing found"
    words = [
        f"{each.get('kind')} {each.get('action')} ({each.get('origin')}[{each.get('part')}], {each.get('start')}–{each.get('end')})"
        for each in found
    ]
    return " · ".join(words)


def _screened(facts: Json, record: Json) -> str:
    return _finding_words(facts) if facts else f"refused: {record.get('error')}"


def _grounded(facts: Json, record: Json) -> str:
    if not facts:
        return f"failed: {record.get('error')}"
    passages = _list(facts.get("passages"))
    arms = [
        f"{arm} {' '.join(_rank(each, arm) for each in passages)}"
        for arm in ("bm25", "dense")
        if any(arm in _map(each.get("ranks")) for each in passages)
    ]
    confidence = int(str(facts.get("confidence_ppm", 0))) / 1_000_000
    found = f"{len(passages)} of {facts.get('candidates')} passages ({', '.join(arms)})"
    return f"{found} · confidence {confidence:.2f} · index v{facts.get('index')}"


def _rank(passage: Json, arm: str) -> str:
    rank = _map(passage.get("ranks")).get(arm)
    return f"#{rank}" if rank else "–"


def _routed(facts: Json, record: Json) -> str:
    if not facts:
        return f"refused: {record.get('error')}"
    chosen = facts.get("deployment")
    if chosen is None:
        return "no model was needed"
    against = "".join(f" · {each.get('deployment')}: {each.get('reason')}" for each in _list(facts.get("rejected")))
    return f"{chosen}: first of {facts.get('considered')} that policy allows ({_names(facts.get('policies'))}){against}"


def _reserved(facts: Json, record: Json) -> str:
    if not facts:
        return f"refused: {record.get('error')}"
    if not facts.get("answer_tokens"):
        return "nothing to reserve"
    prompt = facts.get("prompt_tokens")
    fits = (
        f"prompt {prompt} + answer {facts.get('answer_tokens')} of {facts.get('context_tokens')} tokens"
        if prompt is not None
        else f"answer {facts.get('answer_tokens')} tokens"
    )
    return f"{fits} · slot after {milliseconds(facts.get('waited_us', 0))}"


def _generated(facts: Json, record: Json) -> str:
    del record
    mode = facts.get("mode")
    if mode != "generate":
        return f"mode {mode}: no model was needed"
    first = facts.get("first_token_us")
    tokens = f"{facts.get('input')} + {facts.get('input_cached')} cached in, {facts.get('output')} out"
    return f"{tokens} · first token after {milliseconds(first or 0)} · {facts.get('finish') or 'broken off'}"


def _checked(facts: Json, record: Json) -> str:
    del record
    return f"{_finding_words(facts)} · window of {facts.get('held_back')} characters"


def _released(facts: Json, record: Json) -> str:
    del record
    cited = len(_list(facts.get("citations")))
    return f"{facts.get('characters')} characters · {facts.get('unmasked')} masks undone · {cited} citations"


def _plain(facts: Json, record: Json) -> str:
    del record
    return ", ".join(f"{name} {value}" for name, value in facts.items())


SENTENCES = {
    "admitted": _admitted,
    "screened": _screened,
    "grounded": _grounded,
    "routed": _routed,
    "reserved": _reserved,
    "generated": _generated,
    "checked": _checked,
    "released": _released,
}


def _settled(record: Json, receipt: Json) -> str:
    cost = _map(record.get("cost"))
    error = f" · {record.get('error')}" if record.get("error") else ""
    proof = f"record {receipt.get('sequence')} of log {receipt.get('log')}"
    return f"{record.get('outcome')}{error} · {cost.get('amount')} {cost.get('currency')} · {proof}"


def answer_lines(response: Json) -> list[str]:
    """An answer of the API, as a person reads it."""
    facts = _map(response.get("headrace"))
    choice = _list(response.get("choices"))[0]
    text = str(_map(choice.get("message")).get("content"))
    usage = _map(facts.get("usage"))
    cost = _map(usage.get("cost"))
    route = _map(facts.get("route"))
    lines = [_row("answer", text)]
    lines += [_row("", f"[{each.get('n')}] {each.get('document')}, {each.get('place')}") for each in _list(facts.get("citations"))]
    lines += [_row("", f"nearest: {each.get('document')}, {each.get('place')}") for each in _list(facts.get("nearest"))]
    model = route.get("deployment") or "none needed"
    lines.append(
        _row("allowed by", f"{_names(_map(facts.get('decision')).get('policies'))}      mode  {facts.get('mode')}      model  {model}")
    )
    tokens = f"{usage.get('input')} in, {usage.get('input_cached')} cached, {usage.get('output')} out"
    stages = {str(name): int(str(us)) for name, us in _map(facts.get("stages")).items()}
    times = ", ".join(f"{name} {us / 1000:.1f}" for name, us in stages.items() if us >= SHOWN_FROM_US)
    lines.append(
        _row("cost", f"{cost.get('amount')} {cost.get('currency')} · {tokens}      time  {sum(stages.values()) / 1000:.0f} ms: {times}")
    )
    return lines


def _row(name: str, text: str) -> str:
    return f"{name:<17}" + text.replace("\n", "\n" + " " * 17)
