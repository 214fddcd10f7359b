"""Rooms for tests: the line over a real ledger, real guards' door, a provider that speaks the dialect, and passages in memory."""

from __future__ import annotations

import contextlib
import re
import shutil
import tempfile
from concurrent.futures import ThreadPoolExecutor
from contextlib import aclosing
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING

from headrace.adapters.models.openai import Endpoint, OpenAIChat
from headrace.adapters.models.openai_vectors import OpenAIVectors
from headrace.app.ids import RandomIds, SystemClock
from headrace.config import template
from headrace.config.model import Deployment, Policy, Service, Workspace
from headrace.core.errors import Unauthenticated
from headrace.core.events import CleanDelta
from headrace.core.flow import Answer, Call, Opened, Received
from headrace.core.text import Action, Origin, RawText, RawTurn, Role
from headrace.core.values import Found, Passage, Principal, Quote, RequestId, Sampling
from headrace.finops.slots import SlotMeter
from headrace.guardrails.catalogue import guards
from headrace.knowledge.checking.checker import Checker
from headrace.knowledge.quoting.reading import Readings
from headrace.pipeline import line
from headrace.pipeline.rooms import Rooms, ServiceRules
from headrace.policy.engine import CedarEngine
from headrace.routing.running import Running, RunningEmbedder
from headrace.routing.slots import Slots
from tests.providers.openai_server import FAULTS, provider
from tests.support import ledgers
from tests.support.quoting import WordEmbedder

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Mapping, Sequence

    from headrace.config.model import GuardActions
    from headrace.core.ports import ChatModel, Clock, Guard, Ledger, Retriever
    from headrace.core.values import Facts, Scope
    from headrace.evidence.client import LedgerClient
    from tests.providers.openai_server import Provider

IDS = RandomIds()
CHECKER = Checker(Readings(WordEmbedder(), 1 << 20), ThreadPoolExecutor(1))
"""The product's, over words that are compared by their letters alone."""
TEMPLATE = Path(str(template.__file__)).parent
KEY = "hr_ana"
INSTANCE = "gw_test"
SECRET = "AKIA" + "IOSFODNN7EXAMPLQ"
MAIL = "ana.muster@example.org"
FEES = "The annual fee is 40 francs. It is due in March. Late payment costs 5 francs."
NOTICE = "You may cancel with one month of notice. Write a letter."
PRIVATE = "Salaries are paid on the 25th. The director earns 9000 francs."


GUARDS = guards()
POLICIES = Policy(path="policies/base.cedar", text=(TEMPLATE / "policies" / "base.cedar").read_text(encoding="utf-8"))
RESOURCES = {"ask": "Service", "unmask": "Service", "place": "Deployment"}


def forbidding(*what: tuple[str, str]) -> Policy:
    """A policy that forbids an action on a thing to everybody; its id is ``no/n``."""
    forbids = [
        f'@id("{n}") @reason("Only the board may.")\nforbid (principal, action == Action::"{action}", '
        f'resource == {RESOURCES[action]}::"{name}");'
        for n, (action, name) in enumerate(what, start=1)
    ]
    return Policy(path="policies/no.cedar", text="\n".join(forbids))


@dataclass
class Keys:
    """Who shows which key."""

    people: Mapping[str, Principal]

    async def authenticate(self, key: str) -> Principal:
        found = self.people.get(key)
        if found is None:
            message = "This key is not known."
            raise Unauthenticated(message)
        if key == "hr_old":
            message = "This key has expired."
            raise Unauthenticated(message, code="identity.expired_key")
        return found


@dataclass
class Texts:
    """A retriever over documents in memory: words in common, and the sentence that has most of them."""

    documents: Sequence[tuple[str, str, str]]
    """(document, acl, text)."""

    async def find(self, question: str, scope: Scope, limit: int, *, quotes: int = 0, scores: bool = False) -> Found:
        del scores
        words = _words(question)
        readable = [each for each in self.documents if each[0].partition("/")[0] in scope.sources and each[1] in scope.acls]
        ranked = sorted(readable, key=lambda each: -len(words & _words(each[2])))[:limit]
        passages = tuple(_passage(rank, *each) for rank, each in enumerate(ranked, start=1))
        found = sorted((_quote(place, passage, words) for place, passage in enumerate(passages)), key=lambda quote: -quote.confidence)
        return Found(passages, tuple(found[:quotes]), 7, len(readable), ("bm25", "dense"), threshold=0.5)


def _words(text: str) -> set[str]:
    return {word for word in re.findall(r"[a-z0-9]+", text.lower()) if len(word) > 2}


def _passage(rank: int, document: str, acl: str, text: str) -> Passage:
    source = document.partition("/")[0]
    return Passage(f"p{rank}", document, source, "b4" * 32, 100, 100 + len(text), text, "line 3", acl, rank, {"bm25": rank, "dense": rank})


def _quote(place: int, passage: Passage, words: set[str]) -> Quote:
    best = max(re.finditer(r".+?\.(?=\s|$)", passage.text), key=lambda found: len(words & _words(found[0])))
    confidence = len(words & _words(best[0])) / max(len(words), 1)
    text = best[0].lstrip()
    start = passage.start + best.end() - len(text)
    return Quote(place, start, start + len(text), text, "line 3", confidence)


