"""Checks that everything a user installs is under a permissive licence, by what the installed packages say of themselves.

    .venv/bin/python tools/licences.py      a line for each package that is not, exit 1; or how many are

A package says it in ``License-Expression``, ``License`` or its classifiers, in this order. What is let through although it is not
permissive, or although it does not say, stands below with its reason.
"""

from __future__ import annotations

import re
import sys
from importlib import metadata
from pathlib import Path

LOCK = Path(__file__).parents[1] / "requirements" / "base.lock"
PERMISSIVE = {
    *("0BSD", "APACHE-2.0", "BSD-2-CLAUSE", "BSD-3-CLAUSE", "CC0-1.0", "ISC", "MIT", "MIT-0", "PSF-2.0", "UNLICENSE", "ZLIB"),
    *("BSD", "PYTHON SOFTWARE FOUNDATION"),  # what remains of a classifier's words
}
WORDS = {
    "APACHE 2": "APACHE-2.0",
    "APACHE 2.0": "APACHE-2.0",
    "APACHE, VERSION 2.0": "APACHE-2.0",
    "APACHE SOFTWARE": "APACHE-2.0",
    "3-CLAUSE BSD": "BSD-3-CLAUSE",
}
"""What packages write instead of SPDX names, without the words License and Licence."""
EXCEPTIONS = {
    "cedarpy": "its metadata names none; the licence that it ships is Apache-2.0",
    "tqdm": "MPL-2.0 AND MIT: copyleft for its own files only, and they are used unchanged",
}


def main() -> int:
    """Print what is wrong; 1 when something is."""
    faults: list[str] = []
    names = sorted(set(re.findall(r"^([a-z0-9][a-z0-9._-]*)==", LOCK.read_text(encoding="utf-8"), re.MULTILINE)))
    installed = {re.sub(r"[-_.]+", "-", each.name).lower(): each for each in metadata.distributions()}
    checked = [name for name in names if name in installed]  # the others are for other systems
    for name in checked:
        said = licence(installed[name].metadata)
        if not permissive(said) and name not in EXCEPTIONS:
            faults.append(f"{name}: {said or 'says nothing of its licence'}")
        if permissive(said) and name in EXCEPTIONS:
            faults.append(f"{name}: stands among the exceptions and needs none ({said})")
    faults += [f"{name}: stands among the exceptions and is not installed" for name in EXCEPTIONS if name not in checked]
    let_through = ", ".join(f"{name} ({reason})" for name, reason in EXCEPTIONS.items())
    well = f"{len(checked)} packages under permissive licences; let through: {let_through}\n"
    sys.stdout.write("".join(f"{fault}\n" for fault in faults) or well)
    return int(bool(faults) or not checked)


def licence(about: metadata.PackageMetadata) -> str:
    """What a package says of its licence, as an expression."""
    for field in ("License-Expression", "License"):
        value = about.get(field)
        if value and "\n" not in value:
            return value
    kinds = [each.rpartition("::")[2].strip() for each in about.get_all("Classifier") or [] if each.startswith("License ::")]
    return " AND ".join(kinds)


def permissive(expression: str) -> bool:
    """Whether every part of an expression leaves a permissive choice."""
    parts = expression.upper().replace("(", "").replace(")", "").split(" AND ")
    return all(any(_plain(choice) in PERMISSIVE for choice in part.split(" OR ")) for part in parts)


def _plain(choice: str) -> str:
    words = " ".join(re.sub(r"\b(THE|LICEN[CS]E)\b", "", choice).replace(" ,", ",").split())
    return WORDS.get(words, words)


if __name__ == "__main__":
    sys.exit(main())
