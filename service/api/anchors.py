"""The dates that a calendar hangs on: preview what a new one moves, commit it with a reason, take it back."""

from __future__ import annotations

from typing import Any

from service.access import allow
from service.api import edge
from service.api import patient_schemas as s
from service.api.blueprint import Blueprint
from service.api.edge import Work
from service.api.fields import Page
from service.api.patients import CARERS, READERS, found
from service.use_cases import anchors, lists

blp = Blueprint("anchors", __name__, description="Re-anchoring: preview, commit, undo")


@blp.on("POST", "/patients/<int:patient_id>/anchors")
@allow(*CARERS)
@blp.takes(s.AnchorChangeSchema)
@edge.writes(blp, s.DiffSchema)
def set_anchor(work: Work, given: dict[str, Any], patient_id: int) -> dict[str, Any]:
    """What a new date of an anchor moves; without `dry_run` it is committed, and the answer has its revision."""
    patient = found(work, patient_id)
    wanted = {"anchor": given["anchor"], "date": given["date"], "time": given["time"], "now": work.now}
    if given["dry_run"]:
        return anchors.preview(work.session, patient, **wanted)
    return anchors.commit(work.session, patient, **wanted, reason=given["reason"], actor=work.name)


@blp.on("POST", "/patients/<int:patient_id>/anchors/undo")
@allow(*CARERS)
@edge.writes(blp, s.DiffSchema)
def undo_anchor(work: Work, patient_id: int) -> dict[str, Any]:
    """Take the newest revision back."""
    return anchors.undo(work.session, found(work, patient_id), actor=work.name, now=work.now)


@blp.on("GET", "/patients/<int:patient_id>/revisions")
@allow(*READERS)
@blp.asks(Page)
@edge.reads(blp, s.RevisionPage)
def list_revisions(work: Work, query: dict[str, Any], patient_id: int) -> dict[str, Any]:
    """Every committed change of the calendar: what, why, by whom, and whether it was taken back."""
    patient = found(work, patient_id)
    rows = lists.revisions(work.session, patient.id, after=edge.after(query["cursor"]), limit=query["limit"])
    return edge.page(rows, query["limit"])
