"""What an answer tells of itself, against what its record holds of it: the first thing that differs is named."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, TypeAlias, cast

from headrace.evidence.verify.notes import Broken

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

Same: TypeAlias = "Callable[[object, object], bool]"
Field: TypeAlias = "tuple[str, str, Same]"
"""Its name in the answer, its name in the record, and when the two say the same."""
Differs: TypeAlias = "Callable[[str, object, object], str | None]"
"""Of a name, what the answer tells and what the record holds: what of it differs, in words."""

UNPROVED = (
    "names of documents; words, headings and confidences of citations; of passages all but id, version and ranks; "
    "of nearest places all but the version; how long settling took"
)
"""What an answer tells and no record has."""
NOTHING = object()
SAFE = 1 << 53
"""Numbers of a record are smaller."""
PARTS = 1_000_000


def told_as_recorded(response: Mapping[str, object], record: Mapping[str, object]) -> str:
    """What was compared, and what could not be. Raises Broken with the first thing that differs."""
    answer, kept = _of_answer(response), _of_record(record)
    compared: list[str] = []
    lacking: list[str] = []
    for name, (inside, where, differs) in TOLD.items():
        told, held = _at(answer, *inside), _at(kept, *where)
        if held is NOTHING:
            lacking += [] if told is NOTHING or told is None or told == [] else [name]
            continue
        if told is NOTHING:
            msg = f"the answer does not tell the {name} that its record holds"
            raise Broken(msg)
        if found := differs(name, told, held):
            msg = f"the answer's {found} {'are' if found == name and name.endswith('s') else 'is'} not the record's"
            raise Broken(msg)
        compared.append(name)
    without = f"; not compared, for this record lacks them: {', '.join(lacking)}" if lacking else ""
    return f"as in the record: {', '.join(compared)}{without}; not proved, for no record has it: {UNPROVED}"


def _of_answer(response: Mapping[str, object]) -> Mapping[str, object]:
    """The answer; with why it ended, and the times of those stages that had ended when the record was written."""
    told: dict[str, object] = {**response, "times": _at(response, "headrace", "stages")}
    if isinstance(told["times"], dict):
        told["times"] = {name: us for name, us in cast("dict[str, object]", told["times"]).items() if name != "settled"}
    for choice in _each(response.get("choices"))[:1]:
        told["finish"] = choice.get("finish_reason", NOTHING)
    return told


def _of_record(record: Mapping[str, object]) -> Mapping[str, object]:
    """The record, its stages by their names, and what an answer makes of several facts at once."""
    stages = {str(each.get("stage")): each for each in _each(record.get("stages"))}
    kept: dict[str, object] = {**record, "facts": {name: each.get("facts") for name, each in stages.items()}}
    if stages:
        kept["times"] = {name: each.get("us") for name, each in stages.items()}
    if isinstance(_at(kept, "facts", "screened", "findings"), list):
        rooms = ("screened", "grounded", "searched", "checked")
        kept["findings"] = [each for name in rooms for each in _each(_at(kept, "facts", name, "findings"))]
    made, given = _at(kept, "facts", "generated", "mode"), _at(kept, "facts", "checked", "mode")
    if NOTHING not in (made, given):
        kept["finish"] = (_at(kept, "facts", "generated", "finish") if made == given else None) or "stop"
    if given is not NOTHING:
        kept["nearest"] = _at(kept, "facts", "grounded", "passages") if given == "abstain" else []
    if made is not NOTHING or "embedded" in stages:
        kept["model"] = record.get("service", NOTHING)
        kept["tokens"] = _in_the_dialect(record.get("usage"), whole=made is not NOTHING)
    if made is not NOTHING:
        kept |= {"id": record.get("request", NOTHING), "fingerprint": record.get("revision", NOTHING)}
        kept["created"] = record.get("received_us", NOTHING)
    return kept


def _in_the_dialect(usage: object, *, whole: bool) -> object:
    """Tokens as the OpenAI dialect counts them; `whole` with those of an answer. NOTHING when the record's are not there."""
    numbers = [_at(usage, name) for name in ("input", "input_cached", "output")]
    if not all(isinstance(each, int) and 0 <= each < SAFE for each in numbers):
        return NOTHING
    new, cached, out = cast("list[int]", numbers)
    prompt = new + cached
    if not whole:
        return {"prompt_tokens": prompt, "total_tokens": prompt}
    details = {"cached_tokens": cached}
    return {"prompt_tokens": prompt, "completion_tokens": out, "total_tokens": prompt + out, "prompt_tokens_details": details}


def _at(value: object, *path: str) -> object:
    """What is there; NOTHING when nothing is."""
    for step in path:
        value = cast("dict[str, object]", value).get(step, NOTHING) if isinstance(value, dict) else NOTHING
    return value


def _each(value: object) -> list[Mapping[str, object]]:
    """The objects of a list; what is none counts as an empty one."""
    found = cast("list[object]", value) if isinstance(value, list) else []
    return [cast("dict[str, object]", each) if isinstance(each, dict) else {} for each in found]


