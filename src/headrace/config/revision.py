"""A revision: one state of the workspace's files, named by its content.

Its id is the SHA-256 of the canonical JSON (RFC 8785) of path to text. Beside the files it keeps what the YAML among them says, as JSON:
a running process reads that, so it needs no YAML and no second check.
"""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass
from pathlib import PurePosixPath
from typing import TYPE_CHECKING

import msgspec
from pydantic import ValidationError

from headrace.config.files import KINDS, PEOPLE, POLICIES, ROOT
from headrace.config.model import Workspace
from headrace.core.errors import OperationFailed

if TYPE_CHECKING:
    from collections.abc import Mapping

    from headrace.config.check import Checked

SHORT = 12
"""Characters of an id that people read."""


@dataclass(frozen=True, slots=True)
class Revision:
    """The texts of every file by path, and what the YAML files say by path (JSON)."""

    id: str
    files: Mapping[str, str]
    data: str

    @property
    def short(self) -> str:
        """The id, as people read it."""
        return self.id[:SHORT]

    def compile(self) -> Workspace:
        """The workspace that the revision says. Raises OperationFailed when this version of Headrace cannot read it."""
        said: dict[str, object] = msgspec.json.decode(self.data, type=dict[str, object])
        named: dict[str, dict[str, object]] = {kind: {} for kind in KINDS}
        for path, value in said.items():
            pure = PurePosixPath(path)
            if str(pure.parent) in named:
                named[str(pure.parent)][pure.stem] = value
        policies = [{"path": path, "text": text} for path, text in sorted(self.files.items()) if path.startswith(f"{POLICIES}/")]
        read = {path for path in said if path in self.files}
        prompts = {path: text for path, text in self.files.items() if path not in read and not path.startswith(f"{POLICIES}/")}
        whole = {"root": said.get(ROOT), "people": said.get(PEOPLE, {}), "policies": policies, "prompts": prompts, **named}
        try:
            return Workspace.model_validate(whole)
        except ValidationError as error:
            places = error.error_count()
            msg = f"Revision {self.short} was written by another version of Headrace, and this one cannot read it ({places} places)."
            raise OperationFailed(
                msg, code="workspace.unreadable_revision", mend="Check the files with headrace check, and apply them again."
            ) from error


def identity(files: Mapping[str, str]) -> str:
    """The id of a set of files: SHA-256 (hex) of the canonical JSON of path to text."""
    return hashlib.sha256(canonical(files).encode()).hexdigest()


def canonical(files: Mapping[str, str]) -> str:
    """RFC 8785: keys in the order of their UTF-16 code units, no white space, only what must be escaped is."""
    ordered = dict(sorted(files.items(), key=lambda item: item[0].encode("utf-16-be")))
    return json.dumps(ordered, ensure_ascii=False, separators=(",", ":"))


def of(checked: Checked) -> Revision:
    """The revision of a workspace that checked. Raises ValueError when it has faults: such a one is never stored."""
    if checked.workspace is None:
        msg = "a workspace with faults makes no revision"
        raise ValueError(msg)
    return Revision(identity(checked.files), dict(checked.files), msgspec.json.encode(checked.data).decode())


def stored(revision_id: str, files: str, data: str) -> Revision:
    """A revision as a store kept it. Raises OperationFailed when its files are not those that the id names."""
    texts = msgspec.json.decode(files, type=dict[str, str])
    if identity(texts) != revision_id:
        msg = f"The stored files of revision {revision_id[:SHORT]} are not those that its id names."
        raise OperationFailed(
            msg, code="workspace.revision_damaged", mend="The control store was changed by hand or damaged: apply the files again."
        )
    return Revision(revision_id, texts, data)
