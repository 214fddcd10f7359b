"""Where a workspace keeps its state, and where its processes meet."""

from __future__ import annotations

import contextlib
import hashlib
import os
import stat
import tempfile
from dataclasses import dataclass
from pathlib import Path

from headrace.core.errors import OperationFailed

ACT = "act-"
"""What the socket of a command is called that writes one record, where no installation runs."""


@dataclass(frozen=True, slots=True)
class Layout:
    """Paths of one workspace. `state` is ``WORKSPACE/.headrace``: not for version control, mode 0700."""

    workspace: Path

    @property
    def state(self) -> Path:
        """Everything that is not written by people."""
        return self.workspace / ".headrace"

    @property
    def control(self) -> Path:
        """The control store (SQLite): revisions, keys, sessions."""
        return self.state / "control.db"

    @property
    def ledger(self) -> Path:
        """Folder of the log: its database and its signing key."""
        return self.state / "ledger"

    @property
    def log_key(self) -> Path:
        """The log's public key, in its C2SP form: what others pin. It is made with the log."""
        return self.ledger / "log.vkey"

    def knowledge(self, tenant: str) -> Path:
        """Folder of one tenant's documents and tables."""
        return self.state / "knowledge" / tenant

    def documents(self, tenant: str) -> Path:
        """Folder of one tenant's stored texts."""
        return self.knowledge(tenant) / "documents"

    def manifest(self, tenant: str) -> Path:
        """What ingestion knows of one tenant's documents (SQLite)."""
        return self.knowledge(tenant) / "ingest.db"

    def manifests(self) -> list[Path]:
        """Those of every tenant that ever had documents."""
        return sorted(self.knowledge("any").parent.glob(f"*/{self.manifest('any').name}"))

    @property
    def evaluations(self) -> Path:
        """Folder of the last evaluation of each deployment (JSON)."""
        return self.state / "evaluations"

    @property
    def progress(self) -> Path:
        """How far the pass over the sources is that began last (JSON)."""
        return self.state / "ingest-progress.json"

    @property
    def address(self) -> Path:
        """``gateway.json``: url and process ids of the running installation, present only while it runs."""
        return self.state / "gateway.json"

    @property
    def restart(self) -> Path:
        """How the last ``headrace restart`` went (JSON)."""
        return self.state / "restart.json"

    @property
    def lock(self) -> Path:
        """Held (flock) by the running ``headrace up``."""
        return self.state / "up.lock"

    @property
    def ingest_lock(self) -> Path:
        """Held (flock) by whoever writes the knowledge tables."""
        return self.state / "ingest.lock"

    @property
    def logs(self) -> Path:
        """Folder of one log file a process; content-free."""
        return self.state / "logs"

    def socket(self, process: str) -> Path:
        """Unix socket of a process. In a short private folder: a socket's path may not pass 107 bytes."""
        return self._sockets / f"{process}.sock"

    def make_sockets(self) -> None:
        """Make the sockets' folder. Raises OperationFailed when it is there and is somebody else's or open to others: its name can be
        guessed, and whoever owns it could stand in for our processes."""
        self._sockets.mkdir(mode=0o700, parents=True, exist_ok=True)
        found = self._sockets.lstat()
        if not stat.S_ISDIR(found.st_mode) or found.st_uid != os.getuid() or found.st_mode & 0o077:
            msg = "The folder for the installation's sockets is not ours alone."
            mend = "Remove it, or set XDG_RUNTIME_DIR to a folder of your own."
            raise OperationFailed(msg, code="operation.foreign_sockets", param=str(self._sockets), mend=mend)

    def clear_sockets(self) -> None:
        """Take the sockets' folder away, with what processes that were killed left in it; not from a command that is writing a record."""
        for left in self._sockets.glob("*.sock"):
            if not left.name.startswith(ACT):
                left.unlink(missing_ok=True)
        with contextlib.suppress(OSError):
            self._sockets.rmdir()

    @property
    def _sockets(self) -> Path:
        base = Path(os.environ.get("XDG_RUNTIME_DIR") or tempfile.gettempdir())
        digest = hashlib.sha256(str(self.workspace.resolve()).encode()).hexdigest()[:12]
        return base / f"headrace-{os.getuid()}-{digest}"
