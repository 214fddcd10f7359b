"""Every command and snippet of the documentation runs, against an installation that was started as its readers start theirs."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from pydantic import TypeAdapter

from headrace.config.located import read
from headrace.config.schemas import FORMS
from tests.docs.pages import ROOT, Block, blocks, pages, script
from tests.support.installation import running

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.support.installation import Installation

ELSEWHERE = {
    "make up": "tests/scenario/test_make_up.py",
    "make up DOCS=/srv/handbook": "tests/scenario/test_make_up.py",
    "make test": ".ci/run",
    "make check": ".ci/run",
    "source .venv/bin/activate": "tests/scenario/test_make_up.py",
}
"""Commands that are run, but not here: where."""
SHELLS = {"console", "python", "yaml", "json", "cedar", "diff", ""}
WITHIN = 120
EDIT = """
import sys
from pathlib import Path
sys.path.insert(0, {root!r})
from tests.docs.pages import blocks, edited, file_of
number, where = int(sys.argv[1]), sys.argv[2]
path = Path(file_of(where))
path.write_text(edited(path.read_text(), blocks(Path({page!r}))[number].body, where))
"""
PAGES = [
    page
    for page in pages()
    if page.name != "CONTRIBUTING.md" and any(each.kind in {"console", "python"} and not each.read_only for each in blocks(page))
]
YAML = [each for page in pages() for each in blocks(page) if each.kind == "yaml" and not each.read_only and each.said is None]


def name(page: Path) -> str:
    return str(page.relative_to(ROOT))


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where a reader stands: a folder with their documents, beside the workspace that ``make up`` made."""
    folder = tmp_path_factory.mktemp("reader")
    (folder / "handbook").mkdir()
    (folder / "handbook" / "travel.md").write_text("# Travel\n\nHotels are booked by the travel desk. Trains are first class.\n")
    shutil.copytree(ROOT / "docs", folder / "docs", ignore=shutil.ignore_patterns("decisions"))
    (folder / "snippets").mkdir()
    return folder


@pytest.fixture(scope="module")
def served(home: Path) -> Iterator[Installation]:
    """The workspace, being served."""
    with running(home / "workspace", documents=home / "docs") as installation:
        yield installation


@pytest.fixture
def installation(served: Installation, home: Path) -> Iterator[Installation]:
    """The same for every page: what one changes is taken back before the next."""
    kept, workspace = home / "kept", served.workspace
    shutil.copytree(workspace, kept, ignore=shutil.ignore_patterns(".headrace"))
    yield served
    for each in workspace.iterdir():
        if each.is_dir() and each.name != ".headrace":
            shutil.rmtree(each)
    shutil.copytree(kept, workspace, dirs_exist_ok=True)
    shutil.rmtree(kept)
    served.run("apply")


@pytest.mark.parametrize("page", PAGES, ids=name)
def test_a_page_runs_from_its_first_command_to_its_last(page: Path, installation: Installation, home: Path) -> None:
    key = installation.key("reader", groups=("members", "curators"))
    there = {"http://127.0.0.1:8080": installation.url, "/srv/handbook": str(home / "handbook")}
    for number, block in enumerate(blocks(page)):
        if block.kind == "python":
            (home / "snippets" / f"{number}.py").write_text(_put(block.body, {**there, "hr_live_…": key}))
    (home / "edit.py").write_text(EDIT.format(root=str(ROOT), page=str(page)))
    environment = {**os.environ, "PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}", "HEADRACE_KEY": key}
    environment.pop("HEADRACE_WORKSPACE", None)
    command = ["bash", "-c", _put(script(page, ELSEWHERE), there)]
    done = subprocess.run(command, cwd=home, env=environment, capture_output=True, text=True, timeout=WITHIN, check=False)
    assert done.returncode == 0, f"{done.stderr[-3000:]}\n--- output\n{done.stdout[-2000:]}"


def _put(text: str, there: dict[str, str]) -> str:
    """A page's addresses and folders as they are here."""
    for shown, meant in there.items():
        text = text.replace(shown, meant)
    return text


@pytest.mark.parametrize("block", YAML, ids=lambda block: f"{name(block.page)}:{block.line}")
def test_a_file_that_is_shown_is_one_that_can_be_read(block: Block) -> None:
    first = block.body.splitlines()[0]
    path = re.match(r"# ([a-z]+)(?:/[\w.-]+)?\.?(yaml)?", first)
    held = read(block.body)
    assert not held.problems, held.problems
    assert path is not None, f"{name(block.page)}:{block.line}: the first line names the file: # services/help.yaml"
    form = FORMS[{"services": "service", "deployments": "deployment", "sources": "source", "models": "model"}.get(path[1], path[1])]
    assert held.root is not None
    TypeAdapter(form).validate_python(held.root.plain())


def test_what_is_run_elsewhere_is() -> None:
    for command, where in ELSEWHERE.items():
        assert (ROOT / where).is_file(), f"{command} is said to run in {where}"


def test_a_block_says_what_it_is_and_why_it_is_not_run() -> None:
    for page in pages():
        for block in blocks(page):
            assert block.kind in SHELLS, f"{name(page)}:{block.line}: {block.kind}"
            if block.said is not None and block.said[0] == "not run":
                assert len(block.said[1].split()) > 2, f"{name(page)}:{block.line}: why is it not run?"


def test_links_between_pages_lead_somewhere() -> None:
    for page in pages():
        for target in re.findall(r"\]\((?!https?:|#|mailto:)([^)#\s]+)", page.read_text(encoding="utf-8")):
            assert (page.parent / target).exists(), f"{name(page)} links to {target}"


def test_the_reference_is_what_the_code_says() -> None:
    done = subprocess.run([sys.executable, "tools/reference.py", "--check"], cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
