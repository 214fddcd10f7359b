"""A stream of server-sent events read in any pieces: the same text, the same end, the same failure."""

from __future__ import annotations

import contextlib

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from headrace.adapters.models.stream import LONGEST_EVENT, Reading
from headrace.core.errors import HeadraceError
from headrace.core.events import Finished, UsageReport
from headrace.core.values import FinishReason
from tests.providers.openai_server import PIECES, USAGE, answer, event

GOOD = b"".join(answer(PIECES))
STREAMS = {
    "good": GOOD,
    "unicode": b"".join(answer(["Ünï", "🦜", '"\\n', "\u2028"])),
    "carriage returns": GOOD.replace(b"\n\n", b"\r\n\r\n"),
    "comments": GOOD.replace(b"data:", b": keep-alive\n\nevent: x\ndata:"),
    "without a space": GOOD.replace(b"data: ", b"data:"),
    "after its end": GOOD + event("more"),
    "usage twice": b"".join([event("a", finish="stop"), event(usage={"prompt_tokens": 1}), event(usage=USAGE), b"data: [DONE]\n\n"]),
    "cut": b"".join(answer(PIECES)[:3]) + b"data: {",
    "without a finish": b"".join(answer(PIECES)[:5]),
    "empty": b"",
    "fault": event("a") + b'data: {"error": {"message": "no"}}\n\n',
    "garbage": event("a") + b"data: {nonsense\n\n" + event("b"),
    "empty data": event("a") + b"data:\n\ndata: \r\n\n" + event("b") + b"data: {nonsense\n\n",
    "garbage first": b"data: <html>\n\n",
    "null": b'data: {"choices": [{"delta": {"content": null}}]}\n\n' + event(finish="content_filter"),
}


def read(pieces: list[bytes]) -> tuple[str, int, list[object]]:
    """Text, how many tokens it came in, and how it ended."""
    reading = Reading()
    texts: list[str] = []
    count = 0
    try:
        for piece in pieces:
            if (delta := reading.feed(piece)) is not None:
                texts.append(delta.text)
                count += delta.pieces
            if reading.done:
                break
        return "".join(texts), count, list(reading.end())
    except (HeadraceError, msgspec.DecodeError) as failure:
        return "".join(texts), count, [type(failure), getattr(failure, "code", "")]


@given(st.sampled_from(sorted(STREAMS)), st.lists(st.integers(0, 2000), max_size=12))
def test_how_a_stream_is_cut_plays_no_part(name: str, cuts: list[int]) -> None:
    content = STREAMS[name]
    places = sorted({min(cut, len(content)) for cut in cuts})
    pieces = [content[start:end] for start, end in zip([0, *places], [*places, len(content)], strict=True)]
    assert read(pieces) == read([content[at : at + 1] for at in range(len(content))])


def test_a_good_stream() -> None:
    text, count, end = read([GOOD])
    assert (text, count) == ("".join(PIECES), len(PIECES))
    assert isinstance(end[0], UsageReport)
    assert end[1:] == [Finished(FinishReason.STOP)]


@pytest.mark.parametrize(
    ("name", "text", "code"),
    [
        ("cut", "".join(PIECES[:2]), "upstream.truncated"),
        ("without a finish", "".join(PIECES[:4]), "upstream.truncated"),
        ("empty", "", "upstream.garbage"),
        ("fault", "a", "upstream.failed"),
        ("garbage", "a", ""),
        ("garbage first", "", ""),
    ],
)
def test_text_that_came_before_a_failure_is_given(name: str, text: str, code: str) -> None:
    found = read([STREAMS[name]])
    assert (found[0], found[2][1]) == (text, code)


def test_no_line_is_kept_for_ever() -> None:
    reading = Reading()
    with contextlib.suppress(HeadraceError):
        for _ in range(3):
            reading.feed(b"x" * LONGEST_EVENT)
    with pytest.raises(HeadraceError, match="what is not an answer"):
        reading.feed(b"x")
