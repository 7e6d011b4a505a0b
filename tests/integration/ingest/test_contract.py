"""A real sidecar keeps what its OpenAPI document says, whatever Schemathesis makes of it."""

from typing import Any

import pytest
import requests
import schemathesis
from hypothesis import HealthCheck, Phase, given, settings
from schemathesis.checks import not_a_server_error
from schemathesis.core.result import Ok
from schemathesis.specs.openapi import checks

from headrace.ingest.openapi import document

EXAMPLES = 12  # for each operation; `benchmarks/fuzz.py` has no such bound
KEPT = [
    checks.status_code_conformance,
    checks.content_type_conformance,
    checks.response_headers_conformance,
    checks.response_schema_conformance,
]
SCHEMA = schemathesis.openapi.from_dict(document())
FOUND = [found.ok() for found in SCHEMA.get_all_operations() if isinstance(found, Ok)]
OPERATIONS = {f"{operation.method.upper()} {operation.path}": operation for operation in FOUND}


@pytest.fixture(scope="module")
def session(shared: Any) -> Any:
    shared.drained()  # a lake that was not made yet is answered with 503
    with requests.Session() as made:
        made.trust_env = False
        yield made


@pytest.mark.parametrize("name", sorted(OPERATIONS))
def test_an_address_answers_as_it_is_described(shared: Any, session: Any, name: str) -> None:
    operation = OPERATIONS[name]

    @settings(
        max_examples=EXAMPLES,
        deadline=None,
        phases=[Phase.generate],
        suppress_health_check=list(HealthCheck),
        database=None,
        derandomize=True,
    )
    @given(case=operation.as_strategy())
    def ask(case: Any) -> None:
        answer = case.call(base_url=shared.address.url, session=session)
        case.validate_response(answer, checks=[not_a_server_error, *KEPT])

    assert len(OPERATIONS) == len(list(SCHEMA.get_all_operations()))
    ask()
    assert shared.get("/healthz").json() == {"status": "ok"}
