"""The console served over a real inside: control store, sessions, policy engine, ledger, documents and line. Only the model's provider and
the search are small stand-ins at the edge."""

from __future__ import annotations

import asyncio
import contextlib
import re
import shutil
import socket
import tempfile
from contextlib import closing
from dataclasses import dataclass, field, replace
from functools import partial
from html.parser import HTMLParser
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING, Self

import aiohttp
from prometheus_client import CollectorRegistry
from yarl import URL

from headrace.adapters.stores.control import ControlStore
from headrace.adapters.stores.migrations import upgrade
from headrace.adapters.weights import catalogue
from headrace.app.http.application import build
from headrace.app.http.server import server
from headrace.app.ids import RandomIds, SystemClock
from headrace.app.inside.deployments import Deployments
from headrace.app.inside.gateway import Inside, Parts
from headrace.app.revisions import Follower
from headrace.config.check import check
from headrace.config.layout import Layout
from headrace.config.readers import acl_of
from headrace.config.revision import of
from headrace.core.values import Found, Passage, Quote, StoredKey
from headrace.guardrails.catalogue import guards
from headrace.knowledge.documents.store import DocumentStore
from headrace.knowledge.ingest.manifest import Entry, Manifest, Row
from headrace.policy.directory import KeyDirectory
from headrace.policy.engine import CedarEngine
from headrace.policy.keys import mint
from headrace.policy.sessions import ConsoleSessions
from headrace.policy.uses import KeyUses
from tests.providers.openai_server import Provider, provider
from tests.support import ledgers

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Mapping, Sequence

    from headrace.config.model import Source, Workspace
    from headrace.config.revision import Revision
    from headrace.core.values import Scope
    from headrace.evidence.client import LedgerClient

CLOCK = SystemClock()
ROLLBACK = (
    "# Take a release back\n\n`headrace rollback support-answers` returns the service to the revision before,\nwithin five seconds; "
    "requests under way end as they began. Nothing is deleted.\n\n## When\n\nWhenever a gate is broken.\n"
)
HOSTILE = '<script>alert(1)</script> & <b onmouseover="x()">bold</b>'
TEXTS: Mapping[str, str] = {
    "handbook/how-to/roll-back.md": ROLLBACK,
    "handbook/odd/<img src=x onerror=alert(1)>.md": f"The hostile sentence is {HOSTILE} indeed.\n",
    "handbook/long.md": "".join(f"Line {n} of the long register speaks of matter {n % 97}.\n" for n in range(1, 6001)),
    "payroll/salaries.md": "The salary of the director is 9000 francs a month.\n",
    "archive/minutes/\u202emay.md": "The board met in May.\n",
    "archive/minutes/june.md": "The board met in June, and decided nothing.\n",
    "archive/hr/warnings.md": "A warning was given to nobody.\n",
}
"""Stored documents by name."""
EARLIER = "The board will meet in June.\n"
"""What archive/minutes/june.md said an hour before."""
UNREAD = "archive/minutes/july.pdf"
"""A document that could not be read."""
HOUR_US = 3_600_000_000
FILES: Mapping[str, str] = {
    "headrace.yaml": "headrace: 1\nname: acme\ntenants: [default, lab]\nhosts: [console.example]\n",
    "people.yaml": (
        "people:\n"
        "  - {person: ana, groups: [members]}\n"
        "  - {person: dora, groups: [members, directors]}\n"
        "  - {person: ben, tenant: lab, groups: [members]}\n"
        "  - {person: zoe}\n"
        "  - {person: cuno, groups: [curators]}\n"
        "  - {person: ada, groups: [members, administrators]}\n"
        "  - {person: lou, tenant: lab, groups: [administrators]}\n"
        "  - {person: aud, groups: [auditors]}\n"
    ),
    "services/help.yaml": (
        "service: help\nabout: Answers from the handbook.\nowner: desk\nknowledge: {sources: [handbook, payroll], abstain below: 0.45}\n"
    ),
    "services/local.yaml": (
        "service: local\nabout: Plain conversation with a model.\nowner: desk\nmodels: [deployment: good]\n"
        "guards: {input: [secrets: refuse, pii: mask], output: [secrets: refuse]}\n"
    ),
    "services/slow.yaml": "service: slow\nmodels: [deployment: slow]\n",
    "services/echo.yaml": "service: echo\nmodels: [deployment: echo]\nguards: {output: [secrets: refuse]}\n",
    "services/hang.yaml": "service: hang\nmodels: [deployment: hang]\n",
    "services/cut.yaml": "service: cut\nmodels: [deployment: cut]\n",
    "services/extract.yaml": "service: extract\nanswer: json\nmodels: [deployment: good]\n",
    "services/closed.yaml": "service: closed\nmodels: [deployment: good]\n",
    "services/embed.yaml": "service: embed\nanswer: vectors\nmodels: [deployment: minilm]\n",
    "deployments/minilm.yaml": "deployment: minilm\nembedder: {model: all-minilm-l6-v2}\n",
    "sources/handbook.yaml": "source: handbook\nfolder: texts\nreaders: {groups: [members]}\n",
    "sources/payroll.yaml": "source: payroll\nfolder: texts\nreaders: {groups: [directors]}\n",
    "sources/archive.yaml": (
        "source: archive\nabout: What was decided, and when.\nowner: records\nfolder: texts\nreaders: {groups: [members], people: [zoe]}\n"
        "rules: [{path: hr/**, readers: {groups: [directors]}}]\n"
    ),
    "policies/base.cedar": (
        '@id("members-may-ask")\npermit (principal in Group::"default/members", action == Action::"ask", resource)\n'
        'unless { resource == Service::"closed" };\n'
        '@id("lab-may-ask")\npermit (principal in Group::"lab/members", action == Action::"ask", resource == Service::"local");\n'
        '@id("place")\npermit (principal, action in [Action::"place", Action::"see"], resource);\n'
        '@id("unmask")\npermit (principal, action == Action::"unmask", resource);\n'
        '@id("curate")\npermit (principal in Group::"default/curators", action == Action::"curate", resource);\n'
        '@id("change")\npermit (principal in Group::"default/administrators", action == Action::"change", resource);\n'
        '@id("change-lab")\npermit (principal in Group::"lab/administrators", action == Action::"change", resource == Tenant::"lab");\n'
        '@id("own")\npermit (principal, action in [Action::"inspect", Action::"prove"], resource) when { context.own };\n'
        '@id("auditors")\npermit (principal in Group::"default/auditors", action in [Action::"inspect", Action::"prove"], resource);\n'
    ),
}
"""A workspace; `PROVIDER` stands for the provider's address."""
BEFORE: Mapping[str, str] = {
    "services/help.yaml": "service: help\nabout: Answers from the old handbook.\nowner: desk\nknowledge: {sources: [handbook]}\n",
    "services/gone.yaml": "service: gone\nmodels: [deployment: good]\n",
}
"""What was otherwise in the revision that was in force before."""
DEPLOYMENT = "deployment: {name}\nprovider: {{url: PROVIDER/v1, model: {name}, concurrency: 4}}\nprice: [0.60 EUR per 1M output tokens]\n"


