"""Settings are checked at the start, all at once, and the page says what the code reads."""

from __future__ import annotations

import pytest

from service.cli_settings import table
from service.config import Config
from service.errors import ConfigError
from tests.test_house import ROOT

GOOD = {
    "VIGILIA_SECRET_KEY": "k" * 32,
    "VIGILIA_PUBLIC_URL": "https://vigilia.example",
    "VIGILIA_TWILIO_ACCOUNT_SID": "AC1",
    "VIGILIA_TWILIO_AUTH_TOKEN": "old, new",
    "VIGILIA_TWILIO_FROM": "+5516330000001",
}


def test_good_settings_start() -> None:
    config = Config.from_env(GOOD)
    assert config.twilio_tokens == ("old", "new")


def test_every_fault_is_told_at_once() -> None:
    with pytest.raises(ConfigError) as caught:
        Config.from_env({"VIGILIA_LEASE_SECONDS": "soon", "VIGILIA_TYPO": "1"})
    text = str(caught.value)
    for name in ("LEASE_SECONDS", "TYPO", "SECRET_KEY", "PUBLIC_URL", "TWILIO_ACCOUNT_SID"):
        assert f"VIGILIA_{name}" in text


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("VIGILIA_LEASE_SECONDS", "20"),
        ("VIGILIA_LEASE_SECONDS", "\u0663\u0660"),
        ("VIGILIA_SECURE_COOKIES", "maybe"),
        ("VIGILIA_DATABASE_URL", "mysql://x"),
        ("VIGILIA_SECRET_KEY", "short"),
        ("VIGILIA_PUBLIC_URL", "vigilia.example"),
        ("VIGILIA_TWILIO_API_BASE", "ftp://x"),
        ("VIGILIA_TEMPLATES_DIR", "/no/such/folder"),
    ],
)
def test_a_wrong_value_is_named(name: str, value: str) -> None:
    with pytest.raises(ConfigError, match=name):
        Config.from_env({**GOOD, name: value})


def test_protocol_commands_need_nothing() -> None:
    assert Config.from_env({}, needs_carrier=False).database_url == "sqlite:///vigilia.db"


def test_the_page_says_what_the_code_reads() -> None:
    page = (ROOT / "docs" / "reference" / "settings.md").read_text()
    assert table() in page, "run `vigilia settings` and put its table into docs/reference/settings.md"
