"""Whatever access lists, sources and questions there are: nothing that may not be read is ever found, counted or missed."""

from __future__ import annotations

import asyncio
import tempfile
from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from headrace.core.values import Scope
from headrace.testing.passages import HOSTILE, QUESTIONS, passage
from tests.support.examples import some
from tests.support.ingestion import HashEmbedder
from tests.support.searching import fill, retrieval

if TYPE_CHECKING:
    from collections.abc import Sequence

    from headrace.core.values import Found, StoredPassage

WORDS = ("dogs", "cats", "travel", "hotel", "salary", "office", "Friday", "secret")
names = st.one_of(st.sampled_from(["staff", "hr", "docs", "docs:hr/**", *HOSTILE]), st.text(min_size=1, max_size=6))
texts = st.lists(st.sampled_from(WORDS), min_size=1, max_size=8).map(" ".join)
questions = st.one_of(texts, st.sampled_from(QUESTIONS[:-2]), st.text(max_size=30))


@st.composite
def stores(draw: st.DrawFn) -> tuple[list[StoredPassage], list[tuple[str, Scope]]]:
    """Passages with access lists of any name, and questions within scopes made of the same names and others."""
    acls = draw(st.lists(names, min_size=1, max_size=5, unique=True))
    rows = draw(st.lists(st.tuples(st.sampled_from(["docs", "more", "x'y"]), st.sampled_from(acls), texts), min_size=1, max_size=25))
    passages = [passage(f"{source}/{n}.md", 0, text, acl=acl) for n, (source, acl, text) in enumerate(rows)]
    scopes = st.builds(
        Scope,
        st.just("default"),
        st.lists(st.sampled_from(["docs", "more", "x'y", "none"]), max_size=4, unique=True).map(tuple),
        st.frozensets(st.one_of(st.sampled_from(acls), names), max_size=5),
    )
    return passages, draw(st.lists(st.tuples(questions, scopes), min_size=1, max_size=6))


@settings(max_examples=some(25), suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large])
@given(stores(), st.booleans())
def test_nothing_unreadable_is_ever_found(made: tuple[list[StoredPassage], list[tuple[str, Scope]]], optimized: bool) -> None:  # noqa: FBT001
    passages, asked = made
    embedder = HashEmbedder()
    with tempfile.TemporaryDirectory() as folder:
        store = fill(Path(folder) / "default", passages, embedder)
        if optimized:
            store.optimize()

        async def every() -> Sequence[Found]:
            with retrieval(Path(folder), embedder) as search:
                return [await search.find(question, scope, 50) for question, scope in asked]

        for (question, scope), found in zip(asked, asyncio.run(every()), strict=True):
            readable = {each.id: each for each in passages if each.source in scope.sources and each.acl in scope.acls}
            ids = [each.id for each in found.passages]
            assert max(Counter(ids).values(), default=1) == 1
            assert set(ids) <= set(readable)
            assert found.candidates == len(readable)
            assert all(each.text == readable[each.id].text for each in found.passages)
            if question.strip():
                assert set(ids) == set(readable)  # every readable passage has a vector, and there is room for all
