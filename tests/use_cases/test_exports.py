"""The statistician's files: every row, a codebook for every column, nobody's telephone."""

from __future__ import annotations

import csv
import json

import pytest

from service.demo.seed import PATIENTS, TEAM
from service.use_cases import exports
from tests.conftest import START


@pytest.fixture
def folder(world, tmp_path):
    world.enrol("P-001")
    world.advance_to_local(12, 0, days=7)
    world.phone("P-001").replies("38,7")
    with world.runtime.db.reading() as session:
        exports.write(session, tmp_path / "out", now=START)
    return tmp_path / "out"


def _rows(folder, name: str) -> list[dict[str, str]]:
    with open(folder / name, newline="", encoding="utf-8") as file:
        return list(csv.DictReader(file))


def test_the_fever_is_in_the_files(folder) -> None:
    (reading,) = _rows(folder, "readings.csv")
    assert (reading["USUBJID"], reading["CELSIUS"], reading["RAW"]) == ("NCT01297972.P-001", "38.7", "38,7")
    (case,) = _rows(folder, "cases.csv")
    assert case["SEVERITY"] == "red" and case["REPORTED_AT"]
    assert len(_rows(folder, "visits.csv")) > 30


def test_every_column_is_in_the_codebook(folder) -> None:
    told = {(row["file"], row["column"]) for row in _rows(folder, "codebook.csv")}
    for file in folder.glob("*.csv"):
        if file.name != "codebook.csv":
            with open(file, newline="", encoding="utf-8") as lines:
                assert {(file.name, column) for column in next(csv.reader(lines))} <= told


def test_dataset_json_says_the_same(folder) -> None:
    for file in folder.glob("*.json"):
        data = json.loads(file.read_text(encoding="utf-8"))
        assert data["records"] == len(data["rows"]) == len(_rows(folder, f"{file.stem}.csv"))
        assert all(len(row) == len(data["columns"]) for row in data["rows"])


def test_no_telephone_leaves(folder) -> None:
    numbers = [number for _code, number in PATIENTS] + [person.phone for person in TEAM]
    for file in folder.iterdir():
        text = file.read_text(encoding="utf-8")
        assert not [number for number in numbers if number in text], file.name


def test_a_full_folder_is_left_alone(world, folder) -> None:
    with world.runtime.db.reading() as session, pytest.raises(FileExistsError):
        exports.write(session, folder, now=START)


@pytest.mark.parametrize("text", ["=1+1", "+55", "-2", "@x"])
def test_a_spreadsheet_runs_nothing(text: str) -> None:
    assert exports._text(text) == "'" + text
