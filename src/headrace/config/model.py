"""The forms of the workspace's files. One frozen model a kind; their JSON Schemas are published by ``headrace show --schemas``.

Values carry their units in text (``0.02 EUR per slot-hour``, ``20 s``), as a person writes them; :mod:`headrace.config.units` reads
them. A form never holds a secret: it names one (``env:NAME``). The descriptions here are the reference that users read.
"""

from __future__ import annotations

from typing import Annotated, Literal, TypeAlias, cast
from urllib.parse import urlsplit

from pydantic import BeforeValidator, Field, field_validator, model_validator

from headrace.config.form import DurationField, Form, Name, PriceField, SizeField, Whole
from headrace.config.identity import Identity
from headrace.config.units import read_duration, read_size
from headrace.core.labels import Sensitivity
from headrace.core.text import Action


def _pairs(value: object) -> object:
    """``[secrets: refuse, pii: mask]`` (a list of one-word maps) reads as the map it means."""
    if not isinstance(value, list):
        return value
    listed = cast("list[object]", value)
    merged: dict[object, object] = {}
    for each in listed:
        if not isinstance(each, dict) or len(cast("dict[object, object]", each)) != 1:
            return listed
        merged.update(cast("dict[object, object]", each))
    return merged if len(merged) == len(listed) else listed


def _sensitivity(value: object) -> object:
    """The word, as the file writes it; the number behind it is nobody's business."""
    if isinstance(value, Sensitivity):
        return value
    if isinstance(value, str) and value.islower() and value.upper() in Sensitivity.__members__:
        return Sensitivity[value.upper()]
    msg = f"{value!r} is not a sensitivity; it is one of public, internal, confidential, restricted"
    raise ValueError(msg)


SensitivityField = Annotated[
    Sensitivity, BeforeValidator(_sensitivity, json_schema_input_type=Literal["public", "internal", "confidential", "restricted"])
]
_ActionWord: TypeAlias = Literal["flag", "mask", "refuse"]
_OnePair = Annotated[dict[str, _ActionWord], Field(min_length=1, max_length=1)]
GuardActions: TypeAlias = Annotated[
    dict[str, Action], BeforeValidator(_pairs, json_schema_input_type=dict[str, _ActionWord] | list[_OnePair])
]


class Limits(Form):
    """What the gateway accepts of one client at one time."""

    body: SizeField = Field(
        default_factory=lambda: read_size("2 MiB"), json_schema_extra={"default": "2 MiB"}, description="Most bytes of one request's body."
    )
    headers_within: DurationField = Field(
        alias="headers within",
        default_factory=lambda: read_duration("10 s"),
        json_schema_extra={"default": "10 s"},
        description="A client's headers must be here by then.",
    )
    body_within: DurationField = Field(
        alias="body within",
        default_factory=lambda: read_duration("30 s"),
        json_schema_extra={"default": "30 s"},
        description="A client's body must be here by then.",
    )
    answer_within: DurationField = Field(
        alias="answer within",
        default_factory=lambda: read_duration("300 s"),
        json_schema_extra={"default": "300 s"},
        description="The whole answer must be given by then.",
    )


class Ledger(Form):
    """What the ledger shows."""

    public_tiles: Annotated[bool, Field(strict=True)] = Field(
        default=False,
        alias="public tiles",
        description="Anybody may read the log's checkpoint and hashes, without a key; they tell how much is asked, not what or by whom.",
    )


class Root(Form):
    """``headrace.yaml``: the installation."""

    headrace: Literal[1] = Field(description="Version of the workspace's form.")
    name: Name = Field(description="What the installation is called.")
    tenants: tuple[Name, ...] = Field(default=("default",), min_length=1, description="Tenants; what one owns is invisible to the others.")
    groups: tuple[Name, ...] = Field(
        default=(), description="Groups that exist though nobody in people.yaml belongs to them: keys, sign-in and import give them."
    )
    placements: tuple[Name, ...] = Field(
        default=("here",), min_length=1, description="Places where a deployment may run; policies speak of them."
    )
    currency: Annotated[str, Field(pattern="^[A-Z]{3}$")] = Field(default="EUR", description="Currency of every price and bill (ISO 4217).")
    hosts: tuple[Annotated[str, Field(pattern=r"^[a-z0-9]([a-z0-9.-]{0,251}[a-z0-9])?$")], ...] = Field(
        default=(), description="Host names under which browsers reach the console, beside IP addresses and localhost."
    )
    limits: Limits = Field(default_factory=Limits, description="What the gateway accepts of one client.")
    identity: Identity = Field(default_factory=Identity, description="How people sign in, and for how long.")
    ledger: Ledger = Field(default_factory=Ledger, description="What the ledger shows.")


