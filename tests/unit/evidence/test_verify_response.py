"""An answer as the API gave it, a text or vectors, is checked against the ledger; whatever was changed in it is named."""

from __future__ import annotations

import asyncio
import copy
import json
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest
from click.testing import CliRunner

from headrace.app.cli.verify import command
from headrace.evidence.verify.main import main
from headrace.evidence.verify.standalone import source
from tests.support.proven import ASKED, Given, check

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from tests.support.proven import Json


@pytest.fixture(scope="module")
def workspace(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("workspace")


@pytest.fixture(scope="module")
def given(workspace: Path) -> Given:
    return asyncio.run(Given().ask(workspace))


@pytest.mark.parametrize("name", ASKED)
def test_every_answer_verifies_with_its_proof(given: Given, tmp_path: Path, name: str) -> None:
    assert check(tmp_path, given, given.answers[name], given.proofs[name]) == (0, {})
    (tmp_path / "bundle.json").write_text(json.dumps({**given.proofs[name], "response": given.answers[name]}))
    done = CliRunner().invoke(command, [str(tmp_path / "bundle.json"), "--key", given.key])
    assert (done.exit_code, done.output.count("holds")) == (0, 6)


def test_vectors_verify_by_the_standalone_file(given: Given, tmp_path: Path) -> None:
    check(tmp_path, given, given.answers["numbers"], given.proofs["numbers"])
    command = [sys.executable, "-I", "-c", source(), "answer.json", "--key", given.key]
    done = subprocess.run([*command, "--proof", "proof.json"], capture_output=True, text=True, check=False, cwd=tmp_path)
    assert (done.returncode, done.stderr, done.stdout.count("holds")) == (0, "", 6)
    done = subprocess.run(command, capture_output=True, text=True, check=False, cwd=tmp_path)
    assert (done.returncode, done.stdout) == (2, "")
    assert "give it, with --proof" in done.stderr


def test_the_program_says_what_is_missing(
    given: Given, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    check(tmp_path, given, given.answers["chat"], given.proofs["chat"])
    words = ["verify.py", str(tmp_path / "answer.json"), "--key", given.key]
    monkeypatch.setattr(sys, "argv", words)
    assert main() == 2
    assert "give it, with --proof" in capsys.readouterr().err
    monkeypatch.setattr(sys, "argv", [*words, "--proof", str(tmp_path / "proof.json")])
    assert main() == 0
    assert capsys.readouterr().out.count("holds") == 6


def _first(answer: Json) -> Json:
    return answer["choices"][0]["message"] if "choices" in answer else answer["data"][0]


def _receipt(answer: Json) -> Json:
    return answer["headrace"]["receipt"]


CHANGES: dict[str, tuple[str, Callable[[Json], object], tuple[int, set[str]]]] = {
    "a word": ("chat", lambda answer: _first(answer).update(content="No."), (1, {"text"})),
    "a number": ("numbers", lambda answer: _first(answer)["embedding"].__setitem__(2, 0.2500001), (1, {"text"})),
    "a vector": ("base64", lambda answer: _first(answer).update(embedding="AACAPw=="), (1, {"text"})),
    "one vector fewer": ("numbers", lambda answer: answer["data"].pop(), (1, {"text"})),
    "a salt": ("numbers", lambda answer: _receipt(answer)["salts"].update(answer="00" * 32), (1, {"text"})),
    "the salt of the question": ("search", lambda answer: _receipt(answer)["salts"].update(prompt="00" * 32), (1, {"text"})),
    "the receipt": ("numbers", lambda answer: _receipt(answer).update(sequence=0), (1, {"receipt"})),
    "whose vector it is": ("numbers", lambda answer: _first(answer).update(index=1), (2, set())),
    "a word for a number": ("numbers", lambda answer: _first(answer)["embedding"].__setitem__(0, "one"), (2, set())),
    "a number beyond measure": ("numbers", lambda answer: _first(answer)["embedding"].__setitem__(0, 1e300), (2, set())),
    "a second choice": ("chat", lambda answer: answer["choices"].append(answer["choices"][0]), (2, set())),
    "a choice that is none": ("chat", lambda answer: answer.update(choices=["Yes."]), (2, set())),
    "no receipt": ("chat", lambda answer: answer["headrace"].pop("receipt"), (2, set())),
    "no request": ("chat", lambda answer: answer["headrace"].pop("request"), (2, set())),
    "another kind": ("chat", lambda answer: answer.update(object="poem"), (1, {"text"})),
}


@pytest.mark.parametrize("change", CHANGES)
def test_what_was_changed_in_an_answer_is_named(given: Given, tmp_path: Path, change: str) -> None:
    name, make, (code, broken) = CHANGES[change]
    answer = copy.deepcopy(given.answers[name])
    make(answer)
    ended, found = check(tmp_path, given, answer, given.proofs[name])
    assert (ended, set(found)) == (code, broken)


def test_the_proof_of_another_answer_does_not_do(given: Given, tmp_path: Path) -> None:
    code, broken = check(tmp_path, given, given.answers["numbers"], given.proofs["base64"])
    assert (code, set(broken)) == (1, {"text", "record", "facts", "receipt"})
    two = {**given.proofs["chat"], "text": "Yes."}
    assert check(tmp_path, given, given.answers["chat"], two) == (2, {})


def test_an_answer_that_names_another_request_is_not_of_that_record(given: Given, tmp_path: Path) -> None:
    answer = copy.deepcopy(given.answers["chat"])
    answer["headrace"]["request"] = given.answers["search"]["headrace"]["request"]
    assert check(tmp_path, given, answer, given.proofs["chat"]) == (1, {"record": "the record is of another request than the answer"})


def test_the_workspaces_own_log_has_the_proof(given: Given, workspace: Path, tmp_path: Path) -> None:
    """Beside its log an answer needs nothing but itself."""
    words = [str(tmp_path / "answer.json"), "--workspace", str(workspace)]
    for name, answer in given.answers.items():
        (tmp_path / "answer.json").write_text(json.dumps(answer))
        done = CliRunner().invoke(command, words)
        assert (done.exit_code, done.output.count("holds")) == (0, 6), name
    answer = copy.deepcopy(given.answers["chat"])
    answer["headrace"]["request"] = "req_other"
    (tmp_path / "answer.json").write_text(json.dumps(answer))
    done = CliRunner().invoke(command, words)
    assert done.exit_code == 2
    assert "no end of a request req_other" in done.output
