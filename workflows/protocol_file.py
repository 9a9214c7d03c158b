"""Protocol file -> `StudyDesign`. A fault is named by its path: `encounters[3].timing.anchor: what is
wrong`.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from pathlib import Path
from types import MappingProxyType
from typing import Any

from marshmallow import ValidationError
from ruamel.yaml import YAML
from ruamel.yaml.constructor import DuplicateKeyError
from ruamel.yaml.error import MarkedYAMLError, YAMLError

from workflows.protocol import Encounter, StudyDesign
from workflows.protocol_checks import check_design
from workflows.protocol_schemas import DesignSchema, expand, stop_from

PLAIN_WORDS = {
    "Missing data for required field.": "is missing",
    "Unknown field.": "is not a known key here",
    "Field may not be null.": "must not be empty",
    "Invalid input type.": "has the wrong shape: a mapping (key: value) belongs here",
    "Invalid type.": "has the wrong shape: a list belongs here",
    "Not a valid list.": "has the wrong shape: a list belongs here",
    "Not a valid mapping type.": "has the wrong shape: a mapping (key: value) belongs here",
    "Not a valid string.": "must be a text",
}


class ProtocolErrors(ValueError):
    """Everything that is wrong with a protocol file, as sorted lines `path.in.file: what is wrong`."""

    def __init__(self, errors: tuple[str, ...]) -> None:
        super().__init__("\n".join(errors))
        self.errors = errors


def read_design(path: Path | str, known_templates: Collection[str] | None = None) -> StudyDesign:
    """The design in a UTF-8 YAML file; ProtocolErrors as for `load_design`, OSError where it cannot be
    read.
    """
    try:
        text = Path(path).read_text(encoding="utf-8")
    except UnicodeDecodeError as error:
        raise ProtocolErrors((f"(file): is not UTF-8 text at byte {error.start}",)) from None
    return load_design(text, known_templates)


def load_design(text: str, known_templates: Collection[str] | None = None) -> StudyDesign:
    """The design that a protocol file's text describes.

    `known_templates` are the message catalogue's keys; without them template keys are not checked. Raises
    ProtocolErrors with every fault found: first of shape, and where the shape is right, of sense.
    """
    raw = _parse(text)
    try:
        loaded: dict[str, Any] = DesignSchema().load(raw)
    except ValidationError as error:
        raise ProtocolErrors(tuple(_lines(error.messages))) from None
    design, places = _build(loaded)
    faults = check_design(design, places, loaded, known_templates)
    if faults:
        raise ProtocolErrors(tuple(faults))
    return design


def _parse(text: str) -> Mapping[str, Any]:
    reader = YAML(typ="safe", pure=True)
    reader.allow_duplicate_keys = False
    try:
        raw = reader.load(text)
    except DuplicateKeyError as error:
        line = error.problem_mark.line + 1 if error.problem_mark else 0
        raise ProtocolErrors((f"(line {line}): a key stands here twice",)) from None
    except MarkedYAMLError as error:
        line = error.problem_mark.line + 1 if error.problem_mark else 0
        raise ProtocolErrors((f"(line {line}): is not YAML: {error.problem}",)) from None
    except (YAMLError, ValueError) as error:
        first = str(error).strip().split("\n")[0]
        raise ProtocolErrors((f"(file): is not YAML: {first}",)) from None
    if not isinstance(raw, Mapping):
        raise ProtocolErrors(("(file): must be a mapping with the keys code, version, title, anchors ...",))
    return raw


def _build(loaded: dict[str, Any]) -> tuple[StudyDesign, tuple[int, ...]]:
    """The design, and for each encounter the index of the file's entry it came from."""
    encounters: list[Encounter] = []
    places: list[int] = []
    for index, entry in enumerate(loaded["encounters"]):
        made = expand(entry, loaded["settings"])
        encounters.extend(made)
        places.extend([index] * len(made))
    order = tuple(encounter.code for encounter in encounters)
    design = StudyDesign(
        code=loaded["code"],
        title=loaded["title"],
        version=loaded["version"],
        anchors=tuple(loaded["anchors"]),
        encounters=tuple(encounters),
        confirmed_by_site=loaded["confirmed_by_site"],
        study_days=loaded["study_days"],
        merge=loaded["merge_same_day"],
        stops=tuple(stop_from(entry, order) for entry in loaded["stops"]),
        questionnaires=tuple(loaded["questionnaires"]),
        triage=tuple(loaded["triage"]),
        silence=tuple(loaded["silence"]),
        policies=tuple(loaded["policies"]),
        profile=loaded["profile"],
        defaults_to_confirm=tuple(loaded["defaults_to_confirm"]),
        settings=MappingProxyType(dict(loaded["settings"])),
        closed_days=loaded["closed_days"],
    )
    return design, tuple(places)


def _lines(messages: Any, path: str = "") -> list[str]:
    """marshmallow's nested messages as sorted `path: message` lines."""
    if isinstance(messages, Mapping):
        lines: list[str] = []
        for key, inner in messages.items():
            if isinstance(key, int):
                where = f"{path}[{key}]"
            elif key == "_schema":
                where = path
            else:
                where = f"{path}.{key}" if path else str(key)
            lines.extend(_lines(inner, where))
        return sorted(lines, key=_natural)
    texts = messages if isinstance(messages, list) else [messages]
    return [f"{path or '(file)'}: {PLAIN_WORDS.get(str(text), str(text))}" for text in texts]


def _natural(line: str) -> list[tuple[int, int, str]]:
    """Sorts encounters[10] after encounters[9]."""
    parts = line.replace("]", "[").split("[")
    return [(0, int(part), "") if part.isdigit() else (1, 0, part) for part in parts]
