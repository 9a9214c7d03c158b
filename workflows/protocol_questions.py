"""The shapes of a protocol file's questions, triage rules, silence rules and escalation policies."""

from __future__ import annotations

from datetime import time
from typing import Any

from marshmallow import Schema, ValidationError, fields, post_load, validate, validates_schema

from workflows.protocol import (
    Choice,
    EscalationPolicy,
    EscalationStep,
    Item,
    ItemType,
    Level,
    Questionnaire,
    Schedule,
    SilenceRule,
    TriageRule,
)
from workflows.protocol_fields import Flag, Hour, Texts, When, Whole, Word, day_ref, many

LEVEL_NAMES = [str(level) for level in Level]


def level_field(**kwargs: Any) -> fields.String:
    """A field holding red, amber or nothing."""
    return fields.String(
        validate=validate.OneOf(LEVEL_NAMES, error=f"must be one of {', '.join(LEVEL_NAMES)}"), **kwargs
    )


def words(**kwargs: Any) -> fields.List[Any]:
    """A field holding a list of texts."""
    return fields.List(Word(), **kwargs)


class ChoiceSchema(Schema):
    code = Word(required=True)
    value = Word(required=True)
    text = Texts(load_default=dict)
    excludes_others = Flag(load_default=False)

    @post_load
    def build(self, data: dict[str, Any], **kwargs: Any) -> Choice:
        return Choice(**data)


class ItemSchema(Schema):
    key = Word(required=True)
    type = fields.String(
        required=True,
        validate=validate.OneOf([str(t) for t in ItemType], error=f"must be one of {', '.join(ItemType)}"),
    )
    sms = Word(load_default="")
    text = Texts(load_default=dict)
    choices = many(ChoiceSchema)
    asked_when = When(load_default=None)
    low = fields.Decimal(load_default=None, error_messages={"invalid": "must be a number"})
    high = fields.Decimal(load_default=None, error_messages={"invalid": "must be a number"})
    required = Flag(load_default=True)
    loinc = Word(load_default="")

    @post_load
    def build(self, data: dict[str, Any], **kwargs: Any) -> Item:
        return Item(**{**data, "type": ItemType(data["type"]), "choices": tuple(data["choices"])})


class ScheduleSchema(Schema):
    start = day_ref(required=True)
    end = day_ref(required=True)
    every_days = Whole(1, 366, load_default=1)
    at = Hour(load_default=time(8, 0))
    reminders_hours = fields.List(Whole(0, 240), load_default=list)
    late_until = Hour(load_default=time(12, 0))
    late_days = Whole(1, 60, load_default=1)
    paused_while_admitted = Flag(load_default=True)

    @post_load
    def build(self, data: dict[str, Any], **kwargs: Any) -> Schedule:
        return Schedule(**{**data, "reminders_hours": tuple(data["reminders_hours"])})


class QuestionnaireSchema(Schema):
    """`licence`, `source` and `version` are mandatory: an instrument without them does not enter a study."""

    key = Word(required=True)
    title = Texts(required=True)
    version = Word(required=True)
    items = fields.Nested(
        ItemSchema,
        many=True,
        required=True,
        validate=validate.Length(min=1, error="must have at least one item"),
    )
    schedule = fields.Nested(ScheduleSchema, load_default=None)
    recall_days = Whole(1, 366, load_default=1)
    channels = words(load_default=lambda: ["sms", "web", "phone"])
    announce = Word(load_default="")
    reminder = Word(load_default="")
    urgency = Whole(0, 1000, load_default=10)
    licence = Word(required=True)
    source = Word(required=True)

    @post_load
    def build(self, data: dict[str, Any], **kwargs: Any) -> Questionnaire:
        return Questionnaire(**{**data, "items": tuple(data["items"]), "channels": tuple(data["channels"])})


class TriageSchema(Schema):
    id = Word(required=True)
    version = Word(required=True)
    level = level_field(required=True)
    when = When(required=True)
    recheck_minutes = Whole(1, 1440, load_default=None)
    silence_minutes = Whole(1, 2880, load_default=None)
    silence_level = level_field(load_default="nothing")
    ask = Word(load_default="")
    task = Word(load_default="")
    mark = Word(load_default="")

    @post_load
    def build(self, data: dict[str, Any], **kwargs: Any) -> TriageRule:
        levels = {name: Level(data[name]) for name in ("level", "silence_level")}
        return TriageRule(**{**data, **levels})


class SilenceSchema(Schema):
    id = Word(required=True)
    version = Word(required=True)
    questionnaire = Word(required=True)
    hours = Whole(0, 240, required=True)
    in_a_row = Whole(1, 100, load_default=1)
    level = level_field(required=True)
    task = Word(required=True)
    start = day_ref(load_default=None)
    end = day_ref(load_default=None)

    @post_load
    def build(self, data: dict[str, Any], **kwargs: Any) -> SilenceRule:
        return SilenceRule(**{**data, "level": Level(data["level"])})


class StepSchema(Schema):
    after = Whole(0, 86400 * 7, required=True)
    recipients = words(load_default=list)
    channels = words(load_default=list)
    repeat = Flag(load_default=False)

    @validates_schema
    def someone(self, data: dict[str, Any], **kwargs: Any) -> None:
        missing = [name for name in ("recipients", "channels") if not data["repeat"] and not data[name]]
        if missing:
            words = "must have at least one, unless the step is a repeat"
            raise ValidationError({name: [words] for name in missing})

    @post_load
    def build(self, data: dict[str, Any], **kwargs: Any) -> EscalationStep:
        return EscalationStep(
            data["after"], tuple(data["recipients"]), tuple(data["channels"]), data["repeat"]
        )


class PolicySchema(Schema):
    key = Word(required=True)
    steps = fields.Nested(
        StepSchema,
        many=True,
        required=True,
        validate=validate.Length(min=1, error="must have at least one step"),
    )
    exhausted_after = Whole(1, 86400 * 7, required=True)
    exhausted_recipients = words(required=True)
    then_every = Whole(1, 86400, required=True)
    acknowledge_within = Whole(1, 86400 * 7, load_default=900)
    outcome_within = Whole(1, 86400 * 7, load_default=1800)
    advice = fields.String(load_default="red")

    @post_load
    def build(self, data: dict[str, Any], **kwargs: Any) -> EscalationPolicy:
        lists = {name: tuple(data[name]) for name in ("steps", "exhausted_recipients")}
        return EscalationPolicy(**{**data, **lists})
