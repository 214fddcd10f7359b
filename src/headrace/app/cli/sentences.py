"""Answers in words: what ``ask`` and the first minute print; and how JSON of any form is read for that."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from decimal import Context, Decimal
from typing import TypeAlias, cast

from headrace.app.cli.plain import plain, plain_name

Json: TypeAlias = Mapping[str, object]

WHOLE_FROM_MS = 10
"""From here on tenths say nothing."""
LEAST_FIGURES = 2
"""Figures of an amount that are shown."""
SHOWN_FROM_US = 50
"""What took less is left out of an answer's times."""


def milliseconds(us: object) -> str:
    """``2.3 ms`` from microseconds."""
    value = int(str(us)) / 1000
    return f"{value:.0f} ms" if value >= WHOLE_FROM_MS else f"{value:.1f} ms"


def mapping(value: object) -> Json:
    """An object; empty for anything else."""
    return cast("Json", value) if isinstance(value, Mapping) else {}


def items(value: object) -> Sequence[object]:
    """A list; empty for anything else."""
    return cast("Sequence[object]", value) if isinstance(value, Sequence) and not isinstance(value, str) else ()


def mappings(value: object) -> Sequence[Json]:
    """The objects of a list."""
    return [cast("Json", each) for each in items(value) if isinstance(each, Mapping)]


def names(value: object) -> str:
    """A list in words."""
    return ", ".join(str(each) for each in items(value))


def money(cost: Json) -> str:
    """An amount as people read it: two figures where it is less than one, else to the hundredth. JSON has it exactly."""
    exact = Decimal(str(cost.get("amount")))
    figures = LEAST_FIGURES if abs(exact) < 1 else exact.adjusted() + 1 + LEAST_FIGURES
    shown = f"{Context(prec=figures).plus(exact):f}"
    return f"{shown.rstrip('0').rstrip('.') if '.' in shown else shown} {cost.get('currency')}"


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
