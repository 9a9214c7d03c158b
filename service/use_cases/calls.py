"""People who call our number instead of texting it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import select
from sqlalchemy.orm import Session

from service.models import Site
from service.use_cases import outbox, patients, tasks


@dataclass(frozen=True)
class Answer:
    """What to say: the fields of the text, and the language to say it in."""

    fields: dict[str, str]
    language: str


def called(session: Session, caller: str, call_id: str, *, now: datetime) -> Answer | None:
    """A call to our number: each patient with that telephone gets a task, since nobody picks up. What the caller hears;
    None when it is not clear whose site this is."""
    found = patients.by_phone(session, caller) if caller else []
    for patient in found:
        tasks.open_task(
            session, kind="called", level="amber", patient=patient, now=now, dedupe=f"called:{call_id}:{patient.id}",
            detail={"call": call_id},
        )  # fmt: skip
    if found:
        fields = outbox.fields_for(session, found[0])
        return Answer({name: fields[name] for name in ("tel", "emergency")}, found[0].language)
    sites = session.scalars(select(Site).limit(2)).all()
    if len(sites) != 1:
        return None
    return Answer({"tel": outbox.telephone_of(sites[0]), "emergency": sites[0].emergency_number}, "pt-BR")
