"""Where a workspace keeps its state, and where its processes meet."""

from __future__ import annotations

import hashlib
import os
import tempfile
from dataclasses import dataclass
from pathlib import Path


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
    def progress(self) -> Path:
        """How far the pass over the sources is that began last (JSON)."""
        return self.state / "ingest-progress.json"

    @property
    def address(self) -> Path:
        """``gateway.json``: url and process ids of the running installation, present only while it runs."""
        return self.state / "gateway.json"

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
        base = Path(os.environ.get("XDG_RUNTIME_DIR") or tempfile.gettempdir())
        digest = hashlib.sha256(str(self.workspace.resolve()).encode()).hexdigest()[:12]
        return base / f"headrace-{os.getuid()}-{digest}" / f"{process}.sock"
