"""Alembic's environment: the engine comes from `service.migrate`, on the command line from the settings."""

from __future__ import annotations

from alembic import context

import service.models  # noqa: F401
from service.config import Config
from service.db import Base, make_engine


def run() -> None:
    connection = context.config.attributes.get("connection")
    if connection is not None:
        _migrate(connection)
        return
    engine = make_engine(Config.from_env(needs_carrier=False).database_url)
    with engine.connect() as connection:
        _migrate(connection)
        connection.commit()


def _migrate(connection) -> None:
    context.configure(
        connection=connection,
        target_metadata=Base.metadata,
        render_as_batch=connection.dialect.name == "sqlite",
        compare_type=True,
    )
    with context.begin_transaction():
        context.run_migrations()


run()
