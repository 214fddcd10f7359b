"""What every Converter does. Fixtures to give: `converter`, and `samples`: a readable file of each kind that it takes, with words that its
text must hold."""

from __future__ import annotations

import contextlib
import time
from typing import TYPE_CHECKING

import pytest

from headrace.core.errors import ConversionFailed

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from headrace.core.conversion import Converter

_PATIENCE = 60.0


def reason(converter: Converter, path: Path) -> str:
    """Why a file is refused; fails when it is not, and when the reason is no sentence."""
    with pytest.raises(ConversionFailed) as refused:
        converter.convert(path)
    message = refused.value.message
    assert message[0].isupper()
    assert message.endswith(".")
    return message


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

    def test_the_identity_is_stable(self, converter: Converter) -> None:
        """One line."""
        assert converter.identity == converter.identity.strip() != ""
