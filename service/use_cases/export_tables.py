"""What an export holds: one tidy table a grain, each column with its meaning. No phone, no name, no password."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from sqlalchemy import ColumnElement, Select, func, select
from sqlalchemy.orm import InstrumentedAttribute

from service.models import (
    Alert,
    AlertLog,
    Deviation,
    Message,
    Observation,
    Occasion,
    Patient,
    Reading,
    Response,
    Task,
    TriageHit,
    Visit,
)

# The case's own column is when its first page was written; a statistician asks when it left.
FIRST_PAGE = (
    select(func.min(Message.sent_at))
    .where(Message.alert_id == Alert.id, Message.kind == "page")
    .correlate(Alert)
    .scalar_subquery()
)


@dataclass(frozen=True)
class Column:
    """`name` and `label` are what a statistician reads; `kind`: string, integer, date, datetime, decimal or boolean."""

    name: str
    source: InstrumentedAttribute[Any] | ColumnElement[Any]
    kind: str
    label: str
    of: Callable[[Any], Any] | None = None


@dataclass(frozen=True)
class Grain:
    """One row is one `label`; `columns` come after USUBJID."""

    name: str
    label: str
    model: Any
    columns: tuple[Column, ...]

    def query(self) -> Select[Any]:
        """Rows in the order of patient and id: USUBJID's parts first, then the columns."""
        if self.model is Patient:
            query = select(Patient.id, Patient.code, *(column.source for column in self.columns))
        else:
            parent = self.model.alert_id if self.model is AlertLog else self.model.patient_id
            query = select(self.model.id, Patient.code, *(column.source for column in self.columns))
            query = query.join(Alert, Alert.id == parent) if self.model is AlertLog else query
            query = query.join(Patient, Patient.id == (Alert.patient_id if self.model is AlertLog else parent))
        return query.order_by(Patient.code, self.model.id)


def _c(name: str, source: Any, kind: str, label: str) -> Column:
    return Column(name, source, kind, label)


def _letters(name: str, source: Any, label: str) -> Column:
    return Column(name, source, "string", label, of=lambda value: " ".join(map(str, value or [])))


