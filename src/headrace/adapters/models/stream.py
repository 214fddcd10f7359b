"""A streamed answer, from bytes to events: no input or output here, so every way in which a stream can be cut is a plain test."""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec

from headrace.adapters.models import faults, wire
from headrace.core.errors import HeadraceError
from headrace.core.events import Finished, TextDelta, UsageReport
from headrace.core.values import FinishReason

if TYPE_CHECKING:
    from headrace.core.events import ModelEvent

LONGEST_EVENT = 1 << 20
"""Bytes. Nothing that is a stream of tokens has a longer line."""


_DONE = b"[DONE]"
_SHORT = 16
"""Bytes. No chunk is shorter, and what ends a stream is."""


class Reading:
    """One answer while it is read. Server-sent events, each of one line of data; comments and other fields are passed over."""

    def __init__(self) -> None:
        self.began = False
        """Whether any event has come."""
        self.done = False
        """Whether the stream has said that nothing more comes."""
        self._rest = b""
        self._finish: FinishReason | None = None
        self._usage: UsageReport | None = None
        self._failure: HeadraceError | msgspec.DecodeError | None = None

    def feed(self, piece: bytes) -> TextDelta | None:
        """The text that the bytes brought, if any: what came at one time goes on at one time.

        Raises UpstreamFailed when they say that the model failed, msgspec.DecodeError for garbage; when text came before that, :meth:`end`
        raises it, for that text was generated and is paid.
        """
        lines = (self._rest + piece).split(b"\n")
        self._rest = lines.pop()
        if len(self._rest) > LONGEST_EVENT:
            raise faults.garbage()
        if self.done:
            return None
        payloads = [line[5:] for line in lines if line[:5] == b"data:"]
        if payloads and len(payloads[-1]) < _SHORT and payloads[-1].strip() == _DONE:
            self.done = True
            payloads.pop()
        if not payloads:
            return None
        texts: list[str] = []
        try:
            self._take_all(wire.read_chunks(b"\n".join(payloads)), texts)
        except (HeadraceError, msgspec.DecodeError):
            texts.clear()
            self._take_each(payloads, texts)
        return TextDelta("".join(texts), len(texts)) if texts else None

    def end(self) -> list[ModelEvent]:
        """What an answer ends with: its usage, where the provider tells it, and Finished. Raises UpstreamFailed when it just stopped, and
        what :meth:`feed` put off."""
        if self._failure is not None:
            raise self._failure
        if self._finish is None:
            raise faults.truncated() if self.began else faults.garbage()
        return [Finished(self._finish)] if self._usage is None else [self._usage, Finished(self._finish)]

    def _take_each(self, payloads: list[bytes], texts: list[str]) -> None:
        """One by one, up to what cannot be taken: what came before it is given first."""
        for payload in payloads:
            said = payload.strip()
            if said == _DONE:
                self.done = True
                return
            if not said:
                continue
            try:
                self._take_all([wire.read_chunk(payload)], texts)
            except (HeadraceError, msgspec.DecodeError) as failure:
                if not texts:
                    raise
                self._failure, self.done = failure, True
                return

    def _take_all(self, chunks: list[wire.Chunk], texts: list[str]) -> None:
        self.began = True
        texts += [
            text
            for chunk in chunks
            if chunk.error is None and chunk.choices and (delta := chunk.choices[0].delta) is not None and (text := delta.content)
        ]
        for chunk in chunks:
            if chunk.error is not None:
                raise faults.of_fault(chunk.error)
            if chunk.choices and (reason := chunk.choices[0].finish_reason) is not None:
                self._finish = wire.REASONS.get(reason, FinishReason.STOP)
            if chunk.usage is not None and (usage := wire.disjoint(chunk.usage)) is not None:
                self._usage = UsageReport(usage)
