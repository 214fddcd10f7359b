"""LanceDB and the small SQLite store keep to the port PassageStore; LanceDB to PassageIndex."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from headrace.adapters.stores.lance import LancePassages
from headrace.adapters.stores.lance_search import LanceIndex
from headrace.testing.passages import DIMENSIONS, PassageIndexContract, PassageStoreContract
from tests.support.searching import held
from tests.support.sqlite_passages import SqlitePassages

if TYPE_CHECKING:
    from collections.abc import Callable, Generator
    from pathlib import Path

    from headrace.core.values import StoredPassage


@pytest.fixture
def store(tmp_path: Path) -> LancePassages:
    return LancePassages(tmp_path / "default", dimensions=DIMENSIONS)


class TestLancePassages(PassageStoreContract):
    """The default store."""

    @pytest.fixture(name="held")
    def _held(self, store: LancePassages, tmp_path: Path) -> Callable[[], list[StoredPassage]]:
        """Everything, as the search side reads it."""
        return lambda: held(tmp_path / "default")


class TestSqlitePassages(PassageStoreContract):
    """Another implementation: the suite asks for nothing that only LanceDB has."""

    @pytest.fixture
    def store(self, tmp_path: Path) -> Generator[SqlitePassages]:
        opened = SqlitePassages(tmp_path / "passages.db")
        yield opened
        opened.close()

    @pytest.fixture
    def held(self, store: SqlitePassages) -> Callable[[], list[StoredPassage]]:
        return store.passages


class TestLanceIndex(PassageIndexContract):
    """The default index."""

    @pytest.fixture
    def index(self, store: LancePassages, tmp_path: Path) -> LanceIndex:
        return LanceIndex(tmp_path / "default")