GRAINS: tuple[Grain, ...] = (
    Grain("patients", "patient", Patient, (
        _c("STATUS", Patient.status, "string", "enrolled, completed, withdrawn or died"),
        _c("ENROLLED", Patient.enrolled_on, "date", "date of enrolment"),
        _c("LANGUAGE", Patient.language, "string", "language of the messages (BCP 47)"),
        _c("TIMEZONE", Patient.timezone, "string", "the patient's time zone"),
        _c("WEIGHT_KG", Patient.weight_kg, "decimal", "weight at enrolment, kg"),
        _c("OPTED_OUT", Patient.opted_out, "string", "empty, reminders or all"),
    )),
    Grain("visits", "planned visit, with what became of it", Visit, (
        _c("VISIT", Visit.code, "string", "visit code of the protocol"),
        _c("STATUS", Visit.status, "string", "planned, booked, completed, missed or cancelled"),
        _c("PLANNED", Visit.date, "date", "date planned, in the patient's zone"),
        _c("WINDOW_START", Visit.window_start, "date", "first day of the window"),
        _c("WINDOW_END", Visit.window_end, "date", "last day of the window"),
        _c("COMPLETED", Visit.completed_on, "date", "date held"),
        _c("MERGED_INTO", Visit.merged_into, "string", "the visit it was held with"),
        _letters("FLAGS", Visit.flags, "what a person should look at"),
    )),
    Grain("deviations", "visit outside its window", Deviation, (
        _c("VISIT_ID", Deviation.visit_id, "integer", "row of the visit"),
        _c("KIND", Deviation.kind, "string", "what kind of deviation"),
        _c("DAYS_OUTSIDE", Deviation.days_outside, "integer", "days outside the window; negative: before it"),
        _c("REASON", Deviation.reason, "string", "the reason given"),
        _c("AT", Deviation.created_at, "datetime", "when it was recorded (UTC)"),
    )),
    Grain("occasions", "questionnaire due on a day", Occasion, (
        _c("QUESTIONNAIRE", Occasion.questionnaire, "string", "which questionnaire"),
        _c("FOR_DATE", Occasion.for_date, "date", "the local day it is about"),
        _c("STATUS", Occasion.status, "string", "answered, late, missed, paused, open or upcoming"),
        _c("OPENED", Occasion.opened_at, "datetime", "when it was sent (UTC)"),
        _c("ANSWERED", Occasion.answered_at, "datetime", "when the last answer came (UTC)"),
        _c("REASON", Occasion.ended_reason, "string", "why it ended as it did"),
    )),
    Grain("responses", "answer to one item, corrections included", Response, (
        _c("ROW", Response.id, "integer", "row number, for CORRECTS"),
        _c("OCCASION_ID", Response.occasion_id, "integer", "row of the occasion; empty: said unasked"),
        _c("ITEM", Response.item, "string", "item of the questionnaire"),
        Column("VALUE", Response.value, "string", "the answer as it was understood",
               of=lambda value: _plain((value or {}).get("value"))),
        _c("RAW", Response.raw, "string", "the patient's own words"),
        _c("CHANNEL", Response.channel, "string", "sms, web, phone, app or whatsapp"),
        _c("TYPED_BY", Response.typed_by, "string", "patient, or who typed it for them"),
        _c("PHONE_AT", Response.phone_at, "datetime", "time on the patient's phone (UTC)"),
        _c("RECEIVED_AT", Response.received_at, "datetime", "time of receipt (UTC)"),
        _c("CORRECTS", Response.corrects_id, "integer", "the row that this one corrects"),
        _c("REASON", Response.reason, "string", "why it was corrected"),
    )),
    Grain("readings", "temperature", Reading, (
        _c("ROW", Reading.id, "integer", "row number, for CORRECTS"),
        _c("CELSIUS", Reading.celsius, "decimal", "degrees Celsius, one decimal"),
        _c("UNIT", Reading.unit, "string", "unit as typed: C or F"),
        _c("SITE", Reading.site, "string", "armpit, mouth, ear, forehead, other or unknown"),
        _c("RAW", Reading.raw, "string", "the patient's own words"),
        _c("CONFIRMED", Reading.confirmed, "boolean", "false: three digits not confirmed yet"),
        _c("TAKEN_AT", Reading.taken_at, "datetime", "when it was said (UTC)"),
        _c("RECEIVED_AT", Reading.received_at, "datetime", "when it was received (UTC)"),
        _c("CORRECTS", Reading.corrects_id, "integer", "the row that this one corrects"),
    )),
    Grain("triage", "rule that fired", TriageHit, (
        _c("RULE", TriageHit.rule_id, "string", "rule of the protocol"),
        _c("RULE_VERSION", TriageHit.rule_version, "string", "its version"),
        _c("LEVEL", TriageHit.level, "string", "red or amber"),
        Column("WHY", TriageHit.findings, "string", "what it fired on: kind, value, detail; of several, parted by ;",
               of=lambda found: "; ".join(" ".join(filter(None, one.values())) for one in found or ())),
        _c("ALERT_ID", TriageHit.alert_id, "integer", "row of the case"),
        _c("AT", TriageHit.created_at, "datetime", "when (UTC)"),
    )),
    Grain("cases", "case (alert)", Alert, (
        _c("ROW", Alert.id, "integer", "row number"),
        _c("CASE", Alert.case, "string", "what people called it"),
        _c("SEVERITY", Alert.severity, "string", "red or amber"),
        _c("STATUS", Alert.status, "string", "open, acknowledged or closed"),
        _c("REPORTED_AT", Alert.reported_at, "datetime", "the patient's words (UTC)"),
        _c("FIRST_PAGED_AT", FIRST_PAGE, "datetime", "first page handed to a carrier (UTC)"),
        _c("ACKNOWLEDGED_AT", Alert.acknowledged_at, "datetime", "a human took it (UTC)"),
        _c("OUTCOME_AT", Alert.outcome_at, "datetime", "outcome recorded (UTC)"),
        _c("OUTCOME", Alert.outcome, "string", "what was done"),
        _c("CLOSED_AT", Alert.closed_at, "datetime", "closed (UTC)"),
    )),
    Grain("case_log", "step of a case", AlertLog, (
        _c("ALERT_ID", AlertLog.alert_id, "integer", "row of the case"),
        _c("AT", AlertLog.at, "datetime", "when (UTC)"),
        _c("ACTOR", AlertLog.actor, "string", "who"),
        _c("EVENT", AlertLog.event, "string", "what"),
    )),
    Grain("tasks", "task of a coordinator", Task, (
        _c("KIND", Task.kind, "string", "what was to be done"),
        _c("LEVEL", Task.level, "string", "amber or nothing"),
        _letters("RULES", Task.rules, "the rules that asked for it"),
        _c("CREATED_AT", Task.created_at, "datetime", "opened (UTC)"),
        _c("SEEN_AT", Task.seen_at, "datetime", "seen (UTC)"),
        _c("DONE_AT", Task.done_at, "datetime", "done (UTC)"),
    )),
    Grain("messages", "message to the patient, without its text", Message, (
        _c("KIND", Message.kind, "string", "question, reminder, reply, safety or notice"),
        _c("TEMPLATE", Message.template, "string", "which text"),
        _c("CHANNEL", Message.channel, "string", "sms, whatsapp, voice, email or webpush"),
        _c("DUE_AT", Message.due_at, "datetime", "when it was due (UTC)"),
        _c("SENT_AT", Message.sent_at, "datetime", "when a carrier took it (UTC)"),
        _c("STATUS", Message.status, "string", "the state it ended in"),
        _c("REASON", Message.reason, "string", "why"),
    )),
    Grain("observations", "laboratory value or measurement", Observation, (
        _c("ROW", Observation.id, "integer", "row number, for CORRECTS"),
        _c("CODE", Observation.code, "string", "which test"),
        _c("VALUE", Observation.value, "decimal", "the value"),
        _c("UNIT", Observation.unit, "string", "its unit"),
        _c("DRAWN_ON", Observation.drawn_on, "date", "day of the sample"),
        _c("CORRECTS", Observation.corrects_id, "integer", "the row that this one corrects"),
        _c("REASON", Observation.reason, "string", "why it was corrected"),
    )),
)


def _plain(value: Any) -> str:
    if isinstance(value, list):
        return " ".join(map(str, value))
    return "" if value is None else str(value)
