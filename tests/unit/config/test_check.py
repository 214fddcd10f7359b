"""Every fault, at its place, with its mend."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from headrace.config.check import check
from headrace.config.faults import Fault, lines, listed, verdict
from headrace.config.files import LARGEST
from tests.support.workspaces import FILES, checked, edit, lay

if TYPE_CHECKING:
    from pathlib import Path

    from headrace.config.model import Workspace

HELP, SMALL, FAR, BOOK = "services/help.yaml", "deployments/small.yaml", "deployments/far.yaml", "sources/handbook.yaml"


def test_a_valid_workspace_has_no_faults(tmp_path: Path) -> None:
    found = checked(lay(tmp_path))
    assert found.faults == ()
    assert found.workspace is not None
    assert set(found.files) == set(FILES) - {"texts/a.md"}
    assert set(found.data) == {path for path in FILES if path.endswith(".yaml")}
    service = found.workspace.services["help"]
    assert service.max_tokens == 100
    assert {name: str(action) for name, action in service.guards.input.items()} == {"secrets": "refuse", "pii": "mask"}
    assert found.workspace.prompts == {"prompts/help.md": "Answer kindly.\n"}
    assert found.workspace.policies[0].path == "policies/base.cedar"


@pytest.mark.parametrize(
    ("path", "old", "new", "place", "message", "mend"),
    [
        (
            HELP,
            "deployment: small",
            "deployment: smal",
            "8:17",
            'unknown deployment "smal"',
            'Did you mean "small" (deployments/small.yaml)?',
        ),
        (HELP, "deployment: small", "deployment: zzz", "8:17", 'unknown deployment "zzz"', "Known: far, small."),
        (HELP, "[handbook]", "[handbok]", "5:13", 'unknown source "handbok"', 'Did you mean "handbook" (sources/handbook.yaml)?'),
        (HELP, "secrets: refuse", "secret: refuse", "10:11", 'unknown guard "secret"', 'Did you mean "secrets"?'),
        (HELP, "{pii: mask}", "{pi: mask}", "11:12", 'unknown guard "pi"', 'Did you mean "pii"?'),
        (HELP, "pii: mask]", "pii: maks]", "10:33", '"pii": "maks" is none of: flag, mask, refuse', 'Did you mean "mask"?'),
        (HELP, "service: help", "service: halp", "1:10", 'this service is called "halp"', "Rename the file to halp.yaml"),
        (HELP, "about:", "abuot:", "2:1", 'unknown word "abuot"', 'Did you mean "about"?'),
        (HELP, "about:", "zzzzz:", "2:1", 'unknown word "zzzzz"', "Known here: service, about,"),
        (HELP, "  passages: 6", "  pasages: 6", "6:3", 'unknown word "pasages"', 'Did you mean "passages"?'),
        (HELP, "passages: 6", "passages: '6'", "6:13", "a whole number is wanted", "without quotes"),
        (HELP, "passages: 6", "passages: 99", "6:13", "99 is too large: at most 20", ""),
        (HELP, "passages: 6", "passages: 0", "6:13", "0 is too small: at least 1", ""),
        (HELP, "[handbook]", "[]", "5:12", "at least 1 must stand here", ""),
        (HELP, "[handbook]", "handbook", "5:12", "a list is wanted", "Write it as a list: [handbook]."),
        (HELP, "[handbook]", "[handbook, handbook]", "5:23", '"handbook" is listed twice', "Keep one"),
        (HELP, "max tokens: 100", "max_tokens: 100", "12:1", 'unknown word "max_tokens"', 'Did you mean "max tokens"?'),
        (HELP, "max tokens: 100", "answer: jsn", "12:9", '"jsn" is none of: text, json', 'Did you mean "json"?'),
        (HELP, "about: Answers from the handbook.", "about: 7", "2:8", "the number 7 stands here, but text is wanted", 'Quote it: "7".'),
        (HELP, "about: Answers from the handbook.", "about: true", "2:8", "true stands here, but text is wanted", 'Quote it: "true".'),
        (HELP, "about: Answers from the handbook.", "about: [a]", "2:8", "a list stands here, but text is wanted", ""),
        (HELP, "prompts/help.md", "prompts/hlp.md", "3:9", 'there is no file "prompts/hlp.md"', 'Did you mean "prompts/help.md"?'),
        (HELP, "prompts/help.md", "../x.md", "3:9", "is not a path inside the workspace", "prompts/help.md"),
        (HELP, "prompts/help.md", "./prompts/help.md", "3:9", "is not written plainly", "Write prompts/help.md"),
        (HELP, "prompts/help.md", "prompts", "1:1", "this is not a file", ""),
        (SMALL, "placement: here", "placement: ther", "2:12", 'unknown placement "ther"', 'Did you mean "here" (headrace.yaml)?'),
        (
            SMALL,
            "smollm2-135m-instruct",
            "smollm-135m-instruct",
            "4:10",
            'unknown model "smollm-135m-instruct"',
            '"smollm2-135m-instruct"?',
        ),
        (SMALL, "smollm2-135m-instruct", "all-minilm-l6-v2", "4:10", "is an embedder", "Known: smollm2-135m-instruct."),
        (SMALL, "slots: 2", "slots: true", "5:10", "true stands here, but a whole number is wanted", ""),
        (SMALL, "slots: 2", "slots:", "5:3", "nothing stands here, but a whole number", ""),
        (SMALL, "0.02 EUR per slot-hour", "2 cents", "6:9", "'2 cents' is not a price", "Write for example"),
        (SMALL, "0.02 EUR per slot-hour", "0.02 USD per slot-hour", "6:9", "this price is in USD", "Write it in EUR"),
        (SMALL, "[0.02 EUR per slot-hour]", "[1 EUR per slot-hour, 2 EUR per slot-hour]", "6:30", "stands here already", "Keep one"),
        (SMALL, "embedded:", "embeded:", "3:1", 'unknown word "embeded"', 'Did you mean "embedded"?'),
        (
            SMALL,
            "price:",
            "provider: {url: 'http://x', model: m}\nprice:",
            "1:1",
            "either embedded, an embedder or a provider",
            "Write exactly one of them.",
        ),
        (FAR, "env:FAR_KEY", "hr-secret-value", "6:8", "does not name an environment variable", "never holds the key itself"),
        (FAR, "https://models.example/v1", "models.example", "4:8", "is not an address that begins with http", ""),
        (FAR, "https://models.example/v1", "https:///v1", "4:8", "it is no address", ""),
        (FAR, "https://models.example/v1", "https://models.example:99999/v1", "4:8", "it is no address", ""),
        (FAR, "https://models.example/v1", "'https://[::1/v1'", "4:8", "it is no address", ""),
        (FAR, "https://models.example/v1", "'https://models.example/v1 HTTP/1.1'", "4:8", "it is no address", ""),
        (
            FAR,
            "https://models.example/v1",
            "https://ana:hr-secret-value@models.example/v1",
            "4:8",
            "a user, a password or a # in the address is not sent",
            "The key belongs under key.",
        ),
        (FAR, "0.15 EUR per 1M input tokens", "1 EUR per slot-hour", "7:9", "slots are counted only on an engine", "per 1M tokens"),
        (FAR, "  model: large\n", "", "3:1", '"model" is missing under "provider"', "model: The model's name"),
        (BOOK, "folder: texts", "folder: txts", "2:9", 'there is no folder "txts"', "starts at the workspace"),
        (BOOK, "folder: texts", "folder: ''", "2:9", "nothing stands here", "at least one character"),
        (BOOK, "[support,", "[suport,", "4:12", 'unknown group of tenant default "suport"', 'Did you mean "support"?'),
        (BOOK, "[support,", "[zzz,", "4:12", 'unknown group of tenant default "zzz"', "headrace.yaml must list it under groups"),
        (BOOK, "[support,", "[chemists,", "4:12", 'unknown group of tenant default "chemists"', ""),
        (BOOK, "[ana]", "[anna]", "8:16", 'unknown person of tenant default "anna"', 'Did you mean "ana" (people.yaml)?'),
        (BOOK, "rules:", "tenant: labb\nrules:", "5:9", 'unknown tenant "labb"', 'Did you mean "lab" (headrace.yaml)?'),
        (BOOK, "path: hr/**", "path: /hr/**", "6:11", '"/hr/**" matches no document', "Write hr/**."),
        (BOOK, "path: hr/**", "path: ./hr/**", "6:11", '"./hr/**" matches no document', "Write hr/**."),
        (BOOK, "path: hr/**", "path: hr/", "6:11", '"hr/" matches no document', "Write hr/**."),
        (BOOK, "path: hr/**", "path: hr//pay/../**", "6:11", '"hr//pay/../**" matches no document', "Write hr/pay/**."),
        (BOOK, "path: hr/**", "path: 'hr\\**'", "6:11", "matches no document", "Write hr/**."),
        (BOOK, "path: hr/**", "path: '{hr,pay}/**'", "6:11", "brackets and braces are no pattern here", "one line for each name"),
        (BOOK, "path: hr/**", "path: /", "6:11", '"/" matches no document', "Write **."),
        (BOOK, "rules:", "exclude: [/drafts/**]\nrules:", "5:11", '"/drafts/**" matches no document', "Write drafts/**."),
        (BOOK, "rules:", "include: ['**/*.md', ./a/**]\nrules:", "5:22", '"./a/**" matches no document', "Write a/**."),
        (BOOK, "rules:", "sensitivity: secret\nrules:", "5:14", "is not a sensitivity", "It is one of public, internal"),
        ("people.yaml", "person: ben", "person: Ben B", "4:13", '"Ben B" is not a name', "lower-case letters"),
        (
            "people.yaml",
            "application: desk",
            "application: ana",
            "8:18",
            '"ana" is in tenant "default" already, as a person',
            "choose another",
        ),
        ("people.yaml", "tenant: lab", "tenant: lob", "5:13", 'unknown tenant "lob"', 'Did you mean "lab"'),
        ("headrace.yaml", "headrace: 1", "headrace: 2", "1:11", '"2" is none of: 1', ""),
        ("headrace.yaml", "name: acme\n", "", "1:1", '"name" is missing', "name: What the installation is called."),
        ("headrace.yaml", "name: acme", "name: acme\ncurrency: euro", "3:11", "is not a currency of three capital letters", ""),
        ("headrace.yaml", "name: acme", "name: acme\nlimits: {body: 2 pounds}", "3:16", "is not a size", "Write for example 2 MiB"),
        (
            "headrace.yaml",
            "name: acme",
            "name: acme\nlimits: {answer within: 5}",
            "3:25",
            "is not a length of time",
            "Write for example 20 s",
        ),
        ("headrace.yaml", "name: acme", "name: acme\nlimits: 5", "3:9", "words with values", ""),
        ("headrace.yaml", "[default, lab]", "[default, lab, lab]", "3:25", '"lab" is listed twice', ""),
    ],
)
def test_a_fault_is_told_where_it_is(tmp_path: Path, path: str, old: str, new: str, place: str, message: str, mend: str) -> None:
    edit(lay(tmp_path), path, old, new)
    found = checked(tmp_path)
    assert found.workspace is None
    told = [each for each in found.faults if message in each.message]
    assert told, found.faults
    assert f"{told[0].line}:{told[0].column}" == place
    assert mend in told[0].mend


def test_every_fault_at_once(tmp_path: Path) -> None:
    lay(tmp_path)
    edit(tmp_path, HELP, "passages: 6", "passages: many")
    edit(tmp_path, HELP, "deployment: small", "deployment: smal")
    edit(tmp_path, SMALL, "slots: 2", "slots: 0")
    edit(tmp_path, SMALL, "placement: here", "placement: ther")
    (tmp_path / "sources/broken.yaml").write_text("source: [\n")
    found = checked(tmp_path).faults
    assert [(each.path, each.line) for each in found] == [(SMALL, 2), (SMALL, 5), (HELP, 6), (HELP, 8), ("sources/broken.yaml", 2)]


def test_a_file_that_could_not_be_read_is_not_unknown_too(tmp_path: Path) -> None:
    (lay(tmp_path) / SMALL).write_text("deployment: [\n")
    assert {each.path for each in checked(tmp_path).faults} == {SMALL}
    lay(tmp_path)
    (tmp_path / "people.yaml").write_text("people: [\n")
    assert {each.path for each in checked(tmp_path).faults} == {"people.yaml"}


def test_without_a_root_it_is_no_workspace(tmp_path: Path) -> None:
    found = checked(tmp_path)
    assert [each.path for each in found.faults] == ["headrace.yaml"]
    assert "headrace init" in found.faults[0].mend


def test_people_and_folders_may_be_absent(tmp_path: Path) -> None:
    (tmp_path / "headrace.yaml").write_text("headrace: 1\nname: bare\n")
    assert checked(tmp_path).workspace is not None


@pytest.mark.parametrize("text", ["", "# nothing\n", "---\n", "[1, 2]\n", "text\n"])
def test_a_file_that_says_nothing_or_no_map(tmp_path: Path, text: str) -> None:
    (lay(tmp_path) / HELP).write_text(text)
    found = checked(tmp_path).faults
    assert {each.path for each in found} == {HELP}


def test_sources_of_two_tenants_are_not_joined(tmp_path: Path) -> None:
    lay(tmp_path)
    (tmp_path / "sources/lab.yaml").write_text("source: lab\ntenant: lab\nfolder: texts\nreaders: {groups: [chemists]}\n")
    edit(tmp_path, HELP, "[handbook]", "[handbook, lab]")
    assert [each.message for each in checked(tmp_path).faults] == ["these sources belong to different tenants (default, lab)"]


@pytest.mark.parametrize("name", ["x" * 300, "a\\0b", "a\\tb"])
def test_names_that_no_file_system_takes(tmp_path: Path, name: str) -> None:
    lay(tmp_path)
    edit(tmp_path, BOOK, "folder: texts", f'folder: "{name}"')
    edit(tmp_path, HELP, "prompts/help.md", f'"{name}"')
    assert {(each.path, each.line) for each in checked(tmp_path).faults} == {(BOOK, 2), (HELP, 3)}


def test_a_prompt_that_is_not_there_beside_no_prompts(tmp_path: Path) -> None:
    (lay(tmp_path) / "prompts/help.md").unlink()
    (tmp_path / "prompts").rmdir()
    found = checked(tmp_path).faults
    assert [(each.message, each.mend) for each in found] == [('there is no file "prompts/help.md"', "Write the file, or leave prompt out.")]


def test_a_service_must_answer_from_something(tmp_path: Path) -> None:
    (lay(tmp_path) / HELP).write_text("service: help\nguards:\n  input: [x, pii: mask]\n")
    found = {(each.line, each.message) for each in checked(tmp_path).faults}
    assert (3, '"input": a list stands here, but words with values is wanted') in found
    (tmp_path / HELP).write_text("service: help\n")
    assert [each.message for each in checked(tmp_path).faults] == ["a service needs knowledge, or at least one deployment under models"]


def test_json_needs_a_model(tmp_path: Path) -> None:
    edit(lay(tmp_path), HELP, "models:\n  - deployment: small\n", "answer: json\n")
    assert "only a model can write JSON" in checked(tmp_path).faults[0].message


def test_models_of_the_workspace_join_the_catalogue(tmp_path: Path) -> None:
    lay(tmp_path)
    (tmp_path / "models").mkdir()
    file = f"{{file: ../w.gguf, sha256: {'a' * 64}, size: 1, sources: ['file:/w.gguf']}}"
    (tmp_path / "models/own.yaml").write_text(f"model: own\nkind: language\nlicence: MIT\nfiles:\n  - {file}\n")
    edit(tmp_path, SMALL, "smollm2-135m-instruct", "own")
    assert [each.message for each in checked(tmp_path).faults] == ["this name leads out of the model's folder"]
    edit(tmp_path, "models/own.yaml", "../w.gguf", "w.gguf")
    assert checked(tmp_path).faults == ()
    edit(tmp_path, "models/own.yaml", "a" * 64, "abc")
    assert "SHA-256" in checked(tmp_path).faults[0].message


def test_files_that_are_not_plain_text_of_a_reasonable_size(tmp_path: Path) -> None:
    lay(tmp_path)
    (tmp_path / HELP).write_bytes(b"service: help\nabout: \xff\n")
    (tmp_path / SMALL).write_bytes(b"#" * (LARGEST + 1))
    (tmp_path / BOOK).unlink()
    (tmp_path / BOOK).symlink_to("/etc/hostname")
    (tmp_path / "policies/dir.cedar").mkdir()
    (tmp_path / "services/more.yml").write_text("service: more\n")
    (tmp_path / "services/.hidden.yaml").write_text("[\n")
    found = {each.path: (each.line, each.column, each.message) for each in checked(tmp_path).faults}
    assert found[HELP] == (2, 8, "byte 0xff is not UTF-8")
    assert "too many for one file" in found[SMALL][2]
    assert found[BOOK][2] == "this symbolic link leaves the workspace"
    assert found["policies/dir.cedar"][2] == "this is not a file"
    assert "does not end in .yaml" in found["services/more.yml"][2]
    assert len(found) == 5


def test_a_link_that_stays_inside_and_a_broken_one(tmp_path: Path) -> None:
    lay(tmp_path)
    (tmp_path / "people.yaml").rename(tmp_path / "staff.yaml")
    (tmp_path / "people.yaml").symlink_to("staff.yaml")
    assert checked(tmp_path).faults == ()
    (tmp_path / "staff.yaml").unlink()
    assert "cannot be read: No such file" in checked(tmp_path).faults[0].message


def test_a_link_that_leads_to_itself(tmp_path: Path) -> None:
    lay(tmp_path)
    (tmp_path / "people.yaml").unlink()
    (tmp_path / "people.yaml").symlink_to("people.yaml")
    assert [each.path for each in checked(tmp_path).faults if each.path == "people.yaml"]


def test_names_that_are_not_text(tmp_path: Path) -> None:
    lay(tmp_path)
    (tmp_path / "services" / "b\udcff.yaml").write_text("service: b\n")
    found = checked(tmp_path).faults
    assert [each.message for each in found] == ["this file's name is not text (UTF-8)"]
    "\n".join(lines(found)).encode()


def test_a_byte_order_mark_is_passed_over(tmp_path: Path) -> None:
    (lay(tmp_path) / "people.yaml").write_bytes(b"\xef\xbb\xbf" + FILES["people.yaml"].encode())
    assert checked(tmp_path).faults == ()


def test_the_policy_check_is_asked_also_beside_other_faults(tmp_path: Path) -> None:
    seen: list[Workspace] = []
    unreadable: list[frozenset[str]] = []

    def faults(workspace: Workspace, unread: frozenset[str]) -> list[Fault]:
        seen.append(workspace)
        unreadable.append(unread)
        return [Fault("policies/base.cedar", 2, 1, "no such action")]

    edit(lay(tmp_path), HELP, "passages: 6", "passages: many")
    found = check(tmp_path, policy_faults=faults, guards=frozenset({"pii"}))
    assert [each.path for each in found.faults if "cedar" in each.path] == ["policies/base.cedar"]
    assert seen[0].policies[0].text == FILES["policies/base.cedar"]
    assert any(each.message == 'unknown guard "secrets"' for each in found.faults)
    (tmp_path / "headrace.yaml").write_text("[\n")
    check(tmp_path, policy_faults=faults)
    assert seen[1].root.name == "unread"
    assert unreadable == [{HELP}, {HELP, "headrace.yaml"}]


def test_faults_as_they_are_printed() -> None:
    shown = [Fault("services/x.yaml", 14, 17, 'unknown deployment "a"', 'Did you mean "b"?'), Fault("p.cedar", 9, 31, "no attribute")]
    assert lines(shown) == [
        'services/x.yaml:14:17  unknown deployment "a"',
        '                       Did you mean "b"?',
        "p.cedar:9:31           no attribute",
    ]
    assert verdict(shown, 11) == "2 faults in 11 files. Nothing was applied."
    assert verdict(shown[:1], 1) == "1 fault in 1 file. Nothing was applied."
    assert listed([]) == "none"
    assert listed(["a", "b", "c"], most=2) == "a, b and 1 more"
