"""The software bill of materials of what a user installs: CycloneDX 1.6 (JSON), from the lock, the installed packages and the catalogue.

    python tools/sbom.py [FILE]      default: build/sbom.json

A component for each package of requirements/base.lock with every SHA-256 that may be installed, its licence as the package says it, and the
systems it is for; one for each built-in model, with its files. The same lock gives the same bytes: no time stands in it.
"""

from __future__ import annotations

import json
import re
import sys
import uuid
from importlib import metadata
from pathlib import Path
from typing import Any

from licences import licence

import headrace
from headrace.adapters.weights.catalogue import built_in

ROOT = Path(__file__).resolve().parents[1]
LOCK = ROOT / "requirements" / "base.lock"
_PINNED = re.compile(r"^([a-z0-9][a-z0-9._-]*)==([^ ;\\]+)(?: ; ([^\\\n]+?))?(?: \\)?$(.*?)(?=^\S|\Z)", re.MULTILINE | re.DOTALL)


def packages() -> list[dict[str, Any]]:
    """A component for each pin."""
    installed = {re.sub(r"[-_.]+", "-", each.name).lower(): each.metadata for each in metadata.distributions()}
    found: list[dict[str, Any]] = []
    for name, version, marker, rest in _PINNED.findall(LOCK.read_text(encoding="utf-8")):
        component: dict[str, Any] = {
            "type": "library",
            "bom-ref": f"pkg:pypi/{name}@{version}",
            "name": name,
            "version": version,
            "purl": f"pkg:pypi/{name}@{version}",
            "hashes": [{"alg": "SHA-256", "content": digest} for digest in sorted(re.findall(r"--hash=sha256:([0-9a-f]{64})", rest))],
        }
        if name in installed:
            component["licenses"] = _licences(installed[name])
        if marker:
            component["properties"] = [{"name": "headrace:only-for", "value": marker}]
        found.append(component)
    return found


def _licences(about: metadata.PackageMetadata) -> list[dict[str, Any]]:
    """An SPDX expression where the package gives one (PEP 639), else the licence's name as it stands there."""
    expression = about.get("License-Expression")
    if expression:
        return [{"expression": expression}]
    said = licence(about)
    return [{"license": {"name": said}}] if said else []


def models() -> list[dict[str, Any]]:
    """A component for each built-in model."""
    found: list[dict[str, Any]] = []
    for name, model in sorted(built_in().items()):
        files = [
            {
                "type": "file",
                "bom-ref": f"model:{name}/{file.file}",
                "name": file.file,
                "hashes": [{"alg": "SHA-256", "content": file.sha256}],
                "properties": [{"name": "headrace:source", "value": source} for source in file.sources],
            }
            for file in model.files
        ]
        found.append(
            {
                "type": "machine-learning-model",
                "bom-ref": f"model:{name}",
                "name": name,
                "description": model.about,
                "licenses": [{"license": {"name": model.licence}}],
                "components": files,
            }
        )
    return found


def bill() -> dict[str, Any]:
    """The whole document."""
    components = [*packages(), *models()]
    root = f"pkg:pypi/headrace@{headrace.__version__}"
    return {
        "$schema": "http://cyclonedx.org/schema/bom-1.6.schema.json",
        "bomFormat": "CycloneDX",
        "specVersion": "1.6",
        "serialNumber": f"urn:uuid:{uuid.uuid5(uuid.NAMESPACE_URL, json.dumps(components, sort_keys=True))}",
        "version": 1,
        "metadata": {
            "component": {
                "type": "application",
                "bom-ref": root,
                "name": "headrace",
                "version": headrace.__version__,
                "purl": root,
                "licenses": [{"license": {"id": "Apache-2.0"}}],
            }
        },
        "components": components,
        "dependencies": [{"ref": root, "dependsOn": sorted(each["bom-ref"] for each in components)}],
    }


def main() -> None:
    """Write it."""
    to = Path(sys.argv[1]) if len(sys.argv) > 1 else ROOT / "build" / "sbom.json"
    to.parent.mkdir(parents=True, exist_ok=True)
    document = bill()
    to.write_text(json.dumps(document, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")
    sys.stdout.write(f"{to}: {len(document['components'])} components\n")


if __name__ == "__main__":
    main()
