"""The engine's driver: what a machine must have, which file is the model, and how a load that fails is told."""

from __future__ import annotations

import asyncio
import ctypes
import stat
from typing import TYPE_CHECKING

import pytest

from headrace.adapters.engines import llama
from headrace.adapters.models.openai import Endpoint, OpenAIChat
from headrace.app.processes.engine import Form
from headrace.core.errors import OperationFailed
from headrace.core.values import Sampling
from headrace.testing.chat_model import collect, prompt, text_of
from tests.providers.engine import language
from tests.providers.waiting import until

if TYPE_CHECKING:
    from pathlib import Path

MODERN = "processor : 0\nflags : fpu avx avx2 bmi2 f16c fma sse4_2\n\nprocessor : 1\nflags : fpu avx avx2 bmi2 f16c fma\n"
FORM = Form("smollm2-135m-instruct", slots=1, context=256, threads=1)


def test_a_cpu_that_will_do() -> None:
    assert llama.lacking_features("x86_64", MODERN) == ()
    assert llama.lacking_features("aarch64", "") == ()


def test_a_cpu_that_lacks_something_is_named_before_its_library_is_loaded(monkeypatch: pytest.MonkeyPatch) -> None:
    assert llama.lacking_features("AMD64", MODERN.replace(" avx2", "").replace(" fma", "")) == ("avx2", "fma")
    monkeypatch.setattr(llama, "lacking_features", lambda *_: ("avx2", "fma"))
    with pytest.raises(OperationFailed, match="This machine's CPU lacks AVX2, FMA") as raised:
        llama.preflight()
    assert raised.value.code == "models.cpu_too_old"


def test_a_machine_without_libgomp_is_told_what_to_type(monkeypatch: pytest.MonkeyPatch) -> None:
    def missing(name: str) -> None:
        raise OSError(name)

    monkeypatch.setattr(ctypes, "CDLL", missing)
    with pytest.raises(OperationFailed, match="libgomp is not installed") as raised:
        llama.preflight()
    assert raised.value.mend == "On Debian or Ubuntu: apt-get install libgomp1"


def test_the_models_file(tmp_path: Path) -> None:
    file = tmp_path / "a.gguf"
    assert llama.gguf_of(file) == file
    with pytest.raises(OperationFailed, match="this one has 0"):
        llama.gguf_of(tmp_path)
    file.touch()
    assert llama.gguf_of(tmp_path) == file
    (tmp_path / "b.gguf").touch()
    with pytest.raises(OperationFailed, match="this one has 2"):
        llama.gguf_of(tmp_path)


async def test_weights_that_do_not_load(tmp_path: Path) -> None:
    (tmp_path / "bad.gguf").write_bytes(b"GGUF" + bytes(64))
    socket = tmp_path / "run" / "engine.sock"
    with pytest.raises(OperationFailed, match='cannot serve the model "smollm2-135m-instruct"') as raised:
        await llama.serve(FORM, tmp_path / "bad.gguf", socket)
    assert (raised.value.code, raised.value.param) == ("models.load_failed", "bad.gguf")
    assert not socket.exists()


async def test_the_socket_is_there_when_the_model_is_and_goes_with_it(tmp_path: Path) -> None:
    socket = tmp_path / "run" / "engine.sock"
    serving = asyncio.create_task(llama.serve(FORM, language(), socket))
    await until(socket.exists, within=60)
    assert stat.S_IMODE(socket.stat().st_mode) == 0o600
    chat = OpenAIChat(Endpoint.embedded(socket, slots=1), FORM.model)
    assert text_of(await collect(chat, prompt("Say hello."), Sampling(max_tokens=4, temperature=0.0)))
    await chat.close()
    serving.cancel()
    with pytest.raises(asyncio.CancelledError):
        await serving
    assert not socket.exists()


def test_threads_suit_the_weights_and_leave_a_core(tmp_path: Path) -> None:
    small, large = tmp_path / "small.gguf", tmp_path / "large.gguf"
    small.write_bytes(b"GGUF")
    with large.open("wb") as file:
        file.truncate(llama.SMALL_WEIGHTS)
    free = Form("m", slots=1, context=256)
    assert [llama.threads_of(free, small, cores) for cores in (1, 2, 4, 64)] == [(1, 1), (1, 1), (1, 3), (1, 8)]
    assert [llama.threads_of(free, large, cores) for cores in (1, 2, 4, 64)] == [(1, 1), (1, 1), (3, 3), (8, 8)]
    assert llama.threads_of(Form("m", slots=1, context=256, threads=5), small, 2) == (5, 5)
