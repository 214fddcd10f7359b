"""The API is what its OpenAPI document says: schemathesis asks a running gateway whatever the document allows, and what it does not."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest
import schemathesis
from hypothesis import HealthCheck, given, seed, settings
from hypothesis import strategies as st
from jsonschema import Draft202012Validator
from openapi_spec_validator import OpenAPIV31SpecValidator
from schemathesis import GenerationMode
from schemathesis.checks import missing_required_header, positive_data_acceptance
from schemathesis.config import SchemathesisConfig

from headrace.app.http.application import LINES
from headrace.app.http.errors import BY_CODE, TABLE
from headrace.app.http.headrace.log import LOG_ENDPOINTS
from headrace.app.http.headrace.lookups import ENDPOINTS
from headrace.app.http.published.openapi import PATH, document

if TYPE_CHECKING:
    from hypothesis.strategies import SearchStrategy
    from schemathesis import Case, HookContext
    from schemathesis.schemas import BaseSchema

    from tests.support.installation import Installation

MANY = 400
LONGEST_NAME = 256
QUICK = settings(max_examples=30, deadline=None, suppress_health_check=list(HealthCheck))
SERVICES = {
    "/v1/chat/completions": ("model", "on-good", "help"),
    "/v1/embeddings": ("model", "embed"),
    "/v1/headrace/search": ("service", "help"),
}
"""What a request names half of the time: a name that is made up ends with 404."""
LEFT_OUT = [missing_required_header, positive_data_acceptance]
"""No header but Authorization is asked for; and what fits the form may ask for what a service cannot do, or what two parameters together
cannot mean, so 400 is no fault there."""


@pytest.fixture(scope="module")
def described(installation: Installation, key: str) -> BaseSchema:
    schema = schemathesis.openapi.from_url(f"{installation.url}/v1/openapi.json", config=SchemathesisConfig(seed=3))

    @schema.hook
    def flatmap_body(context: HookContext, body: Any) -> SearchStrategy[Any]:
        named = SERVICES.get(context.operation.path)
        said = body.get(named[0]) if named is not None and isinstance(body, dict) else None
        if named is None or not isinstance(said, str) or not 0 < len(said) <= LONGEST_NAME:
            return st.just(body)  # a wrong name stays wrong
        return st.sampled_from([body, *({**body, named[0]: name} for name in named[1:])])

    @schema.auth()
    class Key:
        def get(self, case: Case, context: Any) -> str:
            del case, context
            return key

        def set(self, case: Case, data: str, context: Any) -> None:
            del context
            case.headers["Authorization"] = f"Bearer {data}"

    return schema


LABELS = [f"{method.upper()} {path}" for path, methods in document()["paths"].items() for method in methods]


@pytest.mark.parametrize("label", LABELS)
def test_what_the_document_says_is_so(described: BaseSchema, label: str) -> None:
    hold(described, label, QUICK)


@pytest.mark.long
@pytest.mark.parametrize("label", LABELS)
def test_what_the_document_says_is_so_for_long(described: BaseSchema, label: str) -> None:
    hold(described, label, settings(QUICK, max_examples=MANY))


def hold(described: BaseSchema, label: str, within: settings) -> None:
    """Whatever the document allows of an operation, and half of the time what it does not, is answered as it says."""
    operation = described.find_operation_by_label(label)
    assert operation is not None
    cases = operation.as_strategy(GenerationMode.POSITIVE)
    if operation.body or operation.query:
        cases |= operation.as_strategy(GenerationMode.NEGATIVE)

    @seed(7)
    @within
    @given(cases)
    def ask(case: Case) -> None:
        case.call_and_validate(excluded_checks=LEFT_OUT, timeout=60)

    ask()


def test_the_document_is_openapi_and_its_examples_are_what_they_show() -> None:
    said: dict[str, Any] = json.loads(json.dumps(document()))
    OpenAPIV31SpecValidator(said).validate()
    for path in SERVICES:
        body = said["paths"][path]["post"]["requestBody"]["content"]["application/json"]
        Draft202012Validator.check_schema(body["schema"])
        Draft202012Validator(body["schema"]).validate(body["example"])
        assert not Draft202012Validator(body["schema"]).is_valid({**body["example"], "modle": "x"})


def test_every_address_and_every_status_stands_in_it() -> None:
    said: dict[str, Any] = json.loads(json.dumps(document()))
    served = {path.replace(":path", "") for path in (*LINES, *ENDPOINTS, *LOG_ENDPOINTS, PATH)}
    assert set(said["paths"]) == served
    assert set(said["components"]["responses"]) == {f"Error{form.status}" for form in (*TABLE.values(), *BY_CODE.values())}
    open_to_all = {path for path, methods in said["paths"].items() for each in methods.values() if not each["security"]}
    assert open_to_all == {PATH, "/healthz", *(path for path in served if "/schema" in path)}
