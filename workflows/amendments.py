"""What changed between two versions of a protocol, in sentences a coordinator can read."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import Any

from workflows.protocol import Anchor, DayRef, Encounter, StudyDesign, Timing

NUMBERED = re.compile(r"(.*?)(\d+)")


class Sentence(str):
    """A sentence, with the `template` and the `values` that a page needs to say it in another language."""

    template: str
    values: dict[str, str]

    def __new__(cls, template: str, **values: object) -> Sentence:
        said = {name: str(value) for name, value in values.items()}
        sentence = super().__new__(cls, template % said)
        sentence.template, sentence.values = template, said
        return sentence


def compare_designs(old: StudyDesign, new: StudyDesign) -> tuple[Sentence, ...]:
    """One sentence per difference, calendar first; empty when the two say the same.

    Visits that changed in the same way share a sentence ("W01-W26: ...").
    """
    lines: list[Sentence] = []
    if old.code != new.code:
        lines.append(Sentence("The study %(was)s became %(now)s.", was=old.code, now=new.code))
    if old.version != new.version:
        lines.append(Sentence("Version %(was)s became version %(now)s.", was=old.version, now=new.version))
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
        was, now = getattr(old, attribute), getattr(new, attribute)
        if was != now:
            lines.append(Sentence("%(kind)s: %(was)s became %(now)s.", kind=words, was=was, now=now))
    return tuple(lines)


def _anchors(old: StudyDesign, new: StudyDesign) -> list[Sentence]:
    before: dict[str, Anchor] = _by(old.anchors, "name")
    after: dict[str, Anchor] = _by(new.anchors, "name")
    lines = _added_or_gone("Anchor", before, after)
    for name in before:
        if name not in after or before[name] == after[name]:
            continue
        was, now = before[name], after[name]
        if was.default != now.default:
            template = "Anchor %(name)s was projected %(was)s; now %(now)s."
            lines.append(Sentence(template, name=name, was=_day(was.default), now=_day(now.default)))
        if was.not_before != now.not_before:
            template = "Anchor %(name)s could not be before %(was)s; now %(now)s."
            lines.append(Sentence(template, name=name, was=_day(was.not_before), now=_day(now.not_before)))
        if (was.default, was.not_before) == (now.default, now.not_before):
            lines.append(Sentence("%(kind)s %(name)s changed.", kind="Anchor", name=name))
    return lines


def _encounters(old: StudyDesign, new: StudyDesign) -> list[Sentence]:
    before: dict[str, Encounter] = _by(old.encounters, "code")
    after: dict[str, Encounter] = _by(new.encounters, "code")
    lines = [Sentence("%(visits)s: no longer in the plan.", visits=code) for code in before if code not in after]
    lines += [Sentence("%(visits)s: new in the plan.", visits=code) for code in after if code not in before]
    for code in before:
        if code not in after or before[code] == after[code]:
            continue
        was, now = before[code], after[code]
        changed = [name for name in vars(was) if getattr(was, name) != getattr(now, name)]
        if "timing" in changed:
            lines.extend(_timing(code, was.timing, now.timing))
        if "setting" in changed:
            template = "%(visits)s: the place was %(was)s; now %(now)s."
            lines.append(Sentence(template, visits=code, was=was.setting, now=now.setting))
        if "label" in changed:
            lines.append(Sentence("%(visits)s: another label.", visits=code))
        if "reminders" in changed:
            lines.append(Sentence("%(visits)s: other reminders.", visits=code))
        if "labs" in changed:
            template = "%(visits)s: measures %(now)s; it measured %(was)s."
            lines.append(Sentence(template, visits=code, was=_list(was.labs), now=_list(now.labs)))
        rest = [name for name in changed if name not in ("timing", "setting", "label", "reminders", "labs")]
        if rest:
            lines.append(Sentence("%(visits)s: changed in %(what)s.", visits=code, what=", ".join(rest)))
    kept = [code for code in before if code in after]
    lines = _together(lines)
    if kept != [code for code in after if code in before]:
        template = "The order of the visits changed, and with it which code a merged appointment carries."
        lines.append(Sentence(template))
    return lines


def _timing(code: str, was: Timing | None, now: Timing | None) -> list[Sentence]:
    if was is None or now is None:
        return [Sentence("%(visits)s: " + f"now {'unscheduled' if now is None else 'scheduled'}.", visits=code)]
    lines = []
    if (was.anchor, was.steps) == (now.anchor, now.steps) and was.offset != now.offset and not now.steps:
        days = now.offset - was.offset
        much = "one day" if abs(days) == 1 else "%(days)s days"
        template = f"%(visits)s: {much} {'later' if days > 0 else 'earlier'}, counted from %(anchor)s."
        lines.append(Sentence(template, visits=code, days=abs(days), anchor=now.anchor))
    elif (was.anchor, was.offset, was.steps) != (now.anchor, now.offset, now.steps):
        lines.append(Sentence("%(visits)s: was %(was)s; now %(now)s.", visits=code, was=_when(was), now=_when(now)))
    if (was.before, was.after) != (now.before, now.after):
        template = "%(visits)s: the window was %(was)s days; now %(now)s."
        values = {"was": f"-{was.before}/+{was.after}", "now": f"-{now.before}/+{now.after}"}
        lines.append(Sentence(template, visits=code, **values))
    if was.not_before != now.not_before:
        template = "%(visits)s: was never before %(was)s; now %(now)s."
        lines.append(Sentence(template, visits=code, was=_day(was.not_before), now=_day(now.not_before)))
    return lines


def _together(lines: Iterable[Sentence]) -> list[Sentence]:
    """Sentences that say the same of several visits become one."""
    groups: dict[tuple[object, ...], list[Sentence]] = {}
    for line in lines:
        rest = tuple(sorted((name, value) for name, value in line.values.items() if name != "visits"))
        groups.setdefault((line.template, rest), []).append(line)
    return [
        Sentence(group[0].template, **(group[0].values | {"visits": _span([one.values["visits"] for one in group])}))
        for group in groups.values()
    ]


def _span(codes: list[str]) -> str:
    """Codes that follow each other, from three on, as one: W01-W26."""
    runs: list[list[str]] = []
    for code in codes:
        if runs and _follows(runs[-1][-1], code):
            runs[-1].append(code)
        else:
            runs.append([code])
    return ", ".join(f"{run[0]}-{run[-1]}" if len(run) > 2 else ", ".join(run) for run in runs)


def _follows(code: str, other: str) -> bool:
    first, second = NUMBERED.fullmatch(code), NUMBERED.fullmatch(other)
    if first is None or second is None:
        return False
    return first[1] == second[1] and int(first[2]) + 1 == int(second[2])


def _settings(old: Mapping[str, Any], new: Mapping[str, Any]) -> list[Sentence]:
    lines = _added_or_gone("Setting", old, new)
    return lines + [
        Sentence("Setting %(name)s was %(was)s; now %(now)s.", name=name, was=old[name], now=new[name])
        for name in old
        if name in new and old[name] != new[name]
    ]


def _named(words: str, before: Mapping[str, Any], after: Mapping[str, Any]) -> list[Sentence]:
    lines = _added_or_gone(words, before, after)
    for key in before:
        if key in after and before[key] != after[key]:
            was, now = getattr(before[key], "version", None), getattr(after[key], "version", None)
            if was is not None and was == now:
                template = "%(kind)s %(name)s changed but kept its version %(version)s: give it a new one."
                lines.append(Sentence(template, kind=words, name=key, version=was))
            else:
                lines.append(Sentence("%(kind)s %(name)s changed.", kind=words, name=key))
    return lines


def _added_or_gone(words: str, before: Mapping[str, Any], after: Mapping[str, Any]) -> list[Sentence]:
    gone, fresh = "%(kind)s %(name)s is gone.", "%(kind)s %(name)s is new."
    return [Sentence(gone, kind=words, name=name) for name in before if name not in after] + [
        Sentence(fresh, kind=words, name=name) for name in after if name not in before
    ]


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
