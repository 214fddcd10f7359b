"""The published forms of records, receipts, proof bundles and growths, as JSON Schema (draft 2020-12)."""

from __future__ import annotations

from pathlib import Path

import msgspec

NAMES = ("record", "receipt", "bundle", "growth")


def schema(name: str) -> dict[str, object]:
    """One of NAMES, as JSON Schema."""
    content = (Path(__file__).parent / "schema" / f"{name}.json").read_bytes()
    return msgspec.json.decode(content, type=dict[str, object])
