"""What changed between two versions of a protocol, in sentences a coordinator can read."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from workflows.protocol import Anchor, DayRef, Encounter, StudyDesign, Timing


def compare_designs(old: StudyDesign, new: StudyDesign) -> tuple[str, ...]:
    """One sentence per difference, calendar first; empty when the two say the same."""
    lines: list[str] = []
    if old.code != new.code:
        lines.append(f"The study {old.code} became {new.code}.")
    if old.version != new.version:
        lines.append(f"Version {old.version} became version {new.version}.")
    lines.extend(_anchors(old, new))
    lines.extend(_encounters(old, new))
    lines.extend(_settings(old.settings, new.settings))
    for words, attribute, key in (
        ("Stop", "stops", "id"),
        ("Questionnaire", "questionnaires", "key"),
        ("Triage rule", "triage", "id"),
        ("Silence rule", "silence", "id"),
        ("Escalation policy", "policies", "key"),
    ):
        lines.extend(_named(words, _by(getattr(old, attribute), key), _by(getattr(new, attribute), key)))
    for words, attribute in (
        ("Closed days", "closed_days"),
        ("Merging visits of one day", "merge"),
        ("The message profile", "profile"),
        ("The length of the study in days", "study_days"),
        ("Confirmation by the site", "confirmed_by_site"),
    ):
        if getattr(old, attribute) != getattr(new, attribute):
            lines.append(f"{words}: {getattr(old, attribute)} became {getattr(new, attribute)}.")
    return tuple(lines)


def _anchors(old: StudyDesign, new: StudyDesign) -> list[str]:
    before: dict[str, Anchor] = _by(old.anchors, "name")
    after: dict[str, Anchor] = _by(new.anchors, "name")
    lines = _added_or_gone("Anchor", before, after)
    for name in before:
        if name not in after or before[name] == after[name]:
            continue
        was, now = before[name], after[name]
        if was.default != now.default:
            lines.append(f"Anchor {name} was projected {_day(was.default)}; now {_day(now.default)}.")
        if was.not_before != now.not_before:
            lines.append(
                f"Anchor {name} could not be before {_day(was.not_before)}; now {_day(now.not_before)}."
            )
        if (was.default, was.not_before) == (now.default, now.not_before):
            lines.append(f"Anchor {name} changed.")
    return lines


def _encounters(old: StudyDesign, new: StudyDesign) -> list[str]:
    before: dict[str, Encounter] = _by(old.encounters, "code")
    after: dict[str, Encounter] = _by(new.encounters, "code")
    lines = _added_or_gone("Visit", before, after)
    for code in before:
        if code not in after or before[code] == after[code]:
            continue
        was, now = before[code], after[code]
        changed = [name for name in vars(was) if getattr(was, name) != getattr(now, name)]
        if "timing" in changed:
            lines.extend(_timing(code, was.timing, now.timing))
        if "setting" in changed:
            lines.append(f"Visit {code} was {was.setting}; now {now.setting}.")
        if "label" in changed:
            lines.append(f"Visit {code} has another label.")
        if "reminders" in changed:
            lines.append(f"Visit {code} has other reminders.")
        if "labs" in changed:
            lines.append(f"Visit {code} measures {_list(now.labs)}; it measured {_list(was.labs)}.")
        rest = [name for name in changed if name not in ("timing", "setting", "label", "reminders", "labs")]
        if rest:
            lines.append(f"Visit {code}: {', '.join(rest)} changed.")
    kept = [code for code in before if code in after]
    if kept != [code for code in after if code in before]:
        lines.append("The order of the visits changed, and with it which code a merged appointment carries.")
    return lines


def _timing(code: str, was: Timing | None, now: Timing | None) -> list[str]:
    if was is None or now is None:
        return [f"Visit {code} is now {'unscheduled' if now is None else 'scheduled'}."]
    lines = []
    if (was.anchor, was.offset, was.steps) != (now.anchor, now.offset, now.steps):
        lines.append(f"Visit {code} was {_when(was)}; now {_when(now)}.")
    if (was.before, was.after) != (now.before, now.after):
        lines.append(
            f"The window of {code} was -{was.before}/+{was.after} days; now -{now.before}/+{now.after}."
        )
    if was.not_before != now.not_before:
        lines.append(f"Visit {code} was never before {_day(was.not_before)}; now {_day(now.not_before)}.")
    return lines


def _settings(old: Mapping[str, Any], new: Mapping[str, Any]) -> list[str]:
    lines = _added_or_gone("Setting", old, new)
    return lines + [
        f"Setting {name} was {old[name]}; now {new[name]}."
        for name in old
        if name in new and old[name] != new[name]
    ]


def _named(words: str, before: Mapping[str, Any], after: Mapping[str, Any]) -> list[str]:
    lines = _added_or_gone(words, before, after)
    for key in before:
        if key in after and before[key] != after[key]:
            was, now = getattr(before[key], "version", None), getattr(after[key], "version", None)
            if was is not None and was == now:
                lines.append(f"{words} {key} changed but kept its version {was}: give it a new one.")
            else:
                lines.append(f"{words} {key} changed.")
    return lines


def _added_or_gone(words: str, before: Mapping[str, Any], after: Mapping[str, Any]) -> list[str]:
    gone = [f"{words} {name} is gone." for name in before if name not in after]
    return gone + [f"{words} {name} is new." for name in after if name not in before]


def _by(things: tuple[Any, ...], key: str) -> dict[str, Any]:
    return {getattr(thing, key): thing for thing in things}


def _day(ref: DayRef | None) -> str:
    return "nothing" if ref is None else f"{ref.anchor} {ref.offset:+d} days"


def _when(timing: Timing) -> str:
    if timing.steps:
        return f"{timing.anchor} " + " ".join(
            f"{months:+d} months {days:+d} days" for months, days in timing.steps
        )
    return f"{timing.anchor} {timing.offset:+d} days"


def _list(names: tuple[str, ...]) -> str:
    return ", ".join(names) or "nothing"
