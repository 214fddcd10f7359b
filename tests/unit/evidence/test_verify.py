"""The offline verifier: five links, each broken by its own bytes, and by no others unseen."""

from __future__ import annotations

import ast
import copy
import json
import subprocess
import sys
from typing import TYPE_CHECKING, TypeAlias, cast

import jsonschema
import pytest
from click.testing import CliRunner
from hypothesis import given
from hypothesis import strategies as some
from referencing import Registry, Resource

from headrace.app.cli.verify import command
from headrace.evidence import records, verify
from headrace.evidence.log.reader import LogReader
from headrace.evidence.log.store import Entry
from headrace.evidence.schemas import NAMES, schema
from headrace.evidence.verify.main import check, main
from headrace.evidence.verify.parts import keys_of
from tests.support import ledgers

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from headrace.core.values import Facts

Bundle: TypeAlias = dict[str, object]
ANSWER, PROMPT = "Ganz gewiß: 42 € – sagt «Ana».", '[["user","Was kostet das?"]]'
SALTS = {"answer": bytes(range(32)), "prompt": bytes(range(32, 64))}


class Log:
    """A log of nine records, its public key, and the bundle of an answer in the middle."""

    def __init__(self, folder: Path) -> None:
        store = ledgers.store(folder)
        answered = ledgers.settled("req_1", texts={"answer": (SALTS["answer"], ANSWER), "prompt": (SALTS["prompt"], PROMPT)})
        refused = ledgers.settled("req_2", outcome="refused")
        every: list[Facts] = [*(ledgers.act() for _ in range(4)), answered, refused, *(ledgers.act() for _ in range(3))]
        store.append([Entry(str(each["request"]), str(each["kind"]), "", records.canonical(each)) for each in every], ledgers.NOW_US)
        store.close()
        with LogReader(folder) as reader:
            answer, refusal = reader.bundle("req_1"), reader.bundle("req_2")
        assert answer is not None
        assert refusal is not None
        self.vkey = (folder / "log.vkey").read_text().strip()
        self.key = verify.read_key(self.vkey)
        self.bundle: Bundle = {**answer, "text": ANSWER, "prompt": PROMPT, "salts": {name: salt.hex() for name, salt in SALTS.items()}}
        self.refusal: Bundle = refusal


@pytest.fixture(scope="module")
def log(tmp_path_factory: pytest.TempPathFactory) -> Log:
    return Log(tmp_path_factory.mktemp("log"))


def broken(bundle: Bundle, key: verify.VerifierKey) -> list[str]:
    links = verify.verify(bundle, key)
    assert tuple(link.name for link in links) == verify.LINKS
    return [link.name for link in links if not link.holds]


def test_every_link_holds(log: Log) -> None:
    assert broken(log.bundle, log.key) == []


def test_the_bundle_keeps_to_its_schema(log: Log) -> None:
    registry: Registry[object] = Registry().with_resources(
        [(str(schema(each)["$id"]), Resource.from_contents(schema(each))) for each in NAMES]
    )
    for bundle in (log.bundle, log.refusal):
        jsonschema.Draft202012Validator(schema("bundle"), registry=registry).validate(bundle)


def test_an_answer_without_its_prompt_can_be_checked(log: Log) -> None:
    assert broken({name: part for name, part in log.bundle.items() if name != "prompt"}, log.key) == []


def test_a_refusal_holds_no_text_and_needs_none(log: Log) -> None:
    assert broken(log.refusal, log.key) == []
    assert broken({**log.refusal, "text": "", "salts": {"answer": bytes(32).hex()}}, log.key) == ["text"]


def test_an_answer_may_not_be_left_out(log: Log) -> None:
    links = verify.verify({name: part for name, part in log.bundle.items() if name not in {"text", "prompt"}}, log.key)
    assert (links[0].holds, links[0].why) == (False, "the record commits to an answer, and the bundle holds none")


