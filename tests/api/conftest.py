"""Callers of the API: a token of a role and a site, and what it got."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from service.models import Site
from service.security import Role
from service.use_cases import tokens

PROBLEM = "application/problem+json"


class Caller:
    """Calls `/api/v1` with one token. Every answer must be JSON or a problem; what is no 2xx must be a problem."""

    def __init__(self, world: Any, token: str | None) -> None:
        self.client = world.app.test_client()
        self.token = token

    def _headers(self, more: dict[str, str]) -> dict[str, str]:
        return ({"Authorization": f"Bearer {self.token}"} if self.token else {}) | more

    def call(self, method: str, path: str, status: int | None = None, **given: Any) -> Any:
        """The response; AssertionError shows it when it is not of `status`."""
        headers = self._headers(given.pop("headers", {}))
        path = path if path.startswith(("/api", "/fhir")) else f"/api/v1{path}"
        response = self.client.open(path, method=method, headers=headers, **given)
        if response.status_code >= 400 and path.startswith("/api"):
            assert response.content_type == PROBLEM, (response.status_code, response.content_type)
            body = response.get_json()
            assert body["status"] == response.status_code and body["type"] and body["title"] and body["detail"]
        if status is not None:
            assert response.status_code == status, (response.status_code, response.get_data(as_text=True))
        return response

    def get(self, path: str, status: int = 200, **given: Any) -> Any:
        return self.call("GET", path, status, **given).get_json()

    def post(self, path: str, body: Any = None, status: int = 200, **given: Any) -> Any:
        return self.call("POST", path, status, json={} if body is None else body, **given).get_json()

    def patch(self, path: str, body: Any, status: int = 200, **given: Any) -> Any:
        return self.call("PATCH", path, status, json=body, **given).get_json()


@pytest.fixture
def caller(world: Any) -> Callable[..., Caller]:
    """`caller(Role.COORDINATOR)`: a token of the site RP; `caller(role, site=None)`: of every site."""

    def make(role: Role | None = Role.COORDINATOR, site: str | None = "RP") -> Caller:
        if role is None:
            return Caller(world, None)
        with world.runtime.db.unit_of_work() as session:
            site_id = session.query(Site).filter_by(code=site).one().id if site else None
            text = tokens.create(
                session, name="test", role=role, site_id=site_id, actor="system", now=world.runtime.clock.now()
            )
        return Caller(world, text)

    return make


@pytest.fixture
def api(caller: Callable[..., Caller]) -> Caller:
    """A coordinator's token of the site RP."""
    return caller(Role.COORDINATOR)


NEW = {
    "study": "NCT01297972",
    "site": "RP",
    "code": "P-010",
    "phone": "+5516992220010",
    "language": "pt-BR",
    "timezone": "America/Sao_Paulo",
    "enrolled_on": "2026-03-02",
}


@pytest.fixture
def patient(api: Caller) -> Any:
    """A patient enrolled by the API, as the call answered it."""
    return api.post("/patients", NEW, 201)
