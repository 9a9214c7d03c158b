"""What coordinators must do: listed, seen, done."""

from __future__ import annotations

from typing import Any

from marshmallow import Schema, fields

from service import access
from service.access import allow
from service.api import edge, shapes
from service.api.blueprint import Blueprint
from service.api.edge import Work
from service.api.fields import Id, Instant, Page, Text, one_of, page_schema
from service.api.patients import CARERS, READERS
from service.models import Task
from service.use_cases import lists, tasks

blp = Blueprint("tasks", __name__, description="What coordinators must do")

STATUSES = (tasks.OPEN, tasks.SEEN, tasks.DONE)


class TaskSchema(Schema):
    id = fields.Integer(required=True)
    patient_id = fields.Integer(required=True, allow_none=True)
    site_id = fields.Integer(required=True, allow_none=True)
    alert_id = fields.Integer(required=True, allow_none=True)
    visit_id = fields.Integer(required=True, allow_none=True)
    kind = fields.String(required=True)
    level = fields.String(required=True)
    rules = fields.List(fields.String(), required=True)
    status = fields.String(required=True)
    due_at = Instant(required=True, allow_none=True)
    seen_at = Instant(required=True, allow_none=True)
    seen_by = fields.String(required=True, allow_none=True)
    done_at = Instant(required=True, allow_none=True)
    done_by = fields.String(required=True, allow_none=True)
    note = fields.String(required=True, allow_none=True)
    created_at = Instant(required=True)


TaskPage = page_schema("TaskPage", TaskSchema)


class TaskQuery(Page):
    status = Text(load_default=None, validate=one_of(STATUSES))
    patient = Id(load_default=None)


class NoteSchema(Schema):
    note = Text(load_default="", shortest=0, longest=2000, lines=True)


def _task(work: Work, task_id: int) -> Task:
    task = lists.find(work.session, Task, task_id)
    access.check_site(task.site_id)
    return task


@blp.on("GET", "/tasks")
@allow(*READERS)
@blp.asks(TaskQuery)
@edge.reads(blp, TaskPage)
def list_tasks(work: Work, query: dict[str, Any]) -> dict[str, Any]:
    """What coordinators must do, oldest first."""
    rows = lists.tasks(
        work.session,
        site_id=work.actor.site_id,
        status=query["status"],
        patient_id=query["patient"],
        after=edge.after(query["cursor"]),
        limit=query["limit"],
    )
    return edge.page(rows, query["limit"], shapes.task)


@blp.on("POST", "/tasks/<int:task_id>/seen")
@allow(*CARERS)
@edge.writes(blp, TaskSchema)
def see_task(work: Work, task_id: int) -> dict[str, Any]:
    """Somebody has looked: the clock of an amber task stops."""
    return shapes.task(tasks.see(work.session, _task(work, task_id), actor=work.name, now=work.now))


@blp.on("POST", "/tasks/<int:task_id>/done")
@allow(*CARERS)
@blp.takes_maybe(NoteSchema)
@edge.writes(blp, TaskSchema)
def finish_task(work: Work, given: dict[str, Any], task_id: int) -> dict[str, Any]:
    """It is done, with a note. 409 says who was first."""
    task = _task(work, task_id)
    return shapes.task(tasks.done(work.session, task, actor=work.name, now=work.now, note=given["note"]))
