"""JSON Schemas that the engine keeps to pass; those that it would only seem to keep are refused with their place."""

from __future__ import annotations

import pytest

from headrace.adapters.models.grammar import require_kept
from headrace.core.errors import BadRequest
from tests.support.schemas import KEPT, REFUSED


@pytest.mark.parametrize("name", KEPT)
def test_what_is_kept_passes(name: str) -> None:
    require_kept(KEPT[name])


@pytest.mark.parametrize("name", REFUSED)
def test_what_is_not_kept_is_refused_with_its_place(name: str) -> None:
    schema, place = REFUSED[name]
    with pytest.raises(BadRequest) as raised:
        require_kept(schema)
    error = raised.value
    assert (error.code, error.param) == ("request.unsupported_schema", "response_format")
    assert error.message.endswith(f" at {place}.")
    assert error.mend
    assert error.facts == {}, "names in a schema are content"
