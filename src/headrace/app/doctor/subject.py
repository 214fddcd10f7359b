"""Whom the doctor looks at: one workspace, its state, and where it is served or going to be."""

from __future__ import annotations

import os
from contextlib import closing
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

from headrace.adapters.stores.control import ControlStore
from headrace.app.acts.checking import check_folder
from headrace.app.processes.installation import address
from headrace.config.files import is_workspace
from headrace.core.errors import HeadraceError

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from headrace.config.check import Checked
    from headrace.config.layout import Layout
    from headrace.config.model import Workspace
    from headrace.config.revision import Revision
    from headrace.core.values import StoredKey


@dataclass(frozen=True)
class Subject:
    """What every examination is given. `host` and `port`: where ``headrace up`` is going to serve."""

    layout: Layout
    host: str
    port: int

    @cached_property
    def checked(self) -> Checked | None:
        """The workspace's files as they stand now; None where there is no workspace."""
        return check_folder(self.layout.workspace) if is_workspace(self.layout.workspace) else None

    @cached_property
    def control(self) -> _Control | HeadraceError | None:
        """What the control store holds; the reason why it cannot be read; None where nothing was ever applied."""
        if not self.layout.control.exists():
            return None
        try:
            with closing(ControlStore(self.layout.control, still=True)) as store:
                return _Control(store.current(), tuple(store.list_keys()))
        except HeadraceError as error:
            return error

    @property
    def in_force(self) -> Revision | None:
        """The revision in force, if any."""
        return self.control.revision if isinstance(self.control, _Control) else None

    @property
    def keys(self) -> Sequence[StoredKey] | None:
        """Every key that ever was; None where they cannot be read."""
        return self.control.keys if isinstance(self.control, _Control) else None

    @cached_property
    def workspace(self) -> Workspace | None:
        """What is going to be served: the revision in force, or before the first apply the files, if they check."""
        if self.in_force is not None:
            try:
                return self.in_force.compile()
            except HeadraceError:
                return None  # told where the control store is looked at
        return self.checked.workspace if self.checked is not None else None

    @cached_property
    def running(self) -> Mapping[str, object] | None:
        """The installation that serves this workspace now."""
        return address(self.layout)

    @cached_property
    def environment(self) -> frozenset[str]:
        """Names of the environment variables that are set and not empty: of the running installation, or of this command's."""
        own = frozenset(name for name, value in os.environ.items() if value)
        if self.running is None:
            return own
        try:
            words = Path(f"/proc/{self.running['pid']}/environ").read_bytes().split(b"\0")
        except OSError:
            return own
        pairs = (os.fsdecode(word).partition("=") for word in words)
        return frozenset(name for name, _, value in pairs if value)


@dataclass(frozen=True, slots=True)
class _Control:
    revision: Revision | None
    keys: tuple[StoredKey, ...]
