"""``headrace check``: a folder of files to a workspace, or to every fault in it at once."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import PurePosixPath
from types import MappingProxyType
from typing import TYPE_CHECKING, TypeAlias, TypeVar

from pydantic import BaseModel, ValidationError

from headrace.config.faults import Fault
from headrace.config.files import KINDS, PEOPLE, POLICIES, ROOT, Folder
from headrace.config.located import Node, read
from headrace.config.model import Deployment, Model, People, Policy, Root, Service, Source, Workspace
from headrace.config.references import Known, References
from headrace.config.remainder import remainder
from headrace.config.words import faults_of

if TYPE_CHECKING:
    from pathlib import Path

    from headrace.config.located import Plain

PolicyFaults: TypeAlias = Callable[[Workspace, frozenset[str]], Sequence[Fault]]
"""Checks the policies' texts; `config` knows no policy language. It is asked also when the files have other faults: the workspace it
is given then holds what could be read, and the paths name the files that could not."""

GUARDS = frozenset({"secrets", "pii"})
"""Guards that every installation has."""

FORMS: Mapping[str, type[BaseModel]] = {
    ROOT: Root,
    PEOPLE: People,
    "services": Service,
    "deployments": Deployment,
    "sources": Source,
    "models": Model,
}
"""The form of a file, by its name or its folder."""

F = TypeVar("F", bound=BaseModel)


@dataclass(frozen=True, slots=True)
class Checked:
    """What a check found. `workspace` is None when there is any fault.

    `files` are the texts by path: all that a revision holds. `data` is what the YAML files say, as plain data: a revision keeps it
    too, so that reading it again needs no YAML.
    """

    workspace: Workspace | None
    faults: tuple[Fault, ...]
    files: Mapping[str, str]
    data: Mapping[str, Plain]


@dataclass(slots=True)
class _Forms:
    """The files that were read, and the forms that were filled in."""

    folder: Folder
    nodes: dict[str, Node] = field(default_factory=dict[str, Node])
    forms: dict[str, BaseModel] = field(default_factory=dict[str, BaseModel])
    partial: dict[str, BaseModel] = field(default_factory=dict[str, BaseModel])
    """What is left of a form without its faults: only to look up what it refers to."""
    faults: list[Fault] = field(default_factory=list[Fault])

    def load(self, path: str, form: type[BaseModel]) -> None:
        """Read one YAML file and fill in its form."""
        text = self.folder.read(path)
        if text is None:
            return
        held = read(text)
        self.faults.extend(Fault(path, each.line, each.column, each.message, each.mend) for each in held.problems)
        if held.root is None or held.root.plain() is None:
            if not held.problems:
                self.faults.append(Fault(path, 1, 1, "nothing stands in this file", "Fill it in or remove it."))
            return
        self.nodes[path] = held.root
        try:
            self.forms[path] = form.model_validate(held.root.plain(), by_alias=True, by_name=False)
        except ValidationError as error:
            self.faults.extend(faults_of(error, path, held.root, form))
            rest = remainder(held.root.plain(), form, error)
            if rest is not None:
                self.partial[path] = rest

    def of(self, form: type[F], kind: str) -> dict[str, F]:
        """The filled-in forms of a folder by the name that their file has."""
        found = ((path, each) for path, each in self.forms.items() if path.startswith(f"{kind}/"))
        return {PurePosixPath(path).stem: each for path, each in found if isinstance(each, form)}

    def one(self, path: str, form: type[F]) -> F | None:
        """The filled-in form of a file."""
        found = self.forms.get(path)
        return found if isinstance(found, form) else None


def check(
    folder: Path,
    *,
    models: Mapping[str, Model] = MappingProxyType({}),
    policy_faults: PolicyFaults | None = None,
    guards: frozenset[str] = GUARDS,
) -> Checked:
    """Read every file of the workspace in `folder` and find every fault.

    `models` is the built-in catalogue, `guards` the guards that there are. Raises nothing for what the files hold.
    """
    forms = _Forms(Folder(folder))
    if not forms.folder.exists(ROOT):
        return Checked(
            None, (Fault(ROOT, 1, 1, "this file is missing, so the folder is no workspace", "Make one with headrace init."),), {}, {}
        )
    forms.load(ROOT, Root)
    if forms.folder.exists(PEOPLE):
        forms.load(PEOPLE, People)
    for kind in KINDS:
        for path in forms.folder.names(kind, ".yaml"):
            forms.load(path, FORMS[kind])
    for path in forms.folder.names(POLICIES, ".cedar"):
        forms.folder.read(path)
    references = References(forms.folder, forms.nodes, _known(forms, models, guards))
    forms.faults.extend(references.faults({**forms.forms, **forms.partial}))
    workspace = _workspace(forms)
    faults = [*forms.folder.faults, *forms.faults]
    if policy_faults is not None:
        unread = frozenset(each.path for each in faults) - forms.forms.keys()
        faults.extend(policy_faults(workspace, unread))
    data: dict[str, Plain] = {path: node.plain() for path, node in forms.nodes.items()}
    return Checked(None if faults else workspace, tuple(sorted(set(faults))), forms.folder.texts, data)


def _known(forms: _Forms, models: Mapping[str, Model], guards: frozenset[str]) -> Known:
    names = {kind: frozenset(PurePosixPath(path).stem for path in forms.nodes if path.startswith(f"{kind}/")) for kind in KINDS}
    unread = {PurePosixPath(each.path).stem for each in forms.folder.faults + forms.faults if "/" in each.path}
    return Known(
        root=forms.one(ROOT, Root),
        people=forms.one(PEOPLE, People) if forms.folder.exists(PEOPLE) else People(),
        deployments=names["deployments"] | unread,
        sources=names["sources"] | unread,
        deployment_kinds={name: each.kind for name, each in forms.of(Deployment, "deployments").items()},
        source_tenants={name: source.tenant for name, source in forms.of(Source, "sources").items()},
        models={**dict.fromkeys(names["models"]), **models, **forms.of(Model, "models")},
        embedders=frozenset(name for name, model in models.items() if model.kind == "embedder"),
        guards=guards,
    )


def _workspace(forms: _Forms) -> Workspace:
    """What could be read. Whole when there is no fault."""
    texts = forms.folder.texts
    services = forms.of(Service, "services")
    prompts = {each.prompt for each in services.values() if each.prompt is not None}
    return Workspace(
        root=forms.one(ROOT, Root) or Root(headrace=1, name="unread"),
        people=forms.one(PEOPLE, People) or People(),
        services=services,
        deployments=forms.of(Deployment, "deployments"),
        sources=forms.of(Source, "sources"),
        models=forms.of(Model, "models"),
        policies=tuple(Policy(path=path, text=text) for path, text in texts.items() if path.startswith(f"{POLICIES}/")),
        prompts={path: texts[path] for path in sorted(prompts) if path in texts},
    )
