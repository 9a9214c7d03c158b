"""Tidy files for a statistician: one CSV a grain with a codebook, and the same as CDISC Dataset-JSON 1.1."""

from __future__ import annotations

import csv
import json
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path
from typing import Any

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from service.models import Study
from service.use_cases.export_tables import GRAINS, Grain

JSON_TYPES = {"string": "string", "integer": "integer", "date": "date", "datetime": "datetime", "decimal": "decimal",
              "boolean": "boolean"}


def write(session: Session, folder: Path, *, now: datetime) -> dict[str, int]:
    """Write every grain into `folder`; rows a grain. FileExistsError when the folder holds anything."""
    folder.mkdir(parents=True, exist_ok=True)
    if any(folder.iterdir()):
        raise FileExistsError(f"{folder}: not empty; export into a new folder")
    study = session.scalars(select(Study).order_by(Study.id)).first()
    code = study.code if study else "NONE"
    counts = {grain.name: _write(session, grain, folder, code=code, now=now) for grain in GRAINS}
    with open(folder / "codebook.csv", "w", newline="", encoding="utf-8") as file:
        out = csv.writer(file)
        out.writerow(["file", "one_row_is", "column", "type", "meaning"])
        for grain in GRAINS:
            out.writerow([f"{grain.name}.csv", grain.label, "USUBJID", "string", "study and patient code"])
            for column in grain.columns:
                out.writerow([f"{grain.name}.csv", grain.label, column.name, column.kind, column.label])
    return counts


def _write(session: Session, grain: Grain, folder: Path, *, code: str, now: datetime) -> int:
    names = ["USUBJID", *(column.name for column in grain.columns)]
    total = session.scalar(select(func.count()).select_from(grain.query().subquery())) or 0
    head = {
        "datasetJSONCreationDateTime": now.strftime("%Y-%m-%dT%H:%M:%S"),
        "datasetJSONVersion": "1.1.0",
        "originator": "Vigilia",
        "sourceSystem": {"name": "Vigilia", "version": "0.1.0"},
        "studyOID": code,
        "itemGroupOID": f"IG.{grain.name.upper()}",
        "records": total,
        "name": grain.name.upper(),
        "label": grain.label,
        "columns": [
            {"itemOID": f"IT.{grain.name.upper()}.USUBJID", "name": "USUBJID", "label": "Study and patient code",
             "dataType": "string"},
            *(
                {
                    "itemOID": f"IT.{grain.name.upper()}.{column.name}",
                    "name": column.name,
                    "label": column.label,
                    "dataType": JSON_TYPES[column.kind],
                    **({"targetDataType": "decimal"} if column.kind == "decimal" else {}),
                }
                for column in grain.columns
            ),
        ],
    }
    count = 0
    with (
        open(folder / f"{grain.name}.csv", "w", newline="", encoding="utf-8") as table,
        open(folder / f"{grain.name}.json", "w", encoding="utf-8") as dataset,
    ):
        out = csv.writer(table)
        out.writerow(names)
        dataset.write(json.dumps(head, ensure_ascii=False)[:-1] + ', "rows": [')
        for row in _rows(session, grain, code):
            out.writerow(["" if value is None else value for value in map(_text, row)])
            dataset.write((",\n" if count else "\n") + json.dumps([_json(value) for value in row], ensure_ascii=False))
            count += 1
        dataset.write("\n]}\n")
    return count


def _rows(session: Session, grain: Grain, code: str) -> Iterator[list[Any]]:
    for row in session.execute(grain.query().execution_options(yield_per=500)):
        values = [f"{code}.{row[1]}"]
        for column, value in zip(grain.columns, row[2:], strict=True):
            values.append(column.of(value) if column.of else value)
        yield values


def _json(value: Any) -> Any:
    return value.isoformat() if hasattr(value, "isoformat") else value


def _text(value: Any) -> Any:
    """As a spreadsheet takes it: a cell that a spreadsheet would run as a formula gets a quote before it."""
    if hasattr(value, "isoformat"):
        return value.isoformat()
    if isinstance(value, str) and value[:1] in ("=", "+", "-", "@", "\t", "\r"):
        return "'" + value
    return value