@dataclass
class Passages:
    """A search in memory: the passage with most words in common, and its best sentence, with exact offsets. At the edge: the knowledge
    process is not started here."""

    rows: Sequence[tuple[str, str, str, str]] = ()
    """(document, version, acl, text)"""

    async def find(self, question: str, scope: Scope, limit: int, *, quotes: int = 0, scores: bool = False) -> Found:
        """The best of what the scope may see."""
        del scores
        words = _words(question)
        seen = [row for row in self.rows if row[0].split("/")[0] in scope.sources and row[2] in scope.acls]
        best = sorted(seen, key=lambda row: -len(words & _words(row[3])))[:limit]
        passages = tuple(
            Passage(f"p{rank}", row[0], row[0].split("/")[0], row[1], 0, len(row[3]), row[3], "line 3", row[2], rank, {"bm25": rank})
            for rank, row in enumerate(best, start=1)
        )
        found = [quote for n, passage in enumerate(passages) if (quote := _quote(n, passage, words))]
        return Found(passages, tuple(sorted(found, key=lambda each: -each.confidence)[:quotes]), 7, len(seen), ("bm25",))

    async def ready(self) -> None:
        """It is there."""

    async def close(self) -> None:
        """Nothing to let go."""


def _words(text: str) -> set[str]:
    return {word for word in re.findall(r"[a-z0-9]+", text.lower()) if len(word) > 3}


def _quote(n: int, passage: Passage, words: set[str]) -> Quote | None:
    sentences = list(re.finditer(r"[^\s#][^#]*?\.(?=\s)", passage.text))
    best = max(sentences, key=lambda found: len(words & _words(found[0])))
    confidence = len(words & _words(best[0])) / max(1, len(words))
    return Quote(n, best.start(), best.end(), best[0], "line 3", min(confidence, 0.99)) if confidence else None


