"""The ports: what the rooms ask of each other and of the outside world. Each has a contract suite in :mod:`headrace.testing`.

That of converters is in :mod:`headrace.core.conversion`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, Protocol

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Iterator, Mapping, Sequence
    from contextlib import AbstractContextManager

    from headrace.core.events import ModelEvent
    from headrace.core.text import CleanPrompt, Origin
    from headrace.core.values import (
        Decision,
        Evidence,
        Facts,
        Found,
        Hit,
        Principal,
        Receipt,
        Sampling,
        Scope,
        SourceFile,
        StoredKey,
        StoredPassage,
        Vectors,
        Verdict,
    )


class Clock(Protocol):
    """Time, as a port, so that a request can be replayed exactly."""

    def now_us(self) -> int:
        """Microseconds since 1970 (UTC); may go back."""
        ...

    def monotonic(self) -> float:
        """Seconds from an arbitrary start; never goes back."""
        ...


class Ids(Protocol):
    """Identifiers and salts, as a port."""

    def request(self) -> str:
        """A new request id (``req_…``), sortable by time."""
        ...

    def salt(self) -> bytes:
        """32 unpredictable bytes."""
        ...


class ChatModel(Protocol):
    """One deployment that continues a conversation."""

    async def count(self, prompt: CleanPrompt, sampling: Sampling) -> int | None:
        """Tokens that the prompt takes there, templates included; None when only the provider can tell.

        Raises UpstreamFailed when it fails, Unavailable while an engine of our own loads or is down.
        """
        ...

    def generate(self, prompt: CleanPrompt, sampling: Sampling) -> AsyncGenerator[ModelEvent]:
        """The answer's events. Closing the iterator early cancels the work upstream before it returns.

        Raises UpstreamFailed (or UpstreamTimeout) at any step when the engine fails, also after text has come; PromptTooLong when
        the provider says so; Unavailable, before any text, while an engine of our own loads or is down.
        """
        ...

    async def close(self) -> None:
        """Let connections go. Idempotent."""
        ...


class VectorModel(Protocol):
    """One deployment that turns texts into vectors."""

    async def embed(self, prompt: CleanPrompt, dimensions: int | None) -> Vectors:
        """A vector for each turn's text, in order, each by itself: what stands beside a text changes nothing in its vector.

        Raises PromptTooLong with, where they are known, ``input`` (which text, from 0), ``prompt_tokens`` and ``context_tokens``: no
        text is ever cut short. Raises UnsupportedParameter when the model has no vectors of `dimensions`; UpstreamFailed when it fails;
        Unavailable while an embedder of our own loads or is down.
        """
        ...

    async def close(self) -> None:
        """Let connections go. Idempotent."""
        ...


class Bill(Protocol):
    """The engine time of one answer, while and after it runs."""

    @property
    def seconds(self) -> float:
        """Slot-seconds billed so far."""
        ...


class SlotClock(Protocol):
    """Apportions an engine's busy time over the answers that share it."""

    def answer(self) -> AbstractContextManager[Bill]:
        """The block is one active answer; its bill is final when the block ends."""
        ...


class Embedder(Protocol):
    """Texts to unit vectors. Synchronous and CPU-bound: callers run it off the event loop."""

    @property
    def dimensions(self) -> int:
        """Length of a vector."""
        ...

    @property
    def identity(self) -> str:
        """Name and content hash of the weights; vectors of different identities are never compared."""
        ...

    def embed(self, texts: Sequence[str]) -> Sequence[Sequence[float]]:
        """One float32 vector of length one for each text, in order (numpy array of shape (n, dimensions))."""
        ...


class Retriever(Protocol):
    """Search over what is known, within what the asker may read."""

    async def find(self, question: str, scope: Scope, limit: int, *, quotes: int = 0, scores: bool = False) -> Found:
        """The `limit` best passages in fused order and up to `quotes` candidate quotes from them.

        The filter on tenant, sources and acls is part of the query: an unreadable passage is never a candidate. `scores` adds raw
        scores and is for curators. Raises Unavailable when the knowledge process is down.
        """
        ...


class EvidenceChecker(Protocol):
    """Says which sentences of a draft the passages support."""

    async def check(self, sentences: Sequence[str], passages: Sequence[Evidence]) -> Sequence[Verdict]:
        """A verdict for each sentence, in order; each depends on that sentence and the passages alone.

        A figure, name or other identifier that no passage holds is never supported, nor is what denies the evidence. Raises Unavailable
        when the knowledge process is down.
        """
        ...


class Detected(Protocol):
    """One match of a guard: character offsets, kind, confidence."""

    @property
    def kind(self) -> str:
        """What it is (``email``, ``aws_access_key``…)."""
        ...

    @property
    def start(self) -> int:
        """Its first character."""
        ...

    @property
    def end(self) -> int:
        """The character behind its last."""
        ...

    @property
    def confidence(self) -> float:
        """0 to 1."""
        ...


class Guard(Protocol):
    """A detector. It says what it sees; what is done about it is declared by the service."""

    @property
    def name(self) -> str:
        """``secrets``, ``pii``…: the word that a service file uses."""
        ...

    @property
    def version(self) -> str:
        """Changes whenever the same text could give another result."""
        ...

    @property
    def reach(self) -> int:
        """Whether a match begins at a place depends on at most this many characters before it and this many from it on.

        A stream holds back no more than that, unless a match is under way: a match may be longer, for its beginning shows it.
        """
        ...

    def inspect(self, text: str) -> Sequence[Detected]:
        """Matches in order of start; they may overlap. Pure: same text, same result. Linear in the text's length."""
        ...

    def settled(self, text: str, found: Sequence[Detected]) -> int:
        """Up to where nothing changes, whatever follows `text`: the matches that start before that place are those in `found`
        (what `inspect` gave for this text), and end where those end.

        At least the text's length less `reach`, or the start of a match that may still grow.
        """
        ...


