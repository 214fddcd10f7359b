"""The per-user model store: a folder a model, complete and checked, or not there at all.

    STORE/NAME/…files…        what the catalogue declares, and what was built from it
    STORE/NAME/manifest.json  every file with size and SHA-256, and what it was made from
    STORE/.partial/           what a pull is making; swept by the next one
    STORE/.lock               held (flock) by whoever changes the store

A pull works in ``.partial`` and renames the finished folder into place, so readers see all or nothing, and a pull that was killed
leaves nothing that anyone would take for a model.
"""

from __future__ import annotations

import contextlib
import errno
import fcntl
import hashlib
import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING

import msgspec

from headrace.adapters.weights.sources import Fetcher, Step
from headrace.core.errors import OperationFailed

if TYPE_CHECKING:
    from collections.abc import Callable, Generator

    from headrace.config.model import Model

MANIFEST = "manifest.json"
BUILDER = "headrace.adapters.embedders.minilm_graph"
BUILDER_VERSION = 2
"""Raised when the builder makes another file of the same weights: models built by an older one are then pulled anew."""
_BUILD_ROOM = 2
"""Building an embedder needs the room of its weights twice more: the exact graph and what the quantiser writes."""
_MIB = 1 << 20


class Entry(msgspec.Struct, frozen=True):
    """One kept file."""

    file: str
    sha256: str
    size: int
    built: bool = False
    """Made here from declared files; those that only served to make it are not kept."""


class Manifest(msgspec.Struct, frozen=True):
    """What a model's folder holds, and the digest of the declaration that it was made from."""

    model: str
    kind: str
    declared: str
    files: tuple[Entry, ...]

    @property
    def size(self) -> int:
        """Bytes of all files."""
        return sum(entry.size for entry in self.files)


def default_folder() -> Path:
    """``HEADRACE_MODELS``, or ``headrace/models`` in the user's data folder (``XDG_DATA_HOME``, else ``~/.local/share``)."""
    if named := os.environ.get("HEADRACE_MODELS"):
        return Path(named)
    return Path(os.environ.get("XDG_DATA_HOME") or Path.home() / ".local" / "share") / "headrace" / "models"


class ModelStore:
    """The store in one folder. Safe for any number of processes at once."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def path(self, model: str) -> Path:
        """The folder of a complete model. Raises OperationFailed with code ``models.missing``."""
        self.manifest(model)
        return self._home(model)

    def manifest(self, model: str) -> Manifest:
        """What the model's folder holds. Raises OperationFailed with code ``models.missing`` or ``models.corrupt``."""
        try:
            return msgspec.json.decode((self._home(model) / MANIFEST).read_bytes(), type=Manifest)
        except (FileNotFoundError, NotADirectoryError):
            raise _missing(model) from None
        except msgspec.DecodeError as error:
            msg = f'The manifest of the model "{model}" does not parse: {error}.'
            raise OperationFailed(msg, code="models.corrupt", mend=_anew(model)) from error

    def installed(self) -> list[Manifest]:
        """Every complete model, by name."""
        if not self.folder.is_dir():
            return []
        names = sorted(path.parent.name for path in self.folder.glob(f"*/{MANIFEST}"))
        return [self.manifest(name) for name in names]

    def has(self, model: Model) -> bool:
        """Whether the store holds this very declaration of the model, complete. Files are not hashed: :meth:`verify` does that."""
        try:
            manifest = self.manifest(model.model)
        except OperationFailed:
            return False
        if manifest.declared != declaration(model):
            return False
        return all(_size(self.folder / model.model / entry.file) == entry.size for entry in manifest.files)

    def pull(self, model: Model, told: Callable[[Step], None] = lambda _: None, *, base: Path | None = None) -> Manifest:
        """Fetch, check, build and keep a model; at once when it is here. `base`: where relative ``file:`` sources start.

        Raises OperationFailed: a file that no source gives, a disk that is full. Nothing half-made is left then.
        """
        _check_names(model)
        if self.has(model):
            return self.manifest(model.model)
        try:
            self.folder.mkdir(parents=True, exist_ok=True)
            with self._changing(lambda: told(Step(model.model, "wait", "another pull", 0, 0))) as partial:
                return self.manifest(model.model) if self.has(model) else self._pull(model, told, partial, base or Path.cwd())
        except OSError as error:
            if error.errno == errno.ENOSPC:
                raise self._full(model) from error
            msg = f"The model store cannot be written: {error.strerror}."
            raise OperationFailed(msg, code="models.store_failed", param=str(self.folder)) from error

    def verify(self, model: str) -> tuple[str, ...]:
        """Hash every file of a model: a sentence for each that is not what was kept. Raises OperationFailed when it is not here."""
        faults: list[str] = []
        for entry in self.manifest(model).files:
            path = self._home(model) / entry.file
            if not path.is_file():
                faults.append(f"{entry.file} is missing")
            elif (found := _sha256(path)) != entry.sha256:
                faults.append(f"{entry.file} has SHA-256 {found}, and {entry.sha256} was kept")
        return tuple(faults)

    def remove(self, model: str) -> int:
        """Take a model away, also one that is damaged; returns the bytes freed. Raises OperationFailed when it is not here."""
        home = self._home(model)
        if not home.is_dir():
            raise _missing(model)
        with self._changing() as partial:
            freed = sum(path.stat().st_size for path in home.iterdir())
            home.rename(partial / "removed")
        return freed

    def _home(self, model: str) -> Path:
        """The folder of a model, there or not. Raises OperationFailed for a name that would lead out of the store."""
        if PurePosixPath(model).name != model or model.startswith("."):
            raise _missing(model)
        return self.folder / model

    def _pull(self, model: Model, told: Callable[[Step], None], partial: Path, base: Path) -> Manifest:
        if self.needed(model) > shutil.disk_usage(self.folder).free:
            raise self._full(model)
        made = partial / model.model
        made.mkdir()
        downloads = partial / "downloads"
        downloads.mkdir()
        total = sum(file.size for file in model.files)
        fetcher = Fetcher(downloads, base, lambda what, done: told(Step(model.model, "fetch", what, done, total)))
        for file in model.files:
            fetcher.fetch(file, made / file.file)
        shutil.rmtree(downloads)
        entries = [Entry(file.file, file.sha256, file.size) for file in model.files]
        if _is_built(model):
            told(Step(model.model, "build", "model.onnx", 0, 0))
            entries = _build(made, entries)
        manifest = Manifest(model.model, model.kind, declaration(model), tuple(entries))
        _write_durably(made / MANIFEST, msgspec.json.format(msgspec.json.encode(manifest), indent=2))
        if (self.folder / model.model).exists():
            (self.folder / model.model).rename(partial / "replaced")
        made.rename(self.folder / model.model)
        _sync_folder(self.folder)
        return manifest

    @staticmethod
    def needed(model: Model) -> int:
        """Bytes that pulling a model takes at its height: packages and files side by side, and the room to build in."""
        total = sum(file.size for file in model.files)
        return total * 2 + (total * _BUILD_ROOM if _is_built(model) else 0)

    def _full(self, model: Model) -> OperationFailed:
        free = shutil.disk_usage(self.folder).free
        msg = f'Pulling "{model.model}" takes {_mib(self.needed(model))} MiB for a while, and {_mib(free)} MiB are free.'
        mend = "Make room, or set HEADRACE_MODELS to a folder on another disk."
        return OperationFailed(msg, code="models.disk_full", param=str(self.folder), mend=mend)

    @contextlib.contextmanager
    def _changing(self, waiting: Callable[[], None] = lambda: None) -> Generator[Path]:
        """Hold the store's lock; gives an empty folder to work in, which is swept before and after."""
        with (self.folder / ".lock").open("a") as lock:
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                waiting()
                fcntl.flock(lock, fcntl.LOCK_EX)
            every = self.folder / ".partial"
            shutil.rmtree(every, ignore_errors=True)  # a child that outlived its killed pull may still write there: it does no harm
            every.mkdir(exist_ok=True)
            with tempfile.TemporaryDirectory(dir=every, ignore_cleanup_errors=True) as partial:
                yield Path(partial)


