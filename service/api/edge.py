"""Where a call becomes a transaction: reading or writing, its kept answer, its page of rows, its version."""

from __future__ import annotations

import base64
import binascii
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from functools import wraps
from http import HTTPStatus
from typing import Any

from flask import Response, jsonify, request
from marshmallow import Schema
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session
from sqlalchemy.orm.exc import StaleDataError

from service import access, runtime
from service.access import Actor
from service.api.blueprint import Blueprint
from service.api.fields import BIGGEST_ID
from service.errors import Problem, Stale
from service.runtime import Runtime
from service.use_cases import idempotency

KEY_HEADER = "Idempotency-Key"
KEY_DOC = {
    "in": "header",
    "name": KEY_HEADER,
    "required": False,
    "schema": {"type": "string", "minLength": 1, "maxLength": 200, "pattern": "^[!-~]+$"},
    "description": "the same key and the same request again get the same answer; another request gets 422",
}
MATCH_DOC = {
    "in": "header",
    "name": "If-Match",
    "required": False,
    "schema": {"type": "string", "maxLength": 200, "pattern": '^"[0-9]{1,18}"$'},
    "description": "the ETag that you read; 412 when the row has changed since",
}
ETAG_HEADER = {"ETag": {"schema": {"type": "string"}, "description": "the row's version, for If-Match"}}
View = Callable[..., Any]


@dataclass
class Work:
    """What a call works with: one transaction, one reading of the study clock, and who asks.

    `refusal` is the answer after what was written has been committed: a refused hand-in whose fever is kept.
    """

    session: Session
    now: Any
    runtime: Runtime
    headers: dict[str, str] = field(default_factory=dict)
    status: int | None = None
    refusal: Problem | None = None

    @property
    def actor(self) -> Actor:
        return access.actor()

    @property
    def name(self) -> str:
        """What the audit trail calls who asks."""
        return access.actor().name

    def tag(self, version: int) -> None:
        """Send the row's version with the answer."""
        self.headers["ETag"] = f'"{version}"'


def reads(
    blp: Blueprint, schema: type[Schema] | Schema, *, headers: Mapping[str, Any] | None = None
) -> Callable[[View], View]:
    """A view that only reads: `view(work, ...)` returns what `schema` dumps. Put it innermost."""

    def wrap(view: View) -> View:
        shape = _instance(schema)

        @wraps(view)
        def call(*args: Any, **kwargs: Any) -> Response:
            running = runtime.current()
            with running.db.reading() as session:
                work = Work(session, running.clock.now(), running)
                body = shape.dump(view(work, *args, **kwargs))
            return _respond(body, work.status or HTTPStatus.OK, work.headers)

        return blp.answers(200, shape, headers)(call)

    return wrap


def writes(
    blp: Blueprint,
    schema: type[Schema] | Schema,
    status: int = 200,
    *,
    headers: Mapping[str, Any] | None = None,
    matches: bool = False,
    keeps: bool = True,
) -> Callable[[View], View]:
    """A view that writes, in one transaction with its kept answer, and with a second try after a lost race.

    `matches`: it takes If-Match (see `expected_version`). `keeps` False: its answer is a secret and is not kept.
    """

    def wrap(view: View) -> View:
        shape = _instance(schema)

        @wraps(view)
        def call(*args: Any, **kwargs: Any) -> Response:
            key = _key() if keeps else None
            try:
                return _write(view, shape, status, key, args, kwargs)
            except (IntegrityError, StaleDataError):
                return _write(view, shape, status, key, args, kwargs)

        documented = blp.answers(status, shape, headers)(call)
        extra = ([KEY_DOC] if keeps else []) + ([MATCH_DOC] if matches else [])
        return blp.notes(parameters=extra)(documented)

    return wrap


def _write(
    view: View, shape: Schema, status: int, key: str | None, args: tuple[Any, ...], kwargs: dict[str, Any]
) -> Response:
    running = runtime.current()
    now = running.clock.now()
    with running.db.unit_of_work() as session:
        kept = None
        if key is not None:
            digest = idempotency.request_digest(request.method, request.full_path, request.get_data(cache=True))
            kept = idempotency.begin(session, key, digest, now=now)
            if idempotency.is_kept(kept):
                headers = dict(kept.body["headers"]) | {"Idempotent-Replayed": "true"}
                return _respond(kept.body["body"], kept.status, headers)
        work = Work(session, now, running)
        body = shape.dump(view(work, *args, **kwargs))
        if kept is not None and work.refusal is None:
            idempotency.keep(session, kept, work.status or status, body, work.headers)
        elif kept is not None:
            session.delete(kept)
    if work.refusal is not None:
        raise work.refusal
    return _respond(body, work.status or status, work.headers)


def _key() -> str | None:
    """The key, kept apart for each caller; Problem when it cannot be one."""
    given = request.headers.get(KEY_HEADER)
    if given is None:
        return None
    if not given.isascii() or not given.isprintable() or " " in given or not 1 <= len(given) <= 200:
        raise Problem("1 to 200 visible ASCII signs", field=KEY_HEADER, value=given)
    return f"{access.actor().name}|{given}"


def _instance(schema: type[Schema] | Schema) -> Schema:
    return schema() if isinstance(schema, type) else schema


def _respond(body: Any, status: int, headers: Mapping[str, str]) -> Response:
    response = jsonify(body)
    response.status_code = int(status)
    response.headers.extend(dict(headers))
    return response


def expected_version() -> int | None:
    """The version of If-Match; None where there is none or any will do. Stale for what can never match."""
    given = request.headers.get("If-Match")
    if given is None or given.strip() == "*":
        return None
    tag = given.strip().removeprefix("W/").strip('"')
    if not tag.isascii() or not tag.isdigit() or int(tag) > BIGGEST_ID:
        raise Stale("If-Match is not an ETag that was given here", field="If-Match", value=given)
    return int(tag)


def after(cursor: str | None) -> int:
    """The row's number after which a page begins; Problem for a cursor that was not given here."""
    if cursor is None:
        return 0
    try:
        number = int(base64.urlsafe_b64decode(cursor.encode() + b"=" * (-len(cursor) % 4)).decode())
    except (ValueError, UnicodeError, binascii.Error):
        number = -1
    if not 0 <= number <= BIGGEST_ID:
        raise Problem("not a cursor that was given here", field="cursor", value=cursor)
    return number


def page(rows: Iterable[Any], limit: int, shape: Callable[[Any], Any] = lambda row: row) -> dict[str, Any]:
    """`rows` holds up to limit + 1 rows: the first `limit`, and a cursor where there are more."""
    found = list(rows)
    following = None
    if len(found) > limit:
        found = found[:limit]
        following = base64.urlsafe_b64encode(str(found[-1].id).encode()).decode().rstrip("=")
    return {"items": [shape(row) for row in found], "next": following}
