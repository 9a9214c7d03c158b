"""Triage says what it fired on as data; what older rows said in English is kept as it was said."""

import sqlalchemy as sa
from alembic import op

revision = "0006_findings"
down_revision = "0002_append_only"


def upgrade() -> None:
    # The default serves a process of the version before, which does not know the column.
    op.add_column("triage_hit", sa.Column("findings", sa.JSON(), nullable=False, server_default="[]"))
    # One statement: the table is locked until the end, and a fever's triage waits for it.
    json = "json_build_" if op.get_bind().dialect.name == "postgresql" else "json_"
    op.execute(
        f"UPDATE triage_hit SET findings = {json}array({json}object('kind', 'said', 'value', why, 'detail', ''))"
    )


def downgrade() -> None:
    op.drop_column("triage_hit", "findings")
