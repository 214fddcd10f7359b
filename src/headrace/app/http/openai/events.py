"""A streamed answer as server-sent events: the bytes of each."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import msgspec

from headrace.app.http import errors
from headrace.app.http.openai.response import Chunk, ChunkChoice, Delta, usage_of, words

if TYPE_CHECKING:
    from headrace.core.errors import HeadraceError
    from headrace.core.flow import Answer, Call

DONE: Final = b"data: [DONE]\n\n"
_encode = msgspec.json.Encoder().encode


class Events:
    """The events of one answer. A delta's event is a fixed frame around its text: nothing else in it changes."""

    def __init__(self, call: Call) -> None:
        self._call = call
        frame = _encode(self._chunk([ChunkChoice(0, Delta(content="\0"), None)]))
        before, _, after = frame.partition(rb'"\u0000"')
        self._before, self._after = b"data: " + before, after + b"\n\n"

    def opening(self) -> bytes:
        """The first event: who speaks."""
        return _event(self._chunk([ChunkChoice(0, Delta(role="assistant", content=""), None)]))

    def delta(self, text: str) -> bytes:
        """More text."""
        return self._before + _encode(text) + self._after

    def closing(self, answer: Answer) -> bytes:
        """The end, once the record is durable: the finish, the usage when it was asked for, ``headrace`` in the last, ``[DONE]``."""
        last = self._chunk([ChunkChoice(0, Delta(), str(answer.finish))])
        before = b""
        if self._call.include_usage:
            before = _event(last)
            last = self._chunk([])
            last.usage = usage_of(answer.usage)
        last.system_fingerprint = answer.revision
        last.headrace = words(answer)
        return before + _event(last) + DONE

    def broken(self, error: HeadraceError) -> bytes:
        """The end of an answer that could not be given whole. No ``[DONE]`` follows: the SDK raises."""
        return _event(errors.body(error))

    def _chunk(self, choices: list[ChunkChoice]) -> Chunk:
        chunk = Chunk(
            id=self._call.request,
            object="chat.completion.chunk",
            created=self._call.received_us // 1_000_000,
            model=self._call.service,
            choices=choices,
        )
        if self._call.include_usage:
            chunk.usage = None
        return chunk


def _event(content: object) -> bytes:
    return b"data: " + _encode(content) + b"\n\n"
