"""Which file holds another: whoever may read the outermost may read what is in it."""

from __future__ import annotations

import pytest

from headrace.core.containers import container_of, is_archive, is_container


@pytest.mark.parametrize(
    ("path", "container"),
    [
        ("reports/2026.zip/budget.xlsx", "reports/2026.zip"),
        ("reports/2026.ZIP/inner.tar.gz/budget.xlsx", "reports/2026.ZIP"),
        ("mail/offer.eml/terms.pdf", "mail/offer.eml"),
        ("reports/2026.zip", ""),
        ("reports/budget.xlsx", ""),
        ("budget.xlsx", ""),
    ],
)
def test_what_is_held_belongs_to_the_outermost(path: str, container: str) -> None:
    assert container_of(path) == container


def test_a_mail_has_a_text_of_its_own_and_an_archive_has_none() -> None:
    assert (is_container("offer.eml"), is_archive("offer.eml")) == (True, False)
    assert (is_container("all.tgz"), is_archive("all.tgz")) == (True, True)
    assert (is_container("budget.xlsx"), is_archive("budget.xlsx")) == (False, False)
