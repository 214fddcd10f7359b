"""The models that Headrace knows by itself, in the same form as a workspace's ``models/NAME.yaml``."""

from __future__ import annotations

from functools import cache
from importlib.resources import files

from pydantic import TypeAdapter

from headrace.config.model import Model

LANGUAGE = "smollm2-135m-instruct"
"""The default language model."""
EMBEDDER = "all-minilm-l6-v2"
"""The default embedder."""


@cache
def built_in() -> dict[str, Model]:
    """The built-in catalogue by name, in order of use."""
    read = TypeAdapter(tuple[Model, ...]).validate_json(files("headrace.adapters.weights").joinpath("catalogue.json").read_bytes())
    return {model.model: model for model in read}
