"""The description against the service: made-up calls of every operation, right and wrong ones, always the same ones."""

from __future__ import annotations

from typing import Any

import pytest
import schemathesis
from hypothesis import HealthCheck, given, seed, settings
from schemathesis import GenerationMode
from schemathesis.specs.openapi import checks as openapi_checks

from service.security import Role
from service.use_cases import tokens
from tests.api.conftest import NEW

EXAMPLES = 4
CHECKS = [
    schemathesis.checks.not_a_server_error,
    openapi_checks.status_code_conformance,
    openapi_checks.content_type_conformance,
    openapi_checks.response_schema_conformance,
    openapi_checks.response_headers_conformance,
]


@pytest.mark.parametrize("mode", [GenerationMode.POSITIVE, GenerationMode.NEGATIVE], ids=["right", "wrong"])
def test_no_made_up_call_breaks_the_service_or_its_description(api: Any, world: Any, mode: GenerationMode) -> None:
    api.post("/patients", NEW, 201)
    with world.runtime.db.unit_of_work() as session:
        token = tokens.create(
            session, name="fuzz", role=Role.ADMIN, site_id=None, actor="system", now=world.runtime.clock.now()
        )
    schema = schemathesis.openapi.from_wsgi("/api/v1/openapi.json", world.app)
    called = 0
    for found in schema.get_all_operations():
        operation = found.ok()

        @seed(1)
        @settings(
            max_examples=EXAMPLES,
            derandomize=True,
            deadline=None,
            database=None,
            suppress_health_check=list(HealthCheck),
        )
        @given(case=operation.as_strategy(generation_mode=mode))
        def call(case: Any) -> None:
            nonlocal called
            called += 1
            case.call_and_validate(headers={"Authorization": f"Bearer {token}"}, checks=CHECKS)

        call()
    assert called > 100
