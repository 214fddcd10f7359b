"""What ``headrace init`` writes: a workspace with four services, ready to serve. The files beside this module are that workspace."""

from __future__ import annotations

import json
import os
import shutil
import tempfile
from contextlib import contextmanager
from importlib.resources import files
from pathlib import Path
from typing import TYPE_CHECKING

import headrace
from headrace.config.files import ROOT, Folder, is_workspace
from headrace.config.located import read, scalar
from headrace.config.schemas import publish
from headrace.core.errors import OperationFailed

if TYPE_CHECKING:
    from collections.abc import Generator
    from importlib.resources.abc import Traversable

    from headrace.config.located import Node, Plain

SOURCE = "sources/documents.yaml"
"""The source whose folder ``--docs`` sets."""
OWN_FOLDER = "documents"
BEHIND_THE_SCENES = "decisions/**"
"""Of Headrace's own documentation, what tells how it came about and answers no question of somebody who uses it."""
_MORE = f', "{BEHIND_THE_SCENES}"]'
_LAST_EXCLUDED = '"**/.*/**"'
_RENAMED = {"gitignore": ".gitignore"}
_HARMLESS = frozenset({".git"})
"""What may stand in a folder that is otherwise empty."""


CHECKOUT = Path(headrace.__file__).resolve().parents[2]
"""Where Headrace's own documentation (``docs/``) is, when it runs from its sources."""


def write(workspace: Path, documents: Path | None, *, checkout: Path = CHECKOUT) -> tuple[str, ...]:
    """Make a workspace whose documents are in `documents`. None: Headrace's own documentation in `checkout`, or where that is not, a
    folder in the workspace with a word of how to fill it.

    All or nothing, and nothing is ever overwritten. Gives the paths written, in order. Raises OperationFailed when the folder is a
    workspace already, holds something else, or cannot be written.
    """
    _refuse_unless_empty(workspace)
    own = documents is None and (checkout / "docs").is_dir()
    if own:
        documents = checkout / "docs"
    if documents is not None:
        _refuse_unless_folder(documents)
    try:
        workspace.parent.mkdir(parents=True, exist_ok=True)
        with _beside(workspace) as made:
            written = [path for path in _copy(files(__name__), made) if documents is None or not path.startswith(f"{OWN_FOLDER}/")]
            if documents is not None:
                shutil.rmtree(made / OWN_FOLDER)
                point_documents(made, documents, start=workspace)
            if own:
                _pass_over(made / SOURCE)
            publish(made / ".headrace" / "schemas")
            (made / ".headrace").chmod(0o700)
            _move(made, workspace)
    except OSError as error:
        msg = f"The workspace {workspace} could not be written: {error.strerror or error}."
        raise OperationFailed(
            msg, code="workspace.not_written", mend="Nothing was left behind. Choose another folder, or make room."
        ) from error
    return tuple(sorted(written))


def point_documents(workspace: Path, folder: Path, *, start: Path | None = None) -> bool:
    """Make the source of documents read `folder`; the rest of its file, comments too, stays as it is. False when it does already.

    The source is ``sources/documents.yaml``, or the only one there is. `start` is where the workspace is going to be, when that is not
    where it is now. Raises OperationFailed when there is no such folder, no such source, or its file cannot be read.
    """
    _refuse_unless_folder(folder)
    path = _source_file(workspace)
    text = Folder(workspace).read(path.relative_to(workspace).as_posix()) or ""
    root = read(text).root
    node = root.member("folder") if root is not None else None
    wanted = _written(folder, start or workspace)
    if node is not None and node.value == wanted:
        return False
    changed = text[: node.start] + _quoted(wanted) + text[node.end :] if node is not None else text
    words = {**_words(root), "folder": wanted} if root is not None else {}
    excluded = words.get("exclude")
    if isinstance(excluded, list) and _MORE in changed:  # it was of our own documentation alone
        changed = changed.replace(_MORE, "]", 1)
        words["exclude"] = [each for each in excluded if each != BEHIND_THE_SCENES]
    if root is None or not _says(changed, words):
        msg = f"{path.name} has no folder that could be set."
        raise OperationFailed(msg, code="workspace.no_folder", mend="Write it there yourself; headrace check tells what is wrong with it.")
    temporary = path.with_name(f".{path.name}.new")
    temporary.write_text(changed, encoding="utf-8")
    temporary.replace(path)
    return True