PLACES: dict[str, tuple[tuple[str | int, ...], set[str]]] = {
    "answer": (("text",), {"text"}),
    "prompt": (("prompt",), {"text"}),
    "answer salt": (("salts", "answer"), {"text"}),
    "prompt salt": (("salts", "prompt"), {"text"}),
    "record": (("record",), {"record", "text"}),
    "leaf": (("receipt", "leaf"), {"record", "receipt", "inclusion"}),
    "log": (("receipt", "log"), {"receipt"}),
    "signature": (("receipt", "signature"), {"receipt"}),
    "proof": (("proof", "hashes", 1), {"inclusion"}),
    "checkpoint": (("checkpoint",), {"checkpoint", "inclusion"}),
}
MUST = {"record": "record", "leaf": "record", "checkpoint": "checkpoint"}


@pytest.mark.parametrize("place", PLACES)
@given(data=some.data())
def test_one_flipped_byte_breaks_the_link_of_its_place(log: Log, place: str, data: some.DataObject) -> None:
    path, allowed = PLACES[place]
    bundle = copy.deepcopy(log.bundle)
    holder: object = bundle
    for step in path[:-1]:
        holder = cast("dict[str | int, object]", holder)[step]
    held = cast("dict[str | int, str]", holder)
    flipped = bytearray(held[path[-1]].encode())
    at = data.draw(some.integers(0, len(flipped) - 1))
    flipped[at] ^= data.draw(some.integers(1, 255))
    held[path[-1]] = flipped.decode("latin-1" if not_utf8(flipped) else "utf-8")
    found = set(broken(bundle, log.key))
    assert found <= allowed
    assert MUST.get(place, next(iter(allowed))) in found


def not_utf8(content: bytearray) -> bool:
    try:
        content.decode()
    except UnicodeDecodeError:
        return True
    return False


@pytest.mark.parametrize(
    ("part", "name", "links"),
    [
        ("receipt", "sequence", ["receipt", "inclusion"]),
        ("receipt", "time_us", ["receipt"]),
        ("proof", "index", ["inclusion"]),
        ("proof", "size", ["inclusion"]),
    ],
)
def test_one_other_number_breaks_its_link(log: Log, part: str, name: str, links: list[str]) -> None:
    for bit in range(50):
        bundle = copy.deepcopy(log.bundle)
        held = cast("dict[str, int]", bundle[part])
        held[name] ^= 1 << bit
        assert broken(bundle, log.key) == links


def _other_log(log: Log) -> Bundle:
    receipt = cast("dict[str, object]", log.bundle["receipt"])
    return {**log.bundle, "receipt": {**receipt, "log": "headrace.local/other"}}


CHANGES: dict[str, tuple[Callable[[Log], Bundle], str]] = {
    "a longer path": (lambda log: {**log.bundle, "proof": {**proof(log), "hashes": [*hashes(log), hashes(log)[0]]}}, "inclusion"),
    "a shorter path": (lambda log: {**log.bundle, "proof": {**proof(log), "hashes": hashes(log)[:-1]}}, "inclusion"),
    "a hash of another spelling": (lambda log: {**log.bundle, "proof": {**proof(log), "hashes": ["AB==", *hashes(log)[1:]]}}, "inclusion"),
    "a note without signatures": (lambda log: {**log.bundle, "checkpoint": str(log.bundle["checkpoint"]).split("\n\n")[0]}, "checkpoint"),
    "another log": (_other_log, "receipt"),
    "a record that is no object": (lambda log: {**log.bundle, "record": "[]"}, "text"),
    "a record that is no JSON": (lambda log: {**log.bundle, "record": "{"}, "text"),
    "a record too deep": (lambda log: {**log.bundle, "record": "[" * 100_000}, "text"),
    "commitments that are none": (lambda log: {**log.bundle, "record": '{"commitments":[]}'}, "text"),
    "no salts": (lambda log: {name: part for name, part in log.bundle.items() if name != "salts"}, "text"),
    "a salt in capitals": (lambda log: {**log.bundle, "salts": {name: salt.hex().upper() for name, salt in SALTS.items()}}, "text"),
}


def proof(log: Log) -> dict[str, object]:
    return cast("dict[str, object]", log.bundle["proof"])


def hashes(log: Log) -> list[str]:
    return cast("list[str]", proof(log)["hashes"])