@dataclass
class House:
    """Rooms, and what stands behind them."""

    rooms: Rooms
    ledger: LedgerClient
    provider: Provider
    folder: Path

    def forbidding(self, *what: tuple[str, str]) -> House:
        """The same house under a policy that forbids these (action, name) too."""
        made = self.rooms.workspace.model_copy(update={"policies": (POLICIES, forbidding(*what))})
        return self.with_(workspace=made, policy=CedarEngine(made))

    def with_engine(self, socket: Path, *, slots: int = 4, context: int = 4096) -> House:
        """The same house with a service ``own`` on an engine that listens there (or will)."""
        form = Deployment.model_validate(
            {
                "deployment": "own",
                "embedded": {"model": "smollm2-135m-instruct", "slots": slots, "context": context},
                "price": ["0.02 EUR per slot-hour"],
            }
        )
        service = Service.model_validate({"service": "own", "models": [{"deployment": "own"}], "max_tokens": 64})
        made = self.rooms.workspace
        made = made.model_copy(update={"services": {**made.services, "own": service}, "deployments": {**made.deployments, "own": form}})
        model = OpenAIChat(Endpoint.embedded(socket, slots=slots), "smollm2-135m-instruct")
        own = Running(form, model, Slots(slots, queue=32, patience=60), SlotMeter(self.rooms.clock))
        return self.with_(
            workspace=made,
            policy=CedarEngine(made),
            rules={**self.rooms.rules, "own": ServiceRules((), (), (), None)},
            deployments={**self.rooms.deployments, "own": own},
        )

    async def records(self, request: str) -> list[dict[str, object]]:
        """What the log holds of a request, in order."""
        return [dict(each["record"]) for each in await self.ledger.find(request)]

    async def end(self, request: str) -> dict[str, object]:
        """Its one closing record."""
        (found,) = [each for each in await self.records(request) if each["kind"] != "opened"]
        return found

    def with_(self, **changes: object) -> House:
        """The same house with other rooms."""
        return replace(self, rooms=replace(self.rooms, **changes))


PRICES = ["0.15 EUR per 1M input tokens", "0.60 EUR per 1M output tokens"]


def drafting(guards: Mapping[str, object]) -> dict[str, object]:
    """Services that draft from the handbook, by what they do about a sentence that it does not support."""
    knowledge = {"sources": ["handbook"], "mode": "draft"}
    shared = {"models": [{"deployment": "obedient"}], "guards": guards}
    return {
        "draft": {"service": "draft", "knowledge": knowledge, "prompt": "prompts/told.md", **shared},
        "flags": {"service": "flags", "knowledge": {**knowledge, "unsupported": "flag"}, **shared},
    }


def workspace(url: str, *, answer_within: str = "20 s") -> Workspace:
    """Services over deployments that are named for how they behave."""
    providers = {name: {"url": f"{url}/v1", "model": name} for name in ("good", *FAULTS)}
    forms: dict[str, object] = {name: {"deployment": name, "provider": each, "price": PRICES} for name, each in providers.items()}
    for name, context in {"small": 256, "roomy": 8192}.items():
        forms[name] = {"deployment": name, "provider": {"url": f"{url}/v1", "model": "good", "context": context}}
    guards = {"input": {"secrets": "refuse", "pii": "mask"}, "output": {"secrets": "refuse", "pii": "mask"}}
    passages = {"passages": {"secrets": "refuse", "pii": "mask"}}
    services: dict[str, object] = drafting(guards | passages) | {
        f"on-{name}": {"service": f"on-{name}", "owner": "desk", "models": [{"deployment": name}], "guards": guards} for name in forms
    }
    services |= {
        "free": {"service": "free", "models": [{"deployment": "good"}]},
        "told": {"service": "told", "prompt": "prompts/told.md", "models": [{"deployment": "echo"}], "guards": guards, "temperature": 0},
        "two": {"service": "two", "models": [{"deployment": "slow"}, {"deployment": "good"}]},
        "extract": {"service": "extract", "answer": "json", "models": [{"deployment": "json"}]},
        "help": {"service": "help", "owner": "desk", "knowledge": {"sources": ["handbook"], "passages": 4}, "guards": guards | passages},
        "vectors": {"service": "vectors", "answer": "vectors", "models": [{"deployment": "good"}], "guards": {"input": guards["input"]}},
        **{f"vectors-{name}": {"service": f"vectors-{name}", "answer": "vectors", "models": [{"deployment": name}]} for name in FAULTS},
        "strict": {"service": "strict", "knowledge": {"sources": ["handbook"], "abstain_below": 1.0}, "guards": passages},
    }
    rules = [{"path": "hr/**", "readers": {"people": ["director"]}}]
    return Workspace.model_validate(
        {
            "root": {"headrace": 1, "name": "test", "limits": {"answer within": answer_within}},
            "people": {"people": [{"person": "ana", "groups": ["support", "members"]}, {"person": "director", "groups": ["members"]}]},
            "services": services,
            "deployments": forms,
            "sources": {
                "handbook": {
                    "source": "handbook", "folder": "x", "readers": {"groups": ["support"]}, "rules": rules, "sensitivity": "confidential",
                }
            },
            "models": {},
            "policies": [POLICIES.model_dump()],
            "prompts": {"prompts/told.md": "Be kind."},
        }
    )  # fmt: skip