class Masks(Protocol):
    """What was masked in one request. A token stands for one value; the same value gets the same token."""

    def reserve(self, text: str) -> None:
        """Let nothing that looks like a token in this raw text ever be undone. All texts that are known go first: a token that has
        been given out already stays masked from here on."""
        ...

    def mask(self, kind: str, value: str, origin: Origin) -> str:
        """The token for a value of this kind (``[EMAIL_1]``), first seen in a text of this origin."""
        ...

    def unmask(self, text: str, *, json: bool = False) -> tuple[str, int]:
        """The text with the tokens of prompt and passages undone, and how many were. Values first seen in output stay masked.

        `json`: the text is JSON, and values are written as they stand in its strings.
        """
        ...


class PolicyEngine(Protocol):
    """Decides. Deny unless a policy allows; an engine error is a denial."""

    def decide(self, principal: Principal, action: str, resource: tuple[str, str], context: Mapping[str, object]) -> Decision:
        """May `principal` do `action` to `resource` (type, id)? Never raises for a denial."""
        ...


class Directory(Protocol):
    """Who is who: turns a credential into a principal."""

    async def authenticate(self, key: str) -> Principal:
        """Raises Unauthenticated with code ``identity.unknown_key``, ``identity.expired_key`` or ``identity.revoked_key``."""
        ...


class Ledger(Protocol):
    """The log of what happened. A receipt means: durable, in order, signed."""

    async def append(self, record: Facts) -> Receipt:
        """Commit one record. Returns only once it is on disk. Raises Unavailable when that cannot be had."""
        ...

    def owe(self, record: Facts) -> None:
        """Take the end of a request that could not be committed: it is committed as soon as it can be. Nobody waits for it."""
        ...

    async def proof(self, request: str) -> Mapping[str, object] | None:
        """The proof bundle of a request's settled record (see the schema), or None when there is none."""
        ...


class DocumentSource(Protocol):
    """Where documents come from."""

    def files(self) -> Iterator[SourceFile]:
        """Every file that it offers now, in order of path. Raises OperationFailed when it cannot be listed whole: an unreachable
        source must not look like an empty one."""
        ...

    def digest(self, file: SourceFile) -> str:
        """SHA-256 (hex) of a file's content now. Raises ConversionFailed when it cannot be read."""
        ...


class KeyStore(Protocol):
    """Where keys are kept: hashed, never the key itself."""

    async def key(self, digest: str) -> StoredKey | None:
        """The key whose secret has this SHA-256 (hex), valid or not."""
        ...

    async def keys_version(self) -> int:
        """A number that changes whenever any key is created or revoked; cheap enough to ask often."""
        ...


class PassageStore(Protocol):
    """The passages of one tenant, as the ingest side writes them. Synchronous; one writer at a time (the ingest lock)."""

    def replace(self, documents: Sequence[str], passages: Sequence[StoredPassage]) -> None:
        """In one commit: every passage of `documents` goes and `passages` come. Idempotent; a document without passages is gone."""
        ...

    def relabel(self, documents: Sequence[str], acl: str) -> None:
        """In one commit: give every passage of these documents another access list, keeping the vectors."""
        ...

    def documents(self) -> Mapping[str, str]:
        """Version of every document that has passages."""
        ...

    def without_vector(self, limit: int) -> Sequence[tuple[str, str]]:
        """(id, words) of up to `limit` passages that still lack a vector, shortest first."""
        ...

    def add_vectors(self, vectors: Mapping[str, Sequence[float]], made_by: str) -> None:
        """Vectors of length one by passage id, and the identity of the embedder that made them; ids that are gone by now are passed
        over."""
        ...

    def optimize(self) -> None:
        """Bring indexes up to date, compact, and erase what is deleted. Searches go on meanwhile."""
        ...


OUTDATED: Final = "knowledge.outdated"
"""Code of Unavailable when a writer has cleared a snapshot away: ask for the newest and begin again."""


class PassageIndex(Protocol):
    """The passages of one tenant, as the search side reads them, also while another process writes."""

    async def newest(self) -> PassageSnapshot:
        """The newest committed state; an empty one when nothing was ever ingested. Cheap enough to ask for each query.

        Raises Unavailable when what is stored cannot be read.
        """
        ...


class PassageSnapshot(Protocol):
    """One committed state, unchanging. The scope's sources and acls (not its tenant: an index has one) filter inside each query.

    Every method raises Unavailable: with code OUTDATED when a writer has cleared this state away, with another when what is stored
    cannot be read.
    """

    @property
    def version(self) -> int:
        """Grows with every commit; 0 before the first."""
        ...

    async def counts(self, scope: Scope, made_by: str) -> tuple[int, int]:
        """Passages in scope, and how many of them have a vector made by this embedder."""
        ...

    async def by_words(self, question: str, scope: Scope, limit: int) -> Sequence[Hit]:
        """The best `limit` by BM25 over their words (English: stemmed, stop words removed). Any text is a question; one without a word
        that counts finds nothing."""
        ...

    async def by_meaning(self, vector: Sequence[float], made_by: str, scope: Scope, limit: int) -> Sequence[Hit]:
        """The best `limit` by cosine among those whose vector this embedder made."""
        ...

    async def passages(self, keys: Sequence[int], scope: Scope) -> Mapping[int, StoredPassage]:
        """Passages by key, as far as they are in scope."""
        ...