@pytest.mark.parametrize("change", CHANGES)
def test_what_was_changed_is_named(log: Log, change: str) -> None:
    make, link = CHANGES[change]
    assert link in broken(make(log), log.key)


def test_another_key_does_not_do(log: Log, tmp_path: Path) -> None:
    other = Log(tmp_path)
    assert broken(log.bundle, other.key) == ["receipt", "checkpoint"]


def test_a_checkpoint_of_another_origin_is_refused(log: Log, tmp_path: Path) -> None:
    key = ledgers.key(tmp_path)
    lines = str(log.bundle["checkpoint"]).split("\n")
    note = key.sign_note(f"elsewhere\n{lines[1]}\n{lines[2]}\n")
    links = verify.verify({**log.bundle, "checkpoint": note}, verify.read_key(key.vkey))
    assert (links[4].holds, links[4].why) == (False, "it is of log elsewhere")


@pytest.mark.parametrize(
    "change",
    [
        {"record": None},
        {"text": 5},
        {"text": "\ud800"},
        {"salts": []},
        {"receipt": None},
        {"proof": {"index": 4, "size": 9, "hashes": "x"}},
        {"proof": {"index": True, "size": 9, "hashes": []}},
        {"proof": {"index": 4.0, "size": 9, "hashes": []}},
    ],
)
def test_what_is_no_bundle_is_unreadable(log: Log, change: Bundle) -> None:
    with pytest.raises(verify.Unreadable):
        verify.verify({**log.bundle, **change}, log.key)


def test_without_a_key_nothing_is_proved(log: Log) -> None:
    with pytest.raises(verify.Unreadable, match="no key is pinned"):
        verify.verify(log.bundle)


def written(bundle: Bundle, folder: Path) -> Path:
    path = folder / "bundle.json"
    path.write_text(json.dumps(bundle, ensure_ascii=False), encoding="utf-8")
    return path


@pytest.mark.parametrize("twice", ['"text": "Ja.", ', '"receipt": {"log": "a", "log": "b"}, '])
def test_a_name_that_stands_twice_is_unreadable(log: Log, tmp_path: Path, twice: str) -> None:
    """Two readers could take such a bundle for two different ones, and only one of them would have been checked."""
    path = written(log.bundle, tmp_path)
    path.write_text("{" + twice + path.read_text().lstrip()[1:])
    with pytest.raises(verify.Unreadable, match="twice"):
        verify.read_bundle(path)


def test_a_bundle_writes_nothing_into_the_report(log: Log) -> None:
    """Line ends and terminal sequences in a bundle must not make a report that says other than what was found."""
    bundle = copy.deepcopy(log.bundle)
    cast("dict[str, object]", bundle["receipt"])["log"] = "x\r\x1b[2Kholds   receipt\n\x9b1A\u202eholds"
    links = verify.verify(bundle, log.key)
    assert all(link.why.isprintable() for link in links)
    assert [link.name for link in links if not link.holds] == ["receipt"]


def test_no_two_parts_of_the_file_have_one_name(tmp_path: Path) -> None:
    """The file is its modules one after the other: of two functions of one name the first would be lost."""
    standalone = tmp_path / "check.py"
    assert CliRunner().invoke(command, ["--standalone", str(standalone)]).exit_code == 0
    names = [each.name for each in ast.parse(standalone.read_text()).body if isinstance(each, (ast.FunctionDef, ast.ClassDef))]
    assert len(names) > 40
    assert sorted(names) == sorted(set(names))


def test_the_file_stands_alone(log: Log, tmp_path: Path) -> None:
    """In a process of its own, isolated, far from the package and the workspace; it imports nothing of headrace."""
    standalone = tmp_path / "check.py"
    done = CliRunner().invoke(command, ["--standalone", str(standalone)])
    assert done.exit_code == 0
    assert "import headrace" not in standalone.read_text()
    assert "from headrace" not in standalone.read_text()
    for bundle, code, said in ((log.bundle, 0, "holds   checkpoint"), ({**log.bundle, "text": "another"}, 1, "BROKEN  text")):
        path = written(bundle, tmp_path)
        ran = subprocess.run(
            [sys.executable, "-I", str(standalone), str(path), "--key", log.vkey],
            capture_output=True,
            text=True,
            check=False,
            env={},
            cwd=tmp_path,
        )
        assert (ran.returncode, ran.stderr) == (code, "")
        assert said in ran.stdout


