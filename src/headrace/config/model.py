"""The forms of the workspace's files. One frozen model a kind; their JSON Schemas are published by ``headrace show --schemas``.

Values carry their units in text (``0.02 EUR per slot-hour``, ``20 s``), as a person writes them; :mod:`headrace.config.units` reads
them. A form never holds a secret: it names one (``env:NAME``).
"""

from __future__ import annotations

from typing import Annotated, Literal, TypeAlias

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, model_validator

from headrace.config.units import ByteSize, Duration, Price, read_duration, read_price, read_size
from headrace.core.labels import Sensitivity
from headrace.core.text import Action

Name = Annotated[str, Field(pattern=r"^[a-z0-9][a-z0-9._-]{0,62}$", description="Lower-case letters, digits, dot, dash, underscore.")]
DurationField = Annotated[Duration, BeforeValidator(read_duration)]
PriceField = Annotated[Price, BeforeValidator(read_price)]
SizeField = Annotated[ByteSize, BeforeValidator(read_size)]


class Form(BaseModel):
    """Unknown words are faults, and a form never changes once read."""

    model_config = ConfigDict(extra="forbid", frozen=True, arbitrary_types_allowed=True)


def _pairs(value: object) -> object:
    """``[secrets: refuse, pii: mask]`` (a list of one-word maps) reads as the map it means."""
    if isinstance(value, list) and all(isinstance(each, dict) and len(each) == 1 for each in value):
        merged: dict[object, object] = {}
        for each in value:
            merged.update(each)
        if len(merged) == len(value):
            return merged
    return value


def _sensitivity(value: object) -> object:
    return Sensitivity[value.upper()] if isinstance(value, str) and value.upper() in Sensitivity.__members__ else value


SensitivityField = Annotated[
    Sensitivity, BeforeValidator(_sensitivity, json_schema_input_type=Literal["public", "internal", "confidential", "restricted"])
]
GuardActions: TypeAlias = Annotated[dict[str, Action], BeforeValidator(_pairs)]


class Limits(Form):
    """What the gateway accepts of one client at one time."""

    body: SizeField = Field(default_factory=lambda: read_size("2 MiB"))
    headers_within: DurationField = Field(default_factory=lambda: read_duration("10 s"))
    body_within: DurationField = Field(default_factory=lambda: read_duration("30 s"))
    answer_within: DurationField = Field(default_factory=lambda: read_duration("300 s"))


class Root(Form):
    """``headrace.yaml``: the installation."""

    headrace: Literal[1] = Field(description="Version of the workspace's form.")
    name: Name
    tenants: tuple[Name, ...] = ("default",)
    placements: tuple[Name, ...] = ("here",)
    currency: Annotated[str, Field(pattern="^[A-Z]{3}$")] = "EUR"
    limits: Limits = Limits()


class Knowledge(Form):
    """What a service may know."""

    sources: tuple[Name, ...] = Field(min_length=1)
    mode: Literal["quote"] = "quote"
    passages: int = Field(default=5, ge=1, le=20)
    quotes: int = Field(default=2, ge=1, le=5)
    abstain_below: float | None = Field(default=None, ge=0, le=1, alias="abstain below", description="None: the calibrated default.")


class ModelChoice(Form):
    """One deployment of a service's portfolio."""

    deployment: Name


class ServiceGuards(Form):
    """Which guard does what, where text enters."""

    input: GuardActions = Field(default_factory=dict)
    passages: GuardActions = Field(default_factory=dict)
    output: GuardActions = Field(default_factory=dict)


class Service(Form):
    """``services/NAME.yaml``: the unit that people call."""

    service: Name
    about: str = ""
    owner: str = ""
    knowledge: Knowledge | None = None
    prompt: str | None = Field(default=None, description="Path of a system prompt, relative to the workspace.")
    models: tuple[ModelChoice, ...] = ()
    guards: ServiceGuards = ServiceGuards()
    answer: Literal["text", "json"] = Field(default="text", description="json: a request must bring a JSON Schema.")
    max_tokens: int = Field(default=512, ge=1, alias="max tokens", description="Answer tokens when the request does not say.")

    @model_validator(mode="after")
    def _answers_somehow(self) -> Service:
        if self.knowledge is None and not self.models:
            msg = "a service needs knowledge, or at least one deployment under models"
            raise ValueError(msg)
        return self


