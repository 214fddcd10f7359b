"""Access lists: which one a document has, and who satisfies it."""

from __future__ import annotations

import pytest

from headrace.config.model import ReaderRule, Readers, Source
from headrace.config.readers import acl_of, acls_for, may_read
from headrace.core.values import Principal

SOURCE = Source(
    source="docs",
    folder="texts",
    readers=Readers(groups=("all",)),
    rules=(
        ReaderRule(path="hr/**", readers=Readers(people=("ana",))),
        ReaderRule(path="**/secret-?.md", readers=Readers(groups=("board",))),
        ReaderRule(path="notes/*.txt", readers=Readers(groups=("all",), people=("ben",))),
    ),
)


def person(name: str, *groups: str, tenant: str = "default") -> Principal:
    return Principal(id=name, kind="person", tenant=tenant, groups=frozenset(groups), key="k")


@pytest.mark.parametrize(
    ("path", "acl"),
    [
        ("a.md", "docs"),
        ("hr/pay.md", "docs:hr/**"),
        ("hr/deep/secret-1.md", "docs:hr/**"),
        ("secret-1.md", "docs:**/secret-?.md"),
        ("a/b/secret-2.md", "docs:**/secret-?.md"),
        ("a/secret-12.md", "docs"),
        ("notes/x.txt", "docs:notes/*.txt"),
        ("notes/deep/x.txt", "docs"),
        ("notes/x.txt2", "docs"),
        ("xhr/a", "docs"),
    ],
)
def test_the_first_rule_that_matches_holds(path: str, acl: str) -> None:
    assert acl_of(SOURCE, path) == acl


def test_who_satisfies_which_list() -> None:
    assert acls_for([SOURCE], person("ana", "all")) == {"docs", "docs:hr/**", "docs:notes/*.txt"}
    assert acls_for([SOURCE], person("ben")) == {"docs:notes/*.txt"}
    assert acls_for([SOURCE], person("ana", "all", tenant="lab")) == frozenset()
    assert may_read(SOURCE, "hr/pay.md", person("ana"))
    assert not may_read(SOURCE, "hr/pay.md", person("eve", "all", "board"))


def test_a_line_end_in_a_name_slips_past_no_rule() -> None:
    assert acl_of(SOURCE, "hr/pay\n2024.md") == "docs:hr/**"
    assert not may_read(SOURCE, "hr/pay\n2024.md", person("eve", "all"))


def test_an_accent_written_in_two_characters_slips_past_no_rule() -> None:
    one, two = "salaires/été/a.md", "salaires/e\u0301te\u0301/a.md"
    for ruled in (one, two):
        source = SOURCE.model_copy(update={"rules": (ReaderRule(path=f"{ruled[:-4]}**", readers=Readers(people=("ana",))),)})
        for path in (one, two):
            assert not may_read(source, path, person("eve", "all")), (ruled, path)
            assert may_read(source, path, person("ana"))


def test_of_two_rules_for_one_pattern_the_first_holds() -> None:
    again = ReaderRule(path="hr/**", readers=Readers(groups=("all",)))
    source = SOURCE.model_copy(update={"rules": (*SOURCE.rules, again)})
    assert not may_read(source, "hr/pay.md", person("eve", "all"))
    assert "docs:hr/**" not in acls_for([source], person("eve", "all"))
    assert may_read(source, "hr/pay.md", person("ana"))