def _same(told: object, held: object) -> bool:
    """To the letter: JSON's true is not its 1."""
    return json.dumps(told, sort_keys=True) == json.dumps(held, sort_keys=True)


def _allowed(told: object, held: object) -> bool:
    return told is (held == "answered")


def _parts(told: object, held: object) -> bool:
    """A share of one against millionths; the answer may have rounded it once already."""
    if not isinstance(held, int) or not isinstance(told, int | float) or not 0 <= told <= 1 or not 0 <= held <= PARTS:
        return False
    return abs(told * PARTS - held) <= 1


def _second(told: object, held: object) -> bool:
    return isinstance(held, int) and _same(told, held // PARTS)


def _place(told: object, held: object) -> bool:
    """The record leaves out the name of a sheet."""
    if isinstance(told, str) and isinstance(held, str) and held.startswith("cells "):
        return told.endswith(f", {held.removeprefix('cells ')}")
    return _same(told, held)


def _whole(same: Same) -> Differs:
    return lambda name, told, held: None if same(told, held) else name


def _one_by_one(one: str, *fields: Field, some: bool = False) -> Differs:
    """Lists, item by item, in order and number, by the fields that the record holds of an item. `some`: the answer has the first ones."""

    def differs(name: str, told: object, held: object) -> str | None:
        items, kept = _each(told), _each(held)
        for n, (each, fact) in enumerate(zip(items, kept, strict=False), start=1):
            numbered = {**fact, "n": n}
            if any(not same(each.get(inside), numbered[where]) for inside, where, same in fields if where in numbered):
                return f"{one} {n}"
        if not isinstance(told, list) or (len(items) < len(kept) and not (some and items)):
            return f"number of {name}"
        return f"{one} {len(kept) + 1}" if len(items) > len(kept) else None

    return differs


def _fields(*names: str) -> Sequence[Field]:
    return [(name, name, _same) for name in names]


def _usage(name: str) -> tuple[tuple[str, ...], tuple[str, ...], Differs]:
    return ("headrace", "usage", name), ("usage", name), _whole(_same)


def _of_the_object(*path: str) -> tuple[tuple[str, ...], tuple[str, ...], Differs]:
    """What stands in the answer's ``headrace`` object under the path's last name."""
    return ("headrace", path[-1]), path, _whole(_same)


TOLD: Mapping[str, tuple[tuple[str, ...], tuple[str, ...], Differs]] = {
    "service": _of_the_object("service"),
    "revision": _of_the_object("revision"),
    "mode": _of_the_object("facts", "checked", "mode"),
    "confidence": (("headrace", "confidence"), ("facts", "grounded", "confidence_ppm"), _whole(_parts)),
    "citations": (
        ("headrace", "citations"),
        ("facts", "released", "citations"),
        _one_by_one("citation", *_fields("n", "version", "start", "end"), ("place", "place", _place)),
    ),
    "nearest places": (("headrace", "nearest"), ("nearest",), _one_by_one("nearest place", *_fields("n", "version"), some=True)),
    "sentences": (
        ("headrace", "sentences"),
        ("facts", "checked", "sentences"),
        _one_by_one("sentence", *_fields("outcome", "reason", "cites"), ("score", "score_ppm", _parts)),
    ),
    "passages": (("passages",), ("facts", "searched", "passages"), _one_by_one("passage", *_fields("id", "version", "ranks"))),
    "candidates": _of_the_object("facts", "searched", "candidates"),
    "index": _of_the_object("facts", "searched", "index"),
    "arms": _of_the_object("facts", "searched", "arms"),
    "decision": (("headrace", "decision", "allowed"), ("outcome",), _whole(_allowed)),
    "policies": (("headrace", "decision", "policies"), ("facts", "admitted", "policies"), _whole(_same)),
    "obligations": (("headrace", "decision", "obligations"), ("facts", "admitted", "obligations"), _whole(_same)),
    "deployment": (("headrace", "route", "deployment"), ("facts", "routed", "deployment"), _whole(_same)),
    "considered deployments": (("headrace", "route", "considered"), ("facts", "routed", "considered"), _whole(_same)),
    "findings": (
        ("headrace", "findings"),
        ("findings",),
        _one_by_one("finding", *_fields("guard", "version", "kind", "origin", "part", "start", "end", "action")),
    ),
    "input tokens": _usage("input"),
    "cached input tokens": _usage("input_cached"),
    "output tokens": _usage("output"),
    "engine time": _usage("slot_us"),
    "cost": (("headrace", "usage", "cost"), ("cost",), _whole(_same)),
    "times": (("times",), ("times",), _whole(_same)),
    "id": (("id",), ("id",), _whole(_same)),
    "second": (("created",), ("created",), _whole(_second)),
    "model": (("model",), ("model",), _whole(_same)),
    "fingerprint": (("system_fingerprint",), ("fingerprint",), _whole(_same)),
    "finish reason": (("finish",), ("finish",), _whole(_same)),
    "tokens": (("usage",), ("tokens",), _whole(_same)),
}
"""By name: where the answer tells it, where the record holds it, what of it differs. Vectors have no mode, searches no citations."""