class Knowledge(Form):
    """What a service may know."""

    sources: tuple[Name, ...] = Field(min_length=1, description="Sources that are searched, each by its name.")
    mode: Literal["quote", "draft"] = Field(
        default="quote",
        description="quote: the sentences that answer, verbatim and cited; else it abstains. draft: a model writes from the passages, and "
        "each of its sentences is cited or taken out; else it quotes, or abstains.",
    )
    unsupported: Literal["remove", "flag"] = Field(
        default="remove",
        description="What becomes of a sentence of a draft that the passages do not support. One with a figure or a name that no passage "
        "holds, or that denies a passage, is always removed.",
    )
    passages: Whole = Field(default=5, ge=1, le=20, description="Passages that a search brings.")
    quotes: Whole = Field(default=2, ge=1, le=5, description="Most quotes in one answer.")
    abstain_below: Annotated[float, Field(strict=True, ge=0, le=1)] | None = Field(
        default=None,
        alias="abstain below",
        description="Confidence (0 to 1) below which nothing is quoted; left out: the calibrated default (see evidence first).",
    )


class ModelChoice(Form):
    """One deployment of a service's portfolio."""

    deployment: Name = Field(description="A deployment, by its name.")


class ServiceGuards(Form):
    """Which guard does what, where text enters."""

    input: GuardActions = Field(default_factory=dict, description="On what the client sends: guard and action (flag, mask, refuse).")
    passages: GuardActions = Field(default_factory=dict, description="On passages that a search brought.")
    output: GuardActions = Field(default_factory=dict, description="On what a model wrote.")


class Service(Form):
    """``services/NAME.yaml``: the unit that people call."""

    service: Name = Field(description="Its name, as clients write it under model; the file has the same name.")
    about: str = Field(default="", description="What it is for, in a sentence.")
    owner: str = Field(default="", description="Whom to ask about it.")
    knowledge: Knowledge | None = Field(default=None, description="What it may know; with it, answers are grounded in sources.")
    prompt: str | None = Field(default=None, description="Path of a system prompt, relative to the workspace.")
    models: tuple[ModelChoice, ...] = Field(default=(), description="Deployments that may answer: the first that policy allows does.")
    guards: ServiceGuards = Field(default_factory=ServiceGuards, description="Which guard does what, where text enters.")
    answer: Literal["text", "json", "vectors"] = Field(
        default="text", description="json: a request must bring a JSON Schema. vectors: it turns texts into vectors (POST /v1/embeddings)."
    )
    max_tokens: Whole = Field(default=512, ge=1, alias="max tokens", description="Answer tokens when the request does not say.")
    temperature: Annotated[float, Field(ge=0, le=2)] | None = Field(
        default=None, description="When the request does not say; 0 gives the likeliest text each time. Left out: the deployment's own."
    )

    @model_validator(mode="after")
    def _answers_somehow(self) -> Service:
        if self.knowledge is None and not self.models:
            msg = "a service needs knowledge, or at least one deployment under models"
            raise ValueError(msg)
        return self

    @model_validator(mode="after")
    def _only_turns_texts_into_vectors(self) -> Service:
        if self.answer == "vectors" and (self.knowledge is not None or self.prompt is not None or self.temperature is not None):
            msg = (
                "a service that answers in vectors has no knowledge, prompt or temperature: nothing is added to a text, and nothing written"
            )
            raise ValueError(msg)
        if self.answer == "vectors" and self.guards.output:
            msg = "a service that answers in vectors writes no text, so there is nothing for guards on its output to look at"
            raise ValueError(msg)
        return self