@dataclass
class House:
    """A console that is served, and what stands behind it."""

    url: str
    store: ControlStore
    ledger: LedgerClient
    provider: Provider
    inside: Inside
    documents: DocumentStore
    folder: Path
    """Of the log."""
    serving: asyncio.Task[None]
    versions: dict[str, str] = field(default_factory=dict)

    def key(self, holder: str, tenant: str = "default", *, lasts_us: int | None = None, services: tuple[str, ...] | None = None) -> str:
        """A key that speaks for a person; bound to services, or to none."""
        secret, public, digest = mint()
        now, kept = CLOCK.now_us(), self.store.people.person(tenant, holder)
        key = StoredKey(public, holder, holder, "person", tenant, (), services, now, None if lasts_us is None else now + lasts_us, None)
        self.store.create_key(key if kept is None else replace(key, holders=(f"kept/{kept.created_us}", *key.holders)), digest)
        return secret

    def revoke(self, secret: str) -> None:
        """Revoke a key."""
        self.store.revoke_key(secret[:16], CLOCK.now_us())

    async def end(self, request: str) -> Mapping[str, object]:
        """The closing record of a request."""
        (found,) = [each["record"] for each in await self.ledger.find(request) if each["record"]["kind"] != "opened"]
        return found


def _lay(folder: Path, url: str, files: Mapping[str, str]) -> None:
    texts = {**FILES, **files} | {
        f"deployments/{name}.yaml": DEPLOYMENT.format(name=name) for name in ("good", "slow", "echo", "cut", "hang")
    }
    for path, text in texts.items():
        (folder / path).parent.mkdir(parents=True, exist_ok=True)
        (folder / path).write_text(text.replace("PROVIDER", url), encoding="utf-8")
    (folder / "texts").mkdir(exist_ok=True)


def _revisions(layout: Layout, url: str, store: ControlStore, given: Mapping[str, str]) -> tuple[Revision, Workspace]:
    """Two revisions, one after the other; the second is in force."""
    for files in ({**given, **BEFORE}, given):
        shutil.rmtree(layout.workspace / "services", ignore_errors=True)
        _lay(layout.workspace, url, files)
        checked = check(layout.workspace, models=catalogue.built_in())
        assert checked.workspace is not None, checked.faults
        revision = of(checked)
        store.put_revision(revision, "tests")
        store.point_to(revision.id, "apply", "tests", record=RandomIds().request())
    return revision, checked.workspace


def _keep(layout: Layout, workspace: Workspace) -> tuple[DocumentStore, dict[str, str], list[tuple[str, str, str, str]]]:
    """Store the texts as ingestion does."""
    documents = DocumentStore(layout.documents("default"))
    versions = {name: documents.put(text, "text/markdown") for name, text in TEXTS.items()}
    entries: list[Entry] = []
    rows: list[tuple[str, str, str, str]] = []
    for name, version in versions.items():
        source, _, path = name.partition("/")
        form: Source = workspace.sources[source]
        acl = acl_of(form, path)
        entries.append(Entry(Row(name, source, "s", "c", "r", version, acl, "", 1, CLOCK.now_us())))
        rows.append((name, version, acl, TEXTS[name]))
    june, now = "archive/minutes/june.md", CLOCK.now_us()
    unread = Row(UNREAD, "archive", "s", "c", "r", "", "archive", "It is encrypted.", 0, 0)
    earlier = Row(june, "archive", "s", "c", "r", documents.put(EARLIER, "text/markdown"), "archive", "", 1, now - HOUR_US)
    with closing(Manifest(layout.manifest("default"))) as manifest:
        manifest.enter([Entry(earlier)])
        manifest.enter([*entries, Entry(replace(unread, fault="ingest.unreadable", read_us=now))])
        manifest.looked("archive", now)
    return documents, versions, rows


@contextlib.asynccontextmanager
async def console(files: Mapping[str, str] = MappingProxyType({})) -> AsyncGenerator[House]:
    """A console on a free port of this machine, for the block; `files` replace those of :data:`FILES`."""
    folder = Path(tempfile.mkdtemp(prefix="hr-console-"))
    layout = Layout(folder / "acme")
    layout.make_sockets()
    async with ledgers.serving(layout.ledger, layout.socket("ledger")) as ledger, provider() as serving:
        layout.state.mkdir(parents=True, exist_ok=True)
        upgrade(layout.control)
        with closing(ControlStore(layout.control)) as store:
            sessions = ConsoleSessions(store, store.sessions, store.people, CLOCK)
            revision, workspace = _revisions(layout, serving.url, store, files)
            documents, versions, rows = _keep(layout, workspace)
            parts = Parts(
                layout=layout,
                instance="gw_test",
                clock=CLOCK,
                ids=RandomIds(),
                registry=CollectorRegistry(),
                sessions=sessions,
                store=store,
                ledger=ledger,
                knowledge=Passages(rows),  # pyright: ignore[reportArgumentType] - the edge of this house
                deployments=Deployments(layout, CLOCK),
                guards=guards(),
                directory=partial(KeyDirectory, store, sessions, store.people, KeyUses(), CLOCK),
                policy=CedarEngine,
                documents=lambda tenant: DocumentStore(layout.documents(tenant)),
            )
            inside = Inside(parts, revision)
            async with _served(inside) as (url, task), _following(store, inside):
                yield House(url, store, ledger, serving, inside, documents, layout.ledger, task, versions)
            await inside.close()
    layout.clear_sockets()
    shutil.rmtree(folder)


