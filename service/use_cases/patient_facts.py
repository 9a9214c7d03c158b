"""What is known about a patient, gathered from rows into the one input of the rules
(`workflows.facts.Facts`).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, time, timedelta
from decimal import Decimal
from typing import Any
from zoneinfo import ZoneInfo

from sqlalchemy import and_, bindparam, or_, select
from sqlalchemy.orm import Session

from service.models import AnchorDate, Occasion, Patient, Reading, Response
from service.use_cases import studies
from workflows.ear import Heard
from workflows.facts import Facts, TemperatureReading
from workflows.protocol import Item, ItemType, Questionnaire
from workflows.questionnaires import letters_of

LOOK_BACK = timedelta(
    hours=25
)  # the longest stretch that a rule on two readings looks over, and a little more
SAME_REPORT = timedelta(hours=24)
REPORT = Questionnaire(  # a temperature that comes by itself, in a study that asks for none
    key="report", title={"en": "Report"}, version="1", items=(Item("temp", ItemType.TEMPERATURE),)
)

# Put together once: every text of a patient asks these, some more than once.
HOLD_PATIENT = (
    select(Patient).where(Patient.id == bindparam("one")).with_for_update(of=Patient, key_share=True)
    .execution_options(populate_existing=True)
)  # fmt: skip
HOLD_OCCASION = (
    select(Occasion).where(Occasion.id == bindparam("one")).with_for_update(of=Occasion, key_share=True)
    .execution_options(populate_existing=True)
)  # fmt: skip
ANSWERS = (
    select(Response)
    .where(
        or_(
            Response.occasion_id == bindparam("one"),
            and_(  # "it was yesterday's": the correction stands in another day
                Response.patient_id == bindparam("patient"),
                Response.received_at >= bindparam("since"),
                Response.corrects_id.is_not(None),
            ),
        )
    )
    .order_by(Response.id)
)
READINGS = (
    select(Reading)
    .where(Reading.patient_id == bindparam("patient"), Reading.taken_at >= bindparam("since"))
    .order_by(Reading.taken_at, Reading.id)
)
ANCHORS = select(AnchorDate.name, AnchorDate.actual_date, AnchorDate.actual_time).where(
    AnchorDate.patient_id == bindparam("patient"), AnchorDate.actual_date.is_not(None)
)


@dataclass(frozen=True)
class Given:
    """The answers of one occasion as they stand: item -> value as the rules take it, and the row that holds
    it.
    """

    values: Mapping[str, Any] = field(default_factory=dict)
    rows: Mapping[str, Response] = field(default_factory=dict)


def as_value(kind: ItemType, stored: Mapping[str, Any]) -> Any:
    """A stored answer as the rules take it: Decimal, tuple of letters, or text; None: left out."""
    value = stored.get("value")
    if value is None:
        return None
    if kind is ItemType.LETTERS:
        return tuple(value)
    if kind is ItemType.NUMBER or (kind is ItemType.TEMPERATURE and _is_number(value)):
        return Decimal(str(value))
    return value


def _is_number(value: Any) -> bool:
    return isinstance(value, str) and value[:1].isdigit()


def hold(session: Session, patient: Patient, occasion: Occasion | None = None) -> None:
    """Lock the patient's row, and then the form's, as they are now: two texts of one patient are read one by
    one.
    """
    session.scalars(HOLD_PATIENT, {"one": patient.id}).one()
    if occasion is not None:
        session.scalars(HOLD_OCCASION, {"one": occasion.id}).one()


def answers_of(session: Session, occasion: Occasion | None, questionnaire: Questionnaire) -> Given:
    """The latest answer to each item; a corrected row no longer counts."""
    if occasion is None:
        return Given()
    given = {"one": occasion.id, "patient": occasion.patient_id, "since": occasion.opens_at}
    rows = list(session.scalars(ANSWERS, given))
    corrected = {row.corrects_id for row in rows}
    latest = {row.item: row for row in rows if row.occasion_id == occasion.id and row.id not in corrected}
    kinds = {item.key: item.type for item in questionnaire.items}
    values = {key: as_value(kinds[key], row.value) for key, row in latest.items() if key in kinds}
    return Given(values, latest)


def readings_of(session: Session, patient: Patient, *, since: datetime) -> list[Reading]:
    """The patient's readings from `since` on, oldest first, without those that were corrected."""
    rows = list(session.scalars(READINGS, {"patient": patient.id, "since": since}))
    corrected = {row.corrects_id for row in rows}
    return [row for row in rows if row.id not in corrected]


