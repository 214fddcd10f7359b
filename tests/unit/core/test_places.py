"""What of a place may stand in a record."""

from __future__ import annotations

import pytest

from headrace.core.flow import Citation
from headrace.core.places import content_free


@pytest.mark.parametrize(
    ("place", "recorded"),
    [
        ("page 3", "page 3"),
        ("slide 2", "slide 2"),
        ("slide 2, notes", "slide 2, notes"),
        ("line 12", "line 12"),
        ("row 7", "row 7"),
        ("rows 7–12", "rows 7–12"),
        ("mail head", "mail head"),
        ("mail text", "mail text"),
        ("mail text, line 4", "mail text, line 4"),
        ("paragraph 9", "paragraph 9"),
        ("sheet “Dismissals”, B2:D5", "cells B2:D5"),
        ("hidden sheet “Dismissals”, B2", "cells B2"),
        ("sheet “A”, page 3”, B2", "cells B2"),
        ("sheet “two\nlines”, AA12", "cells AA12"),
        ("section “Dismissal of Ann Lee”", ""),
        ("section “page 3”", ""),
        ("page 3\nAnn Lee", ""),
        ("sheet “Stock”, hidden", ""),
        ("", ""),
    ],
)
def test_numbers_and_no_word_of_the_document(place: str, recorded: str) -> None:
    assert content_free(place) == recorded
    cited = Citation(1, "contracts/a.pdf", "b4" * 32, 10, 20, place, "words")
    stretch = {"version": "b4" * 32, "start": 10, "end": 20}
    assert cited.facts() == ({**stretch, "place": recorded} if recorded else stretch)
