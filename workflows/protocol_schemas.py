"""The shapes of a protocol file's calendar: marshmallow schemas that load `workflows.protocol` values."""

from __future__ import annotations

from datetime import time
from typing import Any

from marshmallow import Schema, ValidationError, fields, post_load, validate, validates_schema

from workflows.protocol import (
    Anchor,
    ClosedDayRule,
    Encounter,
    PlannedWhen,
    Setting,
    Stop,
    Timing,
    VisitReminder,
)
from workflows.protocol_fields import MAX_DAYS, Day, Flag, Hour, Sentence, Texts, Whole, Word, day_ref, many
from workflows.protocol_questions import PolicySchema, QuestionnaireSchema, SilenceSchema, TriageSchema

DEFAULT_HOUR = time(10, 0)
DAY_BEFORE_HOUR = time(18, 0)


class AnchorSchema(Schema):
    name = Word(required=True)
    label = Texts(required=True)
    default = day_ref(load_default=None)
    optional = Flag(load_default=False)
    recorded_by = Word(load_default=None)
    not_before = day_ref(load_default=None)
    previous = Word(load_default="")
    latest_of = fields.List(Word(), load_default=list)

    @post_load
    def build(self, data: dict[str, Any], **kwargs: Any) -> Anchor:
        return Anchor(**{**data, "latest_of": tuple(data["latest_of"])})


class TimingSchema(Schema):
    """`anchor_setting` names a study setting that holds the anchor's name; it stands in for `anchor`."""

    anchor = Word(load_default=None)
    anchor_setting = Word(load_default=None)
    offset = Whole(-MAX_DAYS, MAX_DAYS, load_default=0)
    before = Whole(0, MAX_DAYS, load_default=0)
    after = Whole(0, MAX_DAYS, load_default=0)
    not_before = day_ref(load_default=None)

    @validates_schema
    def one_anchor(self, data: dict[str, Any], **kwargs: Any) -> None:
        if (data["anchor"] is None) == (data["anchor_setting"] is None):
            raise ValidationError("must name one anchor (or one anchor_setting)", "anchor")


class ReminderSchema(Schema):
    template = Word(required=True)
    days = Whole(-MAX_DAYS, MAX_DAYS, load_default=None)
    hours = Whole(0, 24 * 31, load_default=None)
    at = Hour(load_default=None)
    only_when = fields.String(
        load_default="",
        data_key="only",
        validate=validate.OneOf(["", "missed"], error="must be missed, or left out"),
    )

    @validates_schema
    def one_moment(self, data: dict[str, Any], **kwargs: Any) -> None:
        if (data["days"] is None) == (data["hours"] is None):
            raise ValidationError("must have either days (from the visit) or hours (from its anchor)", "days")

    @post_load
    def build(self, data: dict[str, Any], **kwargs: Any) -> VisitReminder:
        days = data["days"] or 0
        hour = data["at"] or (DAY_BEFORE_HOUR if days == -1 else DEFAULT_HOUR)
        return VisitReminder(data["template"], days, hour, data["hours"], data["only_when"])


class RepeatSchema(Schema):
    first = Whole(0, 999, required=True)
    last = Whole(0, 999, required=True)
    every_days = Whole(1, MAX_DAYS, required=True)

    @validates_schema
    def in_order(self, data: dict[str, Any], **kwargs: Any) -> None:
        if data["last"] < data["first"]:
            raise ValidationError("must not be less than first", "last")


class PlannedWhenSchema(Schema):
    setting = Word(required=True)
    at_least = Whole(1, 999, required=True)

    @post_load
    def build(self, data: dict[str, Any], **kwargs: Any) -> PlannedWhen:
        return PlannedWhen(**data)


class EncounterSchema(Schema):
    """One visit, or with `repeat` a row of them. Loads to a dict: `expand` makes the encounters."""

    code = Word(required=True, validate=validate.Length(max=32, error="is longer than 32 characters"))
    label = Texts(required=True)
    timing = fields.Nested(TimingSchema, required=True, allow_none=True)
    repeat = fields.Nested(RepeatSchema, load_default=None)
    setting = fields.String(
        load_default="clinic",
        validate=validate.OneOf([str(s) for s in Setting], error="must be clinic, inpatient or phone"),
    )
    dosing = Flag(load_default=False)
    needs_actual = Flag(load_default=False)
    planned_when = fields.Nested(PlannedWhenSchema, load_default=None)
    epoch = Word(load_default="")
    reminders = many(ReminderSchema)
    labs = fields.List(Word(), load_default=list)
    ends_study = Flag(load_default=False)


