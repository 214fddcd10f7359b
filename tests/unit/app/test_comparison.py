"""Two texts laid over each other, and which services a revision touches."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from headrace.app.inside.comparison import LONGEST, comparison, laid_over
from headrace.config.revision import of
from tests.support.workspaces import checked, edit, lay

if TYPE_CHECKING:
    from pathlib import Path

    from headrace.config.revision import Revision

OTHER = "service: other\nmodels: [deployment: far]\n"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    lay(tmp_path)
    (tmp_path / "services" / "other.yaml").write_text(OTHER, encoding="utf-8")
    return tmp_path


def signs(old: str, new: str) -> str:
    return "".join(line.sign for line in laid_over(old, new))


def touched(before: Revision, folder: Path) -> dict[str, list[str]]:
    found = comparison(before, of(checked(folder))).services
    assert found is not None
    return {each.service: list(each.why) for each in found}


def test_lines_say_where_they_stand_in_both() -> None:
    old = "".join(f"line {n}\n" for n in range(1, 21))
    lines = laid_over(old, old.replace("line 10\n", "line ten\nline ten and a half\n"))
    assert "".join(line.sign for line in lines) == "…   -++   …"
    assert [(line.old, line.new) for line in lines[4:7]] == [(10, None), (None, 10), (None, 11)]
    assert (lines[-2].old, lines[-2].new) == (13, 14)
    assert (lines[0].text, lines[-1].text) == ("6 lines the same", "7 lines the same")
    assert laid_over("a\nb\nc\nd\ne\n", "a\nB\nc\nd\ne\n")[-1].text == "e"


def test_what_is_added_and_what_is_gone_are_lines_too() -> None:
    assert (signs("", "a\nb\n"), signs("a\nb\n", ""), signs("a\n", "a\n"), signs("a\nb", "a\nb\n")) == ("++", "--", "", "")
    many = "x\n" * (LONGEST + 1)
    (only,) = laid_over(many, "x\n")
    assert (only.sign, "too many" in only.text) == ("…", True)


@pytest.mark.parametrize(
    ("path", "old", "new", "why"),
    [
        ("services/help.yaml", "max tokens: 100", "max tokens: 99", {"help": ["its own file changes"]}),
        ("prompts/help.md", "kindly", "shortly", {"help": ["its prompt prompts/help.md changes"]}),
        ("sources/handbook.yaml", "[support, auditors]", "[support]", {"help": ["its source handbook changes"]}),
        ("deployments/far.yaml", "large", "larger", {"other": ["its deployment far changes"]}),
        ("deployments/small.yaml", "slots: 2", "slots: 3", {"help": ["its deployment small changes"]}),
        ("people.yaml", "groups: [chemists]", "groups: [chemists, auditors]", {}),
        (
            "policies/base.cedar",
            "(principal, action, resource)",
            "(principal, action, resource is Service)",
            {"help": ["policies that bear on it change"], "other": ["policies that bear on it change"]},
        ),
    ],
)
def test_a_service_is_touched_by_what_it_is_made_of(folder: Path, path: str, old: str, new: str, why: dict[str, list[str]]) -> None:
    before = of(checked(folder))
    edit(folder, path, old, new)
    assert touched(before, folder) == why


def test_what_holds_for_everybody_is_said_once(folder: Path) -> None:
    before = of(checked(folder))
    edit(folder, "people.yaml", "groups: [chemists]", "groups: [chemists, auditors]")
    edit(folder, "headrace.yaml", "name: acme", "name: acme2")
    found = comparison(before, of(checked(folder)))
    assert [each.split(":")[0] for each in found.everywhere] == ["The installation itself changes", "Who is in which group changes"]
    assert [(each.path, each.kind, each.added, each.removed) for each in found.files] == [
        ("headrace.yaml", "changed", 1, 1),
        ("people.yaml", "changed", 1, 1),
    ]


def test_a_policy_about_another_act_touches_no_service(folder: Path) -> None:
    before = of(checked(folder))
    text = '@id("all")\npermit (principal, action, resource);\n@id("see")\npermit (principal, action == Action::"observe", resource);\n'
    (folder / "policies" / "base.cedar").write_text(text, encoding="utf-8")
    assert touched(before, folder) == {}


def test_services_come_and_go(folder: Path) -> None:
    before = of(checked(folder))
    (folder / "services" / "other.yaml").unlink()
    (folder / "services" / "third.yaml").write_text(OTHER.replace("other", "third"), encoding="utf-8")
    assert touched(before, folder) == {"other": ["it is gone"], "third": ["it is new"]}


def test_line_ends_alone_are_said(folder: Path) -> None:
    before = of(checked(folder))
    prompt = folder / "prompts" / "help.md"
    prompt.write_bytes(prompt.read_bytes().replace(b"\n", b"\r\n"))
    (file,) = comparison(before, of(checked(folder))).files
    assert [line.text for line in file.lines] == ["only line ends or characters that are not seen differ"]


def test_a_revision_that_cannot_be_read_is_compared_by_its_files(folder: Path) -> None:
    before = of(checked(folder))
    edit(folder, "prompts/help.md", "kindly", "shortly")
    found = comparison(replace(before, data="{}"), of(checked(folder)))
    assert (found.services, [each.path for each in found.files]) == (None, ["prompts/help.md"])