ANA = Principal("ana", "person", "default", frozenset({"support", "members"}), "hr_ana")


def rules(wanted: GuardActions) -> tuple[tuple[Guard, Action], ...]:
    """A service's guards, resolved."""
    return tuple((GUARDS[name], action) for name, action in wanted.items())


def running(form: Deployment, clock: Clock) -> Running:
    """A deployment, open."""
    assert form.provider is not None
    model: ChatModel = OpenAIChat(Endpoint(form.provider.url), form.provider.model)
    return Running(form, model, Slots(4, queue=4, patience=2), SlotMeter(clock) if form.deployment == "slow" else None)


def running_embedder(form: Deployment) -> RunningEmbedder:
    """The same to turn texts into vectors."""
    assert form.provider is not None
    return RunningEmbedder(form, OpenAIVectors(Endpoint(form.provider.url), form.provider.model), Slots(4, queue=4, patience=2), None)


def build(made: Workspace, ledger: Ledger, retriever: Retriever) -> Rooms:
    """Rooms over the parts."""
    clock = SystemClock()
    return Rooms(
        revision="7f3c" * 16,
        instance=INSTANCE,
        workspace=made,
        rules={
            name: ServiceRules(rules(s.guards.input), rules(s.guards.passages), rules(s.guards.output), made.prompts.get(s.prompt or ""))
            for name, s in made.services.items()
        },
        deployments={name: running(form, clock) for name, form in made.deployments.items()},
        embedders={name: running_embedder(form) for name, form in made.deployments.items()},
        directory=Keys({KEY: ANA, "hr_old": ANA}),
        policy=CedarEngine(made),
        retriever=retriever,
        checker=CHECKER,
        ledger=ledger,
        clock=clock,
        ids=IDS,
    )


TEXTS = Texts(
    [
        ("handbook/fees.md", "handbook", FEES),
        ("handbook/notice.md", "handbook", NOTICE),
        ("handbook/hr/pay.md", "handbook", PRIVATE),
        ("handbook/contact.md", "handbook", f"The contact address for refunds is {MAIL} and nobody else."),
        ("handbook/leak.md", "handbook", f"The production bucket opens with {SECRET} today."),
    ]
)


@contextlib.asynccontextmanager
async def house(*, answer_within: str = "20 s") -> AsyncGenerator[House]:
    """A house whose ledger, provider and sockets are real."""
    folder = Path(tempfile.mkdtemp(prefix="hr-"))
    async with ledgers.serving(folder / "log", folder / "ledger.sock") as ledger, provider() as serving:
        made = workspace(serving.url, answer_within=answer_within)
        built = build(made, ledger, TEXTS)
        try:
            yield House(built, ledger, serving, folder)
        finally:
            for each in (*built.deployments.values(), *built.embedders.values()):
                await each.model.close()
            await ledger.close()
    shutil.rmtree(folder)


def received(service: str, *texts: str, stream: bool = False, key: str = KEY, **sampling: object) -> Received:
    """A request, parsed."""
    turns = tuple(RawTurn(Role.USER, RawText(text, Origin.PROMPT, part)) for part, text in enumerate(texts))
    call = Call(
        request=RequestId(IDS.request()),
        endpoint="/v1/chat/completions",
        service=service,
        stream=stream,
        received_us=SystemClock().now_us(),
        client="OpenAI/Python",
        sampling=Sampling(**sampling),  # pyright: ignore[reportArgumentType]
    )
    return Received(call, key, turns)


@dataclass
class Got:
    """What an answer yielded."""

    opened: list[Opened] = field(default_factory=list)
    deltas: list[str] = field(default_factory=list)
    answers: list[Answer] = field(default_factory=list)

    @property
    def text(self) -> str:
        """The deltas, joined."""
        return "".join(self.deltas)

    @property
    def answer(self) -> Answer:
        """The one answer."""
        (found,) = self.answers
        return found


async def ask(asked: Received, rooms: Rooms, got: Got | None = None) -> Got:
    """The whole answer. `got` keeps what came before an error."""
    got = Got() if got is None else got
    async with aclosing(line.answer(asked, rooms)) as events:
        async for event in events:
            match event:
                case Opened():
                    got.opened.append(event)
                case CleanDelta(text):
                    got.deltas.append(text)
                case Answer():
                    got.answers.append(event)
    return got


def stage(record: Mapping[str, object], name: str) -> Facts:
    """The facts of the one stage of this name."""
    stages = record["stages"]
    assert isinstance(stages, list)
    (found,) = [each for each in stages if each["stage"] == name]
    return found["facts"]


def stages(record: Mapping[str, object]) -> list[str]:
    """Names, in the order in which they ended."""
    found = record["stages"]
    assert isinstance(found, list)
    return [each["stage"] for each in found]
