"""Files that hold files: archives, and mails with their attachments. What is in one has a path behind the container's own:
``reports/2026.zip/inner/budget.xlsx``. Whoever may read the container may read what is in it, and nobody else.
"""

from __future__ import annotations

ARCHIVES = (".zip", ".tar", ".tar.gz", ".tgz", ".tar.bz2", ".tbz2", ".tar.xz", ".txz", ".mbox")
"""Endings of files that are nothing but what they hold."""
MAILS = (".eml", ".msg")
"""Endings of files that have a text of their own beside what is attached."""


def is_archive(name: str) -> bool:
    """Whether a file of this name is nothing but what it holds."""
    return name.lower().endswith(ARCHIVES)


def is_container(name: str) -> bool:
    """Whether a file of this name may hold others. No folder of such a name is read, so that a path has one meaning."""
    return name.lower().endswith(ARCHIVES + MAILS)


def container_of(path: str) -> str:
    """The path of the file that holds what is at `path`: the outermost, which lies in a folder. Empty when nothing holds it."""
    at = path.find("/")
    while at >= 0:
        if is_container(path[:at]):
            return path[:at]
        at = path.find("/", at + 1)
    return ""
