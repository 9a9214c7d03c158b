"""Rows as the API shows them."""

from __future__ import annotations

from typing import Any

from notifications.phone import mask
from service import access
from service.models import Alert, ApiToken, Message, Occasion, Patient, Rota, Site, Staff, Study, Task, Visit
from service.security import Role


def etag(version: int) -> str:
    return f'"{version}"'


def patient(row: Patient) -> dict[str, Any]:
    hides = access.actor().role is Role.MONITOR
    same = ("id", "code", "status", "language", "timezone", "channel", "enrolled_on", "weight_kg", "consented")
    more = ("opted_out", "admitted_at", "unreachable_at", "ended_at", "revision", "created_at")
    return {name: getattr(row, name) for name in same + more} | {
        "study": row.study.code,
        "site": row.site.code,
        "phone": None if hides else row.phone,
        "next_of_kin": None if hides else row.next_of_kin,
    }


def visit(row: Visit) -> dict[str, Any]:
    same = ("id", "code", "anchor", "date", "window_start", "window_end", "projected", "merged_into", "flags")
    more = ("setting", "status", "booked_at", "completed_on")
    label = row.label.get("en") or next(iter(row.label.values()), row.code)
    return {name: getattr(row, name) for name in same + more} | {"label": label, "etag": etag(row.version_id)}


def study(row: Study, version: str | None) -> dict[str, Any]:
    same = ("id", "code", "title", "status", "confirmed_by", "confirmed_at", "activated_at", "created_at")
    return {name: getattr(row, name) for name in same} | {"version": version}


def site(row: Site) -> dict[str, Any]:
    same = ("id", "code", "name", "telephone", "emergency_number", "place", "clinic_hour", "timezone", "country")
    more = ("subdivision", "closed_days", "daily_capacity", "whatsapp_templates", "created_at")
    return {name: getattr(row, name) for name in same + more} | {
        "study": row.study.code,
        "feed": f"/calendar/{row.feed_token}.ics" if row.feed_token else None,
    }


def rota(row: Rota, site_code: str) -> dict[str, Any]:
    same = ("id", "name", "timezone", "layers", "created_at")
    return {name: getattr(row, name) for name in same} | {"site": site_code}


def staff(row: Staff, contacts: list[Any]) -> dict[str, Any]:
    same = ("id", "name", "email", "role", "site_id", "language", "active", "created_at")
    return {name: getattr(row, name) for name in same} | {"contacts": [contact(each) for each in contacts]}


def contact(row: Any) -> dict[str, Any]:
    same = ("id", "channel", "verified_at", "last_delivered_at", "opted_out_at")
    return {name: getattr(row, name) for name in same} | {"address": _masked(row.channel, row.address)}


def _masked(channel: str, address: str) -> str:
    """Enough to recognise an address by, too little to use it."""
    if channel == "webpush":
        return "webpush"
    name, at, host = address.partition("@")
    return f"{name[:1]}***@{host}" if at else mask(address)


def occasion(row: Occasion) -> dict[str, Any]:
    same = ("id", "questionnaire", "for_date", "opens_at", "late_at", "missed_at", "status", "answered_at")
    return {name: getattr(row, name) for name in same}


def alert(row: Alert, people: dict[int, Staff]) -> dict[str, Any]:
    same = ("id", "case", "severity", "status", "site_id", "reported_at", "opened_at", "first_paged_at")
    more = ("acknowledged_at", "acknowledged_via", "outcome", "outcome_text", "outcome_at", "outcome_due_at")
    by = people.get(row.acknowledged_by_id or 0)
    return {name: getattr(row, name) for name in (*same, *more, "closed_at")} | {
        "patient": {"id": row.patient_id, "code": row.patient.code},
        "acknowledged_by": {"id": by.id, "name": by.name} if by else None,
    }


def message(row: Message) -> dict[str, Any]:
    """Without its text and with its address masked: what was sent, when, what became of it and why."""
    same = ("id", "patient_id", "staff_id", "alert_id", "visit_id", "occasion_id", "kind", "lane", "channel")
    more = ("template", "language", "status", "reason", "attempts")
    times = ("send_at", "due_at", "sent_at", "ended_at", "created_at")
    return {name: getattr(row, name) for name in same + more + times} | {"address": _masked(row.channel, row.address)}


def task(row: Task) -> dict[str, Any]:
    same = ("id", "patient_id", "site_id", "alert_id", "visit_id", "kind", "level", "rules", "status", "due_at")
    more = ("seen_at", "seen_by", "done_at", "done_by", "note", "created_at")
    return {name: getattr(row, name) for name in same + more}


def token(row: ApiToken) -> dict[str, Any]:
    same = ("id", "name", "role", "site_id", "patient_id", "created_at", "last_used_at", "revoked_at")
    return {name: getattr(row, name) for name in same}
