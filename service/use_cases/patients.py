"""Patients after enrolment: what state they are in, how they are reached, and who said so."""

from __future__ import annotations

from datetime import date, datetime
from typing import Any
from zoneinfo import ZoneInfo

from sqlalchemy import bindparam, select
from sqlalchemy.orm import Session

from notifications.message import Channel
from notifications.phone import PhoneError, parse_phone
from notifications.render import RenderError, folder_of
from service.errors import NotFound
from service.models import Patient
from service.use_cases import audit, calendar, calendar_frame, occasions, outbox
from workflows import enrolment as rules
from workflows.anchors import zone_of
from workflows.decisions import RuleViolation

CHANNELS = (Channel.SMS.value, Channel.WHATSAPP.value)
OPT_OUTS = (None, "reminders", "all")
CHANGEABLE = (
    "phone", "language", "timezone", "channel", "weight_kg", "next_of_kin", "opted_out", "consented", "temp_site",
)  # fmt: skip
HELD_BACK = ("question", "reminder", "notice")
ONE = select(Patient).where(Patient.id == bindparam("patient"))


def get(session: Session, patient_id: int) -> Patient:
    """One patient; NotFound."""
    patient = session.scalars(ONE, {"patient": patient_id}).one_or_none() if 0 < patient_id < 2**63 else None
    if patient is None:
        raise NotFound(f"there is no patient {patient_id}")
    return patient


def by_phone(session: Session, phone: str) -> list[Patient]:
    """Everybody reached at that number (E.164), those still in the study first."""
    found = session.scalars(select(Patient).where(Patient.phone == phone).order_by(Patient.id)).all()
    return sorted(found, key=lambda patient: (patient.status in rules.ENDED, patient.id))


def state_of(patient: Patient) -> rules.PatientState:
    """What the rules of enrolment need to know."""
    return rules.PatientState(
        rules.PatientStatus(patient.status), patient.admitted_at is not None, patient.enrolled_on
    )


def today_of(patient: Patient, now: datetime) -> date:
    """The day that it is where the patient lives."""
    return now.astimezone(ZoneInfo(patient.timezone)).date()


def set_status(
    session: Session, patient: Patient, *, status: str, on: date, reason: str, actor: str, now: datetime
) -> Patient:
    """Admitted, discharged, withdrawn, died, completed (or enrolled again after a mistake), from the local day `on`.

    An end cancels everything that would be sent; admission pauses the questions, discharge resumes them.
    """
    calendar_frame.lock(session, patient)  # first: a text holds the patient when it cancels what waits
    decision = rules.change_status(state_of(patient), status, on, reason, today_of(patient, now))
    before = {"status": patient.status, "admitted": patient.admitted_at is not None}
    patient.status = str(decision.changes.get("status", patient.status))
    if "admitted" in decision.changes:
        patient.admitted_at = now if decision.changes["admitted"] else None
    if decision.changes.get("cancel_all"):
        patient.ended_at = now
        outbox.cancel_for(session, now=now, reason=f"the patient is {patient.status}", patient_id=patient.id,
                          kinds=HELD_BACK)  # fmt: skip
        occasions.end_all(session, patient, reason=f"the patient is {patient.status}", now=now)
        calendar.end(session, patient, reason=f"the patient is {patient.status}", now=now)
    elif before["status"] in rules.ENDED:
        patient.ended_at = None
        calendar.refresh(session, patient, now=now)
    elif status == rules.ADMITTED:
        occasions.pause(session, patient, now=now)
    elif status == rules.DISCHARGED:
        occasions.resume(session, patient, now=now)
    for note in decision.audit:
        audit.record(
            session, note.action, actor=actor, now=now, subject_id=patient.id, patient_id=patient.id,
            detail={**note.detail, "before": before, "reason": reason},
        )  # fmt: skip
    session.flush()
    return patient


def update(
    session: Session, patient: Patient, *, reason: str, actor: str, now: datetime, **changes: Any
) -> Patient:
    """Change how a patient is reached, with a reason. RuleViolation names the field.

    A new zone re-times what waits; a new number makes the patient reachable again; an opt-out cancels what waits.
    """
    if not reason.strip():
        raise RuleViolation("reason", reason, "say why")
    for name in changes:
        if name not in CHANGEABLE:
            raise RuleViolation(name, changes[name], f"cannot be changed; there are: {', '.join(CHANGEABLE)}")
    calendar_frame.lock(session, patient)
    before = {name: getattr(patient, name) for name in changes}
    for name, value in checked(changes, country=patient.site.country).items():
        setattr(patient, name, value)
    if "phone" in changes:
        patient.unreachable_at, patient.opted_out_by_carrier = None, False
    if "opted_out" in changes:
        patient.opted_out_at = now if patient.opted_out else None
        if patient.opted_out:
            outbox.cancel_for(session, now=now, reason=f"the patient left: {patient.opted_out}",
                              patient_id=patient.id, kinds=HELD_BACK)  # fmt: skip
    if "timezone" in changes and before["timezone"] != patient.timezone:
        calendar.refresh(session, patient, now=now)
    audit.record(
        session, "patient:change", actor=actor, now=now, subject_id=patient.id, patient_id=patient.id,
        detail={"before": before, "after": {name: getattr(patient, name) for name in changes}, "reason": reason},
    )  # fmt: skip
    session.flush()
    return patient


def checked(values: dict[str, Any], *, country: str) -> dict[str, Any]:
    """The values as they are stored; RuleViolation names the field, the value and what would be right."""
    good = dict(values)
    for name in ("phone", "next_of_kin"):
        if good.get(name):
            try:
                good[name] = parse_phone(good[name], country)
            except PhoneError as error:
                raise RuleViolation(name, good[name], str(error)) from None
        elif name == "phone" and name in good:
            raise RuleViolation("phone", good[name], "a patient needs a telephone number")
    if "language" in good:
        try:
            folder_of(good["language"])
        except RenderError as error:
            raise RuleViolation("language", good["language"], str(error)) from None
    if "timezone" in good:
        try:
            zone_of(good["timezone"])
        except RuleViolation as error:
            raise RuleViolation("timezone", good["timezone"], error.message) from None
    if "channel" in good and good["channel"] not in CHANNELS:
        raise RuleViolation("channel", good["channel"], f"one of {', '.join(CHANNELS)}")
    if "opted_out" in good and good["opted_out"] not in OPT_OUTS:
        raise RuleViolation("opted_out", good["opted_out"], "reminders, all, or nothing")
    if good.get("weight_kg") not in (None, ""):
        good["weight_kg"] = _weight(good["weight_kg"])
    return good


def _weight(value: Any) -> str:
    text = str(value).strip().replace(",", ".")
    whole, _, tenths = text.partition(".")
    digits = whole.isascii() and whole.isdigit() and (not tenths or tenths.isascii() and tenths.isdigit())
    if not digits or not 20 <= float(text) <= 300:
        raise RuleViolation("weight_kg", value, "kilograms from 20 to 300, e.g. 72.5")
    return text