def _pass_over(source: Path) -> None:
    """Leave what is behind the scenes out of a source of the template."""
    text = source.read_text(encoding="utf-8")
    source.write_text(text.replace(_LAST_EXCLUDED + "]", _LAST_EXCLUDED + _MORE, 1), encoding="utf-8")


def _says(text: str, wanted: dict[str, Plain]) -> bool:
    """Whether a text reads as exactly these words: the proof that an edit in place changed nothing else."""
    held = read(text)
    return not held.problems and held.root is not None and _words(held.root) == wanted


def _words(root: Node) -> dict[str, Plain]:
    plain = root.plain()
    return plain if isinstance(plain, dict) else {}


def _source_file(workspace: Path) -> Path:
    path = workspace / SOURCE
    if path.is_file():
        return path
    others = sorted((workspace / "sources").glob("*.yaml"))
    if len(others) == 1:
        return others[0]
    msg = f"There is no {SOURCE}, and {len(others)} other sources: which one is meant?"
    raise OperationFailed(msg, code="workspace.which_source", mend="Write the folder into the source's file yourself, then headrace apply.")


def _written(folder: Path, workspace: Path) -> str:
    """The folder as the file names it: relative when both stand in one checkout of Headrace, so that it can be moved; else absolute."""
    folder, workspace = folder.resolve(), workspace.resolve()
    near = folder.is_relative_to(workspace) or (folder.is_relative_to(CHECKOUT) and workspace.is_relative_to(CHECKOUT))
    return os.path.relpath(folder, workspace) if near else str(folder)


def _quoted(text: str) -> str:
    """A YAML scalar that reads as this text."""
    plain = text.isascii() and text.replace("/", "").replace(".", "").replace("_", "").replace("-", "").isalnum() and text[0] not in "-."
    return text if plain and isinstance(scalar(text), str) else json.dumps(text, ensure_ascii=False)


def _refuse_unless_empty(workspace: Path) -> None:
    if is_workspace(workspace):
        msg = f"{workspace} is a workspace already; nothing was written."
        raise OperationFailed(msg, code="workspace.exists", mend="Change its files and headrace apply, or choose another folder.")
    if workspace.is_symlink() and not workspace.exists():
        msg = f"{workspace} is a symbolic link that leads nowhere."
        raise OperationFailed(msg, code="workspace.not_empty", mend="Choose another folder.")
    if workspace.exists() and (not workspace.is_dir() or any(each.name not in _HARMLESS for each in workspace.iterdir())):
        msg = f"{workspace} is not empty and is no workspace (it has no {ROOT}); nothing was written."
        raise OperationFailed(msg, code="workspace.not_empty", mend="Choose an empty or new folder.")


def _refuse_unless_folder(documents: Path) -> None:
    try:
        str(documents).encode()
        there = documents.is_dir()
    except (OSError, ValueError):
        there = False
    if not there:
        msg = f"There is no folder {ascii(str(documents))[1:-1]}."
        raise OperationFailed(msg, code="workspace.no_documents", mend="Name a folder of documents that exists, and whose name is UTF-8.")


@contextmanager
def _beside(workspace: Path) -> Generator[Path]:
    """A new folder on the same disk; gone after the block."""
    made = Path(tempfile.mkdtemp(prefix=".headrace-init-", dir=workspace.parent))
    try:
        yield made
    finally:
        shutil.rmtree(made, ignore_errors=True)


def _copy(found: Traversable, into: Path, prefix: str = "") -> list[str]:
    written: list[str] = []
    for each in found.iterdir():
        if each.name.endswith(".py") or each.name == "__pycache__":
            continue
        name = _RENAMED.get(each.name, each.name)
        if each.is_dir():
            (into / name).mkdir()
            written += _copy(each, into / name, f"{prefix}{name}/")
        else:
            (into / name).write_bytes(each.read_bytes())
            written.append(f"{prefix}{name}")
    return written


def _move(made: Path, workspace: Path) -> None:
    """Put the whole in its place: in one step where the folder is new."""
    if not workspace.exists():
        made.chmod(0o755 & ~_umask())
        made.rename(workspace)
        made.mkdir()
        return
    for each in made.iterdir():
        each.rename(workspace / each.name)


def _umask() -> int:
    now = os.umask(0)
    os.umask(now)
    return now
