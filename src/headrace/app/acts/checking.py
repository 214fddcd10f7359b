"""Checking a workspace's files with everything that this installation knows: its models, its guards, its policy language."""

from __future__ import annotations

from typing import TYPE_CHECKING

from headrace.adapters.weights.catalogue import built_in
from headrace.config.check import Checked, check
from headrace.config.files import require_workspace
from headrace.policy.faults import policy_faults

if TYPE_CHECKING:
    from pathlib import Path


def check_folder(folder: Path) -> Checked:
    """Every fault of the workspace's files, policies too. Raises OperationFailed when the folder is no workspace."""
    require_workspace(folder)
    return check(folder, models=built_in(), policy_faults=policy_faults)
