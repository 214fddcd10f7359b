"""Answers in words: what ``ask`` and the first minute print."""

from __future__ import annotations

from typing import TYPE_CHECKING

from headrace.app.cli.plain import plain, plain_name
from headrace.app.requests.figures import money, names
from headrace.evidence.facts import mapping, mappings

if TYPE_CHECKING:
    from headrace.evidence.facts import Json

SHOWN_FROM_US = 50
"""What took less is left out of an answer's times."""


def answer_lines(response: Json) -> list[str]:
    """An answer of the API, as a person reads it."""
    facts = mapping(response.get("headrace"))
    choice = mappings(response.get("choices"))[0]
    text = str(mapping(choice.get("message")).get("content"))
    usage = mapping(facts.get("usage"))
    cost = mapping(usage.get("cost"))
    route = mapping(facts.get("route"))
    lines = [_row("answer", text)]
    lines += [_row("", f"[{each.get('n')}] {_where(each)}") for each in mappings(facts.get("citations"))]
    lines += [_row("", f"nearest: {_where(each)}") for each in mappings(facts.get("nearest"))]
    model = route.get("deployment") or "none needed"
    lines.append(
        _row("allowed by", f"{names(mapping(facts.get('decision')).get('policies'))}      mode  {facts.get('mode')}      model  {model}")
    )
    tokens = f"{usage.get('input')} in, {usage.get('input_cached')} cached, {usage.get('output')} out"
    stages = {str(name): int(str(us)) for name, us in mapping(facts.get("stages")).items()}
    times = ", ".join(f"{name} {us / 1000:.1f}" for name, us in stages.items() if us >= SHOWN_FROM_US)
    lines.append(_row("cost", f"{money(cost)} · {tokens}      time  {sum(stages.values()) / 1000:.0f} ms: {times}"))
    receipt = mapping(facts.get("receipt"))
    lines.append(_row("request", f"{facts.get('request')} · record {receipt.get('sequence')} of log {receipt.get('log')}"))
    return lines


def _where(cited: Json) -> str:
    return plain_name(f"{cited.get('document')}, {cited.get('place')}")


def _row(name: str, text: str) -> str:
    return f"{name:<17}" + plain(text).replace("\n", "\n" + " " * 17)
