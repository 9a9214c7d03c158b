"""Migrations: upgrade, and the check that models and migrations say the same."""

from __future__ import annotations

from pathlib import Path

from alembic import command
from alembic.autogenerate import compare_metadata
from alembic.config import Config as AlembicConfig
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Engine

import migrations
import service.models  # noqa: F401
from service.db import Base


def _config() -> AlembicConfig:
    config = AlembicConfig()
    config.set_main_option("script_location", str(Path(migrations.__file__).parent))
    return config


def upgrade(engine: Engine, revision: str = "head") -> None:
    """Bring the database to `revision`, in one transaction; nothing happens when it is there already."""
    config = _config()
    with engine.begin() as connection:
        config.attributes["connection"] = connection
        command.upgrade(config, revision)


def downgrade(engine: Engine, revision: str) -> None:
    """Take migrations back to `revision` ("base": all)."""
    config = _config()
    with engine.begin() as connection:
        config.attributes["connection"] = connection
        command.downgrade(config, revision)


def head() -> str:
    """The newest migration's name."""
    found = ScriptDirectory.from_config(_config()).get_current_head()
    assert found is not None
    return found


def current(engine: Engine) -> str | None:
    """The migration that the database is at; None for an empty database."""
    with engine.connect() as connection:
        return MigrationContext.configure(connection).get_current_revision()


def is_behind(engine: Engine) -> str | None:
    """The migration the database is at ("nothing" for none) when this version needs a later one, else None.

    A migration that this version does not know is a newer version's, and that one only adds as long as old processes
    live: the two run side by side.
    """
    at, scripts = current(engine), ScriptDirectory.from_config(_config())
    if at is None:
        return "nothing"
    known = {script.revision for script in scripts.walk_revisions()}
    return at if at in known and at != scripts.get_current_head() else None


def differences(engine: Engine) -> list[str]:
    """Where the models and an upgraded database differ, one sentence each."""
    with engine.connect() as connection:
        context = MigrationContext.configure(connection, opts={"compare_type": True})
        return [str(one) for one in compare_metadata(context, Base.metadata)]
