"""What goes in and out of the calls about patients, their calendar and their visits."""

from __future__ import annotations

from decimal import Decimal

from marshmallow import Schema, ValidationError, fields, validate, validates_schema

from notifications.message import Channel
from service.api.fields import Day, Hour, Instant, Number, Page, Text, Zone, one_of, page_schema
from workflows.conflicts import ClashKind
from workflows.enrolment import ADMITTED, DISCHARGED, PatientStatus
from workflows.visits import VisitStatus

LANGUAGE = validate.Regexp(r"^[A-Za-z]{2,3}([-_][A-Za-z0-9]{2,8})*$", error="a language tag, as pt-BR")
SCOPES = validate.OneOf(["reminders", "all"], error="reminders, all, or null to take it back")
STATUSES = one_of([*PatientStatus, ADMITTED, DISCHARGED])


def weight() -> Number:
    return Number(low=Decimal(1), high=Decimal(500), allow_none=True, metadata={"description": "kg"})


class VisitSchema(Schema):
    """A visit as `vigilia protocol calendar` shows it, and how far it is. `etag` is for If-Match."""

    id = fields.Integer(required=True)
    code = fields.String(required=True)
    label = fields.String(required=True)
    anchor = fields.String(required=True)
    date = Day(required=True)
    window_start = Day(required=True)
    window_end = Day(required=True)
    projected = fields.Boolean(required=True)
    merged_into = fields.String(required=True, allow_none=True)
    flags = fields.List(fields.String(), required=True)
    setting = fields.String()
    status = fields.String(required=True)
    booked_at = Instant(required=True, allow_none=True)
    completed_on = Day(required=True, allow_none=True)
    etag = fields.String()


class NewPatientSchema(Schema):
    study = Text(required=True, longest=64)
    site = Text(required=True, longest=32, metadata={"description": "the site's code"})
    code = Text(required=True, longest=20, metadata={"example": "P-010"})
    phone = Text(required=True, longest=32, metadata={"example": "+5516992220010"})
    language = Text(load_default="pt-BR", longest=20, validate=LANGUAGE)
    timezone = Zone(load_default=None)
    enrolled_on = Day(required=True)
    weight_kg = weight()
    channel = Text(load_default="sms", longest=16, validate=one_of(Channel))
    next_of_kin = Text(load_default=None, allow_none=True, longest=120)


class EnrolledSchema(Schema):
    id = fields.Integer(required=True)
    code = fields.String(required=True)
    calendar = fields.List(fields.Nested(VisitSchema), required=True)
    feed = fields.String(required=True, metadata={"description": "address of the patient's calendar feed"})


class PatientSchema(Schema):
    id = fields.Integer(required=True)
    code = fields.String(required=True)
    study = fields.String(required=True)
    site = fields.String(required=True)
    status = fields.String(required=True)
    phone = fields.String(required=True, allow_none=True, metadata={"description": "null for a monitor"})
    next_of_kin = fields.String(required=True, allow_none=True)
    language = fields.String(required=True)
    timezone = fields.String(required=True)
    channel = fields.String(required=True)
    enrolled_on = Day(required=True)
    weight_kg = fields.String(required=True, allow_none=True)
    consented = fields.Boolean(required=True)
    opted_out = fields.String(required=True, allow_none=True)
    admitted_at = Instant(required=True, allow_none=True)
    unreachable_at = Instant(required=True, allow_none=True)
    ended_at = Instant(required=True, allow_none=True)
    revision = fields.Integer(required=True)
    created_at = Instant(required=True)


PatientPage = page_schema("PatientPage", PatientSchema)


class PatientQuery(Page):
    study = Text(load_default=None, longest=64)
    site = Text(load_default=None, longest=32, metadata={"description": "a site's code"})
    status = Text(load_default=None, longest=20, validate=one_of(PatientStatus))
    code = Text(load_default=None, longest=20)


class StatusSchema(Schema):
    status = Text(required=True, validate=STATUSES)
    on = Day(required=True, metadata={"description": "the patient's local day"})
    reason = Text(load_default="", shortest=0, longest=500, lines=True)


