"""`vigilia doctor`: one line a fault, and an exit code that a cron job understands."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
import requests
from click.testing import CliRunner

from notifications.message import Channel
from notifications.render import Renderer
from service import doctor
from service.carriers import carriers_from
from service.cli_doctor import doctor as command
from service.demo.inprocess import InProcessTwilioHttpClient
from service.demo.simulator import create_simulator
from service.models import Heartbeat
from service.use_cases.watch import Severity
from tests.conftest import START

GOOD = {
    "VIGILIA_SECRET_KEY": "x" * 40,
    "VIGILIA_PUBLIC_URL": "https://vigilia.test",
    "VIGILIA_TWILIO_ACCOUNT_SID": "AC" + "0" * 32,
    "VIGILIA_TWILIO_AUTH_TOKEN": "made up",
    "VIGILIA_TWILIO_FROM": "+5516330000001",
    "VIGILIA_SMTP_URL": "smtp://localhost",
    "VIGILIA_ALARM_EMAIL": "a@vigilia.example",
    "VIGILIA_HEARTBEAT_URL": "https://ping.example",
}


def test_settings_faults_are_critical_and_missing_second_paths_a_warning():
    assert doctor.settings(GOOD) == []
    bare = doctor.settings({name: value for name, value in GOOD.items() if name != "VIGILIA_HEARTBEAT_URL"})
    assert [each.severity for each in bare] == [Severity.WARNING]
    wrong = doctor.settings(GOOD | {"VIGILIA_SECRET_KEY": "short", "VIGILIA_NO_SUCH": "1"})
    assert len(wrong) == 2 and {each.severity for each in wrong} == {Severity.CRITICAL}


def test_a_sites_own_text_that_says_too_much_is_found(tmp_path):
    assert doctor.texts(Renderer(None)) == []
    (tmp_path / "en").mkdir()
    (tmp_path / "en" / "page.txt").write_text("CASE {{ case }} {{ patient }} has a fever after ATG, {{ url }}")
    assert doctor.texts(Renderer(tmp_path))


def test_the_carrier_is_asked_with_our_credentials(world):
    assert doctor.carrier(world.runtime.carriers, world.now) == []
    wrong = carriers_from(
        _with(world.house.config, twilio_auth_token="another"),
        http_client=InProcessTwilioHttpClient(create_simulator(world.simulator)),
    )
    (finding,) = doctor.carrier(wrong, world.now)
    assert (finding.kind, finding.severity) == ("carrier", Severity.CRITICAL)
    assert doctor.carrier({Channel.EMAIL: wrong[Channel.SMS]}, world.now) == []


def _with(config: Any, **changes: Any) -> Any:
    from dataclasses import replace

    return replace(config, **changes)


@pytest.mark.parametrize(
    "date, kinds",
    [
        ("Mon, 02 Mar 2026 11:00:05 GMT", []),
        ("Mon, 02 Mar 2026 11:05:00 GMT", ["clock"]),
        ("Mon, 02 Mar 2026 10:55:00 GMT", ["clock"]),
        ("", []),
    ],
)
def test_the_clock_is_compared_with_the_carriers(monkeypatch, house, date, kinds):
    answer = requests.Response()
    answer.headers["Date"] = date
    monkeypatch.setattr(requests, "head", lambda *_, **__: answer)
    assert [each.kind for each in doctor.clock_skew(house.config, START)] == kinds


def test_a_carrier_that_cannot_be_reached_is_critical(monkeypatch, house):
    def refuse(*_: Any, **__: Any) -> None:
        raise requests.ConnectionError

    monkeypatch.setattr(requests, "head", refuse)
    (finding,) = doctor.clock_skew(house.config, START)
    assert finding.severity is Severity.CRITICAL


def _run(monkeypatch: Any, url: str, *arguments: str) -> Any:
    for name, value in (GOOD | {"VIGILIA_DATABASE_URL": url}).items():
        monkeypatch.setenv(name, value)
    return CliRunner().invoke(command, ["--offline", *arguments])


def test_the_command_says_ok_only_when_all_is_well(monkeypatch, runtime):
    sick = _run(monkeypatch, runtime.config.database_url)
    assert sick.exit_code == 1 and "XX no_heartbeat" in sick.output
    from service.clock import Clock

    with runtime.db.unit_of_work() as session:
        for kind in ("scheduler", "lane:pages"):
            seen_at = Clock().machine() + timedelta(hours=1)
            session.add(Heartbeat(name=f"{kind}@here:1", kind=kind, seen_at=seen_at))
    well = _run(monkeypatch, runtime.config.database_url, "--at", "2026-03-02T11:00")
    assert (well.exit_code, well.output.splitlines()[-1][:3]) == (0, "ok:")


def test_a_database_that_is_not_there_is_named(monkeypatch, tmp_path):
    answer = _run(monkeypatch, f"sqlite:///{tmp_path}/none.db")
    assert answer.exit_code == 1 and "vigilia db check" in answer.output
