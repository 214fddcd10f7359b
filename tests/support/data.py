"""Public data sets that lie beside the checkout, never in it."""

from __future__ import annotations

from pathlib import Path

import pytest

DATA = Path(__file__).parents[3] / "shared" / "data"


def shared_data(name: str) -> Path:
    """A file or folder of the data sets. Skips the test, naming the folder, where it is absent."""
    path = DATA / name
    if not path.exists():
        pytest.skip(f"needs the data set {path}, which is not there")
    return path
