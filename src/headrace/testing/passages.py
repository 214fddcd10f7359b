"""What every PassageStore and every PassageIndex does.

For PassageStoreContract give the fixtures `store`, an empty one, and `held`, which tells every passage that it holds now, in any order.
For PassageIndexContract give `store` and `index`, which reads what the store writes. Vectors are :data:`DIMENSIONS` long.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from headrace.core.errors import Unavailable
from headrace.core.ports import OUTDATED
from headrace.core.values import Scope, StoredPassage

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

    from headrace.core.ports import PassageIndex, PassageSnapshot, PassageStore

DIMENSIONS = 32
MADE_BY = "words:1"
HOSTILE = (
    "it's",
    'a "b"',
    "a\\'b",
    "x') OR ('1'='1",
    "'; DROP TABLE passages; --",
    "%",
    "_",
    "a\nb",
    "ünï/日本",
    "${a}{b}",
    "`a`",
    "?1",
    "\\",
)
"""Names that a careless filter would trip over."""
QUESTIONS = (
    "",
    " ",
    "the of and",
    "\x00",
    '"',
    "AND OR NOT",
    "a:b^2 ~c* (d] {e} \\ +f -g",
    "'; --",
    "日本 ü 🦆",
    "word " * 2000,
    "x" * 10_000,
)
"""Any text is a question."""


def passage(document: str, number: int, text: str, acl: str = "staff", heading: str = "", version: str = "v1") -> StoredPassage:
    """A passage of ``source/path``."""
    source = document.partition("/")[0]
    start = number * 1000
    return StoredPassage(
        id=f"{document}@{version}#{number}",
        document=document,
        source=source,
        version=version,
        start=start,
        end=start + len(text),
        text=text,
        place=f"line {number + 1}",
        heading=heading,
        acl=acl,
    )


def axis(number: int) -> list[float]:
    """A vector of length one."""
    return [float(place == number) for place in range(DIMENSIONS)]


def scope(*acls: str, sources: Iterable[str] = ("docs",), tenant: str = "default") -> Scope:
    """What these access lists open in these sources."""
    return Scope(tenant, tuple(sources), frozenset(acls))


class PassageStoreContract:
    """The port PassageStore."""

    def test_an_empty_store_holds_nothing(self, store: PassageStore) -> None:
        """And nothing done to it is no error."""
        store.replace([], [])
        store.replace(["docs/never.md"], [])
        store.relabel([], "staff")
        store.relabel(["docs/never.md"], "staff")
        store.add_vectors({}, MADE_BY)
        store.optimize()
        assert store.documents() == {}
        assert list(store.without_vector(10)) == []

    def test_passages_come_back_as_they_were_given(self, store: PassageStore, held: Callable[[], Sequence[StoredPassage]]) -> None:
        """Every field, to the character."""
        given = [
            passage("docs/a.md", 0, "One.\r\n\tTwo  ", heading="Title"),
            passage("docs/a.md", 1, "Title", heading="Title > Part"),
            passage("docs/b.md", 0, "ü 日本 🦆 \x00", acl="hr"),
        ]
        store.replace(["docs/a.md", "docs/b.md"], given)
        assert _by_id(held()) == _by_id(given)
        assert store.documents() == {"docs/a.md": "v1", "docs/b.md": "v1"}

    def test_what_a_document_had_goes_when_it_is_replaced(self, store: PassageStore, held: Callable[[], Sequence[StoredPassage]]) -> None:
        """And nothing of any other document."""
        other = passage("docs/b.md", 0, "Other.")
        store.replace(["docs/a.md"], [passage("docs/a.md", n, f"Old {n}.") for n in range(3)])
        store.replace(["docs/b.md"], [other])
        new = passage("docs/a.md", 0, "New.", version="v2")
        store.replace(["docs/a.md"], [new])
        assert _by_id(held()) == _by_id([new, other])
        assert store.documents() == {"docs/a.md": "v2", "docs/b.md": "v1"}

    def test_replacing_twice_is_replacing_once(self, store: PassageStore, held: Callable[[], Sequence[StoredPassage]]) -> None:
        """A pass that was killed does it again."""
        given = [passage("docs/a.md", n, f"Text {n}.") for n in range(3)]
        store.replace(["docs/a.md"], given)
        store.replace(["docs/a.md"], given)
        assert _by_id(held()) == _by_id(given)

    def test_a_document_without_passages_is_gone(self, store: PassageStore, held: Callable[[], Sequence[StoredPassage]]) -> None:
        """Some may go and others come in the same commit."""
        store.replace(["docs/a.md", "docs/b.md"], [passage("docs/a.md", 0, "A."), passage("docs/b.md", 0, "B.")])
        store.replace(["docs/a.md", "docs/c.md"], [passage("docs/c.md", 0, "C.")])
        store.optimize()
        assert sorted(store.documents()) == ["docs/b.md", "docs/c.md"]
        store.replace(["docs/b.md", "docs/c.md"], [])
        store.optimize()
        assert store.documents() == {}
        assert held() == []

    def test_other_readers_keep_the_vectors(self, store: PassageStore, held: Callable[[], Sequence[StoredPassage]]) -> None:
        """Of all the documents named, and of no others."""
        store.replace(["docs/a.md", "docs/b.md", "docs/c.md"], [passage(f"docs/{name}.md", 0, "Text.") for name in "abc"])
        store.add_vectors({each.id: axis(0) for each in held()}, MADE_BY)
        store.relabel(["docs/a.md", "docs/b.md"], "it's")
        assert {each.document: each.acl for each in held()} == {"docs/a.md": "it's", "docs/b.md": "it's", "docs/c.md": "staff"}
        assert list(store.without_vector(10)) == []

    def test_the_shortest_get_their_vectors_first(self, store: PassageStore) -> None:
        """With the headings that their text does not repeat."""
        texts = ["A long text of many words.", "Short.", "A text of words."]
        store.replace(["docs/a.md"], [passage("docs/a.md", n, text, heading="Title > Short") for n, text in enumerate(texts)])
        first, second = store.without_vector(2)
        assert first == ("docs/a.md@v1#1", "Title\n\nShort.")
        assert second == ("docs/a.md@v1#2", "Title > Short\n\nA text of words.")
        store.add_vectors({first[0]: axis(0)}, MADE_BY)
        assert [key for key, _ in store.without_vector(9)] == ["docs/a.md@v1#2", "docs/a.md@v1#0"]

    def test_vectors_of_passages_that_are_gone_are_passed_over(self, store: PassageStore) -> None:
        """They may have been replaced while their vector was made."""
        store.replace(["docs/a.md"], [passage("docs/a.md", 0, "Text.")])
        store.add_vectors({"docs/gone.md@v1#0": axis(0), "docs/a.md@v1#0": axis(1)}, MADE_BY)
        assert list(store.without_vector(10)) == []
        assert store.documents() == {"docs/a.md": "v1"}

    def test_a_replaced_passage_lacks_its_vector(self, store: PassageStore) -> None:
        """Also one with the same id: it may be replaced because the embedder is another."""
        given = [passage("docs/a.md", 0, "Text.")]
        store.replace(["docs/a.md"], given)
        store.add_vectors({given[0].id: axis(0)}, MADE_BY)
        store.replace(["docs/a.md"], given)
        assert [key for key, _ in store.without_vector(10)] == [given[0].id]

    def test_names_are_only_names(self, store: PassageStore, held: Callable[[], Sequence[StoredPassage]]) -> None:
        """Whatever stands in them."""
        given = [passage(f"docs/{name}", 0, f"Text {n}.", acl=name) for n, name in enumerate(HOSTILE)]
        store.replace([each.document for each in given], given)
        assert _by_id(held()) == _by_id(given)
        for each in given:
            store.replace([each.document], [])
            assert each.document not in store.documents()
        assert held() == []

    def test_optimizing_changes_nothing_that_is_held(self, store: PassageStore, held: Callable[[], Sequence[StoredPassage]]) -> None:
        """After many small commits, vectors and deletions."""
        for n in range(12):
            store.replace([f"docs/{n}.md"], [passage(f"docs/{n}.md", k, f"Text {k} of {n}.") for k in range(3)])
        store.add_vectors({f"docs/{n}.md@v1#0": axis(n) for n in range(12)}, MADE_BY)
        store.replace(["docs/3.md"], [])
        before = _by_id(held()), set(store.without_vector(100))
        for _ in range(2):
            store.optimize()
            assert (_by_id(held()), set(store.without_vector(100))) == before

    def test_many_at_once(self, store: PassageStore) -> None:
        """A batch of a pass is some thousand passages."""
        names = [f"docs/{n}.md" for n in range(300)]
        store.replace(names, [passage(name, k, f"Text {k} of {name}.") for name in names for k in range(10)])
        assert len(store.documents()) == 300
        assert len(store.without_vector(5000)) == 3000
        store.replace(names, [])
        assert store.documents() == {}


class PassageIndexContract:
    """The ports PassageIndex and PassageSnapshot."""

    async def test_before_the_first_document_there_is_nothing(self, index: PassageIndex) -> None:
        """An empty state, and no error."""
        snapshot = await index.newest()
        assert await snapshot.counts(scope("staff"), MADE_BY) == (0, 0)
        assert list(await snapshot.by_words("word", scope("staff"), 10)) == []
        assert list(await snapshot.by_meaning(axis(0), MADE_BY, scope("staff"), 10)) == []
        assert dict(await snapshot.passages([], scope("staff"))) == {}

    async def test_found_by_words_as_soon_as_it_is_committed(self, store: PassageStore, index: PassageIndex) -> None:
        """Stemmed, in any case, in its text and in its headings; the version grows."""
        before = (await index.newest()).version
        store.replace(
            ["docs/a.md"], [passage("docs/a.md", 0, "Running dogs bark.", heading="Pets"), passage("docs/a.md", 1, "Cats sleep.")]
        )
        snapshot = await index.newest()
        assert snapshot.version > before
        assert await snapshot.counts(scope("staff"), MADE_BY) == (2, 0)
        for question in ("DOG", "who runs?", "pet"):
            assert await _texts(snapshot, question, scope("staff")) == ["Running dogs bark."]

    async def test_found_by_meaning_once_it_has_its_vector(self, store: PassageStore, index: PassageIndex) -> None:
        """Nearest first, by cosine; vectors of another embedder are not compared."""
        store.replace(["docs/a.md"], [passage("docs/a.md", n, f"Text {n}.") for n in range(3)])
        near = [0.6, 0.8, *axis(0)[2:]]
        store.add_vectors({"docs/a.md@v1#0": near, "docs/a.md@v1#1": axis(0)}, MADE_BY)
        snapshot = await index.newest()
        assert await snapshot.counts(scope("staff"), MADE_BY) == (3, 2)
        assert await snapshot.counts(scope("staff"), "words:2") == (3, 0)
        hits = await snapshot.by_meaning(axis(0), MADE_BY, scope("staff"), 10)
        found = await snapshot.passages([hit.key for hit in hits], scope("staff"))
        assert [found[hit.key].text for hit in hits] == ["Text 1.", "Text 0."]
        assert [round(hit.score, 3) for hit in hits] == [1.0, 0.6]
        assert list(await snapshot.by_meaning(axis(0), "words:2", scope("staff"), 10)) == []

    async def test_what_is_out_of_scope_is_no_candidate(self, store: PassageStore, index: PassageIndex) -> None:
        """By source and by access list: not found, not counted, not to be had by its key."""
        given = [passage("docs/a.md", 0, "Dogs."), passage("docs/b.md", 0, "Dogs.", acl="hr"), passage("other/c.md", 0, "Dogs.")]
        store.replace([each.document for each in given], given)
        store.add_vectors({each.id: axis(0) for each in given}, MADE_BY)
        snapshot = await index.newest()
        everything = scope("staff", "hr", sources=("docs", "other"))
        keys = [hit.key for hit in await snapshot.by_words("dogs", everything, 10)]
        assert len(keys) == 3
        for narrow, want in (
            (scope("staff"), ["docs/a.md"]),
            (scope("hr"), ["docs/b.md"]),
            (scope("staff", sources=("other",)), ["other/c.md"]),
            (scope("hr", sources=("other",)), []),
            (scope(), []),
            (scope("staff", "hr", sources=()), []),
        ):
            assert await snapshot.counts(narrow, MADE_BY) == (len(want), len(want))
            by_words = await snapshot.by_words("dogs", narrow, 10)
            by_meaning = await snapshot.by_meaning(axis(0), MADE_BY, narrow, 10)
            assert len(by_words) == len(by_meaning) == len(want)
            assert [each.document for each in (await snapshot.passages(keys, narrow)).values()] == want

    async def test_a_scope_may_keep_to_names(self, store: PassageStore, index: PassageIndex) -> None:
        """Documents whose names begin so: not otherwise found, not counted, not to be had by their keys. Nothing in a name is a pattern."""
        given = [passage(name, 0, "Dogs.") for name in ("docs/a/1.md", "docs/a%/2.md", "docs/ab.md", "docs/it's/3.md")]
        store.replace([each.document for each in given], given)
        store.add_vectors({each.id: axis(0) for each in given}, MADE_BY)
        snapshot = await index.newest()
        keys = [hit.key for hit in await snapshot.by_words("dogs", scope("staff"), 10)]
        for under, want in (
            (("docs/a/",), {"docs/a/1.md"}),
            (("docs/a%",), {"docs/a%/2.md"}),
            (("docs/it's/", "docs/ab.md"), {"docs/it's/3.md", "docs/ab.md"}),
            (("docs/",), {each.document for each in given}),
            (("other/", "' OR 1=1 --"), set[str]()),
        ):
            narrow = replace(scope("staff"), under=under)
            assert await snapshot.counts(narrow, MADE_BY) == (len(want), len(want))
            assert len(await snapshot.by_words("dogs", narrow, 10)) == len(want)
            assert len(await snapshot.by_meaning(axis(0), MADE_BY, narrow, 10)) == len(want)
            assert {each.document for each in (await snapshot.passages(keys, narrow)).values()} == want

    async def test_the_filter_comes_before_the_limit(self, store: PassageStore, index: PassageIndex) -> None:
        """Better matches that may not be read take no place from worse ones that may."""
        hidden = [passage("docs/hidden.md", n, "Dogs dogs dogs.", acl="hr") for n in range(50)]
        store.replace(["docs/hidden.md", "docs/a.md"], [*hidden, passage("docs/a.md", 0, "A long text about this and that and one dog.")])
        store.add_vectors({**{each.id: axis(0) for each in hidden}, "docs/a.md@v1#0": axis(1)}, MADE_BY)
        snapshot = await index.newest()
        assert len(await _texts(snapshot, "dogs", scope("staff"), 3)) == 1
        assert len(await snapshot.by_meaning(axis(0), MADE_BY, scope("staff"), 3)) == 1

    async def test_names_in_a_scope_are_only_names(self, store: PassageStore, index: PassageIndex) -> None:
        """None of them opens more than the passages that carry it."""
        given = [passage(f"docs/{n}.md", 0, "Dogs.", acl=name) for n, name in enumerate(HOSTILE)]
        given.append(passage("docs/plain.md", 0, "Dogs."))
        store.replace([each.document for each in given], given)
        store.add_vectors({each.id: axis(0) for each in given}, MADE_BY)
        snapshot = await index.newest()
        for n, name in enumerate(HOSTILE):
            assert await snapshot.counts(scope(name), MADE_BY) == (1, 1)
            (hit,) = await snapshot.by_words("dog", scope(name), 10)
            (same,) = await snapshot.by_meaning(axis(0), MADE_BY, scope(name), 10)
            assert hit.key == same.key
            assert [each.document for each in (await snapshot.passages([hit.key], scope(name))).values()] == [f"docs/{n}.md"]
            assert list(await snapshot.by_words("dog", scope("staff", sources=(name,)), 10)) == []

    @pytest.mark.parametrize("question", QUESTIONS, ids=range(len(QUESTIONS)))
    async def test_any_text_is_a_question(self, store: PassageStore, index: PassageIndex, question: str) -> None:
        """Nothing in it is an operator; what has no word finds nothing."""
        store.replace(["docs/a.md"], [passage("docs/a.md", 0, "A word and another.")])
        found = await (await index.newest()).by_words(question, scope("staff"), 10)
        assert len(found) == int("word" in question)

    async def test_changes_are_seen_at_once(self, store: PassageStore, index: PassageIndex) -> None:
        """Deleted passages are not found, relabelled ones by their new readers only, before and after optimizing."""
        store.replace(["docs/a.md", "docs/b.md"], [passage("docs/a.md", 0, "Dogs."), passage("docs/b.md", 0, "Dogs too.")])
        store.optimize()
        store.replace(["docs/a.md"], [])
        store.relabel(["docs/b.md"], "hr")
        for _ in range(2):
            snapshot = await index.newest()
            assert await _texts(snapshot, "dogs", scope("staff")) == []
            assert await _texts(snapshot, "dogs", scope("hr")) == ["Dogs too."]
            store.optimize()

    async def test_a_snapshot_does_not_change(self, store: PassageStore, index: PassageIndex) -> None:
        """It tells the same all the time, until it is cleared away; then it says so."""
        store.replace(["docs/a.md"], [passage("docs/a.md", 0, "Dogs.")])
        snapshot = await index.newest()
        for n in range(3):
            store.replace([f"docs/{n}.md"], [passage(f"docs/{n}.md", 0, "More dogs.")])
            assert await _texts(snapshot, "dogs", scope("staff")) == ["Dogs."]
            assert await snapshot.counts(scope("staff"), MADE_BY) == (1, 0)
        store.replace(["docs/0.md"], [])
        store.optimize()
        try:
            texts = await _texts(snapshot, "dogs", scope("staff"))
        except Unavailable as outdated:
            if outdated.code != OUTDATED:
                raise
        else:
            assert texts == ["Dogs."]
        assert sorted(await _texts(await index.newest(), "dogs", scope("staff"))) == ["Dogs.", "More dogs.", "More dogs."]


async def _texts(snapshot: PassageSnapshot, question: str, within: Scope, limit: int = 10) -> list[str]:
    hits = await snapshot.by_words(question, within, limit)
    found = await snapshot.passages([hit.key for hit in hits], within)
    return [found[hit.key].text for hit in hits]


def _by_id(passages: Iterable[StoredPassage]) -> dict[str, StoredPassage]:
    """By id; every id stands for one passage."""
    listed = [replace(each) for each in passages]
    keyed = {each.id: each for each in listed}
    assert len(keyed) == len(listed)
    return keyed
