"""What the vector store imports and nobody uses is left out."""

from __future__ import annotations

import subprocess
import sys

PROGRAM = """
import sys
from headrace.adapters.stores import lance_table, unused
import lancedb
loaded = {name for name in sys.modules if name.partition(".")[0] in unused.UNUSED}
assert loaded, "LanceDB does not import them any more: take this away"
assert all(getattr(sys.modules[name], "__file__", None) is None for name in loaded), loaded
from lance_namespace.errors import TableNotFoundError
from lance_namespace import Anything
assert issubclass(TableNotFoundError, Exception) and not issubclass(Anything, Exception)
unused.leave_out()
assert sum(type(each).__name__ == "_Finder" for each in sys.meta_path) == 1
"""


def test_the_client_of_a_remote_catalogue_is_not_loaded() -> None:
    done = subprocess.run([sys.executable, "-c", PROGRAM], capture_output=True, text=True, check=False, timeout=120)
    assert done.returncode == 0, done.stderr
