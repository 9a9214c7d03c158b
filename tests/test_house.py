"""The rules of the house that a linter does not know."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
ROOMS = ("service", "workflows", "notifications")


def sources() -> list[Path]:
    return [path for room in ROOMS for path in (ROOT / room).rglob("*.py")]


def test_only_the_clock_reads_the_time() -> None:
    stray = re.compile(r"datetime\.(now|utcnow)\(|date\.today\(|time\.time\(|func\.now\(|CURRENT_TIMESTAMP")
    found = [
        f"{path.relative_to(ROOT)}:{number}"
        for path in sources()
        if path != ROOT / "service" / "clock.py"
        for number, line in enumerate(path.read_text().splitlines(), 1)
        if stray.search(line)
    ]
    assert not found


def test_modules_stay_small() -> None:
    long = {str(path.relative_to(ROOT)): n for path in sources() if (n := len(path.read_text().splitlines())) > 300}
    assert not long, f"past 300 lines, split by verb: {long}"


def test_models_and_migrations_say_the_same(bare_runtime) -> None:
    from service.migrate import current, differences, head

    assert differences(bare_runtime.db.engine) == []
    assert current(bare_runtime.db.engine) == head()


def test_every_route_has_a_policy(app) -> None:
    from service.access import policy_of

    bare = [
        f"{method} {rule.rule}"
        for rule in app.url_map.iter_rules()
        if not rule.endpoint.endswith("static")
        for method in sorted(rule.methods - {"HEAD", "OPTIONS"})
        if policy_of(app.view_functions[rule.endpoint], method) is None
    ]
    assert not bare


def test_a_route_without_a_policy_is_refused(house) -> None:
    from flask import Flask

    from service.app import _refuse_by_default
    from service.errors import Forbidden

    bare = Flask("bare")
    bare.add_url_rule("/open", "open", lambda: "hello")
    with bare.test_request_context("/open"), pytest.raises(Forbidden, match="no access policy"):
        _refuse_by_default()


def test_logs_withhold_health_data() -> None:
    from service.logs import drop_health_data

    assert drop_health_data(None, "info", {"message": 3, "body": "38,7"}) == {"message": 3, "body": "[withheld]"}
