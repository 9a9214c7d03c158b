"""The worker's parts together, in this process: it starts, works, shows that it lives, and ends in good order."""

from __future__ import annotations

import signal
import threading
from collections.abc import Iterator
from dataclasses import replace
from http.server import BaseHTTPRequestHandler, HTTPServer
from typing import Any

import pytest
from click.testing import CliRunner
from sqlalchemy import select
from sqlalchemy.exc import OperationalError

from notifications.carriers.base import SendResult
from notifications.message import Channel, OutboundMessage
from service.cli_db import db as db_command
from service.cli_explain import explain as explain_command
from service.models import Heartbeat
from service.scheduler import Scheduler
from service.use_cases import watch, workers
from service.use_cases.watch import Finding, Severity
from service.watchdog import Watchdog
from service.worker import Worker
from tests.sending import PostOffice
from tests.service.test_sender_lanes import PATIENCE, wait_for


@pytest.fixture
def post(world: Any) -> PostOffice:
    return PostOffice(world)


def beats(post: PostOffice) -> set[str]:
    with post.db.reading() as session:
        return set(session.scalars(select(Heartbeat.kind)))


def test_a_worker_ticks_sends_and_says_goodbye(post: PostOffice) -> None:
    reminder, page = post.enqueue(), post.page()
    worker = Worker(post.runtime)
    worker.start()
    try:
        wait_for(lambda: post.status(reminder) == "accepted" and post.status(page) == "accepted")
        wait_for(lambda: beats(post) >= {"scheduler", "lane:pages", "lane:bulk"})
        assert worker.alive
        late = post.enqueue()
        wait_for(lambda: post.status(late) == "accepted")
    finally:
        worker.stop()
    assert not worker.alive and beats(post) == set()
    assert len(post.texts()) == 2


def test_a_signal_that_comes_while_its_own_thread_holds_the_events_lock_ends_it_all_the_same(
    post: PostOffice, monkeypatch: pytest.MonkeyPatch
) -> None:
    handlers: dict[int, Any] = {}
    monkeypatch.setattr(signal, "signal", handlers.__setitem__)  # this thread is not the main one's
    worker = Worker(post.runtime)
    works = threading.Thread(target=worker.run_until_told, daemon=True)
    works.start()
    wait_for(lambda: signal.SIGTERM in handlers and worker.alive)
    with worker._ended._cond:  # as it does for some microseconds of each look
        told = threading.Thread(target=handlers[signal.SIGTERM], args=(signal.SIGTERM, None), daemon=True)
        told.start()
        told.join(PATIENCE)
        assert not told.is_alive()
    works.join(PATIENCE)
    assert not works.is_alive()


def test_a_dead_scheduler_thread_is_noticed(post: PostOffice) -> None:
    worker = Worker(post.runtime)
    worker.start()
    try:
        assert worker.alive
        inner = worker.scheduler._scheduler
        inner._event.set()
        dead = threading.Thread(target=lambda: None)
        dead.start()
        dead.join()
        living, inner._thread = inner._thread, dead
        assert not worker.alive, "the process lives, its scheduler does not"
        inner._thread = living
    finally:
        worker.stop()


def test_a_job_that_raises_is_called_again() -> None:
    calls: list[int] = []

    def job() -> None:
        calls.append(1)
        raise RuntimeError

    scheduler = Scheduler()
    scheduler.every(0.05, "job", job)
    scheduler.start()
    try:
        wait_for(lambda: len(calls) >= 3)
    finally:
        scheduler.stop()


class Mails:
    def __init__(self) -> None:
        self.got: list[OutboundMessage] = []

    def send(self, message: OutboundMessage) -> SendResult:
        self.got.append(message)
        return SendResult("")


@pytest.fixture
def pinged() -> Iterator[tuple[str, list[str]]]:
    """A server that stands for the one who watches from outside: its address, and what it got."""
    got: list[str] = []

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            got.append(self.rfile.read(int(self.headers["Content-Length"])).decode())
            self.send_response(200)
            self.end_headers()

        def log_message(self, *_: Any) -> None:
            return

    server = HTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}/", got
    server.shutdown()
    server.server_close()
    thread.join(PATIENCE)


