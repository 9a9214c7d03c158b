"""The parts of a USDM v4 study that the standard asks for and that are no part of a schedule."""

from __future__ import annotations

from collections import defaultdict
from typing import Any

CODE_SYSTEM = "http://www.cdisc.org"
CODE_SYSTEM_VERSION = "2024-09-27"
NOT_HERE = "As the protocol says; this file holds the schedule only."
SPONSOR = ("C70793", "Sponsor")
Made = dict[str, Any]


class Maker:
    """Makes elements with ids counted up within their kind."""

    def __init__(self) -> None:
        self.counts: defaultdict[str, int] = defaultdict(int)

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

    def identify(self, version: Made, study_code: str) -> None:
        """The study's code as its sponsor's identifier. Which sponsor that is, a design does not say."""
        sponsor = self.make("Organization", name="SPONSOR", label="The study's sponsor")
        sponsor |= {"type": self.code(*SPONSOR), "identifierScheme": "study", "identifier": study_code}
        sponsor |= {"legalAddress": None, "managedSites": []}
        role = self.make("StudyRole", name="SPONSOR", label="Sponsor", description="")
        role |= {"code": self.code(*SPONSOR), "appliesToIds": [version["id"]], "assignedPersons": []}
        role |= {"organizationIds": [sponsor["id"]], "masking": None, "notes": []}
        version |= {"organizations": [sponsor], "roles": [role]}
        version["studyIdentifiers"] = [
            self.make("StudyIdentifier", text=study_code, scopeId=sponsor["id"])
        ]
