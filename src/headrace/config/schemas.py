"""The JSON Schemas of the workspace's files, so that editors complete and check as one types."""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec

from headrace.config.model import Deployment, Model, People, Root, Service, Source

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from headrace.config.form import Form

FORMS: Mapping[str, type[Form]] = {
    "headrace": Root,
    "people": People,
    "service": Service,
    "deployment": Deployment,
    "source": Source,
    "model": Model,
}
"""Form of each schema, by the schema's name."""
DIALECT = "https://json-schema.org/draft/2020-12/schema"


def schema(name: str) -> dict[str, object]:
    """The JSON Schema (draft 2020-12) of one kind of file."""
    form = FORMS[name]
    return {"$schema": DIALECT, "$id": f"headrace/schemas/1/{name}.json", **form.model_json_schema(by_alias=True, mode="validation")}


def publish(folder: Path) -> list[Path]:
    """Write every schema to ``folder/NAME.json``; files that say the same already are left alone. Gives their paths."""
    folder.mkdir(parents=True, exist_ok=True)
    paths: list[Path] = []
    for name in FORMS:
        path = folder / f"{name}.json"
        content = msgspec.json.format(msgspec.json.encode(schema(name)), indent=2) + b"\n"
        if not path.exists() or path.read_bytes() != content:
            path.write_bytes(content)
        paths.append(path)
    return paths
