"""One pass over the sources, at low priority: what the watcher starts when something changed."""

from __future__ import annotations

import logging
import os
import sys

from headrace.app.ingest_pass import ingest
from headrace.app.processes import child
from headrace.config.layout import Layout
from headrace.core.errors import HeadraceError

NICE = 10
_log = logging.getLogger(__name__)


def main() -> int:
    """Run the pass; 1 when it could not be done. Documents that cannot be read are no failure of the pass."""
    child.die_with_parent()
    os.umask(0o077)
    os.nice(NICE)
    logging.basicConfig(level=logging.INFO, format="%(asctime)s ingest %(levelname)s %(message)s", stream=sys.stderr)
    given = child.arguments("A pass over the sources")
    try:
        reports = ingest(Layout(given.workspace), lambda _: None)
    except HeadraceError as error:
        _log.error("%s", error)
        return child.EXIT_FAILED
    for report in reports:
        counts = report.counts
        _log.info(
            "tenant %s: %d documents, %d new, %d changed, %d deleted, %d unreadable; %d passages, %d vectors; %.1f s",
            report.tenant, counts.found, counts.new, counts.changed, counts.deleted, counts.failed, counts.passages, counts.vectors, report.seconds,
        )  # fmt: skip
    return 0


if __name__ == "__main__":
    sys.exit(main())
