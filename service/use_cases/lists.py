"""Rows for the API's lists: oldest first, after a row's number, one more than asked so that the end shows."""

from __future__ import annotations

from typing import Any, TypeVar

from sqlalchemy import Select, select
from sqlalchemy.orm import Session, joinedload

from service.errors import Conflict, NotFound
from service.models import (
    Alert,
    CalendarRevision,
    Message,
    Occasion,
    Patient,
    Response,
    Rota,
    Site,
    Staff,
    Study,
    Task,
    Visit,
)

Row = TypeVar("Row")


def _page(session: Session, query: Select[Any], column: Any, after: int, limit: int) -> list[Any]:
    return list(session.scalars(query.where(column > after).order_by(column).limit(limit + 1)))


def _where(query: Select[Any], **wanted: Any) -> Select[Any]:
    """Equalities for those that are wanted (not None)."""
    return query.filter_by(**{name: value for name, value in wanted.items() if value is not None})


def patients(
    session: Session,
    *,
    site_id: int | None,
    study_id: int | None = None,
    status: str | None = None,
    code: str | None = None,
    only: int | None = None,
    after: int = 0,
    limit: int = 50,
) -> list[Patient]:
    """Patients of a site (None: every site). `only`: that one patient (a patient's own phone)."""
    query = _where(
        select(Patient).options(joinedload(Patient.study), joinedload(Patient.site)),
        site_id=site_id,
        study_id=study_id,
        status=status,
        code=code,
        id=only,
    )
    return _page(session, query, Patient.id, after, limit)


def alerts(
    session: Session,
    *,
    site_id: int | None,
    status: str | None = None,
    patient_id: int | None = None,
    after: int = 0,
    limit: int = 50,
) -> list[Alert]:
    """Cases; `status` as in `workflows.alerts.AlertStatus`."""
    query = _where(
        select(Alert).options(joinedload(Alert.patient)), site_id=site_id, status=status, patient_id=patient_id
    )
    return _page(session, query, Alert.id, after, limit)


def messages(
    session: Session,
    *,
    site_id: int | None,
    patient_id: int | None = None,
    alert_id: int | None = None,
    status: str | None = None,
    after: int = 0,
    limit: int = 50,
) -> list[Message]:
    """Messages out, whatever became of them."""
    wanted = {"patient_id": patient_id, "alert_id": alert_id, "status": status}
    query = _where(select(Message), site_id=site_id, **wanted)
    return _page(session, query, Message.id, after, limit)


def occasions(
    session: Session, patient_id: int, *, status: str | None = None, after: int = 0, limit: int = 50
) -> list[Occasion]:
    """Questionnaires due, past and to come."""
    return _page(session, _where(select(Occasion), patient_id=patient_id, status=status), Occasion.id, after, limit)


def responses(
    session: Session, patient_id: int, *, occasion_id: int | None = None, after: int = 0, limit: int = 50
) -> list[Response]:
    """A patient's answers, corrected ones too."""
    query = _where(select(Response), patient_id=patient_id, occasion_id=occasion_id)
    return _page(session, query, Response.id, after, limit)


def tasks(
    session: Session,
    *,
    site_id: int | None,
    status: str | None = None,
    patient_id: int | None = None,
    after: int = 0,
    limit: int = 50,
) -> list[Task]:
    """What coordinators must do."""
    query = _where(select(Task), site_id=site_id, status=status, patient_id=patient_id)
    return _page(session, query, Task.id, after, limit)


def revisions(session: Session, patient_id: int, *, after: int = 0, limit: int = 50) -> list[CalendarRevision]:
    """Every committed change of a patient's calendar."""
    query = _where(select(CalendarRevision), patient_id=patient_id)
    return _page(session, query, CalendarRevision.id, after, limit)


def studies(session: Session, *, after: int = 0, limit: int = 50) -> list[Study]:
    """Studies, whatever their state."""
    return _page(session, select(Study), Study.id, after, limit)


def sites(
    session: Session, *, only: int | None, study_id: int | None = None, after: int = 0, limit: int = 50
) -> list[Site]:
    """Sites; `only`: that one."""
    query = _where(select(Site).options(joinedload(Site.study)), id=only, study_id=study_id)
    return _page(session, query, Site.id, after, limit)


def rotas(session: Session, *, site_id: int | None, after: int = 0, limit: int = 50) -> list[Rota]:
    """Rotas of a site (None: every site)."""
    return _page(session, _where(select(Rota), site_id=site_id), Rota.id, after, limit)


def staff(session: Session, *, site_id: int | None, after: int = 0, limit: int = 50) -> list[Staff]:
    """People of a site (None: every site)."""
    return _page(session, _where(select(Staff), site_id=site_id), Staff.id, after, limit)


def find(session: Session, kind: type[Row], row_id: int) -> Row:
    """The row of that number. NotFound names what is missing."""
    row = session.get(kind, row_id)
    if row is None:
        raise NotFound(f"no such {kind.__name__.lower()}", field="id", value=row_id)
    return row


def study_by_code(session: Session, code: str) -> Study:
    """The study; NotFound names the field `study`."""
    row = session.scalar(select(Study).where(Study.code == code))
    if row is None:
        raise NotFound("no such study", field="study", value=code)
    return row


def site_by_code(session: Session, code: str, study: Study | None = None) -> Site:
    """The site of that code. NotFound; Conflict where several studies have one and no study is named."""
    query = _where(select(Site), code=code, study_id=study.id if study else None)
    found: list[Site] = list(session.scalars(query.limit(2)))
    if not found:
        raise NotFound("no such site", field="site", value=code)
    if len(found) > 1:
        raise Conflict("several studies have a site of this code: name the study too", field="study", value=None)
    return found[0]


def staff_of(session: Session, who: int | str) -> Staff:
    """A person by number or e-mail address; NotFound names the field `staff`."""
    wanted = Staff.id == who if isinstance(who, int) else Staff.email == who.strip().lower()
    row = session.scalar(select(Staff).where(wanted))
    if row is None:
        raise NotFound("no such person", field="staff", value=who)
    return row


def people(session: Session, ids: set[int]) -> dict[int, Staff]:
    """People by number; unknown ones are left out."""
    return {row.id: row for row in session.scalars(select(Staff).where(Staff.id.in_(ids)))} if ids else {}


def visit_by_code(session: Session, patient_id: int, code: str) -> Visit:
    """One of a patient's visits; NotFound names the field `visit`."""
    row = session.scalar(select(Visit).where(Visit.patient_id == patient_id, Visit.code == code))
    if row is None:
        raise NotFound("this patient has no such visit", field="visit", value=code)
    return row
