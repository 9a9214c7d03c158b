"""`StudyDesign` -> CDISC USDM v4 JSON."""

from __future__ import annotations

import json
from collections import defaultdict
from typing import Any

from workflows.decisions import RuleViolation
from workflows.protocol import Anchor, DayRef, Encounter, Setting, StudyDesign
from workflows.usdm_extension import (
    DESIGN_URL,
    VISIT_URL,
    anchor_instance,
    design_extension,
    visit_extension,
)

CODE_SYSTEM = "http://www.cdisc.org"
CODE_SYSTEM_VERSION = "2024-09-27"
FIXED = "Fixed Reference"
TIMING_TYPES = {FIXED: "C201358", "After": "C201356", "Before": "C201357"}
ENVIRONMENTS = {Setting.CLINIC: ("C51282", "Clinic"), Setting.INPATIENT: ("C16696", "Hospital")}
NOT_HERE = "As the protocol says; this file holds the schedule only."
SPONSOR = ("C70793", "Sponsor")
CONTACTS = {True: ("C171537", "Telephone Call"), False: ("C175574", "In Person")}
Made = dict[str, Any]


def write_usdm(design: StudyDesign, language: str = "en") -> str:
    """The study as indented USDM JSON, always the same text for the same design.

    Labels are in `language`, else in the first language there is. RuleViolation for a design that counts in
    months.
    """
    return json.dumps(_Writer(design, language).write(), ensure_ascii=False, indent=1) + "\n"


class _Writer:
    def __init__(self, design: StudyDesign, language: str) -> None:
        self.design, self.language = design, language
        self.counts: defaultdict[str, int] = defaultdict(int)
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
        self.identify(version)
        study = {"id": None, "name": self.design.code, "label": title, "description": title}
        return {
            "study": {**study, "versions": [version], "documentedBy": [], "instanceType": "Study"},
            "usdmVersion": "4.0.0",
            "systemName": "vigilia",
            "systemVersion": "1",
        }

    def population(self) -> Made:
        """Every USDM design has one; who takes part is no part of the schedule."""
        made = self.make("StudyDesignPopulation", name="POPULATION", label="Study population")
        made |= {"description": NOT_HERE}
        made |= {"includesHealthySubjects": False, "plannedSex": [], "criterionIds": [], "cohorts": []}
        return made | {"notes": []}

    def criterion(self) -> tuple[Made, Made]:
        """USDM asks for one at least: it says where the criteria are."""
        item = self.make("EligibilityCriterionItem", name="CRITERION", label="Eligibility", description="")
        item |= {"text": NOT_HERE, "dictionaryId": None, "notes": []}
        made = self.make("EligibilityCriterion", name="CRITERION", label="Eligibility", description="")
        made |= {"category": self.code("C25532", "Inclusion Criteria"), "identifier": "1"}
        made |= {"criterionItemId": item["id"], "nextId": None, "previousId": None, "notes": []}
        return made, item

    def element(self, epoch: Made) -> Made:
        """What is done in an epoch, in one piece: the visits say it in full."""
        made = self.make("StudyElement", name=epoch["name"], label=epoch["label"], description="")
        made |= {"transitionStartRule": None, "transitionEndRule": None}
        return made | {"studyInterventionIds": [], "notes": []}

    def identify(self, version: Made) -> None:
        """The study's code as its sponsor's identifier. Which sponsor that is, a design does not say."""
        sponsor = self.make("Organization", name="SPONSOR", label="The study's sponsor")
        sponsor |= {"type": self.code(*SPONSOR), "identifierScheme": "study", "identifier": self.design.code}
        sponsor |= {"legalAddress": None, "managedSites": []}
        role = self.make("StudyRole", name="SPONSOR", label="Sponsor", description="")
        role |= {"code": self.code(*SPONSOR), "appliesToIds": [version["id"]], "assignedPersons": []}
        role |= {"organizationIds": [sponsor["id"]], "masking": None, "notes": []}
        version |= {"organizations": [sponsor], "roles": [role]}
        version["studyIdentifiers"] = [
            self.make("StudyIdentifier", text=self.design.code, scopeId=sponsor["id"])
        ]

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
        if timing.steps:
            raise RuleViolation(
                encounter.code, timing.steps, "counts in calendar months and cannot be written"
            )
        anchor = self.anchors[timing.anchor]
        stands = anchor_instance(anchor, self.anchors)
        if stands == encounter.code:
            self.time_anchor(anchor, stands, timing.before, timing.after)
        else:
            ref = DayRef(stands, timing.offset)
            self.relative(encounter.code, ref, timing.before, timing.after)

    def time_anchor(self, anchor: Anchor, stands: str, before: int, after: int) -> None:
        if anchor.default is None:
            timing = self.timing(FIXED, stands, stands, 0)
        else:
            source = anchor_instance(self.anchors[anchor.default.anchor], self.anchors)
            timing = self.relative(stands, DayRef(source, anchor.default.offset), before, after)
        _set_window(timing, before, after)

    def relative(self, code: str, ref: DayRef, before: int, after: int) -> Made:
        kind = "Before" if ref.offset < 0 else "After"
        timing = self.timing(kind, code, ref.anchor, abs(ref.offset))
        _set_window(timing, before, after)
        return timing

    def timing(self, kind: str, code: str, to: str, days: int) -> Made:
        timing = self.make("Timing", name=f"TIM_{code}", label=code, description="")
        timing |= {
            "type": self.code(TIMING_TYPES[kind], kind),
            "value": f"P{days}D",
            "valueLabel": f"{days} days",
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

    def code(self, code: str, decode: str) -> Made:
        made = self.make("Code", code=code, codeSystem=CODE_SYSTEM)
        return made | {"codeSystemVersion": CODE_SYSTEM_VERSION, "decode": decode}

    def make(self, kind: str, **values: Any) -> Made:
        self.counts[kind] += 1
        return {
            "id": f"{kind}_{self.counts[kind]}",
            "extensionAttributes": [],
            **values,
            "instanceType": kind,
        }

    def text(self, texts: Any) -> str:
        return str(texts.get(self.language) or next(iter(texts.values()), ""))


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