class EmbeddedEngine(Form):
    """The engine that Headrace runs itself (llama.cpp in a child process)."""

    model: Name
    slots: int = Field(default=4, ge=1, le=64)
    context: int = Field(default=8192, ge=256, description="Tokens of context over all slots; each gets its equal share.")
    threads: int | None = Field(default=None, ge=1, description="None: every core this process may use.")


class Provider(Form):
    """A model served elsewhere, over the OpenAI chat dialect."""

    dialect: Literal["openai"] = "openai"
    url: Annotated[str, Field(pattern=r"^https?://")] = Field(description="Up to and including /v1.")
    model: str
    key: Annotated[str, Field(pattern=r"^env:[A-Z][A-Z0-9_]*$")] | None = None
    context: int | None = Field(default=None, ge=256)
    concurrency: int = Field(default=64, ge=1)
    answer_within: DurationField = Field(default_factory=lambda: read_duration("120 s"), alias="answer within")


class Deployment(Form):
    """``deployments/NAME.yaml``: one place where a model runs."""

    deployment: Name
    about: str = ""
    placement: Name = "here"
    embedded: EmbeddedEngine | None = None
    provider: Provider | None = None
    price: tuple[PriceField, ...] = Field(default=(), description="E.g. ['0.02 EUR per slot-hour'] or ['0.15 EUR per 1M input tokens', …].")

    @model_validator(mode="after")
    def _one_kind(self) -> Deployment:
        if (self.embedded is None) == (self.provider is None):
            msg = "a deployment is either embedded or a provider: write exactly one of the two"
            raise ValueError(msg)
        return self


class Readers(Form):
    """Who may read: any of these groups or people of the source's tenant."""

    groups: tuple[str, ...] = ()
    people: tuple[str, ...] = ()


class ReaderRule(Form):
    """Other readers for a part of a source; the first rule whose pattern matches a document's path holds."""

    path: str = Field(description="A glob over the path inside the source, e.g. hr/**")
    readers: Readers


class Source(Form):
    """``sources/NAME.yaml``: documents with an owner and readers."""

    source: Name
    about: str = ""
    owner: str = ""
    tenant: Name = "default"
    folder: str = Field(description="A folder; a relative path starts at the workspace.")
    include: tuple[str, ...] = ("**/*",)
    exclude: tuple[str, ...] = ()
    readers: Readers
    rules: tuple[ReaderRule, ...] = ()
    sensitivity: SensitivityField = Sensitivity.INTERNAL


class Person(Form):
    """Someone who asks."""

    person: Name
    name: str = ""
    tenant: Name = "default"
    groups: tuple[Name, ...] = ()


class Application(Form):
    """A program that asks on its own behalf."""

    application: Name
    about: str = ""
    tenant: Name = "default"
    groups: tuple[Name, ...] = ()


class People(Form):
    """``people.yaml``: who belongs to which tenant and groups."""

    people: tuple[Person, ...] = ()
    applications: tuple[Application, ...] = ()


class ModelFile(Form):
    """One file of a model: its name in the store, its hash, and where it can be had."""

    file: str
    sha256: Annotated[str, Field(pattern=r"^[0-9a-f]{64}$")]
    size: int = Field(ge=1, description="Bytes.")
    sources: tuple[Annotated[str, Field(pattern=r"^(pypi:|file:|https:)")], ...] = Field(min_length=1)


class Model(Form):
    """``models/NAME.yaml``, and the built-in catalogue: weights by content."""

    model: Name
    about: str = ""
    kind: Literal["language", "embedder"]
    licence: str
    files: tuple[ModelFile, ...] = Field(min_length=1)


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


