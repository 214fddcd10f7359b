"""Two texts laid over each other, and which services a revision touches."""

from __future__ import annotations

from headrace.app.inside.comparison import laid_over


def signs(old: str, new: str) -> str:
    return "".join(line.sign for line in laid_over(old, new))


def test_lines_say_where_they_stand_in_both() -> None:
    old = "".join(f"line {n}\n" for n in range(1, 21))
    lines = laid_over(old, old.replace("line 10\n", "line ten\nline ten and a half\n"))
    assert "".join(line.sign for line in lines) == "…   -++   …"
    assert [(line.old, line.new) for line in lines[4:7]] == [(10, None), (None, 10), (None, 11)]
    assert (lines[-2].old, lines[-2].new) == (13, 14)
    assert (lines[0].text, lines[-1].text) == ("6 lines the same", "7 lines the same")