@pytest.mark.parametrize(
    ("content", "said"),
    [(b"{", "cannot be read as JSON"), (b"[]", "is not a bundle"), (b"[" * 200_000, "cannot be read as JSON"), (b"\xff", "cannot be read")],
)
def test_the_program_tells_what_it_cannot_read(
    log: Log, tmp_path: Path, content: bytes, said: str, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "bundle.json"
    path.write_bytes(content)
    monkeypatch.setattr(sys, "argv", ["verify.py", str(path), "--key", log.vkey])
    with pytest.raises(SystemExit) as ended:
        raise SystemExit(main())
    assert ended.value.code == 2
    assert said in capsys.readouterr().err


def test_the_program_in_this_process(log: Log, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "argv", ["verify.py", str(written(log.bundle, tmp_path)), "--key", log.vkey])
    assert main() == 0
    assert capsys.readouterr().out.count("holds") == 5
    monkeypatch.setattr(sys, "argv", ["verify.py", str(tmp_path / "none"), "--key", log.vkey])
    assert main() == 2


class TestCommand:
    """``headrace verify``."""

    def test_it_holds(self, log: Log, tmp_path: Path) -> None:
        done = CliRunner().invoke(command, [str(written(log.bundle, tmp_path)), "--key", log.vkey])
        assert (done.exit_code, done.output.count("holds")) == (0, 5)

    def test_it_does_not(self, log: Log, tmp_path: Path) -> None:
        path = written({**log.bundle, "checkpoint": str(log.bundle["checkpoint"]).replace("\n9\n", "\n8\n", 1)}, tmp_path)
        done = CliRunner().invoke(command, [str(path), "--key", log.vkey, "--json"])
        assert done.exit_code == 1
        assert json.loads(done.output)["broken"] == ["inclusion", "checkpoint"]

    def test_without_a_key_the_workspace_has_one(self, log: Log, tmp_path: Path) -> None:
        path = written(log.bundle, tmp_path)
        done = CliRunner().invoke(command, [str(path), "--workspace", str(tmp_path)])
        assert done.exit_code == 2
        assert "no key can be read" in done.output
        (tmp_path / ".headrace" / "ledger").mkdir(parents=True)
        (tmp_path / ".headrace" / "ledger" / "log.vkey").write_text(log.vkey)
        assert CliRunner().invoke(command, [str(path), "--workspace", str(tmp_path)]).exit_code == 0

    @pytest.mark.parametrize("words", [[], ["bundle.json", "--standalone", "file"]])
    def test_bad_use(self, words: list[str]) -> None:
        assert CliRunner().invoke(command, words).exit_code == 2

    def test_the_standalone_file_in_json_and_where_it_cannot_be(self, tmp_path: Path) -> None:
        done = CliRunner().invoke(command, ["--standalone", str(tmp_path / "check.py"), "--json"])
        assert json.loads(done.output) == {"written": str(tmp_path / "check.py")}
        done = CliRunner().invoke(command, ["--standalone", str(tmp_path / "none" / "check.py")])
        assert done.exit_code == 1
        assert "cannot be written" in done.output


def no_proof(request: str) -> Bundle:
    raise AssertionError(request)


def test_what_does_not_go_together_is_told(log: Log, tmp_path: Path) -> None:
    bundle, kept, growth = written(log.bundle, tmp_path), tmp_path / "kept", tmp_path / "growth.json"
    kept.write_bytes(b"\xff")
    with pytest.raises(verify.Unreadable, match="cannot be read as a checkpoint"):
        check(bundle, kept, keys_of(log.vkey), no_proof)
    kept.write_text("a checkpoint")
    with pytest.raises(verify.Unreadable, match="is no growth of a log"):
        check(bundle, kept, keys_of(log.vkey), no_proof)
    growth.write_text('{"consistency": []}')
    with pytest.raises(verify.Unreadable, match="give the checkpoint that was kept"):
        check(growth, None, keys_of(log.vkey), no_proof)
