"""Protocol amendments: what a version changes, and patients who move to it, one by one or together."""

from __future__ import annotations

from typing import Any

from marshmallow import Schema, fields, validate

from service.access import allow
from service.api import edge
from service.api import patient_schemas as s
from service.api.blueprint import Blueprint
from service.api.edge import Work
from service.api.fields import Id, Instant, Text
from service.api.patients import found
from service.models import Patient
from service.security import Role
from service.use_cases import amendments, lists, studies

blp = Blueprint("amendments", __name__, description="Protocol versions, and patients who move between them")

PLANNERS = (Role.COORDINATOR, Role.INVESTIGATOR)
MOST = 200


class VersionSchema(Schema):
    version = fields.String(required=True)
    sha256 = fields.String(required=True)
    created_at = Instant(required=True)
    created_by = fields.String(required=True)
    newest = fields.Boolean(required=True, metadata={"description": "what new patients get"})
    patients = fields.Integer(required=True, metadata={"description": "enrolled patients who are on it"})


class CompareQuery(Schema):
    old = Text(required=True, longest=64, metadata={"description": "a version", "example": "1"})
    new = Text(required=True, longest=64, metadata={"description": "another", "example": "2"})


class CompareSchema(Schema):
    old = fields.String(required=True)
    new = fields.String(required=True)
    sentences = fields.List(fields.String(), required=True)


class MoveSchema(Schema):
    """`dry_run` answers the diff and changes nothing; to commit, a reason."""

    version = Text(required=True, longest=64)
    reason = Text(load_default="", shortest=0, longest=500, lines=True)
    dry_run = fields.Boolean(load_default=False, truthy={True}, falsy={False})


class MoveManySchema(MoveSchema):
    """`patients` left out: every enrolled patient whom the token may see and who is on another version."""

    patients = fields.List(Id(), load_default=None, allow_none=True, validate=validate.Length(min=1, max=MOST))


class AmendedSchema(Schema):
    """One patient: the `diff`, or why not (`refused`)."""

    patient = fields.Integer(required=True)
    code = fields.String(required=True)
    from_version = fields.String(required=True)
    diff = fields.Nested(s.DiffSchema, required=True, allow_none=True)
    refused = fields.String(required=True)


class ManyAmendedSchema(Schema):
    version = fields.String(required=True)
    moves = fields.List(fields.Nested(AmendedSchema), required=True)


@blp.on("GET", "/studies/<code>/versions")
@allow(*Role)
@edge.reads(blp, VersionSchema(many=True))
def list_versions(work: Work, code: str) -> list[dict[str, Any]]:
    """The study's protocol versions, oldest first, with how many patients are on each."""
    study = lists.study_by_code(work.session, code)
    counts = amendments.in_use(work.session, study, site_id=work.actor.site_id)
    return [
        {
            "version": row.version,
            "sha256": row.sha256,
            "created_at": row.created_at,
            "created_by": row.created_by,
            "newest": row.id == study.version_id,
            "patients": counts.get(row.id, 0),
        }
        for row in studies.versions(work.session, study)
    ]


@blp.on("GET", "/studies/<code>/compare")
@allow(*Role)
@blp.asks(CompareQuery)
@edge.reads(blp, CompareSchema)
def compare_versions(work: Work, query: dict[str, Any], code: str) -> dict[str, Any]:
    """What changed from one version to another, one sentence each."""
    study = lists.study_by_code(work.session, code)
    old = amendments.version_of(work.session, study, query["old"])
    new = amendments.version_of(work.session, study, query["new"])
    return {"old": old.version, "new": new.version, "sentences": list(amendments.compare(work.session, old, new))}


@blp.on("POST", "/patients/<int:patient_id>/amendments")
@allow(*PLANNERS)
@blp.takes(MoveSchema)
@edge.writes(blp, s.DiffSchema)
def move_patient(work: Work, given: dict[str, Any], patient_id: int) -> dict[str, Any]:
    """Move a patient to a protocol version: the diff, and without `dry_run` its revision. Undone like an anchor."""
    patient = found(work, patient_id)
    version = amendments.version_of(work.session, patient.study, given["version"])
    if given["dry_run"]:
        return amendments.preview(work.session, patient, version, now=work.now)
    return amendments.migrate(
        work.session, patient, version, reason=given["reason"], actor=work.name, now=work.now
    )


@blp.on("POST", "/studies/<code>/amendments")
@allow(*PLANNERS)
@blp.takes(MoveManySchema)
@edge.writes(blp, ManyAmendedSchema)
def move_patients(work: Work, given: dict[str, Any], code: str) -> dict[str, Any]:
    """Move several patients; one who cannot move says why, and does not stop the others."""
    study = lists.study_by_code(work.session, code)
    version = amendments.version_of(work.session, study, given["version"])
    people: list[Patient]
    if given["patients"] is None:
        people = amendments.waiting(work.session, version, site_id=work.actor.site_id, limit=MOST)
    else:
        people = [found(work, number) for number in dict.fromkeys(given["patients"])]
    moves = amendments.migrate_many(
        work.session,
        people,
        version,
        reason=given["reason"],
        dry_run=given["dry_run"],
        actor=work.name,
        now=work.now,
    )
    return {
        "version": version.version,
        "moves": [
            {
                "patient": move.patient.id,
                "code": move.patient.code,
                "from_version": move.from_version,
                "diff": move.diff,
                "refused": move.refused,
            }
            for move in moves
        ],
    }
