"""Every error as `application/problem+json` (RFC 9457): what is wrong, in which field, with which value."""

from __future__ import annotations

import json
import traceback
from collections.abc import Iterator, Mapping
from http import HTTPStatus
from typing import Any

from flask import Blueprint, Flask, Response, request
from marshmallow import Schema, ValidationError, fields
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm.exc import StaleDataError
from werkzeug.exceptions import HTTPException, InternalServerError

from service.errors import Problem
from service.logs import get_logger
from workflows.decisions import RuleViolation

MEDIA_TYPE = "application/problem+json"
MACHINES = ("/api/", "/webhooks/", "/calendar/", "/fhir/")  # addresses that programs call; the rest is pages
LONGEST_VALUE = 200

log = get_logger("api")


class FaultSchema(Schema):
    """One fault of a request that has several."""

    field = fields.String(required=True, metadata={"description": "path of the field, `layers.0.members`"})
    detail = fields.String(required=True)
    value = fields.Raw(allow_none=True)


class ProblemSchema(Schema):
    """RFC 9457. `field` and `value` are the first fault's; `errors` holds all of them."""

    type = fields.String(required=True, metadata={"example": "urn:vigilia:problem:unprocessable-content"})
    title = fields.String(required=True)
    status = fields.Integer(required=True)
    detail = fields.String(required=True)
    field = fields.String()
    value = fields.Raw(allow_none=True)
    errors = fields.List(fields.Nested(FaultSchema))


def answer(
    status: int,
    detail: str,
    *,
    title: str = "",
    field: str = "",
    value: object = None,
    errors: list[dict[str, Any]] | None = None,
    extra: Mapping[str, Any] | None = None,
    headers: Mapping[str, str] | None = None,
) -> Response:
    """A problem as a response. `extra` members stand beside the standard ones."""
    try:
        phrase = HTTPStatus(status).phrase
    except ValueError:
        phrase = "Error"
    body: dict[str, Any] = {
        "type": f"urn:vigilia:problem:{phrase.lower().replace(' ', '-')}",
        "title": title or phrase,
        "status": int(status),
        "detail": detail,
    }
    if field:
        body |= {"field": field, "value": shown(value)}
    if errors:
        body["errors"] = errors
    response = Response(json.dumps(body | dict(extra or {})), status=int(status), content_type=MEDIA_TYPE)
    response.headers.extend(dict(headers or {}))
    if status == HTTPStatus.UNAUTHORIZED:
        response.headers["WWW-Authenticate"] = 'Bearer realm="vigilia"'
    return response


def shown(value: object) -> object:
    """A value as JSON can show it, cut where it is long."""
    if value is None or isinstance(value, bool | int):
        return value
    if isinstance(value, list | dict):
        value = json.dumps(value, default=str)
    text = str(value).encode("utf-8", "replace").decode()
    return text if len(text) <= LONGEST_VALUE else text[:LONGEST_VALUE] + "..."


def from_problem(error: Problem) -> Response:
    extra = getattr(error, "extra", None)
    return answer(
        error.status, error.detail, title=error.title, field=error.field, value=error.value, extra=extra
    )


def from_rule(error: RuleViolation) -> Response:
    return answer(
        HTTPStatus.UNPROCESSABLE_ENTITY,
        error.message,
        title="The trial's rules refuse this",
        field=error.field,
        value=error.value,
    )


def from_race(error: Exception) -> Response:
    log.warning("write_conflict", kind=type(error).__name__, path=request.path)
    return answer(HTTPStatus.CONFLICT, "somebody changed this at the same moment: read it again and repeat")


def from_validation(messages: Any, given: Any, status: int = HTTPStatus.UNPROCESSABLE_ENTITY) -> Response:
    """Every fault of a request that its schema refused. `given` is the request's body, to show the values."""
    faults = list(_faults(messages))
    errors = [
        {"field": ".".join(path), "detail": detail, "value": shown(_at(given, path))} for path, detail in faults
    ]
    first = errors[0] if errors else {"field": "", "detail": "not readable", "value": None}
    return answer(
        status,
        f"{first['field']}: {first['detail']}" if first["field"] else str(first["detail"]),
        title="The request is not right",
        field=str(first["field"]),
        value=first["value"],
        errors=errors,
    )


def _faults(messages: Any, path: tuple[str, ...] = ()) -> Iterator[tuple[tuple[str, ...], str]]:
    if isinstance(messages, Mapping):
        for key, inner in messages.items():
            yield from _faults(inner, path if key == "_schema" else (*path, str(key)))
    elif isinstance(messages, list | tuple):
        for inner in messages:
            yield from _faults(inner, path)
    else:
        yield path, str(messages)


def _at(given: Any, path: tuple[str, ...]) -> Any:
    for key in path:
        if isinstance(given, Mapping):
            given = given.get(key)
        elif isinstance(given, list) and key.isdigit() and int(key) < len(given):
            given = given[int(key)]
        else:
            return None
    return given


def from_http(error: HTTPException) -> Response | HTTPException:
    """The framework's own errors: for programs a problem, for people the page they are."""
    if not request.path.startswith(MACHINES):
        return error
    if isinstance(error, InternalServerError):
        return answer(500, "the fault is ours; it was recorded")
    messages = getattr(error, "data", {}).get("messages")
    headers = {key: value for key, value in error.get_headers() if key in ("Allow", "Retry-After")}
    if messages:
        return from_validation(*_unwrapped(messages), status=error.code or 422)
    return answer(error.code or 500, error.description or error.name, headers=headers)


def _unwrapped(messages: Any) -> tuple[Any, Any]:
    """webargs wraps the messages by location: {"json": {...}}."""
    if isinstance(messages, Mapping) and len(messages) == 1:
        (location, inner), *_ = messages.items()
        if location in ("json", "query", "headers"):
            given = request.get_json(silent=True) if location == "json" else request.args.to_dict()
            return inner, given
    return messages, None


def _log_fault(fault: tuple[Any, ...]) -> None:
    """Where it broke, never the message: an exception's words may be a patient's."""
    error = fault[1]
    frames = traceback.extract_tb(error.__traceback__)[-8:] if error is not None else []
    where = [f"{'/'.join(frame.filename.rsplit('/', 2)[-2:])}:{frame.lineno}" for frame in frames]
    log.error("fault", kind=type(error).__name__, where=where, endpoint=request.endpoint)


def guard(blueprint: Blueprint) -> None:
    """Let a blueprint answer its errors as problems. Again, for a second application, changes nothing."""
    if blueprint.error_handler_spec:
        return
    blueprint.register_error_handler(Problem, from_problem)
    blueprint.register_error_handler(RuleViolation, from_rule)
    blueprint.register_error_handler(IntegrityError, from_race)
    blueprint.register_error_handler(StaleDataError, from_race)
    blueprint.register_error_handler(HTTPException, from_http)
    blueprint.register_error_handler(ValidationError, lambda error: from_validation(error.messages, None))


def register(app: Flask) -> None:
    """What no blueprint answers (an unknown address, a wrong method), and what is logged of a fault, on pages too."""
    app.register_error_handler(HTTPException, from_http)
    app.log_exception = _log_fault  # type: ignore[method-assign, assignment]