class EmbeddedEngine(Form):
    """The engine that Headrace runs itself (llama.cpp in a child process)."""

    model: Name = Field(description="A built-in model or one of models/, by its name.")
    slots: Whole = Field(default=4, ge=1, le=64, description="Answers that it works on at one time.")
    context: Whole = Field(default=8192, ge=256, description="Tokens of context over all slots; each gets its equal share.")
    threads: Annotated[Whole, Field(ge=1)] | None = Field(
        default=None, description="Left out: what suits the weights; one core stays free."
    )


class EmbeddedEmbedder(Form):
    """The embedder that Headrace runs itself, beside its searches (in the knowledge process)."""

    model: Name = Field(description="The built-in embedder, by its name.")
    slots: Whole = Field(default=2, ge=1, le=64, description="Requests that it works on at one time.")


class Provider(Form):
    """A model served elsewhere, over the OpenAI dialect: chat, or embeddings where a service answers in vectors."""

    dialect: Literal["openai"] = Field(default="openai", description="How it is spoken to.")
    url: Annotated[str, Field(pattern=r"^https?://")] = Field(description="Up to and including /v1.")
    model: str = Field(min_length=1, description="The model's name, as the provider knows it.")
    key: Annotated[str, Field(pattern=r"^env:[A-Z][A-Z0-9_]*$")] | None = Field(
        default=None, description="env:NAME: the environment variable that holds the provider's key. Never the key itself."
    )
    context: Annotated[Whole, Field(ge=256)] | None = Field(
        default=None, description="Tokens that prompt and answer may have together, if known."
    )
    concurrency: Whole = Field(default=64, ge=1, description="Answers asked for at one time.")
    answer_within: DurationField = Field(
        default_factory=lambda: read_duration("120 s"),
        alias="answer within",
        json_schema_extra={"default": "120 s"},
        description="The provider's whole answer must be here by then.",
    )

    @field_validator("url")
    @classmethod
    def _address(cls, value: str) -> str:
        try:
            parts = urlsplit(value)
            named = parts.hostname is not None and parts.port != 0
        except ValueError:
            named = False
        if not named or not value.isascii() or not value.isprintable() or " " in value:
            msg = "it is no address: https://HOST/v1, or https://HOST:PORT/v1"
            raise ValueError(msg)
        if "@" in urlsplit(value).netloc or "#" in value:
            msg = "a user, a password or a # in the address is not sent; the key belongs under key"
            raise ValueError(msg)
        return value


class Deployment(Form):
    """``deployments/NAME.yaml``: one place where a model runs."""

    deployment: Name = Field(description="Its name; the file has the same name.")
    about: str = Field(default="", description="What it is, in a sentence.")
    placement: Name = Field(default="here", description="Where it runs: one of the placements in headrace.yaml.")
    embedded: EmbeddedEngine | None = Field(default=None, description="An engine that Headrace runs itself.")
    embedder: EmbeddedEmbedder | None = Field(default=None, description="An embedder that Headrace runs itself.")
    provider: Provider | None = Field(default=None, description="A model served elsewhere.")
    price: tuple[PriceField, ...] = Field(default=(), description="What it costs, one price a unit; each token price is per million.")

    @model_validator(mode="after")
    def _one_kind(self) -> Deployment:
        if sum(each is not None for each in (self.embedded, self.embedder, self.provider)) != 1:
            msg = "a deployment is either embedded, an embedder or a provider; write exactly one of them"
            raise ValueError(msg)
        return self

    @property
    def kind(self) -> Literal["embedded", "embedder", "provider"]:
        """Which of the three it is."""
        return "embedded" if self.embedded is not None else "embedder" if self.embedder is not None else "provider"

    @property
    def model(self) -> str:
        """The model that runs there, by the name that Headrace or the provider knows it by."""
        return next(each.model for each in (self.embedded, self.embedder, self.provider) if each is not None)


class Readers(Form):
    """Who may read: any of these groups or people of the source's tenant."""

    groups: tuple[str, ...] = Field(default=(), description="Groups of the source's tenant.")
    people: tuple[str, ...] = Field(default=(), description="People or applications of the source's tenant.")


