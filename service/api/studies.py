"""Studies: a protocol file is loaded, a named investigator confirms its defaults, the study starts."""

from __future__ import annotations

import re
from typing import Any

from flask import request
from marshmallow import Schema, fields
from werkzeug.exceptions import UnsupportedMediaType

from service import access
from service.access import allow
from service.api import edge, shapes
from service.api.blueprint import Blueprint
from service.api.edge import Work
from service.api.fields import Instant, Page, Text, is_clean, page_schema
from service.errors import Forbidden, Problem
from service.models import Study, StudyVersion
from service.security import Role
from service.use_cases import lists, studies
from workflows.protocol_file import ProtocolErrors

blp = Blueprint("studies", __name__, description="Studies and their protocol files")

YAML_TYPES = ("application/yaml", "application/x-yaml", "text/yaml", "text/x-yaml", "text/plain")
LONGEST_PROTOCOL = 1_000_000
TOO_DEEP = re.compile(r"(?:[\[{]\s*){50}")  # the reader would take seconds to give up
TEAM = (Role.COORDINATOR, Role.INVESTIGATOR, Role.OPERATOR)
EVERYBODY = tuple(Role)

BODY = {
    "required": True,
    "content": {
        "application/yaml": {"schema": {"type": "string"}},
        "application/json": {
            "schema": {
                "type": "object",
                "required": ["protocol"],
                "properties": {"protocol": {"type": "string", "description": "the protocol file's text"}},
            }
        },
    },
}


class StudySchema(Schema):
    id = fields.Integer(required=True)
    code = fields.String(required=True)
    title = fields.String(required=True)
    status = fields.String(required=True, metadata={"description": "draft, confirmed, active"})
    version = fields.String(required=True, allow_none=True, metadata={"description": "what new patients get"})
    confirmed_by = fields.String(required=True, allow_none=True)
    confirmed_at = Instant(required=True, allow_none=True)
    activated_at = Instant(required=True, allow_none=True)
    created_at = Instant(required=True)


StudyPage = page_schema("StudyPage", StudySchema)


class ConfirmSchema(Schema):
    by = Text(required=True, longest=120, metadata={"description": "the investigator who stands for the defaults"})


class ProtocolFaults(Problem):
    """A protocol file with faults: each by its path in the file."""

    title = "The protocol file is not right"

    def __init__(self, errors: tuple[str, ...]) -> None:
        super().__init__(errors[0], field="protocol")
        parts = [line.partition(": ") for line in errors]
        self.extra = {"errors": [{"field": path, "detail": what or path} for path, _, what in parts]}


def of_all_sites() -> None:
    """Forbidden for a token of one site: a study belongs to all of them."""
    if access.actor().site_id is not None:
        raise Forbidden("a token of one site may not change a study")


def _shape(work: Work, row: Study) -> dict[str, Any]:
    version = work.session.get(StudyVersion, row.version_id) if row.version_id else None
    return shapes.study(row, version.version if version else None)


def _protocol_text() -> str:
    """The file's text, sent as YAML or inside JSON."""
    if request.mimetype in YAML_TYPES:
        try:
            text = request.get_data(cache=True).decode("utf-8")
        except UnicodeDecodeError as error:
            raise Problem(f"is not UTF-8 text at byte {error.start}", field="protocol") from None
    elif request.mimetype == "application/json":
        body = request.get_json(silent=True)
        given = body.get("protocol") if isinstance(body, dict) else None
        if not isinstance(given, str):
            raise Problem("send the protocol file's text as `protocol`", field="protocol")
        text = given
    else:
        raise UnsupportedMediaType("send application/yaml, or application/json with `protocol`")
    if not text.strip() or len(text) > LONGEST_PROTOCOL or not is_clean(text, lines=True):
        raise Problem("1 to 1,000,000 signs, no control signs", field="protocol")
    if TOO_DEEP.search(text):
        raise Problem("is nested too deep", field="protocol")
    return text


@blp.on("POST", "/studies")
@allow(*TEAM)
@blp.notes(requestBody=BODY)
@edge.writes(blp, StudySchema, 201)
def load_study(work: Work) -> dict[str, Any]:
    """Load a protocol file: a new study, or a new version of one. Every fault of the file is named by its path."""
    of_all_sites()
    try:
        study = studies.load(work.session, _protocol_text(), actor=work.name, now=work.now)
    except ProtocolErrors as error:
        raise ProtocolFaults(error.errors) from None
    except RecursionError:
        raise ProtocolFaults(("(file): is nested too deep",)) from None
    work.session.flush()
    return _shape(work, study)


@blp.on("GET", "/studies")
@allow(*EVERYBODY)
@blp.asks(Page)
@edge.reads(blp, StudyPage)
def list_studies(work: Work, query: dict[str, Any]) -> dict[str, Any]:
    """Every study, whatever its state."""
    rows = lists.studies(work.session, after=edge.after(query["cursor"]), limit=query["limit"])
    return edge.page(rows, query["limit"], lambda row: _shape(work, row))


@blp.on("GET", "/studies/<code>")
@allow(*EVERYBODY)
@edge.reads(blp, StudySchema)
def get_study(work: Work, code: str) -> dict[str, Any]:
    """One study."""
    return _shape(work, lists.study_by_code(work.session, code))


@blp.on("POST", "/studies/<code>/confirm")
@allow(*TEAM)
@blp.takes(ConfirmSchema)
@edge.writes(blp, StudySchema)
def confirm_study(work: Work, given: dict[str, Any], code: str) -> dict[str, Any]:
    """A named investigator stands for the values that the protocol file marks as defaults."""
    of_all_sites()
    study = lists.study_by_code(work.session, code)
    studies.confirm(work.session, study, by=given["by"], actor=work.name, now=work.now)
    return _shape(work, study)


@blp.on("POST", "/studies/<code>/activate")
@allow(*TEAM)
@edge.writes(blp, StudySchema)
def activate_study(work: Work, code: str) -> dict[str, Any]:
    """Start a confirmed study: from now on patients can be enrolled."""
    of_all_sites()
    study = lists.study_by_code(work.session, code)
    studies.activate(work.session, study, actor=work.name, now=work.now)
    return _shape(work, study)
