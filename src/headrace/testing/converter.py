"""What every Converter does.

Fixtures to give: `converter`; `samples`, a readable file of each kind that it takes, with words that its text must hold; `containers`, a
readable one of each kind that holds others, with the content of every file in it by its path there.
"""

from __future__ import annotations

import contextlib
import hashlib
import time
from typing import TYPE_CHECKING

import pytest

from headrace.core.conversion import TOO_SLOW
from headrace.core.errors import ConversionFailed

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from headrace.core.conversion import Converter

_PATIENCE = 60.0
_NO_TIME = 1e-9
"""Seconds in which nothing can be done."""
_ALL_THE_TIME = 1e6


def reason(converter: Converter, path: Path) -> str:
    """Why a file is refused; fails when it is not, and when the reason is no sentence."""
    with pytest.raises(ConversionFailed) as refused:
        converter.convert(path)
    message = refused.value.message
    assert message[0].isupper()
    assert message.endswith(".")
    return message


def code(converter: Converter, path: Path, within: float) -> str:
    """Why a file is not read within so many seconds; empty when it is."""
    try:
        converter.convert(path, within)
    except ConversionFailed as refused:
        return refused.code
    return ""


class ConverterContract:
    """Derive, and give the fixtures."""

    def test_the_words_of_every_kind_are_there(self, converter: Converter, samples: Mapping[Path, str]) -> None:
        """In one text, whose places (if any) lie within it, in order, without overlap."""
        for path, words in samples.items():
            converted = converter.convert(path)
            assert words in converted.text, path
            assert "/" in converted.media_type
            at = 0
            for place in converted.places:
                assert at <= place.start <= place.body <= place.end <= len(converted.text) or not place.body
                at = place.end

    def test_the_same_file_gives_the_same_text(self, converter: Converter, samples: Mapping[Path, str]) -> None:
        """Character for character, or offsets would mean nothing."""
        for path in samples:
            assert converter.convert(path).text == converter.convert(path).text

    def test_the_text_can_be_stored(self, converter: Converter, samples: Mapping[Path, str]) -> None:
        """It is valid Unicode."""
        for path in samples:
            assert converter.convert(path).text.encode().decode()

    def test_an_empty_file_is_refused(self, converter: Converter, samples: Mapping[Path, str], tmp_path: Path) -> None:
        """Of whatever kind."""
        for sample in samples:
            path = tmp_path / f"empty{sample.suffix}"
            path.write_bytes(b"")
            assert reason(converter, path)

    def test_broken_files_are_refused_or_read_and_never_hang(
        self, converter: Converter, samples: Mapping[Path, str], tmp_path: Path
    ) -> None:
        """Cut in half, overwritten with zeros, or not what the name says."""
        for sample in samples:
            content = sample.read_bytes()
            half = len(content) // 2
            for number, broken in enumerate((content[:half], bytes(half) + content[half:], b"\x00\x01\x02\xff" * 100)):
                path = tmp_path / f"broken{number}{sample.suffix}"
                path.write_bytes(broken)
                began = time.monotonic()
                with contextlib.suppress(ConversionFailed):
                    assert converter.convert(path).text.strip()
                assert time.monotonic() - began < _PATIENCE

    def test_a_file_that_is_not_there_is_refused(self, converter: Converter, samples: Mapping[Path, str], tmp_path: Path) -> None:
        """It may have gone between listing and reading."""
        for sample in samples:
            assert reason(converter, tmp_path / f"gone{sample.suffix}")

    def test_a_broken_file_does_not_spoil_the_next(self, converter: Converter, samples: Mapping[Path, str], tmp_path: Path) -> None:
        """Whatever it did to the converter."""
        for sample, words in samples.items():
            path = tmp_path / f"noise{sample.suffix}"
            path.write_bytes(b"%PDF-1.7 PK\x03\x04" + bytes(range(256)) * 20)
            with pytest.raises(ConversionFailed):
                converter.convert(path)
            assert words in converter.convert(sample).text

    def test_a_file_may_be_given_less_time_and_never_more(self, converter: Converter, samples: Mapping[Path, str]) -> None:
        """Out of time is told by its code, and spoils nothing; what takes no time is read all the same."""
        for path, words in samples.items():
            assert code(converter, path, _NO_TIME) in {"", TOO_SLOW}
            assert words in converter.convert(path, _ALL_THE_TIME).text

    def test_the_parts_of_a_container_are_its_files(
        self, converter: Converter, containers: Mapping[Path, Mapping[str, bytes]], tmp_path: Path
    ) -> None:
        """By their paths in it, with their digests; each reads as the same file does that lies in a folder."""
        for container, files in containers.items():
            parts = {part.path: part for part in converter.parts(container)}
            assert parts.keys() == files.keys(), container
            for path, part in parts.items():
                assert part.digest == hashlib.sha256(files[path]).hexdigest()
                alone = tmp_path / f"alone{path[path.rindex('.') :]}"
                alone.write_bytes(files[path])
                assert part.convert().text == converter.convert(alone).text

    def test_the_same_container_has_the_same_parts(self, converter: Converter, containers: Mapping[Path, Mapping[str, bytes]]) -> None:
        """In the same order, or a document would change its name; paths stay inside, and no two parts have one."""
        for container in containers:
            paths = [part.path for part in converter.parts(container)]
            assert paths == [part.path for part in converter.parts(container)]
            assert len(set(paths)) == len(paths)
            assert not any(path.startswith("/") or ".." in path.split("/") for path in paths)

    def test_other_files_have_no_parts(self, converter: Converter, samples: Mapping[Path, str]) -> None:
        """Also when they are archives inside."""
        for path in samples:
            assert list(converter.parts(path)) == []

    def test_whoever_wants_no_more_parts_leaves(
        self, converter: Converter, containers: Mapping[Path, Mapping[str, bytes]], samples: Mapping[Path, str]
    ) -> None:
        """The next file is read as if nothing had been."""
        for container in containers:
            assert next(iter(converter.parts(container))).path
            for path, words in samples.items():
                assert words in converter.convert(path).text

    def test_a_broken_container_is_refused_or_read_and_never_hangs(
        self, converter: Converter, containers: Mapping[Path, Mapping[str, bytes]], tmp_path: Path
    ) -> None:
        """Cut in half, overwritten with zeros, empty, or gone."""
        for container in containers:
            content = container.read_bytes()
            half = len(content) // 2
            for number, broken in enumerate((content[:half], bytes(half) + content[half:], b"")):
                path = tmp_path / f"broken{number}{container.suffix}"
                path.write_bytes(broken)
                began = time.monotonic()
                with contextlib.suppress(ConversionFailed):
                    assert all(part.path for part in converter.parts(path))
                assert time.monotonic() - began < _PATIENCE
            with pytest.raises(ConversionFailed):
                list(converter.parts(tmp_path / f"gone{container.suffix}"))

    def test_a_container_that_takes_too_long_is_told_by_its_code(
        self, converter: Converter, containers: Mapping[Path, Mapping[str, bytes]]
    ) -> None:
        """It is tried again, with more time, where others do not wait for it."""
        for container, files in containers.items():
            with pytest.raises(ConversionFailed) as refused:
                list(converter.parts(container, _NO_TIME))
            assert refused.value.code == TOO_SLOW
            assert len(list(converter.parts(container, _ALL_THE_TIME))) == len(files)

    def test_the_identity_is_stable(self, converter: Converter) -> None:
        """One line."""
        assert converter.identity == converter.identity.strip() != ""
