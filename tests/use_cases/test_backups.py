"""A backup is one file for both databases, whole or refused."""

from __future__ import annotations

import zipfile

import pytest
from sqlalchemy import func, select

from service import migrate, tick
from service.db import Base, Database
from service.models import Staff
from service.use_cases import audit, backups
from tests.conftest import START


def _counts(session) -> dict[str, int]:
    return {
        table.name: session.scalar(select(func.count()).select_from(table)) for table in Base.metadata.sorted_tables
    }


@pytest.fixture
def file(world, tmp_path):
    world.enrol("P-001")
    world.advance(days=2)
    tick.seal(world.runtime)
    path = tmp_path / "backup.zip"
    with world.runtime.db.reading() as session:
        backups.write(session, path, revision=migrate.head(), now=START)
    return path


def _empty(tmp_path) -> Database:
    database = Database(f"sqlite:///{tmp_path / 'other.db'}")
    migrate.upgrade(database.engine)
    return database


def test_every_row_comes_back(world, file, tmp_path) -> None:
    other = _empty(tmp_path)
    with other.unit_of_work() as session:
        backups.read(session, file, revision=migrate.head())
    with world.runtime.db.reading() as old, other.reading() as new:
        assert _counts(new) == _counts(old)
        assert audit.verify(new).faults == ()
        columns = Staff.__table__.c
        assert new.execute(select(*columns)).all() == old.execute(select(*columns)).all()


def test_a_full_database_is_left_alone(world, file) -> None:
    with pytest.raises(backups.BackupError, match="empty database"), world.runtime.db.unit_of_work() as session:
        backups.read(session, file, revision=migrate.head())


def test_a_damaged_file_is_refused(file, tmp_path) -> None:
    whole = file.read_bytes()
    file.write_bytes(whole[: len(whole) // 2])
    with pytest.raises(backups.BackupError, match="not a whole backup"), _empty(tmp_path).unit_of_work() as session:
        backups.read(session, file, revision=migrate.head())


def test_a_row_taken_out_of_the_file_shows(file, tmp_path) -> None:
    thin = tmp_path / "thin.zip"
    with zipfile.ZipFile(file) as old, zipfile.ZipFile(thin, "w") as new:
        for name in old.namelist():
            lines = old.read(name).splitlines(keepends=True)
            new.writestr(name, b"".join(lines[:-1] if name == "tables/audit_seal.jsonl" else lines))
    with pytest.raises(backups.BackupError), _empty(tmp_path).unit_of_work() as session:
        backups.read(session, thin, revision=migrate.head())


def test_ids_go_on_after_a_restore(bare_runtime, file, house) -> None:
    house.put_back("bare")
    with bare_runtime.db.unit_of_work() as session:
        backups.read(session, file, revision=migrate.head())
    with bare_runtime.db.unit_of_work() as session:
        audit.record(session, "test:after", actor="system", now=START)
