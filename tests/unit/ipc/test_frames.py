"""Frames, however the stream is torn."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as some

from headrace.ipc.frames import LARGEST_FRAME, LENGTH, FrameTooLarge, Splitter, pack


@given(some.lists(some.binary(max_size=300), max_size=8), some.data())
def test_bodies_come_out_whole_and_in_order(bodies: list[bytes], data: some.DataObject) -> None:
    stream = b"".join(pack(body) for body in bodies)
    cuts = sorted(data.draw(some.lists(some.integers(0, len(stream)), max_size=6)))
    splitter, found = Splitter(), list[bytes]()
    for start, end in zip([0, *cuts], [*cuts, len(stream)], strict=True):
        found += splitter.feed(stream[start:end])
    assert found == bodies


def test_a_frame_over_the_limit_is_refused_on_both_sides() -> None:
    with pytest.raises(FrameTooLarge, match="over the limit"):
        Splitter().feed(LENGTH.pack(LARGEST_FRAME + 1))
    with pytest.raises(FrameTooLarge, match="over the limit"):
        pack(bytes(LARGEST_FRAME + 1))