class ReaderRule(Form):
    """Other readers for a part of a source; the first rule whose pattern matches a document's path holds."""

    path: str = Field(min_length=1, description="A glob over the path inside the source, e.g. hr/**")
    readers: Readers = Field(description="Who may read what matches, instead of the source's readers.")


class Source(Form):
    """``sources/NAME.yaml``: documents with an owner and readers."""

    source: Name = Field(description="Its name; the file has the same name.")
    about: str = Field(default="", description="What it holds, in a sentence.")
    owner: str = Field(default="", description="Whom to ask about it.")
    tenant: Name = Field(default="default", description="The tenant that it belongs to.")
    folder: str = Field(min_length=1, description="A folder; a relative path starts at the workspace.")
    include: tuple[str, ...] = Field(default=("**/*",), description="Globs of the files to read.")
    exclude: tuple[str, ...] = Field(default=(), description="Globs of files to pass over, although included.")
    readers: Readers = Field(description="Who may read its documents.")
    rules: tuple[ReaderRule, ...] = Field(default=(), description="Other readers for parts of it; the first whose path matches holds.")
    sensitivity: SensitivityField = Field(
        default=Sensitivity.INTERNAL,
        json_schema_extra={"default": "internal"},
        description="How much harm a leak would do; policies speak of it.",
    )


class Person(Form):
    """Someone who asks."""

    person: Name = Field(description="The id that keys and policies use.")
    name: str = Field(default="", description="As people call them.")
    sign_in: str | None = Field(
        default=None, alias="sign in", min_length=1, description="What the provider calls them, where it is not the id: ana@acme.example."
    )
    tenant: Name = Field(default="default", description="The tenant that they belong to.")
    groups: tuple[Name, ...] = Field(default=(), description="The groups that they belong to.")


class Application(Form):
    """A program that asks on its own behalf."""

    application: Name = Field(description="The id that keys and policies use.")
    about: str = Field(default="", description="What it is for, in a sentence.")
    tenant: Name = Field(default="default", description="The tenant that it belongs to.")
    groups: tuple[Name, ...] = Field(default=(), description="The groups that it belongs to.")


class People(Form):
    """``people.yaml``: who belongs to which tenant and groups."""

    people: tuple[Person, ...] = Field(default=(), description="Everyone who asks.")
    applications: tuple[Application, ...] = Field(default=(), description="Programs that ask on their own behalf.")


class ModelFile(Form):
    """One file of a model: its name in the store, its hash, and where it can be had."""

    file: str = Field(min_length=1, description="Its name in the model's folder of the store.")
    sha256: Annotated[str, Field(pattern=r"^[0-9a-f]{64}$")] = Field(description="Of its content, in hex.")
    size: Whole = Field(ge=1, description="Bytes.")
    sources: tuple[Annotated[str, Field(pattern=r"^(pypi:|file:|https:)")], ...] = Field(
        min_length=1, description="Where it can be had, tried in order: pypi:PROJECT==VERSION#path, file:/path or https://…"
    )


class Model(Form):
    """``models/NAME.yaml``: weights by content. The built-in catalogue has the same form."""

    model: Name = Field(description="Its name; the file has the same name.")
    about: str = Field(default="", description="What it is, in a sentence.")
    kind: Literal["language", "embedder"] = Field(description="What it does.")
    licence: str = Field(description="Under which it may be used (SPDX where there is one).")
    files: tuple[ModelFile, ...] = Field(min_length=1, description="Its files, by content.")


class Policy(Form):
    """One ``policies/*.cedar`` file, as text; its ids are ``<file name without .cedar>/<@id>``."""

    path: str
    text: str


class Workspace(Form):
    """Everything that the files say, checked together."""

    root: Root
    people: People
    services: dict[str, Service]
    deployments: dict[str, Deployment]
    sources: dict[str, Source]
    models: dict[str, Model]
    policies: tuple[Policy, ...]
    prompts: dict[str, str] = Field(default_factory=dict, description="Text of each prompt file that a service names.")

    @property
    def searches(self) -> bool:
        """Whether the knowledge process has something to do: sources to search, or an embedder that somebody may ask."""
        return bool(self.sources) or any(each.embedder is not None for each in self.deployments.values())
