"""What a client writes beside its messages and the model is given all the same: the JSON Schema of the answer, and where it is to stop.

Their texts go through the same door. A masked value stands in the schema as its token, which is what the model sees in the messages too,
so what the schema asks for can still be written; it comes back as the value where masks are undone.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import TYPE_CHECKING, Final, cast

from headrace.core.errors import Refused
from headrace.core.text import Action, Origin, RawText
from headrace.core.values import JsonSchema
from headrace.guardrails.door import screen

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from headrace.core.labels import Label
    from headrace.core.ports import Guard, Masks
    from headrace.core.text import Finding
    from headrace.core.values import Sampling

FORMAT: Final = "response_format"
STOP: Final = "stop"
SHORTEST: Final = 100_000
"""Shorter numbers are no card, account or telephone number."""
_NAMES: Final = {FORMAT: "The schema of the answer", STOP: "A stop sequence"}


def texts(sampling: Sampling) -> Iterator[str]:
    """Every text in them, as the client wrote it."""
    yield from sampling.stop
    if sampling.format is not None:
        yield sampling.format.name
        yield from _texts(sampling.format.schema)


class Parameters:
    """Screens one request's parameters; `part` is the number that their findings carry."""

    def __init__(self, label: Label, rules: Sequence[tuple[Guard, Action]], masks: Masks, part: int) -> None:
        self._label = label
        self._rules = rules
        self._masks = masks
        self._part = part
        self.findings: list[Finding] = []

    def clean(self, sampling: Sampling) -> Sampling:
        """The parameters as the model may be given them. Raises Refused (``guard.<name>``), naming the parameter."""
        if not self._rules or not (sampling.stop or sampling.format):
            return sampling
        stop = tuple(self._clean(each, STOP) for each in sampling.stop)
        wanted = sampling.format
        if wanted is not None:
            schema = cast("Mapping[str, object] | None", self._value(wanted.schema))
            wanted = JsonSchema(schema, self._clean(wanted.name, FORMAT))
        return replace(sampling, stop=stop, format=wanted)

    def _value(self, value: object) -> object:
        if isinstance(value, str):
            return self._clean(value, FORMAT)
        if isinstance(value, Mapping):
            fields = cast("Mapping[str, object]", value)
            return {self._clean(name, FORMAT): self._value(each) for name, each in fields.items()}
        if isinstance(value, list):
            return [self._value(each) for each in cast("list[object]", value)]
        if _is_telling(value):
            written = str(value)
            clean = self._clean(written, FORMAT)
            return value if clean == written else clean
        return value

    def _clean(self, text: str, place: str) -> str:
        raw = RawText(text, Origin.PROMPT, self._part)
        try:
            clean, found = screen(raw, self._label, self._rules, self._masks)
        except Refused as refusal:
            said = refusal.message.replace("Your message holds", f"{_NAMES[place]} holds", 1)
            raise Refused(said, code=refusal.code, param=place, mend=refusal.mend, facts=refusal.facts) from None
        self.findings.extend(found)
        return clean.text


def _texts(value: object) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    elif isinstance(value, Mapping):
        for name, each in cast("Mapping[str, object]", value).items():
            yield name
            yield from _texts(each)
    elif isinstance(value, list):
        for each in cast("list[object]", value):
            yield from _texts(each)
    elif _is_telling(value):
        yield str(value)


def _is_telling(value: object) -> bool:
    """A number that is long enough to be somebody's."""
    return isinstance(value, int | float) and abs(value) >= SHORTEST
