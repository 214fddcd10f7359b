"""Globs over paths: one meaning for what is listed and for who may read it."""

import pytest

from headrace.core.globs import matches


@pytest.mark.parametrize(
    ("path", "glob"),
    [
        ("a.md", "*.md"),
        ("a.md", "**/*.md"),
        ("hr/pay/2026.md", "hr/**"),
        ("hr/pay/2026.md", "**/2026.??"),
        ("two\nlines.md", "*.md"),
        ("cafe\u0301.md", "caf\u00e9.md"),
        ("caf\u00e9.md", "cafe\u0301.md"),
        ("a+b(1).md", "a+b(1).md"),
    ],
)
def test_a_path_that_a_glob_means(path: str, glob: str) -> None:
    assert matches(path, glob)


@pytest.mark.parametrize(
    ("path", "glob"), [("hr/a.md", "*.md"), ("hr", "hr/**"), ("a.md", "?"), ("hr/a", "hr?a"), ("aXmd", "a.md"), ("HR/a.md", "hr/*")]
)
def test_a_path_that_a_glob_does_not_mean(path: str, glob: str) -> None:
    assert not matches(path, glob)