def as_rule(row: Reading) -> TemperatureReading:
    """A stored reading as the rules take it."""
    return TemperatureReading(Decimal(row.celsius), row.taken_at, row.site, row.confirmed)


def gather(
    session: Session,
    patient: Patient,
    *,
    at: datetime,
    questionnaire: Questionnaire | None = None,
    answers: Mapping[str, Any] | None = None,
    reading: Reading | None = None,
    heard: Heard | None = None,
    recheck_due: bool = False,
) -> Facts:
    """The facts at the time of the patient's words. `reading` is this report's, `heard` what else the words
    say.
    """
    zone = ZoneInfo(patient.timezone)
    anchors, days_only = _anchors(session, patient, zone)
    given = dict(answers or {})
    letters = letters_of(questionnaire, given) if questionnaire is not None else frozenset()
    known = readings_of(session, patient, since=at - LOOK_BACK)
    return Facts(
        now=at,
        reading=None if reading is None else as_rule(reading),
        earlier=tuple(as_rule(row) for row in known if reading is None or row.id != reading.id),
        answers=given,
        letters=letters | (heard.signs if heard else frozenset()),
        red_words=heard.red_words if heard else frozenset(),
        fever_without_number=bool(heard and heard.fever_without_number),
        help_alone=bool(heard and heard.help_alone),
        anchors=anchors,
        days_only=days_only,
        stored={"temp_site": patient.temp_site} if patient.temp_site else {},
        recheck_due=recheck_due,
        contact_lost=patient.unreachable_at is not None or patient.opted_out == "all",
        zone=zone,
    )


def without(facts: Facts, form: Questionnaire, answers: Mapping[str, Any], prior: Reading | None) -> Facts:
    """The facts as they were before this report: the form's earlier answers and reading, nothing heard."""
    old = None if prior is None else as_rule(prior)
    return replace(
        facts, reading=old, earlier=tuple(one for one in facts.earlier if one != old), answers=dict(answers),
        letters=letters_of(form, answers), red_words=frozenset(), fever_without_number=False, help_alone=False,
    )  # fmt: skip


def alone(
    facts: Facts,
    form: Questionnaire,
    answers: Mapping[str, Any],
    reading: Reading | None,
    heard: Heard | None,
) -> Facts:
    """The facts of this report by itself; earlier readings stay, for the rules on two of them."""
    signs = letters_of(form, answers) | (heard.signs if heard else frozenset())
    return replace(
        facts, reading=None if reading is None else as_rule(reading), answers=dict(answers), letters=signs
    )


def _anchors(
    session: Session, patient: Patient, zone: ZoneInfo
) -> tuple[dict[str, datetime], frozenset[str]]:
    """Anchors that have happened, as instants; those of which only the day is known are named apart."""
    found: dict[str, datetime] = {}
    days_only: set[str] = set()
    for name, day, at in session.execute(ANCHORS, {"patient": patient.id}):
        if day is None:
            continue
        hour = datetime.strptime(at, "%H:%M").time() if at else time(0)
        found[name] = datetime.combine(day, hour, zone).astimezone(UTC)
        if not at:
            days_only.add(name)
    return found, frozenset(days_only)


def daily_form(session: Session, patient: Patient) -> Questionnaire:
    """The form of the protocol that asks for the temperature; a bare report where none does."""
    forms = sorted(studies.design_for(session, patient).questionnaires, key=lambda form: form.urgency)
    asking = (form for form in forms if any(item.type is ItemType.TEMPERATURE for item in form.items))
    return next(asking, REPORT)


def latest_occasion(session: Session, patient: Patient, *, at: datetime) -> Occasion | None:
    """The occasion of that form whose answers still describe the patient's state: opened within the last
    day.
    """
    query = (
        select(Occasion)
        .where(
            Occasion.patient_id == patient.id,
            Occasion.questionnaire == daily_form(session, patient).key,
            Occasion.opened_at.is_not(None),
            Occasion.opens_at <= at,
            Occasion.opens_at > at - SAME_REPORT,
        )
        .order_by(Occasion.opens_at.desc())
        .limit(1)
    )
    return session.scalars(query).first()


def questionnaire_of(session: Session, patient: Patient, key: str) -> Questionnaire:
    """A questionnaire of the patient's protocol. KeyError where there is none."""
    return studies.design_for(session, patient).questionnaire(key)


__all__: Sequence[str] = (
    "alone",
    "without",
    "Given",
    "answers_of",
    "as_rule",
    "daily_form",
    "as_value",
    "gather",
    "hold",
    "latest_occasion",
    "questionnaire_of",
    "readings_of",
)
