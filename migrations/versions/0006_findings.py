"""Triage says what it fired on as data; what older rows said in English is kept as it was said."""

import sqlalchemy as sa
from alembic import op

revision = "0006_findings"
down_revision = "0002_append_only"


def upgrade() -> None:
    # The default serves a process of the version before, which does not know the column.
    op.add_column("triage_hit", sa.Column("findings", sa.JSON(), nullable=False, server_default="[]"))
    hits = sa.table("triage_hit", sa.column("id"), sa.column("why"), sa.column("findings", sa.JSON()))
    connection = op.get_bind()
    for row in connection.execute(sa.select(hits.c.id, hits.c.why)).all():
        said = [{"kind": "said", "value": row.why, "detail": ""}]
        connection.execute(hits.update().where(hits.c.id == row.id).values(findings=said))


def downgrade() -> None:
    op.drop_column("triage_hit", "findings")
