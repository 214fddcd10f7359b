"""Every examination, in the order in which a person would ask, and what to do when one cannot be made."""

from __future__ import annotations

from typing import TYPE_CHECKING

from headrace.app.doctor import configuration, folder, machine, reach, serving, stores
from headrace.app.doctor.finding import Finding, told
from headrace.core.errors import HeadraceError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from headrace.app.doctor.finding import Findings
    from headrace.app.doctor.subject import Subject

EXAMINATIONS: tuple[tuple[str, Callable[[Subject], Findings]], ...] = (
    ("the CPU and the system's libraries", machine.engine),
    ("open files", machine.open_files),
    ("memory", machine.memory),
    ("who can read the state", folder.readable_by_others),
    ("whose the state is", folder.owners),
    ("the disk", folder.disk),
    ("version control", folder.committed),
    ("the workspace's files", configuration.files),
    ("what is in force", configuration.applied),
    ("the control store", stores.control),
    ("the ledger and the clock", stores.ledger),
    ("what ingestion remembers", stores.manifests),
    ("the models", stores.models),
    ("the address", serving.port),
    ("host names", serving.hosts),
    ("what killed processes left", serving.left_behind),
    ("the running parts", serving.parts),
    ("sources", configuration.sources),
    ("providers' keys", reach.provider_keys),
    ("providers", reach.providers),
    ("proxies", reach.proxies),
    ("policy", configuration.policy),
    ("administrators", configuration.administrators),
    ("keys", configuration.keys),
)
"""What is looked at, in words, and by which function."""


def examine(subject: Subject) -> Iterator[tuple[str, tuple[Finding, ...]]]:
    """Each examination with what it found, as it is made. An examination that cannot be made is a finding itself: raises nothing for what
    it meets on the machine."""
    if (closed := folder.closed_to_us(subject)) is not None:
        yield "whose the workspace is", (closed,)
        return
    for words, examination in EXAMINATIONS:
        try:
            yield words, tuple(examination(subject))
        except HeadraceError as error:
            yield words, (told(error, words),)
        except OSError as error:
            where = str(error.filename or words)
            mend = "Run the doctor as the user that runs Headrace."
            yield words, (Finding("doctor.not_examined", f"{words} could not be examined: {error.strerror}.", where, mend),)
