"""The trail is append-only, chained, and tells what was done to it."""

from __future__ import annotations

from zoneinfo import ZoneInfo

import pytest
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError

from service.db import Database
from service.runtime import Runtime
from service.use_cases import audit
from tests.conftest import START


def _write(runtime, count: int = 5) -> None:
    with runtime.db.unit_of_work() as session:
        for number in range(count):
            audit.record(session, "test:write", actor="system", now=START, subject_id=number, detail={"n": number})
    with runtime.db.unit_of_work() as session:
        audit.seal(session, now=START)


def _by_hand(runtime, sql: str) -> None:
    """What somebody with the database's password would do: the triggers off, then the change."""
    with runtime.db.engine.begin() as connection:
        if runtime.db.is_sqlite:
            connection.execute(text("DROP TRIGGER IF EXISTS audit_entry_no_update"))
            connection.execute(text("DROP TRIGGER IF EXISTS audit_entry_no_delete"))
            connection.execute(text("DROP TRIGGER IF EXISTS audit_seal_no_delete"))
            connection.exec_driver_sql("PRAGMA defer_foreign_keys=ON")
        else:
            connection.execute(text("SET session_replication_role = replica"))
        connection.execute(text(sql))


def _verdict(runtime):
    with runtime.db.reading() as session:
        return audit.verify(session)


def test_a_whole_chain_holds(bare_runtime) -> None:
    _write(bare_runtime)
    verdict = _verdict(bare_runtime)
    assert (verdict.faults, verdict.sealed, verdict.unsealed) == ((), 5, 0)


@pytest.mark.parametrize("table", ["audit_entry", "audit_seal"])
@pytest.mark.parametrize("sql", ["UPDATE {} SET {}", "DELETE FROM {}"])
def test_the_database_refuses_to_change_or_remove(bare_runtime, table: str, sql: str) -> None:
    _write(bare_runtime)
    change = "actor = NULL" if table == "audit_entry" else "hash = ''"
    with pytest.raises(DBAPIError, match="append-only"), bare_runtime.db.engine.begin() as connection:
        connection.execute(text(sql.format(table, change)))


def test_a_changed_entry_is_found(bare_runtime) -> None:
    _write(bare_runtime)
    _by_hand(bare_runtime, "UPDATE audit_entry SET actor = 'somebody else' WHERE id = 3")
    assert any("entry 3: changed" in fault for fault in _verdict(bare_runtime).faults)


def test_a_removed_seal_is_found(bare_runtime) -> None:
    _write(bare_runtime)
    _by_hand(bare_runtime, "DELETE FROM audit_seal WHERE number = 2")
    assert any("seal 2: removed" in fault for fault in _verdict(bare_runtime).faults)


def test_an_inserted_entry_is_found(bare_runtime) -> None:
    with bare_runtime.db.unit_of_work() as session:
        for _ in range(2):
            audit.record(session, "test:write", actor="system", now=START)
    _by_hand(
        bare_runtime,
        "INSERT INTO audit_entry (id, at, actor, action, detail) "
        "VALUES (9, '2026-03-02 11:00:00.000000', 'system', 'test:write', '{}')",
    )
    with bare_runtime.db.unit_of_work() as session:
        audit.seal(session, now=START)
    _by_hand(
        bare_runtime,
        "INSERT INTO audit_entry (id, at, actor, action, detail) "
        "VALUES (5, '2026-03-02 11:00:00.000000', 'nobody', 'test:forge', '{}')",
    )
    assert any("entry 5: inserted" in fault for fault in _verdict(bare_runtime).faults)


def test_an_entry_of_a_slower_transaction_is_sealed_when_it_is_seen(bare_runtime) -> None:
    _by_hand(
        bare_runtime,
        "INSERT INTO audit_entry (id, at, actor, action, detail) "
        "VALUES (9000, '2026-03-02 11:00:00.000000', 'system', 'test:write', '{}')",
    )
    with bare_runtime.db.unit_of_work() as session:
        assert audit.seal(session, now=START) == 1
    _by_hand(
        bare_runtime,
        "INSERT INTO audit_entry (id, at, actor, action, detail) "
        "VALUES (5, '2026-03-02 11:00:00.000000', 'system', 'test:slow', '{}')",
    )
    with bare_runtime.db.unit_of_work() as session:
        assert audit.seal(session, now=START) == 1
    verdict = _verdict(bare_runtime)
    assert (verdict.faults, verdict.sealed, verdict.unsealed) == ((), 2, 0)


def test_a_removed_entry_is_found(bare_runtime) -> None:
    _write(bare_runtime)
    if bare_runtime.db.is_sqlite:
        with bare_runtime.db.engine.connect() as connection:
            raw = connection.connection.dbapi_connection
            raw.execute("PRAGMA foreign_keys=OFF")
            raw.execute("DROP TRIGGER audit_entry_no_delete")
            raw.execute("DELETE FROM audit_entry WHERE id = 4")
            raw.execute("PRAGMA foreign_keys=ON")
    else:
        _by_hand(bare_runtime, "DELETE FROM audit_entry WHERE id = 4")
    assert any("entry 4: removed" in fault for fault in _verdict(bare_runtime).faults)


def test_what_was_sealed_in_the_servers_own_zone_still_holds(bare_runtime, monkeypatch) -> None:
    """Before all instants came in UTC they came, and were hashed, in the zone of the database."""
    db, name = bare_runtime.db, bare_runtime.db.engine.url.database
    if db.is_sqlite:
        pytest.skip("a file has no zone")
    with db.unit_of_work() as session:
        session.execute(text(f"ALTER DATABASE \"{name}\" SET timezone TO 'America/Sao_Paulo'"))
    own = ZoneInfo("America/Sao_Paulo")
    in_utc = audit._hash
    elsewhere = Runtime(**(vars(bare_runtime) | {"db": Database(db.url)}))
    try:
        with monkeypatch.context() as then:
            then.setattr(audit, "_hash", lambda previous, entry: in_utc(previous, entry, own))
            _write(elsewhere, 3)
        _write(elsewhere, 2)
        assert (_verdict(elsewhere).faults, _verdict(elsewhere).sealed) == ((), 5)
    finally:
        elsewhere.db.close()
        with db.unit_of_work() as session:
            session.execute(text(f'ALTER DATABASE "{name}" RESET timezone'))
