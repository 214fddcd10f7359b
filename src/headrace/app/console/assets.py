"""The console's own script, stylesheet and mark, served under names that hold their hash: a browser may keep them for good."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Mapping

PREFIX: Final = "/console/assets/"
KEPT: Final = b"public, max-age=31536000, immutable"
_MEDIA = {"css": b"text/css; charset=utf-8", "js": b"text/javascript; charset=utf-8", "svg": b"image/svg+xml"}
_DIGITS = 16


@dataclass(frozen=True, slots=True)
class Asset:
    """A file as it is served."""

    path: str
    media: bytes
    content: bytes


@cache
def assets() -> Mapping[str, Asset]:
    """Every asset by its plain name (``console.css``)."""
    found: dict[str, Asset] = {}
    for file in files("headrace.app.console").joinpath("assets").iterdir():
        content = file.read_bytes()
        stem, _, ending = file.name.rpartition(".")
        digest = hashlib.sha256(content).hexdigest()[:_DIGITS]
        found[file.name] = Asset(f"{PREFIX}{stem}.{digest}.{ending}", _MEDIA[ending], content)
    return found


@cache
def by_path() -> Mapping[str, Asset]:
    """Every asset by the path under which it is served."""
    return {asset.path: asset for asset in assets().values()}
