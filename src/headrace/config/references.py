"""What one file says about another: every name that is used must be there, and mean the right kind of thing."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import PurePosixPath
from typing import TYPE_CHECKING, TypeAlias

from headrace.config.faults import Fault, did_you_mean, listed
from headrace.config.files import PEOPLE, ROOT, Folder
from headrace.config.identity import JOINERS
from headrace.config.model import Deployment, Model, People, Root, Service, Source
from headrace.config.units import PriceUnit
from headrace.config.words import at

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from pydantic import BaseModel

    from headrace.config.located import Node
    from headrace.config.model import Readers

Loc: TypeAlias = tuple[int | str, ...]
_LONGEST_SHOWN = 80
_SPECIAL = frozenset("[]{}")
"""What other globs give a meaning to, and these do not."""
_NO_GROUP = "Somebody in people.yaml must belong to it, or headrace.yaml must list it under groups."
_NO_NAMES = frozenset({"", ".", ".."})


@dataclass(frozen=True, slots=True)
class Known:
    """What there is to refer to. `root` or `people` is None when its file could not be read: then nothing is said about what it holds."""

    root: Root | None
    people: People | None
    deployments: frozenset[str]
    sources: frozenset[str]
    deployment_kinds: Mapping[str, str]
    """``embedded``, ``embedder`` or ``provider``, of the deployments that could be read."""
    source_tenants: Mapping[str, str]
    models: Mapping[str, Model | None]
    embedders: frozenset[str]
    """Those of the built-in models that give vectors."""
    guards: frozenset[str]

    def members(self, tenant: str) -> frozenset[str]:
        """People and applications of a tenant."""
        if self.people is None:
            return frozenset()
        people = {each.person for each in self.people.people if each.tenant == tenant}
        return frozenset(people | {each.application for each in self.people.applications if each.tenant == tenant})

    def groups(self, tenant: str) -> frozenset[str]:
        """Groups that somebody of the tenant belongs to, and those that headrace.yaml lists."""
        if self.people is None:
            return frozenset()
        held = {group for each in (*self.people.people, *self.people.applications) if each.tenant == tenant for group in each.groups}
        return frozenset(held | set(self.root.groups if self.root else ()))


class References:
    """Looks up every reference of the filled-in forms."""

    def __init__(self, folder: Folder, nodes: Mapping[str, Node], known: Known) -> None:
        self._folder = folder
        self._nodes = nodes
        self._known = known
        self._found: list[Fault] = []

    def faults(self, forms: Mapping[str, BaseModel]) -> list[Fault]:
        """Every fault between the files."""
        for path, form in forms.items():
            if isinstance(form, Root):
                self._root(form)
            elif isinstance(form, People):
                self._people(form)
            elif isinstance(form, Service):
                self._named(path, "service", form.service)
                self._service(path, form)
            elif isinstance(form, Deployment):
                self._named(path, "deployment", form.deployment)
                self._deployment(path, form)
            elif isinstance(form, Source):
                self._named(path, "source", form.source)
                self._source(path, form)
            elif isinstance(form, Model):
                self._named(path, "model", form.model)
                self._model(path, form)
        return self._found

    def _root(self, form: Root) -> None:
        self._once(ROOT, ("tenants",), form.tenants)
        self._once(ROOT, ("placements",), form.placements)
        self._once(ROOT, ("groups",), form.groups)
        if self._known.people is None:
            return
        known = frozenset[str]().union(*(self._known.groups(tenant) for tenant in form.tenants))
        for theirs, ours in form.identity.groups.items():
            for name in ours:
                self._refer(ROOT, ("identity", "groups", theirs), "group", name, known, otherwise=_NO_GROUP)
        if form.identity.unknown_people != "refuse":
            self._refer(ROOT, ("identity", "unknown people"), "group", JOINERS, known, otherwise=_NO_GROUP)

    def _people(self, form: People) -> None:
        held: dict[tuple[str, str], str] = {}
        everyone = [("people", number, each.tenant, each.person, "person") for number, each in enumerate(form.people)]
        everyone += [
            ("applications", number, each.tenant, each.application, "application") for number, each in enumerate(form.applications)
        ]
        for part, number, tenant, name, word in everyone:
            self._tenant(PEOPLE, (part, number, "tenant"), tenant)
            if (tenant, name) in held:
                message = f'"{name}" is in tenant "{tenant}" already, as {held[tenant, name]}'
                self._add(PEOPLE, (part, number, word), message, "Ids of people and applications are one set in a tenant: choose another.")
            held.setdefault((tenant, name), "a person" if word == "person" else "an application")

    def _service(self, path: str, form: Service) -> None:
        for number, choice in enumerate(form.models):
            self._refer(path, ("models", number, "deployment"), "deployment", choice.deployment, self._known.deployments)
            self._suits(path, ("models", number, "deployment"), form, choice.deployment)
        self._once(path, ("models",), [each.deployment for each in form.models])
        if form.knowledge is not None:
            for number, name in enumerate(form.knowledge.sources):
                self._refer(path, ("knowledge", "sources", number), "source", name, self._known.sources)
            self._once(path, ("knowledge", "sources"), form.knowledge.sources)
            self._one_tenant(path, form.knowledge.sources)
        if form.knowledge is not None and form.knowledge.mode == "draft" and not form.models:
            self._add(
                path,
                ("knowledge", "mode"),
                "only a model can draft, and this service has none",
                "Name a deployment under models, or write mode: quote.",
            )
        if form.answer != "text" and not form.models:
            what = "write JSON" if form.answer == "json" else "give vectors"
            message = f"only a model can {what}, and this service has none"
            self._add(path, ("answer",), message, "Name a deployment under models, or leave answer out.")
        for part, actions in (("input", form.guards.input), ("passages", form.guards.passages), ("output", form.guards.output)):
            for name in actions:
                self._guard(path, ("guards", part, name), name)
        if form.prompt is not None:
            self._prompt(path, form.prompt)

    def _suits(self, path: str, loc: Loc, form: Service, deployment: str) -> None:
        """A model gives text or vectors, not both. What a provider's gives is for the provider to say."""
        kind = self._known.deployment_kinds.get(deployment)
        if form.answer == "vectors" and kind == "embedded":
            message = f'deployment "{deployment}" writes text, and this service answers in vectors'
            self._add(path, loc, message, "Name a deployment that is an embedder or a provider, or leave answer out.")
        elif form.answer != "vectors" and kind == "embedder":
            message = f'deployment "{deployment}" gives vectors, and this service answers in text'
            self._add(path, loc, message, "Name a deployment that writes, or say answer: vectors.")

    def _one_tenant(self, path: str, sources: Sequence[str]) -> None:
        tenants = {self._known.source_tenants[name]: name for name in sources if name in self._known.source_tenants}
        if len(tenants) > 1:
            message = f"these sources belong to different tenants ({listed(sorted(tenants))})"
            self._add(path, ("knowledge", "sources"), message, "Texts of two tenants are never joined: make a service for each.")

    def _guard(self, path: str, loc: Loc, name: str) -> None:
        if name in self._known.guards:
            return
        parent, _ = at(self._nodes[path], loc[:-1])
        node = parent.word(name) or parent
        self._found.append(Fault(path, node.line, node.column, f'unknown guard "{name}"', _offer(name, self._known.guards)))

    def _prompt(self, path: str, prompt: str) -> None:
        pure = PurePosixPath(prompt)
        if pure.is_absolute() or ".." in pure.parts or not prompt.isprintable() or not self._folder.inside(prompt):
            self._add(path, ("prompt",), f'"{_shown(prompt)}" is not a path inside the workspace', "Write for example prompts/help.md.")
        elif pure.as_posix() != prompt or pure.parts[:1] == (".headrace",):
            self._add(path, ("prompt",), f'"{prompt}" is not written plainly', f"Write {pure.as_posix()}, outside .headrace.")
        elif not self._folder.exists(prompt):
            alike = did_you_mean(prompt, self._folder.prompts())
            mend = f'Did you mean "{alike}"?' if alike else "Write the file, or leave prompt out."
            self._add(path, ("prompt",), f'there is no file "{prompt}"', mend)
        else:
            self._folder.read(prompt)

    def _deployment(self, path: str, form: Deployment) -> None:
        root = self._known.root
        if root is not None:
            self._refer(path, ("placement",), "placement", form.placement, frozenset(root.placements), where=ROOT)
        if form.embedded is not None:
            self._embedded_model(path, form.embedded.model)
        if form.embedder is not None:
            self._embedder_model(path, form.embedder.model)
        units = [each.per for each in form.price]
        for number, price in enumerate(form.price):
            if root is not None and price.currency != root.currency:
                message = f"this price is in {price.currency}, but the installation counts in {root.currency}"
                self._add(path, ("price", number), message, f"Write it in {root.currency}: rates of exchange are not guessed.")
            if form.provider is not None and price.per is PriceUnit.SLOT_HOUR:
                self._add(
                    path,
                    ("price", number),
                    "slots are counted only on an engine that Headrace runs itself",
                    "Give a provider's price per 1M tokens.",
                )
            if price.per in units[:number]:
                self._add(path, ("price", number), f"a price per {price.per} stands here already", "Keep one of the two.")

    def _embedded_model(self, path: str, name: str) -> None:
        loc = ("embedded", "model")
        language = frozenset(known for known, model in self._known.models.items() if model is None or model.kind == "language")
        if name in self._known.models and name not in language:
            self._add(path, loc, f'"{name}" is an embedder, not a language model', f"Known: {listed(sorted(language))}.")
        else:
            self._refer(path, loc, "model", name, language)

    def _embedder_model(self, path: str, name: str) -> None:
        """The one that searches go by: its weights are in memory already, and no other is loaded."""
        self._refer(path, ("embedder", "model"), "built-in embedder", name, self._known.embedders)

    def _source(self, path: str, form: Source) -> None:
        self._tenant(path, ("tenant",), form.tenant)
        if not self._folder.is_folder(form.folder):
            self._add(path, ("folder",), f'there is no folder "{_shown(form.folder)}"', "A relative path starts at the workspace.")
        self._readers(path, ("readers",), form.readers, form.tenant)
        self._once(path, ("rules",), [rule.path for rule in form.rules])
        for word, globs in (("include", form.include), ("exclude", form.exclude)):
            for number, glob in enumerate(globs):
                self._glob(path, (word, number), glob)
        for number, rule in enumerate(form.rules):
            self._glob(path, ("rules", number, "path"), rule.path)
            self._readers(path, ("rules", number, "readers"), rule.readers, form.tenant)

    def _glob(self, path: str, loc: Loc, glob: str) -> None:
        """A document's path begins in the source's folder and is written plainly; a rule that nothing ever matches protects nothing."""
        if not _SPECIAL.isdisjoint(glob):
            message = f'"{_shown(glob)}": brackets and braces are no pattern here; they would stand for themselves'
            self._add(path, loc, message, "Write one line for each name that is meant; ? stands for any one character.")
            return
        names = glob.replace("\\", "/").split("/")
        plain = [name for name in names if name not in _NO_NAMES]
        if not names[-1]:
            plain.append("**")
        if plain != glob.split("/"):
            self._add(path, loc, f'"{_shown(glob)}" matches no document', f"Write {_shown('/'.join(plain)) or '**'}.")

    def _readers(self, path: str, loc: Loc, readers: Readers, tenant: str) -> None:
        if self._known.people is None or self._known.root is None or tenant not in self._known.root.tenants:
            return
        for number, name in enumerate(readers.groups):
            known = self._known.groups(tenant)
            extra = (
                f"Somebody in people.yaml must belong to it, or headrace.yaml must list it under groups (known: {listed(sorted(known))})."
            )
            self._refer(path, (*loc, "groups", number), f"group of tenant {tenant}", name, known, otherwise=extra)
        for number, name in enumerate(readers.people):
            self._refer(path, (*loc, "people", number), f"person of tenant {tenant}", name, self._known.members(tenant), where=PEOPLE)

    def _model(self, path: str, form: Model) -> None:
        for number, each in enumerate(form.files):
            pure = PurePosixPath(each.file)
            if pure.is_absolute() or ".." in pure.parts or not each.file.isprintable():
                self._add(path, ("files", number, "file"), "this name leads out of the model's folder", "Write a plain file name.")
        self._once(path, ("files",), [each.file for each in form.files])

    def _named(self, path: str, word: str, name: str) -> None:
        stem = PurePosixPath(path).stem
        if name != stem:
            self._add(
                path,
                (word,),
                f'this {word} is called "{name}", but its file {PurePosixPath(path).name}',
                f"Rename the file to {name}.yaml, or the {word} to {stem}.",
            )

    def _tenant(self, path: str, loc: Loc, name: str) -> None:
        if self._known.root is not None:
            self._refer(path, loc, "tenant", name, frozenset(self._known.root.tenants), where=ROOT)

    def _refer(self, path: str, loc: Loc, kind: str, name: str, known: frozenset[str], *, where: str = "", otherwise: str = "") -> None:
        if name not in known:
            self._add(path, loc, f'unknown {kind} "{_shown(name)}"', _offer(name, known, kind=kind, where=where, otherwise=otherwise))

    def _once(self, path: str, loc: Loc, names: Iterable[str]) -> None:
        seen: set[str] = set()
        for number, name in enumerate(names):
            if name in seen:
                self._add(path, (*loc, number), f'"{_shown(name)}" is listed twice', "Keep one of the two.")
            seen.add(name)

    def _add(self, path: str, loc: Loc, message: str, mend: str) -> None:
        node, _ = at(self._nodes[path], loc)
        self._found.append(Fault(path, node.line, node.column, message, mend))


def _offer(name: str, known: Iterable[str], *, kind: str = "", where: str = "", otherwise: str = "") -> str:
    every = sorted(known)
    alike = did_you_mean(name, every)
    if alike is None:
        return otherwise or f"Known: {listed(every)}."
    place = where or (f"{kind}s/{alike}.yaml" if kind in {"deployment", "source"} else "")
    return f'Did you mean "{alike}"{f" ({place})" if place else ""}?'


def _shown(text: str) -> str:
    return text if text.isprintable() and len(text) <= _LONGEST_SHOWN else ascii(text[:_LONGEST_SHOWN])[1:-1]
