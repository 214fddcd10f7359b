"""The embedder's graph against a forward pass written out in numpy."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np
import onnxruntime
import pytest

from headrace.adapters.embedders.minilm_graph import build_file, read_safetensors
from tests.support.weights import EPSILON, HEADS, LAYERS, WIDTH, config_json, encoder_tensors, safetensors

if TYPE_CHECKING:
    from pathlib import Path

    from numpy.typing import NDArray

    Array = NDArray[np.float32]

IDS = np.asarray([[3, 14, 15, 9, 2], [7, 1, 8, 0, 0]], dtype=np.int32)
MASK = np.asarray([[1, 1, 1, 1, 1], [1, 1, 1, 0, 0]], dtype=np.int32)


def normalised(value: Array, gamma: Array, beta: Array) -> Array:
    mean, variance = value.mean(-1, keepdims=True), value.var(-1, keepdims=True)
    return (value - mean) / np.sqrt(variance + EPSILON) * gamma + beta


def attention(tensors: dict[str, Array], at: str, hidden: Array) -> Array:
    parts = [hidden @ tensors[f"{at}{part}.weight"].T + tensors[f"{at}{part}.bias"] for part in ("query", "key", "value")]
    query, key, value = (part.reshape(*part.shape[:2], HEADS, -1).transpose(0, 2, 1, 3) for part in parts)
    scores = query @ key.transpose(0, 1, 3, 2) / math.sqrt(WIDTH // HEADS) + np.where(MASK[:, None, None] == 1, 0, -1e9)
    weights = np.exp(scores - scores.max(-1, keepdims=True))
    weights /= weights.sum(-1, keepdims=True)
    return (weights @ value).transpose(0, 2, 1, 3).reshape(hidden.shape)


def forward(tensors: dict[str, Array]) -> tuple[Array, Array]:
    """Token vectors and sentence vectors, as the paper has them."""
    places = tensors["embeddings.position_embeddings.weight"][: IDS.shape[1]]
    hidden = tensors["embeddings.word_embeddings.weight"][IDS] + places + tensors["embeddings.token_type_embeddings.weight"][0]
    hidden = normalised(hidden, tensors["embeddings.LayerNorm.weight"], tensors["embeddings.LayerNorm.bias"])
    bend = np.vectorize(lambda x: x * 0.5 * (1 + math.erf(x / math.sqrt(2))))

    def dense(name: str, value: Array) -> Array:
        return value @ tensors[f"{name}.dense.weight"].T + tensors[f"{name}.dense.bias"]

    for layer in range(LAYERS):
        at = f"encoder.layer.{layer}."
        for name, value in ((f"{at}attention.output", None), (f"{at}output", "wide")):
            inner = bend(dense(f"{at}intermediate", hidden)) if value else attention(tensors, f"{at}attention.self.", hidden)
            norm = (tensors[f"{name}.LayerNorm.weight"], tensors[f"{name}.LayerNorm.bias"])
            hidden = normalised(hidden + dense(name, inner), *norm)
    mean = (hidden * MASK[..., None]).sum(1) / MASK.sum(1, keepdims=True)
    return hidden, mean / np.linalg.norm(mean, axis=1, keepdims=True)


def run(graph: Path) -> tuple[Array, Array]:
    session = onnxruntime.InferenceSession(str(graph), providers=["CPUExecutionProvider"])
    tokens, sentences = session.run(["tokens", "sentence"], {"ids": IDS, "mask": MASK})
    return tokens, sentences


@pytest.fixture
def files(tmp_path: Path) -> Path:
    (tmp_path / "model.safetensors").write_bytes(safetensors(encoder_tensors()))
    (tmp_path / "config.json").write_bytes(config_json())
    return tmp_path


def test_the_exact_graph_is_the_forward_pass(files: Path) -> None:
    build_file(files / "model.safetensors", files / "config.json", files / "model.onnx", quantised=False)
    tokens, sentences = run(files / "model.onnx")
    expected_tokens, expected_sentences = forward(encoder_tensors())
    inside = MASK == 1
    assert np.allclose(tokens[inside], expected_tokens[inside], atol=1e-4)
    assert np.allclose(sentences, expected_sentences, atol=1e-5)


def test_the_kept_graph_is_close_to_it_and_of_length_one(files: Path) -> None:
    build_file(files / "model.safetensors", files / "config.json", files / "model.onnx")
    _, sentences = run(files / "model.onnx")
    expected = forward(encoder_tensors())[1]
    assert np.allclose(np.linalg.norm(sentences, axis=1), 1, atol=1e-5)
    assert ((sentences * expected).sum(1) > 0.97).all()
    assert sorted(path.name for path in files.iterdir()) == ["config.json", "model.onnx", "model.safetensors"]


def test_tensors_of_other_types_are_left_out(tmp_path: Path) -> None:
    content = safetensors({"a": np.ones((2, 2), np.float32)}).replace(b'"F32"', b'"I32"')
    (tmp_path / "some.safetensors").write_bytes(content)
    assert read_safetensors(tmp_path / "some.safetensors") == {}
