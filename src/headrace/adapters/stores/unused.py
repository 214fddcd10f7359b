"""What LanceDB imports and we never use: the client of a remote catalogue, 199 modules of generated code.

They cost 1.5 of the 2.4 seconds of processor time that importing LanceDB takes, and 19 MB in every process that searches (decision 0134).
In their place stand modules that give a class without anything in it for whatever is asked of them: enough to be named in signatures, which
is all that LanceDB does with them as long as nobody connects to such a catalogue.
"""

from __future__ import annotations

import sys
from importlib.abc import Loader, MetaPathFinder
from importlib.machinery import ModuleSpec
from types import ModuleType
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

UNUSED = frozenset({"lance_namespace", "lance_namespace_urllib3_client"})


class _Empty(ModuleType):
    """A module that has every name, each for a class of its own."""

    def __getattr__(self, name: str) -> type:
        if name.startswith("__"):
            raise AttributeError(name)
        made = type(name, (Exception,) if name.endswith("Error") else (), {"__module__": self.__name__})
        setattr(self, name, made)
        return made


class _Finder(MetaPathFinder, Loader):
    def find_spec(self, fullname: str, path: Sequence[str] | None, target: ModuleType | None = None) -> ModuleSpec | None:
        del path, target
        return ModuleSpec(fullname, self, is_package=True) if fullname.partition(".")[0] in UNUSED else None

    def create_module(self, spec: ModuleSpec) -> ModuleType:
        return _Empty(spec.name)

    def exec_module(self, module: ModuleType) -> None:
        """Nothing stands in it."""


def leave_out() -> None:
    """From now on, importing what is unused gives modules without content. Idempotent."""
    if not any(isinstance(each, _Finder) for each in sys.meta_path):
        sys.meta_path.insert(0, _Finder())
