"""The published schemas and the reference say what the forms say."""

from __future__ import annotations

import json
from importlib.resources import files
from typing import TYPE_CHECKING, Any, cast

import pytest
from jsonschema import Draft202012Validator

from headrace.adapters.weights.catalogue import built_in
from headrace.config import template
from headrace.config.located import read
from headrace.config.model import Limits, Provider, Source
from headrace.config.reference import markdown
from headrace.config.schemas import FORMS, publish, schema
from tests.support.workspaces import FILES, lay

if TYPE_CHECKING:
    from pathlib import Path

    from pydantic import BaseModel

KIND = {"headrace.yaml": "headrace", "people.yaml": "people", "services": "service", "deployments": "deployment", "sources": "source"}


def validator(name: str) -> Any:
    return Draft202012Validator(schema(name))


@pytest.mark.parametrize("name", list(FORMS))
def test_a_schema_is_one(name: str) -> None:
    Draft202012Validator.check_schema(schema(name))


def test_they_accept_what_the_forms_accept(tmp_path: Path) -> None:
    made = tmp_path / "made"
    template.write(made, tmp_path)
    for folder in (made, lay(tmp_path / "laid")):
        paths = [path for path in folder.rglob("*.yaml") if ".headrace" not in path.parts]
        assert len(paths) >= 6
        for path in paths:
            root = read(path.read_text()).root
            assert root is not None
            relative = path.relative_to(folder)
            validator(KIND[relative.parts[0]]).validate(root.plain())
    for model in built_in().values():
        validator("model").validate(json.loads(model.model_dump_json()))


@pytest.mark.parametrize(
    ("name", "data"),
    [
        ("headrace", {"headrace": 2, "name": "a"}),
        ("headrace", {"headrace": 1, "name": "a", "limits": {"body": "2 pounds"}}),
        ("headrace", {"headrace": 1, "name": "a", "limits": {"headers_within": "2 s"}}),
        ("service", {"service": "a", "models": [], "guards": {"input": {"pii": "hide"}}}),
        ("service", {"service": "a", "guards": {"input": [{"pii": "mask", "secrets": "refuse"}]}}),
        ("deployment", {"deployment": "a", "price": ["2 cents"]}),
        ("deployment", {"deployment": "a", "embedded": {"model": "b", "slots": "4"}}),
        ("source", {"source": "a", "folder": "b", "readers": {}, "sensitivity": 1}),
        ("source", {"source": "a", "folder": "b", "readers": {}, "extra": 1}),
    ],
)
def test_they_refuse_what_the_forms_refuse(name: str, data: dict[str, object]) -> None:
    assert not validator(name).is_valid(data)


@pytest.mark.parametrize(
    ("form", "least"),
    [(Limits, {}), (Provider, {"url": "https://x", "model": "m"}), (Source, {"source": "s", "folder": "f", "readers": {}})],
)
def test_defaults_that_are_written_out_are_the_defaults(form: type[BaseModel], least: dict[str, object]) -> None:
    said = cast("dict[str, dict[str, object]]", form.model_json_schema(by_alias=True)["properties"])
    written = {word: value["default"] for word, value in said.items() if isinstance(value.get("default"), str)}
    assert written
    assert form.model_validate({**written, **least}) == form.model_validate(least)


def test_publishing_writes_them_once(tmp_path: Path) -> None:
    paths = publish(tmp_path / "schemas")
    assert [path.stem for path in paths] == list(FORMS)
    before = [path.stat().st_mtime_ns for path in paths]
    assert [path.stat().st_mtime_ns for path in publish(tmp_path / "schemas")] == before
    paths[0].write_text("{}")
    publish(tmp_path / "schemas")
    assert json.loads(paths[0].read_text())["$id"] == "headrace/schemas/1/headrace.json"


def test_every_word_has_a_meaning_in_the_reference() -> None:
    page = markdown()
    rows = [line for line in page.splitlines() if line.startswith("| `")]
    assert len(rows) > 60
    for row in rows:
        word, kind, _, meaning = row.replace("\\|", "/").strip("| ").split(" | ") if row.count(" | ") == 3 else ("", "", "", "")
        assert word and kind and meaning, row
    for form in FORMS.values():
        for name, field in form.model_fields.items():
            assert f"| `{field.alias or name}` |" in page
    assert "None" not in page


def test_the_templates_name_schemas_that_are_published() -> None:
    for path in [path for path in FILES if path.endswith(".yaml")]:
        base = files(template).joinpath(path)
        if base.is_file():
            named = base.read_text().splitlines()[0].rpartition("/")[2].removesuffix(".json")
            assert named in FORMS
