"""The tables. One noun's tables per file; columns, no rules."""

from service.models.alert import (
    Alert,
    AlertLog,
    AlertReport,
    EscalationRun,
    Page,
    ReplyCode,
    Task,
)
from service.models.audit import AuditEntry, AuditSeal
from service.models.chain import ChainTest
from service.models.clinical import Observation
from service.models.message import Attempt, Inbound, Link, Message, Receipt, SenderNumber
from service.models.occasion import Occasion, Timer
from service.models.oncall import Override, Rota, Shift
from service.models.patient import AnchorDate, CalendarRevision, Patient
from service.models.response import Reading, Response, TriageHit
from service.models.staff import ApiToken, ContactMethod, Staff
from service.models.study import Site, Study, StudyVersion
from service.models.visit import Deviation, Reminder, Visit
from service.models.webhook import WebhookDelivery, WebhookEndpoint
from service.models.worker import Heartbeat, IdempotentAnswer

__all__ = [
    "Alert",
    "AlertLog",
    "AlertReport",
    "AnchorDate",
    "ApiToken",
    "Attempt",
    "AuditEntry",
    "AuditSeal",
    "CalendarRevision",
    "ChainTest",
    "ContactMethod",
    "Deviation",
    "EscalationRun",
    "Heartbeat",
    "IdempotentAnswer",
    "Inbound",
    "Link",
    "Message",
    "Observation",
    "Occasion",
    "Override",
    "Page",
    "Patient",
    "Reading",
    "Receipt",
    "Reminder",
    "ReplyCode",
    "Response",
    "Rota",
    "SenderNumber",
    "Shift",
    "Site",
    "Staff",
    "Study",
    "StudyVersion",
    "Task",
    "Timer",
    "TriageHit",
    "Visit",
    "WebhookDelivery",
    "WebhookEndpoint",
]