def alive(post: PostOffice) -> None:
    with post.db.unit_of_work() as session:
        for kind in ("scheduler", "lane:pages"):
            workers.beat(session, name=kind, kind=kind, machine_now=post.clock.machine())


def test_the_ping_leaves_after_a_passed_audit_with_the_head_of_the_trail(
    post: PostOffice, pinged: tuple[str, list[str]]
) -> None:
    url, got = pinged
    post.runtime.config = replace(before := post.runtime.config, heartbeat_url=url)
    try:
        alive(post)
        Watchdog(post.runtime).look()
        assert len(got) == 1 and len(got[0].split()) == 2
        post.wait(minutes=2)
        assert any(one.kind == "stale_heartbeat" for one in Watchdog(post.runtime).look())
        assert len(got) == 1, "no ping while something is critical"
    finally:
        post.runtime.config = before


def test_an_alarm_leaves_by_email_and_again_while_its_cause_lasts(
    post: PostOffice, monkeypatch: pytest.MonkeyPatch
) -> None:
    mails = Mails()
    post.runtime.carriers = {**post.runtime.carriers, Channel.EMAIL: mails}
    found = [Finding("stale_heartbeat", "no scheduler is alive", None, Severity.CRITICAL),
             Finding("hole", "nobody is backup", None, Severity.WARNING)]  # fmt: skip
    monkeypatch.setattr(watch, "findings", lambda *_, **__: list(found))
    dog = Watchdog(post.runtime)
    dog.look()
    dog.look()
    assert [(one.to, "no scheduler is alive" in one.text) for one in mails.got] == [("alarms@vigilia.example", True)]
    post.wait(minutes=15)
    dog.look()
    assert len(mails.got) == 2
    found.clear()
    dog.look()
    found.append(Finding("stale_heartbeat", "again", None, Severity.CRITICAL))
    dog.look()
    assert len(mails.got) == 3, "a new cause is told at once"


def test_the_alarm_leaves_when_the_database_is_away(post: PostOffice, monkeypatch: pytest.MonkeyPatch) -> None:
    def away(*_: Any, **__: Any) -> list[Finding]:
        raise OperationalError("SELECT", {}, Exception("gone"))

    mails = Mails()
    post.runtime.carriers = {Channel.EMAIL: mails}
    monkeypatch.setattr(watch, "findings", away)
    (finding,) = Watchdog(post.runtime).look()
    assert finding.kind == "database" and len(mails.got) == 1


def environment(post: PostOffice) -> dict[str, str]:
    return {"VIGILIA_DATABASE_URL": post.runtime.config.database_url}


def test_vigilia_explain(post: PostOffice) -> None:
    message = post.enqueue()
    shown = CliRunner().invoke(explain_command, [f"message/{message}"], env=environment(post))
    assert shown.exit_code == 0 and shown.output.startswith(f"message/{message}: reminder")
    missing = CliRunner().invoke(explain_command, ["message/9999"], env=environment(post))
    assert missing.exit_code == 1 and "there is no message 9999" in missing.output


def test_vigilia_db_check_and_upgrade(post: PostOffice, tmp_path: Any) -> None:
    runner, fresh = CliRunner(), {"VIGILIA_DATABASE_URL": f"sqlite:///{tmp_path}/new.db"}
    before = runner.invoke(db_command, ["check"], env=fresh)
    assert before.exit_code == 1 and "the database is at nothing" in before.output
    assert runner.invoke(db_command, ["upgrade"], env=fresh).output.startswith("empty -> ")
    after = runner.invoke(db_command, ["check"], env=fresh)
    assert after.exit_code == 0 and "agree" in after.output


def test_wrong_settings_stop_a_command_with_every_fault(post: PostOffice) -> None:
    wrong = {"VIGILIA_DATABASE_URL": "mysql://x", "VIGILIA_LEASE_SECONDS": "1"}
    shown = CliRunner().invoke(db_command, ["check"], env=wrong)
    assert shown.exit_code == 1
    assert "VIGILIA_DATABASE_URL" in shown.output and "VIGILIA_LEASE_SECONDS" in shown.output
