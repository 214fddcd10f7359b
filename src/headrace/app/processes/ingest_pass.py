"""One pass over the sources, at low priority: what the watcher starts when something changed."""

from __future__ import annotations

import logging
import os
import sys

from headrace.app.ingest.passes import ingest
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
        _log.info("tenant %s: %d documents, %d new, %d changed", report.tenant, counts.found, counts.new, counts.changed)
        _log.info("%d deleted, %d unreadable, %d passages, %.1f s", counts.deleted, counts.failed, counts.passages, report.seconds)
    return 0


if __name__ == "__main__":
    sys.exit(main())