@contextlib.asynccontextmanager
async def _served(inside: Inside) -> AsyncGenerator[tuple[str, asyncio.Task[None]]]:
    listener = socket.create_server(("127.0.0.1", 0))
    listener.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)  # as uvloop does by itself in a gateway
    url = "http://{}:{}".format(*listener.getsockname())
    ready = asyncio.Event()
    task = asyncio.create_task(server.serve(build(inside), listener, ready.set, lambda: inside.limits, drain=0.2))
    await ready.wait()
    try:
        yield url, task
    finally:
        task.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await task
        listener.close()


@contextlib.asynccontextmanager
async def _following(store: ControlStore, inside: Inside) -> AsyncGenerator[None]:
    following = asyncio.create_task(Follower(store, inside.turn, store.version()).forever())
    try:
        yield
    finally:
        following.cancel()
        await asyncio.gather(following, return_exceptions=True)


class Page(HTMLParser):
    """A page, as far as tests look at it: the fields of its forms, its text, its tags with their attributes."""

    def __init__(self, status: int, headers: Mapping[str, str], html: str) -> None:
        super().__init__()
        self.status, self.headers, self.html = status, headers, html
        self.fields: dict[str, str] = {}
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self._words: list[str] = []
        self.feed(html)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        found = dict(attrs)
        self.tags.append((tag, found))
        if tag == "input" and found.get("type") == "hidden":
            self.fields[str(found["name"])] = str(found["value"])

    def handle_data(self, data: str) -> None:
        self._words.append(data)

    @property
    def text(self) -> str:
        """What a reader sees, white space made one."""
        return " ".join("".join(self._words).split())

    def attribute(self, tag: str, name: str) -> list[str]:
        """Every value of an attribute of a tag."""
        return [value for found, attrs in self.tags if found == tag and (value := attrs.get(name)) is not None]


class Browser:
    """As much of a browser as a form needs: cookies, Origin, and where it was led."""

    def __init__(self, url: str, **headers: str) -> None:
        self.url = url
        self._headers = headers
        self._session = aiohttp.ClientSession(cookie_jar=aiohttp.CookieJar(unsafe=True))

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *gone: object) -> None:
        await self._session.close()

    @property
    def cookies(self) -> dict[str, str]:
        """Cookies by name."""
        return {each.key: each.value for each in self._session.cookie_jar}

    async def get(self, path: str, **headers: str) -> Page:
        """A page, without following where it leads."""
        return await self._asked("GET", path, None, headers)

    async def post(self, path: str, fields: Mapping[str, str], **headers: str) -> Page:
        """A form, sent as a browser sends one of our own pages."""
        return await self._asked("POST", path, fields, {"Origin": self.url, **headers})

    async def get_there(self, address: str) -> str:
        """Open another site's page; where it sends the browser."""
        async with self._session.get(address, allow_redirects=False) as response:
            return response.headers["Location"]

    async def from_a_server(self, path: str, fields: Mapping[str, str]) -> Page:
        """A form that no browser sends: no cookies, no Origin."""
        async with aiohttp.ClientSession() as session, session.post(self.url + path, data=fields, allow_redirects=False) as response:
            return Page(response.status, response.headers, await response.text(encoding="utf-8"))

    def set_cookie(self, name: str, value: str) -> None:
        """Have a cookie that somebody else has set."""
        self._session.cookie_jar.update_cookies({name: value}, URL(self.url))

    async def sign_in(self, key: str, next_page: str = "/console/") -> Page:
        """The way to the pages."""
        page = await self.get("/console/sign-in")
        return await self.post("/console/sign-in", {**page.fields, "next": next_page, "key": key})

    async def ask(self, question: str, service: str = "help") -> Page:
        """The answer, without the script."""
        page = await self.get("/console/")
        return await self.post("/console/ask", {"form": page.fields["form"], "question": question, "service": service})

    async def _asked(self, method: str, path: str, fields: Mapping[str, str] | None, headers: Mapping[str, str]) -> Page:
        sent = {name.replace("_", "-"): value for name, value in {**self._headers, **headers}.items()}
        async with self._session.request(method, self.url + path, data=fields, headers=sent, allow_redirects=False) as response:
            text = await response.text(encoding="utf-8")
            return Page(response.status, response.headers, text)
