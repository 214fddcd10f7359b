"""Embedded engines as processes: what each is called, and how the rest of the installation finds it.

An engine is named for its deployment and its form, so a changed form is another process on another socket: the new one loads while the
old one still answers, and no answer is lost when a revision changes it.
"""

from __future__ import annotations

import hashlib
import http.client
import json
import socket
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path

    from headrace.config.model import EmbeddedEngine

PREFIX = "engine-"
_SHOWN = 32
"""Characters of a deployment's name in its process's name: a socket's path must stay short."""
_ASKED_WITHIN = 2.0


def process_of(deployment: str, form: EmbeddedEngine) -> str:
    """The name of the process (and of its socket and log) that serves this form of the deployment."""
    digest = hashlib.sha256(f"{deployment}\0{written(form)}".encode()).hexdigest()
    return f"{PREFIX}{deployment[:_SHOWN]}-{digest[:8]}"


def written(form: EmbeddedEngine) -> str:
    """The form as an argument of the process: one that is restarted serves what it was started for, whatever is in force by then."""
    return form.model_dump_json()


def busy(path: Path) -> bool:
    """Whether the engine on this socket works on an answer now. One that is not there does not."""
    connection = http.client.HTTPConnection("engine", timeout=_ASKED_WITHIN)
    try:
        connection.sock = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        connection.sock.settimeout(_ASKED_WITHIN)
        connection.sock.connect(str(path))
        connection.request("GET", "/slots")
        slots: list[dict[str, object]] = json.loads(connection.getresponse().read())
    except (OSError, ValueError, http.client.HTTPException):
        return False
    finally:
        connection.close()
    return any(slot.get("is_processing") for slot in slots)