class StopSchema(Schema):
    id = Word(required=True)
    anchor = Word(required=True)
    by = day_ref(required=True)
    codes = fields.List(
        Word(), required=True, validate=validate.Length(min=1, error="must name at least one visit")
    )
    task = Word(required=True)


class ClosedDaysSchema(Schema):
    country = Word(load_default="")
    subdivision = Word(load_default="")
    weekends = Flag(load_default=True)
    extra = fields.List(Day(), load_default=list)

    @post_load
    def build(self, data: dict[str, Any], **kwargs: Any) -> ClosedDayRule:
        return ClosedDayRule(**{**data, "extra": tuple(data["extra"])})


class DesignSchema(Schema):
    """The whole file."""

    code = Word(required=True)
    version = Word(required=True)
    title = Texts(required=True)
    confirmed_by_site = Flag(load_default=False)
    profile = fields.String(
        load_default="full", validate=validate.OneOf(["full", "minimal"], error="must be full or minimal")
    )
    study_days = Whole(1, MAX_DAYS, load_default=182)
    merge_same_day = Flag(load_default=True)
    closed_days = fields.Nested(ClosedDaysSchema, load_default=None)
    settings = fields.Dict(keys=Word(), load_default=dict)
    defaults_to_confirm = fields.List(Sentence(), load_default=list)
    anchors = fields.Nested(
        AnchorSchema,
        many=True,
        required=True,
        validate=validate.Length(min=1, error="must have at least one anchor"),
    )
    encounters = fields.Nested(
        EncounterSchema,
        many=True,
        required=True,
        validate=validate.Length(min=1, error="must have at least one visit"),
    )
    stops = many(StopSchema)
    questionnaires = many(QuestionnaireSchema)
    triage = many(TriageSchema)
    silence = many(SilenceSchema)
    policies = many(PolicySchema)


def expand(raw: dict[str, Any], settings: dict[str, Any]) -> tuple[Encounter, ...]:
    """The encounters of one loaded `encounters` entry; `{n}` and `{nn}` in code and label become the
    number.
    """
    repeat = raw["repeat"]
    numbers = range(repeat["first"], repeat["last"] + 1) if repeat else (None,)
    made = []
    for number in numbers:
        moved = (number - repeat["first"]) * repeat["every_days"] if number is not None and repeat else 0
        made.append(_encounter(raw, settings, number, moved))
    return tuple(made)


def _encounter(raw: dict[str, Any], settings: dict[str, Any], number: int | None, moved: int) -> Encounter:
    timing = raw["timing"]
    if timing is not None:
        anchor = timing["anchor"] or str(settings.get(timing["anchor_setting"], ""))
        timing = Timing(
            anchor, timing["offset"] + moved, timing["before"], timing["after"], timing["not_before"]
        )
    return Encounter(
        code=_numbered(raw["code"], number),
        label={language: _numbered(text, number) for language, text in raw["label"].items()},
        timing=timing,
        setting=Setting(raw["setting"]),
        dosing=raw["dosing"],
        optional=raw["planned_when"] is not None,
        needs_actual=raw["needs_actual"],
        epoch=raw["epoch"],
        reminders=tuple(raw["reminders"]),
        labs=tuple(raw["labs"]),
        ends_study=raw["ends_study"],
        planned_when=raw["planned_when"],
    )


def _numbered(text: str, number: int | None) -> str:
    return text if number is None else text.replace("{nn}", f"{number:02}").replace("{n}", str(number))


def stop_from(raw: dict[str, Any], order: tuple[str, ...]) -> Stop:
    """A stop with `A..B` in its codes spread out in protocol order; the checks name a code that is unknown.
    """
    codes: list[str] = []
    for code in raw["codes"]:
        first, dots, last = code.partition("..")
        if dots and first in order and last in order:
            codes.extend(order[order.index(first) : order.index(last) + 1])
        else:
            codes.append(code)
    return Stop(raw["id"], raw["anchor"], raw["by"], tuple(codes), raw["task"])
