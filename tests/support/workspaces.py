"""Workspaces for tests, written as a company would write them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from headrace.adapters.weights.catalogue import built_in
from headrace.config.check import Checked, check

if TYPE_CHECKING:
    from pathlib import Path

FILES = {
    "headrace.yaml": "headrace: 1\nname: acme\ntenants: [default, lab]\nplacements: [here, cloud]\ngroups: [auditors]\n",
    "people.yaml": (
        "people:\n"
        "  - person: ana\n    groups: [support]\n"
        "  - person: ben\n    tenant: lab\n    groups: [chemists]\n"
        "applications:\n"
        "  - application: desk\n    groups: [support]\n"
    ),
    "services/help.yaml": (
        "service: help\n"
        "about: Answers from the handbook.\n"
        "prompt: prompts/help.md\n"
        "knowledge:\n"
        "  sources: [handbook]\n"
        "  passages: 6\n"
        "models:\n"
        "  - deployment: small\n"
        "guards:\n"
        "  input: [secrets: refuse, pii: mask]\n"
        "  output: {pii: mask}\n"
        "max tokens: 100\n"
    ),
    "deployments/small.yaml": (
        "deployment: small\nplacement: here\nembedded:\n  model: smollm2-135m-instruct\n  slots: 2\nprice: [0.02 EUR per slot-hour]\n"
    ),
    "deployments/far.yaml": (
        "deployment: far\nplacement: cloud\nprovider:\n  url: https://models.example/v1\n  model: large\n  key: env:FAR_KEY\n"
        "price: [0.15 EUR per 1M input tokens, 0.60 EUR per 1M output tokens]\n"
    ),
    "sources/handbook.yaml": (
        "source: handbook\nfolder: texts\nreaders:\n  groups: [support, auditors]\nrules:\n"
        "  - path: hr/**\n    readers:\n      people: [ana]\n"
    ),
    "policies/base.cedar": '@id("all")\npermit (principal, action, resource);\n',
    "prompts/help.md": "Answer kindly.\n",
    "texts/a.md": "# A\n",
}
"""A valid workspace: path to text. The last one is a document, no part of the revision."""


def lay(folder: Path, **changes: str | None) -> Path:
    """Write the files, some replaced; a value of None leaves the file out. Names use ``__`` for a slash and ``_`` for a dot."""
    for path, text in FILES.items():
        change = changes.get(path.replace("/", "__").replace(".", "_"), text)
        if change is not None:
            (folder / path).parent.mkdir(parents=True, exist_ok=True)
            (folder / path).write_text(change, encoding="utf-8")
    return folder


def edit(folder: Path, path: str, old: str, new: str) -> None:
    """Replace the one occurrence of a text in a file."""
    text = (folder / path).read_text(encoding="utf-8")
    assert text.count(old) == 1, f"{old!r} stands {text.count(old)} times in {path}"
    (folder / path).write_text(text.replace(old, new), encoding="utf-8")


def checked(folder: Path) -> Checked:
    """A check with the built-in catalogue."""
    return check(folder, models=built_in())
