"""Tokens and people from the command line."""

from __future__ import annotations

from typing import Any

import pytest
from click.testing import CliRunner, Result

from service.models import ApiToken, Staff
from service.security import digest
from service.use_cases import staff as people


@pytest.fixture
def vigilia(runtime: Any, monkeypatch: pytest.MonkeyPatch) -> Any:
    from service.cli_staff import staff
    from service.cli_tokens import token

    monkeypatch.setenv("VIGILIA_DATABASE_URL", runtime.config.database_url)
    groups = {"token": token, "staff": staff}

    def run(group: str, *words: str) -> Result:
        return CliRunner().invoke(groups[group], list(words), catch_exceptions=False)

    return run


def test_a_token_is_printed_once_and_kept_as_a_digest(vigilia: Any, runtime: Any) -> None:
    made = vigilia("token", "create", "--role", "coordinator", "--site", "RP", "--name", "Lab feed")
    assert made.exit_code == 0
    text = made.stdout.strip()
    assert text.startswith("vig_") and "\n" not in text
    with runtime.db.reading() as session:
        row = session.query(ApiToken).one()
    assert (row.digest, row.role, row.name) == (digest(text), "coordinator", "Lab feed")
    listed = vigilia("token", "list")
    assert "Lab feed" in listed.stdout and text not in listed.stdout
    assert vigilia("token", "revoke", str(row.id)).exit_code == 0
    assert vigilia("token", "list").stdout == ""


def test_a_token_may_stand_for_a_person_and_for_every_site(vigilia: Any, runtime: Any) -> None:
    assert vigilia("token", "create", "--role", "clinician", "--staff", "reis@vigilia.example").exit_code == 0
    with runtime.db.reading() as session:
        row = session.query(ApiToken).one()
        assert row.site_id is None and session.get_one(Staff, row.staff_id).name == "Dr. Reis"


@pytest.mark.parametrize(
    ("words", "code", "says"),
    [
        (("create", "--role", "coordinator", "--site", "XX"), 1, "site: no such site"),
        (("create", "--role", "coordinator", "--study", "X", "--site", "RP"), 1, "study: no such study"),
        (("create", "--role", "clinician", "--staff", "nobody@example.org"), 1, "staff: no such person"),
        (("create", "--role", "king"), 2, "king"),
        (("create", "--role", "monitor", "--name", "x" * 99), 1, "name"),
        (("revoke", "77"), 1, "token: no such token"),
    ],
)
def test_what_cannot_be_is_said_in_a_sentence(vigilia: Any, words: tuple[str, ...], code: int, says: str) -> None:
    result = vigilia("token", *words)
    assert result.exit_code == code and says in result.output


NOVA = ("--name", "Dr. Nova", "--email", "nova@vigilia.example", "--role", "clinician", "--site", "RP")


def test_a_person_is_added_who_can_log_in(vigilia: Any, runtime: Any) -> None:
    more = ("--phone", "(16) 99111-9999", "--password", "a made-up password")
    added = vigilia("staff", "add", *NOVA, *more)
    assert added.exit_code == 0 and "Dr. Nova, clinician" in added.stdout
    with runtime.db.unit_of_work() as session:
        person = people.authenticate(session, "nova@vigilia.example", "a made-up password", now=runtime.clock.now())
        assert person is not None and person.name == "Dr. Nova"
    assert "Dr. Nova\tnot reachable" in vigilia("staff", "list").stdout


def test_a_verified_telephone_is_used_at_once(vigilia: Any) -> None:
    vigilia("staff", "add", *NOVA, "--phone", "(16) 99111-9999", "--verified", "--password", "a made-up password")
    assert "Dr. Nova\temail, sms, voice" in vigilia("staff", "list").stdout


@pytest.mark.parametrize(
    ("more", "says"),
    [
        (("--password", "short"), "password"),
        (("--password", "a made-up password", "--phone", "1"), "phone"),
        (("--password", "a made-up password", "--email", "reis@vigilia.example"), "email"),
    ],
)
def test_a_person_that_cannot_be_added(vigilia: Any, more: tuple[str, ...], says: str) -> None:
    result = vigilia("staff", "add", *NOVA, *more)
    assert result.exit_code == 1 and says in result.output
