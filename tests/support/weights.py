"""Models for tests of the store: small files of any content, and the weights of a small BERT encoder."""

from __future__ import annotations

import hashlib
import json
from typing import TYPE_CHECKING

import numpy as np

from headrace.config.model import Model, ModelFile

if TYPE_CHECKING:
    from pathlib import Path

    from numpy.typing import NDArray

LAYERS, HEADS, WIDTH, WORDS, PLACES = 2, 4, 32, 50, 20
EPSILON = 1e-12


def model(name: str, *files: tuple[str, bytes, list[str]], kind: str = "language") -> Model:
    """A declaration: for each file its name, its content, and where it can be had."""
    declared = tuple(
        ModelFile(file=file, sha256=hashlib.sha256(content).hexdigest(), size=len(content), sources=tuple(sources))
        for file, content, sources in files
    )
    return Model(model=name, kind=kind, licence="MIT", files=declared)  # pyright: ignore[reportArgumentType]


def encoder_tensors() -> dict[str, NDArray[np.float32]]:
    """Every tensor of a BERT encoder with two small layers, from fixed randomness."""
    random = np.random.default_rng(7)

    def some(*shape: int) -> NDArray[np.float32]:
        return random.normal(0, 0.4, shape).astype(np.float32)

    tensors = {
        "embeddings.word_embeddings.weight": some(WORDS, WIDTH),
        "embeddings.position_embeddings.weight": some(PLACES, WIDTH),
        "embeddings.token_type_embeddings.weight": some(2, WIDTH),
        "embeddings.LayerNorm.weight": 1 + some(WIDTH),
        "embeddings.LayerNorm.bias": some(WIDTH),
    }
    for layer in range(LAYERS):
        at = f"encoder.layer.{layer}."
        for part in ("attention.self.query", "attention.self.key", "attention.self.value", "attention.output.dense"):
            tensors |= {f"{at}{part}.weight": some(WIDTH, WIDTH), f"{at}{part}.bias": some(WIDTH)}
        tensors |= {f"{at}intermediate.dense.weight": some(4 * WIDTH, WIDTH), f"{at}intermediate.dense.bias": some(4 * WIDTH)}
        tensors |= {f"{at}output.dense.weight": some(WIDTH, 4 * WIDTH), f"{at}output.dense.bias": some(WIDTH)}
        for part in ("attention.output.LayerNorm", "output.LayerNorm"):
            tensors |= {f"{at}{part}.weight": 1 + some(WIDTH), f"{at}{part}.bias": some(WIDTH)}
    return tensors


def safetensors(tensors: dict[str, NDArray[np.float32]]) -> bytes:
    """The bytes of a safetensors file."""
    header: dict[str, object] = {"__metadata__": {"format": "pt"}}
    data = b""
    for name, tensor in tensors.items():
        raw = tensor.tobytes()
        header[name] = {"dtype": "F32", "shape": tensor.shape, "data_offsets": [len(data), len(data) + len(raw)]}
        data += raw
    head = json.dumps(header).encode()
    head += b" " * (-len(head) % 8)
    return len(head).to_bytes(8, "little") + head + data


def config_json() -> bytes:
    """The encoder's settings, among others that nobody reads."""
    return json.dumps({"num_hidden_layers": LAYERS, "num_attention_heads": HEADS, "layer_norm_eps": EPSILON, "vocab_size": WORDS}).encode()


def encoder(folder: Path, name: str = "small-bert") -> Model:
    """An embedder's declaration, its files written to `folder`."""
    contents = {"model.safetensors": safetensors(encoder_tensors()), "config.json": config_json(), "tokenizer.json": b"{}"}
    for file, content in contents.items():
        (folder / file).write_bytes(content)
    return model(name, *((file, content, [f"file:{folder / file}"]) for file, content in contents.items()), kind="embedder")
