"""The description of the API (OpenAPI 3.1) and the page that shows it, from files of our own."""

from __future__ import annotations

import http
from importlib.metadata import version
from pathlib import Path
from typing import Any

from apispec import APISpec
from flask import Blueprint, Flask, Response, current_app, json, render_template_string
from flask_smorest import Api
from flask_smorest.utils import prepare_response

from service import access
from service.api import problems

DESCRIPTION = """Enrol patients, move visits, hand in answers, take cases.

Every call needs `Authorization: Bearer TOKEN` (`vigilia token create`). Errors are RFC 9457 problems that name the
field. POSTs take an `Idempotency-Key`, PATCHes an `If-Match`, lists a `limit` and a `cursor`. Instants are RFC 3339
with an offset, days are days in the patient's zone."""

PAGE = """<!doctype html>
<html lang="en">
<head><meta charset="utf-8"><meta name="viewport" content="width=device-width, initial-scale=1">
<title>Vigilia API</title>
<link rel="stylesheet" href="{{ url_for('api-docs.static', filename='swagger-ui.css') }}"></head>
<body><main id="swagger-ui" data-spec="{{ url_for('api-docs.description') }}">
<noscript><p>This page needs JavaScript; the same is in
<a href="{{ url_for('api-docs.description') }}">openapi.json</a>.</p></noscript></main>
<script src="{{ url_for('api-docs.static', filename='swagger-ui-bundle.js') }}"></script>
<script src="{{ url_for('api-docs.static', filename='initializer.js') }}"></script></body></html>"""

docs = Blueprint(
    "api-docs",
    __name__,
    url_prefix="/api",
    static_folder=str(Path(__file__).parent.parent / "static" / "swagger"),
    static_url_path="/docs/static",
)


class VigiliaApi(Api):  # type: ignore[misc]
    """flask-smorest, with problems in place of its own errors, in the answers and in the description."""

    ERROR_SCHEMA = problems.ProblemSchema

    def _register_error_handlers(self) -> None:
        """Ours are in `service.api.problems`."""

    def _register_responses(self) -> None:
        for status in http.HTTPStatus:
            self._problem(status.name, status.phrase)
        self._problem("DEFAULT_ERROR", "What went wrong, as RFC 9457 says it")

    def _problem(self, name: str, description: str) -> None:
        response: dict[str, Any] = {"description": description, "schema": self.ERROR_SCHEMA}
        prepare_response(response, self.spec, problems.MEDIA_TYPE)
        self.spec.components.response(name, response, lazy=True)


def make_api(app: Flask) -> VigiliaApi:
    """The extension on `app`, without routes of its own."""
    app.config.update(
        API_TITLE="Vigilia",
        API_VERSION="v1",
        OPENAPI_VERSION="3.1.0",
        OPENAPI_URL_PREFIX=None,
        API_SPEC_OPTIONS={
            "info": {
                "description": DESCRIPTION,
                "license": {"name": "Apache-2.0", "identifier": "Apache-2.0"},
                "x-release": version("vigilia"),
            },
            "security": [{"bearer": []}],
        },
    )
    api = VigiliaApi(app)
    spec: APISpec = api.spec
    spec.components.security_scheme("bearer", {"type": "http", "scheme": "bearer"})
    app.extensions["vigilia-openapi"] = spec
    return api


@docs.get("/v1/openapi.json")
@access.public("a description; it holds no data")
def description() -> Response:
    """The OpenAPI document."""
    spec: APISpec = current_app.extensions["vigilia-openapi"]
    return Response(json.dumps(spec.to_dict(), sort_keys=False), content_type="application/json")


@docs.get("/docs")
@access.public("a description; it holds no data")
def show() -> str:
    """The description, to read and to try."""
    return render_template_string(PAGE)