class PatientChangeSchema(Schema):
    """Only what is given changes."""

    phone = Text(longest=32)
    next_of_kin = Text(longest=120, allow_none=True)
    language = Text(longest=20, validate=LANGUAGE)
    timezone = Zone()
    channel = Text(longest=16, validate=one_of(Channel))
    weight_kg = weight()
    consented = fields.Boolean(truthy={True}, falsy={False})
    opted_out = Text(longest=10, allow_none=True, validate=SCOPES)
    reason = Text(required=True, longest=500, lines=True)

    @validates_schema
    def something(self, data: dict[str, object], **kwargs: object) -> None:
        if len(data) < 2 and "reason" in data:
            raise ValidationError("nothing to change was given")


class AnchorChangeSchema(Schema):
    """`date` null takes the anchor's date away again. `dry_run` answers the diff and changes nothing."""

    anchor = Text(required=True, longest=64, metadata={"example": "infusion_1"})
    date = Day(required=True, allow_none=True)
    time = Hour(load_default=None, allow_none=True)
    reason = Text(load_default="", shortest=0, longest=500, lines=True)
    dry_run = fields.Boolean(load_default=False, truthy={True}, falsy={False})


class FlagSchema(Schema):
    code = fields.String(required=True)
    why = fields.String(required=True)


MovedSchema = Schema.from_dict(
    {"code": fields.String(required=True), "from": Day(required=True), "to": Day(required=True)}, name="Moved"
)


class ConflictSchema(Schema):
    """An appointment in another's way; `why` is a sentence. It forbids nothing."""

    kind = fields.String(required=True, metadata={"description": ", ".join(ClashKind)})
    code = fields.String(required=True)
    date = Day(required=True)
    other = fields.String(required=True, metadata={"description": "the other visit, or patient; empty: the site"})
    count = fields.Integer(required=True)
    limit = fields.Integer(required=True)
    why = fields.String(required=True)


class DiffSchema(Schema):
    """What a new date changes. `revision` only once it is committed; `conflicts` are of the visits that move."""

    moved = fields.List(fields.Nested(MovedSchema), required=True)
    unchanged = fields.List(fields.String(), required=True)
    flagged = fields.List(fields.Nested(FlagSchema), required=True)
    added = fields.List(fields.String())
    removed = fields.List(fields.String())
    late = fields.List(fields.String())
    conflicts = fields.List(fields.Nested(ConflictSchema))
    messages_cancelled = fields.Integer(required=True)
    messages_retimed = fields.Integer(required=True)
    revision = fields.Integer()


class RevisionSchema(Schema):
    number = fields.Integer(required=True)
    change = fields.Dict(required=True)
    diff = fields.Dict(required=True)
    reason = fields.String(required=True)
    actor = fields.String(required=True)
    created_at = Instant(required=True)
    undone_at = Instant(required=True, allow_none=True)


RevisionPage = page_schema("RevisionPage", RevisionSchema)


class VisitChangeSchema(Schema):
    """Only what is given changes. A day outside the window needs a `reason`, which is kept as a deviation."""

    status = Text(longest=16, validate=one_of(VisitStatus))
    date = Day()
    booked_at = Instant(local=True, metadata={"description": "without an offset: the patient's local time"})
    completed_on = Day()
    reason = Text(load_default="", shortest=0, longest=500, lines=True)

    @validates_schema
    def something(self, data: dict[str, object], **kwargs: object) -> None:
        if not set(data) - {"reason"}:
            raise ValidationError("nothing to change was given")


class NewVisitSchema(Schema):
    """A visit that no protocol planned."""

    date = Day(required=True)
    label = Text(load_default="", shortest=0, longest=80)
    reason = Text(required=True, longest=500, lines=True)


class ComplianceSchema(Schema):
    questionnaire = fields.String(required=True)
    due = fields.Integer(required=True, metadata={"description": "occasions that opened, paused ones apart"})
    answered = fields.Integer(required=True)
    late = fields.Integer(required=True)
    missed = fields.Integer(required=True)
    waiting = fields.Integer(required=True)
    paused = fields.Integer(required=True)
    percent = fields.Float(required=True, allow_none=True, metadata={"description": "answered of those that are over"})
