"""What is known about a patient, gathered from rows into the one input of the rules
(`workflows.facts.Facts`).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, time, timedelta
from decimal import Decimal
from functools import lru_cache
from typing import Any, TypeVar
from zoneinfo import ZoneInfo

from sqlalchemy import and_, bindparam, or_, select
from sqlalchemy.orm import Session

from service.db import Base
from service.models import AnchorDate, Occasion, Patient, Reminder, Response, Timer
from service.prepared import Prepared
from service.use_cases import bulk, readings, rows, studies
from service.use_cases.readings import Taken
from workflows.ear import Heard
from workflows.enrolment import ENDED
from workflows.facts import Facts
from workflows.protocol import Item, ItemType, Questionnaire
from workflows.questionnaires import letters_of

Owned = TypeVar("Owned", Occasion, Reminder, Timer)
LOOK_BACK = timedelta(
    hours=25
)  # the longest stretch that a rule on two readings looks over, and a little more
SAME_REPORT = timedelta(hours=24)
REPORT = Questionnaire(  # a temperature that comes by itself, in a study that asks for none
    key="report", title={"en": "Report"}, version="1", items=(Item("temp", ItemType.TEMPERATURE),)
)

# Put together once: every text of a patient asks these, some more than once.
PATIENTS = bulk.table_of(Patient)
ONE: Any = bindparam("one")
# Not joined with the version: of a join, PostgreSQL gives nothing where who held the patient has moved it to another.
HELD = select(*PATIENTS.c).order_by(PATIENTS.c.id).with_for_update(of=PATIENTS, key_share=True)
HOLD_PATIENT = Prepared(HELD.where(PATIENTS.c.id == ONE))
HOLD_BY_PHONE = Prepared(HELD.where(PATIENTS.c.phone == bindparam("phone")))
ROWS = bulk.table_of(Response).c
ANSWERS = Prepared(
    select(ROWS.id, ROWS.occasion_id, ROWS.item, ROWS.value, ROWS.raw, ROWS.inbound_id, ROWS.corrects_id)
    .where(
        or_(
            ROWS.occasion_id == bindparam("one"),
            and_(  # "it was yesterday's": the correction stands in another day
                ROWS.patient_id == bindparam("patient"),
                ROWS.received_at >= bindparam("since"),
                ROWS.corrects_id.is_not(None),
            ),
        )
    )
    .order_by(ROWS.id)
)
ANCHORS = Prepared(select(AnchorDate.name, AnchorDate.actual_date, AnchorDate.actual_time).where(
    AnchorDate.patient_id == bindparam("patient"), AnchorDate.actual_date.is_not(None)
))

LATEST = (
    select(Occasion)
    .where(
        Occasion.patient_id == bindparam("patient"),
        Occasion.questionnaire == bindparam("form"),
        Occasion.opened_at.is_not(None),
        Occasion.opens_at <= bindparam("at"),
        Occasion.opens_at > bindparam("since"),
    )
    .order_by(Occasion.opens_at.desc())
    .limit(1)
)


@dataclass(frozen=True)
class Given:
    """The answers of one occasion as they stand: item -> value as the rules take it, and the row that holds
    it (id, raw, inbound_id). `begun`: there is an answer, even if it counts no more.
    """

    values: Mapping[str, Any] = field(default_factory=dict)
    rows: Mapping[str, Any] = field(default_factory=dict)
    begun: bool = False


@dataclass(frozen=True)
class Background:
    """What is known of a patient beside the form at hand: the anchors that have happened, and the last day's
    temperatures.
    """

    anchors: Mapping[str, datetime]
    days_only: frozenset[str]
    taken: tuple[Taken, ...]

    def with_taken(self, fresh: Sequence[Taken]) -> Background:
        """The same, with temperatures that have come since."""
        return replace(self, taken=readings.standing((*self.taken, *fresh))) if fresh else self


@dataclass(frozen=True)
class Known:
    """What a text finds, asked for once: what may be answered, the form that it answers, with the answers so
    far, and the background.
    """

    open: tuple[Occasion, ...]
    occasion: Occasion | None
    form: Questionnaire | None
    given: Given
    behind: Background


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
    _held(session, HOLD_PATIENT, one=patient.id)
    if occasion is not None:
        rows.hold(session, Occasion, occasion.id)


def hold_with(session: Session, model: type[Owned], number: int) -> tuple[Patient, Owned]:
    """Lock and read a patient's row of that table (an occasion, a timer, a reminder), the patient first: texts and
    changes of the calendar, which hold the patient, write these rows too.
    """
    (patient,) = _held(session, _hold_by(model), one=number)
    return patient, rows.hold(session, model, number)


@lru_cache(maxsize=8)
def _hold_by(model: type[Base]) -> Prepared:
    theirs = bulk.table_of(model)
    return Prepared(HELD.join(theirs, theirs.c.patient_id == PATIENTS.c.id).where(theirs.c.id == ONE))


def hold_by_phone(session: Session, phone: str) -> list[Patient]:
    """Lock and read everybody reached at that number (E.164), those still in the study first."""
    found = _held(session, HOLD_BY_PHONE, phone=phone)
    return sorted(found, key=lambda patient: (patient.status in ENDED, patient.id))


def _held(session: Session, query: Prepared, **which: Any) -> list[Patient]:
    bulk.flush_of(session, Patient)
    return [rows.stand(session, Patient, row) for row in query.all(session, **which)]


def answers_of(session: Session, occasion: Occasion | None, questionnaire: Questionnaire) -> Given:
    """The latest answer to each item; a corrected row no longer counts."""
    if occasion is None:
        return Given()
    given = {"one": occasion.id, "patient": occasion.patient_id, "since": occasion.opens_at}
    stored = ANSWERS.all(session, **given)
    corrected = {row.corrects_id for row in stored}
    latest = {row.item: row for row in stored if row.occasion_id == occasion.id and row.id not in corrected}
    kinds = {item.key: item.type for item in questionnaire.items}
    values = {key: as_value(kinds[key], row.value) for key, row in latest.items() if key in kinds}
    return Given(values, latest, begun=any(row.occasion_id == occasion.id for row in stored))


def background(session: Session, patient: Patient, *, at: datetime) -> Background:
    """What is known beside the form, for words of `at` and later."""
    anchors, days_only = _anchors(session, patient)
    return Background(anchors, days_only, readings.since(session, patient, at - LOOK_BACK))


def gather(
    session: Session,
    patient: Patient,
    *,
    at: datetime,
    questionnaire: Questionnaire | None = None,
    answers: Mapping[str, Any] | None = None,
    reading: Taken | None = None,
    heard: Heard | None = None,
    recheck_due: bool = False,
    behind: Background | None = None,
) -> Facts:
    """The facts at the time of the patient's words. `reading` is this report's, `heard` what else the words
    say; `behind` where the caller has it in hand.
    """
    behind = behind or background(session, patient, at=at)
    given = dict(answers or {})
    letters = letters_of(questionnaire, given) if questionnaire is not None else frozenset()
    own = None if reading is None else reading.id
    return Facts(
        now=at,
        reading=None if reading is None else reading.as_rule(),
        earlier=tuple(one.as_rule() for one in behind.taken if one.id != own and one.taken_at >= at - LOOK_BACK),
        answers=given,
        letters=letters | (heard.signs if heard else frozenset()),
        red_words=heard.red_words if heard else frozenset(),
        fever_without_number=bool(heard and heard.fever_without_number),
        help_alone=bool(heard and heard.help_alone),
        anchors=behind.anchors,
        days_only=behind.days_only,
        stored={"temp_site": patient.temp_site} if patient.temp_site else {},
        recheck_due=recheck_due,
        contact_lost=patient.unreachable_at is not None or patient.opted_out == "all",
        zone=ZoneInfo(patient.timezone),
    )


def without(facts: Facts, form: Questionnaire, answers: Mapping[str, Any], prior: Taken | None) -> Facts:
    """The facts as they were before this report: the form's earlier answers and reading, nothing heard."""
    old = None if prior is None else prior.as_rule()
    return replace(
        facts, reading=old, earlier=tuple(one for one in facts.earlier if one != old), answers=dict(answers),
        letters=letters_of(form, answers), red_words=frozenset(), fever_without_number=False, help_alone=False,
    )  # fmt: skip


def alone(
    facts: Facts,
    form: Questionnaire,
    answers: Mapping[str, Any],
    reading: Taken | None,
    heard: Heard | None,
) -> Facts:
    """The facts of this report by itself; earlier readings stay, for the rules on two of them."""
    signs = letters_of(form, answers) | (heard.signs if heard else frozenset())
    return replace(
        facts, reading=None if reading is None else reading.as_rule(), answers=dict(answers), letters=signs
    )


def _anchors(session: Session, patient: Patient) -> tuple[dict[str, datetime], frozenset[str]]:
    """Anchors that have happened, as instants; those of which only the day is known are named apart."""
    found: dict[str, datetime] = {}
    days_only: set[str] = set()
    zone = ZoneInfo(patient.timezone)
    bulk.flush_of(session, AnchorDate)
    for name, day, at in ANCHORS.all(session, patient=patient.id):
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
    form = daily_form(session, patient).key
    given = {"patient": patient.id, "form": form, "at": at, "since": at - SAME_REPORT}
    return session.scalars(LATEST, given).first()


def questionnaire_of(session: Session, patient: Patient, key: str) -> Questionnaire:
    """A questionnaire of the patient's protocol. KeyError where there is none."""
    return studies.design_for(session, patient).questionnaire(key)
