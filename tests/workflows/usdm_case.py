"""Small USDM studies made in tests."""

from __future__ import annotations

import json
from typing import Any


def instance(name: str, encounter: str | None = None, **more: Any) -> dict[str, Any]:
    """An instance with the id `I_<name>`."""
    made = {
        "id": f"I_{name}",
        "name": name,
        "encounterId": encounter,
        "instanceType": "ScheduledActivityInstance",
    }
    return made | more


def timing(
    kind: str,
    source: str,
    target: str,
    value: str = "P0D",
    lower: str | None = None,
    upper: str | None = None,
) -> dict[str, Any]:  # noqa: E501
    return {
        "id": f"T_{source}",
        "type": {"decode": kind},
        "value": value,
        "relativeFromScheduledInstanceId": f"I_{source}",
        "relativeToScheduledInstanceId": f"I_{target}",
        "windowLower": lower,
        "windowUpper": upper,
        "instanceType": "Timing",
    }


def encounter(name: str, label: str, **more: Any) -> dict[str, Any]:
    return {"id": f"E_{name}", "name": name, "label": label, "instanceType": "Encounter"} | more


def study(instances: list[Any], timings: list[Any], encounters: list[Any], *others: dict[str, Any]) -> str:
    """The JSON of a study with one design and one main timeline, and other timelines."""
    main = {
        "id": "TL_1",
        "name": "Main",
        "mainTimeline": True,
        "entryId": instances[0]["id"] if instances else None,
        "instances": instances,
        "timings": timings,
    }
    design = {"id": "D_1", "encounters": encounters, "scheduleTimelines": [main, *others]}
    version = {"id": "V_1", "versionIdentifier": "3", "studyDesigns": [design]}
    return json.dumps({"study": {"id": "S_1", "name": "TRY", "versions": [version]}, "usdmVersion": "4.0.0"})


def dose(*more: tuple[dict[str, Any], dict[str, Any]]) -> str:
    """A study whose Fixed Reference is DOSE; `more` are pairs of an instance and its timing."""
    names = [one["name"] for one, _ in more]
    return study(
        [instance("DOSE", "E_DOSE"), *(one for one, _ in more)],
        [timing("Fixed Reference", "DOSE", "DOSE", "P1D"), *(when for _, when in more)],
        [encounter("DOSE", "Baseline"), *(encounter(name, f"Visit {name}") for name in names)],
    )
