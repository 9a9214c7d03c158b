"""One backup file for both databases: a zip with a manifest and every table as JSON lines."""

from __future__ import annotations

import io
import json
import zipfile
from collections.abc import Iterator
from datetime import date, datetime
from pathlib import Path
from typing import Any

from sqlalchemy import Table, func, insert, select, text
from sqlalchemy.orm import Session

from service.db import Base, UtcDateTime
from service.use_cases import audit

CHUNK = 500
FORMAT = "vigilia-backup-1"


class BackupError(Exception):
    """The file is not a backup, is damaged, or does not fit this database."""


def write(session: Session, file: Path, *, revision: str, now: datetime) -> dict[str, int]:
    """Write every row as the transaction of `session` sees it; rows a table. The file appears whole or not at all."""
    number, hash_ = audit.head(session)
    counts: dict[str, int] = {}
    partial = file.with_name(file.name + ".partial")
    with zipfile.ZipFile(partial, "w", zipfile.ZIP_DEFLATED) as archive:
        for table in Base.metadata.sorted_tables:
            with archive.open(f"tables/{table.name}.jsonl", "w", force_zip64=True) as out:
                counts[table.name] = 0
                query = select(table).order_by(*table.primary_key.columns)
                for row in session.execute(query.execution_options(yield_per=CHUNK)).mappings():
                    out.write((json.dumps(dict(row), default=_plain, ensure_ascii=False) + "\n").encode())
                    counts[table.name] += 1
        manifest = {
            "format": FORMAT,
            "revision": revision,
            "written_at": now.isoformat(),
            "audit_head": f"{number}:{hash_}",
            "rows": counts,
        }
        archive.writestr("manifest.json", json.dumps(manifest, indent=2))
    partial.replace(file)
    return counts


def read(session: Session, file: Path, *, revision: str) -> dict[str, int]:
    """Fill an empty, migrated database from a backup; rows a table. BackupError changes nothing."""
    try:
        archive = zipfile.ZipFile(file)
        broken = archive.testzip()
        manifest = json.loads(archive.read("manifest.json"))
    except (OSError, zipfile.BadZipFile, KeyError, ValueError) as error:
        raise BackupError(f"{file}: not a whole backup ({error})") from error
    if broken or manifest.get("format") != FORMAT:
        raise BackupError(f"{file}: damaged at {broken}" if broken else f"{file}: not a {FORMAT} file")
    if manifest["revision"] != revision:
        raise BackupError(f"{file}: written at {manifest['revision']}; bring this database there first ({revision})")
    for table in Base.metadata.sorted_tables:
        if session.scalar(select(func.count()).select_from(table)):
            raise BackupError(f"{table.name}: has rows already; restore into an empty database")
    counts: dict[str, int] = {}
    with archive:
        for table in Base.metadata.sorted_tables:
            counts[table.name] = _load(session, table, archive)
    if counts != manifest["rows"]:
        raise BackupError(f"{file}: its rows are not those of its manifest")
    _set_sequences(session)
    faults = audit.check_head(session, manifest["audit_head"])
    if faults:
        raise BackupError("; ".join(faults))
    return counts


def _load(session: Session, table: Table, archive: zipfile.ZipFile) -> int:
    count = 0
    with archive.open(f"tables/{table.name}.jsonl") as lines:
        for chunk in _chunks(io.TextIOWrapper(lines, encoding="utf-8")):
            session.execute(insert(table), [_typed(table, json.loads(line)) for line in chunk])
            count += len(chunk)
    return count


def _chunks(lines: Iterator[str] | io.TextIOWrapper) -> Iterator[list[str]]:
    chunk: list[str] = []
    for line in lines:
        chunk.append(line)
        if len(chunk) == CHUNK:
            yield chunk
            chunk = []
    if chunk:
        yield chunk


def _plain(value: Any) -> str:
    if isinstance(value, (datetime, date)):
        return value.isoformat()
    raise TypeError(f"a backup cannot hold {type(value).__name__}")


def _typed(table: Table, row: dict[str, Any]) -> dict[str, Any]:
    for column in table.columns:
        value = row.get(column.name)
        if isinstance(value, str) and isinstance(column.type, UtcDateTime):
            row[column.name] = datetime.fromisoformat(value)
        elif isinstance(value, str) and column.type.python_type is date:
            row[column.name] = date.fromisoformat(value)
    return row


def _set_sequences(session: Session) -> None:
    if session.get_bind().dialect.name != "postgresql":
        return
    for table in Base.metadata.sorted_tables:
        column = table.autoincrement_column
        if column is None:
            continue
        session.execute(
            text(
                f"SELECT setval(pg_get_serial_sequence('{table.name}', '{column.name}'), "
                f"COALESCE(MAX({column.name}), 1), MAX({column.name}) IS NOT NULL) FROM {table.name}"
            )
        )