def _missing(model: str) -> OperationFailed:
    return OperationFailed(f'The model "{model}" is not here.', code="models.missing", mend=f"Fetch it: headrace models pull {model}")


def declaration(model: Model) -> str:
    """The digest of what a model is: its files by content, and how they are built. Where they come from does not matter."""
    files = sorted((file.file, file.sha256, file.size) for file in model.files)
    built = [BUILDER, BUILDER_VERSION] if _is_built(model) else []
    return hashlib.sha256(msgspec.json.encode([model.kind, files, built])).hexdigest()


def _is_built(model: Model) -> bool:
    return model.kind == "embedder" and all(file.file != "model.onnx" for file in model.files)


def _build(folder: Path, entries: list[Entry]) -> list[Entry]:
    """The embedder's graph from its weights, in a child: only that process pays for the tools. Its raw material is deleted."""
    names = ("model.safetensors", "config.json", "model.onnx")
    weights, config, target = (folder / name for name in names)
    command = [sys.executable, "-P", "-m", BUILDER, str(weights), str(config), str(target)]
    done = subprocess.run(command, capture_output=True, text=True, check=False, env={**os.environ, "TMPDIR": str(folder)})
    if done.returncode != 0:
        last = (done.stderr.strip().splitlines() or ["it left no word"])[-1]
        if "No space left" in done.stderr:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        msg = f"The embedder's graph could not be built: {last}."
        raise OperationFailed(msg, code="models.build_failed")
    weights.unlink()
    config.unlink()
    kept = [entry for entry in entries if (folder / entry.file).exists()]
    return [*kept, Entry(target.name, _sha256(target), target.stat().st_size, built=True)]


def _check_names(model: Model) -> None:
    """A file's name never leads out of the model's folder. Raises OperationFailed."""
    for file in model.files:
        if PurePosixPath(file.file).name != file.file or file.file.startswith(".") or file.file == MANIFEST:
            msg = f'"{file.file}" cannot be the name of a model\'s file.'
            raise OperationFailed(msg, code="models.bad_name", param=model.model, mend="Use a plain file name without a folder.")


def _sha256(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _size(path: Path) -> int | None:
    try:
        return path.stat().st_size
    except OSError:
        return None


def _write_durably(path: Path, content: bytes) -> None:
    with path.open("wb") as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())


def _sync_folder(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _anew(model: str) -> str:
    return f"Fetch it anew: headrace models remove {model}, then headrace models pull {model}"


def _mib(size: int) -> int:
    return -(-size // _MIB)
