"""all-MiniLM-L6-v2 through onnxruntime: 384 dimensions, 256 tokens, English.

One text is one run on one thread, and threads run side by side. Batches were tried and are worse in every way here: dynamic INT8 scales
are taken over the whole batch, so a text's vector would depend on its neighbours (cosine 0.987), they are a fifth slower, and take
three times the memory.
"""

from __future__ import annotations

import hashlib
import os
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol, TypeVar, cast

import numpy as np
import onnxruntime  # pyright: ignore[reportMissingTypeStubs]
from tokenizers import Tokenizer

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from pathlib import Path

    from numpy.typing import NDArray
    from tokenizers import Encoding

T = TypeVar("T")

MODEL_FILE = "model.onnx"
TOKENIZER_FILE = "tokenizer.json"
DIMENSIONS = 384
LONGEST = 256
"""Tokens of one text, the two that frame it included; the model was trained on no more. The rest of a longer text is not seen."""


_FRAME = 2
"""Tokens that frame a text."""


class _Session(Protocol):
    """The one call of onnxruntime's (untyped) session that is made here."""

    def run(self, outputs: Sequence[str], feeds: Mapping[str, NDArray[np.int32]], /) -> Sequence[NDArray[np.float32]]: ...


@dataclass(frozen=True, slots=True)
class TokenVectors:
    """The tokens of one text without those that frame it: their ids, spellings, character ranges, and vectors of length one (n by 384)."""

    ids: tuple[int, ...]
    tokens: tuple[str, ...]
    offsets: tuple[tuple[int, int], ...]
    vectors: NDArray[np.float32]


class MiniLM:
    """The embedder of a model folder (``model.onnx``, ``tokenizer.json``). Port Embedder; safe for any number of threads.

    `threads` is how many texts run at once; None: every core this process may use.
    """

    def __init__(self, folder: Path, *, threads: int | None = None) -> None:
        self._identity = _identity(folder)
        self._tokenizer = Tokenizer.from_file(str(folder / TOKENIZER_FILE))
        self._tokenizer.no_padding()
        self._tokenizer.enable_truncation(LONGEST)  # pyright: ignore[reportUnknownMemberType]
        self._session = _session(folder / MODEL_FILE)
        self._threads = threads or len(os.sched_getaffinity(0))
        self._pool = ThreadPoolExecutor(self._threads, thread_name_prefix="minilm")

    @property
    def dimensions(self) -> int:
        """384."""
        return DIMENSIONS

    @property
    def identity(self) -> str:
        """Name, and SHA-256 over graph, weights and tokenizer."""
        return self._identity

    def lengths(self, texts: Sequence[str]) -> list[int]:
        """Tokens of each text, the two that frame it included: one that has more than LONGEST is not seen whole."""
        return [_length(encoding) for encoding in self._tokenizer.encode_batch(list(texts))]

    def embed(self, texts: Sequence[str]) -> NDArray[np.float32]:
        """One vector of length one for each text, in order: shape (texts, 384). What lies beyond 256 tokens is not seen."""
        if not texts:
            return np.empty((0, DIMENSIONS), dtype=np.float32)
        return np.stack(self._map(self._sentence, texts))

    def token_vectors(self, texts: Sequence[str]) -> list[TokenVectors]:
        """The tokens of each text with their vectors in context, for late interaction (MaxSim)."""
        return self._map(self._tokens, texts)

    def close(self) -> None:
        """Let the threads go. Idempotent."""
        self._pool.shutdown()

    def _map(self, work: Callable[[Encoding], T], texts: Sequence[str]) -> list[T]:
        encodings = self._tokenizer.encode_batch(list(texts))
        if len(encodings) == 1 or self._threads == 1:
            return [work(encoding) for encoding in encodings]
        return list(self._pool.map(work, encodings))

    def _sentence(self, encoding: Encoding) -> NDArray[np.float32]:
        return self._run("sentence", encoding)[0]

    def _tokens(self, encoding: Encoding) -> TokenVectors:
        inside = slice(1, -1)
        vectors = self._run("tokens", encoding)[0, inside]
        vectors /= np.sqrt(np.einsum("td,td->t", vectors, vectors))[:, np.newaxis]
        return TokenVectors(tuple(encoding.ids[inside]), tuple(encoding.tokens[inside]), tuple(encoding.offsets[inside]), vectors)

    def _run(self, output: str, encoding: Encoding) -> NDArray[np.float32]:
        ids = np.asarray(encoding.ids, dtype=np.int32)[np.newaxis]
        return self._session.run([output], {"ids": ids, "mask": np.ones_like(ids)})[0]


def _length(encoding: Encoding) -> int:
    """What was cut off stands beside the rest, each piece framed anew."""
    return len(encoding.ids) + sum(len(rest.ids) - _FRAME for rest in encoding.overflowing)


def _session(model: Path) -> _Session:
    options = onnxruntime.SessionOptions()  # pyright: ignore[reportUnknownMemberType, reportUnknownVariableType]
    options.intra_op_num_threads = options.inter_op_num_threads = 1
    # An idle thread must sleep: a spinning one takes the core that the language model needs.
    options.add_session_config_entry("session.intra_op.allow_spinning", "0")  # pyright: ignore[reportUnknownMemberType]
    session = onnxruntime.InferenceSession(str(model), options, providers=["CPUExecutionProvider"])  # pyright: ignore[reportUnknownArgumentType]
    return cast("_Session", session)


def _identity(folder: Path) -> str:
    digest = hashlib.sha256()
    for name in (MODEL_FILE, TOKENIZER_FILE):
        with (folder / name).open("rb") as file:
            digest.update(hashlib.file_digest(file, "sha256").digest())
    return f"all-minilm-l6-v2-int8:{digest.hexdigest()}"
