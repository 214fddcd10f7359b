"""The page of the API is what the code says."""

from __future__ import annotations

import re
from pathlib import Path

from headrace.app.http.errors import BY_CODE
from headrace.app.http.headrace.lookups import ENDPOINTS
from headrace.app.http.openai import chat
from headrace.app.http.openai.request import HONOURED, NEUTRAL
from headrace.app.http.published.reference import markdown

PAGE = Path(__file__).resolve().parents[3] / "docs" / "reference" / "api.md"


def test_the_page_is_the_one_that_is_made() -> None:
    assert PAGE.read_text(encoding="utf-8") == markdown(), "python tools/reference.py"


def test_everything_that_is_served_stands_in_it() -> None:
    page = markdown()
    named = set(re.findall(r"`([^`\n]+)`", page))
    assert HONOURED.keys() | NEUTRAL.keys() | BY_CODE.keys() <= named
    paths = {re.sub(r"\{name(:path)?\}", "NAME" if "models" in path else "ID", path) for path in ENDPOINTS}
    assert {f"GET {path}" for path in paths} | {f"POST {chat.PATH}"} <= named
    assert {"stages", "receipt", "citations", "what_would_allow_it"} <= named
