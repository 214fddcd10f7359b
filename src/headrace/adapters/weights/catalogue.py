"""The models that Headrace knows by itself, in the same form as a workspace's ``models/NAME.yaml``."""

from __future__ import annotations

from functools import cache
from importlib.resources import files
from typing import TYPE_CHECKING

from pydantic import TypeAdapter

from headrace.config.model import Model
from headrace.core.errors import OperationFailed

if TYPE_CHECKING:
    from collections.abc import Mapping

    from headrace.config.model import Workspace

LANGUAGE = "smollm2-135m-instruct"
"""The default language model."""
EMBEDDER = "all-minilm-l6-v2"
"""The default embedder."""


@cache
def built_in() -> dict[str, Model]:
    """The built-in catalogue by name, in order of use."""
    read = TypeAdapter(tuple[Model, ...]).validate_json(files("headrace.adapters.weights").joinpath("catalogue.json").read_bytes())
    return {model.model: model for model in read}


def known(workspace: Workspace | None = None) -> dict[str, Model]:
    """The built-in models and the workspace's own; where both have a name, the workspace's word holds."""
    return {**built_in(), **(workspace.models if workspace else {})}


def needed(workspace: Workspace | None = None) -> list[Model]:
    """What a workspace cannot serve without: the models of its embedded engines, and the embedder where it has sources.

    Without a workspace: the defaults. Raises OperationFailed for a model that nobody declares.
    """
    if workspace is None:
        return list(built_in().values())
    names = [form.embedded.model for form in workspace.deployments.values() if form.embedded is not None]
    if workspace.searches:
        names.append(EMBEDDER)
    declared = known(workspace)
    return [find(name, declared) for name in dict.fromkeys(names)]


def find(name: str, declared: Mapping[str, Model]) -> Model:
    """The declaration of a model. Raises OperationFailed that says which there are."""
    if name not in declared:
        msg = f'No model "{name}" is declared.'
        raise OperationFailed(
            msg, code="models.unknown", mend=f"There are: {', '.join(sorted(declared))}. Others go into models/NAME.yaml."
        )
    return declared[name]
