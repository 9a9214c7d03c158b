"""`StudyDesign` -> CDISC USDM v4 JSON."""

from __future__ import annotations

import json
from typing import Any

from workflows.protocol import Anchor, Encounter, Setting, StudyDesign, Timing
from workflows.usdm_extension import (
    DESIGN_URL,
    VISIT_URL,
    anchor_instance,
    design_extension,
    visit_extension,
)
from workflows.usdm_frame import Made, Maker
from workflows.usdm_timeline import Hop

FIXED = "Fixed Reference"
TIMING_TYPES = {FIXED: "C201358", "After": "C201356", "Before": "C201357"}
ENVIRONMENTS = {Setting.CLINIC: ("C51282", "Clinic"), Setting.INPATIENT: ("C16696", "Hospital")}
CONTACTS = {True: ("C171537", "Telephone Call"), False: ("C175574", "In Person")}


def write_usdm(design: StudyDesign, language: str = "en") -> str:
    """The study as indented USDM JSON, always the same text for the same design.

    Labels are in `language`, else in the first language there is.
    """
    return json.dumps(_Writer(design, language).write(), ensure_ascii=False, indent=1) + "\n"


class _Writer(Maker):
    def __init__(self, design: StudyDesign, language: str) -> None:
        super().__init__()
        self.design, self.language = design, language
        self.anchors = {anchor.name: anchor for anchor in design.anchors}
        self.dated = [encounter for encounter in design.encounters if encounter.timing is not None]
        self.instances: dict[str, Made] = {}
        self.timings: list[Made] = []

    def write(self) -> Made:
        epochs = self.epochs()
        encounters = self.encounters()
        timeline = self.timeline(encounters, epochs)
        title = self.text(self.design.title)
        arm = self.make("StudyArm", name="ARM1", label="Single arm", description="", dataOriginDescription="")
        arm |= {"type": self.code("C174266", "Investigational Arm"), "populationIds": [], "notes": []}
        arm["dataOriginType"] = self.code("C188866", "Data Generated Within Study")
        design = self.make("InterventionalStudyDesign", name=self.design.code, label=title, description=title)
        parts = {name: self.element(epoch) for name, epoch in epochs.items()}
        criterion, item = self.criterion()
        design["extensionAttributes"] = [self.extension(DESIGN_URL, design_extension(self.design))]
        design |= {
            "studyType": self.code("C98388", "Interventional Study"),
            "studyPhase": None,
            "rationale": "",
            "arms": [arm],
            "epochs": list(epochs.values()),
            "elements": list(parts.values()),
            "studyCells": [
                self.make("StudyCell", armId=arm["id"], epochId=epoch["id"], elementIds=[parts[name]["id"]])
                for name, epoch in epochs.items()
            ],
            "encounters": list(encounters.values()),
            "activities": [],
            "scheduleTimelines": [timeline],
            "population": self.population(),
            "eligibilityCriteria": [criterion],
            "objectives": [],
            "indications": [],
            "estimands": [],
            "model": self.code("C82640", "Single Group Study"),
            "notes": [],
        }
        version = self.make("StudyVersion", versionIdentifier=self.design.version, rationale="")
        version["studyDesigns"] = [design]
        version["titles"] = [
            self.make("StudyTitle", text=title, type=self.code("C207616", "Official Study Title"))
        ]
        version["eligibilityCriterionItems"] = [item]
        self.identify(version, self.design.code)
        study = {"id": None, "name": self.design.code, "label": title, "description": title}
        return {
            "study": {**study, "versions": [version], "documentedBy": [], "instanceType": "Study"},
            "usdmVersion": "4.0.0",
            "systemName": "vigilia",
            "systemVersion": "1",
        }

    def epochs(self) -> dict[str, Made]:
        epochs: dict[str, Made] = {}
        for encounter in self.dated:
            name = encounter.epoch or "study"
            if name not in epochs:
                epochs[name] = self.make("StudyEpoch", name=name, label=name.replace("_", " ").capitalize())
                epochs[name] |= {"description": "", "type": self.code("C99158", "Study Epoch")}
                epochs[name] |= {"previousId": None, "nextId": None, "notes": []}
        _link(list(epochs.values()))
        return epochs

    def encounters(self) -> dict[str, Made]:
        made: dict[str, Made] = {}
        for encounter in self.dated:
            one = self.make(
                "Encounter", name=encounter.code, label=self.text(encounter.label), description=""
            )
            one |= {
                "type": self.code("C25716", "Visit"),
                "previousId": None,
                "nextId": None,
                "scheduledAtId": None,
            }
            place = ENVIRONMENTS.get(encounter.setting)
            one["environmentalSettings"] = [self.code(*place)] if place else []
            one["contactModes"] = [self.code(*CONTACTS[encounter.setting is Setting.PHONE])]
            one |= {"transitionStartRule": None, "transitionEndRule": None, "notes": []}
            made[encounter.code] = one
        _link(list(made.values()))
        return made

    def timeline(self, encounters: dict[str, Made], epochs: dict[str, Made]) -> Made:
        for encounter in self.dated:
            instance = self.instance(encounter.code, self.text(encounter.label))
            instance["encounterId"] = encounters[encounter.code]["id"]
            instance["epochId"] = epochs[encounter.epoch or "study"]["id"]
            instance["extensionAttributes"] = [self.extension(VISIT_URL, visit_extension(encounter))]
        for anchor in self.design.anchors:
            stands = anchor_instance(anchor, self.anchors)
            if stands not in self.instances:
                self.instance(stands, self.text(anchor.label))
                self.time_anchor(anchor, stands, 0, 0)
        for encounter in self.dated:
            self.time_visit(encounter)
            encounters[encounter.code]["scheduledAtId"] = self.timings[-1]["id"]
        instances = list(self.instances.values())
        leave = self.make("ScheduleTimelineExit")
        for instance, following in zip(instances, [*instances[1:], None], strict=True):
            instance["defaultConditionId"] = following["id"] if following else None
        instances[-1]["timelineExitId"] = leave["id"]
        timeline = self.make("ScheduleTimeline", name="Main Timeline", label="Main timeline", description="")
        timeline |= {"mainTimeline": True, "entryCondition": "Enrolled in the study", "plannedDuration": None}
        timeline["entryId"] = self.instances[anchor_instance(self.design.anchors[0], self.anchors)]["id"]
        return timeline | {"exits": [leave], "timings": self.timings, "instances": instances}

    def time_visit(self, encounter: Encounter) -> None:
        timing = encounter.timing
        assert timing is not None
        anchor = self.anchors[timing.anchor]
        stands = anchor_instance(anchor, self.anchors)
        if stands == encounter.code:
            self.time_anchor(anchor, stands, timing.before, timing.after)
        else:
            *steps, last = _hops(timing)
            source = stands
            for number, hop in enumerate(steps, 1):
                step = f"{encounter.code} step {number}"
                self.instance(step, "")
                self.relative(step, source, hop, 0, 0)
                source = step
            self.relative(encounter.code, source, last, timing.before, timing.after)

    def time_anchor(self, anchor: Anchor, stands: str, before: int, after: int) -> None:
        if anchor.default is None:
            timing = self.timing(FIXED, stands, stands, 0)
        else:
            source = anchor_instance(self.anchors[anchor.default.anchor], self.anchors)
            timing = self.relative(stands, source, (0, anchor.default.offset), before, after)
        _set_window(timing, before, after)

    def relative(self, code: str, to: str, hop: Hop, before: int, after: int) -> Made:
        months, days = hop
        timing = self.timing("Before" if min(hop) < 0 else "After", code, to, abs(days), abs(months))
        _set_window(timing, before, after)
        return timing

    def timing(self, kind: str, code: str, to: str, days: int, months: int = 0) -> Made:
        timing = self.make("Timing", name=f"TIM_{code}", label=code, description="")
        timing |= {
            "type": self.code(TIMING_TYPES[kind], kind),
            "value": "P" + (f"{months}M" if months else "") + (f"{days}D" if days or not months else ""),
            "valueLabel": (f"{months} months " if months else "") + f"{days} days",
            "relativeToFrom": self.code("C201355", "Start to Start"),
            "relativeFromScheduledInstanceId": self.instances[code]["id"],
            "relativeToScheduledInstanceId": self.instances[to]["id"],
        }
        self.timings.append(timing)
        return timing

    def instance(self, code: str, label: str) -> Made:
        made = self.make("ScheduledActivityInstance", name=code, label=label, description="")
        made |= {"defaultConditionId": None, "epochId": None, "encounterId": None, "activityIds": []}
        self.instances[code] = made | {"timelineId": None, "timelineExitId": None}
        return self.instances[code]

    def extension(self, url: str, content: Made) -> Made:
        return self.make("ExtensionAttribute", url=url, valueString=json.dumps(content, ensure_ascii=False))

    def text(self, texts: Any) -> str:
        return str(texts.get(self.language) or next(iter(texts.values()), ""))


def _hops(timing: Timing) -> list[Hop]:
    """One hop at least; one of months and days of different signs becomes two, as a duration has one sign."""
    found: list[Hop] = []
    for months, days in timing.steps or ((0, timing.offset),):
        found += [(months, 0), (0, days)] if months * days < 0 else [(months, days)]
    return found


def _link(row: list[Made]) -> None:
    for earlier, later in zip(row, row[1:]):
        earlier["nextId"], later["previousId"] = later["id"], earlier["id"]


def _set_window(timing: Made, before: int, after: int) -> None:
    """Zero on both sides is written out, as it is the day itself, not an unknown window; but a Fixed Reference
    has by the standard no window.
    """
    if timing["type"]["decode"] == FIXED and before == after == 0:
        timing |= {"windowLower": None, "windowUpper": None, "windowLabel": ""}
        return
    timing |= {
        "windowLower": f"P{before}D",
        "windowUpper": f"{'-' if after < 0 else ''}P{abs(after)}D",
        "windowLabel": f"-{before}..{after} days",
    }
