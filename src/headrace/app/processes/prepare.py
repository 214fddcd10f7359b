"""What newly installed code does before anything is changed over to it: bring the control store up to date, and read what is in force."""

from __future__ import annotations

import logging
import os
import sys

from headrace.app.processes import child
from headrace.app.up.preparation import in_force, require_models
from headrace.config.layout import Layout
from headrace.core.errors import HeadraceError

_log = logging.getLogger(__name__)


def main() -> int:
    """1 when this code cannot serve the workspace; the log says why."""
    child.die_with_parent()
    os.umask(0o077)
    logging.basicConfig(level=logging.INFO, format="%(asctime)s prepare %(levelname)s %(message)s", stream=sys.stderr)
    try:
        require_models(in_force(Layout(child.arguments("A look at the workspace").workspace)))
    except HeadraceError as error:
        _log.error("%s", error)
        return child.EXIT_FAILED
    return 0


if __name__ == "__main__":
    sys.exit(main())
